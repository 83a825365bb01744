/* Compaction: the newest record of each key stays, at its offset, through every
 * kind of end. */
#include <inttypes.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/siphash.h"
#include "log/check.h"
#include "log/checkpoint.h"
#include "log/compact.h"
#include "log/keymap.h"
#include "log/reader.h"
#include "log/recover.h"
#include "log_kit.h"

static void say_damage(void *context, const struct check_damage *d)
{
    (void)context;
    printf("# %s at %" PRId64 ", offset %" PRId64 ": %s\n", d->file, d->position, d->offset,
           d->text);
}

static int damages(struct kit_user *u)
{
    struct check_result result;
    enum evl_error err =
        check_log(u->log, &(struct check_listener){ .damage = say_damage }, &result);
    EXPECT(err == EVL_OK);
    return err ? -1 : result.damages;
}

static enum evl_error compact(struct kit_user *u, bool force, size_t map_max,
                              struct compact_result *result)
{
    struct compact_options o = { .now_ms = io_wall_ms(u->io),
                                 .force = force,
                                 .map_max = map_max ? map_max : 64 << 10 };
    return compact_run(u->log, &o, result);
}

static void kit_compacted(struct kit *k, uint64_t seed)
{
    kit_open(k, seed);
    k->config.cleanup_policy = CLEANUP_COMPACT;
    k->config.segment_bytes = 1500;
}

/* Batches of some records of some keys, now and then a deletion. */
static enum evl_error put_some(struct kit *k, struct kit_user *u, struct kit_model *m, int batches)
{
    enum evl_error err = EVL_OK;
    for (int i = 0; i < batches && !err; i++) {
        bool deletion = sim_chance(k->sim, 5) == 0;
        err = kit_put(u, m, (int)sim_chance(k->sim, 20), deletion ? KIT_TOMBSTONE : 1000 + i,
                      1 + (int)sim_chance(k->sim, 6), io_wall_ms(u->io));
    }
    return err;
}

TEST("the keyed hash is SipHash-2-4-128")
{
    uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
    uint8_t input[15];
    for (uint8_t i = 0; i < sizeof input; i++)
        input[i] = i;
    struct siphash none = siphash(key, input, 0);
    EXPECT(none.low == 0xe6a825ba047f81a3 && none.high == 0x930255c71472f66d);
    struct siphash one = siphash(key, input, 1);
    EXPECT(one.low == 0x44af996bd8c187da && one.high == 0x45fc229b11597634);
    struct siphash all = siphash(key, input, 15);
    struct siphash less = siphash(key, input, 14);
    EXPECT(all.low != less.low && all.high != less.high);
}

TEST("a map of keys keeps to its size, and says when it is full")
{
    struct sim *sim = sim_create(1);
    struct io *io = sim_process(sim);
    struct keymap *m = keymap_create(io, 24 << 10);
    size_t room = keymap_room(m);
    EXPECT(keymap_bytes(m) <= 24 << 10 && room > 900 && room < 1024);
    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t i = 0; i < room; i++)
            EXPECT(keymap_put(m, evl_bytes(&i, sizeof i), 2 * round * 1000 + i));
    uint32_t more = 1 << 20;
    EXPECT(keymap_count(m) == room);
    EXPECT(!keymap_put(m, evl_bytes(&more, sizeof more), 1));
    for (uint32_t i = 0; i < room; i++)
        EXPECT(keymap_get(m, evl_bytes(&i, sizeof i)) == 2000 + i);
    EXPECT(keymap_get(m, evl_bytes(&more, sizeof more)) == -1);
    EXPECT(keymap_get(m, evl_bytes("", 0)) == -1);
    keymap_destroy(m);
    sim_exit(io);
    sim_destroy(sim);
}

