/* io_linux_shared.c - words shared between processes: a file that all map.
 *
 * Watching sleeps on a futex in the file's page (not a private one: the
 * watchers are other processes, and some map for reading only). */
#include "io/io_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"

/* Allocated, not only enlarged: a store into a page that a full disk cannot
 * hold would kill us.  It never shrinks what another writer has grown. */
static int grow(int file, size_t size)
{
    int n;
    do
        n = fallocate(file, 0, 0, (off_t)size);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EOPNOTSUPP) /* an odd file system; better than nothing */
        n = ftruncate(file, (off_t)size);
    return n;
}

enum evl_error linux_map(struct io *io, int file, size_t size, bool writable, void **at)
{
    (void)io;
    struct stat st;
    if (fstat(file, &st) < 0)
        return io_fail(errno, NULL);
    if ((uint64_t)st.st_size < size) {
        if (!writable)
            return fail(EVL_ERR_CORRUPT, "%zu bytes are to be mapped, it has %lld", size,
                        (long long)st.st_size);
        if (grow(file, size) < 0)
            return io_fail(errno, NULL);
    }
    void *map =
        mmap(NULL, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, file, 0);
    if (map == MAP_FAILED)
        return io_fail(errno, NULL);
    *at = map;
    return EVL_OK;
}

void linux_unmap(struct io *io, void *at, size_t size)
{
    (void)io;
    (void)munmap(at, size); /* fails only for what was never mapped */
}

uint64_t linux_load(struct io *io, const uint64_t *word)
{
    (void)io;
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

void linux_store(struct io *io, uint64_t *word, uint64_t value)
{
    (void)io;
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

void linux_add(struct io *io, uint64_t *word, uint64_t value)
{
    (void)io;
    __atomic_fetch_add(word, value, __ATOMIC_ACQ_REL);
}

/* The kernel compares 32 bits, the low ones, which come first in memory.  A
 * word that moves by a multiple of 2^32 between our look and the kernel's is
 * missed until the next wake or the deadline. */
void linux_watch(struct io *io, const uint64_t *word, uint64_t seen, int64_t until)
{
    if (linux_load(io, word) != seen || until <= linux_now(io))
        return;
    struct timespec deadline = { .tv_sec = until / (1000 * (int64_t)IO_MS),
                                 .tv_nsec = until % (1000 * (int64_t)IO_MS) };
    (void)syscall(SYS_futex, word, FUTEX_WAIT_BITSET, (uint32_t)seen, &deadline, NULL,
                  FUTEX_BITSET_MATCH_ANY); /* any reason to return is good */
}

void linux_wake(struct io *io, uint64_t *word)
{
    (void)io;
    (void)syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
