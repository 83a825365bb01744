/* decide.h - what is to be written when somebody wants a change.
 *
 * Pure: an image and a wish go in, records come out, nothing else happens.
 * The caller appends them as one batch, syncs, and applies them; until then
 * nothing has changed.  Chance (ids) is part of the wish.
 *
 * Each clears `out` first.  After a failure it is empty; after OK it may be
 * empty too: what was asked for is so already. */
#ifndef CLUSTER_DECIDE_H
#define CLUSTER_DECIDE_H

#include "cluster/image.h"
#include "cluster/records.h"

enum {
    DECIDE_NAME_MAX = 249,         /* of a topic: with -PARTITION it is a folder's name */
    DECIDE_PARTITIONS_MAX = 10000, /* in one decision: one batch */
    DECIDE_METADATA_VERSION = 25,  /* what our records are: Kafka 4.0-IV3 */
};

/* Where new partitions live. */
struct decide_home {
    int32_t node;
    struct uuid directory;
};

enum decide_how {
    DECIDE_SET,
    DECIDE_UNSET,    /* back to the initial value; no value is given */
    DECIDE_APPEND,   /* to a list */
    DECIDE_SUBTRACT, /* from a list */
};

/* One setting's change; the value in Kafka's form or a friendly one. */
struct decide_setting {
    enum decide_how how;
    const char *name, *value;
};

struct decide_topic {
    const char *name;
    struct uuid id; /* new, by chance */
    int32_t partitions;
    const struct decide_setting *settings;
    size_t setting_count;
    struct decide_home home;
    bool internal; /* wished by ourselves: the name may be one that we keep */
};

/* USAGE, with the rule, if no topic can be called so. */
enum evl_error decide_name(const char *name);

/* Whether a topic of this name is made when it is needed, and written, by the
 * engine alone.  Where its records lie depends on how many partitions it has: it
 * is not grown, nor renamed. */
bool decide_is_internal(const char *name);

/* USAGE: name or number of partitions; EXISTS; DENIED: a name that is kept for
 * Kafka or the engine; CONFIG: settings. */
enum evl_error decide_create(const struct image *image, const struct decide_topic *topic,
                             struct records *out);

/* NOT_FOUND, with the name that was meant, if one is near; so do all below. */
enum evl_error decide_remove(const struct image *image, const char *name, struct records *out);

/* Grow to `count` partitions.  USAGE: it has more, or that is too many; DENIED:
 * it is internal. */
enum evl_error decide_partitions(const struct image *image, const char *name, int32_t count,
                                 struct decide_home home, struct records *out);

/* Change settings of a topic, all or none.  CONFIG as config_set, config_check;
 * USAGE: one is named twice, or is no list to append to. */
enum evl_error decide_config(const struct image *image, const char *name,
                             const struct decide_setting *settings, size_t count,
                             struct records *out);

/* Another name for a topic with the same id, partitions, epochs and settings.
 * USAGE, EXISTS, DENIED as decide_create; DENIED of an internal one, too. */
enum evl_error decide_rename(const struct image *image, const char *from, const char *to,
                             struct records *out);

/* A new leader epoch of a partition, led by this node: after a crash whose cut
 * may have dropped records. */
enum evl_error decide_epoch(const struct image *image, const char *name, int32_t partition,
                            int32_t node, struct records *out);

/* Take `count` producer ids that nobody has had, from *first on. */
enum evl_error decide_producer_ids(const struct image *image, int32_t node, int64_t count,
                                   int64_t *first, struct records *out);

/* What the log of an empty directory begins with: the level of our records,
 * and its one broker, in use.  To be appended at offset 0. */
enum evl_error decide_bootstrap(struct decide_home home, struct uuid incarnation,
                                struct records *out);

#endif
