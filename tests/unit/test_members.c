/* Groups on a directory: who shares what with whom, and what a death changes. */
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>

#include <evl/admin.h>
#include <evl/group.h>

#include "base/memory.h"
#include "io/io_sim.h"
#include "place/members.h"
#include "place/place.h"
#include "place/presence.h"

enum { CREW = 8, TOPICS = 3, PARTITIONS = 16 };
static const int64_t ms = IO_MS;

/* A process that is a member; dead ones have no io. */
struct hand {
    struct io *io;
    struct evl_place *place;
    struct evl_member *member;
    int asked; /* to give back, so far */
    int gained;
};

struct crew {
    struct sim *sim;
    struct io *io; /* of the one who looks on */
    struct evl_place *place;
    struct hand hands[CREW];
};

static struct evl_place *open_place(struct io *io, bool readonly)
{
    struct evl_place *place = NULL;
    struct evl_place_options o = {
        .dir = "d", .create = !readonly, .readonly = readonly, .timeout_ms = 1000, .io = io
    };
    EXPECT(evl_place_open(&o, &place) == EVL_OK);
    return place;
}

static void crew_begin(struct crew *c)
{
    *c = (struct crew){ .sim = sim_create(5) };
    sim_options(c->sim)->switch_ppm = 0;
    c->io = sim_process(c->sim);
    c->place = open_place(c->io, false);
}

static enum evl_error join(struct crew *c, int hand, const char *instance, const char *topic)
{
    struct hand *h = &c->hands[hand];
    const char *topics[] = { topic, "second" };
    struct evl_member_options o = {
        .group = "g", .instance = instance, .topics = topics, .topic_count = 1
    };
    if (!h->io) {
        h->io = sim_process(c->sim);
        h->place = open_place(h->io, false);
    }
    h->gained = h->asked = 0;
    return evl_member_open(h->place, &o, &h->member);
}

static void leave(struct crew *c, int hand)
{
    struct hand *h = &c->hands[hand];
    (void)c;
    evl_member_close(h->member);
    h->member = NULL;
}

/* Its process is no more: killed, or ended. */
static void end(struct crew *c, int hand, bool killed)
{
    struct hand *h = &c->hands[hand];
    (void)c;
    if (!h->io)
        return;
    if (killed)
        sim_kill(h->io);
    evl_member_close(h->member);
    evl_place_close(h->place);
    EXPECT(sim_exit(h->io) == 0);
    *h = (struct hand){ 0 };
}

static void crew_end(struct crew *c)
{
    for (int i = 0; i < CREW; i++)
        end(c, i, false);
    evl_place_close(c->place);
    EXPECT(sim_exit(c->io) == 0);
    sim_destroy(c->sim);
}

/* It looks around, and gives back what it is asked for. */
static void look(struct hand *h)
{
    struct evl_member_news news;
    EXPECT(evl_member_poll(h->member, &news) == EVL_OK);
    for (size_t i = 0; i < news.gained_count; i++)
        EXPECT(evl_member_owns(h->member, news.gained[i].topic, news.gained[i].partition));
    for (size_t i = 0; i < news.asked_count; i++)
        EXPECT(evl_member_release(h->member, news.asked[i].topic, news.asked[i].partition) ==
               EVL_OK);
    h->gained += (int)news.gained_count;
    h->asked += (int)news.asked_count;
}

/* Time goes by; everybody looks around every 100 ms, but for a stopped one. */
static void pass(struct crew *c, int64_t time_ms, int stopped)
{
    for (int64_t t = 0; t <= time_ms; t += 100) {
        for (int i = 0; i < CREW; i++)
            if (c->hands[i].member && i != stopped)
                look(&c->hands[i]);
        sim_pass(c->sim, 100 * ms);
    }
}

/* Who owns it: a hand's number, -1 nobody; never two. */
static int owner(const struct crew *c, const char *topic, int32_t partition)
{
    int who = -1;
    for (int i = 0; i < CREW; i++) {
        if (!c->hands[i].member || !evl_member_owns(c->hands[i].member, topic, partition))
            continue;
        EXPECT(who == -1);
        who = i;
    }
    return who;
}

/* "0 0 1 1": the owners of each partition of t; a text that lasts for a call. */
static const char *owners(const struct crew *c, const char *topic, int partitions)
{
    static char text[256];
    int n = 0;
    for (int p = 0; p < partitions; p++) {
        int who = owner(c, topic, p);
        n += snprintf(text + n, sizeof text - (size_t)n, who < 0 ? "-" : "%d", who);
    }
    return text;
}

