/* txn_decide.c - wishes become records, or a reason why not.
 *
 * (1) Nothing here changes the table.
 * (2) A record that is decided is one that may follow the state that it was
 *     decided from: txn_state_may_follow.
 * (3) Epochs rise to TXN_EPOCH_LAST for clients.  One more may be a marker's; who
 *     needs a further one gets a new producer id. */
#include "txn/txn_decide.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

/* ---- records ------------------------------------------------------------- */

/* Partitions in a row of one topic become one item. */
static void group_partitions(const struct txn *t, struct transaction_log_partitions *topics,
                             int32_t *ids, struct transaction_log_value *value)
{
    size_t count = 0;
    for (size_t i = 0; i < t->partition_count; i++) {
        const struct txn_partition *p = &t->partitions[i];
        ids[i] = p->partition;
        if (i == 0 || !evl_bytes_equal(p->topic, t->partitions[i - 1].topic))
            topics[count++] = (struct transaction_log_partitions){ p->topic, { ids + i, 0 } };
        topics[count - 1].partition_ids.count++;
    }
    value->transaction_partitions.at = topics;
    value->transaction_partitions.count = count;
}

/* The record that makes `next` of its id. */
static void write_record(const struct txn *next, int16_t level, struct keyed_list *out)
{
    struct transaction_log_key key = { next->id };
    struct transaction_log_value value;
    message_init(transaction_log.value, &value);
    value.producer_id = next->producer_id;
    value.previous_producer_id = next->previous_producer_id;
    value.next_producer_id = next->next_producer_id;
    value.producer_epoch = next->epoch;
    value.transaction_timeout_ms = next->timeout_ms;
    value.transaction_status = (int8_t)next->state;
    value.transaction_last_update_timestamp_ms = next->updated_ms;
    value.transaction_start_timestamp_ms = next->started_ms;
    value.client_transaction_version = next->client;
    size_t count = next->partition_count;
    struct transaction_log_partitions *topics = memory_take(count + 1, sizeof *topics);
    int32_t *ids = memory_take(count + 1, sizeof *ids);
    if (next->state != TXN_EMPTY) /* which has null instead */
        group_partitions(next, topics, ids, &value);
    check(keyed_list_add(out, &transaction_log, &key, level >= TXN_V1, &value) == EVL_OK);
    memory_free(topics);
    memory_free(ids);
}

/* What follows `t`, with a later time and another state. */
static struct txn next_of(const struct txn *t, enum txn_state state,
                          const struct txn_moment *moment)
{
    struct txn next = *t;
    check(txn_state_may_follow(t->state, state));
    next.state = state;
    next.updated_ms = moment->now_ms;
    return next;
}

/* ---- answers ------------------------------------------------------------- */

static void answer_clear(struct txn_answer *answer)
{
    *answer = (struct txn_answer){ -1, -1, -1, false };
}

/* Who comes back has this id and epoch. */
static enum kafka_error answer_is(struct txn_answer *answer, const struct txn *t)
{
    bool renewed = t->next_producer_id >= 0;
    answer->producer_id = renewed ? t->next_producer_id : t->producer_id;
    answer->epoch = renewed ? 0 : t->epoch;
    answer->last_epoch = t->last_epoch;
    return KAFKA_NONE;
}

static enum kafka_error answer_wants_id(struct txn_answer *answer)
{
    answer->wants_id = true;
    return KAFKA_NONE;
}

static bool epoch_is_exhausted(int16_t epoch) { return epoch >= TXN_EPOCH_LAST; }

/* Whether a client may have this epoch of it; one past the last is a marker's. */
static bool epoch_is_its(const struct txn *t, int16_t epoch)
{
    return epoch == t->epoch && epoch <= TXN_EPOCH_LAST;
}

static bool id_is_wrong(struct evl_bytes id)
{
    return id.count == 0 || id.count > TXN_ID_BYTES_MAX;
}

static bool is_prepared(const struct txn *t)
{
    return t->state == TXN_PREPARE_COMMIT || t->state == TXN_PREPARE_ABORT;
}

/* ---- ending -------------------------------------------------------------- */

