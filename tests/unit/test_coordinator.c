/* Turns on an internal topic: a counter that processes count up, one after the
 * other, whatever happens to them. */
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>

#include <evl/admin.h>

#include "base/endian.h"
#include "base/memory.h"
#include "io/io_sim.h"
#include "log/compact.h"
#include "place/coordinator.h"
#include "place/place.h"
#include "record/marker.h"

/* ---- partitions ---------------------------------------------------------- */

TEST("a group's partition is the one that Java's hash says")
{
    EXPECT(coordinator_partition("", 50) == 0);
    EXPECT(coordinator_partition("foo", 50) == 101574 % 50);
    EXPECT(coordinator_partition("console-consumer-54321", 50) == 162209106 % 50);
    EXPECT(coordinator_partition("gr\xc3\xbc\xc3\x9f", 50) == 3186062 % 50);
    EXPECT(coordinator_partition("\xf0\x9f\x98\x80", 50) == 1772899 % 50); /* two units */
    EXPECT(coordinator_partition("polygenelubricants", 50) == 0);          /* the smallest int */
    EXPECT(coordinator_partition("not \xff text", 50) ==
           coordinator_partition("not \xef\xbf\xbd text", 50));
}

/* ---- a counter ----------------------------------------------------------- */

#define TOPIC "__consumer_offsets"
enum { PRODUCER = 7, NAMES = 8 };

/* Each record counts up: its value is the count before it, and one more.  Names
 * (keys of one letter from a) are there or, after a null value, not. */
struct counter {
    int64_t count, pending;
    bool names[NAMES];
    int cleared;
};

static enum evl_error counter_apply(void *state, const struct evl_record *record,
                                    int64_t producer_id)
{
    struct counter *c = state;
    if (record->key.at[0] != '#') {
        c->names[record->key.at[0] - 'a'] = record->value.at != NULL;
        return EVL_OK;
    }
    int64_t count = get_i64(record->value.at);
    if (producer_id >= 0)
        c->pending = count;
    else if (count <= c->count)
        return EVL_ERR_CORRUPT; /* somebody counted who had not seen all */
    else
        c->count = count;
    return EVL_OK;
}

static enum evl_error counter_decided(void *state, int64_t producer_id, bool committed)
{
    struct counter *c = state;
    EXPECT(producer_id == PRODUCER);
    if (committed && c->pending)
        c->count = c->pending;
    c->pending = 0;
    return EVL_OK;
}

static void counter_clear(void *state)
{
    struct counter *c = state;
    *c = (struct counter){ .cleared = c->cleared + 1 };
}

/* A process that has the counter open. */
struct user {
    struct io *io;
    struct evl_place *place;
    struct coordinator *coordinator;
    struct counter counter;
};

static enum evl_error user_open(struct user *u, struct io *io)
{
    struct evl_place_options o = {
        .dir = "d", .create = true, .timeout_ms = 60000, .internal_partitions = 1, .io = io
    };
    struct coordinator_state state = { &u->counter, counter_apply, counter_decided, counter_clear };
    int32_t partitions = 0;
    *u = (struct user){ .io = io };
    enum evl_error err = evl_place_open(&o, &u->place);
    if (!err)
        err = directory_ensure_internal(u->place->directory, TOPIC, &partitions);
    if (!err)
        err = coordinator_open(u->place->directory, TOPIC, 0, &state, &u->coordinator);
    EXPECT(err || partitions == 1);
    return err;
}

static void user_close(struct user *u)
{
    coordinator_close(u->coordinator);
    evl_place_close(u->place);
}

static enum evl_error put_in_turn(struct user *u, const char *key, const char *value,
                                  const struct batch_seal *seal)
{
    struct evl_record record = EVL_RECORD_NONE;
    record.key = evl_text(key);
    record.value = evl_text(value);
    return coordinator_append(u->coordinator, &record, 1, seal);
}

static enum evl_error put(struct user *u, const char *key, const char *value)
{
    enum evl_error err = coordinator_enter(u->coordinator);
    if (err)
        return err;
    err = put_in_turn(u, key, value, NULL);
    coordinator_leave(u->coordinator);
    return err;
}

