/* transactions.h - the transactions of a place, and how each comes to its end.
 *
 * Each partition of __transaction_state is followed by a coordinator, whose
 * state is a table (txn/txn.h).  What is wanted of a transaction is a turn on its
 * partition.  In order, each on the disk before the next:
 *
 *   registration   this partition takes part
 *   data           with the producer's id and epoch
 *   Prepare        decided: committed or aborted
 *   markers        in each partition that takes part
 *   Complete
 *
 * (1) Before Prepare a transaction is its owner's: of who holds the id's lock
 *     (share_own).  Whoever finds that nobody holds it, or that it took longer
 *     than its timeout, decides to abort, in a turn, and fences the owner.
 * (2) From Prepare on, anybody may write what is missing, at any time, at the same
 *     time as others: a marker is written at most once (marks.h), and Complete
 *     from Prepare only. */
#ifndef PLACE_TRANSACTIONS_H
#define PLACE_TRANSACTIONS_H

#include <evl/place.h>

#include "base/buf.h"
#include "txn/txn_decide.h"

struct transactions;

/* A place's, made on first use and closed with it.  NOT_FOUND: it never had any;
 * transactions_make makes __transaction_state then, where that is allowed. */
enum evl_error transactions_of(struct evl_place *place, struct transactions **ts);
enum evl_error transactions_make(struct evl_place *place, struct transactions **ts);
void transactions_close(struct transactions *ts); /* NULL does nothing */

/* What is known of an id by now; NULL if nothing.  Borrowed until the next call. */
enum evl_error transactions_find(struct transactions *ts, const char *id, const struct txn **t);

/* The next one of all, in no order; *i starts as 0 after transactions_look(). */
enum evl_error transactions_look(struct transactions *ts);
const struct txn *transactions_next(struct transactions *ts, uint64_t *i);

/* ---- what its owner does ------------------------------------------------- */

/* Who writes: what a transactional id's producer is at. */
struct transaction_producer {
    int64_t id;
    int16_t epoch;
};

/* Become the producer of an id whose lock is held by the caller.  What its last
 * owner left is finished first. */
enum evl_error transactions_begin(struct transactions *ts, const char *id, int32_t timeout_ms,
                                  struct transaction_producer *producer);

/* These partitions of a topic take part, those that do not yet.  FENCED: somebody
 * aborted it.  NOT_FOUND: there is no such topic any more. */
enum evl_error transactions_add(struct transactions *ts, const char *id,
                                const struct transaction_producer *producer, const char *topic,
                                const int32_t *partitions, size_t count);

/* Decide, and write the markers.  *producer is who goes on.  FENCED. */
enum evl_error transactions_end(struct transactions *ts, const char *id,
                                struct transaction_producer *producer, bool commit);

/* ---- what anybody does --------------------------------------------------- */

/* Whether the id's lock is held, by another struct share than `ts` has. */
enum evl_error transactions_is_owned(struct transactions *ts, const char *id, bool *owned);

/* Finish a transaction that its owner left: as it was decided, or aborted.
 * BUSY: the owner lives, and has time yet; NOT_FOUND: nothing is open. */
enum evl_error transactions_abort(struct transactions *ts, const char *id);

/* Finish all that their owners left; *any: there were some.  Those that cannot be
 * finished now stay as they are. */
enum evl_error transactions_settle(struct evl_place *place, bool *any);

/* Until transactions_let_go() none begins and none is decided, and none has this
 * topic: for who changes what the topic is called, under the metadata's lock, and
 * after transactions_settle(), which opens what is locked here.  BUSY: one has it. */
enum evl_error transactions_hold(struct transactions *ts, const char *topic);
void transactions_let_go(struct transactions *ts);

/* The same for who is held up by one, as far as he may: a place that only reads
 * and tends opens another one for it.  Not being allowed to is OK, and nothing. */
enum evl_error transactions_tend(struct evl_place *place, bool *any);

/* Whose open transaction a producer's is, for a person who waits for its end.
 * NOT_FOUND: nobody knows. */
enum evl_error transactions_blame(struct evl_place *place, int64_t producer_id,
                                  struct evl_buffer *out);

#endif
