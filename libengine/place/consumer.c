/* consumer.c - ranges of logs, read batch by batch.
 *
 * Each topic-partition is a range with a reader of its own.  Without `merge`
 * the ranges are drained one after the other, in the order they were added,
 * and again from the first where more has come; with `merge` a heap holds the
 * next record of each.
 *
 * (1) A range's position is the offset of the next record that it may give;
 *     control records, aborted ones and compaction's gaps move it too.
 * (2) With EVL_COMMITTED nothing at or behind the last stable offset is read:
 *     whatever is before it is decided, and aborted[] says how.
 * (3) A transaction whose owner is gone holds nobody up for ever: who may write
 *     ends it, and who may not says what it waits for. */
#include <evl/consumer.h>

#include <inttypes.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "log/aborted.h"
#include "log/reader.h"
#include "log/replay.h"
#include "place/place.h"
#include "place/transactions.h"

enum { TRIES_MAX = 16 }; /* segments that vanish under our eyes, one after the other */

enum {
    RANGES_OPEN = 256,           /* with more ranges, those at rest close their files */
    WINDOW_BYTES_MIN = 16 << 10, /* with merge, what is read at once */
    WINDOW_BYTES_ALL = 32 << 20, /* and for all ranges together */
    SETTLE_EVERY_MS = 500,       /* while it waits for transactions: a look at their owners */
};

struct range {
    char *topic;
    struct evl_bytes name; /* the same */
    int32_t partition;
    struct log *log;
    struct reader reader;
    struct batch_reader records;
    struct evl_bytes batch;    /* the one at hand; at NULL: none */
    int64_t position;          /* the next record's offset, or later */
    int64_t end;               /* before which to stop; INT64_MAX: never */
    int64_t limit;             /* how far may be read now */
    struct evl_buffer aborted; /* struct aborted, of this log from some offset on */
    int64_t aborted_upto;      /* known for markers before this offset; -1: not at all */
    struct evl_record head;    /* with merge: the record that comes next, */
    bool has_head;             /* if there is one */
    bool has_said;             /* what it waits for */
};

struct evl_consumer {
    struct evl_place *place;
    struct evl_consumer_options o;
    struct range **ranges;
    size_t count;
    size_t at;     /* the range that is being drained */
    size_t idle;   /* ranges in a row that had nothing; all of them, and one again: rest */
    uint64_t news; /* as of the last look */
    size_t *heap;  /* with merge: ranges that have a head, smallest first */
    size_t heap_count;
    bool given; /* with merge: the smallest head was handed out */
    bool is_merging;
    int64_t settled; /* io_now() of the last look at who holds it up */
    bool has_said;   /* why that could not be ended */
};

/* ---- opening ------------------------------------------------------------- */

enum evl_error evl_consumer_open(struct evl_place *place,
                                 const struct evl_consumer_options *options,
                                 struct evl_consumer **consumer)
{
    if (options->merge && options->follow)
        return fail(EVL_ERR_USAGE, "a merge needs an end: it cannot follow");
    struct evl_consumer *c = memory_take(1, sizeof *c);
    c->place = place;
    c->o = *options;
    *consumer = c;
    return EVL_OK;
}

static void range_destroy(struct range *r)
{
    reader_release(&r->reader);
    batch_reader_release(&r->records);
    buf_release(&r->aborted);
    log_close(r->log);
    memory_free(r->topic);
    memory_free(r);
}

void evl_consumer_close(struct evl_consumer *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++)
        range_destroy(c->ranges[i]);
    memory_free(c->ranges);
    memory_free(c->heap);
    memory_free(c);
}

static uint64_t consumer_news(const struct evl_consumer *c)
{
    struct share *share = directory_share(c->place->directory);
    return share ? share_news(share) : 0;
}

/* How far a range may be read at this moment. */
static enum evl_error range_limit(const struct evl_consumer *c, struct range *r)
{
    if (!log_is_live(r->log)) { /* a writer may have come since the boot */
        enum evl_error err = log_refresh(r->log);
        if (err)
            return err;
    }
    int64_t limit = log_end(r->log);
    if (c->o.isolation == EVL_COMMITTED && limit > r->limit) {
        enum evl_error err = replay_stable_end(r->log, &limit);
        if (err)
            return err;
    }
    if (limit > r->limit) {
        r->limit = limit;
        r->has_said = false;
    }
    return EVL_OK;
}

