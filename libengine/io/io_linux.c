/* io_linux.c - the machine's door: bytes of open files, and the table of what
 * the door is made of.  A file number is the kernel's descriptor. */
#include "io/io_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fault.h"

_Static_assert(sizeof(off_t) == 8, "a segment may be larger than 2 GiB");

static void linux_close(struct io *io, int file)
{
    (void)io;
    int locks = linux_locks_forget(file); /* before another thread is given the number */
    (void)close(file);                    /* what must be on the disk was synced before */
    linux_locks_gone(locks);
}

static enum evl_error linux_read(struct io *io, int file, void *to, size_t size, int64_t at,
                                 size_t *got)
{
    (void)io;
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(file, (uint8_t *)to + done, size - done, at + (int64_t)done);
        if (n == 0)
            break;
        if (n > 0)
            done += (size_t)n;
        else if (errno != EINTR)
            return io_fail(errno, NULL);
    }
    *got = done;
    return EVL_OK;
}

static enum evl_error linux_write(struct io *io, int file, const struct evl_bytes *parts, int count,
                                  int64_t at, size_t *put)
{
    (void)io;
    struct iovec vector[IO_PARTS_MAX];
    for (int i = 0; i < count; i++)
        vector[i] =
            (struct iovec){ .iov_base = (void *)(uintptr_t)parts[i].at, .iov_len = parts[i].count };
    ssize_t n;
    do
        n = pwritev(file, vector, count, at);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return io_fail(errno, NULL);
    *put = (size_t)n;
    return EVL_OK;
}

/* A sync that fails has failed, whatever the reason: asked again, the kernel
 * would say OK and know nothing of the bytes.  A full disk is no milder here. */
static enum evl_error linux_sync(struct io *io, int file)
{
    (void)io;
    if (fdatasync(file) == 0)
        return EVL_OK;
    (void)io_fail(errno, NULL); /* for its words */
    return failed(EVL_ERR_IO, "sync");
}

static void linux_sync_soon(struct io *io, int file, int64_t at, int64_t size)
{
    (void)io;
    if (size > 0)
        (void)sync_file_range(file, at, size, SYNC_FILE_RANGE_WRITE); /* a hint */
}

static enum evl_error linux_truncate(struct io *io, int file, int64_t size)
{
    (void)io;
    int n;
    do
        n = ftruncate(file, size);
    while (n < 0 && errno == EINTR);
    return n < 0 ? io_fail(errno, NULL) : EVL_OK;
}

struct io *io_linux(void)
{
    static const struct io_driver driver = {
        .open = linux_open,
        .close = linux_close,
        .read = linux_read,
        .write = linux_write,
        .sync = linux_sync,
        .sync_soon = linux_sync_soon,
        .truncate = linux_truncate,
        .stat = linux_stat,
        .stat_file = linux_stat_file,
        .list = linux_list,
        .make_dir = linux_make_dir,
        .rename = linux_rename,
        .remove = linux_remove,
        .remove_dir = linux_remove_dir,
        .sync_dir = linux_sync_dir,
        .space = linux_space,
        .sharable = linux_sharable,
        .lock = linux_lock,
        .unlock = linux_unlock,
        .is_locked = linux_is_locked,
        .map = linux_map,
        .unmap = linux_unmap,
        .load = linux_load,
        .store = linux_store,
        .add = linux_add,
        .watch = linux_watch,
        .wake = linux_wake,
        .now = linux_now,
        .wall_ms = linux_wall_ms,
        .sleep = linux_sleep,
        .random = linux_random,
        .boot = linux_boot,
        .pid = linux_pid,
        .process = linux_process,
        .work_start = linux_work_start,
        .work_done = linux_work_done,
        .work_wait = linux_work_wait,
        .work_end = linux_work_end,
    };
    static struct io io = { &driver };
    return &io;
}
