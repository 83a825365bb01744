/* every.c - one loop within the other. */
#include "sim/every.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/world.h"

static const char *current_name(struct evl_place *place)
{
    struct evl_topic topic;
    return evl_admin_topic(place, "a", &topic) ? "b" : "a";
}

static enum evl_error step(struct world *w, struct io *io, struct evl_place *place, char letter)
{
    const char *name = current_name(place);
    switch (letter) {
    case 'c': return world_create(w, io, place, "a", 1);
    case 'x': return world_remove(w, io, place, name);
    case 'n': return world_rename(w, io, place, name, name[0] == 'a' ? "b" : "a");
    case 'g': return world_grow(place, name);
    case 'k': return world_keep(w, place, name);
    case 'p': return world_write(w, io, place, name, 2);
    case 'r': w->time_ms += 1000; return world_write(w, io, place, name, 1);
    case 'f':
        sim_options(w->sim)->after[SIM_SYNC_IO] = 1;
        return world_write(w, io, place, name, 1);
    }
    return EVL_ERR_USAGE;
}

static void play(struct world *w, struct io *io, const char *script)
{
    struct evl_place *place;
    if (world_enter(w, io, false, &place))
        return;
    for (; *script && sim_is_alive(io) && !model_broken(w->model); script++) {
        enum evl_error err = step(w, io, place, *script);
        sim_options(w->sim)->after[SIM_SYNC_IO] = 0;
        if (err)
            world_judge(w, io, err, "a step");
    }
    world_leave(w, io, place);
}

/* Whether the process was stopped at its n-th call; else it had fewer. */
static bool stopped_at(struct world *w, enum sim_fault how, uint64_t n, const char *script)
{
    struct io *io = sim_process(w->sim);
    sim_options(w->sim)->after[how] = n;
    if (script)
        play(w, io, script);
    else
        session_audit(w, io, false);
    bool alive = sim_is_alive(io);
    sim_options(w->sim)->after[how] = 0;
    sim_exit(io);
    return !alive;
}

struct stop {
    const char *script;
    enum sim_fault how;
    uint64_t at, again; /* again: the call of the recovery; 0: none */
};

/* One world, stopped there.  False: the script (or its recovery) was over. */
static bool run_once(const struct stop *stop, struct every_result *result)
{
    struct world w = { .sim = sim_create(stop->at), .model = model_create() };
    w.io_errors = strchr(stop->script, 'f') != NULL;
    w.changes = true;
    w.time_ms = 1700000000000;
    bool stopped = stopped_at(&w, stop->how, stop->at, stop->script);
    if (stop->again > 0)
        stopped = stopped_at(&w, SIM_CUT, stop->again, NULL);
    struct io *io = sim_process(w.sim);
    session_audit(&w, io, true);
    sim_exit(io);
    sim_power_cut(w.sim);
    io = sim_process(w.sim);
    session_audit(&w, io, false);
    sim_exit(io);
    result->runs++;
    if (model_broken(w.model))
        snprintf(result->broken, sizeof result->broken,
                 "script %s, %s at call %" PRIu64 ", recovery cut at %" PRIu64 ": %s", stop->script,
                 stop->how == SIM_CUT ? "cut" : "killed", stop->at, stop->again,
                 model_broken(w.model));
    model_destroy(w.model);
    sim_destroy(w.sim);
    return stopped && !result->broken[0];
}

/* After this stop, the recovery is cut at every `stride`th call: another set of
 * them after each stop. */
static void every_recovery(struct stop stop, uint64_t stride, struct every_result *result)
{
    for (stop.again = 1 + stop.at % stride; run_once(&stop, result); stop.again += stride)
        continue;
}

void every_run(const char *script, uint64_t stride, struct every_result *result)
{
    static const enum sim_fault ways[] = { SIM_CUT, SIM_KILL };
    *result = (struct every_result){ 0 };
    for (int i = 0; i < 2 && !result->broken[0]; i++) {
        struct stop stop = { .script = script, .how = ways[i], .at = 1 };
        for (; run_once(&stop, result); stop.at++)
            if (stride > 0)
                every_recovery(stop, stride, result);
    }
}
