/* tail.h - how a segment ends: what is right of it, and what lies behind that.
 *
 * Whether what lies behind is half of what somebody wrote, or damage, is for
 * recover.h to say. */
#ifndef LOG_TAIL_H
#define LOG_TAIL_H

#include "base/fault.h"
#include "log/log.h"
#include "log/scan.h"

/* What was found behind the last batch that is right. */
struct tail {
    enum scan_found found; /* SCAN_END: nothing */
    int64_t position;      /* where it begins, */
    int64_t size;          /* and where the file ends */
    struct fault why;      /* of SCAN_BAD */
};

/* Walk a segment from `from`, where the offset `end` comes next, noting and
 * maybe indexing what is right. */
enum evl_error tail_walk(struct log *log, struct segment *s, int64_t from, int64_t end, bool index,
                         struct tail *tail);

/* CORRUPT, with where it is and why. */
enum evl_error tail_is_damage(const struct segment *s, const struct tail *tail);

/* Cut it off, into a file "%020d.cut" for a person to look at, who is told. */
enum evl_error tail_cut(struct log *log, struct segment *s, struct tail *tail);

#endif
