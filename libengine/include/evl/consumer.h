/* evl/consumer.h - records out of topics.
 *
 *     evl_consumer_open(place, &options, &c);
 *     evl_consumer_add(c, "orders", 0, start, end);      once per partition
 *     while (!evl_consumer_next(c, &record, &what) && what == EVL_NEXT_RECORD)
 *         ...
 *
 * A range ends where its end was when it was added ("bounded by default");
 * with `follow` it never does. */
#ifndef EVL_CONSUMER_H
#define EVL_CONSUMER_H

#include <evl/place.h>

struct evl_consumer;

struct evl_consumer_options {
    enum evl_isolation isolation;
    bool control; /* control records too */
    bool follow;  /* go on after the end */
    bool merge;   /* by (timestamp, topic, partition, offset); bounded ranges only */
};

enum evl_error evl_consumer_open(struct evl_place *place,
                                 const struct evl_consumer_options *options,
                                 struct evl_consumer **consumer);

/* Read topic-partition from `first` to before `end`.  end = -1: to the end as
 * it is now, or for ever with `follow`.  RANGE when first is outside of the
 * log; NOT_FOUND. */
enum evl_error evl_consumer_add(struct evl_consumer *consumer, const char *topic, int32_t partition,
                                int64_t first, int64_t end);

/* Read a partition no more; what was borrowed from it is gone.  Not with
 * `merge`.  One that was not added is no mistake. */
void evl_consumer_remove(struct evl_consumer *consumer, const char *topic, int32_t partition);

enum evl_next {
    EVL_NEXT_RECORD, /* or a batch */
    EVL_NEXT_END,    /* every range is finished */
    EVL_NEXT_IDLE,   /* with `follow`: nothing more at this moment */
};

/* The next record; its bytes, topic and headers are borrowed until the next
 * call.  Damage is CORRUPT, with topic, partition, offset and file: what lies
 * before it was handed out, and what lies behind it is not. */
enum evl_error evl_consumer_next(struct evl_consumer *consumer, struct evl_record *record,
                                 enum evl_next *what);

/* A whole batch, as it lies on disk. */
struct evl_batch {
    struct evl_bytes topic;
    int32_t partition;
    int64_t first_offset, last_offset;
    int64_t max_timestamp;
    int32_t count;         /* records in it */
    bool control, aborted; /* aborted ones come only with EVL_UNCOMMITTED */
    struct evl_bytes bytes;
};

/* The next batch, instead of its records.  The first and the last one of a
 * range may reach beyond it.  Not with `merge`. */
enum evl_error evl_consumer_next_batch(struct evl_consumer *consumer, struct evl_batch *batch,
                                       enum evl_next *what);

/* After EVL_NEXT_IDLE: wait for something new, `ms` at most.  *more says whether
 * there may be some. */
enum evl_error evl_consumer_wait(struct evl_consumer *consumer, int64_t ms, bool *more);

/* Where the next record of a partition will come from: what a saved position
 * should say.  -1 if it was not added. */
int64_t evl_consumer_position(const struct evl_consumer *consumer, const char *topic,
                              int32_t partition);

void evl_consumer_close(struct evl_consumer *consumer);

#endif
