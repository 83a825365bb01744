/* members.c - one member of a group: what it wants, what it owns.
 *
 * (1) Who owns a partition holds the lock on its byte.  Nothing else decides;
 *     what slots say serves to share evenly, and to keep a static member's
 *     partitions for it.
 * (2) A lock is taken before its partition is listed in our slot, and listed
 *     there before it is told as gained; it is taken out of the list before the
 *     lock is dropped.  So what a member lists, it holds, until it dies.
 * (3) What somebody else lists is not tried: it is held, or waits for him. */
#include <evl/member.h>

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/plant.h"
#include "place/peers.h"
#include "place/place.h"
#include "place/quota.h"

enum {
    SESSION_MS = 45000,
    HUNGRY_MS = 250,  /* how often to try again for what should be free */
    SHARES_MAX = 10,  /* in one look around */
    RESTORE_MS = 500, /* for others to let go of what is a static member's */
};

/* A partition that we own. */
struct owned {
    size_t topic; /* in says.topics */
    int32_t partition;
    bool asked; /* for its release */
};

struct evl_leases {
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
    struct evl_leases gained, asked; /* the news */
    uint64_t news, version;          /* of ev.members, of the metadata: as far as known */
    bool told;                       /* the news, by the last poll */
    bool planned;                    /* by what is known */
    bool hungry;                     /* there should be more for us */
    int64_t next_beat, next_try;
};

/* ---- leases -------------------------------------------------------------- */

static int64_t lease_byte(const struct evl_member *m, size_t topic, int32_t partition)
{
    return presence_lease_byte(m->claim.group, &m->says.topics[topic].id, partition);
}

/* BUSY: somebody has it. */
static enum evl_error lease_take(struct evl_member *m, size_t topic, int32_t partition,
                                 int64_t until)
{
    int64_t byte = lease_byte(m, topic, partition);
    enum evl_error err =
        planted(LEASE_UNLOCKED) ? EVL_OK : presence_lock(m->presence, byte, IO_KEPT, until);
    if (err)
        return err;
    if (m->owned_count == m->owned_room) {
        m->owned_room = m->owned_room ? 2 * m->owned_room : 16;
        m->owned = memory_grow(m->owned, m->owned_room, sizeof *m->owned);
    }
    m->owned[m->owned_count++] = (struct owned){ topic, partition, false };
    subscription_set(&m->says.topics[topic], partition, true);
    return EVL_OK;
}

static void lease_drop(struct evl_member *m, size_t i)
{
    struct owned o = m->owned[i];
    presence_unlock(m->presence, lease_byte(m, o.topic, o.partition));
    subscription_set(&m->says.topics[o.topic], o.partition, false);
    memmove(&m->owned[i], &m->owned[i + 1], (--m->owned_count - i) * sizeof *m->owned);
}

static void leases_add(struct evl_member *m, struct evl_leases *l, const struct owned *o)
{
    if (l->count == l->room) {
        l->room = l->room ? 2 * l->room : 16;
        l->at = memory_grow(l->at, l->room, sizeof *l->at);
    }
    l->at[l->count++] = (struct evl_lease){ m->says.topics[o->topic].name, o->partition };
}

/* ---- topics -------------------------------------------------------------- */

static const struct topic *topic_now(const struct evl_member *m, const char *name)
{
    return image_topic(directory_image(m->place->directory), name);
}

static bool topic_is_owned(const struct subscription_topic *t)
{
    for (size_t i = 0; i < subscription_bits(t->partitions); i++)
        if (t->owned[i])
            return true;
    return false;
}

/* Be of the topic that has the name now.  One that is gone, or another, stays
 * what it was for us until we have given back what we own of it. */
static void topic_adopt(struct evl_member *m, size_t topic)
{
    struct subscription_topic *t = &m->says.topics[topic];
    const struct topic *now = topic_now(m, t->name);
    static const struct uuid none;
    const struct uuid *id = now ? &now->id : &none;
    int32_t partitions = now ? now->partition_count : 0;
    bool same = uuid_equal(id, &t->id);
    if ((same && partitions == t->partitions) || (!same && topic_is_owned(t)))
        return;
    uint8_t *bits = memory_take(subscription_bits(partitions) + 1, 1);
    if (same)
        memcpy(bits, t->owned, subscription_bits(t->partitions));
    memory_free(t->owned);
    t->owned = bits;
    t->id = *id;
    t->partitions = partitions;
}

