/* evconsume.h - what the files of evconsume share. */
#ifndef CMD_EVCONSUME_H
#define CMD_EVCONSUME_H

#include <evl/admin.h>
#include <evl/consumer.h>
#include <evl/grep.h>
#include <evl/transaction.h>

#include "form.h"
#include "kept.h"
#include "letter.h"
#include "stream.h"

struct consume_options {
    struct form_choice form;
    const char *since, *until, *partitions, *key, *state, *append, *split, *name;
    const char *group, *instance, *commit_every, *ack, *batch, *on_error, *lock;
    struct words grep;
    int64_t count, tail, idle_ms, max_bytes, parallel, wait_lock_ms, session_ms;
    bool follow, regex, merge, json, fixed, ignore_case, latest, tombstones, count_only, control;
    bool unbuffered, embed, fail_empty, strict, force, end_mark;
    int isolation, progress, commit;
};

/* Records that were handed on and are not finished, in the order of their
 * offsets.  Zeroed: none. */
struct ledger {
    struct ledger_entry *at;
    size_t first, count, room;
};

/* A partition, and what is read of it. */
struct range {
    char *topic;
    char id[24];
    int32_t partition;
    int64_t first, end; /* end = -1: for ever */
    int64_t snapshot;   /* where it ended when we began */
    int64_t count;      /* records seen: -c */
    int64_t committed;  /* by the group; -1: nothing was */
    bool leaves;        /* somebody else is to have it: nothing more is read */
    struct ledger *ledger;
};

/* The words of --commit. */
enum commit_when { COMMIT_WRITE, COMMIT_END, COMMIT_ACK, COMMIT_NONE };

struct commit {
    enum commit_when when;
    bool on;                 /* there is something to commit to */
    bool begun;              /* and it has been, once */
    int64_t every, every_ms; /* --commit-every; 0: not said */
    int64_t last_ms;         /* when it was, or when we began */
    int64_t pending;         /* records finished since */
    int64_t open;            /* records entered and not finished */
};

/* One run. */
struct consume {
    struct consume_options options;
    struct common common;
    struct evl_place *place;
    struct evl_consumer *consumer;
    struct group *group;   /* NULL: all partitions are ours */
    struct bounds *bounds; /* what the options say about positions */
    struct range *ranges;
    size_t range_count;
    size_t range_next; /* the one that is asked for next, mostly */

    /* What is wanted. */
    struct evl_grep *grep;
    struct evl_bytes key; /* --key */
    bool selects;         /* some records may be unwanted */

    /* Where it goes. */
    enum evl_format_kind kind;
    struct evl_format_options form;
    struct evl_buffer form_texts;             /* which `form` borrows */
    struct evl_format_writer *writer, *namer; /* namer: --split */
    struct sink sink;
    struct evl_buffer name;
    struct work *work;       /* NULL: there is no COMMAND */
    struct letters *letters; /* NULL: there is no dlq */
    struct state state;
    struct commit commit;
    struct feed *acks; /* NULL: nobody acknowledges */
    bool acks_ended;
    bool warned;    /* of a form that cannot say what the record holds */
    bool full;      /* --max-bytes is reached */
    int64_t output; /* records */
    int64_t output_bytes;

    struct progress progress;
    int64_t seen; /* records looked at, wanted or not */
};

/* ---- evconsume_range.c: which records are meant -------------------------- */

/* The topics that are meant, and their partitions; with -g those come as
 * leases. */
int ranges_find(struct consume *c, const struct words *operands, struct words *topics);

/* Read a partition more, from `committed` on unless it is -1; or one less. */
int range_gain(struct consume *c, const char *topic, int32_t partition, int64_t committed);
void range_drop(struct consume *c, struct range *range);
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

/* A writer of the form that was asked for.  The caller closes it. */
int output_writer(struct consume *c, struct evl_format_writer **writer);

/* One record, or one batch. */
int output_record(struct consume *c, const struct evl_record *record);
int output_batch(struct consume *c, const struct evl_batch *batch);

