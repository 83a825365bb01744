/* directory_change.c - a batch on the metadata log, and the folders it names.
 *
 * Who changes holds the metadata's APPEND lock all the while.  Folders are made
 * before the records that speak of them, and taken away after: a crash in
 * between leaves a folder too many, which its id in partition.metadata gives
 * away, and never one too few.  A rename that was cut short is finished before
 * its topic is changed again. */
#include <limits.h>
#include <stdio.h>

#include "base/fault.h"
#include "base/memory.h"
#include "place/folder.h"
#include "place/inside.h"

enum { INTERNAL_PARTITIONS = 50 };

/* ---- entering ------------------------------------------------------------ */

static enum evl_error change_is_allowed(const struct directory *d)
{
    if (d->foreign)
        return fail(EVL_ERR_DENIED, "%s was written by Apache Kafka: it can be read, not changed",
                    d->path);
    if (!d->writable)
        return fail(EVL_ERR_DENIED, "%s is open for reading only", d->path);
    return EVL_OK;
}

static enum evl_error change_begin(struct directory *d)
{
    enum evl_error err = change_is_allowed(d);
    return err ? err : coordinator_enter(d->changes);
}

static void change_end(struct directory *d) { coordinator_leave(d->changes); }

bool directory_is_changing(struct directory *d)
{
    return log_is_live(d->metadata) && log_word(d->metadata, SHARE_HOLDER) != 0;
}

enum evl_error directory_settle(struct directory *d)
{
    enum evl_error err = change_begin(d);
    if (!err)
        change_end(d);
    return err;
}

/* All of the records, or none. */
static enum evl_error change_commit(struct directory *d, const struct records *records)
{
    struct evl_record *batch = memory_take(records->count, sizeof *batch);
    for (size_t i = 0; i < records->count; i++) {
        batch[i] = EVL_RECORD_NONE;
        batch[i].value = records_at(records, i);
    }
    enum evl_error err = coordinator_append(d->changes, batch, records->count, NULL);
    memory_free(batch);
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
    if (coordinator_end(d->changes) == 0)
        err = decide_bootstrap(change_home(d), change_new_id(d), &records);
    if (!err)
        err = change_commit(d, &records);
    change_end(d);
    records_release(&records);
    return err;
}

/* ---- create, grow, configure --------------------------------------------- */

static enum evl_error create_locked(struct directory *d, const struct decide_topic *wish, bool dry,
                                    struct records *records)
{
    enum evl_error err = decide_create(d->image, wish, records);
    if (err || dry)
        return err;
    err = folders_make(d, wish->name, 0, wish->partitions, &wish->id);
    return err ? err : change_commit(d, records);
}

static enum evl_error create(struct directory *d, struct decide_topic *wish, bool dry)
{
    struct records records = { 0 };
    wish->id = change_new_id(d);
    wish->home = change_home(d);
    enum evl_error err = change_begin(d);
    if (err)
        return err;
    err = create_locked(d, wish, dry, &records);
    change_end(d);
    records_release(&records);
    return err;
}

enum evl_error directory_create(struct directory *d, const char *topic, int32_t partitions,
                                const struct decide_setting *settings, size_t count, bool dry)
{
    struct decide_topic wish = {
        .name = topic, .partitions = partitions, .settings = settings, .setting_count = count
    };
    return create(d, &wish, dry);
}

static enum evl_error create_internal(struct directory *d, const char *topic)
{
    static const struct decide_setting settings[] = {
        { DECIDE_SET, "cleanup.policy", "compact" },
        { DECIDE_SET, "compression.type", "producer" },
        { DECIDE_SET, "segment.bytes", "104857600" },
    };
    struct decide_topic wish = {
        .name = topic,
        .internal = true,
        .partitions = d->internal_partitions ? d->internal_partitions : INTERNAL_PARTITIONS,
        .settings = settings,
        .setting_count = sizeof settings / sizeof settings[0],
    };
    enum evl_error err = create(d, &wish, false);
    return err == EVL_ERR_EXISTS ? EVL_OK : err; /* somebody was faster */
}

