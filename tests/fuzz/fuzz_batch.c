/* fuzz_batch.c - any bytes as a record batch.
 *
 * Length and checksum are made right, so that what lies behind them is reached.
 * What can be read is written again, and must then read the same. */
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "fuzz/fuzz.h"
#include "record/batch.h"

enum { PLAIN_MAX = 1 << 20 };

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static bool same(const struct evl_record *a, const struct evl_record *b)
{
    bool equal = a->offset == b->offset && a->timestamp == b->timestamp &&
                 a->header_count == b->header_count && evl_bytes_equal(a->key, b->key) &&
                 evl_bytes_equal(a->value, b->value);
    for (size_t i = 0; equal && i < a->header_count; i++)
        equal = evl_bytes_equal(a->headers[i].name, b->headers[i].name) &&
                evl_bytes_equal(a->headers[i].value, b->headers[i].value);
    return equal;
}

/* Touch every byte, so that a sanitizer sees what does not belong to it. */
static void touch(struct evl_bytes bytes)
{
    static volatile uint8_t sink;
    for (size_t i = 0; i < bytes.count; i++)
        sink = bytes.at[i];
    (void)sink;
}

static void record_touch(const struct evl_record *record)
{
    touch(record->key);
    touch(record->value);
    for (size_t i = 0; i < record->header_count; i++) {
        touch(record->headers[i].name);
        touch(record->headers[i].value);
    }
}

/* Read to the end; true if it is good to the end.  What it holds goes to `w`. */
static bool read_all(struct batch_reader *r, struct evl_bytes bytes, struct batch_writer *w)
{
    struct evl_record record;
    bool more = true;
    if (batch_open(r, bytes, PLAIN_MAX))
        return false;
    batch_begin_at(w, r->batch.base_offset, EVL_NO_TIMESTAMP);
    while (!batch_next(r, &record, &more)) {
        if (!more)
            return true;
        record_touch(&record);
        if (record.timestamp == EVL_NO_TIMESTAMP)
            record.timestamp = 0; /* what no writer takes */
        batch_add_at(w, &record);
    }
    return false;
}

static void compare(struct batch_reader *a, struct batch_reader *b)
{
    bool more = true;
    while (more) {
        struct evl_record x;
        struct evl_record y;
        bool more_too;
        expect(!batch_next(a, &x, &more) && !batch_next(b, &y, &more_too) && more == more_too);
        if (more && x.timestamp == EVL_NO_TIMESTAMP)
            x.timestamp = 0;
        expect(!more || same(&x, &y));
    }
}

static void rewrite(struct batch_reader *r, struct evl_bytes bytes, struct batch_writer *w)
{
    struct batch_reader again = { 0 };
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    struct batch head;
    uint8_t *at;
    size_t size;
    expect(!batch_finish(w, &seal, &at, &size) && !batch_check(evl_bytes(at, size), &head));
    expect(!batch_open(r, bytes, PLAIN_MAX));
    expect(!batch_open(&again, evl_bytes(at, size), PLAIN_MAX));
    compare(r, &again);
    batch_reader_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct batch_reader r; /* kept, as its users do */
    static struct batch_writer w;
    struct evl_buffer b = { 0 };
    struct batch head;
    buf_add(&b, data, size);
    if (size >= BATCH_HEAD) {
        put_i32(b.at + 8, (int32_t)size - BATCH_LEAD);
        put_u32(b.at + 17, crc32c(0, b.at + 21, size - 21));
    }
    if (!batch_check(buf_bytes(&b), &head) && read_all(&r, buf_bytes(&b), &w))
        rewrite(&r, buf_bytes(&b), &w);
    buf_release(&b);
    return 0;
}
