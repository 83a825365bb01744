/* watch.c - sleeping until files change.  See watch.h. */
#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "stream.h"

enum {
    LOOK_MS = 1000,      /* between looks, if the kernel tells */
    LOOK_BLIND_MS = 100, /* if it does not */
};

struct watch {
    int fd; /* inotify; -1: there is none */
    bool blind;
};

struct watch *watch_open(void)
{
    struct watch *watch = tool_take(1, sizeof *watch);
    watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    watch->blind = watch->fd < 0;
    return watch;
}

void watch_close(struct watch *watch)
{
    if (watch && watch->fd >= 0)
        close(watch->fd);
    free(watch);
}

/* A folder that is not there yet is seen at the next look; but when there are
 * no more watches to be had, looks are all there is. */
static int watch_add(struct watch *watch, const char *path, uint32_t events)
{
    int handle = watch->fd < 0 ? -1 : inotify_add_watch(watch->fd, path, events);
    if (handle < 0 && errno != ENOENT && errno != ENOTDIR)
        watch->blind = true;
    return handle;
}

void watch_folder(struct watch *watch, const char *path)
{
    (void)watch_add(watch, path,
                    IN_ONLYDIR | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                        IN_DELETE_SELF | IN_MOVE_SELF);
}

/* By its descriptor: a name may lead to another file in the meantime. */
int watch_file(struct watch *watch, int fd)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return watch_add(watch, path, IN_MODIFY);
}

void watch_forget(struct watch *watch, int handle)
{
    if (handle >= 0)
        (void)inotify_rm_watch(watch->fd, handle); /* it ended with its file, perhaps */
}

static void events_drain(const struct watch *watch)
{
    _Alignas(struct inotify_event) char events[4096];
    while (read(watch->fd, events, sizeof events) > 0)
        continue;
}

enum watch_event watch_wait(struct watch *watch, int64_t ms)
{
    struct pollfd polls[2] = { { .fd = watch->fd, .events = POLLIN },
                               { .fd = signals_fd(), .events = POLLIN } };
    int look = watch->blind ? LOOK_BLIND_MS : LOOK_MS;
    bool patient = ms < 0 || ms > look;
    int ready = poll(polls, 2, patient ? look : (int)ms);
    if (polls[1].revents || (ready < 0 && errno == EINTR)) {
        signals_drain();
        return WATCH_SIGNAL;
    }
    if (ready > 0)
        events_drain(watch);
    return ready > 0 || patient ? WATCH_CHANGE : WATCH_QUIET;
}
