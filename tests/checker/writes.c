/* writes.c - what became of each value that was sent. */
#include "checker/checks.h"

#include "base/memory.h"

/* Up to where ok polls are known to have read: for each key, the largest index
 * at which a polled value lies first.  A duplicate far behind proves nothing. */
static int64_t *find_bounds(const struct history *h, const struct versions *v)
{
    int64_t *bounds = memory_take(h->keys.count + 1, sizeof *bounds);
    for (size_t i = 0; i < h->keys.count; i++)
        bounds[i] = -1;
    for (size_t i = 0; i < v->value_count; i++) {
        const struct value *value = &v->values[i];
        if (value->polled && value->first > bounds[value->key])
            bounds[value->key] = value->first;
    }
    return bounds;
}

/* Nobody got it, and somebody should have. */
static enum anomaly missing_kind(const struct value *value, enum op_type type, int64_t bound)
{
    if (value->last >= 0 && value->last <= bound)
        return ANOMALY_LOST_WRITE;
    return type == OP_OK ? ANOMALY_UNSEEN : ANOMALY_TORN;
}

void check_writes(const struct history *h, const struct versions *v, struct findings *f)
{
    int64_t *bounds = find_bounds(h, v);
    for (size_t i = 0; i < h->touch_count; i++) { /* each value is sent once: by touch */
        const struct touch *t = &h->touches[i];
        const struct value *value = &v->values[t->id];
        if (!t->is_poll && v->committed[t->op] && !value->polled)
            findings_add_touch(f, missing_kind(value, h->ops[t->op].type, bounds[t->key]), h, t,
                               OP_NONE);
        else if (value->polled == t && !value->sent)
            findings_add_touch(f, ANOMALY_PHANTOM, h, t, OP_NONE);
        else if (value->polled == t && h->ops[value->sent->op].type == OP_FAIL)
            findings_add_touch(f, ANOMALY_ABORTED_READ, h, t, value->sent->op);
    }
    memory_free(bounds);
}
