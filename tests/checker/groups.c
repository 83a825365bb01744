/* groups.c - whether a group has done what its positions say.
 *
 * A group begins at the start of each key, and a position that it commits says
 * that everything before it is done: some member polled it, in an operation
 * that is committed.  A member may have been killed between its poll and its
 * commit, then the next one polls the same again; but what is polled and
 * committed in one transaction is polled in no other. */
#include "checker/checks.h"

#include "base/memory.h"

/* What one group did with one key. */
struct share {
    int64_t position;         /* the largest that is committed */
    uint32_t by;              /* who committed it */
    const struct touch **got; /* by index of the value: its first poll; or NULL */
};

struct review {
    const struct history *h;
    const struct versions *v;
    struct findings *f;
    struct share *shares; /* by group and key */
    bool *is_loose;       /* by group: it polls or commits outside of transactions too */
};

static struct share *share_of(const struct review *r, uint32_t group, uint32_t key)
{
    return &r->shares[(size_t)group * r->h->keys.count + key];
}

static void each_process(const struct review *r,
                         void (*look)(const struct review *r, uint32_t group, uint32_t at))
{
    for (size_t i = 0; i < r->h->process_count; i++) {
        uint32_t group = GROUP_NONE;
        for (uint32_t at = r->h->processes[i]->first; at != OP_NONE; at = r->h->ops[at].next) {
            const struct op *op = &r->h->ops[at];
            if (op->kind == OP_ASSIGN || op->kind == OP_SUBSCRIBE)
                group = op->group;
            else if (group != GROUP_NONE && r->v->committed[at])
                look(r, group, at);
        }
    }
}

static void look_for_looseness(const struct review *r, uint32_t group, uint32_t at)
{
    const struct op *op = &r->h->ops[at];
    if (op->kind != OP_TXN && (op->polled.count > 0 || op->positions.count > 0))
        r->is_loose[group] = true;
}

static void take_poll(const struct review *r, uint32_t group, const struct touch *t)
{
    int64_t index = versions_index(r->v, t);
    const struct touch **got = &share_of(r, group, t->key)->got[index];
    if (*got && !r->is_loose[group] && (*got)->op != t->op)
        findings_add_touch(r->f, ANOMALY_GROUP_REPEAT, r->h, t, (*got)->op);
    if (!*got)
        *got = t;
}

static void take_op(const struct review *r, uint32_t group, uint32_t at)
{
    const struct op *op = &r->h->ops[at];
    for (uint32_t i = 0; i < op->touches.count; i++)
        if (r->h->touches[op->touches.first + i].is_poll)
            take_poll(r, group, &r->h->touches[op->touches.first + i]);
    for (uint32_t i = 0; i < op->positions.count; i++) {
        const struct position *position = &r->h->positions[op->positions.first + i];
        struct share *share = share_of(r, group, position->key);
        if (position->offset > share->position) {
            share->position = position->offset;
            share->by = at;
        }
    }
}

/* What lies before the position, and nobody got. */
static void check_share(const struct review *r, const struct share *share, uint32_t key)
{
    const struct version *at = r->v->at + r->v->begins[key];
    int64_t count = versions_of_key(r->v, key);
    for (int64_t i = 0; i < count && at[i].offset < share->position; i++) {
        const struct touch *sent = r->v->values[at[i].id].sent;
        struct witness w = { .key = history_key(r->h, key), .value = at[i].offset };
        if (share->got[i])
            continue;
        if (sent) {
            w.value = sent->value;
            w.events[w.count++] = r->h->ops[sent->op].event;
        }
        w.events[w.count++] = r->h->ops[share->by].event;
        findings_add(r->f, ANOMALY_GROUP_SKIP, &w);
    }
}

static void each_share(const struct review *r,
                       void (*look)(const struct review *r, struct share *share, uint32_t key))
{
    for (uint32_t group = 0; group < r->h->groups.count; group++)
        for (uint32_t key = 0; key < r->h->keys.count; key++)
            look(r, share_of(r, group, key), key);
}

static void share_begin(const struct review *r, struct share *share, uint32_t key)
{
    share->got = memory_take((size_t)versions_of_key(r->v, key) + 1, sizeof(struct touch *));
}

static void share_end(const struct review *r, struct share *share, uint32_t key)
{
    check_share(r, share, key);
    memory_free(share->got);
}

void check_groups(const struct history *h, const struct versions *v, struct findings *f)
{
    struct review r = { h, v, f, memory_take(h->groups.count * h->keys.count + 1, sizeof *r.shares),
                        memory_take(h->groups.count + 1, sizeof *r.is_loose) };
    each_share(&r, share_begin);
    each_process(&r, look_for_looseness);
    each_process(&r, take_op);
    each_share(&r, share_end);
    memory_free(r.shares);
    memory_free(r.is_loose);
}
