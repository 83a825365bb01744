/* recover.c - segments one after the other, until one of them ends the log. */
#include "log/recover.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/plant.h"
#include "log/checkpoint.h"
#include "log/compact.h"
#include "log/replay.h"
#include "log/tail.h"

/* ---- after a boot -------------------------------------------------------- */

/* Where in the last segment the walk begins: behind the batch that ends at the
 * recovery point, if that is found whole; else all of it is walked.  What is
 * found in its place is damage, and not for the index to hide. */
static enum evl_error boot_begin(struct segment *s, int64_t point, int64_t *from, int64_t *end)
{
    int64_t size;
    int64_t position = 0;
    struct scan scan = { 0 };
    struct batch batch;
    struct evl_bytes bytes;
    enum scan_found found;
    *from = 0;
    *end = s->base;
    if (point <= s->base)
        return EVL_OK;
    enum evl_error err = io_size(s->io, s->file, &size);
    if (!err)
        err = segment_find(s, point - 1, size, &position);
    if (err)
        return err;
    scan_begin(&scan, s->io, s->file, position, size, BATCH_HEAD);
    err = scan_next(&scan, SCAN_WHOLE, &batch, &bytes, &found);
    if (!err && found == SCAN_BATCH && batch.last_offset == point - 1) {
        *from = scan.at;
        *end = point;
    }
    scan_release(&scan);
    return err;
}

/* Entries of the index that point behind the walk's begin are made anew. */
static enum evl_error boot_index(struct segment *s, int64_t from, int64_t end)
{
    struct index_entry last;
    enum evl_error err = segment_indexes(s);
    if (!err)
        err = index_cut_values(&s->offsets, from);
    while (!err && s->times.count > 0) {
        err = index_get(&s->times, s->times.count - 1, &last);
        if (!err && s->base + last.value < end)
            break;
        if (!err)
            err = index_cut(&s->times, s->times.count - 1);
    }
    return err ? err : segment_resume(s, from, end);
}

/* Walk a segment from the recovery point on, or from its start, and make it
 * end where it is right.  A tail is no loss if the next segment, at `next`,
 * follows on what is right: it was cut off before, and came back. */
static enum evl_error boot_segment(struct log *log, int64_t point, int64_t next, bool *cut)
{
    struct segment *s = &log->active;
    struct tail tail;
    int64_t from;
    int64_t end;
    enum evl_error err = boot_begin(s, point, &from, &end);
    if (!err)
        err = boot_index(s, from, end);
    if (!err)
        err = tail_walk(log, s, from, end, true, &tail);
    if (err)
        return err;
    *cut = tail.found != SCAN_END && s->end != next;
    if (*cut && s->end < point && !planted(CUT_DAMAGE))
        return tail_is_damage(s, &tail);
    err = tail.found != SCAN_END ? tail_cut(log, s, &tail) : segment_cut_aborted(s, s->end);
    return err ? err : io_sync(log->o.io, s->file);
}

/* Segments behind the cut: they were written, and what comes before them was
 * not. */
static enum evl_error boot_retire(struct log *log, size_t keep)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    enum evl_error err = EVL_OK;
    for (size_t i = log->base_count; i-- > keep && !err;) {
        err = segment_path(log->dir, log->bases[i], "log", from);
        if (!err)
            err = segment_path(log->dir, log->bases[i], "cut", to);
        if (!err)
            err = io_rename(log->o.io, from, to);
    }
    log->base_count = keep;
    return err;
}

/* Whether the segment that begins at `base` does not follow on `end`, though no
 * cleaner was here. */
static enum evl_error boot_gap(struct log *log, int64_t end, int64_t base, bool *gap)
{
    int64_t cleaned = -1;
    *gap = false;
    if (base <= end)
        return EVL_OK;
    enum evl_error err = checkpoint_get(log->o.io, log->o.root, CHECKPOINT_CLEANER, log->o.topic,
                                        log->o.partition, &cleaned);
    *gap = cleaned < 0;
    return err;
}

/* Where the walk begins: with the segment of the last record before the
 * recovery point, whose tail may have come back. */
static size_t boot_first(const struct log *log, int64_t start, int64_t point)
{
    return log_segment_of(log, point - 1 > start ? point - 1 : start);
}

