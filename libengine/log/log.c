/* log.c - open, append, roll, sync. */
#include "log/log.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/plant.h"
#include "io/io_file.h"
#include "log/aborted.h"
#include "log/recover.h"
#include "log/replay.h"
#include "log/times.h"

/* ---- opening ------------------------------------------------------------- */

uint64_t log_word(struct log *log, enum share_word word)
{
    return share_get(log->o.share, &log->slot, word);
}

void log_set(struct log *log, enum share_word word, uint64_t value)
{
    share_set(log->o.share, &log->slot, word, value);
}

void log_changed(struct log *log)
{
    log->generation = log_word(log, SHARE_GENERATION) + 1;
    log_set(log, SHARE_GENERATION, log->generation);
}

static void list_take_names(struct log *log, const struct io_names *names)
{
    log->bases = memory_grow(log->bases, names->count, sizeof *log->bases);
    log->base_count = 0;
    for (size_t i = 0; i < names->count; i++) { /* sorted names are sorted numbers */
        int64_t base;
        if (segment_parse(names->at[i], &base))
            log->bases[log->base_count++] = base;
    }
}

enum evl_error log_check_folder(struct log *log)
{
    struct io_stat stat;
    enum evl_error err = io_stat(log->o.io, log->dir, &stat);
    if (err || (stat.device == log->device && stat.inode == log->inode) || planted(STALE_WRITER))
        return err;
    return fail(EVL_ERR_NOT_FOUND, "the topic was renamed or removed, and another has its name");
}

enum evl_error log_list(struct log *log)
{
    struct io_names names;
    uint64_t generation = log_has_slot(log) ? log_word(log, SHARE_GENERATION) : 0;
    enum evl_error err = io_list(log->o.io, log->dir, &names);
    if (err)
        return err;
    err = log_check_folder(log);
    if (!err)
        list_take_names(log, &names);
    if (!err)
        log->generation = generation;
    io_names_release(&names);
    return err;
}

bool log_has_slot(const struct log *log)
{
    return log->o.share && !share_is_stale(log->o.share, &log->slot);
}

bool log_is_live(struct log *log)
{
    return log_has_slot(log) && log_word(log, SHARE_STATE) > SHARE_UNBORN;
}

enum evl_error log_attach(struct log *log)
{
    struct share *share = log->o.share;
    if (!share)
        return EVL_OK;
    enum evl_error err = share_renew(share);
    if (err || log_has_slot(log) || !share_is_mapped(share))
        return err;
    if (!log->o.writable) {
        log->slot = share_find(share, &log->o.id, log->o.partition);
        return EVL_OK;
    }
    return share_claim(share, &log->o.id, log->o.partition, io_now(log->o.io) + log->o.patience,
                       &log->slot);
}

/* Know the folder again that is there now, and see that it is the topic's: who
 * opens the log may have heard of it a while ago. */
static enum evl_error log_find_folder(struct log *log)
{
    struct uuid id;
    struct io_stat stat;
    enum evl_error err = io_stat(log->o.io, log->dir, &stat);
    if (err)
        return err;
    log->device = stat.device;
    log->inode = stat.inode;
    if (!log->o.share) /* a foreign directory does not change */
        return EVL_OK;
    err = log_identity(log->o.io, log->dir, &id);
    if (err == EVL_ERR_NOT_FOUND || err == EVL_ERR_CORRUPT) /* a dead process was to make it */
        return failed(EVL_ERR_NOT_FOUND, "the folder is no topic's");
    if (!err && !uuid_equal(&id, &log->o.id))
        err = fail(EVL_ERR_NOT_FOUND, "the topic was removed, and another has its name");
    return err;
}

static enum evl_error log_set_up(struct log *log)
{
    enum evl_error err = log_find_folder(log);
    if (!err)
        err = log_attach(log);
    if (!err && !log_is_live(log) && log->o.writable) {
        err = log_enter(log); /* recovers it */
        if (!err)
            log_leave(log);
    }
    if (!err)
        err = log_list(log);
    if (!err && !log_is_live(log))
        err = recover_survey(log);
    return err;
}

enum evl_error log_open(const struct log_options *options, struct log **log)
{
    struct log *l = memory_take(1, sizeof *l);
    l->o = *options;
    if (options->config)
        log_configure(l, options->config);
    snprintf(l->topic, sizeof l->topic, "%s", options->topic);
    l->o.topic = l->topic;
    l->active.file = -1;
    l->producers_end = -1;
    enum evl_error err = EVL_OK;
    if (snprintf(l->dir, sizeof l->dir, "%s/%s-%" PRId32, options->root, options->topic,
                 options->partition) >= PATH_MAX)
        err = fail(EVL_ERR_USAGE, "name too long");
    if (!err)
        err = log_set_up(l);
    if (err) {
        err = log_failed(l, err);
        log_close(l);
        return err;
    }
    *log = l;
    return EVL_OK;
}

void log_configure(struct log *log, const struct topic_config *config)
{
    log->config = *config;
    log->o.config = &log->config;
}

void log_rest(struct log *log)
{
    if (log->active.file >= 0)
        segment_close(&log->active);
}

