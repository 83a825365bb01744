/* crew.c - hands, and the mate who watches them.
 *
 * A hand is a process, or one after the other, that is a member for a while;
 * the mate changes things, waits a second, and counts.  Who owns what stands in
 * one table, written as hands hear it: only one of them runs at a time. */
#include "sim/crew.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <evl/admin.h>
#include <evl/member.h>

#include "io/io_sim.h"

enum { HANDS = 4, TOPICS = 2, PARTITIONS_MAX = 8, CHANGES = 3, SESSIONS_MAX = 4, LOOKS_MAX = 12 };
enum { WILD_MS_MAX = 5000, SHORT_MS = 700 };

static const char *const names[TOPICS] = { "t", "u" };

struct crew;

struct hand {
    struct crew *crew;
    struct io *io;
    struct evl_member *member; /* NULL: it is none now */
    char instance[8];          /* empty: dynamic */
    int topics;                /* the first so many */
    bool wild;                 /* still in its own sessions */
    bool away;                 /* told to leave */
    bool stopped;
};

struct crew {
    struct sim *sim;
    struct hand hands[HANDS];
    int owner[TOPICS][PARTITIONS_MAX]; /* hand's number, or -1 */
    bool over;
    bool stops;  /* who is stopped with a lock that it would have let go, has it */
    bool struck; /* the one fault of crew_every() has come */
    int64_t wild_ms;
    uint64_t deaths;
    char broken[1024];
};

__attribute__((format(printf, 2, 3))) static void broken(struct crew *c, const char *format, ...)
{
    va_list words;
    if (c->broken[0])
        return;
    va_start(words, format);
    vsnprintf(c->broken, sizeof c->broken, format, words);
    va_end(words);
}

static int number_of(const struct hand *h) { return (int)(h - h->crew->hands); }

static uint64_t chance(struct crew *c, uint64_t limit) { return sim_chance(c->sim, limit); }

static int topic_number(const char *topic) { return strcmp(topic, names[0]) == 0 ? 0 : 1; }

/* ---- owning -------------------------------------------------------------- */

static void hand_gains(struct hand *h, const struct evl_lease *lease)
{
    struct crew *c = h->crew;
    int *owner = &c->owner[topic_number(lease->topic)][lease->partition];
    const struct hand *other = *owner >= 0 && *owner != number_of(h) ? &c->hands[*owner] : NULL;
    if (other && other->member && sim_is_alive(other->io))
        broken(c, "hands %d and %d own %s-%d", *owner, number_of(h), lease->topic,
               (int)lease->partition);
    if (other && other->instance[0] && !c->stops)
        broken(c, "hand %d took %s-%d, which was kept for hand %d", number_of(h), lease->topic,
               (int)lease->partition, *owner);
    *owner = number_of(h);
}

static void hand_gives_back(struct hand *h, const struct evl_lease *lease)
{
    int *owner = &h->crew->owner[topic_number(lease->topic)][lease->partition];
    if (*owner == number_of(h))
        *owner = -1;
    /* On a full disk it stays ours. */
    if (evl_member_release(h->member, lease->topic, lease->partition) && sim_is_alive(h->io))
        hand_gains(h, lease);
}

static void hand_looks(struct hand *h)
{
    struct evl_member_news news;
    if (evl_member_poll(h->member, &news))
        return;
    for (size_t i = 0; i < news.gained_count && sim_is_alive(h->io); i++)
        hand_gains(h, &news.gained[i]);
    for (size_t i = 0; i < news.asked_count && sim_is_alive(h->io); i++)
        hand_gives_back(h, &news.asked[i]);
}

/* What this instance owned when it died, it owns again. */
static void hand_finds_again(struct hand *h)
{
    struct evl_member_news news;
    if (evl_member_poll(h->member, &news) || !sim_is_alive(h->io))
        return;
    for (size_t i = 0; i < news.gained_count; i++)
        hand_gains(h, &news.gained[i]);
    for (int t = 0; t < h->topics && !h->crew->stops; t++)
        for (int p = 0; p < PARTITIONS_MAX; p++)
            if (h->crew->owner[t][p] == number_of(h) && !evl_member_owns(h->member, names[t], p))
                broken(h->crew, "hand %d came back, and %s-%d was not kept for it", number_of(h),
                       names[t], p);
    for (size_t i = 0; i < news.asked_count && sim_is_alive(h->io); i++)
        hand_gives_back(h, &news.asked[i]);
}

