/* directory.c - open a data directory, know its topics, open its logs. */
#include "place/directory.h"

#include <evl/text.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "config/meta.h"
#include "io/io_file.h"
#include "place/inside.h"

#define META_FILE "meta.properties"

enum {
    META_BYTES_MAX = 64 << 10,
    FORMAT_OURS = 1, /* of the directory: ev.format */
};

enum { LOOKS_MAX = 100 }; /* for a folder that others move meanwhile */

/* ---- its identity -------------------------------------------------------- */

static enum evl_error directory_path_of(const struct directory *d, const char *name, char *path)
{
    if (snprintf(path, PATH_MAX, "%s/%s", d->path, name) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s/%s: name too long", d->path, name);
    return EVL_OK;
}

/* What meta.properties says: *ours, or whose else. */
static enum evl_error directory_identify(struct directory *d, bool *ours)
{
    char path[PATH_MAX];
    struct evl_buffer text = { 0 };
    struct meta meta;
    enum evl_error err = directory_path_of(d, META_FILE, path);
    if (!err)
        err = io_file_read(d->io, path, META_BYTES_MAX, &text);
    if (!err && (err = meta_read(buf_bytes(&text), &meta)))
        err = failed(err, "%s", path);
    if (!err && meta.format > FORMAT_OURS)
        err = fail(EVL_ERR_CONFIG, "%s: ev.format=%" PRId32 " is newer than this program", path,
                   meta.format);
    if (!err) {
        *ours = meta.format != 0;
        d->id = meta.directory;
    }
    buf_release(&text);
    return err;
}

static struct uuid directory_new_id(struct directory *d)
{
    return uuid_make(io_random(d->io), io_random(d->io));
}

static enum evl_error directory_name(struct directory *d)
{
    struct evl_buffer out = { 0 };
    struct meta meta = { .node = DIRECTORY_NODE, .format = FORMAT_OURS };
    struct uuid cluster = directory_new_id(d);
    d->id = meta.directory = directory_new_id(d);
    uuid_print(&cluster, meta.cluster);
    meta_print(&meta, &out);
    enum evl_error err = io_file_replace(d->io, d->path, META_FILE, buf_bytes(&out));
    buf_release(&out);
    return err;
}

/* ---- making one ---------------------------------------------------------- */

/* Have a folder, and its name on the disk: whoever made it may have died, or
 * failed, before he synced that.  A parent that we may not read is not ours to
 * sync. */
static enum evl_error make_folder(struct io *io, const char *path)
{
    char parent[PATH_MAX];
    struct io_stat stat;
    const char *slash = strrchr(path, '/');
    enum evl_error err = io_stat(io, path, &stat);
    bool existed = !err;
    if (err == EVL_ERR_NOT_FOUND)
        err = io_make_dir(io, path);
    if (err && err != EVL_ERR_EXISTS)
        return err;
    if (!slash)
        snprintf(parent, sizeof parent, ".");
    else
        snprintf(parent, sizeof parent, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    err = io_sync_dir(io, parent);
    return existed && err == EVL_ERR_DENIED ? EVL_OK : err;
}

/* Make the directory, and its parents where they are missing. */
static enum evl_error make_path(struct io *io, const char *path)
{
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof part)
        return fail(EVL_ERR_USAGE, "%s: name too long", path);
    memcpy(part, path, length + 1);
    for (char *slash = part + 1;; slash++) {
        if (*slash != '/' && *slash != '\0')
            continue;
        char end = *slash;
        *slash = '\0';
        enum evl_error err = make_folder(io, part);
        if (err)
            return err;
        if (end == '\0')
            return EVL_OK;
        *slash = end;
    }
}

static bool name_is_ours(const char *name)
{
    static const char *const ours[] = { "ev.lock", "ev.shm", META_FILE ".tmp", "lost+found",
                                        METADATA_TOPIC "-0" };
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (strcmp(name, ours[i]) == 0)
            return true;
    return false;
}

static bool names_have(const struct io_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->at[i], name) == 0)
            return true;
    return false;
}

