/* change.c - one batch on the metadata log, and the folders that it speaks of.
 *
 * Who changes holds the metadata's APPEND lock all the while.  Folders are made
 * before the records that speak of them, and taken away after: a crash in
 * between leaves a folder too many, which its id in partition.metadata gives
 * away, and never one too few. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "base/fault.h"
#include "base/memory.h"
#include "log/checkpoint.h"
#include "place/inside.h"

/* ---- entering ---------------------------------------------------------------------- */

static enum evl_error change_is_allowed(const struct directory *d)
{
    if (d->foreign)
        return fail(EVL_ERR_DENIED, "%s was written by Apache Kafka: it can be read, not changed",
                    d->path);
    if (!d->writable)
        return fail(EVL_ERR_DENIED, "%s is open for reading only", d->path);
    return EVL_OK;
}

/* Sync what is on the metadata log; under the lock nothing is added to it. */
static enum evl_error change_settle(struct directory *d)
{
    struct log_promise all = { (int64_t)log_word(d->metadata, SHARE_WRITTEN),
                               log_word(d->metadata, SHARE_CUTS) };
    enum evl_error err = log_sync(d->metadata, &all);
    return err ? err : directory_refresh(d);
}

static enum evl_error change_begin(struct directory *d)
{
    enum evl_error err = change_is_allowed(d);
    if (!err)
        err = log_enter(d->metadata);
    if (err)
        return err;
    err = change_settle(d);
    if (err)
        log_leave(d->metadata);
    return err;
}

static void change_end(struct directory *d) { log_leave(d->metadata); }

static enum evl_error change_append(struct directory *d, struct evl_bytes batch)
{
    struct log_place place;
    struct log_promise promise;
    int done;
    enum evl_error err = log_append_entered(d->metadata, &batch, 1, false, &place, &done, &promise);
    return err ? err : change_settle(d);
}

/* All of the records, or none. */
static enum evl_error change_commit(struct directory *d, const struct records *records)
{
    struct batch_writer writer = { 0 };
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    uint8_t *bytes;
    size_t size;
    if (records->count == 0)
        return EVL_OK;
    batch_begin(&writer);
    int64_t now = io_wall_ms(d->io);
    for (size_t i = 0; i < records->count; i++) {
        struct evl_record record = EVL_RECORD_NONE;
        record.timestamp = now;
        record.value = records_at(records, i);
        batch_add(&writer, &record);
    }
    enum evl_error err = batch_finish(&writer, &seal, &bytes, &size);
    if (!err)
        err = change_append(d, evl_bytes(bytes, size));
    batch_writer_release(&writer);
    return err ? failed(err, "%s", d->path) : EVL_OK;
}

static struct decide_home change_home(const struct directory *d)
{
    return (struct decide_home){ DIRECTORY_NODE, d->id };
}

static struct uuid change_new_id(struct directory *d)
{
    return uuid_make(io_random(d->io), io_random(d->io));
}

enum evl_error directory_bootstrap(struct directory *d)
{
    struct records records = { 0 };
    enum evl_error err = change_begin(d);
    if (err)
        return err;
    if (d->applied == 0)
        err = decide_bootstrap(change_home(d), change_new_id(d), &records);
    if (!err)
        err = change_commit(d, &records);
    change_end(d);
    records_release(&records);
    return err;
}

/* ---- folders -------------------------------------------------------------------------- */

