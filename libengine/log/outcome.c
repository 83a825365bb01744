/* outcome.c - a list of what was aborted, and one of what is open. */
#include "log/outcome.h"

#include <stdlib.h>

#include "record/marker.h"

enum { MARKER_PLAIN_MAX = 1 << 16 };

/* A producer's transaction between its first batch and its marker. */
struct outcome_open {
    int64_t producer_id;
    struct aborted entry; /* if it is aborted */
    bool aborted;
    bool has_data;
};

static int aborted_compare(const void *a, const void *b)
{
    int64_t x = ((const struct aborted *)a)->first;
    int64_t y = ((const struct aborted *)b)->first;
    return (x > y) - (x < y);
}

static struct aborted *outcome_aborted(struct outcome *o)
{
    return (struct aborted *)(void *)o->aborted.at;
}

static size_t outcome_count(const struct outcome *o)
{
    return o->aborted.count / sizeof(struct aborted);
}

/* Leave out what begins at `end` or later. */
static void outcome_limit(struct outcome *o, int64_t end)
{
    struct aborted *a = outcome_aborted(o);
    size_t kept = 0;
    for (size_t i = 0; i < outcome_count(o); i++)
        if (a[i].first < end)
            a[kept++] = a[i];
    o->aborted.count = kept * sizeof *a;
}

enum evl_error outcome_load(struct outcome *o, struct log *log, int64_t end)
{
    char path[PATH_MAX];
    enum evl_error err = EVL_OK;
    buf_clear(&o->aborted);
    buf_clear(&o->open);
    buf_clear(&o->kept);
    o->next = 0;
    /* The marker may lie in any segment behind the data. */
    for (size_t i = 0; i < log->base_count && !err; i++) {
        err = segment_path(log->dir, log->bases[i], "txnindex", path);
        if (!err)
            err = aborted_load(log->o.io, path, &o->aborted);
        outcome_limit(o, end);
    }
    if (!err && o->aborted.count > 0)
        qsort(o->aborted.at, outcome_count(o), sizeof(struct aborted), aborted_compare);
    return err;
}

/* ---- what is open -------------------------------------------------------- */

static struct outcome_open *outcome_find(struct outcome *o, int64_t producer_id)
{
    struct outcome_open *open = (struct outcome_open *)(void *)o->open.at;
    for (size_t i = 0; i < o->open.count / sizeof *open; i++)
        if (open[i].producer_id == producer_id)
            return &open[i];
    return NULL;
}

static struct outcome_open *outcome_begin(struct outcome *o, int64_t producer_id)
{
    struct outcome_open *found = outcome_find(o, producer_id);
    struct outcome_open fresh = { .producer_id = producer_id };
    if (found)
        return found;
    buf_add(&o->open, &fresh, sizeof fresh);
    return outcome_find(o, producer_id);
}

/* Begin the aborted transactions that have begun by this offset. */
static void outcome_advance(struct outcome *o, int64_t offset)
{
    const struct aborted *a = outcome_aborted(o);
    for (; o->next < outcome_count(o) && a[o->next].first <= offset; o->next++) {
        struct outcome_open *open = outcome_begin(o, a[o->next].producer_id);
        open->entry = a[o->next];
        open->aborted = true;
    }
}

/* ---- seeing -------------------------------------------------------------- */

/* Whether a control batch ends a transaction. */
static enum evl_error batch_ends(struct evl_bytes bytes, bool *ends)
{
    struct batch_reader reader = { 0 };
    struct evl_record record;
    struct marker marker;
    bool more = false;
    enum evl_error err = batch_open(&reader, bytes, MARKER_PLAIN_MAX);
    if (!err)
        err = batch_next(&reader, &record, &more);
    *ends = !err && more && marker_read(&record, &marker);
    batch_reader_release(&reader);
    return err;
}

static void outcome_end(struct outcome *o, const struct batch *batch, bool *worthless)
{
    struct outcome_open *open = outcome_find(o, batch->producer_id);
    *worthless = !open || !open->has_data;
    if (!open)
        return;
    if (open->aborted && open->has_data)
        buf_add(&o->kept, &open->entry, sizeof open->entry);
    const struct outcome_open *last =
        (const struct outcome_open *)(void *)(o->open.at + o->open.count) - 1;
    *open = *last;
    o->open.count -= sizeof *last;
}

enum evl_error outcome_see(struct outcome *o, const struct batch *batch, struct evl_bytes bytes,
                           bool *worthless)
{
    bool ends;
    *worthless = false;
    outcome_advance(o, batch->last_offset);
    if (batch->attributes & BATCH_CONTROL) {
        if (batch->count == 0) /* emptied, and kept for its producer's sake */
            return EVL_OK;
        enum evl_error err = batch_ends(bytes, &ends);
        if (!err && ends)
            outcome_end(o, batch, worthless);
        return err;
    }
    if (!(batch->attributes & BATCH_TRANSACTIONAL))
        return EVL_OK;
    struct outcome_open *open = outcome_begin(o, batch->producer_id);
    if (batch->count > 0)
        open->has_data = true;
    *worthless = open->aborted;
    return EVL_OK;
}

void outcome_release(struct outcome *o)
{
    buf_release(&o->aborted);
    buf_release(&o->open);
    buf_release(&o->kept);
    *o = (struct outcome){ 0 };
}
