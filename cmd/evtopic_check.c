/* evtopic_check.c - check-log: read every byte, and say what is damaged. */
#include "evtopic.h"

#include <inttypes.h>

/* The log of topics and settings: no topic, but it can be damaged, and fail. */
#define METADATA "__cluster_metadata"

static struct own {
    const char *partitions;
    bool repair;
} own;

/* clang-format off */
static const struct option rows[] = {
    OWN('p', "partitions", "LIST", TEXT, partitions, NOTHING, "These partitions only, as 0,2-4."),
    OWN(0, "repair", NULL, FLAG, repair, NOTHING,
        "Bring back partitions that failed. One whose disk failed while it was written is cut to "
        "its synced end; what was acknowledged stays. Others are left as they are."),
    { 0 },
};

static const struct table_column columns[] = {
    { "TOPIC", false },  { "PARTITION", true }, { "SEGMENTS", true }, { "BATCHES", true },
    { "RECORDS", true }, { "SIZE", true },      { "DAMAGES", true },  { "ERROR", false },
    { "MESSAGE", false }, { NULL, false },
};
/* clang-format on */

/* Each damage is a line on stderr; the table counts them. */
static void damage_say(void *context, const struct evl_damage *damage)
{
    (void)context;
    if (damage->offset >= 0)
        say(SAY_ERROR, "%s: byte %" PRId64 ", offset %" PRId64 ": %s", damage->file,
            damage->position, damage->offset, damage->text);
    else
        say(SAY_ERROR, "%s: byte %" PRId64 ": %s", damage->file, damage->position, damage->text);
}

/* A topic's progress: what lies behind, and who shows it. */
struct walk {
    struct progress progress;
    struct evl_check sum;
};

static bool walk_tick(void *context, const struct evl_check *so_far, int64_t bytes)
{
    struct walk *w = context;
    progress_tick(&w->progress, w->sum.records + so_far->records, w->sum.bytes + so_far->bytes,
                  w->sum.bytes + bytes);
    return !signals_caught();
}

static int check(struct evtopic *t, const char *topic, int32_t partition, struct walk *walk)
{
    struct evl_check found = { 0 };
    struct evl_check_listener listener = { walk, damage_say, walk_tick };
    enum evl_error err = evl_admin_check(t->place, topic, partition, &listener, &found);
    if (err)
        return row_failed(t, topic, partition, err);
    if (signals_caught()) /* not all of it was read */
        return 0;
    table_text(&t->table, topic);
    table_number(&t->table, partition);
    table_number(&t->table, found.segments);
    table_number(&t->table, found.batches);
    table_number(&t->table, found.records);
    table_size(&t->table, found.bytes);
    table_number(&t->table, found.damages);
    row_done(t);
    walk->sum.records += found.records;
    walk->sum.bytes += found.bytes;
    return found.damages ? EXIT_DATA : 0;
}

static int repair(struct evtopic *t, const char *topic, int32_t partition)
{
    struct evl_partition facts;
    int64_t end;
    enum evl_error err = evl_admin_partition(t->place, topic, partition, &facts);
    if (!err && !facts.failed)
        say(SAY_NOTICE, "%s-%d has not failed: there is nothing to repair", topic, partition);
    if (err || !facts.failed)
        return err ? say_fault(err) : 0;
    if (t->dry) {
        plan_begin(t, "check-log");
        plan_word(t, topic);
        plan_partition(t, partition);
        plan_word(t, "--repair");
        plan_end(t);
        return 0;
    }
    struct evl_buffer what = { 0 };
    text_print(&what, "check-log %s-%d: what was written behind its synced end goes", topic,
               partition);
    int status = consent(t, DAMAGE_MODERATE, text_end(&what), topic);
    evl_buffer_release(&what);
    if (status)
        return status;
    err = evl_admin_repair(t->place, topic, partition, &end);
    if (!err)
        say(SAY_NOTICE, "%s-%d: repaired; it ends at offset %" PRId64, topic, partition, end);
    return err ? say_fault(err) : 0;
}

/* Damage is what check finds in the bytes; that a write failed is no byte. */
static void failure_say(struct evtopic *t, const char *topic, int32_t partition)
{
    struct evl_partition facts;
    if (evl_admin_partition(t->place, topic, partition, &facts) == EVL_OK && facts.failed)
        say(SAY_WARNING,
            "%s-%d: a write or a sync of it failed, and nothing can be appended; look at the "
            "disk, then give --repair",
            topic, partition);
}

static enum evl_error topic_find(struct evtopic *t, const char *name, struct evl_topic *topic)
{
    if (strcmp(name, METADATA) != 0 || evl_place_is_foreign(t->place))
        return evl_admin_topic(t->place, name, topic);
    *topic = (struct evl_topic){ .name = METADATA, .partitions = 1 };
    return EVL_OK;
}

static int check_topic(struct evtopic *t, const char *name, const struct partition_list *list)
{
    struct evl_topic topic;
    struct walk walk = { .sum = { 0 } };
    int first = 0;
    enum evl_error err = topic_find(t, name, &topic);
    if (err)
        return say_fault(err);
    progress_begin(&walk.progress, name, (enum progress_wish)t->progress, false);
    for (int32_t p = 0; p < topic.partitions && !signals_caught(); p++) {
        if (!partition_list_has(list, p))
            continue;
        int status = own.repair ? repair(t, name, p) : 0;
        if (status == 0 && !t->dry)
            status = check(t, name, p, &walk);
        if (!own.repair)
            failure_say(t, name, p);
        keep_first(&first, status);
    }
    progress_erase();
    return first;
}

static int run(struct evtopic *t, const struct words *operands)
{
    struct partition_list list = { .count = 0 };
    struct words topics = { 0 };
    int first = own.partitions ? partition_list_read(own.partitions, &list) : 0;
    if (t->dry && !own.repair)
        return say_usage("check-log changes nothing without --repair: -n has no meaning");
    if (first == 0 && own.repair) /* reading alone works where nobody may write */
        first = evtopic_open(t, SPOT_WRITE);
    if (first == 0)
        first = targets_find(t->place, operands, false, true, &topics);
    if (first == 0 && operands->count == 0 && !evl_place_is_foreign(t->place))
        words_add(&topics, METADATA);
    if (first == 0 && !t->dry)
        rows_begin(t, columns);
    for (size_t i = 0; i < topics.count && !signals_caught(); i++)
        keep_first(&first, check_topic(t, topics.at[i], &list));
    words_release(&topics);
    return first;
}

static const char *const usage[] = { "check-log [TOPIC...] [-p LIST] [--repair]", NULL };

const struct command command_check_log = {
    .grammar = { .name = "check-log",
                 .summary = "read every byte and say what is damaged",
                 .usage = usage,
                 .sets = { { rows, &own } },
                 .operand = COMPLETES_TOPIC },
    .use = SPOT_READ,
    .operands_max = SIZE_MAX,
    .options_size = sizeof own,
    .run = run,
};
