/* sim.h - the parts of the simulated world, and what each owes the others.
 * Only io_sim*.c include this.
 *
 *     io_sim.c         the world, its chance and faults; processes
 *     io_sim_run.c     turns: who runs, who waits for what; the clock
 *     io_sim_disk.c    bytes: cached, durable, and written in between
 *     io_sim_names.c   names: cached, durable, and changed in between; paths
 *     io_sim_files.c   the calls on files and names
 *     io_sim_shared.c  the calls on locks and shared memory
 *     io_sim_work.c    work aside */
#ifndef IO_SIM_H
#define IO_SIM_H

#include <pthread.h>

#include "base/buf.h"
#include "base/list.h"
#include "io/driver.h"
#include "io/io_sim.h"

enum { SIM_SECTOR = 512, SIM_NAME_MAX = 255, SIM_PPM = 1000000 };
enum { SIM_FIRST_FILE = 3 };

/* Addresses that a world can hand out for maps; each is handed out once. */
#define SIM_REGION_BYTES ((size_t)1 << 36)

/* ---- disk ----------------------------------------------------------------- */

struct sim_bytes {
    uint8_t *at;
    int64_t size;
    size_t room;
};

/* Something that is not on the disk yet: bytes written, or the size set. */
struct sim_change {
    bool resized;
    int64_t at; /* or the new size */
    int64_t size;
};

struct sim_entry {
    char *name;
    struct inode *inode;
};

/* The names of a folder, sorted. */
struct sim_entries {
    struct sim_entry *at;
    size_t count, room;
};

/* A file or a folder.  It is reachable while links + opens > 0, and kept while
 * a durable name or an unsynced change could bring it back. */
struct inode {
    struct list link; /* in disk.inodes */
    uint64_t number;
    enum io_kind kind;
    int links; /* cached names */
    int opens; /* file numbers and maps */
    int64_t mtime_ms;
    bool marked;    /* by the sweep */
    char label[40]; /* a name it had: for traces */

    struct sim_bytes cached, durable;
    struct sim_change *changes;
    size_t change_count, change_room;
    int64_t change_end; /* no unsynced write reaches beyond */
    bool stored;        /* by shared memory: any of its bytes may differ */

    struct sim_entries names, durable_names;
    struct list locks;
};

/* A name gone from one place, come to another; either may be missing. */
struct sim_name_change {
    struct inode *from, *to; /* folders */
    char *from_name, *to_name;
    struct inode *inode;
};

struct sim_disk {
    struct inode *root;
    struct list inodes;
    uint64_t next_number;
    struct sim_name_change *changes;
    size_t change_count, change_room;
    int64_t used;
    int removed; /* since the last sweep */
};

/* ---- processes ------------------------------------------------------------ */

struct sim_file {
    bool taken; /* the engine has not closed it */
    bool writable;
    struct inode *inode; /* NULL behind a dead door */
};

struct sim_map {
    struct inode *inode; /* NULL behind a dead door */
    uint8_t *at;         /* an address that nobody may touch */
    size_t size;
    bool writable;
};

struct sim_lock {
    struct list link; /* in inode.locks */
    struct door *door;
    int file;
    int64_t byte;
    enum io_lock mode;
};

struct door {
    struct io io;
    struct sim *sim;
    struct list link; /* in sim.doors */
    int32_t pid;
    bool alive;
    struct sim_task *task; /* whose body made it; NULL outside of sim_run() */
    int64_t stopped_until; /* 0: is not */
    uint64_t dead_calls;
    struct sim_file *files;
    size_t file_room;
    struct sim_map *maps;
    size_t map_count, map_room;
    struct list works; /* struct sim_work, given and not ended */
    bool working;      /* one of them is running */
};

/* A thread of sim_run(). */
struct sim_task {
    struct sim *sim;
    struct sim_body body;
    struct door *door; /* the one it used last */
    int left_open;     /* by its doors, at the end */
    pthread_t thread;
    pthread_cond_t turn;
    bool ended, waits;
    int64_t until;       /* when waiting */
    const char *call;    /* when waiting: what for */
    const void *subject; /* and which */
};

struct sim {
    uint64_t state; /* of the chances */
    struct sim_options options;
    uint64_t operations, trace;
    int64_t now, wall_base_ms;
    struct io_boot boot;
    struct list doors;
    int32_t next_pid;
    struct sim_disk disk;
    struct buf gathered; /* the parts of a write */
    uint8_t *region;     /* addresses for maps */
    size_t region_used;

    struct sim_task *tasks; /* during sim_run() */
    int task_count;
    struct sim_task *current; /* has the baton; NULL outside of sim_run() */
    pthread_mutex_t mutex;
    pthread_cond_t ended;
};

/* ---- io_sim.c ------------------------------------------------------------- */

static inline struct door *door_of(struct io *io) { return (struct door *)io; }

uint64_t sim_draw(struct sim *sim);
bool sim_toss(struct sim *sim, uint32_t ppm);

/* Whether this fault strikes a call that can suffer it. */
bool sim_strikes(struct sim *sim, enum sim_fault fault);

/* A call begins: it is counted, time goes by, others may have a turn, and the
 * process may die of it.  False if it is dead: the caller fails by killed(). */
bool sim_call(struct io *io, const char *call, const char *name, int64_t a, int64_t b);

/* The first half of it, without the kill: for io_write, which dies halfway. */
bool sim_arrive(struct io *io, const char *call, const char *name, int64_t a, int64_t b);

