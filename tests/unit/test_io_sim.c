/* The simulated world: what it may do to a process, what it must not, and that
 * it does the same again. */
#include "io/io_sim.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "unit.h"

enum { SECTOR = 512, SEEDS = 300 };

static const int64_t second = 1000 * (int64_t)IO_MS;

static enum evl_error write_byte(struct io *io, int file, uint8_t byte, size_t size, int64_t at)
{
    uint8_t room[4096];
    struct evl_bytes part = evl_bytes(room, size);
    size_t put = 0;
    memset(room, byte, size);
    for (size_t done = 0; done < size; done += put) {
        part = evl_bytes(room, size - done);
        enum evl_error err = io_write(io, file, &part, 1, at + (int64_t)done, &put);
        if (err)
            return err;
    }
    return EVL_OK;
}

/* How many of the file's bytes are `byte`; -1 if there is no such file. */
static int64_t count_byte(struct io *io, const char *path, uint8_t byte)
{
    uint8_t room[8192];
    size_t got = 0;
    int64_t count = 0;
    int file;
    if (io_open(io, path, IO_READ, &file))
        return -1;
    EXPECT(io_read(io, file, room, sizeof room, 0, &got) == EVL_OK);
    io_close(io, file);
    for (size_t i = 0; i < got; i++)
        count += room[i] == byte;
    return count;
}

static int make_file(struct io *io, const char *path)
{
    int file = -1;
    EXPECT(io_open(io, path, IO_CREATE, &file) == EVL_OK);
    return file;
}

/* ---- power cuts ---------------------------------------------------------- */

TEST("a power cut keeps, loses or tears by sectors what was not synced, and no more")
{
    int kept = 0;
    int lost = 0;
    int torn = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim *sim = sim_create(seed);
        struct io *io = sim_process(sim);
        int file = make_file(io, "x");
        EXPECT(write_byte(io, file, 1, 1000, 0) == EVL_OK && io_sync(io, file) == EVL_OK);
        EXPECT(io_sync_dir(io, ".") == EVL_OK);
        EXPECT(write_byte(io, file, 2, 4 * SECTOR, 1000) == EVL_OK);
        sim_power_cut(sim);
        EXPECT(count_byte(sim_process(sim), "x", 1) == 1000);
        int64_t count = count_byte(sim_process(sim), "x", 2);
        kept += count == 4 * SECTOR;
        lost += count == 0;
        torn += count > 0 && count < 4 * SECTOR;
        /* Of its first sector it has 24 bytes, of its last one 488. */
        int64_t rest = count % SECTOR;
        EXPECT(rest == 0 || rest == 24 || rest == 488);
        sim_destroy(sim);
    }
    EXPECT(kept > SEEDS / 10 && lost > SEEDS / 10 && torn > SEEDS / 10);
}

TEST("a later write may survive an earlier one, with zeros in between")
{
    int holes = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim *sim = sim_create(seed);
        struct io *io = sim_process(sim);
        int file = make_file(io, "x");
        EXPECT(io_sync_dir(io, "/") == EVL_OK);
        EXPECT(write_byte(io, file, 1, SECTOR, 0) == EVL_OK);
        EXPECT(write_byte(io, file, 2, SECTOR, SECTOR) == EVL_OK);
        sim_power_cut(sim);
        io = sim_process(sim);
        holes += count_byte(io, "x", 0) == SECTOR && count_byte(io, "x", 2) == SECTOR;
        sim_destroy(sim);
    }
    EXPECT(holes > 0);
}

TEST("bytes written twice and not synced may be the older ones")
{
    int older = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim *sim = sim_create(seed);
        struct io *io = sim_process(sim);
        int file = make_file(io, "x");
        EXPECT(io_sync_dir(io, "/") == EVL_OK);
        EXPECT(write_byte(io, file, 1, SECTOR, 0) == EVL_OK && io_truncate(io, file, 0) == EVL_OK);
        EXPECT(write_byte(io, file, 2, SECTOR, 0) == EVL_OK);
        sim_power_cut(sim);
        older += count_byte(sim_process(sim), "x", 1) == SECTOR;
        sim_destroy(sim);
    }
    EXPECT(older > 0);
}

