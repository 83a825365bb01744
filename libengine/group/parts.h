/* parts.h - a set of partitions, and since which epoch each is in it.
 *
 * Sorted by topic id and number, each once.  Where two sets meet, the epochs are
 * those of the first. */
#ifndef GROUP_PARTS_H
#define GROUP_PARTS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/uuid.h"

struct part {
    struct uuid topic;
    int32_t number;
    int32_t epoch; /* not part of the identity */
};

struct parts {
    struct part *at;
    size_t count;
};

/* Sort what was filled in any order, and drop what is in it twice. */
void parts_settle(struct parts *p);

bool parts_has(const struct parts *set, const struct part *part, int32_t *epoch /* or NULL */);
bool parts_equal(const struct parts *a, const struct parts *b);
bool parts_within(const struct parts *a, const struct parts *b); /* all of a in b */
bool parts_meet(const struct parts *a, const struct parts *b);   /* any of a in b */

/* In the arena, which has no ceiling. */
struct parts parts_both(const struct parts *a, const struct parts *b, struct arena *arena);
struct parts parts_without(const struct parts *a, const struct parts *b, struct arena *arena);
struct parts parts_joined(const struct parts *a, const struct parts *b, struct arena *arena);

/* On the heap, in place of what was there. */
void parts_replace(struct parts *p, const struct parts *by);

#endif
