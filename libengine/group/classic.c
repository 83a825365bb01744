/* classic.c - a classic group's members, and what they have in common. */
#include "group/classic.h"

#include "base/check.h"
#include "base/memory.h"
#include "group/keep.h"

/* ---- life ---------------------------------------------------------------- */

struct classic *classic_create(struct group_table *table, struct group *group)
{
    struct classic *c = memory_take(1, sizeof *c);
    c->group = group;
    c->table = table;
    c->changed_ms = -1;
    c->phase.group = group;
    return c;
}

static void protocols_drop(struct classic_member *m)
{
    for (size_t i = 0; i < m->protocol_count; i++) {
        keep_drop(&m->protocols[i].name);
        keep_drop(&m->protocols[i].metadata);
    }
    memory_free(m->protocols);
    m->protocols = NULL;
    m->protocol_count = 0;
}

static void member_destroy(struct classic *c, struct classic_member *m)
{
    table_timer_unset(c->table, &m->session);
    protocols_drop(m);
    keep_drop(&m->id);
    keep_drop(&m->instance);
    keep_drop(&m->client_id);
    keep_drop(&m->client_host);
    keep_drop(&m->subscription);
    keep_drop(&m->assignment);
    memory_free(m);
}

static void members_destroy(struct classic *c, struct classic_members *list)
{
    for (size_t i = 0; i < list->count; i++)
        member_destroy(c, list->at[i]);
    memory_free(list->at);
}

void classic_destroy(struct classic *c)
{
    if (!c)
        return;
    members_destroy(c, &c->members);
    members_destroy(c, &c->pending);
    table_timer_unset(c->table, &c->phase);
    keep_drop(&c->protocol_type);
    keep_drop(&c->protocol);
    memory_free(c);
}

/* ---- members ------------------------------------------------------------- */

struct classic_member *classic_find(const struct classic_members *list, struct evl_bytes id)
{
    for (size_t i = 0; i < list->count; i++)
        if (evl_bytes_equal(list->at[i]->id, id))
            return list->at[i];
    return NULL;
}

struct classic_member *classic_instance(const struct classic_members *list,
                                        struct evl_bytes instance)
{
    for (size_t i = 0; i < list->count; i++)
        if (evl_bytes_equal(list->at[i]->instance, instance))
            return list->at[i];
    return NULL;
}

void classic_members_push(struct classic_members *list, struct classic_member *m)
{
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 4;
        list->at = memory_grow(list->at, list->room, sizeof(struct classic_member *));
    }
    list->at[list->count++] = m;
}

void classic_members_take(struct classic_members *list, struct classic_member *m)
{
    size_t i = 0;
    while (list->at[i] != m)
        i++;
    list->count--;
    memmove(list->at + i, list->at + i + 1, (list->count - i) * sizeof(struct classic_member *));
}

struct classic_member *classic_add(struct classic *c, struct classic_members *list,
                                   struct evl_bytes id, enum group_timer_kind kind)
{
    struct classic_member *m = memory_take(1, sizeof *m);
    m->id = keep_copy(id);
    m->session.kind = kind;
    m->session.group = c->group;
    m->session.member = m;
    classic_members_push(list, m);
    return m;
}

void classic_remove(struct classic *c, struct classic_members *list, struct classic_member *m)
{
    check(!m->join.waits && !m->sync.waits);
    classic_members_take(list, m);
    if (c->leader == m)
        c->leader = list->count > 0 ? list->at[0] : NULL;
    member_destroy(c, m);
}

void classic_say(struct classic_member *m, const struct group_join *join)
{
    protocols_drop(m);
    m->protocols = memory_take(join->protocol_count, sizeof *m->protocols);
    for (; m->protocol_count < join->protocol_count; m->protocol_count++) {
        const struct group_protocol *p = &join->protocols[m->protocol_count];
        m->protocols[m->protocol_count].name = keep_copy(p->name);
        m->protocols[m->protocol_count].metadata = keep_copy(p->metadata);
    }
}

