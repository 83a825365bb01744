/* consumer.c - a consumer group's members, and what they subscribe to. */
#include "group/consumer.h"

#include <stdlib.h>

#include "base/memory.h"
#include "group/keep.h"

/* When to write again that a silent member is out. */
enum { RETRY_MS = 1000 };

/* ---- lists of topics ----------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    const struct evl_bytes *left = a;
    const struct evl_bytes *right = b;
    size_t shorter = left->count < right->count ? left->count : right->count;
    int order = memcmp(left->at, right->at, shorter);
    return order ? order : (left->count > right->count) - (left->count < right->count);
}

void consumer_topics_settle(struct consumer_topics *t)
{
    size_t count = 0;
    if (t->count > 1)
        qsort(t->at, t->count, sizeof *t->at, compare_names);
    for (size_t i = 0; i < t->count; i++)
        if (i == 0 || !evl_bytes_equal(t->at[i], t->at[count - 1]))
            t->at[count++] = t->at[i];
    t->count = count;
}

bool consumer_topics_equal(const struct consumer_topics *a, const struct consumer_topics *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!evl_bytes_equal(a->at[i], b->at[i]))
            return false;
    return true;
}

static void topics_drop(struct consumer_topics *t)
{
    for (size_t i = 0; i < t->count; i++)
        keep_drop(&t->at[i]);
    memory_free(t->at);
    *t = (struct consumer_topics){ 0 };
}

void consumer_topics_replace(struct consumer_topics *t, const struct consumer_topics *by)
{
    topics_drop(t);
    t->at = memory_take(by->count + 1, sizeof *t->at);
    for (; t->count < by->count; t->count++)
        t->at[t->count] = keep_copy(by->at[t->count]);
    consumer_topics_settle(t);
}

/* ---- life ---------------------------------------------------------------- */

struct consumer *consumer_create(struct group_table *table, struct group *group)
{
    struct consumer *c = memory_take(1, sizeof *c);
    c->group = group;
    c->table = table;
    c->stale = true;
    return c;
}

static void member_destroy(struct consumer *c, struct consumer_member *m)
{
    table_timer_unset(c->table, &m->session);
    table_timer_unset(c->table, &m->revoke);
    keep_drop(&m->id);
    keep_drop(&m->instance);
    keep_drop(&m->rack);
    keep_drop(&m->client_id);
    keep_drop(&m->client_host);
    keep_drop(&m->regex);
    keep_drop(&m->assignor);
    topics_drop(&m->topics);
    memory_free(m->assigned.at);
    memory_free(m->revoking.at);
    memory_free(m->target.at);
    memory_free(m);
}

void consumer_destroy(struct consumer *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->member_count; i++)
        member_destroy(c, c->members[i]);
    for (size_t i = 0; i < c->regex_count; i++) {
        keep_drop(&c->regexes[i].text);
        topics_drop(&c->regexes[i].topics);
    }
    memory_free(c->members);
    memory_free(c->regexes);
    memory_free(c);
}

/* ---- members ------------------------------------------------------------- */

struct consumer_member *consumer_find(const struct consumer *c, struct evl_bytes id)
{
    for (size_t i = 0; i < c->member_count; i++)
        if (evl_bytes_equal(c->members[i]->id, id))
            return c->members[i];
    return NULL;
}

struct consumer_member *consumer_instance(const struct consumer *c, struct evl_bytes instance)
{
    for (size_t i = 0; i < c->member_count; i++)
        if (evl_bytes_equal(c->members[i]->instance, instance))
            return c->members[i];
    return NULL;
}

struct consumer_member *consumer_add(struct consumer *c, struct evl_bytes id)
{
    struct consumer_member *m = memory_take(1, sizeof *m);
    m->id = keep_copy(id);
    m->session.kind = TIMER_CONSUMER_SESSION;
    m->revoke.kind = TIMER_REVOKE;
    m->session.group = m->revoke.group = c->group;
    m->session.member = m->revoke.member = m;
    if (c->member_count == c->member_room) {
        c->member_room = c->member_room ? c->member_room * 2 : 4;
        c->members = memory_grow(c->members, c->member_room, sizeof(struct consumer_member *));
    }
    c->members[c->member_count++] = m;
    return m;
}

