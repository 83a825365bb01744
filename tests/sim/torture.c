/* torture.c - generations of processes on one directory.
 *
 * In each generation one to four processes do their sessions side by side,
 * while something goes wrong: power cuts, kills, stops, a full disk, errors.
 * Between generations the world is at rest, or the power is cut, also while it
 * recovers; then everything is looked at, and held against the model. */
#include "sim/torture.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "sim/world.h"

enum { GENERATIONS_MAX = 4, SESSIONS_MAX = 4, RECOVERIES_MAX = 3 };

/* What goes wrong in this generation. */
static void generation_faults(struct world *w)
{
    static const enum sim_fault errors[] = { SIM_READ_IO, SIM_WRITE_IO, SIM_SYNC_DIR_IO,
                                             SIM_NAME_IO };
    struct sim_options *o = sim_options(w->sim);
    if (world_toss(w, 70)) {
        w->cut_within = UINT64_C(1) << (4 + world_chance(w, 9));
        o->after[SIM_CUT] = 1 + world_chance(w, w->cut_within);
    }
    if (world_toss(w, 35))
        o->ppm[SIM_KILL] = 1 + (uint32_t)world_chance(w, 8000);
    if (world_toss(w, 20))
        o->ppm[SIM_WRITE_SHORT] = (uint32_t)world_chance(w, 300000);
    if (world_toss(w, 20)) {
        w->full = true;
        o->ppm[SIM_WRITE_FULL] = (uint32_t)world_chance(w, 30000);
        if (world_toss(w, 50))
            o->capacity = sim_used(w->sim) + (int64_t)world_chance(w, 20000);
    }
    if (world_toss(w, 15)) {
        w->stops = true;
        o->ppm[SIM_STOP] = (uint32_t)world_chance(w, 2000);
    }
    if (world_toss(w, 20)) {
        w->io_errors = true;
        o->ppm[SIM_SYNC_IO] = (uint32_t)world_chance(w, 100000);
    }
    if (world_toss(w, 20)) {
        w->io_errors = true;
        for (int n = 1 + (int)world_chance(w, 2); n > 0; n--)
            o->ppm[errors[world_chance(w, 4)]] = (uint32_t)world_chance(w, 20000);
    }
    o->switch_ppm = 1000 + (uint32_t)world_chance(w, 200000);
}

static void calm(struct world *w)
{
    struct sim_options *o = sim_options(w->sim);
    bool trace = o->trace;
    *o = (struct sim_options){ .switch_ppm = 50000, .wake_ppm = 20000, .trace = trace };
    w->cut_within = 0;
    w->full = w->stops = false;
}

/* ---- a generation -------------------------------------------------------- */

struct actor {
    struct world *w;
    struct client *client;
    bool changes; /* this is who changes topics */
};

static void actor_session(struct actor *a, struct io *io)
{
    struct world *w = a->w;
    if (a->changes && world_toss(w, 40)) {
        session_change(w, io);
        return;
    }
    switch (world_chance(w, 8)) {
    case 0: session_keep(w, io); break;
    case 1:
    case 2: session_client(w, io, a->client); break;
    case 3:
    case 4: session_read(w, io); break;
    default: session_write(w, io);
    }
}

/* The life of a process; when it dies, another one takes its place. */
static void actor_run(struct io *io, void *context)
{
    struct actor *a = context;
    for (uint64_t n = 1 + world_chance(a->w, SESSIONS_MAX); n > 0; n--) {
        if (model_broken(a->w->model))
            return;
        actor_session(a, io);
        if (!sim_is_alive(io))
            io = sim_process(a->w->sim);
    }
}

static void generation(struct world *w, int processes, bool first)
{
    struct sim_body bodies[WORLD_PROCESSES];
    struct actor actors[WORLD_PROCESSES];
    if (!first || world_toss(w, 50))
        generation_faults(w);
    for (int i = 0; i < processes; i++) {
        actors[i] = (struct actor){ w, &w->clients[i], w->changes && i == 0 };
        bodies[i] = (struct sim_body){ actor_run, &actors[i] };
    }
    if (processes > 1) {
        if (sim_run(w->sim, bodies, processes) != 0)
            model_break(w->model, "a process has not given all of its files back");
    } else {
        struct io *io = sim_process(w->sim);
        actor_run(io, &actors[0]);
        sim_exit(io);
    }
    calm(w);
}

