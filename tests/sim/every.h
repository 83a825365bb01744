/* every.h - short scripts, stopped at every one of their calls.
 *
 * A script is a word of letters:
 *
 *     c  create topic a          p  produce two records, synced
 *     x  remove it               r  produce one that begins a segment
 *     n  rename it to b, or back f  produce, and the next sync fails
 *     g  a partition more        k  repair it, or checkpoint it
 *
 * It is run again and again: the power is cut, or the process killed, at its
 * first call, at its second, and so on to the last.  With a stride, the recovery
 * from each of those is cut as well, at every stride'th call. */
#ifndef TESTS_EVERY_H
#define TESTS_EVERY_H

#include <stdbool.h>
#include <stdint.h>

struct every_result {
    uint64_t runs;
    char broken[1200]; /* the promise that was, and where; empty: none */
};

void every_run(const char *script, uint64_t stride, struct every_result *result);

#endif
