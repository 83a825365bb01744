/* A partition's log, on the simulated machine: what is appended is read, by
 * everybody, after every kind of end. */
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/memory.h"
#include "io/io_file.h"
#include "io/io_sim.h"
#include "log/log.h"
#include "log/reader.h"
#include "log/recover.h"
#include "log/replay.h"

/* One machine with a directory "d" that has one partition, t-0. */
struct bench {
    struct sim *sim;
    struct topic_config config;
    struct uuid id;
};

static void bench_open(struct bench *b, uint64_t seed)
{
    *b = (struct bench){ .sim = sim_create(seed), .id = uuid_make(1, 2) };
    config_init(&b->config);
    struct io *io = sim_process(b->sim);
    EXPECT(io_make_dir(io, "d") == EVL_OK);
    EXPECT(io_make_dir(io, "d/t-0") == EVL_OK);
    EXPECT(log_set_identity(io, "d/t-0", &b->id) == EVL_OK);
    EXPECT(log_sync_identity(io, "d/t-0") == EVL_OK);
    EXPECT(io_sync_dir(io, ".") == EVL_OK);
    EXPECT(io_sync_dir(io, "d") == EVL_OK);
    EXPECT(sim_exit(io) == 0);
}

static void bench_close(struct bench *b) { sim_destroy(b->sim); }

/* One process that has the partition open. */
struct user {
    struct io *io;
    struct share *share;
    struct log *log;
    struct batch_writer writer;
};

static enum evl_error user_open(struct bench *b, struct user *u, bool writable)
{
    *u = (struct user){ .io = sim_process(b->sim) };
    enum evl_error err = share_open(u->io, "d", writable, &u->share);
    if (err)
        return err;
    struct log_options o = { .io = u->io,
                             .share = u->share,
                             .root = "d",
                             .topic = "t",
                             .id = b->id,
                             .config = &b->config,
                             .writable = writable,
                             .patience = 1000LL * IO_MS };
    return log_open(&o, &u->log);
}

static void user_close(struct user *u)
{
    log_close(u->log);
    share_close(u->share);
    batch_writer_release(&u->writer);
    EXPECT(sim_exit(u->io) == 0);
}

/* Append one batch of `count` records, "from".."from+count-1". */
static enum evl_error user_append_how(struct user *u, int64_t from, int count, bool shown,
                                      struct log_promise *promise)
{
    char text[32];
    uint8_t *bytes;
    size_t size;
    struct log_place place;
    int done;
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    batch_begin(&u->writer);
    for (int i = 0; i < count; i++) {
        struct evl_record record = EVL_RECORD_NONE;
        snprintf(text, sizeof text, "%" PRId64, from + i);
        record.timestamp = 1000 + from + i;
        record.value = evl_text(text);
        batch_add(&u->writer, &record);
    }
    enum evl_error err = batch_finish(&u->writer, &seal, &bytes, &size);
    if (err)
        return err;
    struct evl_bytes batch = evl_bytes(bytes, size);
    err = log_append(u->log, &batch, 1, shown, &place, &done, promise);
    if (!err)
        EXPECT(done == 1 && place.base_offset == from);
    return err;
}

static enum evl_error user_append(struct user *u, int64_t from, int count,
                                  struct log_promise *promise)
{
    return user_append_how(u, from, count, false, promise);
}

static enum evl_error user_put(struct user *u, int64_t from, int count)
{
    struct log_promise promise;
    enum evl_error err = user_append(u, from, count, &promise);
    return err ? err : log_sync(u->log, &promise);
}

/* Read from an offset to the end; every record must be its own number.  Returns
 * the offset behind the last one, or -1. */
