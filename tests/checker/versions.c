/* versions.c - touches into values, values into order. */
#include "checker/versions.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"

/* ---- numbering the values ------------------------------------------------ */

/* From key and value to a number: open addressing, never more than half full. */
struct numbers {
    uint32_t *slots; /* an id plus one; 0: free */
    size_t mask;
    const struct touch **firsts; /* by id: a touch that has it */
};

static size_t hash_of(const struct touch *t)
{
    uint64_t hash = ((uint64_t)t->value ^ (uint64_t)t->key << 48) * 0x9e3779b97f4a7c15u;
    return (size_t)(hash ^ hash >> 29);
}

/* The number of what is touched; a new one if it is new. */
static uint32_t numbers_find(struct numbers *n, size_t *count, const struct touch *t)
{
    size_t i = hash_of(t) & n->mask;
    for (; n->slots[i]; i = (i + 1) & n->mask) {
        const struct touch *other = n->firsts[n->slots[i] - 1];
        if (other->value == t->value && other->key == t->key)
            return n->slots[i] - 1;
    }
    n->firsts[*count] = t;
    n->slots[i] = (uint32_t)++ * count;
    return n->slots[i] - 1;
}

static void number_values(struct versions *v, struct history *h)
{
    size_t room = 16;
    while (room < h->touch_count * 2)
        room *= 2;
    struct numbers n = { memory_take(room, sizeof *n.slots), room - 1,
                         memory_take(h->touch_count + 1, sizeof *n.firsts) };
    for (size_t i = 0; i < h->touch_count; i++)
        h->touches[i].id = numbers_find(&n, &v->value_count, &h->touches[i]);
    memory_free(n.slots);
    memory_free(n.firsts);
}

/* ---- who sent it, who got it --------------------------------------------- */

static enum evl_error value_sent(struct value *value, const struct history *h,
                                 const struct touch *t)
{
    if (value->sent)
        return fail(EVL_ERR_CORRUPT,
                    "value %" PRId64 " of %s is sent twice: by events %" PRId64 " and %" PRId64,
                    t->value, history_key(h, t->key), h->ops[value->sent->op].event,
                    h->ops[t->op].event);
    value->sent = t;
    return EVL_OK;
}

static enum evl_error find_ends(struct versions *v, const struct history *h)
{
    v->values = memory_take(v->value_count + 1, sizeof *v->values);
    for (size_t i = 0; i < h->touch_count; i++) {
        const struct touch *t = &h->touches[i];
        struct value *value = &v->values[t->id];
        enum evl_error err = EVL_OK;
        value->key = t->key;
        value->first = value->last = -1;
        if (!t->is_poll)
            err = value_sent(value, h, t);
        else if (!value->polled && h->ops[t->op].type == OP_OK)
            value->polled = t;
        value->was_seen = value->was_seen || t->is_poll;
        if (err)
            return err;
    }
    return EVL_OK;
}

static void find_committed(struct versions *v, const struct history *h)
{
    v->committed = memory_take(h->op_count + 1, sizeof *v->committed);
    for (size_t i = 0; i < h->op_count; i++)
        v->committed[i] = h->ops[i].type == OP_OK;
    for (size_t i = 0; i < v->value_count; i++) {
        const struct value *value = &v->values[i];
        if (value->polled && value->sent && h->ops[value->sent->op].type == OP_INFO &&
            h->ops[value->sent->op].kind == OP_TXN)
            v->committed[value->sent->op] = true;
    }
}

/* ---- order --------------------------------------------------------------- */

/* A value at an offset, and who says so. */
struct sighting {
    struct version at;
    const struct touch *by;
};

static int sighting_order(const void *left, const void *right)
{
    const struct sighting *a = left, *b = right;
    if (a->at.key != b->at.key)
        return a->at.key < b->at.key ? -1 : 1;
    if (a->at.offset != b->at.offset)
        return a->at.offset < b->at.offset ? -1 : 1;
    if (a->at.id != b->at.id)
        return a->at.id < b->at.id ? -1 : 1;
    return (a->by > b->by) - (a->by < b->by);
}

/* Each place that a value was seen at; nearly always that is one, and then it
 * is told once. */
static struct sighting *collect(const struct versions *v, const struct history *h, size_t *count)
{
    struct sighting *all = NULL;
    size_t room = 0;
    int64_t *known = memory_take(v->value_count + 1, sizeof *known); /* offset plus one */
    *count = 0;
    for (size_t i = 0; i < h->touch_count; i++) {
        const struct touch *t = &h->touches[i];
        if (t->offset < 0 || known[t->id] == t->offset + 1 || (!t->is_poll && !v->committed[t->op]))
            continue;
        known[t->id] = t->offset + 1;
        if (*count == room)
            all = memory_grow(all, room = room ? room * 2 : 1024, sizeof *all);
        all[(*count)++] = (struct sighting){ { t->offset, t->key, t->id }, t };
    }
    memory_free(known);
    if (*count > 0)
        qsort(all, *count, sizeof *all, sighting_order);
    return all;
}

/* The value has one more place. */
static void value_place(struct versions *v, const struct history *h, struct findings *f,
                        const struct sighting *s, int64_t index, const struct touch **firsts)
{
    struct value *value = &v->values[s->at.id];
    if (value->first < 0) {
        value->first = index;
        firsts[s->at.id] = s->by;
    } else if (value->last != index) {
        findings_add_touch(f, ANOMALY_DUPLICATE, h, s->by, firsts[s->at.id]->op);
    }
    value->last = index;
}

static void order(struct versions *v, const struct history *h, struct findings *f,
                  const struct sighting *all, size_t count)
{
    const struct touch **firsts = memory_take(v->value_count + 1, sizeof *firsts);
    v->at = memory_take(count + 1, sizeof *v->at);
    v->begins = memory_take(h->keys.count + 1, sizeof *v->begins);
    uint32_t key = 0;
    for (size_t i = 0; i < count; i++) {
        const struct sighting *s = &all[i];
        bool is_same = i > 0 && s[-1].at.key == s->at.key && s[-1].at.offset == s->at.offset;
        if (is_same && s[-1].at.id == s->at.id)
            continue;
        if (is_same)
            findings_add_touch(f, ANOMALY_INCONSISTENT, h, s->by, s[-1].by->op);
        while (key < s->at.key)
            v->begins[++key] = v->count;
        if (!is_same)
            v->at[v->count++] = s->at;
        value_place(v, h, f, s, (int64_t)(v->count - 1 - v->begins[key]), firsts);
    }
    while (key < h->keys.count)
        v->begins[++key] = v->count;
    memory_free(firsts);
}

/* ---- all of it ----------------------------------------------------------- */

enum evl_error versions_make(struct versions *v, struct history *h, struct findings *f)
{
    size_t count;
    number_values(v, h);
    enum evl_error err = find_ends(v, h);
    if (err)
        return err;
    find_committed(v, h);
    struct sighting *all = collect(v, h, &count);
    order(v, h, f, all, count);
    memory_free(all);
    return EVL_OK;
}

void versions_release(struct versions *v)
{
    memory_free(v->values);
    memory_free(v->at);
    memory_free(v->begins);
    memory_free(v->committed);
}

int64_t versions_index(const struct versions *v, const struct touch *touch)
{
    const struct value *value = &v->values[touch->id];
    if (value->first == value->last || touch->offset < 0)
        return value->first;
    size_t low = v->begins[touch->key];
    size_t high = v->begins[touch->key + 1];
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (v->at[middle].offset <= touch->offset)
            low = middle;
        else
            high = middle;
    }
    return (int64_t)(low - v->begins[touch->key]);
}