TEST("a cut that was synced stays, and what was cut off is zeros when grown again")
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim *sim = sim_create(seed);
        struct io *io = sim_process(sim);
        int file = make_file(io, "x");
        EXPECT(write_byte(io, file, 1, 2000, 0) == EVL_OK && io_sync(io, file) == EVL_OK);
        EXPECT(io_truncate(io, file, 700) == EVL_OK && io_truncate(io, file, 1500) == EVL_OK);
        EXPECT(io_sync(io, file) == EVL_OK && io_sync_dir(io, "/") == EVL_OK);
        sim_power_cut(sim);
        io = sim_process(sim);
        EXPECT(count_byte(io, "x", 1) == 700 && count_byte(io, "x", 0) == 800);
        sim_destroy(sim);
    }
}

TEST("a name that was not synced may be lost with the file, a synced one is not")
{
    int lost = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim *sim = sim_create(seed);
        struct io *io = sim_process(sim);
        EXPECT(io_make_dir(io, "d") == EVL_OK && io_sync_dir(io, ".") == EVL_OK);
        int file = make_file(io, "d/safe");
        EXPECT(write_byte(io, file, 1, 100, 0) == EVL_OK && io_sync(io, file) == EVL_OK);
        EXPECT(io_sync_dir(io, "d") == EVL_OK);
        file = make_file(io, "d/bold");
        EXPECT(write_byte(io, file, 1, 100, 0) == EVL_OK && io_sync(io, file) == EVL_OK);
        sim_power_cut(sim);
        io = sim_process(sim);
        EXPECT(count_byte(io, "d/safe", 1) == 100);
        int64_t bold = count_byte(io, "d/bold", 1);
        EXPECT(bold == 100 || bold == -1); /* its bytes were synced */
        lost += bold == -1;
        sim_destroy(sim);
    }
    EXPECT(lost > SEEDS / 10 && lost < SEEDS * 9 / 10);
}

TEST("a rename that was not synced shows the old file or the new one, whole")
{
    int before = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim *sim = sim_create(seed);
        struct io *io = sim_process(sim);
        for (uint8_t i = 1; i <= 2; i++) {
            int file = make_file(io, i == 1 ? "x" : "x.tmp");
            EXPECT(write_byte(io, file, i, 100, 0) == EVL_OK && io_sync(io, file) == EVL_OK);
        }
        EXPECT(io_sync_dir(io, ".") == EVL_OK && io_rename(io, "x.tmp", "x") == EVL_OK);
        bool synced = seed % 4 == 0;
        if (synced)
            EXPECT(io_sync_dir(io, ".") == EVL_OK);
        sim_power_cut(sim);
        io = sim_process(sim);
        bool old = count_byte(io, "x", 1) == 100;
        EXPECT(old ? !synced && count_byte(io, "x.tmp", 2) == 100
                   : count_byte(io, "x", 2) == 100 && count_byte(io, "x.tmp", 2) == -1);
        before += old;
        sim_destroy(sim);
    }
    EXPECT(before > SEEDS / 10);
}

TEST("a removal that was not synced may come undone, with the bytes that were synced")
{
    int back = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim *sim = sim_create(seed);
        struct io *io = sim_process(sim);
        EXPECT(io_make_dir(io, "d") == EVL_OK);
        int file = make_file(io, "d/x");
        EXPECT(write_byte(io, file, 1, 1000, 0) == EVL_OK && io_sync(io, file) == EVL_OK);
        EXPECT(io_sync_dir(io, "d") == EVL_OK && io_sync_dir(io, ".") == EVL_OK);
        io_close(io, file);
        EXPECT(io_remove(io, "d/x") == EVL_OK && sim_used(sim) == 0);
        for (int i = 0; i < 100; i++) { /* enough to sweep */
            io_close(io, make_file(io, "y"));
            EXPECT(io_remove(io, "y") == EVL_OK);
        }
        if (seed % 2)
            EXPECT(io_remove_dir(io, "d") == EVL_OK);
        sim_power_cut(sim);
        int64_t count = count_byte(sim_process(sim), "d/x", 1);
        EXPECT(count == 1000 || count == -1);
        EXPECT(sim_used(sim) == (count < 0 ? 0 : count));
        back += count == 1000;
        sim_destroy(sim);
    }
    EXPECT(back > SEEDS / 10 && back < SEEDS);
}