static int64_t user_read(struct user *u, int64_t from)
{
    struct reader r = { 0 };
    struct batch_reader records = { 0 };
    struct batch batch;
    struct evl_bytes bytes;
    bool got = false;
    int64_t next = from;
    int32_t epoch = 0;
    enum evl_error err;
    reader_begin(&r, u->log, from);
    while (!(err = reader_next(&r, log_end(u->log), &batch, &bytes, &got)) && got) {
        struct evl_record record;
        bool more;
        EXPECT(batch.leader_epoch >= epoch);
        epoch = batch.leader_epoch;
        err = batch_open(&records, bytes, 1 << 20);
        while (!err && !(err = batch_next(&records, &record, &more)) && more) {
            char text[32];
            int n = snprintf(text, sizeof text, "%" PRId64, record.offset);
            if (record.offset < from)
                continue;
            EXPECT(evl_bytes_equal(record.value, evl_bytes(text, (size_t)n)));
            EXPECT(record.offset == next);
            next = record.offset + 1;
        }
        EXPECT(err == EVL_OK);
    }
    batch_reader_release(&records);
    reader_release(&r);
    return err ? -1 : next;
}

TEST("what one process appends and syncs, another one reads")
{
    struct bench b;
    struct user writer;
    struct user reader;
    bench_open(&b, 1);
    REQUIRE(user_open(&b, &writer, true) == EVL_OK);
    EXPECT(user_put(&writer, 0, 3) == EVL_OK);
    EXPECT(user_put(&writer, 3, 1) == EVL_OK);
    REQUIRE(user_open(&b, &reader, false) == EVL_OK);
    EXPECT(user_read(&reader, 0) == 4);
    EXPECT(user_put(&writer, 4, 5) == EVL_OK);
    EXPECT(user_read(&reader, 2) == 9);
    EXPECT(user_read(&reader, 9) == 9);
    user_close(&reader);
    user_close(&writer);
    bench_close(&b);
}

TEST("a record that is not synced is not shown")
{
    struct bench b;
    struct user writer;
    struct log_promise promise;
    bench_open(&b, 1);
    REQUIRE(user_open(&b, &writer, true) == EVL_OK);
    EXPECT(user_append(&writer, 0, 3, &promise) == EVL_OK);
    EXPECT(user_read(&writer, 0) == 0);
    EXPECT(log_sync(writer.log, &promise) == EVL_OK);
    EXPECT(user_read(&writer, 0) == 3);
    user_close(&writer);
    bench_close(&b);
}

TEST("two writers take turns and lose nothing")
{
    struct bench b;
    struct user one;
    struct user two;
    bench_open(&b, 1);
    REQUIRE(user_open(&b, &one, true) == EVL_OK);
    REQUIRE(user_open(&b, &two, true) == EVL_OK);
    for (int i = 0; i < 50; i++)
        EXPECT(user_put(i % 2 ? &one : &two, i, 1) == EVL_OK);
    EXPECT(user_read(&one, 0) == 50 && user_read(&two, 0) == 50);
    user_close(&one);
    user_close(&two);
    bench_close(&b);
}

TEST("a log rolls into segments, and every offset is found in them")
{
    struct bench b;
    struct user u;
    bench_open(&b, 1);
    b.config.segment_bytes = 2000;
    b.config.index_interval_bytes = 100;
    REQUIRE(user_open(&b, &u, true) == EVL_OK);
    for (int i = 0; i < 300; i++)
        EXPECT(user_put(&u, 3 * i, 3) == EVL_OK);
    EXPECT(u.log->base_count > 10);
    for (int64_t from = 0; from < 900; from += 7)
        EXPECT(user_read(&u, from) == 900);
    for (int64_t from = 0; from < 900; from += 11) {
        int64_t found;
        EXPECT(reader_find_time(u.log, 1000 + from, 900, &found) == EVL_OK && found == from);
    }
    user_close(&u);
    bench_close(&b);
}

TEST("after a power cut what was synced is there, and appending goes on")
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct bench b;
        struct user u;
        struct log_promise promise;
        bench_open(&b, seed);
        b.config.segment_bytes = 500;
        REQUIRE(user_open(&b, &u, true) == EVL_OK);
        for (int i = 0; i < 20; i++)
            EXPECT(user_put(&u, i, 1) == EVL_OK);
        for (int i = 20; i < 25; i++)
            EXPECT(user_append(&u, i, 1, &promise) == EVL_OK);
        sim_power_cut(b.sim);
        user_close(&u);
        REQUIRE(user_open(&b, &u, true) == EVL_OK);
        int64_t end = user_read(&u, 0);
        EXPECT(end >= 20 && end <= 25);
        EXPECT(user_put(&u, end, 2) == EVL_OK);
        EXPECT(user_read(&u, 0) == end + 2);
        user_close(&u);
        bench_close(&b);
    }
}

