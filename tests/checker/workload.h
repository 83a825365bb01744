/* workload.h - processes that use one directory, and write down what they did.
 *
 * Each process has a number of its own, which nobody had before it, and a
 * journal: a file of events (events.h), each of which is there before the next
 * thing is done.  A process works until the deadline, or until it is killed;
 * who takes its place has another number.
 *
 * Files: workload.c kills and merges, workload_worker.c is a process and its
 * journal, workload_send.c, workload_poll.c, workload_group.c and workload_txn.c
 * are what it does.  A new kind of operation is one function and one row of
 * worker_actions[]. */
#ifndef TESTS_WORKLOAD_H
#define TESTS_WORKLOAD_H

#include <evl/consumer.h>
#include <evl/member.h>
#include <evl/producer.h>
#include <evl/transaction.h>

#include "base/buf.h"
#include "log/log.h"

enum {
    TOPICS = 2,
    KEYS = 5,
    GROUPS = 2,
    SENDS_MAX = 4,
    POLL_MAX = 64,         /* records of one poll */
    FINAL_POLL_MAX = 1000, /* in the final phase */
};

/* A topic-partition, as histories call it. */
struct workload_key {
    int topic; /* of workload_topics[] */
    int32_t partition;
    const char *name;
};
extern const struct workload_key workload_keys[KEYS];
extern const char *const workload_topics[TOPICS];

struct workload_options {
    const char *data, *journals; /* folders */
    uint64_t seed;
    int64_t seconds;
    int64_t processes;
    bool unnumbered; /* repeat batches that have no sequence: duplicates are to be found */
    bool hasty;      /* commit what was fetched and not polled yet: skips are to be found */
};

/* Nanoseconds, of one clock for all processes. */
int64_t workload_now(void);

struct sending {
    int key;
    int64_t value, offset; /* -1: not known yet */
};

/* What is under way. */
struct operation {
    const char *f;
    const char *group; /* of subscribe */
    int64_t began;     /* nanoseconds */
    bool polls, has_polled;
    bool commits;            /* of the keys that are assigned: */
    int64_t positions[KEYS]; /* where its polls leave them */
    struct sending sends[SENDS_MAX];
    int send_count;
    struct evl_buffer polled[KEYS]; /* struct polled: what came of each key */
    bool is_full;                   /* keys of which nothing came may not have been asked */
    bool rebalanced[KEYS];          /* came or went */
};

struct polled {
    int64_t offset, value;
};

struct worker {
    const struct workload_options *o;
    int64_t number;
    int64_t slot; /* its place among the living: 0 to before o->processes */
    uint64_t seed;
    int journal;
    struct evl_buffer line;
    struct evl_place *place;
    struct evl_producer *producers[TOPICS]; /* or NULL: not open yet */
    struct evl_transaction *transaction;    /* or NULL: not open yet; its producers */
    struct evl_producer *transactional[TOPICS];
    struct log *logs[KEYS]; /* of numbered batches, in the same way */
    int32_t sequences[KEYS];
    int64_t values;
    struct evl_consumer *consumer; /* of the keys that are assigned; or NULL */
    bool assigned[KEYS];
    int64_t positions[KEYS];   /* after the last poll that was ok */
    struct evl_member *member; /* who assigns them; or NULL */
    int group;
    bool awaited[KEYS]; /* owned, but nobody knows yet from where on */
    bool moved[KEYS];   /* came or went, and the journal does not say so yet */
    bool is_draining;   /* polls, and sends nothing */
    struct operation now;
};

/* ---- a process (workload_worker.c) ---------------------------------------- */

/* Make the topics. */
enum evl_error workload_set_up(const struct workload_options *o);

/* Be process `number` in that place among the living, until the deadline. */
enum evl_error workload_work(const struct workload_options *o, int64_t number, int64_t slot,
                             int64_t deadline);

/* Be a process that brings each group to the end; then, that reads everything. */
enum evl_error workload_drain(const struct workload_options *o, int64_t number);
enum evl_error workload_read_all(const struct workload_options *o, int64_t number);

/* ---- an operation --------------------------------------------------------- */

/* worker_begin; worker_send_to for each value; worker_invoke: from here on the
 * journal says that it may have happened; then do it; worker_complete. */
void worker_begin(struct worker *w, const char *f);
struct sending *worker_send_to(struct worker *w, int key);
void worker_invoke(struct worker *w);
void worker_complete(struct worker *w, const char *type);

/* ---- what it may do -------------------------------------------------------- */

/* workload_send.c: values through producers, one for each topic, and in numbered
 * batches.  worker_hand_over sends what worker_send_to said, and flushes, without
 * a line in the journal; opened as worker_open_producer does, the producers put
 * the offsets where they belong. */
enum evl_error worker_send(struct worker *w);
enum evl_error worker_send_numbered(struct worker *w);
void worker_choose_sends(struct worker *w);
enum evl_error worker_open_producer(struct worker *w, int topic,
                                    struct evl_transaction *transaction,
                                    struct evl_producer **producer);
enum evl_error worker_hand_over(struct worker *w, struct evl_producer **producers);
void worker_close_senders(struct worker *w);

/* workload_txn.c: both at once, committed or aborted. */
enum evl_error worker_transact(struct worker *w);
void worker_close_transaction(struct worker *w);

/* workload_poll.c.  worker_fetch reads on from where the consumer is, without a
 * line in the journal; worker_keep then makes that where the process is, and
 * worker_rewind goes back there, or to where it was assigned keys. */
enum evl_error worker_assign(struct worker *w);
enum evl_error worker_poll(struct worker *w);
enum evl_error worker_poll_all(struct worker *w);
enum evl_error worker_fetch(struct worker *w, int most);
void worker_keep(struct worker *w);
enum evl_error worker_rewind(struct worker *w);
void worker_close_consumer(struct worker *w);

/* workload_group.c.  worker_look_around, between operations, takes what is ours
 * and gives back what is not; worker_add_positions makes the positions of
 * worker_fetch part of the transaction. */
enum evl_error worker_subscribe(struct worker *w);
enum evl_error worker_commit(struct worker *w);
enum evl_error worker_look_around(struct worker *w);
enum evl_error worker_add_positions(struct worker *w);
enum evl_error worker_drain(struct worker *w);
bool worker_is_exact(const struct worker *w); /* all that it polls is in transactions */
void worker_leave(struct worker *w);

#endif