TEST("compaction keeps exactly the newest record of each key, at its offset")
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct kit k;
        struct kit_user u;
        struct kit_model m = { 0 };
        struct compact_result result;
        kit_compacted(&k, seed);
        REQUIRE(kit_join(&k, &u, true) == EVL_OK);
        for (int round = 0; round < 3; round++) {
            EXPECT(put_some(&k, &u, &m, 60) == EVL_OK);
            REQUIRE(compact(&u, true, 0, &result) == EVL_OK);
            struct kit_view v = kit_read(&u, &m);
            int keys = 0;
            for (int i = 0; i < KIT_KEYS; i++)
                keys += v.newest[i] >= 0;
            EXPECT(kit_is_latest(&v, &m, m.count) && v.count == keys && v.end == m.count);
            EXPECT(result.records_after == v.count);
            EXPECT(result.segments_after <= result.segments_before);
            EXPECT(result.bytes_after < result.bytes_before);
            EXPECT(damages(&u) == 0);
        }
        kit_leave(&u);
        REQUIRE(kit_join(&k, &u, false) == EVL_OK); /* a reader finds the same */
        struct kit_view v = kit_read(&u, &m);
        EXPECT(kit_is_latest(&v, &m, m.count));
        kit_leave(&u);
        kit_close(&k);
    }
}

TEST("a log that is not dirty enough is left alone, unless it waited too long")
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    struct compact_result result;
    kit_compacted(&k, 1);
    REQUIRE(kit_join(&k, &u, true) == EVL_OK);
    for (int i = 0; i < 100; i++)
        EXPECT(kit_put(&u, &m, i % KIT_KEYS, i, 3, io_wall_ms(u.io)) == EVL_OK);
    EXPECT(compact(&u, false, 0, &result) == EVL_OK && result.segments_before > 0);
    for (int i = 0; i < 10; i++)
        EXPECT(kit_put(&u, &m, i, i, 3, io_wall_ms(u.io)) == EVL_OK);
    EXPECT(compact(&u, false, 0, &result) == EVL_OK && result.segments_before == 0);
    EXPECT(result.clean > 0);
    k.config.max_compaction_lag_ms = 60000;
    log_configure(u.log, &k.config);
    EXPECT(compact(&u, false, 0, &result) == EVL_OK && result.segments_before == 0);
    sim_jump_wall(k.sim, 120000);
    EXPECT(compact(&u, false, 0, &result) == EVL_OK && result.segments_before > 0);
    struct kit_view v = kit_read(&u, &m);
    EXPECT(kit_is_latest(&v, &m, m.count));
    kit_leave(&u);
    kit_close(&k);
}

TEST("records stay as they are for min.compaction.lag.ms")
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    struct compact_result result;
    kit_compacted(&k, 1);
    k.config.min_compaction_lag_ms = 60000;
    REQUIRE(kit_join(&k, &u, true) == EVL_OK);
    for (int i = 0; i < 100; i++)
        EXPECT(kit_put(&u, &m, 1, i, 1, io_wall_ms(u.io)) == EVL_OK);
    EXPECT(compact(&u, true, 0, &result) == EVL_OK);
    EXPECT(kit_read(&u, &m).count == 100);
    sim_jump_wall(k.sim, 61000);
    EXPECT(compact(&u, true, 0, &result) == EVL_OK);
    EXPECT(kit_read(&u, &m).count == 1);
    kit_leave(&u);
    kit_close(&k);
}

