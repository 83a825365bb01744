/* A directory, as the tools see it: topics, producers, consumers, changes. */
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>

#include <evl/admin.h>
#include <evl/consumer.h>
#include <evl/producer.h>

#include "base/memory.h"
#include "io/io_sim.h"

static enum evl_error place_open(struct io *io, bool create, struct evl_place **place)
{
    struct evl_place_options o = { .dir = "d", .create = create, .timeout_ms = 1000, .io = io };
    return evl_place_open(&o, place);
}

static enum evl_error put(struct evl_place *place, const char *topic, int from, int count)
{
    struct evl_producer *p;
    struct evl_producer_options o = { .topic = topic, .create = true };
    enum evl_error err = evl_producer_open(place, &o, &p);
    if (err)
        return err;
    for (int i = 0; i < count && !err; i++) {
        char text[16];
        struct evl_record record = EVL_RECORD_NONE;
        snprintf(text, sizeof text, "%d", from + i);
        record.value = evl_text(text);
        err = evl_producer_send(p, &record);
    }
    if (!err)
        err = evl_producer_flush(p);
    evl_producer_close(p);
    return err;
}

/* The value of the next record as one character; '.' for none now, 'X' for a
 * failure. */
static char next_value(struct evl_consumer *c)
{
    struct evl_record record;
    enum evl_next what;
    if (evl_consumer_next(c, &record, &what))
        return 'X';
    return what == EVL_NEXT_RECORD ? (char)record.value.at[0] : '.';
}

/* How many records of topic-0 are "0", "1", ... in order; -1 after an error. */
static int64_t get(struct evl_place *place, const char *topic)
{
    struct evl_consumer *c;
    struct evl_consumer_options o = { 0 };
    struct evl_record record;
    enum evl_next what = EVL_NEXT_RECORD;
    int64_t n = 0;
    enum evl_error err = evl_consumer_open(place, &o, &c);
    if (err)
        return -1;
    err = evl_consumer_add(c, topic, 0, 0, -1);
    while (!err && !(err = evl_consumer_next(c, &record, &what)) && what == EVL_NEXT_RECORD) {
        char text[16];
        int length = snprintf(text, sizeof text, "%" PRId64, n);
        EXPECT(record.offset == n);
        EXPECT(evl_bytes_equal(record.value, evl_bytes(text, (size_t)length)));
        n++;
    }
    evl_consumer_close(c);
    return err ? -1 : n;
}

TEST("records go in and come out of a directory that nobody made before")
{
    struct sim *sim = sim_create(1);
    struct io *io = sim_process(sim);
    struct evl_place *place;
    REQUIRE(place_open(io, true, &place) == EVL_OK);
    EXPECT(put(place, "t", 0, 1000) == EVL_OK);
    EXPECT(put(place, "t", 1000, 1) == EVL_OK);
    EXPECT(get(place, "t") == 1001);
    evl_place_close(place);
    EXPECT(sim_exit(io) == 0);
    sim_destroy(sim);
}

/* One record to each of these partitions, the first of which must get `offset`. */
static enum evl_error put_at(struct evl_place *place, int64_t offset, const int32_t *partitions,
                             int count)
{
    struct evl_producer *p;
    struct evl_producer_options o = { .topic = "t",
                                      .expects_offset = true,
                                      .expected_offset = offset };
    enum evl_error err = evl_producer_open(place, &o, &p);
    if (err)
        return err;
    for (int i = 0; i < count && !err; i++) {
        struct evl_record record = EVL_RECORD_NONE;
        record.value = evl_text("x");
        record.partition = partitions[i];
        err = evl_producer_send(p, &record);
    }
    if (!err)
        err = evl_producer_flush(p);
    evl_producer_close(p);
    return err;
}

static int64_t end_of(struct evl_place *place, int32_t partition)
{
    struct evl_partition facts;
    return evl_admin_partition(place, "t", partition, &facts) ? -1 : facts.end;
}

