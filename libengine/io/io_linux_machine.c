/* io_linux_machine.c - clock, chance, and the other processes. */
#include "io/io_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

enum { SECOND_NS = 1000 * IO_MS };

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    check(clock_gettime(clock, &t) == 0);
    return t.tv_sec * (int64_t)SECOND_NS + t.tv_nsec;
}

int64_t linux_now(struct io *io)
{
    (void)io;
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t linux_wall_ms(struct io *io)
{
    (void)io;
    return clock_ns(CLOCK_REALTIME) / IO_MS;
}

void linux_sleep(struct io *io, int64_t ns)
{
    (void)io;
    struct timespec left = { .tv_sec = ns / SECOND_NS, .tv_nsec = ns % SECOND_NS };
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        continue;
}

/* Asked each time, not kept in a pool: after a fork two processes would draw
 * the same numbers from it. */
uint64_t linux_random(struct io *io)
{
    (void)io;
    uint64_t value;
    ssize_t n;
    do
        n = getrandom(&value, sizeof value, 0);
    while (n < 0 && errno == EINTR);
    check(n == sizeof value); /* up to 256 bytes come whole */
    return value;
}

/* ---- /proc --------------------------------------------------------------- */

/* The beginning of a small file, as text; -1 if it cannot be read. */
static ssize_t read_text(const char *path, char *room, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n;
    do
        n = read(fd, room, size - 1);
    while (n < 0 && errno == EINTR);
    close(fd);
    room[n < 0 ? 0 : n] = '\0';
    return n;
}

static struct io_boot boot;

/* 32 hexadecimal digits, with dashes between. */
static void read_boot(void)
{
    char text[64];
    check(read_text("/proc/sys/kernel/random/boot_id", text, sizeof text) > 0);
    int digits = 0;
    for (const char *p = text; *p && digits < 32; p++) {
        const char *all = "0123456789abcdef";
        const char *digit = strchr(all, *p);
        if (!digit)
            continue;
        uint64_t *half = digits++ < 16 ? &boot.high : &boot.low;
        *half = *half << 4 | (uint64_t)(digit - all);
    }
    check(digits == 32);
}

struct io_boot linux_boot(struct io *io)
{
    (void)io;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_boot);
    return boot;
}

int32_t linux_pid(struct io *io)
{
    (void)io;
    return getpid();
}

/* A number that the kernel has given to another process since cannot be told
 * from the one that was meant.  /proc may hide processes of other people, whose
 * state is then not known. */
enum io_process linux_process(struct io *io, int32_t pid)
{
    (void)io;
    char path[32];
    char text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    const char *name_end = read_text(path, text, sizeof text) > 0 ? strrchr(text, ')') : NULL;
    if (!name_end || name_end[1] != ' ')
        return kill(pid, 0) == 0 || errno == EPERM ? IO_RUNNING : IO_GONE;
    switch (name_end[2]) {
    case 'T':
    case 't': return IO_STOPPED;
    case 'Z':
    case 'X':
    case 'x': return IO_GONE;
    default: return IO_RUNNING;
    }
}