#define OWNED(c, topic, partitions, expected)                \
    do {                                                     \
        const char *text_ = owners(&(c), topic, partitions); \
        if (strcmp(text_, expected) != 0)                    \
            printf("# %s, expected %s\n", text_, expected);  \
        EXPECT(strcmp(text_, expected) == 0);                \
    } while (0)

static size_t owned(const struct crew *c, int hand)
{
    return c->hands[hand].member ? evl_member_owned(c->hands[hand].member) : 0;
}

TEST("one member owns every partition, and a second one gets half of them")
{
    struct crew c;
    crew_begin(&c);
    EXPECT(evl_admin_create(c.place, "t", 5, NULL, 0, false) == EVL_OK);
    REQUIRE(join(&c, 0, NULL, "t") == EVL_OK);
    look(&c.hands[0]);
    OWNED(c, "t", 5, "00000");
    REQUIRE(join(&c, 1, NULL, "t") == EVL_OK);
    pass(&c, 500, -1);
    OWNED(c, "t", 5, "00011");
    EXPECT(c.hands[0].asked == 2 && c.hands[1].asked == 0);
    leave(&c, 0);
    look(&c.hands[1]); /* at once: it was told */
    OWNED(c, "t", 5, "11111");
    crew_end(&c);
}

TEST("a killed member's partitions are owned by others within a second")
{
    struct crew c;
    crew_begin(&c);
    EXPECT(evl_admin_create(c.place, "t", 6, NULL, 0, false) == EVL_OK);
    for (int i = 0; i < 3; i++)
        REQUIRE(join(&c, i, NULL, "t") == EVL_OK);
    pass(&c, 1000, -1);
    OWNED(c, "t", 6, "001122");
    end(&c, 1, true);
    pass(&c, 700, -1);
    EXPECT(owned(&c, 0) == 3 && owned(&c, 2) == 3);
    EXPECT(c.hands[2].asked == 0);
    crew_end(&c);
}

TEST("a static member's partitions wait for its session, and it takes them back undisturbed")
{
    struct crew c;
    crew_begin(&c);
    EXPECT(evl_admin_create(c.place, "t", 7, NULL, 0, false) == EVL_OK);
    REQUIRE(join(&c, 0, "a", "t") == EVL_OK);
    REQUIRE(join(&c, 1, "b", "t") == EVL_OK);
    REQUIRE(join(&c, 2, "c", "t") == EVL_OK);
    pass(&c, 1000, -1);
    char before[256];
    snprintf(before, sizeof before, "%s", owners(&c, "t", 7));
    for (int killed = 0; killed < 2; killed++)
        for (int i = 0; i < 3; i++) {
            char name[] = { (char)('a' + i), '\0' };
            int asked = c.hands[0].asked + c.hands[1].asked + c.hands[2].asked - c.hands[i].asked;
            end(&c, i, killed);
            pass(&c, 40000, -1);
            EXPECT(owned(&c, 0) + owned(&c, 1) + owned(&c, 2) < 7);
            REQUIRE(join(&c, i, name, "t") == EVL_OK);
            look(&c.hands[i]);
            OWNED(c, "t", 7, before);
            pass(&c, 1000, -1);
            OWNED(c, "t", 7, before);
            EXPECT(c.hands[0].asked + c.hands[1].asked + c.hands[2].asked == asked);
        }
    end(&c, 1, true);
    pass(&c, 46000, -1);
    EXPECT(owned(&c, 0) + owned(&c, 2) == 7);
    REQUIRE(join(&c, 1, "b", "t") == EVL_OK); /* too late: as anybody */
    pass(&c, 1000, -1);
    EXPECT(owned(&c, 1) >= 2);
    crew_end(&c);
}

TEST("an instance that lives already is refused, and its process is named")
{
    struct crew c;
    char pid[32];
    crew_begin(&c);
    EXPECT(evl_admin_create(c.place, "t", 1, NULL, 0, false) == EVL_OK);
    REQUIRE(join(&c, 0, "a", "t") == EVL_OK);
    snprintf(pid, sizeof pid, "process %" PRId32, io_pid(c.hands[0].io));
    EXPECT(join(&c, 1, "a", "t") == EVL_ERR_BUSY);
    EXPECT(strstr(evl_fault(), pid) != NULL && strstr(evl_fault(), "group g: ") != NULL);
    sim_stop(c.hands[0].io);
    EXPECT(join(&c, 1, "a", "t") == EVL_ERR_BUSY && strstr(evl_fault(), "stopped") != NULL);
    sim_continue(c.hands[0].io);
    EXPECT(join(&c, 1, "b", "t") == EVL_OK);
    end(&c, 0, true);
    EXPECT(join(&c, 2, "a", "t") == EVL_OK);
    crew_end(&c);
}