/* ---- what holds a range up ----------------------------------------------- */

/* Whether there is more than may be read: a transaction is open. */
static bool range_is_held_up(const struct evl_consumer *c, const struct range *r)
{
    return c->o.isolation == EVL_COMMITTED && log_end(r->log) > r->limit && r->limit < r->end;
}

/* Once, until it goes on. */
static void range_say_why(struct evl_consumer *c, struct range *r)
{
    struct evl_buffer why = { 0 };
    int64_t id = r->log->producers ? producers_first_open_id(r->log->producers) : -1;
    if (r->has_said || id < 0)
        return;
    r->has_said = true;
    buf_print(&why, "%s-%" PRId32 ": records from offset %" PRId64 " on wait for the end of ",
              r->topic, r->partition, r->limit);
    if (transactions_blame(c->place, id, &why))
        buf_print(&why, "a transaction of producer %" PRId64, id);
    directory_say(c->place->directory, buf_text(&why));
    buf_release(&why);
}

/* End what dead owners left, if we may.  That it cannot be done now is no failure
 * of who reads. */
static bool consumer_settle(struct evl_consumer *c)
{
    bool any = false;
    c->settled = io_now(c->place->io);
    if (!transactions_tend(c->place, &any))
        return any;
    if (!c->has_said)
        directory_say(c->place->directory, evl_fault());
    c->has_said = true;
    return any;
}

static enum evl_error range_free(struct evl_consumer *c, struct range *r)
{
    if (!range_is_held_up(c, r))
        return EVL_OK;
    enum evl_error err = consumer_settle(c) ? range_limit(c, r) : EVL_OK;
    if (!err && range_is_held_up(c, r) && !directory_is_writable(c->place->directory))
        range_say_why(c, r);
    return err;
}

/* While it waits: whether something is free now. */
static bool consumer_free(struct evl_consumer *c)
{
    bool held_up = false;
    if (io_now(c->place->io) - c->settled < SETTLE_EVERY_MS * (int64_t)IO_MS)
        return false;
    for (size_t i = 0; i < c->count; i++)
        held_up = range_is_held_up(c, c->ranges[i]) || held_up;
    if (!held_up)
        return false;
    bool any = consumer_settle(c);
    for (size_t i = 0; i < c->count && !any; i++)
        if (range_is_held_up(c, c->ranges[i]))
            range_say_why(c, c->ranges[i]);
    return any;
}

static enum evl_error range_set_up(struct evl_consumer *c, struct range *r, int64_t first,
                                   int64_t end)
{
    enum evl_error err = directory_log(c->place->directory, r->topic, r->partition, NULL, &r->log);
    r->end = INT64_MAX;
    if (!err)
        err = range_limit(c, r);
    if (!err)
        err = range_free(c, r);
    if (err)
        return err;
    if (first < log_start(r->log) || first > log_end(r->log))
        return fail(EVL_ERR_RANGE,
                    "%s-%" PRId32 ": offset %" PRId64 " is not in the log, which has %" PRId64
                    " to %" PRId64,
                    r->topic, r->partition, first, log_start(r->log), log_end(r->log));
    if (c->o.follow && end < 0)
        r->end = INT64_MAX;
    else if (c->o.follow)
        r->end = end;
    else
        r->end = end < 0 || end > r->limit ? r->limit : end;
    r->position = first;
    reader_begin(&r->reader, r->log, first);
    return EVL_OK;
}

enum evl_error evl_consumer_add(struct evl_consumer *c, const char *topic, int32_t partition,
                                int64_t first, int64_t end)
{
    struct range *r = memory_take(1, sizeof *r);
    r->topic = memory_text(topic);
    r->name = evl_text(r->topic);
    r->partition = partition;
    r->aborted_upto = -1;
    c->news = consumer_news(c);
    enum evl_error err = range_set_up(c, r, first, end);
    if (err) {
        range_destroy(r);
        return err;
    }
    c->ranges = memory_grow(c->ranges, c->count + 1, sizeof *c->ranges);
    c->ranges[c->count++] = r;
    return EVL_OK;
}

/* Its number, or `count` if it was not added. */
static size_t range_index(const struct evl_consumer *c, const char *topic, int32_t partition)
{
    size_t i = 0;
    while (i < c->count &&
           (c->ranges[i]->partition != partition || strcmp(c->ranges[i]->topic, topic) != 0))
        i++;
    return i;
}

