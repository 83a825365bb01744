/* evtopic_txn.c - txn ls, describe, producers, abort: transactions and who has
 * them open. */
#include "evtopic.h"

#include <inttypes.h>
#include <stdio.h>

#include <evl/transaction.h>

static enum evl_error transaction_find(const struct evl_transactions *list, const char *id,
                                       const struct evl_transaction_info **found)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i].id, id) == 0) {
            *found = &list->at[i];
            return EVL_OK;
        }
    return EVL_ERR_NOT_FOUND;
}

/* ---- ls ------------------------------------------------------------------ */

static const struct table_column ls_columns[] = {
    { "ID", false },      { "STATE", false },     { "OWNER", true },   { "PRODUCER-ID", true },
    { "EPOCH", true },    { "PARTITIONS", true }, { "TIMEOUT", true }, { "STARTED", false },
    { "UPDATED", false }, { NULL, false },
};

static void ls_row(struct evtopic *t, const struct evl_transaction_info *info)
{
    table_text(&t->table, info->id);
    table_text(&t->table, info->state);
    if (info->owner)
        table_number(&t->table, info->owner);
    else
        table_text(&t->table, info->owned ? "?" : NULL);
    table_number(&t->table, info->producer_id);
    table_number(&t->table, info->epoch);
    table_number(&t->table, (int64_t)info->partition_count);
    table_number(&t->table, info->timeout_ms);
    table_time(&t->table, info->started_ms < 0 ? EVL_NO_TIMESTAMP : info->started_ms);
    table_time(&t->table, info->updated_ms);
}

static int ls(struct evtopic *t, const struct words *operands)
{
    struct evl_transactions list;
    (void)operands;
    enum evl_error err = evl_admin_transactions(t->place, &list);
    if (err)
        return say_fault(err);
    rows_begin(t, ls_columns);
    for (size_t i = 0; i < list.count; i++)
        ls_row(t, &list.at[i]);
    evl_transactions_release(&list);
    return 0;
}

/* ---- describe ------------------------------------------------------------ */

static const struct table_column describe_columns[] = {
    { "ID", false },    { "STATE", false },    { "PRODUCER-ID", true }, { "EPOCH", true },
    { "TOPIC", false }, { "PARTITION", true }, { NULL, false },
};

/* A row for each partition; one without any if it has none. */
static void describe_rows(struct evtopic *t, const struct evl_transaction_info *info)
{
    for (size_t i = 0; i < info->partition_count || i == 0; i++) {
        table_text(&t->table, info->id);
        table_text(&t->table, info->state);
        table_number(&t->table, info->producer_id);
        table_number(&t->table, info->epoch);
        if (info->partition_count == 0) {
            table_text(&t->table, NULL);
            table_text(&t->table, NULL);
            continue;
        }
        table_text(&t->table, info->partitions[i].topic);
        table_number(&t->table, info->partitions[i].partition);
    }
}

static int describe(struct evtopic *t, const struct words *operands)
{
    struct evl_transactions list;
    int first = 0;
    enum evl_error err = evl_admin_transactions(t->place, &list);
    if (err)
        return say_fault(err);
    rows_begin(t, describe_columns);
    for (size_t i = 0; i < operands->count; i++) {
        const struct evl_transaction_info *info;
        if (transaction_find(&list, operands->at[i], &info) == EVL_OK) {
            describe_rows(t, info);
            continue;
        }
        say(SAY_ERROR, "no transactional id %s", operands->at[i]);
        keep_first(&first, EXIT_NO_INPUT);
    }
    evl_transactions_release(&list);
    return first;
}

/* ---- producers ----------------------------------------------------------- */

static const struct table_column producers_columns[] = {
    { "TOPIC", false },        { "PARTITION", true }, { "PRODUCER-ID", true }, { "EPOCH", true },
    { "LAST-SEQUENCE", true }, { "LAST", false },     { "OPEN-SINCE", true },  { NULL, false },
};

