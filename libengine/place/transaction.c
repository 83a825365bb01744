/* transaction.c - the owner of a transactional id.
 *
 * The id's lock belongs to a share of its own, so that a second owner in this
 * process is kept out, too. */
#include "place/transaction.h"

#include <evl/group.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/plant.h"
#include "log/share.h"
#include "place/groups.h"
#include "place/place.h"
#include "place/producer.h"
#include "record/batch.h"

enum { TIMEOUT_MS = 60000 };

struct evl_transaction {
    struct evl_place *place;
    struct transactions *all;
    char *id;
    struct share *share; /* has the id's lock */
    struct transaction_producer producer;
    uint64_t number; /* of its transactions so far */
    bool is_open;    /* a partition takes part */
    bool is_spoilt;  /* records of it were lost */
    struct evl_producer **producers;
    size_t producer_count;
    enum evl_error failed; /* it is not ours any more */
    struct fault fault;
};

/* ---- opening ------------------------------------------------------------- */

static enum evl_error transaction_own(struct evl_transaction *t)
{
    enum evl_error err =
        share_open(t->place->io, directory_path(t->place->directory), true, &t->share);
    if (!err)
        err = share_own(t->share, evl_text(t->id));
    return err ? failed(err, "transaction %s", t->id) : EVL_OK;
}

/* What dead owners of other ids left open is in the way of who reads what we
 * write.  That it cannot be ended now is no failure of ours. */
static void transaction_clear_way(struct evl_transaction *t)
{
    bool any;
    (void)transactions_settle(t->place, &any);
}

static enum evl_error transaction_set_up(struct evl_transaction *t, int64_t timeout_ms)
{
    if (t->id[0] == '\0')
        return fail(EVL_ERR_USAGE, "a transaction needs an id");
    if (timeout_ms < 0 || timeout_ms > INT32_MAX)
        return fail(EVL_ERR_USAGE, "a transaction's timeout is at most %d ms", INT32_MAX);
    if (!directory_is_writable(t->place->directory))
        return fail(EVL_ERR_DENIED, "%s cannot be written", directory_path(t->place->directory));
    enum evl_error err = transactions_make(t->place, &t->all);
    if (!err)
        err = transaction_own(t);
    if (err)
        return err;
    err = transactions_begin(t->all, t->id, timeout_ms ? (int32_t)timeout_ms : TIMEOUT_MS,
                             &t->producer);
    if (!err)
        transaction_clear_way(t);
    return err;
}

enum evl_error evl_transaction_open(struct evl_place *place,
                                    const struct evl_transaction_options *options,
                                    struct evl_transaction **transaction)
{
    struct evl_transaction *t = memory_take(1, sizeof *t);
    t->place = place;
    t->id = memory_text(options->id);
    enum evl_error err = transaction_set_up(t, options->timeout_ms);
    if (err) {
        evl_transaction_close(t);
        return err;
    }
    *transaction = t;
    return EVL_OK;
}

void evl_transaction_close(struct evl_transaction *t)
{
    struct fault told; /* of who closes because something went wrong */
    if (!t)
        return;
    check(t->producer_count == 0);
    fault_keep(&told);
    if (t->is_open)
        (void)evl_transaction_abort(t); /* or whoever meets it does */
    (void)fault_again(EVL_OK, &told);
    share_close(t->share);
    memory_free(t->producers);
    memory_free(t->id);
    memory_free(t);
}

/* ---- its producers ------------------------------------------------------- */

struct transaction_producer transaction_producer(const struct evl_transaction *t)
{
    return t->producer;
}

uint64_t transaction_number(const struct evl_transaction *t) { return t->number; }

void transaction_enlist(struct evl_transaction *t, struct evl_producer *producer)
{
    t->producers = memory_grow(t->producers, t->producer_count + 1, sizeof *t->producers);
    t->producers[t->producer_count++] = producer;
}

void transaction_dismiss(struct evl_transaction *t, struct evl_producer *producer, bool lost)
{
    t->is_spoilt = t->is_spoilt || lost;
    for (size_t i = 0; i < t->producer_count; i++)
        if (t->producers[i] == producer)
            t->producers[i--] = t->producers[--t->producer_count];
}

/* ---- taking part --------------------------------------------------------- */

/* After FENCED it is another's, whatever is tried. */
static enum evl_error transaction_fail(struct evl_transaction *t, enum evl_error err)
{
    if (err == EVL_ERR_FENCED && !t->failed) {
        t->failed = err;
        t->is_open = false;
        fault_keep(&t->fault);
    }
    return t->failed ? fault_again(t->failed, &t->fault) : err;
}

enum evl_error transaction_join(struct evl_transaction *t, const char *topic,
                                const int32_t *partitions, size_t count)
{
    if (t->failed)
        return transaction_fail(t, t->failed);
    enum evl_error err = EVL_OK;
    if (!planted(UNREGISTERED) || !t->is_open) /* the bug is about all but the first */
        err = transactions_add(t->all, t->id, &t->producer, topic, partitions, count);
    if (err)
        return transaction_fail(t, err);
    t->is_open = true;
    return EVL_OK;
}

enum evl_error evl_transaction_positions(struct evl_transaction *t, const char *group,
                                         const struct evl_position_commit *at, size_t count)
{
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    int32_t partition;
    enum evl_error err = groups_partition(t->place, group, &partition);
    if (!err)
        err = transaction_join(t, OFFSETS_TOPIC, &partition, 1);
    if (err)
        return err;
    seal.attributes = BATCH_TRANSACTIONAL;
    seal.producer_id = t->producer.id;
    seal.producer_epoch = t->producer.epoch;
    return transaction_fail(t, groups_commit(t->place, group, at, count, &seal));
}

/* ---- ending -------------------------------------------------------------- */

static enum evl_error transaction_end(struct evl_transaction *t, bool commit)
{
    struct transaction_producer before = t->producer;
    if (!t->is_open)
        return EVL_OK;
    enum evl_error err = transactions_end(t->all, t->id, &t->producer, commit);
    bool decided = t->producer.id != before.id || t->producer.epoch != before.epoch;
    if (decided) {
        t->is_open = false;
        t->number++;
    }
    return transaction_fail(t, err);
}

enum evl_error evl_transaction_commit(struct evl_transaction *t)
{
    if (t->failed)
        return transaction_fail(t, t->failed);
    for (size_t i = 0; i < t->producer_count; i++) {
        enum evl_error err = evl_producer_flush(t->producers[i]);
        if (err)
            return transaction_fail(t, err);
    }
    if (t->is_spoilt)
        return fail(EVL_ERR_USAGE,
                    "transaction %s: a producer was closed before its records were written", t->id);
    return transaction_end(t, true);
}

enum evl_error evl_transaction_abort(struct evl_transaction *t)
{
    for (size_t i = 0; i < t->producer_count; i++)
        producer_drop(t->producers[i]);
    if (t->failed)
        return transaction_fail(t, t->failed);
    t->is_spoilt = false;
    return transaction_end(t, false);
}
