/* compact.c - choose, map, clean, swap, and again. */
#include "log/compact.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/fault.h"
#include "log/checkpoint.h"
#include "log/clean.h"
#include "log/litter.h"
#include "log/replay.h"
#include "log/swap.h"
#include "log/times.h"

/* What one run works on. */
struct run {
    struct log *log;
    const struct compact_options *o;
    struct compact_result *result;
    struct keymap *map;
    int64_t clean;   /* clean before, */
    int64_t end;     /* and to be clean before; the base of a segment */
    int64_t map_end; /* how far the map reached */
    int64_t row;     /* of the checkpoint file; -1: none yet */
};

/* ---- leftovers ----------------------------------------------------------- */

enum evl_error compact_finish(struct log *log)
{
    bool dirty;
    int kinds = LITTER_DELETED | LITTER_WRITER;
    enum evl_error err = swap_finish(log);
    if (err)
        return err;
    if (log->cleaning || share_lock(log->o.share, &log->slot, SHARE_CLEAN, 0, &dirty))
        return litter_sweep(log, kinds); /* the cleaner lives: his files are his */
    err = litter_sweep(log, kinds | LITTER_CLEANED | LITTER_SWAP);
    share_unlock(log->o.share, &log->slot, SHARE_CLEAN);
    return err;
}

/* ---- what can be cleaned ------------------------------------------------- */

static bool lag_is_over(const struct run *r, int64_t since_ms)
{
    int64_t lag = r->log->o.config->max_compaction_lag_ms;
    return lag < CONFIG_MAX && since_ms >= 0 && since_ms < r->o->now_ms - lag;
}

/* Under the APPEND lock: nothing is left of others, and what ought to be cleaned
 * is in sealed segments. */
static enum evl_error run_tidy(struct run *r)
{
    struct log *log = r->log;
    enum evl_error err = swap_finish(log);
    if (!err)
        err = litter_sweep(log, LITTER_DELETED | LITTER_CLEANED | LITTER_SWAP | LITTER_WRITER);
    bool roll = r->o->force || lag_is_over(r, log->active.first_timestamp);
    if (!err && roll && log->active.file >= 0 && log->active.bytes > 0)
        err = log_roll(log);
    return err ? err : replay_producers(log);
}

static enum evl_error run_prepare(struct run *r)
{
    struct log_promise promise;
    struct log *log = r->log;
    if (r->o->dry) {
        enum evl_error looked = log_refresh(log);
        return looked ? looked : replay_producers(log);
    }
    enum evl_error err = log_enter(log);
    if (err)
        return err;
    err = run_tidy(r);
    promise =
        (struct log_promise){ (int64_t)log_word(log, SHARE_WRITTEN), log_word(log, SHARE_CUTS) };
    log_leave(log);
    return err ? err : log_sync(log, &promise);
}

static enum evl_error source_bytes(struct log *log, size_t i, int64_t *bytes)
{
    char path[PATH_MAX];
    struct io_stat stat;
    enum evl_error err = segment_path(log->dir, log->bases[i], "log", path);
    if (!err)
        err = io_stat(log->o.io, path, &stat);
    if (!err)
        *bytes = stat.size;
    return err;
}

/* The newest timestamp of a sealed segment, or that of its first batch. */
static enum evl_error source_time(struct log *log, size_t i, bool first, int64_t *ms)
{
    struct segment s;
    struct scan scan = { 0 };
    struct batch batch;
    struct evl_bytes bytes;
    enum scan_found found;
    int64_t size;
    enum evl_error err = segment_open(log->o.io, log->dir, log->bases[i], IO_READ, &s);
    if (err)
        return err;
    *ms = EVL_NO_TIMESTAMP;
    if (first) {
        err = io_size(s.io, s.file, &size);
        scan_begin(&scan, s.io, s.file, 0, err ? 0 : size, BATCH_HEAD);
        if (!err)
            err = scan_next(&scan, SCAN_HEADS, &batch, &bytes, &found);
        if (!err && found == SCAN_BATCH)
            *ms = batch.max_timestamp;
        scan_release(&scan);
    } else {
        err = segment_newest(&s, ms);
    }
    segment_close(&s);
    return err;
}

