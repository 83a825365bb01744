/* evconsume_ack.c - --commit ack: whoever reads our output says what is done.
 *
 * A line "topic TAB partition TAB offset" finishes one record, in any order.
 * The lines come on descriptor 3 or in the file of --ack, a FIFO mostly, and are
 * read by a thread of the feed: a reader that waits for us to take its lines
 * while we wait for it to take our records would wait for ever. */
#include "evconsume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
    ACK_FD = 3,
    ACK_BYTES_MAX = 512,    /* of one line */
    ACKS_AWAITED = 1 << 20, /* records; then the next one waits */
};

/* Whether 3 was handed to us is known only before we open anything. */
int ack_reserve(void)
{
    return fcntl(ACK_FD, F_GETFD) < 0 ? -1 : fcntl(ACK_FD, F_DUPFD_CLOEXEC, 4);
}

int ack_open(struct consume *c, int reserved)
{
    const char *path = c->options.ack;
    if (c->commit.when != COMMIT_ACK)
        return 0;
    if (!path && reserved < 0)
        return say_usage("--commit ack: nobody is on descriptor 3; open it, or name a FIFO: --ack");
    /* Without O_NONBLOCK, a FIFO is open when somebody writes to it: he may be
     * waiting for the first record. */
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : reserved;
    if (fd < 0)
        return say_system("%s", path);
    return feed_adopt(fd, path ? path : "acknowledgements", &c->acks);
}

/* ---- lines --------------------------------------------------------------- */

static int line_refuse(struct consume *c, const char *line)
{
    say(SAY_ERROR, "%s: '%s' is not a line of topic, partition and offset that are read here",
        feed_name(c->acks), line);
    return EXIT_DATA;
}

/* One that we do not wait for was said twice, or is of a record that was not
 * written: no harm. */
static int line_take(struct consume *c, const char *line)
{
    char topic[ACK_BYTES_MAX + 1], partition[ACK_BYTES_MAX + 1], offset[ACK_BYTES_MAX + 1];
    int64_t p, o;
    struct range *range = NULL;
    if (sscanf(line, "%[^\t]\t%[0-9]\t%[0-9]", topic, partition, offset) == 3 &&
        number_read(partition, &p) && number_read(offset, &o) && p <= INT32_MAX)
        range = range_find(c, evl_text(topic), (int32_t)p);
    if (!range)
        return line_refuse(c, line);
    (void)commit_finish(c, range->ledger, o);
    return 0;
}

/* The lines that have come. */
static int lines_take(struct consume *c)
{
    int status = 0;
    for (;;) {
        struct evl_bytes bytes = feed_bytes(c->acks);
        const uint8_t *end = bytes.count ? memchr(bytes.at, '\n', bytes.count) : NULL;
        if (!end && bytes.count <= ACK_BYTES_MAX)
            return 0;
        char line[ACK_BYTES_MAX + 1];
        size_t length = end ? (size_t)(end - bytes.at) : bytes.count;
        size_t kept = length < ACK_BYTES_MAX ? length : ACK_BYTES_MAX;
        memcpy(line, bytes.at, kept);
        line[kept] = '\0';
        status = line_take(c, line);
        feed_take(c->acks, length + 1);
        if (status)
            return status;
    }
}

/* Take lines until none comes for `ms`. */
static int acks_take(struct consume *c, int64_t ms)
{
    enum feed_event event = FEED_MORE;
    while (event == FEED_MORE && !c->acks_ended) {
        event = feed_more(c->acks, ms);
        c->acks_ended = event == FEED_END || event == FEED_BROKEN;
        int status = lines_take(c);
        if (status || event == FEED_BROKEN)
            return status ? status : EXIT_IO;
        ms = 0;
    }
    return 0;
}

int ack_take(struct consume *c)
{
    enum { GLANCE_MS = 200 };
    int status = c->acks ? acks_take(c, 0) : 0;
    while (status == 0 && c->acks && c->commit.open >= ACKS_AWAITED && !c->acks_ended &&
           !signals_caught())
        status = acks_take(c, GLANCE_MS);
    return status;
}

int ack_end(struct consume *c, bool wait)
{
    enum { GLANCE_MS = 200 };
    int status = acks_take(c, 0);
    while (status == 0 && wait && c->commit.open > 0 && !c->acks_ended && !signals_caught()) {
        status = acks_take(c, GLANCE_MS);
        if (status == 0 && commit_is_due(c))
            status = commit_now(c);
    }
    if (status || !wait || c->commit.open == 0 || signals_caught())
        return status;
    say(SAY_ERROR, "%lld records were not acknowledged; the next run begins with them",
        (long long)c->commit.open);
    return EXIT_TEMPORARY;
}
