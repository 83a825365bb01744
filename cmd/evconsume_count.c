/* evconsume_count.c - how many records there are, without looking at them if
 * nobody asks what is in them: a batch says how many it holds. */
#include "evconsume.h"

#include <stdio.h>

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* The part of a batch that lies in the range, record by record. */
static int count_part(struct consume *c, struct range *range, const struct evl_batch *batch)
{
    struct evl_consumer_options options = { .isolation = (enum evl_isolation)c->options.isolation };
    struct evl_consumer *consumer = NULL;
    struct evl_record record;
    enum evl_next what;
    int64_t first = larger(range->first, batch->first_offset);
    int64_t end = smaller(range->end, batch->last_offset + 1);
    enum evl_error err = evl_consumer_open(c->place, &options, &consumer);
    if (!err)
        err = evl_consumer_add(consumer, range->topic, range->partition, first, end);
    while (!err) {
        err = evl_consumer_next(consumer, &record, &what);
        if (err || what != EVL_NEXT_RECORD)
            break;
        range->count++;
    }
    evl_consumer_close(consumer);
    return err ? say_fault(err) : 0;
}

static int count_batch(struct consume *c, const struct evl_batch *batch)
{
    struct range *range = range_find(c, batch->topic, batch->partition);
    if (batch->control && !c->options.control)
        return 0;
    if (batch->first_offset >= range->first && batch->last_offset < range->end) {
        range->count += batch->count;
        return 0;
    }
    return count_part(c, range, batch);
}

static int count_batches(struct consume *c)
{
    int status = 0;
    while (status == 0 && !signals_caught()) {
        struct evl_batch batch;
        enum evl_next what;
        enum evl_error err = evl_consumer_next_batch(c->consumer, &batch, &what);
        if (err)
            return say_fault(err);
        if (what != EVL_NEXT_RECORD)
            break;
        consume_tick(c);
        status = count_batch(c, &batch);
    }
    return status;
}

static int count_records(struct consume *c)
{
    while (!signals_caught()) {
        struct evl_record record;
        enum evl_next what;
        enum evl_error err = evl_consumer_next(c->consumer, &record, &what);
        if (err)
            return say_fault(err);
        if (what != EVL_NEXT_RECORD)
            break;
        consume_tick(c);
        if (select_wants(c, &record))
            range_find(c, record.topic, record.partition)->count++;
    }
    return 0;
}

static int count_print(struct consume *c)
{
    int64_t total = 0;
    for (size_t i = 0; i < c->range_count; i++) {
        const struct range *range = &c->ranges[i];
        total += range->count;
        if (c->options.json) {
            text_add(&c->sink.bytes, "{\"topic\":");
            text_add_json(&c->sink.bytes, range->topic);
            text_print(&c->sink.bytes, ",\"partition\":%d,\"count\":%lld}\n", range->partition,
                       (long long)range->count);
        } else {
            text_print(&c->sink.bytes, "%s\t%d\t%lld\n", range->topic, range->partition,
                       (long long)range->count);
        }
    }
    int status = sink_flush(&c->sink);
    return status ? status : total ? 0 : EXIT_NO;
}

int count_run(struct consume *c)
{
    int status = ranges_open(c, false, false, &c->consumer);
    if (status == 0)
        status = c->selects ? count_records(c) : count_batches(c);
    return status ? status : signals_caught() ? 0 : count_print(c);
}