TEST("members of one group with different topics share what both want")
{
    struct crew c;
    crew_begin(&c);
    EXPECT(evl_admin_create(c.place, "t", 4, NULL, 0, false) == EVL_OK);
    EXPECT(evl_admin_create(c.place, "u", 3, NULL, 0, false) == EVL_OK);
    REQUIRE(join(&c, 0, NULL, "t") == EVL_OK);
    REQUIRE(join(&c, 1, NULL, "u") == EVL_OK);
    const char *both[] = { "u", "t", "u" };
    struct evl_member_options o = { .group = "g", .topics = both, .topic_count = 3 };
    c.hands[2].io = sim_process(c.sim);
    c.hands[2].place = open_place(c.hands[2].io, false);
    REQUIRE(evl_member_open(c.hands[2].place, &o, &c.hands[2].member) == EVL_OK);
    pass(&c, 1000, -1);
    OWNED(c, "t", 4, "0022");
    EXPECT(owned(&c, 1) + owned(&c, 2) == 5 && owned(&c, 2) >= 3);
    EXPECT(owner(&c, "u", 0) > 0 && owner(&c, "u", 1) > 0 && owner(&c, "u", 2) > 0);
    crew_end(&c);
}

TEST("many small topics are shared evenly, too")
{
    struct crew c;
    char names[10][8];
    const char *topics[10];
    crew_begin(&c);
    for (int i = 0; i < 10; i++) {
        snprintf(names[i], sizeof names[i], "t%d", i);
        topics[i] = names[i];
        EXPECT(evl_admin_create(c.place, names[i], 1, NULL, 0, false) == EVL_OK);
    }
    struct evl_member_options o = { .group = "g", .topics = topics, .topic_count = 10 };
    for (int i = 0; i < 5; i++) {
        c.hands[i].io = sim_process(c.sim);
        c.hands[i].place = open_place(c.hands[i].io, false);
        REQUIRE(evl_member_open(c.hands[i].place, &o, &c.hands[i].member) == EVL_OK);
        pass(&c, 300, -1);
    }
    pass(&c, 1000, -1);
    for (int i = 0; i < 5; i++)
        EXPECT(owned(&c, i) == 2);
    crew_end(&c);
}

TEST("a topic may be made later, grow, vanish and come back")
{
    struct crew c;
    crew_begin(&c);
    REQUIRE(join(&c, 0, NULL, "t") == EVL_OK);
    REQUIRE(join(&c, 1, NULL, "t") == EVL_OK);
    pass(&c, 500, -1);
    EXPECT(owned(&c, 0) + owned(&c, 1) == 0);
    EXPECT(evl_admin_create(c.place, "t", 2, NULL, 0, false) == EVL_OK);
    pass(&c, 500, -1);
    OWNED(c, "t", 2, "01");
    EXPECT(evl_admin_grow(c.place, "t", 5, false) == EVL_OK);
    pass(&c, 500, -1);
    EXPECT(owned(&c, 0) == 3 && owned(&c, 1) == 2);
    EXPECT(c.hands[0].asked + c.hands[1].asked == 0);
    EXPECT(evl_admin_remove(c.place, "t", false) == EVL_OK);
    pass(&c, 300, -1);
    EXPECT(owned(&c, 0) + owned(&c, 1) == 0);
    EXPECT(c.hands[0].asked + c.hands[1].asked == 5);
    EXPECT(evl_admin_create(c.place, "t", 2, NULL, 0, false) == EVL_OK);
    pass(&c, 300, -1);
    OWNED(c, "t", 2, "01");
    EXPECT(evl_admin_remove(c.place, "t", false) == EVL_OK);
    EXPECT(evl_admin_create(c.place, "t", 4, NULL, 0, false) == EVL_OK);
    pass(&c, 500, -1); /* it was another one of the same name */
    EXPECT(owned(&c, 0) == 2 && owned(&c, 1) == 2);
    crew_end(&c);
}

