/* io.h - the one door to the world.
 *
 * Disk, locks, shared memory, clock and chance are reached through a struct io
 * and nothing else; it is handed to whoever needs it.  There are two doors:
 * io_linux() is the machine, io_sim.h is a world of our own with a seed, in
 * which several doors are several processes on one disk.
 *
 * Files are small numbers, paths are C strings.  Every call says OK or fails
 * with its reason in the fault text; results are untouched on failure.  A
 * door may be used by several threads at once; a file by one at a time, but
 * for io_sync.
 *
 * What a power cut leaves (the simulator is strict about it, disks are not
 * kinder): bytes written are there after io_sync() of the file; a name made,
 * changed or removed is so after io_sync_dir() of its folder.  Until then each
 * is there, torn, or not, in any order.  After io_sync() has failed once, what
 * was written before may be gone though the next io_sync() says OK. */
#ifndef IO_IO_H
#define IO_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evl/bytes.h>
#include <evl/error.h>

struct io;

/* ---- files --------------------------------------------------------------- */

enum io_open {
    IO_READ,       /* must exist; reading only */
    IO_WRITE,      /* must exist; reading and writing */
    IO_CREATE,     /* as IO_WRITE, and made when missing */
    IO_CREATE_NEW, /* as IO_WRITE, and EXISTS when not missing */
};

/* NOT_FOUND, EXISTS, DENIED, IO.  A new file takes its folder's group, and of
 * its folder's mode the reading and writing.  Symbolic links are not followed. */
enum evl_error io_open(struct io *io, const char *path, enum io_open how, int *file);

/* What was written stays as it is.  Closing -1 does nothing. */
void io_close(struct io *io, int file);

/* Up to `size` bytes from `at`; *got is less only at the end of the file. */
enum evl_error io_read(struct io *io, int file, void *to, size_t size, int64_t at, size_t *got);

/* Write the parts one behind the other, from `at` on.  *put may be less than
 * all of it: go on from there, or cut.  After NO_SPACE or IO the file's bytes
 * from `at` on are anybody's guess. */
enum evl_error io_write(struct io *io, int file, const struct evl_bytes *parts, int count,
                        int64_t at, size_t *put);
enum { IO_PARTS_MAX = 64 };

/* Everything written so far, and the size, on the disk itself.  After IO: see
 * the head of this page. */
enum evl_error io_sync(struct io *io, int file);

/* Start to write out, and do not wait.  A hint. */
void io_sync_soon(struct io *io, int file, int64_t at, int64_t size);

enum evl_error io_truncate(struct io *io, int file, int64_t size);
enum evl_error io_size(struct io *io, int file, int64_t *size);

/* ---- names --------------------------------------------------------------- */

enum io_kind { IO_FILE, IO_DIR, IO_OTHER };

struct io_stat {
    enum io_kind kind;
    int64_t size;
    int64_t mtime_ms;
    uint64_t device, inode;
};

/* NOT_FOUND, DENIED, IO. */
enum evl_error io_stat(struct io *io, const char *path, struct io_stat *stat);
enum evl_error io_stat_file(struct io *io, int file, struct io_stat *stat);

/* The names in a folder, sorted bytewise; . and .. left out.  The caller
 * releases. */
struct io_names {
    char **at;
    size_t count;
};
enum evl_error io_list(struct io *io, const char *path, struct io_names *names);
void io_names_release(struct io_names *names);

/* EXISTS, NOT_FOUND (its parent), DENIED, NO_SPACE, IO.  Group, mode as for files. */
enum evl_error io_make_dir(struct io *io, const char *path);

/* Replaces `to` if there is such a file. */
enum evl_error io_rename(struct io *io, const char *from, const char *to);

enum evl_error io_remove(struct io *io, const char *path);     /* a file */
enum evl_error io_remove_dir(struct io *io, const char *path); /* an empty folder */

