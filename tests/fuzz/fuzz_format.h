/* fuzz_format.h - what holds for any form and any input:
 *
 *   1. Cut into pieces, the input gives the same records.
 *   2. A record that was read, written, and read again, is written the same.
 *   3. Whatever is consumed is within the input, and reading comes to an end.
 *
 * The first byte of the input says how large the pieces are. */
#ifndef TESTS_FUZZ_FORMAT_H
#define TESTS_FUZZ_FORMAT_H

#include <evl/format.h>

#include <stdlib.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "fuzz.h"

/* What came out of one reading, up to the first complaint. */
struct fuzz_reading {
    size_t records;
    uint32_t crc; /* of the records, as `writer` tells them */
    enum evl_error err;
};

static inline void fuzz_again(const struct evl_format_options *options,
                              struct evl_format_writer *writer, struct evl_bytes told)
{
    struct evl_format_reader *reader;
    struct evl_record record;
    struct evl_buffer again = { 0 };
    size_t used;
    bool got;
    check(!evl_format_reader_open(options, &reader));
    check(!evl_format_read(reader, told, true, &used, &record, &got) && got);
    check(used == told.count);
    check(!evl_format_write(writer, &record, &again));
    check(evl_bytes_equal(told, evl_buffer_bytes(&again)));
    evl_buffer_release(&again);
    evl_format_reader_close(reader);
}

/* The bytes `from` to `to` in memory of their own, so that a step too far is
 * seen. */
static inline uint8_t *fuzz_piece(struct evl_bytes input, size_t from, size_t to)
{
    uint8_t *piece = malloc(to - from + 1);
    if (to > from)
        memcpy(piece, input.at + from, to - from);
    return realloc(piece, to - from ? to - from : 1);
}

static inline struct fuzz_reading fuzz_read(const struct evl_format_options *options,
                                            const struct evl_format_options *tell,
                                            struct evl_bytes input, size_t step, bool again)
{
    struct fuzz_reading reading = { 0 };
    struct evl_format_reader *reader;
    struct evl_format_writer *writer;
    struct evl_buffer told = { 0 };
    size_t done = 0;
    size_t have = step < input.count ? step : input.count;
    check(!evl_format_reader_open(options, &reader));
    check(!evl_format_writer_open(tell, &writer));
    for (;;) {
        struct evl_record record;
        size_t used;
        bool got;
        uint8_t *piece = fuzz_piece(input, done, have);
        reading.err = evl_format_read(reader, evl_bytes(piece, have - done), have == input.count,
                                      &used, &record, &got);
        check(used <= have - done && !(got && reading.err));
        if (got) {
            evl_buffer_clear(&told);
            check(!evl_format_write(writer, &record, &told));
            reading.crc = crc32c(reading.crc, told.at, told.count);
            reading.records++;
            if (again)
                fuzz_again(tell, writer, evl_buffer_bytes(&told));
        }
        free(piece);
        done += used;
        if (reading.err || (!got && have == input.count))
            break;
        if (!got)
            have = input.count - have < step ? input.count : have + step;
    }
    check(reading.err || done == input.count);
    evl_buffer_release(&told);
    evl_format_writer_close(writer);
    evl_format_reader_close(reader);
    return reading;
}

/* `tell` is the lossless form in which records are compared. */
static inline int fuzz_format(const struct evl_format_options *options,
                              const struct evl_format_options *tell, const uint8_t *data,
                              size_t size)
{
    if (size == 0)
        return 0;
    struct evl_bytes input = { data + 1, size - 1 };
    struct fuzz_reading whole = fuzz_read(options, tell, input, input.count, true);
    struct fuzz_reading parts = fuzz_read(options, tell, input, 1 + data[0] % 40, false);
    check(whole.records == parts.records && whole.crc == parts.crc);
    check(!whole.err == !parts.err);
    return 0;
}

#endif
