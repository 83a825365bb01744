/* evproduce.h - what the files of evproduce share. */
#ifndef CMD_EVPRODUCE_H
#define CMD_EVPRODUCE_H

#include <evl/producer.h>

#include "form.h"
#include "stream.h"

struct produce_options {
    struct form_choice form;
    struct words messages, headers;
    const char *key, *timestamp, *receipt, *create, *skip_bad, *bad, *rate, *pace;
    int64_t partition, linger_ms, batch_bytes, record_max;
    bool tombstone, tee, no_create, end_mark, no_end_mark, force, json;
    int partitioner, acks, codec, flush, progress;
};

/* One run. */
struct produce {
    struct produce_options options;
    struct common common;
    const char *topic;
    struct evl_place *place;
    struct evl_producer *producer;
    struct evl_format_reader *reader;
    enum evl_format_kind kind;
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
    int64_t sent;          /* records handed to the producer */
    int64_t pending_since; /* when the oldest unpushed one came; -1: there is none */
    int64_t total;         /* bytes of input, if known; -1 */
    int64_t read_bytes;
};

/* The status of a failure of the producer, which is said once. */
int produce_failed(struct produce *p, enum evl_error err);

/* Take all of one input: a file, or - for stdin. */
int input_run(struct produce *p, const char *path);

/* Take the texts of -m. */
int input_messages(struct produce *p);

#endif
