/* feed.c - bytes in, as fast as they come.
 *
 * A thread reads ahead into a ring of slots while the owner works on what came
 * before; a terminal and a small file are read in place.  The owner always
 * sees one contiguous piece: what it left of a slot is moved in front of the
 * next one, into a margin that each slot has for this.  What is too long for
 * the margin (a record of 100 MB) is collected in `spill`.
 *
 *     margin | slot 0      margin | slot 1      ...
 *        ^^^^^ left of the slot before
 *
 * (1) `filled` counts slots that the thread has handed over, `emptied` those
 *     that the owner gave back; the thread writes only to slots that are
 *     given back, the owner reads only what is handed over.
 * (2) The owner holds at most one slot, the one that `unread` lies in.
 * (3) The margin in front of a slot belongs to the owner. */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SLOTS = 8,
    SLOT_BYTES = 512 << 10,
    MARGIN_BYTES = 64 << 10,
    PIPE_BYTES = 1 << 20,
    SMALL_FILE = 1 << 20,
};

struct slot {
    uint8_t *at;
    size_t count;
    int error; /* errno, if reading ended by it */
    bool last;
};

struct feed {
    int fd;
    const char *name;
    bool terminal, threaded, ended, holds;
    int64_t size;
    struct evl_bytes unread;
    struct evl_buffer spill; /* unread lies here when it is long */
    bool spilt;
    uint8_t *memory;
    struct slot slots[SLOTS];
    pthread_t thread;
    atomic_size_t filled, emptied;
    atomic_bool owner_waits, thread_waits;
    int owner_bell, thread_bell, end_bell; /* eventfd */
};

/* ---- the thread ---------------------------------------------------------- */

static void bell_ring(int bell)
{
    uint64_t one = 1;
    (void)!write(bell, &one, sizeof one); /* full: it rings already */
}

static void bell_wait(int bell)
{
    uint64_t count;
    while (read(bell, &count, sizeof count) < 0 && errno == EINTR)
        continue;
}

/* Wait for a descriptor, or for the end: false if that came. */
static bool thread_poll(const struct feed *feed, int fd)
{
    struct pollfd polls[2] = { { .fd = feed->end_bell, .events = POLLIN },
                               { .fd = fd, .events = POLLIN } };
    while (poll(polls, 2, -1) < 0 && errno == EINTR)
        continue;
    return polls[0].revents == 0;
}

/* Wait until there is a slot to fill.  The flag is up before the last look, so
 * that the owner sees it if we did not see the slot.  False: it is over. */
static bool slot_await(struct feed *feed, size_t turn)
{
    for (;;) {
        if (turn - atomic_load(&feed->emptied) < SLOTS)
            return true;
        atomic_store(&feed->thread_waits, true);
        if (turn - atomic_load(&feed->emptied) < SLOTS)
            return true;
        if (!thread_poll(feed, feed->thread_bell))
            return false;
        bell_wait(feed->thread_bell);
    }
}

static void slot_fill(struct feed *feed, struct slot *slot)
{
    ssize_t count;
    do
        count = read(feed->fd, slot->at, SLOT_BYTES);
    while (count < 0 && errno == EINTR);
    slot->count = count > 0 ? (size_t)count : 0;
    slot->error = count < 0 ? errno : 0;
    slot->last = count <= 0;
}

static void *read_ahead(void *context)
{
    struct feed *feed = context;
    for (size_t turn = 0;; turn++) {
        if (!slot_await(feed, turn) || !thread_poll(feed, feed->fd))
            return NULL;
        struct slot *slot = &feed->slots[turn % SLOTS];
        slot_fill(feed, slot);
        bool last = slot->last;
        atomic_store(&feed->filled, turn + 1);
        if (atomic_exchange(&feed->owner_waits, false))
            bell_ring(feed->owner_bell);
        if (last)
            return NULL;
    }
}

/* ---- a feed's life ------------------------------------------------------- */

static void slots_make(struct feed *feed)
{
    size_t each = MARGIN_BYTES + SLOT_BYTES;
    size_t count = feed->threaded ? SLOTS : 1;
    feed->memory = tool_take(count, each);
    for (size_t i = 0; i < count; i++)
        feed->slots[i].at = feed->memory + i * each + MARGIN_BYTES;
}

/* Signals are for the owner: it has the handlers' consequences to carry. */
static bool thread_start(struct feed *feed)
{
    sigset_t all, before;
    feed->owner_bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    feed->thread_bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    feed->end_bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = feed->owner_bell >= 0 && feed->thread_bell >= 0 && feed->end_bell >= 0 &&
                   pthread_create(&feed->thread, NULL, read_ahead, feed) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

int feed_open(const char *path, struct feed **feed)
{
    if (strcmp(path, "-") == 0)
        return feed_adopt(STDIN_FILENO, "stdin", feed);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? say_system("%s", path) : feed_adopt(fd, path, feed);
}

int feed_adopt(int fd, const char *name, struct feed **opened)
{
    struct stat stat;
    if (fstat(fd, &stat) < 0)
        return say_system("%s", name);
    errno = EISDIR;
    if (S_ISDIR(stat.st_mode))
        return say_system("%s", name);
    struct feed *feed = tool_take(1, sizeof *feed);
    *feed = (struct feed){ .fd = fd, .name = name };
    feed->owner_bell = feed->thread_bell = feed->end_bell = -1;
    feed->terminal = isatty(fd);
    feed->size = S_ISREG(stat.st_mode) ? (int64_t)stat.st_size : -1;
    feed->threaded = !feed->terminal && (feed->size < 0 || feed->size > SMALL_FILE);
    (void)fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES); /* not a pipe, or not allowed: as it is */
    slots_make(feed);
    if (feed->threaded && !thread_start(feed))
        feed->threaded = false; /* slower, and as right */
    *opened = feed;
    return 0;
}

