/* lock.c - one run of a job at a time: what `flock` does, without its wrapper.
 *
 * A lock is a byte of a file without content, so that one file serves any number
 * of names.  The kernel drops it when its holder dies, however that happens; the
 * descriptor is closed in every child, so that none outlives him with it. */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

/* Two names with one byte would be one lock: 2^62 bytes make that a fable. */
static off_t name_byte(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (const char *p = name; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 0x100000001b3u;
    return (off_t)(hash >> 2);
}

int lock_take(const char *path, const char *name, int64_t ms)
{
    enum { GLANCE_MS = 50 };
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return say_system("%s", path);
    struct flock lock = { .l_type = F_WRLCK, .l_start = name_byte(name), .l_len = 1 };
    int64_t deadline = tool_clock_ms() + ms;
    while (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
        if (errno != EAGAIN && errno != EACCES)
            return say_system("%s", path);
        if (signals_caught())
            return 0; /* whoever looks next ends by it */
        if (tool_clock_ms() >= deadline) {
            say(SAY_WARNING, "another run holds the lock of %s in %s", name, path);
            return EXIT_TEMPORARY;
        }
        (void)poll(NULL, 0, GLANCE_MS);
    }
    return 0; /* the descriptor is the lock, until we end */
}
