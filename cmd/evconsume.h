/* evconsume.h - what the files of evconsume share. */
#ifndef CMD_EVCONSUME_H
#define CMD_EVCONSUME_H

#include <evl/admin.h>
#include <evl/consumer.h>
#include <evl/grep.h>

#include "form.h"
#include "stream.h"

struct consume_options {
    struct form_choice form;
    const char *since, *until, *partitions, *key, *state, *append, *split, *name;
    struct words grep;
    int64_t count, tail, idle_ms, max_bytes;
    bool follow, regex, merge, json, fixed, ignore_case, latest, tombstones, count_only, control;
    bool unbuffered, embed, fail_empty, strict, force, end_mark;
    int isolation, progress;
};

/* A partition, and what is read of it. */
struct range {
    char *topic;
    char id[24];
    int32_t partition;
    int64_t first, end; /* end = -1: for ever */
    int64_t snapshot;   /* where it ended when we began */
    int64_t count;      /* records seen: -c */
};

/* One record that is kept for later, in one piece of memory. */
struct kept;

/* One run. */
struct consume {
    struct consume_options options;
    struct common common;
    struct evl_place *place;
    struct evl_consumer *consumer;
    struct range *ranges;
    size_t range_count;
    size_t range_next; /* the one that is asked for next, mostly */

    /* What is wanted. */
    struct evl_grep *grep;
    struct evl_bytes key; /* --key */
    bool selects;         /* some records may be unwanted */

    /* Where it goes. */
    enum evl_format_kind kind;
    struct evl_format_writer *writer, *namer; /* namer: --split */
    struct sink sink;
    struct evl_buffer name;
    struct state state;
    bool warned;    /* of a form that cannot say what the record holds */
    bool full;      /* --max-bytes is reached */
    int64_t output; /* records */
    int64_t output_bytes;

    struct progress progress;
    int64_t seen; /* records looked at, wanted or not */
};

/* ---- evconsume_range.c: which records are meant -------------------------- */

int ranges_find(struct consume *c, const struct words *operands);
void ranges_release(struct consume *c);
struct range *range_find(struct consume *c, struct evl_bytes topic, int32_t partition);

/* A consumer on all ranges; each from where `first` of it says. */
int ranges_open(struct consume *c, bool follow, bool merge, struct evl_consumer **consumer);

/* ---- evconsume_select.c: which of them are wanted ------------------------ */

int select_open(struct consume *c);
bool select_wants(const struct consume *c, const struct evl_record *record);

/* The last N, whatever the holes; then the ranges begin behind them. */
int select_tail(struct consume *c);

/* Only the newest record of each key. */
int select_latest(struct consume *c);

/* ---- evconsume_count.c: how many there are ------------------------------- */

int count_run(struct consume *c);

/* ---- evconsume_output.c: out with them ----------------------------------- */

int output_open(struct consume *c);

/* One record, or one batch. */
int output_record(struct consume *c, const struct evl_record *record);
int output_batch(struct consume *c, const struct evl_batch *batch);

/* Everything so far is with the reader, and --state says so. */
int output_flush(struct consume *c);

/* Flush, mark the end if `clean`, and close. */
int output_end(struct consume *c, bool clean);

/* A record, or a batch, was looked at: now and then, say how far we are. */
static inline void consume_tick(struct consume *c)
{
    enum { SELDOM = 0xfff };
    if ((++c->seen & SELDOM) == 0)
        progress_tick(&c->progress, c->seen, c->sink.written, -1);
}

static inline bool output_is_enough(const struct consume *c)
{
    return c->full || c->output == c->options.count;
}

#endif
