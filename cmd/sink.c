/* sink.c - bytes out, in blocks that end where a record ends.
 *
 * Blocks are large where nobody watches, single records where somebody does.
 * From the second large block on, a thread writes one block while the next is
 * filled: a pipe's reader and we then work at the same time.
 *
 * (1) The block in `passing` is the thread's between `filled` and `written`.
 * (2) After sink_flush() nothing is on its way.
 *
 * A reader that has seen enough (EPIPE) is not an error: the status is
 * EXIT_STOPPED, and the tool ends by SIGPIPE, without a word. */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIPE_BYTES = 1 << 20 };

struct sink_thread {
    pthread_t thread;
    sem_t filled;  /* `passing` is to be written, or we are to end */
    sem_t written; /* `passing` is empty */
    struct evl_buffer passing;
    int fd;
    int error; /* errno of the first failure */
    bool ends;
};

void sink_begin(struct sink *sink, int fd, const char *name)
{
    *sink = (struct sink){ .fd = fd, .name = name };
    sink->terminal = isatty(fd);
    sink->eager = sink->terminal;
    (void)fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES); /* not a pipe, or not allowed: as it is */
}

/* Write a block and empty it; 0 or errno. */
static int block_write(int fd, struct evl_buffer *block)
{
    size_t done = 0;
    int error = 0;
    while (done < block->count && error == 0) {
        ssize_t count = write(fd, block->at + done, block->count - done);
        if (count >= 0)
            done += (size_t)count;
        else if (errno != EINTR)
            error = errno;
    }
    evl_buffer_clear(block);
    return error;
}

static void sink_fail(struct sink *sink, int error)
{
    if (error == 0 || sink->status)
        return;
    sink->status = error == EPIPE ? EXIT_STOPPED : EXIT_IO;
    errno = error;
    if (error != EPIPE)
        (void)say_system("%s", sink->name); /* whatever it was, it is writing that failed */
}

/* ---- the thread ---------------------------------------------------------- */

static void sem_take(sem_t *sem)
{
    while (sem_wait(sem) < 0 && errno == EINTR)
        continue;
}

static void *write_behind(void *context)
{
    struct sink_thread *t = context;
    for (;;) {
        sem_take(&t->filled);
        if (t->ends)
            return NULL;
        if (t->error == 0)
            t->error = block_write(t->fd, &t->passing);
        sem_post(&t->written);
    }
}

/* Without one it is slower, and as right. */
static void thread_start(struct sink *sink)
{
    struct sink_thread *t = tool_take(1, sizeof *t);
    sigset_t all, before;
    t->fd = sink->fd;
    sem_init(&t->filled, 0, 0);
    sem_init(&t->written, 0, 1);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&t->thread, NULL, write_behind, t) == 0)
        sink->thread = t;
    else
        free(t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Wait until nothing is on its way. */
static void thread_await(struct sink *sink)
{
    struct sink_thread *t = sink->thread;
    if (!t)
        return;
    sem_take(&t->written);
    sink_fail(sink, t->error);
    sem_post(&t->written);
}

static void thread_end(struct sink *sink)
{
    struct sink_thread *t = sink->thread;
    if (!t)
        return;
    sem_take(&t->written);
    t->ends = true;
    sem_post(&t->filled);
    pthread_join(t->thread, NULL);
    evl_buffer_release(&t->passing);
    sem_destroy(&t->filled);
    sem_destroy(&t->written);
    free(t);
    sink->thread = NULL;
}

/* ---- passing on ---------------------------------------------------------- */

static void block_swap(struct sink *sink)
{
    struct sink_thread *t = sink->thread;
    struct evl_buffer full = sink->bytes;
    sem_take(&t->written);
    sink_fail(sink, t->error);
    sink->bytes = t->passing;
    t->passing = full;
    evl_buffer_clear(&sink->bytes);
    sem_post(&t->filled);
}

int sink_pass(struct sink *sink)
{
    sink->written += (int64_t)sink->bytes.count;
    if (sink->thread) {
        block_swap(sink);
        return sink->status;
    }
    bool large = sink->bytes.count >= SINK_BLOCK;
    sink_fail(sink, block_write(sink->fd, &sink->bytes));
    if (large && sink->status == 0)
        thread_start(sink);
    return sink->status;
}

int sink_flush(struct sink *sink)
{
    thread_await(sink);
    sink->written += (int64_t)sink->bytes.count;
    if (sink->status == 0)
        sink_fail(sink, block_write(sink->fd, &sink->bytes));
    evl_buffer_clear(&sink->bytes);
    return sink->status;
}

int sink_end(struct sink *sink)
{
    (void)sink_flush(sink); /* its status is the sink's */
    thread_end(sink);
    if (sink->fd >= 0 && close(sink->fd) < 0 && errno != EBADF)
        sink_fail(sink, errno);
    sink->fd = -1;
    evl_buffer_release(&sink->bytes);
    return sink->status;
}
