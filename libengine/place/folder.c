/* folder.c - where a partition lies: made, found, renamed, cleared away.
 *
 * (1) A folder belongs to the topic whose id is in its partition.metadata,
 *     whatever its name says: a rename may have been cut short.
 * (2) The checkpoint files have rows for a name only as long as there is a
 *     topic or a folder of that name: they go before the folder goes, and with
 *     it when it gets another name.
 * (3) A folder without an id is what a dead process was about to make. */
#include "place/folder.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "base/fault.h"
#include "log/checkpoint.h"
#include "place/inside.h"

#define RENAME_PATIENCE (1000LL * IO_MS)

static const char *const points[] = { CHECKPOINT_RECOVERY, CHECKPOINT_START, CHECKPOINT_CLEANER };
enum { POINTS = sizeof points / sizeof points[0] };

static enum evl_error folder_path(const struct directory *d, const char *topic, int32_t partition,
                                  char path[PATH_MAX])
{
    if (snprintf(path, PATH_MAX, "%s/%s-%" PRId32, d->path, topic, partition) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s/%s: name too long", d->path, topic);
    return EVL_OK;
}

static enum evl_error folder_exists(struct directory *d, const char *path, bool *exists)
{
    struct io_stat stat;
    enum evl_error err = io_stat(d->io, path, &stat);
    *exists = !err;
    return err == EVL_ERR_NOT_FOUND ? EVL_OK : err;
}

/* ---- rows of the checkpoint files ---------------------------------------- */

static enum evl_error point_move(struct directory *d, const char *file, const char *from,
                                 const char *to, int32_t partition)
{
    int64_t offset;
    enum evl_error err = checkpoint_get(d->io, d->path, file, from, partition, &offset);
    if (err || offset < 0)
        return err;
    return checkpoint_move(d->io, d->path, file, from, to, partition);
}

/* The rows of a name go over to another one, or (NULL) away. */
static enum evl_error points_move(struct directory *d, const char *from, const char *to,
                                  int32_t partition)
{
    enum evl_error err =
        share_lock_directory(d->share, SHARE_LOCK_CHECKPOINTS, io_now(d->io) + d->patience);
    if (err)
        return err;
    for (int i = 0; i < POINTS && !err; i++)
        err = point_move(d, points[i], from, to, partition);
    share_unlock_directory(d->share, SHARE_LOCK_CHECKPOINTS);
    return err;
}

/* ---- clearing away ------------------------------------------------------- */

enum evl_error folder_delete(struct io *io, const char *path)
{
    char file[PATH_MAX];
    struct io_names names;
    enum evl_error err = io_list(io, path, &names);
    if (err)
        return err;
    for (size_t i = 0; i < names.count && !err; i++)
        if (snprintf(file, sizeof file, "%s/%s", path, names.at[i]) < PATH_MAX)
            err = io_remove(io, file);
    io_names_release(&names);
    return err ? err : io_remove_dir(io, path);
}

/* Take a folder out of the way, then delete it: from the rename on nobody takes
 * it for a partition. */
static enum evl_error folder_retire(struct directory *d, const char *topic, int32_t partition)
{
    char path[PATH_MAX];
    char gone[PATH_MAX];
    char text[UUID_TEXT];
    struct uuid id = uuid_make(io_random(d->io), io_random(d->io)); /* as Kafka does it */
    enum evl_error err = folder_path(d, topic, partition, path);
    if (err)
        return err;
    if (snprintf(gone, sizeof gone, "%s.%s-delete", path, uuid_print(&id, text)) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s: name too long", path);
    err = io_rename(d->io, path, gone);
    return err ? err : folder_delete(d->io, gone);
}

enum evl_error folder_clear(struct directory *d, const char *topic, int32_t partition)
{
    char path[PATH_MAX];
    bool exists;
    enum evl_error err = folder_path(d, topic, partition, path);
    if (!err)
        err = points_move(d, topic, NULL, partition);
    if (!err)
        err = folder_exists(d, path, &exists);
    return err || !exists ? err : folder_retire(d, topic, partition);
}

/* The topic that a folder belongs to; NULL if there is none. */
static enum evl_error folder_owner(struct directory *d, const char *path,
                                   const struct topic **owner)
{
    struct uuid id;
    *owner = NULL;
    enum evl_error err = log_identity(d->io, path, &id);
    if (err == EVL_ERR_NOT_FOUND || err == EVL_ERR_CORRUPT)
        return EVL_OK;
    if (!err)
        *owner = image_topic_by_id(d->image, &id);
    return err;
}

/* A folder of this name is in the way: of a topic that has another name by now,
 * or of none any more. */
static enum evl_error folder_make_way(struct directory *d, const char *name, int32_t partition)
{
    char path[PATH_MAX];
    bool exists;
    const struct topic *owner = NULL;
    enum evl_error err = folder_path(d, name, partition, path);
    if (!err)
        err = folder_exists(d, path, &exists);
    if (!err && exists)
        err = folder_owner(d, path, &owner);
    if (err || !exists)
        return err;
    if (owner && strcmp(owner->name, name) != 0 && partition < owner->partition_count)
        return folder_rename(d, &owner->id, name, owner->name, partition);
    return folder_clear(d, name, partition);
}

/* ---- making -------------------------------------------------------------- */

static enum evl_error folder_make(struct directory *d, const char *topic, int32_t partition,
                                  const struct uuid *id)
{
    char path[PATH_MAX];
    enum evl_error err = folder_path(d, topic, partition, path);
    if (!err)
        err = folder_make_way(d, topic, partition);
    if (!err)
        err = io_make_dir(d->io, path);
    return err ? err : log_set_identity(d->io, path, id);
}

static enum evl_error folder_sync(struct directory *d, const char *topic, int32_t partition)
{
    char path[PATH_MAX];
    enum evl_error err = folder_path(d, topic, partition, path);
    return err ? err : log_sync_identity(d->io, path);
}

/* All are made, then all are synced: the first sync writes out the file
 * system's journal for the others. */
enum evl_error folders_make(struct directory *d, const char *topic, int32_t from, int32_t count,
                            const struct uuid *id)
{
    enum evl_error err = EVL_OK;
    for (int32_t p = from; p < count && !err; p++)
        err = folder_make(d, topic, p, id);
    for (int32_t p = from; p < count && !err; p++)
        err = folder_sync(d, topic, p);
    return err ? err : io_sync_dir(d->io, d->path);
}

/* ---- renaming ------------------------------------------------------------ */

static enum evl_error folder_move(struct directory *d, const char *from, const char *to,
                                  int32_t partition)
{
    char old[PATH_MAX];
    char new[PATH_MAX];
    enum evl_error err = folder_path(d, from, partition, old);
    if (!err)
        err = folder_path(d, to, partition, new);
    if (!err)
        err = points_move(d, from, to, partition);
    if (!err)
        err = io_rename(d->io, old, new);
    return err ? err : io_sync_dir(d->io, d->path);
}

enum evl_error folder_rename(struct directory *d, const struct uuid *id, const char *from,
                             const char *to, int32_t partition)
{
    struct directory_topic topic = { .name = to, .id = *id };
    struct log_options o;
    struct log_hold hold;
    directory_log_options(d, &topic, to, partition, &o);
    enum evl_error err = folder_make_way(d, to, partition);
    if (!err)
        err = log_hold(&o, &hold);
    if (err)
        return err;
    err = folder_move(d, from, to, partition);
    log_let_go(&o, &hold);
    return err;
}

/* ---- finding ------------------------------------------------------------- */

/* The name under which a folder of this id and partition lies; "" if there is
 * none. */
static enum evl_error folder_search_names(struct directory *d, const struct io_names *names,
                                          const struct uuid *id, int32_t partition,
                                          char name[NAME_MAX + 1])
{
    name[0] = '\0';
    for (size_t i = 0; i < names->count; i++) {
        char path[PATH_MAX];
        struct uuid found;
        int32_t number;
        size_t length = foreign_parse(names->at[i], &number);
        if (length == 0 || length > NAME_MAX || number != partition)
            continue;
        if (snprintf(path, sizeof path, "%s/%s", d->path, names->at[i]) >= PATH_MAX)
            continue;
        enum evl_error err = log_identity(d->io, path, &found);
        if (err == EVL_ERR_NOT_FOUND || err == EVL_ERR_CORRUPT) /* not a partition's, or torn */
            continue;
        if (err)
            return err;
        if (!uuid_equal(&found, id))
            continue;
        memcpy(name, names->at[i], length);
        name[length] = '\0';
        return EVL_OK;
    }
    return EVL_OK;
}

static enum evl_error folder_search(struct directory *d, const struct uuid *id, int32_t partition,
                                    char name[NAME_MAX + 1])
{
    struct io_names names;
    enum evl_error err = io_list(d->io, d->path, &names);
    if (err)
        return err;
    err = folder_search_names(d, &names, id, partition, name);
    io_names_release(&names);
    return err;
}

/* Whether the metadata still says that there is such a partition, and its
 * folder is still missing; another one's may be in its place. */
static enum evl_error folder_is_missing(struct directory *d, const struct uuid *id,
                                        const char *topic, int32_t partition, bool *missing)
{
    char path[PATH_MAX];
    bool exists;
    struct uuid found;
    const struct topic *t = image_topic(d->image, topic);
    *missing = false;
    if (!t || !uuid_equal(&t->id, id))
        return EVL_OK;
    enum evl_error err = folder_path(d, topic, partition, path);
    if (!err)
        err = folder_exists(d, path, &exists);
    if (err)
        return err;
    err = exists ? log_identity(d->io, path, &found) : EVL_OK;
    bool nobodys = err == EVL_ERR_NOT_FOUND || err == EVL_ERR_CORRUPT; /* (3) */
    *missing = !exists || nobodys || (!err && !uuid_equal(&found, id));
    return nobodys ? EVL_OK : err;
}

static enum evl_error folder_is_lost(const struct directory *d, const char *topic,
                                     int32_t partition)
{
    return fail(EVL_ERR_CORRUPT, "damaged: the folder %s/%s-%" PRId32 " is missing", d->path, topic,
                partition);
}

enum evl_error folder_adopt(struct directory *d, const struct uuid *id, const char *topic,
                            int32_t partition)
{
    char old[NAME_MAX + 1];
    bool missing;
    enum evl_error err = folder_is_missing(d, id, topic, partition, &missing);
    if (err || !missing)
        return err;
    err = folder_search(d, id, partition, old);
    if (err)
        return err;
    if (old[0] == '\0')
        return folder_is_lost(d, topic, partition);
    return folder_rename(d, id, old, topic, partition);
}

enum evl_error folder_await(struct directory *d, const struct uuid *id, const char *topic,
                            int32_t partition)
{
    char old[NAME_MAX + 1] = "";
    bool missing = true;
    int64_t until = io_now(d->io) + RENAME_PATIENCE;
    enum evl_error err = EVL_OK;
    do {
        if (old[0] != '\0')
            io_sleep(d->io, 10 * IO_MS);
        err = folder_search(d, id, partition, old); /* first: it is somewhere at any time */
        if (!err)
            err = directory_refresh(d);
        if (!err)
            err = folder_is_missing(d, id, topic, partition, &missing);
        if (!err && missing && old[0] == '\0')
            return folder_is_lost(d, topic, partition);
    } while (!err && missing && io_now(d->io) < until);
    if (err || !missing)
        return err;
    return fail(EVL_ERR_BUSY,
                "%s is being renamed to %s; if nobody does it any more, any command "
                "that may write finishes it",
                old, topic);
}