/* A dynamic member's are anybody's from now on. */
static void hand_lets_go(struct hand *h)
{
    for (int t = 0; t < TOPICS; t++)
        for (int p = 0; p < PARTITIONS_MAX; p++)
            if (h->crew->owner[t][p] == number_of(h) && !h->instance[0])
                h->crew->owner[t][p] = -1;
}

/* ---- a hand's sessions --------------------------------------------------- */

static struct evl_place *hand_place(struct hand *h)
{
    struct evl_place *place = NULL;
    struct evl_place_options o = { .dir = "d", .timeout_ms = 20000, .io = h->io };
    return evl_place_open(&o, &place) ? NULL : place;
}

static void hand_joins(struct hand *h, struct evl_place *place)
{
    struct evl_member *member;
    struct evl_member_options o = { .group = "crew",
                                    .instance = h->instance[0] ? h->instance : NULL,
                                    .topics = names,
                                    .topic_count = (size_t)h->topics,
                                    .session_ms = 3600000 };
    if (evl_member_open(place, &o, &member))
        return;
    h->member = member;
    hand_finds_again(h);
}

static void hand_leaves(struct hand *h)
{
    if (sim_is_alive(h->io))
        hand_lets_go(h);
    struct evl_member *member = h->member;
    h->member = NULL;
    evl_member_close(member);
}

static void rest(struct hand *h) { io_sleep(h->io, (int64_t)chance(h->crew, 150) * IO_MS); }

static bool hand_goes_on(const struct hand *h, uint64_t looks)
{
    if (!sim_is_alive(h->io) || h->crew->over || h->crew->broken[0])
        return false;
    return h->wild ? looks > 0 : !h->away;
}

/* Topics grow meanwhile. */
static void grow(struct hand *h, struct evl_place *place)
{
    if (h->wild && chance(h->crew, 8) == 0)
        (void)evl_admin_grow(place, names[chance(h->crew, TOPICS)],
                             2 + (int)chance(h->crew, PARTITIONS_MAX - 1), false);
}

static void hand_session(struct hand *h)
{
    struct evl_place *place = hand_place(h);
    if (!place)
        return;
    hand_joins(h, place);
    for (uint64_t looks = 1 + chance(h->crew, LOOKS_MAX); h->member && hand_goes_on(h, looks);
         looks -= looks > 0) {
        grow(h, place);
        hand_looks(h);
        rest(h);
    }
    if (h->member)
        hand_leaves(h);
    evl_place_close(place);
}

static void hand_run(struct io *io, void *context)
{
    struct hand *h = context;
    struct crew *c = h->crew;
    uint64_t sessions = 1 + chance(c, SESSIONS_MAX);
    h->io = io;
    while (!c->over && !c->broken[0]) {
        if (!h->away)
            hand_session(h);
        if (!sim_is_alive(h->io)) {
            hand_lets_go(h);
            h->io = sim_process(c->sim);
            c->deaths++;
        }
        h->wild = h->wild && sessions-- > 1;
        rest(h);
    }
}

/* ---- the mate ------------------------------------------------------------ */

static bool hand_is_awake(const struct hand *h)
{
    return h->member && !h->stopped && sim_is_alive(h->io);
}

/* What those keep who are not awake. */
static void count_kept(struct crew *c, struct evl_place *place, bool kept[TOPICS][PARTITIONS_MAX])
{
    struct evl_group_members list;
    if (evl_admin_group_members(place, "crew", &list)) {
        broken(c, "nobody can see the members: %s", evl_fault());
        return;
    }
    for (size_t i = 0; i < list.count; i++)
        for (size_t o = 0; o < list.at[i].owned_count; o++)
            if (list.at[i].state != EVL_MEMBER_RUNNING)
                kept[topic_number(list.at[i].owned[o].topic)][list.at[i].owned[o].partition] = true;
    evl_group_members_release(&list);
}

