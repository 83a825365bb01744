/* overrides.h - what somebody set on one topic or broker, sorted by name.
 *
 * Texts as they were written: names and values need not be known here. */
#ifndef CLUSTER_OVERRIDES_H
#define CLUSTER_OVERRIDES_H

#include <evl/bytes.h>

struct override {
    char *name, *value;
};

struct overrides {
    struct override *at;
    size_t count, room;
    char of[]; /* the topic's name, or the broker's number */
};

/* The caller destroys.  `of` has no zero byte; nor have names and values. */
struct overrides *overrides_create(struct evl_bytes of);
void overrides_destroy(struct overrides *o); /* NULL does nothing */

/* The value that was set, or NULL; o may be NULL. */
const char *overrides_get(const struct overrides *o, const char *name);

void overrides_set(struct overrides *o, struct evl_bytes name, struct evl_bytes value);
void overrides_unset(struct overrides *o, struct evl_bytes name);

#endif
