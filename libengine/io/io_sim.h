/* io_sim.h - a world of our own: processes, one disk, one clock, one seed.
 *
 *     struct sim *sim = sim_create(7);
 *     sim_options(sim)->after[SIM_CUT] = 20;
 *     struct io *io = sim_process(sim);
 *     ... the engine works on io; its 20th call and all later ones fail ...
 *     io = sim_process(sim);
 *     ... it recovers ...
 *     EXPECT(sim_exit(io) == 0);
 *     sim_destroy(sim);
 *
 * Each door is a process with its own files, locks and maps over the one disk,
 * page cache, lock table and clock.  All chance is drawn from the seed: the
 * same seed and the same calls give the same world, to the byte.
 *
 * How a process dies: by a kill or a power cut at one of its calls.  Its locks
 * are free and its files closed at once, and every call of its door from then
 * on fails with UNAVAILABLE, "killed", and changes nothing (io_load is 0,
 * io_watch returns, the clock runs away so that deadlines pass).  The engine
 * returns through its own error paths and frees its memory: the test then
 * drops what it had, and opens a new door.
 *
 * Only one thread at a time may use a world, but for the bodies of sim_run().
 * Stores and loads of shared memory go through io_load() and its kin or not at
 * all: what io_map() returns cannot be touched. */
#ifndef IO_IO_SIM_H
#define IO_IO_SIM_H

#include "io/io.h"

struct sim;

/* ---- the world ----------------------------------------------------------- */

struct sim *sim_create(uint64_t seed);

/* Frees the doors too. */
void sim_destroy(struct sim *sim);

/* What goes wrong.  Which calls can suffer it stands behind each. */
enum sim_fault {
    SIM_KILL,        /* any: the process dies; of a write, some first part is done */
    SIM_CUT,         /* any: power cut, all processes die */
    SIM_STOP,        /* any, in sim_run(): the process stands still for up to 10 s */
    SIM_READ_IO,     /* io_read: IO */
    SIM_WRITE_IO,    /* io_write: IO, and a part of it may be there */
    SIM_WRITE_SHORT, /* io_write of 2 bytes and more: less than all is put */
    SIM_WRITE_FULL,  /* io_write: NO_SPACE, once; or first a short write, then it */
    SIM_SYNC_IO,     /* io_sync: IO; what was not on the disk never will be */
    SIM_SYNC_DIR_IO, /* io_sync_dir: IO; the names may still be lost */
    SIM_NAME_IO,     /* all other calls with a path: IO, and nothing is done */
    SIM_FAULTS
};

/* May be changed at any time between calls. */
struct sim_options {
    uint64_t after[SIM_FAULTS]; /* strikes the n-th call from now that can suffer it; 0 is never */
    uint32_t ppm[SIM_FAULTS];   /* strikes any such call with this chance in a million */
    uint32_t switch_ppm; /* sim_run: chance that a call hands the baton on; 200000 at first */
    uint32_t wake_ppm;   /* chance that io_watch wakes for no reason; 20000 at first */
    int64_t capacity;    /* bytes of files that the disk holds; 0 at first: no limit */
    bool trace;          /* print each call on stderr */
};
struct sim_options *sim_options(struct sim *sim);

/* Calls so far that were made by living processes. */
uint64_t sim_operations(const struct sim *sim);

/* A sum over all calls so far, their arguments and chances: equal for equal runs. */
uint64_t sim_trace(const struct sim *sim);

/* A number below `limit`, from the seed: for the test's own choices. */
uint64_t sim_chance(struct sim *sim, uint64_t limit);

/* ---- processes ----------------------------------------------------------- */

/* A new process.  Its door lasts as long as the world. */
struct io *sim_process(struct sim *sim);

bool sim_is_alive(const struct io *io);

/* Files, maps and helper threads of this process that the engine has not given
 * back: dead processes' too, as closing goes on behind a dead door. */
int sim_open_files(const struct io *io);

/* The process ends as processes end.  Returns sim_open_files() before that. */
int sim_exit(struct io *io);

/* Dies now; the page cache and the shared memory stay.  In sim_run() its body
 * learns it when it has its next turn. */
void sim_kill(struct io *io);

/* Gets no turn in sim_run(), and is IO_STOPPED to others, until continued, or
 * until nobody else can go on. */
void sim_stop(struct io *io);
void sim_continue(struct io *io);

/* Run the bodies at the same time: each in a thread with a new door, but one
 * at a time, taking turns at calls as the seed says.  A body may make further
 * doors (after it was killed, say) and use them.  When it returns, all its
 * doors exit.  Back when all bodies have returned, with the sum of sim_exit().
 *
 * When all wait, the clock goes to the nearest deadline; when nobody has one,
 * that is a deadlock: who waits for what is printed, and the program aborts. */
struct sim_body {
    void (*run)(struct io *io, void *context);
    void *context;
};
int sim_run(struct sim *sim, const struct sim_body *bodies, int count);

/* ---- acts of God --------------------------------------------------------- */

/* All processes die.  Of what was not synced, each write is there whole, by
 * 512-byte sectors, or not; each name made, changed or removed has been or has
 * not.  A surviving later write may show that a file had grown: zeros then fill
 * the gap.  The next process finds another boot. */
void sim_power_cut(struct sim *sim);

/* Turn a bit over, in the cache and on the disk.  NOT_FOUND or RANGE. */
enum evl_error sim_flip(struct sim *sim, const char *path, int64_t at, int bit);

/* Bytes of all files that can be reached now: what `capacity` bounds. */
int64_t sim_used(const struct sim *sim);

void sim_pass(struct sim *sim, int64_t ns);      /* time goes by */
void sim_jump_wall(struct sim *sim, int64_t ms); /* somebody sets the date */

#endif
