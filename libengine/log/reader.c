/* reader.c - scan a segment, go on with the next one. */
#include "log/reader.h"

#include <inttypes.h>

#include "base/fault.h"
#include "log/checkpoint.h"
#include "log/times.h"

enum {
    TRIES_MAX = 16,            /* files that vanish under our eyes, one after the other */
    BATCH_PLAIN_MAX = 1 << 30, /* bytes that a batch may unpack to */
};

void reader_rest(struct reader *r)
{
    if (r->is_open)
        segment_close(&r->segment);
    r->is_open = false;
}

void reader_begin(struct reader *r, struct log *log, int64_t offset)
{
    reader_rest(r);
    r->log = log;
    r->next = offset;
    if (r->step == 0)
        r->step = SCAN_STEP_WHOLE;
}

void reader_release(struct reader *r)
{
    reader_rest(r);
    scan_release(&r->scan);
    *r = (struct reader){ 0 };
}

/* ---- which segment ------------------------------------------------------- */

static enum evl_error reader_range(const struct reader *r)
{
    return fail(EVL_ERR_RANGE,
                "offset %" PRId64 " is gone: the log starts at %" PRId64 "; read from `start`",
                r->next, log_start(r->log));
}

/* Look into a segment from the wanted offset on. */
static enum evl_error reader_enter(struct reader *r, int64_t base)
{
    int64_t size;
    int64_t position;
    struct log *log = r->log;
    enum evl_error err = segment_open(log->o.io, log->dir, base, IO_READ, &r->segment);
    if (err)
        return err;
    r->is_open = true;
    r->generation = log->generation;
    if (log_has_slot(log) && log_word(log, SHARE_GENERATION) != r->generation) {
        reader_rest(r); /* the file may be that of a topic that has the name now */
        return fail(EVL_ERR_NOT_FOUND, "its segments have changed");
    }
    err = io_size(log->o.io, r->segment.file, &size);
    if (!err)
        err = segment_find(&r->segment, r->next, size, &position);
    segment_rest(&r->segment); /* many readers may be open at once */
    if (!err)
        scan_begin(&r->scan, log->o.io, r->segment.file, position, size, r->step);
    return err;
}

/* Open the segment that has the wanted offset; is_open stays false if there is
 * none at all. */
static enum evl_error reader_open(struct reader *r)
{
    struct log *log = r->log;
    for (int i = 0; i < TRIES_MAX; i++) {
        enum evl_error err = log_refresh(log);
        if (err)
            return err;
        if (r->next < log_start(log))
            return reader_range(r);
        if (log->base_count == 0)
            return EVL_OK;
        err = reader_enter(r, log->bases[log_segment_of(log, r->next)]);
        if (err != EVL_ERR_NOT_FOUND)
            return err;
        err = log_list(log);
        if (err)
            return err;
    }
    return fail(EVL_ERR_IO, "its segments are deleted faster than they can be read");
}

/* The base of the segment behind the open one; -1 if that is the last. */
static int64_t reader_following(const struct reader *r)
{
    const struct log *log = r->log;
    size_t i = log_segment_of(log, r->segment.base);
    if (log->base_count > 0 && log->bases[i] > r->segment.base)
        return log->bases[i];
    return i + 1 < log->base_count ? log->bases[i + 1] : -1;
}

/* ---- gaps ---------------------------------------------------------------- */

/* Offsets are missing on the disk.  Compaction leaves gaps; nothing else does. */
static enum evl_error reader_gap(const struct reader *r, int64_t found)
{
    const struct log *log = r->log;
    int64_t cleaned = -1;
    if (!log->o.config || log->o.config->cleanup_policy & CLEANUP_COMPACT)
        return EVL_OK;
    enum evl_error err = checkpoint_get(log->o.io, log->o.root, CHECKPOINT_CLEANER, log->o.topic,
                                        log->o.partition, &cleaned);
    if (err || cleaned >= 0)
        return err;
    return fail(EVL_ERR_CORRUPT,
                "damaged: %020" PRId64 ".log: offsets %" PRId64 " to %" PRId64 " are missing",
                r->segment.base, r->next, found - 1);
}

