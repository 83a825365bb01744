/* layout_read.c - records from a format string.
 *
 * Steps are matched from the front of the input, again from the start when more
 * has come; a record's bytes are taken when all steps have theirs. */
#include "base/fault.h"
#include "format/binary_text.h"
#include "format/json_scan.h"
#include "format/layout.h"

/* One record on its way in. */
struct layout_match {
    struct evl_format_reader *reader;
    struct evl_record *record;
    const uint8_t *p, *end;
    bool last;                    /* nothing comes behind end */
    uint64_t sizes[LAYOUT_SIZES]; /* what the sizes said */
};

enum layout_result {
    LAYOUT_MATCHES,
    LAYOUT_NEEDS_MORE,
    LAYOUT_DIFFERS, /* the fault says why */
};

static enum layout_result layout_differs(const char *why)
{
    (void)fail(EVL_ERR_CORRUPT, "%s", why);
    return LAYOUT_DIFFERS;
}

static enum layout_result layout_short(const struct layout_match *m, const char *why)
{
    return m->last ? layout_differs(why) : LAYOUT_NEEDS_MORE;
}

static size_t layout_left(const struct layout_match *m) { return (size_t)(m->end - m->p); }

/* ---- numbers ------------------------------------------------------------- */

static enum layout_result layout_ascii(struct layout_match *m, int64_t *value)
{
    const uint8_t *q = m->p + (m->p < m->end && *m->p == '-');
    while (q < m->end && *q >= '0' && *q <= '9')
        q++;
    if (q == m->end && !m->last)
        return LAYOUT_NEEDS_MORE;
    if (!decimal_parse(evl_bytes(m->p, (size_t)(q - m->p)), value))
        return layout_differs("a number is missing, or too large");
    m->p = q;
    return LAYOUT_MATCHES;
}

static enum layout_result layout_bool(struct layout_match *m, int64_t *value)
{
    size_t count = layout_left(m);
    for (int i = 0; i < 2; i++) {
        const char *word = i ? "true" : "false";
        size_t length = strlen(word);
        if (memcmp(m->p, word, count < length ? count : length) != 0)
            continue;
        if (count < length)
            return layout_short(m, "neither true nor false");
        *value = i;
        m->p += length;
        return LAYOUT_MATCHES;
    }
    return layout_differs("neither true nor false");
}

/* How many bytes a field has of its own: in so many its sign is kept. */
static int layout_width(enum layout_field field)
{
    switch ((int)field) {
    case LAYOUT_PARTITION:
    case LAYOUT_LEADER_EPOCH: return 4;
    case LAYOUT_OFFSET:
    case LAYOUT_TIMESTAMP:
    case LAYOUT_PRODUCER_ID: return 8;
    case LAYOUT_PRODUCER_EPOCH: return 2;
    default: return 0;
    }
}

/* `width` bytes or hexadecimal digits. */
static enum layout_result layout_fixed(struct layout_match *m, const struct layout_op *op,
                                       int64_t *value)
{
    uint64_t sum = 0;
    bool is_hex = op->coding == NUMBER_HEX_FIXED;
    if (layout_left(m) < (size_t)op->width)
        return layout_short(m, "the input ends in a number");
    for (int i = 0; i < op->width; i++) {
        int at = op->coding == NUMBER_LITTLE ? op->width - 1 - i : i;
        int digit = is_hex ? hex_digit(m->p[at]) : m->p[at];
        if (digit < 0)
            return layout_differs("not hexadecimal");
        sum = sum << (is_hex ? 4 : 8) | (uint64_t)digit;
    }
    m->p += op->width;
    int bytes = is_hex ? op->width / 2 : op->width;
    unsigned shift = bytes == layout_width(op->field) ? 64 - 8 * (unsigned)bytes : 0;
    *value = shift ? (int64_t)(sum << shift) >> shift : (int64_t)sum;
    return LAYOUT_MATCHES;
}

static enum layout_result layout_set_number(struct layout_match *m, enum layout_field field,
                                            int64_t value)
{
    struct evl_record *record = m->record;
    int64_t least = field < LAYOUT_SIZES ? 0 : field == LAYOUT_TIMESTAMP ? INT64_MIN : -1;
    int width = field < LAYOUT_SIZES ? 4 : layout_width(field);
    int64_t most = width == 2 ? INT16_MAX : width == 4 ? INT32_MAX : INT64_MAX;
    if (value < least || value > most)
        return layout_differs("a number is out of range");
    switch ((int)field) {
    case LAYOUT_PARTITION: record->partition = (int32_t)value; break;
    case LAYOUT_OFFSET: record->offset = value; break;
    case LAYOUT_LEADER_EPOCH: record->leader_epoch = (int32_t)value; break;
    case LAYOUT_TIMESTAMP: record->timestamp = value; break;
    case LAYOUT_PRODUCER_ID: record->producer_id = value; break;
    case LAYOUT_PRODUCER_EPOCH: record->producer_epoch = (int16_t)value; break;
    default: m->sizes[field] = (uint64_t)value; break;
    }
    return LAYOUT_MATCHES;
}

