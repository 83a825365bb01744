/* members.h - a group that nobody may join for a moment. */
#ifndef PLACE_MEMBERS_H
#define PLACE_MEMBERS_H

#include <evl/member.h>

struct members_hold;

/* See that the group has no living member, and that none appears until
 * members_let_go(): who wants to become one waits.  An awaited one is not
 * living.  BUSY: the fault names a member's process.  DENIED. */
enum evl_error members_hold(struct evl_place *place, const char *group, struct members_hold **hold);

/* NULL does nothing. */
void members_let_go(struct members_hold *hold);

#endif
