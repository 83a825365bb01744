/* decision.c - an arena, a list of records, an array of answers. */
#include "group/decision.h"

#include "base/check.h"
#include "base/memory.h"

void decision_clear(struct decision *d)
{
    /* What goes in was bounded on its way into the event or the state. */
    d->arena.limit = SIZE_MAX;
    arena_reset(&d->arena);
    keyed_list_clear(&d->records);
    d->answer_count = 0;
    d->next_ms = INT64_MAX;
}

void decision_release(struct decision *d)
{
    arena_release(&d->arena);
    keyed_list_release(&d->records);
    memory_free(d->answers);
    *d = (struct decision){ 0 };
}

struct group_answer *decision_answer(struct decision *d, enum group_event_kind kind, uint64_t token,
                                     enum kafka_error error)
{
    if (d->answer_count == d->answer_room) {
        d->answer_room = d->answer_room ? d->answer_room * 2 : 8;
        d->answers = memory_grow(d->answers, d->answer_room, sizeof *d->answers);
    }
    struct group_answer *answer = &d->answers[d->answer_count++];
    *answer = (struct group_answer){ .kind = kind, .token = token, .error = error };
    return answer;
}

void *decision_take(struct decision *d, size_t count, size_t size)
{
    void *at = arena_take(&d->arena, count, size);
    check(at);
    return at;
}

struct evl_bytes decision_copy(struct decision *d, struct evl_bytes bytes)
{
    if (!bytes.at)
        return bytes;
    uint8_t *at = decision_take(d, bytes.count, 1);
    if (bytes.count > 0)
        memcpy(at, bytes.at, bytes.count);
    return evl_bytes(at, bytes.count);
}

struct parts decision_parts(struct decision *d, const struct parts *parts)
{
    struct parts copy = { decision_take(d, parts->count, sizeof *copy.at), parts->count };
    if (parts->count > 0)
        memcpy(copy.at, parts->at, parts->count * sizeof *copy.at);
    return copy;
}