/* Where the following segment begins; -1 if there is none. */
static int64_t boot_next(const struct log *log, size_t i)
{
    return i + 1 < log->base_count ? log->bases[i + 1] : -1;
}

/* Walk what lies behind the recovery point, segment by segment; the last one
 * that is left is the active one.  Segments below the start are litter: some
 * may have come back, and others not. */
static enum evl_error boot_segments(struct log *log, int64_t start, int64_t point, bool *cut)
{
    size_t first = boot_first(log, start, point);
    enum evl_error err = EVL_OK;
    for (size_t i = first; i < log->base_count && !err; i++) {
        if (i > first && !*cut) {
            err = boot_gap(log, log->active.end, log->bases[i], cut);
            if (err)
                break;
        }
        if (*cut)
            return boot_retire(log, i);
        log_rest(log);
        err = segment_open(log->o.io, log->dir, log->bases[i], IO_WRITE, &log->active);
        if (!err)
            err = boot_segment(log, point, boot_next(log, i), cut);
    }
    return err;
}

/* Snapshots that speak of a future that did not happen. */
static enum evl_error boot_snapshots(struct log *log, int64_t end)
{
    struct io_names names;
    char path[PATH_MAX];
    enum evl_error err = io_list(log->o.io, log->dir, &names);
    if (err)
        return err;
    for (size_t i = 0; i < names.count && !err; i++) {
        const char *dot = strchr(names.at[i], '.');
        if (!dot || strcmp(dot, ".snapshot") != 0 || strtoll(names.at[i], NULL, 10) <= end)
            continue;
        err = segment_path(log->dir, strtoll(names.at[i], NULL, 10), "snapshot", path);
        if (!err)
            err = io_remove(log->o.io, path);
    }
    io_names_release(&names);
    return err;
}

static enum evl_error boot_epochs(struct log *log, int64_t end, bool cut)
{
    epochs_release(&log->epochs);
    enum evl_error err = epochs_load(log->o.io, log->dir, &log->epochs);
    bool damaged = err == EVL_ERR_CORRUPT;
    if (damaged)
        err = replay_epochs(log);
    if (err)
        return err;
    int32_t latest = epochs_latest(&log->epochs);
    bool changed = epochs_cut(&log->epochs, end) || damaged;
    if (latest > log->o.epoch)
        log->o.epoch = latest; /* an earlier cut raised it, and it never goes back: */
    if (cut)
        log->o.epoch++;
    if (cut || epochs_latest(&log->epochs) < latest) /* all that it had was cut off */
        changed = epochs_note(&log->epochs, log->o.epoch, end) || changed;
    log->has_epochs = true;
    return changed ? epochs_store(log->o.io, log->dir, &log->epochs) : EVL_OK;
}

/* The words of a log that is on the disk up to its end. */
static void boot_words(struct log *log, int64_t start, int64_t end)
{
    log_set(log, SHARE_START, (uint64_t)start);
    log_set(log, SHARE_BASE, (uint64_t)(log->base_count ? log->active.base : end));
    log_set(log, SHARE_BYTES, (uint64_t)(log->base_count ? log->active.bytes : 0));
    log_set(log, SHARE_SAVED, 0);
    log_set(log, SHARE_SHOWN, 0);
    log_set(log, SHARE_MARKED, (uint64_t)end);
    log_set(log, SHARE_SETTLED, 0);
    log_set(log, SHARE_WRITTEN, (uint64_t)end);
    log_set(log, SHARE_SYNCED, (uint64_t)end);
    log_set(log, SHARE_FAILED, 0);
    log_changed(log);
    log_set(log, SHARE_STATE, SHARE_LIVE);
}

static enum evl_error recover_points(struct log *log, int64_t *start, int64_t *point)
{
    enum evl_error err = checkpoint_get(log->o.io, log->o.root, CHECKPOINT_START, log->o.topic,
                                        log->o.partition, start);
    if (!err)
        err = checkpoint_get(log->o.io, log->o.root, CHECKPOINT_RECOVERY, log->o.topic,
                             log->o.partition, point);
    return err;
}

static enum evl_error boot_open(struct log *log, int64_t start, int64_t point, int64_t *end,
                                bool *cut)
{
    enum evl_error err = boot_segments(log, start, point, cut);
    if (err)
        return err;
    *end = log->active.end;
    if (*end < point && !planted(CUT_DAMAGE))
        return fail(EVL_ERR_CORRUPT,
                    "damaged: %020" PRId64 ".log ends with offset %" PRId64
                    ", and all before %" PRId64 " was on the disk once",
                    log->active.base, *end - 1, point);
    return EVL_OK;
}

