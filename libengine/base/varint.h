/* varint.h - numbers of variable length.
 *
 * A uvarint is LEB128: seven bits a byte, lowest first, the top bit on all but
 * the last.  Kafka's records use zig-zag varints (small negatives stay small),
 * its flexible messages plain ones.  A longer form than needed is legal; more
 * than 5 bytes for 32 bits, or 10 for 64, is not. */
#ifndef BASE_VARINT_H
#define BASE_VARINT_H

#include <stddef.h>
#include <stdint.h>

enum { VARINT_BYTES_MAX = 5, VARLONG_BYTES_MAX = 10 };

/* Read one; return where the next byte is, or NULL if it does not end before
 * `end` or is too long. */
static inline const uint8_t *get_uvarlong(const uint8_t *p, const uint8_t *end, uint64_t *value)
{
    uint64_t v = 0;
    for (int shift = 0; p < end && shift < 70; shift += 7) {
        uint64_t b = *p++;
        v |= (b & 0x7f) << shift;
        if (b < 0x80) {
            *value = v;
            return p;
        }
    }
    return 0;
}

static inline const uint8_t *get_uvarint(const uint8_t *p, const uint8_t *end, uint32_t *value)
{
    uint32_t v = 0;
    for (int shift = 0; p < end && shift < 35; shift += 7) {
        uint32_t b = *p++;
        v |= (b & 0x7f) << shift;
        if (b < 0x80) {
            *value = v;
            return p;
        }
    }
    return 0;
}

/* A value below 128, or below 16384: nearly all lengths and deltas of records. */
static inline const uint8_t *get_uvarint_short(const uint8_t *p, const uint8_t *end,
                                               uint32_t *value)
{
    if (end - p < 2)
        return 0;
    uint32_t low = p[0];
    uint32_t high = p[1];
    if (low < 0x80) {
        *value = low;
        return p + 1;
    }
    *value = (low & 0x7f) | high << 7;
    return high < 0x80 ? p + 2 : 0;
}

static inline const uint8_t *get_varint(const uint8_t *p, const uint8_t *end, int32_t *value)
{
    uint32_t v;
    const uint8_t *next = get_uvarint_short(p, end, &v);
    if (!next && !(next = get_uvarint(p, end, &v)))
        return 0;
    *value = (int32_t)((v >> 1) ^ (0u - (v & 1)));
    return next;
}

static inline const uint8_t *get_varlong(const uint8_t *p, const uint8_t *end, int64_t *value)
{
    uint32_t small;
    uint64_t v;
    const uint8_t *next = get_uvarint_short(p, end, &small);
    if (next)
        v = small;
    else if (!(next = get_uvarlong(p, end, &v)))
        return 0;
    *value = (int64_t)((v >> 1) ^ (0u - (v & 1)));
    return next;
}

/* Write one, into room for the longest; return where the next byte goes. */
static inline uint8_t *put_uvarlong(uint8_t *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

static inline uint8_t *put_uvarint(uint8_t *p, uint32_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

static inline uint32_t zigzag(int32_t v) { return ((uint32_t)v << 1) ^ (uint32_t)(v >> 31); }
static inline uint64_t zigzag_long(int64_t v) { return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63); }

static inline uint8_t *put_varint(uint8_t *p, int32_t v) { return put_uvarint(p, zigzag(v)); }
static inline uint8_t *put_varlong(uint8_t *p, int64_t v)
{
    return put_uvarlong(p, zigzag_long(v));
}

/* How many bytes a number takes. */
static inline size_t uvarlong_bytes(uint64_t v)
{
    return (size_t)(64 - __builtin_clzll(v | 1) + 6) / 7;
}

static inline size_t varint_bytes(int32_t v) { return uvarlong_bytes(zigzag(v)); }
static inline size_t varlong_bytes(int64_t v) { return uvarlong_bytes(zigzag_long(v)); }

#endif
