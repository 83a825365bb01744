/* io_sim_files.c - the calls on files and names.  They fail by the kernel's
 * error numbers, as the Linux door would: test_io.c compares the two. */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "io/sim.h"

enum { SYNC_NS_MAX = 2 * IO_MS };

static const int64_t FILE_BYTES_MAX = (int64_t)1 << 30; /* it is all in memory */
static const int64_t SPACE_UNLIMITED = (int64_t)1 << 40;

/* ---- file numbers -------------------------------------------------------- */

struct sim_file *sim_door_file(struct sim_door *door, int file)
{
    size_t i = (size_t)(file - SIM_FIRST_FILE);
    check(file >= SIM_FIRST_FILE && i < door->file_room && door->files[i].inode);
    return &door->files[i];
}

static const char *label(const struct sim_door *door, int file)
{
    size_t i = (size_t)(file - SIM_FIRST_FILE);
    const struct sim_file *f = i < door->file_room ? &door->files[i] : NULL;
    return f && f->inode ? f->inode->label : "";
}

/* The lowest free number, as the kernel gives it. */
static int take_file(struct sim_door *door, struct sim_inode *inode, bool writable)
{
    size_t i = 0;
    while (i < door->file_room && door->files[i].taken)
        i++;
    if (i == door->file_room) {
        size_t room = i ? 2 * i : 8;
        door->files = memory_grow(door->files, room, sizeof *door->files);
        memset(door->files + i, 0, (room - i) * sizeof *door->files);
        door->file_room = room;
    }
    door->files[i] = (struct sim_file){ .taken = true, .writable = writable, .inode = inode };
    inode->opens++;
    return (int)i + SIM_FIRST_FILE;
}

static bool disk_is_full(const struct sim *sim)
{
    return sim->options.capacity > 0 && sim->disk.used >= sim->options.capacity;
}

/* Returns an error number, or 0. */
static int make(struct sim *sim, struct sim_place *place, enum io_kind kind)
{
    if (place->inode)
        return EEXIST;
    if (disk_is_full(sim))
        return ENOSPC;
    place->inode = sim_inode_create(sim, kind, place->name);
    sim_place_make(sim, place, place->inode);
    return 0;
}

static int find_or_make(struct sim *sim, const char *path, enum io_open how,
                        struct sim_place *place)
{
    int error = sim_place_find(sim, path, place);
    if (error)
        return error;
    if (how == IO_CREATE_NEW || (how == IO_CREATE && !place->inode))
        return place->as_folder ? EISDIR : make(sim, place, IO_FILE);
    if (!place->inode)
        return ENOENT;
    return place->inode->kind == IO_DIR ? EISDIR : 0;
}

/* A call with a path begins; it may be killed, and it may fail. */
static enum evl_error begin(struct io *io, const char *call, const char *path, int64_t a)
{
    if (!sim_call(io, call, path, a, 0))
        return sim_killed();
    return sim_strikes(sim_door_of(io)->sim, SIM_NAME_IO) ? io_fail(EIO, path) : EVL_OK;
}

enum evl_error sim_call_open(struct io *io, const char *path, enum io_open how, int *file)
{
    struct sim_door *door = sim_door_of(io);
    struct sim_place place;
    enum evl_error err = begin(io, "open", path, how);
    if (err)
        return err;
    int error = find_or_make(door->sim, path, how, &place);
    if (error)
        return io_fail(error, path);
    *file = take_file(door, place.inode, how != IO_READ);
    return EVL_OK;
}

void sim_call_close(struct io *io, int file)
{
    struct sim_door *door = sim_door_of(io);
    size_t i = (size_t)(file - SIM_FIRST_FILE);
    (void)sim_call(io, "close", label(door, file), file, 0); /* the number is free in any case */
    check(file >= SIM_FIRST_FILE && i < door->file_room && door->files[i].taken);
    struct sim_inode *inode = door->files[i].inode;
    door->files[i] = (struct sim_file){ 0 };
    if (inode)
        sim_inode_drop_locks(door->sim, inode, door, file);
    sim_inode_close(door->sim, inode);
}