int32_t classic_rebalance_ms(const struct group_join *join)
{
    return join->rebalance_ms >= 0 ? join->rebalance_ms : join->session_ms;
}

void classic_update(struct classic_member *m, const struct group_join *join)
{
    m->session_ms = join->session_ms;
    m->rebalance_ms = classic_rebalance_ms(join);
    classic_say(m, join);
}

/* Its place in the member's list; the list's length if it is not there. */
static size_t find_protocol(const struct classic_member *m, struct evl_bytes name)
{
    size_t i = 0;
    while (i < m->protocol_count && !evl_bytes_equal(m->protocols[i].name, name))
        i++;
    return i;
}

struct evl_bytes classic_metadata(const struct classic_member *m, struct evl_bytes protocol)
{
    size_t i = find_protocol(m, protocol);
    check(i < m->protocol_count);
    return m->protocols[i].metadata;
}

bool classic_matches(const struct classic_member *m, const struct group_join *join)
{
    if (m->protocol_count != join->protocol_count)
        return false;
    for (size_t i = 0; i < m->protocol_count; i++)
        if (!evl_bytes_equal(m->protocols[i].name, join->protocols[i].name) ||
            !evl_bytes_equal(m->protocols[i].metadata, join->protocols[i].metadata))
            return false;
    return true;
}

/* ---- what they have in common -------------------------------------------- */

static bool all_know(const struct classic *c, struct evl_bytes protocol)
{
    for (size_t i = 0; i < c->members.count; i++)
        if (find_protocol(c->members.at[i], protocol) == c->members.at[i]->protocol_count)
            return false;
    return true;
}

bool classic_supports(const struct classic *c, const struct group_join *join)
{
    if (join->protocol_type.count == 0 || join->protocol_count == 0)
        return false;
    if (c->members.count == 0)
        return true;
    if (!evl_bytes_equal(c->protocol_type, join->protocol_type))
        return false;
    for (size_t i = 0; i < join->protocol_count; i++)
        if (all_know(c, join->protocols[i].name))
            return true;
    return false;
}

/* A member votes for the first of its list that all know. */
static void vote(const struct classic_member *m, const struct classic_member *first,
                 const bool *common, size_t *votes)
{
    for (size_t i = 0;; i++) {
        check(i < m->protocol_count); /* else it was let in by mistake */
        size_t candidate = find_protocol(first, m->protocols[i].name);
        if (candidate < first->protocol_count && common[candidate]) {
            votes[candidate]++;
            return;
        }
    }
}

struct evl_bytes classic_elect(const struct classic *c)
{
    const struct classic_member *first = c->members.at[0];
    size_t count = first->protocol_count;
    size_t *votes = memory_take(count, sizeof *votes);
    bool *common = memory_take(count, sizeof *common);
    size_t best = 0;
    for (size_t i = 0; i < count; i++)
        common[i] = all_know(c, first->protocols[i].name);
    for (size_t i = 0; i < c->members.count; i++)
        vote(c->members.at[i], first, common, votes);
    for (size_t i = 1; i < count; i++)
        if (votes[i] > votes[best])
            best = i;
    memory_free(votes);
    memory_free(common);
    return first->protocols[best].name;
}

int32_t classic_patience_ms(const struct classic *c)
{
    int32_t longest = 0;
    for (size_t i = 0; i < c->members.count; i++)
        if (c->members.at[i]->rebalance_ms > longest)
            longest = c->members.at[i]->rebalance_ms;
    return longest;
}

enum kafka_error classic_identify(const struct classic *c, struct evl_bytes id,
                                  struct evl_bytes instance, struct classic_member **m)
{
    *m = instance.at ? classic_instance(&c->members, instance) : classic_find(&c->members, id);
    if (!*m)
        return KAFKA_UNKNOWN_MEMBER_ID;
    return evl_bytes_equal((*m)->id, id) ? KAFKA_NONE : KAFKA_FENCED_INSTANCE_ID;
}
