/* evl/text.h - sizes, durations and times as people write them. */
#ifndef EVL_TEXT_H
#define EVL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* These parse the whole text or say false, and leave the result alone. */

/* Bytes: 10, 4k, 1.5G (of 1024), 10kB, 2MB (of 1000); k M G T. */
bool evl_parse_size(const char *text, int64_t *bytes);

/* 90ms, 5s, 1.5h, 10m, 7d, 2w, and sums of them: 1h30m.  A bare number counts
 * `unit_ms` milliseconds each. */
bool evl_parse_duration(const char *text, int64_t unit_ms, int64_t *ms);

/* A point in time, in milliseconds since 1970: 2026-08-01, 2026-08-01
 * 13:05[:09[.123]] (the local zone, or UTC if `utc`), RFC 3339, now, today,
 * yesterday, -1h, or bare digits read as seconds, milli-, micro- or
 * nanoseconds by their length (10, 13, 16, 19).  A leading @ is allowed. */
bool evl_parse_time(const char *text, bool utc, int64_t now_ms, int64_t *ms);

enum { EVL_TEXT_ROOM = 40 };

/* 512, 3.1k, 12M; 0.3s, 12s, 1h05m, 7d; 2026-08-01 13:05:09[.123].  Return `room`. */
char *evl_print_size(int64_t bytes, char room[EVL_TEXT_ROOM]);
char *evl_print_duration(int64_t ms, char room[EVL_TEXT_ROOM]);
char *evl_print_time(int64_t ms, bool utc, char room[EVL_TEXT_ROOM]);

/* How many single-letter mistakes turn one word into the other: for "did you
 * mean". */
int evl_text_distance(const char *a, const char *b);

#endif
