/* check.h - is all of it right?
 *
 * Reads every byte of a partition, and compares what its files say of each
 * other as kafka-dump-log does: checksums, the structure of batches and
 * records, offsets that rise without gaps (but for those of compaction), each
 * entry of each index with the batch that it speaks of, the leader epochs, the
 * producer snapshots.  Changes nothing. */
#ifndef LOG_CHECK_H
#define LOG_CHECK_H

#include "log/log.h"

/* One thing that is wrong.  Borrowed for the call. */
struct check_damage {
    const char *file; /* its name in the partition's folder */
    int64_t position; /* in the file */
    int64_t offset;   /* the record's, as far as known; -1 */
    const char *text;
};

struct check_result {
    int64_t batches, records, bytes;
    int32_t segments;
    int32_t damages;
};

/* Check up to where readers may read.  Each damage is told to `found`; behind
 * it the check goes on at the next batch that an index knows, or in the next
 * segment.  OK whatever was found. */
enum evl_error check_log(struct log *log,
                         void (*found)(void *context, const struct check_damage *damage),
                         void *context, struct check_result *result);

#endif
