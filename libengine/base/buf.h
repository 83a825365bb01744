/* buf.h - bytes that grow.
 *
 * A zeroed struct buf is an empty one.  Between calls, at[0 .. count) is what
 * was put in; at[count .. room) may be written by the owner, who then adds to
 * count.  The object that holds a buf releases it. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <evl/bytes.h>

struct buf {
    uint8_t *at;
    size_t count, room;
};

/* Make room for at least `more` bytes behind count; return where they begin. */
uint8_t *buf_room(struct buf *b, size_t more);

/* Give the memory back; the buf is empty and may be used again. */
void buf_release(struct buf *b);

__attribute__((format(printf, 2, 3))) void buf_print(struct buf *b, const char *format, ...);

/* An end for C strings, not counted; the text is borrowed until the next change. */
const char *buf_text(struct buf *b);

static inline void buf_add(struct buf *b, const void *at, size_t count)
{
    if (count == 0)
        return;
    uint8_t *to = b->room - b->count < count ? buf_room(b, count) : b->at + b->count;
    memcpy(to, at, count);
    b->count += count;
}

static inline void buf_add_byte(struct buf *b, uint8_t byte)
{
    uint8_t *to = b->room == b->count ? buf_room(b, 1) : b->at + b->count;
    *to = byte;
    b->count++;
}

static inline void buf_add_text(struct buf *b, const char *text) { buf_add(b, text, strlen(text)); }

static inline struct evl_bytes buf_bytes(const struct buf *b) { return evl_bytes(b->at, b->count); }

static inline void buf_clear(struct buf *b) { b->count = 0; }

#endif
