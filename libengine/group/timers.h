/* timers.h - what is due, and when: a heap whose members live elsewhere.
 *
 * A zeroed timer is one that is not set.  Whoever owns it unsets it before it
 * goes away. */
#ifndef GROUP_TIMERS_H
#define GROUP_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct timer {
    int64_t due_ms;
    size_t place; /* in the heap, from 1 on; 0: not set */
};

/* Zeroed to begin with. */
struct timers {
    struct timer **heap; /* [0] is the first that is due */
    size_t count, room;
};

/* Set, or set again. */
void timers_set(struct timers *t, struct timer *timer, int64_t due_ms);

/* It may be unset already. */
void timers_unset(struct timers *t, struct timer *timer);

/* When the first is due; INT64_MAX: there is none. */
int64_t timers_next(const struct timers *t);

/* Take the first out if it is due by now; NULL if not. */
struct timer *timers_take(struct timers *t, int64_t now_ms);

void timers_release(struct timers *t);

#endif
