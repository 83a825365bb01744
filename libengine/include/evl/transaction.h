/* evl/transaction.h - records in several partitions, and positions of groups: all
 * of them or none.
 *
 *     evl_transaction_open(place, &(struct evl_transaction_options){ .id = "pay" }, &t);
 *     evl_producer_open(place, &(struct evl_producer_options){ .topic = "bills",
 *                                                              .transaction = t }, &p);
 *     while (...) {
 *         evl_producer_send(p, &record); ...
 *         evl_transaction_positions(t, "group", &position, 1);
 *         evl_transaction_commit(t);
 *     }
 *     evl_producer_close(p);
 *     evl_transaction_close(t);
 *
 * A transactional id has one owner at a time: whoever opens it while a living
 * process has it is told so, and what a dead one left is finished first.  One
 * transaction follows the other; a transaction begins with the first batch that
 * one of its producers writes, or with the first position.
 *
 * A power cut leaves all of a transaction or nothing.  Readers who read what is
 * committed (EVL_COMMITTED) see nothing of one that is not. */
#ifndef EVL_TRANSACTION_H
#define EVL_TRANSACTION_H

#include <evl/place.h>

struct evl_transaction;
struct evl_position_commit; /* evl/group.h */

struct evl_transaction_options {
    const char *id;
    int64_t timeout_ms; /* one that is open for longer is aborted by whom it is in
                           the way of, and its owner FENCED; 0: 60 s */
};

/* Become the owner of the id.  What a dead predecessor left is finished first:
 * committed if that was decided, else aborted; so is what dead owners of other
 * ids left.  BUSY: a living process owns it,
 * and the fault names its pid if that is known.  DENIED; USAGE: it has no name. */
enum evl_error evl_transaction_open(struct evl_place *place,
                                    const struct evl_transaction_options *options,
                                    struct evl_transaction **transaction);

/* Positions of a group, as part of it: they count when it is committed. */
enum evl_error evl_transaction_positions(struct evl_transaction *t, const char *group,
                                         const struct evl_position_commit *at, size_t count);

/* Flush its producers, and make all of it count; nothing open is OK too.  It is on
 * the disk when this returns OK.  After a failure before it was decided it is open
 * yet: abort it.  FENCED: it was aborted, and the id is another's. */
enum evl_error evl_transaction_commit(struct evl_transaction *t);

/* Make nothing of it count.  Its producers forget what they have not written. */
enum evl_error evl_transaction_abort(struct evl_transaction *t);

/* Its producers were closed before.  What is open is aborted.  NULL does nothing. */
void evl_transaction_close(struct evl_transaction *t);

/* ---- looking at them ------------------------------------------------------ */

struct evl_transaction_info {
    const char *id;
    const char *state; /* Kafka's name: "Empty" "Ongoing" "PrepareCommit" ... */
    int64_t producer_id;
    int16_t epoch;
    int64_t timeout_ms, started_ms, updated_ms;   /* started: -1 none */
    const struct evl_topic_partition *partitions; /* that take part, sorted */
    size_t partition_count;
    bool owned;    /* a living process is its owner */
    int32_t owner; /* its pid, or 0 if that is not known */
};

/* All that are known, sorted by id.  The caller releases. */
struct evl_transactions {
    struct evl_transaction_info *at;
    size_t count;
};
enum evl_error evl_admin_transactions(struct evl_place *place, struct evl_transactions *list);
void evl_transactions_release(struct evl_transactions *list);

/* A producer that a partition remembers (KIP-664). */
struct evl_producer_info {
    int64_t id;
    int16_t epoch;
    int32_t last_sequence, coordinator_epoch; /* -1: none */
    int64_t last_ms;                          /* its last batch; -1: not known */
    int64_t open_offset; /* where its open transaction begins; -1: none is open */
};

/* Those of a partition, by id.  The caller releases. */
struct evl_producers {
    struct evl_producer_info *at;
    size_t count;
};
enum evl_error evl_admin_producers(struct evl_place *place, const char *topic, int32_t partition,
                                   struct evl_producers *list);
void evl_producers_release(struct evl_producers *list);

/* End what an owner left open: as it was decided, or by aborting it.  BUSY: the
 * owner lives, and is within its timeout; NOT_FOUND: nothing is open. */
enum evl_error evl_admin_abort_transaction(struct evl_place *place, const char *id);

#endif
