/* io_sim_run.c - turns.  The bodies of sim_run() are threads, of which one has
 * the baton (sim.current) and runs; the rest wait for it at one of their calls.
 * Only the holder touches the world, so the mutex guards nothing but the baton.
 *
 * A dead process may run, as it has to unwind: it does so while it has the
 * baton, since its body may touch what the bodies share. */
#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "base/memory.h"
#include "io/sim.h"

/* When it could go on, if nobody does anything for it. */
static int64_t task_when(const struct sim_task *task)
{
    const struct sim_door *door = task->door;
    if (!door->alive)
        return 0;
    int64_t when = task->waits ? task->until : 0;
    return when > door->stopped_until ? when : door->stopped_until;
}

static bool task_is_ready(const struct sim_task *task)
{
    return !task->ended && task_when(task) <= task->sim->now;
}

static struct sim_task *draw_ready(struct sim *sim)
{
    uint64_t count = 0;
    for (int i = 0; i < sim->task_count; i++)
        count += task_is_ready(&sim->tasks[i]);
    if (count == 0)
        return NULL;
    uint64_t pick = sim_chance(sim, count);
    for (int i = 0;; i++)
        if (task_is_ready(&sim->tasks[i]) && pick-- == 0)
            return &sim->tasks[i];
}

/* Go to the nearest deadline; false if there is none. */
static bool advance_clock(struct sim *sim)
{
    int64_t nearest = INT64_MAX;
    for (int i = 0; i < sim->task_count; i++) {
        const struct sim_task *task = &sim->tasks[i];
        if (!task->ended && task_when(task) < nearest)
            nearest = task_when(task);
    }
    if (nearest == INT64_MAX)
        return false;
    if (sim->now < nearest)
        sim->now = nearest;
    return true;
}

/* Nobody can go on but perhaps who was stopped: somebody types fg. */
static bool continue_stopped(struct sim *sim)
{
    bool any = false;
    for (int i = 0; i < sim->task_count; i++) {
        struct sim_task *task = &sim->tasks[i];
        if (task->ended || task->door->stopped_until == 0)
            continue;
        task->door->stopped_until = 0;
        any = true;
    }
    return any;
}

static _Noreturn void deadlock(const struct sim *sim)
{
    fprintf(stderr, "all processes wait, and none until a time; operation %" PRIu64 "\n",
            sim->operations);
    for (int i = 0; i < sim->task_count; i++) {
        const struct sim_task *task = &sim->tasks[i];
        fprintf(stderr, "  process %" PRId32 ": %s %p\n", task->door->pid,
                task->ended ? "has ended" : task->call, task->subject);
    }
    check_failed("somebody can go on", __FILE__, __LINE__);
}

static struct sim_task *choose(struct sim *sim)
{
    for (;;) {
        struct sim_task *task = draw_ready(sim);
        if (task)
            return task;
        if (!advance_clock(sim) && !continue_stopped(sim))
            deadlock(sim);
    }
}

/* Give the baton to whom the seed chooses, and wait until it is back. */
static void hand_on(struct sim *sim)
{
    struct sim_task *self = sim->current;
    struct sim_task *next = choose(sim);
    if (next != self) {
        pthread_mutex_lock(&sim->mutex);
        sim->current = next;
        pthread_cond_signal(&next->turn);
        while (sim->current != self)
            pthread_cond_wait(&self->turn, &sim->mutex);
        pthread_mutex_unlock(&sim->mutex);
    }
    self->waits = false;
}

void sim_turn(struct sim_door *door)
{
    struct sim *sim = door->sim;
    if (!sim->current || !door->alive)
        return;
    if (door->stopped_until > sim->now || sim_toss(sim, sim->options.switch_ppm))
        hand_on(sim);
}

void sim_wait(struct sim_door *door, int64_t until, const char *call, const void *subject)
{
    struct sim *sim = door->sim;
    struct sim_task *self = sim->current;
    if (!door->alive)
        return;
    if (!self) { /* nobody else is there to wake us */
        check(until != INT64_MAX);
        if (sim->now < until)
            sim->now = until;
        return;
    }
    self->waits = true;
    self->until = until;
    self->call = call;
    self->subject = subject;
    hand_on(sim);
}

void sim_wake_all(struct sim *sim, const void *subject)
{
    for (int i = 0; i < sim->task_count; i++)
        if (sim->tasks[i].waits && sim->tasks[i].subject == subject)
            sim->tasks[i].waits = false;
}

/* ---- running ------------------------------------------------------------- */

static int exit_doors(struct sim *sim, const struct sim_task *task)
{
    int open = 0;
    list_each (i, &sim->doors) {
        struct sim_door *door = list_entry(i, struct sim_door, link);
        if (door->task != task)
            continue;
        open += sim_exit(&door->io);
        door->task = NULL;
    }
    return open;
}

static void task_end(struct sim_task *task)
{
    struct sim *sim = task->sim;
    task->left_open = exit_doors(sim, task);
    task->ended = true;
    bool last = true;
    for (int i = 0; i < sim->task_count; i++)
        last = last && sim->tasks[i].ended;
    struct sim_task *next = last ? NULL : choose(sim);
    pthread_mutex_lock(&sim->mutex);
    sim->current = next;
    pthread_cond_signal(next ? &next->turn : &sim->ended);
    pthread_mutex_unlock(&sim->mutex);
}

static void *task_main(void *context)
{
    struct sim_task *task = context;
    struct sim *sim = task->sim;
    pthread_mutex_lock(&sim->mutex);
    while (sim->current != task)
        pthread_cond_wait(&task->turn, &sim->mutex);
    pthread_mutex_unlock(&sim->mutex);
    task->body.run(&task->door->io, task->body.context);
    task_end(task);
    return NULL;
}

static void start_all(struct sim *sim)
{
    pthread_mutex_lock(&sim->mutex);
    for (int i = 0; i < sim->task_count; i++)
        check(pthread_create(&sim->tasks[i].thread, NULL, task_main, &sim->tasks[i]) == 0);
    sim->current = choose(sim);
    pthread_cond_signal(&sim->current->turn);
    while (sim->current)
        pthread_cond_wait(&sim->ended, &sim->mutex);
    pthread_mutex_unlock(&sim->mutex);
}

int sim_run(struct sim *sim, const struct sim_body *bodies, int count)
{
    check(!sim->current && count > 0);
    struct sim_task *tasks = memory_take((size_t)count, sizeof *tasks);
    for (int i = 0; i < count; i++) {
        struct sim_door *door = sim_door_of(sim_process(sim));
        door->task = &tasks[i];
        tasks[i].sim = sim;
        tasks[i].body = bodies[i];
        tasks[i].door = door;
        check(pthread_cond_init(&tasks[i].turn, NULL) == 0);
    }
    sim->tasks = tasks;
    sim->task_count = count;
    start_all(sim);
    int open = 0;
    for (int i = 0; i < count; i++) {
        pthread_join(tasks[i].thread, NULL);
        pthread_cond_destroy(&tasks[i].turn);
        open += tasks[i].left_open;
    }
    sim->tasks = NULL;
    sim->task_count = 0;
    memory_free(tasks);
    return open;
}
