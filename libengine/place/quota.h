/* quota.h - how many partitions of each topic a member of a group should own.
 *
 * Every member works it out for itself, from what all say; who sees the same
 * comes to the same numbers, and nobody need agree on more.  Those who look
 * around share what is left over by those who do not: a member that is stopped,
 * or gone and awaited, keeps what it owns, and gets nothing.
 *
 * Among P partitions and M members each gets P / M, and the first P % M one more
 * - the first counted from another one for each topic, so that many small topics
 * do not all go to the same members. */
#ifndef PLACE_QUOTA_H
#define PLACE_QUOTA_H

#include "place/subscription.h"

/* A member, as seen by the one who counts. */
struct quota_member {
    const struct subscription *says;
    bool awake;
};

/* All of a group, in the order of their slots. */
struct quota_group {
    struct quota_member *members;
    size_t count;
    size_t self; /* who counts; awake */
};

/* One topic's share. */
struct quota {
    int32_t most;    /* what we should own */
    int32_t first;   /* where to look first for it, so that members seldom meet */
    uint8_t *listed; /* bits: what others say they own; the caller frees */
};

/* `before`: how many partitions the topics of the group have that sort before
 * this one, which we want. */
void quota_count(const struct quota_group *group, const struct subscription_topic *topic,
                 int64_t before, struct quota *quota);

#endif
