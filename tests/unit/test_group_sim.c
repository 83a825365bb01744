/* Classic groups by chance: clients that follow the protocol and lose answers,
 * sleep, restart and die, and a coordinator that dies with a record decided.
 *
 * (1) In one generation a partition belongs to one member.
 * (2) Generations that were handed out never go back.
 * (3) Whoever commits with success is of the newest generation handed out.
 * (4) When all is calm, every partition belongs to somebody who is there.
 * (5) The log says what memory says, but for what is soft (group_kit.h). */
#include "group/assign.h"
#include "group_kit.h"
#include "unit.h"

enum { CLIENTS = 6, PARTITIONS = 8, GENERATIONS = 4000, ANSWER_MS = 30000 };

enum client_state { CLIENT_OUT, CLIENT_JOINING, CLIENT_SYNCING, CLIENT_IN };

struct client {
    enum client_state state;
    const char *instance; /* NULL: dynamic */
    char id[100];
    int32_t generation;
    uint64_t token;    /* whose answer it waits for */
    int64_t asked_ms;  /* since when */
    int64_t beat_ms;   /* when it beats next */
    int64_t asleep_ms; /* until when */
    uint8_t owned[PARTITIONS];
    size_t owned_count;
};

struct world {
    struct stage *s;
    struct client clients[CLIENTS];
    uint64_t chance;
    bool calm;
    int32_t newest;                     /* generation that was handed out */
    int owner[GENERATIONS][PARTITIONS]; /* a client, from 1 on */
    size_t decisions;
};

static uint32_t draw(struct world *w, uint32_t below)
{
    w->chance = w->chance * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(w->chance >> 33) % below;
}

static bool happens(struct world *w, uint32_t one_in) { return !w->calm && draw(w, one_in) == 0; }

/* ---- what clients do ----------------------------------------------------- */

static void ask(struct world *w, struct client *c, struct group_event *e)
{
    c->token = e->token;
    c->asked_ms = w->s->now_ms;
    stage_send(w->s, e);
}

static void forget(struct client *c, bool id_too)
{
    c->state = CLIENT_OUT;
    c->owned_count = 0;
    c->token = 0;
    if (id_too)
        c->id[0] = '\0';
}

static void join(struct world *w, struct client *c)
{
    struct group_event e = stage_event(w->s, GROUP_JOIN);
    struct group_protocol protocols[] = { { T("range"), T("r") }, { T("sticky"), T("s") } };
    size_t which = draw(w, 2);
    e.version = (int16_t)(3 + draw(w, 7));
    e.join = (struct group_join){
        .member = T(c->id),
        .instance = T(c->instance),
        .protocol_type = T("consumer"),
        .protocols = protocols + which,
        .protocol_count = 2 - which,
        .session_ms = 6000 + (int32_t)draw(w, 6000),
        .rebalance_ms = 8000 + (int32_t)draw(w, 4000),
    };
    c->state = CLIENT_JOINING;
    c->owned_count = 0;
    ask(w, c, &e);
}

/* The leader shares partitions out, a byte each. */
static size_t assign(const struct group_join_answer *join, struct group_share *shares,
                     uint8_t room[][PARTITIONS])
{
    static const size_t topic[] = { 0 };
    const int32_t partitions[] = { PARTITIONS };
    struct assign_member members[CLIENTS * 4] = { 0 };
    int32_t owner[PARTITIONS];
    for (size_t m = 0; m < join->peer_count; m++) {
        members[m].topics = topic;
        members[m].topic_count = 1;
        shares[m] = (struct group_share){ join->peers[m].member, evl_bytes(room[m], 0) };
    }
    struct assign a = { partitions, 1, members, join->peer_count };
    assign_range(&a, owner);
    for (uint8_t p = 0; p < PARTITIONS; p++)
        room[owner[p]][shares[owner[p]].assignment.count++] = p;
    return join->peer_count;
}

