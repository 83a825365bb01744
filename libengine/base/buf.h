/* buf.h - what the engine itself does with a buffer (evl/buffer.h), in short. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <evl/buffer.h>

__attribute__((format(printf, 2, 3))) void buf_print(struct evl_buffer *b, const char *format, ...);

/* An end for C strings, not counted; the text is borrowed until the next change. */
const char *buf_text(struct evl_buffer *b);

static inline uint8_t *buf_room(struct evl_buffer *b, size_t more)
{
    return evl_buffer_room(b, more);
}

static inline void buf_release(struct evl_buffer *b) { evl_buffer_release(b); }

static inline void buf_add(struct evl_buffer *b, const void *at, size_t count)
{
    evl_buffer_add(b, at, count);
}

static inline void buf_add_byte(struct evl_buffer *b, uint8_t byte)
{
    uint8_t *to = b->room == b->count ? buf_room(b, 1) : b->at + b->count;
    *to = byte;
    b->count++;
}

static inline void buf_add_bytes(struct evl_buffer *b, struct evl_bytes bytes)
{
    evl_buffer_add(b, bytes.at, bytes.count);
}

static inline void buf_add_text(struct evl_buffer *b, const char *text)
{
    evl_buffer_add(b, text, strlen(text));
}

static inline struct evl_bytes buf_bytes(const struct evl_buffer *b) { return evl_buffer_bytes(b); }

static inline void buf_clear(struct evl_buffer *b) { evl_buffer_clear(b); }

#endif
