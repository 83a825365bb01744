/* compact.h - keep the newest record of each key.
 *
 * A log is clean up to its offset in cleaner-offset-checkpoint, and dirty
 * behind that.  A run maps the keys of the dirty part to their newest offsets,
 * then writes all sealed segments before its end anew, small ones together, and
 * swaps each for what it was made from (clean.h, swap.h).
 *
 * (1) What is cleaned was synced, its transactions have ended, and it is not of
 *     the active segment.
 * (2) The checkpoint has a row before the first gap can be seen, and moves on
 *     after the last swap: a run that was cut short is done again.
 * (3) Who compacts holds the CLEAN lock all the while, and the APPEND lock for
 *     each swap: writers wait for some syncs of the folder, readers for nothing.
 * (4) The map takes a fixed size.  If there are more keys, the run cleans as far
 *     as the map reaches, and another one follows. */
#ifndef LOG_COMPACT_H
#define LOG_COMPACT_H

#include "log/log.h"

struct compact_options {
    int64_t now_ms;
    bool force;     /* whatever the dirty ratio is; the active segment is rolled first */
    bool hasty;     /* do nothing if another process is at it */
    bool dry;       /* find out what would happen */
    size_t map_max; /* bytes; 0: COMPACT_MAP_BYTES */
};
enum { COMPACT_MAP_BYTES = 32 << 20 };

struct compact_result {
    int64_t bytes_before, bytes_after;     /* of the sealed segments that were looked at */
    int64_t records_before, records_after; /* in them */
    int32_t segments_before, segments_after;
    int64_t clean; /* the log is clean before this offset; -1: it never was cleaned */
};

/* Compact a log whose cleanup.policy has compact, if it is dirty enough
 * (min.cleanable.dirty.ratio), or has been dirty for too long
 * (max.compaction.lag.ms).  OK too if there was nothing to do: then no segment
 * was looked at.  CONFIG: its policy is another. */
enum evl_error compact_run(struct log *log, const struct compact_options *options,
                           struct compact_result *result);

/* Finish or undo what a dead cleaner left behind: what was decided is finished,
 * all else goes (swap.h, litter.h).  Under the APPEND lock. */
enum evl_error compact_finish(struct log *log);

#endif
