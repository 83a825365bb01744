/* layout_write.c - records through a format string. */
#include <inttypes.h>
#include <time.h>

#include "base/endian.h"
#include "format/binary_text.h"
#include "format/layout.h"

/* What the steps write from. */
struct layout_source {
    const struct evl_record *record;
    const struct evl_format_options *options;
    int64_t count; /* records so far, this one too */
};

/* ---- numbers ------------------------------------------------------------- */

static int64_t layout_number(const struct layout_source *from, enum layout_field field)
{
    const struct evl_record *record = from->record;
    switch (field) {
    case LAYOUT_TOPIC_SIZE: return (int64_t)record->topic.count;
    case LAYOUT_KEY_SIZE: return (int64_t)record->key.count;
    case LAYOUT_VALUE_SIZE: return (int64_t)record->value.count;
    case LAYOUT_HEADER_COUNT: return (int64_t)record->header_count;
    case LAYOUT_PARTITION: return record->partition;
    case LAYOUT_OFFSET: return record->offset;
    case LAYOUT_LEADER_EPOCH: return record->leader_epoch;
    case LAYOUT_TIMESTAMP: return record->timestamp == EVL_NO_TIMESTAMP ? -1 : record->timestamp;
    case LAYOUT_PRODUCER_ID: return record->producer_id;
    case LAYOUT_PRODUCER_EPOCH: return record->producer_epoch;
    case LAYOUT_COUNT: return from->count;
    case LAYOUT_TIMESTAMP_TYPE: return record->timestamp_type == EVL_APPEND_TIME;
    case LAYOUT_CONTROL: return record->control;
    case LAYOUT_TOPIC:
    case LAYOUT_KEY:
    case LAYOUT_VALUE: break;
    }
    return 0;
}

/* The lowest `width` bytes. */
static void layout_add_binary(struct evl_buffer *out, int64_t value, const struct layout_op *op)
{
    for (int i = 0; i < op->width; i++) {
        int shift = 8 * (op->coding == NUMBER_BIG ? op->width - 1 - i : i);
        buf_add_byte(out, (uint8_t)((uint64_t)value >> shift));
    }
}

static void layout_add_number(struct evl_buffer *out, int64_t value, const struct layout_op *op)
{
    switch (op->coding) {
    case NUMBER_HEX: buf_print(out, "%" PRIx64, (uint64_t)value); break;
    case NUMBER_HEX_FIXED:
        for (int i = op->width - 1; i >= 0; i--)
            buf_add_byte(out, (uint8_t)hex_digits[(uint64_t)value >> (4 * i) & 15]);
        break;
    case NUMBER_BIG:
    case NUMBER_LITTLE: layout_add_binary(out, value, op); break;
    case NUMBER_BOOL: buf_add_text(out, value ? "true" : "false"); break;
    case NUMBER_ASCII:
    case NUMBER_GIVEN:
    case TEXT_PLAIN:
    case TEXT_HEX:
    case TEXT_BASE64:
    case TEXT_BASE64RAW:
    case TEXT_UNPACK:
    case TEXT_REGEX:
    case TEXT_JSON: decimal_print(out, value); break;
    }
}

/* The user says what a time looks like. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static void layout_add_time(struct evl_buffer *out, const struct layout_op *op,
                            const struct layout_source *from)
{
    int64_t ms = from->record->timestamp;
    if (ms == EVL_NO_TIMESTAMP)
        return;
    time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
    struct tm tm;
    bool ok = from->options->utc ? gmtime_r(&seconds, &tm) : localtime_r(&seconds, &tm);
    size_t room = 8 * op->text.count + 256; /* %c and its like grow, but not so much */
    if (ok)
        out->count += strftime((char *)buf_room(out, room), room, (const char *)op->text.at, &tm);
    else
        decimal_print(out, ms); /* a year that has no date */
}

#pragma GCC diagnostic pop

/* ---- unpack -------------------------------------------------------------- */

static size_t unpack_size(char letter)
{
    switch (letter) {
    case 'b':
    case 'B': return 1;
    case 'h':
    case 'H': return 2;
    case 'i':
    case 'I': return 4;
    default: return 8;
    }
}

static void unpack_number(struct evl_buffer *out, const uint8_t *p, char letter, bool little)
{
    size_t size = unpack_size(letter);
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | p[little ? size - 1 - i : i];
    unsigned shift = 64 - 8 * (unsigned)size;
    if (letter >= 'a')
        decimal_print(out, (int64_t)(value << shift) >> shift);
    else
        buf_print(out, "%" PRIu64, value);
}

/* What does not fit is said in the output, as franz-go does. */
static void unpack(struct evl_buffer *out, struct evl_bytes layout, struct evl_bytes bytes)
{
    bool little = true;
    for (size_t i = 0; i < layout.count; i++) {
        char letter = (char)layout.at[i];
        size_t size = letter == 's' ? bytes.count : strchr("c.", letter) ? 1 : unpack_size(letter);
        if (letter == '<' || letter == '>') {
            little = letter == '<';
        } else if (letter == '$') {
            buf_add_text(out, bytes.count > 0 ? "%!$(not end-of-input)" : "");
        } else if (letter != 'x' && bytes.count < size) {
            buf_print(out, "%%!%c(have %zu bytes, need %zu)", letter, bytes.count, size);
            return;
        } else if (letter != 'x') {
            if (strchr("c.s", letter))
                buf_add(out, bytes.at, size);
            else
                unpack_number(out, bytes.at, letter, little);
            bytes.at = size ? bytes.at + size : bytes.at;
            bytes.count -= size;
        }
    }
}

