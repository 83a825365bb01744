/* batch_form.c - whole record batches, as they are on disk and on the wire,
 * each behind a locator that says what they do not: of which topic and
 * partition.
 *
 *   OFFSET  SIZE  WHAT (big-endian)
 *        0     4  "EVB1"
 *        4     4  size of the batch in bytes
 *        8     4  partition; -1: not said
 *       12     8  base offset        as the batch has it
 *       20     4  last offset delta  as the batch has it
 *       24     1  length of the topic's name; 0: not said
 *       25     3  zero
 *       28     4  CRC-32C of bytes 0 to 27, the name, and the batch's first 21
 *       32     -  the topic's name
 *        -     -  the batch (record/batch.h)
 *
 * A batch's own checksum begins at its byte 21; offset and epoch before it are
 * the leader's to change.  The locator's covers those, so every byte of the
 * stream is under one checksum or the other.  Who looks for offsets needs the
 * locators only. */
#include <inttypes.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/fault.h"
#include "format/format.h"
#include "record/batch.h"

enum {
    LOCATOR_SIZE = 32,
    LOCATOR_CRC = 28, /* where it is; and how many bytes before it are under it */
    BATCH_OPEN = 21,  /* bytes of a batch that its own checksum leaves open */
    TOPIC_NAME_MAX = 249,
};

static const char locator_magic[4] = { 'E', 'V', 'B', '1' };

struct locator {
    int32_t size, partition, last_delta;
    int64_t base_offset;
    uint8_t name_length;
};

static uint32_t locator_crc(const uint8_t *locator, struct evl_bytes name, const uint8_t *batch)
{
    uint32_t crc = crc32c(0, locator, LOCATOR_CRC);
    crc = crc32c(crc, name.at, name.count);
    return crc32c(crc, batch, BATCH_OPEN);
}

static struct locator locator_get(const uint8_t *at)
{
    return (struct locator){ .size = get_i32(at + 4),
                             .partition = get_i32(at + 8),
                             .base_offset = get_i64(at + 12),
                             .last_delta = get_i32(at + 20),
                             .name_length = at[24] };
}

static void locator_put(uint8_t *at, const struct locator *locator)
{
    memset(at, 0, LOCATOR_SIZE);
    memcpy(at, locator_magic, sizeof locator_magic);
    put_i32(at + 4, locator->size);
    put_i32(at + 8, locator->partition);
    put_i64(at + 12, locator->base_offset);
    put_i32(at + 20, locator->last_delta);
    at[24] = locator->name_length;
}

static enum evl_error batch_form_cut(struct evl_format_reader *r, bool last, struct evl_bytes input)
{
    return last && input.count > 0 ? format_lost(r, "the last batch is cut off") : EVL_OK;
}

/* Locator and batch tell the same story. */
static enum evl_error batch_form_view(const struct locator *locator, const uint8_t *at,
                                      struct evl_batch_view *view)
{
    struct batch head;
    const uint8_t *name = at + LOCATOR_SIZE;
    struct evl_bytes bytes = { name + locator->name_length, (size_t)locator->size };
    enum evl_error err = batch_head(bytes, &head);
    if (err)
        return err;
    if (head.size != locator->size || head.base_offset != locator->base_offset ||
        head.last_offset - head.base_offset != locator->last_delta)
        return fail(EVL_ERR_CORRUPT, "the locator is of another batch");
    *view = (struct evl_batch_view){ .partition = locator->partition,
                                     .bytes = bytes,
                                     .base_offset = head.base_offset,
                                     .last_offset = head.last_offset };
    if (locator->name_length > 0)
        view->topic = evl_bytes(name, locator->name_length);
    return EVL_OK;
}

