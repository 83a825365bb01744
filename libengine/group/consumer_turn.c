/* consumer_turn.c - a consumer group's next step: epoch, target, reconciliation. */
#include <stdlib.h>

#include "base/endian.h"
#include "base/siphash.h"
#include "group/assign.h"
#include "group/consumer.h"

/* The topics that anybody subscribes to and that are there, sorted by name. */
struct topic_set {
    const struct table_topic **at;
    size_t count;
};

void consumer_turn_begin(struct consumer_turn *t, const struct consumer_member *old,
                         const struct consumer_member *replaced)
{
    struct consumer *c = t->c;
    t->epoch = c->epoch;
    t->target_epoch = c->target_epoch;
    t->members = decision_take(t->d, c->member_count + 1, sizeof(struct consumer_member *));
    t->member_count = 0;
    for (size_t i = 0; i < c->member_count; i++)
        if (c->members[i] != old && c->members[i] != replaced)
            t->members[t->member_count++] = c->members[i];
    if (t->draft)
        t->members[t->member_count++] = t->draft;
}

static const struct consumer_regex *regex_of(const struct consumer_turn *t,
                                             const struct consumer_member *m)
{
    if (t->regex.text.at && evl_bytes_equal(t->regex.text, m->regex))
        return &t->regex;
    return consumer_regex(t->c, m->regex);
}

/* ---- topics -------------------------------------------------------------- */

static int compare_topics(const void *a, const void *b)
{
    const struct table_topic *left = *(const struct table_topic *const *)a;
    const struct table_topic *right = *(const struct table_topic *const *)b;
    return memcmp(left->id.at, right->id.at, sizeof left->id.at);
}

static size_t count_names(const struct consumer_turn *t)
{
    size_t count = 0;
    for (size_t i = 0; i < t->member_count; i++) {
        const struct consumer_regex *regex = regex_of(t, t->members[i]);
        count += t->members[i]->topics.count + (regex ? regex->topics.count : 0);
    }
    return count;
}

static struct topic_set subscribed(const struct consumer_turn *t)
{
    struct topic_set all = { 0 };
    struct topic_set set = { 0 };
    all.at = set.at = decision_take(t->d, count_names(t), sizeof(struct table_topic *));
    for (size_t i = 0; i < t->member_count; i++) {
        const struct consumer_regex *regex = regex_of(t, t->members[i]);
        struct evl_bytes name;
        for (size_t j = 0; (name = consumer_topic(t->members[i], regex, j)).at; j++) {
            const struct table_topic *topic = table_topic(t->c->table, name);
            if (topic)
                all.at[all.count++] = topic;
        }
    }
    if (all.count > 1)
        qsort(all.at, all.count, sizeof(struct table_topic *), compare_topics);
    for (size_t i = 0; i < all.count; i++)
        if (i == 0 || all.at[i] != set.at[set.count - 1])
            set.at[set.count++] = all.at[i];
    return set;
}

/* It only has to differ when the topics do, also from what a Kafka wrote: then the
 * group's epoch rises once for nothing. */
static int64_t hash_topics(const struct topic_set *set)
{
    static const uint64_t key[2] = { 0x6576206772d6a7e9, 0x746f70696373e9d1 };
    uint64_t sum = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct table_topic *topic = set->at[i];
        uint8_t facts[sizeof topic->id.at + 4];
        memcpy(facts, topic->id.at, sizeof topic->id.at);
        put_u32(facts + sizeof topic->id.at, (uint32_t)topic->partitions);
        sum += siphash(key, facts, sizeof facts).low;
    }
    return (int64_t)sum;
}

/* ---- the group's epoch --------------------------------------------------- */

static bool is_used(const struct consumer_turn *t, struct evl_bytes regex)
{
    for (size_t i = 0; i < t->member_count; i++)
        if (evl_bytes_equal(t->members[i]->regex, regex))
            return true;
    return false;
}

