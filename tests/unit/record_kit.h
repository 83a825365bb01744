/* record_kit.h - what several tests of records need. */
#ifndef TESTS_RECORD_KIT_H
#define TESTS_RECORD_KIT_H

#include <evl/record.h>

#include "base/buf.h"
#include "record/batch.h"

/* The bytes that a text of hex digits means.  The caller releases. */
struct evl_buffer hex_read(const char *text);

/* A number of chance: the same ones in every run after kit_seed(). */
void kit_seed(uint64_t seed);
uint64_t kit_chance(void);

/* A record of chance: nulls, empty fields, headers that repeat, any timestamp.
 * Its bytes live as long as the program. */
enum { KIT_HEADERS = 5 };
struct kit_record {
    struct evl_record record;
    struct evl_header headers[KIT_HEADERS];
};
void kit_record_make(struct kit_record *r);

/* Whether key, value, headers, timestamp and offset are alike. */
bool kit_records_equal(const struct evl_record *a, const struct evl_record *b);

/* Read an entry to its end.  Returns the error that stopped it, and how many
 * records were read. */
enum evl_error kit_read_all(struct evl_bytes entry, int32_t *count);

#endif
