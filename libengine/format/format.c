/* format.c - opening, reading and writing in any form: what does not depend on
 * which.
 *
 * Owns where a reader is, so that every complaint says it the same way.  The
 * forms own what the bytes mean. */
#include "format/format.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/fault.h"
#include "base/memory.h"
#include "format/layout.h"

enum { RECORD_MAX = 1 << 30 }; /* bytes, if the options do not say */

static const struct evl_format_info infos[] = {
#define FORMAT(name, called, all, binary, summary) { called, summary, all, binary },
#include <evl/formats.def>
#undef FORMAT
};
enum { FORMAT_COUNT = sizeof infos / sizeof infos[0] };

static const struct format *format_of(enum evl_format_kind kind)
{
    switch (kind) {
    case EVL_FORMAT_LINE: return &format_line;
    case EVL_FORMAT_TSV: return &format_tsv;
    case EVL_FORMAT_JSON: return &format_json;
    case EVL_FORMAT_MSGPACK: return &format_msgpack;
    case EVL_FORMAT_FRAME: return &format_frame;
    case EVL_FORMAT_RAW: return &format_raw;
    case EVL_FORMAT_BATCH: return &format_batch;
    case EVL_FORMAT_STRING: return &format_string;
    }
    check_failed("a kind of format", __FILE__, __LINE__);
}

const struct evl_format_info *evl_format_info(enum evl_format_kind kind)
{
    return (int)kind >= 0 && (int)kind < FORMAT_COUNT ? &infos[kind] : NULL;
}

enum evl_error evl_format_find(const char *name, enum evl_format_kind *kind)
{
    struct evl_buffer names = { 0 };
    for (int k = 0; k < FORMAT_COUNT; k++) {
        if (k == EVL_FORMAT_STRING)
            continue;
        if (strcmp(infos[k].name, name) == 0) {
            *kind = (enum evl_format_kind)k;
            buf_release(&names);
            return EVL_OK;
        }
        buf_print(&names, " %s", infos[k].name);
    }
    enum evl_error err =
        fail(EVL_ERR_USAGE, "no record format is called '%s'; there are%s", name, buf_text(&names));
    buf_release(&names);
    return err;
}

static struct evl_format_options format_defaults(const struct evl_format_options *options)
{
    struct evl_format_options filled = *options;
    if (!filled.delimiter.at || filled.kind != EVL_FORMAT_LINE)
        filled.delimiter = evl_text("\n");
    if (filled.key_delimiter.count == 0 || filled.kind != EVL_FORMAT_LINE)
        filled.key_delimiter = evl_bytes(NULL, 0);
    if (filled.record_max == 0)
        filled.record_max = RECORD_MAX;
    return filled;
}

static enum evl_error format_options_check(const struct evl_format_options *options)
{
    if (options->delimiter.at && options->delimiter.count == 0)
        return fail(EVL_ERR_USAGE, "an empty delimiter ends nothing");
    if (options->kind == EVL_FORMAT_STRING && !options->string)
        return fail(EVL_ERR_USAGE, "no format string");
    return EVL_OK;
}

/* ---- reading ------------------------------------------------------------- */

enum evl_error evl_format_reader_open(const struct evl_format_options *options,
                                      struct evl_format_reader **reader)
{
    enum evl_error err = format_options_check(options);
    if (err)
        return err;
    struct evl_format_reader *r = memory_take(1, sizeof *r);
    r->options = format_defaults(options);
    r->format = format_of(options->kind);
    if (r->format->open_reader)
        err = r->format->open_reader(r);
    if (err) {
        evl_format_reader_close(r);
        return err;
    }
    *reader = r;
    return EVL_OK;
}

void evl_format_reader_close(struct evl_format_reader *reader)
{
    if (!reader)
        return;
    buf_release(&reader->text);
    memory_free(reader->headers.at);
    columns_release(&reader->columns);
    layout_free(reader->layout);
    memory_free(reader);
}

