/* member.c - a member of a group: it joins, looks around, gives back, leaves. */
#include "place/member.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/plant.h"

enum {
    SESSION_MS = 45000,
    RESTORE_MS = 500, /* for others to let go of what is a static member's */
};

/* ---- joining ------------------------------------------------------------- */

static void member_subscribe(struct evl_member *m, const struct evl_member_options *o)
{
    const char **names = memory_take(o->topic_count, sizeof *names);
    memcpy(names, o->topics, o->topic_count * sizeof *names);
    qsort(names, o->topic_count, sizeof *names, subscription_compare);
    m->says.topics = memory_take(o->topic_count, sizeof *m->says.topics);
    for (size_t i = 0; i < o->topic_count; i++) {
        if (i > 0 && strcmp(names[i], names[i - 1]) == 0)
            continue;
        struct subscription_topic *t = &m->says.topics[m->says.topic_count++];
        t->name = memory_text(names[i]);
        t->owned = memory_take(1, 1);
    }
    memory_free(names);
}

/* Who has the instance; 0 if that is not known. */
static int32_t instance_pid(const struct evl_member *m)
{
    for (uint32_t slot = 0; slot < presence_slots(m->presence); slot++)
        if (presence_get(m->presence, slot, PRESENCE_GROUP) == m->claim.group &&
            presence_get(m->presence, slot, PRESENCE_INSTANCE) == m->claim.instance)
            return (int32_t)presence_get(m->presence, slot, PRESENCE_PID);
    return 0;
}

static enum evl_error instance_busy(const struct evl_member *m)
{
    int32_t pid = instance_pid(m);
    if (pid == 0)
        return fail(EVL_ERR_BUSY, "another process has the instance %s; give this one another name",
                    m->says.instance);
    return fail(EVL_ERR_BUSY,
                "process %" PRId32 "%s has the instance %s; end it, or give this one another name",
                pid, io_process(m->io, pid) == IO_STOPPED ? ", which is stopped," : "",
                m->says.instance);
}

/* Be of the group, and be the only one of this instance. */
static enum evl_error member_enter(struct evl_member *m, int64_t until)
{
    enum evl_error err =
        presence_lock(m->presence, presence_group_byte(m->claim.group), IO_SHARED, until);
    if (err == EVL_ERR_BUSY)
        return fail(err, "somebody is changing it; try again");
    if (err || m->claim.instance == 0)
        return err;
    err = presence_lock(m->presence, presence_instance_byte(m->claim.instance), IO_KEPT, 0);
    return err == EVL_ERR_BUSY ? instance_busy(m) : err;
}

/* Say of a topic what this instance owned of it. */
static void announce_topic(struct subscription_topic *now, const struct subscription *before)
{
    const struct subscription_topic *then = subscription_topic(before, now->name);
    if (then && uuid_equal(&then->id, &now->id))
        for (int32_t p = 0; p < now->partitions; p++)
            subscription_set(now, p, subscription_has(then, p));
}

static enum evl_error restore_topic(struct evl_member *m, size_t topic, int64_t until)
{
    struct subscription_topic *t = &m->says.topics[topic];
    enum evl_error err = EVL_OK;
    for (int32_t p = 0; p < t->partitions && !err; p++) {
        if (!subscription_has(t, p))
            continue;
        err = member_take(m, topic, p, until);
        if (err == EVL_ERR_BUSY) { /* the session ended just now */
            subscription_set(t, p, false);
            err = EVL_OK;
        }
    }
    return err;
}

/* Take back what this instance owned, as far as it waited for us.  It is
 * announced first: who has just taken some of it, knowing less than we do, sees
 * that and lets go. */
