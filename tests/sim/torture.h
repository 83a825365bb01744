/* torture.h - one seed: a world is made, used, broken and looked at. */
#ifndef TESTS_TORTURE_H
#define TESTS_TORTURE_H

#include <stdbool.h>
#include <stdint.h>

struct torture_options {
    int processes; /* 1 to 4; 0: as the seed says */
    bool flip;     /* bits turn over: damage must be told */
    bool trace;    /* print every call of every process */
};

struct torture_result {
    uint64_t cuts, kills, operations;
    uint64_t trace;    /* equal for equal runs */
    char broken[1024]; /* the promise that was; empty: none */
};

void torture_run(uint64_t seed, const struct torture_options *options,
                 struct torture_result *result);

#endif
