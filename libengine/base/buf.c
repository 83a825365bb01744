/* buf.c - growing: by half at least, so that adding n bytes costs O(n). */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/memory.h"

uint8_t *evl_buffer_room(struct evl_buffer *b, size_t more)
{
    check(more <= SIZE_MAX / 4 && b->count <= SIZE_MAX / 4);
    if (!b->at || b->room - b->count < more) { /* never NULL: that would be null bytes */
        size_t room = b->room + b->room / 2;
        if (room < b->count + more)
            room = b->count + more;
        if (room < 64)
            room = 64;
        b->at = memory_grow(b->at, room, 1);
        b->room = room;
    }
    return b->at + b->count;
}

void evl_buffer_release(struct evl_buffer *b)
{
    memory_free(b->at);
    *b = (struct evl_buffer){ 0 };
}

void buf_print(struct evl_buffer *b, const char *format, ...)
{
    for (;;) { /* twice at most: the second time there is room */
        va_list args;
        va_start(args, format);
        size_t room = b->room - b->count;
        int n = vsnprintf(room ? (char *)b->at + b->count : NULL, room, format, args);
        va_end(args);
        check(n >= 0);
        if ((size_t)n < room) {
            b->count += (size_t)n;
            return;
        }
        buf_room(b, (size_t)n + 1);
    }
}

const char *buf_text(struct evl_buffer *b)
{
    *buf_room(b, 1) = '\0';
    return (const char *)b->at;
}
