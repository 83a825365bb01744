/* transactions.c - turns on __transaction_state, and what follows from them. */
#include "place/transactions.h"

#include <inttypes.h>

#include "base/fault.h"
#include "base/memory.h"
#include "place/coordinator.h"
#include "place/marks.h"
#include "place/place.h"

enum {
    TRIES_MAX = 16, /* of a turn that was overtaken by others */
    SETTLES_MAX = 1000,
    EXPIRED_MAX = 64, /* forgotten in one turn */
};
#define EXPIRATION_MS (7 * 24 * 3600 * (int64_t)1000) /* transactional.id.expiration.ms */

/* One partition of __transaction_state. */
struct keeper {
    struct coordinator *coordinator; /* NULL: not looked at yet */
    struct txn_table *table;
};

struct transactions {
    struct directory *directory;
    struct io *io;
    struct keeper *keepers; /* by partition */
    int32_t count;
    struct marks *marks;
    struct keyed_list records; /* what was decided last */
};

/* ---- life ---------------------------------------------------------------- */

static struct transactions *create(struct evl_place *place, int32_t count)
{
    struct transactions *ts = memory_take(1, sizeof *ts);
    ts->directory = place->directory;
    ts->io = place->io;
    ts->count = count;
    ts->keepers = memory_take((size_t)count, sizeof *ts->keepers);
    ts->marks = marks_create(place->directory);
    return ts;
}

enum evl_error transactions_of(struct evl_place *place, struct transactions **ts)
{
    struct directory_topic topic;
    if (!place->transactions) {
        enum evl_error err = directory_refresh(place->directory);
        if (!err)
            err = directory_topic(place->directory, TRANSACTIONS_TOPIC, &topic);
        if (err)
            return err;
        place->transactions = create(place, topic.partitions);
    }
    *ts = place->transactions;
    return EVL_OK;
}

enum evl_error transactions_make(struct evl_place *place, struct transactions **ts)
{
    int32_t count;
    enum evl_error err = EVL_OK;
    if (!place->transactions)
        err = directory_ensure_internal(place->directory, TRANSACTIONS_TOPIC, &count);
    return err ? err : transactions_of(place, ts);
}

void transactions_close(struct transactions *ts)
{
    if (!ts)
        return;
    for (int32_t i = 0; i < ts->count; i++) {
        coordinator_close(ts->keepers[i].coordinator);
        txn_destroy(ts->keepers[i].table);
    }
    marks_destroy(ts->marks);
    keyed_list_release(&ts->records);
    memory_free(ts->keepers);
    memory_free(ts);
}

/* ---- following ----------------------------------------------------------- */

static enum evl_error keeper_apply(void *state, const struct evl_record *record,
                                   int64_t producer_id)
{
    (void)producer_id; /* what is said here is part of no transaction */
    return txn_apply(state, record->key, record->value);
}

static void keeper_clear(void *state) { txn_clear(state); }

static enum evl_error keeper_open(struct transactions *ts, int32_t partition, struct keeper **k)
{
    struct keeper *keeper = &ts->keepers[partition];
    struct coordinator_state state = { .apply = keeper_apply, .clear = keeper_clear };
    enum evl_error err = EVL_OK;
    *k = keeper;
    if (keeper->coordinator)
        return EVL_OK;
    if (!keeper->table)
        keeper->table = txn_create();
    state.state = keeper->table;
    err = coordinator_open(ts->directory, TRANSACTIONS_TOPIC, partition, &state,
                           &keeper->coordinator);
    return err;
}

static enum evl_error keeper_of(struct transactions *ts, const char *id, struct keeper **k)
{
    return keeper_open(ts, coordinator_partition(id, ts->count), k);
}

enum evl_error transactions_find(struct transactions *ts, const char *id, const struct txn **t)
{
    struct keeper *k;
    enum evl_error err = keeper_of(ts, id, &k);
    if (!err)
        err = coordinator_look(k->coordinator);
    if (!err)
        *t = txn_find(k->table, evl_text(id));
    return err;
}

enum evl_error transactions_look(struct transactions *ts)
{
    enum evl_error err = EVL_OK;
    struct keeper *k;
    for (int32_t i = 0; i < ts->count && !err; i++) {
        err = keeper_open(ts, i, &k);
        if (!err)
            err = coordinator_look(k->coordinator);
    }
    return err;
}