/* Whether what we own of it is still a partition of the topic of that name. */
static bool topic_is_there(const struct evl_member *m, size_t topic)
{
    const struct subscription_topic *t = &m->says.topics[topic];
    const struct topic *now = topic_now(m, t->name);
    return now && uuid_equal(&now->id, &t->id);
}

/* ---- joining ------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void member_subscribe(struct evl_member *m, const struct evl_member_options *o)
{
    const char **names = memory_take(o->topic_count, sizeof *names);
    memcpy(names, o->topics, o->topic_count * sizeof *names);
    qsort(names, o->topic_count, sizeof *names, compare_names);
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
        err = lease_take(m, topic, p, until);
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
        topic_adopt(m, i);
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
        leases_add(m, &m->gained, &m->owned[i]);
    m->peers = (struct peers){
        .io = m->io, .presence = m->presence, .group = m->claim.group, .self = m->slot
    };
    *member = m;
    return EVL_OK;
}

/* ---- sharing ------------------------------------------------------------- */

/* All of the group, with us among them, and what sorts before each of our
 * topics. */
struct plan {
    struct quota_group group;
    int64_t *before; /* partitions, by the number of our topic */
    int32_t *kept;   /* how many we own and were not asked for, likewise */
};

static void plan_members(struct evl_member *m, struct plan *plan)
{
    struct quota_group *g = &plan->group;
    g->members = memory_take(m->peers.count + 1, sizeof *g->members);
    for (size_t i = 0; i <= m->peers.count; i++) {
        const struct peer *peer = &m->peers.at[i];
        if (g->count == i && (i == m->peers.count || peer->slot > m->slot)) {
            g->self = g->count;
            g->members[g->count++] = (struct quota_member){ &m->says, true };
        }
        if (i < m->peers.count)
            g->members[g->count++] =
                (struct quota_member){ &peer->says, peer->state == PEER_AWAKE };
    }
}

/* Every member adds up the same topics, also those that it does not want. */
static void plan_before(struct evl_member *m, struct plan *plan)
{
    const char **names = NULL;
    size_t count = 0;
    const struct quota_group *g = &plan->group;
    for (size_t i = 0; i < g->count; i++) {
        const struct subscription *s = g->members[i].says;
        names = memory_grow(names, count + s->topic_count + 1, sizeof *names);
        for (size_t t = 0; t < s->topic_count; t++)
            names[count++] = s->topics[t].name;
    }
    qsort(names, count, sizeof *names, compare_names);
    int64_t sum = 0;
    size_t ours = 0;
    for (size_t i = 0; i < count && ours < m->says.topic_count; i++) {
        if (i > 0 && strcmp(names[i], names[i - 1]) == 0)
            continue;
        if (strcmp(names[i], m->says.topics[ours].name) == 0)
            plan->before[ours++] = sum;
        const struct topic *t = topic_now(m, names[i]);
        sum += t ? t->partition_count : 0;
    }
    memory_free(names);
}

static void plan_make(struct evl_member *m, struct plan *plan)
{
    for (size_t i = 0; i < m->says.topic_count; i++)
        topic_adopt(m, i);
    plan->before = memory_take(m->says.topic_count, sizeof *plan->before);
    plan->kept = memory_take(m->says.topic_count, sizeof *plan->kept);
    for (size_t i = 0; i < m->owned_count; i++)
        plan->kept[m->owned[i].topic] += !m->owned[i].asked;
    plan_members(m, plan);
    plan_before(m, plan);
}

static void plan_release(struct plan *plan)
{
    memory_free(plan->group.members);
    memory_free(plan->before);
    memory_free(plan->kept);
}

/* The last ones taken have the least behind them. */
static void ask_back(struct evl_member *m, size_t topic, int32_t count)
{
    for (size_t i = m->owned_count; i-- > 0 && count > 0;) {
        struct owned *o = &m->owned[i];
        if (o->topic != topic || o->asked)
            continue;
        o->asked = true;
        leases_add(m, &m->asked, o);
        count--;
    }
}