TEST("the next boot is another, and shared memory is in it or not")
{
    int kept = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim *sim = sim_create(seed);
        struct io *io = sim_process(sim);
        struct io_boot boot = io_boot(io);
        void *at = NULL;
        int file = make_file(io, "shm");
        EXPECT(io_map(io, file, 4096, true, &at) == EVL_OK);
        EXPECT(io_sync(io, file) == EVL_OK && io_sync_dir(io, ".") == EVL_OK);
        io_store(io, at, UINT64_MAX);
        sim_power_cut(sim);
        io = sim_process(sim);
        int64_t count = count_byte(io, "shm", 0xff);
        EXPECT(count == 0 || count == 8);
        kept += count == 8;
        EXPECT(io_boot(io).high != boot.high);
        sim_destroy(sim);
    }
    EXPECT(kept > 0 && kept < SEEDS);
}

/* ---- what may be on the disk --------------------------------------------- */

/* Beside a file of random writes, cuts, syncs and power cuts: which values each
 * of its bytes may have on the disk. */

enum { DISK_BYTES = 3000, DISK_VALUES = 6 };

struct disk_model {
    uint8_t now[DISK_BYTES];
    uint8_t may_be[DISK_BYTES]; /* a bit for each value */
    bool changed[DISK_BYTES];   /* since the last sync, good or bad */
    int64_t size, size_min;     /* the least since the last good one */
};

static void model_set(struct disk_model *m, int64_t from, int64_t to, uint8_t value)
{
    for (int64_t i = from; i < to; i++) {
        m->now[i] = value;
        m->may_be[i] |= (uint8_t)(1 << value);
        m->changed[i] = true;
    }
}

static void model_resize(struct disk_model *m, int64_t size)
{
    if (size < m->size)
        model_set(m, size, m->size, 0);
    m->size = size;
    if (m->size_min > size)
        m->size_min = size;
}

static void model_sync(struct disk_model *m, bool good)
{
    for (int i = 0; i < DISK_BYTES; i++) {
        if (m->changed[i] && good)
            m->may_be[i] = (uint8_t)(1 << m->now[i]);
        m->changed[i] = false;
    }
    if (good)
        m->size_min = m->size;
}

/* What the power cut has left is possible; from here on it is what there is. */
static bool model_allows(struct disk_model *m, const uint8_t *found, int64_t size)
{
    bool allows = size >= m->size_min;
    for (int64_t i = 0; i < DISK_BYTES; i++) {
        m->now[i] = i < size ? found[i] : 0;
        allows = allows && (i >= size || m->may_be[i] & 1 << found[i]);
        m->may_be[i] = (uint8_t)(1 << m->now[i]);
        m->changed[i] = false;
    }
    m->size = m->size_min = size;
    return allows;
}

static void disk_step(struct sim *sim, struct io *io, int file, struct disk_model *m)
{
    int64_t at = (int64_t)sim_chance(sim, DISK_BYTES);
    int64_t end = at + (int64_t)sim_chance(sim, (uint64_t)(DISK_BYTES - at) + 1);
    uint8_t value = (uint8_t)(1 + sim_chance(sim, DISK_VALUES));
    bool good = sim_chance(sim, 3) > 0;
    switch (sim_chance(sim, 5)) {
    case 0:
    case 1:
        EXPECT(write_byte(io, file, value, (size_t)(end - at), at) == EVL_OK);
        model_set(m, at, end, value);
        if (end > at && m->size < end)
            m->size = end;
        break;
    case 2:
        EXPECT(io_truncate(io, file, at) == EVL_OK);
        model_resize(m, at);
        break;
    case 3:
        sim_options(sim)->after[SIM_SYNC_IO] = !good;
        EXPECT((io_sync(io, file) == EVL_OK) == good);
        model_sync(m, good);
        break;
    case 4: io_sync_soon(io, file, at, end - at); break;
    }
}

TEST("no power cut leaves a byte that was never written there, or takes a synced one")
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim *sim = sim_create(seed);
        struct io *io = sim_process(sim);
        struct disk_model model = { 0 };
        uint8_t found[DISK_BYTES + 1];
        size_t size = 0;
        int file = make_file(io, "x");
        memset(model.may_be, 1, sizeof model.may_be);
        EXPECT(io_sync_dir(io, ".") == EVL_OK);
        for (int cuts = 0; cuts < 5; cuts++) {
            for (uint64_t steps = sim_chance(sim, 12); steps > 0; steps--)
                disk_step(sim, io, file, &model);
            EXPECT(io_read(io, file, found, sizeof found, 0, &size) == EVL_OK);
            EXPECT((int64_t)size == model.size && memcmp(found, model.now, size) == 0);
            sim_power_cut(sim);
            io = sim_process(sim);
            file = make_file(io, "x");
            EXPECT(io_read(io, file, found, sizeof found, 0, &size) == EVL_OK);
            EXPECT(size <= DISK_BYTES && model_allows(&model, found, (int64_t)size));
        }
        sim_destroy(sim);
    }
}