const struct txn *transactions_next(struct transactions *ts, uint64_t *i)
{
    for (uint64_t at = *i >> 32; at < (uint64_t)ts->count; at++) {
        size_t slot = (uint32_t)*i;
        const struct txn *t = ts->keepers[at].table ? txn_next(ts->keepers[at].table, &slot) : NULL;
        *i = t ? at << 32 | slot : (at + 1) << 32;
        if (t)
            return t;
    }
    return NULL;
}

/* ---- turns --------------------------------------------------------------- */

static enum evl_error turn_begin(struct transactions *ts, const char *id, struct keeper **k,
                                 struct txn_moment *moment)
{
    enum evl_error err = keeper_of(ts, id, k);
    if (!err)
        err = coordinator_enter((*k)->coordinator);
    if (err)
        return err;
    moment->now_ms = io_wall_ms(ts->io);
    moment->level = TXN_V2;
    return EVL_OK;
}

/* Append what was decided, and end the turn. */
static enum evl_error turn_end(struct transactions *ts, struct keeper *k)
{
    struct evl_record *batch = memory_take(ts->records.count + 1, sizeof *batch);
    for (size_t i = 0; i < ts->records.count; i++)
        batch[i] = keyed_list_at(&ts->records, i);
    enum evl_error err = coordinator_append(k->coordinator, batch, ts->records.count, NULL);
    coordinator_leave(k->coordinator);
    memory_free(batch);
    return err;
}

static enum evl_error refused(const char *id, enum kafka_error error)
{
    enum evl_error err = kafka_error_to_evl(error);
    switch (err) {
    case EVL_OK: return EVL_OK;
    case EVL_ERR_FENCED:
        return fail(err,
                    "transaction %s was taken over by another instance, or aborted because "
                    "it took longer than its timeout",
                    id);
    case EVL_ERR_BUSY: return fail(err, "transaction %s is being ended; try again", id);
    default: return fail(err, "transaction %s: %s", id, kafka_error_name(error));
    }
}

/* ---- the end ------------------------------------------------------------- */

static bool is_prepared(const struct txn *t)
{
    return t && (t->state == TXN_PREPARE_COMMIT || t->state == TXN_PREPARE_ABORT);
}

static int32_t coordinator_epoch(const struct transactions *ts, const char *id)
{
    const struct image *image = directory_image(ts->directory);
    const struct topic *topic = image_topic(image, TRANSACTIONS_TOPIC);
    const struct partition *p =
        topic ? topic_partition(topic, coordinator_partition(id, ts->count)) : NULL;
    return p ? p->leader_epoch : 0;
}

/* Have the marker of a prepared transaction in each of its partitions. */
static enum evl_error put_marks(struct transactions *ts, struct keeper *k, const struct txn *t,
                                const char *id)
{
    struct mark mark = { t->producer_id, t->epoch, t->state == TXN_PREPARE_COMMIT,
                         coordinator_epoch(ts, id) };
    enum evl_error err = marks_put(ts->marks, t->partitions, t->partition_count, &mark);
    for (size_t i = 0; i < t->partition_count && !err; i++)
        txn_acknowledge(k->table, t->id, t->partitions[i].topic, t->partitions[i].partition);
    return err;
}

/* Write what is missing of a transaction whose end was decided.  Others may be at
 * it, or the table may be another one by the time of the turn: look again. */
static enum evl_error finish(struct transactions *ts, const char *id)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        const struct txn *t = NULL;
        struct keeper *k;
        struct txn_moment moment = { .fresh_id = -1 };
        enum evl_error err = transactions_find(ts, id, &t);
        if (err || !is_prepared(t))
            return err;
        (void)keeper_of(ts, id, &k); /* it is open */
        err = put_marks(ts, k, t, id);
        if (!err)
            err = turn_begin(ts, id, &k, &moment);
        if (err)
            return failed(err, "transaction %s is decided, and not ended yet", id);
        (void)txn_decide_complete(k->table, evl_text(id), &moment, &ts->records);
        err = turn_end(ts, k);
        if (err)
            return err;
    }
    return refused(id, KAFKA_CONCURRENT_TRANSACTIONS);
}

/* ---- what its owner does ------------------------------------------------- */

static bool id_is_used(void *context, struct evl_bytes id)
{
    struct transactions *ts = context;
    bool owned = true;
    return share_is_owned(directory_share(ts->directory), id, &owned) || owned;
}

