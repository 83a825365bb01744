/* txn_decide.h - what is to be written when somebody wants something of a
 * transaction (KIP-98, KIP-360, KIP-890).
 *
 * Pure: a table and an event go in, records and an answer come out, nothing else
 * happens.  The caller appends the records as one batch, syncs, applies them,
 * and only then answers; until then nothing has changed.  Time and chance are
 * part of the event.
 *
 * Each clears `out` first, and returns one of Kafka's errors.  There may be
 * records though it is one: CONCURRENT_TRANSACTIONS says "what stands in your
 * way is being ended; ask again". */
#ifndef TXN_TXN_DECIDE_H
#define TXN_TXN_DECIDE_H

#include "proto/kafka_error.h"
#include "txn/txn.h"

/* What the world is like at the moment. */
struct txn_moment {
    int64_t now_ms;
    int64_t fresh_id; /* a producer id that nobody had; -1: none is at hand */
    int16_t level;    /* enum txn_version: the cluster's */
};

struct txn_answer {
    int64_t producer_id; /* of whom the next request is expected; -1 */
    int16_t epoch;
    int16_t last_epoch; /* for txn_remember, once the records are applied */
    bool wants_id;      /* nothing was decided: take a fresh id, and ask again */
};

/* ---- InitProducerId ------------------------------------------------------ */

struct txn_init {
    struct evl_bytes id; /* null: of no transactions, only numbered */
    int64_t producer_id; /* that the client has; -1: none */
    int16_t epoch;       /* the same; -1 */
    int32_t timeout_ms, timeout_ms_max;
};

/* Become the one owner of the id: whoever was it before is fenced.
 * INVALID_REQUEST, INVALID_TRANSACTION_TIMEOUT, PRODUCER_FENCED,
 * CONCURRENT_TRANSACTIONS. */
enum kafka_error txn_decide_init(const struct txn_table *table, const struct txn_init *init,
                                 const struct txn_moment *moment, struct keyed_list *out,
                                 struct txn_answer *answer);

/* ---- AddPartitionsToTxn -------------------------------------------------- */

/* A partition that is to take part, and what is said of it: before, why it
 * cannot (UNKNOWN_TOPIC_OR_PARTITION, TOPIC_AUTHORIZATION_FAILED), or NONE. */
struct txn_wish {
    struct evl_bytes topic;
    int32_t partition;
    enum kafka_error error;
};

struct txn_add {
    struct evl_bytes id;
    int64_t producer_id;
    int16_t epoch;
    int16_t client; /* enum txn_version of the request; never above the cluster's */
    struct txn_wish *wishes;
    size_t count;
    bool verify_only; /* are they part of it? */
};

/* Have them take part: the answer is in each wish's error, and the same in all
 * when it is returned.  If one cannot, none is added, and the others are
 * OPERATION_NOT_ATTEMPTED.  AddOffsetsToTxn is this, of the partition of
 * __consumer_offsets that has the group.  INVALID_REQUEST,
 * INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, CONCURRENT_TRANSACTIONS;
 * when verifying, TRANSACTION_ABORTABLE of one that is no part. */
enum kafka_error txn_decide_add(const struct txn_table *table, const struct txn_add *add,
                                const struct txn_moment *moment, struct keyed_list *out);

/* ---- EndTxn -------------------------------------------------------------- */

struct txn_end {
    struct evl_bytes id;
    int64_t producer_id;
    int16_t epoch;
    int16_t client; /* the same: TXN_V2 from EndTxn 5 on */
    bool commit;
};

/* Decide how the transaction ends.  INVALID_REQUEST, INVALID_PRODUCER_ID_MAPPING,
 * PRODUCER_FENCED, CONCURRENT_TRANSACTIONS, INVALID_TXN_STATE. */
enum kafka_error txn_decide_end(const struct txn_table *table, const struct txn_end *end,
                                const struct txn_moment *moment, struct keyed_list *out,
                                struct txn_answer *answer);

/* All markers are there (txn_is_acknowledged): it is over.  INVALID_TXN_STATE:
 * some are not, or nothing was decided; CONCURRENT_TRANSACTIONS. */
enum kafka_error txn_decide_complete(const struct txn_table *table, struct evl_bytes id,
                                     const struct txn_moment *moment, struct keyed_list *out);

/* ---- what nobody asked for ----------------------------------------------- */

/* Whether it goes on for longer than its timeout. */
bool txn_is_overdue(const struct txn *t, int64_t now_ms);

/* Abort an open transaction, and fence its owner: he died, or takes too long.
 * TRANSACTIONAL_ID_NOT_FOUND; INVALID_TXN_STATE: none is open;
 * CONCURRENT_TRANSACTIONS. */
enum kafka_error txn_decide_abort(const struct txn_table *table, struct evl_bytes id,
                                  const struct txn_moment *moment, struct keyed_list *out);

/* Forget ids that were idle for long (transactional.id.expiration.ms). */
struct txn_expiry {
    int64_t idle_ms;
    size_t count_max;                                    /* at a time */
    bool (*is_used)(void *context, struct evl_bytes id); /* its owner lives; or NULL */
    void *context;
};
void txn_decide_expire(const struct txn_table *table, const struct txn_expiry *expiry,
                       const struct txn_moment *moment, struct keyed_list *out);

#endif
