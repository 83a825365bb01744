/* frame.c - two forms that carry bytes as they are.
 *
 * A frame:
 *
 *   OFFSET  SIZE  WHAT
 *        0     4  length of the value, signed, big-endian; -1: a null value
 *        4     -  the value
 *
 * -1 is how Kafka's own messages write null bytes.  Any other negative length
 * is a mistake, after which nobody can tell frames apart.
 *
 * Raw: the value and nothing else.  Reading, all there is is one record; it may
 * be empty, it is never null. */
#include "base/endian.h"
#include "base/fault.h"
#include "format/format.h"

enum { FRAME_HEAD = 4 };

/* Go past what is left of a frame that was too large. */
static bool frame_skip(struct evl_format_reader *r, struct evl_bytes input, size_t *used)
{
    if (r->skip == 0)
        return false;
    *used = r->skip < input.count ? (size_t)r->skip : input.count;
    r->skip -= *used;
    return true;
}

static enum evl_error frame_take(struct evl_format_reader *r, struct evl_bytes input, bool last,
                                 size_t *used, struct evl_record *record, bool *got)
{
    if (frame_skip(r, input, used))
        return EVL_OK;
    int32_t length = input.count >= FRAME_HEAD ? get_i32(input.at) : 0;
    if (length < -1)
        return format_lost(r, "a frame cannot have such a length");
    size_t size = FRAME_HEAD + (length > 0 ? (size_t)length : 0);
    if (size - FRAME_HEAD > r->options.record_max) {
        *used = input.count < size ? input.count : size;
        r->skip = size - *used;
        return format_too_large(r);
    }
    if (input.count < size)
        return last && input.count > 0 ? format_lost(r, "the last frame is cut off") : EVL_OK;
    *record = EVL_RECORD_NONE;
    if (length >= 0)
        record->value = evl_bytes(input.at + FRAME_HEAD, (size_t)length);
    *used = size;
    *got = true;
    return EVL_OK;
}

static enum evl_error frame_write(struct evl_format_writer *w, const struct evl_record *record,
                                  struct evl_buffer *out)
{
    (void)w;
    if (record->value.count > INT32_MAX)
        return fail(EVL_ERR_TOO_LARGE, "a frame holds 2 GiB at most");
    put_i32(buf_room(out, FRAME_HEAD), record->value.at ? (int32_t)record->value.count : -1);
    out->count += FRAME_HEAD;
    buf_add_bytes(out, record->value);
    return EVL_OK;
}

static enum evl_format_loss frame_loss(const struct evl_format_writer *w,
                                       const struct evl_record *record, const char **why)
{
    (void)w;
    *why = record->header_count > 0 ? "the headers are left out"
           : record->key.at         ? "the key is left out"
                                    : NULL;
    return *why ? EVL_LEAVES_OUT : EVL_KEEPS_ALL;
}

const struct format format_frame = { .take = frame_take, .write = frame_write, .loss = frame_loss };

static enum evl_error raw_take(struct evl_format_reader *r, struct evl_bytes input, bool last,
                               size_t *used, struct evl_record *record, bool *got)
{
    if (r->skipping || input.count > r->options.record_max) {
        bool known = r->skipping;
        *used = input.count;
        r->skipping = r->done = true;
        return known ? EVL_OK : format_too_large(r);
    }
    if (!last || r->done)
        return EVL_OK;
    *record = EVL_RECORD_NONE;
    record->value = evl_bytes(input.at ? input.at : (const uint8_t *)"", input.count);
    *used = input.count;
    *got = r->done = true;
    return EVL_OK;
}

static enum evl_error raw_write(struct evl_format_writer *w, const struct evl_record *record,
                                struct evl_buffer *out)
{
    (void)w;
    buf_add_bytes(out, record->value);
    return EVL_OK;
}

static enum evl_format_loss raw_loss(const struct evl_format_writer *w,
                                     const struct evl_record *record, const char **why)
{
    if (w->records > 0)
        *why = "nothing divides one value from the next";
    else if (!record->value.at)
        *why = "a null value looks like an empty one";
    else
        return frame_loss(w, record, why);
    return EVL_MISLEADS;
}

const struct format format_raw = { .take = raw_take, .write = raw_write, .loss = raw_loss };