/* ---- steps --------------------------------------------------------------- */

static struct evl_bytes layout_text(const struct evl_record *record, enum layout_field field)
{
    return field == LAYOUT_KEY     ? record->key
           : field == LAYOUT_VALUE ? record->value
                                   : record->topic;
}

static void layout_add_text(struct evl_buffer *out, const struct layout_op *op,
                            const struct layout_source *from)
{
    struct evl_bytes text = layout_text(from->record, op->field);
    if (!text.at) {
        buf_add_bytes(out, evl_text(from->options->null_text));
        return;
    }
    switch ((int)op->coding) {
    case TEXT_HEX: hex_print(out, text); break;
    case TEXT_BASE64: base64_print(out, text, BASE64_PADDED); break;
    case TEXT_BASE64RAW: base64_print(out, text, BASE64_RAW); break;
    case TEXT_UNPACK: unpack(out, op->text, text); break;
    default:
        if (from->options->terminal)
            terminal_print(out, text);
        else
            buf_add_bytes(out, text);
    }
}

static void layout_run(struct evl_buffer *out, const struct layout *f,
                       const struct layout_source *from);

/* A header looks like a record of its name and value. */
static void layout_add_headers(struct evl_buffer *out, const struct layout *inner,
                               const struct layout_source *from)
{
    struct evl_record header = EVL_RECORD_NONE;
    struct layout_source source = { &header, from->options, from->count };
    for (size_t i = 0; i < from->record->header_count; i++) {
        header.key = from->record->headers[i].name;
        header.value = from->record->headers[i].value;
        layout_run(out, inner, &source);
    }
}

static void layout_run(struct evl_buffer *out, const struct layout *f,
                       const struct layout_source *from)
{
    for (size_t i = 0; i < f->count; i++) {
        const struct layout_op *op = &f->ops[i];
        switch (op->verb) {
        case LAYOUT_LITERAL: buf_add_bytes(out, op->text); break;
        case LAYOUT_TEXT: layout_add_text(out, op, from); break;
        case LAYOUT_NUMBER: layout_add_number(out, layout_number(from, op->field), op); break;
        case LAYOUT_TIME: layout_add_time(out, op, from); break;
        case LAYOUT_HEADERS: layout_add_headers(out, op->inner, from); break;
        }
    }
}

enum evl_error layout_write(struct evl_format_writer *w, const struct evl_record *record,
                            struct evl_buffer *out)
{
    struct layout_source source = { record, &w->options, w->records };
    layout_run(out, w->layout, &source);
    return EVL_OK;
}

/* ---- what is lost -------------------------------------------------------- */

/* A text that is written as it is, up to the literal behind it. */
static enum evl_format_loss layout_text_loss(const struct evl_format_writer *w,
                                             const struct layout_op *op, struct evl_bytes text,
                                             struct evl_bytes behind, const char **why)
{
    *why = NULL;
    if (!text.at && !w->options.null_text)
        *why = "a null looks like an empty text";
    else if (format_is_null_text(&w->options, text))
        *why = "a field is the text that stands for null";
    else if (op->coding == TEXT_PLAIN && !op->sized && text.count > 0 && behind.count > 0 &&
             memmem(text.at, text.count, behind.at, behind.count))
        *why = "a field contains the text that should end it";
    return *why ? EVL_MISLEADS : EVL_KEEPS_ALL;
}

enum evl_format_loss layout_loss(const struct evl_format_writer *w, const struct evl_record *record,
                                 const char **why)
{
    const struct layout *f = w->layout;
    bool has_key = false;
    bool has_value = false;
    bool has_headers = false;
    for (size_t i = 0; i < f->count; i++) {
        const struct layout_op *op = &f->ops[i];
        has_headers = has_headers || op->verb == LAYOUT_HEADERS;
        if (op->verb != LAYOUT_TEXT)
            continue;
        has_key = has_key || op->field == LAYOUT_KEY;
        has_value = has_value || op->field == LAYOUT_VALUE;
        bool more = i + 1 < f->count && op[1].verb == LAYOUT_LITERAL;
        struct evl_bytes behind = more ? op[1].text : evl_bytes(NULL, 0);
        if (op->field != LAYOUT_TOPIC &&
            layout_text_loss(w, op, layout_text(record, op->field), behind, why))
            return EVL_MISLEADS;
    }
    *why = record->header_count > 0 && !has_headers ? "the headers are left out"
           : record->key.at && !has_key             ? "the key is left out"
           : !has_value                             ? "the value is left out"
                                                    : NULL;
    return *why ? EVL_LEAVES_OUT : EVL_KEEPS_ALL;
}