/* Every partition is owned or kept, and nobody awake has two more than another. */
static void count_topic(struct crew *c, int t, int partitions, const bool *kept)
{
    int own[HANDS] = { 0 };
    int most = 0;
    int least = PARTITIONS_MAX;
    for (int p = 0; p < partitions; p++) {
        int owner = c->owner[t][p];
        bool owned = owner >= 0 && hand_is_awake(&c->hands[owner]);
        if (owned)
            own[owner]++;
        if (!owned && !kept[p])
            broken(c, "a second after the last change nobody owns %s-%d", names[t], p);
    }
    for (int i = 0; i < HANDS; i++)
        if (hand_is_awake(&c->hands[i]) && c->hands[i].topics > t) {
            most = own[i] > most ? own[i] : most;
            least = own[i] < least ? own[i] : least;
        }
    if (most - least > 1)
        broken(c, "of %s one hand owns %d, another %d", names[t], most, least);
}

static bool topic_is_wanted(const struct crew *c, int t)
{
    bool wanted = false;
    for (int i = 0; i < HANDS; i++)
        wanted = wanted || (hand_is_awake(&c->hands[i]) && c->hands[i].topics > t);
    return wanted;
}

static void mate_counts(struct crew *c, struct evl_place *place)
{
    bool kept[TOPICS][PARTITIONS_MAX] = { { false } };
    count_kept(c, place, kept);
    for (int t = 0; t < TOPICS; t++) {
        struct evl_topic topic;
        if (evl_admin_topic(place, names[t], &topic))
            broken(c, "topic %s: %s", names[t], evl_fault());
        else if (topic_is_wanted(c, t))
            count_topic(c, t, topic.partitions, kept[t]);
    }
}

/* A kill leaves no trace of its own: the hand comes back only if told. */
static void mate_changes(struct crew *c, struct io *io)
{
    struct hand *h = &c->hands[chance(c, HANDS)];
    if (h->stopped) {
        h->stopped = false;
        sim_continue(h->io);
    } else if (h->away) {
        h->away = false;
        while (!h->member && !c->broken[0])
            io_sleep(io, IO_MS);
    } else if (chance(c, 3) == 0) {
        h->stopped = c->stops = true;
        sim_stop(h->io);
    } else {
        bool kill = chance(c, 2) == 0;
        h->away = true;
        if (kill)
            sim_kill(h->io);
        while (h->member && !c->broken[0])
            io_sleep(io, kill ? 1 : IO_MS);
    }
}

static bool all_are_tame(const struct crew *c)
{
    bool tame = true;
    for (int i = 0; i < HANDS; i++)
        tame = tame && !c->hands[i].wild && c->hands[i].member;
    return tame;
}

/* Nothing goes wrong by itself any more; who was stopped for a while goes on. */
static void calm(struct crew *c)
{
    struct sim_options *o = sim_options(c->sim);
    c->struck = o->after[SIM_KILL] == 0 && o->after[SIM_STOP] == 0;
    memset(o->ppm, 0, sizeof o->ppm);
    memset(o->after, 0, sizeof o->after);
    for (int i = 0; i < HANDS; i++)
        if (c->hands[i].io)
            sim_continue(c->hands[i].io);
}

static void mate_run(struct io *io, void *context)
{
    struct crew *c = context;
    struct evl_place *place;
    struct evl_place_options o = { .dir = "d", .timeout_ms = 20000, .io = io };
    io_sleep(io, c->wild_ms * IO_MS);
    calm(c);
    if (!sim_is_alive(io))
        io = sim_process(c->sim);
    o.io = io;
    while (!all_are_tame(c) && !c->broken[0])
        io_sleep(io, 10 * IO_MS);
    if (evl_place_open(&o, &place)) {
        broken(c, "the mate cannot open the directory: %s", evl_fault());
    } else {
        for (int i = 0; i <= CHANGES && !c->broken[0]; i++) {
            if (i > 0)
                mate_changes(c, io);
            io_sleep(io, 1000 * (int64_t)IO_MS);
            mate_counts(c, place);
        }
        evl_place_close(place);
    }
    c->over = true;
    for (int i = 0; i < HANDS; i++)
        if (c->hands[i].io)
            sim_continue(c->hands[i].io);
}