void consumer_turn_renew(struct consumer_turn *t, bool changed)
{
    struct consumer *c = t->c;
    if (!changed && !c->stale)
        return;
    struct topic_set set = subscribed(t);
    int64_t hash = hash_topics(&set);
    c->stale = false;
    if (!changed && hash == c->hash)
        return;
    t->epoch++;
    for (size_t i = 0; i < c->regex_count; i++)
        if (!is_used(t, c->regexes[i].text))
            consumer_write_regex_removal(t, c->regexes[i].text);
    consumer_write_epoch(t, hash);
}

/* ---- the target ---------------------------------------------------------- */

static struct evl_bytes order_of(const struct consumer_member *m)
{
    return m->instance.at ? m->instance : m->id;
}

static int compare_members(const void *a, const void *b)
{
    struct evl_bytes left = order_of(*(const struct consumer_member *const *)a);
    struct evl_bytes right = order_of(*(const struct consumer_member *const *)b);
    size_t shorter = left.count < right.count ? left.count : right.count;
    int order = memcmp(left.at, right.at, shorter);
    return order ? order : (left.count > right.count) - (left.count < right.count);
}

static int compare_sizes(const void *a, const void *b)
{
    const size_t *left = a;
    const size_t *right = b;
    return (*left > *right) - (*left < *right);
}

static size_t *topic_indexes(const struct consumer_turn *t, const struct consumer_member *m,
                             const struct topic_set *set, size_t *count)
{
    const struct consumer_regex *regex = regex_of(t, m);
    struct evl_bytes name;
    size_t n = 0;
    size_t *at =
        decision_take(t->d, m->topics.count + (regex ? regex->topics.count : 0), sizeof *at);
    for (size_t i = 0; (name = consumer_topic(m, regex, i)).at; i++) {
        const struct table_topic *topic = table_topic(t->c->table, name);
        const struct table_topic **found =
            topic ? bsearch(&topic, set->at, set->count, sizeof topic, compare_topics) : NULL;
        if (found)
            at[n++] = (size_t)(found - set->at);
    }
    if (n > 1)
        qsort(at, n, sizeof *at, compare_sizes);
    *count = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || at[i] != at[*count - 1])
            at[(*count)++] = at[i];
    return at;
}

/* What it is to have until now, as far as the topics are there. */
static struct assign_place *places(const struct consumer_turn *t, const struct consumer_member *m,
                                   const struct topic_set *set, size_t *count)
{
    struct assign_place *at = decision_take(t->d, m->target.count, sizeof *at);
    *count = 0;
    for (size_t i = 0; i < m->target.count; i++) {
        struct table_topic key = { .id = m->target.at[i].topic };
        const struct table_topic *wanted = &key;
        const struct table_topic **found =
            set->count ? bsearch(&wanted, set->at, set->count, sizeof wanted, compare_topics)
                       : NULL;
        if (found)
            at[(*count)++] =
                (struct assign_place){ (size_t)(found - set->at), m->target.at[i].number };
    }
    return at;
}

static struct assign question(struct consumer_turn *t, const struct topic_set *set)
{
    int32_t *partitions = decision_take(t->d, set->count, sizeof *partitions);
    struct assign_member *members = decision_take(t->d, t->member_count, sizeof *members);
    qsort(t->members, t->member_count, sizeof(struct consumer_member *), compare_members);
    for (size_t i = 0; i < set->count; i++)
        partitions[i] = set->at[i]->partitions;
    for (size_t i = 0; i < t->member_count; i++) {
        struct assign_member *m = &members[i];
        *m = (struct assign_member){ 0 };
        m->topics = topic_indexes(t, t->members[i], set, &m->topic_count);
        m->owned = places(t, t->members[i], set, &m->owned_count);
    }
    return (struct assign){ partitions, set->count, members, t->member_count };
}

