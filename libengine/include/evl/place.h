/* evl/place.h - where topics are: a data directory now, a broker later.
 *
 * Everything begins with a place.  On a directory any number of processes may
 * have one open at once; the engine keeps them apart (evlog(7)).  A place and
 * what was opened from it belong to one thread. */
#ifndef EVL_PLACE_H
#define EVL_PLACE_H

#include <evl/error.h>
#include <evl/record.h>

struct io;
struct evl_place;

/* Whether acknowledged means on disk. */
enum evl_flush {
    EVL_FLUSH_TOPIC, /* as the topic's setting `flush` says; sync unless set */
    EVL_FLUSH_SYNC,  /* after fdatasync */
    EVL_FLUSH_OS,    /* in the page cache: lost when the machine goes down */
};

struct evl_place_options {
    const char *dir;             /* the data directory */
    bool create;                 /* make it if it is missing */
    bool readonly;               /* change nothing, not even to repair; */
    bool tends;                  /* but end transactions whose owner died, where we may: a
                                    reader would wait for ever for that */
    bool force;                  /* write on a file system that cannot be shared safely */
    int64_t timeout_ms;          /* how long to wait for a lock; 0: 30 seconds */
    int32_t internal_partitions; /* that __consumer_offsets and __transaction_state are
                                    made with; 0: 50 each, as Kafka does */
    void (*say)(void *context, const char *line); /* what the user should hear; or NULL */
    void *context;
    struct io *io; /* NULL: the machine itself; tests hand in a simulated one */
};

/* NOT_FOUND, DENIED, CORRUPT (not a data directory), UNAVAILABLE (network file
 * system), BUSY (a broker that is not ours holds it). */
enum evl_error evl_place_open(const struct evl_place_options *options, struct evl_place **place);

/* Everything opened from it was closed before.  NULL does nothing. */
void evl_place_close(struct evl_place *place);

/* Written by Apache Kafka: read only, and what only its controller knows
 * (settings, other brokers' partitions) is not known here. */
bool evl_place_is_foreign(const struct evl_place *place);

/* What -v and messages call it. */
const char *evl_place_name(const struct evl_place *place);

/* One partition of a topic. */
struct evl_topic_partition {
    const char *topic;
    int32_t partition;
};

/* ---- positions ------------------------------------------------------------ */

enum evl_position_kind {
    EVL_AT_START,  /* start + number */
    EVL_AT_END,    /* end - number */
    EVL_AT_OFFSET, /* the number itself */
    EVL_AT_TIME,   /* the first record whose timestamp is the number or later */
};

struct evl_position {
    enum evl_position_kind kind;
    int64_t number; /* records, an offset, or milliseconds since 1970 */
};

enum evl_isolation { EVL_COMMITTED, EVL_UNCOMMITTED };

/* The offset that a position means now.  Between start and end, but for
 * EVL_AT_OFFSET, which is what was asked for. */
enum evl_error evl_place_resolve(struct evl_place *place, const char *topic, int32_t partition,
                                 struct evl_position position, enum evl_isolation isolation,
                                 int64_t *offset);

#endif
