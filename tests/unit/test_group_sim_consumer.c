/* Consumer groups by chance: clients that heartbeat, give back late, lose answers,
 * sleep, restart and die, and a coordinator that dies with records decided.
 *
 * (1) What members have, or have to give back, overlaps nowhere.
 * (2) What a client reads is its member's, as long as it is one.
 * (3) Whoever commits with success is a member, in its epoch, or had it before.
 * (4) Epochs never go back, and the target's is never ahead.
 * (5) When all is calm, every partition belongs to somebody who is there.
 * (6) The log says what memory says, timers aside (group_kit.h). */
#include <stdio.h>

#include "group_kit.h"
#include "unit.h"

enum { CLIENTS = 6, PARTITIONS = 12, LATER = 9, BEAT_MS = 5000, ANSWER_MS = 20000 };

/* Sets of partitions are bits. */
struct client {
    const char *instance; /* NULL: dynamic */
    char id[40];
    bool in, whole; /* whole: its next heartbeat says everything */
    int32_t epoch;
    unsigned owned, wanted; /* what it reads; what it is to read */
    uint64_t token;
    int64_t asked_ms, beat_ms, asleep_ms;
};

struct world {
    struct stage *s;
    struct client clients[CLIENTS];
    uint64_t chance;
    unsigned incarnations;
    bool calm;
    int32_t epoch, target_epoch;
    size_t decisions;
};

static uint32_t draw(struct world *w, uint32_t below)
{
    w->chance = w->chance * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(w->chance >> 33) % below;
}

static bool happens(struct world *w, uint32_t one_in) { return !w->calm && draw(w, one_in) == 0; }

static unsigned bits(const struct parts *p)
{
    unsigned set = 0;
    for (size_t i = 0; i < p->count; i++)
        set |= 1u << p->at[i].number;
    return set;
}

static const struct consumer *consumer(const struct world *w)
{
    return stage_group(w->s) ? stage_group(w->s)->consumer : NULL;
}

/* ---- what clients do ----------------------------------------------------- */

static void restart(struct world *w, struct client *c)
{
    snprintf(c->id, sizeof c->id, "m%u", ++w->incarnations);
    c->in = false;
    c->owned = c->wanted = 0;
    c->token = 0;
    c->beat_ms = w->s->now_ms + draw(w, 1000);
}

static void fill(struct client *c, struct group_event *e, struct part room[PARTITIONS])
{
    static const struct evl_bytes orders = { (const uint8_t *)"orders", 6 };
    struct group_consumer_heartbeat *r = &e->consumer;
    *r = (struct group_consumer_heartbeat){ T(c->id), T(c->instance), .rebalance_ms = -1 };
    r->epoch = c->in ? c->epoch : EPOCH_JOIN;
    r->owned.at = room;
    for (int32_t p = 0; p < PARTITIONS; p++)
        if (c->owned & 1u << p)
            room[r->owned.count++] = (struct part){ stage_topic_id("orders"), p, 0 };
    r->owned_given = c->whole || !c->in;
    if (r->owned_given) {
        r->rebalance_ms = 12000;
        r->topics = (struct group_names){ &orders, 1, true };
    }
}

static void beat(struct world *w, struct client *c)
{
    struct group_event e = stage_event(w->s, GROUP_CONSUMER_HEARTBEAT);
    struct part room[PARTITIONS];
    if (c->owned != c->wanted && draw(w, 2)) {
        c->owned &= c->wanted; /* now it has given back */
        c->whole = true;
    }
    fill(c, &e, room);
    c->token = e.token;
    c->asked_ms = w->s->now_ms;
    c->beat_ms = w->s->now_ms + BEAT_MS;
    stage_send(w->s, &e);
}

static void leave(struct world *w, struct client *c)
{
    struct group_event e = stage_event(w->s, GROUP_CONSUMER_HEARTBEAT);
    struct part room[PARTITIONS];
    char id[sizeof c->id];
    memcpy(id, c->id, sizeof id);
    fill(c, &e, room);
    e.consumer.member = T(id);
    e.consumer.epoch = c->instance ? EPOCH_AWAY : EPOCH_LEAVE;
    restart(w, c);
    stage_send(w->s, &e);
}

static void commit(struct world *w, struct client *c)
{
    struct group_event e = stage_event(w->s, GROUP_COMMIT);
    struct group_position at[PARTITIONS];
    e.commit = (struct group_commit){ T(c->id), T(c->instance), c->epoch, at, 0 };
    for (int32_t p = 0; p < PARTITIONS; p++)
        if (c->owned & 1u << p)
            at[e.commit.count++] = (struct group_position){ T("orders"), p };
    void (*seen)(void *) = w->s->seen;
    w->s->seen = NULL;
    int error = stage_error(w->s, stage_send(w->s, &e));
    w->s->seen = seen;
    const struct consumer *group = consumer(w);
    const struct consumer_member *m = group ? consumer_find(group, T(c->id)) : NULL;
    EXPECT(error != KAFKA_NONE ||
           (m && (m->epoch == c->epoch || (c->owned & ~bits(&m->assigned)) == 0))); /* (3) */
}

/* ---- what they hear ------------------------------------------------------ */