/* ---- batch by batch ------------------------------------------------------ */

static enum evl_error reader_damage(const struct reader *r, enum scan_found found)
{
    if (log_is_failed(r->log) || log_end(r->log) <= r->next)
        return fail(EVL_ERR_IO,
                    "offset %" PRId64 " was shown before it was synced (flush=os), and is gone: a "
                    "write or a sync failed",
                    r->next);
    if (found == SCAN_PARTIAL)
        (void)fail(EVL_ERR_CORRUPT, "the file ends inside a batch");
    if (found == SCAN_END)
        (void)fail(EVL_ERR_CORRUPT, "the file ends too early");
    return failed(EVL_ERR_CORRUPT, "damaged: %020" PRId64 ".log, byte %" PRId64 ", offset %" PRId64,
                  r->segment.base, r->scan.at, r->next);
}

/* The scan has come to something that is no batch.  Say in *again whether it is
 * worth to look once more: the file has grown, another segment follows, or the
 * files are others now. */
static enum evl_error reader_stuck(struct reader *r, enum scan_found found, int64_t limit,
                                   bool *again)
{
    struct log *log = r->log;
    int64_t size;
    *again = false;
    if (r->next >= limit)
        return EVL_OK; /* what is there nobody has promised yet */
    enum evl_error err = io_size(log->o.io, r->segment.file, &size);
    if (err)
        return err;
    if (size > r->scan.end) {
        scan_begin(&r->scan, log->o.io, r->segment.file, r->scan.at, size, r->step);
        *again = true;
        return EVL_OK;
    }
    struct fault why;
    fault_keep(&why);
    err = log_refresh(log);
    if (err)
        return err;
    int64_t following = reader_following(r);
    bool same = log->generation == r->generation;
    if (!same || (found == SCAN_END && following >= 0)) {
        /* In a new list another file may have what follows (swap.h). */
        bool gap = same && following > r->next;
        if (gap)
            err = reader_gap(r, following);
        if (gap && !err)
            r->next = following;
        reader_rest(r);
        *again = !err;
        return err;
    }
    (void)fault_again(EVL_ERR_CORRUPT, &why);
    return reader_damage(r, found);
}

/* A batch was found: whether it is one that is wanted. */
static enum evl_error reader_take(struct reader *r, int64_t limit, const struct batch *batch,
                                  bool *wanted, bool *got)
{
    *wanted = true;
    *got = false;
    if (batch->last_offset < r->next) {
        *wanted = false;
        return EVL_OK;
    }
    bool begins = batch->count >= 0; /* of a wrapper of old messages only the end is known */
    if (begins && batch->base_offset > r->next) { /* its checksum does not cover the offset */
        enum evl_error err = reader_gap(r, batch->base_offset);
        if (err)
            return err;
    }
    if (begins && batch->base_offset >= limit) {
        scan_back(&r->scan, batch);
        return EVL_OK;
    }
    r->next = batch->last_offset + 1;
    *got = true;
    return EVL_OK;
}

static enum evl_error reader_step(struct reader *r, int64_t limit, struct batch *batch,
                                  struct evl_bytes *bytes, bool *again, bool *got)
{
    enum scan_found found;
    enum evl_error err = EVL_OK;
    *again = false;
    if (!r->is_open)
        err = reader_open(r);
    if (err || !r->is_open)
        return err;
    err = scan_next(&r->scan, SCAN_WHOLE, batch, bytes, &found);
    if (err)
        return err;
    if (found == SCAN_BATCH && batch->base_offset < r->segment.base) {
        scan_back(&r->scan, batch);
        (void)fail(EVL_ERR_CORRUPT, "offset %" PRId64 " is not of this segment",
                   batch->base_offset);
        return reader_damage(r, SCAN_BAD);
    }
    if (found != SCAN_BATCH)
        return reader_stuck(r, found, limit, again);
    bool wanted;
    err = reader_take(r, limit, batch, &wanted, got);
    *again = !err && !wanted;
    return err;
}

/* The files are others now, or more: look at those.  Who reads what was deleted
 * under his eyes may read it to its end. */
