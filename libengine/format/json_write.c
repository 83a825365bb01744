/* json_write.c - a record as one JSON object on a line.
 *
 *     {"topic":"t","partition":0,"offset":42,"timestamp":1700000000123,
 *      "timestamp_type":"create","key":"k","value":"v",
 *      "headers":[{"name":"h","value":"x"},{"name":"h","value":null}]}
 *
 * with no space between and the keys in this order.  What is not known is left
 * out; key, value and headers are always there.  Bytes that are not UTF-8 are
 * in base64, under another name: key_b64, value_b64, name_b64, topic_b64.
 *
 * `jq -c .` gives back what we write, byte for byte.  So strings are escaped as
 * jq does it: only " and \, \b \f \n \r \t, other control characters as \u00xx,
 * and DEL as \u007f.  And since jq 1.6 computes in doubles, a number beyond
 * 2^53 is written as a string. */
#include <inttypes.h>

#include "base/utf8.h"
#include "format/binary_text.h"
#include "format/json.h"
#include "format/json_scan.h"

static char json_letter(uint8_t c)
{
    switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\t': return 't';
    case '\n': return 'n';
    case '\f': return 'f';
    case '\r': return 'r';
    default: return 0;
    }
}

static void json_add_escape(struct evl_buffer *out, uint8_t c)
{
    char letter = json_letter(c);
    buf_add_byte(out, '\\');
    if (letter) {
        buf_add_byte(out, (uint8_t)letter);
        return;
    }
    buf_add(out, "u00", 3);
    hex_print(out, evl_bytes(&c, 1));
}

static bool json_is_plain(uint8_t c) { return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f; }

/* The text is UTF-8.  On a terminal U+0080 to U+009F, which some obey, are
 * escaped too. */
static void json_add_string(struct evl_buffer *out, struct evl_bytes text, bool terminal)
{
    buf_add_byte(out, '"');
    for (size_t i = 0; i < text.count; i++) {
        size_t begin = i;
        i += utf8_plain_run(text.at + i, text.at + text.count, '"', '\\', 0x7f);
        while (i < text.count && json_is_plain(text.at[i]) && !(terminal && text.at[i] == 0xc2))
            i++;
        buf_add(out, text.at + begin, i - begin);
        if (i == text.count)
            break;
        bool high = text.at[i] == 0xc2;
        if (high && text.at[i + 1] >= 0xa0)
            buf_add_byte(out, 0xc2);
        else
            json_add_escape(out, text.at[high ? ++i : i]);
    }
    buf_add_byte(out, '"');
}

/* ,"name":"text" or ,"name_b64":"...." or ,"name":null */
static void json_add_bytes(struct evl_buffer *out, struct evl_bytes name, struct evl_bytes bytes,
                           bool terminal)
{
    bool is_text = utf8_is_valid(bytes);
    buf_add_byte(out, '"');
    buf_add_bytes(out, name);
    buf_add_text(out, is_text ? "\":" : "_b64\":");
    if (!bytes.at) {
        buf_add(out, "null", 4);
    } else if (is_text) {
        json_add_string(out, bytes, terminal);
    } else {
        buf_add_byte(out, '"');
        base64_print(out, bytes, BASE64_PADDED);
        buf_add_byte(out, '"');
    }
}

static void json_add_number(struct evl_buffer *out, struct evl_bytes name, int64_t value)
{
    const int64_t exact = (int64_t)1 << 53; /* doubles are exact to here */
    bool quoted = value > exact || value < -exact;
    buf_add_byte(out, '"');
    buf_add_bytes(out, name);
    buf_add_text(out, quoted ? "\":\"" : "\":");
    decimal_print(out, value);
    buf_add_text(out, quoted ? "\"," : ",");
}

/* Where the record stands: each with a comma behind it. */
static void json_add_place(struct evl_buffer *out, const struct evl_record *record, bool terminal)
{
    if (record->topic.at) {
        json_add_bytes(out, evl_text("topic"), record->topic, terminal);
        buf_add_byte(out, ',');
    }
    if (record->partition >= 0)
        json_add_number(out, evl_text("partition"), record->partition);
    if (record->offset >= 0)
        json_add_number(out, evl_text("offset"), record->offset);
    if (record->timestamp != EVL_NO_TIMESTAMP)
        json_add_number(out, evl_text("timestamp"), record->timestamp);
    if (record->timestamp_type == EVL_APPEND_TIME)
        buf_add_text(out, "\"timestamp_type\":\"append\",");
    else if (record->timestamp != EVL_NO_TIMESTAMP)
        buf_add_text(out, "\"timestamp_type\":\"create\",");
}

static void json_add_headers(struct evl_buffer *out, const struct evl_record *record, bool terminal)
{
    buf_add_text(out, ",\"headers\":[");
    for (size_t i = 0; i < record->header_count; i++) {
        buf_add_text(out, i > 0 ? ",{" : "{");
        struct evl_bytes name = record->headers[i].name;
        json_add_bytes(out, evl_text("name"), name.at ? name : evl_text(""), terminal);
        buf_add_byte(out, ',');
        json_add_bytes(out, evl_text("value"), record->headers[i].value, terminal);
        buf_add_byte(out, '}');
    }
    buf_add_byte(out, ']');
}

static void json_add_value(struct evl_buffer *out, struct evl_bytes value,
                           const struct evl_format_options *options)
{
    if (options->embed && json_is_valid(value)) {
        buf_add_text(out, "\"value_json\":");
        json_compact(out, value);
    } else {
        json_add_bytes(out, evl_text("value"), value, options->terminal);
    }
}

static enum evl_error json_write(struct evl_format_writer *w, const struct evl_record *record,
                                 struct evl_buffer *out)
{
    const bool terminal = w->options.terminal;
    size_t begin = out->count;
    buf_add_byte(out, '{');
    json_add_place(out, record, terminal);
    json_add_bytes(out, evl_text("key"), record->key, terminal);
    buf_add_byte(out, ',');
    json_add_value(out, record->value, &w->options);
    json_add_headers(out, record, terminal);
    buf_add(out, "}\n", 2);
    if (w->options.end_mark)
        tally_add(&w->tally, evl_bytes(out->at + begin, out->count - begin));
    return EVL_OK;
}

static void json_write_end(struct evl_format_writer *w, struct evl_buffer *out)
{
    buf_print(out, "{\"$end\":{\"n\":%" PRIu64 ",\"crc\":%" PRIu32 "}}\n", w->tally.count,
              w->tally.crc);
}

static enum evl_format_loss json_loss(const struct evl_format_writer *w,
                                      const struct evl_record *record, const char **why)
{
    if (!w->options.embed || !json_is_valid(record->value))
        return EVL_KEEPS_ALL;
    /* Spelled as it is already, it comes back as it was. */
    struct evl_buffer compact = { 0 };
    json_compact(&compact, record->value);
    bool same = evl_bytes_equal(buf_bytes(&compact), record->value);
    buf_release(&compact);
    *why = "white space in an embedded value is lost";
    return same ? EVL_KEEPS_ALL : EVL_MISLEADS;
}

const struct format format_json = {
    .take = format_take_line,
    .parse = json_parse,
    .write = json_write,
    .write_end = json_write_end,
    .loss = json_loss,
};
