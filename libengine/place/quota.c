/* quota.c - counting who wants a topic, and what of it is to be shared. */
#include "place/quota.h"

#include "base/check.h"
#include "base/memory.h"

/* Who wants the topic. */
struct census {
    int32_t all, awake;
    int32_t self;        /* our place among all */
    int32_t awake_first; /* awake ones before the place where we begin to count, */
    int32_t awake_self;  /* and before ours */
};

static void count_one(const struct quota_group *group, size_t i, struct census *c)
{
    if (i == group->self) {
        c->self = c->all;
        c->awake_self = c->awake;
    }
    c->awake += group->members[i].awake;
    c->all++;
}

static bool wants(const struct quota_member *m, const char *topic)
{
    return subscription_topic(m->says, topic) != NULL;
}

/* Awake ones among the first `first` who want it. */
static int32_t awake_before(const struct quota_group *group, const char *topic, int32_t first)
{
    int32_t awake = 0;
    for (size_t i = 0; i < group->count && first > 0; i++)
        if (wants(&group->members[i], topic)) {
            awake += group->members[i].awake;
            first--;
        }
    return awake;
}

static struct census take_census(const struct quota_group *group, const char *topic, int64_t before)
{
    struct census c = { 0 };
    for (size_t i = 0; i < group->count; i++)
        if (wants(&group->members[i], topic))
            count_one(group, i, &c);
    check(c.all > 0 && c.awake > 0); /* we do, and are */
    c.awake_first = awake_before(group, topic, (int32_t)(before % c.all));
    return c;
}

/* What the others list: all of it, and what those have who are not awake. */
static void gather(const struct quota_group *group, const struct subscription_topic *topic,
                   uint8_t *listed, uint8_t *asleep)
{
    size_t bytes = subscription_bits(topic->partitions);
    for (size_t i = 0; i < group->count; i++) {
        const struct quota_member *m = &group->members[i];
        const struct subscription_topic *t = subscription_topic(m->says, topic->name);
        if (i == group->self || !t || !uuid_equal(&t->id, &topic->id))
            continue;
        size_t both = subscription_bits(t->partitions);
        for (size_t b = 0; b < bytes && b < both; b++) {
            listed[b] |= t->owned[b];
            asleep[b] |= m->awake ? 0 : t->owned[b];
        }
    }
}

static int32_t count_bits(const uint8_t *bits, int32_t partitions)
{
    int32_t count = 0;
    for (int32_t p = 0; p < partitions; p++)
        count += bits[p / 8] >> p % 8 & 1;
    return count;
}

void quota_count(const struct quota_group *group, const struct subscription_topic *topic,
                 int64_t before, struct quota *quota)
{
    size_t bytes = subscription_bits(topic->partitions);
    uint8_t *asleep = memory_take(bytes + 1, 1);
    quota->listed = memory_take(bytes + 1, 1);
    gather(group, topic, quota->listed, asleep);
    int32_t shared = topic->partitions - count_bits(asleep, topic->partitions);
    memory_free(asleep);
    struct census c = take_census(group, topic->name, before);
    int32_t place = (c.awake_self - c.awake_first + c.awake) % c.awake;
    int32_t more = shared % c.awake;
    quota->most = shared / c.awake + (place < more);
    quota->first = place * (shared / c.awake) + (place < more ? place : more);
}