void evl_consumer_remove(struct evl_consumer *c, const char *topic, int32_t partition)
{
    size_t i = range_index(c, topic, partition);
    check(!c->o.merge);
    if (i == c->count)
        return;
    range_destroy(c->ranges[i]);
    c->count--;
    memmove(c->ranges + i, c->ranges + i + 1, (c->count - i) * sizeof *c->ranges);
    if (c->at > i || c->at == c->count) /* the one at hand stays it, or its place is filled */
        c->at = c->at > i ? c->at - 1 : 0;
    c->idle = 0;
}

int64_t evl_consumer_position(const struct evl_consumer *c, const char *topic, int32_t partition)
{
    size_t i = range_index(c, topic, partition);
    return i < c->count ? c->ranges[i]->position : -1;
}

/* ---- transactions -------------------------------------------------------- */

/* Look into each segment from that of `offset` on.  *again: one has gone from
 * the list, and what was said beside it may be said beside another. */
static enum evl_error range_list_aborted(struct range *r, int64_t offset, bool *again)
{
    struct log *log = r->log;
    char path[PATH_MAX];
    struct io_stat stat;
    *again = false;
    buf_clear(&r->aborted);
    for (size_t i = log_segment_of(log, offset); i < log->base_count; i++) {
        enum evl_error err = segment_path(log->dir, log->bases[i], "txnindex", path);
        if (!err)
            err = aborted_load(log->o.io, path, &r->aborted);
        if (!err)
            err = segment_path(log->dir, log->bases[i], "log", path);
        if (!err)
            err = io_stat(log->o.io, path, &stat);
        *again = err == EVL_ERR_NOT_FOUND;
        if (err)
            return *again ? EVL_OK : err;
    }
    return EVL_OK;
}

/* Know the aborted transactions with markers up to the limit, of the segments
 * from that of `offset` on. */
static enum evl_error range_load_aborted(struct range *r, int64_t offset)
{
    bool again = true;
    enum evl_error err = log_refresh(r->log);
    for (int i = 0; i < TRIES_MAX && !err && again; i++) {
        err = range_list_aborted(r, offset, &again);
        if (!err && again)
            err = log_list(r->log);
    }
    if (!err && again)
        err = fail(EVL_ERR_IO, "its segments are deleted faster than they can be read");
    r->aborted_upto = r->limit;
    return err ? log_failed(r->log, err) : EVL_OK;
}

/* Whether a transactional batch was aborted in the end. */
static enum evl_error range_aborted(struct range *r, const struct batch *batch, bool *aborted)
{
    *aborted = false;
    if (!(batch->attributes & BATCH_TRANSACTIONAL) || batch->attributes & BATCH_CONTROL)
        return EVL_OK;
    if (r->aborted_upto < r->limit) {
        enum evl_error err = range_load_aborted(r, batch->base_offset);
        if (err)
            return err;
    }
    const struct aborted *list = (const struct aborted *)(const void *)r->aborted.at;
    size_t count = r->aborted.count / sizeof *list;
    for (size_t i = 0; i < count && !*aborted; i++)
        *aborted = list[i].producer_id == batch->producer_id &&
                   list[i].first <= batch->base_offset && batch->last_offset < list[i].last;
    return EVL_OK;
}

/* ---- one range ----------------------------------------------------------- */

/* The next batch that may be given; *got is false if there is none now. */
static enum evl_error range_batch(struct evl_consumer *c, struct range *r, struct batch *batch,
                                  bool *aborted, bool *got)
{
    *got = false;
    for (;;) {
        enum evl_error err = range_limit(c, r);
        int64_t limit = r->limit < r->end ? r->limit : r->end;
        r->batch.at = NULL;
        if (!err)
            err = reader_next(&r->reader, limit, batch, &r->batch, got);
        if (err || !*got) {
            if (!err && r->reader.next > r->position)
                r->position = r->reader.next; /* over a gap at the end */
            return err;
        }
        err = range_aborted(r, batch, aborted);
        if (err)
            return err;
        bool control = batch->attributes & BATCH_CONTROL;
        if (batch->count != 0 && (!control || c->o.control) &&
            (!*aborted || c->o.isolation == EVL_UNCOMMITTED))
            return EVL_OK;
        r->position = batch->last_offset + 1;
    }
}

