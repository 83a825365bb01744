/* The door: what io.h promises, kept by the machine and by the simulator.
 *
 * A TEST_BOTH runs once on each.  `w->a` and `w->b` are two processes of the
 * simulator; on the machine both are its one door, as locks belong to open
 * files and maps to files there. */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "io/io_sim.h"
#include "unit.h"

enum { SEED = 11 };

struct world {
    struct io *a, *b;
    struct sim *sim; /* NULL on the machine */
    char dir[64];
};

static void on_both_doors(void (*body)(struct world *w))
{
    struct world machine = { .a = io_linux(), .b = io_linux(), .dir = "build/unit-io-XXXXXX" };
    if (!mkdtemp(machine.dir)) {
        unit_failed(__FILE__, __LINE__, "a directory can be made in build/");
        return;
    }
    body(&machine);
    EXPECT(rmdir(machine.dir) == 0); /* the body has removed what it made */

    struct sim *sim = sim_create(SEED);
    struct world world = { .a = sim_process(sim), .b = sim_process(sim), .sim = sim, .dir = "d" };
    EXPECT(io_make_dir(world.a, "d") == EVL_OK);
    body(&world);
    EXPECT(io_remove_dir(world.a, "d") == EVL_OK);
    EXPECT(sim_exit(world.a) + sim_exit(world.b) == 0);
    sim_destroy(sim);
}

#define TEST_BOTH(text)                                       \
    static void UNIT_JOIN(both_, __LINE__)(struct world * w); \
    TEST(text) { on_both_doors(UNIT_JOIN(both_, __LINE__)); } \
    static void UNIT_JOIN(both_, __LINE__)(struct world * w)

/* A path in the world's folder; good for the next seven calls. */
static const char *in(const struct world *w, const char *name)
{
    static char rooms[8][128];
    static unsigned next;
    char *room = rooms[next++ % 8];
    snprintf(room, sizeof rooms[0], "%s/%s", w->dir, name);
    return room;
}

static enum evl_error write_text(struct io *io, int file, const char *text, int64_t at)
{
    struct evl_bytes part = evl_text(text);
    size_t put = 0;
    enum evl_error err = io_write(io, file, &part, 1, at, &put);
    return err ? err : put == part.count ? EVL_OK : fail(EVL_ERR_IO, "short write");
}

static bool fault_ends(const char *end)
{
    size_t all = strlen(evl_fault());
    return all >= strlen(end) && strcmp(evl_fault() + all - strlen(end), end) == 0;
}

/* ---- both doors ---------------------------------------------------------- */

TEST_BOTH("a file is made once and found afterwards")
{
    int file = -1;
    int again = -1;
    EXPECT(io_open(w->a, in(w, "x"), IO_READ, &file) == EVL_ERR_NOT_FOUND);
    EXPECT(fault_ends("/x: No such file or directory") && file == -1);
    EXPECT(io_open(w->a, in(w, "x"), IO_WRITE, &file) == EVL_ERR_NOT_FOUND);
    REQUIRE(io_open(w->a, in(w, "x"), IO_CREATE_NEW, &file) == EVL_OK);
    EXPECT(io_open(w->b, in(w, "x"), IO_CREATE_NEW, &again) == EVL_ERR_EXISTS);
    EXPECT(io_open(w->b, in(w, "x/y"), IO_CREATE, &again) == EVL_ERR_NOT_FOUND);
    EXPECT(io_open(w->b, w->dir, IO_READ, &again) == EVL_ERR_IO && fault_ends("Is a directory"));
    REQUIRE(io_open(w->b, in(w, "x"), IO_CREATE, &again) == EVL_OK);
    io_close(w->a, file);
    io_close(w->b, again);
    io_close(w->a, -1);
    EXPECT(io_remove(w->a, in(w, "x")) == EVL_OK);
}