/* Everything so far is with the reader, and is committed if that is due. */
int output_flush(struct consume *c);

/* Flush, mark the end if `clean`, close, and commit for the last time. */
int output_end(struct consume *c, bool clean);

/* ---- evconsume_ledger.c: what is not finished ---------------------------- */

/* Offsets rise from entry to entry. */
void ledger_enter(struct ledger *ledger, int64_t offset);

/* False if it is not there, or was finished before. */
bool ledger_finish(struct ledger *ledger, int64_t offset);

/* Somebody wants to divert this one, or not yet. */
void ledger_divert(struct ledger *ledger, int64_t offset, bool wanted);

/* The first that is not finished, or -1. */
int64_t ledger_first(const struct ledger *ledger);

/* The first that is neither finished nor to be diverted; INT64_MAX if all are. */
int64_t ledger_reach(const struct ledger *ledger);
void ledger_release(struct ledger *ledger);

/* ---- evconsume_commit.c: how far we have come ---------------------------- */

int commit_open(struct consume *c);

/* A record is handed on; no commit goes beyond it until it is finished. */
struct ledger *commit_enter(struct consume *c, struct evl_bytes topic, int32_t partition,
                            int64_t offset);
bool commit_finish(struct consume *c, struct ledger *ledger, int64_t offset);

/* Where the next run of this partition is to begin. */
int64_t commit_position(const struct consume *c, const struct range *range);

/* Whether what was written, or finished, should be committed now. */
bool commit_is_due(const struct consume *c);
int commit_now(struct consume *c);

/* ---- evconsume_group.c: partitions that are shared out ------------------- */

/* Become a member; topics[] are names. */
int group_open(struct consume *c, const struct words *topics);
void group_close(struct consume *c); /* what was to be committed was */

/* See what the others do.  Cheap, and safe at any time: nothing that was lent is
 * touched. */
int group_look(struct consume *c);

/* Between two records: take what was gained, give what was asked for. */
int group_turn(struct consume *c);

/* All that we own is read to its end: whether there may be more for us. */
bool group_goes_on(struct consume *c);

/* Positions that are news, and to commit them: at once, or as a part of a
 * transaction, which the caller commits. */
bool group_collect(struct consume *c);
int group_commit(struct consume *c, struct evl_transaction *transaction);

/* ---- evconsume_letter.c: records that a COMMAND failed on ---------------- */

/* --on-error dlq=TOPIC; nothing is made before there is something to write. */
int letters_open(struct consume *c, const char *topic);

/* Letters that are read again as orders would go round for ever. */
int letters_check(const struct consume *c, const struct words *topics);

/* With a group: end what killed members have left half done. */
int letters_settle(struct consume *c);

/* One more. */
int letters_add(struct consume *c, const struct letter *letter);

/* What was added, and the positions that are now behind it, together. */
int letters_commit(struct consume *c);
void letters_close(struct consume *c);

/* ---- evconsume_ack.c: others say what is done ---------------------------- */

/* Before anything is opened: have descriptor 3 for us, if somebody gave it. */
int ack_reserve(void);
int ack_open(struct consume *c, int reserved);

/* Take what has come.  Waits only if far too many are awaited. */
int ack_take(struct consume *c);

/* All was written, and if that went well, wait for the rest.  EXIT_TEMPORARY if
 * it does not come. */
int ack_end(struct consume *c, bool wait);

/* ---- evconsume_command.c: a COMMAND for each batch ----------------------- */

/* argv: the COMMAND, ended by NULL; or NULL if there is none. */
int work_open(struct consume *c, char *const *argv);
int work_begin(struct consume *c);

/* Give it a record, when a command is free for it. */
int work_record(struct consume *c, const struct evl_record *record);

/* Nothing to give now: run what is waiting.  *busy: there is something in work,
 * and that was waited for a moment. */
int work_idle(struct consume *c, bool *busy);

/* Run what was given, without waiting for more of it. */
int work_hasten(struct consume *c);

/* Run what is left, unless we are to stop, and wait for what runs. */
int work_end(struct consume *c);
void work_close(struct consume *c);

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
