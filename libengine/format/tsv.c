/* tsv.c - columns between tabs, a record a line, escaped as PostgreSQL's COPY
 * does:
 *
 *     \N              null, if it is the whole field; also what is not known
 *     \t \n \r \b \f \v \\
 *     \xHH            a byte; written for other control characters and for
 *                     what is not UTF-8, so that the output is text
 *     \NNN            a byte in octal, \c any other character c: read only
 *
 * Columns: topic partition offset timestamp (milliseconds) timestamp_type
 * (create, append) key value headers (header_text.h), and header:NAME for the
 * last header of that name.  With all but the last everything comes back. */
#include <inttypes.h>

#include "base/fault.h"
#include "base/utf8.h"
#include "format/binary_text.h"
#include "format/format.h"
#include "format/header_text.h"

/* ---- writing ------------------------------------------------------------- */

/* The letter behind the backslash for a byte; 'x' for \xHH, 0 for itself. */
static char tsv_letter(uint8_t c)
{
    switch (c) {
    case '\b': return 'b';
    case '\t': return 't';
    case '\n': return 'n';
    case '\v': return 'v';
    case '\f': return 'f';
    case '\r': return 'r';
    case '\\': return '\\';
    default: return c < 0x20 || c == 0x7f ? 'x' : 0;
    }
}

static void tsv_escape(struct evl_buffer *out, uint8_t c, char letter)
{
    buf_add_byte(out, '\\');
    buf_add_byte(out, (uint8_t)letter);
    if (letter == 'x')
        hex_print(out, evl_bytes(&c, 1));
}

/* How many bytes from p on are written as they are. */
static size_t tsv_plain(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *begin = p;
    p += utf8_plain_run(p, end, '\\', 0x7f, 0x7f);
    while (p < end && *p >= 0x20 && *p < 0x7f && *p != '\\')
        p++;
    return (size_t)(p - begin);
}

static void tsv_add(struct evl_buffer *out, struct evl_bytes field)
{
    if (!field.at) {
        buf_add_text(out, "\\N");
        return;
    }
    const uint8_t *p = field.at;
    const uint8_t *end = p + field.count;
    while (p < end) {
        size_t plain = tsv_plain(p, end);
        buf_add(out, p, plain);
        p += plain;
        if (p == end)
            break;
        int length = utf8_length(p, end);
        char letter = length == 0 ? 'x' : tsv_letter(*p);
        if (letter)
            tsv_escape(out, *p, letter);
        else
            buf_add(out, p, (size_t)length);
        p += length ? length : 1;
    }
}

static void tsv_add_number(struct evl_buffer *out, int64_t value, int64_t unknown)
{
    if (value == unknown)
        buf_add_text(out, "\\N");
    else
        decimal_print(out, value);
}

static struct evl_bytes tsv_header(const struct evl_record *record, struct evl_bytes name)
{
    for (size_t i = record->header_count; i-- > 0;)
        if (evl_bytes_equal(record->headers[i].name, name))
            return record->headers[i].value;
    return evl_bytes(NULL, 0);
}

static void tsv_add_column(struct evl_buffer *out, const struct column *column,
                           const struct evl_record *record)
{
    switch (column->kind) {
    case COLUMN_TOPIC: tsv_add(out, record->topic); break;
    case COLUMN_PARTITION: tsv_add_number(out, record->partition, -1); break;
    case COLUMN_OFFSET: tsv_add_number(out, record->offset, -1); break;
    case COLUMN_TIMESTAMP: tsv_add_number(out, record->timestamp, EVL_NO_TIMESTAMP); break;
    case COLUMN_TIMESTAMP_TYPE:
        buf_add_text(out, record->timestamp_type == EVL_APPEND_TIME ? "append" : "create");
        break;
    case COLUMN_KEY: tsv_add(out, record->key); break;
    case COLUMN_VALUE: tsv_add(out, record->value); break;
    case COLUMN_HEADERS: header_text_print(out, record->headers, record->header_count); break;
    case COLUMN_HEADER: tsv_add(out, tsv_header(record, column->name)); break;
    }
}

