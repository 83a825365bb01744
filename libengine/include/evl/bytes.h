/* evl/bytes.h - some bytes that belong to somebody else. */
#ifndef EVL_BYTES_H
#define EVL_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed, never owned.  `at` is NULL for null, which is not the same as empty. */
struct evl_bytes {
    const uint8_t *at;
    size_t count;
};

static inline struct evl_bytes evl_bytes(const void *at, size_t count)
{
    return (struct evl_bytes){ (const uint8_t *)at, count };
}

/* The bytes of a C string, without its end; NULL is null. */
static inline struct evl_bytes evl_text(const char *text)
{
    return (struct evl_bytes){ (const uint8_t *)text, text ? strlen(text) : 0 };
}

/* Equal in content, and both null or neither. */
static inline bool evl_bytes_equal(struct evl_bytes a, struct evl_bytes b)
{
    return a.count == b.count && !a.at == !b.at &&
           (a.count == 0 || memcmp(a.at, b.at, a.count) == 0);
}

/* Their order: byte by byte, the shorter one first.  Like memcmp. */
static inline int evl_bytes_compare(struct evl_bytes a, struct evl_bytes b)
{
    size_t count = a.count < b.count ? a.count : b.count;
    int order = count > 0 ? memcmp(a.at, b.at, count) : 0;
    return order ? order : (a.count > b.count) - (a.count < b.count);
}

#endif
