/* evstream.h - what the files of evstream share. */
#ifndef CMD_EVSTREAM_H
#define CMD_EVSTREAM_H

#include <evl/admin.h>
#include <evl/consumer.h>
#include <evl/format.h>
#include <evl/group.h>
#include <evl/member.h>
#include <evl/transaction.h>

#include "command.h"
#include "form.h"
#include "kept.h"
#include "stream.h"
#include "terms.h"

struct stream_options {
    struct words from;
    const char *to, *group, *instance, *since, *batch, *on_error, *columns, *keep, *at;
    int given, back; /* enum evl_format_kind: -o, -i */
    bool coprocess, follow, json, tsv;
    int64_t idle_ms;
    int progress;
};

/* A partition that is ours, and how far it is done. */
struct part {
    char *topic;
    int32_t partition;
    int64_t committed; /* -1: nothing was */
    bool touched;      /* the batch has records of it */
};

/* The records that one run of FILTER gets.  Copies are kept for --keep, and for
 * letters. */
struct load {
    struct evl_buffer bytes; /* as FILTER reads them */
    struct kept **kept;
    size_t count, room;
    int64_t begun_ms;
};

/* --keep: what an answer has of the record that it answers. */
struct keep {
    bool key, headers, timestamp, partition;
};

struct stream {
    struct stream_options options;
    struct common common;
    struct evl_place *place;
    char *const *argv; /* FILTER */

    struct evl_member *member;
    struct evl_consumer *consumer;
    struct spec since;
    struct part *parts;
    size_t part_count;
    bool begun; /* a partition was ours, once */
    int64_t opened_ms;

    struct batch_limit limit;
    struct on_error on_error;
    struct keep keep;
    bool keeps; /* copies are wanted */
    struct load load;
    struct evl_format_writer *writer;
    struct evl_format_reader *reader;

    struct command filter;
    struct evl_buffer answer; /* what FILTER wrote */
    struct evl_buffer error;  /* why the last attempt failed */

    struct evl_transaction *transaction;
    struct outlet {
        char *topic;
        struct evl_producer *producer;
    } * outlets; /* one for each topic that was written to */
    size_t outlet_count;

    struct progress progress;
    int64_t records, written, batches;
};

/* ---- evstream_input.c: what comes in ------------------------------------- */

int input_open(struct stream *s);
void input_close(struct stream *s);

/* Between two batches: take what was gained, give back what was asked for. */
int input_turn(struct stream *s);

/* Fill the load.  It stays empty when there is nothing to do now; *ends: nor will
 * there be. */
int input_gather(struct stream *s, bool *ends);
void load_clear(struct load *load);

/* ---- evstream_filter.c: what is made of it ------------------------------- */

/* Have FILTER answer the load.  0: the answer is there; else the status that it
 * stands for, and s->error says why.  *fatal: FILTER cannot be run at all. */
int filter_run(struct stream *s, bool *fatal);
void filter_end(struct stream *s);

/* ---- evstream_output.c: what goes out ------------------------------------ */

int output_open(struct stream *s);
void output_close(struct stream *s);

/* The answer and the positions behind the load, in one transaction.  EXIT_DATA:
 * the answer is malformed, s->error says how, and nothing was written. */
int output_commit(struct stream *s, bool *malformed);

/* The load as letters, or nothing of it, and the positions behind it. */
int output_divert(struct stream *s, int64_t attempts);
int output_skip(struct stream *s);

/* ---- evstream_admin.c: reset, describe ----------------------------------- */

int stream_reset(struct stream *s, const char *name);
int stream_describe(struct stream *s, const char *name);

#endif
