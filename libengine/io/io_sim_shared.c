/* io_sim_shared.c - the calls on locks and shared memory.
 *
 * A map is a range of addresses behind which there is nothing: the words are
 * the file's cached bytes, and who reads or writes them past io_load() and its
 * kin gets a fault instead of a race.  So are the words of a reader's map that
 * it stores to, and those behind the end of the file: we check what the kernel
 * would kill for. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "io/sim.h"

enum { PAGE = 4096 };

/* ---- locks --------------------------------------------------------------- */

/* A file may have thousands of locked bytes. */
static struct list *list_of(struct sim_inode *inode, int64_t byte)
{
    return &inode
                ->locks[(uint64_t)byte * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (SIM_LOCK_LISTS - 1)];
}

static void drop_locks(struct list *locks, const struct sim_door *door, int file)
{
    list_each_safe (i, locks) {
        struct sim_lock *lock = list_entry(i, struct sim_lock, link);
        if (lock->door != door || (file >= 0 && lock->file != file))
            continue;
        list_take(&lock->link);
        memory_free(lock);
    }
}

void sim_inode_drop_locks(struct sim *sim, struct sim_inode *inode, const struct sim_door *door,
                          int file)
{
    for (int i = 0; i < SIM_LOCK_LISTS; i++)
        drop_locks(&inode->locks[i], door, file);
    sim_wake_all(sim, inode);
}

static struct sim_lock *find_lock(struct sim_inode *inode, const struct sim_door *door, int file,
                                  int64_t byte)
{
    list_each (i, list_of(inode, byte)) {
        struct sim_lock *lock = list_entry(i, struct sim_lock, link);
        if (lock->door == door && lock->file == file && lock->byte == byte)
            return lock;
    }
    return NULL;
}

static bool others_hold(struct sim_inode *inode, const struct sim_lock *own, int64_t byte,
                        enum io_lock mode)
{
    list_each (i, list_of(inode, byte)) {
        const struct sim_lock *lock = list_entry(i, struct sim_lock, link);
        if (lock != own && lock->byte == byte && (mode != IO_SHARED || lock->mode != IO_SHARED))
            return true;
    }
    return false;
}

static bool try_lock(struct sim_inode *inode, struct sim_door *door, int file, int64_t byte,
                     enum io_lock mode)
{
    struct sim_lock *lock = find_lock(inode, door, file, byte);
    if (others_hold(inode, lock, byte, mode))
        return false;
    if (!lock) {
        lock = memory_take(1, sizeof *lock);
        *lock = (struct sim_lock){ .door = door, .file = file, .byte = byte };
        list_push(list_of(inode, byte), &lock->link);
    }
    lock->mode = mode;
    sim_wake_all(door->sim, inode); /* it may have been exclusive before */
    return true;
}

enum evl_error sim_call_lock(struct io *io, int file, int64_t byte, enum io_lock mode,
                             int64_t until)
{
    struct sim_door *door = sim_door_of(io);
    struct sim *sim = door->sim;
    if (!sim_call(io, "lock", "", file * (int64_t)4 + mode, byte))
        return sim_killed();
    struct sim_file *f = sim_door_file(door, file);
    struct sim_inode *inode = f->inode;
    if (mode != IO_SHARED && !f->writable)
        return io_fail(EBADF, NULL);
    while (!try_lock(inode, door, file, byte, mode)) {
        if (until == 0 || sim->now >= until)
            return fail(EVL_ERR_BUSY, "locked");
        sim_wait(door, until, "lock", inode);
        if (!door->alive)
            return sim_killed();
    }
    return EVL_OK;
}

void sim_call_unlock(struct io *io, int file, int64_t byte)
{
    struct sim_door *door = sim_door_of(io);
    if (!sim_call(io, "unlock", "", file, byte))
        return;
    struct sim_inode *inode = sim_door_file(door, file)->inode;
    struct sim_lock *lock = find_lock(inode, door, file, byte);
    if (!lock)
        return;
    list_take(&lock->link);
    memory_free(lock);
    sim_wake_all(door->sim, inode);
}

enum evl_error sim_call_is_locked(struct io *io, int file, int64_t byte, bool *locked)
{
    struct sim_door *door = sim_door_of(io);
    if (!sim_call(io, "is_locked", "", file, byte))
        return sim_killed();
    struct sim_inode *inode = sim_door_file(door, file)->inode;
    *locked = others_hold(inode, find_lock(inode, door, file, byte), byte, IO_EXCLUSIVE);
    return EVL_OK;
}

/* ---- maps ---------------------------------------------------------------- */

/* Addresses for `size` bytes that are nobody else's, now or later, with a page
 * between. */