/* ---- a little log, cut everywhere ---------------------------------------- */

enum { LOG_RECORDS = 30, LOG_RECORD_BYTES = 700, LOG_FILE_RECORDS = 7 };

struct little_log {
    bool sync_names; /* false is the bug that the test must see */
    int acknowledged;
};

static void log_path(int i, char room[16]) { snprintf(room, 16, "log/%d", i / LOG_FILE_RECORDS); }

/* Appends until it is done or something fails; returns with no file open. */
static enum evl_error log_fill(struct io *io, struct little_log *log)
{
    char path[16];
    int file = -1;
    enum evl_error err = io_make_dir(io, "log");
    if (!err)
        err = io_sync_dir(io, "/");
    for (int i = 0; i < LOG_RECORDS && !err; i++) {
        int place = i % LOG_FILE_RECORDS;
        if (place == 0) {
            io_close(io, file);
            file = -1;
            log_path(i, path);
            err = io_open(io, path, IO_CREATE_NEW, &file);
            if (!err && log->sync_names)
                err = io_sync_dir(io, "log");
        }
        if (!err)
            err = write_byte(io, file, (uint8_t)(i + 1), LOG_RECORD_BYTES,
                             (int64_t)place * LOG_RECORD_BYTES);
        if (!err && (i % 3 == 0 || place == LOG_FILE_RECORDS - 1)) {
            err = io_sync(io, file);
            log->acknowledged = err ? log->acknowledged : i + 1;
        }
    }
    io_close(io, file);
    return err;
}

static bool log_has(struct io *io, int records)
{
    char path[16];
    for (int i = 0; i < records; i++) {
        log_path(i, path);
        if (count_byte(io, path, (uint8_t)(i + 1)) != LOG_RECORD_BYTES)
            return false;
    }
    return true;
}

/* Returns whether all that was acknowledged is there after the n-th call met
 * its fault; *ended if the log was filled before. */
static bool log_survives(struct little_log log, uint64_t seed, enum sim_fault fault, uint64_t n,
                         bool *ended)
{
    struct sim *sim = sim_create(seed);
    struct io *io = sim_process(sim);
    sim_options(sim)->after[fault] = n;
    sim_options(sim)->ppm[SIM_WRITE_SHORT] = 100000;
    *ended = log_fill(io, &log) == EVL_OK;
    EXPECT(sim_open_files(io) == 0);
    EXPECT(*ended || !sim_is_alive(io)); /* the last call may have died unnoticed */
    EXPECT(*ended || strcmp(evl_fault(), "killed") == 0);
    sim_options(sim)->ppm[SIM_WRITE_SHORT] = 0;
    bool survives = log_has(sim_process(sim), log.acknowledged);
    sim_destroy(sim);
    return survives;
}

TEST("what was synced survives a kill and a power cut at every call")
{
    static const enum sim_fault faults[] = { SIM_KILL, SIM_CUT };
    for (size_t f = 0; f < 2; f++)
        for (uint64_t seed = 1; seed <= 10; seed++) {
            bool ended = false;
            for (uint64_t n = 1; !ended; n++)
                EXPECT(log_survives((struct little_log){ .sync_names = true }, seed, faults[f], n,
                                    &ended));
        }
}

TEST("a log that does not sync its names is caught")
{
    int caught = 0;
    bool ended = false;
    for (uint64_t n = 1; !ended; n++)
        caught += !log_survives((struct little_log){ 0 }, 1, SIM_CUT, n, &ended);
    EXPECT(caught > 5);
}

/* ---- faults -------------------------------------------------------------- */

