/* parts.c - sorted arrays, merged. */
#include "group/parts.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

static int compare(const void *a, const void *b)
{
    const struct part *left = a;
    const struct part *right = b;
    int order = memcmp(left->topic.at, right->topic.at, sizeof left->topic.at);
    return order ? order : (left->number > right->number) - (left->number < right->number);
}

void parts_settle(struct parts *p)
{
    size_t count = 0;
    if (p->count > 1)
        qsort(p->at, p->count, sizeof *p->at, compare);
    for (size_t i = 0; i < p->count; i++)
        if (i == 0 || compare(&p->at[i], &p->at[count - 1]) != 0)
            p->at[count++] = p->at[i];
    p->count = count;
}

bool parts_has(const struct parts *set, const struct part *part, int32_t *epoch)
{
    const struct part *found =
        set->count ? bsearch(part, set->at, set->count, sizeof *part, compare) : NULL;
    if (found && epoch)
        *epoch = found->epoch;
    return found != NULL;
}

bool parts_equal(const struct parts *a, const struct parts *b)
{
    return a->count == b->count && parts_within(a, b);
}

bool parts_within(const struct parts *a, const struct parts *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (!parts_has(b, &a->at[i], NULL))
            return false;
    return true;
}

bool parts_meet(const struct parts *a, const struct parts *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (parts_has(b, &a->at[i], NULL))
            return true;
    return false;
}

static struct parts room(size_t count, struct arena *arena)
{
    struct parts p = { .at = arena_take(arena, count, sizeof *p.at) };
    check(p.at);
    return p;
}

static struct parts select_by(const struct parts *a, const struct parts *b, bool in,
                              struct arena *arena)
{
    struct parts out = room(a->count, arena);
    for (size_t i = 0; i < a->count; i++)
        if (parts_has(b, &a->at[i], NULL) == in)
            out.at[out.count++] = a->at[i];
    return out;
}

struct parts parts_both(const struct parts *a, const struct parts *b, struct arena *arena)
{
    return select_by(a, b, true, arena);
}

struct parts parts_without(const struct parts *a, const struct parts *b, struct arena *arena)
{
    return select_by(a, b, false, arena);
}

struct parts parts_joined(const struct parts *a, const struct parts *b, struct arena *arena)
{
    struct parts out = room(a->count + b->count, arena);
    struct parts more = parts_without(b, a, arena);
    for (size_t i = 0; i < a->count; i++)
        out.at[out.count++] = a->at[i];
    for (size_t i = 0; i < more.count; i++)
        out.at[out.count++] = more.at[i];
    parts_settle(&out);
    return out;
}

void parts_replace(struct parts *p, const struct parts *by)
{
    struct part *at = NULL;
    if (by->count > 0) {
        at = memory_take(by->count, sizeof *at);
        memcpy(at, by->at, by->count * sizeof *at);
    }
    memory_free(p->at);
    *p = (struct parts){ at, by->count };
}