static enum evl_error tsv_write(struct evl_format_writer *w, const struct evl_record *record,
                                struct evl_buffer *out)
{
    for (size_t i = 0; i < w->columns.count; i++) {
        if (i > 0)
            buf_add_byte(out, '\t');
        tsv_add_column(out, &w->columns.at[i], record);
    }
    buf_add_byte(out, '\n');
    return EVL_OK;
}

static enum evl_format_loss tsv_loss(const struct evl_format_writer *w,
                                     const struct evl_record *record, const char **why)
{
    const struct columns *columns = &w->columns;
    if (record->key.at && !columns_have(columns, COLUMN_KEY))
        *why = "the key is left out";
    else if (!columns_have(columns, COLUMN_VALUE))
        *why = "the value is left out";
    else if (record->header_count > 0 && !columns_have(columns, COLUMN_HEADERS))
        *why = "the headers are left out";
    else
        return EVL_KEEPS_ALL;
    return EVL_LEAVES_OUT;
}

/* ---- reading ------------------------------------------------------------- */

/* The byte that an escape in octal means; at most three digits. */
static const uint8_t *tsv_octal(const uint8_t *p, const uint8_t *end, uint8_t *byte)
{
    unsigned sum = 0;
    for (int i = 0; i < 3 && p < end && *p >= '0' && *p <= '7'; i++)
        sum = sum * 8 + (unsigned)(*p++ - '0');
    *byte = (uint8_t)sum;
    return p;
}

static const uint8_t *tsv_hex(const uint8_t *p, const uint8_t *end, uint8_t *byte)
{
    unsigned sum = 0;
    int i = 0;
    for (; i < 2 && p < end && hex_digit(*p) >= 0; i++)
        sum = sum * 16 + (unsigned)hex_digit(*p++);
    *byte = i > 0 ? (uint8_t)sum : 'x'; /* \x alone is an x, as COPY reads it */
    return p;
}

/* p is behind a backslash. */
static const uint8_t *tsv_unescape_one(const uint8_t *p, const uint8_t *end, uint8_t *byte)
{
    static const char letters[] = "btnvfr";
    static const char bytes[] = "\b\t\n\v\f\r";
    if (*p >= '0' && *p <= '7')
        return tsv_octal(p, end, byte);
    if (*p == 'x')
        return tsv_hex(p + 1, end, byte);
    const char *letter = *p ? strchr(letters, *p) : NULL;
    *byte = letter ? (uint8_t)bytes[letter - letters] : *p;
    return p + 1;
}

static enum evl_error tsv_unescape(struct evl_buffer *room, struct evl_bytes field,
                                   struct evl_bytes *plain)
{
    size_t begin = room->count;
    const uint8_t *p = field.at;
    const uint8_t *end = p + field.count;
    while (p < end) {
        uint8_t byte = *p++;
        if (byte == '\\') {
            if (p == end)
                return fail(EVL_ERR_CORRUPT, "a field ends in a backslash");
            p = tsv_unescape_one(p, end, &byte);
        }
        buf_add_byte(room, byte);
    }
    *plain = evl_bytes(room->at + begin, room->count - begin);
    return EVL_OK;
}

/* Null if it is \N; otherwise the bytes that it means. */
static enum evl_error tsv_field(struct evl_format_reader *r, struct evl_bytes field,
                                struct evl_bytes *plain)
{
    *plain = field;
    if (field.count > 0 && memchr(field.at, '\\', field.count)) {
        if (field.count == 2 && field.at[1] == 'N') {
            *plain = evl_bytes(NULL, 0);
            return EVL_OK;
        }
        enum evl_error err = tsv_unescape(&r->text, field, plain);
        if (err)
            return err;
    }
    if (format_is_null_text(&r->options, *plain))
        *plain = evl_bytes(NULL, 0);
    return EVL_OK;
}

static enum evl_error tsv_number(struct evl_bytes field, int64_t unknown, int64_t least,
                                 int64_t most, int64_t *value)
{
    *value = unknown;
    if (!field.at)
        return EVL_OK;
    if (!decimal_parse(field, value) || *value < least || *value > most)
        return fail(EVL_ERR_CORRUPT, "not a number from %" PRId64 " to %" PRId64, least, most);
    return EVL_OK;
}