static void sync(struct world *w, struct client *c, const struct group_join_answer *join)
{
    struct group_event e = stage_event(w->s, GROUP_SYNC);
    struct group_share shares[CLIENTS * 4];
    uint8_t room[CLIENTS * 4][PARTITIONS];
    bool leads = evl_bytes_equal(join->leader, T(c->id)) && !join->skip_assignment;
    e.sync = (struct group_sync){ T(c->id), T(c->instance), join->generation, .shares = shares };
    e.sync.share_count = leads ? assign(join, shares, room) : 0;
    c->state = CLIENT_SYNCING;
    c->generation = join->generation;
    ask(w, c, &e);
}

static void beat(struct world *w, struct client *c, enum group_event_kind kind)
{
    struct group_event e = stage_event(w->s, kind);
    if (kind == GROUP_HEARTBEAT)
        e.sync = (struct group_sync){ T(c->id), T(c->instance), c->generation, .shares = NULL };
    else
        e.commit = (struct group_commit){ T(c->id), T(c->instance), c->generation, NULL, 0 };
    ask(w, c, &e);
}

static void leave(struct world *w, struct client *c)
{
    struct group_event e = stage_event(w->s, GROUP_LEAVE);
    struct group_leaver leaver = { T(c->id), T(c->instance) };
    char id[sizeof c->id];
    memcpy(id, c->id, sizeof id);
    leaver.member = T(id);
    e.leave = (struct group_leave){ &leaver, 1 };
    forget(c, true);
    stage_send(w->s, &e);
}

/* ---- what they hear ------------------------------------------------------ */

static void keep_id(struct client *c, struct evl_bytes id)
{
    memcpy(c->id, id.at, id.count);
    c->id[id.count] = '\0';
}

static void hear_join(struct world *w, struct client *c, const struct group_answer *a)
{
    if (a->error == KAFKA_MEMBER_ID_REQUIRED) {
        keep_id(c, a->join.member);
        c->state = CLIENT_OUT;
        return;
    }
    if (a->error) {
        forget(c, a->error == KAFKA_UNKNOWN_MEMBER_ID || a->error == KAFKA_FENCED_INSTANCE_ID);
        return;
    }
    struct group_join_answer join = a->join;
    keep_id(c, join.member);
    /* The answer is gone with the next event. */
    struct group_peer peers[CLIENTS * 4];
    static char names[CLIENTS * 4 + 1][100];
    for (size_t i = 0; i < join.peer_count; i++) {
        memcpy(names[i], join.peers[i].member.at, join.peers[i].member.count);
        peers[i].member = evl_bytes(names[i], join.peers[i].member.count);
    }
    memcpy(names[CLIENTS * 4], join.leader.at, join.leader.count);
    join.leader = evl_bytes(names[CLIENTS * 4], join.leader.count);
    join.peers = peers;
    sync(w, c, &join);
}

static void hear_sync(struct world *w, struct client *c, const struct group_answer *a)
{
    int me = (int)(c - w->clients) + 1;
    if (a->error) {
        forget(c, a->error != KAFKA_REBALANCE_IN_PROGRESS);
        return;
    }
    c->state = CLIENT_IN;
    c->beat_ms = w->s->now_ms + 2000;
    c->owned_count = a->sync.assignment.count;
    memcpy(c->owned, a->sync.assignment.at, c->owned_count);
    EXPECT(c->generation >= w->newest && c->generation < GENERATIONS); /* (2) */
    w->newest = c->generation;
    for (size_t i = 0; i < c->owned_count; i++) {
        int *owner = &w->owner[c->generation][c->owned[i]];
        EXPECT(*owner == 0 || *owner == me); /* (1) */
        *owner = me;
    }
}

static void hear_beat(struct world *w, struct client *c, const struct group_answer *a)
{
    if (a->kind == GROUP_COMMIT && !a->error)
        EXPECT(c->generation == w->newest); /* (3) */
    if (!a->error)
        return;
    if (a->error == KAFKA_REBALANCE_IN_PROGRESS)
        join(w, c);
    else
        forget(c, a->error != KAFKA_ILLEGAL_GENERATION);
}

