/* Shares: whoever counts, together they count each partition once. */
#include "unit.h"

#include "base/memory.h"
#include "place/quota.h"

enum { MEMBERS = 7, TOPICS = 3, PARTITIONS = 20 };

struct scene {
    struct subscription says[MEMBERS];
    struct quota_member members[MEMBERS];
    struct quota_group group;
    int32_t partitions[TOPICS];
};

static char *const names[TOPICS] = { "a", "b", "c" };

static uint64_t draw(uint64_t *seed, uint64_t limit)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (*seed >> 33) % limit;
}

/* Each partition is listed by at most one. */
static void list_some(struct scene *s, int topic, uint64_t *seed)
{
    for (int32_t p = 0; p < s->partitions[topic]; p++) {
        struct subscription *says = &s->says[draw(seed, s->group.count)];
        for (size_t t = 0; t < says->topic_count; t++)
            if (strcmp(says->topics[t].name, names[topic]) == 0 && draw(seed, 3) > 0)
                subscription_set(&says->topics[t], p, true);
    }
}

static void scene_draw(struct scene *s, uint64_t seed)
{
    *s = (struct scene){ .group.count = 1 + draw(&seed, MEMBERS) };
    s->group.members = s->members;
    for (int t = 0; t < TOPICS; t++)
        s->partitions[t] = (int32_t)draw(&seed, PARTITIONS + 1);
    for (size_t m = 0; m < s->group.count; m++) {
        struct subscription *says = &s->says[m];
        says->topics = memory_take(TOPICS, sizeof *says->topics);
        for (int t = 0; t < TOPICS; t++)
            if (draw(&seed, 3) > 0)
                says->topics[says->topic_count++] = (struct subscription_topic){
                    .name = names[t], .partitions = s->partitions[t], .owned = memory_take(8, 1)
                };
        s->members[m] = (struct quota_member){ says, draw(&seed, 3) > 0 };
    }
    for (int t = 0; t < TOPICS; t++)
        list_some(s, t, &seed);
}

static void scene_release(struct scene *s)
{
    for (size_t m = 0; m < s->group.count; m++) {
        for (size_t t = 0; t < s->says[m].topic_count; t++)
            memory_free(s->says[m].topics[t].owned);
        memory_free(s->says[m].topics);
    }
}

static int32_t kept_by_sleepers(const struct scene *s, const char *topic)
{
    int32_t kept = 0;
    for (size_t m = 0; m < s->group.count; m++) {
        const struct subscription_topic *t = subscription_topic(&s->says[m], topic);
        for (int32_t p = 0; t && !s->members[m].awake && p < t->partitions; p++)
            kept += subscription_has(t, p);
    }
    return kept;
}

/* What those who are awake count, each for itself. */
static void topic_adds_up(struct scene *s, int topic, int64_t before)
{
    int32_t sum = 0;
    int32_t least = INT32_MAX;
    int32_t most = 0;
    for (s->group.self = 0; s->group.self < s->group.count; s->group.self++) {
        const struct subscription_topic *t =
            subscription_topic(&s->says[s->group.self], names[topic]);
        struct quota q;
        if (!t || !s->members[s->group.self].awake)
            continue;
        quota_count(&s->group, t, before, &q);
        memory_free(q.listed);
        sum += q.most;
        least = q.most < least ? q.most : least;
        most = q.most > most ? q.most : most;
    }
    if (least == INT32_MAX) /* nobody counts */
        return;
    EXPECT(sum == s->partitions[topic] - kept_by_sleepers(s, names[topic]));
    EXPECT(most - least <= 1);
}

TEST("the shares of all who are awake add up to what the others do not keep, and are even")
{
    for (uint64_t seed = 1; seed <= 5000; seed++) {
        struct scene s;
        scene_draw(&s, seed);
        for (int t = 0; t < TOPICS; t++)
            topic_adds_up(&s, t, (int64_t)seed % 11);
        scene_release(&s);
    }
}

/* Five members and thirteen partitions; `sleeper` has its share, and sleeps. */
static void scene_of_five(struct scene *s, int sleeper, int32_t share)
{
    *s = (struct scene){ .group.count = 5 };
    s->group.members = s->members;
    for (int m = 0; m < 5; m++) {
        struct subscription_topic *t = memory_take(1, sizeof *t);
        *t = (struct subscription_topic){ .name = names[0],
                                          .partitions = 13,
                                          .owned = memory_take(2, 1) };
        s->says[m] = (struct subscription){ .topics = t, .topic_count = 1 };
        s->members[m] = (struct quota_member){ &s->says[m], m != sleeper };
        for (int32_t p = 0; m == sleeper && p < share; p++)
            subscription_set(t, p, true);
    }
}

static void scene_shares(struct scene *s, int32_t shares[5])
{
    for (s->group.self = 0; s->group.self < 5; s->group.self++) {
        struct quota q;
        if (!s->members[s->group.self].awake)
            continue;
        quota_count(&s->group, &s->says[s->group.self].topics[0], 3, &q);
        memory_free(q.listed);
        shares[s->group.self] = q.most;
    }
}

TEST("when one with its share falls asleep, the shares of the others stay")
{
    for (int sleeper = 0; sleeper < 5; sleeper++) {
        struct scene s;
        int32_t before[5];
        int32_t after[5] = { 0 };
        scene_of_five(&s, -1, 0);
        scene_shares(&s, before);
        scene_release(&s);
        scene_of_five(&s, sleeper, before[sleeper]);
        scene_shares(&s, after);
        scene_release(&s);
        for (int m = 0; m < 5; m++)
            EXPECT(m == sleeper || before[m] == after[m]);
    }
}

TEST("what a member says comes back from its bytes, and from no others")
{
    struct evl_buffer bytes = { 0 };
    struct subscription said;
    uint8_t owned[] = { 0x05, 0x02 };
    struct subscription_topic topics[] = { { "a", { { 1 } }, 10, owned },
                                           { "b", { { 0 } }, 0, owned } };
    struct subscription s = { 7, 1000, 2000, "g", "i", topics, 2 };
    REQUIRE(subscription_print(&s, 3, &bytes) == EVL_OK);
    REQUIRE(subscription_read(evl_bytes(bytes.at, bytes.count), 3, &said) == EVL_OK);
    EXPECT(said.pid == 7 && said.since_ms == 1000 && said.session_ms == 2000);
    EXPECT(strcmp(said.group, "g") == 0 && strcmp(said.instance, "i") == 0);
    const struct subscription_topic *a = subscription_topic(&said, "a");
    REQUIRE(a && subscription_topic(&said, "b") && !subscription_topic(&said, "c"));
    EXPECT(a->partitions == 10 && a->id.at[0] == 1);
    EXPECT(subscription_has(a, 0) && !subscription_has(a, 1) && subscription_has(a, 2));
    EXPECT(subscription_has(a, 9) && !subscription_has(a, 10));
    subscription_release(&said);
    EXPECT(subscription_read(evl_bytes(bytes.at, bytes.count), 4, &said) == EVL_ERR_CORRUPT);
    for (size_t i = 0; i < bytes.count; i++) {
        EXPECT(subscription_read(evl_bytes(bytes.at, i), 3, &said) == EVL_ERR_CORRUPT);
        for (int bit = 0; bit < 8; bit++) {
            bytes.at[i] ^= (uint8_t)(1 << bit);
            EXPECT(subscription_read(evl_bytes(bytes.at, bytes.count), 3, &said) ==
                   EVL_ERR_CORRUPT);
            bytes.at[i] ^= (uint8_t)(1 << bit);
        }
    }
    evl_buffer_release(&bytes);
}
