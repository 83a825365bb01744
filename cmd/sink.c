/* sink.c - bytes out, in blocks that end where a record ends.
 *
 * Blocks are large where nobody watches, single records where somebody does.
 * A reader that has seen enough (EPIPE) is not an error: the status is
 * EXIT_STOPPED, and the tool ends by SIGPIPE, without a word. */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { PIPE_BYTES = 1 << 20 };

void sink_begin(struct sink *sink, int fd, const char *name)
{
    *sink = (struct sink){ .fd = fd, .name = name };
    sink->terminal = isatty(fd);
    sink->eager = sink->terminal;
    (void)fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES); /* not a pipe, or not allowed: as it is */
}

static void sink_fail(struct sink *sink)
{
    if (sink->status)
        return;
    if (errno == EPIPE) {
        sink->status = EXIT_STOPPED;
        return;
    }
    (void)say_system("%s", sink->name); /* whatever errno says, it is writing that failed */
    sink->status = EXIT_IO;
}

int sink_flush(struct sink *sink)
{
    size_t done = 0;
    while (done < sink->bytes.count && sink->status == 0) {
        ssize_t count = write(sink->fd, sink->bytes.at + done, sink->bytes.count - done);
        if (count >= 0)
            done += (size_t)count;
        else if (errno != EINTR)
            sink_fail(sink);
    }
    sink->written += (int64_t)done;
    evl_buffer_clear(&sink->bytes);
    return sink->status;
}

int sink_end(struct sink *sink)
{
    (void)sink_flush(sink); /* its status is the sink's */
    if (sink->fd >= 0 && close(sink->fd) < 0 && sink->status == 0 && errno != EBADF)
        sink_fail(sink);
    sink->fd = -1;
    evl_buffer_release(&sink->bytes);
    return sink->status;
}
