/* swap.h - a cleaned segment takes the place of those that it was made from,
 * all or nothing.
 *
 *   FILES                                   STATE
 *   BASE.log.cleaned, and its indexes'      being written; void after a crash
 *   BASE.log.swap, ...                      whole, on the disk; void after a crash
 *   BASE.span.swap                          it is decided: what was begun gets finished
 *   BASE.log, ...                           in place; what it was made from is .deleted
 *
 * The names are Kafka's, but for .span.swap, a line of text:
 *
 *     END ABORTED    the segments with BASE < base < END are replaced too, and
 *                    whether (1) or not (0) there is a new .txnindex
 *
 * The new .log takes its name before the others lose theirs: a reader, who
 * takes no lock, finds each record at every moment, and carries the next
 * offset so that he shows none twice. */
#ifndef LOG_SWAP_H
#define LOG_SWAP_H

#include "log/log.h"

struct swap {
    int64_t base, end;
    bool aborted; /* there is a .txnindex.cleaned */
};

/* The .cleaned files were written and synced.  Under the CLEAN lock. */
enum evl_error swap_prepare(struct log *log, const struct swap *swap);

/* Decide, and finish.  Under the APPEND lock too, by who has seen that all that
 * it was made from is still there. */
enum evl_error swap_commit(struct log *log, const struct swap *swap);

/* Finish what was decided by who died then.  Under the APPEND lock. */
enum evl_error swap_finish(struct log *log);

#endif