/* ---- bytes --------------------------------------------------------------- */

enum evl_error sim_call_read(struct io *io, int file, void *to, size_t size, int64_t at,
                             size_t *got)
{
    struct sim_door *door = sim_door_of(io);
    if (!sim_call(io, "read", label(door, file), at, (int64_t)size))
        return sim_killed();
    const struct sim_inode *inode = sim_door_file(door, file)->inode;
    if (sim_strikes(door->sim, SIM_READ_IO))
        return io_fail(EIO, NULL);
    int64_t left = inode->cached.size > at ? inode->cached.size - at : 0;
    size_t n = (uint64_t)left < size ? (size_t)left : size;
    if (n > 0)
        memcpy(to, inode->cached.at + at, n);
    *got = n;
    return EVL_OK;
}

static struct evl_bytes gather(struct sim *sim, const struct evl_bytes *parts, int count)
{
    buf_clear(&sim->gathered);
    for (int i = 0; i < count; i++)
        buf_add(&sim->gathered, parts[i].at, parts[i].count);
    return buf_bytes(&sim->gathered);
}

/* How much of a write is done, if it is done at all. */
static int64_t draw_put(struct sim *sim, const struct sim_inode *inode, int64_t size, int64_t at)
{
    int64_t put = sim_inode_space(sim, inode, at, size);
    if (sim_strikes(sim, SIM_WRITE_FULL)) {
        put = (int64_t)sim_chance(sim, (uint64_t)size);
        if (sim_toss(sim, SIM_PPM / 2))
            put = 0;
        if (put > 0)
            sim->options.after[SIM_WRITE_FULL] = 1;
    }
    if (size > 1 && sim_strikes(sim, SIM_WRITE_SHORT) && put > 1)
        put = 1 + (int64_t)sim_chance(sim, (uint64_t)put - 1);
    return put;
}

static void write_some(struct sim *sim, struct sim_inode *inode, struct evl_bytes bytes, int64_t at)
{
    int64_t size = (int64_t)sim_chance(sim, bytes.count + 1);
    sim_inode_write(sim, inode, bytes.at, sim_inode_space(sim, inode, at, size), at);
}

enum evl_error sim_call_write(struct io *io, int file, const struct evl_bytes *parts, int count,
                              int64_t at, size_t *put)
{
    struct sim_door *door = sim_door_of(io);
    struct sim *sim = door->sim;
    if (!sim_arrive(io, "write", label(door, file), at, count))
        return sim_killed();
    struct sim_file *f = sim_door_file(door, file);
    struct evl_bytes bytes = gather(sim, parts, count);
    int64_t size = (int64_t)bytes.count;
    if (!f->writable)
        return io_fail(EBADF, NULL);
    if (at > FILE_BYTES_MAX - size)
        return io_fail(EFBIG, NULL);
    if (sim_strikes(sim, SIM_KILL)) {
        write_some(sim, f->inode, bytes, at);
        sim_door_die(door);
        return sim_killed();
    }
    if (sim_strikes(sim, SIM_WRITE_IO)) {
        write_some(sim, f->inode, bytes, at);
        return io_fail(EIO, NULL);
    }
    int64_t done = size > 0 ? draw_put(sim, f->inode, size, at) : 0;
    if (done == 0 && size > 0)
        return io_fail(ENOSPC, NULL);
    sim_inode_write(sim, f->inode, bytes.at, done, at);
    *put = (size_t)done;
    return EVL_OK;
}

/* What others write while a sync is on its way it may cover, or not: they have
 * turns before and behind. */
enum evl_error sim_call_sync(struct io *io, int file)
{
    struct sim_door *door = sim_door_of(io);
    struct sim *sim = door->sim;
    if (!sim_call(io, "sync", label(door, file), 0, 0))
        return sim_killed();
    struct sim_inode *inode = sim_door_file(door, file)->inode;
    sim->now += (int64_t)sim_chance(sim, SYNC_NS_MAX);
    if (sim_strikes(sim, SIM_SYNC_IO)) {
        sim_inode_sync_fails(sim, inode);
        (void)io_fail(EIO, NULL); /* for its words */
        return failed(EVL_ERR_IO, "sync");
    }
    sim_inode_sync(sim, inode);
    sim_turn(door);
    return door->alive ? EVL_OK : sim_killed();
}

