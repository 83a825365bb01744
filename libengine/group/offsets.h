/* offsets.h - where groups are: the committed positions in one partition of
 * __consumer_offsets, in memory.
 *
 * Records change them, through offsets_apply() and offsets_decided() and nothing
 * else; the deciding functions say which records to append, and change nothing.
 * No files and no clock here.
 *
 * A position that is part of a transaction is pending until that is decided.
 * Then it counts, unless something newer was written of the same partition
 * meanwhile: the place in the log decides, as it does for compaction, so that a
 * compacted log adds up to the same.
 *
 * What is handed out is borrowed until the next record is applied. */
#ifndef GROUP_OFFSETS_H
#define GROUP_OFFSETS_H

#include <evl/record.h>

#include "proto/group_log.h"
#include "proto/kafka_error.h"

enum {
    OFFSETS_METADATA_MAX = 4096, /* offset.metadata.max.bytes */
};
#define OFFSETS_RETENTION_MS (7 * 24 * 3600 * (int64_t)1000) /* offsets.retention.minutes */

struct offsets;

struct offsets_position {
    struct evl_bytes topic;
    int32_t partition;
    int64_t offset;       /* of the next record that the group wants */
    int32_t leader_epoch; /* -1: not known */
    struct evl_bytes metadata;
    int64_t committed_ms;
    int64_t expire_ms;    /* it says itself when; -1 */
    struct uuid topic_id; /* zero: it does not say */
    int64_t at;           /* its record's offset */
};

struct offsets *offsets_create(void);
void offsets_destroy(struct offsets *o); /* NULL does nothing */
void offsets_clear(struct offsets *o);

/* Apply one record; producer_id >= 0: it is part of that producer's transaction.
 * Those of other things (groups, members) change nothing.  CORRUPT, PROTOCOL: it
 * is malformed, or of a newer release; nothing is changed then. */
enum evl_error offsets_apply(struct offsets *o, const struct evl_record *record,
                             int64_t producer_id);

/* What is pending of this producer counts, or never was. */
void offsets_decided(struct offsets *o, int64_t producer_id, bool committed);

/* ---- asking -------------------------------------------------------------- */

/* NULL: none is committed. */
const struct offsets_position *offsets_find(const struct offsets *o, struct evl_bytes group,
                                            struct evl_bytes topic, int32_t partition);

/* Whether a transaction that is not decided has a position there, too. */
bool offsets_is_pending(const struct offsets *o, struct evl_bytes group, struct evl_bytes topic,
                        int32_t partition);

/* Whether it has any position, pending ones too. */
bool offsets_has_group(const struct offsets *o, struct evl_bytes group);

/* All of a group, sorted by topic and partition: those that are committed, or
 * those that are pending and not committed as well.  The caller frees the array
 * (memory_free). */
const struct offsets_position **offsets_committed(const struct offsets *o, struct evl_bytes group,
                                                  size_t *count);
const struct offsets_position **offsets_pending(const struct offsets *o, struct evl_bytes group,
                                                size_t *count);

/* The groups that have any, sorted; the caller frees the array. */
struct evl_bytes *offsets_groups(const struct offsets *o, size_t *count);

/* ---- deciding ------------------------------------------------------------ */

/* Commit a position (its topic, partition, offset, leader epoch, metadata and
 * topic id).  INVALID_GROUP_ID; OFFSET_METADATA_TOO_LARGE; INVALID_REQUEST: the
 * offset or partition is none; INVALID_COMMIT_OFFSET_SIZE: a name is too long for
 * a record. */
enum kafka_error offsets_decide_commit(struct evl_bytes group,
                                       const struct offsets_position *position, int64_t now_ms,
                                       struct keyed_list *out);

/* Forget one, if it is there; or all of a group.  Pending ones go too. */
void offsets_decide_delete(const struct offsets *o, struct evl_bytes group, struct evl_bytes topic,
                           int32_t partition, struct keyed_list *out);
void offsets_decide_delete_all(const struct offsets *o, struct evl_bytes group,
                               struct keyed_list *out);

/* Forget those of a group that were committed `retention_ms` ago, and as long ago
 * as the group became empty; pending ones stay.  empty_since: INT64_MIN if nobody
 * knows; a group that has members is not asked about. */
struct offsets_expiry {
    int64_t now_ms, retention_ms, empty_since;
};
void offsets_decide_expiry(const struct offsets *o, struct evl_bytes group,
                           const struct offsets_expiry *expiry, struct keyed_list *out);

#endif
