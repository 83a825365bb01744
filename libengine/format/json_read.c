/* json_read.c - a record from one JSON object on a line.
 *
 * Keys may come in any order, those that nobody knows are passed over, and
 * numbers may be strings of digits.  value_json is any value, kept without the
 * space between its tokens.  Empty lines are nothing. */
#include <inttypes.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/fault.h"
#include "format/binary_text.h"
#include "format/json.h"
#include "format/json_scan.h"

enum json_key {
    JSON_UNKNOWN,
    JSON_TOPIC,
    JSON_PARTITION,
    JSON_OFFSET,
    JSON_TIMESTAMP,
    JSON_TIMESTAMP_TYPE,
    JSON_KEY,
    JSON_VALUE,
    JSON_VALUE_JSON,
    JSON_HEADERS,
    JSON_NAME,
    JSON_END,
    JSON_COUNT, /* "n" */
    JSON_CRC,
};

#define NAME(text) text, sizeof text - 1

/* `twin` stands for the same thing: an object has one of them, once. */
static const struct json_name {
    const char *text;
    size_t count;
    enum json_key key, twin;
    bool base64;
} json_names[] = {
    { NAME("topic"), JSON_TOPIC, JSON_TOPIC, false },
    { NAME("topic_b64"), JSON_TOPIC, JSON_TOPIC, true },
    { NAME("partition"), JSON_PARTITION, JSON_PARTITION, false },
    { NAME("offset"), JSON_OFFSET, JSON_OFFSET, false },
    { NAME("timestamp"), JSON_TIMESTAMP, JSON_TIMESTAMP, false },
    { NAME("timestamp_type"), JSON_TIMESTAMP_TYPE, JSON_TIMESTAMP_TYPE, false },
    { NAME("key"), JSON_KEY, JSON_KEY, false },
    { NAME("key_b64"), JSON_KEY, JSON_KEY, true },
    { NAME("value"), JSON_VALUE, JSON_VALUE, false },
    { NAME("value_b64"), JSON_VALUE, JSON_VALUE, true },
    { NAME("value_json"), JSON_VALUE_JSON, JSON_VALUE, false },
    { NAME("headers"), JSON_HEADERS, JSON_HEADERS, false },
    { NAME("name"), JSON_NAME, JSON_NAME, false },
    { NAME("name_b64"), JSON_NAME, JSON_NAME, true },
    { NAME("$end"), JSON_END, JSON_END, false },
    { NAME("n"), JSON_COUNT, JSON_COUNT, false },
    { NAME("crc"), JSON_CRC, JSON_CRC, false },
};

#undef NAME

static const struct json_name json_unknown = { "", 0, JSON_UNKNOWN, JSON_UNKNOWN, false };

static const struct json_name *json_name_find(struct evl_bytes name)
{
    for (size_t i = 0; i < sizeof json_names / sizeof json_names[0]; i++)
        if (json_names[i].count == name.count &&
            memcmp(json_names[i].text, name.at, name.count) == 0)
            return &json_names[i];
    return &json_unknown;
}

/* One line as it is read. */
struct json_line {
    struct json_scan scan;
    struct evl_format_reader *reader;
    struct evl_record *record;
    int64_t count, crc; /* of an end mark */
    bool is_end;
};

/* ---- values -------------------------------------------------------------- */

/* A string, or null, or base64 of bytes. */
static bool json_bytes(struct json_line *line, bool base64, struct evl_bytes *bytes)
{
    struct json_scan *s = &line->scan;
    struct evl_buffer *room = &line->reader->text;
    *bytes = evl_bytes(NULL, 0);
    if (json_try_word(s, "null"))
        return true;
    if (!json_space(s) || *s->p != '"')
        return json_fail(s, "neither a string nor null");
    if (!json_string(s, room, bytes) || !base64)
        return !s->why;
    size_t begin = room->count;
    check(room->room - room->count >= bytes->count);
    if (!base64_parse(room, *bytes))
        return json_fail(s, "not base64");
    *bytes = evl_bytes(room->at + begin, room->count - begin);
    return true;
}

/* A whole number, or one in a string, or null, which leaves *value alone. */
static bool json_integer(struct json_line *line, int64_t least, int64_t most, int64_t *value)
{
    struct json_scan *s = &line->scan;
    struct evl_bytes digits;
    int64_t number;
    if (json_try_word(s, "null"))
        return true;
    bool quoted = json_space(s) && *s->p == '"';
    if (quoted ? !json_string(s, &line->reader->text, &digits) : !json_number(s, &digits))
        return false;
    if (!decimal_parse(digits, &number) || number < least || number > most)
        return json_fail(s, "not a whole number in range");
    *value = number;
    return true;
}

static bool json_partition(struct json_line *line)
{
    int64_t value = -1;
    if (!json_integer(line, 0, INT32_MAX, &value))
        return false;
    line->record->partition = (int32_t)value;
    return true;
}

static bool json_timestamp_type(struct json_line *line)
{
    struct evl_bytes name;
    if (!json_bytes(line, false, &name))
        return false;
    if (evl_bytes_equal(name, evl_text("append")))
        line->record->timestamp_type = EVL_APPEND_TIME;
    else if (name.at && !evl_bytes_equal(name, evl_text("create")))
        return json_fail(&line->scan, "timestamp_type is create or append");
    return true;
}