/* Prepare `t`'s end.  With `bump` its epoch rises, so that markers are above all
 * data.  A client who goes on with the epoch needs a new producer id past the last
 * one: it waits for the end. */
static enum kafka_error prepare(const struct txn *t, enum txn_state state, bool bump,
                                int16_t client, const struct txn_moment *moment,
                                struct keyed_list *out, struct txn_answer *answer)
{
    struct txn next = next_of(t, state, moment);
    bool renew = bump && client >= TXN_V2 && epoch_is_exhausted(t->epoch);
    if (renew && moment->fresh_id < 0)
        return answer_wants_id(answer);
    next.client = client;
    if (renew)
        next.next_producer_id = moment->fresh_id;
    if (bump) {
        check(t->epoch < INT16_MAX);
        next.epoch++;
        next.last_epoch = t->epoch;
    }
    if (t->state != TXN_ONGOING) /* it never began */
        next.started_ms = moment->now_ms;
    write_record(&next, moment->level, out);
    return answer_is(answer, &next);
}

/* Abort what is open, with an epoch that its owner has not: he is fenced.  The
 * record says that no client of KIP-890 ended it, or his own late EndTxn would
 * look like a retry, and be told the epoch. */
static void fence(const struct txn *t, const struct txn_moment *moment, struct keyed_list *out)
{
    struct txn_answer nobody;
    check(txn_state_may_follow(t->state, TXN_EPOCH_FENCE));
    (void)prepare(t, TXN_PREPARE_ABORT, true, t->client < TXN_V1 ? t->client : TXN_V1, moment, out,
                  &nobody);
}

/* ---- InitProducerId ------------------------------------------------------ */

static enum kafka_error init_is_wrong(const struct txn_init *init)
{
    if (init->id.at && id_is_wrong(init->id))
        return KAFKA_INVALID_REQUEST;
    if ((init->producer_id < 0) != (init->epoch < 0))
        return KAFKA_INVALID_REQUEST;
    if (init->id.at && (init->timeout_ms <= 0 || init->timeout_ms > init->timeout_ms_max))
        return KAFKA_INVALID_TRANSACTION_TIMEOUT;
    return KAFKA_NONE;
}

/* A new id of transactions, or of none. */
static enum kafka_error init_new(const struct txn_init *init, const struct txn_moment *moment,
                                 struct keyed_list *out, struct txn_answer *answer)
{
    struct txn fresh = {
        .id = init->id,
        .producer_id = moment->fresh_id,
        .previous_producer_id = -1,
        .next_producer_id = -1,
        .last_epoch = -1,
        .state = TXN_EMPTY,
        .timeout_ms = init->timeout_ms,
        .started_ms = -1,
        .updated_ms = moment->now_ms,
    };
    if (moment->fresh_id < 0)
        return answer_wants_id(answer);
    if (init->id.at)
        write_record(&fresh, moment->level, out);
    return answer_is(answer, &fresh);
}

/* Whether the client's (id, epoch) cannot have been given to it by us.  What it
 * had before the epochs of that id were used up may be all that it knows. */
static bool init_is_stranger(const struct txn *t, const struct txn_init *init)
{
    bool before = init->producer_id == t->previous_producer_id && epoch_is_exhausted(init->epoch);
    return init->producer_id >= 0 && init->producer_id != t->producer_id && !before;
}

/* Nothing is open: the next epoch, or a new id when there is none. */
static enum kafka_error init_idle(const struct txn *t, const struct txn_init *init,
                                  const struct txn_moment *moment, struct keyed_list *out,
                                  struct txn_answer *answer)
{
    struct txn next = next_of(t, TXN_EMPTY, moment);
    bool is_asked_by = init->epoch >= 0; /* the client says what it has */
    if (is_asked_by && init->epoch != t->epoch) {
        if (init->epoch != t->last_epoch)
            return KAFKA_PRODUCER_FENCED;
        return answer_is(answer, t); /* its answer was lost */
    }
    bool renew = epoch_is_exhausted(t->epoch);
    if (renew && moment->fresh_id < 0)
        return answer_wants_id(answer);
    if (renew) {
        next.previous_producer_id = t->producer_id;
        next.producer_id = moment->fresh_id;
    }
    next.epoch = renew ? 0 : (int16_t)(t->epoch + 1);
    next.last_epoch = is_asked_by ? t->epoch : -1;
    next.timeout_ms = init->timeout_ms;
    next.started_ms = -1;
    next.partition_count = 0;
    write_record(&next, moment->level, out);
    return answer_is(answer, &next);
}

