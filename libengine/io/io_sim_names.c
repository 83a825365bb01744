/* io_sim_names.c - the tree of names, twice: as processes see it and as the
 * disk has it, with the list of what changed in the one and not in the other.
 *
 *   1. `durable_names` with all changes applied in their order are `names`.
 *   2. A folder's sync does that folder's halves of the changes.  A file moved
 *      between folders of which one is synced may be in both, or in none.
 *   3. A power cut does some of the changes, perhaps in another order.
 *   4. An inode lives while it is reachable, or a durable name or a change that
 *      may yet be done leads to it. */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "io/sim.h"

enum { SWEEP_AFTER = 64 };

/* ---- entries ------------------------------------------------------------- */

/* Where the name is, or where it would be put. */
static size_t entries_find(const struct sim_entries *entries, const char *name, bool *found)
{
    size_t low = 0;
    size_t high = entries->count;
    *found = false;
    while (low < high && !*found) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(entries->at[middle].name, name);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
        if (order == 0) {
            *found = true;
            low = middle;
        }
    }
    return low;
}

static struct sim_inode *entries_get(const struct sim_entries *entries, const char *name)
{
    bool found;
    size_t i = entries_find(entries, name, &found);
    return found ? entries->at[i].inode : NULL;
}

/* Add, or replace. */
static void entries_put(struct sim_entries *entries, const char *name, struct sim_inode *inode)
{
    bool found;
    size_t i = entries_find(entries, name, &found);
    if (!found) {
        if (entries->count == entries->room) {
            entries->room = entries->room ? 2 * entries->room : 8;
            entries->at = memory_grow(entries->at, entries->room, sizeof *entries->at);
        }
        memmove(&entries->at[i + 1], &entries->at[i], (entries->count - i) * sizeof *entries->at);
        entries->count++;
        entries->at[i].name = memory_text(name);
    }
    entries->at[i].inode = inode;
}

static void entries_drop(struct sim_entries *entries, size_t i)
{
    memory_free(entries->at[i].name);
    entries->count--;
    memmove(&entries->at[i], &entries->at[i + 1], (entries->count - i) * sizeof *entries->at);
}

/* Take out the name, if it still means this inode. */
static void entries_take(struct sim_entries *entries, const char *name,
                         const struct sim_inode *inode)
{
    bool found;
    size_t i = entries_find(entries, name, &found);
    if (found && entries->at[i].inode == inode)
        entries_drop(entries, i);
}

static void entries_clear(struct sim_entries *entries)
{
    while (entries->count > 0)
        memory_free(entries->at[--entries->count].name);
}

/* ---- paths --------------------------------------------------------------- */

static int sim_place_enter(struct sim_place *place, const char *name, size_t count)
{
    if (count > SIM_NAME_MAX)
        return ENAMETOOLONG;
    if (!place->inode)
        return ENOENT;
    if (place->inode->kind != IO_DIR)
        return ENOTDIR;
    if (count == 1 && name[0] == '.')
        return 0;
    check(count != 2 || memcmp(name, "..", 2) != 0); /* the engine has no business up there */
    place->folder = place->inode;
    memcpy(place->name, name, count);
    place->name[count] = '\0';
    place->inode = entries_get(&place->folder->names, place->name);
    return 0;
}

int sim_place_find(struct sim *sim, const char *path, struct sim_place *place)
{
    *place = (struct sim_place){ .inode = sim->disk.root };
    if (!*path)
        return ENOENT;
    for (const char *p = path;;) {
        p += strspn(p, "/");
        if (!*p)
            break;
        size_t count = strcspn(p, "/");
        int error = sim_place_enter(place, p, count);
        if (error)
            return error;
        p += count;
    }
    place->as_folder = path[strlen(path) - 1] == '/';
    if (place->as_folder && place->inode && place->inode->kind != IO_DIR)
        return ENOTDIR;
    return 0;
}

/* ---- changes ------------------------------------------------------------- */

static void add_change(struct sim *sim, struct sim_name_change change)
{
    struct sim_disk *disk = &sim->disk;
    if (disk->change_count == disk->change_room) {
        disk->change_room = disk->change_room ? 2 * disk->change_room : 16;
        disk->changes = memory_grow(disk->changes, disk->change_room, sizeof *disk->changes);
    }
    disk->changes[disk->change_count++] = change;
}

