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
enum { SIM_FIRST_FILE = 3, SIM_LOCK_LISTS = 16 };

/* Addresses that a world can hand out for maps; each is handed out once. */
#define SIM_REGION_BYTES ((size_t)1 << 36)

/* ---- disk ---------------------------------------------------------------- */

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
    struct sim_inode *inode;
};

/* The names of a folder, sorted. */
struct sim_entries {
    struct sim_entry *at;
    size_t count, room;
};

/* A file or a folder.  It is reachable while links + opens > 0, and kept while
 * a durable name or an unsynced change could bring it back. */
struct sim_inode {
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
    struct list locks[SIM_LOCK_LISTS]; /* by the byte */
};

/* A name gone from one place, come to another; either may be missing. */
struct sim_name_change {
    struct sim_inode *from, *to; /* folders */
    char *from_name, *to_name;
    struct sim_inode *inode;
};

struct sim_disk {
    struct sim_inode *root;
    struct list inodes;
    uint64_t next_number;
    struct sim_name_change *changes;
    size_t change_count, change_room;
    int64_t used;
    int removed; /* since the last sweep */
};

/* ---- processes ----------------------------------------------------------- */

struct sim_file {
    bool taken; /* the engine has not closed it */
    bool writable;
    struct sim_inode *inode; /* NULL behind a dead door */
};

struct sim_map {
    struct sim_inode *inode; /* NULL behind a dead door */
    uint8_t *at;             /* an address that nobody may touch */
    size_t size;
    bool writable;
};

struct sim_lock {
    struct list link; /* in inode.locks */
    struct sim_door *door;
    int file;
    int64_t byte;
    enum io_lock mode;
};

struct sim_door {
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
    struct sim_door *door; /* the one it used last */
    int left_open;         /* by its doors, at the end */
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
    struct evl_buffer gathered; /* the parts of a write */
    uint8_t *region;            /* addresses for maps */
    size_t region_used;

    struct sim_task *tasks; /* during sim_run() */
    int task_count;
    struct sim_task *current; /* has the baton; NULL outside of sim_run() */
    pthread_mutex_t mutex;
    pthread_cond_t ended;
};

/* ---- io_sim.c ------------------------------------------------------------ */

static inline struct sim_door *sim_door_of(struct io *io) { return (struct sim_door *)io; }

uint64_t sim_draw(struct sim *sim);
bool sim_toss(struct sim *sim, uint32_t ppm);

/* Whether this fault strikes a call that can suffer it. */
bool sim_strikes(struct sim *sim, enum sim_fault fault);

/* A call begins: it is counted, time goes by, others may have a turn, and the
 * process may die of it.  False if it is dead: the caller fails by sim_killed(). */
bool sim_call(struct io *io, const char *call, const char *name, int64_t a, int64_t b);

/* The first half of it, without the kill: for io_write, which dies halfway. */
bool sim_arrive(struct io *io, const char *call, const char *name, int64_t a, int64_t b);

void sim_door_die(struct sim_door *door);
enum evl_error sim_killed(void);

/* The clock as this process sees it; for a dead one it runs away. */
int64_t sim_door_now(const struct sim_door *door);

/* ---- io_sim_run.c -------------------------------------------------------- */

/* Perhaps let others go first. */
void sim_turn(struct sim_door *door);

/* Wait until woken by sim_wake_all(), or `until`, or dead. */
void sim_wait(struct sim_door *door, int64_t until, const char *call, const void *subject);
void sim_wake_all(struct sim *sim, const void *subject);

/* ---- io_sim_disk.c ------------------------------------------------------- */

struct sim_inode *sim_inode_create(struct sim *sim, enum io_kind kind, const char *name);
void sim_inode_free(struct sim *sim, struct sim_inode *inode);

/* One reason less to be reachable: what cannot be reached takes no space. */
void sim_inode_unlink(struct sim *sim, struct sim_inode *inode);
void sim_inode_close(struct sim *sim, struct sim_inode *inode);

/* How many of `size` bytes at `at` there is space for. */
int64_t sim_inode_space(struct sim *sim, const struct sim_inode *inode, int64_t at, int64_t size);

void sim_inode_write(struct sim *sim, struct sim_inode *inode, const uint8_t *from, int64_t size,
                     int64_t at);
void sim_inode_resize(struct sim *sim, struct sim_inode *inode, int64_t size);
void sim_inode_sync(struct sim *sim, struct sim_inode *inode);
void sim_inode_sync_fails(struct sim *sim, struct sim_inode *inode);

/* The kernel may write out the unsynced bytes of this range now: sector by
 * sector, a toss each. */