static bool json_value_json(struct json_line *line)
{
    struct json_scan *s = &line->scan;
    struct evl_buffer *room = &line->reader->text;
    (void)json_space(s);
    const uint8_t *begin = s->p;
    if (!json_skip(s))
        return false;
    size_t at = room->count;
    json_compact(room, evl_bytes(begin, (size_t)(s->p - begin)));
    line->record->value = evl_bytes(room->at + at, room->count - at);
    return true;
}

/* ---- objects ------------------------------------------------------------- */

/* Calls member() for each member of an object; its value is member()'s to
 * read. */
static bool json_object(struct json_line *line, void *context,
                        bool (*member)(struct json_line *line, const struct json_name *name,
                                       void *context))
{
    struct json_scan *s = &line->scan;
    unsigned seen = 0;
    if (!json_try(s, '{'))
        return json_fail(s, "an object is missing");
    if (json_try(s, '}'))
        return true;
    do {
        struct evl_bytes text;
        if (!json_string(s, &line->reader->text, &text))
            return false;
        if (!json_try(s, ':'))
            return json_fail(s, "a : is missing");
        const struct json_name *name = json_name_find(text);
        unsigned bit = name->key ? 1u << name->twin : 0;
        if (seen & bit)
            return json_fail(s, "this is there twice");
        seen |= bit;
        if (!member(line, name, context))
            return false;
    } while (json_try(s, ','));
    return json_try(s, '}') || json_fail(s, "a , or } is missing; one object per line");
}

static bool json_header_member(struct json_line *line, const struct json_name *name, void *context)
{
    struct evl_header *header = context;
    switch ((int)name->key) {
    case JSON_NAME: return json_bytes(line, name->base64, &header->name);
    case JSON_VALUE: return json_bytes(line, name->base64, &header->value);
    default: return json_skip(&line->scan);
    }
}

static bool json_headers(struct json_line *line)
{
    struct json_scan *s = &line->scan;
    if (json_try_word(s, "null"))
        return true;
    if (!json_try(s, '['))
        return json_fail(s, "headers are a list");
    if (json_try(s, ']'))
        return true;
    do {
        struct evl_header header = { 0 };
        if (!json_object(line, &header, json_header_member))
            return false;
        if (!header.name.at)
            return json_fail(s, "a header has no name");
        *header_list_add(&line->reader->headers) = header;
    } while (json_try(s, ','));
    return json_try(s, ']') || json_fail(s, "a , or ] is missing");
}

static bool json_end_member(struct json_line *line, const struct json_name *name, void *context)
{
    (void)context;
    switch ((int)name->key) {
    case JSON_COUNT: return json_integer(line, 0, INT64_MAX, &line->count);
    case JSON_CRC: return json_integer(line, 0, UINT32_MAX, &line->crc);
    default: return json_skip(&line->scan);
    }
}

static bool json_member(struct json_line *line, const struct json_name *name, void *context)
{
    struct evl_record *record = line->record;
    (void)context;
    switch (name->key) {
    case JSON_TOPIC: return json_bytes(line, name->base64, &record->topic);
    case JSON_PARTITION: return json_partition(line);
    case JSON_OFFSET: return json_integer(line, 0, INT64_MAX, &record->offset);
    case JSON_TIMESTAMP: return json_integer(line, INT64_MIN + 1, INT64_MAX, &record->timestamp);
    case JSON_TIMESTAMP_TYPE: return json_timestamp_type(line);
    case JSON_KEY: return json_bytes(line, name->base64, &record->key);
    case JSON_VALUE: return json_bytes(line, name->base64, &record->value);
    case JSON_VALUE_JSON: return json_value_json(line);
    case JSON_HEADERS: return json_headers(line);
    case JSON_END: line->is_end = true; return json_object(line, NULL, json_end_member);
    case JSON_UNKNOWN:
    case JSON_NAME:
    case JSON_COUNT:
    case JSON_CRC: return json_skip(&line->scan);
    }
    return false;
}

enum evl_error json_parse(struct evl_format_reader *r, struct evl_bytes text,
                          struct evl_record *record, bool *got)
{
    struct json_line line = {
        .scan = json_scan(text), .reader = r, .record = record, .count = -1, .crc = -1
    };
    if (!json_space(&line.scan))
        return EVL_OK;
    *record = EVL_RECORD_NONE;
    r->headers.count = 0;
    buf_clear(&r->text);
    buf_room(&r->text, 2 * text.count + 4); /* what is decoded once, or twice (base64), stays put */
    if (json_object(&line, NULL, json_member) && json_space(&line.scan))
        json_fail(&line.scan, "something follows the object");
    if (line.scan.why)
        return fail(EVL_ERR_CORRUPT, "%s (column %zu)", line.scan.why,
                    (size_t)(line.scan.p - text.at) + 1);
    if (line.is_end)
        return format_end(r, (uint64_t)line.count, (uint64_t)line.crc);
    record->headers = r->headers.at;
    record->header_count = r->headers.count;
    tally_add(&r->tally, text);
    r->tally.crc = crc32c(r->tally.crc, "\n", 1);
    *got = true;
    return EVL_OK;
}
