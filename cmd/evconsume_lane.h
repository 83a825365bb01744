/* evconsume_lane.h - batches of records, and the queue of them that one command
 * after the other works off. */
#ifndef CMD_EVCONSUME_LANE_H
#define CMD_EVCONSUME_LANE_H

#include "command.h"
#include "evconsume.h"

enum { NO_KEY = -1 };

/* A record in a batch: where to finish it, and its key. */
struct given {
    struct ledger *ledger;
    int64_t offset;
    int32_t key;       /* its bucket, or NO_KEY */
    struct kept *kept; /* its copy, for a dlq; the batch frees it */
};

struct batch {
    struct batch *next;
    struct evl_buffer bytes; /* what the command reads */
    struct given *records;
    size_t count, room;
    bool closed; /* full, or nothing came for it: it may run */
    int64_t begun_ms;
    int64_t attempts; /* so far */
    struct {
        const char *topic; /* the range's */
        int32_t partition;
        int64_t offset, timestamp;
        struct evl_buffer key;
        bool has_key; /* and an environment can hold it */
    } head;           /* its first record */
};

/* Zeroed, but for the writer: nothing to do. */
struct lane {
    struct command command;
    struct evl_format_writer *writer; /* of its own: an end mark is of one batch */
    struct batch *first, *last;       /* the first one runs, the last one may be open */
    size_t batches, bytes;
    int64_t again_ms; /* when the first batch may be tried again; 0: it was not tried */
    char *error;      /* why the first batch failed for good, and is to be diverted */
};

/* Nothing runs, or waits to run. */
static inline bool lane_is_at_rest(const struct lane *lane)
{
    return !lane->first || !lane->first->closed;
}

/* The batch that takes the lane's next record, or NULL. */
static inline struct batch *lane_batch(const struct lane *lane)
{
    return lane->last && !lane->last->closed ? lane->last : NULL;
}

/* Add a record; a batch begins with it if none is open. */
int lane_give(struct lane *lane, const struct range *range, const struct evl_record *record,
              struct given given);

/* The open batch, if there is one, takes no more: it may run. */
void lane_close_batch(struct lane *lane);

/* Forget the first batch. */
void lane_pop(struct lane *lane);

/* Run argv for the first batch; the environment tells of its first record. */
int lane_start(struct lane *lane, char *const *argv);

void lane_release(struct lane *lane);

/* The environment is as it was, and borrows nothing of ours. */
void variables_release(void);

#endif
