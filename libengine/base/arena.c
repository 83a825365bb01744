/* arena.c - a chain of blocks, the newest in front; each twice the last, so
 * that few are needed. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>

#include "base/memory.h"

enum { BLOCK_BYTES_MIN = 4096, BLOCK_BYTES_MAX = 1 << 20 };

struct arena_block {
    struct arena_block *older;
    size_t used, room;
    alignas(max_align_t) uint8_t at[];
};

static struct arena_block *block_add(struct arena *a, size_t bytes)
{
    size_t room = a->block ? a->block->room * 2 : BLOCK_BYTES_MIN;
    if (room > BLOCK_BYTES_MAX)
        room = BLOCK_BYTES_MAX;
    if (room < bytes)
        room = bytes;
    struct arena_block *block = memory_grow(NULL, sizeof *block + room, 1);
    *block = (struct arena_block){ .older = a->block, .room = room };
    a->block = block;
    return block;
}

void *arena_take(struct arena *a, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > a->limit)
        return NULL;
    bytes = (bytes + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    if (bytes > a->limit - a->used)
        return NULL;
    struct arena_block *block = a->block;
    if (!block || block->room - block->used < bytes)
        block = block_add(a, bytes);
    void *at = block->at + block->used;
    block->used += bytes;
    a->used += bytes;
    return at;
}

/* The newest block is the largest, as a rule. */
void arena_reset(struct arena *a)
{
    a->used = 0;
    if (!a->block)
        return;
    a->block->used = 0;
    for (struct arena_block *b = a->block->older; b;) {
        struct arena_block *older = b->older;
        memory_free(b);
        b = older;
    }
    a->block->older = NULL;
}

void arena_release(struct arena *a)
{
    arena_reset(a);
    memory_free(a->block);
    a->block = NULL;
}