enum kafka_error txn_decide_init(const struct txn_table *table, const struct txn_init *init,
                                 const struct txn_moment *moment, struct keyed_list *out,
                                 struct txn_answer *answer)
{
    keyed_list_clear(out);
    answer_clear(answer);
    enum kafka_error error = init_is_wrong(init);
    if (error)
        return error;
    if (init->id.at && txn_is_pending(table, init->id))
        return KAFKA_CONCURRENT_TRANSACTIONS;
    const struct txn *t = init->id.at ? txn_find(table, init->id) : NULL;
    if (!t)
        return init_new(init, moment, out, answer);
    if (init_is_stranger(t, init))
        return KAFKA_PRODUCER_FENCED;
    if (is_prepared(t))
        return KAFKA_CONCURRENT_TRANSACTIONS;
    if (t->state != TXN_ONGOING)
        return init_idle(t, init, moment, out, answer);
    fence(t, moment, out);
    return KAFKA_CONCURRENT_TRANSACTIONS;
}

/* ---- AddPartitionsToTxn -------------------------------------------------- */

/* Whether this is a request of the id's owner, and one may be made now. */
static enum kafka_error owner_check(const struct txn_table *table, struct evl_bytes id,
                                    int64_t producer_id, int16_t epoch)
{
    const struct txn *t = txn_find(table, id);
    if (txn_is_pending(table, id))
        return KAFKA_CONCURRENT_TRANSACTIONS;
    if (!t || t->producer_id != producer_id)
        return KAFKA_INVALID_PRODUCER_ID_MAPPING;
    if (!epoch_is_its(t, epoch))
        return KAFKA_PRODUCER_FENCED;
    return is_prepared(t) ? KAFKA_CONCURRENT_TRANSACTIONS : KAFKA_NONE;
}

static enum kafka_error wishes_answer(const struct txn_add *add, enum kafka_error error)
{
    for (size_t i = 0; i < add->count; i++)
        add->wishes[i].error = error;
    return error;
}

static void wishes_verify(const struct txn_add *add, const struct txn *t)
{
    for (size_t i = 0; i < add->count; i++) {
        struct txn_wish *w = &add->wishes[i];
        w->error =
            txn_partition(t, w->topic, w->partition) ? KAFKA_NONE : KAFKA_TRANSACTION_ABORTABLE;
    }
}

/* All or nothing: one that cannot be part keeps the others out. */
static bool wishes_are_good(const struct txn_add *add)
{
    bool good = true;
    for (size_t i = 0; i < add->count; i++)
        good = good && add->wishes[i].error == KAFKA_NONE;
    for (size_t i = 0; i < add->count && !good; i++)
        if (add->wishes[i].error == KAFKA_NONE)
            add->wishes[i].error = KAFKA_OPERATION_NOT_ATTEMPTED;
    return good;
}

static int compare(const void *a, const void *b) { return txn_partition_compare(a, b); }

/* What is part of it already, and what is wished, sorted, each once.  Partitions
 * of an ended transaction are no part any more.  The caller frees. */
static struct txn_partition *join(const struct txn *t, const struct txn_add *add, size_t *count)
{
    size_t kept = t->state == TXN_ONGOING ? t->partition_count : 0;
    struct txn_partition *all = memory_take(kept + add->count + 1, sizeof *all);
    if (kept > 0)
        memcpy(all, t->partitions, kept * sizeof *all);
    for (size_t i = 0; i < add->count; i++)
        all[kept + i] =
            (struct txn_partition){ add->wishes[i].topic, add->wishes[i].partition, false };
    qsort(all, kept + add->count, sizeof *all, compare);
    *count = 0;
    for (size_t i = 0; i < kept + add->count; i++)
        if (i == 0 || txn_partition_compare(&all[i], &all[*count - 1]) != 0)
            all[(*count)++] = all[i];
    return all;
}