TEST("a first record that must get a certain offset gets it, or nothing is written anywhere")
{
    struct sim *sim = sim_create(1);
    struct io *io = sim_process(sim);
    struct evl_place *place;
    const int32_t first_last[] = { 1, 0, 1 };
    REQUIRE(place_open(io, true, &place) == EVL_OK);
    REQUIRE(evl_admin_create(place, "t", 2, NULL, 0, false) == EVL_OK);
    EXPECT(put_at(place, 1, first_last, 3) == EVL_ERR_CONFLICT);
    EXPECT(strcmp(evl_fault(), "t-1: the next offset is 0, not 1: nothing was written") == 0);
    EXPECT(end_of(place, 0) == 0 && end_of(place, 1) == 0);
    EXPECT(put_at(place, 0, first_last, 3) == EVL_OK);
    EXPECT(end_of(place, 0) == 1 && end_of(place, 1) == 2);
    EXPECT(put_at(place, 0, first_last, 3) == EVL_ERR_CONFLICT);
    EXPECT(end_of(place, 0) == 1 && end_of(place, 1) == 2);
    evl_place_close(place);
    EXPECT(sim_exit(io) == 0);
    sim_destroy(sim);
}

TEST("a missing directory and a missing topic are told apart, with what was meant")
{
    struct sim *sim = sim_create(1);
    struct io *io = sim_process(sim);
    struct evl_place *place;
    struct evl_topic topic;
    EXPECT(place_open(io, false, &place) == EVL_ERR_NOT_FOUND);
    EXPECT(strstr(evl_fault(), "no such directory") != NULL);
    REQUIRE(place_open(io, true, &place) == EVL_OK);
    EXPECT(evl_admin_create(place, "orders", 3, NULL, 0, false) == EVL_OK);
    EXPECT(evl_admin_create(place, "orders", 3, NULL, 0, false) == EVL_ERR_EXISTS);
    EXPECT(evl_admin_topic(place, "order", &topic) == EVL_ERR_NOT_FOUND);
    EXPECT(strstr(evl_fault(), "did you mean orders?") != NULL);
    EXPECT(evl_admin_topic(place, "orders", &topic) == EVL_OK && topic.partitions == 3);
    evl_place_close(place);
    sim_exit(io);
    sim_destroy(sim);
}

TEST("a directory that a broker of Apache Kafka holds is refused until it lets go")
{
    struct sim *sim = sim_create(1);
    struct io *io = sim_process(sim);
    struct io *broker = sim_process(sim);
    struct evl_place *place;
    int file;
    REQUIRE(place_open(io, true, &place) == EVL_OK);
    evl_place_close(place);
    REQUIRE(io_open(broker, "d/.lock", IO_CREATE, &file) == EVL_OK);
    EXPECT(place_open(io, true, &place) == EVL_OK); /* a file alone holds nothing */
    evl_place_close(place);
    EXPECT(io_lock(broker, file, 0, IO_EXCLUSIVE, 0) == EVL_OK);
    EXPECT(place_open(io, false, &place) == EVL_ERR_BUSY);
    EXPECT(strstr(evl_fault(), "d: a Kafka broker holds it") != NULL);
    io_close(broker, file);
    EXPECT(place_open(io, false, &place) == EVL_OK);
    evl_place_close(place);
    EXPECT(sim_exit(io) == 0);
    EXPECT(sim_exit(broker) == 0);
    sim_destroy(sim);
}

TEST("a topic that was renamed keeps its records; one made anew has none")
{
    struct sim *sim = sim_create(1);
    struct io *io = sim_process(sim);
    struct evl_place *place;
    REQUIRE(place_open(io, true, &place) == EVL_OK);
    EXPECT(put(place, "old", 0, 10) == EVL_OK);
    EXPECT(evl_admin_rename(place, "old", "new", false) == EVL_OK);
    EXPECT(get(place, "new") == 10);
    EXPECT(put(place, "new", 10, 5) == EVL_OK);
    EXPECT(get(place, "new") == 15);
    EXPECT(evl_admin_remove(place, "new", false) == EVL_OK);
    EXPECT(get(place, "new") == -1);
    EXPECT(put(place, "new", 0, 3) == EVL_OK);
    EXPECT(get(place, "new") == 3);
    evl_place_close(place);
    EXPECT(sim_exit(io) == 0);
    sim_destroy(sim);
}