static bool range_is_finished(const struct range *r) { return r->position >= r->end; }

/* The next record that may be given; *got is false if there is none now. */
static enum evl_error range_record(struct evl_consumer *c, struct range *r,
                                   struct evl_record *record, bool *got)
{
    for (;;) {
        bool more = false;
        bool aborted;
        struct batch batch;
        enum evl_error err = r->batch.at ? batch_next(&r->records, record, &more) : EVL_OK;
        if (!err && !more) {
            if (r->batch.at && r->position < r->reader.next)
                r->position = r->reader.next;
            err = range_batch(c, r, &batch, &aborted, got);
            if (!err && *got)
                err = batch_open(&r->records, r->batch, PLAIN_BYTES_MAX);
            if (!err && *got)
                continue;
            if (err)
                return failed(err, "%s-%" PRId32 ": offset %" PRId64, r->topic, r->partition,
                              r->position);
            return EVL_OK;
        }
        if (err)
            return failed(err, "%s-%" PRId32 ": damaged: offset %" PRId64, r->topic, r->partition,
                          r->position);
        if (record->offset < r->position)
            continue;
        if (record->offset >= r->end) { /* the batch reaches beyond the range */
            r->position = r->end;
            r->batch.at = NULL;
            *got = false;
            return EVL_OK;
        }
        r->position = record->offset + 1;
        record->topic = r->name;
        record->partition = r->partition;
        *got = true;
        return EVL_OK;
    }
}

/* ---- one after the other ------------------------------------------------- */

/* The range at hand has nothing now; on to the next one.  The news are read
 * before the last round over all ranges, so that none is slept through. */
static void consumer_turn(struct evl_consumer *c)
{
    if (c->count > RANGES_OPEN)
        reader_rest(&c->ranges[c->at]->reader);
    if (c->idle == 0)
        c->news = consumer_news(c);
    c->at = (c->at + 1) % c->count;
    c->idle++;
}

static bool consumer_is_idle(const struct evl_consumer *c) { return c->idle > c->count; }

/* Nothing anywhere: the end, or a moment's rest. */
static enum evl_next consumer_rest(struct evl_consumer *c)
{
    c->idle = 0;
    for (size_t i = 0; i < c->count; i++)
        if (!range_is_finished(c->ranges[i]))
            return c->o.follow ? EVL_NEXT_IDLE : EVL_NEXT_END;
    return EVL_NEXT_END;
}

static enum evl_error consumer_drain(struct evl_consumer *c, struct evl_record *record,
                                     enum evl_next *what)
{
    while (!consumer_is_idle(c)) {
        struct range *r = c->ranges[c->at];
        bool got = false;
        if (!range_is_finished(r)) {
            enum evl_error err = range_record(c, r, record, &got);
            if (err)
                return err;
        }
        if (got) {
            c->idle = 0;
            *what = EVL_NEXT_RECORD;
            return EVL_OK;
        }
        consumer_turn(c);
    }
    *what = consumer_rest(c);
    return EVL_OK;
}

/* How many records an old wrapper has, and which is the first, shows when it is
 * opened. */
static enum evl_error range_complete(struct range *r, struct batch *batch)
{
    if (batch->count >= 0)
        return EVL_OK;
    enum evl_error err = batch_open(&r->records, r->batch, PLAIN_BYTES_MAX);
    if (err)
        return failed(err, "%s-%" PRId32 ": damaged: offset %" PRId64, r->topic, r->partition,
                      r->position);
    *batch = r->records.batch;
    return EVL_OK;
}

enum evl_error evl_consumer_next_batch(struct evl_consumer *c, struct evl_batch *out,
                                       enum evl_next *what)
{
    check(!c->o.merge);
    while (c->count > 0 && !consumer_is_idle(c)) {
        struct range *r = c->ranges[c->at];
        struct batch batch;
        bool aborted = false;
        bool got = false;
        if (!range_is_finished(r)) {
            enum evl_error err = range_batch(c, r, &batch, &aborted, &got);
            if (!err && got)
                err = range_complete(r, &batch);
            if (err)
                return err;
        }
        if (!got) {
            consumer_turn(c);
            continue;
        }
        c->idle = 0;
        r->position = batch.last_offset + 1 < r->end ? batch.last_offset + 1 : r->end;
        *out = (struct evl_batch){ r->name,
                                   r->partition,
                                   batch.base_offset,
                                   batch.last_offset,
                                   batch.max_timestamp,
                                   batch.count,
                                   batch.attributes & BATCH_CONTROL,
                                   aborted,
                                   r->batch };
        *what = EVL_NEXT_RECORD;
        return EVL_OK;
    }
    *what = consumer_rest(c);
    return EVL_OK;
}

