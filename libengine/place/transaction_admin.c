/* transaction_admin.c - transactions to look at, and to end. */
#include <evl/transaction.h>

#include <stdlib.h>

#include "base/fault.h"
#include "base/memory.h"
#include "log/replay.h"
#include "log/share.h"
#include "place/place.h"
#include "place/transactions.h"

/* ---- one ----------------------------------------------------------------- */

/* One block: the partitions, and the texts of all names. */
static struct evl_topic_partition *copy_partitions(const struct txn *t)
{
    size_t bytes = 0;
    for (size_t i = 0; i < t->partition_count; i++)
        bytes += t->partitions[i].topic.count + 1;
    struct evl_topic_partition *all = memory_take(1, t->partition_count * sizeof *all + bytes + 1);
    char *text = (char *)(all + t->partition_count);
    for (size_t i = 0; i < t->partition_count; i++) {
        const struct txn_partition *p = &t->partitions[i];
        all[i] = (struct evl_topic_partition){ text, p->partition };
        memcpy(text, p->topic.at, p->topic.count);
        text += p->topic.count;
        *text++ = '\0';
    }
    return all;
}

static enum evl_error describe(struct evl_place *place, const struct txn *t,
                               struct evl_transaction_info *info)
{
    struct share *share = directory_share(place->directory);
    *info = (struct evl_transaction_info){
        .id = memory_text_part(t->id.at, t->id.count),
        .state = txn_state_text(t->state),
        .producer_id = t->producer_id,
        .epoch = t->epoch,
        .timeout_ms = t->timeout_ms,
        .started_ms = t->started_ms,
        .updated_ms = t->updated_ms,
        .partitions = copy_partitions(t),
        .partition_count = t->partition_count,
    };
    if (!share) /* Kafka's: nobody here can be an owner */
        return EVL_OK;
    enum evl_error err = share_is_owned(share, t->id, &info->owned);
    if (!err && info->owned)
        info->owner = share_owner(share, t->id);
    return err;
}

/* ---- all ----------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct evl_transaction_info *)a)->id,
                  ((const struct evl_transaction_info *)b)->id);
}

enum evl_error evl_admin_transactions(struct evl_place *place, struct evl_transactions *list)
{
    struct transactions *ts;
    const struct txn *t;
    struct evl_transactions found = { 0 };
    enum evl_error err = transactions_of(place, &ts);
    if (err == EVL_ERR_NOT_FOUND) { /* there never were any */
        *list = found;
        return EVL_OK;
    }
    if (!err)
        err = transactions_look(ts);
    for (uint64_t i = 0; !err && (t = transactions_next(ts, &i));) {
        found.at = memory_grow(found.at, found.count + 1, sizeof *found.at);
        err = describe(place, t, &found.at[found.count++]);
    }
    if (err) {
        evl_transactions_release(&found);
        return err;
    }
    if (found.count > 0)
        qsort(found.at, found.count, sizeof *found.at, compare);
    *list = found;
    return EVL_OK;
}

void evl_transactions_release(struct evl_transactions *list)
{
    for (size_t i = 0; i < list->count; i++) {
        memory_free((void *)(uintptr_t)list->at[i].id);
        memory_free((void *)(uintptr_t)list->at[i].partitions);
    }
    memory_free(list->at);
    *list = (struct evl_transactions){ 0 };
}

enum evl_error evl_admin_abort_transaction(struct evl_place *place, const char *id)
{
    struct transactions *ts;
    enum evl_error err = transactions_of(place, &ts);
    if (err == EVL_ERR_NOT_FOUND)
        return fail(EVL_ERR_NOT_FOUND, "no transaction is called %s", id);
    return err ? err : transactions_abort(ts, id);
}

/* ---- producers ----------------------------------------------------------- */

static struct evl_producer_info producer_public(const struct producer_facts *facts)
{
    return (struct evl_producer_info){
        .id = facts->id,
        .epoch = facts->epoch,
        .last_sequence = facts->last_sequence,
        .coordinator_epoch = facts->coordinator_epoch,
        .last_ms = facts->last_timestamp,
        .open_offset = facts->transaction,
    };
}

enum evl_error evl_admin_producers(struct evl_place *place, const char *topic, int32_t partition,
                                   struct evl_producers *list)
{
    struct log *log;
    enum evl_error err = directory_log(place->directory, topic, partition, NULL, &log);
    if (err)
        return err;
    err = replay_producers(log);
    if (!err) {
        size_t count = producers_count(log->producers);
        *list = (struct evl_producers){ memory_take(count + 1, sizeof *list->at), count };
        for (size_t i = 0; i < count; i++) {
            struct producer_facts facts = producers_at(log->producers, i);
            list->at[i] = producer_public(&facts);
        }
    }
    log_close(log);
    return err;
}

void evl_producers_release(struct evl_producers *list)
{
    memory_free(list->at);
    *list = (struct evl_producers){ 0 };
}