void sim_inode_write_back(struct sim *sim, struct sim_inode *inode, int64_t at, int64_t size);

/* What the power cut leaves of its bytes. */
void sim_inode_cut(struct sim *sim, struct sim_inode *inode, uint32_t keep_ppm);

/* ---- io_sim_names.c ------------------------------------------------------ */

/* Where a path leads: the folder, the name in it, and what is there, if
 * anything.  The root has no folder. */
struct sim_place {
    struct sim_inode *folder, *inode;
    char name[SIM_NAME_MAX + 1];
    bool as_folder; /* a slash at the end asks for one */
};

/* Returns an error number, or 0; a missing last name is not an error. */
int sim_place_find(struct sim *sim, const char *path, struct sim_place *place);

void sim_place_make(struct sim *sim, const struct sim_place *place, struct sim_inode *inode);
void sim_place_remove(struct sim *sim, const struct sim_place *place);
void sim_place_rename(struct sim *sim, const struct sim_place *from, const struct sim_place *to);

void sim_names_init(struct sim *sim);
void sim_names_sync(struct sim *sim, struct sim_inode *folder);
void sim_names_release(struct sim *sim);

/* What the power cut leaves of the names, and of what they led to. */
void sim_names_cut(struct sim *sim);

/* Free what nothing can bring back. */
void sim_names_sweep(struct sim *sim);

/* ---- io_sim_files.c ------------------------------------------------------ */

/* An open file of a living door. */
struct sim_file *sim_door_file(struct sim_door *door, int file);

enum evl_error sim_call_open(struct io *io, const char *path, enum io_open how, int *file);
void sim_call_close(struct io *io, int file);
enum evl_error sim_call_read(struct io *io, int file, void *to, size_t size, int64_t at,
                             size_t *got);
enum evl_error sim_call_write(struct io *io, int file, const struct evl_bytes *parts, int count,
                              int64_t at, size_t *put);
enum evl_error sim_call_sync(struct io *io, int file);
void sim_call_sync_soon(struct io *io, int file, int64_t at, int64_t size);
enum evl_error sim_call_truncate(struct io *io, int file, int64_t size);
enum evl_error sim_call_stat(struct io *io, const char *path, struct io_stat *stat);
enum evl_error sim_call_stat_file(struct io *io, int file, struct io_stat *stat);
enum evl_error sim_call_list(struct io *io, const char *path, struct io_names *names);
enum evl_error sim_call_make_dir(struct io *io, const char *path);
enum evl_error sim_call_rename(struct io *io, const char *from, const char *to);
enum evl_error sim_call_remove(struct io *io, const char *path);
enum evl_error sim_call_remove_dir(struct io *io, const char *path);
enum evl_error sim_call_sync_dir(struct io *io, const char *path);
enum evl_error sim_call_space(struct io *io, const char *path, struct io_space *space);
enum evl_error sim_call_sharable(struct io *io, const char *path);

/* ---- io_sim_shared.c ----------------------------------------------------- */

/* Drop what this door holds of this inode, by one file number or (-1) by any. */
void sim_inode_drop_locks(struct sim *sim, struct sim_inode *inode, const struct sim_door *door,
                          int file);

enum evl_error sim_call_lock(struct io *io, int file, int64_t byte, enum io_lock mode,
                             int64_t until);
void sim_call_unlock(struct io *io, int file, int64_t byte);
enum evl_error sim_call_is_locked(struct io *io, int file, int64_t byte, bool *locked);
enum evl_error sim_call_map(struct io *io, int file, size_t size, bool writable, void **at);
void sim_call_unmap(struct io *io, void *at, size_t size);
uint64_t sim_call_load(struct io *io, const uint64_t *word);
void sim_call_store(struct io *io, uint64_t *word, uint64_t value);
void sim_call_add(struct io *io, uint64_t *word, uint64_t value);
void sim_call_watch(struct io *io, const uint64_t *word, uint64_t seen, int64_t until);
void sim_call_wake(struct io *io, uint64_t *word);

/* ---- io_sim_work.c ------------------------------------------------------- */

/* Perhaps some work aside gets done just now. */
void sim_door_work_aside(struct sim_door *door);

int sim_door_works(const struct sim_door *door);
void sim_door_works_release(struct sim_door *door);

void sim_call_work_start(struct io *io, struct io_work *work);
bool sim_call_work_done(struct io *io, struct io_work *work);
enum evl_error sim_call_work_wait(struct io *io, struct io_work *work);
void sim_call_work_end(struct io *io, struct io_work *work);

#endif