TEST_BOTH("bytes written in parts come back, and a hole is zeros")
{
    struct evl_bytes parts[] = { evl_text("one "), evl_bytes(NULL, 0), evl_text("two") };
    int64_t size = 0;
    size_t count = 0;
    int file = -1;
    int reader = -1;
    char room[32];
    REQUIRE(io_open(w->a, in(w, "x"), IO_CREATE, &file) == EVL_OK);
    REQUIRE(io_open(w->b, in(w, "x"), IO_READ, &reader) == EVL_OK);
    EXPECT(io_write(w->a, file, parts, 3, 10, &count) == EVL_OK && count == 7);
    EXPECT(io_size(w->b, reader, &size) == EVL_OK && size == 17);
    EXPECT(io_read(w->b, reader, room, sizeof room, 8, &count) == EVL_OK && count == 9);
    EXPECT(memcmp(room, "\0\0one two", 9) == 0);
    EXPECT(io_read(w->b, reader, room, sizeof room, 17, &count) == EVL_OK && count == 0);
    EXPECT(io_write(w->b, reader, parts, 1, 0, &count) == EVL_ERR_IO);
    EXPECT(io_truncate(w->a, file, 12) == EVL_OK && io_truncate(w->a, file, 14) == EVL_OK);
    EXPECT(io_read(w->b, reader, room, sizeof room, 10, &count) == EVL_OK && count == 4);
    EXPECT(memcmp(room, "on\0\0", 4) == 0);
    io_sync_soon(w->a, file, 0, 14);
    EXPECT(io_sync(w->a, file) == EVL_OK && io_sync_dir(w->a, w->dir) == EVL_OK);
    io_close(w->b, reader);
    io_close(w->a, file);
    EXPECT(io_remove(w->a, in(w, "x")) == EVL_OK);
}

TEST_BOTH("names are listed in order, replaced by a rename, and removed")
{
    static const char *const made[] = { "b", "a", "ab", "\xc3\xa9", "B" };
    static const char *const sorted[] = { "B", "a", "ab", "b", "sub", "\xc3\xa9" };
    struct io_names names;
    struct io_stat stat;
    int file;
    for (size_t i = 0; i < 5; i++) {
        REQUIRE(io_open(w->a, in(w, made[i]), IO_CREATE_NEW, &file) == EVL_OK);
        EXPECT(write_text(w->a, file, made[i], 0) == EVL_OK);
        io_close(w->a, file);
    }
    EXPECT(io_make_dir(w->a, in(w, "sub")) == EVL_OK);
    EXPECT(io_make_dir(w->a, in(w, "sub")) == EVL_ERR_EXISTS);
    REQUIRE(io_list(w->b, w->dir, &names) == EVL_OK && names.count == 6);
    for (size_t i = 0; i < 6; i++)
        EXPECT(strcmp(names.at[i], sorted[i]) == 0);
    io_names_release(&names);
    EXPECT(io_rename(w->a, in(w, "ab"), in(w, "sub/b")) == EVL_OK);
    EXPECT(io_rename(w->a, in(w, "ab"), in(w, "b")) == EVL_ERR_NOT_FOUND);
    EXPECT(io_rename(w->a, in(w, "a"), in(w, "sub/b")) == EVL_OK);
    EXPECT(io_stat(w->b, in(w, "sub/b"), &stat) == EVL_OK && stat.kind == IO_FILE);
    EXPECT(stat.size == 1);
    EXPECT(io_remove_dir(w->a, in(w, "sub")) == EVL_ERR_IO && fault_ends("not empty"));
    EXPECT(io_remove(w->a, in(w, "sub")) == EVL_ERR_IO);
    EXPECT(io_remove(w->a, in(w, "sub/b")) == EVL_OK);
    EXPECT(io_remove_dir(w->a, in(w, "sub")) == EVL_OK);
    EXPECT(io_remove(w->a, in(w, "b")) == EVL_OK && io_remove(w->a, in(w, "B")) == EVL_OK);
    EXPECT(io_remove(w->a, in(w, "\xc3\xa9")) == EVL_OK);
}