/* An empty folder may become a data directory; nobody's home does.  One that
 * became it since we looked may have anything in it by now. */
static enum evl_error directory_is_fresh(struct directory *d)
{
    struct io_names names;
    enum evl_error err = io_list(d->io, d->path, &names);
    if (err)
        return err;
    bool made = names_have(&names, META_FILE);
    for (size_t i = 0; i < names.count && !err; i++)
        if (!made && !name_is_ours(names.at[i]))
            err = fail(EVL_ERR_EXISTS,
                       "%s is not a data directory, and not empty (%s); give a new or empty one",
                       d->path, names.at[i]);
    io_names_release(&names);
    return err;
}

/* Under the lock: the metadata's folder first, meta.properties last. */
static enum evl_error directory_found_locked(struct directory *d)
{
    char path[PATH_MAX];
    bool ours;
    enum evl_error err = directory_identify(d, &ours);
    if (err != EVL_ERR_NOT_FOUND) /* somebody was faster */
        return err;
    err = directory_path_of(d, METADATA_TOPIC "-0", path);
    if (!err)
        err = io_make_dir(d->io, path);
    if (err == EVL_ERR_EXISTS)
        err = EVL_OK;
    struct uuid metadata = METADATA_ID;
    if (!err)
        err = log_set_identity(d->io, path, &metadata);
    if (!err)
        err = io_sync_dir(d->io, d->path); /* its name before that of meta.properties */
    if (!err)
        err = log_sync_identity(d->io, path);
    return err ? err : directory_name(d);
}

static enum evl_error directory_found(struct directory *d)
{
    enum evl_error err = make_path(d->io, d->path);
    if (!err)
        err = directory_is_fresh(d);
    if (!err)
        err = share_open(d->io, d->path, true, &d->share);
    if (!err)
        err = share_lock_directory(d->share, SHARE_LOCK_CHECKPOINTS, io_now(d->io) + d->patience);
    if (err)
        return err;
    err = directory_found_locked(d);
    share_unlock_directory(d->share, SHARE_LOCK_CHECKPOINTS);
    return err;
}

/* ---- following the metadata ---------------------------------------------- */

static enum evl_error directory_apply(void *state, const struct evl_record *record,
                                      int64_t producer_id)
{
    struct directory *d = state;
    (void)producer_id; /* metadata transactions are records of their own */
    return image_apply(d->image, record->value);
}

static void directory_clear(void *state)
{
    struct directory *d = state;
    image_destroy(d->image);
    d->image = image_create();
}

static void directory_follow(struct directory *d)
{
    struct coordinator_state state = { .state = d,
                                       .apply = directory_apply,
                                       .clear = directory_clear };
    d->image = image_create();
    d->changes = coordinator_create(d->metadata, &state);
}

enum evl_error directory_refresh(struct directory *d)
{
    if (d->foreign)
        return EVL_OK;
    enum evl_error err = coordinator_look(d->changes);
    return err ? failed(err, "%s", d->path) : EVL_OK;
}

/* ---- opening ------------------------------------------------------------- */

static enum evl_error directory_share_open(struct directory *d)
{
    enum evl_error err = EVL_OK;
    if (d->share)
        return EVL_OK;
    if (d->writable) {
        err = share_open(d->io, d->path, true, &d->share);
        if (err != EVL_ERR_DENIED)
            return err;
        d->writable = false; /* who may only read reads */
    }
    return share_open(d->io, d->path, false, &d->share);
}

static enum evl_error directory_open_metadata(struct directory *d)
{
    struct log_options o;
    struct topic_config config;
    struct directory_topic metadata = { METADATA_TOPIC, METADATA_ID, 1, &config };
    config_init(&config);
    config.retention_ms = -1; /* it is all there is to know of the topics */
    directory_log_options(d, &metadata, METADATA_TOPIC, 0, &o);
    return log_open(&o, &d->metadata);
}

