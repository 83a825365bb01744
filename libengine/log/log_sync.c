/* log_sync.c - onto the disk, and telling so.
 *
 * Whoever holds the SYNC lock syncs for all who wrote before he began; the
 * others find their records synced when it is their turn.  What lies between
 * SYNCED and the end may be in several segments: who rolls for writers that do
 * not wait for the disk does not wait for it either. */
#include <inttypes.h>

#include "base/fault.h"
#include "base/plant.h"
#include "log/log.h"

/* What a sync that begins now will cover, and in which segment its end is. */
static void sync_target(struct log *log, int64_t *base, int64_t *end)
{
    int64_t before;
    do {
        before = (int64_t)log_word(log, SHARE_BASE);
        *end = (int64_t)log_word(log, SHARE_WRITTEN);
        *base = (int64_t)log_word(log, SHARE_BASE);
    } while (before != *base); /* it rolled in between */
}

static enum evl_error sync_file(struct log *log, int64_t base)
{
    char path[PATH_MAX];
    int file;
    enum evl_error err = segment_path(log->dir, base, "log", path);
    if (!err)
        err = io_open(log->o.io, path, IO_READ, &file);
    if (err)
        return err;
    err = planted(EARLY_ACK) ? EVL_OK : io_sync(log->o.io, file);
    if (err && planted(SYNC_RETRIED))
        err = io_sync(log->o.io, file);
    io_close(log->o.io, file);
    return err;
}

/* Sync the segments from that of `synced` to the one that begins at `last`, and
 * their names, as far as they are new. */
static enum evl_error sync_segments(struct log *log, int64_t synced, int64_t last)
{
    enum evl_error err = EVL_OK;
    size_t i = log_segment_of(log, synced);
    if (planted(ROLL_UNSYNCED))
        i = log_segment_of(log, last);
    if (log->bases[i] >= synced || log->bases[i] < last)
        err = planted(NO_DIR_SYNC) ? EVL_OK : io_sync_dir(log->o.io, log->dir);
    for (; !err && i < log->base_count && log->bases[i] <= last; i++)
        err = sync_file(log, log->bases[i]);
    return err;
}

static enum evl_error log_sync_now(struct log *log)
{
    int64_t base;
    int64_t end;
    sync_target(log, &base, &end);
    enum evl_error err = log_refresh(log);
    if (err)
        return err;
    if (log->base_count > 0)
        err = sync_segments(log, (int64_t)log_word(log, SHARE_SYNCED), base);
    if (err) { /* the kernel will not say it again: we must */
        log_set(log, SHARE_FAILED, 1);
        return failed(err, "sync");
    }
    log_set(log, SHARE_SYNCED, (uint64_t)end);
    return EVL_OK;
}

static enum evl_error log_is_cut(struct log *log, const struct log_promise *promise)
{
    if (log_word(log, SHARE_CUTS) == promise->cuts)
        return EVL_OK;
    return fail(EVL_ERR_IO, "records were cut off by a repair before they were synced");
}

static bool log_is_synced(struct log *log, const struct log_promise *promise)
{
    return (int64_t)log_word(log, SHARE_SYNCED) >= promise->end;
}

/* ev.shm was made anew since the append: whoever recovers the log syncs it. */
static enum evl_error log_sync_reborn(struct log *log, const struct log_promise *promise)
{
    enum evl_error err = log_enter(log);
    if (err)
        return err;
    log_leave(log);
    if (!log_is_synced(log, promise))
        err = fail(EVL_ERR_IO, "records were cut off before they were synced");
    return err;
}

static enum evl_error log_sync_slot(struct log *log, const struct log_promise *promise)
{
    bool dirty;
    enum evl_error err = share_lock(log->o.share, &log->slot, SHARE_SYNC,
                                    io_now(log->o.io) + log->o.patience, &dirty);
    if (err)
        return err;
    err = log_is_cut(log, promise);
    if (!err && !log_is_synced(log, promise)) { /* else somebody's sync covered ours */
        if (log_word(log, SHARE_FAILED))
            err =
                fail(EVL_ERR_IO, "a write or a sync of it failed before these records were synced");
        else
            err = log_sync_now(log);
    }
    share_unlock(log->o.share, &log->slot, SHARE_SYNC);
    return err;
}

enum evl_error log_sync(struct log *log, const struct log_promise *promise)
{
    enum evl_error err = log_refresh(log);
    if (err)
        return log_failed(log, err);
    if (!log_is_live(log))
        err = log_sync_reborn(log, promise);
    else if (!(err = log_is_cut(log, promise)) && log_is_synced(log, promise))
        return EVL_OK;
    else if (!err)
        err = log_sync_slot(log, promise);
    if (err)
        return log_failed(log, err);
    share_tell(log->o.share);
    return EVL_OK;
}