TEST("with more members than partitions each is owned once, and some wait")
{
    struct crew c;
    crew_begin(&c);
    EXPECT(evl_admin_create(c.place, "t", 3, NULL, 0, false) == EVL_OK);
    for (int i = 0; i < 6; i++)
        REQUIRE(join(&c, i, NULL, "t") == EVL_OK);
    pass(&c, 1000, -1);
    OWNED(c, "t", 3, "012");
    end(&c, 0, true);
    pass(&c, 700, -1);
    size_t all = 0;
    for (int i = 1; i < 6; i++) {
        EXPECT(owned(&c, i) <= 1);
        all += owned(&c, i);
    }
    EXPECT(all == 3);
    crew_end(&c);
}

TEST("a stopped member keeps what it owns, and the others own the rest")
{
    struct crew c;
    struct evl_group_members list;
    crew_begin(&c);
    EXPECT(evl_admin_create(c.place, "t", 6, NULL, 0, false) == EVL_OK);
    REQUIRE(join(&c, 0, NULL, "t") == EVL_OK);
    pass(&c, 500, -1);
    REQUIRE(join(&c, 1, NULL, "t") == EVL_OK); /* stopped before it took anything */
    sim_stop(c.hands[1].io);
    pass(&c, 1500, 1);
    OWNED(c, "t", 6, "000000");
    sim_continue(c.hands[1].io);
    pass(&c, 1000, -1);
    EXPECT(owned(&c, 0) == 3 && owned(&c, 1) == 3);
    sim_stop(c.hands[1].io);
    REQUIRE(join(&c, 2, NULL, "t") == EVL_OK);
    pass(&c, 1500, 1);
    EXPECT(owned(&c, 1) == 3 && owned(&c, 0) + owned(&c, 2) == 3 && owned(&c, 2) >= 1);
    REQUIRE(evl_admin_group_members(c.place, "g", &list) == EVL_OK && list.count == 3);
    EXPECT(list.at[0].state == EVL_MEMBER_RUNNING && list.at[1].state == EVL_MEMBER_STOPPED);
    EXPECT(list.at[1].owned_count == 3);
    evl_group_members_release(&list);
    sim_continue(c.hands[1].io);
    pass(&c, 1500, -1);
    EXPECT(owned(&c, 0) == 2 && owned(&c, 1) == 2 && owned(&c, 2) == 2);
    crew_end(&c);
}

TEST("the members of a group can be seen from outside, also by who may only read")
{
    struct crew c;
    struct evl_group_members list;
    struct io *io;
    crew_begin(&c);
    io = sim_process(c.sim);
    struct evl_place *reader = open_place(io, true);
    EXPECT(evl_admin_group_members(reader, "g", &list) == EVL_OK && list.count == 0);
    evl_group_members_release(&list);
    EXPECT(evl_admin_create(c.place, "t", 2, NULL, 0, false) == EVL_OK);
    REQUIRE(join(&c, 0, "a", "t") == EVL_OK);
    REQUIRE(join(&c, 1, NULL, "t") == EVL_OK);
    int32_t pid = io_pid(c.hands[0].io);
    pass(&c, 500, -1);
    EXPECT(evl_admin_group_members(reader, "other", &list) == EVL_OK && list.count == 0);
    evl_group_members_release(&list);
    end(&c, 0, true);
    pass(&c, 1000, -1);
    REQUIRE(evl_admin_group_members(reader, NULL, &list) == EVL_OK && list.count == 2);
    const struct evl_group_member *m = &list.at[0];
    EXPECT(strcmp(m->group, "g") == 0 && strcmp(m->instance, "a") == 0 && m->pid == pid);
    EXPECT(m->state == EVL_MEMBER_AWAITED && m->session_ms == 45000);
    EXPECT(m->left_ms > 43000 && m->left_ms < 45000 && m->since_ms > 1700000000000);
    EXPECT(m->topic_count == 1 && strcmp(m->topics[0], "t") == 0);
    EXPECT(m->owned_count == 1 && m->owned[0].partition == 0);
    EXPECT(list.at[1].instance == NULL && list.at[1].state == EVL_MEMBER_RUNNING);
    EXPECT(list.at[1].owned_count == 1 && list.at[1].owned[0].partition == 1);
    evl_group_members_release(&list);
    evl_place_close(reader);
    EXPECT(sim_exit(io) == 0);
    crew_end(&c);
}

