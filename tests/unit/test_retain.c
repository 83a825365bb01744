/* Retention and deleted records: what is old goes, what is left is whole; and
 * finding by time and offset among many segments. */
#include <inttypes.h>
#include <stdio.h>

#include "log/check.h"
#include "log/checkpoint.h"
#include "log/litter.h"
#include "log/reader.h"
#include "log/retain.h"
#include "log/times.h"
#include "log/upkeep.h"
#include "log_kit.h"

enum { HOUR_MS = 3600 * 1000 };

static enum evl_error put_many(struct kit_user *u, struct kit_model *m, int batches)
{
    enum evl_error err = EVL_OK;
    for (int i = 0; i < batches && !err; i++)
        err = kit_put(u, m, i % KIT_KEYS, i, 3, io_wall_ms(u->io));
    return err;
}

static void kit_small(struct kit *k, uint64_t seed)
{
    kit_open(k, seed);
    k->config.segment_bytes = 800;
}

static int damages(struct kit_user *u)
{
    struct check_result result;
    return check_log(u->log, &(struct check_listener){ 0 }, &result) ? -1 : result.damages;
}

static int segment_files(struct io *io, const char *suffix)
{
    struct io_names names;
    int count = 0;
    if (io_list(io, "d/t-0", &names))
        return -1;
    for (size_t i = 0; i < names.count; i++)
        count += strstr(names.at[i], suffix) != NULL;
    io_names_release(&names);
    return count;
}

TEST("a segment goes once its newest record is older than retention.ms")
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    struct retain_result result;
    kit_small(&k, 1);
    k.config.retention_ms = 2 * HOUR_MS;
    REQUIRE(kit_join(&k, &u, true) == EVL_OK);
    EXPECT(put_many(&u, &m, 40) == EVL_OK);
    sim_jump_wall(k.sim, HOUR_MS);
    EXPECT(put_many(&u, &m, 40) == EVL_OK);
    int64_t now = io_wall_ms(u.io);
    size_t before = u.log->base_count;
    EXPECT(retain_apply(u.log, now, false, &result) == EVL_OK && result.segments == 0);
    sim_jump_wall(k.sim, HOUR_MS + HOUR_MS / 2);
    now = io_wall_ms(u.io);
    struct retain_result forecast;
    EXPECT(retain_apply(u.log, now, true, &forecast) == EVL_OK && u.log->base_count == before);
    EXPECT(retain_apply(u.log, now, false, &result) == EVL_OK);
    EXPECT(forecast.segments == result.segments && forecast.bytes == result.bytes);
    EXPECT(forecast.start == result.start && result.start == u.log->bases[0]);
    EXPECT(result.start > 60 && result.start <= 120 && log_start(u.log) == result.start);
    EXPECT(u.log->base_count == before - (size_t)result.segments);
    EXPECT(kit_read(&u, &m).count == m.count - (int)result.start);
    EXPECT(segment_files(u.io, ".deleted") == 0);
    EXPECT(segment_files(u.io, ".timeindex") == (int)u.log->base_count);
    EXPECT(damages(&u) == 0);
    kit_leave(&u);
    kit_close(&k);
}

TEST("a log of old records alone is emptied, keeps its offsets, and goes on")
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    struct retain_result result;
    kit_small(&k, 1);
    REQUIRE(kit_join(&k, &u, true) == EVL_OK);
    EXPECT(put_many(&u, &m, 40) == EVL_OK);
    sim_jump_wall(k.sim, k.config.retention_ms + HOUR_MS);
    EXPECT(retain_apply(u.log, io_wall_ms(u.io), false, &result) == EVL_OK);
    EXPECT(result.start == m.count && log_start(u.log) == m.count && log_end(u.log) == m.count);
    EXPECT(u.log->base_count == 1 && kit_read(&u, &m).count == 0);
    kit_leave(&u);
    sim_power_cut(k.sim);
    REQUIRE(kit_join(&k, &u, true) == EVL_OK);
    EXPECT(log_start(u.log) == m.count && log_end(u.log) == m.count);
    EXPECT(put_many(&u, &m, 2) == EVL_OK && kit_read(&u, &m).count == 6);
    kit_leave(&u);
    kit_close(&k);
}

TEST("the oldest segments go while the log is larger than retention.bytes")
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    struct retain_result result;
    int64_t bytes;
    kit_small(&k, 1);
    k.config.retention_bytes = 3000;
    REQUIRE(kit_join(&k, &u, true) == EVL_OK);
    EXPECT(put_many(&u, &m, 80) == EVL_OK);
    EXPECT(retain_apply(u.log, io_wall_ms(u.io), false, &result) == EVL_OK);
    EXPECT(log_bytes(u.log, &bytes) == EVL_OK && bytes >= 3000 && bytes < 3800);
    EXPECT(result.segments > 5 && damages(&u) == 0);
    EXPECT(retain_apply(u.log, io_wall_ms(u.io), false, &result) == EVL_OK && result.segments == 0);
    k.config.cleanup_policy = CLEANUP_COMPACT; /* and not delete */
    k.config.retention_bytes = 0;
    log_configure(u.log, &k.config);
    EXPECT(retain_apply(u.log, io_wall_ms(u.io), false, &result) == EVL_OK && result.segments == 0);
    kit_leave(&u);
    kit_close(&k);
}

