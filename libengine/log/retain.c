/* retain.c - choose, roll, move the start, delete. */
#include "log/retain.h"

#include <inttypes.h>

#include "base/fault.h"
#include "log/checkpoint.h"
#include "log/litter.h"
#include "log/times.h"

/* ---- moving the start ---------------------------------------------------- */

static enum evl_error retain_is_allowed(const struct log *log)
{
    if (!log->o.share || !log->o.writable)
        return fail(EVL_ERR_DENIED, "it can be read, not changed");
    return EVL_OK;
}

static enum evl_error start_persist(struct log *log, int64_t start)
{
    int64_t known = -1;
    struct io *io = log->o.io;
    enum evl_error err =
        share_lock_directory(log->o.share, SHARE_LOCK_CHECKPOINTS, io_now(io) + log->o.patience);
    if (err)
        return err;
    err = checkpoint_get(io, log->o.root, CHECKPOINT_START, log->o.topic, log->o.partition, &known);
    if (!err && known < start)
        err = checkpoint_put(io, log->o.root, CHECKPOINT_START, log->o.topic, log->o.partition,
                             start);
    share_unlock_directory(log->o.share, SHARE_LOCK_CHECKPOINTS);
    return err;
}

static enum evl_error segment_bytes(struct log *log, int64_t base, int64_t *bytes)
{
    char path[PATH_MAX];
    struct io_stat stat = { 0 };
    enum evl_error err = segment_path(log->dir, base, "log", path);
    if (!err)
        err = io_stat(log->o.io, path, &stat);
    if (err == EVL_ERR_NOT_FOUND) /* deleted a moment ago */
        err = EVL_OK;
    *bytes = stat.size;
    return err;
}

/* Make litter of the segments wholly below the start.  What follows them must
 * be there to stay: where it begins may be all that tells how far the log went. */
static enum evl_error start_retire(struct log *log, int64_t start, struct retain_result *result)
{
    size_t gone = 0;
    enum evl_error err = EVL_OK;
    if (log->base_count > 1 && log->bases[1] <= start)
        err = io_sync_dir(log->o.io, log->dir);
    for (; gone + 1 < log->base_count && log->bases[gone + 1] <= start && !err; gone++) {
        int64_t bytes;
        err = segment_bytes(log, log->bases[gone], &bytes);
        if (!err)
            err = litter_retire(log, log->bases[gone]);
        if (err)
            break;
        result->segments++;
        result->bytes += bytes;
    }
    if (err || gone == 0)
        return err;
    err = log_list(log);
    return err ? err : times_renew(log);
}

/* Under the APPEND lock. */
static enum evl_error start_set(struct log *log, int64_t to, struct retain_result *result)
{
    int64_t start = (int64_t)log_word(log, SHARE_START);
    enum evl_error err = EVL_OK;
    if (to > start) {
        start = to;
        log_set(log, SHARE_START, (uint64_t)start);
        log_changed(log);
    }
    err = start_retire(log, start, result);
    if (result->segments > 0)
        log_changed(log);
    if (!err && epochs_drop(&log->epochs, start)) {
        log->has_epochs = false; /* unless it can be stored, the file knows better */
        err = epochs_store(log->o.io, log->dir, &log->epochs);
        log->has_epochs = !err;
    }
    result->start = start;
    return err;
}

/* Move the start to `to`, if it is before that, and delete what lies below. */
static enum evl_error start_move(struct log *log, int64_t to, struct retain_result *result)
{
    enum evl_error err = to > log_start(log) ? start_persist(log, to) : EVL_OK;
    if (!err)
        err = log_enter(log);
    if (err)
        return err;
    err = start_set(log, to, result);
    log_leave(log);
    share_tell(log->o.share);
    enum evl_error worse = litter_sweep(log, LITTER_DELETED);
    return err ? err : worse;
}

/* ---- what is too old, what is too much ----------------------------------- */

/* What retention wants gone: `count` segments from the first on. */
struct plan {
    size_t count;
    int64_t bytes;
    int64_t to;  /* the log start then */
    bool active; /* all of it, the active segment too, if it can be rolled */
};

/* When the newest record of a segment was written, as far as anybody knows. */
static enum evl_error segment_age(struct log *log, int64_t base, int64_t end, int64_t *newest)
{
    struct segment s;
    struct io_stat stat;
    enum evl_error err = segment_open(log->o.io, log->dir, base, IO_READ, &s);
    if (err)
        return err;
    err = io_stat_file(log->o.io, s.file, &stat);
    if (!err)
        err = segment_newest_batch(&s, stat.size, end, newest);
    segment_close(&s);
    if (err == EVL_ERR_CORRUPT) { /* nobody knows; a reader will be told */
        *newest = INT64_MAX;
        return EVL_OK;
    }
    if (!err && *newest < 0)
        *newest = stat.mtime_ms;
    return err;
}

