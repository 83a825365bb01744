/* replay.c - from the newest snapshot, over the heads that follow. */
#include "log/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "log/checkpoint.h"

enum {
    CHECKPOINT_EVERY = 64 << 20, /* bytes that a boot may have to read again */
    TRIES_MAX = 16,              /* segments that vanish under our eyes, one after the other */
};

/* ---- producers ----------------------------------------------------------- */

/* The newest snapshot before or at `end` that can be read; -1 if there is none. */
static enum evl_error replay_snapshot(struct log *log, int64_t end, int64_t *at)
{
    struct io_names names;
    enum evl_error err = io_list(log->o.io, log->dir, &names);
    if (err)
        return err;
    *at = -1;
    for (size_t i = names.count; i-- > 0 && *at < 0;) { /* newest first */
        const char *dot = strchr(names.at[i], '.');
        if (!dot || strcmp(dot, ".snapshot") != 0)
            continue;
        int64_t offset = strtoll(names.at[i], NULL, 10);
        if (offset <= end && !producers_load(log->producers, log->o.io, log->dir, offset))
            *at = offset;
    }
    io_names_release(&names);
    return EVL_OK;
}

static enum evl_error replay_heads(struct log *log, struct scan *scan, int64_t from, int64_t end)
{
    struct batch batch;
    struct evl_bytes bytes;
    enum scan_found found;
    for (;;) {
        enum evl_error err = scan_next(scan, SCAN_HEADS, &batch, &bytes, &found);
        if (err || found != SCAN_BATCH || batch.base_offset >= end)
            return err; /* damage is for the readers to meet */
        if (batch.base_offset < from)
            continue;
        err = producers_note(log->producers, &batch, bytes);
        if (err)
            return err;
    }
}

static enum evl_error replay_segment(struct log *log, int64_t base, int64_t from, int64_t end)
{
    struct segment s;
    struct scan scan = { 0 };
    int64_t size;
    int64_t position;
    enum evl_error err = segment_open(log->o.io, log->dir, base, IO_READ, &s);
    if (err)
        return err;
    err = io_size(s.io, s.file, &size);
    if (!err)
        err = segment_find(&s, from, size, &position);
    if (!err) {
        scan_begin(&scan, s.io, s.file, position, size, SCAN_STEP_HEADS);
        err = replay_heads(log, &scan, from, end);
        scan_release(&scan);
    }
    segment_close(&s);
    return err;
}

/* Know what lies between the last time, or the newest snapshot, and `end`. */
static enum evl_error replay_from_there(struct log *log, int64_t end)
{
    enum evl_error err = EVL_OK;
    if (log->producers_end < 0 || log->producers_end > end) {
        producers_clear(log->producers);
        err = replay_snapshot(log, end, &log->producers_end);
    }
    int64_t from = log->producers_end < 0 ? 0 : log->producers_end;
    for (size_t i = log_segment_of(log, from); i < log->base_count && !err; i++)
        if (log->bases[i] < end)
            err = replay_segment(log, log->bases[i], from, end);
    log->producers_end = err ? -1 : end;
    return err;
}

enum evl_error replay_producers(struct log *log)
{
    int64_t end =
        log_is_live(log) && log->o.writable ? (int64_t)log_word(log, SHARE_WRITTEN) : log_end(log);
    if (log->producers && log->producers_end == end)
        return EVL_OK;
    if (!log->producers)
        log->producers = producers_create();
    enum evl_error err = replay_from_there(log, end);
    for (int i = 0; i < TRIES_MAX && err == EVL_ERR_NOT_FOUND; i++) {
        err = log_list(log); /* retention or compaction took a segment: list anew */
        if (!err)
            err = replay_from_there(log, end);
    }
    return err;
}

/* Whether ev.shm says that no transaction is open. */
static bool replay_is_settled(struct log *log)
{
    return log_is_live(log) && log_word(log, SHARE_SETTLED) >= log_word(log, SHARE_MARKED);
}

enum evl_error replay_stable_end(struct log *log, int64_t *end)
{
    int64_t readable = log_end(log);
    enum evl_error err = log_refresh(log);
    if (!err && replay_is_settled(log)) {
        *end = readable;
        return EVL_OK;
    }
    if (!err)
        err = replay_producers(log);
    if (err)
        return log_failed(log, err);
    int64_t open = producers_first_open(log->producers);
    if (open < 0 && log_is_live(log) && log->o.writable) /* the next one need not look */
        log_set(log, SHARE_SETTLED, (uint64_t)log->producers_end);
    *end = open >= 0 && open < readable ? open : readable;
    return EVL_OK;
}

/* ---- epochs -------------------------------------------------------------- */