TEST("deleted records are gone for good, and the start never goes back")
{
    struct kit k;
    struct kit_user one;
    struct kit_user two;
    struct kit_model m = { 0 };
    int64_t start;
    kit_small(&k, 1);
    REQUIRE(kit_join(&k, &one, true) == EVL_OK);
    REQUIRE(kit_join(&k, &two, true) == EVL_OK);
    EXPECT(put_many(&one, &m, 40) == EVL_OK);
    EXPECT(retain_trim(one.log, 50, true, &start) == EVL_OK && start == 50);
    EXPECT(log_start(one.log) == 0);
    EXPECT(retain_trim(one.log, 50, false, &start) == EVL_OK && start == 50);
    EXPECT(retain_trim(two.log, 20, false, &start) == EVL_OK && start == 50);
    EXPECT(retain_trim(two.log, 121, false, &start) == EVL_ERR_RANGE);
    EXPECT(kit_read(&two, &m).count == 70);
    EXPECT(damages(&two) == 0);
    kit_leave(&one);
    kit_leave(&two);
    sim_power_cut(k.sim);
    REQUIRE(kit_join(&k, &one, true) == EVL_OK);
    EXPECT(log_start(one.log) == 50 && kit_read(&one, &m).count == 70);
    EXPECT(retain_trim(one.log, -1, false, &start) == EVL_OK && start == 120);
    EXPECT(kit_read(&one, &m).count == 0 && put_many(&one, &m, 1) == EVL_OK);
    EXPECT(kit_read(&one, &m).count == 3);
    kit_leave(&one);
    kit_close(&k);
}

/* ---- ends ---------------------------------------------------------------- */

/* Retention, or a trim, that ends at operation `at`; says whether it was struck. */
static bool retain_and_die(enum sim_fault fault, uint64_t at, bool trim)
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    struct retain_result result = { 0 };
    int64_t start = 0;
    kit_small(&k, at);
    EXPECT(kit_join(&k, &u, true) == EVL_OK);
    EXPECT(put_many(&u, &m, 40) == EVL_OK);
    sim_jump_wall(k.sim, k.config.retention_ms + HOUR_MS);
    if (at % 2)
        EXPECT(put_many(&u, &m, 10) == EVL_OK); /* else the active segment goes too */
    int64_t now = io_wall_ms(u.io);
    sim_options(k.sim)->after[fault] = at;
    enum evl_error err =
        trim ? retain_trim(u.log, 77, false, &start) : retain_apply(u.log, now, false, &result);
    bool struck = sim_options(k.sim)->after[fault] == 0;
    sim_options(k.sim)->after[fault] = 0;
    int64_t told = err ? 0 : trim ? start : result.start; /* and if it fails, it may be so */
    kit_leave(&u);
    err = kit_join(&k, &u, true);
    EXPECT(err == EVL_OK);
    if (err) {
        kit_close(&k);
        return struck;
    }
    EXPECT(log_start(u.log) >= told);
    EXPECT(log_end(u.log) == m.count);
    struct kit_view v = kit_read(&u, &m);
    EXPECT(v.count == m.count - (int)log_start(u.log)); /* no gap, no damage */
    EXPECT(retain_apply(u.log, now, false, &result) == EVL_OK);
    EXPECT(segment_files(u.io, ".deleted") == 0);
    EXPECT(put_many(&u, &m, 30) == EVL_OK);
    v = kit_read(&u, &m);
    EXPECT(v.count == m.count - (int)log_start(u.log) && damages(&u) == 0);
    kit_leave(&u);
    kit_close(&k);
    return struck;
}

TEST("retention that ends anywhere leaves a log without gaps")
{
    for (int trim = 0; trim < 2; trim++) {
        uint64_t at = 1;
        while (retain_and_die(SIM_CUT, at, trim))
            at++;
        EXPECT(at > 50);
        at = 1;
        while (retain_and_die(SIM_KILL, at, trim))
            at++;
        EXPECT(at > 50);
    }
}

TEST("deleting records that are not synced yet syncs them first")
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    int64_t start;
    for (uint64_t seed = 1; seed < 20; seed++) {
        kit_open(&k, seed);
        m.count = 0;
        REQUIRE(kit_join(&k, &u, true) == EVL_OK);
        EXPECT(put_many(&u, &m, 1) == EVL_OK);
        log_set(u.log, SHARE_SYNCED, 0); /* as with flush=os */
        log_set(u.log, SHARE_SHOWN, 3);
        EXPECT(retain_trim(u.log, -1, false, &start) == EVL_OK && start == 3);
        EXPECT(log_word(u.log, SHARE_SYNCED) == 3);
        kit_leave(&u);
        kit_close(&k);
    }
}

/* ---- upkeep by writers --------------------------------------------------- */

