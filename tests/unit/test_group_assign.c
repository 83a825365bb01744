/* Who gets what: rules for each way of assigning, on random groups. */
#include "base/memory.h"
#include "group/assign.h"
#include "group/parts.h"
#include "group/timers.h"
#include "unit.h"

enum { TOPICS = 5, MEMBERS = 7, PARTITIONS = 9, ROOM = TOPICS * PARTITIONS };

/* A random group, and what was assigned in it. */
struct group_case {
    struct assign a;
    int32_t partitions[TOPICS];
    struct assign_member members[MEMBERS];
    size_t topics[MEMBERS][TOPICS];
    struct assign_place owned[MEMBERS][ROOM + 2];
    int32_t owner[ROOM];
};

static uint64_t chance;

static uint32_t draw(uint32_t below)
{
    chance = chance * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(chance >> 33) % below;
}

/* The same seed, the same group; an odd one's members all subscribe to all. */
static void make(struct group_case *g, uint64_t seed)
{
    bool all_alike = seed % 2;
    chance = seed * 77;
    *g = (struct group_case){ 0 };
    g->a.partitions = g->partitions;
    g->a.members = g->members;
    g->a.topic_count = draw(TOPICS + 1);
    g->a.member_count = draw(MEMBERS) + 1;
    for (size_t t = 0; t < g->a.topic_count; t++)
        g->partitions[t] = (int32_t)draw(PARTITIONS + 1);
    for (size_t m = 0; m < MEMBERS; m++) {
        g->members[m].topics = g->topics[m];
        g->members[m].owned = g->owned[m];
        for (size_t t = 0; t < g->a.topic_count; t++)
            if (all_alike || draw(2))
                g->topics[m][g->members[m].topic_count++] = t;
    }
}

static bool wants(const struct group_case *g, size_t member, size_t topic)
{
    for (size_t i = 0; i < g->members[member].topic_count; i++)
        if (g->members[member].topics[i] == topic)
            return true;
    return false;
}

static size_t load(const struct group_case *g, size_t member)
{
    size_t count = 0;
    for (size_t p = 0; p < assign_total(&g->a); p++)
        count += g->owner[p] == (int32_t)member;
    return count;
}

static bool is_wanted(const struct group_case *g, size_t topic)
{
    for (size_t m = 0; m < g->a.member_count; m++)
        if (wants(g, m, topic))
            return true;
    return false;
}

/* Everything that somebody wants has one owner, who wants it. */
static void expect_complete(const struct group_case *g)
{
    size_t p = 0;
    for (size_t t = 0; t < g->a.topic_count; t++)
        for (int32_t i = 0; i < g->partitions[t]; i++, p++) {
            if (is_wanted(g, t))
                EXPECT(g->owner[p] >= 0 && wants(g, (size_t)g->owner[p], t));
            else
                EXPECT(g->owner[p] == -1);
        }
}

static void expect_even(const struct group_case *g)
{
    size_t p = 0;
    for (size_t t = 0; t < g->a.topic_count; t++)
        for (int32_t i = 0; i < g->partitions[t]; i++, p++)
            for (size_t m = 0; m < g->a.member_count; m++)
                if (g->owner[p] >= 0 && wants(g, m, t))
                    EXPECT(load(g, m) + 2 > load(g, (size_t)g->owner[p]));
}

/* What was assigned becomes what they own. */
static void adopt(struct group_case *g)
{
    size_t p = 0;
    for (size_t m = 0; m < MEMBERS; m++)
        g->members[m].owned_count = 0;
    for (size_t t = 0; t < g->a.topic_count; t++)
        for (int32_t i = 0; i < g->partitions[t]; i++, p++)
            if (g->owner[p] >= 0) {
                struct assign_member *m = &g->members[g->owner[p]];
                g->owned[g->owner[p]][m->owned_count++] = (struct assign_place){ t, i };
            }
}

static size_t changes(const struct group_case *g, const int32_t *before)
{
    size_t count = 0;
    for (size_t p = 0; p < assign_total(&g->a); p++)
        count += before[p] >= 0 && before[p] != g->owner[p];
    return count;
}