static enum evl_error batch_form_take(struct evl_format_reader *r, struct evl_bytes input,
                                      bool last, size_t *used, struct evl_batch_view *view,
                                      bool *got)
{
    if (input.count < LOCATOR_SIZE)
        return batch_form_cut(r, last, input);
    struct locator locator = locator_get(input.at);
    if (memcmp(input.at, locator_magic, sizeof locator_magic) != 0)
        return format_lost(r, "no batch with a locator begins here");
    if (locator.size < BATCH_HEAD || locator.name_length > TOPIC_NAME_MAX)
        return format_lost(r, "no batch can have such a locator");
    if ((size_t)locator.size > r->options.record_max) {
        r->lost = "the batch before is too large";
        return format_too_large(r);
    }
    size_t size = LOCATOR_SIZE + (size_t)locator.name_length + (size_t)locator.size;
    if (input.count < size)
        return batch_form_cut(r, last, input);
    struct evl_bytes name = { input.at + LOCATOR_SIZE, locator.name_length };
    if (locator_crc(input.at, name, name.at + name.count) != get_u32(input.at + LOCATOR_CRC))
        return format_lost(r, "the locator's checksum differs");
    *used = size;
    enum evl_error err = batch_form_view(&locator, input.at, view);
    *got = !err;
    return err;
}

enum evl_error evl_format_read_batch(struct evl_format_reader *r, struct evl_bytes input, bool last,
                                     size_t *used, struct evl_batch_view *view, bool *got)
{
    *used = 0;
    *got = false;
    if (r->options.kind != EVL_FORMAT_BATCH)
        return fail(EVL_ERR_USAGE, "this form has no batches");
    if (!input.at)
        input = evl_text("");
    enum evl_error err = r->lost ? fail(EVL_ERR_CORRUPT, "%s", r->lost)
                                 : batch_form_take(r, input, last, used, view, got);
    if (err)
        err = format_where(r, err);
    r->records += *used > 0;
    r->bytes += (int64_t)*used;
    return err;
}

/* Messages from before there were batches could be written, but never read. */
static enum evl_error view_is_new(const struct evl_batch_view *view)
{
    int32_t size;
    int8_t magic;
    if (view->bytes.count < BATCH_PEEK)
        return EVL_OK; /* it is told below */
    enum evl_error err = batch_peek(view->bytes.at, &size, &magic);
    if (!err && magic < BATCH_MAGIC)
        err = fail(EVL_ERR_CORRUPT,
                   "%.*s-%" PRId32 ": offset %" PRId64 ": a message of magic %d, from before Kafka "
                   "0.11, is no batch; take another form (msgpack, json, tsv)",
                   (int)view->topic.count, (const char *)view->topic.at, view->partition,
                   view->base_offset, magic);
    return err;
}

enum evl_error evl_format_write_batch(struct evl_format_writer *w,
                                      const struct evl_batch_view *view, struct evl_buffer *out)
{
    struct batch head;
    if (w->options.kind != EVL_FORMAT_BATCH)
        return fail(EVL_ERR_USAGE, "this form has no batches");
    enum evl_error err = view_is_new(view);
    if (err)
        return err;
    if (view->bytes.count < BATCH_HEAD || view->topic.count > TOPIC_NAME_MAX)
        return fail(EVL_ERR_CORRUPT, "not a batch, or not the name of a topic");
    err = batch_head(view->bytes, &head);
    if (err)
        return err;
    if ((size_t)head.size != view->bytes.count)
        return fail(EVL_ERR_CORRUPT, "a batch of %d bytes in %zu", head.size, view->bytes.count);
    struct locator locator = { .size = head.size,
                               .partition = view->partition,
                               .base_offset = head.base_offset,
                               .last_delta = (int32_t)(head.last_offset - head.base_offset),
                               .name_length = (uint8_t)view->topic.count };
    uint8_t *at = buf_room(out, LOCATOR_SIZE + view->topic.count + view->bytes.count);
    locator_put(at, &locator);
    put_u32(at + LOCATOR_CRC, locator_crc(at, view->topic, view->bytes.at));
    out->count += LOCATOR_SIZE;
    buf_add_bytes(out, view->topic);
    buf_add_bytes(out, view->bytes);
    w->records++;
    return EVL_OK;
}

const struct format format_batch = { 0 };