/* Records stay as they are for min.compaction.lag.ms. */
static enum evl_error range_rest(struct run *r)
{
    struct log *log = r->log;
    int64_t lag = log->o.config->min_compaction_lag_ms;
    enum evl_error err = EVL_OK;
    for (size_t i = log_segment_of(log, r->clean); lag > 0 && i + 1 < log->base_count; i++) {
        int64_t newest;
        if (log->bases[i] >= r->end)
            break;
        err = source_time(log, i, false, &newest);
        if (!err && newest > r->o->now_ms - lag && log->bases[i] < r->end)
            r->end = log->bases[i];
        if (err)
            break;
    }
    return err;
}

/* From where to where: r->clean, r->end. */
static enum evl_error run_range(struct run *r)
{
    struct log *log = r->log;
    int64_t open = producers_first_open(log->producers);
    int64_t decided = log_end(log);
    enum evl_error err = checkpoint_get(log->o.io, log->o.root, CHECKPOINT_CLEANER, log->o.topic,
                                        log->o.partition, &r->row);
    if (err || log->base_count == 0)
        return err;
    if (open >= 0 && open < decided)
        decided = open;
    r->end = log->bases[log_segment_of(log, decided)];
    r->clean = r->row;
    if (r->clean < log->bases[0] || r->clean > log->bases[log->base_count - 1])
        r->clean = log->bases[0]; /* never cleaned, or a row of another log */
    return range_rest(r);
}

/* Whether it is worth the work: a part that is large enough, or old enough. */
static enum evl_error run_is_due(struct run *r, bool *due)
{
    struct log *log = r->log;
    int64_t dirty = 0;
    int64_t all = 0;
    int64_t since;
    *due = r->o->force && log->base_count > 0 && r->end > log->bases[0];
    if (*due || r->end <= r->clean)
        return EVL_OK;
    enum evl_error err = source_time(log, log_segment_of(log, r->clean), true, &since);
    for (size_t i = 0; !err && i < log->base_count && log->bases[i] < r->end; i++) {
        int64_t bytes;
        err = source_bytes(log, i, &bytes);
        all += err ? 0 : bytes;
        dirty += err || log->bases[i] < r->clean ? 0 : bytes;
    }
    if (!err)
        *due =
            lag_is_over(r, since) ||
            (dirty > 0 && (double)dirty >= log->o.config->min_cleanable_dirty_ratio * (double)all);
    return err;
}

/* ---- the map ------------------------------------------------------------- */

/* Map the records of a batch; *full if there was no room for one of them. */
static enum evl_error map_batch(struct run *r, struct batch_reader *reader, struct evl_bytes bytes,
                                bool *full)
{
    struct evl_record record;
    bool more = false;
    enum evl_error err = batch_open(reader, bytes, CLEAN_PLAIN_MAX);
    while (!err && !*full && !(err = batch_next(reader, &record, &more)) && more) {
        if (record.offset < r->clean || !record.key.at)
            continue;
        *full = !keymap_put(r->map, record.key, record.offset);
        if (*full)
            r->map_end = record.offset;
    }
    return err;
}

static enum evl_error map_walk(struct run *r, struct clean *c, int file, int64_t size, bool *full)
{
    struct batch batch;
    struct evl_bytes bytes;
    enum scan_found found;
    scan_begin(&c->scan, r->log->o.io, file, 0, size, SCAN_STEP_WHOLE);
    while (!*full) {
        bool worthless;
        enum evl_error err = scan_next(&c->scan, SCAN_WHOLE, &batch, &bytes, &found);
        if (!err && found != SCAN_BATCH) /* damage is told when it is to be cleaned */
            break;
        if (!err)
            err = outcome_see(&c->outcome, &batch, bytes, &worthless);
        if (!err && !worthless && !(batch.attributes & BATCH_CONTROL) &&
            batch.last_offset >= r->clean)
            err = map_batch(r, &c->reader, bytes, full);
        if (err)
            return err;
    }
    return EVL_OK;
}