enum evl_error recover_boot(struct log *log)
{
    int64_t start = -1;
    int64_t point = -1;
    bool cut = false;
    log_rest(log);
    enum evl_error err = log_check_folder(log);
    if (!err)
        err = recover_points(log, &start, &point);
    if (!err)
        err = compact_finish(log);
    if (!err)
        err = log_list(log);
    if (err)
        return err;
    int64_t first = log->base_count ? log->bases[0] : 0;
    int64_t end = start > first ? start : first;
    if (log->base_count > 0)
        err = boot_open(log, start, point, &end, &cut);
    else if (point > end)
        err = fail(EVL_ERR_CORRUPT,
                   "damaged: no segment is left, and there were %" PRId64 " records", point);
    if (!err && start > end) /* deleting records moves it to what is on the disk, never beyond */
        err = fail(EVL_ERR_CORRUPT,
                   "damaged: it ends with offset %" PRId64 ", and its start was %" PRId64, end - 1,
                   start);
    if (!err)
        err = boot_snapshots(log, end);
    if (!err)
        err = boot_epochs(log, end, cut);
    if (!err && log->base_count > 0) /* names that were not synced by whoever came before */
        err = io_sync_dir(log->o.io, log->dir);
    if (!err)
        boot_words(log, start > first ? start : first, end);
    return err;
}

/* ---- after a death ------------------------------------------------------- */

/* Walk from what readers may have seen to the end of the newest segment. */
static enum evl_error mend_segment(struct log *log, int64_t known)
{
    struct segment *s = &log->active;
    struct tail tail;
    int64_t size;
    int64_t from = 0;
    enum evl_error err = io_size(s->io, s->file, &size);
    if (!err && known > s->base)
        err = segment_find(s, known, size, &from);
    if (!err)
        err = boot_index(s, from, from > 0 ? known : s->base);
    if (!err)
        err = tail_walk(log, s, from, from > 0 ? known : s->base, true, &tail);
    if (err)
        return err;
    if (tail.found == SCAN_END)
        return segment_cut_aborted(s, s->end);
    if (tail.found == SCAN_BAD && !planted(CUT_DAMAGE))
        return tail_is_damage(s, &tail);
    return segment_cut(s, tail.position, s->end); /* half of what a dead writer wrote */
}

enum evl_error recover_mend(struct log *log)
{
    int64_t known = log_end(log);
    log_rest(log);
    if (log->producers)
        log->producers_end = -1;
    enum evl_error err = compact_finish(log);
    if (!err)
        err = log_list(log);
    if (err || log->base_count == 0)
        return err;
    int64_t last = log->bases[log->base_count - 1];
    err = segment_open(log->o.io, log->dir, last, IO_WRITE, &log->active);
    if (!err)
        err = mend_segment(log, known);
    if (err)
        return err;
    if (log->active.end < known)
        return fail(EVL_ERR_CORRUPT,
                    "damaged: %020" PRId64 ".log ends with offset %" PRId64
                    ", and readers saw %" PRId64,
                    last, log->active.end - 1, known - 1);
    log_set(log, SHARE_BYTES, (uint64_t)log->active.bytes);
    log_set(log, SHARE_BASE, (uint64_t)last);
    log_set(log, SHARE_MARKED, (uint64_t)log->active.end);
    log_set(log, SHARE_WRITTEN, (uint64_t)log->active.end);
    log_changed(log);
    return EVL_OK;
}

/* ---- without leave to write ---------------------------------------------- */

/* Walk one segment; *more says whether the next one may be looked at. */
static enum evl_error survey_segment(struct log *log, size_t i, int64_t point, int64_t *end,
                                     bool *more)
{
    struct segment s;
    struct tail tail;
    int64_t from;
    int64_t begin;
    enum evl_error err = segment_open(log->o.io, log->dir, log->bases[i], IO_READ, &s);
    if (err)
        return err;
    err = io_sync(log->o.io, s.file); /* what we see now is on the disk then */
    if (!err)
        err = boot_begin(&s, point, &from, &begin);
    if (!err)
        err = tail_walk(log, &s, from, begin, false, &tail);
    if (!err) {
        *end = s.end;
        *more = tail.found == SCAN_END || s.end == boot_next(log, i);
    }
    segment_close(&s);
    return err;
}

