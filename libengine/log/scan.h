/* scan.h - walks the batches of one segment file, in order.
 *
 * Sees what is there and judges nothing: whether a bad batch is a torn tail or
 * damage is for those who know how far the log was synced. */
#ifndef LOG_SCAN_H
#define LOG_SCAN_H

#include "base/buf.h"
#include "io/io.h"
#include "record/batch.h"

struct scan {
    struct io *io;
    int file;
    int64_t at;   /* position of the next batch */
    int64_t next; /* the least offset that it can have; -1: any */
    int64_t end;  /* where the walk ends */
    size_t step;  /* how much to read at once */
    struct evl_buffer window;
    int64_t window_at; /* position of its first byte */
};

enum scan_depth {
    SCAN_HEADS, /* the heads only, and whole control batches; checksums are not looked at */
    SCAN_WHOLE, /* all of it, and the checksum is right */
};

enum scan_found {
    SCAN_BATCH,
    SCAN_END,     /* nothing left */
    SCAN_PARTIAL, /* the batch that begins here goes beyond the end */
    SCAN_BAD,     /* what begins here is no batch, damaged, or numbered like one
                     before it (no checksum covers the offset): the fault says why */
};

/* Walk from position `from`, where a batch begins, to `to`.  A scan is zeroed
 * before its first use; its window is kept from walk to walk. */
void scan_begin(struct scan *s, struct io *io, int file, int64_t from, int64_t to, size_t step);

/* The next batch: its head, its bytes (with SCAN_WHOLE, and of control batches;
 * borrowed until the next call), and where it is: s->at is behind it then.
 * Otherwise s->at stays. */
enum evl_error scan_next(struct scan *s, enum scan_depth depth, struct batch *batch,
                         struct evl_bytes *bytes, enum scan_found *found);

/* Back before the batch that was found last. */
void scan_back(struct scan *s, const struct batch *batch);

void scan_release(struct scan *s);

enum { SCAN_STEP_HEADS = 8 << 10, SCAN_STEP_WHOLE = 512 << 10 };

#endif
