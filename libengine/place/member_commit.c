/* member_commit.c - the positions of what a member owns.
 *
 * Nobody else commits the position of a partition while we own it.  So what was
 * read of them after a lock was taken is true until we commit ourselves. */
#include <inttypes.h>

#include "base/fault.h"
#include "place/groups.h"
#include "place/member.h"
#include "place/transactions.h"

enum evl_error evl_member_commit(struct evl_member *m, const struct evl_position_commit *at,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!evl_member_owns(m, at[i].topic, at[i].partition))
            return member_not_owner(m, at[i].topic, at[i].partition);
    member_forget(m);
    return count > 0 ? groups_commit(m->place, m->says.group, at, count, NULL) : EVL_OK;
}

/* All of the group at once: who gains many asks for many. */
static enum evl_error member_remember(struct evl_member *m)
{
    if (m->remembers)
        return EVL_OK;
    enum evl_error err = groups_committed(m->place, m->says.group, false, &m->positions);
    m->remembers = !err;
    return err;
}

void member_forget(struct evl_member *m)
{
    if (m->remembers)
        evl_offsets_release(&m->positions);
    m->remembers = false;
}

static const struct evl_committed *find_position(const struct evl_offsets *positions,
                                                 const char *topic, int32_t partition)
{
    size_t from = 0;
    size_t to = positions->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const struct evl_committed *at = &positions->at[middle];
        int order = strcmp(at->topic, topic);
        if (order == 0 && at->partition == partition)
            return at;
        if (order < 0 || (order == 0 && at->partition < partition))
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

/* What we know of an owned partition's position; NULL: nothing.  One that is
 * pending is most likely a dead member's, who lost the partition to us: whoever
 * left a transaction, it is ended first. */
static enum evl_error member_position(struct evl_member *m, const char *topic, int32_t partition,
                                      const struct evl_committed **at)
{
    bool any = false;
    enum evl_error err = member_remember(m);
    if (!err)
        *at = find_position(&m->positions, topic, partition);
    if (err || !*at || !(*at)->pending)
        return err;
    err = transactions_settle(m->place, &any);
    if (err || !any)
        return err;
    member_forget(m);
    err = member_remember(m);
    if (!err)
        *at = find_position(&m->positions, topic, partition);
    return err;
}

enum evl_error evl_member_committed(struct evl_member *m, const char *topic, int32_t partition,
                                    int64_t *offset)
{
    const struct evl_committed *at = NULL;
    if (!evl_member_owns(m, topic, partition))
        return member_not_owner(m, topic, partition);
    enum evl_error err = member_position(m, topic, partition, &at);
    if (err)
        return err;
    if (at && at->pending) {
        member_forget(m);
        return fail(EVL_ERR_BUSY,
                    "group %s: a transaction that is not decided has a position of %s-%" PRId32
                    "; try again",
                    m->says.group, topic, partition);
    }
    *offset = at ? at->offset : -1;
    return EVL_OK;
}