/* Forget what nobody used for long: as good a moment as any. */
static enum evl_error expire(struct transactions *ts, const char *id)
{
    struct keeper *k;
    struct txn_moment moment = { .fresh_id = -1 };
    struct txn_expiry expiry = { EXPIRATION_MS, EXPIRED_MAX, id_is_used, ts };
    enum evl_error err = keeper_of(ts, id, &k);
    if (err)
        return err;
    moment.now_ms = io_wall_ms(ts->io);
    txn_decide_expire(k->table, &expiry, &moment, &ts->records);
    if (ts->records.count == 0)
        return EVL_OK;
    err = turn_begin(ts, id, &k, &moment);
    if (err)
        return err;
    txn_decide_expire(k->table, &expiry, &moment, &ts->records);
    return turn_end(ts, k);
}

static enum evl_error begin_turn(struct transactions *ts, const struct txn_init *init,
                                 const char *id, int64_t fresh_id, struct txn_answer *answer,
                                 enum kafka_error *error)
{
    struct keeper *k;
    struct txn_moment moment = { .fresh_id = fresh_id };
    enum evl_error err = turn_begin(ts, id, &k, &moment);
    if (err)
        return err;
    *error = txn_decide_init(k->table, init, &moment, &ts->records, answer);
    return turn_end(ts, k);
}

enum evl_error transactions_begin(struct transactions *ts, const char *id, int32_t timeout_ms,
                                  struct transaction_producer *producer)
{
    struct txn_init init = { evl_text(id), -1, -1, timeout_ms, INT32_MAX };
    struct txn_answer answer = { 0 };
    enum kafka_error error = KAFKA_CONCURRENT_TRANSACTIONS;
    int64_t fresh_id = -1;
    for (int i = 0; i < TRIES_MAX; i++) {
        enum evl_error err = finish(ts, id);
        if (!err)
            err = begin_turn(ts, &init, id, fresh_id, &answer, &error);
        if (!err && answer.wants_id) {
            /* Not in the turn: the metadata's lock comes before ours. */
            err = directory_take_producer_ids(ts->directory, 1, &fresh_id);
            error = KAFKA_CONCURRENT_TRANSACTIONS;
        }
        if (err)
            return err;
        if (error != KAFKA_CONCURRENT_TRANSACTIONS)
            break;
    }
    if (error)
        return refused(id, error);
    *producer = (struct transaction_producer){ answer.producer_id, answer.epoch };
    return expire(ts, id);
}

static enum evl_error topic_is_there(struct transactions *ts, const char *name)
{
    struct directory_topic topic;
    enum evl_error err = directory_refresh(ts->directory);
    return err ? err : directory_topic(ts->directory, name, &topic);
}

/* Begin a turn in which the topic is called so: who renames it waits for all
 * turns (transactions_hold).  Who died at that has perhaps renamed it, which is
 * not known before the metadata has had its turn, and that comes before ours. */
static enum evl_error turn_begin_for(struct transactions *ts, const char *id, const char *topic,
                                     struct keeper **k, struct txn_moment *moment)
{
    for (int i = 0; i < SETTLES_MAX; i++) {
        enum evl_error err = turn_begin(ts, id, k, moment);
        if (err)
            return err;
        bool settled = !directory_is_changing(ts->directory);
        if (settled)
            err = topic_is_there(ts, topic);
        if (settled && !err)
            return EVL_OK;
        coordinator_leave((*k)->coordinator);
        if (!err)
            err = directory_settle(ts->directory);
        if (err)
            return err;
    }
    return fail(EVL_ERR_BUSY, "transaction %s: topics are changed all the time; try again", id);
}

enum evl_error transactions_add(struct transactions *ts, const char *id,
                                const struct transaction_producer *producer, const char *topic,
                                const int32_t *partitions, size_t count)
{
    struct keeper *k;
    struct txn_moment moment = { .fresh_id = -1 };
    enum evl_error err = finish(ts, id); /* if the last one's markers failed */
    if (!err)
        err = turn_begin_for(ts, id, topic, &k, &moment);
    if (err)
        return err;
    struct txn_wish *wishes = memory_take(count, sizeof *wishes);
    for (size_t i = 0; i < count; i++)
        wishes[i] = (struct txn_wish){ evl_text(topic), partitions[i], KAFKA_NONE };
    struct txn_add add = {
        evl_text(id), producer->id, producer->epoch, TXN_V2, wishes, count, false
    };
    enum kafka_error error = txn_decide_add(k->table, &add, &moment, &ts->records);
    err = turn_end(ts, k);
    memory_free(wishes);
    return err ? err : refused(id, error);
}