TEST("a power cut at any operation of a short life leaves what was acknowledged")
{
    for (uint64_t at = 1; at < 2000; at++) {
        struct sim *sim = sim_create(at);
        struct io *io = sim_process(sim);
        struct evl_place *place = NULL;
        int acknowledged = 0;
        sim_options(sim)->after[SIM_CUT] = at;
        if (!place_open(io, true, &place)) {
            for (int i = 0; i < 4; i++)
                if (!put(place, "t", 3 * i, 3) && sim_is_alive(io))
                    acknowledged = 3 * i + 3;
                else
                    break;
            evl_place_close(place);
        }
        bool alive = sim_is_alive(io);
        if (alive)
            sim_exit(io);
        sim_options(sim)->after[SIM_CUT] = 0;
        io = sim_process(sim);
        enum evl_error err = place_open(io, true, &place);
        EXPECT(err == EVL_OK);
        if (!err) {
            int64_t n = get(place, "t");
            if (!(n >= acknowledged || (n < 0 && acknowledged == 0))) {
                printf("# cut at %" PRIu64 ": %d acknowledged, %" PRId64 " there: %s\n", at,
                       acknowledged, n, evl_fault());
                EXPECT(n >= acknowledged);
            }
            EXPECT(put(place, "t", n < 0 ? 0 : (int)n, 2) == EVL_OK);
            EXPECT(get(place, "t") == (n < 0 ? 0 : n) + 2);
            evl_place_close(place);
        } else {
            printf("# cut at %" PRIu64 "\n", at);
        }
        sim_destroy(sim);
        if (alive)
            break;
    }
}

/* Send records until one of them fails; how many were acknowledged. */
static int64_t put_until(struct evl_place *place, const char *topic, uint64_t flush_every)
{
    struct evl_producer *p;
    struct evl_producer_options o = { .topic = topic, .create = true, .batch_bytes = 40 };
    enum evl_error err = evl_producer_open(place, &o, &p);
    if (err)
        return 0;
    for (int i = 0; i < 60 && !err; i++) {
        char text[16];
        struct evl_record record = EVL_RECORD_NONE;
        snprintf(text, sizeof text, "%d", i);
        record.value = evl_text(text);
        err = evl_producer_send(p, &record);
        if (!err && flush_every && (uint64_t)i % flush_every == 0)
            err = evl_producer_flush(p);
    }
    if (!err)
        err = evl_producer_flush(p);
    int64_t acknowledged = evl_producer_count(p).records;
    evl_producer_close(p);
    return acknowledged;
}

/* False if the fault did not come before the end. */
static bool count_after(enum sim_fault fault, uint64_t at)
{
    struct sim *sim = sim_create(at);
    struct io *io = sim_process(sim);
    struct evl_place *place = NULL;
    EXPECT(place_open(io, true, &place) == EVL_OK);
    sim_options(sim)->after[fault] = at;
    int64_t acknowledged = put_until(place, "t", at % 3 * 10);
    sim_options(sim)->after[fault] = 0;
    int64_t there = get(place, "t");
    if (acknowledged != (there < 0 ? 0 : there))
        printf("# fault %d at %" PRIu64 ": %" PRId64 " acknowledged, %" PRId64 " there\n",
               (int)fault, at, acknowledged, there);
    EXPECT(acknowledged == (there < 0 ? 0 : there));
    evl_place_close(place);
    sim_exit(io);
    sim_destroy(sim);
    return acknowledged < 60;
}

