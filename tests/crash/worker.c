/* worker.c - a writer or a follower to be killed.
 *
 *     worker write DIR TOPIC NAME [COUNT]    records "NAME 0", "NAME 1", ...: prints
 *                                            "OFFSET NAME N" once each is acknowledged
 *     worker follow DIR TOPIC                prints "OFFSET VALUE" of each record, for ever
 *     worker read DIR TOPIC                  the same, to the end
 *     worker hold DIR TOPIC                  takes the partition's lock, prints "held", waits
 *
 * What it prints is out before it goes on, a line in one write: a line that is
 * there is a promise.  A writer says on stderr "gap MS" when it had to wait
 * longer for an acknowledgement than ever before.  WORKER_TIMEOUT_MS is how long
 * to wait for locks, WORKER_PAUSE_MS how long a writer rests between batches. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <evl/consumer.h>
#include <evl/producer.h>

#include "place/place.h"

enum { PUSH_EVERY = 16 };

static const char *writer;
static int64_t acknowledged, longest_gap_ms = 50;

static int64_t setting(const char *name)
{
    const char *text = getenv(name);
    return text ? strtoll(text, NULL, 10) : 0;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int complain(enum evl_error err)
{
    fprintf(stderr, "worker: %s\n", evl_fault());
    return evl_error_exit(err);
}

static void receipt(void *context, const struct evl_receipt *r)
{
    char line[128];
    (void)context;
    int n = snprintf(line, sizeof line, "%" PRId64 " %s %" PRId64 "\n", r->offset, writer,
                     acknowledged++);
    if (write(STDOUT_FILENO, line, (size_t)n) != n)
        _exit(74);
}

/* Everything sent is acknowledged; how long that took. */
static enum evl_error flush_timed(struct evl_producer *p)
{
    int64_t begun = now_ms();
    enum evl_error err = evl_producer_flush(p);
    int64_t gap = now_ms() - begun;
    if (gap > longest_gap_ms)
        fprintf(stderr, "gap %" PRId64 "\n", longest_gap_ms = gap);
    return err;
}

static enum evl_error produce(struct evl_producer *p, int64_t count)
{
    char text[128];
    enum evl_error err = EVL_OK;
    int64_t pause_ms = setting("WORKER_PAUSE_MS");
    for (int64_t i = 0; i < count && !err; i++) {
        struct evl_record record = EVL_RECORD_NONE;
        snprintf(text, sizeof text, "%s %" PRId64, writer, i);
        record.value = evl_text(text);
        err = evl_producer_send(p, &record);
        if (!err && i % PUSH_EVERY == PUSH_EVERY - 1)
            err = pause_ms ? flush_timed(p) : evl_producer_push(p);
        if (!err && pause_ms && i % PUSH_EVERY == 0)
            usleep((useconds_t)pause_ms * 1000);
    }
    return err ? err : evl_producer_flush(p);
}

static enum evl_error run_write(struct evl_place *place, const char *topic, char **words)
{
    struct evl_producer *p;
    struct evl_producer_options o = { .topic = topic, .create = true, .acknowledged = receipt };
    writer = words[0];
    enum evl_error err = evl_producer_open(place, &o, &p);
    if (err)
        return err;
    err = produce(p, words[1] ? strtoll(words[1], NULL, 10) : INT64_MAX);
    evl_producer_close(p);
    return err;
}

static enum evl_error show(struct evl_consumer *c, bool follow)
{
    struct evl_record record;
    enum evl_next what = EVL_NEXT_IDLE;
    bool more;
    for (;;) {
        enum evl_error err = evl_consumer_next(c, &record, &what);
        if (err || what == EVL_NEXT_END)
            return err;
        if (what == EVL_NEXT_RECORD)
            printf("%" PRId64 " %.*s\n", record.offset, (int)record.value.count,
                   (const char *)record.value.at);
        else if (follow && !fflush(stdout))
            err = evl_consumer_wait(c, 1000, &more);
        if (err)
            return err;
    }
}

static enum evl_error run_read(struct evl_place *place, const char *topic, bool follow)
{
    struct evl_consumer *c;
    struct evl_consumer_options o = { .follow = follow };
    enum evl_error err = evl_consumer_open(place, &o, &c);
    if (err)
        return err;
    err = evl_consumer_add(c, topic, 0, 0, -1);
    if (!err)
        err = show(c, follow);
    evl_consumer_close(c);
    return fflush(stdout) ? EVL_ERR_IO : err;
}

static enum evl_error run_hold(struct evl_place *place, const char *topic)
{
    struct log *log;
    enum evl_error err = directory_log(place->directory, topic, 0, NULL, &log);
    if (!err)
        err = log_enter(log);
    if (err)
        return err;
    puts("held");
    fflush(stdout);
    for (;;)
        pause();
}

static enum evl_error run(struct evl_place *place, char **words)
{
    if (strcmp(words[1], "write") == 0 && words[4])
        return run_write(place, words[3], words + 4);
    if (strcmp(words[1], "follow") == 0)
        return run_read(place, words[3], true);
    if (strcmp(words[1], "read") == 0)
        return run_read(place, words[3], false);
    if (strcmp(words[1], "hold") == 0)
        return run_hold(place, words[3]);
    return EVL_ERR_USAGE;
}

int main(int argc, char **argv)
{
    struct evl_place *place;
    if (argc < 4)
        return 2;
    struct evl_place_options o = { .dir = argv[2],
                                   .create = strcmp(argv[1], "write") == 0,
                                   .timeout_ms = setting("WORKER_TIMEOUT_MS") };
    enum evl_error err = evl_place_open(&o, &place);
    if (err)
        return complain(err);
    err = run(place, argv);
    evl_place_close(place);
    return err ? complain(err) : 0;
}
