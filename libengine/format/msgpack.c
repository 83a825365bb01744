/* msgpack.c - a record as one MessagePack map.
 *
 *     { "t": topic, "p": partition, "o": offset, "ts": timestamp, "tt": 0 | 1,
 *       "k": bytes | nil, "v": bytes | nil, "h": [[name, bytes | nil], ...] }
 *
 * t and names are str (their bytes as they are), k, v and values of headers are
 * bin; str and bin are taken for each other.  tt 1 is append time.  What is not
 * known is left out; k, v and h are always written, and may be missing.  Keys
 * that nobody knows are passed over.
 *
 * An end mark is { "$end": { "n": records, "crc": CRC-32C } }, both of what
 * came since the stream began or the last mark.  So streams may be joined, and
 * a cut one is seen.
 *
 * msgpack-c writes.  Reading is ours: its unpacker takes memory for as many
 * members as a header claims before it has seen one, and we take none. */
#include <msgpack/pack.h>

#include "base/endian.h"
#include "base/fault.h"
#include "format/format.h"

/* ---- writing ------------------------------------------------------------- */

static int msgpack_put(void *out, const char *at, size_t count)
{
    buf_add(out, at, count);
    return 0;
}

static void msgpack_add_text(msgpack_packer *packer, struct evl_bytes text)
{
    msgpack_pack_str(packer, text.count);
    msgpack_pack_str_body(packer, text.at, text.count);
}

static void msgpack_add_bytes(msgpack_packer *packer, struct evl_bytes bytes)
{
    if (!bytes.at) {
        msgpack_pack_nil(packer);
        return;
    }
    msgpack_pack_bin(packer, bytes.count);
    msgpack_pack_bin_body(packer, bytes.at, bytes.count);
}

static void msgpack_add_number(msgpack_packer *packer, struct evl_bytes name, int64_t value)
{
    msgpack_add_text(packer, name);
    msgpack_pack_int64(packer, value);
}

static void msgpack_add_headers(msgpack_packer *packer, const struct evl_record *record)
{
    msgpack_add_text(packer, evl_text("h"));
    msgpack_pack_array(packer, record->header_count);
    for (size_t i = 0; i < record->header_count; i++) {
        msgpack_pack_array(packer, 2);
        msgpack_add_text(packer, record->headers[i].name);
        msgpack_add_bytes(packer, record->headers[i].value);
    }
}

static enum evl_error msgpack_write(struct evl_format_writer *w, const struct evl_record *record,
                                    struct evl_buffer *out)
{
    size_t begin = out->count;
    msgpack_packer packer = { .data = out, .callback = msgpack_put };
    bool has_time = record->timestamp != EVL_NO_TIMESTAMP;
    bool has_type = has_time || record->timestamp_type != EVL_CREATE_TIME;
    msgpack_pack_map(&packer, (size_t)3 + (record->topic.at != NULL) + (record->partition >= 0) +
                                  (record->offset >= 0) + has_time + has_type);
    if (record->topic.at) {
        msgpack_add_text(&packer, evl_text("t"));
        msgpack_add_text(&packer, record->topic);
    }
    if (record->partition >= 0)
        msgpack_add_number(&packer, evl_text("p"), record->partition);
    if (record->offset >= 0)
        msgpack_add_number(&packer, evl_text("o"), record->offset);
    if (has_time)
        msgpack_add_number(&packer, evl_text("ts"), record->timestamp);
    if (has_type)
        msgpack_add_number(&packer, evl_text("tt"), record->timestamp_type == EVL_APPEND_TIME);
    msgpack_add_text(&packer, evl_text("k"));
    msgpack_add_bytes(&packer, record->key);
    msgpack_add_text(&packer, evl_text("v"));
    msgpack_add_bytes(&packer, record->value);
    msgpack_add_headers(&packer, record);
    if (w->options.end_mark)
        tally_add(&w->tally, evl_bytes(out->at + begin, out->count - begin));
    return EVL_OK;
}

static void msgpack_write_end(struct evl_format_writer *w, struct evl_buffer *out)
{
    msgpack_packer packer = { .data = out, .callback = msgpack_put };
    msgpack_pack_map(&packer, 1);
    msgpack_add_text(&packer, evl_text("$end"));
    msgpack_pack_map(&packer, 2);
    msgpack_add_text(&packer, evl_text("n"));
    msgpack_pack_uint64(&packer, w->tally.count);
    msgpack_add_text(&packer, evl_text("crc"));
    msgpack_pack_uint32(&packer, w->tally.crc);
}

