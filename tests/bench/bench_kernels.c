/* bench_kernels.c - what the inner loops cost on one core: checksum, encode,
 * decode.  One line of JSON each, the best and the median of several runs. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/crc32c.h"
#include "base/memory.h"
#include "record/batch.h"

enum { RUNS = 9, VALUE_BYTES = 99, BATCH_RECORDS = 2600, VALUES = 8192 };

static volatile uint32_t sink; /* what is computed must be wanted */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const char *what, size_t bytes, const char *unit, double speeds[RUNS])
{
    qsort(speeds, RUNS, sizeof speeds[0], compare);
    printf("{\"kernel\":\"%s\",\"bytes\":%zu,\"unit\":\"%s\",\"median\":%.2f,\"best\":%.2f}\n",
           what, bytes, unit, speeds[RUNS / 2], speeds[RUNS - 1]);
}

typedef uint32_t checksum(uint32_t crc, const void *at, size_t count);

static void bench_checksum(const char *what, checksum *run, const uint8_t *at, size_t bytes)
{
    double speeds[RUNS];
    size_t turns = 100000000 / bytes;
    for (int i = 0; i < RUNS; i++) {
        double begin = now();
        uint32_t crc = 0;
        for (size_t turn = 0; turn < turns; turn++)
            crc ^= run(0, at + turn % 64, bytes);
        sink = crc;
        speeds[i] = (double)(turns * bytes) / (now() - begin) / 1e9;
    }
    report(what, bytes, "GB/s", speeds);
}

static void encode(struct batch_writer *w, const uint8_t *values, const struct batch_seal *seal,
                   uint8_t **batch, size_t *size)
{
    struct evl_record record = EVL_RECORD_NONE;
    record.timestamp = 1700000000000;
    batch_begin(w);
    for (size_t i = 0; i < BATCH_RECORDS; i++) {
        record.value = evl_bytes(values + i % VALUES * VALUE_BYTES, VALUE_BYTES);
        batch_add(w, &record);
    }
    if (batch_finish(w, seal, batch, size))
        abort();
}

static void bench_encode(const uint8_t *values)
{
    enum { TURNS = 1000 };
    struct batch_writer w = { 0 };
    double speeds[RUNS];
    uint8_t *batch;
    size_t size;
    for (int i = 0; i < RUNS; i++) {
        double begin = now();
        for (int turn = 0; turn < TURNS; turn++) {
            encode(&w, values, &BATCH_SEAL_PLAIN, &batch, &size);
            sink = batch[20];
        }
        speeds[i] = (double)TURNS * BATCH_RECORDS / (now() - begin) / 1e6;
    }
    report("encode with checksum", VALUE_BYTES, "M records/s", speeds);
    batch_writer_release(&w);
}

/* Read all records, and look at each value. */
static size_t decode(struct batch_reader *r, struct evl_bytes bytes)
{
    struct batch batch;
    struct evl_record record;
    bool more;
    size_t sum = 0;
    if (batch_check(bytes, &batch) || batch_open(r, bytes, 1 << 24))
        abort();
    while (batch_next(r, &record, &more) == EVL_OK && more)
        sum += record.value.count + record.value.at[0];
    return sum;
}

static void bench_decode(const char *what, const uint8_t *values, enum evl_codec codec)
{
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    struct batch_writer w = { 0 };
    struct batch_reader r = { 0 };
    double speeds[RUNS];
    uint8_t *batch;
    size_t size;
    int turns = codec == EVL_CODEC_NONE ? 1000 : 50;
    seal.attributes = (int16_t)codec;
    encode(&w, values, &seal, &batch, &size);
    for (int i = 0; i < RUNS; i++) {
        double begin = now();
        for (int turn = 0; turn < turns; turn++)
            sink = (uint32_t)decode(&r, evl_bytes(batch, size));
        speeds[i] = (double)turns * BATCH_RECORDS / (now() - begin) / 1e6;
    }
    report(what, VALUE_BYTES, "M records/s", speeds);
    batch_reader_release(&r);
    batch_writer_release(&w);
}

static void bench_pack(enum evl_codec codec, const uint8_t *values)
{
    struct compressor c = { 0 };
    struct evl_buffer packed = { 0 };
    double speeds[RUNS];
    enum { BYTES = 262144, TURNS = 16 };
    for (int i = 0; i < RUNS; i++) {
        double begin = now();
        for (int turn = 0; turn < TURNS; turn++) {
            buf_clear(&packed);
            if (compressor_pack(&c, codec, 0, evl_bytes(values, BYTES), &packed))
                abort();
        }
        speeds[i] = (double)TURNS * BYTES / (now() - begin) / 1e6;
    }
    report(evl_codec_name(codec), packed.count, "MB/s packed", speeds);
    compressor_release(&c);
    buf_release(&packed);
}

static void bench_unpack(enum evl_codec codec, const uint8_t *values)
{
    struct compressor c = { 0 };
    struct decompressor d = { 0 };
    struct evl_buffer packed = { 0 };
    struct evl_buffer plain = { 0 };
    double speeds[RUNS];
    enum { BYTES = 262144, TURNS = 64 };
    if (compressor_pack(&c, codec, 0, evl_bytes(values, BYTES), &packed))
        abort();
    for (int i = 0; i < RUNS; i++) {
        double begin = now();
        for (int turn = 0; turn < TURNS; turn++)
            if (decompressor_unpack(&d, codec, buf_bytes(&packed), BYTES, &plain))
                abort();
        speeds[i] = (double)TURNS * BYTES / (now() - begin) / 1e6;
    }
    report(evl_codec_name(codec), packed.count, "MB/s unpacked", speeds);
    compressor_release(&c);
    decompressor_release(&d);
    buf_release(&packed);
    buf_release(&plain);
}

/* Lines that compress as logs do: words that come again, and numbers that do not. */
static uint8_t *values_make(void)
{
    uint8_t *values = memory_take((size_t)VALUES * VALUE_BYTES + 1, 1);
    srand(1);
    for (int i = 0; i < VALUES; i++)
        snprintf((char *)values + (size_t)i * VALUE_BYTES, VALUE_BYTES + 1,
                 "{\"id\":%010d,\"user\":\"user-%05d\",\"action\":\"%s\",\"price\":%8d,"
                 "\"note\":\"%-17d\"}",
                 rand(), rand() % 20000, rand() % 2 ? "view" : "sold", rand() % 100000, rand());
    return values;
}

int main(void)
{
    static const size_t sizes[] = { 100, 1024, 16384, 1 << 20 };
    enum { AREA = (1 << 20) + 64 };
    uint8_t *area = memory_take(AREA, 1);
    uint8_t *values = values_make();
    for (size_t i = 0; i < AREA; i++)
        area[i] = (uint8_t)rand();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        bench_checksum("crc32c", crc32c, area, sizes[i]);
    bench_checksum("crc32c_portable", crc32c_portable, area, 16384);
    bench_encode(values);
    bench_decode("check and decode", values, EVL_CODEC_NONE);
    for (int codec = EVL_CODEC_GZIP; codec < CODEC_COUNT; codec++) {
        if (!evl_codec_usable((enum evl_codec)codec))
            continue;
        bench_pack((enum evl_codec)codec, values);
        bench_unpack((enum evl_codec)codec, values);
    }
    memory_free(area);
    memory_free(values);
    return 0;
}
