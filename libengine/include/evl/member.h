/* evl/member.h - processes that share a group's partitions.
 *
 *     evl_member_open(place, &options, &m);
 *     while (...) {
 *         evl_member_poll(m, &news);
 *         ... of news.gained: evl_member_committed(), and read on from there ...
 *         ... of news.asked: finish, evl_member_commit(), evl_member_release() ...
 *         ... some records; evl_member_commit() ...
 *     }
 *     evl_member_close(m);
 *
 * No two members of a group own a partition at the same time: an owner holds a
 * lock of the kernel, which ends with its process.  Of each topic the members
 * that want it own equal shares, within one.  What a member owns stays with it
 * unless that is more than its share.  What a dead one owned is others' within
 * a second. */
#ifndef EVL_MEMBER_H
#define EVL_MEMBER_H

#include <evl/place.h>

struct evl_member;
struct evl_position_commit;

/* Texts are borrowed for the call. */
struct evl_member_options {
    const char *group;
    const char *instance;      /* a static member's name; NULL: dynamic */
    const char *const *topics; /* by name; they may be made later */
    size_t topic_count;
    int64_t session_ms; /* what a static one owned waits for it so long; 0: 45 s */
};

/* Become a member.  BUSY: a living process has this instance, and the fault
 * says which; or the group is being changed.  DENIED: the place cannot be
 * written.  TOO_LARGE: too many topics.  UNAVAILABLE: too many members. */
enum evl_error evl_member_open(struct evl_place *place, const struct evl_member_options *options,
                               struct evl_member **member);

/* Borrowed until the next evl_member_poll(). */
struct evl_lease {
    const char *topic;
    int32_t partition;
};

struct evl_member_news {
    const struct evl_lease *gained; /* owned from now on */
    size_t gained_count;
    const struct evl_lease *asked; /* to be given back; owned until evl_member_release() */
    size_t asked_count;
};

/* Look around, and take what is ours; never waits.  Says what is new since the
 * last call.  Call it between batches, and at least every 200 ms: who does not
 * for half a second counts as asleep, keeps what it owns, and gets no more.
 * With nothing new it makes no system call.  After a failure nothing was gained;
 * it may be called again. */
enum evl_error evl_member_poll(struct evl_member *member, struct evl_member_news *news);

/* Give an owned partition back.  USAGE: it is not owned.  After another failure
 * (NO_SPACE) it is ours as before, and may be asked for again. */
enum evl_error evl_member_release(struct evl_member *member, const char *topic, int32_t partition);

bool evl_member_owns(const struct evl_member *member, const char *topic, int32_t partition);

/* How many are owned. */
size_t evl_member_owned(const struct evl_member *member);

/* ---- positions ------------------------------------------------------------- */

/* Commit positions of owned partitions, on the disk when it returns OK.  USAGE:
 * one is not owned, and nothing was committed.  RANGE: it lies behind what
 * readers may see. */
enum evl_error evl_member_commit(struct evl_member *member, const struct evl_position_commit *at,
                                 size_t count);

/* Where to go on in an owned partition; -1: nobody has committed yet.  USAGE.
 * BUSY: a transaction with a position of it is not decided; try again. */
enum evl_error evl_member_committed(struct evl_member *member, const char *topic, int32_t partition,
                                    int64_t *offset);

/* ---- leaving --------------------------------------------------------------- */

/* Leave.  What a static member owned waits for its session; a dynamic one's is
 * free at once.  NULL does nothing. */
void evl_member_close(struct evl_member *member);

/* ---- looking at members --------------------------------------------------- */

enum evl_member_state {
    EVL_MEMBER_RUNNING,
    EVL_MEMBER_STOPPED, /* by a signal; it keeps what it owns */
    EVL_MEMBER_AWAITED, /* a static member that is gone, within its session */
};

struct evl_group_member {
    const char *group;
    const char *instance; /* NULL: dynamic */
    enum evl_member_state state;
    int32_t pid;               /* AWAITED: which it had */
    int64_t since_ms;          /* since 1970 */
    int64_t session_ms;        /* static members only */
    int64_t left_ms;           /* AWAITED: of the session */
    const char *const *topics; /* what it wants */
    size_t topic_count;
    const struct evl_lease *owned;
    size_t owned_count;
};

/* The members of a group, or of all groups (NULL), in the order in which they
 * count; none is no error.  The caller releases. */
struct evl_group_members {
    struct evl_group_member *at;
    size_t count;
};
enum evl_error evl_admin_group_members(struct evl_place *place, const char *group,
                                       struct evl_group_members *members);
void evl_group_members_release(struct evl_group_members *members);

#endif