static enum evl_error end_turn(struct transactions *ts, const struct txn_end *end, const char *id,
                               int64_t fresh_id, struct txn_answer *answer)
{
    struct keeper *k;
    struct txn_moment moment = { .fresh_id = fresh_id };
    enum evl_error err = turn_begin(ts, id, &k, &moment);
    if (err)
        return err;
    enum kafka_error error = txn_decide_end(k->table, end, &moment, &ts->records, answer);
    err = turn_end(ts, k);
    return err ? err : refused(id, error);
}

enum evl_error transactions_end(struct transactions *ts, const char *id,
                                struct transaction_producer *producer, bool commit)
{
    struct txn_end end = { evl_text(id), producer->id, producer->epoch, TXN_V2, commit };
    struct txn_answer answer;
    int64_t fresh_id = -1;
    enum evl_error err = end_turn(ts, &end, id, fresh_id, &answer);
    if (!err && answer.wants_id) {
        err = directory_take_producer_ids(ts->directory, 1, &fresh_id);
        if (!err)
            err = end_turn(ts, &end, id, fresh_id, &answer);
    }
    if (err)
        return err;
    *producer = (struct transaction_producer){ answer.producer_id, answer.epoch };
    return finish(ts, id);
}

/* ---- what anybody does --------------------------------------------------- */

enum evl_error transactions_is_owned(struct transactions *ts, const char *id, bool *owned)
{
    return share_is_owned(directory_share(ts->directory), evl_text(id), owned);
}

static bool is_late(const struct txn *t, int64_t now_ms)
{
    if (is_prepared(t)) /* its owner is at it, or stuck */
        return now_ms - t->updated_ms >= t->timeout_ms;
    return txn_is_overdue(t, now_ms);
}

/* Whether somebody else has to end it. */
static enum evl_error is_left(struct transactions *ts, const struct txn *t, bool *left)
{
    bool owned = true;
    *left = false;
    if (t->state != TXN_ONGOING && !is_prepared(t))
        return EVL_OK;
    enum evl_error err = share_is_owned(directory_share(ts->directory), t->id, &owned);
    *left = !owned || is_late(t, io_wall_ms(ts->io));
    return err;
}

static enum evl_error still_owned(struct transactions *ts, const char *id)
{
    int32_t pid = share_owner(directory_share(ts->directory), evl_text(id));
    return fail(EVL_ERR_BUSY,
                "transaction %s is open, and its owner (process %" PRId32 ") lives; end that first",
                id, pid);
}

/* In a turn: whoever became its owner meanwhile has not begun anything yet. */
static enum evl_error abort_decide(struct transactions *ts, struct keeper *k, const char *id,
                                   const struct txn_moment *moment)
{
    const struct txn *t = txn_find(k->table, evl_text(id));
    bool left = false;
    keyed_list_clear(&ts->records);
    if (!t)
        return fail(EVL_ERR_NOT_FOUND, "no transaction is called %s", id);
    if (t->state != TXN_ONGOING && !is_prepared(t))
        return fail(EVL_ERR_NOT_FOUND, "transaction %s is not open", id);
    enum evl_error err = is_left(ts, t, &left);
    if (err)
        return err;
    if (!left)
        return still_owned(ts, id);
    if (t->state == TXN_ONGOING)
        (void)txn_decide_abort(k->table, t->id, moment, &ts->records);
    return EVL_OK;
}

enum evl_error transactions_abort(struct transactions *ts, const char *id)
{
    struct keeper *k;
    struct txn_moment moment = { .fresh_id = -1 };
    enum evl_error err = turn_begin(ts, id, &k, &moment);
    if (err)
        return err;
    err = abort_decide(ts, k, id, &moment);
    enum evl_error worse = turn_end(ts, k);
    if (!worse && !err)
        return finish(ts, id);
    return err ? err : worse;
}

