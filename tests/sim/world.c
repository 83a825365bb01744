/* world.c - entering, leaving, and whose fault it is. */
#include "sim/world.h"

#include <stdio.h>
#include <string.h>

uint64_t world_chance(struct world *w, uint64_t limit) { return sim_chance(w->sim, limit); }
bool world_toss(struct world *w, int percent) { return (int)world_chance(w, 100) < percent; }

const char *world_name(struct world *w)
{
    static const char *const names[WORLD_NAMES] = { "a", "b", "c" };
    return names[world_chance(w, WORLD_NAMES)];
}

static bool is_excused(const struct world *w, enum evl_error err)
{
    switch (err) {
    case EVL_OK: return true;
    case EVL_ERR_IO: return w->io_errors;
    case EVL_ERR_NO_SPACE: return w->full;
    case EVL_ERR_BUSY: return w->stops || w->changes;
    case EVL_ERR_NOT_FOUND: /* that a topic is lost, the audit sees */
        return w->changes || strncmp(evl_fault(), "no topic ", 9) == 0;
    case EVL_ERR_EXISTS:
    case EVL_ERR_RANGE: return w->changes;
    case EVL_ERR_CORRUPT: return w->flipped;
    case EVL_ERR_CONFLICT:
    case EVL_ERR_USAGE:
    case EVL_ERR_UNAVAILABLE:
    case EVL_ERR_INTERNAL:
    case EVL_ERR_PROTOCOL:
    case EVL_ERR_DENIED:
    case EVL_ERR_CONFIG:
    case EVL_ERR_FENCED:
    case EVL_ERR_SEQUENCE:
    case EVL_ERR_TOO_LARGE: break;
    }
    return false;
}

void world_judge(struct world *w, const struct io *io, enum evl_error err, const char *what)
{
    if (!sim_is_alive(io))
        return;
    if (err == EVL_ERR_CORRUPT && w->flipped)
        w->damages++;
    if (!is_excused(w, err))
        model_break(w->model, "%s: %s, and nothing in this world excuses it", what, evl_fault());
}

/* The first one after a power cut notices; and the next cut is due. */
static void world_notice(struct world *w, struct io *io)
{
    struct io_boot boot = io_boot(io);
    if (!sim_is_alive(io) || (boot.high == w->boot.high && boot.low == w->boot.low))
        return;
    w->boot = boot;
    w->cuts++;
    model_cut(w->model);
    if (w->cut_within > 0)
        sim_options(w->sim)->after[SIM_CUT] = 1 + world_chance(w, w->cut_within);
}

enum evl_error world_enter(struct world *w, struct io *io, bool readonly, struct evl_place **place)
{
    world_notice(w, io);
    struct evl_place_options o = {
        .dir = WORLD_DIR, .readonly = readonly, .create = !readonly, .timeout_ms = 20000, .io = io
    };
    enum evl_error err = evl_place_open(&o, place);
    if (err && (w->made || err != EVL_ERR_NOT_FOUND))
        world_judge(w, io, err, "open the directory");
    if (err)
        world_leave(w, io, NULL);
    else if (!readonly && sim_is_alive(io))
        w->made = true;
    return err;
}

void world_leave(struct world *w, struct io *io, struct evl_place *place)
{
    evl_place_close(place);
    if (sim_open_files(io) > 0)
        model_break(w->model, "%d files, maps or threads were not given back", sim_open_files(io));
    if (!sim_is_alive(io))
        w->kills++;
}

enum evl_error world_topic(struct world *w, struct evl_place *place, const char *name, int *topic)
{
    struct evl_topic facts;
    enum evl_error err = evl_admin_topic(place, name, &facts);
    if (!err)
        *topic = model_topic(w->model, facts.id, name);
    return err;
}