void log_close(struct log *log)
{
    if (!log)
        return;
    log_rest(log);
    epochs_release(&log->epochs);
    producers_destroy(log->producers);
    memory_free(log->bases);
    memory_free(log);
}

/* ---- what there is ------------------------------------------------------- */

int64_t log_start(struct log *log)
{
    return log_is_live(log) ? (int64_t)log_word(log, SHARE_START) : log->start;
}

int64_t log_end(struct log *log)
{
    if (!log_is_live(log))
        return log->end;
    int64_t synced = (int64_t)log_word(log, SHARE_SYNCED);
    int64_t shown = (int64_t)log_word(log, SHARE_SHOWN);
    if (planted(READ_UNSYNCED))
        shown = (int64_t)log_word(log, SHARE_WRITTEN);
    return shown > synced ? shown : synced;
}

bool log_is_failed(struct log *log)
{
    return log_has_slot(log) && log_word(log, SHARE_FAILED) != 0;
}

enum evl_error log_refresh(struct log *log)
{
    enum evl_error err = log_attach(log);
    if (!err && log_has_slot(log) && log->generation != log_word(log, SHARE_GENERATION))
        err = log_list(log);
    return err;
}

size_t log_segment_of(const struct log *log, int64_t offset)
{
    size_t low = 0;
    size_t high = log->base_count;
    while (low + 1 < high) {
        size_t middle = low + (high - low) / 2;
        if (log->bases[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

enum evl_error log_bytes(struct log *log, int64_t *bytes)
{
    char path[PATH_MAX];
    struct io_stat stat;
    int64_t sum = 0;
    for (size_t i = 0; i < log->base_count; i++) {
        enum evl_error err = segment_path(log->dir, log->bases[i], "log", path);
        if (!err)
            err = io_stat(log->o.io, path, &stat);
        if (err && err != EVL_ERR_NOT_FOUND) /* deleted a moment ago */
            return log_failed(log, err);
        sum += err ? 0 : stat.size;
    }
    *bytes = sum;
    return EVL_OK;
}

/* ---- entering ------------------------------------------------------------ */

/* Our view of the active segment is the one that the words tell of. */
static enum evl_error log_catch_up(struct log *log)
{
    int64_t base = (int64_t)log_word(log, SHARE_BASE);
    int64_t bytes = (int64_t)log_word(log, SHARE_BYTES);
    int64_t end = (int64_t)log_word(log, SHARE_WRITTEN);
    if (log->generation != log_word(log, SHARE_GENERATION)) {
        enum evl_error err = log_list(log);
        if (err)
            return err;
        log->has_epochs = false;
        log_rest(log);
    }
    if (log->active.file >= 0 && log->active.base == base && log->active.end == end)
        return EVL_OK;
    if (log->active.file >= 0 && log->active.base != base)
        segment_close(&log->active);
    if (log->base_count == 0)
        return EVL_OK; /* the first append makes the first segment */
    if (log->active.file < 0) {
        enum evl_error err = segment_open(log->o.io, log->dir, base, IO_WRITE, &log->active);
        if (err)
            return err;
    }
    return segment_resume(&log->active, bytes, end);
}

enum evl_error log_epochs(struct log *log)
{
    if (log->has_epochs)
        return EVL_OK;
    epochs_release(&log->epochs);
    enum evl_error err = epochs_load(log->o.io, log->dir, &log->epochs);
    if (err)
        return err;
    log->has_epochs = true;
    if (epochs_latest(&log->epochs) > log->o.epoch)
        log->o.epoch = epochs_latest(&log->epochs); /* it rose when a torn tail was cut */
    return EVL_OK;
}

static enum evl_error log_admit(struct log *log, bool dirty)
{
    enum share_state state = (enum share_state)log_word(log, SHARE_STATE);
    if (state == SHARE_DEAD && !planted(STALE_WRITER))
        return fail(EVL_ERR_NOT_FOUND, "the topic was removed");
    if (state == SHARE_UNBORN)
        return recover_boot(log);
    if (log_word(log, SHARE_FAILED))
        return fail(EVL_ERR_IO, "a write or a sync of it failed; look at the disk, then repair it "
                                "(evtopic check-log --repair)");
    return dirty ? recover_mend(log) : EVL_OK;
}

enum evl_error log_enter(struct log *log)
{
    bool dirty = false;
    enum evl_error err = log_attach(log);
    if (err)
        return err;
    check(log_has_slot(log)); /* a writer has one */
    err = share_lock(log->o.share, &log->slot, SHARE_APPEND, io_now(log->o.io) + log->o.patience,
                     &dirty);
    if (err)
        return err;
    err = log_admit(log, dirty);
    if (!err)
        err = log_catch_up(log);
    if (!err)
        err = log_epochs(log);
    if (err) /* what a dead holder left behind is still to be mended */
        share_leave(log->o.share, &log->slot, SHARE_APPEND, dirty);
    return err;
}

void log_leave(struct log *log) { share_unlock(log->o.share, &log->slot, SHARE_APPEND); }

enum evl_error log_hold(const struct log_options *options, struct log_hold *hold)
{
    struct share *share = options->share;
    int64_t until = io_now(options->io) + options->patience;
    enum evl_error err = share_claim(share, &options->id, options->partition, until, &hold->slot);
    if (!err)
        err = share_lock(share, &hold->slot, SHARE_APPEND, until, &hold->appender_died);
    if (err)
        return failed(err, "%s-%" PRId32, options->topic, options->partition);
    err = share_lock(share, &hold->slot, SHARE_SYNC, until, &hold->syncer_died);
    if (err) {
        share_leave(share, &hold->slot, SHARE_APPEND, hold->appender_died);
        return failed(err, "%s-%" PRId32, options->topic, options->partition);
    }
    share_set(share, &hold->slot, SHARE_GENERATION,
              share_get(share, &hold->slot, SHARE_GENERATION) + 1);
    return EVL_OK;
}

void log_let_go(const struct log_options *options, const struct log_hold *hold)
{
    share_leave(options->share, &hold->slot, SHARE_SYNC, hold->syncer_died);
    share_leave(options->share, &hold->slot, SHARE_APPEND, hold->appender_died);
    share_tell(options->share);
}

void log_bury(const struct log_options *options, const struct log_hold *hold)
{
    share_set(options->share, &hold->slot, SHARE_STATE, SHARE_DEAD);
}

/* ---- identity ------------------------------------------------------------ */

enum evl_error log_identity(struct io *io, const char *dir, struct uuid *id)
{
    char path[PATH_MAX];
    char text[UUID_TEXT];
    struct evl_buffer bytes = { 0 };
    if (snprintf(path, sizeof path, "%s/partition.metadata", dir) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s: name too long", dir);
    enum evl_error err = io_file_read(io, path, 4096, &bytes);
    const char *key = err ? NULL : strstr(buf_text(&bytes), "topic_id: ");
    if (!err && (!key || sscanf(key, "topic_id: %22s", text) != 1 || !uuid_parse(text, id)))
        err = fail(EVL_ERR_CORRUPT, "%s: it names no topic id", path);
    buf_release(&bytes);
    return err;
}

enum evl_error log_set_identity(struct io *io, const char *dir, const struct uuid *id)
{
    char path[PATH_MAX];
    char id_text[UUID_TEXT];
    char text[64];
    int file;
    size_t put;
    int n = snprintf(text, sizeof text, "version: 0\ntopic_id: %s\n", uuid_print(id, id_text));
    struct evl_bytes part = evl_bytes(text, (size_t)n);
    if (snprintf(path, sizeof path, "%s/partition.metadata", dir) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s: name too long", dir);
    enum evl_error err = io_open(io, path, IO_CREATE, &file);
    if (err)
        return err;
    err = io_write_all(io, file, &part, 1, 0, &put);
    io_close(io, file);
    return err ? failed(err, "%s", path) : EVL_OK;
}

enum evl_error log_sync_identity(struct io *io, const char *dir)
{
    char path[PATH_MAX];
    int file;
    if (snprintf(path, sizeof path, "%s/partition.metadata", dir) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s: name too long", dir);
    enum evl_error err = io_open(io, path, IO_READ, &file);
    if (err)
        return err;
    err = io_sync(io, file);
    io_close(io, file);
    return err ? failed(err, "%s", path) : io_sync_dir(io, dir);
}

/* ---- rolling ------------------------------------------------------------- */

/* The first segment, or the next one, begins where the log ends. */
static enum evl_error log_begin_segment(struct log *log)
{
    struct segment next;
    int64_t base = (int64_t)log_word(log, SHARE_WRITTEN);
    enum evl_error err = segment_open(log->o.io, log->dir, base, IO_CREATE_NEW, &next);
    if (err == EVL_ERR_EXISTS) /* a dead process came this far */
        err = segment_open(log->o.io, log->dir, base, IO_WRITE, &next);
    if (err)
        return err;
    err = segment_cut(&next, 0, base);
    if (err) {
        segment_close(&next);
        return err;
    }
    log_rest(log);
    log->active = next;
    log_set(log, SHARE_SAVED, log_word(log, SHARE_SAVED) - log_word(log, SHARE_BYTES));
    log_set(log, SHARE_BYTES, 0);
    log_set(log, SHARE_BASE, (uint64_t)base);
    log_changed(log);
    log->bases = memory_grow(log->bases, log->base_count + 1, sizeof *log->bases);
    log->bases[log->base_count++] = base;
    return EVL_OK;
}

enum evl_error log_roll(struct log *log)
{
    if (log->active.file < 0)
        return log_begin_segment(log);
    enum evl_error err = replay_producers(log);
    if (!err)
        err = producers_store(log->producers, log->o.io, log->dir,
                              (int64_t)log_word(log, SHARE_WRITTEN));
    if (!err)
        err = segment_seal(&log->active);
    if (!err)
        err = times_add(log);
    if (!err)
        err = log_begin_segment(log);
    log->unretained = log->unretained || !err;
    log->uncompacted = log->uncompacted || !err;
    return err;
}