static enum layout_result layout_read_number(struct layout_match *m, const struct layout_op *op)
{
    int64_t value = op->width; /* of NUMBER_GIVEN */
    enum layout_result result = LAYOUT_MATCHES;
    if (op->coding == NUMBER_ASCII)
        result = layout_ascii(m, &value);
    else if (op->coding == NUMBER_BOOL)
        result = layout_bool(m, &value);
    else if (op->coding != NUMBER_GIVEN)
        result = layout_fixed(m, op, &value);
    return result ? result : layout_set_number(m, op->field, value);
}

/* ---- texts --------------------------------------------------------------- */

/* Up to the literal that follows, or to the end of the input. */
static enum layout_result layout_open_text(struct layout_match *m, const struct layout_op *op,
                                           bool is_last, struct evl_bytes *text)
{
    const uint8_t *end = m->end;
    if (!is_last)
        end = memmem(m->p, layout_left(m), op[1].text.at, op[1].text.count);
    else if (!m->last)
        return LAYOUT_NEEDS_MORE;
    if (!end)
        return layout_short(m, "the text that should end a field is not there");
    *text = evl_bytes(m->p, (size_t)(end - m->p));
    m->p = end;
    return LAYOUT_MATCHES;
}

static enum layout_result layout_sized_text(struct layout_match *m, const struct layout_op *op,
                                            struct evl_bytes *text)
{
    uint64_t size = m->sizes[LAYOUT_TOPIC_SIZE + (op->field - LAYOUT_TOPIC)];
    if (size > m->reader->options.record_max)
        return layout_differs("a field is larger than a record may be");
    if (layout_left(m) < size)
        return layout_short(m, "the input ends in a field");
    *text = evl_bytes(m->p, (size_t)size);
    m->p += size;
    return LAYOUT_MATCHES;
}

/* Within the line: what comes behind cannot change what matches. */
static enum layout_result layout_regex_text(struct layout_match *m, const struct layout_op *op,
                                            struct evl_bytes *text)
{
    const uint8_t *end = memchr(m->p, '\n', layout_left(m));
    if (!end && !m->last)
        return LAYOUT_NEEDS_MORE;
    size_t count = (size_t)((end ? end : m->end) - m->p);
    int length = expression_length(op->expression, evl_bytes(m->p, count));
    if (length < 0)
        return layout_differs("the line does not match the expression");
    *text = evl_bytes(m->p, (size_t)length);
    m->p += length;
    return LAYOUT_MATCHES;
}

static enum layout_result layout_json_text(struct layout_match *m, struct evl_bytes *text)
{
    struct json_scan s = { m->p, m->end, NULL };
    (void)json_space(&s);
    const uint8_t *begin = s.p;
    bool ok = json_skip(&s);
    if (!m->last && (ok ? s.p == m->end : m->end - s.p < JSON_TOKEN_MAX))
        return LAYOUT_NEEDS_MORE; /* a number might go on, or a word be cut */
    if (!ok)
        return layout_differs(s.why);
    struct evl_buffer *room = &m->reader->text;
    size_t at = room->count;
    json_compact(room, evl_bytes(begin, (size_t)(s.p - begin)));
    *text = evl_bytes(room->at + at, room->count - at);
    m->p = s.p;
    return LAYOUT_MATCHES;
}

static enum layout_result layout_decode(struct layout_match *m, const struct layout_op *op,
                                        struct evl_bytes *text)
{
    struct evl_buffer *room = &m->reader->text;
    size_t at = room->count;
    bool ok = true;
    if (op->coding == TEXT_HEX)
        ok = hex_parse(room, *text);
    else if (op->coding == TEXT_BASE64 || op->coding == TEXT_BASE64RAW)
        ok = base64_parse(room, *text);
    else
        return LAYOUT_MATCHES;
    if (!ok)
        return layout_differs(op->coding == TEXT_HEX ? "not hexadecimal" : "not base64");
    *text = evl_bytes(room->at + at, room->count - at);
    return LAYOUT_MATCHES;
}

static enum layout_result layout_read_text(struct layout_match *m, const struct layout_op *op,
                                           bool is_last)
{
    struct evl_bytes text;
    enum layout_result result = op->sized                  ? layout_sized_text(m, op, &text)
                                : op->coding == TEXT_REGEX ? layout_regex_text(m, op, &text)
                                : op->coding == TEXT_JSON  ? layout_json_text(m, &text)
                                                          : layout_open_text(m, op, is_last, &text);
    if (!result)
        result = layout_decode(m, op, &text);
    if (result)
        return result;
    if (op->field == LAYOUT_KEY)
        m->record->key = text;
    else if (op->field == LAYOUT_VALUE)
        m->record->value = text;
    else
        m->record->topic = text;
    return LAYOUT_MATCHES;
}