static void bell_remove(int bell)
{
    if (bell >= 0)
        close(bell);
}

void feed_close(struct feed *feed)
{
    if (!feed)
        return;
    if (feed->threaded) {
        bell_ring(feed->end_bell);
        pthread_join(feed->thread, NULL);
    }
    bell_remove(feed->owner_bell);
    bell_remove(feed->thread_bell);
    bell_remove(feed->end_bell);
    if (feed->fd != STDIN_FILENO)
        close(feed->fd);
    evl_buffer_release(&feed->spill);
    free(feed->memory);
    free(feed);
}

const char *feed_name(const struct feed *feed) { return feed->name; }
bool feed_is_terminal(const struct feed *feed) { return feed->terminal; }
int64_t feed_size(const struct feed *feed) { return feed->size; }
struct evl_bytes feed_bytes(const struct feed *feed) { return feed->unread; }

void feed_take(struct feed *feed, size_t count)
{
    feed->unread.at += count;
    feed->unread.count -= count;
}

/* ---- more ---------------------------------------------------------------- */

static void slot_release(struct feed *feed)
{
    if (!feed->holds)
        return;
    feed->holds = false;
    atomic_fetch_add(&feed->emptied, 1);
    if (atomic_exchange(&feed->thread_waits, false))
        bell_ring(feed->thread_bell);
}

/* Put what is left in front of a new slot, or, if it is long, both into the spill. */
static void slot_join(struct feed *feed, struct slot *slot)
{
    struct evl_bytes left = feed->unread;
    if (left.count <= MARGIN_BYTES) {
        uint8_t *to = slot->at - left.count;
        if (left.count)
            memmove(to, left.at, left.count);
        slot_release(feed);
        feed->unread = evl_bytes(to, left.count + slot->count);
        feed->holds = true;
        feed->spilt = false;
        return;
    }
    if (feed->spilt) {
        evl_buffer_drop(&feed->spill, (size_t)(left.at - feed->spill.at));
    } else {
        evl_buffer_clear(&feed->spill);
        evl_buffer_add(&feed->spill, left.at, left.count);
    }
    slot_release(feed);
    evl_buffer_add(&feed->spill, slot->at, slot->count);
    feed->spilt = true;
    feed->unread = evl_buffer_bytes(&feed->spill);
    feed->holds = true;
    slot_release(feed);
}

static enum feed_event slot_take(struct feed *feed, struct slot *slot)
{
    if (slot->last) {
        feed->ended = true;
        errno = slot->error;
        if (slot->error)
            (void)say_system("%s", feed->name);
        return slot->error ? FEED_BROKEN : FEED_END;
    }
    slot_join(feed, slot);
    return FEED_MORE;
}

/* Wait for `fd` or a signal. */
static enum feed_event feed_poll(int fd, int64_t ms)
{
    struct pollfd polls[2] = { { .fd = fd, .events = POLLIN },
                               { .fd = signals_fd(), .events = POLLIN } };
    int timeout = ms < 0 ? -1 : ms > INT32_MAX ? INT32_MAX : (int)ms;
    int ready = poll(polls, 2, timeout);
    if (polls[1].revents || (ready < 0 && errno == EINTR)) {
        signals_drain();
        return FEED_WOKEN;
    }
    return ready == 0 ? FEED_IDLE : FEED_MORE;
}

static enum feed_event more_threaded(struct feed *feed, int64_t ms)
{
    size_t turn = atomic_load(&feed->emptied) + feed->holds;
    while (atomic_load(&feed->filled) == turn) {
        atomic_store(&feed->owner_waits, true);
        if (atomic_load(&feed->filled) != turn)
            break;
        enum feed_event event = feed_poll(feed->owner_bell, ms);
        if (event != FEED_MORE)
            return event;
        bell_wait(feed->owner_bell);
    }
    return slot_take(feed, &feed->slots[turn % SLOTS]);
}

/* There is one slot, and what is left of it moves to its front. */
static enum feed_event more_in_place(struct feed *feed, int64_t ms)
{
    enum feed_event event =
        feed->size < 0 || signals_caught() ? feed_poll(feed->fd, ms) : FEED_MORE;
    if (event != FEED_MORE)
        return event;
    struct slot next = { .at = feed->slots[0].at };
    struct evl_bytes left = feed->unread;
    if (!feed->spilt && left.count > MARGIN_BYTES) { /* the slot is about to be filled anew */
        evl_buffer_clear(&feed->spill);
        evl_buffer_add(&feed->spill, left.at, left.count);
        feed->unread = evl_buffer_bytes(&feed->spill);
        feed->spilt = true;
    } else if (!feed->spilt && left.count) {
        feed->unread.at = memmove(next.at - left.count, left.at, left.count);
    }
    slot_fill(feed, &next);
    return slot_take(feed, &next);
}

enum feed_event feed_more(struct feed *feed, int64_t ms)
{
    if (feed->ended)
        return FEED_END;
    return feed->threaded ? more_threaded(feed, ms) : more_in_place(feed, ms);
}