static void touch(struct sim *sim, struct sim_inode *folder)
{
    folder->mtime_ms = sim->wall_base_ms + sim->now / IO_MS;
}

void sim_place_make(struct sim *sim, const struct sim_place *place, struct sim_inode *inode)
{
    entries_put(&place->folder->names, place->name, inode);
    inode->links++;
    touch(sim, place->folder);
    add_change(sim, (struct sim_name_change){
                        .to = place->folder, .to_name = memory_text(place->name), .inode = inode });
}

void sim_place_remove(struct sim *sim, const struct sim_place *place)
{
    entries_take(&place->folder->names, place->name, place->inode);
    touch(sim, place->folder);
    add_change(sim, (struct sim_name_change){ .from = place->folder,
                                              .from_name = memory_text(place->name),
                                              .inode = place->inode });
    sim_inode_unlink(sim, place->inode);
    if (sim->disk.removed >= SWEEP_AFTER)
        sim_names_sweep(sim);
}

void sim_place_rename(struct sim *sim, const struct sim_place *from, const struct sim_place *to)
{
    entries_take(&from->folder->names, from->name, from->inode);
    entries_put(&to->folder->names, to->name, from->inode);
    touch(sim, from->folder);
    touch(sim, to->folder);
    add_change(sim, (struct sim_name_change){ .from = from->folder,
                                              .from_name = memory_text(from->name),
                                              .to = to->folder,
                                              .to_name = memory_text(to->name),
                                              .inode = from->inode });
    if (to->inode)
        sim_inode_unlink(sim, to->inode);
}

/* ---- syncs --------------------------------------------------------------- */

static void forget_from(struct sim_name_change *change)
{
    memory_free(change->from_name);
    change->from = NULL;
    change->from_name = NULL;
}

static void forget_to(struct sim_name_change *change)
{
    memory_free(change->to_name);
    change->to = NULL;
    change->to_name = NULL;
}

static void apply_from(struct sim_name_change *change)
{
    if (change->from)
        entries_take(&change->from->durable_names, change->from_name, change->inode);
    forget_from(change);
}

static void apply_to(struct sim_name_change *change)
{
    if (change->to)
        entries_put(&change->to->durable_names, change->to_name, change->inode);
    forget_to(change);
}

static void drop_empty_changes(struct sim_disk *disk)
{
    size_t kept = 0;
    for (size_t i = 0; i < disk->change_count; i++)
        if (disk->changes[i].from || disk->changes[i].to)
            disk->changes[kept++] = disk->changes[i];
    disk->change_count = kept;
}

void sim_names_sync(struct sim *sim, struct sim_inode *folder)
{
    struct sim_disk *disk = &sim->disk;
    for (size_t i = 0; i < disk->change_count; i++) {
        if (disk->changes[i].from == folder)
            apply_from(&disk->changes[i]);
        if (disk->changes[i].to == folder)
            apply_to(&disk->changes[i]);
    }
    drop_empty_changes(disk);
}

/* ---- the sweep ----------------------------------------------------------- */

static void mark(struct sim_inode *inode)
{
    if (inode->marked)
        return;
    inode->marked = true;
    for (size_t i = 0; i < inode->names.count; i++)
        mark(inode->names.at[i].inode);
    for (size_t i = 0; i < inode->durable_names.count; i++)
        mark(inode->durable_names.at[i].inode);
}

/* Mark what the changes in living folders lead to, until there is no more. */
static void mark_changes(struct sim_disk *disk)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < disk->change_count; i++) {
            const struct sim_name_change *change = &disk->changes[i];
            bool lives =
                (change->from && change->from->marked) || (change->to && change->to->marked);
            if (!lives || change->inode->marked)
                continue;
            mark(change->inode);
            more = true;
        }
    }
}

static void free_unmarked(struct sim *sim)
{
    struct sim_disk *disk = &sim->disk;
    for (size_t i = 0; i < disk->change_count; i++) {
        struct sim_name_change *change = &disk->changes[i];
        if (change->from && !change->from->marked)
            forget_from(change);
        if (change->to && !change->to->marked)
            forget_to(change);
    }
    drop_empty_changes(disk);
    list_each_safe (i, &disk->inodes) {
        struct sim_inode *inode = list_entry(i, struct sim_inode, link);
        if (!inode->marked)
            sim_inode_free(sim, inode);
        else
            inode->marked = false;
    }
    disk->removed = 0;
}