/* The ids of those that were left, each with its end. */
static enum evl_error left_ids(struct transactions *ts, struct evl_buffer *ids)
{
    const struct txn *t;
    enum evl_error err = transactions_look(ts);
    for (uint64_t i = 0; !err && (t = transactions_next(ts, &i));) {
        bool left;
        err = is_left(ts, t, &left);
        if (err || !left)
            continue;
        buf_add_bytes(ids, t->id);
        buf_add_byte(ids, '\0');
    }
    return err;
}

enum evl_error transactions_settle(struct evl_place *place, bool *any)
{
    struct transactions *ts;
    struct evl_buffer ids = { 0 };
    *any = false;
    enum evl_error err = transactions_of(place, &ts);
    if (err)
        return err == EVL_ERR_NOT_FOUND ? EVL_OK : err;
    err = left_ids(ts, &ids);
    for (size_t at = 0; !err && at < ids.count; at += strlen((char *)ids.at + at) + 1) {
        err = transactions_abort(ts, (char *)ids.at + at);
        if (!err)
            *any = true;
        if (err == EVL_ERR_BUSY || err == EVL_ERR_NOT_FOUND) /* somebody else was faster */
            err = EVL_OK;
    }
    buf_release(&ids);
    return err;
}

/* ---- while a topic is changed -------------------------------------------- */

static void let_go(struct transactions *ts, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        coordinator_leave(ts->keepers[i].coordinator);
}

void transactions_let_go(struct transactions *ts) { let_go(ts, ts->count); }

static bool has_topic(const struct txn *t, struct evl_bytes topic)
{
    bool has = false;
    for (size_t i = 0; i < t->partition_count; i++)
        has = has || evl_bytes_equal(t->partitions[i].topic, topic);
    return has && (t->state == TXN_ONGOING || is_prepared(t));
}

static enum evl_error topic_is_free(struct transactions *ts, const char *topic)
{
    const struct txn *t;
    for (uint64_t i = 0; (t = transactions_next(ts, &i));)
        if (has_topic(t, evl_text(topic)))
            return fail(EVL_ERR_BUSY, "transaction %.*s has records in %s; end that first",
                        (int)t->id.count, (const char *)t->id.at, topic);
    return EVL_OK;
}

enum evl_error transactions_hold(struct transactions *ts, const char *topic)
{
    enum evl_error err = EVL_OK;
    int32_t held = 0;
    while (held < ts->count && !(err = coordinator_enter(ts->keepers[held].coordinator)))
        held++;
    if (!err)
        err = topic_is_free(ts, topic);
    if (err)
        let_go(ts, held);
    return err;
}

/* ---- for a person -------------------------------------------------------- */

enum evl_error transactions_tend(struct evl_place *place, bool *any)
{
    struct evl_place_options options = { .dir = evl_place_name(place), .io = place->io };
    struct evl_place *writer;
    *any = false;
    if (directory_is_writable(place->directory))
        return transactions_settle(place, any);
    if (!place->tends || directory_is_foreign(place->directory) ||
        evl_place_open(&options, &writer))
        return EVL_OK;
    enum evl_error err = transactions_settle(writer, any);
    evl_place_close(writer);
    return err;
}

enum evl_error transactions_blame(struct evl_place *place, int64_t producer_id,
                                  struct evl_buffer *out)
{
    struct transactions *ts;
    const struct txn *t;
    bool owned = false;
    enum evl_error err = transactions_of(place, &ts);
    if (!err)
        err = transactions_look(ts);
    if (err)
        return err;
    for (uint64_t i = 0; (t = transactions_next(ts, &i)) && t->producer_id != producer_id;)
        ;
    if (!t)
        return fail(EVL_ERR_NOT_FOUND, "no transaction of producer %" PRId64 " is known",
                    producer_id);
    if (directory_is_foreign(ts->directory)) {
        buf_print(out, "transaction %.*s, which only Kafka can end", (int)t->id.count,
                  (const char *)t->id.at);
        return EVL_OK;
    }
    err = share_is_owned(directory_share(ts->directory), t->id, &owned);
    if (err)
        return err;
    if (owned)
        buf_print(out, "transaction %.*s, which process %" PRId32 " has open", (int)t->id.count,
                  (const char *)t->id.at, share_owner(directory_share(ts->directory), t->id));
    else
        buf_print(out, "transaction %.*s, whose owner is gone: who may write the directory ends it",
                  (int)t->id.count, (const char *)t->id.at);
    return EVL_OK;
}
