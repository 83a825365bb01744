/* table.c - maps of groups and topics; what they hold is theirs. */
#include "group/table.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "group/classic.h"
#include "group/consumer.h"
#include "group/keep.h"

/* What one record may take decoded. */
enum { RECORD_MEMORY_MAX = 64 << 20 };

struct group_settings group_table_defaults(void)
{
    return (struct group_settings){
        .session_min_ms = 6000,
        .session_max_ms = 1800000,
        .initial_delay_ms = 3000,
        .size_max = INT32_MAX,
        .consumer_session_ms = 45000,
        .consumer_heartbeat_ms = 5000,
        .consumer_assignment_ms = 1000,
        .consumer_size_max = INT32_MAX,
    };
}

struct group_table *group_table_create(const struct group_settings *settings)
{
    struct group_table *table = memory_take(1, sizeof *table);
    table->settings = *settings;
    table->scratch.limit = RECORD_MEMORY_MAX;
    return table;
}

static void group_destroy(struct group *g)
{
    classic_destroy(g->classic);
    consumer_destroy(g->consumer);
    keep_drop(&g->name);
    memory_free(g);
}

static void topic_destroy(struct table_topic *t)
{
    keep_drop(&t->name);
    memory_free(t);
}

void table_clear(struct group_table *table)
{
    struct group *g;
    struct table_topic *t;
    for (size_t i = 0; (g = map_next(&table->groups, &i));)
        group_destroy(g);
    for (size_t i = 0; (t = map_next(&table->topics, &i));)
        topic_destroy(t);
    map_release(&table->groups);
    map_release(&table->topics);
}

void group_table_destroy(struct group_table *table)
{
    if (!table)
        return;
    table_clear(table);
    timers_release(&table->timers);
    arena_release(&table->scratch);
    memory_free(table);
}

/* ---- groups -------------------------------------------------------------- */

struct group *table_group(const struct group_table *table, struct evl_bytes name)
{
    return map_get(&table->groups, name);
}

struct group *table_group_add(struct group_table *table, struct evl_bytes name)
{
    struct group *g = memory_take(1, sizeof *g);
    g->name = keep_copy(name);
    map_put(&table->groups, g->name, g);
    return g;
}

void table_group_remove(struct group_table *table, struct group *group)
{
    check(!group->classic && !group->consumer && table->owing != group);
    map_take(&table->groups, group->name);
    group_destroy(group);
}

static int compare_groups(const void *a, const void *b)
{
    struct evl_bytes left = (*(struct group *const *)a)->name;
    struct evl_bytes right = (*(struct group *const *)b)->name;
    size_t shorter = left.count < right.count ? left.count : right.count;
    int order = memcmp(left.at, right.at, shorter);
    return order ? order : (left.count > right.count) - (left.count < right.count);
}

struct group **table_sorted(const struct group_table *table)
{
    struct group **sorted = memory_take(table->groups.count + 1, sizeof(struct group *));
    struct group *g;
    size_t count = 0;
    for (size_t i = 0; (g = map_next(&table->groups, &i));)
        sorted[count++] = g;
    qsort(sorted, count, sizeof(struct group *), compare_groups);
    return sorted;
}

/* ---- topics, timers ------------------------------------------------------ */

const struct table_topic *table_topic(const struct group_table *table, struct evl_bytes name)
{
    return map_get(&table->topics, name);
}

void table_topic_set(struct group_table *table, struct evl_bytes name, struct uuid id,
                     int32_t partitions)
{
    struct table_topic *t = map_take(&table->topics, name);
    if (t)
        topic_destroy(t);
    if (partitions == 0)
        return;
    t = memory_take(1, sizeof *t);
    *t = (struct table_topic){ id, keep_copy(name), partitions };
    map_put(&table->topics, t->name, t);
}

void table_timer_set(struct group_table *table, struct group_timer *timer, int64_t due_ms)
{
    timers_set(&table->timers, &timer->timer, due_ms);
}

void table_timer_unset(struct group_table *table, struct group_timer *timer)
{
    timers_unset(&table->timers, &timer->timer);
}
