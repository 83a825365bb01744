/* evproduce_transaction.c - what is written together, or not at all.
 *
 * (1) A transaction ends between two records: when it is full, when its time has
 *     come, or with the input.
 * (2) Receipts are held back until it is committed. */
#include "evproduce.h"

#include <unistd.h>

#include <evl/text.h>

enum {
    USUAL_MS = 1000,         /* between commits where input never ends */
    TIMEOUT_MS = 15 * 60000, /* of a transaction: what a broker allows */
};

/* ---- what the options mean ----------------------------------------------- */

int transaction_read(struct produce *p)
{
    const struct produce_options *o = &p->options;
    const char *text = o->txn_every;
    bool good = !text || number_read(text, &p->every.records) ||
                evl_parse_duration(text, 1000, &p->every.ms) ||
                evl_parse_size(text, &p->every.bytes);
    if (!good || (text && p->every.records + p->every.ms + p->every.bytes == 0))
        return say_usage("--txn-every: '%s' is not a number of records, a duration, nor a size",
                         text);
    if (o->state && (!*o->state || (o->txn && *o->txn)))
        return say_usage(*o->state ? "--state has a transactional id of its own: -x without one"
                                   : "--state wants a name");
    p->transactional = o->txn || text || o->state;
    p->every.idle_ms = p->every.ms ? p->every.ms : text || o->state || o->follow ? USUAL_MS : 0;
    if (!text)
        p->every.ms = p->every.idle_ms;
    return 0;
}

/* ---- a transaction's life -------------------------------------------------- */

int transaction_open(struct produce *p)
{
    struct evl_buffer id = { 0 };
    struct evl_transaction_options options = { .timeout_ms = TIMEOUT_MS };
    if (!p->transactional)
        return 0;
    p->begun.ms = -1;
    if (p->options.state)
        text_print(&id, "ev-%s", p->options.state);
    else if (p->options.txn && *p->options.txn)
        text_add(&id, p->options.txn);
    else
        text_print(&id, "evproduce-%d-%lld", (int)getpid(), (long long)tool_now_ms());
    options.id = text_end(&id);
    enum evl_error err = evl_transaction_open(p->place, &options, &p->transaction);
    evl_buffer_release(&id);
    return err ? say_fault(err) : 0;
}

void transaction_close(struct produce *p)
{
    evl_transaction_close(p->transaction);
    evl_buffer_release(&p->held);
}

static bool transaction_has_begun(const struct produce *p)
{
    return p->sent > p->begun.records || p->read_bytes > p->begun.read_bytes;
}

int64_t transaction_room(const struct produce *p)
{
    if (p->every.bytes && p->sent_bytes - p->begun.bytes >= p->every.bytes)
        return 0;
    return p->every.records ? p->every.records - (p->sent - p->begun.records) : INT64_MAX;
}

/* What is sent from now on is of another one. */
static void transaction_next(struct produce *p)
{
    p->begun.records = p->sent;
    p->begun.bytes = p->sent_bytes;
    p->begun.read_bytes = p->read_bytes;
    p->begun.ms = -1;
    evl_buffer_clear(&p->held);
}

int transaction_commit(struct produce *p)
{
    if (!p->transaction || !transaction_has_begun(p))
        return 0;
    enum evl_error err = position_send(p);
    if (!err)
        err = evl_transaction_commit(p->transaction);
    if (err)
        return produce_failed(p, err);
    evl_buffer_add(&p->sink.bytes, p->held.at, p->held.count);
    transaction_next(p);
    p->pending_since = -1;
    return sink_flush(&p->sink);
}

int transaction_turn(struct produce *p)
{
    if (!p->transaction || !transaction_has_begun(p))
        return 0;
    int64_t now = tool_clock_ms();
    if (p->begun.ms < 0)
        p->begun.ms = now;
    bool late = p->every.ms && now - p->begun.ms >= p->every.ms;
    return late || transaction_room(p) <= 0 ? transaction_commit(p) : 0;
}

int64_t transaction_patience(const struct produce *p)
{
    if (!p->transaction || !p->every.idle_ms || p->begun.ms < 0)
        return -1;
    int64_t left = p->begun.ms + p->every.idle_ms - tool_clock_ms();
    return left > 0 ? left : 0;
}

/* What a state speaks of is read again: nobody needs to be told. */
static int transaction_abort(struct produce *p)
{
    int64_t records = p->sent - p->begun.records;
    enum evl_error err = evl_transaction_abort(p->transaction);
    evl_buffer_clear(&p->held);
    if (records > 0)
        say(p->options.state ? SAY_DETAIL : SAY_NOTICE,
            "the transaction was aborted: %lld record%s not kept", (long long)records,
            records == 1 ? " is" : "s are");
    return err ? produce_failed(p, err) : 0;
}

int transaction_end(struct produce *p, int status)
{
    if (status == 0 && !signals_caught())
        return transaction_commit(p);
    keep_first(&status, transaction_abort(p));
    return status;
}