void evl_format_reader_restart(struct evl_format_reader *r)
{
    r->records = r->bytes = r->lines = 0;
    r->scanned = 0;
    r->skip = 0;
    r->skipping = r->done = r->ended = false;
    r->lost = NULL;
    r->tally = (struct tally){ 0 };
}

bool evl_format_reader_ended(const struct evl_format_reader *reader) { return reader->ended; }

/* Lines are counted where people count them. */
static bool format_has_lines(const struct evl_format_options *options)
{
    return !infos[options->kind].binary && options->delimiter.count == 1 &&
           options->delimiter.at[0] == '\n';
}

enum evl_error format_where(const struct evl_format_reader *r, enum evl_error err)
{
    if (!format_has_lines(&r->options))
        return failed(err, "record %" PRId64 " (byte %" PRId64 ")", r->records + 1, r->bytes);
    return failed(err, "record %" PRId64 " (byte %" PRId64 ", line %" PRId64 ")", r->records + 1,
                  r->bytes, r->lines + 1);
}

static void format_pass(struct evl_format_reader *r, struct evl_bytes *input, size_t step)
{
    if (step == 0)
        return;
    input->at += step;
    input->count -= step;
    r->bytes += (int64_t)step;
    r->scanned = 0;
}

enum evl_error evl_format_read(struct evl_format_reader *r, struct evl_bytes input, bool last,
                               size_t *used, struct evl_record *record, bool *got)
{
    const size_t count = input.count;
    enum evl_error err;
    size_t step;
    if (!input.at)
        input = evl_text("");
    *got = false;
    *used = 0;
    if (!r->format->take)
        return fail(EVL_ERR_USAGE, "batches are read whole, not record by record");
    do {
        step = 0;
        int64_t lines = r->lines;
        err = r->lost ? fail(EVL_ERR_CORRUPT, "%s", r->lost)
                      : r->format->take(r, input, last, &step, record, got);
        if (err) {
            int64_t passed = r->lines;
            r->lines = lines;
            err = format_where(r, err);
            r->lines = passed;
        }
        format_pass(r, &input, step);
    } while (!err && !*got && step > 0);
    if (*got || (err && step > 0)) {
        r->records++;
        r->ended = false;
    }
    *used = count - input.count;
    return err;
}

/* Look for the delimiter behind what was looked at before. */
static const uint8_t *format_find_delimiter(const struct evl_format_reader *r,
                                            struct evl_bytes input)
{
    struct evl_bytes delimiter = r->options.delimiter;
    const uint8_t *from = input.at + r->scanned;
    size_t count = input.count - r->scanned;
    if (count == 0)
        return NULL;
    if (delimiter.count == 1)
        return memchr(from, delimiter.at[0], count);
    return memmem(from, count, delimiter.at, delimiter.count);
}

/* There is no delimiter in the input.  What may be part of one stays. */
static enum evl_error format_no_delimiter(struct evl_format_reader *r, struct evl_bytes input,
                                          bool last, size_t *used)
{
    size_t part = r->options.delimiter.count - 1;
    size_t clear = last ? input.count : input.count > part ? input.count - part : 0;
    if (r->skipping) {
        *used = clear;
        return EVL_OK;
    }
    r->scanned = clear;
    if (clear <= r->options.record_max)
        return EVL_OK;
    r->skipping = true;
    *used = clear;
    return format_too_large(r);
}

enum evl_error format_find_line(struct evl_format_reader *r, struct evl_bytes input, bool last,
                                size_t *used, struct evl_bytes *line, bool *found)
{
    const uint8_t *end = format_find_delimiter(r, input);
    if (!end && (!last || r->skipping || input.count > r->options.record_max))
        return format_no_delimiter(r, input, last, used);
    if (!end && input.count == 0)
        return EVL_OK;
    *line = evl_bytes(input.at, end ? (size_t)(end - input.at) : input.count);
    *used = line->count + (end ? r->options.delimiter.count : 0);
    r->lines++;
    if (r->skipping) {
        r->skipping = false;
        return EVL_OK;
    }
    if (line->count > r->options.record_max)
        return format_too_large(r);
    *found = true;
    return EVL_OK;
}

