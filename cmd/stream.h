/* stream.h - records in and out: stdin, stdout, signals, progress. */
#ifndef CMD_STREAM_H
#define CMD_STREAM_H

#include <signal.h>

#include "tool.h"

/* ---- signals.c ----------------------------------------------------------- */

/* The first thing that a tool does: its name, and 0, 1 and 2 are open, whatever
 * the parent closed. */
void tool_begin(const char *name);

/* From here on INT, TERM and HUP ask the tool to finish what it has begun; a
 * second one ends it at once.  USR1 asks for a line of status. */
void signals_begin(void);

/* The signal that asked us to stop, or 0. */
int signals_caught(void);

/* As if it had come: it ended a child that stands for us. */
void signals_catch(int number);

/* From here on the end of a child rings as a signal does. */
void signals_mind_children(void);

/* No signal is handled until it is let through again: around the begin of a child
 * that has our memory, where a handler of ours would speak of us. */
void signals_hold(sigset_t *before);
void signals_let(const sigset_t *before);

/* In such a child, before it becomes another program: it has none of our handlers,
 * and what is ignored by us alone is not ignored. */
void signals_restore(const sigset_t *before);

/* Whether USR1 came since the last call. */
bool signals_asked(void);

/* Readable when a signal came: for poll. */
int signals_fd(void);
void signals_drain(void);

/* From now on the tool has `ms` to finish; then it dies by the signal. */
void signals_hurry(int64_t ms);

/* End as the shell expects it: by the signal that was caught, by SIGPIPE if
 * `status` is EXIT_STOPPED, or with the status. */
_Noreturn void tool_exit(int status);

/* ---- progress.c ---------------------------------------------------------- */

/* Long work on a terminal shows one line on stderr; a pipe or cron never sees
 * it.  `doing` is a constant text: "evproduce: orders".  `shared`: meanwhile
 * something else is printed on stdout, and on its terminal no such line is. */
struct progress {
    const char *doing;
    bool on;
    int64_t begun_ms, next_ms;
};

enum progress_wish { PROGRESS_AUTO, PROGRESS_ALWAYS, PROGRESS_NEVER };
void progress_begin(struct progress *progress, const char *doing, enum progress_wish wish,
                    bool shared);

/* How far it is; total < 0 is not known.  Cheap: look at the clock now and then,
 * so call it per block, not per record. */
void progress_tick(struct progress *progress, int64_t records, int64_t bytes, int64_t total);

/* Take the line off the screen; say() does it, too. */
void progress_erase(void);

/* "1200 records, 88 kB, 0.4s, 3.1M/s" */
void progress_summary(const struct progress *progress, int64_t records, int64_t bytes,
                      struct evl_buffer *text);

/* ---- feed.c: bytes in ---------------------------------------------------- */

struct feed;

/* Read a file; "-" is stdin. */
int feed_open(const char *path, struct feed **feed);

/* Read what is open already, and close it in the end. */
int feed_adopt(int fd, const char *name, struct feed **feed);
void feed_close(struct feed *feed);

/* What was read and not taken yet, in one piece.  Borrowed until feed_more. */
struct evl_bytes feed_bytes(const struct feed *feed);

/* The first `count` bytes are done with. */
void feed_take(struct feed *feed, size_t count);

enum feed_event {
    FEED_MORE,  /* there are more bytes behind the ones that were left */
    FEED_IDLE,  /* nothing came for that long */
    FEED_END,   /* there are no more */
    FEED_WOKEN, /* a signal came */
    FEED_BROKEN /* reading failed; it was said */
};

/* Get more, waiting up to `ms`; -1 for ever. */
enum feed_event feed_more(struct feed *feed, int64_t ms);

const char *feed_name(const struct feed *feed);
bool feed_is_terminal(const struct feed *feed);
int64_t feed_size(const struct feed *feed); /* -1 if nobody knows */

/* ---- sink.c: bytes out --------------------------------------------------- */

/* Collects what is written, and passes it on in blocks that end at the end of
 * a record. */
struct sink {
    struct evl_buffer bytes; /* add a record to it, then call sink_record() */
    int fd;
    bool eager; /* each record at once: a terminal, -f, -u */
    bool terminal;
    int64_t written;  /* bytes passed on so far */
    const char *name; /* for messages */
    int status;       /* of the first failure */
    struct sink_thread *thread;
};
void sink_begin(struct sink *sink, int fd, const char *name);

/* Pass the block on; its status may be that of an earlier one. */
int sink_pass(struct sink *sink);

/* Pass it on, and see that all was written. */
int sink_flush(struct sink *sink);

/* Flush and close: what a full disk did not take is known only then. */
int sink_end(struct sink *sink);

enum { SINK_BLOCK = 256 << 10 };

/* One record is complete: pass the block on if it is full.  Its status. */
static inline int sink_record(struct sink *sink)
{
    if (sink->eager)
        return sink_flush(sink);
    return sink->bytes.count >= SINK_BLOCK ? sink_pass(sink) : 0;
}

#endif
