/* segment.h - a run of batches in one file, and its indexes.
 *
 * Owns "%020d.log", named after its first offset, and the .index and .timeindex
 * beside it.  Does not know which segment is the active one (log.c), nor how
 * far it was synced (share.h).
 *
 * (1) Batches lie end to end from the start of the file.
 * (2) Offsets rise from batch to batch.
 * (3) What lies before `bytes` was seen to be batches; it is never written
 *     again.
 * (4) An index entry is written after its batch, and points to the first batch
 *     that begins more than index.interval.bytes behind the last entry's. */
#ifndef LOG_SEGMENT_H
#define LOG_SEGMENT_H

#include "io/io.h"
#include "log/index.h"
#include "log/scan.h"
#include "record/batch.h"

struct segment {
    struct io *io;
    const char *dir; /* the partition's folder, borrowed */
    int64_t base;
    int file;
    bool writable;
    bool has_indexes; /* they are open */
    struct index offsets, times;
    int64_t bytes;                     /* how far it is known */
    int64_t end;                       /* the offset that follows what is known */
    int64_t indexed;                   /* where the batch of the last index entry begins */
    int64_t first_timestamp;           /* of the first batch; EVL_NO_TIMESTAMP if not known */
    int64_t timed;                     /* the last timestamp in the time index */
    int64_t max_timestamp, max_offset; /* and the last offset of the batch that has it */
};

enum {
    SEGMENT_INTERVAL = 4096, /* Kafka's index.interval.bytes, where no setting is at hand */
    SEGMENT_NAME = 32,
}; /* room for "%020d.timeindex" and its like */

/* A file's path: dir/%020d.suffix. */
enum evl_error segment_path(const char *dir, int64_t base, const char *suffix, char *path);

/* Whether a name is that of a segment's .log, and which. */
bool segment_parse(const char *name, int64_t *base);

/* IO_READ, IO_WRITE, or IO_CREATE_NEW.  Nothing of it is known yet. */
enum evl_error segment_open(struct io *io, const char *dir, int64_t base, enum io_open how,
                            struct segment *s);
void segment_close(struct segment *s);

/* Close the indexes until they are needed again. */
void segment_rest(struct segment *s);

/* Open the indexes too, if they are not. */
enum evl_error segment_indexes(struct segment *s);

/* Know the segment up to `bytes`, where its offsets have come to `end`: from
 * its last index entries, and the heads that follow. */
enum evl_error segment_resume(struct segment *s, int64_t bytes, int64_t end);

/* A batch lies at `position`; know it. */
void segment_note(struct segment *s, const struct batch *batch, int64_t position);

/* Write batches behind what is known, and index them.  After an error the file
 * is as known before, and maybe longer. */
enum evl_error segment_append(struct segment *s, const struct evl_bytes *bytes,
                              const struct batch *batches, int count, int32_t interval);

/* Index a batch that was noted at `position`, if it is time to. */
enum evl_error segment_index(struct segment *s, const struct batch *batch, int64_t position,
                             int32_t interval);

/* Nothing more will come: the last time entry.  Nothing is synced by that. */
enum evl_error segment_seal(struct segment *s);

/* Its indexes on the disk. */
enum evl_error segment_sync_indexes(struct segment *s);

/* Make .log and indexes end at `position`, where the offsets have come to `end`. */
enum evl_error segment_cut(struct segment *s, int64_t position, int64_t end);

/* Let the index of aborted transactions speak of what lies before `end` only; a
 * cut does so, too. */
enum evl_error segment_cut_aborted(const struct segment *s, int64_t end);

/* Where the batch begins that has `offset`, or the first one behind it; `limit`
 * if there is none before that position. */
enum evl_error segment_find(struct segment *s, int64_t offset, int64_t limit, int64_t *position);

/* Where to begin to look for the first batch with a timestamp of `ms` or later. */
enum evl_error segment_find_time(struct segment *s, int64_t ms, int64_t limit, int64_t *position);

/* The largest timestamp before offset `end`, from the index and what it does not
 * cover yet.  CORRUPT: there is damage among that. */
enum evl_error segment_newest_batch(struct segment *s, int64_t limit, int64_t end, int64_t *ms);

/* The largest timestamp in the segment; EVL_NO_TIMESTAMP if its index has none. */
enum evl_error segment_newest(struct segment *s, int64_t *ms);

#endif