TEST("what a producer counts as acknowledged after a failure is exactly what is there")
{
    static const enum sim_fault faults[] = { SIM_WRITE_IO, SIM_WRITE_FULL, SIM_SYNC_IO };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        uint64_t at = 1;
        while (count_after(faults[i], at))
            at++;
        EXPECT(at > 5);
    }
}

TEST("who follows since before the first writer of a boot sees what that one writes")
{
    struct sim *sim = sim_create(1);
    struct io *io = sim_process(sim);
    struct evl_place *place;
    REQUIRE(place_open(io, true, &place) == EVL_OK);
    EXPECT(put(place, "t", 0, 3) == EVL_OK);
    evl_place_close(place);
    sim_power_cut(sim);

    struct evl_consumer *c;
    struct evl_consumer_options follow = { .follow = true };
    struct evl_place_options readonly = { .dir = "d", .readonly = true, .io = sim_process(sim) };
    struct evl_record record;
    enum evl_next what;
    REQUIRE(evl_place_open(&readonly, &place) == EVL_OK);
    REQUIRE(evl_consumer_open(place, &follow, &c) == EVL_OK);
    REQUIRE(evl_consumer_add(c, "t", 0, 3, -1) == EVL_OK);
    EXPECT(evl_consumer_next(c, &record, &what) == EVL_OK && what == EVL_NEXT_IDLE);

    struct evl_place *other;
    io = sim_process(sim);
    REQUIRE(place_open(io, false, &other) == EVL_OK);
    EXPECT(put(other, "t", 3, 1) == EVL_OK);
    evl_place_close(other);
    EXPECT(evl_consumer_next(c, &record, &what) == EVL_OK && what == EVL_NEXT_RECORD);
    evl_consumer_close(c);
    evl_place_close(place);
    EXPECT(sim_exit(io) == 0 && sim_exit(readonly.io) == 0);
    sim_destroy(sim);
}

TEST("a consumer is given partitions, and loses them, while it reads")
{
    struct sim *sim = sim_create(1);
    struct io *io = sim_process(sim);
    struct evl_place *place;
    struct evl_consumer *c;
    struct evl_consumer_options follow = { .follow = true };
    REQUIRE(place_open(io, true, &place) == EVL_OK);
    EXPECT(put(place, "a", 1, 2) == EVL_OK);
    EXPECT(put(place, "b", 3, 2) == EVL_OK);
    EXPECT(put(place, "c", 5, 2) == EVL_OK);
    REQUIRE(evl_consumer_open(place, &follow, &c) == EVL_OK);
    EXPECT(next_value(c) == '.');
    EXPECT(evl_consumer_add(c, "a", 0, 0, -1) == EVL_OK);
    EXPECT(evl_consumer_add(c, "b", 0, 0, -1) == EVL_OK);
    EXPECT(evl_consumer_add(c, "c", 0, 0, -1) == EVL_OK);
    EXPECT(next_value(c) == '1');

    evl_consumer_remove(c, "a", 0); /* the one that is being read */
    EXPECT(evl_consumer_position(c, "a", 0) == -1);
    EXPECT(next_value(c) == '3');
    evl_consumer_remove(c, "c", 0); /* one behind it */
    evl_consumer_remove(c, "c", 1); /* never added */
    EXPECT(next_value(c) == '4' && next_value(c) == '.');
    EXPECT(evl_consumer_add(c, "a", 0, 1, -1) == EVL_OK);
    EXPECT(next_value(c) == '2' && next_value(c) == '.');
    evl_consumer_remove(c, "b", 0); /* one in front of it */
    EXPECT(evl_consumer_position(c, "a", 0) == 2);
    EXPECT(put(place, "a", 7, 1) == EVL_OK && next_value(c) == '7');
    evl_consumer_remove(c, "a", 0);
    EXPECT(next_value(c) == '.');
    evl_consumer_close(c);
    evl_place_close(place);
    EXPECT(sim_exit(io) == 0);
    sim_destroy(sim);
}
