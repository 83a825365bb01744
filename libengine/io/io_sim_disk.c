/* io_sim_disk.c - the bytes of a file, twice: as the page cache has them and as
 * the disk has them, with the list of what is in the one and perhaps not in the
 * other.
 *
 *   1. Without failed syncs, `durable` with all changes applied in their order,
 *      the bytes of each taken from `cached`, is `cached`.
 *   2. A failed sync forgets its changes, and so the first rule: what they
 *      wrote stays readable and never comes to the disk, as with Linux.
 *   3. A written range that is written again, or cut off, was perhaps written
 *      out in between: half of its sectors are then, by toss. */
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "io/sim.h"

enum {
    CHANGES_MAX = 4096, /* the kernel does not let everything wait, either */
    HALF_PPM = SIM_PPM / 2,
    GROWN_PPM = SIM_PPM / 5, /* of the lost writes: the size is there, not the bytes */
};

/* ---- bytes --------------------------------------------------------------- */

static void bytes_release(struct sim_bytes *b)
{
    memory_free(b->at);
    *b = (struct sim_bytes){ 0 };
}

static void bytes_resize(struct sim_bytes *b, int64_t size)
{
    if ((size_t)size > b->room) {
        b->room = (size_t)size + b->room / 2 + SIM_SECTOR;
        b->at = memory_grow(b->at, b->room, 1);
    }
    if (size > b->size)
        memset(b->at + b->size, 0, (size_t)(size - b->size));
    b->size = size;
}

static void bytes_put(struct sim_bytes *b, const uint8_t *from, int64_t size, int64_t at)
{
    if (size == 0)
        return;
    if (b->size < at + size)
        bytes_resize(b, at + size);
    memcpy(b->at + at, from, (size_t)size);
}

/* ---- inodes -------------------------------------------------------------- */

struct sim_inode *sim_inode_create(struct sim *sim, enum io_kind kind, const char *name)
{
    struct sim_inode *inode = memory_take(1, sizeof *inode);
    inode->number = ++sim->disk.next_number;
    inode->kind = kind;
    inode->mtime_ms = sim->wall_base_ms + sim->now / IO_MS;
    memcpy(inode->label, name, strnlen(name, sizeof inode->label - 1));
    for (int i = 0; i < SIM_LOCK_LISTS; i++)
        list_init(&inode->locks[i]);
    list_push(&sim->disk.inodes, &inode->link);
    return inode;
}

static void entries_free(struct sim_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++)
        memory_free(entries->at[i].name);
    memory_free(entries->at);
}

void sim_inode_free(struct sim *sim, struct sim_inode *inode)
{
    (void)sim;
    for (int i = 0; i < SIM_LOCK_LISTS; i++)
        check(list_is_empty(&inode->locks[i]));
    list_take(&inode->link);
    bytes_release(&inode->cached);
    bytes_release(&inode->durable);
    memory_free(inode->changes);
    entries_free(&inode->names);
    entries_free(&inode->durable_names);
    memory_free(inode);
}

static void forget_changes(struct sim_inode *inode)
{
    inode->change_count = 0;
    inode->change_end = 0;
    inode->stored = false;
}

static void leave_if_unreachable(struct sim *sim, struct sim_inode *inode)
{
    if (inode->links + inode->opens > 0)
        return;
    sim_inode_write_back(sim, inode, 0, inode->cached.size); /* a cut may bring the name back */
    forget_changes(inode);
    sim->disk.used -= inode->cached.size;
    bytes_release(&inode->cached);
    sim->disk.removed++;
}

void sim_inode_unlink(struct sim *sim, struct sim_inode *inode)
{
    check(inode->links > 0);
    inode->links--;
    leave_if_unreachable(sim, inode);
}

void sim_inode_close(struct sim *sim, struct sim_inode *inode)
{
    if (!inode)
        return;
    check(inode->opens > 0);
    inode->opens--;
    leave_if_unreachable(sim, inode);
}

int64_t sim_inode_space(struct sim *sim, const struct sim_inode *inode, int64_t at, int64_t size)
{
    if (sim->options.capacity <= 0 || at + size <= inode->cached.size)
        return size;
    int64_t left = sim->options.capacity - sim->disk.used;
    int64_t end = inode->cached.size + (left > 0 ? left : 0);
    if (end <= at)
        return 0;
    return end - at < size ? end - at : size;
}

/* ---- writing ------------------------------------------------------------- */

/* Do a change to the durable bytes.  What was cut off since is not there to be
 * taken; what was written since is taken in its place, as a page cache would. */
static void apply(struct sim_inode *inode, const struct sim_change *change)
{
    if (change->resized) {
        bytes_resize(&inode->durable, change->at);
        return;
    }
    int64_t end = change->at + change->size;
    if (end > inode->cached.size)
        end = inode->cached.size;
    if (change->at < end)
        bytes_put(&inode->durable, inode->cached.at + change->at, end - change->at, change->at);
}