static void reader_look_up(struct reader *r)
{
    struct log *log = r->log;
    if (r->is_open && log_is_live(log) && log_word(log, SHARE_GENERATION) != r->generation &&
        r->next >= log_start(log))
        reader_rest(r);
}

enum evl_error reader_next(struct reader *r, int64_t limit, struct batch *batch,
                           struct evl_bytes *bytes, bool *got)
{
    bool again = true;
    enum evl_error err = EVL_OK;
    *got = false;
    if (r->next >= limit)
        return EVL_OK;
    reader_look_up(r);
    while (!err && again)
        err = reader_step(r, limit, batch, bytes, &again, got);
    return err ? log_failed(r->log, err) : EVL_OK;
}

/* ---- by time ------------------------------------------------------------- */

/* The first segment that may have a record of `ms` or later: the active one is
 * always worth a look.  Without a file that says it, one segment after the
 * other is asked. */
static enum evl_error time_segment(struct log *log, int64_t ms, size_t *segment)
{
    bool known;
    enum evl_error looked = times_find(log, ms, segment, &known);
    if (looked || known)
        return looked;
    for (*segment = 0; *segment + 1 < log->base_count; ++*segment) {
        struct segment s;
        int64_t newest;
        enum evl_error err = segment_open(log->o.io, log->dir, log->bases[*segment], IO_READ, &s);
        if (err == EVL_ERR_NOT_FOUND)
            continue;
        if (err)
            return err;
        err = segment_newest(&s, &newest);
        segment_close(&s);
        if (err)
            return err;
        if (newest >= ms || newest == EVL_NO_TIMESTAMP)
            return EVL_OK;
    }
    return EVL_OK;
}

/* The first record of a batch with a timestamp of `ms` or later. */
static enum evl_error time_in_batch(struct evl_bytes bytes, int64_t ms, int64_t from,
                                    int64_t *offset, bool *found)
{
    struct batch_reader reader = { 0 };
    struct evl_record record;
    bool more = false;
    *found = false;
    enum evl_error err = batch_open(&reader, bytes, BATCH_PLAIN_MAX);
    while (!err && !*found && !(err = batch_next(&reader, &record, &more)) && more)
        if (record.timestamp >= ms && record.offset >= from) {
            *offset = record.offset;
            *found = true;
        }
    batch_reader_release(&reader);
    return err;
}

static enum evl_error time_position(struct log *log, int64_t ms, int64_t *from)
{
    size_t i;
    struct segment s;
    int64_t size;
    int64_t position;
    struct batch batch;
    struct evl_bytes bytes;
    enum scan_found found;
    struct scan scan = { 0 };
    enum evl_error err = time_segment(log, ms, &i);
    if (!err)
        err = segment_open(log->o.io, log->dir, log->bases[i], IO_READ, &s);
    if (err)
        return err;
    *from = log->bases[i];
    err = io_size(s.io, s.file, &size);
    if (!err)
        err = segment_find_time(&s, ms, size, &position);
    if (!err && position > 0) {
        scan_begin(&scan, s.io, s.file, position, size, BATCH_HEAD);
        err = scan_next(&scan, SCAN_HEADS, &batch, &bytes, &found);
        if (!err && found == SCAN_BATCH)
            *from = batch.base_offset;
        scan_release(&scan);
    }
    segment_close(&s);
    return err;
}

enum evl_error reader_find_time(struct log *log, int64_t ms, int64_t limit, int64_t *offset)
{
    struct reader r = { 0 };
    struct batch batch;
    struct evl_bytes bytes;
    bool got = false;
    bool found = false;
    int64_t from = log_start(log);
    enum evl_error err = log_refresh(log);
    if (!err && log->base_count > 0)
        err = time_position(log, ms, &from);
    if (from < log_start(log))
        from = log_start(log);
    reader_begin(&r, log, from);
    while (!err && !found && !(err = reader_next(&r, limit, &batch, &bytes, &got)) && got)
        if (batch.max_timestamp >= ms)
            err = time_in_batch(bytes, ms, from, offset, &found);
    if (!err && (!found || *offset > limit))
        *offset = limit;
    reader_release(&r);
    return err ? log_failed(log, err) : EVL_OK;
}