TEST("after a failed sync the next one says yes, and the bytes are gone all the same")
{
    int gone = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim *sim = sim_create(seed);
        struct io *io = sim_process(sim);
        int file = make_file(io, "x");
        EXPECT(io_sync_dir(io, ".") == EVL_OK);
        EXPECT(write_byte(io, file, 1, SECTOR, 0) == EVL_OK);
        sim_options(sim)->after[SIM_SYNC_IO] = 1;
        EXPECT(io_sync(io, file) == EVL_ERR_IO);
        EXPECT(strcmp(evl_fault(), "sync: Input/output error") == 0);
        EXPECT(count_byte(io, "x", 1) == SECTOR); /* readable still */
        EXPECT(write_byte(io, file, 2, SECTOR, SECTOR) == EVL_OK);
        EXPECT(io_sync(io, file) == EVL_OK);
        sim_power_cut(sim);
        io = sim_process(sim);
        EXPECT(count_byte(io, "x", 2) == SECTOR);
        gone += count_byte(io, "x", 0) == SECTOR;
        sim_destroy(sim);
    }
    EXPECT(gone > SEEDS / 3);
}

TEST("a full disk takes what fits, then says so, and goes on when there is space")
{
    struct sim *sim = sim_create(1);
    struct io *io = sim_process(sim);
    uint8_t room[1000] = { 0 };
    struct evl_bytes part = evl_bytes(room, sizeof room);
    struct io_space space = { -1, -1 };
    size_t put = 0;
    int file = make_file(io, "x");
    sim_options(sim)->capacity = 1500;
    EXPECT(io_write(io, file, &part, 1, 0, &put) == EVL_OK && put == 1000);
    EXPECT(io_write(io, file, &part, 1, 1000, &put) == EVL_OK && put == 500);
    EXPECT(io_write(io, file, &part, 1, 1500, &put) == EVL_ERR_NO_SPACE && put == 500);
    EXPECT(strcmp(evl_fault(), "No space left on device") == 0);
    EXPECT(io_write(io, file, &part, 1, 500, &put) == EVL_OK && put == 1000);
    EXPECT(io_space(io, ".", &space) == EVL_OK && space.free == 0 && space.total == 1500);
    EXPECT(io_make_dir(io, "d") == EVL_ERR_NO_SPACE);
    EXPECT(io_truncate(io, file, 1600) == EVL_ERR_NO_SPACE);
    EXPECT(io_truncate(io, file, 400) == EVL_OK && sim_used(sim) == 400);
    EXPECT(io_write(io, file, &part, 1, 400, &put) == EVL_OK && put == 1000);
    sim_options(sim)->capacity = 0;
    EXPECT(io_write(io, file, &part, 1, 1500, &put) == EVL_OK && put == 1000);
    io_close(io, file);
    EXPECT(io_remove(io, "x") == EVL_OK && sim_used(sim) == 0);
    sim_destroy(sim);
}

TEST("each fault strikes the call it was set for, once")
{
    struct sim *sim = sim_create(1);
    struct io *io = sim_process(sim);
    uint8_t room[100] = { 0 };
    struct evl_bytes part = evl_bytes(room, sizeof room);
    size_t put = 0;
    int file = make_file(io, "x");
    sim_options(sim)->after[SIM_WRITE_IO] = 2;
    EXPECT(io_write(io, file, &part, 1, 0, &put) == EVL_OK);
    EXPECT(io_write(io, file, &part, 1, 0, &put) == EVL_ERR_IO);
    EXPECT(io_write(io, file, &part, 1, 0, &put) == EVL_OK && put == 100);
    sim_options(sim)->after[SIM_WRITE_SHORT] = 1;
    EXPECT(io_write(io, file, &part, 1, 0, &put) == EVL_OK && put > 0 && put < 100);
    sim_options(sim)->after[SIM_READ_IO] = 1;
    EXPECT(io_read(io, file, room, 1, 0, &put) == EVL_ERR_IO);
    EXPECT(io_read(io, file, room, 1, 0, &put) == EVL_OK && put == 1);
    sim_options(sim)->after[SIM_NAME_IO] = 1;
    EXPECT(io_make_dir(io, "d") == EVL_ERR_IO && io_make_dir(io, "d") == EVL_OK);
    sim_options(sim)->after[SIM_SYNC_DIR_IO] = 1;
    EXPECT(io_sync_dir(io, "d") == EVL_ERR_IO && io_sync_dir(io, "d") == EVL_OK);
    sim_options(sim)->after[SIM_WRITE_FULL] = 1;
    enum evl_error err = io_write(io, file, &part, 1, 0, &put);
    if (!err)
        EXPECT(put < 100);
    while (!err)
        err = io_write(io, file, &part, 1, 0, &put);
    EXPECT(err == EVL_ERR_NO_SPACE);
    sim_destroy(sim);
}