TEST("a tombstone stays until its horizon has passed, and then goes")
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    struct compact_result result;
    kit_compacted(&k, 1);
    REQUIRE(kit_join(&k, &u, true) == EVL_OK);
    EXPECT(kit_put(&u, &m, 1, 10, 3, io_wall_ms(u.io)) == EVL_OK);
    EXPECT(kit_put(&u, &m, 2, KIT_TOMBSTONE, 1, io_wall_ms(u.io)) == EVL_OK);
    EXPECT(compact(&u, true, 0, &result) == EVL_OK);
    struct kit_view v = kit_read(&u, &m);
    EXPECT(v.count == 3 && v.tombstones == 1 && v.newest[2] == 3);
    EXPECT(compact(&u, true, 0, &result) == EVL_OK);
    EXPECT(kit_read(&u, &m).count == 3);
    sim_jump_wall(k.sim, k.config.delete_retention_ms + 1000);
    EXPECT(compact(&u, true, 0, &result) == EVL_OK);
    v = kit_read(&u, &m);
    EXPECT(v.count == 2 && v.tombstones == 0 && v.newest[2] == -1);
    EXPECT(kit_put(&u, &m, 2, 20, 1, io_wall_ms(u.io)) == EVL_OK);
    v = kit_read(&u, &m);
    EXPECT(v.newest[2] == 4 && damages(&u) == 0);
    kit_leave(&u);
    kit_close(&k);
}

TEST("a map that is too small for the keys cleans as far as it reaches, again and again")
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    struct compact_result result;
    kit_compacted(&k, 3);
    REQUIRE(kit_join(&k, &u, true) == EVL_OK);
    EXPECT(put_some(&k, &u, &m, 200) == EVL_OK);
    EXPECT(compact(&u, true, (size_t)10 * 24, &result) == EVL_OK);
    EXPECT(result.clean == m.count);
    struct kit_view v = kit_read(&u, &m);
    EXPECT(kit_is_latest(&v, &m, m.count) && v.count < m.count / 2);
    kit_leave(&u);
    kit_close(&k);
}

TEST("a dry run says what would come out, and changes nothing")
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    struct compact_result forecast;
    struct compact_result result;
    kit_compacted(&k, 3);
    REQUIRE(kit_join(&k, &u, true) == EVL_OK);
    EXPECT(put_some(&k, &u, &m, 200) == EVL_OK);
    struct compact_options o = { .now_ms = io_wall_ms(u.io), .dry = true };
    EXPECT(compact_run(u.log, &o, &forecast) == EVL_OK);
    EXPECT(kit_read(&u, &m).count == m.count);
    EXPECT(compact(&u, false, 0, &result) == EVL_OK);
    EXPECT(forecast.records_after == result.records_after && result.records_after > 0);
    EXPECT(forecast.bytes_after == result.bytes_after);
    EXPECT(forecast.segments_after == result.segments_after);
    kit_leave(&u);
    kit_close(&k);
}

/* ---- transactions -------------------------------------------------------- */

enum { ABORT = 0, COMMIT = 1, MARKER = 2 };

/* One batch of one record, of a producer; a MARKER + COMMIT or MARKER + ABORT
 * ends its transaction. */
static enum evl_error put_of(struct kit_user *u, int64_t id, int32_t sequence, const char *key,
                             int marker, struct log_place *place)
{
    uint8_t marker_key[4] = { 0, 0, 0, (uint8_t)(marker - MARKER) };
    uint8_t marker_value[6] = { 0 };
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    struct evl_record record = EVL_RECORD_NONE;
    struct log_promise promise;
    uint8_t *bytes;
    size_t size;
    int done;
    seal.producer_id = id;
    seal.producer_epoch = 0;
    seal.base_sequence = marker ? -1 : sequence;
    seal.attributes = BATCH_TRANSACTIONAL | (marker ? BATCH_CONTROL : 0);
    record.timestamp = io_wall_ms(u->io);
    record.key = marker ? evl_bytes(marker_key, 4) : evl_text(key);
    record.value = marker ? evl_bytes(marker_value, 6) : evl_text("value");
    batch_begin(&u->writer);
    batch_add(&u->writer, &record);
    enum evl_error err = batch_finish(&u->writer, &seal, &bytes, &size);
    struct evl_bytes batch = evl_bytes(bytes, size);
    if (!err)
        err = log_append(u->log, &batch, 1, false, place, &done, &promise);
    return err ? err : log_sync(u->log, &promise);
}