/* Have the map, of what is dirty. */
static enum evl_error run_map(struct run *r)
{
    struct log *log = r->log;
    struct clean walk = { .log = log };
    bool full = false;
    keymap_clear(r->map);
    r->map_end = r->end;
    enum evl_error err = outcome_load(&walk.outcome, log, r->end);
    for (size_t i = log_segment_of(log, r->clean); !err && !full && i < log->base_count; i++) {
        struct segment s;
        int64_t size;
        if (log->bases[i] >= r->end)
            break;
        err = segment_open(log->o.io, log->dir, log->bases[i], IO_READ, &s);
        if (err)
            break;
        err = io_size(s.io, s.file, &size);
        if (!err)
            err = map_walk(r, &walk, s.file, size, &full);
        segment_close(&s);
    }
    clean_release(&walk);
    return err;
}

/* ---- cleaning ------------------------------------------------------------ */

static enum evl_error run_mark(struct run *r, int64_t offset)
{
    struct log *log = r->log;
    if (r->o->dry || r->row == offset)
        return EVL_OK;
    enum evl_error err = share_lock_directory(log->o.share, SHARE_LOCK_CHECKPOINTS,
                                              io_now(log->o.io) + log->o.patience);
    if (err)
        return err;
    err = checkpoint_put(log->o.io, log->o.root, CHECKPOINT_CLEANER, log->o.topic, log->o.partition,
                         offset);
    share_unlock_directory(log->o.share, SHARE_LOCK_CHECKPOINTS);
    if (!err)
        r->row = offset;
    return err;
}

/* How many segments from `from` on become one: as they are, they fit into one. */
static enum evl_error group_choose(const struct run *r, size_t from, size_t *to, int64_t *bytes)
{
    struct log *log = r->log;
    int64_t sum = 0;
    for (*to = from; *to + 1 < log->base_count && log->bases[*to] < r->end; ++*to) {
        int64_t more;
        enum evl_error err = source_bytes(log, *to, &more);
        if (err)
            return err;
        bool fits = sum + more <= log->o.config->segment_bytes &&
                    log->bases[*to + 1] - log->bases[from] <= INT32_MAX;
        if (*to > from && !fits)
            break;
        sum += more;
    }
    *bytes = sum;
    return EVL_OK;
}

/* Whether all the segments [base, end) that we know are still there. */
static bool group_is_there(const struct log *log, const int64_t *bases, size_t count)
{
    size_t first = log_segment_of(log, bases[0]);
    if (first + count > log->base_count)
        return false;
    return memcmp(log->bases + first, bases, count * sizeof *bases) == 0;
}

/* Put a cleaned segment in the place of `count` others.  Retention may have
 * taken some of these by now: then there is nothing to put it for. */
static enum evl_error group_swap(struct run *r, const struct swap *swap, const int64_t *bases,
                                 size_t count)
{
    struct log *log = r->log;
    enum evl_error err = swap_prepare(log, swap);
    if (!err)
        err = log_enter(log);
    if (err)
        return err;
    if (group_is_there(log, bases, count)) {
        err = swap_commit(log, swap);
        log_changed(log);
        if (!err)
            err = log_list(log);
    } else {
        (void)litter_sweep(log, LITTER_SWAP); /* at the latest, the next run does it */
        err = fail(EVL_ERR_BUSY, "segments were deleted while they were compacted; try again");
    }
    log_leave(log);
    enum evl_error worse = litter_sweep(log, LITTER_DELETED);
    return err ? err : worse;
}

/* A cleaned segment that is what it was made from is not needed. */
static enum evl_error group_drop(struct run *r)
{
    return r->o->dry ? EVL_OK : litter_sweep(r->log, LITTER_CLEANED);
}

/* Clean the segments [from, to), and put what became of them in their place;
 * the list has one entry for them then. */
static enum evl_error run_group(struct run *r, struct clean *c, size_t from, size_t to)
{
    struct cleaned cleaned;
    struct log *log = r->log;
    struct swap swap = { log->bases[from], log->bases[to], false };
    struct evl_buffer bases = { 0 };
    enum evl_error err = clean_group(c, from, to, &cleaned);
    if (err)
        return err;
    r->result->segments_before += (int32_t)(to - from);
    r->result->segments_after++;
    r->result->bytes_after += cleaned.bytes;
    if (r->o->dry || !cleaned.changed)
        return group_drop(r);
    swap.aborted = cleaned.aborted;
    buf_add(&bases, log->bases + from, (to - from) * sizeof *log->bases);
    err = run_mark(r, r->row >= 0 ? r->row : r->clean);
    if (!err)
        err = group_swap(r, &swap, (const int64_t *)(const void *)bases.at, to - from);
    buf_release(&bases);
    return err;
}