/* Take up to `count` that nobody lists. */
static enum evl_error take_more(struct evl_member *m, size_t topic, const struct quota *q,
                                int32_t count)
{
    const struct subscription_topic *t = &m->says.topics[topic];
    const struct subscription_topic others = { .partitions = t->partitions, .owned = q->listed };
    for (int32_t i = 0; i < t->partitions && count > 0; i++) {
        int32_t partition = (int32_t)(((int64_t)q->first + i) % t->partitions);
        if (subscription_has(t, partition) ||
            (subscription_has(&others, partition) && !planted(LIST_IGNORED)))
            continue;
        enum evl_error err = lease_take(m, topic, partition, 0);
        if (err && err != EVL_ERR_BUSY)
            return err;
        count -= !err;
    }
    m->hungry = m->hungry || count > 0;
    return EVL_OK;
}

static enum evl_error share_topic(struct evl_member *m, const struct plan *plan, size_t topic)
{
    struct quota q;
    quota_count(&plan->group, &m->says.topics[topic], plan->before[topic], &q);
    int32_t most = topic_is_there(m, topic) ? q.most : 0;
    int32_t kept = plan->kept[topic];
    enum evl_error err = EVL_OK;
    if (kept > most)
        ask_back(m, topic, kept - most);
    else
        err = take_more(m, topic, &q, most - kept);
    memory_free(q.listed);
    return err;
}

/* Forget what was taken since there were `count`: never listed, nor told. */
static void drop_taken(struct evl_member *m, size_t count)
{
    while (m->owned_count > count)
        lease_drop(m, m->owned_count - 1);
}

/* A static member may have taken and listed, since we looked, what we took
 * after its end.  Look again: if one has said anything new, all is to be done
 * again.  Else it lists nothing of what we hold, nor will. */
static enum evl_error keep_taken(struct evl_member *m, size_t from, bool *again)
{
    bool changed = false;
    uint64_t reservations = m->peers.reservations;
    enum evl_error err = peers_look(&m->peers, &changed);
    m->planned = m->planned && !changed;
    *again = m->peers.reservations != reservations;
    if (!err && *again)
        drop_taken(m, from);
    if (err || *again)
        return err;
    err = presence_write(m->presence, m->slot, &m->says);
    if (err)
        return err;
    presence_tell(m->presence);
    for (size_t i = from; i < m->owned_count; i++)
        leases_add(m, &m->gained, &m->owned[i]);
    return EVL_OK;
}

static enum evl_error share_once(struct evl_member *m, bool *again)
{
    struct plan plan = { 0 };
    enum evl_error err = EVL_OK;
    size_t before = m->owned_count;
    *again = false;
    plan_make(m, &plan);
    m->planned = true;
    m->hungry = false;
    for (size_t i = 0; i < m->says.topic_count && !err; i++)
        err = share_topic(m, &plan, i);
    plan_release(&plan);
    if (!err && m->owned_count > before)
        err = keep_taken(m, before, again);
    if (err)
        drop_taken(m, before);
    return err;
}

/* Who begins again has seen that another one came further. */
static enum evl_error member_share(struct evl_member *m)
{
    bool again = true;
    enum evl_error err = EVL_OK;
    for (int i = 0; i < SHARES_MAX && again && !err; i++)
        err = share_once(m, &again);
    m->planned = m->planned && !err && !again;
    m->next_try = io_now(m->io) + HUNGRY_MS * (int64_t)IO_MS;
    return err;
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

static enum evl_error not_owned(const struct evl_member *m, const char *topic, int32_t partition)
{
    return fail(EVL_ERR_USAGE, "group %s: %s-%" PRId32 " is not ours", m->says.group, topic,
                partition);
}

enum evl_error evl_member_release(struct evl_member *m, const char *topic, int32_t partition)
{
    size_t i = find_owned(m, topic, partition);
    if (i == m->owned_count)
        return not_owned(m, topic, partition);
    struct subscription_topic *t = &m->says.topics[m->owned[i].topic];
    subscription_set(t, partition, false);
    enum evl_error err = presence_write(m->presence, m->slot, &m->says);
    m->planned = false;
    if (err) {
        subscription_set(t, partition, true);
        m->owned[i].asked = false; /* the next poll will, again */
        return failed(err, "group %s", m->says.group);
    }
    lease_drop(m, i);
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