static enum evl_error survey_segments(struct log *log, int64_t start, int64_t point, int64_t *end)
{
    size_t first = boot_first(log, start, point);
    enum evl_error err = EVL_OK;
    bool more = true;
    for (size_t i = first; i < log->base_count && more && !err; i++) {
        bool gap = false;
        if (i > first && log->o.config) /* of a foreign directory we do not know */
            err = boot_gap(log, *end, log->bases[i], &gap);
        if (!err && gap)
            break;
        if (!err)
            err = survey_segment(log, i, point, end, &more);
    }
    return err;
}

enum evl_error recover_survey(struct log *log)
{
    int64_t start = -1;
    int64_t point = -1;
    int64_t watermark = -1;
    enum evl_error err = recover_points(log, &start, &point);
    if (!err)
        err = checkpoint_get(log->o.io, log->o.root, CHECKPOINT_WATERMARK, log->o.topic,
                             log->o.partition, &watermark);
    int64_t first = log->base_count ? log->bases[0] : 0;
    int64_t end = start > first ? start : first;
    if (!err && log->base_count > 0)
        err = survey_segments(log, start, point, &end);
    if (err)
        return err;
    log->start = start > first ? start : first;
    log->end = watermark >= 0 && watermark < end ? watermark : end;
    if (log->end < log->start)
        log->end = log->start;
    log->hidden = end - log->end;
    return EVL_OK;
}

/* ---- after a failed sync ------------------------------------------------- */

/* Make the log end where it was synced; segments behind that go. */
static enum evl_error repair_cut(struct log *log, int64_t end)
{
    char path[PATH_MAX];
    enum evl_error err = log_list(log);
    while (!err && log->base_count > 0 && log->bases[log->base_count - 1] > end) {
        err = segment_path(log->dir, log->bases[--log->base_count], "log", path);
        if (!err)
            err = io_remove(log->o.io, path);
    }
    if (err || log->base_count == 0)
        return err;
    struct segment *s = &log->active;
    err = segment_open(log->o.io, log->dir, log->bases[log->base_count - 1], IO_WRITE, s);
    if (err)
        return err;
    int64_t size;
    int64_t position = 0;
    err = io_size(s->io, s->file, &size);
    if (!err)
        err = segment_find(s, end, size, &position);
    if (!err)
        err = segment_cut(s, position, end);
    if (!err)
        err = io_sync(s->io, s->file);
    return err ? err : io_sync_dir(log->o.io, log->dir);
}

static enum evl_error repair_locked(struct log *log)
{
    int64_t end = (int64_t)log_word(log, SHARE_SYNCED);
    log_rest(log);
    enum evl_error err = repair_cut(log, end);
    if (!err)
        err = boot_snapshots(log, end);
    if (err)
        return err;
    err = boot_epochs(log, end, true);
    if (err)
        return err;
    log_set(log, SHARE_CUTS, log_word(log, SHARE_CUTS) + 1);
    boot_words(log, (int64_t)log_word(log, SHARE_START), end);
    if (log->producers)
        log->producers_end = -1;
    return EVL_OK;
}

static enum evl_error repair_synced(struct log *log)
{
    bool dirty;
    enum evl_error err = share_lock(log->o.share, &log->slot, SHARE_SYNC,
                                    io_now(log->o.io) + log->o.patience, &dirty);
    if (err)
        return err;
    err = repair_locked(log);
    share_unlock(log->o.share, &log->slot, SHARE_SYNC);
    return err;
}

enum evl_error recover_repair(struct log *log)
{
    bool died;
    enum evl_error err = share_lock(log->o.share, &log->slot, SHARE_APPEND,
                                    io_now(log->o.io) + log->o.patience, &died);
    if (err)
        return log_failed(log, err);
    if (log_is_failed(log))
        err = repair_synced(log);
    else if (died) /* we were told of it, and nobody will be again */
        err = recover_mend(log);
    share_leave(log->o.share, &log->slot, SHARE_APPEND, died && err);
    share_tell(log->o.share);
    return err ? log_failed(log, err) : EVL_OK;
}