/* Names made, changed and removed in this folder so far, on the disk itself. */
enum evl_error io_sync_dir(struct io *io, const char *path);

/* The disk of this path: the bytes that we may still write, and those together
 * with what is written.  What is kept back for root is in neither. */
struct io_space {
    int64_t free, total;
};
enum evl_error io_space(struct io *io, const char *path, struct io_space *space);

/* EVL_ERR_UNAVAILABLE, and why, if this path's file system cannot be shared
 * between processes as we need it (NFS, FUSE, ...). */
enum evl_error io_sharable(struct io *io, const char *path);

/* ---- locks --------------------------------------------------------------- */

enum io_lock {
    IO_SHARED,
    IO_EXCLUSIVE, /* for a moment: the terminal's stop signal waits for its end */
    IO_KEPT,      /* exclusive, and for long: a stopped process keeps it */
};

/* One byte of a file, by this file number, until io_unlock, io_close or our
 * death, whichever is first.  Waits until io_now() is `until`, then BUSY;
 * until = 0 does not wait. */
enum evl_error io_lock(struct io *io, int file, int64_t byte, enum io_lock mode, int64_t until);
void io_unlock(struct io *io, int file, int64_t byte);

/* Whether somebody holds the byte, in any mode and not by this file number.  A
 * file open for reading will do; nobody is kept out by the look. */
enum evl_error io_is_locked(struct io *io, int file, int64_t byte, bool *locked);

/* ---- shared memory ------------------------------------------------------- */

/* The first `size` bytes of a file, shared with every process that maps it; a
 * writer's file is grown to `size`, a reader's must have it (CORRUPT).  All
 * access is by the functions below, on aligned words. */
enum evl_error io_map(struct io *io, int file, size_t size, bool writable, void **at);
void io_unmap(struct io *io, void *at, size_t size);

uint64_t io_load(struct io *io, const uint64_t *word);        /* acquire */
void io_store(struct io *io, uint64_t *word, uint64_t value); /* release */
void io_add(struct io *io, uint64_t *word, uint64_t value);   /* atomically */

/* Sleep while *word is `seen`, at most until io_now() is `until`.  May wake
 * for no reason. */
void io_watch(struct io *io, const uint64_t *word, uint64_t seen, int64_t until);

/* Wake all who watch. */
void io_wake(struct io *io, uint64_t *word);

/* ---- clock, chance, processes -------------------------------------------- */

enum { IO_MS = 1000000 }; /* nanoseconds in a millisecond */

int64_t io_now(struct io *io);     /* nanoseconds; never goes back; not a date */
int64_t io_wall_ms(struct io *io); /* milliseconds since 1970; may jump */
void io_sleep(struct io *io, int64_t ns);
uint64_t io_random(struct io *io);

/* This boot of the machine: shared memory from another one is void. */
struct io_boot {
    uint64_t high, low;
};
struct io_boot io_boot(struct io *io);

int32_t io_pid(struct io *io);

enum io_process { IO_GONE, IO_RUNNING, IO_STOPPED };
enum io_process io_process(struct io *io, int32_t pid);

/* ---- work aside ---------------------------------------------------------- */

/* One piece of work at a time on a thread of its own, for what would keep us
 * waiting (io_sync).  The owner embeds it, zeroed; run() must not touch what
 * the owner touches before io_work_wait(). */
struct io_work {
    void *thread;
    enum evl_error (*run)(void *context);
    void *context;
    enum evl_error result;
    bool busy;
};
void io_work_start(struct io *io, struct io_work *work, enum evl_error (*run)(void *),
                   void *context);
bool io_work_done(struct io *io, struct io_work *work);           /* without waiting */
enum evl_error io_work_wait(struct io *io, struct io_work *work); /* its result; the fault too */
void io_work_end(struct io *io, struct io_work *work);            /* waits; ends the thread */

/* ---- doors --------------------------------------------------------------- */

/* The machine's own.  One per process, never closed. */
struct io *io_linux(void);

#endif