static void number_or_nothing(struct evtopic *t, int64_t number)
{
    if (number < 0)
        table_text(&t->table, NULL);
    else
        table_number(&t->table, number);
}

static enum evl_error producers_rows(struct evtopic *t, const char *topic, int32_t partition)
{
    struct evl_producers list;
    enum evl_error err = evl_admin_producers(t->place, topic, partition, &list);
    if (err)
        return err;
    for (size_t i = 0; i < list.count; i++) {
        const struct evl_producer_info *info = &list.at[i];
        table_text(&t->table, topic);
        table_number(&t->table, partition);
        table_number(&t->table, info->id);
        table_number(&t->table, info->epoch);
        number_or_nothing(t, info->last_sequence);
        table_time(&t->table, info->last_ms < 0 ? EVL_NO_TIMESTAMP : info->last_ms);
        number_or_nothing(t, info->open_offset);
    }
    evl_producers_release(&list);
    return EVL_OK;
}

static int producers(struct evtopic *t, const struct words *operands)
{
    int first = 0;
    rows_begin(t, producers_columns);
    for (size_t i = 0; i < operands->count; i++) {
        struct evl_topic topic;
        enum evl_error err = evl_admin_topic(t->place, operands->at[i], &topic);
        for (int32_t p = 0; !err && p < topic.partitions; p++)
            err = producers_rows(t, operands->at[i], p);
        keep_first(&first, err ? say_fault(err) : 0);
    }
    return first;
}

/* ---- abort --------------------------------------------------------------- */

static const struct table_column abort_columns[] = {
    { "ID", false }, { "ERROR", false }, { "MESSAGE", false }, { NULL, false }
};

static int abort_one(struct evtopic *t, const char *id)
{
    struct evl_buffer what = { 0 };
    if (t->dry) {
        plan_begin(t, "txn abort");
        plan_word(t, id);
        plan_end(t);
        return 0;
    }
    text_print(&what, "txn abort %s: what it has written will never be seen", id);
    int status = consent(t, DAMAGE_MODERATE, text_end(&what), id);
    evl_buffer_release(&what);
    if (status)
        return status;
    enum evl_error err = evl_admin_abort_transaction(t->place, id);
    if (err)
        return row_failed(t, id, -1, err);
    table_text(&t->table, id);
    row_done(t);
    return 0;
}

static int abort_run(struct evtopic *t, const struct words *operands)
{
    int first = 0;
    if (!t->dry)
        rows_begin(t, abort_columns);
    for (size_t i = 0; i < operands->count; i++)
        keep_first(&first, abort_one(t, operands->at[i]));
    return first;
}

/* ---- the commands -------------------------------------------------------- */

static const char *const ls_usage[] = { "txn ls", NULL };
static const char *const describe_usage[] = { "txn describe ID...", NULL };
static const char *const producers_usage[] = { "txn producers TOPIC...", NULL };
static const char *const abort_usage[] = { "txn abort ID...", NULL };

const struct command command_txn_ls = {
    .grammar = { .name = "txn ls",
                 .seldom = true,
                 .summary = "list transactional ids and their transactions",
                 .usage = ls_usage },
    .use = SPOT_READ,
    .run = ls,
};

const struct command command_txn_describe = {
    .grammar = { .name = "txn describe",
                 .seldom = true,
                 .summary = "the partitions of a transaction",
                 .usage = describe_usage },
    .use = SPOT_READ,
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .run = describe,
};

const struct command command_txn_producers = {
    .grammar = { .name = "txn producers",
                 .seldom = true,
                 .summary = "the producers that partitions remember",
                 .usage = producers_usage,
                 .operand = COMPLETES_TOPIC },
    .use = SPOT_READ,
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .run = producers,
};

const struct command command_txn_abort = {
    .grammar = { .name = "txn abort",
                 .seldom = true,
                 .summary = "abort what a dead process left open",
                 .usage = abort_usage },
    .use = SPOT_WRITE,
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .run = abort_run,
};
