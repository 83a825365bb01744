/* image.h - the cluster in memory: a replay of __cluster_metadata.
 *
 * Records change it, one by one, through image_apply() and through nothing
 * else; what decides about new records (decide.h) only reads it.  It knows no
 * files, no clock and no offsets: whoever feeds it keeps the offset of the last
 * record applied.
 *
 * Everything it hands out is borrowed until the next image_apply(). */
#ifndef CLUSTER_IMAGE_H
#define CLUSTER_IMAGE_H

#include <evl/error.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/uuid.h"
#include "cluster/overrides.h"
#include "config/config.h"
#include "proto/metadata.h"

struct nodes {
    const int32_t *at;
    size_t count;
};

struct directories {
    const struct uuid *at;
    size_t count;
};

/* As PartitionRecord says, and its changes since.  Eligible and last_eligible
 * replicas (KIP-966) may be null. */
struct partition {
    bool known; /* false: a gap, its record has not come yet */
    int8_t recovery;
    int32_t leader; /* a node, or -1 */
    int32_t leader_epoch;
    int32_t partition_epoch;
    struct nodes replicas, isr, removing, adding, eligible, last_eligible;
    struct directories directories; /* of the replicas; may be empty */
    void *block;                    /* what all of them lie in */
};

struct topic {
    struct uuid id;
    const char *name;
    struct partition *partitions; /* by number */
    int32_t partition_count, partition_room;
    const struct overrides *overrides; /* NULL: none were set */
    const struct topic_config *config; /* in effect */
    struct topic_config *own;          /* if it differs from the image's initial one */
};

struct feature {
    char *name;
    int16_t level;
};

struct broker {
    int32_t id;
    int64_t epoch;
    struct uuid incarnation;
    bool fenced, in_controlled_shutdown;
    struct uuid *directories;
    size_t directory_count;
};

struct image {
    struct map by_name, by_id;                  /* of struct topic */
    struct map topic_settings, broker_settings; /* of struct overrides */
    struct feature *features;
    size_t feature_count;
    struct broker *brokers; /* sorted by id */
    size_t broker_count;
    int64_t next_producer_id;
    struct topic_config initial;
    struct arena scratch;  /* one record, decoded */
    struct topic **sorted; /* by name; valid while sorted_count is by_name.count */
    size_t sorted_count;   /* SIZE_MAX: to be made anew */
    bool in_transaction;
    struct evl_buffer pending; /* what came in the transaction: size, value, ... */
};

struct image *image_create(void);
void image_destroy(struct image *image);

/* Apply the value of one record.  CORRUPT or PROTOCOL: it is malformed, of an
 * unknown kind, or does not fit what is there (a partition of no topic, an end
 * without a beginning).  The image is as before then, but for the end of a
 * transaction: after a failed one it is half applied and has to be thrown away.
 *
 * Between Begin- and EndTransactionRecord records are kept aside, and applied
 * at the end; AbortTransactionRecord drops them. */
enum evl_error image_apply(struct image *image, struct evl_bytes value);

struct topic *image_topic(const struct image *image, const char *name);
struct topic *image_topic_by_id(const struct image *image, const struct uuid *id);

/* NULL: no such partition (yet). */
const struct partition *topic_partition(const struct topic *t, int32_t number);

/* All topics, sorted bytewise by name. */
struct topic *const *image_topics(struct image *image, size_t *count);

/* What was set on a topic (by name) or a broker (by number, "" for all);
 * NULL if nothing.  Topics that are not there yet may have settings. */
const struct overrides *image_overrides(const struct image *image, enum metadata_resource type,
                                        const char *name);

/* The level of a feature such as "metadata.version"; 0: none. */
int16_t image_feature(const struct image *image, const char *name);

/* NULL: not registered. */
const struct broker *image_broker(const struct image *image, int32_t id);

#endif