static uint8_t *take_region(struct sim *sim, size_t size)
{
    if (!sim->region) {
        void *at = mmap(NULL, SIM_REGION_BYTES, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        check(at != MAP_FAILED);
        sim->region = at;
    }
    size_t pages = (size + PAGE - 1) / PAGE + 1;
    check(pages <= (SIM_REGION_BYTES - sim->region_used) / PAGE);
    uint8_t *at = sim->region + sim->region_used;
    sim->region_used += pages * PAGE;
    return at;
}

/* Make the file as large as its map; returns an error number, or 0. */
static int grow(struct sim *sim, struct sim_inode *inode, int64_t size)
{
    int64_t more = size - inode->cached.size;
    if (sim_inode_space(sim, inode, inode->cached.size, more) < more)
        return ENOSPC;
    sim_inode_resize(sim, inode, size);
    return 0;
}

static void add_map(struct sim_door *door, struct sim_map map)
{
    if (door->map_count == door->map_room) {
        door->map_room = door->map_room ? 2 * door->map_room : 4;
        door->maps = memory_grow(door->maps, door->map_room, sizeof *door->maps);
    }
    door->maps[door->map_count++] = map;
    map.inode->opens++;
}

enum evl_error sim_call_map(struct io *io, int file, size_t size, bool writable, void **at)
{
    struct sim_door *door = sim_door_of(io);
    if (!sim_call(io, "map", "", file, (int64_t)size))
        return sim_killed();
    struct sim_file *f = sim_door_file(door, file);
    int error = writable && !f->writable ? EACCES : 0;
    if (!error && (uint64_t)f->inode->cached.size < size) {
        if (!writable)
            return fail(EVL_ERR_CORRUPT, "%zu bytes are to be mapped, it has %" PRId64, size,
                        f->inode->cached.size);
        error = grow(door->sim, f->inode, (int64_t)size);
    }
    if (error)
        return io_fail(error, NULL);
    uint8_t *region = take_region(door->sim, size);
    add_map(door, (struct sim_map){ f->inode, region, size, writable });
    *at = region;
    return EVL_OK;
}

void sim_call_unmap(struct io *io, void *at, size_t size)
{
    struct sim_door *door = sim_door_of(io);
    (void)sim_call(io, "unmap", "", (int64_t)size, 0); /* the range is given back in any case */
    size_t i = 0;
    while (i < door->map_count && door->maps[i].at != at)
        i++;
    check(i < door->map_count && door->maps[i].size == size);
    sim_inode_close(door->sim, door->maps[i].inode);
    door->maps[i] = door->maps[--door->map_count];
}

/* ---- words --------------------------------------------------------------- */

struct sim_word {
    struct sim_inode *inode;
    int64_t at;
};

static struct sim_word find_word(const struct sim_door *door, const uint64_t *word, bool to_write)
{
    const uint8_t *at = (const uint8_t *)word;
    size_t i = 0;
    while (i < door->map_count &&
           !(at >= door->maps[i].at && at < door->maps[i].at + door->maps[i].size))
        i++;
    check(i < door->map_count); /* the word is in a map of this process, */
    const struct sim_map *map = &door->maps[i];
    struct sim_word found = { map->inode, at - map->at };
    check(found.at + (int64_t)sizeof *word <= found.inode->cached.size); /* in the file, */
    check(!to_write || map->writable);                                   /* and writable */
    return found;
}

static uint64_t get_word(struct sim_word word)
{
    uint64_t value;
    memcpy(&value, word.inode->cached.at + word.at, sizeof value);
    return value;
}

static void put_word(struct sim_word word, uint64_t value)
{
    memcpy(word.inode->cached.at + word.at, &value, sizeof value);
    word.inode->stored = true;
}

uint64_t sim_call_load(struct io *io, const uint64_t *word)
{
    if (!sim_call(io, "load", "", 0, 0))
        return 0;
    return get_word(find_word(sim_door_of(io), word, false));
}

void sim_call_store(struct io *io, uint64_t *word, uint64_t value)
{
    if (sim_call(io, "store", "", (int64_t)value, 0))
        put_word(find_word(sim_door_of(io), word, true), value);
}

void sim_call_add(struct io *io, uint64_t *word, uint64_t value)
{
    if (!sim_call(io, "add", "", (int64_t)value, 0))
        return;
    struct sim_word found = find_word(sim_door_of(io), word, true);
    put_word(found, get_word(found) + value);
}

/* Who watches a file's word is woken by a wake of any of its words: watchers
 * live with waking for no reason. */
void sim_call_watch(struct io *io, const uint64_t *word, uint64_t seen, int64_t until)
{
    struct sim_door *door = sim_door_of(io);
    struct sim *sim = door->sim;
    if (!sim_call(io, "watch", "", (int64_t)seen, 0))
        return;
    struct sim_word found = find_word(door, word, false);
    if (get_word(found) != seen || sim->now >= until || sim_toss(sim, sim->options.wake_ppm))
        return;
    sim_wait(door, until, "watch", found.inode);
}

void sim_call_wake(struct io *io, uint64_t *word)
{
    struct sim_door *door = sim_door_of(io);
    if (sim_call(io, "wake", "", 0, 0))
        sim_wake_all(door->sim, find_word(door, word, false).inode);
}
