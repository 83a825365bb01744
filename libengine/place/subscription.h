/* subscription.h - what a member of a group says of itself, and its bytes.
 *
 *   BYTES      WHAT
 *   4          CRC-32C of everything behind it
 *   4          how many bytes follow
 *   8          version: counts the changes
 *   4          process id
 *   8 8        since when, in ms since 1970; the session, in ms, 0 of a dynamic one
 *   2 + n      group
 *   2 + n      instance; empty: a dynamic member
 *   4          how many topics, sorted by name, and of each
 *     2 + n      name
 *     16         id; zero: there is no such topic
 *     4          how many partitions
 *     1 per 8    bits: which of them it owns, the first one lowest
 *
 * Numbers are big-endian. */
#ifndef PLACE_SUBSCRIPTION_H
#define PLACE_SUBSCRIPTION_H

#include <evl/error.h>

#include "base/buf.h"
#include "base/uuid.h"

struct subscription_topic {
    char *name;
    struct uuid id;
    int32_t partitions;
    uint8_t *owned; /* bits, (partitions + 7) / 8 bytes */
};

/* Owns what it points to. */
struct subscription {
    int32_t pid;
    int64_t since_ms, session_ms;
    char *group, *instance; /* instance "": dynamic */
    struct subscription_topic *topics;
    size_t topic_count;
};

enum { SUBSCRIPTION_BYTES_MAX = 32 << 10 };

/* TOO_LARGE: more than fits SUBSCRIPTION_BYTES_MAX. */
enum evl_error subscription_print(const struct subscription *s, uint64_t version,
                                  struct evl_buffer *out);

/* The bytes may have anything behind them.  CORRUPT: not that version, whole.
 * The caller releases. */
enum evl_error subscription_read(struct evl_bytes bytes, uint64_t version, struct subscription *s);
void subscription_release(struct subscription *s);

/* NULL: it does not want that topic. */
const struct subscription_topic *subscription_topic(const struct subscription *s, const char *name);

/* For qsort(), of the names of topics. */
int subscription_compare(const void *name, const void *other);

static inline size_t subscription_bits(int32_t partitions) { return ((size_t)partitions + 7) / 8; }

static inline bool subscription_has(const struct subscription_topic *t, int32_t partition)
{
    return partition < t->partitions && t->owned[partition / 8] >> partition % 8 & 1;
}

static inline void subscription_set(struct subscription_topic *t, int32_t partition, bool owned)
{
    uint8_t bit = (uint8_t)(1 << partition % 8);
    uint8_t *byte = &t->owned[partition / 8];
    *byte = owned ? (uint8_t)(*byte | bit) : (uint8_t)(*byte & ~bit);
}

#endif
