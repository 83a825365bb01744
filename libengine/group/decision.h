/* decision.h - what comes out of an event: records, answers, the next timer.
 *
 * Zeroed to begin with, and kept from decision to decision.  All it holds lies in
 * it, until it is cleared: an answer may be sent after the records were applied. */
#ifndef GROUP_DECISION_H
#define GROUP_DECISION_H

#include "base/arena.h"
#include "group/event.h"
#include "proto/keyed.h"

struct decision {
    struct keyed_list records; /* one batch */
    struct group_answer *answers;
    size_t answer_count, answer_room;
    int64_t next_ms; /* when a TIMER event is due; INT64_MAX: never */
    struct arena arena;
};

void decision_clear(struct decision *d);
void decision_release(struct decision *d);

/* One more answer: zeroed but for these.  Valid until the next one. */
struct group_answer *decision_answer(struct decision *d, enum group_event_kind kind, uint64_t token,
                                     enum kafka_error error);

/* Memory, not zeroed, and copies, until the decision is cleared. */
void *decision_take(struct decision *d, size_t count, size_t size);
struct evl_bytes decision_copy(struct decision *d, struct evl_bytes bytes);
struct parts decision_parts(struct decision *d, const struct parts *parts);

#endif