TEST("who may only read a place cannot be a member, and hears what to do")
{
    struct crew c;
    struct evl_member *m;
    const char *topics[] = { "t" };
    struct evl_member_options o = { .group = "g", .topics = topics, .topic_count = 1 };
    struct members_hold *hold;
    crew_begin(&c);
    struct io *io = sim_process(c.sim);
    struct evl_place *reader = open_place(io, true);
    EXPECT(evl_member_open(reader, &o, &m) == EVL_ERR_DENIED);
    EXPECT(strstr(evl_fault(), "open it for writing") != NULL);
    EXPECT(members_hold(reader, "g", &hold) == EVL_ERR_DENIED);
    evl_place_close(reader);
    EXPECT(sim_exit(io) == 0);
    o.group = "";
    EXPECT(evl_member_open(c.place, &o, &m) == EVL_ERR_USAGE);
    o = (struct evl_member_options){
        .group = "g", .instance = "", .topics = topics, .topic_count = 1
    };
    EXPECT(evl_member_open(c.place, &o, &m) == EVL_ERR_USAGE);
    o = (struct evl_member_options){ .group = "g" };
    EXPECT(evl_member_open(c.place, &o, &m) == EVL_ERR_USAGE);
    o = (struct evl_member_options){
        .group = "g", .topics = topics, .topic_count = 1, .session_ms = -1
    };
    EXPECT(evl_member_open(c.place, &o, &m) == EVL_ERR_USAGE);
    crew_end(&c);
}

TEST("a group with members is not held, and one that is held is not joined")
{
    struct crew c;
    struct members_hold *hold;
    char pid[32];
    crew_begin(&c);
    EXPECT(evl_admin_create(c.place, "t", 2, NULL, 0, false) == EVL_OK);
    REQUIRE(join(&c, 0, "a", "t") == EVL_OK);
    snprintf(pid, sizeof pid, "process %" PRId32 " ", io_pid(c.hands[0].io));
    EXPECT(members_hold(c.place, "g", &hold) == EVL_ERR_BUSY && strstr(evl_fault(), pid));
    REQUIRE(members_hold(c.place, "other", &hold) == EVL_OK);
    members_let_go(hold);
    end(&c, 0, true);
    REQUIRE(members_hold(c.place, "g", &hold) == EVL_OK); /* awaited is not alive */
    EXPECT(join(&c, 1, NULL, "t") == EVL_ERR_BUSY && strstr(evl_fault(), "changing it"));
    members_let_go(hold);
    members_let_go(NULL);
    EXPECT(join(&c, 1, NULL, "t") == EVL_OK);
    crew_end(&c);
}

TEST("what is not owned is not released")
{
    struct crew c;
    crew_begin(&c);
    EXPECT(evl_admin_create(c.place, "t", 2, NULL, 0, false) == EVL_OK);
    REQUIRE(join(&c, 0, NULL, "t") == EVL_OK);
    struct evl_member *m = c.hands[0].member;
    EXPECT(evl_member_release(m, "t", 0) == EVL_ERR_USAGE);
    look(&c.hands[0]);
    EXPECT(evl_member_release(m, "t", 0) == EVL_OK && !evl_member_owns(m, "t", 0));
    EXPECT(evl_member_release(m, "t", 0) == EVL_ERR_USAGE);
    EXPECT(evl_member_release(m, "t", 2) == EVL_ERR_USAGE);
    EXPECT(evl_member_release(m, "t", -1) == EVL_ERR_USAGE);
    EXPECT(evl_member_release(m, "u", 0) == EVL_ERR_USAGE);
    EXPECT(strstr(evl_fault(), "group g: u-0 is not ours") != NULL);
    look(&c.hands[0]); /* nobody else wanted it */
    EXPECT(evl_member_owns(m, "t", 0));
    crew_end(&c);
}