static enum evl_error tsv_partition(struct evl_bytes field, struct evl_record *record)
{
    int64_t value;
    enum evl_error err = tsv_number(field, -1, 0, INT32_MAX, &value);
    if (!err)
        record->partition = (int32_t)value;
    return err;
}

static enum evl_error tsv_timestamp_type(struct evl_bytes field, struct evl_record *record)
{
    if (evl_bytes_equal(field, evl_text("append")))
        record->timestamp_type = EVL_APPEND_TIME;
    else if (field.at && !evl_bytes_equal(field, evl_text("create")))
        return fail(EVL_ERR_CORRUPT, "neither create nor append");
    return EVL_OK;
}

static enum evl_error tsv_headers(struct evl_format_reader *r, struct evl_bytes field)
{
    if (field.at && !header_text_parse(field, &r->text, &r->headers))
        return fail(EVL_ERR_CORRUPT, "not of the form name=value,name=value");
    return EVL_OK;
}

static enum evl_error tsv_set(struct evl_format_reader *r, const struct column *column,
                              struct evl_bytes field, struct evl_record *record)
{
    switch (column->kind) {
    case COLUMN_TOPIC: record->topic = field; return EVL_OK;
    case COLUMN_PARTITION: return tsv_partition(field, record);
    case COLUMN_OFFSET: return tsv_number(field, -1, 0, INT64_MAX, &record->offset);
    case COLUMN_TIMESTAMP:
        return tsv_number(field, EVL_NO_TIMESTAMP, INT64_MIN + 1, INT64_MAX, &record->timestamp);
    case COLUMN_TIMESTAMP_TYPE: return tsv_timestamp_type(field, record);
    case COLUMN_KEY: record->key = field; return EVL_OK;
    case COLUMN_VALUE: record->value = field; return EVL_OK;
    case COLUMN_HEADERS: return tsv_headers(r, field);
    case COLUMN_HEADER:
        if (field.at)
            *header_list_add(&r->headers) = (struct evl_header){ column->name, field };
        return EVL_OK;
    }
    return EVL_OK;
}

static enum evl_error tsv_parse(struct evl_format_reader *r, struct evl_bytes line,
                                struct evl_record *record, bool *got)
{
    const uint8_t *p = line.at;
    const uint8_t *end = p + line.count;
    *record = EVL_RECORD_NONE;
    r->headers.count = 0;
    buf_clear(&r->text);
    buf_room(&r->text, 2 * line.count); /* an escaped field, and the headers in it: it stays put */
    for (size_t i = 0; i < r->columns.count; i++) {
        bool is_last = i + 1 == r->columns.count;
        const uint8_t *tab = memchr(p, '\t', (size_t)(end - p));
        if (!tab != is_last)
            return fail(EVL_ERR_CORRUPT, "%s than %zu columns; --columns says which there are",
                        tab ? "more" : "less", r->columns.count);
        struct evl_bytes field = { p, (size_t)((tab ? tab : end) - p) };
        struct evl_bytes plain;
        enum evl_error err = tsv_field(r, field, &plain);
        if (!err)
            err = tsv_set(r, &r->columns.at[i], plain, record);
        if (err)
            return failed(err, "column %zu", i + 1);
        p = tab ? tab + 1 : end;
    }
    record->headers = r->headers.at;
    record->header_count = r->headers.count;
    *got = true;
    return EVL_OK;
}

static const char *tsv_columns(const struct evl_format_options *options)
{
    return options->columns ? options->columns : "key,value";
}

static enum evl_error tsv_open_reader(struct evl_format_reader *r)
{
    return columns_parse(tsv_columns(&r->options), &r->columns);
}

static enum evl_error tsv_open_writer(struct evl_format_writer *w)
{
    return columns_parse(tsv_columns(&w->options), &w->columns);
}

const struct format format_tsv = {
    .open_reader = tsv_open_reader,
    .open_writer = tsv_open_writer,
    .take = format_take_line,
    .parse = tsv_parse,
    .write = tsv_write,
    .loss = tsv_loss,
};
