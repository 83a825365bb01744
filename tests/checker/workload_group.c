/* workload_group.c - values out of the log as a member of a group.
 *
 * A member polls what it owns from where the group is.  In a group that is
 * exact it does so in transactions only, with the group's positions in them; in
 * others it commits when it likes, or not at all before it gives back. */
#include "checker/workload.h"

#include <inttypes.h>
#include <stdio.h>

#include <evl/group.h>

#include "base/check.h"
#include "base/fault.h"
#include "checker/chance.h"

enum {
    SESSION_MS = 300,
    DRAIN_SECONDS = 20,
    LEAVE_PERCENT = 70, /* commit before they give back */
};

static const struct {
    const char *name;
    bool is_exact;
} groups[GROUPS] = { { "loose", false }, { "exact", true } };

bool worker_is_exact(const struct worker *w) { return w->member && groups[w->group].is_exact; }

/* ---- joining and leaving --------------------------------------------------- */

void worker_leave(struct worker *w)
{
    evl_member_close(w->member);
    w->member = NULL;
    for (int key = 0; key < KEYS; key++)
        w->assigned[key] = w->awaited[key] = false;
}

/* Of both topics, or one; sometimes under a name that the successor of a killed
 * member has as well. */
static enum evl_error join(struct worker *w, bool of_all)
{
    char instance[32];
    int first = of_all ? 0 : (int)chance_below(&w->seed, TOPICS);
    snprintf(instance, sizeof instance, "w%" PRId64, w->slot);
    struct evl_member_options o = { .group = groups[w->group].name,
                                    .topics = workload_topics + first,
                                    .topic_count = 1,
                                    .session_ms = SESSION_MS };
    if (of_all || (first == 0 && chance_toss(&w->seed, 70)))
        o.topic_count = TOPICS;
    if (!of_all && chance_toss(&w->seed, 30))
        o.instance = instance;
    return evl_member_open(w->place, &o, &w->member);
}

static enum evl_error subscribe(struct worker *w, int group, bool of_all)
{
    worker_leave(w);
    w->group = group;
    worker_begin(w, "subscribe");
    w->now.group = groups[group].name;
    worker_invoke(w);
    enum evl_error err = worker_rewind(w);
    if (!err)
        err = join(w, of_all);
    if (!err)
        worker_complete(w, "ok");
    return err;
}

enum evl_error worker_subscribe(struct worker *w)
{
    return subscribe(w, (int)chance_below(&w->seed, GROUPS), false);
}

/* ---- positions ------------------------------------------------------------- */

static int positions_of(struct worker *w, struct evl_position_commit at[KEYS])
{
    int count = 0;
    for (int key = 0; key < KEYS; key++)
        if (w->assigned[key])
            at[count++] = (struct evl_position_commit){
                .topic = workload_topics[workload_keys[key].topic],
                .partition = workload_keys[key].partition,
                .offset = w->now.positions[key],
                .leader_epoch = -1,
            };
    return count;
}

enum evl_error worker_add_positions(struct worker *w)
{
    struct evl_position_commit at[KEYS];
    int count = w->member ? positions_of(w, at) : 0;
    if (count == 0)
        return EVL_OK;
    return evl_transaction_positions(w->transaction, groups[w->group].name, at, (size_t)count);
}

static enum evl_error commit(struct worker *w)
{
    struct evl_position_commit at[KEYS];
    worker_begin(w, "commit");
    memcpy(w->now.positions, w->positions, sizeof w->positions);
    w->now.commits = true;
    worker_invoke(w);
    enum evl_error err = evl_member_commit(w->member, at, (size_t)positions_of(w, at));
    if (!err)
        worker_complete(w, "ok");
    return err;
}

/* Fetch, and forget what came. */
static enum evl_error hurry(struct worker *w)
{
    enum evl_error err = worker_fetch(w, POLL_MAX);
    if (!err)
        worker_keep(w);
    return err;
}

enum evl_error worker_commit(struct worker *w)
{
    if (!w->member || worker_is_exact(w))
        return EVL_OK;
    enum evl_error err = w->o->hasty ? hurry(w) : EVL_OK;
    return err ? err : commit(w);
}

/* ---- gaining and giving back ----------------------------------------------- */

static int key_of_lease(const struct evl_lease *lease)
{
    int key = 0;
    while (workload_keys[key].partition != lease->partition ||
           strcmp(workload_topics[workload_keys[key].topic], lease->topic) != 0)
        check(++key < KEYS);
    return key;
}

static enum evl_error give_back(struct worker *w, const struct evl_lease *lease)
{
    int key = key_of_lease(lease);
    enum evl_error err = EVL_OK;
    if (w->assigned[key] && chance_toss(&w->seed, LEAVE_PERCENT))
        err = worker_commit(w);
    w->moved[key] = w->moved[key] || w->assigned[key];
    w->assigned[key] = w->awaited[key] = false;
    return err ? err : evl_member_release(w->member, lease->topic, lease->partition);
}

/* Begin with what is owned, unless a transaction is about to say where. */
static enum evl_error begin_key(struct worker *w, int key)
{
    const struct workload_key *k = &workload_keys[key];
    int64_t offset;
    enum evl_error err =
        evl_member_committed(w->member, workload_topics[k->topic], k->partition, &offset);
    if (err)
        return err == EVL_ERR_BUSY ? EVL_OK : err;
    w->positions[key] = offset < 0 ? 0 : offset;
    w->awaited[key] = false;
    w->assigned[key] = w->moved[key] = true;
    return EVL_OK;
}

static enum evl_error begin_keys(struct worker *w, bool has_changed)
{
    enum evl_error err = EVL_OK;
    for (int key = 0; key < KEYS && !err; key++) {
        if (!w->awaited[key])
            continue;
        err = begin_key(w, key);
        has_changed = true;
    }
    return has_changed && !err ? worker_rewind(w) : err;
}

enum evl_error worker_look_around(struct worker *w)
{
    struct evl_member_news news;
    enum evl_error err = w->member ? evl_member_poll(w->member, &news) : EVL_OK;
    if (!w->member || err)
        return err;
    for (size_t i = 0; i < news.gained_count; i++)
        w->awaited[key_of_lease(&news.gained[i])] = true;
    for (size_t i = 0; i < news.asked_count && !err; i++)
        err = give_back(w, &news.asked[i]);
    return err ? err : begin_keys(w, news.asked_count > 0);
}

/* ---- the end --------------------------------------------------------------- */

/* Whether it reads all keys, and the last poll brought nothing of them. */
static bool has_drained(const struct worker *w)
{
    bool has = true;
    for (int key = 0; key < KEYS; key++)
        has = has && w->assigned[key] && w->now.polled[key].count == 0;
    return has;
}

static enum evl_error drain(struct worker *w, int group)
{
    int64_t until = workload_now() + (int64_t)DRAIN_SECONDS * 1000000000;
    enum evl_error err = subscribe(w, group, true);
    bool is_done = false;
    while (!err && !is_done) {
        if (workload_now() > until)
            return fail(EVL_ERR_BUSY, "group %s: the only member does not get it all",
                        groups[group].name);
        err = worker_look_around(w);
        if (!err)
            err = worker_poll(w);
        is_done = has_drained(w);
        if (!err)
            err = worker_commit(w);
    }
    return err;
}

enum evl_error worker_drain(struct worker *w)
{
    enum evl_error err = EVL_OK;
    w->is_draining = true;
    for (int group = 0; group < GROUPS && !err; group++)
        err = drain(w, group);
    return err;
}