static enum evl_error epochs_of_segment(struct log *log, int64_t base)
{
    struct segment s;
    struct scan scan = { 0 };
    struct batch batch;
    struct evl_bytes bytes;
    enum scan_found found = SCAN_BATCH;
    int64_t size;
    enum evl_error err = segment_open(log->o.io, log->dir, base, IO_READ, &s);
    if (err)
        return err;
    err = io_size(s.io, s.file, &size);
    if (!err)
        scan_begin(&scan, s.io, s.file, 0, size, SCAN_STEP_HEADS);
    while (!err && !(err = scan_next(&scan, SCAN_HEADS, &batch, &bytes, &found)) &&
           found == SCAN_BATCH)
        (void)epochs_note(&log->epochs, batch.leader_epoch, batch.base_offset);
    scan_release(&scan);
    segment_close(&s);
    return err;
}

enum evl_error replay_epochs(struct log *log)
{
    enum evl_error err = EVL_OK;
    epochs_release(&log->epochs);
    for (size_t i = 0; i < log->base_count && !err; i++)
        err = epochs_of_segment(log, log->bases[i]);
    return err;
}

/* ---- the recovery point -------------------------------------------------- */

/* Snapshots that are neither of a segment's begin nor the newest. */
static enum evl_error checkpoint_thin(struct log *log, int64_t newest)
{
    struct io_names names;
    char path[PATH_MAX];
    enum evl_error err = io_list(log->o.io, log->dir, &names);
    if (err)
        return err;
    for (size_t i = 0; i < names.count && !err; i++) {
        const char *dot = strchr(names.at[i], '.');
        int64_t at = strtoll(names.at[i], NULL, 10);
        if (!dot || strcmp(dot, ".snapshot") != 0 || at >= newest)
            continue;
        size_t segment = log_segment_of(log, at);
        if (segment < log->base_count && log->bases[segment] == at)
            continue;
        err = segment_path(log->dir, at, "snapshot", path);
        if (!err)
            err = io_remove(log->o.io, path);
    }
    io_names_release(&names);
    return err;
}

/* The indexes of a segment that will not be looked at by the next recovery. */
static enum evl_error checkpoint_indexes(struct log *log, int64_t base)
{
    struct segment s;
    enum evl_error err = segment_open(log->o.io, log->dir, base, IO_WRITE, &s);
    if (err)
        return err == EVL_ERR_NOT_FOUND ? EVL_OK : err;
    err = segment_sync_indexes(&s);
    segment_close(&s);
    return err;
}

/* Under the APPEND lock.  The recovery point is what was synced by now, never
 * more: a repair may cut what follows. */
static enum evl_error checkpoint_here(struct log *log, int64_t *point)
{
    int64_t before;
    enum evl_error err = checkpoint_get(log->o.io, log->o.root, CHECKPOINT_RECOVERY, log->o.topic,
                                        log->o.partition, &before);
    *point = (int64_t)log_word(log, SHARE_SYNCED);
    if (!err)
        err = replay_producers(log);
    for (size_t i = log_segment_of(log, before);
         !err && i < log->base_count && log->bases[i] <= *point; i++)
        err = checkpoint_indexes(log, log->bases[i]);
    if (!err)
        err = producers_store(log->producers, log->o.io, log->dir, log->producers_end);
    if (!err)
        err = checkpoint_thin(log, log->producers_end);
    if (!err)
        log_set(log, SHARE_SAVED, log_word(log, SHARE_BYTES));
    return err;
}

enum evl_error replay_checkpoint(struct log *log, bool always)
{
    struct share *share = log->o.share;
    int64_t point;
    uint64_t unsaved = log_word(log, SHARE_BYTES) - log_word(log, SHARE_SAVED);
    if (!always && unsaved < CHECKPOINT_EVERY)
        return EVL_OK;
    enum evl_error err = log_enter(log);
    if (err)
        return log_failed(log, err);
    err = checkpoint_here(log, &point);
    log_leave(log);
    if (err)
        return log_failed(log, err);
    err = share_lock_directory(share, SHARE_LOCK_CHECKPOINTS, io_now(log->o.io) + log->o.patience);
    if (err)
        return log_failed(log, err);
    /* Whoever removes or renames the topic voids the slot first, then takes this
       lock to drop or move the row: what we put now he finds. */
    if (log_is_live(log) && log_word(log, SHARE_GENERATION) == log->generation)
        err = checkpoint_put(log->o.io, log->o.root, CHECKPOINT_RECOVERY, log->o.topic,
                             log->o.partition, point);
    share_unlock_directory(share, SHARE_LOCK_CHECKPOINTS);
    return err ? log_failed(log, err) : EVL_OK;
}