static void put_all_of(struct kit_user *u, int64_t id, int32_t sequence, const char *key, int end)
{
    struct log_place place;
    EXPECT(put_of(u, id, sequence, key, 0, &place) == EVL_OK);
    EXPECT(put_of(u, id, 0, NULL, MARKER + end, &place) == EVL_OK);
}

/* What is in the log, as text: data records by key, A and C for markers, and -
 * for a batch that was emptied. */
static const char *contents(struct kit_user *u, char text[256])
{
    struct reader r = { 0 };
    struct batch_reader records = { 0 };
    struct batch batch;
    struct evl_bytes bytes;
    bool got;
    size_t n = 0;
    reader_begin(&r, u->log, 0);
    while (!reader_next(&r, log_end(u->log), &batch, &bytes, &got) && got && n < 200) {
        struct evl_record record;
        bool more = false;
        EXPECT(batch_open(&records, bytes, 1 << 20) == EVL_OK);
        if (batch.count == 0)
            text[n++] = '-';
        while (!batch_next(&records, &record, &more) && more)
            text[n++] =
                record.control ? (record.key.at[3] == COMMIT ? 'C' : 'A') : (char)record.key.at[0];
    }
    text[n] = '\0';
    batch_reader_release(&records);
    reader_release(&r);
    return text;
}

static void expect_contents(struct kit_user *u, const char *want)
{
    char text[256];
    if (strcmp(contents(u, text), want) != 0)
        printf("# \"%s\", not \"%s\"\n", text, want);
    EXPECT(strcmp(text, want) == 0);
    EXPECT(damages(u) == 0);
}

TEST("of an aborted transaction nothing stays but its marker, and that goes after its horizon")
{
    struct kit k;
    struct kit_user u;
    struct compact_result result;
    kit_compacted(&k, 1);
    REQUIRE(kit_join(&k, &u, true) == EVL_OK);
    put_all_of(&u, 7, 0, "a", COMMIT);
    put_all_of(&u, 7, 1, "a", ABORT); /* is no newer record of a */
    put_all_of(&u, 8, 0, "b", ABORT);
    put_all_of(&u, 7, 2, "c", COMMIT);
    put_all_of(&u, 8, 1, "d", COMMIT);
    expect_contents(&u, "aCaAbAcCdC");
    EXPECT(compact(&u, true, 0, &result) == EVL_OK);
    expect_contents(&u, "aCAAcCdC");
    EXPECT(compact(&u, true, 0, &result) == EVL_OK); /* the horizon begins */
    sim_jump_wall(k.sim, k.config.delete_retention_ms - 1000);
    EXPECT(compact(&u, true, 0, &result) == EVL_OK);
    expect_contents(&u, "aCAAcCdC");
    sim_jump_wall(k.sim, 3000);
    EXPECT(compact(&u, true, 0, &result) == EVL_OK);
    expect_contents(&u, "aCcCdC"); /* a commit stays as long as its data */
    kit_leave(&u);
    kit_close(&k);
}

TEST("a producer is known by its last batch, though that was emptied")
{
    struct kit k;
    struct kit_user u;
    struct compact_result result;
    struct log_place place;
    kit_compacted(&k, 1);
    REQUIRE(kit_join(&k, &u, true) == EVL_OK);
    put_all_of(&u, 7, 0, "a", COMMIT);
    put_all_of(&u, 8, 0, "a", COMMIT);
    EXPECT(compact(&u, true, 0, &result) == EVL_OK);
    expect_contents(&u, "-CaC");
    kit_leave(&u);
    struct io *io = sim_process(k.sim); /* only the batches are left to tell */
    struct io_names names;
    EXPECT(io_list(io, "d/t-0", &names) == EVL_OK);
    for (size_t i = 0; i < names.count; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "d/t-0/%s", names.at[i]);
        if (strstr(names.at[i], ".snapshot"))
            EXPECT(io_remove(io, path) == EVL_OK);
    }
    io_names_release(&names);
    sim_exit(io);
    REQUIRE(kit_join(&k, &u, true) == EVL_OK);
    EXPECT(put_of(&u, 7, 0, "a", 0, &place) == EVL_OK && place.known && place.base_offset == 0);
    EXPECT(put_of(&u, 7, 2, "a", 0, &place) == EVL_ERR_SEQUENCE);
    EXPECT(put_of(&u, 7, 1, "a", 0, &place) == EVL_OK && !place.known);
    kit_leave(&u);
    kit_close(&k);
}

