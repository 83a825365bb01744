/* arena.h - memory that is given back all at once, with a ceiling.
 *
 * What a peer or a file makes us allocate is taken from an arena: reaching the
 * ceiling is an answer (NULL), never the end of the process.
 *
 *     struct arena arena = { .limit = 1 << 20 };
 *     ... arena_take(&arena, count, sizeof *items) ...
 *     arena_reset(&arena);    the memory stays for the next request
 *     arena_release(&arena); */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    size_t limit; /* bytes; set by the owner */
    size_t used;  /* bytes handed out since the last reset */
    struct arena_block *block;
};

/* count * size bytes, aligned for anything, not zeroed; NULL past the ceiling.
 * Zero bytes have an address too. */
void *arena_take(struct arena *a, size_t count, size_t size);

/* Forget everything; keep a block for the next time. */
void arena_reset(struct arena *a);

void arena_release(struct arena *a);

#endif
