/* member_lease.c - the partitions that a member owns, and the topics they are of. */
#include "base/memory.h"
#include "base/plant.h"
#include "place/member.h"

/* ---- leases -------------------------------------------------------------- */

static int64_t lease_byte(const struct evl_member *m, size_t topic, int32_t partition)
{
    return presence_lease_byte(m->claim.group, &m->says.topics[topic].id, partition);
}

enum evl_error member_take(struct evl_member *m, size_t topic, int32_t partition, int64_t until)
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

void member_drop(struct evl_member *m, size_t i)
{
    struct owned o = m->owned[i];
    presence_unlock(m->presence, lease_byte(m, o.topic, o.partition));
    subscription_set(&m->says.topics[o.topic], o.partition, false);
    memmove(&m->owned[i], &m->owned[i + 1], (--m->owned_count - i) * sizeof *m->owned);
}

void member_tell(struct evl_member *m, struct member_leases *l, const struct owned *o)
{
    if (l->count == l->room) {
        l->room = l->room ? 2 * l->room : 16;
        l->at = memory_grow(l->at, l->room, sizeof *l->at);
    }
    l->at[l->count++] = (struct evl_lease){ m->says.topics[o->topic].name, o->partition };
}

enum evl_error member_list(struct evl_member *m)
{
    enum evl_error err = presence_write(m->presence, m->slot, &m->says);
    if (!err)
        presence_tell(m->presence);
    return err;
}

/* ---- topics -------------------------------------------------------------- */

const struct topic *member_topic_now(const struct evl_member *m, const char *name)
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

void member_topic_adopt(struct evl_member *m, size_t topic)
{
    struct subscription_topic *t = &m->says.topics[topic];
    const struct topic *now = member_topic_now(m, t->name);
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

bool member_topic_is_there(const struct evl_member *m, size_t topic)
{
    const struct subscription_topic *t = &m->says.topics[topic];
    const struct topic *now = member_topic_now(m, t->name);
    return now && uuid_equal(&now->id, &t->id);
}
