/* evl/admin.h - topics: look at them, make, change and remove them. */
#ifndef EVL_ADMIN_H
#define EVL_ADMIN_H

#include <evl/place.h>

/* ---- looking -------------------------------------------------------------- */

struct evl_topic {
    const char *name;   /* as long as the list */
    char id[24];        /* base64url; empty if not known */
    int32_t partitions; /* how many it has */
    int32_t replicas;
    bool internal; /* its name begins with __ */
};

/* All topics, sorted by name.  The caller releases. */
struct evl_topics {
    struct evl_topic *at;
    size_t count;
};
enum evl_error evl_admin_topics(struct evl_place *place, struct evl_topics *topics);
void evl_topics_release(struct evl_topics *topics);

/* One topic: NOT_FOUND (the fault suggests a near name), or its facts.  The
 * name is borrowed from the place until the topic changes. */
enum evl_error evl_admin_topic(struct evl_place *place, const char *name, struct evl_topic *topic);

struct evl_partition {
    int32_t partition;
    int32_t leader_epoch;
    int64_t start, end; /* offsets: the log start, and what readers may see */
    int64_t stable_end; /* up to where transactions are decided */
    int64_t bytes;      /* on disk, of records */
    int32_t segments;
    int64_t oldest, newest; /* timestamps; EVL_NO_TIMESTAMP when empty or not known */
    bool failed;            /* a write or sync failed: repair it (evtopic check-log) */
    bool missing;           /* not on this disk: a foreign directory's, elsewhere */
    int64_t hidden;         /* offsets from `end` on that are here, and that a foreign broker
                               had not yet shown to its readers when it last wrote that down */
};

/* One partition's facts.  `oldest` and `newest` cost a read each. */
enum evl_error evl_admin_partition(struct evl_place *place, const char *topic, int32_t partition,
                                   struct evl_partition *facts);

/* A topic's settings that differ from the defaults, in order; none of a foreign
 * directory's, whose settings are not known. */
struct evl_configs {
    struct evl_config {
        const char *name, *value;
    } * at;
    size_t count;
    void *memory;
};
enum evl_error evl_admin_configs(struct evl_place *place, const char *topic,
                                 struct evl_configs *configs);
void evl_configs_release(struct evl_configs *configs);

/* The disk that a place lies on: bytes that can still be written, and all that it
 * has. */
struct evl_disk {
    int64_t free, total;
};
enum evl_error evl_admin_disk(struct evl_place *place, struct evl_disk *disk);

/* ---- changing ------------------------------------------------------------- */

/* What to do with one setting. */
enum evl_change_kind { EVL_SET, EVL_UNSET, EVL_APPEND, EVL_SUBTRACT };
struct evl_change {
    enum evl_change_kind kind;
    const char *name, *value; /* value: as a user writes it (7d, 1G), or Kafka's form */
};

/* Each of these is one atomic change, on disk when it returns OK; `dry` checks
 * everything and changes nothing. */
enum evl_error evl_admin_create(struct evl_place *place, const char *topic, int32_t partitions,
                                const struct evl_change *settings, size_t count, bool dry);
enum evl_error evl_admin_remove(struct evl_place *place, const char *topic, bool dry);
enum evl_error evl_admin_grow(struct evl_place *place, const char *topic, int32_t partitions,
                              bool dry);
enum evl_error evl_admin_configure(struct evl_place *place, const char *topic,
                                   const struct evl_change *changes, size_t count, bool dry);

/* BUSY: a transaction has records in it, and its owner lives; the fault says
 * which. */
enum evl_error evl_admin_rename(struct evl_place *place, const char *from, const char *to,
                                bool dry);

/* Delete records before an offset (Kafka's DeleteRecords): the log starts there
 * from now on.  -1: all that readers may see.  *start is the new log start. */
enum evl_error evl_admin_trim(struct evl_place *place, const char *topic, int32_t partition,
                              int64_t offset, bool dry, int64_t *start);

/* ---- upkeep --------------------------------------------------------------- */

/* What an upkeep did. */
struct evl_upkeep {
    int64_t bytes_before, bytes_after;
    int64_t records_before, records_after; /* of what was read; compaction only */
    int32_t segments_deleted, segments_cleaned;
    int64_t start; /* the log start now */
};

/* Apply retention.ms and retention.bytes now. */
enum evl_error evl_admin_clean(struct evl_place *place, const char *topic, int32_t partition,
                               bool dry, struct evl_upkeep *upkeep);

/* Compact now what cleanup.policy=compact allows; `force` whatever the dirty
 * ratio is. */
enum evl_error evl_admin_compact(struct evl_place *place, const char *topic, int32_t partition,
                                 bool force, bool dry, struct evl_upkeep *upkeep);

/* ---- checking ------------------------------------------------------------- */

/* One thing that is wrong. */
struct evl_damage {
    const char *file; /* under the directory */
    int64_t position; /* in the file */
    int64_t offset;   /* the record's, as far as known; -1 */
    const char *text;
};

struct evl_check {
    int64_t batches, records, bytes;
    int32_t segments;
    int32_t damages;
};

/* Who listens to a check; each may be NULL. */
struct evl_check_listener {
    void *context;
    void (*damage)(void *context, const struct evl_damage *damage);

    /* Called now and then: how far it is, of about so many bytes.  False ends
     * the check, which is OK then, and incomplete. */
    bool (*progress)(void *context, const struct evl_check *so_far, int64_t bytes);
};

/* Read every byte of a partition: checksums, offsets, indexes, snapshots.  Each
 * damage is told.  OK even if there were some: see check->damages. */
enum evl_error evl_admin_check(struct evl_place *place, const char *topic, int32_t partition,
                               const struct evl_check_listener *listener, struct evl_check *check);

/* Bring a failed partition back: cut it to its synced end, sync, start anew.
 * *end is where it ends now. */
enum evl_error evl_admin_repair(struct evl_place *place, const char *topic, int32_t partition,
                                int64_t *end);

#endif
