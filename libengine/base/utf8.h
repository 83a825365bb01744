/* utf8.h - is it text?  RFC 3629: no surrogates, nothing overlong, nothing
 * above U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <evl/bytes.h>

/* How long the character at p is: 1 to 4; 0 if no character begins there. */
int utf8_length(const uint8_t *p, const uint8_t *end);

bool utf8_is_valid(struct evl_bytes bytes);

/* The code point of the character at p, which is as long as utf8_length says. */
uint32_t utf8_get(const uint8_t *p, int length);

/* Write a code point; return where the next one goes. */
uint8_t *utf8_put(uint8_t *p, uint32_t point);

/* Eight bytes at once. */
static inline uint64_t utf8_load8(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

#define UTF8_EVERY 0x0101010101010101u /* times a byte: that byte, eight times */

/* Is none of them above 0x7f? */
static inline bool utf8_is_ascii8(const uint8_t *p)
{
    return (utf8_load8(p) & 0x80 * UTF8_EVERY) == 0;
}

/* Is each of them ASCII, no control character, and none of a, b and c?  Of
 * seven bits, a byte less than n, or n itself, borrows when n is taken off. */
static inline bool utf8_is_plain8(const uint8_t *p, uint8_t a, uint8_t b, uint8_t c)
{
    uint64_t word = utf8_load8(p);
    uint64_t odd = word | (word - 0x20 * UTF8_EVERY);
    odd |= (word ^ a * UTF8_EVERY) - UTF8_EVERY;
    odd |= (word ^ b * UTF8_EVERY) - UTF8_EVERY;
    odd |= (word ^ c * UTF8_EVERY) - UTF8_EVERY;
    return (odd & 0x80 * UTF8_EVERY) == 0;
}

/* How many bytes from p on are so, at least: whole eights. */
static inline size_t utf8_plain_run(const uint8_t *p, const uint8_t *end, uint8_t a, uint8_t b,
                                    uint8_t c)
{
    const uint8_t *begin = p;
    while (end - p >= 8 && utf8_is_plain8(p, a, b, c))
        p += 8;
    return (size_t)(p - begin);
}

#endif
