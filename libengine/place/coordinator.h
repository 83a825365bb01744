/* coordinator.h - state that is a replay of a log, and the turns that change it.
 *
 * A partition of an internal topic (__consumer_offsets, __transaction_state), or
 * the metadata log, says what is so; memory is what its records add up to.  Any
 * number of processes follow such a log.  Who wants to change it takes a turn:
 *
 *     coordinator_enter     take the log's APPEND lock, sync what somebody else
 *                           left written, apply it: nobody knows more now
 *     ...                   decide, from the state, which records to append
 *     coordinator_append    append them as one batch, sync, apply
 *     coordinator_leave
 *
 * (1) A record is applied when it is on the disk, never before, and in the order
 *     of the log; so two processes that have applied as much have equal states.
 * (2) A batch counts as a whole or not at all.
 * (3) Compaction may take away what a slow follower has not seen, a tombstone
 *     too: one that meets such a gap forgets all, and begins again.
 *
 * Who takes several turns at once takes them in this order: the metadata, then
 * __transaction_state, then __consumer_offsets, each by partition. */
#ifndef PLACE_COORDINATOR_H
#define PLACE_COORDINATOR_H

#include "log/log.h"

/* What the records add up to: the owner's state, and what changes it. */
struct coordinator_state {
    void *state;
    /* One data record.  producer_id >= 0: it is part of that producer's
     * transaction, which is not decided yet. */
    enum evl_error (*apply)(void *state, const struct evl_record *record, int64_t producer_id);
    /* That producer's transaction was decided.  NULL: a log without any. */
    enum evl_error (*decided)(void *state, int64_t producer_id, bool committed);
    /* Forget all: the log is replayed from its start. */
    void (*clear)(void *state);
};

struct coordinator;

/* Follow a log, which the caller keeps open, and closes afterwards.  Nothing is
 * applied yet.  `state` is copied. */
struct coordinator *coordinator_create(struct log *log, const struct coordinator_state *state);
void coordinator_destroy(struct coordinator *c); /* NULL does nothing */

/* Apply what is on the disk by now; takes no lock, and costs a look at one word
 * if nothing is new.  After a failure (CORRUPT, IO, or one of apply's) what came
 * before it is applied.  NOT_FOUND: the topic was removed. */
enum evl_error coordinator_look(struct coordinator *c);

/* Everything before this offset is applied. */
int64_t coordinator_end(const struct coordinator *c);

/* Begin a turn.  After a failure there is none.  BUSY: another process is at its
 * turn for too long; DENIED: the place is not writable. */
enum evl_error coordinator_enter(struct coordinator *c);
void coordinator_leave(struct coordinator *c);

/* In a turn: append the records as one batch, sync and apply it.  `seal` (NULL:
 * plain) says whose transaction they are part of, or that they are control
 * records.  Records without a timestamp get the present; none at all do nothing.
 * After a failure to sync nobody knows whether they are there: the log is failed,
 * and what a repair leaves counts. */
struct batch_seal;
enum evl_error coordinator_append(struct coordinator *c, const struct evl_record *records,
                                  size_t count, const struct batch_seal *seal);

/* ---- internal topics ----------------------------------------------------- */

struct directory;

/* Open a partition of an internal topic, and follow it.  NOT_FOUND as
 * directory_log: directory_ensure_internal makes the topic. */
enum evl_error coordinator_open(struct directory *d, const char *topic, int32_t partition,
                                const struct coordinator_state *state, struct coordinator **c);
void coordinator_close(struct coordinator *c); /* NULL does nothing */

/* The partition, of `count`, that a group or transactional id belongs to: Java's
 * hash of the text, so that Kafka finds it there too. */
int32_t coordinator_partition(const char *key, int32_t count);

#endif
