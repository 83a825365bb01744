/* evl/group.h - groups of consumers, and their positions. */
#ifndef EVL_GROUP_H
#define EVL_GROUP_H

#include <evl/place.h>

/* A position of a group, to be committed. */
struct evl_position_commit {
    const char *topic;
    int32_t partition;
    int64_t offset;       /* of the next record that the group wants */
    int32_t leader_epoch; /* -1: not known */
    const char *metadata; /* or NULL */
};

#endif