enum evl_error format_take_line(struct evl_format_reader *r, struct evl_bytes input, bool last,
                                size_t *used, struct evl_record *record, bool *got)
{
    struct evl_bytes line;
    bool found = false;
    enum evl_error err = format_find_line(r, input, last, used, &line, &found);
    return err || !found ? err : r->format->parse(r, line, record, got);
}

enum evl_error format_too_large(const struct evl_format_reader *r)
{
    return fail(EVL_ERR_TOO_LARGE, "larger than %zu bytes", r->options.record_max);
}

enum evl_error format_lost(struct evl_format_reader *r, const char *why)
{
    r->lost = why;
    return fail(EVL_ERR_CORRUPT, "%s", why);
}

void tally_add(struct tally *tally, struct evl_bytes bytes)
{
    tally->count++;
    tally->crc = crc32c(tally->crc, bytes.at, bytes.count);
}

enum evl_error format_end(struct evl_format_reader *r, uint64_t count, uint64_t crc)
{
    struct tally tally = r->tally;
    r->tally = (struct tally){ 0 };
    if (count != tally.count)
        return fail(EVL_ERR_CORRUPT,
                    "the end mark counts %" PRIu64 " records, %" PRIu64 " came before it", count,
                    tally.count);
    if (crc != tally.crc)
        return fail(EVL_ERR_CORRUPT, "the end mark's checksum differs from that of the records");
    r->ended = true;
    return EVL_OK;
}

struct evl_header *header_list_add(struct header_list *list)
{
    if (list->count == list->room) {
        list->room = list->room ? 2 * list->room : 8;
        list->at = memory_grow(list->at, list->room, sizeof *list->at);
    }
    return &list->at[list->count++];
}

bool format_is_null_text(const struct evl_format_options *options, struct evl_bytes field)
{
    return options->null_text && field.at && evl_bytes_equal(field, evl_text(options->null_text));
}

void format_apply_null(const struct evl_format_options *options, struct evl_record *record)
{
    if (!options->null_text)
        return;
    if (format_is_null_text(options, record->key))
        record->key = evl_bytes(NULL, 0);
    if (format_is_null_text(options, record->value))
        record->value = evl_bytes(NULL, 0);
}

/* ---- writing ------------------------------------------------------------- */

enum evl_error evl_format_writer_open(const struct evl_format_options *options,
                                      struct evl_format_writer **writer)
{
    enum evl_error err = format_options_check(options);
    if (err)
        return err;
    struct evl_format_writer *w = memory_take(1, sizeof *w);
    w->options = format_defaults(options);
    w->format = format_of(options->kind);
    if (w->format->open_writer)
        err = w->format->open_writer(w);
    if (err) {
        evl_format_writer_close(w);
        return err;
    }
    *writer = w;
    return EVL_OK;
}

void evl_format_writer_close(struct evl_format_writer *writer)
{
    if (!writer)
        return;
    columns_release(&writer->columns);
    layout_free(writer->layout);
    memory_free(writer);
}

enum evl_error evl_format_write(struct evl_format_writer *w, const struct evl_record *record,
                                struct evl_buffer *out)
{
    if (!w->format->write)
        return fail(EVL_ERR_USAGE, "batches are written whole, not record by record");
    w->records++;
    return w->format->write(w, record, out);
}

void evl_format_write_end(struct evl_format_writer *w, struct evl_buffer *out)
{
    if (!w->options.end_mark || !w->format->write_end)
        return;
    w->format->write_end(w, out);
    w->tally = (struct tally){ 0 };
}

enum evl_format_loss evl_format_loss(const struct evl_format_writer *w,
                                     const struct evl_record *record, const char **why)
{
    return w->format->loss ? w->format->loss(w, record, why) : EVL_KEEPS_ALL;
}