static enum evl_error folder_path(const struct directory *d, const char *topic, int32_t partition,
                                  char path[PATH_MAX])
{
    if (snprintf(path, PATH_MAX, "%s/%s-%" PRId32, d->path, topic, partition) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s/%s: name too long", d->path, topic);
    return EVL_OK;
}

/* Empty a folder and remove it. */
static enum evl_error folder_delete(struct io *io, const char *path)
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
    struct uuid id = change_new_id(d); /* as Kafka does it */
    enum evl_error err = folder_path(d, topic, partition, path);
    if (err)
        return err;
    if (snprintf(gone, sizeof gone, "%s.%s-delete", path, uuid_print(&id, text)) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s: name too long", path);
    err = io_rename(d->io, path, gone);
    return err ? err : folder_delete(d->io, gone);
}

/* A new folder of this name. */
static enum evl_error folder_make(struct directory *d, const char *topic, int32_t partition,
                                  const struct uuid *id)
{
    char path[PATH_MAX];
    enum evl_error err = folder_path(d, topic, partition, path);
    if (!err)
        err = io_make_dir(d->io, path);
    if (err == EVL_ERR_EXISTS) { /* what a removed topic, or a dead creator, left behind */
        err = folder_retire(d, topic, partition);
        if (!err)
            err = io_make_dir(d->io, path);
    }
    return err ? err : log_set_identity(d->io, path, id);
}

static enum evl_error folder_sync(struct directory *d, const char *topic, int32_t partition)
{
    char path[PATH_MAX];
    enum evl_error err = folder_path(d, topic, partition, path);
    return err ? err : log_sync_identity(d->io, path);
}

/* Make all, then sync all: the first sync writes out the file system's journal
 * for the others. */
static enum evl_error folders_make(struct directory *d, const char *topic, int32_t from,
                                   int32_t count, const struct uuid *id)
{
    enum evl_error err = EVL_OK;
    for (int32_t p = from; p < count && !err; p++)
        err = folder_make(d, topic, p, id);
    for (int32_t p = from; p < count && !err; p++)
        err = folder_sync(d, topic, p);
    return err ? err : io_sync_dir(d->io, d->path);
}

/* ---- create, grow, configure ------------------------------------------------------------ */

static enum evl_error create_locked(struct directory *d, const struct decide_topic *wish, bool dry,
                                    struct records *records)
{
    enum evl_error err = decide_create(d->image, wish, records);
    if (err || dry)
        return err;
    err = folders_make(d, wish->name, 0, wish->partitions, &wish->id);
    return err ? err : change_commit(d, records);
}

enum evl_error directory_create(struct directory *d, const char *topic, int32_t partitions,
                                const struct decide_setting *settings, size_t count, bool dry)
{
    struct records records = { 0 };
    struct decide_topic wish = { topic, change_new_id(d), partitions, settings,
                                 count, change_home(d) };
    enum evl_error err = change_begin(d);
    if (err)
        return err;
    err = create_locked(d, &wish, dry, &records);
    change_end(d);
    records_release(&records);
    return err;
}

static enum evl_error grow_locked(struct directory *d, const char *topic, int32_t partitions,
                                  bool dry, struct records *records)
{
    enum evl_error err = decide_partitions(d->image, topic, partitions, change_home(d), records);
    if (err || dry)
        return err;
    const struct topic *t = image_topic(d->image, topic);
    err = folders_make(d, topic, t->partition_count, partitions, &t->id);
    return err ? err : change_commit(d, records);
}

enum evl_error directory_grow(struct directory *d, const char *topic, int32_t partitions, bool dry)
{
    struct records records = { 0 };
    enum evl_error err = change_begin(d);
    if (err)
        return err;
    err = grow_locked(d, topic, partitions, dry, &records);
    change_end(d);
    records_release(&records);
    return err;
}

enum evl_error directory_configure(struct directory *d, const char *topic,
                                   const struct decide_setting *settings, size_t count, bool dry)
{
    struct records records = { 0 };
    enum evl_error err = change_begin(d);
    if (err)
        return err;
    err = decide_config(d->image, topic, settings, count, &records);
    if (!err && !dry)
        err = change_commit(d, &records);
    change_end(d);
    records_release(&records);
    return err;
}

/* ---- remove --------------------------------------------------------------------------------- */

/* Its rows in the checkpoint files; another topic may have its name one day. */
static enum evl_error points_drop(struct directory *d, const char *topic, int32_t partition)
{
    static const char *const files[] = { CHECKPOINT_RECOVERY, CHECKPOINT_START,
                                         CHECKPOINT_CLEANER };
    enum evl_error err =
        share_lock_directory(d->share, SHARE_LOCK_CHECKPOINTS, io_now(d->io) + d->patience);
    if (err)
        return err;
    for (size_t i = 0; i < sizeof files / sizeof files[0] && !err; i++) {
        int64_t offset;
        err = checkpoint_get(d->io, d->path, files[i], topic, partition, &offset);
        if (!err && offset >= 0)
            err = checkpoint_put(d->io, d->path, files[i], topic, partition, -1);
    }
    share_unlock_directory(d->share, SHARE_LOCK_CHECKPOINTS);
    return err;
}

/* Nobody appends any more; then the rows, the folder, the bytes. */
static enum evl_error partition_remove(struct directory *d, const struct directory_topic *topic,
                                       int32_t partition)
{
    struct log_options o;
    directory_log_options(d, topic, topic->name, partition, &o);
    enum evl_error err = log_void(&o, SHARE_DEAD);
    if (!err)
        err = points_drop(d, topic->name, partition);
    if (!err)
        err = folder_retire(d, topic->name, partition);
    return err == EVL_ERR_NOT_FOUND ? EVL_OK : err; /* the folder had been lost */
}

static enum evl_error remove_locked(struct directory *d, const char *name, bool dry,
                                    struct records *records)
{
    struct directory_topic topic;
    enum evl_error err = decide_remove(d->image, name, records);
    if (err || dry)
        return err;
    err = directory_topic(d, name, &topic);
    if (err)
        return err;
    char *kept = memory_text(topic.name); /* the image forgets it */
    topic.name = kept;
    topic.config = NULL;
    err = change_commit(d, records);
    for (int32_t p = 0; p < topic.partitions && !err; p++)
        err = partition_remove(d, &topic, p);
    if (!err)
        err = io_sync_dir(d->io, d->path);
    memory_free(kept);
    return err;
}

enum evl_error directory_remove(struct directory *d, const char *topic, bool dry)
{
    struct records records = { 0 };
    enum evl_error err = change_begin(d);
    if (err)
        return err;
    err = remove_locked(d, topic, dry, &records);
    change_end(d);
    records_release(&records);
    return err;
}

/* ---- rename ------------------------------------------------------------------------------------ */

static enum evl_error points_move(struct directory *d, const char *from, const char *to,
                                  int32_t partition)
{
    static const char *const files[] = { CHECKPOINT_RECOVERY, CHECKPOINT_START,
                                         CHECKPOINT_CLEANER };
    enum evl_error err =
        share_lock_directory(d->share, SHARE_LOCK_CHECKPOINTS, io_now(d->io) + d->patience);
    if (err)
        return err;
    for (size_t i = 0; i < sizeof files / sizeof files[0] && !err; i++) {
        int64_t offset;
        err = checkpoint_get(d->io, d->path, files[i], from, partition, &offset);
        if (!err && offset >= 0)
            err = checkpoint_put(d->io, d->path, files[i], to, partition, offset);
    }
    share_unlock_directory(d->share, SHARE_LOCK_CHECKPOINTS);
    return err;
}

/* A partition gets its folder's new name: the rows of the checkpoint files
 * first, so that there is no moment at which its start is forgotten. */
static enum evl_error partition_rename(struct directory *d, const struct uuid *id, const char *from,
                                       const char *to, int32_t partition)
{
    char old[PATH_MAX];
    char new[PATH_MAX];
    struct directory_topic topic = { .name = to, .id = *id };
    struct log_options o;
    directory_log_options(d, &topic, to, partition, &o);
    enum evl_error err = folder_path(d, from, partition, old);
    if (!err)
        err = folder_path(d, to, partition, new);
    if (!err)
        err = log_void(&o, SHARE_UNBORN);
    if (!err)
        err = points_move(d, from, to, partition);
    if (!err)
        err = io_rename(d->io, old, new);
    if (!err)
        err = io_sync_dir(d->io, d->path);
    return err ? err : points_drop(d, from, partition);
}

static enum evl_error rename_locked(struct directory *d, const char *from, const char *to, bool dry,
                                    struct records *records)
{
    struct directory_topic topic;
    enum evl_error err = decide_rename(d->image, from, to, records);
    if (err || dry)
        return err;
    err = change_commit(d, records);
    if (!err)
        err = directory_topic(d, to, &topic);
    for (int32_t p = 0; !err && p < topic.partitions; p++)
        err = partition_rename(d, &topic.id, from, to, p);
    return err;
}

enum evl_error directory_rename(struct directory *d, const char *from, const char *to, bool dry)
{
    struct records records = { 0 };
    enum evl_error err = change_begin(d);
    if (err)
        return err;
    err = rename_locked(d, from, to, dry, &records);
    change_end(d);
    records_release(&records);
    return err;
}

/* The name under which a folder of this id and partition lies; false if there
 * is none. */
static bool adopt_find(struct directory *d, const struct io_names *names, const struct uuid *id,
                       int32_t partition, char name[NAME_MAX + 1])
{
    for (size_t i = 0; i < names->count; i++) {
        char path[PATH_MAX];
        struct uuid found;
        int32_t number;
        size_t length = foreign_parse(names->at[i], &number);
        if (length == 0 || length > NAME_MAX || number != partition)
            continue;
        if (snprintf(path, sizeof path, "%s/%s", d->path, names->at[i]) >= PATH_MAX)
            continue;
        if (log_identity(d->io, path, &found) || !uuid_equal(&found, id))
            continue;
        memcpy(name, names->at[i], length);
        name[length] = '\0';
        return true;
    }
    return false;
}

enum evl_error directory_adopt(struct directory *d, const struct uuid *id, const char *topic,
                               int32_t partition)
{
    struct io_names names;
    char old[NAME_MAX + 1];
    char path[PATH_MAX];
    struct io_stat stat;
    enum evl_error err = change_begin(d); /* so that no rename is under way */
    if (err)
        return err;
    err = folder_path(d, topic, partition, path);
    if (!err && io_stat(d->io, path, &stat) != EVL_OK) {
        err = io_list(d->io, d->path, &names);
        if (!err && adopt_find(d, &names, id, partition, old))
            err = partition_rename(d, id, old, topic, partition);
        else if (!err)
            err = EVL_ERR_NOT_FOUND;
        io_names_release(&names);
    }
    change_end(d);
    return err;
}

/* ---- sweeping ------------------------------------------------------------------------------------- */

static bool is_retired(const char *name)
{
    size_t length = strlen(name);
    return length > 7 && strcmp(name + length - 7, "-delete") == 0;
}

enum evl_error directory_sweep(struct directory *d)
{
    struct io_names names = { 0 };
    char path[PATH_MAX];
    enum evl_error err = change_begin(d);
    if (err)
        return err;
    err = io_list(d->io, d->path, &names);
    for (size_t i = 0; !err && i < names.count; i++) {
        if (!is_retired(names.at[i]))
            continue;
        if (snprintf(path, sizeof path, "%s/%s", d->path, names.at[i]) < PATH_MAX)
            err = folder_delete(d->io, path);
    }
    io_names_release(&names);
    change_end(d);
    return err;
}