TEST_BOTH("a removed file lives on for who has it open")
{
    int file;
    size_t got;
    char room[8];
    REQUIRE(io_open(w->a, in(w, "x"), IO_CREATE, &file) == EVL_OK);
    EXPECT(write_text(w->a, file, "here", 0) == EVL_OK);
    EXPECT(io_remove(w->b, in(w, "x")) == EVL_OK);
    EXPECT(io_read(w->a, file, room, sizeof room, 0, &got) == EVL_OK && got == 4);
    io_close(w->a, file);
}

TEST_BOTH("a lock keeps others out until it is released, changed or closed")
{
    int a, b;
    REQUIRE(io_open(w->a, in(w, "x"), IO_CREATE, &a) == EVL_OK);
    REQUIRE(io_open(w->b, in(w, "x"), IO_CREATE, &b) == EVL_OK);
    EXPECT(io_lock(w->a, a, 0, IO_EXCLUSIVE, 0) == EVL_OK);
    EXPECT(io_lock(w->a, a, 0, IO_EXCLUSIVE, 0) == EVL_OK); /* again: nothing new */
    EXPECT(io_lock(w->b, b, 0, IO_EXCLUSIVE, 0) == EVL_ERR_BUSY && fault_ends("locked"));
    EXPECT(io_lock(w->b, b, 0, IO_SHARED, 0) == EVL_ERR_BUSY);
    EXPECT(io_lock(w->b, b, 1, IO_EXCLUSIVE, 0) == EVL_OK);
    EXPECT(io_lock(w->a, a, 0, IO_SHARED, 0) == EVL_OK);
    EXPECT(io_lock(w->b, b, 0, IO_SHARED, 0) == EVL_OK);
    EXPECT(io_lock(w->a, a, 0, IO_EXCLUSIVE, 0) == EVL_ERR_BUSY);
    io_unlock(w->b, b, 0);
    EXPECT(io_lock(w->a, a, 0, IO_EXCLUSIVE, 0) == EVL_OK);
    EXPECT(io_lock(w->a, a, 1, IO_EXCLUSIVE, 0) == EVL_ERR_BUSY);
    io_close(w->b, b);
    EXPECT(io_lock(w->a, a, 1, IO_EXCLUSIVE, 0) == EVL_OK);
    io_close(w->a, a);
    EXPECT(io_remove(w->a, in(w, "x")) == EVL_OK);
}

TEST_BOTH("who looks at a lock sees whether others hold it, and is in nobody's way")
{
    int a, b;
    bool locked = true;
    REQUIRE(io_open(w->a, in(w, "x"), IO_CREATE, &a) == EVL_OK);
    REQUIRE(io_open(w->b, in(w, "x"), IO_READ, &b) == EVL_OK);
    EXPECT(io_is_locked(w->b, b, 5, &locked) == EVL_OK && !locked);
    static const enum io_lock modes[] = { IO_SHARED, IO_EXCLUSIVE, IO_KEPT };
    for (int i = 0; i < 3; i++) {
        EXPECT(io_lock(w->a, a, 5, modes[i], 0) == EVL_OK);
        EXPECT(io_is_locked(w->b, b, 5, &locked) == EVL_OK && locked);
        EXPECT(io_is_locked(w->b, b, 6, &locked) == EVL_OK && !locked);
        EXPECT(io_is_locked(w->a, a, 5, &locked) == EVL_OK && !locked); /* our own */
        EXPECT(io_lock(w->b, b, 5, IO_SHARED, 0) == (i == 0 ? EVL_OK : EVL_ERR_BUSY));
        EXPECT(io_is_locked(w->a, a, 5, &locked) == EVL_OK && locked == (i == 0));
        io_unlock(w->b, b, 5);
    }
    io_unlock(w->a, a, 5);
    EXPECT(io_is_locked(w->b, b, 5, &locked) == EVL_OK && !locked);
    io_close(w->b, b);
    io_close(w->a, a);
    EXPECT(io_remove(w->a, in(w, "x")) == EVL_OK);
}

