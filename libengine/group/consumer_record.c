/* consumer_record.c - a consumer group's records, written. */
#include "base/check.h"
#include "group/consumer.h"
#include "group/keep.h"
#include "proto/group_log.h"

/* All names were measured when they came in. */
static void add(struct decision *d, int kind, const void *key, const void *value)
{
    check(keyed_list_add(&d->records, group_log(kind), key, 0, value) == EVL_OK);
}

static struct evl_bytes name_of(const struct consumer_turn *t) { return t->c->group->name; }

/* ---- the group ----------------------------------------------------------- */

void consumer_write_epoch(const struct consumer_turn *t, int64_t hash)
{
    struct consumer_group_metadata_key key = { name_of(t) };
    struct consumer_group_metadata_value value = { t->epoch, hash };
    add(t->d, GROUP_LOG_consumer_group_metadata, &key, &value);
}

void consumer_write_target_epoch(const struct consumer_turn *t)
{
    struct consumer_group_target_assignment_metadata_key key = { name_of(t) };
    struct consumer_group_target_assignment_metadata_value value = { t->target_epoch, t->now_ms };
    add(t->d, GROUP_LOG_consumer_group_target_assignment_metadata, &key, &value);
}

void consumer_write_regex(const struct consumer_turn *t, const struct consumer_regex *regex)
{
    struct consumer_group_regular_expression_key key = { name_of(t), regex->text };
    struct consumer_group_regular_expression_value value = { .timestamp = t->now_ms };
    value.topics.at = regex->topics.at;
    value.topics.count = regex->topics.count;
    add(t->d, GROUP_LOG_consumer_group_regular_expression, &key, &value);
}

void consumer_write_regex_removal(const struct consumer_turn *t, struct evl_bytes text)
{
    struct consumer_group_regular_expression_key key = { name_of(t), text };
    add(t->d, GROUP_LOG_consumer_group_regular_expression, &key, NULL);
}

void consumer_write_removal(const struct consumer *c, struct decision *d)
{
    struct consumer_group_metadata_key group = { c->group->name };
    struct consumer_group_target_assignment_metadata_key target = { c->group->name };
    if (c->aimed)
        add(d, GROUP_LOG_consumer_group_target_assignment_metadata, &target, NULL);
    add(d, GROUP_LOG_consumer_group_metadata, &group, NULL);
}

/* ---- a member ------------------------------------------------------------ */

void consumer_write_member(const struct consumer_turn *t, const struct consumer_member *m)
{
    struct consumer_group_member_metadata_key key = { name_of(t), m->id };
    struct consumer_group_member_metadata_value value = {
        .instance_id = m->instance,
        .rack_id = m->rack,
        .client_id = keep_text(m->client_id),
        .client_host = keep_text(m->client_host),
        .subscribed_topic_regex = m->regex,
        .rebalance_timeout_ms = m->rebalance_ms,
        .server_assignor = m->assignor,
    };
    value.subscribed_topic_names.at = m->topics.at;
    value.subscribed_topic_names.count = m->topics.count;
    add(t->d, GROUP_LOG_consumer_group_member_metadata, &key, &value);
}

/* How many partitions from the i'th on are of its topic. */
static size_t run_length(const struct parts *p, size_t i)
{
    size_t end = i + 1;
    while (end < p->count && uuid_equal(&p->at[end].topic, &p->at[i].topic))
        end++;
    return end - i;
}

static int32_t *numbers(const struct parts *p, size_t i, size_t count, struct decision *d)
{
    int32_t *at = decision_take(d, count, sizeof *at);
    for (size_t j = 0; j < count; j++)
        at[j] = p->at[i + j].number;
    return at;
}

static int32_t *epochs(const struct parts *p, size_t i, size_t count, struct decision *d)
{
    int32_t *at = decision_take(d, count, sizeof *at);
    for (size_t j = 0; j < count; j++)
        at[j] = p->at[i + j].epoch;
    return at;
}

void consumer_write_target(const struct consumer_turn *t, const struct consumer_member *m,
                           const struct parts *target)
{
    struct consumer_group_target_assignment_member_key key = { name_of(t), m->id };
    struct consumer_group_target_assignment_member_value value = { 0 };
    value.topic_partitions.at =
        decision_take(t->d, target->count, sizeof *value.topic_partitions.at);
    for (size_t i = 0, count; i < target->count; i += count) {
        struct consumer_group_target_partitions row = { .topic_id = target->at[i].topic };
        row.partitions.count = count = run_length(target, i);
        row.partitions.at = numbers(target, i, count, t->d);
        value.topic_partitions.at[value.topic_partitions.count++] = row;
    }
    add(t->d, GROUP_LOG_consumer_group_target_assignment_member, &key, &value);
}

static size_t current_rows(const struct parts *p, struct consumer_group_current_partitions *rows,
                           struct decision *d)
{
    size_t row_count = 0;
    for (size_t i = 0, count; i < p->count; i += count) {
        struct consumer_group_current_partitions row = { .topic_id = p->at[i].topic };
        row.partitions.count = row.assignment_epochs.count = count = run_length(p, i);
        row.partitions.at = numbers(p, i, count, d);
        row.assignment_epochs.at = epochs(p, i, count, d);
        rows[row_count++] = row;
    }
    return row_count;
}

void consumer_write_current(const struct consumer_turn *t, const struct consumer_member *m)
{
    struct consumer_group_current_member_assignment_key key = { name_of(t), m->id };
    struct consumer_group_current_member_assignment_value value = {
        .member_epoch = m->epoch,
        .previous_member_epoch = m->previous_epoch,
        .state = m->state,
    };
    value.assigned_partitions.at =
        decision_take(t->d, m->assigned.count, sizeof *value.assigned_partitions.at);
    value.assigned_partitions.count =
        current_rows(&m->assigned, value.assigned_partitions.at, t->d);
    value.partitions_pending_revocation.at =
        decision_take(t->d, m->revoking.count, sizeof *value.partitions_pending_revocation.at);
    value.partitions_pending_revocation.count =
        current_rows(&m->revoking, value.partitions_pending_revocation.at, t->d);
    add(t->d, GROUP_LOG_consumer_group_current_member_assignment, &key, &value);
}

/* What it has goes first, who it is goes last. */
void consumer_write_member_removal(const struct consumer_turn *t, const struct consumer_member *m)
{
    struct consumer_group_current_member_assignment_key current = { name_of(t), m->id };
    struct consumer_group_target_assignment_member_key target = { name_of(t), m->id };
    struct consumer_group_member_metadata_key member = { name_of(t), m->id };
    add(t->d, GROUP_LOG_consumer_group_current_member_assignment, &current, NULL);
    add(t->d, GROUP_LOG_consumer_group_target_assignment_member, &target, NULL);
    add(t->d, GROUP_LOG_consumer_group_member_metadata, &member, NULL);
}