void consumer_remove(struct consumer *c, struct consumer_member *m)
{
    size_t i = 0;
    while (c->members[i] != m)
        i++;
    c->member_count--;
    memmove(c->members + i, c->members + i + 1,
            (c->member_count - i) * sizeof(struct consumer_member *));
    member_destroy(c, m);
}

bool consumer_is_gone(const struct consumer_member *m)
{
    return !m->described && !m->placed && !m->targeted;
}

bool consumer_is_unwritten(const struct consumer *c)
{
    return !c->written && !c->aimed && c->member_count == 0 && c->regex_count == 0;
}

/* Start each timer that should run and does not, stop each that should not. */
static void settle_timers(struct consumer *c, int64_t now_ms, int64_t session_ms)
{
    for (size_t i = 0; i < c->member_count; i++) {
        struct consumer_member *m = c->members[i];
        if (m->session.timer.place == 0)
            table_timer_set(c->table, &m->session, now_ms + session_ms);
        if (m->state != CONSUMER_UNREVOKED)
            table_timer_unset(c->table, &m->revoke);
        else if (m->revoke.timer.place == 0)
            table_timer_set(c->table, &m->revoke, now_ms + m->rebalance_ms);
    }
}

void consumer_load(struct consumer *c, int64_t now_ms)
{
    settle_timers(c, now_ms, c->table->settings.consumer_session_ms);
}

void consumer_not_written(struct consumer *c, int64_t now_ms)
{
    c->stale = true;
    for (size_t i = c->member_count; i-- > 0;)
        if (consumer_is_gone(c->members[i]))
            consumer_remove(c, c->members[i]);
    settle_timers(c, now_ms, RETRY_MS);
}

/* ---- subscriptions ------------------------------------------------------- */

struct consumer_regex *consumer_regex(const struct consumer *c, struct evl_bytes text)
{
    for (size_t i = 0; i < c->regex_count; i++)
        if (evl_bytes_equal(c->regexes[i].text, text))
            return &c->regexes[i];
    return NULL;
}

struct evl_bytes consumer_topic(const struct consumer_member *m, const struct consumer_regex *regex,
                                size_t i)
{
    if (i < m->topics.count)
        return m->topics.at[i];
    i -= m->topics.count;
    return regex && i < regex->topics.count ? regex->topics.at[i] : evl_text(NULL);
}

bool consumer_subscribes(const struct consumer *c, struct evl_bytes topic)
{
    for (size_t i = 0; i < c->member_count; i++) {
        const struct consumer_member *m = c->members[i];
        const struct consumer_regex *regex = consumer_regex(c, m->regex);
        struct evl_bytes name;
        for (size_t j = 0; (name = consumer_topic(m, regex, j)).at; j++)
            if (evl_bytes_equal(name, topic))
                return true;
    }
    return false;
}

const char *consumer_assignor(const struct consumer_member *const *members, size_t count)
{
    size_t range = 0;
    size_t uniform = 0;
    for (size_t i = 0; i < count; i++) {
        range += evl_bytes_equal(members[i]->assignor, evl_text("range"));
        uniform += evl_bytes_equal(members[i]->assignor, evl_text("uniform"));
    }
    return range > uniform ? "range" : "uniform";
}

const char *consumer_state_name(const struct consumer *c)
{
    if (c->member_count == 0)
        return "Empty";
    if (c->epoch > c->target_epoch)
        return "Assigning";
    for (size_t i = 0; i < c->member_count; i++)
        if (c->members[i]->state != CONSUMER_STABLE || c->members[i]->epoch != c->target_epoch)
            return "Reconciling";
    return "Stable";
}