void sim_names_sweep(struct sim *sim)
{
    struct sim_disk *disk = &sim->disk;
    mark(disk->root);
    list_each (i, &disk->inodes) {
        struct sim_inode *inode = list_entry(i, struct sim_inode, link);
        if (inode->opens > 0)
            mark(inode);
    }
    mark_changes(disk);
    free_unmarked(sim);
}

/* ---- power cuts ---------------------------------------------------------- */

/* How a file system may have gone about it. */
enum cut_style {
    CUT_NONE,     /* nothing was written yet */
    CUT_ALL,      /* everything was */
    CUT_JOURNAL,  /* what came first, in its order */
    CUT_SOME,     /* each by toss, in their order */
    CUT_SHUFFLED, /* each by toss, in any order */
    CUT_STYLES
};

static void shuffle_changes(struct sim *sim)
{
    struct sim_disk *disk = &sim->disk;
    for (size_t i = disk->change_count; i > 1; i--) {
        size_t j = sim_chance(sim, i);
        struct sim_name_change change = disk->changes[i - 1];
        disk->changes[i - 1] = disk->changes[j];
        disk->changes[j] = change;
    }
}

static void cut_changes(struct sim *sim, enum cut_style style)
{
    struct sim_disk *disk = &sim->disk;
    size_t first = style == CUT_JOURNAL ? sim_chance(sim, disk->change_count + 1) : 0;
    bool toss = style == CUT_SOME || style == CUT_SHUFFLED;
    if (style == CUT_SHUFFLED)
        shuffle_changes(sim);
    for (size_t i = 0; i < disk->change_count; i++) {
        struct sim_name_change *change = &disk->changes[i];
        if (style == CUT_ALL || i < first || (toss && sim_toss(sim, SIM_PPM / 2))) {
            apply_from(change);
            apply_to(change);
        }
        forget_from(change);
        forget_to(change);
    }
    disk->change_count = 0;
}

/* See the durable names from here on down, and count.  A folder that a move
 * has left in two places stays in the first. */
static void see_durable(struct sim *sim, struct sim_inode *inode)
{
    inode->marked = true;
    for (size_t i = 0; i < inode->durable_names.count;) {
        const struct sim_entry *entry = &inode->durable_names.at[i];
        struct sim_inode *child = entry->inode;
        if (child->kind == IO_DIR && child->marked) {
            entries_drop(&inode->durable_names, i);
            continue;
        }
        if (child->links++ == 0)
            sim->disk.used += child->cached.size;
        entries_put(&inode->names, entry->name, child);
        if (child->kind == IO_DIR)
            see_durable(sim, child);
        child->marked = true;
        i++;
    }
}

void sim_names_cut(struct sim *sim)
{
    static const uint32_t keep_ppm[] = { 0, SIM_PPM / 10, SIM_PPM / 2, SIM_PPM * 9 / 10, SIM_PPM };
    struct sim_disk *disk = &sim->disk;
    cut_changes(sim, (enum cut_style)sim_chance(sim, CUT_STYLES));
    list_each (i, &disk->inodes) {
        struct sim_inode *inode = list_entry(i, struct sim_inode, link);
        sim_inode_cut(sim, inode, keep_ppm[sim_chance(sim, sizeof keep_ppm / sizeof *keep_ppm)]);
        entries_clear(&inode->names);
        inode->links = 0;
    }
    disk->used = 0;
    disk->root->links = 1;
    see_durable(sim, disk->root);
    free_unmarked(sim);
}

/* ---- life ---------------------------------------------------------------- */

void sim_names_init(struct sim *sim)
{
    list_init(&sim->disk.inodes);
    sim->disk.root = sim_inode_create(sim, IO_DIR, "/");
    sim->disk.root->links = 1;
}

void sim_names_release(struct sim *sim)
{
    struct sim_disk *disk = &sim->disk;
    for (size_t i = 0; i < disk->change_count; i++) {
        forget_from(&disk->changes[i]);
        forget_to(&disk->changes[i]);
    }
    memory_free(disk->changes);
    list_each_safe (i, &disk->inodes)
        sim_inode_free(sim, list_entry(i, struct sim_inode, link));
}
