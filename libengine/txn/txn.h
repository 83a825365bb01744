/* txn.h - the transactions of a coordinator, in memory: a replay of
 * __transaction_state.
 *
 * Records change the table, one by one, through txn_apply() and through nothing
 * else; what decides about new records (txn_decide.h) only reads it.  It knows
 * no files and no clock.
 *
 *     Empty ----> Ongoing ----> PrepareCommit ----> CompleteCommit --+
 *       ^  \         |  \                                            |
 *       |   \        |   +----> PrepareAbort  ----> CompleteAbort ---+
 *       +----\-------+-------------------------------------------<---+
 *
 * (1) Once a Prepare record is on the disk the transaction is decided: whoever
 *     finds it writes the markers that are missing, and then Complete.
 * (2) A producer's (id, epoch) only ever grows: epochs rise, and an id whose
 *     epochs are used up is followed by a new one.  So a marker, whose epoch is
 *     higher than that of the data it ends, shuts out what comes late.
 *
 * Everything it hands out is borrowed until the next txn_apply(). */
#ifndef TXN_TXN_H
#define TXN_TXN_H

#include "base/map.h"
#include "proto/transaction_log.h"

enum txn_state {
#define STATE(number, name, text, from) TXN_##name = number,
#include "txn/states.def"
#undef STATE
};

/* "PrepareCommit". */
const char *txn_state_text(enum txn_state state);

/* Whether a transaction that is at `from` may be at `to` next. */
bool txn_state_may_follow(enum txn_state from, enum txn_state to);

enum {
    TXN_EPOCH_LAST = INT16_MAX - 1, /* that a client has; one more is a marker's */
    TXN_ID_BYTES_MAX = INT16_MAX,
};

/* KIP-890: how much of it a client, or the cluster, knows. */
enum txn_version { TXN_V0, TXN_V1 /* flexible records */, TXN_V2 /* an epoch per transaction */ };

struct txn_partition {
    struct evl_bytes topic;
    int32_t partition;
    bool acknowledged; /* its marker is on the disk; only we know */
};

struct txn {
    struct evl_bytes id;
    int64_t producer_id;
    int64_t previous_producer_id; /* which it had before this one; -1 */
    int64_t next_producer_id;     /* which it gets with Complete; -1: the same */
    int16_t epoch;
    int16_t last_epoch; /* what its client had before, if it asked by that; -1.  Not in the log */
    int16_t client;     /* enum txn_version of who began it */
    enum txn_state state;
    int32_t timeout_ms;
    int64_t started_ms, updated_ms;   /* started: -1 none */
    struct txn_partition *partitions; /* sorted by topic and number */
    size_t partition_count;
};

struct txn_table {
    struct map by_id;   /* of struct txn */
    struct map pending; /* of ids: their records are written, and not applied yet */
    struct arena scratch;
};

struct txn_table *txn_create(void);
void txn_destroy(struct txn_table *table);
void txn_clear(struct txn_table *table);

/* Apply one record.  CORRUPT: it is malformed; PROTOCOL: its value is of a newer
 * version; the table is as before.  Kinds of records that nobody knows are
 * passed by. */
enum evl_error txn_apply(struct txn_table *table, struct evl_bytes key, struct evl_bytes value);

/* NULL: no such id. */
const struct txn *txn_find(const struct txn_table *table, struct evl_bytes id);

/* The next one from slot *i on, which starts as 0; NULL at the end. */
const struct txn *txn_next(const struct txn_table *table, size_t *i);

/* NULL: not part of it. */
const struct txn_partition *txn_partition(const struct txn *t, struct evl_bytes topic,
                                          int32_t partition);

/* Order of partitions: by topic, bytewise, and number. */
int txn_partition_compare(const struct txn_partition *a, const struct txn_partition *b);

/* ---- what only memory knows ---------------------------------------------- */

/* A record of this id was written, and is not applied yet: until it is, or was
 * lost, nothing else is decided about the id.  A turn under a lock has no need of
 * it; a server, whose syncs run beside its turns, has. */
void txn_pend(struct txn_table *table, struct evl_bytes id);
void txn_unpend(struct txn_table *table, struct evl_bytes id);
bool txn_is_pending(const struct txn_table *table, struct evl_bytes id);

/* After the records of an answer were applied: what it says to remember. */
void txn_remember(struct txn_table *table, struct evl_bytes id, int16_t last_epoch);

/* A partition's marker is on the disk.  OK too if the transaction is over. */
void txn_acknowledge(struct txn_table *table, struct evl_bytes id, struct evl_bytes topic,
                     int32_t partition);

/* Whether all markers are there. */
bool txn_is_acknowledged(const struct txn *t);

#endif
