/* memory.c - malloc or die. */
#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *memory_or_die(void *at, size_t count, size_t size)
{
    if (at)
        return at;
    fprintf(stderr, "out of memory: %zu times %zu bytes\n", count, size);
    abort();
}

void *memory_take(size_t count, size_t size)
{
    return memory_or_die(calloc(count ? count : 1, size), count, size);
}

void *memory_grow(void *at, size_t count, size_t size)
{
    if (count == 0)
        count = 1;
    return memory_or_die(reallocarray(at, count, size), count, size);
}

char *memory_text_part(const void *text, size_t count)
{
    char *copy = memory_take(count + 1, 1);
    if (count > 0)
        memcpy(copy, text, count);
    return copy;
}

char *memory_text(const char *text) { return memory_text_part(text, strlen(text)); }

void memory_free(void *at) { free(at); }