static struct parts *targets(const struct consumer_turn *t, const struct topic_set *set,
                             const struct assign *a, const int32_t *owner)
{
    struct parts *targets = decision_take(t->d, t->member_count, sizeof *targets);
    size_t total = assign_total(a);
    size_t *count = decision_take(t->d, t->member_count, sizeof *count);
    memset(count, 0, t->member_count * sizeof *count);
    for (size_t i = 0; i < total; i++)
        count[owner[i]]++; /* each topic has a subscriber */
    for (size_t i = 0; i < t->member_count; i++)
        targets[i] = (struct parts){ decision_take(t->d, count[i], sizeof(struct part)), 0 };
    for (size_t topic = 0, i = 0; topic < set->count; topic++)
        for (int32_t p = 0; p < a->partitions[topic]; p++) {
            struct parts *to = &targets[owner[i++]];
            to->at[to->count++] = (struct part){ set->at[topic]->id, p, 0 };
        }
    return targets;
}

void consumer_turn_aim(struct consumer_turn *t)
{
    struct consumer *c = t->c;
    if (t->epoch <= t->target_epoch)
        return;
    if (c->aimed && t->now_ms < c->target_ms + c->table->settings.consumer_assignment_ms)
        return;
    struct topic_set set = subscribed(t);
    struct assign a = question(t, &set);
    int32_t *owner = decision_take(t->d, assign_total(&a), sizeof *owner);
    const char *assignor = consumer_assignor(t->members, t->member_count);
    assign_of_server(assignor, strlen(assignor))(&a, owner);
    struct parts *target = targets(t, &set, &a, owner);
    for (size_t i = 0; i < t->member_count; i++) {
        const struct consumer_member *m = t->members[i];
        if (!m->targeted || !parts_equal(&m->target, &target[i]))
            consumer_write_target(t, m, &target[i]);
        if (m == t->draft)
            t->draft->target = target[i];
    }
    t->target_epoch = t->epoch;
    consumer_write_target_epoch(t);
}

/* ---- reconciliation ------------------------------------------------------ */

/* What the others have, and give back. */
static struct parts held_by_others(const struct consumer_turn *t)
{
    size_t count = 0;
    for (size_t i = 0; i < t->member_count; i++)
        count += t->members[i]->assigned.count + t->members[i]->revoking.count;
    struct parts held = { decision_take(t->d, count, sizeof *held.at), 0 };
    for (size_t i = 0; i < t->member_count; i++) {
        const struct consumer_member *m = t->members[i];
        if (m == t->draft)
            continue;
        for (size_t j = 0; j < m->assigned.count; j++)
            held.at[held.count++] = m->assigned.at[j];
        for (size_t j = 0; j < m->revoking.count; j++)
            held.at[held.count++] = m->revoking.at[j];
    }
    parts_settle(&held);
    return held;
}

static bool still_has(const struct parts *owned, const struct parts *revoking)
{
    return owned ? parts_meet(owned, revoking) : revoking->count > 0;
}

void consumer_turn_reconcile(struct consumer_turn *t, const struct parts *owned)
{
    struct consumer_member *m = t->draft;
    struct arena *arena = &t->d->arena;
    if (m->state == CONSUMER_STABLE && m->epoch == t->target_epoch)
        return;
    if (m->state == CONSUMER_UNREVOKED && still_has(owned, &m->revoking))
        return;
    struct parts kept = parts_both(&m->assigned, &m->target, arena);
    struct parts revoking = parts_without(&m->assigned, &kept, arena);
    m->assigned = kept;
    if (still_has(owned, &revoking)) {
        m->revoking = revoking;
        m->state = CONSUMER_UNREVOKED;
        return;
    }
    struct parts held = held_by_others(t);
    struct parts wanted = parts_without(&m->target, &kept, arena);
    struct parts free = parts_without(&wanted, &held, arena);
    for (size_t i = 0; i < free.count; i++)
        free.at[i].epoch = t->target_epoch;
    m->assigned = parts_joined(&kept, &free, arena);
    m->revoking = (struct parts){ 0 };
    m->state = free.count < wanted.count ? CONSUMER_UNRELEASED : CONSUMER_STABLE;
    if (m->epoch != t->target_epoch) {
        m->previous_epoch = m->epoch;
        m->epoch = t->target_epoch;
    }
}
