/* evl/buffer.h - bytes that grow.
 *
 * A zeroed struct evl_buffer is an empty one.  Between calls, at[0 .. count)
 * is what was put in; at[count .. room) may be written by the owner, who then
 * adds to count.  Whoever holds a buffer releases it. */
#ifndef EVL_BUFFER_H
#define EVL_BUFFER_H

#include <evl/bytes.h>

struct evl_buffer {
    uint8_t *at;
    size_t count, room;
};

/* Make room for at least `more` bytes behind count; return where they begin. */
uint8_t *evl_buffer_room(struct evl_buffer *b, size_t more);

/* Give the memory back; the buffer is empty and may be used again. */
void evl_buffer_release(struct evl_buffer *b);

static inline void evl_buffer_add(struct evl_buffer *b, const void *at, size_t count)
{
    if (count == 0)
        return;
    uint8_t *to = b->room - b->count < count ? evl_buffer_room(b, count) : b->at + b->count;
    memcpy(to, at, count);
    b->count += count;
}

/* Take the first `count` bytes out. */
static inline void evl_buffer_drop(struct evl_buffer *b, size_t count)
{
    b->count -= count;
    if (b->count > 0)
        memmove(b->at, b->at + count, b->count);
}

static inline void evl_buffer_clear(struct evl_buffer *b) { b->count = 0; }

static inline struct evl_bytes evl_buffer_bytes(const struct evl_buffer *b)
{
    return evl_bytes(b->at, b->count);
}

#endif
