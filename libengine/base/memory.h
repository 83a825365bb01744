/* memory.h - allocation that does not fail.
 *
 * A process that is out of memory has nothing useful left to say: these print
 * one line and abort.  Sizes that come from a peer or a file are bounded by
 * their reader before they come here. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* count * size bytes, zeroed.  The caller frees. */
void *memory_take(size_t count, size_t size);

/* Like realloc, checked; what is added is not zeroed. */
void *memory_grow(void *at, size_t count, size_t size);

/* A copy of a string, or of its first count bytes, with an end.  The caller frees. */
char *memory_text(const char *text);
char *memory_text_part(const void *text, size_t count);

/* free(3); NULL does nothing. */
void memory_free(void *at);

#endif
