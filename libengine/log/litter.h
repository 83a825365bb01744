/* litter.h - files in a partition's folder that nobody needs any more.
 *
 *   *.deleted             a removed segment's, renamed first: unlinking a large
 *                         file takes its time, and that is nobody's to wait for
 *   *.cleaned             a cleaner's, who came to nothing
 *   *.swap                likewise, and was nearly done
 *   *.tmp                 a dead writer's half of a small file
 *   %020d.index, .timeindex, .txnindex   of a segment that is gone */
#ifndef LOG_LITTER_H
#define LOG_LITTER_H

#include "log/log.h"

enum litter {
    LITTER_DELETED = 1, /* anybody may sweep it */
    LITTER_CLEANED = 2, /* who holds the CLEAN lock */
    LITTER_SWAP = 4,    /* who holds it, and APPEND, after swap_finish() */
    LITTER_WRITER = 8,  /* who holds the APPEND lock: the last two rows */
};

enum evl_error litter_sweep(struct log *log, int kinds);

/* Make a segment litter: its files are *.deleted from now on.  The .log is the
 * first: while it is there, so is what lies beside it.  Under the APPEND lock.
 * What is missing was renamed by who died here. */
enum evl_error litter_retire(struct log *log, int64_t base);

#endif