/* ---- tokens -------------------------------------------------------------- */

enum token_kind { TOKEN_NIL, TOKEN_OTHER, TOKEN_NUMBER, TOKEN_BYTES, TOKEN_ARRAY, TOKEN_MAP };

/* Something and, for containers, how many members follow it. */
struct token {
    enum token_kind kind;
    int64_t number;         /* of TOKEN_NUMBER */
    struct evl_bytes bytes; /* of TOKEN_BYTES: str or bin */
    uint64_t count;         /* of items; a map's members count twice */
};

/* A place in the stream.  Reading says false at the end of the bytes, or with
 * `why` if they mean nothing. */
struct msgpack_scan {
    const uint8_t *p, *end;
    const char *why;
};

static bool msgpack_fail(struct msgpack_scan *s, const char *why)
{
    s->why = why;
    return false;
}

/* A big-endian number of 1, 2, 4 or 8 bytes. */
static bool msgpack_get(struct msgpack_scan *s, size_t size, uint64_t *value)
{
    if ((size_t)(s->end - s->p) < size)
        return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = sum << 8 | s->p[i];
    s->p += size;
    *value = sum;
    return true;
}

static bool msgpack_get_bytes(struct msgpack_scan *s, uint64_t count, struct token *token)
{
    if ((uint64_t)(s->end - s->p) < count)
        return false;
    token->bytes = evl_bytes(s->p, (size_t)count);
    s->p += count;
    return true;
}

/* str, bin: the length comes first, in `size` bytes. */
static bool msgpack_get_sized(struct msgpack_scan *s, size_t size, struct token *token)
{
    uint64_t count;
    token->kind = TOKEN_BYTES;
    return msgpack_get(s, size, &count) && msgpack_get_bytes(s, count, token);
}

static bool msgpack_get_container(struct msgpack_scan *s, size_t size, enum token_kind kind,
                                  struct token *token)
{
    token->kind = kind;
    if (!msgpack_get(s, size, &token->count))
        return false;
    token->count *= kind == TOKEN_MAP ? 2 : 1;
    return true;
}

/* Extensions, floats: passed over. */
static bool msgpack_get_other(struct msgpack_scan *s, size_t size, struct token *token)
{
    token->kind = TOKEN_OTHER;
    return msgpack_get_bytes(s, size, token);
}

static bool msgpack_get_extension(struct msgpack_scan *s, size_t size, struct token *token)
{
    uint64_t count;
    token->kind = TOKEN_OTHER;
    return msgpack_get(s, size, &count) && msgpack_get_bytes(s, count + 1, token);
}

static bool msgpack_get_unsigned(struct msgpack_scan *s, size_t size, struct token *token)
{
    uint64_t value;
    token->kind = TOKEN_NUMBER;
    if (!msgpack_get(s, size, &value))
        return false;
    if (value > INT64_MAX)
        token->kind = TOKEN_OTHER; /* none of ours is that large */
    token->number = (int64_t)value;
    return true;
}

static bool msgpack_get_signed(struct msgpack_scan *s, size_t size, struct token *token)
{
    uint64_t value;
    token->kind = TOKEN_NUMBER;
    if (!msgpack_get(s, size, &value))
        return false;
    unsigned shift = 64 - 8 * (unsigned)size;
    token->number = (int64_t)(value << shift) >> shift;
    return true;
}

/* Types of one byte and more behind it: 0xc0 to 0xdf. */
static bool msgpack_next_long(struct msgpack_scan *s, uint8_t type, struct token *token)
{
    switch (type) {
    case 0xc0: token->kind = TOKEN_NIL; return true;
    case 0xc1: return msgpack_fail(s, "0xc1 is no MessagePack");
    case 0xc2:
    case 0xc3: token->kind = TOKEN_OTHER; return true;
    case 0xc4:
    case 0xc5:
    case 0xc6: return msgpack_get_sized(s, (size_t)1 << (type - 0xc4), token);
    case 0xc7:
    case 0xc8:
    case 0xc9: return msgpack_get_extension(s, (size_t)1 << (type - 0xc7), token);
    case 0xca:
    case 0xcb: return msgpack_get_other(s, (size_t)4 << (type - 0xca), token);
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf: return msgpack_get_unsigned(s, (size_t)1 << (type - 0xcc), token);
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3: return msgpack_get_signed(s, (size_t)1 << (type - 0xd0), token);
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8: return msgpack_get_other(s, 1 + ((size_t)1 << (type - 0xd4)), token);
    case 0xd9:
    case 0xda:
    case 0xdb: return msgpack_get_sized(s, (size_t)1 << (type - 0xd9), token);
    case 0xdc:
    case 0xdd: return msgpack_get_container(s, (size_t)2 << (type - 0xdc), TOKEN_ARRAY, token);
    default: return msgpack_get_container(s, (size_t)2 << (type - 0xde), TOKEN_MAP, token);
    }
}

