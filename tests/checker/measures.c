/* measures.c - how far behind polls were, how often values were consumed, and
 * what groups did. */
#include "checker/measures.h"

#include <inttypes.h>

#include "base/memory.h"

/* ---- lag ----------------------------------------------------------------- */

/* Where a process stands in a key; known from its first ok poll on. */
struct standing {
    uint64_t era;
    int64_t index;
    const struct op *by; /* who brought it there */
};

static void lag_look(struct measures *m, const struct history *h, const struct versions *v,
                     const struct op *op, uint32_t key, int64_t index)
{
    m->empty++;
    if (index + 1 >= versions_of_key(v, key))
        return;
    const struct touch *sent = v->values[v->at[v->begins[key] + (size_t)index + 1].id].sent;
    if (!sent || h->ops[sent->op].type != OP_OK || h->ops[sent->op].done >= op->invoked)
        return;
    int64_t lag = op->invoked - h->ops[sent->op].done;
    m->late++;
    if (lag <= m->lag_max)
        return;
    m->lag_max = lag;
    m->lag_event = op->event;
    m->lag_key = history_key(h, key);
}

static void lag_of_op(struct measures *m, const struct history *h, const struct versions *v,
                      const struct op *op, struct standing *at, uint64_t era)
{
    for (uint32_t i = 0; i < op->touches.count; i++) {
        const struct touch *t = &h->touches[op->touches.first + i];
        if (t->is_poll)
            at[t->key] = (struct standing){ era, versions_index(v, t), op };
    }
    for (uint32_t i = 0; i < op->rebalanced.count; i++)
        at[h->lists[op->rebalanced.first + i]].era = 0;
    for (uint32_t i = 0; i < op->polled.count; i++) {
        uint32_t key = h->lists[op->polled.first + i];
        if (at[key].era == era && at[key].by != op)
            lag_look(m, h, v, op, key, at[key].index);
    }
}

static void lag_take(struct measures *m, const struct history *h, const struct versions *v)
{
    struct standing *at = memory_take(h->keys.count + 1, sizeof *at);
    uint64_t era = 0;
    for (size_t i = 0; i < h->process_count; i++) {
        era++;
        for (uint32_t k = h->processes[i]->first; k != OP_NONE; k = h->ops[k].next) {
            const struct op *op = &h->ops[k];
            if (op->kind == OP_ASSIGN || op->kind == OP_SUBSCRIBE)
                era++;
            else if (op->type == OP_OK)
                lag_of_op(m, h, v, op, at, era);
        }
    }
    memory_free(at);
}

/* ---- counts -------------------------------------------------------------- */

static void counts_of_process(const struct history *h, const struct process *p, uint32_t *counts)
{
    bool subscribed = false;
    for (uint32_t k = p->first; k != OP_NONE; k = h->ops[k].next) {
        const struct op *op = &h->ops[k];
        if (op->kind == OP_ASSIGN || op->kind == OP_SUBSCRIBE)
            subscribed = op->kind == OP_SUBSCRIBE;
        for (uint32_t i = 0; subscribed && op->type == OP_OK && i < op->touches.count; i++) {
            const struct touch *t = &h->touches[op->touches.first + i];
            counts[t->id] += t->is_poll;
        }
    }
}

static void counts_take(struct measures *m, const struct history *h, const struct versions *v)
{
    uint32_t *counts = memory_take(v->value_count + 1, sizeof *counts);
    for (size_t i = 0; i < h->process_count; i++)
        counts_of_process(h, h->processes[i], counts);
    for (size_t i = 0; i < v->value_count; i++) {
        m->consumed += counts[i] > 0;
        m->consumed_again += counts[i] > 1;
        if (counts[i] > m->consumed_most)
            m->consumed_most = counts[i];
    }
    memory_free(counts);
}

/* ---- together ------------------------------------------------------------ */

void measures_take(struct measures *m, const struct history *h, const struct versions *v)
{
    lag_take(m, h, v);
    counts_take(m, h, v);
}

/* What the members of groups did. */
static void members_print(const struct history *h, FILE *out)
{
    int64_t members = 0, moved = 0, plain = 0, transacted = 0;
    for (size_t i = 0; i < h->op_count; i++) {
        const struct op *op = &h->ops[i];
        members += op->kind == OP_SUBSCRIBE && op->group != GROUP_NONE;
        moved += op->rebalanced.count;
        if (op->type != OP_OK)
            continue;
        *(op->kind == OP_TXN ? &transacted : &plain) += op->positions.count;
    }
    fprintf(out,
            "# groups: %" PRId64 " members of %zu, keys came or went %" PRId64 " times, %" PRId64
            " positions committed and %" PRId64 " in transactions\n",
            members, h->groups.count, moved, plain, transacted);
}

static void kinds_print(const struct history *h, FILE *out)
{
    int64_t of[3] = { 0 };
    for (size_t i = 0; i < h->op_count; i++)
        of[h->ops[i].type]++;
    fprintf(out,
            "# %zu operations (%" PRId64 " ok, %" PRId64 " failed, %" PRId64
            " unknown) of %zu processes on %zu keys, %zu values sent and polled\n",
            h->op_count, of[OP_OK], of[OP_FAIL], of[OP_INFO], h->process_count, h->keys.count,
            h->touch_count);
}

void measures_print(const struct measures *m, const struct history *h, FILE *out)
{
    kinds_print(h, out);
    members_print(h, out);
    fprintf(out,
            "# realtime-lag: %" PRId64 " of %" PRId64
            " polls that brought nothing of a key were late",
            m->late, m->empty);
    if (m->late > 0)
        fprintf(out, ", %.1f ms at the most (%s, event %" PRId64 ")", (double)m->lag_max / 1e6,
                m->lag_key, m->lag_event);
    fprintf(out,
            "\n# consume-counts: %" PRId64 " values by subscribers, %" PRId64
            " more than once, %" PRId64 " times at the most\n",
            m->consumed, m->consumed_again, m->consumed_most);
}