/* One turn: *counted is what it counted to. */
static enum evl_error count_up(struct user *u, int64_t *counted)
{
    uint8_t value[8];
    struct evl_record record = EVL_RECORD_NONE;
    enum evl_error err = coordinator_enter(u->coordinator);
    if (err)
        return err;
    int64_t next = u->counter.count + 1;
    put_i64(value, next);
    record.key = evl_text("#");
    record.value = evl_bytes(value, sizeof value);
    err = coordinator_append(u->coordinator, &record, 1, NULL);
    bool alive = sim_is_alive(u->io);
    EXPECT(err || !alive || u->counter.count == next);
    coordinator_leave(u->coordinator);
    if (!err && alive)
        *counted = next;
    return err;
}

/* What a new process finds. */
static int64_t counted(struct sim *sim)
{
    struct user u;
    int64_t count = -1;
    if (!user_open(&u, sim_process(sim)) && !coordinator_look(u.coordinator))
        count = u.counter.count;
    user_close(&u);
    EXPECT(sim_exit(u.io) == 0);
    return count;
}

/* ---- turns --------------------------------------------------------------- */

enum { TURNS = 5, BODIES = 3 };

struct body {
    int64_t acknowledged;
    bool failed;
};

static void count_some(struct io *io, void *context)
{
    struct user u;
    struct body *b = context;
    b->failed = user_open(&u, io) != EVL_OK;
    for (int i = 0; i < TURNS && !b->failed; i++)
        b->failed = count_up(&u, &b->acknowledged) != EVL_OK;
    user_close(&u);
}

TEST("processes that take turns count each turn once")
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct sim *sim = sim_create(seed);
        struct body bodies[BODIES] = { { 0 } };
        struct sim_body run[BODIES];
        for (int i = 0; i < BODIES; i++)
            run[i] = (struct sim_body){ count_some, &bodies[i] };
        EXPECT(sim_run(sim, run, BODIES) == 0);
        for (int i = 0; i < BODIES; i++)
            EXPECT(!bodies[i].failed);
        EXPECT(counted(sim) == BODIES * TURNS);
        sim_destroy(sim);
    }
}

/* How far processes have come when one was stopped at its n-th call. */
static bool stopped(enum sim_fault how, uint64_t n)
{
    struct sim *sim = sim_create(n);
    struct body bodies[BODIES] = { { 0 } };
    struct sim_body run[BODIES];
    int64_t acknowledged = 0;
    bool failed = false;
    for (int i = 0; i < BODIES; i++)
        run[i] = (struct sim_body){ count_some, &bodies[i] };
    sim_options(sim)->after[how] = n;
    sim_run(sim, run, BODIES);
    failed = sim_options(sim)->after[how] == 0;
    sim_options(sim)->after[how] = 0;
    for (int i = 0; i < BODIES; i++)
        if (bodies[i].acknowledged > acknowledged)
            acknowledged = bodies[i].acknowledged;
    int64_t count = counted(sim);
    if (count < acknowledged || count > BODIES * TURNS) {
        printf("# %s at call %" PRIu64 ": %" PRId64 " acknowledged, %" PRId64 " there: %s\n",
               how == SIM_CUT ? "cut" : "killed", n, acknowledged, count, evl_fault());
        EXPECT(count >= acknowledged && count <= BODIES * TURNS);
    }
    sim_power_cut(sim);
    EXPECT(counted(sim) >= count); /* what was seen stays */
    sim_destroy(sim);
    return failed;
}

TEST("a process or the power may go at any call: no acknowledged turn is lost or undone")
{
    uint64_t cuts = 1;
    uint64_t kills = 1;
    while (stopped(SIM_CUT, cuts))
        cuts += 3;
    while (stopped(SIM_KILL, kills))
        kills += 3;
    EXPECT(cuts > 300 && kills > 300);
}

/* ---- transactions -------------------------------------------------------- */