enum evl_error directory_ensure_internal(struct directory *d, const char *topic,
                                         int32_t *partitions)
{
    struct directory_topic found;
    enum evl_error err = directory_refresh(d);
    if (!err)
        err = directory_topic(d, topic, &found);
    if (err == EVL_ERR_NOT_FOUND && directory_is_writable(d)) {
        err = create_internal(d, topic);
        if (!err)
            err = directory_topic(d, topic, &found);
    }
    if (!err)
        *partitions = found.partitions;
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

enum evl_error directory_take_producer_ids(struct directory *d, int64_t count, int64_t *first)
{
    struct records records = { 0 };
    enum evl_error err = change_begin(d);
    if (err)
        return err;
    err = decide_producer_ids(d->image, DIRECTORY_NODE, count, first, &records);
    if (!err)
        err = change_commit(d, &records);
    change_end(d);
    records_release(&records);
    return err;
}

/* ---- remove -------------------------------------------------------------- */

/* Nobody appends any more; then the rows, the folder, the bytes. */
static enum evl_error partition_remove(struct directory *d, const struct directory_topic *topic,
                                       int32_t partition)
{
    struct log_options o;
    struct log_hold hold;
    directory_log_options(d, topic, topic->name, partition, &o);
    enum evl_error err = log_hold(&o, &hold);
    if (err)
        return err;
    log_bury(&o, &hold);
    err = folder_clear(d, topic->name, partition);
    log_let_go(&o, &hold);
    return err;
}

/* Have each folder under the name that its topic has. */
static enum evl_error folders_settle(struct directory *d, const struct directory_topic *topic)
{
    enum evl_error err = EVL_OK;
    for (int32_t p = 0; p < topic->partitions && !err; p++)
        err = folder_adopt(d, &topic->id, topic->name, p);
    return err;
}

static enum evl_error remove_locked(struct directory *d, const char *name, bool dry,
                                    struct records *records)
{
    struct directory_topic topic;
    enum evl_error err = decide_remove(d->image, name, records);
    if (err || dry)
        return err;
    err = directory_topic(d, name, &topic);
    if (!err)
        err = folders_settle(d, &topic);
    if (err && err != EVL_ERR_CORRUPT) /* what is damaged can be removed */
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

/* ---- rename -------------------------------------------------------------- */

static enum evl_error rename_topic(struct directory *d, const char *from, const char *to,
                                   const struct records *records)
{
    struct directory_topic topic;
    enum evl_error err = directory_topic(d, from, &topic);
    if (!err)
        err = folders_settle(d, &topic);
    if (!err)
        err = change_commit(d, records);
    if (!err)
        err = directory_topic(d, to, &topic);
    for (int32_t p = 0; !err && p < topic.partitions; p++)
        err = folder_rename(d, &topic.id, from, to, p);
    return err;
}

static enum evl_error rename_locked(struct directory *d, const char *from, const char *to, bool dry,
                                    const struct directory_guard *guard, struct records *records)
{
    enum evl_error err = decide_rename(d->image, from, to, records);
    if (!err && guard)
        err = guard->hold(guard->context, from);
    if (err)
        return err;
    if (!dry)
        err = rename_topic(d, from, to, records);
    if (guard)
        guard->let_go(guard->context);
    return err;
}

enum evl_error directory_rename(struct directory *d, const char *from, const char *to, bool dry,
                                const struct directory_guard *guard)
{
    struct records records = { 0 };
    enum evl_error err = change_begin(d);
    if (err)
        return err;
    err = rename_locked(d, from, to, dry, guard, &records);
    change_end(d);
    records_release(&records);
    return err;
}

/* ---- a folder that is not where it should be ----------------------------- */

enum evl_error directory_find_folder(struct directory *d, const struct uuid *id, const char *topic,
                                     int32_t partition)
{
    if (!d->writable)
        return folder_await(d, id, topic, partition);
    enum evl_error err = change_begin(d);
    if (err)
        return err;
    err = folder_adopt(d, id, topic, partition);
    change_end(d);
    return err;
}

/* ---- sweeping ------------------------------------------------------------ */

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
