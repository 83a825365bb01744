/* evproduce.h - what the files of evproduce share. */
#ifndef CMD_EVPRODUCE_H
#define CMD_EVPRODUCE_H

#include <evl/producer.h>

#include "form.h"
#include "stream.h"

struct produce_options {
    struct form_choice form;
    struct words messages, headers;
    const char *key, *timestamp, *receipt, *create, *skip_bad, *bad, *rate, *pace, *rescan;
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
    int64_t begun_ms, first_timestamp, sent_bytes;

    bool failed;           /* the producer takes no more, and it was said */
    bool unexpected;       /* and it was --expect-offset that it failed by */
    int64_t sent;          /* records handed to the producer */
    int64_t pending_since; /* when the oldest unpushed one came; -1: there is none */
    int64_t total;         /* bytes of input, if known; -1 */
    int64_t read_bytes;
};

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

#endif