TEST("range gives each topic in runs, and the first members one more")
{
    struct group_case g;
    for (uint64_t seed = 1; seed < 300; seed++) {
        make(&g, seed);
        assign_range(&g.a, g.owner);
        expect_complete(&g);
        size_t p = 0;
        for (size_t t = 0; t < g.a.topic_count; t++)
            for (int32_t i = 0; i < g.partitions[t]; i++, p++)
                EXPECT(i == 0 || g.owner[p] >= g.owner[p - 1]);
    }
    make(&g, 1);
    g.a.topic_count = 1;
    g.a.member_count = 3;
    g.partitions[0] = 7;
    g.members[0].topic_count = g.members[1].topic_count = g.members[2].topic_count = 1;
    assign_range(&g.a, g.owner);
    EXPECT(load(&g, 0) == 3 && load(&g, 1) == 2 && load(&g, 2) == 2);
}

TEST("round robin deals partitions in turn")
{
    struct group_case g;
    for (uint64_t seed = 1; seed < 300; seed++) {
        make(&g, seed);
        assign_roundrobin(&g.a, g.owner);
        expect_complete(&g);
        for (size_t p = 1; seed % 2 && p < assign_total(&g.a); p++)
            EXPECT(g.owner[p] == (g.owner[p - 1] + 1) % (int32_t)g.a.member_count);
    }
}

TEST("sticky is even, and with equal subscriptions even within one")
{
    struct group_case g;
    for (uint64_t seed = 1; seed < 1000; seed++) {
        make(&g, seed);
        assign_sticky(&g.a, g.owner);
        expect_complete(&g);
        expect_even(&g);
    }
}

TEST("sticky changes nothing while nothing changes, and the same asked twice")
{
    struct group_case g;
    int32_t before[ROOM];
    for (uint64_t seed = 1; seed < 500; seed++) {
        make(&g, seed);
        assign_sticky(&g.a, g.owner);
        memcpy(before, g.owner, sizeof before);
        adopt(&g);
        assign_sticky(&g.a, g.owner);
        EXPECT(changes(&g, before) == 0);
        assign_cooperative(&g.a, g.owner);
        EXPECT(changes(&g, before) == 0);
    }
}

TEST("with a new member, sticky moves no more than that member gets")
{
    struct group_case g;
    int32_t before[ROOM];
    for (uint64_t seed = 1; seed < 500; seed++) {
        make(&g, 2 * seed + 1);
        if (g.a.member_count < 2)
            continue;
        g.a.member_count--;
        assign_sticky(&g.a, g.owner);
        memcpy(before, g.owner, sizeof before);
        adopt(&g);
        g.a.member_count++;
        assign_sticky(&g.a, g.owner);
        EXPECT(changes(&g, before) == load(&g, g.a.member_count - 1));
        expect_even(&g);
    }
}

TEST("cooperative hands out nothing that another still has, and all of it in the end")
{
    struct group_case g;
    int32_t before[ROOM];
    for (uint64_t seed = 1; seed < 3000; seed++) {
        make(&g, seed);
        g.a.member_count = g.a.member_count > 1 ? g.a.member_count - 1 : 1;
        assign_cooperative(&g.a, g.owner);
        expect_complete(&g);
        memcpy(before, g.owner, sizeof before);
        adopt(&g);
        g.a.member_count += g.a.member_count < MEMBERS;
        g.members[g.a.member_count - 1].topics = g.topics[0];
        g.members[g.a.member_count - 1].topic_count = g.members[0].topic_count;
        assign_cooperative(&g.a, g.owner);
        for (size_t p = 0; p < assign_total(&g.a); p++)
            EXPECT(g.owner[p] == -1 || before[p] == -1 || g.owner[p] == before[p]);
        /* Where all subscribe alike, the next round is the last. */
        for (int round = 0; round < (seed % 2 ? 1 : 30); round++) {
            adopt(&g);
            assign_cooperative(&g.a, g.owner);
        }
        expect_complete(&g);
        expect_even(&g);
    }
}

TEST("cooperative comes to an end from whatever members have")
{
    struct group_case g;
    for (uint64_t seed = 1; seed < 3000; seed++) {
        make(&g, seed);
        for (size_t p = 0; p < assign_total(&g.a); p++)
            g.owner[p] = (int32_t)draw((uint32_t)g.a.member_count + 1) - 1;
        for (int round = 0; round < 30; round++) {
            adopt(&g);
            assign_cooperative(&g.a, g.owner);
        }
        expect_complete(&g);
        expect_even(&g);
    }
}