TEST("what an open transaction may still change is not compacted")
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    struct compact_result result;
    struct log_place place;
    kit_compacted(&k, 1);
    REQUIRE(kit_join(&k, &u, true) == EVL_OK);
    for (int i = 0; i < 40; i++)
        EXPECT(kit_put(&u, &m, 1, i, 1, io_wall_ms(u.io)) == EVL_OK);
    EXPECT(put_of(&u, 7, 0, "x", 0, &place) == EVL_OK);
    int64_t open = place.base_offset;
    m.count++;
    for (int i = 0; i < 40; i++)
        EXPECT(kit_put(&u, &m, 1, i, 1, io_wall_ms(u.io)) == EVL_OK);
    EXPECT(compact(&u, true, 0, &result) == EVL_OK);
    EXPECT(result.clean > 0 && result.clean <= open && result.records_after < 3);
    EXPECT(put_of(&u, 7, 0, NULL, MARKER + ABORT, &place) == EVL_OK);
    EXPECT(compact(&u, true, 0, &result) == EVL_OK);
    EXPECT(result.clean > open);
    expect_contents(&u, "-kA");
    kit_leave(&u);
    kit_close(&k);
}

/* ---- ends ---------------------------------------------------------------- */

/* What a cut short compaction left is whole, and stays so when all that can go
 * has gone. */
static void expect_survived(struct kit *k, struct kit_model *m, enum sim_fault fault, uint64_t at)
{
    struct kit_user u;
    struct compact_result result;
    EXPECT(kit_join(k, &u, true) == EVL_OK);
    EXPECT(recover_repair(u.log) == EVL_OK); /* if sealing a segment has failed it */
    struct kit_view v = kit_read(&u, m);
    bool right = v.end == m->count && kit_is_latest(&v, m, m->count);
    for (int i = 0; i < 3; i++) {
        EXPECT(kit_put(&u, m, 60, 5, 2, io_wall_ms(u.io)) == EVL_OK);
        EXPECT(compact(&u, true, 0, &result) == EVL_OK);
        v = kit_read(&u, m);
        right = right && v.end == m->count && kit_is_latest(&v, m, m->count);
        sim_jump_wall(k->sim, k->config.delete_retention_ms + 1000);
    }
    right = right && damages(&u) == 0;
    if (!right)
        printf("# fault %d at %" PRIu64 "\n", (int)fault, at);
    EXPECT(right);
    kit_leave(&u);
}

/* Write, then compact, with a fault at operation `at` of the compaction.  Says
 * whether it was struck. */
static bool compact_and_die(enum sim_fault fault, uint64_t at, uint64_t seed)
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    struct compact_result result;
    kit_compacted(&k, 1000 * seed + at);
    k.config.segment_bytes = 500;
    EXPECT(kit_join(&k, &u, true) == EVL_OK);
    EXPECT(put_some(&k, &u, &m, 15) == EVL_OK);
    EXPECT(compact(&u, false, 0, &result) == EVL_OK);
    EXPECT(put_some(&k, &u, &m, 15) == EVL_OK);
    k.config.segment_bytes = 2000; /* segments come together */
    log_configure(u.log, &k.config);
    sim_jump_wall(k.sim, k.config.delete_retention_ms + 1000); /* tombstones go */
    sim_options(k.sim)->after[fault] = at;
    enum evl_error err = compact(&u, true, 0, &result);
    bool struck = sim_options(k.sim)->after[fault] == 0; /* though it may have been survived */
    EXPECT(struck || !err);
    sim_options(k.sim)->after[fault] = 0;
    if (sim_is_alive(u.io)) {
        struct kit_view v = kit_read(&u, &m); /* as if nothing had been */
        EXPECT(kit_is_latest(&v, &m, m.count) && v.end == m.count);
    }
    kit_leave(&u);
    expect_survived(&k, &m, fault, at);
    kit_close(&k);
    return struck;
}