TEST("a flipped bit is read back flipped, also after a power cut")
{
    struct sim *sim = sim_create(1);
    struct io *io = sim_process(sim);
    int file = make_file(io, "x");
    EXPECT(write_byte(io, file, 1, 10, 0) == EVL_OK && io_sync(io, file) == EVL_OK);
    EXPECT(io_sync_dir(io, ".") == EVL_OK && sim_flip(sim, "x", 3, 1) == EVL_OK);
    EXPECT(count_byte(io, "x", 3) == 1);
    sim_power_cut(sim);
    EXPECT(count_byte(sim_process(sim), "x", 3) == 1);
    EXPECT(sim_flip(sim, "x", 10, 0) == EVL_ERR_RANGE);
    EXPECT(sim_flip(sim, "y", 0, 0) == EVL_ERR_NOT_FOUND);
    sim_destroy(sim);
}

/* ---- processes ----------------------------------------------------------- */

TEST("a killed process leaves its writes, frees its locks, and can do nothing more")
{
    struct sim *sim = sim_create(1);
    struct io *a = sim_process(sim);
    struct io *b = sim_process(sim);
    void *at = NULL;
    int file = make_file(a, "x");
    int other = make_file(b, "x");
    EXPECT(write_byte(a, file, 1, 10, 0) == EVL_OK);
    EXPECT(io_lock(a, file, 0, IO_EXCLUSIVE, 0) == EVL_OK);
    EXPECT(io_map(a, file, 4096, true, &at) == EVL_OK);
    io_store(a, (uint64_t *)at + 100, 7);
    EXPECT(io_lock(b, other, 0, IO_EXCLUSIVE, 0) == EVL_ERR_BUSY);
    sim_kill(a);
    EXPECT(io_lock(b, other, 0, IO_EXCLUSIVE, 0) == EVL_OK);
    EXPECT(io_process(b, io_pid(a)) == IO_GONE && io_process(a, io_pid(b)) == IO_GONE);
    EXPECT(write_byte(a, file, 2, 10, 0) == EVL_ERR_UNAVAILABLE);
    EXPECT(strcmp(evl_fault(), "killed") == 0 && io_load(a, at) == 0);
    io_store(a, at, 9);
    int64_t until = io_now(a) + 3600 * second;
    for (int i = 0; io_now(a) < until; i++)
        REQUIRE(i < 10000); /* its clock runs away */
    EXPECT(count_byte(b, "x", 1) == 10 && count_byte(b, "x", 7) == 1);
    EXPECT(sim_open_files(a) == 2);
    io_unmap(a, at, 4096);
    io_close(a, file);
    EXPECT(sim_exit(a) == 0 && sim_exit(b) == 1);
    sim_destroy(sim);
}

static _Noreturn void touch_map(void)
{
    struct sim *sim = sim_create(1);
    struct io *io = sim_process(sim);
    void *at = NULL;
    signal(SIGSEGV, SIG_DFL); /* a sanitizer would tell the whole story */
    if (io_map(io, make_file(io, "x"), 4096, true, &at) == EVL_OK)
        *(volatile uint64_t *)at = 1;
    _exit(0);
}

static void other_take(struct io *io, void *context);

static _Noreturn void wait_forever(void)
{
    struct sim *sim = sim_create(1);
    struct io *io = sim_process(sim);
    struct sim_body bodies[] = { { other_take, NULL }, { other_take, NULL } };
    if (!freopen("/dev/null", "w", stderr)) /* it tells who waits for what */
        _exit(1);
    (void)io_lock(io, make_file(io, "x"), 0, IO_EXCLUSIVE, 0);
    sim_run(sim, bodies, 2);
    _exit(0);
}

static void other_take(struct io *io, void *context)
{
    (void)context;
    (void)io_lock(io, make_file(io, "x"), 0, IO_EXCLUSIVE, INT64_MAX);
}

static bool dies_by(void (*body)(void), int number)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        body();
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == number;
}

TEST("shared memory that is touched past the door kills") { EXPECT(dies_by(touch_map, SIGSEGV)); }
TEST("processes that all wait forever are a deadlock") { EXPECT(dies_by(wait_forever, SIGABRT)); }

struct counting {
    bool locks;
    int rounds;
};