static void add_change(struct sim_inode *inode, struct sim_change change)
{
    if (inode->change_count == CHANGES_MAX) {
        size_t half = CHANGES_MAX / 2;
        for (size_t i = 0; i < half; i++)
            apply(inode, &inode->changes[i]);
        memmove(inode->changes, inode->changes + half, half * sizeof *inode->changes);
        inode->change_count = half;
    }
    if (inode->change_count == inode->change_room) {
        inode->change_room = inode->change_room ? 2 * inode->change_room : 16;
        inode->changes = memory_grow(inode->changes, inode->change_room, sizeof *inode->changes);
    }
    inode->changes[inode->change_count++] = change;
}

/* Copy some sectors of a range, each by toss. */
static void copy_sectors(struct sim *sim, struct sim_inode *inode, int64_t at, int64_t size,
                         uint32_t keep_ppm)
{
    int64_t end = at + size < inode->cached.size ? at + size : inode->cached.size;
    while (at < end) {
        int64_t next = (at / SIM_SECTOR + 1) * SIM_SECTOR;
        if (next > end)
            next = end;
        if (sim_toss(sim, keep_ppm))
            bytes_put(&inode->durable, inode->cached.at + at, next - at, at);
        at = next;
    }
}

/* Not all of the range: what a failed sync has dropped is clean to the kernel. */
void sim_inode_write_back(struct sim *sim, struct sim_inode *inode, int64_t at, int64_t size)
{
    int64_t end = at + size;
    if (inode->stored)
        copy_sectors(sim, inode, at, size, HALF_PPM);
    if (at >= inode->change_end)
        return;
    for (size_t i = 0; i < inode->change_count; i++) {
        const struct sim_change *change = &inode->changes[i];
        if (change->resized)
            continue;
        int64_t from = change->at > at ? change->at : at;
        int64_t to = change->at + change->size < end ? change->at + change->size : end;
        if (from < to)
            copy_sectors(sim, inode, from, to - from, HALF_PPM);
    }
}

void sim_inode_write(struct sim *sim, struct sim_inode *inode, const uint8_t *from, int64_t size,
                     int64_t at)
{
    if (size == 0)
        return;
    int64_t before = inode->cached.size;
    sim_inode_write_back(sim, inode, at, size); /* rule 3 */
    bytes_put(&inode->cached, from, size, at);
    add_change(inode, (struct sim_change){ .at = at, .size = size });
    if (inode->change_end < at + size)
        inode->change_end = at + size;
    sim->disk.used += inode->cached.size - before;
    inode->mtime_ms = sim->wall_base_ms + sim->now / IO_MS;
}

void sim_inode_resize(struct sim *sim, struct sim_inode *inode, int64_t size)
{
    int64_t before = inode->cached.size;
    if (size == before)
        return;
    if (size < before)
        sim_inode_write_back(sim, inode, size, before - size); /* rule 3 */
    bytes_resize(&inode->cached, size);
    add_change(inode, (struct sim_change){ .resized = true, .at = size });
    sim->disk.used += size - before;
    inode->mtime_ms = sim->wall_base_ms + sim->now / IO_MS;
}

/* ---- syncs, and their absence -------------------------------------------- */

void sim_inode_sync(struct sim *sim, struct sim_inode *inode)
{
    (void)sim;
    for (size_t i = 0; i < inode->change_count; i++)
        apply(inode, &inode->changes[i]);
    if (inode->stored)
        bytes_put(&inode->durable, inode->cached.at, inode->cached.size, 0);
    if (inode->durable.size != inode->cached.size)
        bytes_resize(&inode->durable, inode->cached.size);
    forget_changes(inode);
}

void sim_inode_sync_fails(struct sim *sim, struct sim_inode *inode)
{
    if (sim_toss(sim, HALF_PPM))
        sim_inode_write_back(sim, inode, 0, inode->cached.size);
    if (inode->durable.size < inode->cached.size && sim_toss(sim, HALF_PPM))
        bytes_resize(&inode->durable, inode->cached.size);
    forget_changes(inode);
}

/* A write survives whole, by sectors, or not; a size that is set does or not. */
static void cut_change(struct sim *sim, struct sim_inode *inode, const struct sim_change *change,
                       uint32_t keep_ppm)
{
    int64_t end = change->at + change->size;
    if (!change->resized && sim_toss(sim, HALF_PPM))
        copy_sectors(sim, inode, change->at, change->size, keep_ppm);
    else if (sim_toss(sim, keep_ppm))
        apply(inode, change);
    if (!change->resized && end > inode->durable.size && sim_toss(sim, GROWN_PPM))
        bytes_resize(&inode->durable, end);
}

void sim_inode_cut(struct sim *sim, struct sim_inode *inode, uint32_t keep_ppm)
{
    for (size_t i = 0; i < inode->change_count; i++)
        cut_change(sim, inode, &inode->changes[i], keep_ppm);
    if (inode->stored)
        copy_sectors(sim, inode, 0, inode->cached.size, keep_ppm);
    forget_changes(inode);
    bytes_resize(&inode->cached, 0);
    bytes_put(&inode->cached, inode->durable.at, inode->durable.size, 0);
}
