/* group.h - the coordinator of one partition of __consumer_offsets: what is to
 * be written and answered when something happens to its groups.
 *
 *     table = group_table_create(&settings);
 *     group_apply(table, &record)             each record there is
 *     group_decide(table, &loaded, &d)        from now on it answers
 *     ...
 *     group_decide(table, &event, &d)
 *       append d.records as one batch, sync
 *       group_apply(table, &record)           each of them
 *       send d.answers
 *       wait for an event, until d.next_ms
 *
 * What a restart must know changes through group_apply() alone.  Timers, answers
 * that wait, and a classic rebalance that is under way are soft: group_decide()
 * changes them, and a restart begins without.  Between a decision with records and
 * their application nothing else is decided.
 *
 * Topics are soft as well: whoever loads says what topics there are (TOPICS)
 * before LOADED, and again when they change. */
#ifndef GROUP_GROUP_H
#define GROUP_GROUP_H

#include <evl/record.h>

#include "group/decision.h"
#include "group/event.h"
#include "group/table.h"

/* Clears `d` first. */
void group_decide(struct group_table *table, const struct group_event *event, struct decision *d);

/* The records of the last decision cannot be written: its answers become this
 * error, its records vanish, and what it began is undone by a rebalance. */
void group_not_written(struct group_table *table, int64_t now_ms, enum kafka_error error,
                       struct decision *d);

/* Apply one record; those of other things (positions, share groups) change
 * nothing.  CORRUPT, PROTOCOL: it is malformed, or of a newer release; nothing is
 * changed then. */
enum evl_error group_apply(struct group_table *table, const struct evl_record *record);

/* ---- asking -------------------------------------------------------------- */

/* Since when a group has had no members, for the expiry of its positions: -1 if it
 * has some, INT64_MIN if there is no such group (or it does not say), so that each
 * position's own age counts. */
int64_t group_empty_since(const struct group_table *table, struct evl_bytes group);

/* Does a member of the group subscribe to the topic? */
bool group_subscribes(const struct group_table *table, struct evl_bytes group,
                      struct evl_bytes topic);

/* The regular expression that a member of a consumer group subscribes by; null:
 * none.  Borrowed until the next record. */
struct evl_bytes group_member_regex(const struct group_table *table, struct evl_bytes group,
                                    struct evl_bytes member);

#endif