static enum evl_error end_transaction(struct user *u, bool commit)
{
    struct marker_bytes bytes;
    struct marker marker = { commit, 0 };
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    struct evl_record record = marker_write(&marker, &bytes);
    seal.producer_id = PRODUCER;
    seal.producer_epoch = 0;
    seal.attributes = BATCH_TRANSACTIONAL | BATCH_CONTROL;
    enum evl_error err = coordinator_enter(u->coordinator);
    if (err)
        return err;
    err = coordinator_append(u->coordinator, &record, 1, &seal);
    coordinator_leave(u->coordinator);
    return err;
}

static enum evl_error count_in_transaction(struct user *u)
{
    uint8_t value[8];
    struct evl_record record = EVL_RECORD_NONE;
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    seal.producer_id = PRODUCER;
    seal.producer_epoch = 0;
    seal.attributes = BATCH_TRANSACTIONAL;
    enum evl_error err = coordinator_enter(u->coordinator);
    if (err)
        return err;
    put_i64(value, u->counter.count + 1);
    record.key = evl_text("#");
    record.value = evl_bytes(value, sizeof value);
    err = coordinator_append(u->coordinator, &record, 1, &seal);
    coordinator_leave(u->coordinator);
    return err;
}

TEST("what is part of a transaction counts when its marker says so")
{
    struct sim *sim = sim_create(1);
    struct user u;
    REQUIRE(user_open(&u, sim_process(sim)) == EVL_OK);
    EXPECT(count_in_transaction(&u) == EVL_OK);
    EXPECT(count_in_transaction(&u) == EVL_OK); /* a coordinator's batches have no sequence */
    EXPECT(u.counter.count == 0 && u.counter.pending == 1 && counted(sim) == 0);
    EXPECT(end_transaction(&u, true) == EVL_OK);
    EXPECT(u.counter.count == 1 && u.counter.pending == 0 && counted(sim) == 1);
    EXPECT(count_in_transaction(&u) == EVL_OK);
    EXPECT(end_transaction(&u, false) == EVL_OK);
    EXPECT(u.counter.count == 1 && counted(sim) == 1);
    user_close(&u);
    EXPECT(sim_exit(u.io) == 0);
    sim_destroy(sim);
}

/* ---- compaction ---------------------------------------------------------- */

static void compact(struct user *u)
{
    struct evl_upkeep upkeep;
    EXPECT(evl_admin_compact(u->place, TOPIC, 0, true, false, &upkeep) == EVL_OK);
}

TEST("who slept while a tombstone was compacted away begins again")
{
    struct sim *sim = sim_create(1);
    struct user u;
    struct user slow;
    REQUIRE(user_open(&u, sim_process(sim)) == EVL_OK);
    REQUIRE(user_open(&slow, sim_process(sim)) == EVL_OK);
    EXPECT(put(&u, "a", "here") == EVL_OK);
    EXPECT(put(&u, "b", "here") == EVL_OK);
    EXPECT(coordinator_look(slow.coordinator) == EVL_OK);
    EXPECT(slow.counter.names[0] && slow.counter.names[1]);
    EXPECT(put(&u, "a", NULL) == EVL_OK);
    EXPECT(put(&u, "c", "here") == EVL_OK);
    compact(&u);
    sim_pass(sim, 25 * 3600 * (int64_t)1000000000); /* delete.retention.ms is a day */
    compact(&u);
    EXPECT(put(&u, "d", "here") == EVL_OK);
    EXPECT(coordinator_look(slow.coordinator) == EVL_OK);
    EXPECT(!slow.counter.names[0] && slow.counter.names[1]);
    EXPECT(slow.counter.names[2] && slow.counter.names[3] && slow.counter.cleared == 1);
    EXPECT(u.counter.names[3] && !u.counter.names[0] && u.counter.cleared == 0);
    user_close(&slow);
    user_close(&u);
    sim_destroy(sim);
}

