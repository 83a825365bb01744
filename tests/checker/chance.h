/* chance.h - numbers from a seed: splitmix64. */
#ifndef TESTS_CHANCE_H
#define TESTS_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

/* The next one, below the limit. */
static inline uint64_t chance_below(uint64_t *seed, uint64_t limit)
{
    uint64_t x = *seed += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return (x ^ x >> 31) % limit;
}

static inline bool chance_toss(uint64_t *seed, unsigned percent)
{
    return chance_below(seed, 100) < percent;
}

#endif
