/* lz4_header.c - an LZ4 frame's header, mended.
 *
 *   OFFSET  SIZE  WHAT (little-endian)
 *        0     4  magic, 0x184d2204
 *        4     1  flags: 0x08 a content size follows, 0x01 a dictionary's id
 *        5     1  block size
 *        6   0|8  content size
 *        -   0|4  dictionary's id
 *        -     1  checksum: the second byte of XXH32 over all but the magic */
#include "record/lz4_header.h"

#include "base/check.h"
#include "base/endian.h"

enum { LZ4_MAGIC_BYTES = 4, LZ4_FLAG_SIZE = 0x08, LZ4_FLAG_DICTIONARY = 0x01 };

static uint32_t rotated(uint32_t v, int bits) { return v << bits | v >> (32 - bits); }

/* XXH32 with seed 0 of less than 16 bytes: its short form. */
static uint32_t xxh32_short(const uint8_t *at, size_t count)
{
    static const uint32_t prime[] = { 0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1 };
    check(count < 16);
    uint32_t hash = prime[4] + (uint32_t)count;
    for (; count >= 4; count -= 4, at += 4) {
        uint32_t word;
        memcpy(&word, at, sizeof word);
        hash = rotated(hash + word * prime[2], 17) * prime[3];
    }
    for (; count > 0; count--, at++)
        hash = rotated(hash + *at * prime[4], 11) * prime[0];
    hash = (hash ^ hash >> 15) * prime[1];
    hash = (hash ^ hash >> 13) * prime[2];
    return hash ^ hash >> 16;
}

void lz4_header_mend(uint8_t *frame, size_t count)
{
    static const uint8_t magic[LZ4_MAGIC_BYTES] = { 0x04, 0x22, 0x4d, 0x18 };
    if (count < LZ4_MAGIC_BYTES + 3 || memcmp(frame, magic, sizeof magic) != 0)
        return;
    uint8_t flags = frame[LZ4_MAGIC_BYTES];
    size_t bytes = 2u + (flags & LZ4_FLAG_SIZE ? 8 : 0) + (flags & LZ4_FLAG_DICTIONARY ? 4 : 0);
    if (count <= LZ4_MAGIC_BYTES + bytes)
        return;
    uint32_t hash = xxh32_short(frame + LZ4_MAGIC_BYTES, bytes);
    frame[LZ4_MAGIC_BYTES + bytes] = (uint8_t)(hash >> 8);
}
