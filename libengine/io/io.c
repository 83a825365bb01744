/* io.c - the calls of io.h: look at the arguments, and go through the door. */
#include "io/io.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "io/driver.h"

/* ---- files --------------------------------------------------------------- */

enum evl_error io_open(struct io *io, const char *path, enum io_open how, int *file)
{
    return io->driver->open(io, path, how, file);
}

void io_close(struct io *io, int file)
{
    if (file >= 0)
        io->driver->close(io, file);
}

enum evl_error io_read(struct io *io, int file, void *to, size_t size, int64_t at, size_t *got)
{
    check(file >= 0 && at >= 0);
    return io->driver->read(io, file, to, size, at, got);
}

enum evl_error io_write(struct io *io, int file, const struct evl_bytes *parts, int count,
                        int64_t at, size_t *put)
{
    check(file >= 0 && at >= 0);
    check(count >= 0 && count <= IO_PARTS_MAX);
    return io->driver->write(io, file, parts, count, at, put);
}

enum evl_error io_sync(struct io *io, int file)
{
    check(file >= 0);
    return io->driver->sync(io, file);
}

void io_sync_soon(struct io *io, int file, int64_t at, int64_t size)
{
    check(file >= 0 && at >= 0 && size >= 0);
    io->driver->sync_soon(io, file, at, size);
}

enum evl_error io_truncate(struct io *io, int file, int64_t size)
{
    check(file >= 0 && size >= 0);
    return io->driver->truncate(io, file, size);
}

enum evl_error io_size(struct io *io, int file, int64_t *size)
{
    struct io_stat stat;
    enum evl_error err = io_stat_file(io, file, &stat);
    if (!err)
        *size = stat.size;
    return err;
}

/* ---- names --------------------------------------------------------------- */

enum evl_error io_stat(struct io *io, const char *path, struct io_stat *stat)
{
    return io->driver->stat(io, path, stat);
}

enum evl_error io_stat_file(struct io *io, int file, struct io_stat *stat)
{
    check(file >= 0);
    return io->driver->stat_file(io, file, stat);
}

enum evl_error io_list(struct io *io, const char *path, struct io_names *names)
{
    return io->driver->list(io, path, names);
}

void io_names_release(struct io_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        memory_free(names->at[i]);
    memory_free(names->at);
    *names = (struct io_names){ 0 };
}

enum evl_error io_make_dir(struct io *io, const char *path)
{
    return io->driver->make_dir(io, path);
}

enum evl_error io_rename(struct io *io, const char *from, const char *to)
{
    return io->driver->rename(io, from, to);
}

enum evl_error io_remove(struct io *io, const char *path) { return io->driver->remove(io, path); }

enum evl_error io_remove_dir(struct io *io, const char *path)
{
    return io->driver->remove_dir(io, path);
}

enum evl_error io_sync_dir(struct io *io, const char *path)
{
    return io->driver->sync_dir(io, path);
}

enum evl_error io_space(struct io *io, const char *path, struct io_space *space)
{
    return io->driver->space(io, path, space);
}

enum evl_error io_sharable(struct io *io, const char *path)
{
    return io->driver->sharable(io, path);
}

/* ---- locks --------------------------------------------------------------- */

enum evl_error io_lock(struct io *io, int file, int64_t byte, enum io_lock mode, int64_t until)
{
    check(file >= 0 && byte >= 0);
    return io->driver->lock(io, file, byte, mode, until);
}

void io_unlock(struct io *io, int file, int64_t byte)
{
    check(file >= 0 && byte >= 0);
    io->driver->unlock(io, file, byte);
}

enum evl_error io_is_locked(struct io *io, int file, int64_t byte, bool *locked)
{
    check(file >= 0 && byte >= 0);
    return io->driver->is_locked(io, file, byte, locked);
}

/* ---- shared memory ------------------------------------------------------- */

enum evl_error io_map(struct io *io, int file, size_t size, bool writable, void **at)
{
    check(file >= 0 && size > 0);
    return io->driver->map(io, file, size, writable, at);
}

void io_unmap(struct io *io, void *at, size_t size)
{
    if (at)
        io->driver->unmap(io, at, size);
}

static bool is_word(const uint64_t *word) { return word && (uintptr_t)word % sizeof *word == 0; }

uint64_t io_load(struct io *io, const uint64_t *word)
{
    check(is_word(word));
    return io->driver->load(io, word);
}

void io_store(struct io *io, uint64_t *word, uint64_t value)
{
    check(is_word(word));
    io->driver->store(io, word, value);
}

void io_add(struct io *io, uint64_t *word, uint64_t value)
{
    check(is_word(word));
    io->driver->add(io, word, value);
}

void io_watch(struct io *io, const uint64_t *word, uint64_t seen, int64_t until)
{
    check(is_word(word));
    io->driver->watch(io, word, seen, until);
}

void io_wake(struct io *io, uint64_t *word)
{
    check(is_word(word));
    io->driver->wake(io, word);
}

/* ---- clock, chance, processes -------------------------------------------- */

int64_t io_now(struct io *io) { return io->driver->now(io); }
int64_t io_wall_ms(struct io *io) { return io->driver->wall_ms(io); }
uint64_t io_random(struct io *io) { return io->driver->random(io); }
struct io_boot io_boot(struct io *io) { return io->driver->boot(io); }
int32_t io_pid(struct io *io) { return io->driver->pid(io); }

void io_sleep(struct io *io, int64_t ns)
{
    if (ns > 0)
        io->driver->sleep(io, ns);
}

enum io_process io_process(struct io *io, int32_t pid)
{
    return pid <= 0 ? IO_GONE : io->driver->process(io, pid);
}

/* ---- work aside ---------------------------------------------------------- */

/* busy, run, context and result belong to the owner's thread: they are written
 * here and nowhere else. */

void io_work_start(struct io *io, struct io_work *work, enum evl_error (*run)(void *),
                   void *context)
{
    check(run && !work->busy);
    work->run = run;
    work->context = context;
    work->busy = true;
    io->driver->work_start(io, work);
}

bool io_work_done(struct io *io, struct io_work *work)
{
    return !work->busy || io->driver->work_done(io, work);
}

enum evl_error io_work_wait(struct io *io, struct io_work *work)
{
    if (!work->busy)
        return EVL_OK;
    work->result = io->driver->work_wait(io, work);
    work->busy = false;
    return work->result;
}

void io_work_end(struct io *io, struct io_work *work)
{
    (void)io_work_wait(io, work); /* who wanted the result has waited for it */
    if (work->thread)
        io->driver->work_end(io, work);
    work->thread = NULL;
}

/* ---- errors -------------------------------------------------------------- */

static enum evl_error error_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR: return EVL_ERR_NOT_FOUND;
    case EEXIST: return EVL_ERR_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP: return EVL_ERR_DENIED;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return EVL_ERR_NO_SPACE;
    default: return EVL_ERR_IO;
    }
}

enum evl_error io_fail(int error, const char *path)
{
    char room[128];
    const char *text = error == ELOOP ? "symbolic link" : strerror_r(error, room, sizeof room);
    if (path)
        return fail(error_of(error), "%s: %s", path, text);
    return fail(error_of(error), "%s", text);
}
