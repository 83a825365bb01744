/* evproduce_position.c - how far files were read, for --state.
 *
 * The position is a record of the transaction that the records before it are
 * in: topic __ev_state, key NAME, which is compacted.  Who reads what is
 * committed sees both or neither, and who goes on after a crash begins where
 * the last transaction ended.
 *
 * (1) Nobody else has NAME's transactional id while we do, and what a
 *     predecessor left open was decided before we look for his position.
 * (2) It speaks only of what was handed to the producer. */
#include "evproduce.h"

#include <evl/admin.h>
#include <evl/consumer.h>

enum { PATIENCE_MS = 30000 }; /* for transactions of others */

static const char state_topic[] = "__ev_state";

/* Where this name's positions are. */
static int32_t partition_of(const struct produce *p)
{
    return evl_partition_of(EVL_PARTITION_MURMUR2, evl_text(p->options.state),
                            evl_producer_partitions(p->positions));
}

/* A record of another transaction, of another name, may be undecided before
 * ours: wait until it is not. */
static enum evl_error position_await(struct evl_consumer *consumer, int64_t until)
{
    bool more;
    enum evl_error err = evl_consumer_wait(consumer, 100, &more);
    if (!err && tool_clock_ms() > until) {
        say(SAY_ERROR, "%s: a transaction stays open (evtopic txn ls); try again", state_topic);
        return EVL_ERR_BUSY;
    }
    return err;
}

static enum evl_error position_find(struct produce *p, struct evl_consumer *consumer, bool *said)
{
    int64_t until = tool_clock_ms() + PATIENCE_MS;
    struct evl_record record;
    enum evl_next what = EVL_NEXT_IDLE;
    enum evl_error err = EVL_OK;
    while (!err && what != EVL_NEXT_END && !signals_caught()) {
        err = evl_consumer_next(consumer, &record, &what);
        if (err || what == EVL_NEXT_END)
            continue;
        if (what == EVL_NEXT_IDLE) {
            err = position_await(consumer, until);
            *said = err == EVL_ERR_BUSY;
        } else if (evl_bytes_equal(record.key, evl_text(p->options.state))) {
            evl_buffer_clear(&p->position);
            evl_buffer_add(&p->position, record.value.at, record.value.count);
        }
    }
    return err;
}

static enum evl_error position_read(struct produce *p, struct evl_consumer *consumer, bool *said)
{
    struct evl_partition facts;
    enum evl_error err = evl_admin_partition(p->place, state_topic, partition_of(p), &facts);
    if (err || facts.end == facts.start)
        return err;
    err = evl_consumer_add(consumer, state_topic, partition_of(p), facts.start, facts.end);
    return err ? err : position_find(p, consumer, said);
}

int position_open(struct produce *p)
{
    struct evl_producer_options to = {
        .topic = state_topic, .create = true, .internal = true, .transaction = p->transaction
    };
    struct evl_consumer_options from = { .isolation = EVL_COMMITTED, .follow = true };
    struct evl_consumer *consumer = NULL;
    bool said = false;
    enum evl_error err = evl_producer_open(p->place, &to, &p->positions);
    if (!err)
        err = evl_consumer_open(p->place, &from, &consumer);
    if (!err)
        err = position_read(p, consumer, &said);
    evl_consumer_close(consumer);
    if (said)
        return evl_error_exit(err);
    return err ? say_fault(err) : 0;
}

enum evl_error position_send(struct produce *p)
{
    struct evl_record record = EVL_RECORD_NONE;
    if (!p->positions)
        return EVL_OK;
    evl_buffer_clear(&p->position);
    tail_save(p->tail, &p->position);
    record.partition = partition_of(p);
    record.key = evl_text(p->options.state);
    record.value = evl_buffer_bytes(&p->position);
    return evl_producer_send(p->positions, &record);
}

void position_close(struct produce *p)
{
    evl_producer_close(p->positions);
    evl_buffer_release(&p->position);
}
