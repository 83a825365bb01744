/* log_sync.c - from written to synced.
 *
 * Who syncs holds the partition's SYNC lock, and moves SYNCED when the disk has
 * said OK.  A failure is told once by the kernel, to one process: it marks the
 * log failed for all before it lets go of the lock.
 *
 * (1) No sync of the log's files begins while another one's outcome is unknown.
 * (2) What is not synced lies behind SYNCED, in the segment that has it and in
 *     all that follow: who begins a segment does not wait for the disk.
 * (3) A new segment's name is synced with the first of its bytes. */
#include <inttypes.h>

#include "base/fault.h"
#include "base/plant.h"
#include "io/io_file.h"
#include "log/log.h"

enum { REWRITE_STEP = 512 << 10 };

/* ---- one sync ------------------------------------------------------------ */

/* What a sync that begins now will cover, and in which file its last part is. */
struct target {
    int64_t base, bytes, end;
};

static void sync_target(struct log *log, struct target *target)
{
    int64_t before;
    do {
        before = (int64_t)log_word(log, SHARE_BASE);
        target->end = (int64_t)log_word(log, SHARE_WRITTEN);
        target->bytes = (int64_t)log_word(log, SHARE_BYTES); /* at least as far: written first */
        target->base = (int64_t)log_word(log, SHARE_BASE);
    } while (before != target->base); /* it rolled in between */
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
    if (err) /* the kernel will not say it again: we must */
        log_set(log, SHARE_FAILED, 1);
    io_close(log->o.io, file);
    return err;
}

/* The first segment that has something to sync: that of the last synced record,
 * as a torn tail may have been cut off behind it. */
static size_t sync_first(const struct log *log, int64_t synced, int64_t last)
{
    return log_segment_of(log, planted(ROLL_UNSYNCED) ? last : synced - 1);
}

/* Sync what lies between SYNCED and the segment that begins at `last`. */
static enum evl_error sync_segments(struct log *log, int64_t last)
{
    int64_t synced = (int64_t)log_word(log, SHARE_SYNCED);
    size_t i = sync_first(log, synced, last);
    enum evl_error err = EVL_OK;
    if ((log->bases[i] >= synced || log->bases[i] < last) && !planted(NO_DIR_SYNC))
        err = io_sync_dir(log->o.io, log->dir);
    for (; !err && i < log->base_count && log->bases[i] <= last; i++) {
        err = sync_file(log, log->bases[i]);
        if (err == EVL_ERR_NOT_FOUND && log->bases[i] < last)
            err = EVL_OK; /* retained or compacted meanwhile, and that was synced */
    }
    return err;
}

/* ---- after a syncer's death ---------------------------------------------- */

/* Write the bytes from a position on once more, as they are. */
static enum evl_error rewrite_from(struct segment *s, int64_t at, int64_t end)
{
    struct evl_buffer piece = { 0 };
    enum evl_error err = EVL_OK;
    while (at < end && !err) {
        size_t put;
        size_t got = 0;
        size_t size = end - at < REWRITE_STEP ? (size_t)(end - at) : REWRITE_STEP;
        buf_clear(&piece);
        err = io_read(s->io, s->file, buf_room(&piece, size), size, at, &got);
        if (!err && got < size)
            err = fail(EVL_ERR_CORRUPT, "%020" PRId64 ".log became shorter", s->base);
        struct evl_bytes part = evl_bytes(piece.at, got);
        if (!err)
            err = io_write_all(s->io, s->file, &part, 1, at, &put);
        at += (int64_t)got;
    }
    buf_release(&piece);
    return err;
}

static enum evl_error rewrite_segment(struct log *log, int64_t base, const struct target *target)
{
    struct segment s;
    int64_t position = 0;
    int64_t size;
    int64_t synced = (int64_t)log_word(log, SHARE_SYNCED);
    enum evl_error err = segment_open(log->o.io, log->dir, base, IO_WRITE, &s);
    if (err)
        return err;
    err = io_size(s.io, s.file, &size);
    if (!err && base == target->base)
        size = target->bytes; /* behind that somebody may be writing */
    if (!err && synced > base)
        err = segment_find(&s, synced, size, &position);
    if (!err)
        err = rewrite_from(&s, position, size);
    segment_close(&s);
    return err;
}

/* Whoever died syncing may have been told that it failed, and nobody else ever
 * will be: the kernel calls the pages clean afterwards.  What was not synced is
 * made dirty again. */
static enum evl_error sync_rewrite(struct log *log, const struct target *target)
{
    enum evl_error err = EVL_OK;
    size_t i = sync_first(log, (int64_t)log_word(log, SHARE_SYNCED), target->base);
    for (; !err && i < log->base_count && log->bases[i] <= target->base; i++) {
        err = rewrite_segment(log, log->bases[i], target);
        if (err == EVL_ERR_NOT_FOUND && log->bases[i] < target->base)
            err = EVL_OK; /* as in sync_segments */
    }
    return err;
}

/* ---- under the lock ------------------------------------------------------ */

static enum evl_error sync_admit(struct log *log)
{
    if (log_word(log, SHARE_FAILED))
        return fail(EVL_ERR_IO, "a write or a sync of it failed before these records were synced");
    return EVL_OK;
}

static enum evl_error log_sync_now(struct log *log, bool dirty)
{
    struct target target;
    sync_target(log, &target);
    enum evl_error err = log_check_folder(log); /* nobody renames it under the SYNC lock */
    if (!err)
        err = log_refresh(log);
    if (!err && dirty && log->base_count > 0)
        err = sync_rewrite(log, &target);
    if (!err && log->base_count > 0)
        err = sync_segments(log, target.base);
    if (err)
        return failed(err, "sync");
    log_set(log, SHARE_SYNCED, (uint64_t)target.end);
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
        err = sync_admit(log);
        if (!err)
            err = log_sync_now(log, dirty);
        dirty = dirty && err;
    }
    share_leave(log->o.share, &log->slot, SHARE_SYNC, dirty);
    return err;
}

int64_t log_synced(struct log *log, const struct log_promise *promise)
{
    if (!log_is_live(log) || log_word(log, SHARE_CUTS) != promise->cuts)
        return -1;
    int64_t synced = (int64_t)log_word(log, SHARE_SYNCED);
    return synced < promise->end ? synced : promise->end;
}

enum evl_error log_sync(struct log *log, const struct log_promise *promise)
{
    enum evl_error err = log_attach(log);
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
