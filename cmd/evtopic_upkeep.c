/* evtopic_upkeep.c - compact: keep the newest record of each key; clean: apply
 * retention now. */
#include "evtopic.h"

#include <evl/text.h>

static struct own {
    const char *partitions;
    bool force;
} own;

/* clang-format off */
static const struct option clean_rows[] = {
    OWN('p', "partitions", "LIST", TEXT, partitions, NOTHING, "These partitions only, as 0,2-4."),
    { 0 },
};
static const struct option compact_rows[] = {
    OWN('p', "partitions", "LIST", TEXT, partitions, NOTHING, "These partitions only, as 0,2-4."),
    OWN(0, "force", NULL, FLAG, force, NOTHING,
        "However little there is to gain. Otherwise the setting min.cleanable.dirty.ratio "
        "decides."),
    { 0 },
};

static const struct table_column columns[] = {
    { "TOPIC", false },  { "PARTITION", true }, { "BEFORE", true },   { "AFTER", true },
    { "START", true },   { "SEGMENTS", true },  { "ERROR", false },   { "MESSAGE", false },
    { NULL, false },
};
/* clang-format on */

/* What is done to one partition: evl_admin_clean or evl_admin_compact. */
typedef enum evl_error upkeep_do(struct evtopic *t, const char *topic, int32_t partition,
                                 struct evl_upkeep *upkeep);

/* The plan has the partitions that would change. */
static void upkeep_plan(struct evtopic *t, const char *topic, int32_t partition,
                        const struct evl_upkeep *upkeep)
{
    if (upkeep->segments_deleted + upkeep->segments_cleaned == 0)
        return;
    plan_begin(t, t->command);
    plan_word(t, topic);
    plan_partition(t, partition);
    if (own.force)
        plan_word(t, "--force");
    plan_end(t);
}

static void upkeep_row(struct evtopic *t, const char *topic, int32_t partition,
                       const struct evl_upkeep *upkeep)
{
    table_text(&t->table, topic);
    table_number(&t->table, partition);
    table_size(&t->table, upkeep->bytes_before);
    table_size(&t->table, upkeep->bytes_after);
    table_number(&t->table, upkeep->start);
    table_number(&t->table, upkeep->segments_deleted + upkeep->segments_cleaned);
    row_done(t);
}

static int upkeep_topic(struct evtopic *t, const char *name, const struct partition_list *list,
                        upkeep_do *work)
{
    struct evl_topic topic;
    int first = 0;
    enum evl_error err = evl_admin_topic(t->place, name, &topic);
    if (err)
        return t->dry ? say_fault(err) : row_failed(t, name, -1, err);
    for (int32_t p = 0; p < topic.partitions && !signals_caught(); p++) {
        struct evl_upkeep upkeep = { 0 };
        if (!partition_list_has(list, p))
            continue;
        err = work(t, name, p, &upkeep);
        if (err)
            keep_first(&first, t->dry ? say_fault(err) : row_failed(t, name, p, err));
        else if (t->dry)
            upkeep_plan(t, name, p, &upkeep);
        else
            upkeep_row(t, name, p, &upkeep);
    }
    return first;
}

static int upkeep_run(struct evtopic *t, const struct words *operands, upkeep_do *work)
{
    struct partition_list list = { .count = 0 };
    struct words topics = { 0 };
    int first = own.partitions ? partition_list_read(own.partitions, &list) : 0;
    if (first == 0)
        first = targets_find(t->place, operands, false, true, &topics);
    if (first == 0 && !t->dry)
        rows_begin(t, columns);
    for (size_t i = 0; i < topics.count; i++)
        keep_first(&first, upkeep_topic(t, topics.at[i], &list, work));
    words_release(&topics);
    return first;
}

static enum evl_error clean(struct evtopic *t, const char *topic, int32_t partition,
                            struct evl_upkeep *upkeep)
{
    return evl_admin_clean(t->place, topic, partition, t->dry, upkeep);
}

static int clean_run(struct evtopic *t, const struct words *operands)
{
    return upkeep_run(t, operands, clean);
}

static enum evl_error compact(struct evtopic *t, const char *topic, int32_t partition,
                              struct evl_upkeep *upkeep)
{
    return evl_admin_compact(t->place, topic, partition, own.force, t->dry, upkeep);
}

static int compact_run(struct evtopic *t, const struct words *operands)
{
    return upkeep_run(t, operands, compact);
}

static const char *const clean_usage[] = { "clean [TOPIC...] [-p LIST]", NULL };
static const char *const compact_usage[] = { "compact TOPIC... [-p LIST] [--force]", NULL };

const struct command command_clean = {
    .grammar = { .name = "clean",
                 .seldom = true,
                 .summary = "delete now what retention allows to delete",
                 .usage = clean_usage,
                 .sets = { { clean_rows, &own } },
                 .operand = COMPLETES_TOPIC },
    .use = SPOT_WRITE,
    .operands_max = SIZE_MAX,
    .options_size = sizeof own,
    .run = clean_run,
};

const struct command command_compact = {
    .grammar = { .name = "compact",
                 .seldom = true,
                 .summary = "keep the newest record of each key",
                 .usage = compact_usage,
                 .sets = { { compact_rows, &own } },
                 .operand = COMPLETES_TOPIC },
    .use = SPOT_WRITE,
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .options_size = sizeof own,
    .run = compact_run,
};
