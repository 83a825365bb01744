/* io_sim.c - the simulated world: its chance, its faults, its processes. */
#include "io/io_sim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "io/sim.h"

enum {
    SWITCH_PPM = 200000,
    WAKE_PPM = 20000,
    CALL_NS_MAX = 2000,          /* how long a call takes */
    DEAD_CALLS_MAX = 1000000,    /* more is a loop that does not look at errors */
    DEAD_CALL_NS = 1000 * IO_MS, /* how fast a dead process's clock runs */
    STOP_NS_MAX_MS = 10000,
};

static const int64_t WALL_MS = 1700000000000;

/* ---- chance -------------------------------------------------------------- */

/* splitmix64: every seed is a good one, and the state is one word. */
uint64_t sim_draw(struct sim *sim)
{
    uint64_t z = sim->state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

uint64_t sim_chance(struct sim *sim, uint64_t limit)
{
    check(limit > 0);
    return sim_draw(sim) % limit;
}

bool sim_toss(struct sim *sim, uint32_t ppm) { return ppm > 0 && sim_chance(sim, SIM_PPM) < ppm; }

bool sim_strikes(struct sim *sim, enum sim_fault fault)
{
    uint64_t *after = &sim->options.after[fault];
    if (*after > 0 && --*after == 0)
        return true;
    return sim_toss(sim, sim->options.ppm[fault]);
}

/* ---- the trace ----------------------------------------------------------- */

static void trace_number(struct sim *sim, uint64_t n)
{
    sim->trace = (sim->trace ^ n) * 0x100000001b3;
    sim->trace ^= sim->trace >> 29;
}

static void trace_text(struct sim *sim, const char *text)
{
    for (; *text; text++)
        trace_number(sim, (uint8_t)*text);
}

static void trace(struct sim_door *door, const char *call, const char *name, int64_t a, int64_t b)
{
    struct sim *sim = door->sim;
    trace_number(sim, (uint64_t)door->pid);
    trace_text(sim, call);
    trace_text(sim, name);
    trace_number(sim, (uint64_t)a);
    trace_number(sim, (uint64_t)b);
    if (sim->options.trace)
        fprintf(stderr, "%8" PRIu64 " %6" PRId32 " %-10s %s %" PRId64 " %" PRId64 "\n",
                sim->operations, door->pid, call, name, a, b);
}

uint64_t sim_trace(const struct sim *sim) { return sim->trace ^ sim->state; }

/* ---- calls --------------------------------------------------------------- */

enum evl_error sim_killed(void) { return fail(EVL_ERR_UNAVAILABLE, "killed"); }

static bool dead_call(struct sim_door *door)
{
    door->dead_calls++;
    check(door->dead_calls < DEAD_CALLS_MAX);
    return false;
}

bool sim_arrive(struct io *io, const char *call, const char *name, int64_t a, int64_t b)
{
    struct sim_door *door = sim_door_of(io);
    struct sim *sim = door->sim;
    if (!door->alive)
        return dead_call(door);
    sim->operations++;
    trace(door, call, name, a, b);
    sim->now += 1 + (int64_t)sim_chance(sim, CALL_NS_MAX);
    if (sim->current)
        sim->current->door = door;
    sim_door_work_aside(door);
    if (sim->current && door->alive && sim_strikes(sim, SIM_STOP))
        door->stopped_until = sim->now + (int64_t)sim_chance(sim, STOP_NS_MAX_MS) * IO_MS;
    sim_turn(door);
    if (door->alive && sim_strikes(sim, SIM_CUT))
        sim_power_cut(sim);
    return door->alive;
}

bool sim_call(struct io *io, const char *call, const char *name, int64_t a, int64_t b)
{
    if (!sim_arrive(io, call, name, a, b))
        return false;
    struct sim_door *door = sim_door_of(io);
    if (sim_strikes(door->sim, SIM_KILL))
        sim_door_die(door);
    return door->alive;
}

/* ---- clock, chance, processes: the calls --------------------------------- */

int64_t sim_door_now(const struct sim_door *door)
{
    return door->sim->now + (int64_t)door->dead_calls * DEAD_CALL_NS;
}

static int64_t sim_call_now(struct io *io)
{
    sim_call(io, "now", "", 0, 0);
    return sim_door_now(sim_door_of(io));
}

static int64_t sim_call_wall_ms(struct io *io)
{
    sim_call(io, "wall_ms", "", 0, 0);
    return sim_door_of(io)->sim->wall_base_ms + sim_door_now(sim_door_of(io)) / IO_MS;
}

static void sim_call_sleep(struct io *io, int64_t ns)
{
    struct sim_door *door = sim_door_of(io);
    if (!sim_call(io, "sleep", "", ns, 0))
        return;
    int64_t until = door->sim->now + ns;
    while (door->alive && door->sim->now < until)
        sim_wait(door, until, "sleep", NULL);
}

static uint64_t sim_call_random(struct io *io)
{
    struct sim_door *door = sim_door_of(io);
    return sim_call(io, "random", "", 0, 0) ? sim_draw(door->sim) : door->dead_calls;
}

static struct io_boot sim_call_boot(struct io *io)
{
    sim_call(io, "boot", "", 0, 0);
    return sim_door_of(io)->sim->boot;
}

static int32_t sim_call_pid(struct io *io) { return sim_door_of(io)->pid; }

static enum io_process sim_call_process(struct io *io, int32_t pid)
{
    struct sim *sim = sim_door_of(io)->sim;
    if (!sim_call(io, "process", "", pid, 0))
        return IO_GONE;
    list_each (i, &sim->doors) {
        const struct sim_door *other = list_entry(i, struct sim_door, link);
        if (other->pid == pid && other->alive)
            return other->stopped_until > sim->now ? IO_STOPPED : IO_RUNNING;
    }
    return IO_GONE;
}

static const struct io_driver sim_driver = {
    .open = sim_call_open,
    .close = sim_call_close,
    .read = sim_call_read,
    .write = sim_call_write,
    .sync = sim_call_sync,
    .sync_soon = sim_call_sync_soon,
    .truncate = sim_call_truncate,
    .stat = sim_call_stat,
    .stat_file = sim_call_stat_file,
    .list = sim_call_list,
    .make_dir = sim_call_make_dir,
    .rename = sim_call_rename,
    .remove = sim_call_remove,
    .remove_dir = sim_call_remove_dir,
    .sync_dir = sim_call_sync_dir,
    .space = sim_call_space,
    .sharable = sim_call_sharable,
    .lock = sim_call_lock,
    .unlock = sim_call_unlock,
    .is_locked = sim_call_is_locked,
    .map = sim_call_map,
    .unmap = sim_call_unmap,
    .load = sim_call_load,
    .store = sim_call_store,
    .add = sim_call_add,
    .watch = sim_call_watch,
    .wake = sim_call_wake,
    .now = sim_call_now,
    .wall_ms = sim_call_wall_ms,
    .sleep = sim_call_sleep,
    .random = sim_call_random,
    .boot = sim_call_boot,
    .pid = sim_call_pid,
    .process = sim_call_process,
    .work_start = sim_call_work_start,
    .work_done = sim_call_work_done,
    .work_wait = sim_call_work_wait,
    .work_end = sim_call_work_end,
};

/* ---- processes ----------------------------------------------------------- */

struct io *sim_process(struct sim *sim)
{
    struct sim_door *door = memory_take(1, sizeof *door);
    door->io.driver = &sim_driver;
    door->sim = sim;
    door->pid = sim->next_pid++;
    door->alive = true;
    door->task = sim->current;
    if (sim->current)
        sim->current->door = door;
    list_init(&door->works);
    list_push(&sim->doors, &door->link);
    return &door->io;
}

/* What the kernel does; the engine will close its numbers behind the dead door. */
void sim_door_die(struct sim_door *door)
{
    door->alive = false;
    door->stopped_until = 0;
    for (size_t i = 0; i < door->file_room; i++) {
        struct sim_file *file = &door->files[i];
        if (!file->inode)
            continue;
        sim_inode_drop_locks(door->sim, file->inode, door, -1);
        sim_inode_close(door->sim, file->inode);
        file->inode = NULL;
    }
    for (size_t i = 0; i < door->map_count; i++) {
        sim_inode_close(door->sim, door->maps[i].inode);
        door->maps[i].inode = NULL;
    }
}

bool sim_is_alive(const struct io *io) { return ((const struct sim_door *)io)->alive; }

int sim_open_files(const struct io *io)
{
    const struct sim_door *door = (const struct sim_door *)io;
    int count = (int)door->map_count + sim_door_works(door);
    for (size_t i = 0; i < door->file_room; i++)
        count += door->files[i].taken;
    return count;
}

int sim_exit(struct io *io)
{
    struct sim_door *door = sim_door_of(io);
    int open = sim_open_files(io);
    if (door->alive)
        sim_door_die(door);
    return open;
}

void sim_kill(struct io *io)
{
    struct sim_door *door = sim_door_of(io);
    if (door->alive)
        sim_door_die(door);
}

void sim_stop(struct io *io)
{
    if (sim_door_of(io)->alive)
        sim_door_of(io)->stopped_until = INT64_MAX;
}

void sim_continue(struct io *io) { sim_door_of(io)->stopped_until = 0; }

static void sim_door_free(struct sim_door *door)
{
    list_take(&door->link);
    sim_door_works_release(door);
    memory_free(door->files);
    memory_free(door->maps);
    memory_free(door);
}

/* ---- the world ----------------------------------------------------------- */

static struct io_boot draw_boot(struct sim *sim)
{
    uint64_t high = sim_draw(sim); /* one after the other: C would not say which is first */
    return (struct io_boot){ high, sim_draw(sim) };
}

struct sim *sim_create(uint64_t seed)
{
    struct sim *sim = memory_take(1, sizeof *sim);
    sim->state = seed;
    sim->options.switch_ppm = SWITCH_PPM;
    sim->options.wake_ppm = WAKE_PPM;
    sim->now = IO_MS;
    sim->wall_base_ms = WALL_MS;
    sim->boot = draw_boot(sim);
    sim->next_pid = 1001;
    list_init(&sim->doors);
    sim_names_init(sim);
    check(pthread_mutex_init(&sim->mutex, NULL) == 0);
    check(pthread_cond_init(&sim->ended, NULL) == 0);
    return sim;
}

void sim_destroy(struct sim *sim)
{
    check(!sim->current);
    list_each_safe (i, &sim->doors) {
        struct sim_door *door = list_entry(i, struct sim_door, link);
        if (door->alive)
            sim_door_die(door);
        sim_door_free(door);
    }
    sim_names_release(sim);
    if (sim->region)
        (void)munmap(sim->region, SIM_REGION_BYTES); /* it was mapped so */
    buf_release(&sim->gathered);
    pthread_cond_destroy(&sim->ended);
    pthread_mutex_destroy(&sim->mutex);
    memory_free(sim);
}

struct sim_options *sim_options(struct sim *sim) { return &sim->options; }
uint64_t sim_operations(const struct sim *sim) { return sim->operations; }
int64_t sim_used(const struct sim *sim) { return sim->disk.used; }
void sim_jump_wall(struct sim *sim, int64_t ms) { sim->wall_base_ms += ms; }

void sim_pass(struct sim *sim, int64_t ns)
{
    check(ns >= 0);
    sim->now += ns;
}

void sim_power_cut(struct sim *sim)
{
    list_each (i, &sim->doors) {
        struct sim_door *door = list_entry(i, struct sim_door, link);
        if (door->alive)
            sim_door_die(door);
    }
    sim_names_cut(sim);
    sim->boot = draw_boot(sim);
}

enum evl_error sim_flip(struct sim *sim, const char *path, int64_t at, int bit)
{
    check(bit >= 0 && bit < 8 && at >= 0);
    struct sim_place place;
    int error = sim_place_find(sim, path, &place);
    if (error || !place.inode)
        return io_fail(error ? error : ENOENT, path);
    struct sim_inode *inode = place.inode;
    if (at >= inode->cached.size)
        return fail(EVL_ERR_RANGE, "%s: it has %" PRId64 " bytes", path, inode->cached.size);
    inode->cached.at[at] ^= (uint8_t)(1 << bit);
    if (at < inode->durable.size)
        inode->durable.at[at] ^= (uint8_t)(1 << bit);
    return EVL_OK;
}
