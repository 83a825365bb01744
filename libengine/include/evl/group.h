/* evl/group.h - consumer groups: where they are, and changes of that.
 *
 * A group's position in a partition is the offset of the next record that it
 * wants.  Positions are records of __consumer_offsets, as Kafka writes them;
 * they expire a week after the last commit, if the group has no members then.
 * A position follows its topic when that is renamed, and is nobody's when the
 * topic was removed and another has its name. */
#ifndef EVL_GROUP_H
#define EVL_GROUP_H

#include <evl/member.h>
#include <evl/place.h>

/* A position to be committed. */
struct evl_position_commit {
    const char *topic;
    int32_t partition;
    int64_t offset;
    int32_t leader_epoch; /* -1: not known */
    const char *metadata; /* a word of the consumer's own, 4096 bytes at the most; or NULL */
};

/* A position as it is. */
struct evl_committed {
    const char *topic;
    int32_t partition;
    int64_t offset; /* -1: none yet, but one is pending */
    int32_t leader_epoch;
    const char *metadata; /* never NULL */
    int64_t committed_ms;
    bool pending; /* a transaction that is not decided has another one */
};

/* Sorted by topic and partition. */
struct evl_offsets {
    struct evl_committed *at;
    size_t count;
};
void evl_offsets_release(struct evl_offsets *offsets);

/* ---- looking -------------------------------------------------------------- */

struct evl_group {
    const char *name;
    const char *state;    /* Kafka's words: "Empty", "Stable" */
    const char *protocol; /* "consumer"; "" if only positions are known of it */
    int32_t members;      /* living ones, and those that are awaited */
    int32_t partitions;   /* that it has a position in */
};

/* All groups that have positions or members, sorted by name. */
struct evl_groups {
    struct evl_group *at;
    size_t count;
};
enum evl_error evl_admin_groups(struct evl_place *place, struct evl_groups *groups);
void evl_groups_release(struct evl_groups *groups);

/* A group's positions.  NOT_FOUND, with the name that was perhaps meant: there is
 * no such group. */
enum evl_error evl_admin_group_offsets(struct evl_place *place, const char *group,
                                       struct evl_offsets *offsets);

/* ---- changing ------------------------------------------------------------- */

/* Each is one atomic change, on the disk when it returns OK; `dry` finds out
 * whether it could be made, and makes none.  BUSY: the group has living members;
 * DENIED: the place cannot be written. */

/* Set positions; the group need not exist.  NOT_FOUND: no such topic or
 * partition; RANGE: the offset lies behind what readers may see; TOO_LARGE:
 * metadata; USAGE: no name, or no offset. */
enum evl_error evl_admin_group_reset(struct evl_place *place, const char *group,
                                     const struct evl_position_commit *positions, size_t count,
                                     bool dry);

/* Forget a group with all its positions.  NOT_FOUND. */
enum evl_error evl_admin_group_remove(struct evl_place *place, const char *group, bool dry);

/* Forget some of its positions.  NOT_FOUND: no such group, or it has no position
 * in one of them. */
enum evl_error evl_admin_group_remove_offsets(struct evl_place *place, const char *group,
                                              const struct evl_topic_partition *partitions,
                                              size_t count, bool dry);

#endif