/* `over`: by how many bytes the log is larger than it may be; negative: it is not. */
static enum evl_error segment_goes(struct log *log, size_t i, int64_t now_ms, int64_t *over,
                                   int64_t *bytes, bool *goes)
{
    int64_t newest;
    const struct topic_config *config = log->o.config;
    bool last = i + 1 == log->base_count;
    int64_t end = last ? log_end(log) : log->bases[i + 1];
    enum evl_error err = segment_bytes(log, log->bases[i], bytes);
    *goes = !err && !last && end <= log_start(log);
    if (err || *goes || !(config->cleanup_policy & CLEANUP_DELETE) || end > log_end(log))
        return err;
    if (config->retention_bytes >= 0 && *over >= *bytes) {
        *goes = true;
        return EVL_OK;
    }
    if (config->retention_ms < 0)
        return EVL_OK;
    err = segment_age(log, log->bases[i], end, &newest);
    *goes = !err && newest < now_ms - config->retention_ms;
    return err == EVL_ERR_NOT_FOUND ? EVL_OK : err; /* somebody else retains too */
}

static enum evl_error retain_plan(struct log *log, int64_t now_ms, struct plan *plan)
{
    int64_t over;
    *plan = (struct plan){ .to = log_start(log) };
    if (!log->o.config)
        return EVL_OK;
    enum evl_error err = log_bytes(log, &over);
    over -= err ? 0 : log->o.config->retention_bytes;
    for (size_t i = 0; i < log->base_count && !err; i++) {
        int64_t bytes;
        bool goes;
        err = segment_goes(log, i, now_ms, &over, &bytes, &goes);
        bool last = i + 1 == log->base_count;
        if (err || !goes || (last && bytes == 0))
            break;
        plan->count++;
        plan->bytes += bytes;
        plan->active = last;
        over -= bytes;
        if (!last && log->bases[i + 1] > plan->to)
            plan->to = log->bases[i + 1];
    }
    return err;
}

enum evl_error retain_is_due(struct log *log, int64_t now_ms, bool *due)
{
    int64_t bytes;
    int64_t over = INT64_MIN; /* sizes only change when a segment is begun */
    *due = false;
    if (!log->o.config || log->base_count < 2)
        return EVL_OK;
    return segment_goes(log, 0, now_ms, &over, &bytes, due);
}

/* ---- applying it --------------------------------------------------------- */

/* All of the log is to go: have a new segment for what comes, unless somebody
 * wrote to this one since. */
static enum evl_error retain_roll(struct log *log, struct plan *plan)
{
    struct log_promise promise;
    int64_t end = log_end(log);
    enum evl_error err = log_enter(log);
    if (err)
        return err;
    if (log->active.file >= 0 && log->active.bytes > 0 && log->active.end == end)
        err = log_roll(log);
    if (!err && log->active.file >= 0 && log->active.base == end)
        plan->to = end;
    promise =
        (struct log_promise){ (int64_t)log_word(log, SHARE_WRITTEN), log_word(log, SHARE_CUTS) };
    log_leave(log);
    return err ? err : log_sync(log, &promise);
}

static enum evl_error retain_do(struct log *log, struct plan *plan, struct retain_result *result)
{
    enum evl_error err = plan->active ? retain_roll(log, plan) : EVL_OK;
    if (err)
        return err;
    if (plan->count > 0)
        return start_move(log, plan->to, result);
    result->start = plan->to;
    return litter_sweep(log, LITTER_DELETED);
}

static void retain_forecast(struct log *log, const struct plan *plan, struct retain_result *result)
{
    result->segments = (int32_t)plan->count;
    result->bytes = plan->bytes;
    result->start = plan->active ? log_end(log) : plan->to;
}

enum evl_error retain_apply(struct log *log, int64_t now_ms, bool dry, struct retain_result *result)
{
    struct plan plan;
    struct retain_result done = { 0 };
    enum evl_error err = dry ? EVL_OK : retain_is_allowed(log);
    if (!err)
        err = log_refresh(log);
    if (!err)
        err = retain_plan(log, now_ms, &plan);
    if (!err && dry)
        retain_forecast(log, &plan, &done);
    else if (!err)
        err = retain_do(log, &plan, &done);
    if (err)
        return log_failed(log, err);
    *result = done;
    return EVL_OK;
}

/* ---- deleting records ---------------------------------------------------- */

/* Readers may have seen what is not on the disk (flush=os): have it there. */
static enum evl_error trim_sync(struct log *log, int64_t offset)
{
    struct log_promise promise = { offset, log_word(log, SHARE_CUTS) };
    return log_sync(log, &promise);
}

enum evl_error retain_trim(struct log *log, int64_t offset, bool dry, int64_t *start)
{
    struct retain_result result = { 0 };
    enum evl_error err = dry ? EVL_OK : retain_is_allowed(log);
    if (!err)
        err = log_refresh(log);
    if (err)
        return log_failed(log, err);
    int64_t end = log_end(log);
    int64_t to = offset == -1 ? end : offset;
    if (to < 0 || to > end)
        return log_failed(log, fail(EVL_ERR_RANGE,
                                    "cannot delete before offset %" PRId64 ": readable are %" PRId64
                                    " to %" PRId64,
                                    offset, log_start(log), end));
    result.start = to > log_start(log) ? to : log_start(log);
    if (!dry && to > log_start(log)) {
        err = trim_sync(log, to);
        if (!err)
            err = start_move(log, to, &result);
    }
    if (err)
        return log_failed(log, err);
    *start = result.start;
    return EVL_OK;
}
