/* lanes.h - the partitions that a producer writes to.
 *
 * Each partition written to is a lane with one open batch.  A batch that is
 * shipped is sealed and appended to its log, by the caller or, while the next
 * one is filled, on a thread aside: one batch is in flight at a time.  Its sync
 * follows on another thread, which always takes all that was appended since it
 * began the last one (group commit: no timer, and under load each sync covers
 * more).
 *
 * (1) A record is acknowledged when its lane's promise was kept, or at its
 *     append with flush=os; receipts come in the order of offsets.
 * (2) While a batch is in flight, its thread owns the lane's log and the flight;
 *     while a sync runs, its thread owns every lane's syncer and `syncing`.
 *     Each has a share of its own: a struct share belongs to one thread.
 * (3) After a failure nothing more is shipped, and each call tells it again.  What
 *     was appended before is acknowledged, or its sync failed: the count is exact. */
#ifndef PLACE_LANES_H
#define PLACE_LANES_H

#include <evl/producer.h>

#include "base/fault.h"
#include "place/directory.h"
#include "record/batch.h"

struct lane {
    int32_t partition;
    struct log *log;    /* of the flight, while it has a batch of this lane */
    struct log *syncer; /* the same log, of the syncing thread */
    struct batch_writer open;
    int64_t open_bytes;        /* keys and values in the open batch */
    struct evl_buffer stamps;  /* int64_t: their timestamps, if receipts are wanted */
    struct evl_buffer shipped; /* struct shipped: batches appended, not acknowledged */
    struct evl_buffer waiting; /* struct waiting: their records, if receipts are wanted */
    struct log_promise promise, syncing;
    bool is_dirty;  /* the promise is to be kept */
    bool in_sync;   /* the thread is at it */
    bool is_synced; /* it succeeded */
    bool was_used;
    bool has_joined;      /* the transaction with the owner's number: */
    uint64_t transaction; /* in each its batches are numbered from zero */
    int32_t sequence;     /* of the next record in it */
};

/* The batch that is on its way into its log. */
struct flight {
    struct io_work work;
    struct lane *lane;          /* NULL: none */
    struct batch_writer writer; /* the records, to be sealed on the way; or */
    struct evl_bytes sealed;    /* a batch that came sealed */
    struct evl_buffer copy;     /* of it: the log writes offsets into it */
    struct batch_seal seal;
    int32_t count;
    int64_t bytes; /* keys and values in it */
    struct evl_buffer stamps;
    struct log_place place;
    struct log_promise promise;
    bool shown;
    int64_t expected; /* the offset that it must get; -1: any */
};

struct lanes {
    struct directory *directory;
    struct io *io;
    const char *topic;
    const struct evl_producer_options *o;
    bool shown; /* flush=os */
    struct lane *at;
    int32_t count;
    int32_t *used; /* partitions of the lanes that were opened */
    int32_t used_count;
    int64_t expected; /* offset of the first batch; -1: any, or it was shipped */
    struct flight flight;
    struct share *flying, *syncing; /* of the two threads */
    struct io_work sync;
    int32_t sync_count; /* of used lanes, when the sync began */
    int64_t unsynced;   /* bytes appended since the last sync began */
    enum evl_error failed;
    struct fault fault; /* of `failed` */
    struct evl_producer_count done;
};

/* `directory`, `topic` and `options` are borrowed. */
enum evl_error lanes_open(struct lanes *l, struct directory *directory, struct io *io,
                          const char *topic, int32_t partitions,
                          const struct evl_producer_options *options);

/* What was not flushed may be lost.  A zeroed struct may be closed too. */
void lanes_close(struct lanes *l);

/* The lane of a partition, opened. */
enum evl_error lanes_lane(struct lanes *l, int32_t partition, struct lane **lane);

/* The failure of before, told again, or a new one, kept.  Nothing is in flight. */
enum evl_error lanes_fail(struct lanes *l, enum evl_error err);

/* Wait for what is in flight.  Only then may the logs be used. */
enum evl_error lanes_land(struct lanes *l);

/* The topic's settings are others now. */
void lanes_configure(struct lanes *l, const struct topic_config *config);

/* Seal the lane's open batch and append it; `aside`: it flies while the caller
 * goes on.  Nothing is in flight. */
enum evl_error lanes_ship(struct lanes *l, struct lane *lane, const struct batch_seal *seal,
                          bool aside);

/* Append a sealed batch of `count` records, a copy of it. */
enum evl_error lanes_ship_sealed(struct lanes *l, struct lane *lane, struct evl_bytes batch,
                                 int32_t count, int64_t now);

/* Keep the syncing thread busy, and not too far behind.  Nothing is in flight. */
enum evl_error lanes_follow(struct lanes *l);

/* Wait until all that was shipped is acknowledged. */
enum evl_error lanes_settle(struct lanes *l);

/* Forget what was not shipped. */
void lanes_drop(struct lanes *l);

/* Whether all that was taken is acknowledged. */
bool lanes_are_settled(const struct lanes *l);

#endif