TEST("who began a segment looks after the log, and others if the oldest is too old")
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    kit_small(&k, 1);
    k.config.retention_bytes = 2000;
    REQUIRE(kit_join(&k, &u, true) == EVL_OK);
    EXPECT(put_many(&u, &m, 60) == EVL_OK);
    EXPECT(log_start(u.log) == 0);
    upkeep_maybe(u.log);
    EXPECT(log_start(u.log) > 0);
    int64_t start = log_start(u.log);
    kit_leave(&u);
    REQUIRE(kit_join(&k, &u, true) == EVL_OK);
    uint64_t operations = sim_operations(k.sim);
    upkeep_maybe(u.log);
    EXPECT(sim_operations(k.sim) - operations < 30 && log_start(u.log) == start);
    sim_jump_wall(k.sim, k.config.retention_ms + HOUR_MS);
    upkeep_maybe(u.log);
    EXPECT(log_start(u.log) == m.count);
    kit_leave(&u);
    kit_close(&k);
}

/* ---- finding ------------------------------------------------------------- */

/* A log of 150 segments or so, with a record a second. */
static void kit_long(struct kit *k, struct kit_user *u, struct kit_model *m)
{
    kit_small(k, 1);
    EXPECT(kit_join(k, u, true) == EVL_OK);
    for (int i = 0; i < 1300; i++)
        EXPECT(kit_put(u, m, i % KIT_KEYS, i, 3, 1000 * (int64_t)m->count) == EVL_OK);
    EXPECT(u->log->base_count > 150);
}

static uint64_t operations_to_find(struct kit *k, struct kit_user *u, int64_t ms, int64_t want)
{
    int64_t offset = -1;
    uint64_t before = sim_operations(k->sim);
    EXPECT(reader_find_time(u->log, ms, log_end(u->log), &offset) == EVL_OK);
    EXPECT(offset == want);
    return sim_operations(k->sim) - before;
}

TEST("a time is found among 150 segments with a few reads")
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    int64_t start;
    kit_long(&k, &u, &m);
    for (int64_t want = 0; want < m.count; want += 3 * 37) {
        uint64_t before = sim_operations(k.sim);
        uint64_t cost = operations_to_find(&k, &u, 1000 * want - (want > 0), want);
        EXPECT(cost < 60);
        struct reader r = { 0 };
        struct batch batch;
        struct evl_bytes bytes;
        bool got;
        before = sim_operations(k.sim);
        reader_begin(&r, u.log, want);
        EXPECT(reader_next(&r, m.count, &batch, &bytes, &got) == EVL_OK && got);
        EXPECT(batch.base_offset <= want && batch.last_offset >= want);
        EXPECT(sim_operations(k.sim) - before < 30);
        reader_release(&r);
    }
    /* Retention, a crash and a reader who may not write change nothing of that. */
    EXPECT(retain_trim(u.log, 900, false, &start) == EVL_OK);
    EXPECT(operations_to_find(&k, &u, 1500 * 1000, 1500) < 60);
    kit_leave(&u);
    sim_power_cut(k.sim);
    REQUIRE(kit_join(&k, &u, true) == EVL_OK);
    for (int i = 0; i < 20; i++)
        EXPECT(kit_put(&u, &m, 1, i, 3, 1000 * (int64_t)m.count) == EVL_OK);
    EXPECT(operations_to_find(&k, &u, 3000 * 1000, 3000) < 60);
    kit_leave(&u);
    REQUIRE(kit_join(&k, &u, false) == EVL_OK);
    EXPECT(operations_to_find(&k, &u, 3000 * 1000, 3000) < 60);
    kit_leave(&u);
    kit_close(&k);
}

TEST("without the file that says which segment has a time, or with a wrong one, it is found too")
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    kit_long(&k, &u, &m);
    EXPECT(sim_flip(k.sim, "d/t-0/segments.times", 75 * 28 + 9, 3) == EVL_OK);
    for (int64_t want = 0; want < m.count; want += 3 * 101)
        operations_to_find(&k, &u, 1000 * want, want);
    EXPECT(io_remove(u.io, "d/t-0/segments.times") == EVL_OK);
    uint64_t slow = operations_to_find(&k, &u, 3000 * 1000, 3000);
    EXPECT(slow > 150);
    for (int i = 0; i < 10; i++) /* a roll makes it anew */
        EXPECT(kit_put(&u, &m, 1, i, 3, 1000 * (int64_t)m.count) == EVL_OK);
    EXPECT(operations_to_find(&k, &u, 3000 * 1000, 3000) < 60);
    kit_leave(&u);
    kit_close(&k);
}

TEST("a file of times that lags behind the list of segments misleads nobody")
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    kit_long(&k, &u, &m);
    REQUIRE(log_enter(u.log) == EVL_OK);
    for (int i = 0; i < 5; i++) /* and no times_renew(): who did this died */
        EXPECT(litter_retire(u.log, u.log->bases[i]) == EVL_OK);
    log_set(u.log, SHARE_START, (uint64_t)u.log->bases[5]);
    log_changed(u.log);
    EXPECT(log_list(u.log) == EVL_OK);
    log_leave(u.log);
    for (int64_t want = 300; want < m.count; want += 3 * 101)
        operations_to_find(&k, &u, 1000 * want, want);
    kit_leave(&u);
    kit_close(&k);
}