TEST("a power cut at any operation of a compaction loses no newest record")
{
    for (uint64_t seed = 1; seed <= 10; seed++) { /* what a cut leaves is chance */
        uint64_t at = 1;
        while (compact_and_die(SIM_CUT, at, seed))
            at++;
        EXPECT(at > 100);
    }
}

TEST("a kill at any operation of a compaction loses no newest record")
{
    uint64_t at = 1;
    while (compact_and_die(SIM_KILL, at, 1))
        at++;
    EXPECT(at > 100);
}

TEST("a failed rename, sync or write in a compaction loses no newest record")
{
    static const enum sim_fault faults[] = { SIM_WRITE_IO, SIM_WRITE_FULL, SIM_READ_IO,
                                             SIM_SYNC_DIR_IO, SIM_NAME_IO };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        uint64_t at = 1;
        while (compact_and_die(faults[i], at, 1))
            at++;
        EXPECT(at > 2);
    }
}

/* ---- at the same time ---------------------------------------------------- */

/* Processes that share a log, and are killed now and then. */
struct crowd {
    struct kit *k;
    struct kit_model m;
    int known;   /* records that were acknowledged */
    int settled; /* records that are there, before the last batch */
    bool written;
};

/* Who was killed comes back as another process. */
static void crowd_join(struct crowd *c, struct kit_user *u, struct io **io, bool writable)
{
    while (kit_join_on(c->k, u, *io, writable)) {
        EXPECT(!sim_is_alive(*io));
        *io = sim_process(c->k->sim);
    }
}

/* The last batch is there as a whole or not at all. */
static void crowd_count(struct crowd *c, struct kit_user *u)
{
    if (log_enter(u->log))
        return;
    int64_t end = (int64_t)log_word(u->log, SHARE_WRITTEN);
    log_leave(u->log);
    if (sim_is_alive(u->io)) {
        EXPECT(end == c->m.count || end == c->settled);
        c->m.count = c->settled = (int)end;
    }
}

static void crowd_write(struct io *io, void *context)
{
    struct crowd *c = context;
    struct kit_user u;
    for (int i = 0; i < 120;) {
        crowd_join(c, &u, &io, true);
        crowd_count(c, &u);
        while (i < 120 && sim_is_alive(io)) {
            enum evl_error err = put_some(c->k, &u, &c->m, 1);
            EXPECT(!err || !sim_is_alive(io));
            if (!err && sim_is_alive(io))
                c->known = c->settled = c->m.count;
            i++;
        }
        kit_leave_door(&u);
    }
    c->written = true;
}

static void crowd_clean(struct io *io, void *context)
{
    struct crowd *c = context;
    struct compact_result result;
    while (!c->written) {
        struct kit_user u;
        crowd_join(c, &u, &io, true);
        struct topic_config config = c->k->config;
        config.segment_bytes = 2000; /* segments come together */
        log_configure(u.log, &config);
        while (!c->written && sim_is_alive(io)) {
            enum evl_error err = compact(&u, sim_chance(c->k->sim, 2), 0, &result);
            if (err && err != EVL_ERR_BUSY && sim_is_alive(io))
                printf("# cleaner: %s\n", evl_fault());
            EXPECT(!err || err == EVL_ERR_BUSY || !sim_is_alive(io));
            sim_jump_wall(c->k->sim, c->k->config.delete_retention_ms / 4);
        }
        kit_leave_door(&u);
    }
}

