/* txn.c - the newest record of each transactional id.
 *
 * A transaction is one block: the struct, its partitions, the bytes of its names.
 * A record makes a new block, and the old one goes. */
#include "txn/txn.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"

/* What one record may take decoded. */
enum { RECORD_MEMORY_MAX = 16 << 20 };

/* ---- states -------------------------------------------------------------- */

const char *txn_state_text(enum txn_state state)
{
    static const char *const texts[] = {
#define STATE(number, name, text, from) [number] = text,
#include "txn/states.def"
#undef STATE
    };
    return texts[state];
}

bool txn_state_may_follow(enum txn_state from, enum txn_state to)
{
    static const unsigned befores[] = {
#define AFTER(name)                     (1U << TXN_##name)
#define STATE(number, name, text, from) [number] = from,
#include "txn/states.def"
#undef STATE
#undef AFTER
    };
    return befores[to] & 1U << from;
}

/* ---- life ---------------------------------------------------------------- */

struct txn_table *txn_create(void)
{
    struct txn_table *table = memory_take(1, sizeof *table);
    table->scratch.limit = RECORD_MEMORY_MAX;
    return table;
}

void txn_clear(struct txn_table *table)
{
    void *thing;
    for (size_t i = 0; (thing = map_next(&table->by_id, &i));)
        memory_free(thing);
    for (size_t i = 0; (thing = map_next(&table->pending, &i));)
        memory_free(thing);
    map_release(&table->by_id);
    map_release(&table->pending);
}

void txn_destroy(struct txn_table *table)
{
    if (!table)
        return;
    txn_clear(table);
    arena_release(&table->scratch);
    memory_free(table);
}

/* ---- asking -------------------------------------------------------------- */

const struct txn *txn_find(const struct txn_table *table, struct evl_bytes id)
{
    return map_get(&table->by_id, id);
}

const struct txn *txn_next(const struct txn_table *table, size_t *i)
{
    return map_next(&table->by_id, i);
}

int txn_partition_compare(const struct txn_partition *a, const struct txn_partition *b)
{
    size_t least = a->topic.count < b->topic.count ? a->topic.count : b->topic.count;
    int order = memcmp(a->topic.at, b->topic.at, least);
    if (order == 0)
        order = (a->topic.count > b->topic.count) - (a->topic.count < b->topic.count);
    return order ? order : (a->partition > b->partition) - (a->partition < b->partition);
}

static int compare(const void *a, const void *b) { return txn_partition_compare(a, b); }

const struct txn_partition *txn_partition(const struct txn *t, struct evl_bytes topic,
                                          int32_t partition)
{
    struct txn_partition wanted = { .topic = topic, .partition = partition };
    if (t->partition_count == 0)
        return NULL;
    return bsearch(&wanted, t->partitions, t->partition_count, sizeof wanted, compare);
}

bool txn_is_acknowledged(const struct txn *t)
{
    for (size_t i = 0; i < t->partition_count; i++)
        if (!t->partitions[i].acknowledged)
            return false;
    return true;
}

/* ---- applying ------------------------------------------------------------ */

static size_t value_partitions(const struct transaction_log_value *value, size_t *name_bytes)
{
    size_t count = 0;
    for (size_t i = 0; i < value->transaction_partitions.count; i++) {
        count += value->transaction_partitions.at[i].partition_ids.count;
        *name_bytes += value->transaction_partitions.at[i].topic.count;
    }
    return count;
}

static struct evl_bytes keep(uint8_t **to, struct evl_bytes bytes)
{
    uint8_t *at = *to;
    if (bytes.count > 0)
        memcpy(at, bytes.at, bytes.count);
    *to += bytes.count;
    return evl_bytes(at, bytes.count);
}

static void fill_partitions(struct txn *t, const struct transaction_log_value *value,
                            uint8_t **names)
{
    struct txn_partition *p = t->partitions;
    for (size_t i = 0; i < value->transaction_partitions.count; i++) {
        const struct transaction_log_partitions *of = &value->transaction_partitions.at[i];
        struct evl_bytes topic = keep(names, of->topic);
        for (size_t j = 0; j < of->partition_ids.count; j++)
            *p++ = (struct txn_partition){ topic, of->partition_ids.at[j], false };
    }
    t->partition_count = (size_t)(p - t->partitions);
    if (t->partition_count > 1)
        qsort(t->partitions, t->partition_count, sizeof *p, compare);
}

