/* times.h - which segment to look into for a time.
 *
 *   segments.times, one entry of 28 bytes for each segment but the active one,
 *   in their order (big-endian):
 *       int64  base offset
 *       int64  largest timestamp in the segment
 *       int64  largest timestamp in it and in all before it: rises
 *       uint32 CRC-32C of the 24 bytes before
 *
 * Derived from the time indexes, for those who would have to open all of them.
 * An entry counts only if the segment of its place in the list has its base;
 * a file that does not fit the list is ignored, and written anew at the next
 * roll, retention or compaction.  A largest timestamp may be larger than what
 * is left of the segment, never smaller. */
#ifndef LOG_TIMES_H
#define LOG_TIMES_H

#include "log/log.h"

/* The active segment was sealed, and another will follow it: note its largest
 * timestamp.  Under the APPEND lock.  Not being able to is no failure, leaving
 * what is wrong there is one. */
enum evl_error times_add(struct log *log);

/* Make the file fit the list of segments.  Under the APPEND lock. */
enum evl_error times_renew(struct log *log);

/* The first segment that may have a record of `ms` or later, the active one if
 * no other has.  *known is false if the file does not fit the list. */
enum evl_error times_find(struct log *log, int64_t ms, size_t *segment, bool *known);

#endif
