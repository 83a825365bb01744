/* evtopic_group.h - what the commands about consumer groups share. */
#ifndef CMD_EVTOPIC_GROUP_H
#define CMD_EVTOPIC_GROUP_H

#include <evl/group.h>

#include "evtopic.h"

/* TOPIC or TOPIC:0,2-4 of a -t. */
struct group_target {
    char *topic;
    struct partition_list list;
};

struct group_targets {
    struct group_target *at;
    size_t count; /* 0: all that the group has */
};
int group_targets_read(struct group_targets *targets, const struct words *texts);
void group_targets_release(struct group_targets *targets);
bool group_targets_have(const struct group_targets *targets, const char *topic, int32_t partition);

/* Positions that are to be committed. */
struct group_plan {
    struct evl_position_commit *at;
    size_t count, room;
};
void group_plan_add(struct group_plan *plan, const char *topic, int32_t partition, int64_t offset);
void group_plan_release(struct group_plan *plan);

/* How many records of a partition lie behind a committed offset; -1: not known,
 * as the partition is not there any more. */
int64_t group_lag(struct evtopic *t, const struct evl_committed *committed, int64_t *end);

/* Of a whole group, as far as it is known. */
enum evl_error group_lag_sum(struct evtopic *t, const char *group, int64_t *sum);

#endif