TEST("an owner commits, and the next owner goes on from there; nobody else may")
{
    struct crew c;
    int64_t offset = 7;
    struct evl_position_commit at[] = { { "t", 0, 0, -1, "" }, { "t", 1, 0, -1, NULL } };
    crew_begin(&c);
    EXPECT(evl_admin_create(c.place, "t", 2, NULL, 0, false) == EVL_OK);
    REQUIRE(join(&c, 0, NULL, "t") == EVL_OK);
    struct evl_member *m = c.hands[0].member;
    EXPECT(evl_member_committed(m, "t", 0, &offset) == EVL_ERR_USAGE && offset == 7);
    EXPECT(evl_member_commit(m, at, 1) == EVL_ERR_USAGE);
    look(&c.hands[0]);
    EXPECT(evl_member_committed(m, "t", 0, &offset) == EVL_OK && offset == -1);
    EXPECT(evl_member_commit(m, at, 0) == EVL_OK);
    EXPECT(evl_member_commit(m, at, 2) == EVL_OK);
    EXPECT(evl_member_committed(m, "t", 1, &offset) == EVL_OK && offset == 0);
    at[0].offset = 1; /* there is no record yet */
    EXPECT(evl_member_commit(m, at, 1) == EVL_ERR_RANGE);
    EXPECT(evl_admin_group_reset(c.place, "g", at + 1, 1, false) == EVL_ERR_BUSY);
    REQUIRE(join(&c, 1, NULL, "t") == EVL_OK);
    pass(&c, 500, -1);
    OWNED(c, "t", 2, "01");
    EXPECT(evl_member_commit(m, at + 1, 1) == EVL_ERR_USAGE);
    EXPECT(evl_member_committed(c.hands[1].member, "t", 1, &offset) == EVL_OK && offset == 0);
    crew_end(&c);
}

TEST("a power cut voids every membership and every session")
{
    struct crew c;
    struct evl_group_members list;
    crew_begin(&c);
    EXPECT(evl_admin_create(c.place, "t", 2, NULL, 0, false) == EVL_OK);
    REQUIRE(join(&c, 0, "a", "t") == EVL_OK);
    pass(&c, 300, -1);
    evl_place_close(c.place);
    sim_exit(c.io);
    sim_power_cut(c.sim);
    end(&c, 0, true);
    c.io = sim_process(c.sim);
    c.place = open_place(c.io, false);
    EXPECT(evl_admin_group_members(c.place, NULL, &list) == EVL_OK && list.count == 0);
    evl_group_members_release(&list);
    REQUIRE(join(&c, 1, NULL, "t") == EVL_OK);
    look(&c.hands[1]);
    OWNED(c, "t", 2, "11");
    crew_end(&c);
}

TEST("more topics than a slot holds are too many")
{
    struct crew c;
    static char names[200][256];
    const char *topics[200];
    struct evl_member *m;
    crew_begin(&c);
    for (int i = 0; i < 200; i++) {
        snprintf(names[i], sizeof names[i], "%0249d", i);
        topics[i] = names[i];
    }
    struct evl_member_options o = { .group = "g", .topics = topics, .topic_count = 200 };
    EXPECT(evl_member_open(c.place, &o, &m) == EVL_ERR_TOO_LARGE);
    EXPECT(strstr(evl_fault(), "name fewer topics") != NULL);
    o.topic_count = 100;
    REQUIRE(evl_member_open(c.place, &o, &m) == EVL_OK);
    evl_member_close(m);
    crew_end(&c);
}

TEST("a thousand members of many groups fit, and one too many is told")
{
    struct crew c;
    static struct evl_member *members[PRESENCE_SLOTS];
    struct evl_member *more;
    struct evl_group_members list;
    struct evl_member_news news;
    const char *topics[] = { "t" };
    char group[8];
    struct evl_member_options o = { .group = group, .topics = topics, .topic_count = 1 };
    crew_begin(&c);
    EXPECT(evl_admin_create(c.place, "t", 3, NULL, 0, false) == EVL_OK);
    for (int i = 0; i < PRESENCE_SLOTS; i++) {
        snprintf(group, sizeof group, "g%d", i % 256);
        REQUIRE(evl_member_open(c.place, &o, &members[i]) == EVL_OK);
    }
    EXPECT(evl_member_open(c.place, &o, &more) == EVL_ERR_UNAVAILABLE);
    for (int i = 255; i < PRESENCE_SLOTS; i += 256)
        EXPECT(evl_member_poll(members[i], &news) == EVL_OK && news.gained_count <= 1);
    EXPECT(evl_admin_group_members(c.place, "g255", &list) == EVL_OK && list.count == 4);
    evl_group_members_release(&list);
    evl_member_close(members[500]);
    EXPECT(evl_member_open(c.place, &o, &members[500]) == EVL_OK);
    for (int i = 0; i < PRESENCE_SLOTS; i++)
        evl_member_close(members[i]);
    crew_end(&c);
}
