/* reader.c - sessions that look at records: some, or all there are. */
#include <stdio.h>

#include <evl/consumer.h>
#include <evl/producer.h>

#include "place/place.h"
#include "sim/world.h"

enum { READS_MAX = 60, WAITS_MAX = 4, WAIT_MS = 50 };

struct reading {
    struct world *w;
    struct io *io;
    int topic;
    const char *name;
    int partitions;
    struct evl_consumer *consumer;
};

/* The partitions from the start, or from where somebody noted that he was. */
static enum evl_error reading_add(struct reading *r, struct evl_place *place)
{
    enum evl_error err = EVL_OK;
    bool again = world_toss(r->w, 50);
    for (int p = 0; p < r->partitions && !err; p++) {
        int64_t from = again ? model_saved(r->w->model, r->topic, p) : 0;
        err = evl_consumer_add(r->consumer, r->name, p, from, -1);
        if (err == EVL_ERR_RANGE && sim_is_alive(r->io)) {
            int now; /* the name may be another topic's by now */
            bool cut = from > model_saved(r->w->model, r->topic, p); /* meanwhile */
            if (!world_topic(r->w, place, r->name, &now) && now == r->topic && !cut)
                model_break(r->w->model, "a saved position is refused: %s", evl_fault());
        }
    }
    return err;
}

static enum evl_error reading_open(struct reading *r, struct evl_place *place, bool follow)
{
    struct evl_topic facts;
    int now = -1;
    struct evl_consumer_options o = { .follow = follow };
    enum evl_error err = evl_admin_topic(place, r->name, &facts);
    if (err)
        return err;
    r->topic = model_topic(r->w->model, facts.id, r->name);
    r->partitions = facts.partitions;
    err = evl_consumer_open(place, &o, &r->consumer);
    if (!err)
        err = reading_add(r, place);
    if (!err)
        err = world_topic(r->w, place, r->name, &now);
    return !err && now != r->topic ? EVL_ERR_NOT_FOUND : err;
}

static void reading_save(struct reading *r)
{
    for (int p = 0; p < r->partitions && sim_is_alive(r->io); p++)
        model_save(r->w->model, r->topic, p, evl_consumer_position(r->consumer, r->name, p));
}

static enum evl_error reading_go(struct reading *r)
{
    struct evl_record record;
    enum evl_next what;
    int waits = (int)world_chance(r->w, WAITS_MAX);
    for (uint64_t n = world_chance(r->w, READS_MAX); n > 0; n--) {
        bool more;
        enum evl_error err = evl_consumer_next(r->consumer, &record, &what);
        if (!err && what == EVL_NEXT_IDLE)
            err = evl_consumer_wait(r->consumer, WAIT_MS, &more);
        if (err || !sim_is_alive(r->io) || what == EVL_NEXT_END)
            return err;
        if (what == EVL_NEXT_IDLE && waits-- == 0)
            break;
        if (what == EVL_NEXT_RECORD)
            model_show(r->w->model, r->topic, record.partition, record.offset, record.value);
        if (world_toss(r->w, 10))
            reading_save(r);
    }
    reading_save(r);
    return EVL_OK;
}

void session_read(struct world *w, struct io *io)
{
    struct evl_place *place;
    struct reading r = { .w = w, .io = io };
    if (world_enter(w, io, world_toss(w, 50), &place))
        return;
    r.name = world_name(w);
    enum evl_error err = reading_open(&r, place, world_toss(w, 50));
    if (!err)
        err = reading_go(&r);
    if (err)
        world_judge(w, io, err, "read");
    evl_consumer_close(r.consumer);
    world_leave(w, io, place);
}

/* ---- everything ---------------------------------------------------------- */

/* Bring it back if it is failed. */
static enum evl_error audit_repair(struct world *w, struct evl_place *place, const char *name,
                                   int topic, struct evl_partition *facts)
{
    if (!facts->failed)
        return EVL_OK;
    model_repair(w->model, topic, facts->partition);
    enum evl_error err = evl_admin_repair(place, name, facts->partition, &facts->end);
    return err ? err : evl_admin_partition(place, name, facts->partition, facts);
}

static enum evl_error audit_partition(struct world *w, const struct io *io, struct evl_place *place,
                                      const char *name, int topic, int partition)
{
    struct evl_partition facts;
    struct evl_record record;
    enum evl_next what = EVL_NEXT_RECORD;
    struct evl_consumer *c = NULL;
    struct evl_consumer_options o = { 0 };
    enum evl_error err = evl_admin_partition(place, name, partition, &facts);
    if (!err)
        err = audit_repair(w, place, name, topic, &facts);
    if (!err)
        err = evl_consumer_open(place, &o, &c);
    if (!err)
        err = evl_consumer_add(c, name, partition, 0, -1);
    model_audit_partition(w->model, topic, partition);
    while (!err && !(err = evl_consumer_next(c, &record, &what)) && what == EVL_NEXT_RECORD &&
           sim_is_alive(io))
        model_show(w->model, topic, partition, record.offset, record.value);
    evl_consumer_close(c);
    if (!err && sim_is_alive(io))
        model_audit_epoch(w->model, topic, partition, facts.leader_epoch);
    if (!err && sim_is_alive(io))
        model_audit_end(w->model, topic, partition, facts.end, !w->os);
    return err;
}

/* A change that a dead process was about to sync, or that was refused by a
 * failed sync, may yet come true: whoever changes something next decides it. */
static enum evl_error audit_metadata(struct evl_place *place)
{
    int64_t end;
    enum evl_error err = evl_admin_repair(place, "__cluster_metadata", 0, &end);
    return err ? err : directory_sweep(place->directory);
}

static enum evl_error audit_topics(struct world *w, const struct io *io, struct evl_place *place)
{
    struct evl_topics topics = { 0 };
    enum evl_error err = audit_metadata(place);
    if (!err)
        err = evl_admin_topics(place, &topics);
    for (size_t i = 0; i < topics.count && !err && sim_is_alive(io); i++) {
        int topic = model_audit_topic(w->model, topics.at[i].id, topics.at[i].name);
        for (int p = 0; p < topics.at[i].partitions && !err; p++)
            err = audit_partition(w, io, place, topics.at[i].name, topic, p);
    }
    evl_topics_release(&topics);
    return err;
}

void session_audit(struct world *w, struct io *io, bool write)
{
    struct evl_place *place;
    bool changes = w->changes;
    w->changes = false; /* nobody does, now */
    if (world_enter(w, io, false, &place))
        return;
    model_audit(w->model);
    enum evl_error err = audit_topics(w, io, place);
    if (err)
        world_judge(w, io, err, "look at everything");
    else if (sim_is_alive(io))
        model_audited(w->model);
    model_audit_over(w->model);
    world_leave(w, io, place);
    w->changes = changes;
    for (int i = 0; write && !model_broken(w->model) && i < WORLD_NAMES; i++)
        session_write(w, io);
}
