/* random_record.c - records with everything that a record may have. */
#include "random_record.h"

uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed * 0x2545f4914f6cdd1d;
}

/* Bytes that forms trip over come more often than others. */
static uint8_t random_byte(uint64_t *seed)
{
    static const char special[] = "\n\t\r\\\"%,=/ N\0{}\x7f\xc2\x85";
    uint64_t n = random_next(seed);
    return n % 3 == 0 ? (uint8_t)special[n / 3 % (sizeof special - 1)] : (uint8_t)(n >> 40);
}

static struct evl_bytes random_field(struct random_record *r, uint64_t *seed)
{
    static const char *const texts[] = { "",
                                         "\\N",
                                         "plain",
                                         "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
                                         "{\"a\": [1, 2]}",
                                         "\x7f\x01",
                                         "\xed\xa0\x80",
                                         "a=b,c" };
    uint8_t *at = r->bytes + r->used;
    uint64_t n = random_next(seed);
    size_t count = n / 16 % RANDOM_FIELD_MAX;
    if (n % 4 == 0) {
        const char *text = texts[n / 4 % 8];
        count = strlen(text);
        memcpy(at, text, count);
    } else if (n % 4 == 1) {
        for (size_t i = 0; i < count; i++)
            at[i] = (uint8_t)(' ' + random_next(seed) % 95);
    } else {
        for (size_t i = 0; i < count; i++)
            at[i] = random_byte(seed);
    }
    r->used += count;
    return evl_bytes(at, count);
}

static struct evl_bytes random_field_or_null(struct random_record *r, uint64_t *seed)
{
    return random_next(seed) % 5 == 0 ? evl_bytes(NULL, 0) : random_field(r, seed);
}

/* Of every size, and often at the edges. */
static int64_t random_number(uint64_t *seed)
{
    uint64_t n = random_next(seed);
    return (int64_t)(random_next(seed) >> n % 64) + (int64_t)(n >> 60) - 8;
}

void random_record_make(struct random_record *r, uint64_t *seed)
{
    uint64_t n = random_next(seed);
    r->used = 0;
    r->record = EVL_RECORD_NONE;
    if (n & 1)
        r->record.topic = evl_text(n & 2 ? "orders" : "t.0_-");
    if (n & 4)
        r->record.partition = (int32_t)((uint64_t)random_number(seed) & INT32_MAX);
    if (n & 8)
        r->record.offset = (int64_t)((uint64_t)random_number(seed) & INT64_MAX);
    if (n & 16)
        r->record.timestamp = random_number(seed);
    if (n & 32)
        r->record.timestamp_type = EVL_APPEND_TIME;
    r->record.key = random_field_or_null(r, seed);
    r->record.value = random_field_or_null(r, seed);
    r->record.header_count = n & 64 ? random_next(seed) % (RANDOM_HEADERS_MAX + 1) : 0;
    for (size_t i = 0; i < r->record.header_count; i++) {
        bool again = i > 0 && random_next(seed) % 3 == 0;
        r->headers[i].name = again ? r->headers[0].name : random_field(r, seed);
        r->headers[i].value = random_field_or_null(r, seed);
    }
    r->record.headers = r->headers;
}

const char *record_difference(const struct evl_record *a, const struct evl_record *b)
{
    if (!evl_bytes_equal(a->topic, b->topic))
        return "topic";
    if (a->partition != b->partition || a->offset != b->offset)
        return "place";
    if (a->timestamp != b->timestamp || a->timestamp_type != b->timestamp_type)
        return "timestamp";
    if (!evl_bytes_equal(a->key, b->key))
        return "key";
    if (!evl_bytes_equal(a->value, b->value))
        return "value";
    if (a->header_count != b->header_count)
        return "header count";
    for (size_t i = 0; i < a->header_count; i++)
        if (!evl_bytes_equal(a->headers[i].name, b->headers[i].name) ||
            !evl_bytes_equal(a->headers[i].value, b->headers[i].value))
            return "header";
    return NULL;
}