/* ---- between generations ------------------------------------------------- */

/* The power goes, and goes again in the middle of what mends it. */
static void crash_again(struct world *w)
{
    if (world_toss(w, 70))
        sim_power_cut(w->sim);
    for (uint64_t n = world_chance(w, RECOVERIES_MAX); n > 0; n--) {
        struct io *io = sim_process(w->sim);
        enum sim_fault how = world_toss(w, 30) ? SIM_KILL : SIM_CUT;
        sim_options(w->sim)->after[how] = 1 + world_chance(w, 600);
        session_audit(w, io, false);
        sim_options(w->sim)->after[how] = 0;
        sim_exit(io);
    }
}

static void look(struct world *w, bool write)
{
    struct io *io;
    if (model_broken(w->model))
        return;
    io = sim_process(w->sim);
    session_audit(w, io, write);
    sim_exit(io);
}

/* Topics to begin with, in a world where nothing goes wrong yet. */
static void begin(struct world *w)
{
    struct io *io = sim_process(w->sim);
    for (uint64_t n = world_chance(w, 4); n > 0; n--)
        session_change(w, io);
    sim_exit(io);
}

/* ---- bits turn over ------------------------------------------------------ */

/* One bit of a partition's log, in what is firm; false if there is none. */
static bool flip_one(struct world *w, struct io *io)
{
    struct io_names names;
    char path[64];
    struct io_stat stat;
    bool done = false;
    if (io_list(io, WORLD_DIR, &names))
        return false;
    for (size_t i = 0; i < names.count && !done; i++) {
        const char *name = names.at[i];
        if (strlen(name) != 3 || name[1] != '-' || !world_toss(w, 50))
            continue;
        snprintf(path, sizeof path, WORLD_DIR "/%s/%020d.log", name, 0);
        if (io_stat(io, path, &stat) || stat.size == 0)
            continue;
        int64_t at = (int64_t)world_chance(w, (uint64_t)stat.size);
        done = !sim_flip(w->sim, path, at, (int)world_chance(w, 8));
    }
    io_names_release(&names);
    return done;
}

/* Checkpoint everything, turn one bit over, and perhaps cut the power: then
 * every record is there, or the damage is told, and whoever is told it cuts
 * nothing off. */
static void flip(struct world *w)
{
    struct io *io = sim_process(w->sim);
    session_audit(w, io, false);
    session_checkpoint(w, io);
    w->flipped = flip_one(w, io);
    sim_exit(io);
    if (world_toss(w, 70))
        sim_power_cut(w->sim);
    for (int i = 0; i < 2 && w->flipped && !model_broken(w->model); i++) {
        int64_t told = w->damages;
        io = sim_process(w->sim);
        session_write(w, io);
        session_audit(w, io, false);
        sim_exit(io);
        if (i > 0 && told > 0 && w->damages == told)
            model_break(w->model, "damage was told once, and was not there the next time");
    }
}

static void run(struct world *w, int processes, bool bits)
{
    bool changes = world_toss(w, 60);
    w->os = world_toss(w, 25);
    w->changes = true;
    w->time_ms = 1700000000000;
    begin(w);
    for (uint64_t g = 0, n = 1 + world_chance(w, GENERATIONS_MAX); g < n; g++) {
        w->changes = changes;
        generation(w, processes, g == 0);
        w->changes = true;
        crash_again(w);
        look(w, world_toss(w, 50));
    }
    crash_again(w);
    look(w, false);
    if (bits)
        flip(w);
}

void torture_run(uint64_t seed, const struct torture_options *options,
                 struct torture_result *result)
{
    struct world w = { .sim = sim_create(seed), .model = model_create() };
    sim_options(w.sim)->trace = options->trace;
    int processes = 1 + (int)world_chance(&w, WORLD_PROCESSES);
    run(&w, options->processes ? options->processes : processes, options->flip);
    *result = (struct torture_result){ .cuts = w.cuts,
                                       .kills = w.kills,
                                       .operations = sim_operations(w.sim),
                                       .trace = sim_trace(w.sim) };
    const char *broken = model_broken(w.model);
    snprintf(result->broken, sizeof result->broken, "%s", broken ? broken : "");
    model_destroy(w.model);
    sim_destroy(w.sim);
}