TEST("of two that claim a partition the later is right; what is not there is nobody's")
{
    const size_t both[] = { 0 };
    const int32_t partitions[] = { 2 };
    const struct assign_place claims[] = { { 0, 0 }, { 0, 1 }, { 0, -1 }, { 0, 2 } };
    struct assign_member members[] = {
        { both, 1, claims, 4, 3 },
        { both, 1, claims, 2, 4 },
        { NULL, 0, claims, 2, 5 },
    };
    const struct assign a = { partitions, 1, members, 2 };
    int32_t owner[2];
    assign_sticky(&a, owner);
    EXPECT(owner[0] != owner[1] && owner[0] >= 0 && owner[1] >= 0);
    members[0].topic_count = 0; /* it has what it does not want any more */
    members[0].generation = 9;
    assign_sticky(&a, owner);
    EXPECT(owner[0] == 1 && owner[1] == 1);
    assign_cooperative(&a, owner);
    EXPECT(owner[0] == -1 && owner[1] == -1);
}

TEST("the server assigns by two names")
{
    EXPECT(assign_of_server("uniform", 7) == assign_sticky);
    EXPECT(assign_of_server("range", 5) == assign_range);
    EXPECT(!assign_of_server("sticky", 6) && !assign_of_server("Range", 5));
    EXPECT(!assign_of_server("uniforn", 7) && !assign_of_server(NULL, 0));
}

/* ---- sets of partitions -------------------------------------------------- */

static struct part part(uint8_t topic, int32_t number, int32_t epoch)
{
    return (struct part){ { { topic } }, number, epoch };
}

TEST("a set of partitions is sorted, holds each once, and keeps the first one's epochs")
{
    struct arena arena = { .limit = SIZE_MAX };
    struct part left[] = { part(2, 1, 7), part(1, 5, 7), part(1, 2, 7), part(1, 5, 7) };
    struct part right[] = { part(1, 5, 9), part(3, 0, 9) };
    struct parts a = { left, 4 };
    struct parts b = { right, 2 };
    int32_t epoch = 0;
    parts_settle(&a);
    REQUIRE(a.count == 3 && a.at[0].number == 2 && a.at[1].number == 5 && a.at[2].number == 1);
    struct parts both = parts_both(&a, &b, &arena);
    struct parts rest = parts_without(&a, &b, &arena);
    struct parts all = parts_joined(&a, &b, &arena);
    EXPECT(both.count == 1 && both.at[0].epoch == 7 && rest.count == 2 && all.count == 4);
    EXPECT(parts_has(&all, &right[1], &epoch) && epoch == 9 && !parts_has(&a, &right[1], &epoch));
    EXPECT(parts_within(&both, &a) && !parts_within(&a, &both) && !parts_equal(&a, &both));
    EXPECT(parts_equal(&a, &a) && parts_meet(&a, &b) && !parts_meet(&rest, &b));
    struct parts kept = { 0 };
    EXPECT(!parts_equal(&(struct parts){ left, 1 }, &(struct parts){ right + 1, 1 }));
    parts_replace(&kept, &all);
    EXPECT(parts_equal(&kept, &all));
    parts_replace(&kept, &(struct parts){ 0 });
    EXPECT(kept.count == 0 && !parts_has(&kept, &right[0], NULL));
    parts_settle(&kept);
    arena_release(&arena);
}

/* ---- timers -------------------------------------------------------------- */

TEST("timers come in the order in which they are due, whatever is set and unset")
{
    enum { COUNT = 200 };
    static struct timer timers[COUNT];
    struct timers t = { 0 };
    chance = 5;
    EXPECT(timers_next(&t) == INT64_MAX && !timers_take(&t, 1000));
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < COUNT; i++)
            if (draw(3))
                timers_set(&t, &timers[i], draw(1000));
            else
                timers_unset(&t, &timers[i]);
        int64_t last = 0;
        struct timer *timer;
        while ((timer = timers_take(&t, 700))) {
            EXPECT(timer->due_ms >= last && timer->due_ms <= 700 && timer->place == 0);
            last = timer->due_ms;
        }
        EXPECT(timers_next(&t) > 700);
    }
    for (int i = 0; i < COUNT; i++)
        timers_unset(&t, &timers[i]);
    timers_release(&t);
}