TEST_BOTH("waiting for a lock ends busy at the deadline, not before")
{
    int a, b;
    REQUIRE(io_open(w->a, in(w, "x"), IO_CREATE, &a) == EVL_OK);
    REQUIRE(io_open(w->b, in(w, "x"), IO_CREATE, &b) == EVL_OK);
    REQUIRE(io_lock(w->a, a, 7, IO_EXCLUSIVE, 0) == EVL_OK);
    int64_t until = io_now(w->b) + 20 * (int64_t)IO_MS;
    EXPECT(io_lock(w->b, b, 7, IO_SHARED, until) == EVL_ERR_BUSY);
    EXPECT(io_now(w->b) >= until);
    io_close(w->a, a);
    io_close(w->b, b);
    EXPECT(io_remove(w->a, in(w, "x")) == EVL_OK);
}

TEST_BOTH("a word stored in shared memory is seen by who has mapped the file")
{
    int a, b;
    void *at = NULL;
    void *reader = NULL;
    int64_t size = 0;
    REQUIRE(io_open(w->a, in(w, "x"), IO_CREATE, &a) == EVL_OK);
    REQUIRE(io_open(w->b, in(w, "x"), IO_READ, &b) == EVL_OK);
    EXPECT(io_map(w->b, b, 8192, false, &reader) == EVL_ERR_CORRUPT);
    EXPECT(io_map(w->b, b, 8192, true, &reader) == EVL_ERR_CORRUPT || reader == NULL);
    REQUIRE(io_map(w->a, a, 8192, true, &at) == EVL_OK);
    EXPECT(io_size(w->a, a, &size) == EVL_OK && size == 8192);
    REQUIRE(io_map(w->b, b, 4096, false, &reader) == EVL_OK);
    io_close(w->b, b); /* a map outlives its file number */
    uint64_t *word = (uint64_t *)at + 3;
    const uint64_t *seen = (const uint64_t *)reader + 3;
    EXPECT(io_load(w->b, seen) == 0);
    io_store(w->a, word, UINT64_MAX - 1);
    io_add(w->a, word, 3);
    EXPECT(io_load(w->b, seen) == 1 && io_load(w->a, word) == 1);
    io_unmap(w->b, reader, 4096);
    io_unmap(w->a, at, 8192);
    io_close(w->a, a);
    EXPECT(io_remove(w->a, in(w, "x")) == EVL_OK);
}

TEST_BOTH("watching ends at once if the word is another, and else at the deadline")
{
    int a;
    void *at = NULL;
    REQUIRE(io_open(w->a, in(w, "x"), IO_CREATE, &a) == EVL_OK);
    REQUIRE(io_map(w->a, a, 4096, true, &at) == EVL_OK);
    int64_t start = io_now(w->a);
    io_watch(w->a, at, 1, start + 3600 * 1000 * (int64_t)IO_MS);
    EXPECT(io_now(w->a) < start + 1000 * (int64_t)IO_MS);
    int64_t until = io_now(w->a) + 10 * (int64_t)IO_MS;
    while (io_now(w->a) < until)
        io_watch(w->a, at, 0, until);
    EXPECT(io_now(w->a) < until + 10000 * (int64_t)IO_MS);
    io_unmap(w->a, at, 4096);
    io_close(w->a, a);
    EXPECT(io_remove(w->a, in(w, "x")) == EVL_OK);
}

static enum evl_error work_run(void *context)
{
    int *count = context;
    return ++*count == 3 ? fail(EVL_ERR_NO_SPACE, "third time") : EVL_OK;
}

TEST_BOTH("work aside is done once, and its fault is told to who waits for it")
{
    struct io_work work = { 0 };
    int count = 0;
    EXPECT(io_work_done(w->a, &work) && io_work_wait(w->a, &work) == EVL_OK);
    for (int i = 1; i <= 3; i++) {
        io_work_start(w->a, &work, work_run, &count);
        if (i == 2)
            while (!io_work_done(w->a, &work))
                io_sleep(w->a, 1000);
        (void)fail(EVL_ERR_BUSY, "something else");
        EXPECT(io_work_wait(w->a, &work) == (i == 3 ? EVL_ERR_NO_SPACE : EVL_OK));
        EXPECT(count == i && strcmp(evl_fault(), i == 3 ? "third time" : "something else") == 0);
    }
    io_work_start(w->a, &work, work_run, &count);
    io_work_end(w->a, &work);
    EXPECT(count == 4 && work.thread == NULL);
}