/* ---- merged -------------------------------------------------------------- */

/* Whether range a's head comes before range b's: (timestamp, topic, partition,
 * offset). */
static bool range_is_before(const struct range *a, const struct range *b)
{
    if (a->head.timestamp != b->head.timestamp)
        return a->head.timestamp < b->head.timestamp;
    int order = strcmp(a->topic, b->topic);
    if (order != 0)
        return order < 0;
    return a->partition < b->partition;
}

static void heap_down(struct evl_consumer *c, size_t at)
{
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < c->heap_count; child++)
            if (range_is_before(c->ranges[c->heap[child]], c->ranges[c->heap[least]]))
                least = child;
        if (least == at)
            return;
        size_t swap = c->heap[at];
        c->heap[at] = c->heap[least];
        c->heap[least] = swap;
        at = least;
    }
}

/* Have the range's next record at its head. */
static enum evl_error range_advance(struct evl_consumer *c, struct range *r)
{
    r->has_head = false;
    if (range_is_finished(r))
        return EVL_OK;
    return range_record(c, r, &r->head, &r->has_head);
}

/* All ranges are open at once: they share what a single one would read. */
static void merge_share(struct evl_consumer *c)
{
    size_t step = WINDOW_BYTES_ALL / c->count;
    step = step < WINDOW_BYTES_MIN ? WINDOW_BYTES_MIN : step;
    for (size_t i = 0; i < c->count; i++)
        if (c->ranges[i]->reader.step > step)
            c->ranges[i]->reader.step = step;
}

static enum evl_error merge_begin(struct evl_consumer *c)
{
    c->is_merging = true;
    merge_share(c);
    c->heap = memory_take(c->count, sizeof *c->heap);
    for (size_t i = 0; i < c->count; i++) {
        enum evl_error err = range_advance(c, c->ranges[i]);
        if (err)
            return err;
        if (c->ranges[i]->has_head)
            c->heap[c->heap_count++] = i;
    }
    for (size_t i = c->heap_count / 2; i-- > 0;)
        heap_down(c, i);
    return EVL_OK;
}

static enum evl_error consumer_merge(struct evl_consumer *c, struct evl_record *record,
                                     enum evl_next *what)
{
    enum evl_error err = EVL_OK;
    if (!c->is_merging)
        err = merge_begin(c);
    else if (c->given) { /* its record was lent until now */
        struct range *r = c->ranges[c->heap[0]];
        err = range_advance(c, r);
        if (!err && !r->has_head)
            c->heap[0] = c->heap[--c->heap_count];
        heap_down(c, 0);
    }
    if (err)
        return err;
    c->given = c->heap_count > 0;
    *what = c->given ? EVL_NEXT_RECORD : EVL_NEXT_END;
    if (c->given)
        *record = c->ranges[c->heap[0]]->head;
    return EVL_OK;
}

/* ---- all together -------------------------------------------------------- */

enum evl_error evl_consumer_next(struct evl_consumer *c, struct evl_record *record,
                                 enum evl_next *what)
{
    if (c->count == 0) {
        *what = EVL_NEXT_END;
        return EVL_OK;
    }
    return c->o.merge ? consumer_merge(c, record, what) : consumer_drain(c, record, what);
}

enum evl_error evl_consumer_wait(struct evl_consumer *c, int64_t ms, bool *more)
{
    struct share *share = directory_share(c->place->directory);
    if (!share) { /* a foreign directory does not change */
        io_sleep(c->place->io, ms * IO_MS);
        *more = false;
        return EVL_OK;
    }
    if (consumer_free(c)) {
        *more = true;
        return EVL_OK;
    }
    share_wait(share, c->news, io_now(c->place->io) + ms * IO_MS);
    uint64_t news = share_news(share);
    *more = news != c->news || !share_is_mapped(share);
    c->news = news;
    return EVL_OK;
}
