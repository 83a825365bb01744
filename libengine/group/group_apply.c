/* group_apply.c - records become groups. */
#include "base/check.h"
#include "base/fault.h"
#include "group/classic.h"
#include "group/consumer.h"
#include "group/group.h"
#include "proto/group_log.h"

/* ---- one record ---------------------------------------------------------- */

/* Is it about a group itself, rather than about its positions? */
static bool is_ours(const struct keyed *kind)
{
    return kind && kind->kind != GROUP_LOG_legacy_offset_commit &&
           kind->kind != GROUP_LOG_offset_commit &&
           kind->kind != GROUP_LOG_consumer_group_partition_metadata;
}

/* Decode into the scratch arena; *value NULL: the thing is gone. */
static enum evl_error read_record(struct group_table *table, const struct keyed *kind,
                                  const struct evl_record *record, void **key, void **value)
{
    int16_t version;
    arena_reset(&table->scratch);
    *key = arena_take(&table->scratch, 1, kind->key->size);
    *value = NULL;
    enum evl_error err = keyed_key(kind, record->key, &table->scratch, *key);
    if (err || !record->value.at)
        return err;
    *value = arena_take(&table->scratch, 1, kind->value->size);
    return keyed_value(kind, record->value, &table->scratch, &version, *value);
}

static void apply_classic(struct group_table *table, struct group *group,
                          const struct group_metadata_value *value)
{
    if (!value) {
        classic_destroy(group->classic);
        group->classic = NULL;
        return;
    }
    if (!group->classic)
        group->classic = classic_create(table, group);
    classic_apply(group->classic, value);
}

static void apply(struct group_table *table, const struct keyed *kind, const void *key,
                  const void *value)
{
    const struct group_metadata_key *k = key; /* every key begins with the group */
    struct group *group = table_group(table, k->group);
    if (!group && !value)
        return;
    if (!group)
        group = table_group_add(table, k->group);
    if (kind->kind == GROUP_LOG_group_metadata)
        apply_classic(table, group, value);
    else
        consumer_apply(table, group, kind->kind, key, value);
    if (!group->classic && !group->consumer)
        table_group_remove(table, group);
}

enum evl_error group_apply(struct group_table *table, const struct evl_record *record)
{
    const struct keyed *kind;
    void *key, *value;
    enum evl_error err = group_log_kind_of(record->key, &kind);
    if (err || !is_ours(kind))
        return err;
    err = read_record(table, kind, record, &key, &value);
    if (err)
        return failed(err, "group record");
    check(table->state == TABLE_LOADING || table->owed > 0);
    if (table->owed > 0 && --table->owed == 0)
        table->owing = NULL;
    apply(table, kind, key, value);
    return EVL_OK;
}

/* ---- asking -------------------------------------------------------------- */

int64_t group_empty_since(const struct group_table *table, struct evl_bytes name)
{
    const struct group *group = table_group(table, name);
    if (!group)
        return INT64_MIN;
    if (group->consumer)
        return group->consumer->member_count > 0 ? -1 : INT64_MIN;
    const struct classic *c = group->classic;
    if (c->state != CLASSIC_EMPTY || c->pending.count > 0)
        return -1;
    return c->changed_ms >= 0 ? c->changed_ms : INT64_MIN;
}

bool group_subscribes(const struct group_table *table, struct evl_bytes name,
                      struct evl_bytes topic)
{
    const struct group *group = table_group(table, name);
    bool known;
    if (!group)
        return false;
    if (group->consumer)
        return consumer_subscribes(group->consumer, topic);
    return classic_subscribes(group->classic, topic, &known);
}

struct evl_bytes group_member_regex(const struct group_table *table, struct evl_bytes name,
                                    struct evl_bytes member)
{
    const struct group *group = table_group(table, name);
    const struct consumer_member *m =
        group && group->consumer ? consumer_find(group->consumer, member) : NULL;
    return m ? m->regex : evl_text(NULL);
}