TEST_BOTH("a process sees itself running, a boot, a clock and chance")
{
    struct io_boot first = io_boot(w->a);
    struct io_boot second = io_boot(w->b);
    EXPECT(first.high == second.high && first.low == second.low && first.high != 0);
    EXPECT(io_process(w->b, io_pid(w->a)) == IO_RUNNING);
    EXPECT(io_process(w->b, 0) == IO_GONE && io_process(w->b, INT32_MAX) == IO_GONE);
    EXPECT(io_random(w->a) != io_random(w->b));
    EXPECT(io_wall_ms(w->a) > 1600000000000);
    int64_t start = io_now(w->a);
    io_sleep(w->a, 2 * IO_MS);
    EXPECT(io_now(w->a) >= start + 2 * IO_MS);
    struct io_space space = { 0 };
    EXPECT(io_space(w->a, w->dir, &space) == EVL_OK && space.free > 0);
    EXPECT(space.total >= space.free);
    EXPECT(io_sharable(w->a, in(w, "none")) == EVL_ERR_NOT_FOUND);
}

/* ---- the machine --------------------------------------------------------- */

TEST("a new file takes its folder's permissions, not the umask's")
{
    char dir[] = "build/unit-io-XXXXXX";
    char path[64];
    struct stat st;
    int file;
    REQUIRE(mkdtemp(dir) && chmod(dir, 02770) == 0);
    mode_t before = umask(077);
    snprintf(path, sizeof path, "%s/file", dir);
    EXPECT(io_open(io_linux(), path, IO_CREATE, &file) == EVL_OK);
    EXPECT(stat(path, &st) == 0 && (st.st_mode & 07777) == 0660);
    io_close(io_linux(), file);
    EXPECT(io_remove(io_linux(), path) == EVL_OK);
    snprintf(path, sizeof path, "%s/folder", dir);
    EXPECT(io_make_dir(io_linux(), path) == EVL_OK);
    EXPECT(stat(path, &st) == 0 && (st.st_mode & 07777) == 02770);
    EXPECT(io_remove_dir(io_linux(), path) == EVL_OK && rmdir(dir) == 0);
    umask(before);
}