static bool msgpack_next(struct msgpack_scan *s, struct token *token)
{
    *token = (struct token){ 0 };
    if (s->p == s->end)
        return false;
    uint8_t type = *s->p++;
    if (type >= 0xc0 && type < 0xe0)
        return msgpack_next_long(s, type, token);
    if (type >= 0xa0 && type < 0xc0) {
        token->kind = TOKEN_BYTES;
        return msgpack_get_bytes(s, type & 0x1f, token);
    }
    token->kind = TOKEN_NUMBER;
    token->number = (int8_t)type; /* 0xe0 on are negative */
    if (type >= 0x80 && type < 0x90) {
        token->kind = TOKEN_MAP;
        token->count = 2 * (uint64_t)(type & 0xf);
    } else if (type >= 0x90 && type < 0xa0) {
        token->kind = TOKEN_ARRAY;
        token->count = type & 0xf;
    }
    return true;
}

/* Past one item, however deep. */
static bool msgpack_skip(struct msgpack_scan *s)
{
    struct token token;
    for (uint64_t items = 1; items > 0; items--) {
        if (!msgpack_next(s, &token))
            return false;
        items += token.count; /* each needs a byte, so this ends with the bytes */
    }
    return true;
}

/* ---- records ------------------------------------------------------------- */

static bool msgpack_bytes(struct msgpack_scan *s, struct evl_bytes *bytes)
{
    struct token token;
    if (!msgpack_next(s, &token) || (token.kind != TOKEN_BYTES && token.kind != TOKEN_NIL))
        return msgpack_fail(s, "neither bytes nor nil");
    *bytes = token.bytes;
    return true;
}

static bool msgpack_number(struct msgpack_scan *s, int64_t least, int64_t most, int64_t *number)
{
    struct token token;
    if (!msgpack_next(s, &token) || (token.kind != TOKEN_NUMBER && token.kind != TOKEN_NIL))
        return msgpack_fail(s, "not a whole number");
    if (token.kind == TOKEN_NIL)
        return true;
    if (token.number < least || token.number > most)
        return msgpack_fail(s, "a number out of range");
    *number = token.number;
    return true;
}

static bool msgpack_partition(struct msgpack_scan *s, struct evl_record *record)
{
    int64_t number = -1;
    if (!msgpack_number(s, 0, INT32_MAX, &number))
        return false;
    record->partition = (int32_t)number;
    return true;
}

static bool msgpack_timestamp_type(struct msgpack_scan *s, struct evl_record *record)
{
    int64_t number = 0;
    if (!msgpack_number(s, 0, 1, &number))
        return false;
    record->timestamp_type = number ? EVL_APPEND_TIME : EVL_CREATE_TIME;
    return true;
}

static bool msgpack_header(struct msgpack_scan *s, struct evl_header *header)
{
    struct token token;
    if (!msgpack_next(s, &token) || token.kind != TOKEN_ARRAY || token.count != 2)
        return msgpack_fail(s, "a header is not [name, value]");
    if (!msgpack_bytes(s, &header->name) || !msgpack_bytes(s, &header->value))
        return false;
    return header->name.at || msgpack_fail(s, "a header has no name");
}

static bool msgpack_headers(struct msgpack_scan *s, struct header_list *list)
{
    struct token token;
    if (!msgpack_next(s, &token) || (token.kind != TOKEN_ARRAY && token.kind != TOKEN_NIL))
        return msgpack_fail(s, "headers are not a list");
    for (uint64_t i = 0; i < token.count; i++)
        if (!msgpack_header(s, header_list_add(list)))
            return false;
    return true;
}

static bool msgpack_name_is(struct evl_bytes name, const char *text)
{
    return name.count == strlen(text) && memcmp(name.at, text, name.count) == 0;
}