TEST("a log that many turns have changed stays short to replay")
{
    static char value[400 << 10];
    struct sim *sim = sim_create(1);
    struct user u;
    struct evl_partition facts;
    REQUIRE(user_open(&u, sim_process(sim)) == EVL_OK);
    EXPECT(put(&u, "a", "here") == EVL_OK);
    memset(value, 'x', sizeof value - 1);
    for (int i = 0; i < 90; i++) /* 36 MB */
        EXPECT(put(&u, "b", value) == EVL_OK);
    EXPECT(put(&u, "b", NULL) == EVL_OK);
    EXPECT(evl_admin_partition(u.place, TOPIC, 0, &facts) == EVL_OK);
    EXPECT(facts.bytes < 17 << 20 && facts.end == 92);
    user_close(&u);
    REQUIRE(user_open(&u, sim_process(sim)) == EVL_OK);
    EXPECT(coordinator_look(u.coordinator) == EVL_OK);
    EXPECT(u.counter.names[0] && !u.counter.names[1]);
    user_close(&u);
    sim_destroy(sim);
}

/* ---- the topics ---------------------------------------------------------- */

TEST("internal topics have Kafka's settings, and are nobody's to make, grow or rename")
{
    struct sim *sim = sim_create(1);
    struct user u;
    struct evl_configs settings;
    REQUIRE(user_open(&u, sim_process(sim)) == EVL_OK);
    REQUIRE(evl_admin_configs(u.place, TOPIC, &settings) == EVL_OK);
    REQUIRE(settings.count == 3);
    EXPECT(strcmp(settings.at[0].name, "cleanup.policy") == 0);
    EXPECT(strcmp(settings.at[0].value, "compact") == 0);
    EXPECT(strcmp(settings.at[2].name, "segment.bytes") == 0);
    EXPECT(strcmp(settings.at[2].value, "104857600") == 0);
    evl_configs_release(&settings);
    EXPECT(evl_admin_create(u.place, "__transaction_state", 1, NULL, 0, false) == EVL_ERR_DENIED);
    EXPECT(evl_admin_create(u.place, "__ev_facts", 1, NULL, 0, false) == EVL_ERR_DENIED);
    EXPECT(evl_admin_create(u.place, "__others", 1, NULL, 0, false) == EVL_OK);
    EXPECT(evl_admin_grow(u.place, TOPIC, 2, false) == EVL_ERR_DENIED);
    EXPECT(evl_admin_rename(u.place, TOPIC, "mine", false) == EVL_ERR_DENIED);
    EXPECT(evl_admin_rename(u.place, "__others", TOPIC, false) == EVL_ERR_EXISTS);
    EXPECT(evl_admin_rename(u.place, "__others", "__ev_facts", false) == EVL_ERR_DENIED);
    user_close(&u);
    sim_destroy(sim);
}

TEST("who may only read follows, takes no turn, and makes no internal topic")
{
    struct sim *sim = sim_create(1);
    struct user u;
    struct user reader = { .io = sim_process(sim) };
    struct evl_place_options readonly = { .dir = "d", .readonly = true, .io = reader.io };
    struct coordinator_state state = { &reader.counter, counter_apply, NULL, counter_clear };
    int32_t partitions;
    int64_t count = 0;
    REQUIRE(user_open(&u, sim_process(sim)) == EVL_OK);
    REQUIRE(evl_place_open(&readonly, &reader.place) == EVL_OK);
    struct directory *d = reader.place->directory;
    EXPECT(directory_ensure_internal(d, "__transaction_state", &partitions) == EVL_ERR_NOT_FOUND);
    EXPECT(directory_ensure_internal(d, TOPIC, &partitions) == EVL_OK && partitions == 1);
    REQUIRE(coordinator_open(d, TOPIC, 0, &state, &reader.coordinator) == EVL_OK);
    EXPECT(count_up(&u, &count) == EVL_OK && count == 1);
    EXPECT(end_transaction(&u, true) == EVL_OK); /* which this one does not ask for */
    EXPECT(count_up(&u, &count) == EVL_OK);
    EXPECT(coordinator_look(reader.coordinator) == EVL_OK && reader.counter.count == count);
    EXPECT(coordinator_enter(reader.coordinator) == EVL_ERR_DENIED);
    EXPECT(evl_admin_remove(u.place, TOPIC, false) == EVL_OK);
    EXPECT(count_up(&u, &count) == EVL_ERR_NOT_FOUND);
    user_close(&reader);
    user_close(&u);
    sim_destroy(sim);
}
