/* random_record.h - records with everything that a record may have: binary and
 * textual keys and values, nulls, empties, headers that repeat, any
 * timestamp. */
#ifndef TESTS_RANDOM_RECORD_H
#define TESTS_RANDOM_RECORD_H

#include <evl/record.h>

enum { RANDOM_FIELD_MAX = 40, RANDOM_HEADERS_MAX = 4 };

struct random_record {
    struct evl_record record;
    struct evl_header headers[RANDOM_HEADERS_MAX];
    uint8_t bytes[(3 + 2 * RANDOM_HEADERS_MAX) * RANDOM_FIELD_MAX];
    size_t used;
};

/* The next number of a seed that is not 0. */
uint64_t random_next(uint64_t *seed);

void random_record_make(struct random_record *r, uint64_t *seed);

/* Equal in all that forms carry; says which field is not, or NULL. */
const char *record_difference(const struct evl_record *a, const struct evl_record *b);

#endif