void sim_call_sync_soon(struct io *io, int file, int64_t at, int64_t size)
{
    struct sim_door *door = sim_door_of(io);
    if (sim_call(io, "sync_soon", label(door, file), at, size))
        sim_inode_write_back(door->sim, sim_door_file(door, file)->inode, at, size);
}

enum evl_error sim_call_truncate(struct io *io, int file, int64_t size)
{
    struct sim_door *door = sim_door_of(io);
    struct sim *sim = door->sim;
    if (!sim_call(io, "truncate", label(door, file), size, 0))
        return sim_killed();
    struct sim_file *f = sim_door_file(door, file);
    int64_t more = size - f->inode->cached.size;
    if (!f->writable)
        return io_fail(EINVAL, NULL);
    if (size > FILE_BYTES_MAX)
        return io_fail(EFBIG, NULL);
    if (more > 0 && sim_inode_space(sim, f->inode, f->inode->cached.size, more) < more)
        return io_fail(ENOSPC, NULL);
    sim_inode_resize(sim, f->inode, size);
    return EVL_OK;
}

/* ---- names --------------------------------------------------------------- */

static struct io_stat stat_of(const struct sim_inode *inode)
{
    return (struct io_stat){ .kind = inode->kind,
                             .size = inode->cached.size,
                             .mtime_ms = inode->mtime_ms,
                             .device = 1,
                             .inode = inode->number };
}

/* What is at a path, which must be there. */
static int find(struct io *io, const char *path, struct sim_place *place)
{
    int error = sim_place_find(sim_door_of(io)->sim, path, place);
    return error ? error : place->inode ? 0 : ENOENT;
}

static int find_folder(struct io *io, const char *path, struct sim_place *place)
{
    int error = find(io, path, place);
    return error ? error : place->inode->kind == IO_DIR ? 0 : ENOTDIR;
}

enum evl_error sim_call_stat(struct io *io, const char *path, struct io_stat *stat)
{
    struct sim_place place;
    enum evl_error err = begin(io, "stat", path, 0);
    if (err)
        return err;
    int error = find(io, path, &place);
    if (error)
        return io_fail(error, path);
    *stat = stat_of(place.inode);
    return EVL_OK;
}

enum evl_error sim_call_stat_file(struct io *io, int file, struct io_stat *stat)
{
    struct sim_door *door = sim_door_of(io);
    if (!sim_call(io, "stat_file", label(door, file), 0, 0))
        return sim_killed();
    *stat = stat_of(sim_door_file(door, file)->inode);
    return EVL_OK;
}

enum evl_error sim_call_list(struct io *io, const char *path, struct io_names *names)
{
    struct sim_place place;
    enum evl_error err = begin(io, "list", path, 0);
    if (err)
        return err;
    int error = find_folder(io, path, &place);
    if (error)
        return io_fail(error, path);
    const struct sim_entries *entries = &place.inode->names;
    struct io_names found = { .count = entries->count };
    if (found.count > 0)
        found.at = memory_take(found.count, sizeof *found.at);
    for (size_t i = 0; i < found.count; i++)
        found.at[i] = memory_text(entries->at[i].name);
    *names = found;
    return EVL_OK;
}

enum evl_error sim_call_make_dir(struct io *io, const char *path)
{
    struct sim *sim = sim_door_of(io)->sim;
    struct sim_place place;
    enum evl_error err = begin(io, "make_dir", path, 0);
    if (err)
        return err;
    int error = sim_place_find(sim, path, &place);
    if (!error)
        error = make(sim, &place, IO_DIR);
    return error ? io_fail(error, path) : EVL_OK;
}

static bool is_below(const struct sim_inode *folder, const struct sim_inode *inode)
{
    if (folder == inode)
        return true;
    for (size_t i = 0; i < folder->names.count; i++)
        if (is_below(folder->names.at[i].inode, inode))
            return true;
    return false;
}