enum kafka_error txn_decide_add(const struct txn_table *table, const struct txn_add *add,
                                const struct txn_moment *moment, struct keyed_list *out)
{
    keyed_list_clear(out);
    if (id_is_wrong(add->id))
        return wishes_answer(add, KAFKA_INVALID_REQUEST);
    enum kafka_error error = owner_check(table, add->id, add->producer_id, add->epoch);
    if (error)
        return wishes_answer(add, error);
    const struct txn *t = txn_find(table, add->id);
    if (add->verify_only)
        wishes_verify(add, t);
    if (add->verify_only || !wishes_are_good(add))
        return KAFKA_NONE;
    check(add->client <= moment->level);
    struct txn next = next_of(t, TXN_ONGOING, moment);
    next.partitions = join(t, add, &next.partition_count);
    next.client = add->client;
    if (t->state != TXN_ONGOING)
        next.started_ms = moment->now_ms;
    if (t->state != TXN_ONGOING || next.partition_count > t->partition_count)
        write_record(&next, moment->level, out);
    memory_free(next.partitions);
    return KAFKA_NONE;
}

/* ---- EndTxn -------------------------------------------------------------- */

/* What a request of the older protocol means where nothing is open. */
static enum kafka_error end_late_v1(const struct txn *t, bool commit)
{
    if (t->state == (commit ? TXN_COMPLETE_COMMIT : TXN_COMPLETE_ABORT))
        return KAFKA_NONE;
    if (t->state == (commit ? TXN_PREPARE_COMMIT : TXN_PREPARE_ABORT))
        return KAFKA_CONCURRENT_TRANSACTIONS;
    return KAFKA_INVALID_TXN_STATE;
}

static enum kafka_error end_v1(const struct txn_table *table, const struct txn_end *end,
                               const struct txn_moment *moment, struct keyed_list *out,
                               struct txn_answer *answer)
{
    const struct txn *t = txn_find(table, end->id);
    if (!t || t->producer_id != end->producer_id)
        return KAFKA_INVALID_PRODUCER_ID_MAPPING;
    if (!epoch_is_its(t, end->epoch))
        return KAFKA_PRODUCER_FENCED;
    if (txn_is_pending(table, end->id))
        return KAFKA_CONCURRENT_TRANSACTIONS;
    if (t->state == TXN_ONGOING)
        return prepare(t, end->commit ? TXN_PREPARE_COMMIT : TXN_PREPARE_ABORT, false, end->client,
                       moment, out, answer);
    enum kafka_error error = end_late_v1(t, end->commit);
    return error ? error : answer_is(answer, t);
}

/* Whether the request is the one that made `t` what it is, sent again: its
 * epoch is the one before, or the last one of the producer id before. */
static bool end_is_retry(const struct txn *t, const struct txn_end *end)
{
    if (t->client < TXN_V2)
        return false;
    if (t->producer_id == end->producer_id)
        return t->epoch == end->epoch + 1;
    return t->previous_producer_id == end->producer_id && end->epoch == TXN_EPOCH_LAST &&
           t->epoch == 0;
}

/* Kafka's table: what a retry means, by the state and the end that is wanted. */
static enum kafka_error end_again(const struct txn *t, bool commit, struct txn_answer *answer)
{
    bool committed = t->state == TXN_PREPARE_COMMIT || t->state == TXN_COMPLETE_COMMIT;
    if (t->state == TXN_EMPTY || t->state == TXN_ONGOING)
        return KAFKA_PRODUCER_FENCED;
    if (committed != commit)
        return KAFKA_INVALID_TXN_STATE;
    return is_prepared(t) ? KAFKA_CONCURRENT_TRANSACTIONS : answer_is(answer, t);
}