/* Add to the number in the file, by reading and writing it. */
static void count_up(struct io *io, void *context)
{
    const struct counting *c = context;
    int file = make_file(io, "count");
    for (int i = 0; i < c->rounds; i++) {
        uint8_t number = 0;
        size_t got = 0;
        if (c->locks)
            EXPECT(io_lock(io, file, 0, IO_EXCLUSIVE, io_now(io) + 100 * second) == EVL_OK);
        EXPECT(io_read(io, file, &number, 1, 0, &got) == EVL_OK);
        EXPECT(write_byte(io, file, (uint8_t)(number + 1), 1, 0) == EVL_OK);
        if (c->locks)
            io_unlock(io, file, 0);
    }
    io_close(io, file);
}

TEST("processes interleave at their calls, and a lock keeps them apart")
{
    int collided = 0;
    for (uint64_t seed = 1; seed <= 20; seed++)
        for (int locks = 0; locks < 2; locks++) {
            struct counting c = { .locks = locks, .rounds = 10 };
            struct sim_body bodies[] = { { count_up, &c }, { count_up, &c }, { count_up, &c } };
            struct sim *sim = sim_create(seed);
            EXPECT(sim_run(sim, bodies, 3) == 0);
            bool whole = count_byte(sim_process(sim), "count", 30) == 1;
            EXPECT(!locks || whole);
            collided += !whole;
            sim_destroy(sim);
        }
    EXPECT(collided > 15);
}

struct pipe_end {
    uint64_t sent, received;
    enum evl_error err;
};

/* One word, from 0 to 50; the reader sees each step or a later one. */
static void send_words(struct io *io, void *context)
{
    struct pipe_end *end = context;
    void *at = NULL;
    int file = make_file(io, "shm");
    end->err = io_map(io, file, 4096, true, &at);
    for (; !end->err && end->sent < 50; end->sent++) {
        io_add(io, at, 1);
        io_wake(io, at);
    }
    io_unmap(io, at, 4096);
    io_close(io, file);
}

static void receive_words(struct io *io, void *context)
{
    struct pipe_end *end = context;
    void *at = NULL;
    int file = make_file(io, "shm");
    end->err = io_map(io, file, 4096, true, &at);
    while (!end->err && end->received < 50) {
        uint64_t next = io_load(io, at);
        EXPECT(next >= end->received);
        if (next == end->received)
            io_watch(io, at, next, INT64_MAX);
        end->received = next;
    }
    io_unmap(io, at, 4096);
    io_close(io, file);
}

TEST("a watcher without a deadline is woken by every wake it needs")
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct pipe_end ends[2] = { 0 };
        struct sim_body bodies[] = { { send_words, &ends[0] }, { receive_words, &ends[1] } };
        struct sim *sim = sim_create(seed);
        EXPECT(sim_run(sim, bodies, 2) == 0);
        EXPECT(ends[0].sent == 50 && ends[1].received == 50);
        sim_destroy(sim);
    }
}

struct holder {
    int32_t pid;
    bool saw_stopped, was_busy;
};

static void hold_lock(struct io *io, void *context)
{
    struct holder *h = context;
    int file = make_file(io, "x");
    EXPECT(io_lock(io, file, 0, IO_EXCLUSIVE, io_now(io) + second) == EVL_OK);
    h->pid = io_pid(io);
    sim_stop(io);
    io_unlock(io, file, 0);
    io_close(io, file);
}

static void wait_for_lock(struct io *io, void *context)
{
    struct holder *h = context;
    int file = make_file(io, "x");
    while (h->pid == 0)
        io_sleep(io, 1000);
    h->was_busy = io_lock(io, file, 0, IO_EXCLUSIVE, io_now(io) + second) == EVL_ERR_BUSY;
    h->saw_stopped = io_process(io, h->pid) == IO_STOPPED;
    io_close(io, file);
}

TEST("who waits for a stopped process is busy at the deadline, and can see why")
{
    struct holder h = { 0 };
    struct sim_body bodies[] = { { hold_lock, &h }, { wait_for_lock, &h } };
    struct sim *sim = sim_create(3);
    EXPECT(sim_run(sim, bodies, 2) == 0); /* it ends: the stopped one goes on at last */
    EXPECT(h.saw_stopped && h.was_busy);
    sim_destroy(sim);
}

struct sync_job {
    struct io *io;
    int file;
};

