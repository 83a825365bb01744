/* siphash.c - SipHash by Aumasson and Bernstein, with its long result.
 *
 * Two rounds for each word of the input, four at the end. */
#include "base/siphash.h"

#include <string.h>

#include "base/endian.h"

struct state {
    uint64_t a, b, c, d;
};

static inline uint64_t rotate(uint64_t x, int bits) { return x << bits | x >> (64 - bits); }

static inline void state_round(struct state *s)
{
    s->a += s->b;
    s->c += s->d;
    s->b = rotate(s->b, 13) ^ s->a;
    s->d = rotate(s->d, 16) ^ s->c;
    s->a = rotate(s->a, 32) + s->d;
    s->c += s->b;
    s->d = rotate(s->d, 21) ^ s->a;
    s->b = rotate(s->b, 17) ^ s->c;
    s->c = rotate(s->c, 32);
}

static inline void state_take(struct state *s, uint64_t word)
{
    s->d ^= word;
    state_round(s);
    state_round(s);
    s->a ^= word;
}

static inline uint64_t state_give(struct state *s)
{
    for (int i = 0; i < 4; i++)
        state_round(s);
    return s->a ^ s->b ^ s->c ^ s->d;
}

static inline uint64_t word_read(const uint8_t *p, size_t bytes)
{
    uint64_t word = 0; /* little-endian, as this machine is (base/endian.h) */
    memcpy(&word, p, bytes);
    return word;
}

struct siphash siphash(const uint64_t key[2], const void *at, size_t count)
{
    const uint8_t *p = at;
    size_t left = count;
    struct siphash hash;
    struct state s = { key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d ^ 0xee,
                       key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573 };
    for (; left >= 8; left -= 8, p += 8)
        state_take(&s, word_read(p, 8));
    uint64_t last = (uint64_t)count << 56; /* the length's low byte ends the input */
    state_take(&s, left > 0 ? last | word_read(p, left) : last);
    s.c ^= 0xee;
    hash.low = state_give(&s);
    s.b ^= 0xdd;
    hash.high = state_give(&s);
    return hash;
}
