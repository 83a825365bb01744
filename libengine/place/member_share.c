/* member_share.c - what of a group's partitions should be ours.
 *
 * It is worked out anew whenever somebody says something else, wakes, sleeps or
 * dies, and when topics change. */
#include <stdlib.h>

#include "base/memory.h"
#include "base/plant.h"
#include "place/member.h"
#include "place/quota.h"

enum {
    HUNGRY_MS = 250, /* how often to try again for what should be free */
    SHARES_MAX = 10, /* in one look around */
};

/* ---- sharing ------------------------------------------------------------- */

/* All of the group, with us among them, and what sorts before each of our
 * topics. */
struct plan {
    struct quota_group group;
    int64_t *before; /* partitions, by the number of our topic */
    int32_t *kept;   /* how many we own and were not asked for, likewise */
};

static void plan_members(struct evl_member *m, struct plan *plan)
{
    struct quota_group *g = &plan->group;
    g->members = memory_take(m->peers.count + 1, sizeof *g->members);
    for (size_t i = 0; i <= m->peers.count; i++) {
        const struct peer *peer = &m->peers.at[i];
        if (g->count == i && (i == m->peers.count || peer->slot > m->slot)) {
            g->self = g->count;
            g->members[g->count++] = (struct quota_member){ &m->says, true };
        }
        if (i < m->peers.count)
            g->members[g->count++] =
                (struct quota_member){ &peer->says, peer->state == PEER_AWAKE };
    }
}

/* Every member adds up the same topics, also those that it does not want. */
static void plan_before(struct evl_member *m, struct plan *plan)
{
    const char **names = NULL;
    size_t count = 0;
    const struct quota_group *g = &plan->group;
    for (size_t i = 0; i < g->count; i++) {
        const struct subscription *s = g->members[i].says;
        names = memory_grow(names, count + s->topic_count + 1, sizeof *names);
        for (size_t t = 0; t < s->topic_count; t++)
            names[count++] = s->topics[t].name;
    }
    qsort(names, count, sizeof *names, subscription_compare);
    int64_t sum = 0;
    size_t ours = 0;
    for (size_t i = 0; i < count && ours < m->says.topic_count; i++) {
        if (i > 0 && strcmp(names[i], names[i - 1]) == 0)
            continue;
        if (strcmp(names[i], m->says.topics[ours].name) == 0)
            plan->before[ours++] = sum;
        const struct topic *t = member_topic_now(m, names[i]);
        sum += t ? t->partition_count : 0;
    }
    memory_free(names);
}

static void plan_make(struct evl_member *m, struct plan *plan)
{
    for (size_t i = 0; i < m->says.topic_count; i++)
        member_topic_adopt(m, i);
    plan->before = memory_take(m->says.topic_count, sizeof *plan->before);
    plan->kept = memory_take(m->says.topic_count, sizeof *plan->kept);
    for (size_t i = 0; i < m->owned_count; i++)
        plan->kept[m->owned[i].topic] += !m->owned[i].asked;
    plan_members(m, plan);
    plan_before(m, plan);
}

static void plan_release(struct plan *plan)
{
    memory_free(plan->group.members);
    memory_free(plan->before);
    memory_free(plan->kept);
}

/* The last ones taken have the least behind them. */
static void ask_back(struct evl_member *m, size_t topic, int32_t count)
{
    for (size_t i = m->owned_count; i-- > 0 && count > 0;) {
        struct owned *o = &m->owned[i];
        if (o->topic != topic || o->asked)
            continue;
        o->asked = true;
        member_tell(m, &m->asked, o);
        count--;
    }
}

/* Take up to `count` that nobody lists. */
static enum evl_error take_more(struct evl_member *m, size_t topic, const struct quota *q,
                                int32_t count)
{
    const struct subscription_topic *t = &m->says.topics[topic];
    const struct subscription_topic others = { .partitions = t->partitions, .owned = q->listed };
    for (int32_t i = 0; i < t->partitions && count > 0; i++) {
        int32_t partition = (int32_t)(((int64_t)q->first + i) % t->partitions);
        if (subscription_has(t, partition) ||
            (subscription_has(&others, partition) && !planted(LIST_IGNORED)))
            continue;
        enum evl_error err = member_take(m, topic, partition, 0);
        if (err && err != EVL_ERR_BUSY)
            return err;
        count -= !err;
    }
    m->hungry = m->hungry || count > 0;
    return EVL_OK;
}

static enum evl_error share_topic(struct evl_member *m, const struct plan *plan, size_t topic)
{
    struct quota q;
    quota_count(&plan->group, &m->says.topics[topic], plan->before[topic], &q);
    int32_t most = member_topic_is_there(m, topic) ? q.most : 0;
    int32_t kept = plan->kept[topic];
    enum evl_error err = EVL_OK;
    if (kept > most)
        ask_back(m, topic, kept - most);
    else
        err = take_more(m, topic, &q, most - kept);
    memory_free(q.listed);
    return err;
}

/* Forget what was taken since there were `count`: never listed, nor told. */
static void drop_taken(struct evl_member *m, size_t count)
{
    while (m->owned_count > count)
        member_drop(m, m->owned_count - 1);
}

/* A static member may have taken and listed, since we looked, what we took
 * after its end.  Look again: if one has said anything new, all is to be done
 * again.  Else it lists nothing of what we hold, nor will. */
static enum evl_error keep_taken(struct evl_member *m, size_t from, bool *again)
{
    bool changed = false;
    uint64_t reservations = m->peers.reservations;
    enum evl_error err = peers_look(&m->peers, &changed);
    m->planned = m->planned && !changed;
    *again = m->peers.reservations != reservations;
    if (!err && *again)
        drop_taken(m, from);
    if (err || *again)
        return err;
    err = member_list(m);
    if (err)
        return err;
    for (size_t i = from; i < m->owned_count; i++)
        member_tell(m, &m->gained, &m->owned[i]);
    return EVL_OK;
}

static enum evl_error share_once(struct evl_member *m, bool *again)
{
    struct plan plan = { 0 };
    enum evl_error err = EVL_OK;
    size_t before = m->owned_count;
    *again = false;
    plan_make(m, &plan);
    m->planned = true;
    m->hungry = false;
    for (size_t i = 0; i < m->says.topic_count && !err; i++)
        err = share_topic(m, &plan, i);
    plan_release(&plan);
    if (!err && m->owned_count > before)
        err = keep_taken(m, before, again);
    if (err)
        drop_taken(m, before);
    return err;
}

/* Who begins again has seen that another one came further. */
enum evl_error member_share(struct evl_member *m)
{
    bool again = true;
    enum evl_error err = EVL_OK;
    for (int i = 0; i < SHARES_MAX && again && !err; i++)
        err = share_once(m, &again);
    m->planned = m->planned && !err && !again;
    m->next_try = io_now(m->io) + HUNGRY_MS * (int64_t)IO_MS;
    return err;
}
