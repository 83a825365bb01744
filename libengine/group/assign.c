/* assign.c - five ways to share.
 *
 * (1) A partition's owner subscribes to its topic.
 * (2) Sticky: each move makes the sum of the squared loads smaller, so it ends. */
#include "group/assign.h"

#include <string.h>

#include "base/memory.h"

enum { NOBODY = -1 };

/* What all of them work with: who subscribes to which topic. */
struct sharing {
    const struct assign *a;
    size_t *first;   /* per topic: the number of its partition 0 */
    size_t *begin;   /* per topic: where its subscribers begin; one more ends the last */
    size_t *members; /* the subscribers, topic by topic, in order */
    size_t *load;    /* per member */
    int32_t *owner;
};

size_t assign_total(const struct assign *a)
{
    size_t total = 0;
    for (size_t t = 0; t < a->topic_count; t++)
        total += (size_t)a->partitions[t];
    return total;
}

static void count_subscribers(struct sharing *s)
{
    const struct assign *a = s->a;
    for (size_t m = 0; m < a->member_count; m++)
        for (size_t i = 0; i < a->members[m].topic_count; i++)
            s->begin[a->members[m].topics[i] + 1]++;
    for (size_t t = 0; t < a->topic_count; t++)
        s->begin[t + 1] += s->begin[t];
}

static void list_subscribers(struct sharing *s)
{
    const struct assign *a = s->a;
    size_t *next = memory_take(a->topic_count + 1, sizeof *next);
    memcpy(next, s->begin, a->topic_count * sizeof *next);
    s->members = memory_take(s->begin[a->topic_count] + 1, sizeof *s->members);
    for (size_t m = 0; m < a->member_count; m++)
        for (size_t i = 0; i < a->members[m].topic_count; i++)
            s->members[next[a->members[m].topics[i]]++] = m;
    memory_free(next);
}

static void sharing_begin(struct sharing *s, const struct assign *a, int32_t *owner)
{
    *s = (struct sharing){ .a = a, .owner = owner };
    s->first = memory_take(a->topic_count + 1, sizeof *s->first);
    s->begin = memory_take(a->topic_count + 1, sizeof *s->begin);
    s->load = memory_take(a->member_count + 1, sizeof *s->load);
    for (size_t t = 0; t < a->topic_count; t++)
        s->first[t + 1] = s->first[t] + (size_t)a->partitions[t];
    for (size_t i = 0; i < s->first[a->topic_count]; i++)
        owner[i] = NOBODY;
    count_subscribers(s);
    list_subscribers(s);
}

static void sharing_end(struct sharing *s)
{
    memory_free(s->first);
    memory_free(s->begin);
    memory_free(s->members);
    memory_free(s->load);
}

static void give(struct sharing *s, size_t partition, size_t member)
{
    if (s->owner[partition] != NOBODY)
        s->load[s->owner[partition]]--;
    s->owner[partition] = (int32_t)member;
    s->load[member]++;
}

/* ---- range, round robin -------------------------------------------------- */

void assign_range(const struct assign *a, int32_t *owner)
{
    struct sharing s;
    sharing_begin(&s, a, owner);
    for (size_t t = 0; t < a->topic_count; t++) {
        size_t subscribers = s.begin[t + 1] - s.begin[t];
        size_t partitions = (size_t)a->partitions[t];
        size_t p = s.first[t];
        for (size_t i = 0; i < subscribers; i++) {
            size_t share = partitions / subscribers + (i < partitions % subscribers);
            while (share-- > 0)
                give(&s, p++, s.members[s.begin[t] + i]);
        }
    }
    sharing_end(&s);
}

static bool subscribes(const struct assign_member *m, size_t topic)
{
    size_t i = 0;
    while (i < m->topic_count && m->topics[i] < topic)
        i++;
    return i < m->topic_count && m->topics[i] == topic;
}

void assign_roundrobin(const struct assign *a, int32_t *owner)
{
    struct sharing s;
    size_t turn = 0;
    sharing_begin(&s, a, owner);
    for (size_t t = 0; t < a->topic_count; t++) {
        if (s.begin[t] == s.begin[t + 1])
            continue; /* nobody wants it */
        for (size_t p = s.first[t]; p < s.first[t + 1]; p++) {
            while (!subscribes(&a->members[turn], t))
                turn = (turn + 1) % a->member_count;
            give(&s, p, turn);
            turn = (turn + 1) % a->member_count;
        }
    }
    sharing_end(&s);
}

