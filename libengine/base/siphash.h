/* siphash.h - a keyed hash of 128 bits: SipHash-2-4-128.
 *
 * Who does not know the key cannot make two inputs meet, and by chance two of
 * 2^40 do with odds of one to 2^49: an equal hash counts as an equal input. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash {
    uint64_t low, high;
};

struct siphash siphash(const uint64_t key[2], const void *at, size_t count);

#endif
