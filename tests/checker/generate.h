/* generate.h - histories that are what they should be, but for one anomaly. */
#ifndef TESTS_GENERATE_H
#define TESTS_GENERATE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum generated { GENERATED, GENERATE_UNKNOWN, GENERATE_TOO_SHORT };

/* Write a history of about so many operations: actors send, poll, and do both
 * in transactions, on logs that are arrays; some fail, some vanish; at the end
 * everything is read.  `plant` names an anomaly that happens once, in the
 * second half, or is NULL.  UNKNOWN: there is no such anomaly (nothing was
 * written); TOO_SHORT: the occasion for it did not arise. */
enum generated generate_history(uint64_t seed, uint64_t operations, const char *plant, FILE *out);

#endif
