/* workload_send.c - values into the log.
 *
 * A value is the decimal text of its number. */
#include "checker/workload.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "base/fault.h"
#include "checker/chance.h"
#include "place/place.h"
#include "record/batch.h"

enum { VALUE_TEXT = 24 };

static struct evl_record record_of(const struct sending *s, char text[VALUE_TEXT])
{
    struct evl_record record = EVL_RECORD_NONE;
    snprintf(text, VALUE_TEXT, "%" PRId64, s->value);
    record.partition = workload_keys[s->key].partition;
    record.value = evl_text(text);
    return record;
}

/* ---- through a producer ---------------------------------------------------- */

/* Receipts of a partition come in the order of its offsets, which is the order
 * in which the values were sent. */
static void acknowledged(void *context, const struct evl_receipt *receipt)
{
    struct worker *w = context;
    for (int i = 0;; i++) {
        check(i < w->now.send_count); /* nothing else is acknowledged */
        struct sending *s = &w->now.sends[i];
        const struct workload_key *key = &workload_keys[s->key];
        if (s->offset >= 0 || key->partition != receipt->partition ||
            strcmp(workload_topics[key->topic], receipt->topic) != 0)
            continue;
        s->offset = receipt->offset;
        return;
    }
}

enum evl_error worker_open_producer(struct worker *w, int topic,
                                    struct evl_transaction *transaction,
                                    struct evl_producer **producer)
{
    struct evl_producer_options o = { .topic = workload_topics[topic],
                                      .partitioner = EVL_PARTITION_INPUT,
                                      .transaction = transaction,
                                      .acknowledged = acknowledged,
                                      .context = w };
    return evl_producer_open(w->place, &o, producer);
}

enum evl_error worker_hand_over(struct worker *w, struct evl_producer **producers)
{
    char text[VALUE_TEXT];
    enum evl_error err = EVL_OK;
    for (int i = 0; i < w->now.send_count && !err; i++) {
        int topic = workload_keys[w->now.sends[i].key].topic;
        struct evl_record record = record_of(&w->now.sends[i], text);
        err = evl_producer_send(producers[topic], &record);
        if (!err && chance_toss(&w->seed, 20))
            err = evl_producer_push(producers[topic]);
    }
    for (int topic = 0; topic < TOPICS && !err; topic++)
        err = evl_producer_flush(producers[topic]);
    return err;
}

void worker_choose_sends(struct worker *w)
{
    for (uint64_t n = 1 + chance_below(&w->seed, SENDS_MAX); n > 0; n--)
        worker_send_to(w, (int)chance_below(&w->seed, KEYS));
}

enum evl_error worker_send(struct worker *w)
{
    enum evl_error err = EVL_OK;
    for (int topic = 0; topic < TOPICS && !err; topic++)
        if (!w->producers[topic])
            err = worker_open_producer(w, topic, NULL, &w->producers[topic]);
    worker_begin(w, "send");
    worker_choose_sends(w);
    worker_invoke(w);
    if (!err)
        err = worker_hand_over(w, w->producers);
    if (!err)
        worker_complete(w, "ok");
    return err;
}

/* ---- in batches with a sequence -------------------------------------------- */

/* As a remote producer does whose answers get lost: the same batch may come
 * again, and is in the log once. */
static enum evl_error batch_append(struct worker *w, int key, struct evl_bytes batch,
                                   struct log_promise *promise)
{
    struct evl_buffer copy = { 0 }; /* the log writes offsets into it */
    struct log_place place;
    int done;
    buf_add_bytes(&copy, batch);
    struct evl_bytes bytes = buf_bytes(&copy);
    enum evl_error err = log_append(w->logs[key], &bytes, 1, false, &place, &done, promise);
    buf_release(&copy);
    for (int i = 0; i < w->now.send_count && !err; i++)
        w->now.sends[i].offset = place.base_offset + i;
    return err;
}

static enum evl_error batch_store(struct worker *w, int key, struct evl_bytes batch)
{
    struct log_promise promise;
    uint64_t repeats = chance_below(&w->seed, 3); /* before the sync, or after it */
    enum evl_error err = batch_append(w, key, batch, &promise);
    for (uint64_t i = 0; i < repeats && !err; i++) {
        if (chance_toss(&w->seed, 50))
            err = log_sync(w->logs[key], &promise);
        if (!err)
            err = batch_append(w, key, batch, &promise);
    }
    return err ? err : log_sync(w->logs[key], &promise);
}

static enum evl_error batch_make(struct worker *w, int key, struct batch_writer *writer,
                                 struct evl_bytes *batch)
{
    char text[VALUE_TEXT];
    uint8_t *at;
    size_t size;
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    batch_begin(writer);
    for (int i = 0; i < w->now.send_count; i++) {
        struct evl_record record = record_of(&w->now.sends[i], text);
        record.timestamp = io_wall_ms(w->place->io);
        batch_add(writer, &record);
    }
    if (!w->o->unnumbered) {
        seal.producer_id = (int64_t)1 << 40 | w->number; /* nobody else's */
        seal.producer_epoch = 0;
        seal.base_sequence = w->sequences[key];
    }
    w->sequences[key] += w->now.send_count;
    enum evl_error err = batch_finish(writer, &seal, &at, &size);
    *batch = evl_bytes(at, size);
    return err;
}

enum evl_error worker_send_numbered(struct worker *w)
{
    int key = (int)chance_below(&w->seed, KEYS);
    const struct workload_key *where = &workload_keys[key];
    struct batch_writer writer = { 0 };
    struct evl_bytes batch;
    enum evl_error err = EVL_OK;
    if (!w->logs[key])
        err = directory_log(w->place->directory, workload_topics[where->topic], where->partition,
                            NULL, &w->logs[key]);
    worker_begin(w, "send");
    for (uint64_t n = 1 + chance_below(&w->seed, SENDS_MAX); n > 0; n--)
        worker_send_to(w, key);
    worker_invoke(w);
    if (!err)
        err = batch_make(w, key, &writer, &batch);
    if (!err)
        err = batch_store(w, key, batch);
    batch_writer_release(&writer);
    if (!err)
        worker_complete(w, "ok");
    return err;
}

void worker_close_senders(struct worker *w)
{
    for (int topic = 0; topic < TOPICS; topic++)
        evl_producer_close(w->producers[topic]);
    for (int key = 0; key < KEYS; key++)
        log_close(w->logs[key]);
}