TEST("leader epochs rise with what is cut off, and never fall, whatever their file says")
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct bench b;
        struct user u;
        struct log_promise promise;
        int64_t end = 0;
        bench_open(&b, seed);
        for (int boot = 0; boot < 6; boot++) {
            REQUIRE(user_open(&b, &u, true) == EVL_OK);
            EXPECT(user_read(&u, 0) >= end);
            end = log_end(u.log);
            EXPECT(user_put(&u, end++, 1) == EVL_OK);
            if (boot == 4)
                EXPECT(io_file_replace(u.io, "d/t-0", "leader-epoch-checkpoint",
                                       evl_text("0\n1\n")) == EVL_OK);
            for (int i = 0; i < 3; i++)
                EXPECT(user_append(&u, end + i, 1, &promise) == EVL_OK);
            sim_power_cut(b.sim);
            user_close(&u);
        }
        bench_close(&b);
    }
}

TEST("a leader epoch that a cut began stays, though nothing written in it does")
{
    int32_t highest = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct bench b;
        struct user u;
        struct log_promise promise;
        int32_t epoch = 0;
        bench_open(&b, seed);
        for (int boot = 0; boot < 6; boot++) {
            REQUIRE(user_open(&b, &u, true) == EVL_OK);
            EXPECT(log_epochs(u.log) == EVL_OK && u.log->o.epoch >= epoch);
            epoch = u.log->o.epoch;
            for (int i = 0; i < 3; i++)
                EXPECT(user_append(&u, log_end(u.log) + i, 1, &promise) == EVL_OK);
            sim_power_cut(b.sim);
            user_close(&u);
        }
        highest = epoch > highest ? epoch : highest;
        bench_close(&b);
    }
    EXPECT(highest > 1);
}

TEST("a writer killed in the middle of its write leaves no half batch to others")
{
    for (uint64_t at = 1; at < 120; at++) {
        struct bench b;
        struct user dead;
        struct user u;
        int64_t acknowledged = 0;
        bench_open(&b, at);
        b.config.segment_bytes = 400;
        REQUIRE(user_open(&b, &u, true) == EVL_OK);
        REQUIRE(user_open(&b, &dead, true) == EVL_OK);
        sim_options(b.sim)->after[SIM_KILL] = at;
        while (!user_put(&dead, acknowledged, 2) && sim_is_alive(dead.io) && acknowledged < 100)
            acknowledged += 2;
        user_close(&dead);
        sim_options(b.sim)->after[SIM_KILL] = 0;
        int64_t shown = user_read(&u, 0);
        EXPECT(shown == acknowledged || shown == acknowledged + 2);
        REQUIRE(log_enter(u.log) == EVL_OK);
        int64_t end = (int64_t)log_word(u.log, SHARE_WRITTEN);
        log_leave(u.log);
        EXPECT(end == acknowledged || end == acknowledged + 2);
        EXPECT(user_put(&u, end, 2) == EVL_OK);
        EXPECT(user_read(&u, 0) == end + 2);
        user_close(&u);
        bench_close(&b);
    }
}

TEST("records that were only shown are lost from the end, in whole segments too")
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct bench b;
        struct user u;
        struct log_promise promise;
        bench_open(&b, seed);
        b.config.segment_bytes = 300;
        b.config.index_interval_bytes = 100;
        REQUIRE(user_open(&b, &u, true) == EVL_OK);
        for (int i = 0; i < 5; i++)
            EXPECT(user_put(&u, 2 * i, 2) == EVL_OK);
        for (int i = 5; i < 20; i++)
            EXPECT(user_append_how(&u, 2 * i, 2, true, &promise) == EVL_OK);
        EXPECT(user_read(&u, 0) == 40);
        sim_power_cut(b.sim);
        user_close(&u);
        REQUIRE(user_open(&b, &u, true) == EVL_OK);
        int64_t end = user_read(&u, 0);
        EXPECT(end >= 10 && end <= 40);
        EXPECT(user_put(&u, end, 2) == EVL_OK);
        EXPECT(user_read(&u, 0) == end + 2);
        user_close(&u);
        bench_close(&b);
    }
}
