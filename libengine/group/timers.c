/* timers.c - a binary heap; each timer knows its place, so that it can leave. */
#include "group/timers.h"

#include <stdbool.h>

#include "base/check.h"
#include "base/memory.h"

static void put(struct timers *t, size_t i, struct timer *timer)
{
    t->heap[i] = timer;
    timer->place = i + 1;
}

static void rise(struct timers *t, size_t i, struct timer *timer)
{
    for (; i > 0 && t->heap[(i - 1) / 2]->due_ms > timer->due_ms; i = (i - 1) / 2)
        put(t, i, t->heap[(i - 1) / 2]);
    put(t, i, timer);
}

static void sink(struct timers *t, size_t i, struct timer *timer)
{
    for (size_t child; (child = 2 * i + 1) < t->count; i = child) {
        if (child + 1 < t->count && t->heap[child + 1]->due_ms < t->heap[child]->due_ms)
            child++;
        if (t->heap[child]->due_ms >= timer->due_ms)
            break;
        put(t, i, t->heap[child]);
    }
    put(t, i, timer);
}

void timers_set(struct timers *t, struct timer *timer, int64_t due_ms)
{
    timers_unset(t, timer);
    if (t->count == t->room) {
        t->room = t->room ? t->room * 2 : 16;
        t->heap = memory_grow(t->heap, t->room, sizeof(struct timer *));
    }
    timer->due_ms = due_ms;
    rise(t, t->count++, timer);
}

void timers_unset(struct timers *t, struct timer *timer)
{
    if (timer->place == 0)
        return;
    size_t hole = timer->place - 1;
    check(hole < t->count && t->heap[hole] == timer);
    struct timer *last = t->heap[--t->count];
    timer->place = 0;
    if (last == timer)
        return;
    put(t, hole, last);
    rise(t, hole, last);
    sink(t, last->place - 1, last);
}

int64_t timers_next(const struct timers *t) { return t->count ? t->heap[0]->due_ms : INT64_MAX; }

struct timer *timers_take(struct timers *t, int64_t now_ms)
{
    if (timers_next(t) > now_ms)
        return NULL;
    struct timer *first = t->heap[0];
    timers_unset(t, first);
    return first;
}

void timers_release(struct timers *t)
{
    check(t->count == 0);
    memory_free(t->heap);
    *t = (struct timers){ 0 };
}
