/* changer.c - sessions that change topics, and that keep logs in order.  One
 * process at a time changes topics, so that what a name should mean is known. */
#include <stdio.h>
#include <string.h>

#include "log/recover.h"
#include "log/replay.h"
#include "place/place.h"
#include "sim/world.h"

enum { CHANGES_MAX = 4, KEEPS_MAX = 4 };

/* Small segments, and an index entry for nearly every batch. */
static const struct evl_change settings[] = {
    { EVL_SET, "segment.ms", "50" },
    { EVL_SET, "index.interval.bytes", "100" },
};
enum { SETTING_COUNT = sizeof settings / sizeof settings[0] };

enum evl_error world_create(struct world *w, const struct io *io, struct evl_place *place,
                            const char *name, int partitions)
{
    int topic;
    enum evl_error err = evl_admin_create(place, name, partitions, settings, SETTING_COUNT, false);
    if (!err && sim_is_alive(io)) /* from now on it must be there */
        err = world_topic(w, place, name, &topic);
    return err;
}

enum evl_error world_remove(struct world *w, const struct io *io, struct evl_place *place,
                            const char *name)
{
    int topic;
    enum evl_error err = world_topic(w, place, name, &topic);
    if (err)
        return err;
    model_removing(w->model, topic);
    err = evl_admin_remove(place, name, false);
    if (!err && sim_is_alive(io))
        model_removed(w->model, topic);
    return err;
}

static enum evl_error create(struct world *w, struct evl_place *place, const struct io *io,
                             const char *name)
{
    return world_create(w, io, place, name, 1 + (int)world_chance(w, 3));
}

/* The same name, another topic: who has it open must notice. */
static enum evl_error renew(struct world *w, struct evl_place *place, const struct io *io)
{
    const char *name = world_name(w);
    enum evl_error err = world_remove(w, io, place, name);
    return err || !sim_is_alive(io) ? err : create(w, place, io, name);
}

enum evl_error world_rename(struct world *w, const struct io *io, struct evl_place *place,
                            const char *from, const char *to)
{
    int topic;
    int other;
    enum evl_error err = directory_sweep(place->directory); /* decides what was left undecided */
    if (!err)
        err = world_topic(w, place, from, &topic);
    if (err || !world_topic(w, place, to, &other)) /* taken; nobody else gives names */
        return err;
    model_renaming(w->model, topic, from, to);
    err = evl_admin_rename(place, from, to, false);
    if (!err && sim_is_alive(io))
        model_renamed(w->model, topic);
    return err;
}

static enum evl_error rename_some(struct world *w, struct evl_place *place, const struct io *io)
{
    const char *from = world_name(w);
    return world_rename(w, io, place, from, world_name(w));
}

enum evl_error world_grow(struct evl_place *place, const char *name)
{
    struct evl_topic facts;
    enum evl_error err = evl_admin_topic(place, name, &facts);
    if (err || facts.partitions > 3)
        return err;
    return evl_admin_grow(place, facts.name, facts.partitions + 1, false);
}

static enum evl_error alter(struct world *w, struct evl_place *place)
{
    static const char *const values[] = { "20", "50", "200" };
    struct evl_change change = { EVL_SET, "segment.ms", values[world_chance(w, 3)] };
    return evl_admin_configure(place, world_name(w), &change, 1, false);
}

static enum evl_error change_one(struct world *w, struct evl_place *place, const struct io *io)
{
    switch (world_chance(w, 10)) {
    case 0: return world_remove(w, io, place, world_name(w));
    case 1: return rename_some(w, place, io);
    case 2: return alter(w, place);
    case 3: return world_grow(place, world_name(w));
    case 4: return directory_sweep(place->directory);
    case 5:
    case 6: return renew(w, place, io);
    default: return create(w, place, io, world_name(w));
    }
}

void session_change(struct world *w, struct io *io)
{
    struct evl_place *place;
    if (world_enter(w, io, false, &place))
        return;
    for (uint64_t n = 1 + world_chance(w, CHANGES_MAX); n > 0 && sim_is_alive(io); n--) {
        enum evl_error err = change_one(w, place, io);
        if (err)
            world_judge(w, io, err, "change a topic");
    }
    world_leave(w, io, place);
}

/* ---- keeping ------------------------------------------------------------- */

enum evl_error world_keep(struct world *w, struct evl_place *place, const char *name)
{
    struct evl_topic facts;
    struct log *log;
    enum evl_error err = evl_admin_topic(place, name, &facts);
    if (err)
        return err;
    int topic = model_topic(w->model, facts.id, facts.name);
    int partition = (int)world_chance(w, (uint64_t)facts.partitions);
    err = directory_log(place->directory, facts.name, partition, NULL, &log);
    if (err)
        return err;
    if (log_is_failed(log)) {
        model_repair(w->model, topic, partition);
        err = recover_repair(log);
    } else {
        err = replay_checkpoint(log, true);
    }
    log_close(log);
    return err;
}

void session_keep(struct world *w, struct io *io)
{
    struct evl_place *place;
    if (world_enter(w, io, false, &place))
        return;
    for (uint64_t n = 1 + world_chance(w, KEEPS_MAX); n > 0 && sim_is_alive(io); n--) {
        enum evl_error err = world_keep(w, place, world_name(w));
        if (err)
            world_judge(w, io, err, "keep a log in order");
    }
    world_leave(w, io, place);
}

static enum evl_error checkpoint_topic(struct evl_place *place, const struct evl_topic *topic)
{
    enum evl_error err = EVL_OK;
    for (int p = 0; p < topic->partitions && !err; p++) {
        struct log *log;
        err = directory_log(place->directory, topic->name, p, NULL, &log);
        if (err)
            break;
        err = replay_checkpoint(log, true);
        log_close(log);
    }
    return err;
}

void session_checkpoint(struct world *w, struct io *io)
{
    struct evl_place *place;
    struct evl_topics topics = { 0 };
    if (world_enter(w, io, false, &place))
        return;
    enum evl_error err = evl_admin_topics(place, &topics);
    for (size_t i = 0; i < topics.count && !err; i++)
        err = checkpoint_topic(place, &topics.at[i]);
    if (err)
        world_judge(w, io, err, "checkpoint everything");
    evl_topics_release(&topics);
    world_leave(w, io, place);
}
