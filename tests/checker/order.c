/* order.c - whether each process goes forward, one step after the other.
 *
 * Processes are walked one by one, so that one array of tracks (where the
 * process stands in each key) serves them all: to forget every track is to
 * begin a new era. */
#include "checker/checks.h"

#include "base/memory.h"

/* Where a process is in one key. */
struct track {
    int64_t inner, outer; /* indexes: within this operation; after the last ok one */
    uint32_t inner_op;    /* of which operation `inner` speaks; plus one */
    uint32_t changed_op;  /* in which one the key came or went; plus one */
    uint32_t outer_op;    /* who set `outer` */
    uint64_t outer_era;   /* and when */
};

struct walk {
    const struct history *h;
    const struct versions *v;
    struct findings *f;
    bool is_of_polls;
    enum anomaly inner_back, outer_back, inner_skip, outer_skip;
    struct track *tracks; /* by key */
    uint64_t era;
};

/* Sends may leave room for others', but not go back; polls go to the next one. */
static void walk_step(const struct walk *w, const struct touch *t, const struct track *track,
                      int64_t to)
{
    bool is_inner = track->inner_op == t->op + 1;
    if (!is_inner && track->outer_era != w->era)
        return;
    int64_t from = is_inner ? track->inner : track->outer;
    uint32_t other = is_inner ? OP_NONE : track->outer_op;
    if (to <= from)
        findings_add_touch(w->f, is_inner ? w->inner_back : w->outer_back, w->h, t, other);
    else if (to > from + 1 && w->is_of_polls)
        findings_add_touch(w->f, is_inner ? w->inner_skip : w->outer_skip, w->h, t, other);
}

/* Where it will go on: what an operation that is not ok polled may come again. */
static void walk_advance(const struct walk *w, const struct op *op, uint32_t at)
{
    for (uint32_t i = 0; i < op->touches.count; i++) {
        const struct touch *t = &w->h->touches[op->touches.first + i];
        struct track *track = &w->tracks[t->key];
        if (t->is_poll != w->is_of_polls || track->inner_op != at + 1)
            continue;
        track->outer = track->inner;
        track->outer_op = at;
        track->outer_era = w->era;
    }
}

static void walk_op(const struct walk *w, uint32_t at)
{
    const struct op *op = &w->h->ops[at];
    for (uint32_t i = 0; i < op->rebalanced.count; i++) {
        struct track *track = &w->tracks[w->h->lists[op->rebalanced.first + i]];
        track->changed_op = at + 1;
        track->outer_era = 0;
    }
    for (uint32_t i = 0; i < op->touches.count; i++) {
        const struct touch *t = &w->h->touches[op->touches.first + i];
        struct track *track = &w->tracks[t->key];
        int64_t to = versions_index(w->v, t);
        if (t->is_poll != w->is_of_polls || to < 0 || track->changed_op == at + 1)
            continue;
        walk_step(w, t, track, to);
        track->inner = to;
        track->inner_op = at + 1;
    }
    if (op->type == OP_OK)
        walk_advance(w, op, at);
}

static void walk(struct walk *w)
{
    w->tracks = memory_take(w->h->keys.count + 1, sizeof *w->tracks);
    for (size_t i = 0; i < w->h->process_count; i++) {
        w->era++;
        for (uint32_t at = w->h->processes[i]->first; at != OP_NONE; at = w->h->ops[at].next) {
            enum op_kind kind = w->h->ops[at].kind;
            if (w->is_of_polls && (kind == OP_ASSIGN || kind == OP_SUBSCRIBE))
                w->era++;
            else
                walk_op(w, at);
        }
    }
    memory_free(w->tracks);
}

void check_polls(const struct history *h, const struct versions *v, struct findings *f)
{
    struct walk w = { .h = h,
                      .v = v,
                      .f = f,
                      .is_of_polls = true,
                      .inner_back = ANOMALY_INT_POLL_BACK,
                      .outer_back = ANOMALY_POLL_BACK,
                      .inner_skip = ANOMALY_INT_POLL_SKIP,
                      .outer_skip = ANOMALY_POLL_SKIP };
    walk(&w);
}

void check_sends(const struct history *h, const struct versions *v, struct findings *f)
{
    struct walk w = {
        .h = h, .v = v, .f = f, .inner_back = ANOMALY_INT_SEND_BACK, .outer_back = ANOMALY_SEND_BACK
    };
    walk(&w);
}
