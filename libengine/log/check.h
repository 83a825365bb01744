/* check.h - is all of it right?
 *
 * Reads every byte of a partition, and compares what its files say of each
 * other as kafka-dump-log does: checksums, the structure of batches and
 * records, offsets that rise without gaps (but for those of compaction), each
 * entry of each index with the batch that it speaks of, the leader epochs, the
 * producer snapshots.  Changes nothing. */
#ifndef LOG_CHECK_H
#define LOG_CHECK_H

#include "log/findings.h"
#include "log/log.h"

struct check_result {
    int64_t batches, records, bytes;
    int32_t segments;
    int32_t damages;
};

/* Who listens to a check; each may be NULL. */
struct check_listener {
    void *context;
    void (*damage)(void *context, const struct check_damage *damage);

    /* How far it is, of about so many bytes; false ends the check. */
    bool (*progress)(void *context, const struct check_result *so_far, int64_t bytes);
};

/* Check up to where readers may read.  Each damage is told; behind it the check
 * goes on at the next batch that an index knows, or in the next segment.  Where
 * a cleaner cannot be kept away, what looks damaged after it exchanged files is
 * looked at again.  OK whatever was found. */
enum evl_error check_log(struct log *log, const struct check_listener *listener,
                         struct check_result *result);

#endif