/* ---- the world ----------------------------------------------------------- */

static void crew_faults(struct crew *c)
{
    struct sim_options *o = sim_options(c->sim);
    if (chance(c, 3) > 0)
        o->ppm[SIM_KILL] = 1 + (uint32_t)chance(c, 4000);
    c->stops = chance(c, 2) > 0;
    if (c->stops)
        o->ppm[SIM_STOP] = 1 + (uint32_t)chance(c, 1000);
    if (chance(c, 4) == 0)
        o->ppm[SIM_WRITE_SHORT] = (uint32_t)chance(c, 300000);
    if (chance(c, 8) == 0)
        o->ppm[SIM_WRITE_FULL] = (uint32_t)chance(c, 30000);
}

static void crew_begin(struct crew *c, uint64_t seed)
{
    struct evl_place *place;
    *c = (struct crew){ .sim = sim_create(seed) };
    memset(c->owner, -1, sizeof c->owner);
    struct io *io = sim_process(c->sim);
    struct evl_place_options o = { .dir = "d", .create = true, .io = io };
    if (evl_place_open(&o, &place)) {
        broken(c, "no directory: %s", evl_fault());
        return;
    }
    for (int t = 0; t < TOPICS; t++)
        if (evl_admin_create(place, names[t], 1 + (int)chance(c, 6), NULL, 0, false))
            broken(c, "no topic: %s", evl_fault());
    evl_place_close(place);
    sim_exit(io);
}

static void crew_works(struct crew *c)
{
    struct sim_body bodies[HANDS + 1];
    for (int i = 0; i < HANDS; i++) {
        struct hand *h = &c->hands[i];
        *h = (struct hand){ .crew = c, .topics = 1 + (int)chance(c, TOPICS), .wild = true };
        if (chance(c, 2) == 0)
            snprintf(h->instance, sizeof h->instance, "i%d", i);
        bodies[i] = (struct sim_body){ hand_run, h };
    }
    bodies[HANDS] = (struct sim_body){ mate_run, c };
    if (sim_run(c->sim, bodies, HANDS + 1) != 0)
        broken(c, "a process has not given all of its files back");
}

static void crew_end(struct crew *c, struct torture_result *result)
{
    *result = (struct torture_result){ .kills = c->deaths,
                                       .operations = sim_operations(c->sim),
                                       .trace = sim_trace(c->sim) };
    memcpy(result->broken, c->broken, sizeof result->broken);
    sim_destroy(c->sim);
}

void crew_run(uint64_t seed, const struct torture_options *options, struct torture_result *result)
{
    struct crew c;
    crew_begin(&c, seed);
    sim_options(c.sim)->trace = options->trace;
    crew_faults(&c);
    c.wild_ms = (int64_t)chance(&c, WILD_MS_MAX);
    if (!c.broken[0])
        crew_works(&c);
    crew_end(&c, result);
}

void crew_every(bool stop, uint64_t stride, struct torture_result *result)
{
    enum sim_fault how = stop ? SIM_STOP : SIM_KILL;
    char what[200];
    uint64_t runs = 0;
    struct crew c = { .struck = true };
    for (uint64_t at = 1; c.struck; at += stride, runs++) {
        crew_begin(&c, 1 + at % stride);
        sim_options(c.sim)->after[how] = at;
        c.wild_ms = SHORT_MS;
        c.stops = stop;
        crew_works(&c);
        crew_end(&c, result);
        if (!result->broken[0])
            continue;
        snprintf(what, sizeof what, "%.190s", result->broken);
        snprintf(result->broken, sizeof result->broken, "%s at call %" PRIu64 ": %s",
                 stop ? "stopped" : "killed", at, what);
        break;
    }
    result->operations = runs;
}