static enum evl_error directory_open_ours(struct directory *d)
{
    enum evl_error err = d->writable && !d->force ? io_sharable(d->io, d->path) : EVL_OK;
    if (!err)
        err = directory_share_open(d);
    if (!err)
        err = directory_open_metadata(d);
    if (err)
        return err;
    directory_follow(d);
    err = directory_refresh(d);
    if (!err && coordinator_end(d->changes) == 0 && d->writable)
        err = directory_bootstrap(d);
    return err;
}

/* Find out what the path is: ours, to be made, or foreign. */
static enum evl_error directory_look(struct directory *d, bool create)
{
    bool ours = false;
    enum evl_error err = directory_identify(d, &ours);
    if (err == EVL_ERR_NOT_FOUND && foreign_is_one(d->io, d->path)) {
        err = EVL_OK;
    } else if (err == EVL_ERR_NOT_FOUND && create && d->writable) {
        err = directory_found(d);
        ours = !err;
    } else if (err == EVL_ERR_NOT_FOUND) {
        struct io_stat stat;
        if (io_stat(d->io, d->path, &stat))
            return fail(EVL_ERR_NOT_FOUND, "%s: no such directory", d->path);
        return fail(EVL_ERR_NOT_FOUND, "%s: not a data directory (it has no %s)", d->path,
                    META_FILE);
    }
    if (!err)
        err = foreign_is_free(d->io, d->path);
    if (err)
        return err;
    return ours ? directory_open_ours(d) : foreign_open(d->io, d->path, &d->foreign);
}

enum evl_error directory_open(const struct evl_place_options *options, struct io *io,
                              struct directory **directory)
{
    struct directory *d = memory_take(1, sizeof *d);
    int64_t patience_ms = options->timeout_ms ? options->timeout_ms : PLACE_PATIENCE_MS;
    d->io = io;
    d->path = memory_text(options->dir);
    d->writable = !options->readonly;
    d->force = options->force;
    d->patience = patience_ms * IO_MS;
    d->internal_partitions = options->internal_partitions;
    d->say = options->say;
    d->context = options->context;
    enum evl_error err = directory_look(d, options->create);
    if (err) {
        directory_close(d);
        return err;
    }
    *directory = d;
    return EVL_OK;
}

void directory_close(struct directory *d)
{
    if (!d)
        return;
    coordinator_destroy(d->changes);
    log_close(d->metadata);
    image_destroy(d->image);
    foreign_close(d->foreign);
    share_close(d->share);
    memory_free(d->path);
    memory_free(d);
}

bool directory_is_foreign(const struct directory *d) { return d->foreign != NULL; }
bool directory_is_writable(const struct directory *d) { return d->writable && !d->foreign; }
const char *directory_path(const struct directory *d) { return d->path; }
struct share *directory_share(struct directory *d) { return d->share; }
int64_t directory_patience(const struct directory *d) { return d->patience; }

void directory_say(struct directory *d, const char *line)
{
    if (d->say)
        d->say(d->context, line);
}

const struct image *directory_image(const struct directory *d) { return d->image; }

uint64_t directory_version(const struct directory *d)
{
    return d->changes ? (uint64_t)coordinator_end(d->changes) : 0;
}

/* ---- topics -------------------------------------------------------------- */

static struct directory_topic topic_view(const struct topic *t)
{
    return (struct directory_topic){ t->name, t->id, t->partition_count, t->config };
}

bool directory_topic_at(struct directory *d, size_t i, struct directory_topic *topic)
{
    size_t count;
    if (d->foreign)
        return foreign_topic_at(d->foreign, i, topic);
    struct topic *const *topics = image_topics(d->image, &count);
    if (i >= count)
        return false;
    *topic = topic_view(topics[i]);
    return true;
}