static enum evl_error member_restore(struct evl_member *m)
{
    struct subscription before;
    uint64_t version;
    if (presence_reserved_ms(m->presence, m->slot) == 0)
        return EVL_OK;
    enum evl_error err = presence_read(m->presence, m->slot, &before, &version);
    if (err)
        return err == EVL_ERR_CORRUPT ? EVL_OK : err; /* then nobody knows what it was */
    for (size_t i = 0; i < m->says.topic_count; i++)
        announce_topic(&m->says.topics[i], &before);
    subscription_release(&before);
    err = presence_write(m->presence, m->slot, &m->says);
    int64_t until = io_now(m->io) + RESTORE_MS * (int64_t)IO_MS;
    for (size_t i = 0; i < m->says.topic_count && !err; i++)
        err = restore_topic(m, i, until);
    return err;
}

static enum evl_error member_join(struct evl_member *m)
{
    bool again;
    int64_t until = io_now(m->io) + directory_patience(m->place->directory);
    enum evl_error err = directory_refresh(m->place->directory);
    if (!err)
        err = member_enter(m, until);
    if (!err)
        err = presence_take(m->presence, &m->claim, until, &m->slot, &again);
    if (err)
        return err;
    for (size_t i = 0; i < m->says.topic_count; i++)
        member_topic_adopt(m, i);
    m->says.since_ms = io_wall_ms(m->io);
    if (again)
        err = member_restore(m);
    if (!err)
        err = presence_write(m->presence, m->slot, &m->says);
    if (!err)
        err = presence_live(m->presence, m->slot, &m->claim);
    return err;
}

static void member_free(struct evl_member *m)
{
    presence_close(m->presence);
    member_forget(m);
    subscription_release(&m->says);
    peers_release(&m->peers);
    memory_free(m->owned);
    memory_free(m->gained.at);
    memory_free(m->asked.at);
    memory_free(m);
}

static enum evl_error options_check(struct evl_place *place, const struct evl_member_options *o)
{
    const struct directory *d = place->directory;
    if (!o->group || !*o->group)
        return fail(EVL_ERR_USAGE, "a group needs a name");
    if (o->instance && !*o->instance)
        return fail(EVL_ERR_USAGE, "group %s: an instance needs a name", o->group);
    if (o->topic_count == 0)
        return fail(EVL_ERR_USAGE, "group %s: name a topic", o->group);
    if (o->session_ms < 0)
        return fail(EVL_ERR_USAGE, "group %s: a session cannot be negative", o->group);
    if (directory_is_foreign(d))
        return fail(EVL_ERR_DENIED,
                    "group %s: %s was written by Apache Kafka, where nobody can be a member; "
                    "read it without a group",
                    o->group, directory_path(d));
    if (!directory_is_writable(d))
        return fail(EVL_ERR_DENIED,
                    "group %s: %s is open for reading only, where nobody can be a member; "
                    "open it for writing, or read it without a group",
                    o->group, directory_path(d));
    return EVL_OK;
}

enum evl_error evl_member_open(struct evl_place *place, const struct evl_member_options *o,
                               struct evl_member **member)
{
    enum evl_error err = options_check(place, o);
    if (err)
        return err;
    struct evl_member *m = memory_take(1, sizeof *m);
    m->place = place;
    m->io = place->io;
    m->says.group = memory_text(o->group);
    m->says.instance = memory_text(o->instance ? o->instance : "");
    m->says.pid = io_pid(m->io);
    m->claim.group = presence_group(o->group);
    if (o->instance) {
        m->claim.instance = presence_instance(o->group, o->instance);
        m->claim.session_ms = m->says.session_ms = o->session_ms ? o->session_ms : SESSION_MS;
    }
    member_subscribe(m, o);
    err = presence_open(m->io, directory_path(place->directory), true, &m->presence);
    if (!err)
        err = member_join(m);
    if (err) {
        err = failed(err, "group %s", o->group);
        member_free(m);
        return err;
    }
    for (size_t i = 0; i < m->owned_count; i++)
        member_tell(m, &m->gained, &m->owned[i]);
    m->peers = (struct peers){
        .io = m->io, .presence = m->presence, .group = m->claim.group, .self = m->slot
    };
    *member = m;
    return EVL_OK;
}

