/* evproduce.h - what the files of evproduce share. */
#ifndef CMD_EVPRODUCE_H
#define CMD_EVPRODUCE_H

#include <evl/producer.h>
#include <evl/transaction.h>

#include "form.h"
#include "stream.h"
#include "tail.h"

struct produce_options {
    struct form_choice form;
    struct words messages, headers;
    const char *key, *timestamp, *receipt, *create, *skip_bad, *bad, *rate, *pace, *rescan, *txn,
        *txn_every, *state;
    int64_t partition, linger_ms, batch_bytes, record_max, expect_offset;
    bool tombstone, tee, no_create, end_mark, no_end_mark, force, json, follow;
    int partitioner, acks, codec, flush, progress;
};

/* One run. */
struct produce {
    struct produce_options options;
    struct common common;
    const char *topic;
    struct evl_place *place;
    struct evl_producer *producer;
    struct evl_format_options form; /* of the input */
    struct evl_format_reader *reader;
    struct evl_format_writer *receipts; /* or NULL */
    struct sink sink;                   /* receipts, or what --tee copies */
    struct progress progress;

    /* Defaults for what the input does not say. */
    struct evl_bytes key;
    struct evl_buffer headers; /* of struct evl_header, -H */
    struct evl_buffer joined;  /* of struct evl_header: the record's and -H */
    int64_t timestamp;

    /* Bad records: how many may be skipped, and were; where they go. */
    int64_t bad_max, bad_count;
    int bad_file;

    /* --rate and --pace. */
    int64_t rate_records, rate_bytes;
    double pace;
    int64_t begun_ms, first_timestamp;

    /* -x, --txn-every: a transaction ends at the first of these, 0 being none. */
    bool transactional;
    struct evl_transaction *transaction; /* NULL: none */
    struct {
        int64_t records, bytes, ms;
        int64_t idle_ms; /* as ms, when nothing comes */
    } every;
    struct {
        int64_t records, bytes, read_bytes; /* sent and read before it */
        int64_t ms;                         /* since when it is open; -1: it is not */
    } begun;
    struct evl_buffer held; /* receipts of records that are not committed */

    /* --state. */
    struct tail *tail;              /* what is followed; or NULL */
    struct evl_producer *positions; /* to __ev_state; or NULL */
    struct evl_buffer position;     /* as it was found, as it is stored next */

    bool failed;           /* the producer takes no more, and it was said */
    bool unexpected;       /* and it was --expect-offset that it failed by */
    int64_t sent;          /* records handed to the producer */
    int64_t sent_bytes;    /* keys and values in them */
    int64_t pending_since; /* when the oldest unpushed one came; -1: there is none */
    int64_t total;         /* bytes of input, if known; -1 */
    int64_t read_bytes;
};

/* ---- evproduce_options.c ------------------------------------------------- */

/* Take the options into the run's other members. */
int options_apply(struct produce *p, const struct words *operands);

/* ---- evproduce_record.c -------------------------------------------------- */

/* The status of a failure of the producer, which is said once. */
int produce_failed(struct produce *p, enum evl_error err);

/* Hand one record, that these bytes of `name` held, to the producer. */
int record_send(struct produce *p, const char *name, struct evl_record *record,
                struct evl_bytes bytes);

/* Hand over all records of a block; *used bytes of it are done with. */
int block_send(struct produce *p, const char *name, struct evl_bytes input, bool last,
               size_t *used);

/* ---- evproduce_input.c --------------------------------------------------- */

/* What bytes come from. */
struct source {
    enum feed_event (*more)(void *context, int64_t ms);
    void *context;
    bool terminal; /* somebody types */
};

/* Nothing has come yet: what was taken may wait for others for --linger, and no
 * longer; then it is flushed, and there is all the time in the world. */
enum feed_event input_await(struct produce *p, const struct source *source, int *status);

/* Take all of one input: a file, or - for stdin. */
int input_run(struct produce *p, const char *path);

/* Take the texts of -m. */
int input_messages(struct produce *p);

/* ---- evproduce_follow.c -------------------------------------------------- */

/* Take what is in these files, and what is added to them. */
int follow_run(struct produce *p, char *const *paths, size_t count);

/* ---- evproduce_transaction.c --------------------------------------------- */

/* What -x, --txn-every and --state say. */
int transaction_read(struct produce *p);

/* Begin to own the transactional id, if one is wanted; and let it go. */
int transaction_open(struct produce *p);
void transaction_close(struct produce *p);

/* How many records the open transaction still takes; 0: it is full. */
int64_t transaction_room(const struct produce *p);

/* How long it may stay open when nothing comes; 0: no longer, -1: for ever. */
int64_t transaction_patience(const struct produce *p);

/* Commit it if it is full or late.  For between blocks of input. */
int transaction_turn(struct produce *p);
int transaction_commit(struct produce *p);

/* At the end of all input: commit, or, after a failure or signal, abort. */
int transaction_end(struct produce *p, int status);

/* ---- evproduce_position.c ------------------------------------------------ */

/* Find the position that is stored under the name of --state, and store the
 * present one, in the open transaction. */
int position_open(struct produce *p);
void position_close(struct produce *p);
enum evl_error position_send(struct produce *p);

#endif
