/* outcome.h - how the transactions of a log ended, batch after batch.
 *
 * A walk over batches in order, in a range where every transaction has ended
 * (before the last stable offset), tells which of them are worth nothing: data
 * of aborted transactions, and markers whose transactions have no data left. */
#ifndef LOG_OUTCOME_H
#define LOG_OUTCOME_H

#include "log/aborted.h"
#include "log/log.h"

/* Zeroed to begin with; released after use. */
struct outcome {
    struct evl_buffer aborted; /* struct aborted, by first offset */
    size_t next;               /* those before it were met */
    struct evl_buffer open;    /* struct outcome_open: met, and not ended yet */
    struct evl_buffer kept;    /* struct aborted: ended, and had data; the owner clears it */
};

/* Know what was aborted and begins before `end`. */
enum evl_error outcome_load(struct outcome *o, struct log *log, int64_t end);

/* See the next batch; of a control batch, `bytes` is all of it.  *worthless:
 * nobody needs its records, or its marker. */
enum evl_error outcome_see(struct outcome *o, const struct batch *batch, struct evl_bytes bytes,
                           bool *worthless);

void outcome_release(struct outcome *o);

#endif
