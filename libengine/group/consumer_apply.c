/* consumer_apply.c - a consumer group's records, applied.
 *
 * A compacted log keeps each key's last record where it was written: what a member
 * has may come before who it is.  So any of its records makes a member, and it is
 * gone when the last of them is. */
#include "base/memory.h"
#include "group/consumer.h"
#include "group/keep.h"
#include "proto/group_log.h"

/* Rows of both kinds, target and current, as a set on the heap. */
struct rows {
    const struct consumer_group_target_partitions *target;
    const struct consumer_group_current_partitions *current;
    size_t count;
};

static size_t rows_total(const struct rows *r)
{
    size_t total = 0;
    for (size_t i = 0; i < r->count; i++)
        total += r->target ? r->target[i].partitions.count : r->current[i].partitions.count;
    return total;
}

/* Records of older releases lack the partitions' epochs: then the member's counts. */
static void rows_apply(const struct rows *r, int32_t epoch, struct parts *to)
{
    struct parts p = { memory_take(rows_total(r) + 1, sizeof *p.at), 0 };
    for (size_t i = 0; r->target && i < r->count; i++)
        for (size_t j = 0; j < r->target[i].partitions.count; j++)
            p.at[p.count++] =
                (struct part){ r->target[i].topic_id, r->target[i].partitions.at[j], 0 };
    for (size_t i = 0; r->current && i < r->count; i++) {
        const struct consumer_group_current_partitions *row = &r->current[i];
        for (size_t j = 0; j < row->partitions.count; j++) {
            bool told = j < row->assignment_epochs.count;
            p.at[p.count++] = (struct part){ row->topic_id, row->partitions.at[j],
                                             told ? row->assignment_epochs.at[j] : epoch };
        }
    }
    parts_settle(&p);
    parts_replace(to, &p);
    memory_free(p.at);
}

/* ---- members ------------------------------------------------------------- */

static void apply_member(struct consumer_member *m,
                         const struct consumer_group_member_metadata_value *v)
{
    m->described = v != NULL;
    if (!v)
        return;
    struct consumer_topics names = { v->subscribed_topic_names.at,
                                     v->subscribed_topic_names.count };
    keep_again(&m->instance, v->instance_id);
    keep_again(&m->rack, v->rack_id);
    keep_again(&m->client_id, v->client_id);
    keep_again(&m->client_host, v->client_host);
    keep_again(&m->regex, v->subscribed_topic_regex);
    keep_again(&m->assignor, v->server_assignor);
    consumer_topics_replace(&m->topics, &names);
    m->rebalance_ms = v->rebalance_timeout_ms;
}

static void apply_target(struct consumer_member *m,
                         const struct consumer_group_target_assignment_member_value *v)
{
    m->targeted = v != NULL;
    if (!v)
        return;
    struct rows rows = { .target = v->topic_partitions.at, .count = v->topic_partitions.count };
    rows_apply(&rows, 0, &m->target);
}

static void apply_current(struct consumer_member *m,
                          const struct consumer_group_current_member_assignment_value *v)
{
    m->placed = v != NULL;
    if (!v)
        return;
    struct rows assigned = { .current = v->assigned_partitions.at,
                             .count = v->assigned_partitions.count };
    struct rows revoking = { .current = v->partitions_pending_revocation.at,
                             .count = v->partitions_pending_revocation.count };
    rows_apply(&assigned, v->member_epoch, &m->assigned);
    rows_apply(&revoking, v->member_epoch, &m->revoking);
    m->epoch = v->member_epoch;
    m->previous_epoch = v->previous_member_epoch;
    m->state = v->state;
}

/* ---- the group ----------------------------------------------------------- */

static void apply_epoch(struct consumer *c, const struct consumer_group_metadata_value *v)
{
    c->written = v != NULL;
    c->epoch = v ? v->epoch : 0;
    c->hash = v ? v->metadata_hash : 0;
}

static void apply_target_epoch(struct consumer *c,
                               const struct consumer_group_target_assignment_metadata_value *v)
{
    c->aimed = v != NULL;
    c->target_epoch = v ? v->assignment_epoch : 0;
    c->target_ms = v ? v->assignment_timestamp : 0;
}

static void regex_remove(struct consumer *c, struct consumer_regex *r)
{
    struct consumer_topics none = { 0 };
    keep_drop(&r->text);
    consumer_topics_replace(&r->topics, &none);
    memory_free(r->topics.at);
    *r = c->regexes[--c->regex_count];
}

static void apply_regex(struct consumer *c, struct evl_bytes text,
                        const struct consumer_group_regular_expression_value *v)
{
    struct consumer_regex *r = consumer_regex(c, text);
    if (!v) {
        if (r)
            regex_remove(c, r);
        return;
    }
    struct consumer_topics topics = { v->topics.at, v->topics.count };
    if (!r) {
        c->regexes = memory_grow(c->regexes, c->regex_count + 1, sizeof *c->regexes);
        r = &c->regexes[c->regex_count++];
        *r = (struct consumer_regex){ .text = keep_copy(text) };
    }
    consumer_topics_replace(&r->topics, &topics);
}

/* Keys of members all look like this one. */
static struct evl_bytes member_id(const void *key)
{
    const struct consumer_group_member_metadata_key *k = key;
    return k->member_id;
}

static void apply_to_member(struct consumer *c, int kind, struct evl_bytes id, const void *value)
{
    struct consumer_member *m = consumer_find(c, id);
    if (!m && !value)
        return;
    if (!m)
        m = consumer_add(c, id);
    if (kind == GROUP_LOG_consumer_group_member_metadata)
        apply_member(m, value);
    else if (kind == GROUP_LOG_consumer_group_target_assignment_member)
        apply_target(m, value);
    else
        apply_current(m, value);
    if (consumer_is_gone(m))
        consumer_remove(c, m);
}

void consumer_apply(struct group_table *table, struct group *group, int kind, const void *key,
                    const void *value)
{
    const struct consumer_group_regular_expression_key *regex = key;
    if (!group->consumer && value)
        group->consumer = consumer_create(table, group);
    struct consumer *c = group->consumer;
    if (!c)
        return;
    if (kind == GROUP_LOG_consumer_group_metadata)
        apply_epoch(c, value);
    else if (kind == GROUP_LOG_consumer_group_target_assignment_metadata)
        apply_target_epoch(c, value);
    else if (kind == GROUP_LOG_consumer_group_regular_expression)
        apply_regex(c, regex->regular_expression, value);
    else
        apply_to_member(c, kind, member_id(key), value);
    if (consumer_is_unwritten(c)) {
        consumer_destroy(c);
        group->consumer = NULL;
    }
}