/* Why a rename cannot be, or 0. */
static int refuse_rename(const struct sim_place *from, const struct sim_place *to)
{
    bool folder = from->inode->kind == IO_DIR;
    if (!from->folder || !to->folder)
        return EBUSY;
    if (!folder && to->as_folder)
        return ENOTDIR;
    if (folder && is_below(from->inode, to->folder))
        return EINVAL;
    if (to->inode && is_below(to->inode, from->folder))
        return ENOTEMPTY;
    if (!to->inode || to->inode == from->inode)
        return 0;
    if (folder != (to->inode->kind == IO_DIR))
        return folder ? ENOTDIR : EISDIR;
    return to->inode->names.count > 0 ? ENOTEMPTY : 0;
}

enum evl_error sim_call_rename(struct io *io, const char *from, const char *to)
{
    struct sim *sim = sim_door_of(io)->sim;
    struct sim_place old, new;
    enum evl_error err = begin(io, "rename", from, (int64_t)strlen(to));
    if (err)
        return err;
    int error = sim_place_find(sim, from, &old);
    if (!error)
        error = sim_place_find(sim, to, &new);
    if (!error)
        error = old.inode ? refuse_rename(&old, &new) : ENOENT;
    if (error)
        return io_fail(error, from);
    if (new.inode != old.inode)
        sim_place_rename(sim, &old, &new);
    return EVL_OK;
}

enum evl_error sim_call_remove(struct io *io, const char *path)
{
    struct sim_place place;
    enum evl_error err = begin(io, "remove", path, 0);
    if (err)
        return err;
    int error = find(io, path, &place);
    if (!error && place.inode->kind == IO_DIR)
        error = EISDIR;
    if (error)
        return io_fail(error, path);
    sim_place_remove(sim_door_of(io)->sim, &place);
    return EVL_OK;
}

enum evl_error sim_call_remove_dir(struct io *io, const char *path)
{
    struct sim_place place;
    enum evl_error err = begin(io, "remove_dir", path, 0);
    if (err)
        return err;
    int error = find_folder(io, path, &place);
    if (!error && !place.folder)
        error = EBUSY;
    if (!error && place.inode->names.count > 0)
        error = ENOTEMPTY;
    if (error)
        return io_fail(error, path);
    sim_place_remove(sim_door_of(io)->sim, &place);
    return EVL_OK;
}

enum evl_error sim_call_sync_dir(struct io *io, const char *path)
{
    struct sim_door *door = sim_door_of(io);
    struct sim_place place;
    if (!sim_call(io, "sync_dir", path, 0, 0))
        return sim_killed();
    int error = find_folder(io, path, &place);
    if (error)
        return io_fail(error, path);
    door->sim->now += (int64_t)sim_chance(door->sim, SYNC_NS_MAX);
    if (sim_strikes(door->sim, SIM_SYNC_DIR_IO))
        return io_fail(EIO, path);
    sim_names_sync(door->sim, place.inode);
    sim_turn(door);
    return door->alive ? EVL_OK : sim_killed();
}

enum evl_error sim_call_space(struct io *io, const char *path, struct io_space *space)
{
    const struct sim *sim = sim_door_of(io)->sim;
    struct sim_place place;
    enum evl_error err = begin(io, "space", path, 0);
    if (err)
        return err;
    int error = find(io, path, &place);
    if (error)
        return io_fail(error, path);
    int64_t left = sim->options.capacity - sim->disk.used;
    space->total = sim->options.capacity <= 0 ? SPACE_UNLIMITED : sim->options.capacity;
    space->free = sim->options.capacity <= 0 ? SPACE_UNLIMITED : left > 0 ? left : 0;
    return EVL_OK;
}

enum evl_error sim_call_sharable(struct io *io, const char *path)
{
    struct sim_place place;
    enum evl_error err = begin(io, "sharable", path, 0);
    if (err)
        return err;
    int error = find(io, path, &place);
    return error ? io_fail(error, path) : EVL_OK;
}