TEST("symbolic links and pipes are not opened")
{
    char dir[] = "build/unit-io-XXXXXX";
    char path[64];
    struct io_stat stat;
    int file = -1;
    REQUIRE(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/link", dir);
    EXPECT(symlink("elsewhere", path) == 0);
    EXPECT(io_open(io_linux(), path, IO_READ, &file) == EVL_ERR_DENIED);
    EXPECT(fault_ends("/link: symbolic link"));
    EXPECT(io_open(io_linux(), path, IO_CREATE, &file) == EVL_ERR_DENIED);
    EXPECT(io_stat(io_linux(), path, &stat) == EVL_OK && stat.kind == IO_OTHER);
    EXPECT(unlink(path) == 0);
    EXPECT(mkfifo(path, 0600) == 0);
    EXPECT(io_open(io_linux(), path, IO_READ, &file) == EVL_ERR_DENIED && file == -1);
    EXPECT(unlink(path) == 0 && rmdir(dir) == 0);
}

TEST("a stopped process is told from a running and a dead one")
{
    pid_t child = fork();
    if (child == 0) {
        raise(SIGSTOP);
        _exit(0);
    }
    int status;
    REQUIRE(child > 0 && waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    EXPECT(io_process(io_linux(), child) == IO_STOPPED);
    EXPECT(kill(child, SIGKILL) == 0);
    siginfo_t info;
    EXPECT(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0);
    EXPECT(io_process(io_linux(), child) == IO_GONE); /* not yet buried */
    EXPECT(waitpid(child, &status, 0) == child);
    EXPECT(io_process(io_linux(), child) == IO_GONE);
}

/* Exit status 0 if the stop key waited for the lock. */
static _Noreturn void hold_and_stop(const char *path, enum io_lock mode)
{
    int file;
    struct io *io = io_linux();
    setpgid(0, 0); /* a group without a parent outside of it is not stopped */
    if (io_open(io, path, IO_CREATE, &file) || io_lock(io, file, 0, mode, 0))
        _exit(1);
    raise(SIGTSTP);
    if (write_text(io, file, "held", 0))
        _exit(2);
    io_unlock(io, file, 0);
    _exit(0);
}

/* How far it came before it was stopped: 4 bytes, if the stop key waited. */
static void stop_key_meets(enum io_lock mode, int64_t bytes)
{
    char dir[] = "build/unit-io-XXXXXX";
    char path[64];
    struct stat st;
    int status;
    REQUIRE(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/lock", dir);
    pid_t child = fork();
    if (child == 0)
        hold_and_stop(path, mode);
    EXPECT(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    EXPECT(stat(path, &st) == 0 && st.st_size == bytes);
    EXPECT(kill(child, SIGCONT) == 0);
    EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT(unlink(path) == 0 && rmdir(dir) == 0);
}

TEST("the stop key waits while an exclusive lock is held") { stop_key_meets(IO_EXCLUSIVE, 4); }

TEST("the stop key does not wait for a lock that is kept") { stop_key_meets(IO_KEPT, 0); }

static void *wake_main(void *context)
{
    struct io *io = io_linux();
    uint64_t *word = context;
    io_sleep(io, 2 * IO_MS);
    io_store(io, word, 5);
    io_wake(io, word);
    return NULL;
}

TEST("a wake reaches a watcher that maps the file for reading only")
{
    char path[] = "build/unit-io-XXXXXX";
    struct io *io = io_linux();
    void *at, *reader;
    pthread_t thread;
    int file = mkstemp(path);
    REQUIRE(file >= 0);
    EXPECT(io_map(io, file, 4096, true, &at) == EVL_OK);
    EXPECT(io_map(io, file, 4096, false, &reader) == EVL_OK);
    int64_t until = io_now(io) + 10000 * (int64_t)IO_MS;
    EXPECT(pthread_create(&thread, NULL, wake_main, at) == 0);
    while (io_load(io, reader) == 0 && io_now(io) < until)
        io_watch(io, reader, 0, until);
    EXPECT(io_load(io, reader) == 5 && io_now(io) < until);
    pthread_join(thread, NULL);
    io_unmap(io, at, 4096);
    io_unmap(io, reader, 4096);
    io_close(io, file);
    unlink(path);
}

enum { THREADS = 4, THREAD_ROUNDS = 200 };

/* Add to the number at the head of a file, under its lock. */
static void *count_main(void *context)
{
    struct io *io = io_linux();
    int64_t number = 0;
    size_t count = 0;
    int file = -1;
    enum evl_error err = io_open(io, context, IO_CREATE, &file);
    for (int i = 0; i < THREAD_ROUNDS && !err; i++) {
        err = io_lock(io, file, 0, IO_EXCLUSIVE, io_now(io) + 60000 * (int64_t)IO_MS);
        if (!err)
            err = io_read(io, file, &number, sizeof number, 0, &count);
        number++;
        struct evl_bytes part = evl_bytes(&number, sizeof number);
        if (!err)
            err = io_write(io, file, &part, 1, 0, &count);
        io_unlock(io, file, 0);
    }
    io_close(io, file);
    return err ? context : NULL;
}

TEST("threads may use the machine's door at once, and its locks keep them apart")
{
    char path[] = "build/unit-io-XXXXXX";
    pthread_t threads[THREADS];
    int64_t number = 0;
    void *failed = NULL;
    size_t got;
    int file = mkstemp(path);
    REQUIRE(file >= 0);
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, count_main, path) == 0);
    for (int i = 0; i < THREADS; i++)
        EXPECT(pthread_join(threads[i], &failed) == 0 && !failed);
    EXPECT(io_read(io_linux(), file, &number, sizeof number, 0, &got) == EVL_OK);
    EXPECT(number == THREADS * THREAD_ROUNDS);
    io_close(io_linux(), file);
    unlink(path);
}

/* ---- the same calls on both ---------------------------------------------- */

/* Random calls on few names, files and bytes, so that they meet; whatever a
 * call says must be the same on both doors. */

enum { PAIR_FILES = 5, PAIR_STEPS = 4000, PAIR_BYTES = 700 };

struct pair {
    struct io *io[2]; /* the machine's and the simulator's */
    int file[PAIR_FILES][2];
    bool writable[PAIR_FILES];
    uint64_t seed;
    char dir[32];
};

struct answer {
    enum evl_error err;
    char fault[256];
    int64_t number;
    uint8_t bytes[PAIR_BYTES];
};

static uint64_t pair_draw(struct pair *p, uint64_t limit)
{
    p->seed ^= p->seed << 13;
    p->seed ^= p->seed >> 7;
    p->seed ^= p->seed << 17;
    return p->seed % limit;
}

/* What a step is to do; drawn once, done twice. */
struct step {
    int call, slot, how, bytes;
    int64_t at;
    char from[64], to[64];
    uint8_t fill;
};

static void draw_path(struct pair *p, char room[64])
{
    static const char *const names[] = { "a", "b",   "c",     "d",   "d/a", "d/b",   "d/e",
                                         "e", "e/a", "d/e/a", "a/b", "",    "none/a" };
    snprintf(room, 64, "%s/%s", p->dir, names[pair_draw(p, sizeof names / sizeof *names)]);
}

static struct step draw_step(struct pair *p)
{
    struct step s = { .call = (int)pair_draw(p, 17),
                      .slot = (int)pair_draw(p, PAIR_FILES),
                      .how = (int)pair_draw(p, 4),
                      .bytes = (int)pair_draw(p, PAIR_BYTES),
                      .at = (int64_t)pair_draw(p, 1500),
                      .fill = (uint8_t)pair_draw(p, 256) };
    if ((s.call == 6 || s.call == 13) && pair_draw(p, 50) > 0)
        s.call--; /* syncs are slow where the disk is busy */
    draw_path(p, s.from);
    draw_path(p, s.to);
    return s;
}

static void answer_list(struct io *io, const char *path, struct answer *a)
{
    struct io_names names;
    a->err = io_list(io, path, &names);
    if (a->err)
        return;
    a->number = (int64_t)names.count;
    size_t used = 0;
    for (size_t i = 0; i < names.count && used < PAIR_BYTES - 32; i++)
        used += (size_t)snprintf((char *)a->bytes + used, 32, "%s/", names.at[i]);
    io_names_release(&names);
}

static void answer_stat(struct io *io, const char *path, struct answer *a)
{
    struct io_stat stat;
    a->err = io_stat(io, path, &stat);
    if (!a->err)
        a->number = stat.kind == IO_FILE ? stat.size : -1;
}

static void step_write(struct io *io, int file, const struct step *s, struct answer *a)
{
    uint8_t bytes[PAIR_BYTES];
    size_t put = 0;
    memset(bytes, s->fill, sizeof bytes);
    struct evl_bytes parts[] = { evl_bytes(bytes, (size_t)s->bytes / 3),
                                 evl_bytes(bytes, (size_t)(s->bytes - s->bytes / 3)) };
    a->err = io_write(io, file, parts, 2, s->at, &put);
    a->number = (int64_t)put;
}

static void step_is_locked(struct io *io, int file, const struct step *s, struct answer *a)
{
    bool locked = false;
    a->err = io_is_locked(io, file, s->at % 3, &locked);
    a->number = locked;
}

static void step_on_file(struct io *io, int file, const struct step *s, struct answer *a)
{
    static const enum io_lock modes[] = { IO_SHARED, IO_EXCLUSIVE, IO_KEPT, IO_EXCLUSIVE };
    size_t got = 0;
    switch (s->call) {
    case 0: a->err = io_read(io, file, a->bytes, (size_t)s->bytes, s->at, &got); break;
    case 1: step_write(io, file, s, a); return;
    case 2: a->err = io_truncate(io, file, s->at); break;
    case 3: a->err = io_size(io, file, &a->number); break;
    case 4: a->err = io_lock(io, file, s->at % 3, modes[s->how], 0); break;
    case 5: io_unlock(io, file, s->at % 3); break;
    case 6: a->err = io_sync(io, file); break;
    case 16: step_is_locked(io, file, s, a); return;
    }
    if (s->call == 0)
        a->number = (int64_t)got;
}

static void step_on_names(struct io *io, const struct step *s, struct answer *a)
{
    switch (s->call) {
    case 7: a->err = io_make_dir(io, s->from); break;
    case 8: a->err = io_remove_dir(io, s->from); break;
    case 9: a->err = io_remove(io, s->from); break;
    case 10: a->err = io_rename(io, s->from, s->to); break;
    case 11: answer_list(io, s->from, a); break;
    case 12: answer_stat(io, s->from, a); break;
    case 13: a->err = io_sync_dir(io, s->from); break;
    }
}

static void step_open(struct pair *p, const struct step *s, int door, struct answer *a)
{
    int *file = &p->file[s->slot][door];
    io_close(p->io[door], *file);
    *file = -1;
    a->err = io_open(p->io[door], s->from, (enum io_open)s->how, file);
}

/* The same error, in the same words, the same number and the same bytes. */
static bool step_agrees(struct pair *p, const struct step *s)
{
    struct answer answers[2] = { 0 };
    for (int door = 0; door < 2; door++) {
        struct answer *a = &answers[door];
        if (s->call == 14 || s->call == 15)
            step_open(p, s, door, a);
        else if (s->call >= 7 && s->call <= 13)
            step_on_names(p->io[door], s, a);
        else if (p->file[s->slot][door] >= 0)
            step_on_file(p->io[door], p->file[s->slot][door], s, a);
        if (a->err)
            snprintf(a->fault, sizeof a->fault, "%s", evl_fault());
    }
    if (memcmp(&answers[0], &answers[1], sizeof answers[0]) == 0)
        return true;
    printf("# machine: %d '%s' %" PRId64 "; simulator: %d '%s' %" PRId64 "\n", answers[0].err,
           answers[0].fault, answers[0].number, answers[1].err, answers[1].fault,
           answers[1].number);
    printf("# call %d slot %d how %d bytes %d at %" PRId64 " '%s' '%s'\n", s->call, s->slot, s->how,
           s->bytes, s->at, s->from, s->to);
    return false;
}

static void remove_all(struct io *io, const char *dir)
{
    struct io_names names;
    char path[128];
    if (io_list(io, dir, &names))
        return;
    for (size_t i = 0; i < names.count; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names.at[i]);
        if (io_remove(io, path))
            remove_all(io, path);
    }
    io_names_release(&names);
    (void)io_remove_dir(io, dir);
}

TEST("the simulator answers as the machine does, call by call")
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct sim *sim = sim_create(seed);
        struct pair p = { .io = { io_linux(), sim_process(sim) },
                          .seed = seed * 0x9e3779b97f4a7c15,
                          .dir = "build/unit-io-XXXXXX" };
        memset(p.file, -1, sizeof p.file);
        REQUIRE(mkdtemp(p.dir));
        EXPECT(io_make_dir(p.io[1], "build") == EVL_OK && io_make_dir(p.io[1], p.dir) == EVL_OK);
        bool agrees = true;
        for (int i = 0; i < PAIR_STEPS && agrees; i++) {
            struct step s = draw_step(&p);
            agrees = step_agrees(&p, &s);
        }
        if (!agrees)
            printf("# seed %" PRIu64 "\n", seed);
        EXPECT(agrees);
        for (int i = 0; i < PAIR_FILES; i++)
            for (int door = 0; door < 2; door++)
                io_close(p.io[door], p.file[i][door]);
        remove_all(p.io[0], p.dir);
        EXPECT(sim_exit(p.io[1]) == 0);
        sim_destroy(sim);
    }
}