static void hear(struct world *w, struct client *c, const struct group_answer *a)
{
    c->token = 0;
    c->whole = false;
    if (a->error == KAFKA_FENCED_INSTANCE_ID) {
        restart(w, c);
    } else if (a->error == KAFKA_UNKNOWN_MEMBER_ID || a->error == KAFKA_FENCED_MEMBER_EPOCH) {
        c->in = false;
        c->owned = c->wanted = 0;
        c->beat_ms = w->s->now_ms;
    } else if (a->error) {
        c->whole = true; /* the coordinator is away, or the instance not released yet */
    } else {
        c->in = true;
        c->epoch = a->consumer.epoch;
        if (a->consumer.assignment) {
            c->wanted = bits(a->consumer.assignment);
            c->owned |= c->wanted;
            c->whole = true;
        }
    }
}

static void expect_sound(struct world *w)
{
    const struct consumer *c = consumer(w);
    unsigned taken = 0;
    for (size_t i = 0; c && i < c->member_count; i++) {
        const struct consumer_member *m = c->members[i];
        unsigned held = bits(&m->assigned) | bits(&m->revoking);
        EXPECT((held & taken) == 0); /* (1) */
        taken |= held;
    }
    for (size_t i = 0; c && i < CLIENTS; i++) {
        const struct consumer_member *m = consumer_find(c, T(w->clients[i].id));
        EXPECT(!m || (w->clients[i].owned & ~(bits(&m->assigned) | bits(&m->revoking))) == 0);
    }
    if (!c)
        return;
    EXPECT(c->epoch >= w->epoch && c->target_epoch >= w->target_epoch &&
           c->target_epoch <= c->epoch); /* (4) */
    w->epoch = c->epoch;
    w->target_epoch = c->target_epoch;
}

static void seen(void *who)
{
    struct world *w = who;
    struct decision *d = &w->s->d;
    expect_sound(w); /* (2) too: nobody has heard of it yet */
    if (++w->decisions % 64 == 0)
        EXPECT(stage_is_true(w->s)); /* (6) */
    if (w->s->log_count > 300)
        stage_compact(w->s);
    for (size_t i = 0; i < d->answer_count; i++)
        for (size_t c = 0; c < CLIENTS; c++)
            if (w->clients[c].token == d->answers[i].token && !happens(w, 10))
                hear(w, &w->clients[c], &d->answers[i]);
}

/* ---- time passes --------------------------------------------------------- */

static void trouble(struct world *w, struct client *c)
{
    if (happens(w, 80))
        restart(w, c);
    else if (happens(w, 60))
        c->asleep_ms = w->s->now_ms + draw(w, 80000);
    else if (c->in && happens(w, 60))
        leave(w, c);
    if (happens(w, 60))
        w->s->death = draw(w, 2) ? STAGE_DIES_BEFORE : STAGE_DIES_AFTER;
    if (happens(w, 60))
        w->s->refuse = KAFKA_COORDINATOR_NOT_AVAILABLE;
}

static void act(struct world *w, struct client *c)
{
    if (w->s->now_ms < c->asleep_ms)
        return;
    if (c->token && w->s->now_ms - c->asked_ms > ANSWER_MS) {
        c->token = 0; /* it was lost */
        c->whole = true;
    }
    if (!c->token && (w->s->now_ms >= c->beat_ms || c->whole))
        beat(w, c);
    else if (c->in && c->owned)
        commit(w, c);
}

static void run(struct world *w, int steps)
{
    for (int i = 0; i < steps; i++) {
        struct client *c = &w->clients[draw(w, CLIENTS)];
        trouble(w, c);
        act(w, c);
        for (size_t j = 0; w->calm && j < CLIENTS; j++)
            act(w, &w->clients[j]);
        stage_wait(w->s, draw(w, 800));
    }
}

/* ---- worlds -------------------------------------------------------------- */

static void expect_whole(const struct world *w)
{
    unsigned owned = 0;
    for (size_t c = 0; c < CLIENTS; c++) {
        EXPECT(w->clients[c].in && (owned & w->clients[c].owned) == 0);
        EXPECT(w->clients[c].owned == w->clients[c].wanted);
        owned |= w->clients[c].owned;
    }
    EXPECT(owned == (1u << PARTITIONS) - 1); /* (5) */
    EXPECT(strcmp(consumer_state_name(consumer(w)), "Stable") == 0);
    EXPECT(consumer(w)->member_count == CLIENTS);
}

static void live(uint64_t seed)
{
    static const char *const instances[CLIENTS] = { "i", "j" };
    struct world *w = memory_take(1, sizeof *w);
    w->s = stage_open();
    w->s->quick = true;
    w->s->table->settings.consumer_assignment_ms = seed % 2 ? 1000 : 0;
    w->s->settings.consumer_assignment_ms = seed % 2 ? 1000 : 0;
    w->s->seen = seen;
    w->s->who = w;
    w->chance = seed * 0x9e3779b97f4a7c15u;
    stage_topic(w->s, "orders", LATER);
    for (size_t c = 0; c < CLIENTS; c++) {
        w->clients[c].instance = instances[c];
        restart(w, &w->clients[c]);
    }
    run(w, 1000);
    stage_topic(w->s, "orders", PARTITIONS);
    run(w, 1000);
    w->calm = true;
    w->s->death = STAGE_LIVES;
    w->s->refuse = KAFKA_NONE;
    run(w, 800);
    expect_whole(w);
    EXPECT(w->epoch > 5);
    stage_close(w->s);
    memory_free(w);
}

TEST("whatever clients and coordinators do, a consumer group shares each partition once")
{
    for (uint64_t seed = 1; seed <= 100; seed++)
        live(seed);
}
