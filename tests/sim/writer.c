/* writer.c - sessions that add records. */
#include <stdio.h>
#include <string.h>

#include <evl/producer.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/uuid.h"
#include "log/log.h"
#include "place/place.h"
#include "sim/world.h"

enum { SENDS_MAX = 24, PARTITIONS_MAX = 8, CLIENT_BATCHES = 4, CLIENT_RECORDS = 3 };

/* One producer, and what it has not been acknowledged: first in, first out. */
struct writing {
    struct world *w;
    struct io *io;
    int topic, writer;
    bool firm;
    struct evl_producer *producer;
    int64_t sent[PARTITIONS_MAX][SENDS_MAX];
    int sent_count[PARTITIONS_MAX], acknowledged[PARTITIONS_MAX];
};

static void acknowledged(void *context, const struct evl_receipt *receipt)
{
    struct writing *wr = context;
    int i = wr->acknowledged[receipt->partition]++;
    if (!sim_is_alive(wr->io))
        return;
    if (i >= wr->sent_count[receipt->partition])
        model_break(wr->w->model, "an acknowledgement of a record that was not sent");
    else
        model_acknowledge(wr->w->model, wr->sent[receipt->partition][i], receipt->offset, wr->firm);
}

/* Times go on in small steps, and now and then in one that begins a segment. */
static int64_t next_time(struct world *w)
{
    w->time_ms += world_toss(w, 10) ? 60 : (int64_t)world_chance(w, 6);
    return w->time_ms;
}

static enum evl_error write_one(struct writing *wr, struct evl_buffer *value)
{
    struct evl_record record = EVL_RECORD_NONE;
    int count = evl_producer_partitions(wr->producer);
    int p = (int)world_chance(wr->w, (uint64_t)(count < PARTITIONS_MAX ? count : PARTITIONS_MAX));
    int64_t number = model_record(wr->w->model, wr->topic, p, wr->writer);
    model_value(number, value);
    record.partition = p;
    record.timestamp = next_time(wr->w);
    record.value = buf_bytes(value);
    wr->sent[p][wr->sent_count[p]++] = number; /* a receipt may come before send returns */
    return evl_producer_send(wr->producer, &record);
}

static enum evl_error write_some(struct writing *wr, int count)
{
    struct evl_buffer value = { 0 };
    enum evl_error err = EVL_OK;
    for (; count > 0 && !err; count--) {
        err = write_one(wr, &value);
        if (!err && world_toss(wr->w, 25))
            err = evl_producer_push(wr->producer);
        if (!err && world_toss(wr->w, 15))
            err = evl_producer_flush(wr->producer);
    }
    buf_release(&value);
    return err ? err : evl_producer_flush(wr->producer);
}

/* Open a producer, and know for which topic: its name may come to mean another
 * one at any moment. */
static enum evl_error writing_open(struct writing *wr, struct evl_place *place, const char *name)
{
    struct world *w = wr->w;
    int before;
    bool os = w->os && world_toss(w, 30);
    struct evl_producer_options o = { .topic = name,
                                      .flush = os ? EVL_FLUSH_OS : EVL_FLUSH_SYNC,
                                      .batch_bytes = 80 + world_chance(w, 800),
                                      .acknowledged = acknowledged,
                                      .context = wr };
    wr->firm = !os;
    enum evl_error err = world_topic(w, place, name, &before);
    if (!err)
        err = evl_producer_open(place, &o, &wr->producer);
    if (!err)
        err = world_topic(w, place, name, &wr->topic);
    if (!err && before != wr->topic)
        err = EVL_ERR_NOT_FOUND; /* we do not know to which one it belongs */
    if (!err && os)
        model_is_os(w->model, wr->topic);
    return err;
}

enum evl_error world_write(struct world *w, struct io *io, struct evl_place *place,
                           const char *name, int count)
{
    struct writing wr = { .w = w, .io = io, .writer = model_writer(w->model) };
    check(count <= SENDS_MAX);
    enum evl_error err = writing_open(&wr, place, name);
    if (!err)
        err = write_some(&wr, count);
    evl_producer_close(wr.producer);
    return err;
}

void session_write(struct world *w, struct io *io)
{
    struct evl_place *place;
    if (world_enter(w, io, false, &place))
        return;
    const char *name = world_name(w);
    enum evl_error err = world_write(w, io, place, name, 1 + (int)world_chance(w, SENDS_MAX));
    if (err)
        world_judge(w, io, err, "write");
    world_leave(w, io, place);
}

