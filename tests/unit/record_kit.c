/* record_kit.c - see record_kit.h. */
#include "record_kit.h"

#include "record/message_set.h"

static uint64_t state = 1;

void kit_seed(uint64_t seed) { state = seed * 2 + 1; }

uint64_t kit_chance(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) ^ state << 31;
}

static uint8_t digit(char c) { return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10); }

struct evl_buffer hex_read(const char *text)
{
    struct evl_buffer b = { 0 };
    for (; text[0] && text[1]; text += 2)
        buf_add_byte(&b, (uint8_t)(digit(text[0]) << 4 | digit(text[1])));
    return b;
}

enum { POOL_BYTES = 1 << 16 };

/* Half of it repeats, half does not. */
static const uint8_t *pool(void)
{
    static uint8_t bytes[POOL_BYTES];
    if (bytes[1] == 0)
        for (size_t i = 0; i < POOL_BYTES; i++)
            bytes[i] = i % 16 < 8 ? (uint8_t)('a' + i % 8) : (uint8_t)kit_chance();
    return bytes;
}

static struct evl_bytes bytes_make(size_t bytes_max)
{
    uint64_t kind = kit_chance() % 8;
    if (kind == 0)
        return evl_bytes(NULL, 0);
    size_t count = kind == 1 ? 0 : kit_chance() % bytes_max;
    return evl_bytes(pool() + kit_chance() % (POOL_BYTES - bytes_max), count);
}

static int64_t timestamp_make(void)
{
    static const int64_t extremes[] = { INT64_MAX, INT64_MIN + 1, -1, 0 };
    uint64_t kind = kit_chance() % 16;
    if (kind < sizeof extremes / sizeof extremes[0])
        return extremes[kind];
    return 1700000000000 + (int64_t)(kit_chance() % 10000) - 5000;
}

void kit_record_make(struct kit_record *r)
{
    static const char *const names[] = { "", "twice", "twice", "id" };
    r->record = EVL_RECORD_NONE;
    r->record.timestamp = timestamp_make();
    r->record.key = bytes_make(40);
    r->record.value = bytes_make(kit_chance() % 64 == 0 ? 30000 : 200);
    r->record.headers = r->headers;
    r->record.header_count = kit_chance() % 2 ? 0 : kit_chance() % (KIT_HEADERS + 1);
    for (size_t i = 0; i < r->record.header_count; i++) {
        r->headers[i].name = evl_text(names[kit_chance() % 4]);
        r->headers[i].value = bytes_make(100);
    }
}

bool kit_records_equal(const struct evl_record *a, const struct evl_record *b)
{
    if (a->header_count != b->header_count || a->timestamp != b->timestamp ||
        a->offset != b->offset || !evl_bytes_equal(a->key, b->key) ||
        !evl_bytes_equal(a->value, b->value))
        return false;
    for (size_t i = 0; i < a->header_count; i++)
        if (!evl_bytes_equal(a->headers[i].name, b->headers[i].name) ||
            !evl_bytes_equal(a->headers[i].value, b->headers[i].value))
            return false;
    return true;
}

enum evl_error kit_read_all(struct evl_bytes entry, int32_t *count)
{
    struct batch_reader r = { 0 };
    struct evl_record record;
    bool more = true;
    *count = 0;
    enum evl_error err = batch_open(&r, entry, 1 << 26);
    while (!err && more) {
        err = batch_next(&r, &record, &more);
        *count += !err && more;
    }
    if (err && batch_next(&r, &record, &more) == EVL_OK && more)
        err = EVL_OK; /* what was refused must not be passed over when asked again */
    batch_reader_release(&r);
    return err;
}