/* ---- steps --------------------------------------------------------------- */

static enum layout_result layout_read_literal(struct layout_match *m, const struct layout_op *op)
{
    size_t count = layout_left(m) < op->text.count ? layout_left(m) : op->text.count;
    if (memcmp(m->p, op->text.at, count) != 0)
        return layout_differs("other text than the format string has");
    if (count < op->text.count)
        return layout_short(m, "the input ends in a record");
    m->p += count;
    return LAYOUT_MATCHES;
}

static enum layout_result layout_match_ops(struct layout_match *m, const struct layout_op *ops,
                                           size_t count);

static enum layout_result layout_read_headers(struct layout_match *m, const struct layout *inner)
{
    struct evl_record *outer = m->record;
    enum layout_result result = LAYOUT_MATCHES;
    for (uint64_t i = 0; i < m->sizes[LAYOUT_HEADER_COUNT] && !result; i++) {
        struct evl_record header = EVL_RECORD_NONE;
        const uint8_t *begin = m->p;
        m->record = &header;
        result = layout_match_ops(m, inner->ops, inner->count);
        if (!result && m->p == begin)
            result = layout_differs("headers without end"); /* nothing bounds their number */
        if (result)
            break;
        if (!header.key.at)
            header.key = evl_text("");
        *header_list_add(&m->reader->headers) = (struct evl_header){ header.key, header.value };
    }
    m->record = outer;
    return result;
}

static enum layout_result layout_match_ops(struct layout_match *m, const struct layout_op *ops,
                                           size_t count)
{
    enum layout_result result = LAYOUT_MATCHES;
    for (size_t i = 0; i < count && !result; i++) {
        const struct layout_op *op = &ops[i];
        switch (op->verb) {
        case LAYOUT_LITERAL: result = layout_read_literal(m, op); break;
        case LAYOUT_TEXT: result = layout_read_text(m, op, i + 1 == count); break;
        case LAYOUT_NUMBER: result = layout_read_number(m, op); break;
        case LAYOUT_HEADERS: result = layout_read_headers(m, op->inner); break;
        case LAYOUT_TIME: break; /* not in strings that read */
        }
    }
    return result;
}

/* The steps against these bytes; *size says how many they took. */
static enum layout_result layout_match(struct evl_format_reader *r, struct evl_bytes input,
                                       bool last, struct evl_record *record, size_t *size)
{
    struct layout_match m = { .reader = r, .record = record, .p = input.at, .last = last };
    m.end = input.at + input.count;
    *record = EVL_RECORD_NONE;
    r->headers.count = 0;
    buf_clear(&r->text);
    buf_room(&r->text, input.count);
    size_t count = r->layout->count - r->layout->is_lines;
    enum layout_result result = layout_match_ops(&m, r->layout->ops, count);
    if (!result && r->layout->is_lines && m.p < m.end)
        result = layout_differs("more than the format string has");
    record->headers = r->headers.at;
    record->header_count = r->headers.count;
    format_apply_null(&r->options, record);
    *size = (size_t)(m.p - input.at);
    return result;
}

static enum evl_error layout_take_line(struct evl_format_reader *r, struct evl_bytes input,
                                       bool last, size_t *used, struct evl_record *record,
                                       bool *got)
{
    struct evl_bytes line;
    size_t size;
    bool found = false;
    enum evl_error err = format_find_line(r, input, last, used, &line, &found);
    if (err || !found)
        return err;
    *got = layout_match(r, line, true, record, &size) == LAYOUT_MATCHES;
    return *got ? EVL_OK : EVL_ERR_CORRUPT;
}

enum evl_error layout_take(struct evl_format_reader *r, struct evl_bytes input, bool last,
                           size_t *used, struct evl_record *record, bool *got)
{
    size_t size = 0;
    if (r->layout->is_lines)
        return layout_take_line(r, input, last, used, record, got);
    if (input.count == 0)
        return EVL_OK;
    switch (layout_match(r, input, last, record, &size)) {
    case LAYOUT_MATCHES:
        if (size == 0)
            return format_lost(r, "the format string takes nothing from the input");
        *used = size;
        *got = true;
        return EVL_OK;
    case LAYOUT_NEEDS_MORE:
        if (input.count <= r->options.record_max)
            return EVL_OK;
        r->lost = "nobody knows where the record that is too large ends";
        return format_too_large(r);
    case LAYOUT_DIFFERS: break;
    }
    r->lost = "nothing tells where the next record begins";
    return EVL_ERR_CORRUPT;
}