/* ---- an idempotent client ------------------------------------------------ */

/* Its next batch, or once more the one that is pending. */
static void client_fill(struct world *w, struct client *c)
{
    if (c->pending > 0)
        return;
    c->pending = 1 + (int32_t)world_chance(w, CLIENT_RECORDS);
    c->timestamp = next_time(w);
    c->first = model_record(w->model, c->topic, c->partition, c->writer);
    for (int32_t i = 1; i < c->pending; i++)
        (void)model_record(w->model, c->topic, c->partition, c->writer);
}

static enum evl_error client_seal(const struct client *c, struct batch_writer *writer,
                                  struct evl_bytes *batch)
{
    struct evl_buffer value = { 0 };
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    uint8_t *bytes;
    size_t size;
    batch_begin(writer);
    for (int32_t i = 0; i < c->pending; i++) {
        struct evl_record record = EVL_RECORD_NONE;
        model_value(c->first + i, &value);
        record.timestamp = c->timestamp;
        record.value = buf_bytes(&value);
        batch_add(writer, &record);
    }
    buf_release(&value);
    seal.producer_id = c->producer_id;
    seal.producer_epoch = 0;
    seal.base_sequence = c->sequence;
    enum evl_error err = batch_finish(writer, &seal, &bytes, &size);
    *batch = evl_bytes(bytes, size);
    return err;
}

static enum evl_error client_send(struct world *w, const struct io *io, struct client *c,
                                  struct log *log, struct batch_writer *writer)
{
    struct evl_bytes batch;
    struct log_place where;
    struct log_promise promise;
    int done;
    client_fill(w, c);
    enum evl_error err = client_seal(c, writer, &batch);
    if (!err)
        err = log_append(log, &batch, 1, false, &where, &done, &promise);
    if (!err)
        err = log_sync(log, &promise);
    if (err || !sim_is_alive(io))
        return err;
    for (int32_t i = 0; i < c->pending; i++)
        model_acknowledge(w->model, c->first + i, where.base_offset + i, true);
    c->sequence += c->pending;
    c->pending = 0;
    return EVL_OK;
}

/* Begin anew, with another topic. */
static enum evl_error client_settle(struct world *w, struct evl_place *place, struct client *c)
{
    struct evl_topic facts;
    enum evl_error err = evl_admin_topic(place, world_name(w), &facts);
    if (err)
        return err;
    *c = (struct client){ .producer_id = 1000 + model_writer(w->model) };
    c->writer = (int)c->producer_id - 1000;
    c->topic = model_topic(w->model, facts.id, facts.name);
    c->partition = (int)world_chance(w, (uint64_t)facts.partitions);
    memcpy(c->id, facts.id, sizeof c->id);
    return EVL_OK;
}

/* The client's log, whatever its topic is called by now. */
static enum evl_error client_log(struct evl_place *place, struct client *c, struct log **log)
{
    char text[UUID_TEXT];
    struct directory_topic topic;
    enum evl_error err = directory_refresh(place->directory);
    snprintf(c->name, sizeof c->name, "?");
    for (size_t i = 0; !err && directory_topic_at(place->directory, i, &topic); i++)
        if (strcmp(uuid_print(&topic.id, text), c->id) == 0)
            snprintf(c->name, sizeof c->name, "%s", topic.name);
    if (!err)
        err = directory_log(place->directory, c->name, c->partition, NULL, log);
    if (!err && strcmp(uuid_print(&(*log)->o.id, text), c->id) != 0)
        err = EVL_ERR_NOT_FOUND; /* the name is another one's by now */
    return err;
}

void session_client(struct world *w, struct io *io, struct client *c)
{
    struct evl_place *place;
    struct log *log = NULL;
    struct batch_writer writer = { 0 };
    if (world_enter(w, io, false, &place))
        return;
    enum evl_error err = c->producer_id ? EVL_OK : client_settle(w, place, c);
    if (!err)
        err = client_log(place, c, &log);
    for (int i = 0; i < CLIENT_BATCHES && !err && sim_is_alive(io); i++)
        err = client_send(w, io, c, log, &writer);
    if (err && sim_is_alive(io))
        world_judge(w, io, err, "write as an idempotent client");
    if (err == EVL_ERR_NOT_FOUND && sim_is_alive(io))
        c->producer_id = 0; /* its topic is gone */
    batch_writer_release(&writer);
    log_close(log);
    world_leave(w, io, place);
}
