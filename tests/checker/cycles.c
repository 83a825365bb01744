/* cycles.c - who polled from whom.
 *
 * An edge leads from the operation that sent a value to an ok one that polled
 * it: the second has seen that the first is committed.  Two that have each seen
 * the other committed are an anomaly, whatever the order of offsets. */
#include "checker/checks.h"

#include "checker/graph.h"

struct telling {
    const struct history *h;
    struct findings *f;
};

static void tell(void *context, const uint32_t *nodes, size_t count)
{
    struct telling *t = context;
    struct witness w = { 0 };
    for (size_t i = 0; i < count && w.count < WITNESS_EVENTS_MAX; i++)
        w.events[w.count++] = t->h->ops[nodes[i]].event;
    findings_add(t->f, ANOMALY_G1C, &w);
}

void check_cycles(const struct history *h, const struct versions *v, struct findings *f)
{
    struct graph g = { 0 };
    for (size_t i = 0; i < h->touch_count; i++) {
        const struct touch *t = &h->touches[i];
        const struct touch *sent = v->values[t->id].sent;
        if (!t->is_poll || !sent || h->ops[t->op].type != OP_OK)
            continue;
        if (sent->op == t->op)
            findings_add_touch(f, ANOMALY_PRECOMMITTED_READ, h, t, OP_NONE);
        else if (v->committed[sent->op])
            graph_add(&g, sent->op, t->op);
    }
    graph_close(&g, (uint32_t)h->op_count);
    graph_circles(&g, tell, &(struct telling){ h, f });
    graph_release(&g);
}