static bool msgpack_member(struct msgpack_scan *s, struct evl_bytes name,
                           struct evl_format_reader *r, struct evl_record *record)
{
    if (msgpack_name_is(name, "v"))
        return msgpack_bytes(s, &record->value);
    if (msgpack_name_is(name, "k"))
        return msgpack_bytes(s, &record->key);
    if (msgpack_name_is(name, "ts"))
        return msgpack_number(s, INT64_MIN + 1, INT64_MAX, &record->timestamp);
    if (msgpack_name_is(name, "h"))
        return msgpack_headers(s, &r->headers);
    if (msgpack_name_is(name, "t"))
        return msgpack_bytes(s, &record->topic);
    if (msgpack_name_is(name, "p"))
        return msgpack_partition(s, record);
    if (msgpack_name_is(name, "o"))
        return msgpack_number(s, 0, INT64_MAX, &record->offset);
    if (msgpack_name_is(name, "tt"))
        return msgpack_timestamp_type(s, record);
    return msgpack_skip(s);
}

static enum evl_error msgpack_end(struct evl_format_reader *r, struct msgpack_scan *s)
{
    struct token token;
    int64_t count = -1;
    int64_t crc = -1;
    if (!msgpack_next(s, &token) || token.kind != TOKEN_MAP)
        return fail(EVL_ERR_CORRUPT, "an end mark is not a map");
    for (uint64_t i = 0; i < token.count; i += 2) {
        struct token name;
        bool ok = msgpack_next(s, &name) && name.kind == TOKEN_BYTES;
        if (ok && msgpack_name_is(name.bytes, "n"))
            ok = msgpack_number(s, 0, INT64_MAX, &count);
        else if (ok && msgpack_name_is(name.bytes, "crc"))
            ok = msgpack_number(s, 0, UINT32_MAX, &crc);
        else
            ok = ok && msgpack_skip(s);
        if (!ok)
            return fail(EVL_ERR_CORRUPT, "an end mark does not say what it should");
    }
    return format_end(r, (uint64_t)count, (uint64_t)crc);
}

/* `item` is one well-formed item, whatever it is. */
static enum evl_error msgpack_parse(struct evl_format_reader *r, struct evl_bytes item,
                                    struct evl_record *record, bool *got)
{
    struct msgpack_scan s = { item.at, item.at + item.count, NULL };
    struct token map;
    if (!msgpack_next(&s, &map) || map.kind != TOKEN_MAP)
        return fail(EVL_ERR_CORRUPT, "a record is not a map");
    *record = EVL_RECORD_NONE;
    r->headers.count = 0;
    for (uint64_t i = 0; i < map.count; i += 2) {
        struct token name;
        if (!msgpack_next(&s, &name) || name.kind != TOKEN_BYTES)
            return fail(EVL_ERR_CORRUPT, "the key of a map is not a string");
        if (msgpack_name_is(name.bytes, "$end"))
            return msgpack_end(r, &s);
        if (!msgpack_member(&s, name.bytes, r, record))
            return fail(EVL_ERR_CORRUPT, "\"%.*s\": %s",
                        (int)(name.bytes.count < 8 ? name.bytes.count : 8),
                        (const char *)name.bytes.at, s.why);
    }
    record->headers = r->headers.at;
    record->header_count = r->headers.count;
    tally_add(&r->tally, item);
    *got = true;
    return EVL_OK;
}

static enum evl_error msgpack_take(struct evl_format_reader *r, struct evl_bytes input, bool last,
                                   size_t *used, struct evl_record *record, bool *got)
{
    struct msgpack_scan s = { input.at, input.at + input.count, NULL };
    bool whole = msgpack_skip(&s);
    size_t size = (size_t)(s.p - input.at);
    if (s.why)
        return format_lost(r, s.why);
    if (whole && size <= r->options.record_max) {
        *used = size;
        return msgpack_parse(r, evl_bytes(input.at, size), record, got);
    }
    if (whole) {
        *used = size;
        return format_too_large(r);
    }
    if (input.count > r->options.record_max) {
        r->lost = "nobody knows where the record that is too large ends";
        return format_too_large(r);
    }
    if (last && input.count > 0)
        return format_lost(r, "the stream is cut off in a record");
    return EVL_OK;
}

const struct format format_msgpack = { .take = msgpack_take,
                                       .write = msgpack_write,
                                       .write_end = msgpack_write_end };
