/* view.h - groups as administrators see them. */
#ifndef GROUP_VIEW_H
#define GROUP_VIEW_H

#include "group/decision.h"
#include "group/table.h"

/* A group with its members, copied into the decision. */
struct group_view view_classic(const struct group *group, struct decision *d);
struct group_view view_consumer(const struct group *group, struct decision *d);

/* One that has nothing but a state. */
struct group_view view_bare(struct evl_bytes name, const char *state, struct decision *d);

/* All groups that the filter lets through, without their members. */
struct group_list view_list(const struct group_table *table, const struct group_filter *filter,
                            struct decision *d);

#endif
