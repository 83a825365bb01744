/* log.h - one partition on one disk.
 *
 * A log is a sequence of records that are numbered from zero.  Numbers never
 * change; they have gaps only where compaction removed records.  Any number of
 * processes append to it and read it at once:
 *
 *   start <= synced <= written     offsets, in ev.shm (share.h)
 *
 * Who appends holds the partition's APPEND lock, and has first caught up with
 * what others wrote.  Who wants it durable calls log_sync afterwards, without
 * that lock: one sync covers all that was written before it began.  Readers
 * take no lock, and stop at log_end(): what they show is on the disk.
 *
 * (1) Everything before SYNCED survives a power cut.
 * (2) A sync begins with the segment that SYNCED is in: whoever begins a new
 *     segment need not wait for the disk.
 * (3) A word that says how far the log goes is written after the bytes that it
 *     speaks of.
 * (4) Whoever died holding the lock left his pid; the next holder looks at the
 *     tail of the log before he believes the words. */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include <limits.h>

#include "config/config.h"
#include "log/epochs.h"
#include "log/producers.h"
#include "log/segment.h"
#include "log/share.h"

struct log_options {
    struct io *io;
    struct share *share; /* NULL: a foreign directory, which only we look at */
    const char *root;    /* the directory; outlives the log */
    const char *topic;   /* copied */
    int32_t partition;
    struct uuid id;                    /* of the topic */
    const struct topic_config *config; /* copied; NULL: not known */
    int32_t epoch;                     /* the leader epoch that the metadata says */
    bool writable;
    int64_t patience;                             /* nanoseconds to wait for a lock */
    void (*say)(void *context, const char *line); /* what a person should hear; or NULL */
    void *context;
};

struct log {
    struct log_options o;
    struct topic_config config; /* what o.config points to, if it is known */
    char topic[NAME_MAX + 1];   /* what o.topic points to */
    char dir[PATH_MAX];
    uint64_t device, inode; /* of this folder: its name may become another one's */
    struct share_slot slot; /* its words in ev.shm */
    int64_t *bases;         /* of the segments, rising */
    size_t base_count;
    uint64_t generation;   /* of ev.shm when they were listed */
    struct segment active; /* a writer's; file -1: not open */
    struct epochs epochs;
    bool has_epochs;
    struct producers *producers;  /* NULL until somebody asks */
    int64_t producers_end;        /* they have seen everything before it */
    int64_t start, end;           /* of a log that is not shared, or that nobody recovered */
    int64_t hidden;               /* whole batches behind that end: this many offsets */
    bool unretained, uncompacted; /* since we began a segment: upkeep.h */
    bool cleaning;                /* we hold the CLEAN lock: compact.h */
};

/* NOT_FOUND: no such folder.  A writer's first open after a boot recovers the
 * log: see recover.c. */
enum evl_error log_open(const struct log_options *options, struct log **log);
void log_close(struct log *log);

/* ---- what there is ------------------------------------------------------- */

/* Offsets of the first record, and behind the last one that may be read. */
int64_t log_start(struct log *log);
int64_t log_end(struct log *log);

bool log_is_failed(struct log *log);

/* List the segments again if they have changed. */
enum evl_error log_refresh(struct log *log);

/* The bytes of its segments. */
enum evl_error log_bytes(struct log *log, int64_t *bytes);

/* ---- appending ----------------------------------------------------------- */

/* Where a batch went. */
struct log_place {
    int64_t base_offset;
    int64_t append_time; /* with LogAppendTime; else EVL_NO_TIMESTAMP */
    bool known;          /* it was here before: a producer's repetition */
};

/* What log_sync needs to know. */
struct log_promise {
    int64_t end;   /* sync to here */
    uint64_t cuts; /* how often the log had been cut back by then */
};

/* Append sealed batches; their offsets and epochs are set in place.  With
 * `shown`, readers may see them before they are synced (flush=os).  *done
 * batches went in, all of them unless an error is returned; after NO_SPACE the
 * log is as before, after IO it is failed for everybody. */
enum evl_error log_append(struct log *log, const struct evl_bytes *batches, int count, bool shown,
                          struct log_place *places, int *done, struct log_promise *promise);
enum { LOG_APPEND_MAX = IO_PARTS_MAX };

/* As log_append, if the first batch gets this offset; -1: whichever it gets.
 * CONFLICT, and nothing is written, if it would get another. */
enum evl_error log_append_at(struct log *log, int64_t offset, const struct evl_bytes *batches,
                             int count, bool shown, struct log_place *places, int *done,
                             struct log_promise *promise);

/* Make durable what was promised, or see that somebody else did.  It may run
 * beside log_append on another thread, with a struct log of its own. */
enum evl_error log_sync(struct log *log, const struct log_promise *promise);

/* Behind the last record on the disk of what was promised; -1 if it is gone.  A
 * sync that failed may have been overtaken by one that did not. */
int64_t log_synced(struct log *log, const struct log_promise *promise);

/* As log_append, for who is between log_enter and log_leave. */
enum evl_error log_append_entered(struct log *log, const struct evl_bytes *batches, int count,
                                  bool shown, struct log_place *places, int *done,
                                  struct log_promise *promise);

/* Close its files until they are needed again: for who has many logs open. */
void log_rest(struct log *log);

/* The topic's settings are others now. */
void log_configure(struct log *log, const struct topic_config *config);

/* Nobody appends or syncs until log_let_go: for who moves a partition's folder,
 * or takes it away.  Everybody looks again afterwards.  BUSY. */
struct log_hold {
    struct share_slot slot;
    bool appender_died, syncer_died; /* what they left stays to be mended */
};
enum evl_error log_hold(const struct log_options *options, struct log_hold *hold);
void log_let_go(const struct log_options *options, const struct log_hold *hold);

/* Its topic was removed: nobody appends any more. */
void log_bury(const struct log_options *options, const struct log_hold *hold);

/* A partition's folder says to which topic it belongs: partition.metadata. */
enum evl_error log_identity(struct io *io, const char *dir, struct uuid *id);

/* Written into a new folder, and, by the second, on the disk. */
enum evl_error log_set_identity(struct io *io, const char *dir, const struct uuid *id);
enum evl_error log_sync_identity(struct io *io, const char *dir);

/* ---- for those who keep it in order (recover.h, replay.h, retain.h, compact.h) ---- */

/* Take the APPEND lock and be up to date; leave again. */
enum evl_error log_enter(struct log *log);
void log_leave(struct log *log);

/* Find our slot, also when ev.shm is another one than before. */
enum evl_error log_attach(struct log *log);

/* Whether it has a slot in ev.shm, and whether that tells what there is. */
bool log_has_slot(const struct log *log);
bool log_is_live(struct log *log);

uint64_t log_word(struct log *log, enum share_word word);
void log_set(struct log *log, enum share_word word, uint64_t value);

/* The segments, or the start, have changed: everybody looks again. */
void log_changed(struct log *log);

/* List the segments.  NOT_FOUND: the folder is another topic's by now. */
enum evl_error log_list(struct log *log);
enum evl_error log_check_folder(struct log *log);

/* Close the active segment and begin the next one.  Under the lock. */
enum evl_error log_roll(struct log *log);

/* Have log->epochs. */
enum evl_error log_epochs(struct log *log);

/* Index of the segment that has the offset; the first one if it lies before. */
size_t log_segment_of(const struct log *log, int64_t offset);

/* fail() with the partition's name in front. */
#define log_failed(log, err) failed(err, "%s-%d", (log)->o.topic, (int)(log)->o.partition)

#endif
