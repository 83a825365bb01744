/* snappy.h - one raw block of Snappy: the number of plain bytes as an uvarint,
 * then literals and copies of what came before.
 *
 *   TAG BITS  WHAT FOLLOWS
 *   llllll00  a literal of l + 1 bytes; l of 60..63: the length less one is in
 *             the next 1..4 bytes
 *   ooolll01  copy l + 4 bytes from o * 256 + the next byte back
 *   llllll10  copy l + 1 bytes from as far back as the next 2 bytes say
 *   llllll11  the same with 4 bytes
 *
 * Numbers are little-endian.  A copy may overlap what it makes. */
#ifndef RECORD_SNAPPY_H
#define RECORD_SNAPPY_H

#include <evl/bytes.h>

enum {
    SNAPPY_BLOCK_MAX = 65536, /* plain bytes that snappy_pack takes */
    SNAPPY_HASH_BITS = 14,
};

/* Where four bytes were last seen.  No need to clear it. */
struct snappy_table {
    uint16_t at[1 << SNAPPY_HASH_BITS];
};

/* How many bytes `count` plain ones take packed, at the most. */
static inline size_t snappy_room(size_t count) { return 32 + count + count / 6; }

/* Pack SNAPPY_BLOCK_MAX bytes at most into snappy_room bytes; returns how many
 * it took. */
size_t snappy_pack(struct snappy_table *table, const uint8_t *plain, size_t count, uint8_t *packed);

/* How many plain bytes the block says it holds.  False if it says nothing, or
 * more than so many bytes can hold: nobody need trust it with memory. */
bool snappy_plain_bytes(struct evl_bytes packed, size_t *count);

/* Unpack into the `count` bytes of snappy_plain_bytes.  False if the block is
 * damaged. */
bool snappy_unpack(struct evl_bytes packed, uint8_t *plain, size_t count);

#endif
