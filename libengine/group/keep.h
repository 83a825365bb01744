/* keep.h - bytes of a message that outlive it: copies on the heap. */
#ifndef GROUP_KEEP_H
#define GROUP_KEEP_H

#include <evl/bytes.h>

#include "base/memory.h"

static inline struct evl_bytes keep_copy(struct evl_bytes b)
{
    return b.at ? evl_bytes(memory_text_part(b.at, b.count), b.count) : b;
}

static inline void keep_drop(struct evl_bytes *kept)
{
    memory_free((void *)(uintptr_t)kept->at);
    *kept = evl_text(NULL);
}

/* In place of what was there, which may be the same bytes. */
static inline void keep_again(struct evl_bytes *kept, struct evl_bytes b)
{
    struct evl_bytes copy = keep_copy(b);
    keep_drop(kept);
    *kept = copy;
}

/* Null is not said; where a record has no null, it is empty. */
static inline struct evl_bytes keep_text(struct evl_bytes b) { return b.at ? b : evl_text(""); }

#endif