/* ---- sticky -------------------------------------------------------------- */

/* Who has what by now, subscribed or not: by the latest claim, or the first of
 * equal ones. */
static void find_holders(const struct sharing *s, int32_t *holder)
{
    const struct assign *a = s->a;
    for (size_t i = 0; i < s->first[a->topic_count]; i++)
        holder[i] = NOBODY;
    for (size_t m = 0; m < a->member_count; m++)
        for (size_t i = 0; i < a->members[m].owned_count; i++) {
            struct assign_place at = a->members[m].owned[i];
            if (at.partition < 0 || at.partition >= a->partitions[at.topic])
                continue;
            int32_t *h = &holder[s->first[at.topic] + (size_t)at.partition];
            if (*h == NOBODY || a->members[m].generation > a->members[*h].generation)
                *h = (int32_t)m;
        }
}

/* The subscriber with the least; there is one. */
static size_t lightest(const struct sharing *s, size_t topic)
{
    size_t best = s->members[s->begin[topic]];
    for (size_t i = s->begin[topic] + 1; i < s->begin[topic + 1]; i++)
        if (s->load[s->members[i]] < s->load[best])
            best = s->members[i];
    return best;
}

static void keep(struct sharing *s, const int32_t *holder)
{
    for (size_t t = 0; t < s->a->topic_count; t++)
        for (size_t p = s->first[t]; p < s->first[t + 1]; p++)
            if (holder[p] != NOBODY && subscribes(&s->a->members[holder[p]], t))
                give(s, p, (size_t)holder[p]);
}

static void fill(struct sharing *s)
{
    for (size_t t = 0; t < s->a->topic_count; t++)
        for (size_t p = s->first[t]; p < s->first[t + 1]; p++)
            if (s->owner[p] == NOBODY && s->begin[t] < s->begin[t + 1])
                give(s, p, lightest(s, t));
}

/* Move from the heavy to the light, once through a topic. */
static bool even_topic(struct sharing *s, size_t topic)
{
    bool moved = false;
    if (s->begin[topic] == s->begin[topic + 1])
        return false;
    size_t light = lightest(s, topic);
    for (size_t p = s->first[topic]; p < s->first[topic + 1]; p++) {
        if (s->load[s->owner[p]] < s->load[light] + 2)
            continue;
        give(s, p, light);
        light = lightest(s, topic);
        moved = true;
    }
    return moved;
}

static void share_sticky(struct sharing *s, const int32_t *holder)
{
    bool moved = true;
    keep(s, holder);
    fill(s);
    while (moved) {
        moved = false;
        for (size_t t = 0; t < s->a->topic_count; t++)
            moved |= even_topic(s, t);
    }
}

void assign_sticky(const struct assign *a, int32_t *owner)
{
    struct sharing s;
    sharing_begin(&s, a, owner);
    int32_t *holder = memory_take(s.first[a->topic_count] + 1, sizeof *holder);
    find_holders(&s, holder);
    share_sticky(&s, holder);
    memory_free(holder);
    sharing_end(&s);
}

void assign_cooperative(const struct assign *a, int32_t *owner)
{
    struct sharing s;
    sharing_begin(&s, a, owner);
    int32_t *holder = memory_take(s.first[a->topic_count] + 1, sizeof *holder);
    find_holders(&s, holder);
    share_sticky(&s, holder);
    for (size_t p = 0; p < s.first[a->topic_count]; p++)
        if (holder[p] != NOBODY && holder[p] != owner[p])
            owner[p] = NOBODY;
    memory_free(holder);
    sharing_end(&s);
}

/* ---- by name ------------------------------------------------------------- */

assign_function *assign_of_server(const char *name, size_t count)
{
    if (count == 7 && memcmp(name, "uniform", 7) == 0)
        return assign_sticky;
    if (count == 5 && memcmp(name, "range", 5) == 0)
        return assign_range;
    return NULL;
}
