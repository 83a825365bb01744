/* io_sim_work.c - work aside, without a thread: it is done at once, during some
 * later call of its owner, or when its owner waits for it, as the seed says.
 * All three are what a thread might do. */
#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "io/sim.h"

enum { AT_ONCE_PPM = SIM_PPM / 4, LATER_PPM = SIM_PPM / 8 };

struct sim_work {
    struct list link; /* in door.works */
    struct io_work *work;
    bool ran;
    enum evl_error result;
    struct fault fault; /* of the result */
};

/* The owner may be in the middle of telling a fault of its own. */
static void run(struct sim_door *door, struct sim_work *w)
{
    struct fault own;
    fault_keep(&own);
    door->working = true;
    w->result = w->work->run(w->work->context);
    door->working = false;
    w->ran = true;
    fault_keep(&w->fault);
    (void)fault_again(EVL_OK, &own);
}

/* How many locks the process has of this inode, by this file. */
static int inode_locks(const struct sim_inode *inode, const struct sim_door *door, int file)
{
    int count = 0;
    for (int i = 0; i < SIM_LOCK_LISTS; i++)
        list_each (l, &inode->locks[i]) {
            const struct sim_lock *lock = list_entry(l, struct sim_lock, link);
            count += lock->door == door && lock->file == file && lock->mode == IO_EXCLUSIVE;
        }
    return count;
}

/* How many it has that the work could wait for: not those that are kept. */
static int door_locks(const struct sim_door *door)
{
    int count = 0;
    for (size_t i = 0; i < door->file_room; i++)
        if (door->files[i].inode)
            count += inode_locks(door->files[i].inode, door, (int)i + SIM_FIRST_FILE);
    return count;
}

/* A thread would wait for a lock that its owner has, and the owner go on; here
 * the owner could not.  Who has one may still see work done, but who has two
 * has perhaps the one that the work needs. */
void sim_door_work_aside(struct sim_door *door)
{
    if (door->working)
        return;
    list_each (i, &door->works) {
        struct sim_work *w = list_entry(i, struct sim_work, link);
        if (!w->ran && sim_toss(door->sim, LATER_PPM) && door_locks(door) < 2)
            run(door, w);
    }
}

int sim_door_works(const struct sim_door *door)
{
    int count = 0;
    list_each (i, &door->works)
        count++;
    return count;
}

void sim_door_works_release(struct sim_door *door)
{
    list_each_safe (i, &door->works) {
        struct sim_work *w = list_entry(i, struct sim_work, link);
        list_take(&w->link);
        memory_free(w);
    }
}

void sim_call_work_start(struct io *io, struct io_work *work)
{
    struct sim_door *door = sim_door_of(io);
    struct sim_work *w = work->thread;
    (void)sim_call(io, "work_start", "", 0, 0); /* a dead process does it when it waits */
    if (!w) {
        w = memory_take(1, sizeof *w);
        w->work = work;
        work->thread = w;
        list_push(&door->works, &w->link);
    }
    w->ran = false;
    if (door->alive && !door->working && sim_toss(door->sim, AT_ONCE_PPM))
        run(door, w);
}

bool sim_call_work_done(struct io *io, struct io_work *work)
{
    struct sim_work *w = work->thread;
    if (!sim_call(io, "work_done", "", 0, 0) && !w->ran)
        run(sim_door_of(io), w);
    return w->ran;
}

enum evl_error sim_call_work_wait(struct io *io, struct io_work *work)
{
    struct sim_work *w = work->thread;
    (void)sim_call(io, "work_wait", "", 0, 0); /* dead or not, what was given is done */
    if (!w->ran)
        run(sim_door_of(io), w);
    return w->result ? fault_again(w->result, &w->fault) : EVL_OK;
}

void sim_call_work_end(struct io *io, struct io_work *work)
{
    struct sim_work *w = work->thread;
    (void)sim_call(io, "work_end", "", 0, 0); /* the same */
    list_take(&w->link);
    memory_free(w);
}