/* ---- looking around ------------------------------------------------------ */

static enum evl_error hear_news(struct evl_member *m)
{
    bool changed = m->hungry; /* it may be what we wait for that was given back */
    uint64_t version = directory_version(m->place->directory);
    uint64_t news = presence_news(m->presence);
    if (version != m->version)
        m->planned = false;
    m->version = version;
    if (news == m->news)
        return EVL_OK;
    enum evl_error err = peers_look(&m->peers, &changed);
    if (err)
        return err;
    m->news = news;
    m->planned = m->planned && !changed;
    return EVL_OK;
}

static enum evl_error keep_time(struct evl_member *m)
{
    bool changed = false;
    int64_t now = io_now(m->io);
    if (m->hungry && now >= m->next_try)
        m->planned = false;
    if (now < m->next_beat)
        return EVL_OK;
    m->next_beat = now + PEERS_BEAT_MS * (int64_t)IO_MS;
    presence_set(m->presence, m->slot, PRESENCE_BEAT,
                 presence_get(m->presence, m->slot, PRESENCE_BEAT) + 1);
    enum evl_error err = planted(BEAT_UNHEARD) ? EVL_OK : peers_listen(&m->peers, &changed);
    m->planned = m->planned && !changed && !err;
    return err;
}

enum evl_error evl_member_poll(struct evl_member *m, struct evl_member_news *news)
{
    member_forget(m); /* a transaction may have committed meanwhile */
    if (m->told)
        m->gained.count = m->asked.count = 0;
    m->told = false;
    enum evl_error err = directory_refresh(m->place->directory);
    if (!err)
        err = hear_news(m);
    if (!err)
        err = keep_time(m);
    if (!err && !m->planned)
        err = member_share(m);
    if (err)
        return failed(err, "group %s", m->says.group);
    *news = (struct evl_member_news){ m->gained.at, m->gained.count, m->asked.at, m->asked.count };
    m->told = true;
    return EVL_OK;
}

/* ---- owning -------------------------------------------------------------- */

/* Its place in `owned`, or owned_count. */
static size_t find_owned(const struct evl_member *m, const char *topic, int32_t partition)
{
    const struct subscription_topic *t = subscription_topic(&m->says, topic);
    if (!t || partition < 0 || !subscription_has(t, partition))
        return m->owned_count;
    size_t i = 0;
    while (m->owned[i].partition != partition || &m->says.topics[m->owned[i].topic] != t)
        i++;
    check(i < m->owned_count);
    return i;
}

bool evl_member_owns(const struct evl_member *m, const char *topic, int32_t partition)
{
    const struct subscription_topic *t = subscription_topic(&m->says, topic);
    return t && partition >= 0 && subscription_has(t, partition);
}

size_t evl_member_owned(const struct evl_member *m) { return m->owned_count; }

enum evl_error member_not_owner(const struct evl_member *m, const char *topic, int32_t partition)
{
    return fail(EVL_ERR_USAGE, "group %s: %s-%" PRId32 " is not ours", m->says.group, topic,
                partition);
}

enum evl_error evl_member_release(struct evl_member *m, const char *topic, int32_t partition)
{
    size_t i = find_owned(m, topic, partition);
    if (i == m->owned_count)
        return member_not_owner(m, topic, partition);
    struct subscription_topic *t = &m->says.topics[m->owned[i].topic];
    subscription_set(t, partition, false);
    enum evl_error err = presence_write(m->presence, m->slot, &m->says);
    m->planned = false;
    if (err) {
        subscription_set(t, partition, true);
        m->owned[i].asked = false; /* the next poll will, again */
        return failed(err, "group %s", m->says.group);
    }
    member_drop(m, i);
    presence_tell(m->presence);
    return EVL_OK;
}

void evl_member_close(struct evl_member *m)
{
    if (!m)
        return;
    presence_leave(m->presence, m->slot);
    member_free(m);
}