void door_die(struct door *door);
enum evl_error killed(void);

/* The clock as this process sees it; for a dead one it runs away. */
int64_t door_now(const struct door *door);

/* ---- io_sim_run.c --------------------------------------------------------- */

/* Perhaps let others go first. */
void sim_turn(struct door *door);

/* Wait until woken by sim_wake_all(), or `until`, or dead. */
void sim_wait(struct door *door, int64_t until, const char *call, const void *subject);
void sim_wake_all(struct sim *sim, const void *subject);

/* ---- io_sim_disk.c -------------------------------------------------------- */

struct inode *inode_create(struct sim *sim, enum io_kind kind, const char *name);
void inode_free(struct sim *sim, struct inode *inode);

/* One reason less to be reachable: what cannot be reached takes no space. */
void inode_unlink(struct sim *sim, struct inode *inode);
void inode_close(struct sim *sim, struct inode *inode);

/* How many of `size` bytes at `at` there is space for. */
int64_t inode_space(struct sim *sim, const struct inode *inode, int64_t at, int64_t size);

void inode_write(struct sim *sim, struct inode *inode, const uint8_t *from, int64_t size,
                 int64_t at);
void inode_resize(struct sim *sim, struct inode *inode, int64_t size);
void inode_sync(struct sim *sim, struct inode *inode);
void inode_sync_fails(struct sim *sim, struct inode *inode);

/* The kernel may write out these bytes now: sector by sector, a toss each. */
void inode_write_back(struct sim *sim, struct inode *inode, int64_t at, int64_t size);

/* What the power cut leaves of its bytes. */
void inode_cut(struct sim *sim, struct inode *inode, uint32_t keep_ppm);

/* ---- io_sim_names.c ------------------------------------------------------- */

/* Where a path leads: the folder, the name in it, and what is there, if
 * anything.  The root has no folder. */
struct sim_place {
    struct inode *folder, *inode;
    char name[SIM_NAME_MAX + 1];
    bool as_folder; /* a slash at the end asks for one */
};

/* Returns an error number, or 0; a missing last name is not an error. */
int place_find(struct sim *sim, const char *path, struct sim_place *place);

void place_make(struct sim *sim, const struct sim_place *place, struct inode *inode);
void place_remove(struct sim *sim, const struct sim_place *place);
void place_rename(struct sim *sim, const struct sim_place *from, const struct sim_place *to);

void names_init(struct sim *sim);
void names_sync(struct sim *sim, struct inode *folder);
void names_release(struct sim *sim);

/* What the power cut leaves of the names, and of what they led to. */
void names_cut(struct sim *sim);

/* Free what nothing can bring back. */
void names_sweep(struct sim *sim);

/* ---- io_sim_files.c ------------------------------------------------------- */

/* An open file of a living door. */
struct sim_file *door_file(struct door *door, int file);

enum evl_error call_open(struct io *io, const char *path, enum io_open how, int *file);
void call_close(struct io *io, int file);
enum evl_error call_read(struct io *io, int file, void *to, size_t size, int64_t at, size_t *got);
enum evl_error call_write(struct io *io, int file, const struct evl_bytes *parts, int count,
                          int64_t at, size_t *put);
enum evl_error call_sync(struct io *io, int file);
void call_sync_soon(struct io *io, int file, int64_t at, int64_t size);
enum evl_error call_truncate(struct io *io, int file, int64_t size);
enum evl_error call_stat(struct io *io, const char *path, struct io_stat *stat);
enum evl_error call_stat_file(struct io *io, int file, struct io_stat *stat);
enum evl_error call_list(struct io *io, const char *path, struct io_names *names);
enum evl_error call_make_dir(struct io *io, const char *path);
enum evl_error call_rename(struct io *io, const char *from, const char *to);
enum evl_error call_remove(struct io *io, const char *path);
enum evl_error call_remove_dir(struct io *io, const char *path);
enum evl_error call_sync_dir(struct io *io, const char *path);
enum evl_error call_space(struct io *io, const char *path, int64_t *bytes);
enum evl_error call_sharable(struct io *io, const char *path);

/* ---- io_sim_shared.c ------------------------------------------------------ */

/* Drop what this door holds of this inode, by one file number or (-1) by any. */
void inode_drop_locks(struct sim *sim, struct inode *inode, const struct door *door, int file);

enum evl_error call_lock(struct io *io, int file, int64_t byte, enum io_lock mode, int64_t until);
void call_unlock(struct io *io, int file, int64_t byte);
enum evl_error call_map(struct io *io, int file, size_t size, bool writable, void **at);
void call_unmap(struct io *io, void *at, size_t size);
uint64_t call_load(struct io *io, const uint64_t *word);
void call_store(struct io *io, uint64_t *word, uint64_t value);
void call_add(struct io *io, uint64_t *word, uint64_t value);
void call_watch(struct io *io, const uint64_t *word, uint64_t seen, int64_t until);
void call_wake(struct io *io, uint64_t *word);

/* ---- io_sim_work.c -------------------------------------------------------- */

/* Perhaps some work aside gets done just now. */
void door_work_aside(struct door *door);

int door_works(const struct door *door);
void door_works_release(struct door *door);

void call_work_start(struct io *io, struct io_work *work);
bool call_work_done(struct io *io, struct io_work *work);
enum evl_error call_work_wait(struct io *io, struct io_work *work);
void call_work_end(struct io *io, struct io_work *work);

#endif
