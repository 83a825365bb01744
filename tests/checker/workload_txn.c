/* workload_txn.c - polls and sends that are all or nothing.
 *
 * The id belongs to the place among the living that a process takes: who comes
 * after a killed one opens it again, and finishes what that one left. */
#include "checker/workload.h"

#include <inttypes.h>
#include <stdio.h>

#include "checker/chance.h"

enum { ABORTED_PERCENT = 20 };

static enum evl_error transaction_of(struct worker *w)
{
    char id[32];
    if (w->transaction)
        return EVL_OK;
    snprintf(id, sizeof id, "w%" PRId64, w->slot);
    struct evl_transaction_options o = { .id = id };
    enum evl_error err = evl_transaction_open(w->place, &o, &w->transaction);
    for (int topic = 0; topic < TOPICS && !err; topic++)
        err = worker_open_producer(w, topic, w->transaction, &w->transactional[topic]);
    return err;
}

/* What an aborted one polled comes again. */
static enum evl_error transaction_end(struct worker *w, bool commits)
{
    enum evl_error err =
        commits ? evl_transaction_commit(w->transaction) : evl_transaction_abort(w->transaction);
    if (err)
        return err;
    worker_complete(w, commits ? "ok" : "fail");
    if (!commits)
        return worker_rewind(w);
    worker_keep(w);
    return EVL_OK;
}

enum evl_error worker_transact(struct worker *w)
{
    enum evl_error err = transaction_of(w);
    if (err)
        return err;
    worker_begin(w, "txn");
    w->now.commits = w->member != NULL;
    if (!w->is_draining)
        worker_choose_sends(w);
    err = worker_fetch(w, w->is_draining ? FINAL_POLL_MAX : POLL_MAX);
    if (err)
        return err;
    worker_invoke(w); /* with what was polled: it counts even if we tell nothing more */
    err = worker_hand_over(w, w->transactional);
    if (!err)
        err = worker_add_positions(w);
    bool aborts = !w->is_draining && chance_toss(&w->seed, ABORTED_PERCENT);
    return err ? err : transaction_end(w, !aborts);
}

void worker_close_transaction(struct worker *w)
{
    for (int topic = 0; topic < TOPICS; topic++)
        evl_producer_close(w->transactional[topic]);
    evl_transaction_close(w->transaction);
}