static enum evl_error run_clean(struct run *r)
{
    struct log *log = r->log;
    struct clean c = {
        .log = log, .map = r->map, .map_end = r->map_end, .now_ms = r->o->now_ms, .dry = r->o->dry
    };
    int64_t next = log->bases[0];
    enum evl_error err = outcome_load(&c.outcome, log, r->end);
    while (!err && next < r->map_end) {
        int64_t bytes = 0;
        size_t from = log_segment_of(log, next);
        size_t to;
        err = group_choose(r, from, &to, &bytes);
        if (err || to == from) /* a repair has cut the log by now */
            break;
        next = log->bases[to];
        r->result->bytes_before += bytes;
        err = run_group(r, &c, from, to);
    }
    r->result->records_before += c.records_before;
    r->result->records_after += c.records_after;
    clean_release(&c);
    return err;
}

/* The segments are others now: find by time among these. */
static enum evl_error run_times(struct run *r)
{
    enum evl_error err = r->o->dry ? EVL_OK : log_enter(r->log);
    if (err || r->o->dry)
        return err;
    err = times_renew(r->log);
    log_leave(r->log);
    return err;
}

/* ---- running ------------------------------------------------------------- */

/* One turn: as far as the map reaches. */
static enum evl_error run_turn(struct run *r, bool *again)
{
    bool due = false;
    *again = false;
    r->row = r->clean = -1;
    r->end = 0;
    enum evl_error err = run_prepare(r);
    if (!err)
        err = run_range(r);
    r->result->clean = r->row;
    if (!err)
        err = run_is_due(r, &due);
    if (err || !due)
        return err;
    *r->result = (struct compact_result){ .clean = r->row };
    err = run_map(r);
    if (!err)
        err = run_clean(r);
    if (!err)
        err = run_mark(r, r->map_end);
    if (!err)
        err = run_times(r);
    r->result->clean = r->row;
    *again = !err && !r->o->dry && r->map_end < r->end;
    return err;
}

static enum evl_error run_locked(struct run *r)
{
    bool again = true;
    enum evl_error err = EVL_OK;
    r->log->cleaning = true;
    while (!err && again)
        err = run_turn(r, &again);
    r->log->cleaning = false;
    if (err) { /* the disk may be full of it */
        struct fault told;
        fault_keep(&told);
        (void)litter_sweep(r->log, LITTER_CLEANED);
        return fault_again(err, &told);
    }
    return EVL_OK;
}

static enum evl_error run_lock(struct run *r)
{
    bool dirty;
    struct log *log = r->log;
    if (!log->o.share || !log->o.writable)
        return fail(EVL_ERR_DENIED, "it can be read, not changed");
    int64_t until = r->o->hasty ? 0 : io_now(log->o.io) + log->o.patience;
    enum evl_error err = share_lock(log->o.share, &log->slot, SHARE_CLEAN, until, &dirty);
    if (err)
        return err == EVL_ERR_BUSY ? fail(err, "another process compacts it") : err;
    err = run_locked(r);
    if (log_has_slot(log))
        share_unlock(log->o.share, &log->slot, SHARE_CLEAN);
    return err;
}

enum evl_error compact_run(struct log *log, const struct compact_options *options,
                           struct compact_result *result)
{
    struct compact_result done = { .clean = -1 };
    struct run r = { .log = log, .o = options, .result = &done };
    bool again;
    if (!log->o.config || !(log->o.config->cleanup_policy & CLEANUP_COMPACT))
        return log_failed(log, fail(EVL_ERR_CONFIG, "its cleanup.policy does not have compact"));
    r.map = keymap_create(log->o.io, options->map_max ? options->map_max : COMPACT_MAP_BYTES);
    enum evl_error err = options->dry ? run_turn(&r, &again) : run_lock(&r);
    keymap_destroy(r.map);
    if (err)
        return log_failed(log, err);
    *result = done;
    return EVL_OK;
}