/* The name that was perhaps meant. */
static enum evl_error topic_unknown(struct directory *d, const char *name)
{
    struct directory_topic topic;
    const char *near = NULL;
    int least = (int)strlen(name) / 3 + 1;
    for (size_t i = 0; directory_topic_at(d, i, &topic); i++) {
        int distance = evl_text_distance(name, topic.name);
        if (distance <= least) {
            least = distance - 1;
            near = topic.name;
        }
    }
    if (near)
        return fail(EVL_ERR_NOT_FOUND, "no topic %s in %s; did you mean %s?", name, d->path, near);
    return fail(EVL_ERR_NOT_FOUND, "no topic %s in %s", name, d->path);
}

enum evl_error directory_topic(struct directory *d, const char *name, struct directory_topic *topic)
{
    if (d->foreign)
        return foreign_topic(d->foreign, name, topic) ? EVL_OK : topic_unknown(d, name);
    const struct topic *t = image_topic(d->image, name);
    if (!t)
        return topic_unknown(d, name);
    *topic = topic_view(t);
    return EVL_OK;
}

/* ---- logs ---------------------------------------------------------------- */

void directory_log_options(struct directory *d, const struct directory_topic *topic,
                           const char *name, int32_t partition, struct log_options *o)
{
    *o = (struct log_options){ .io = d->io,
                               .share = d->share,
                               .root = d->path,
                               .topic = name,
                               .partition = partition,
                               .id = topic->id,
                               .config = topic->config,
                               .writable = directory_is_writable(d),
                               .patience = d->patience,
                               .say = d->say,
                               .context = d->context };
    const struct topic *t = d->image ? image_topic(d->image, topic->name) : NULL;
    const struct partition *p = t ? topic_partition(t, partition) : NULL;
    if (p)
        o->epoch = p->leader_epoch;
    if (d->foreign)
        o->epoch = -1; /* unless the log itself says more */
}

/* What the metadata, as far as it is known, says of the partition. */
static enum evl_error log_look_up(struct directory *d, const char *topic, int32_t partition,
                                  struct log_options *o)
{
    struct directory_topic t;
    if (d->metadata && strcmp(topic, METADATA_TOPIC) == 0) {
        *o = d->metadata->o; /* no topic, but a log like others: to look at, to repair */
        return partition == 0 ? EVL_OK : fail(EVL_ERR_NOT_FOUND, "%s has one partition", topic);
    }
    enum evl_error err = directory_topic(d, topic, &t);
    if (err)
        return err;
    if (partition < 0 || partition >= t.partitions)
        return fail(EVL_ERR_NOT_FOUND, "%s has no partition %" PRId32 ", only 0 to %" PRId32, topic,
                    partition, t.partitions - 1);
    directory_log_options(d, &t, topic, partition, o);
    return EVL_OK;
}

enum evl_error directory_log(struct directory *d, const char *topic, int32_t partition,
                             struct share *share, struct log **log)
{
    struct log_options o;
    char name[NAME_MAX + 1]; /* the caller's may be the image's, which changes */
    if (snprintf(name, sizeof name, "%s", topic) > NAME_MAX)
        return fail(EVL_ERR_NOT_FOUND, "no topic %s in %s", topic, d->path);
    topic = name;
    for (int i = 0; i < LOOKS_MAX; i++) {
        enum evl_error err = log_look_up(d, topic, partition, &o);
        if (err)
            return err;
        if (share)
            o.share = share;
        err = log_open(&o, log);
        if (err != EVL_ERR_NOT_FOUND)
            return err;
        if (d->foreign)
            return fail(EVL_ERR_NOT_FOUND, "%s-%" PRId32 " is not in %s: another broker has it",
                        topic, partition, d->path);
        err = directory_find_folder(d, &o.id, topic, partition);
        if (err)
            return err;
    }
    return fail(EVL_ERR_BUSY, "%s-%" PRId32 " has another folder whenever it is looked for", topic,
                partition);
}