static enum kafka_error end_v2(const struct txn_table *table, const struct txn_end *end,
                               const struct txn_moment *moment, struct keyed_list *out,
                               struct txn_answer *answer)
{
    const struct txn *t = txn_find(table, end->id);
    if (txn_is_pending(table, end->id))
        return KAFKA_CONCURRENT_TRANSACTIONS;
    if (t && end_is_retry(t, end))
        return end_again(t, end->commit, answer);
    if (!t || t->producer_id != end->producer_id)
        return KAFKA_INVALID_PRODUCER_ID_MAPPING;
    if (!epoch_is_its(t, end->epoch) || is_prepared(t))
        return KAFKA_PRODUCER_FENCED;
    if (t->state != TXN_ONGOING && end->commit)
        return KAFKA_INVALID_TXN_STATE;
    return prepare(t, end->commit ? TXN_PREPARE_COMMIT : TXN_PREPARE_ABORT, true, end->client,
                   moment, out, answer);
}

enum kafka_error txn_decide_end(const struct txn_table *table, const struct txn_end *end,
                                const struct txn_moment *moment, struct keyed_list *out,
                                struct txn_answer *answer)
{
    keyed_list_clear(out);
    answer_clear(answer);
    if (id_is_wrong(end->id))
        return KAFKA_INVALID_REQUEST;
    check(end->client <= moment->level);
    if (end->client < TXN_V2)
        return end_v1(table, end, moment, out, answer);
    return end_v2(table, end, moment, out, answer);
}

enum kafka_error txn_decide_complete(const struct txn_table *table, struct evl_bytes id,
                                     const struct txn_moment *moment, struct keyed_list *out)
{
    const struct txn *t = txn_find(table, id);
    keyed_list_clear(out);
    if (txn_is_pending(table, id))
        return KAFKA_CONCURRENT_TRANSACTIONS;
    if (!t || !is_prepared(t) || !txn_is_acknowledged(t))
        return KAFKA_INVALID_TXN_STATE;
    struct txn next = next_of(
        t, t->state == TXN_PREPARE_COMMIT ? TXN_COMPLETE_COMMIT : TXN_COMPLETE_ABORT, moment);
    next.partition_count = 0;
    if (t->next_producer_id >= 0) {
        next.previous_producer_id = t->producer_id;
        next.producer_id = t->next_producer_id;
        next.next_producer_id = -1;
        next.epoch = 0;
    }
    write_record(&next, moment->level, out);
    return KAFKA_NONE;
}

/* ---- what nobody asked for ----------------------------------------------- */

bool txn_is_overdue(const struct txn *t, int64_t now_ms)
{
    return t->state == TXN_ONGOING && now_ms - t->started_ms >= t->timeout_ms;
}

enum kafka_error txn_decide_abort(const struct txn_table *table, struct evl_bytes id,
                                  const struct txn_moment *moment, struct keyed_list *out)
{
    const struct txn *t = txn_find(table, id);
    keyed_list_clear(out);
    if (txn_is_pending(table, id))
        return KAFKA_CONCURRENT_TRANSACTIONS;
    if (!t)
        return KAFKA_TRANSACTIONAL_ID_NOT_FOUND;
    if (t->state != TXN_ONGOING)
        return KAFKA_INVALID_TXN_STATE;
    fence(t, moment, out);
    return KAFKA_NONE;
}

static bool is_expired(const struct txn_table *table, const struct txn *t,
                       const struct txn_expiry *expiry, int64_t now_ms)
{
    if (t->state == TXN_ONGOING || is_prepared(t) || now_ms - t->updated_ms < expiry->idle_ms)
        return false;
    if (expiry->is_used && expiry->is_used(expiry->context, t->id))
        return false;
    return !txn_is_pending(table, t->id);
}

void txn_decide_expire(const struct txn_table *table, const struct txn_expiry *expiry,
                       const struct txn_moment *moment, struct keyed_list *out)
{
    const struct txn *t;
    keyed_list_clear(out);
    for (size_t i = 0; out->count < expiry->count_max && (t = txn_next(table, &i));) {
        if (!is_expired(table, t, expiry, moment->now_ms))
            continue;
        struct transaction_log_key key = { t->id };
        check(txn_state_may_follow(t->state, TXN_DEAD));
        check(keyed_list_add(out, &transaction_log, &key, 0, NULL) == EVL_OK);
    }
}
