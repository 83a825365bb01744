/* groups.h - the positions of groups on a directory: a follower, and a turn, for
 * each partition of __consumer_offsets that somebody asks for.
 *
 * A place has one struct groups, made when it is first needed.  No position is
 * committed that lies behind what readers may see: after a power cut it would
 * stand behind records that take the place of lost ones. */
#ifndef PLACE_GROUPS_H
#define PLACE_GROUPS_H

#include <evl/group.h>

#include "group/group.h"
#include "group/offsets.h"
#include "place/coordinator.h"
#include "place/place.h"

/* One partition of __consumer_offsets. */
struct groups_part {
    struct coordinator *coordinator; /* NULL: not opened yet */
    struct offsets *offsets;
    struct group_table *table; /* what a broker wrote of groups; it is not asked to decide */
    int64_t expired_ms;        /* when its positions were last looked through */
};

/* The part that has a group, caught up.  NULL if there is none, as nobody ever
 * committed here; `make` has it made.  Borrowed until the next call.  NOT_FOUND,
 * in a foreign directory: another broker has it. */
enum evl_error groups_part(struct evl_place *place, const char *group, bool make,
                           struct groups_part **part);

/* Every part that there is: the i'th, caught up; *more is false behind the last
 * one.  NULL too for one of a foreign directory that another broker has. */
enum evl_error groups_part_at(struct evl_place *place, int32_t i, struct groups_part **part,
                              bool *more);

/* Which partition of __consumer_offsets has the group; the topic is made if it is
 * missing. */
enum evl_error groups_partition(struct evl_place *place, const char *group, int32_t *partition);

/* Commit positions: one batch, on the disk when it returns OK.  With a seal they
 * are part of its producer's transaction.  Errors as evl_admin_group_reset(). */
enum evl_error groups_commit(struct evl_place *place, const char *group,
                             const struct evl_position_commit *positions, size_t count,
                             const struct batch_seal *seal);

/* Whether they could be committed. */
enum evl_error groups_check(struct evl_place *place, const char *group,
                            const struct evl_position_commit *positions, size_t count);

/* A group's positions; an unknown group has none.  BUSY, with `require_stable`: a
 * transaction that is not decided has one of them. */
enum evl_error groups_committed(struct evl_place *place, const char *group, bool require_stable,
                                struct evl_offsets *offsets);

/* In a turn: append what was decided.  See coordinator_append(). */
enum evl_error groups_append(struct groups_part *part, const struct keyed_list *list,
                             const struct batch_seal *seal);

/* Add what forgets the records that a broker left of a group. */
void groups_decide_removal(const struct groups_part *part, const char *group,
                           struct decision *decision);

/* The name that the topic of a position has by now: it may have been renamed.
 * False: it was removed, and another has its name.  Borrowed as the position, and
 * until the next directory_refresh(). */
bool groups_topic(const struct evl_place *place, const struct offsets_position *position,
                  struct evl_bytes *name);

/* NULL does nothing. */
void groups_close(struct groups *groups);

#endif
