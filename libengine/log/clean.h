/* clean.h - write segments anew, without the records that nobody needs.
 *
 * Knows what stays; does not know which segments are cleaned, when, nor how the
 * new ones take their place (compact.c, swap.c).  What stays, as in Kafka:
 *
 *   RECORD           STAYS
 *   with a key       if it is the newest of its key, or not in the map's reach
 *   a tombstone      likewise, until its batch's delete horizon has passed
 *   without a key    no
 *   of an aborted transaction   no
 *   a marker         until its transaction has no data left, and a horizon passed
 *
 * A batch that loses records keeps its offsets, sequence and codec; one that
 * loses all of them goes, unless a producer would be forgotten with it.  The
 * delete horizon (KIP-534) is set when a batch with tombstones, or with a
 * marker that nobody needs, is cleaned for the first time. */
#ifndef LOG_CLEAN_H
#define LOG_CLEAN_H

#include "log/keymap.h"
#include "log/outcome.h"

/* One run over a log.  The owner fills in the first part and zeroes the rest. */
struct clean {
    struct log *log; /* its producers are known */
    const struct keymap *map;
    int64_t map_end; /* the map has seen everything before it */
    int64_t now_ms;
    bool dry; /* write nothing */

    struct outcome outcome; /* loaded by the owner */
    struct batch_reader reader;
    struct batch_writer writer;
    struct scan scan;
    int64_t records_before, records_after;
};

/* What a group of segments became. */
struct cleaned {
    int64_t bytes;
    bool changed; /* it is not what it was made from */
    bool aborted; /* it has a .txnindex */
};

/* Clean the segments [from, to) of the log's list into one: BASE.log.cleaned and
 * its indexes, synced.  Groups come in order.  NOT_FOUND: one of them is gone.
 * CORRUPT: damage, with file and position. */
enum evl_error clean_group(struct clean *c, size_t from, size_t to, struct cleaned *cleaned);

void clean_release(struct clean *c);

enum { CLEAN_PLAIN_MAX = 1 << 30 }; /* bytes that a batch may unpack to */

#endif
