/* member.h - the inside of one member of a group: what member.c, member_lease.c,
 * member_share.c, member_commit.c share.
 *
 * (1) Who owns a partition holds the lock on its byte.  Nothing else decides;
 *     what slots say serves to share evenly, and to keep a static member's
 *     partitions for it.
 * (2) A lock is taken before its partition is listed in our slot, and listed
 *     there before it is told as gained; it is taken out of the list before the
 *     lock is dropped.  So what a member lists, it holds, until it dies.
 * (3) What somebody else lists is not tried: it is held, or waits for him. */
#ifndef PLACE_MEMBER_H
#define PLACE_MEMBER_H

#include <evl/group.h>
#include <evl/member.h>

#include "place/peers.h"
#include "place/place.h"

/* A partition that we own. */
struct owned {
    size_t topic; /* in says.topics */
    int32_t partition;
    bool asked; /* for its release */
};

/* A list of news. */
struct member_leases {
    struct evl_lease *at;
    size_t count, room;
};

struct evl_member {
    struct evl_place *place;
    struct io *io;
    struct presence *presence;
    struct presence_claim claim;
    uint32_t slot;
    struct subscription says; /* what we say; its bits are what we own */
    struct owned *owned;      /* in the order taken */
    size_t owned_count, owned_room;
    struct peers peers;
    struct member_leases gained, asked; /* the news */
    uint64_t news, version;             /* of ev.members, of the metadata: as far as known */
    bool told;                          /* the news, by the last poll */
    bool planned;                       /* by what is known */
    bool hungry;                        /* there should be more for us */
    int64_t next_beat, next_try;
    struct evl_offsets positions; /* of the group, */
    bool remembers;               /* if they were read since we last looked around */
};

/* ---- member.c ------------------------------------------------------------ */

/* USAGE. */
enum evl_error member_not_owner(const struct evl_member *m, const char *topic, int32_t partition);

/* ---- member_lease.c ------------------------------------------------------ */

/* Own a partition: not listed yet.  BUSY: somebody has it. */
enum evl_error member_take(struct evl_member *m, size_t topic, int32_t partition, int64_t until);

/* Own the i'th no more; it is not listed any longer. */
void member_drop(struct evl_member *m, size_t i);

/* Have this among the news. */
void member_tell(struct evl_member *m, struct member_leases *news, const struct owned *o);

/* Write down what we own, and let others hear of it. */
enum evl_error member_list(struct evl_member *m);

/* The topic that has the name now; NULL: none. */
const struct topic *member_topic_now(const struct evl_member *m, const char *name);

/* Be of the topic that has the name now.  One that is gone, or another, stays
 * what it was for us until we have given back what we own of it. */
void member_topic_adopt(struct evl_member *m, size_t topic);

/* Whether what we own of it is still a partition of the topic of that name. */
bool member_topic_is_there(const struct evl_member *m, size_t topic);

/* ---- member_share.c ------------------------------------------------------ */

/* Take what should be ours, and ask for what should not.  After a failure
 * nothing was taken. */
enum evl_error member_share(struct evl_member *m);

/* ---- member_commit.c ----------------------------------------------------- */

/* What was read of positions may not be true any more. */
void member_forget(struct evl_member *m);

#endif