static void hear(struct world *w, struct client *c, const struct group_answer *a)
{
    c->token = 0;
    if (a->kind == GROUP_JOIN)
        hear_join(w, c, a);
    else if (a->kind == GROUP_SYNC)
        hear_sync(w, c, a);
    else
        hear_beat(w, c, a);
}

/* Each answer of the last decision reaches who waits for it, or is lost.  What it
 * does then, may bring answers again: so first collect. */
static void seen(void *who)
{
    struct world *w = who;
    struct decision d = w->s->d;
    w->s->d = (struct decision){ 0 };
    if (++w->decisions % 64 == 0)
        EXPECT(stage_is_true(w->s)); /* (5) */
    if (w->s->log_count > 200)
        stage_compact(w->s);
    for (size_t i = 0; i < d.answer_count; i++)
        for (size_t c = 0; c < CLIENTS; c++)
            if (w->clients[c].token == d.answers[i].token && !happens(w, 12))
                hear(w, &w->clients[c], &d.answers[i]);
    decision_release(&d);
}

/* ---- time passes --------------------------------------------------------- */

static void trouble(struct world *w, struct client *c)
{
    if (happens(w, 60))
        forget(c, true); /* it restarts */
    else if (happens(w, 80))
        c->asleep_ms = w->s->now_ms + draw(w, 40000);
    else if (c->id[0] && !c->instance && happens(w, 60))
        leave(w, c);
    if (happens(w, 100))
        w->s->death = draw(w, 2) ? STAGE_DIES_BEFORE : STAGE_DIES_AFTER;
    if (happens(w, 100))
        w->s->refuse = KAFKA_COORDINATOR_NOT_AVAILABLE;
}

static void act(struct world *w, struct client *c)
{
    if (w->s->now_ms < c->asleep_ms)
        return;
    if (c->token && w->s->now_ms - c->asked_ms > ANSWER_MS && c->state != CLIENT_IN)
        c->state = CLIENT_OUT; /* lost; ask again */
    if (c->state == CLIENT_OUT) {
        join(w, c);
    } else if (c->state == CLIENT_IN && w->s->now_ms >= c->beat_ms) {
        c->beat_ms = w->s->now_ms + 2000;
        beat(w, c, draw(w, 3) ? GROUP_HEARTBEAT : GROUP_COMMIT);
    }
}

static void run(struct world *w, int steps)
{
    for (int i = 0; i < steps; i++) {
        struct client *c = &w->clients[draw(w, CLIENTS)];
        trouble(w, c);
        act(w, c);
        for (size_t j = 0; w->calm && j < CLIENTS; j++)
            act(w, &w->clients[j]);
        stage_wait(w->s, draw(w, 400));
    }
}

/* ---- worlds -------------------------------------------------------------- */

static void expect_whole(const struct world *w)
{
    size_t owned = 0;
    for (size_t c = 0; c < CLIENTS; c++) {
        EXPECT(w->clients[c].state == CLIENT_IN && w->clients[c].generation == w->newest);
        owned += w->clients[c].owned_count;
    }
    EXPECT(owned == PARTITIONS); /* (4), with (1) */
}

static void live(uint64_t seed)
{
    static const char *const instances[CLIENTS] = { "i", "j" };
    struct world *w = memory_take(1, sizeof *w);
    w->s = stage_open();
    w->s->quick = true;
    w->s->seen = seen;
    w->s->who = w;
    w->chance = seed * 0x9e3779b97f4a7c15u;
    for (size_t c = 0; c < CLIENTS; c++)
        w->clients[c].instance = instances[c];
    run(w, 1500);
    w->calm = true;
    w->s->death = STAGE_LIVES;
    w->s->refuse = KAFKA_NONE;
    run(w, 1000);
    expect_whole(w);
    EXPECT(w->newest > 5);
    stage_close(w->s);
    memory_free(w);
}

TEST("whatever clients and coordinators do, a classic group shares each partition once")
{
    for (uint64_t seed = 1; seed <= 100; seed++)
        live(seed);
}