static enum evl_error run_sync(void *context)
{
    const struct sync_job *job = context;
    return io_sync(job->io, job->file);
}

/* One of everything: write under a lock, sync aside, tell the others, wait. */
static enum evl_error live_round(struct io *io, int file, uint64_t *word, struct io_work *work)
{
    struct sync_job job = { io, file };
    enum evl_error err = io_lock(io, file, 0, IO_EXCLUSIVE, io_now(io) + IO_MS);
    if (err == EVL_ERR_BUSY)
        return EVL_OK;
    if (!err)
        err = write_byte(io, file, (uint8_t)io_random(io), 700, (int64_t)(io_random(io) % 4096));
    io_unlock(io, file, 0);
    if (err)
        return err;
    io_work_start(io, work, run_sync, &job);
    io_add(io, word, 1);
    io_wake(io, word);
    io_watch(io, word, io_load(io, word), io_now(io) + 2 * IO_MS);
    return io_work_wait(io, work);
}

static enum evl_error live(struct io *io)
{
    int file = -1;
    int shm = -1;
    void *at = NULL;
    struct io_work work = { 0 };
    enum evl_error err = io_open(io, "data", IO_CREATE, &file);
    if (!err)
        err = io_open(io, "shm", IO_CREATE, &shm);
    if (!err)
        err = io_map(io, shm, 4096, true, &at);
    for (int i = 0; i < 10 && !err; i++)
        err = live_round(io, file, at, &work);
    io_work_end(io, &work);
    io_unmap(io, at, 4096);
    io_close(io, shm);
    io_close(io, file);
    return err;
}

/* Live, and after a death come back as another process. */
static void live_again(struct io *io, void *context)
{
    for (int lives = 0; lives < 5; lives++) {
        (void)live(io); /* faults are what this is about */
        EXPECT(sim_open_files(io) == 0);
        if (!sim_is_alive(io))
            io = sim_process(context);
    }
}

static uint64_t chaos(uint64_t seed, uint64_t *operations)
{
    struct sim *sim = sim_create(seed);
    struct sim_body bodies[] = { { live_again, sim }, { live_again, sim }, { live_again, sim } };
    struct sim_options *options = sim_options(sim);
    for (int i = 0; i < SIM_FAULTS; i++)
        options->ppm[i] = 3000;
    EXPECT(sim_run(sim, bodies, 3) == 0);
    uint64_t trace = sim_trace(sim);
    *operations = sim_operations(sim);
    sim_destroy(sim);
    return trace;
}

TEST("the same seed gives the same run, another seed another")
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t first, second_time, other;
        uint64_t trace = chaos(seed, &first);
        EXPECT(chaos(seed, &second_time) == trace && first == second_time);
        EXPECT(chaos(seed + 100, &other) != trace);
        EXPECT(first > 50);
    }
}

/* ---- work aside, clock --------------------------------------------------- */

static enum evl_error note(void *context)
{
    *(int *)context = 1;
    return fail(EVL_ERR_IO, "noted");
}

TEST("work aside is done at once, later, or when waited for, and nobody's fault is lost")
{
    int at_once = 0;
    int later = 0;
    int waited = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim *sim = sim_create(seed);
        struct io *io = sim_process(sim);
        struct io_work work = { 0 };
        int done = 0;
        (void)fail(EVL_ERR_BUSY, "mine");
        io_work_start(io, &work, note, &done);
        bool early = done;
        (void)io_now(io);
        (void)io_now(io);
        EXPECT(strcmp(evl_fault(), "mine") == 0);
        at_once += early;
        later += done && !early;
        waited += !done;
        EXPECT(io_work_wait(io, &work) == EVL_ERR_IO && strcmp(evl_fault(), "noted") == 0);
        io_work_end(io, &work);
        EXPECT(done && sim_exit(io) == 0);
        sim_destroy(sim);
    }
    EXPECT(at_once > 20 && later > 20 && waited > 20);
}

TEST("the date may jump, the clock does not")
{
    struct sim *sim = sim_create(1);
    struct io *io = sim_process(sim);
    int64_t now = io_now(io);
    int64_t wall = io_wall_ms(io);
    sim_jump_wall(sim, -100000);
    EXPECT(io_wall_ms(io) < wall - 99000 && io_now(io) > now);
    sim_pass(sim, 5 * second);
    EXPECT(io_now(io) > now + 5 * second);
    sim_destroy(sim);
}