/* What was known when a walk began is seen in it, or what is newer. */
static bool crowd_saw(const struct crowd *c, const struct kit_view *v, int known)
{
    int newest[KIT_KEYS];
    for (int i = 0; i < KIT_KEYS; i++)
        newest[i] = -1;
    for (int i = 0; i < known; i++)
        newest[c->m.key[i]] = c->m.value[i] == KIT_TOMBSTONE ? -1 : i;
    for (int i = 0; i < KIT_KEYS; i++)
        if (v->newest[i] < newest[i]) {
            bool deleted = false; /* by what has gone by now */
            for (int j = known; j < c->m.count; j++)
                deleted = deleted || (c->m.key[j] == i && c->m.value[j] == KIT_TOMBSTONE);
            if (!deleted)
                return false;
        }
    return true;
}

static void crowd_read(struct io *io, void *context)
{
    struct crowd *c = context;
    struct kit_user u;
    bool last = false;
    while (!last) {
        crowd_join(c, &u, &io, false);
        while (!last && sim_is_alive(io)) {
            bool written = c->written;
            int known = c->known;
            struct kit_view v = kit_read(&u, &c->m);
            last = written && sim_is_alive(io);
            EXPECT(!sim_is_alive(io) || (v.end >= known && crowd_saw(c, &v, known)));
            io_sleep(io, IO_MS / 10);
        }
        kit_leave_door(&u);
    }
}

/* Who may only read cannot keep the cleaner away. */
static void crowd_check(struct io *io, void *context)
{
    struct crowd *c = context;
    struct kit_user u;
    while (!c->written) {
        crowd_join(c, &u, &io, false);
        while (!c->written && sim_is_alive(io)) {
            EXPECT(damages(&u) == 0 || !sim_is_alive(io));
            io_sleep(io, IO_MS / 10);
        }
        kit_leave_door(&u);
    }
}

TEST("readers see what survives once and in order, whatever cleaners do meanwhile")
{
    for (uint64_t seed = 1; seed <= 25; seed++) {
        struct kit k;
        struct crowd *c = memory_take(1, sizeof *c);
        kit_compacted(&k, seed);
        k.config.segment_bytes = 500;
        c->k = &k;
        struct kit_user first; /* so that there is something to read */
        REQUIRE(kit_join(&k, &first, true) == EVL_OK);
        EXPECT(put_some(&k, &first, &c->m, 15) == EVL_OK);
        c->known = c->settled = c->m.count;
        kit_leave(&first);
        sim_options(k.sim)->ppm[SIM_KILL] = 400;
        struct sim_body bodies[] = {
            { crowd_write, c }, { crowd_clean, c }, { crowd_read, c }, { crowd_read, c }
        };
        EXPECT(sim_run(k.sim, bodies, 4) == 0);
        memory_free(c);
        kit_close(&k);
    }
}

TEST("a reader who checks a log while it is cleaned finds no damage that is none")
{
    for (uint64_t seed = 1; seed <= 25; seed++) {
        struct kit k;
        struct crowd *c = memory_take(1, sizeof *c);
        kit_compacted(&k, seed);
        k.config.segment_bytes = 500;
        c->k = &k;
        struct kit_user first;
        REQUIRE(kit_join(&k, &first, true) == EVL_OK);
        EXPECT(put_some(&k, &first, &c->m, 15) == EVL_OK);
        c->known = c->settled = c->m.count;
        kit_leave(&first);
        struct sim_body bodies[] = { { crowd_write, c }, { crowd_clean, c }, { crowd_check, c } };
        EXPECT(sim_run(k.sim, bodies, 3) == 0);
        memory_free(c);
        kit_close(&k);
    }
}
