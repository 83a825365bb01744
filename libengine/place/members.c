/* members.c - the members of a group seen from outside: who they are, and that
 * there are none. */
#include <inttypes.h>

#include "base/fault.h"
#include "base/memory.h"
#include "place/members.h"
#include "place/place.h"
#include "place/presence.h"

/* ---- looking ------------------------------------------------------------- */

/* A text that the list owns. */
static void free_text(const char *text) { memory_free((char *)(uintptr_t)text); }

static void member_topics(struct evl_group_member *member, const struct subscription *s)
{
    size_t owned = 0;
    const char **topics = memory_take(s->topic_count + 1, sizeof *topics);
    for (size_t i = 0; i < s->topic_count; i++) {
        topics[i] = memory_text(s->topics[i].name);
        for (int32_t p = 0; p < s->topics[i].partitions; p++)
            owned += subscription_has(&s->topics[i], p);
    }
    struct evl_lease *leases = memory_take(owned + 1, sizeof *leases);
    for (size_t i = 0; i < s->topic_count; i++)
        for (int32_t p = 0; p < s->topics[i].partitions; p++)
            if (subscription_has(&s->topics[i], p))
                leases[member->owned_count++] = (struct evl_lease){ topics[i], p };
    member->topics = topics;
    member->topic_count = s->topic_count;
    member->owned = leases;
}

static void members_add(struct evl_group_members *all, const struct subscription *s,
                        enum evl_member_state state, int64_t left_ms)
{
    struct evl_group_member member = { .group = memory_text(s->group),
                                       .state = state,
                                       .pid = s->pid,
                                       .since_ms = s->since_ms,
                                       .session_ms = s->session_ms,
                                       .left_ms = left_ms };
    if (*s->instance)
        member.instance = memory_text(s->instance);
    member_topics(&member, s);
    if ((all->count & (all->count + 1)) == 0) /* at each power of two, less one */
        all->at = memory_grow(all->at, 2 * all->count + 1, sizeof *all->at);
    all->at[all->count++] = member;
}

/* One that is gone, or says nothing that can be read, is left out. */
static enum evl_error slot_look(struct io *io, struct presence *p, uint32_t slot,
                                struct evl_group_members *all)
{
    struct subscription says;
    uint64_t version;
    bool alive;
    enum evl_error err = presence_is_alive(p, slot, &alive);
    if (err)
        return err;
    int64_t left = alive ? 0 : presence_reserved_ms(p, slot);
    if (!alive && left == 0)
        return EVL_OK;
    err = presence_read(p, slot, &says, &version);
    if (err)
        return err == EVL_ERR_CORRUPT ? EVL_OK : err;
    enum evl_member_state state = EVL_MEMBER_AWAITED;
    if (alive)
        state = io_process(io, says.pid) == IO_STOPPED ? EVL_MEMBER_STOPPED : EVL_MEMBER_RUNNING;
    members_add(all, &says, state, left);
    subscription_release(&says);
    return EVL_OK;
}

enum evl_error evl_admin_group_members(struct evl_place *place, const char *group,
                                       struct evl_group_members *members)
{
    struct presence *p;
    struct evl_group_members all = { 0 };
    uint64_t hash = group ? presence_group(group) : 0;
    enum evl_error err = presence_open(place->io, directory_path(place->directory), false, &p);
    if (err)
        return err;
    uint32_t slots = presence_slots(p);
    for (uint32_t slot = 0; slot < slots && !err; slot++) {
        uint64_t of = presence_get(p, slot, PRESENCE_GROUP);
        if (of != 0 && (!group || of == hash))
            err = slot_look(place->io, p, slot, &all);
    }
    presence_close(p);
    if (err) {
        evl_group_members_release(&all);
        return err;
    }
    *members = all;
    return EVL_OK;
}

void evl_group_members_release(struct evl_group_members *members)
{
    for (size_t i = 0; i < members->count; i++) {
        struct evl_group_member *m = &members->at[i];
        free_text(m->group);
        free_text(m->instance);
        for (size_t t = 0; t < m->topic_count; t++)
            free_text(m->topics[t]);
        memory_free((char **)(uintptr_t)m->topics);
        memory_free((struct evl_lease *)(uintptr_t)m->owned);
    }
    memory_free(members->at);
    *members = (struct evl_group_members){ 0 };
}

/* ---- holding ------------------------------------------------------------- */

struct members_hold {
    struct presence *presence;
};

/* A process that is a member; 0 if none can be named. */
static int32_t member_pid(const struct presence *p, uint64_t group)
{
    for (uint32_t slot = 0; slot < presence_slots(p); slot++) {
        bool alive = false;
        if (presence_get(p, slot, PRESENCE_GROUP) == group &&
            presence_is_alive(p, slot, &alive) == EVL_OK && alive)
            return (int32_t)presence_get(p, slot, PRESENCE_PID);
    }
    return 0;
}

static enum evl_error hold_busy(const struct presence *p, const char *group)
{
    int32_t pid = member_pid(p, presence_group(group));
    if (pid == 0)
        return fail(EVL_ERR_BUSY, "group %s is in use; try again", group);
    return fail(EVL_ERR_BUSY, "group %s has members, process %" PRId32 " is one; end them first",
                group, pid);
}

enum evl_error members_hold(struct evl_place *place, const char *group, struct members_hold **hold)
{
    struct presence *p;
    const struct directory *d = place->directory;
    if (!directory_is_writable(d))
        return fail(EVL_ERR_DENIED, "%s cannot be written, its groups cannot be changed",
                    directory_path(d));
    enum evl_error err = presence_open(place->io, directory_path(d), true, &p);
    if (err)
        return err;
    err = presence_lock(p, presence_group_byte(presence_group(group)), IO_EXCLUSIVE, 0);
    if (err) {
        err = err == EVL_ERR_BUSY ? hold_busy(p, group) : err;
        presence_close(p);
        return err;
    }
    *hold = memory_take(1, sizeof **hold);
    (*hold)->presence = p;
    return EVL_OK;
}

void members_let_go(struct members_hold *hold)
{
    if (!hold)
        return;
    presence_close(hold->presence);
    memory_free(hold);
}
