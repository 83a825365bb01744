/* retain.h - what is old goes: retention, and deleting records.
 *
 * Both move the log start, and then delete the segments wholly below it:
 *
 * (1) The start is in log-start-offset-checkpoint, on the disk, before it is in
 *     ev.shm, and there before a file goes.  A crash at any point leaves
 *     segments too many, which the next retention deletes, and never a gap.
 * (2) The start never goes back, whoever moves it at the same time.
 * (3) It never passes what is synced, nor what readers may see. */
#ifndef LOG_RETAIN_H
#define LOG_RETAIN_H

#include "log/log.h"

struct retain_result {
    int64_t start;    /* the log start now */
    int32_t segments; /* deleted */
    int64_t bytes;    /* of their records */
};

/* Apply retention.ms and retention.bytes, where cleanup.policy has delete, and
 * delete what lies wholly below the log start.  The active segment is rolled
 * and deleted too if all of it is too old.  With `dry`, only say what would
 * happen. */
enum evl_error retain_apply(struct log *log, int64_t now_ms, bool dry,
                            struct retain_result *result);

/* Whether retain_apply would find a segment to delete: one look at the oldest. */
enum evl_error retain_is_due(struct log *log, int64_t now_ms, bool *due);

/* Kafka's DeleteRecords: the log starts at `offset` from now on; -1: where
 * readers end.  *start is the log start then.  RANGE: beyond that. */
enum evl_error retain_trim(struct log *log, int64_t offset, bool dry, int64_t *start);

#endif