static struct txn *make(struct evl_bytes id, const struct transaction_log_value *value)
{
    size_t name_bytes = id.count;
    size_t count = value_partitions(value, &name_bytes);
    struct txn *t = memory_take(1, sizeof *t + count * sizeof(struct txn_partition) + name_bytes);
    t->partitions = (struct txn_partition *)(t + 1);
    uint8_t *names = (uint8_t *)(t->partitions + count);
    t->id = keep(&names, id);
    t->producer_id = value->producer_id;
    t->previous_producer_id = value->previous_producer_id;
    t->next_producer_id = value->next_producer_id;
    t->epoch = value->producer_epoch;
    t->last_epoch = -1;
    t->client = value->client_transaction_version;
    t->state = (enum txn_state)value->transaction_status;
    t->timeout_ms = value->transaction_timeout_ms;
    t->started_ms = value->transaction_start_timestamp_ms;
    t->updated_ms = value->transaction_last_update_timestamp_ms;
    fill_partitions(t, value, &names);
    return t;
}

/* The client's last epoch is the same while its producer is: with an end comes
 * the producer id that it was told of before. */
static bool is_same_producer(const struct txn *old, const struct txn *t)
{
    if (old->next_producer_id >= 0)
        return old->next_producer_id == t->producer_id;
    return old->producer_id == t->producer_id && old->epoch == t->epoch;
}

static void replace(struct txn_table *table, struct txn *t)
{
    struct txn *old = map_get(&table->by_id, t->id);
    if (old && is_same_producer(old, t))
        t->last_epoch = old->last_epoch;
    map_put(&table->by_id, t->id, t);
    memory_free(old);
}

static enum evl_error read_value(struct txn_table *table, struct evl_bytes bytes,
                                 struct transaction_log_value *value)
{
    int16_t version;
    arena_reset(&table->scratch);
    enum evl_error err = keyed_value(&transaction_log, bytes, &table->scratch, &version, value);
    if (err)
        return failed(err, "transaction record");
    /* Dead and PrepareEpochFence are in nobody's log. */
    if (value->transaction_status < TXN_EMPTY || value->transaction_status > TXN_COMPLETE_ABORT)
        return fail(EVL_ERR_CORRUPT, "transaction record: status %d", value->transaction_status);
    if (value->producer_id < 0 || value->producer_epoch < 0)
        return fail(EVL_ERR_CORRUPT, "transaction record: no producer");
    return EVL_OK;
}

enum evl_error txn_apply(struct txn_table *table, struct evl_bytes key, struct evl_bytes value)
{
    struct transaction_log_value fields;
    struct evl_bytes id;
    enum evl_error err = transaction_log_id(key, &id);
    if (err)
        return err == EVL_ERR_PROTOCOL ? EVL_OK : err;
    if (value.at)
        err = read_value(table, value, &fields);
    if (err)
        return err;
    txn_unpend(table, id);
    if (value.at)
        replace(table, make(id, &fields));
    else
        memory_free(map_take(&table->by_id, id));
    return EVL_OK;
}

/* ---- what only memory knows ---------------------------------------------- */

/* An id of its own, as the map wants it. */
struct pending {
    struct evl_bytes id;
    uint8_t at[];
};

void txn_pend(struct txn_table *table, struct evl_bytes id)
{
    check(!txn_is_pending(table, id));
    struct pending *p = memory_take(1, sizeof *p + id.count);
    uint8_t *at = p->at;
    p->id = keep(&at, id);
    map_put(&table->pending, p->id, p);
}

void txn_unpend(struct txn_table *table, struct evl_bytes id)
{
    memory_free(map_take(&table->pending, id));
}

bool txn_is_pending(const struct txn_table *table, struct evl_bytes id)
{
    return map_get(&table->pending, id) != NULL;
}

void txn_remember(struct txn_table *table, struct evl_bytes id, int16_t last_epoch)
{
    struct txn *t = map_get(&table->by_id, id);
    if (t)
        t->last_epoch = last_epoch;
}

void txn_acknowledge(struct txn_table *table, struct evl_bytes id, struct evl_bytes topic,
                     int32_t partition)
{
    struct txn *t = map_get(&table->by_id, id);
    struct txn_partition *p =
        t ? (struct txn_partition *)(uintptr_t)txn_partition(t, topic, partition) : NULL;
    if (p)
        p->acknowledged = true;
}
