/* groups.h - positions of groups, for members and transactions. */
#ifndef PLACE_GROUPS_H
#define PLACE_GROUPS_H

#include <evl/group.h>

#include "record/batch.h"

/* Commit positions, on the disk when it returns OK; with a seal, as part of that
 * producer's transaction. */
enum evl_error groups_commit(struct evl_place *place, const char *group,
                             const struct evl_position_commit *at, size_t count,
                             const struct batch_seal *seal);

#endif
