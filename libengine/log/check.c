/* check.c - one walk over the batches, with the indexes alongside.
 *
 * Entries of an index lie in the order of the batches, so each index is read
 * along with the walk: what it says next is compared when the batch comes that
 * it speaks of.
 *
 * A cleaner exchanges segments under our feet, unless we have its lock.  A check
 * without the lock that finds damage looks whether files were exchanged since it
 * began, and then begins anew. */
#include "log/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "log/aborted.h"
#include "log/checkpoint.h"
#include "log/producers.h"

enum {
    PLAIN_MAX = 1 << 30,     /* bytes that a batch may unpack to */
    PROGRESS_STEP = 1 << 20, /* bytes */
    LOOKS_MAX = 10,          /* at a log that is being cleaned all the time */
};

struct check_walk {
    struct log *log;
    const struct check_listener *listener;
    struct findings findings;
    struct check_result *result;
    int64_t total;    /* bytes */
    int64_t reported; /* of them */
    bool stopped;     /* the listener has had enough */
    bool gaps;        /* are what compaction leaves */
    int64_t next;     /* the least offset that can come; -1: any */
    int64_t limit;    /* where readers end */
    bool blurred;     /* the batch before was wrong: indexes may speak of it */
    struct epochs epochs;
    struct scan scan;
    struct batch_reader reader;
};

/* An index on the way along the segment: the entry that comes next. */
struct cursor {
    struct index ix;
    char name[SEGMENT_NAME];
    int64_t at; /* its number */
    struct index_entry entry;
    int64_t last_key; /* of the one before it, */
    bool open;        /* which has the last offset of a set that has not ended yet */
    bool done;
};

/* The segment at hand. */
struct place {
    struct segment s;
    char name[SEGMENT_NAME];
    struct cursor offsets, times;
    struct evl_buffer aborted; /* struct aborted */
    size_t aborted_at;
    int64_t end; /* the base of the next segment; INT64_MAX */
};

/* ---- telling ------------------------------------------------------------- */

static void check_tell(struct check_walk *w, const char *file, int64_t position, int64_t offset,
                       const char *text)
{
    struct check_damage damage = { file, position, offset, text };
    w->result->damages++;
    findings_add(&w->findings, &damage);
}

/* `bytes` of the segment at hand are done. */
static void check_report(struct check_walk *w, int64_t bytes)
{
    struct check_result so_far = *w->result;
    so_far.bytes += bytes;
    if (!w->listener->progress || so_far.bytes - w->reported < PROGRESS_STEP)
        return;
    w->reported = so_far.bytes;
    w->stopped = !w->listener->progress(w->listener->context, &so_far, w->total);
}

static void entry_tell(struct check_walk *w, const struct cursor *c, const struct place *p,
                       const char *text)
{
    int64_t relative = c->ix.kind == INDEX_OFFSET ? c->entry.key : c->entry.value;
    check_tell(w, c->name, c->at * (int64_t)c->ix.kind, p->s.base + relative, text);
}

/* ---- an index alongside -------------------------------------------------- */

/* Have the entry number c->at. */
static void cursor_read(struct check_walk *w, struct cursor *c)
{
    c->done = c->at >= c->ix.count;
    if (c->done)
        return;
    if (index_get(&c->ix, c->at, &c->entry)) {
        check_tell(w, c->name, c->at * (int64_t)c->ix.kind, -1, evl_fault());
        c->done = true;
    }
}

static void cursor_step(struct check_walk *w, struct cursor *c)
{
    c->last_key = c->entry.key;
    c->at++;
    cursor_read(w, c);
}

static enum evl_error cursor_open(struct check_walk *w, const struct place *p, const char *suffix,
                                  enum index_kind kind, struct cursor *c)
{
    int64_t base = p->s.base;
    char path[PATH_MAX];
    int64_t size = 0;
    *c = (struct cursor){ .last_key = INT64_MIN };
    snprintf(c->name, sizeof c->name, "%020" PRId64 ".%s", base, suffix);
    enum evl_error err = segment_path(w->log->dir, base, suffix, path);
    if (!err)
        err = index_open(w->log->o.io, path, kind, false, &c->ix);
    if (!err && c->ix.file >= 0)
        err = io_size(w->log->o.io, c->ix.file, &size);
    if (err)
        return err;
    if (size % (int)kind != 0 && p->end != INT64_MAX) /* else it is written over, or grows */
        check_tell(w, c->name, size - size % (int)kind, -1, "its last entry is not whole");
    cursor_read(w, c);
    return EVL_OK;
}

static void cursor_order(struct check_walk *w, struct cursor *c, const struct place *p)
{
    if (c->entry.key <= c->last_key)
        entry_tell(w, c, p, "its entries do not rise");
}

/* Messages of magic 0 and 1 were appended in sets, and an entry for a set points
 * to its first message, and has its last offset.  Where the set ends nothing
 * says, but the next entry's, or the end of the segment, comes behind it. */
static void set_compare(struct check_walk *w, struct cursor *c, const struct place *p, int64_t next)
{
    if (c->open && p->s.base + c->last_key >= next)
        check_tell(w, c->name, (c->at - 1) * (int64_t)c->ix.kind, p->s.base + c->last_key,
                   "its offset is behind the set of messages that it points to");
    c->open = false;
}

static bool entry_is_right(const struct cursor *c, const struct place *p, const struct batch *b)
{
    int64_t last = p->s.base + c->entry.key;
    return b->magic < BATCH_MAGIC ? last >= b->last_offset : last == b->last_offset;
}

/* Offset entries that point at or before this batch. */
static void offsets_compare(struct check_walk *w, struct place *p, const struct batch *b,
                            int64_t position)
{
    struct cursor *c = &p->offsets;
    for (; !c->done && c->entry.value <= position; cursor_step(w, c)) {
        cursor_order(w, c, p);
        set_compare(w, c, p, b->base_offset);
        bool right = c->entry.value == position && entry_is_right(c, p, b);
        if (c->entry.value != position)
            entry_tell(w, c, p, "it points to where no batch begins");
        else if (!right)
            entry_tell(w, c, p, "it is not the last offset of the batch that it points to");
        c->open = right && b->magic < BATCH_MAGIC;
    }
}

/* Time entries whose offset is in this batch, or was in none. */
static void times_compare(struct check_walk *w, struct place *p, const struct batch *b)
{
    struct cursor *c = &p->times;
    for (; !c->done && p->s.base + c->entry.value <= b->last_offset; cursor_step(w, c)) {
        cursor_order(w, c, p);
        if (p->s.base + c->entry.value < b->base_offset)
            entry_tell(w, c, p, "no batch has its offset");
        else if (c->entry.key != b->max_timestamp)
            entry_tell(w, c, p, "it is not the largest timestamp of the batch with its offset");
    }
}

/* Entries of what lies behind damage cannot be compared. */
static void cursors_skip(struct check_walk *w, struct place *p, int64_t position, int64_t offset)
{
    while (!p->offsets.done && p->offsets.entry.value < position)
        cursor_step(w, &p->offsets);
    while (!p->times.done && p->s.base + p->times.entry.value < offset)
        cursor_step(w, &p->times);
}

/* ---- aborted transactions ------------------------------------------------ */

static void aborted_compare(struct check_walk *w, struct place *p, const struct batch *b)
{
    char name[SEGMENT_NAME];
    const struct aborted *a = (const struct aborted *)(const void *)p->aborted.at;
    snprintf(name, sizeof name, "%020" PRId64 ".txnindex", p->s.base);
    for (; p->aborted_at < p->aborted.count / sizeof *a; p->aborted_at++) {
        const struct aborted *entry = &a[p->aborted_at];
        if (entry->last > b->last_offset)
            break;
        bool right = entry->last == b->last_offset && b->attributes & BATCH_CONTROL &&
                     b->producer_id == entry->producer_id;
        if (!right)
            check_tell(w, name, (int64_t)p->aborted_at * ABORTED_ENTRY, entry->last,
                       "its offset is not that of the producer's marker");
    }
}

/* ---- a batch ------------------------------------------------------------- */

static enum evl_error batch_walk(struct check_walk *w, struct evl_bytes bytes)
{
    struct evl_record record;
    bool more = false;
    enum evl_error err = batch_open(&w->reader, bytes, PLAIN_MAX);
    while (!err && !(err = batch_next(&w->reader, &record, &more)) && more)
        w->result->records++;
    return err;
}

/* The epoch that an offset has by the file of epochs; -1 if that says nothing. */
static int32_t epoch_at(const struct epochs *epochs, int64_t offset)
{
    int32_t epoch = -1;
    for (size_t i = 0; i < epochs->count && epochs->at[i].start <= offset; i++)
        epoch = epochs->at[i].epoch;
    return epoch;
}

/* Tell what is wrong with a batch's place among the others, which no checksum
 * covers.  *right: nothing is, and its offsets can be believed. */
static void batch_compare(struct check_walk *w, const struct place *p, const struct batch *b,
                          int64_t position, bool *right)
{
    char text[128] = "";
    bool last = p->end == INT64_MAX; /* where there is no gap before the end */
    int32_t epoch = epoch_at(&w->epochs, b->base_offset);
    if (b->base_offset < p->s.base || b->last_offset >= p->end)
        snprintf(text, sizeof text, "offset %" PRId64 " is another segment's", b->base_offset);
    else if (w->next >= 0 && b->base_offset < w->next)
        snprintf(text, sizeof text, "offset %" PRId64 " comes after %" PRId64, b->base_offset,
                 w->next - 1);
    else if (w->next >= 0 && b->base_offset > w->next &&
             (!w->gaps || (last && b->base_offset >= w->limit)))
        snprintf(text, sizeof text, "offsets %" PRId64 " to %" PRId64 " are missing", w->next,
                 b->base_offset - 1);
    *right = text[0] == '\0';
    if (*right && epoch >= 0 && b->leader_epoch != -1 && b->leader_epoch != epoch)
        snprintf(text, sizeof text, "its leader epoch is %" PRId32 ", not %" PRId32,
                 b->leader_epoch, epoch);
    if (text[0] != '\0')
        check_tell(w, p->name, position, w->next >= 0 ? w->next : b->base_offset, text);
}

static enum evl_error batch_check_all(struct check_walk *w, struct place *p, const struct batch *b,
                                      struct evl_bytes bytes, int64_t position)
{
    bool right;
    w->result->batches++;
    batch_compare(w, p, b, position, &right);
    enum evl_error err = batch_walk(w, bytes);
    if (err && err != EVL_ERR_CORRUPT && err != EVL_ERR_TOO_LARGE)
        return err; /* a codec that was not built in, say */
    if (err)
        check_tell(w, p->name, position, b->base_offset, evl_fault());
    w->next = right ? b->last_offset + 1 : -1;
    if (right) {
        if (w->blurred)
            cursors_skip(w, p, position, b->base_offset);
        offsets_compare(w, p, b, position);
        times_compare(w, p, b);
        aborted_compare(w, p, b);
    }
    w->blurred = !right;
    return EVL_OK;
}

/* ---- behind damage ------------------------------------------------------- */

/* The next place where an index entry says that a batch begins, and one does;
 * `size` if there is none. */
static enum evl_error place_resume(struct check_walk *w, struct place *p, int64_t size, int64_t *at)
{
    const struct index *ix = &p->offsets.ix;
    int64_t from = *at;
    for (int64_t i = p->offsets.at; i < ix->count; i++) {
        struct index_entry entry;
        struct batch batch;
        struct evl_bytes bytes;
        enum scan_found found;
        if (index_get(ix, i, &entry) || entry.value <= from || entry.value >= size)
            continue;
        scan_begin(&w->scan, w->log->o.io, p->s.file, entry.value, size, SCAN_STEP_WHOLE);
        enum evl_error err = scan_next(&w->scan, SCAN_WHOLE, &batch, &bytes, &found);
        if (err)
            return err;
        if (found != SCAN_BATCH || batch.last_offset != p->s.base + entry.key)
            continue;
        *at = entry.value;
        w->next = batch.base_offset; /* what is missing before it was told */
        cursors_skip(w, p, entry.value, batch.base_offset);
        return EVL_OK;
    }
    *at = size;
    w->next = -1;
    return EVL_OK;
}

static void place_tell(struct check_walk *w, const struct place *p, enum scan_found found)
{
    const char *text = found == SCAN_BAD ? evl_fault() : "the file ends inside a batch";
    check_tell(w, p->name, w->scan.at, w->next, text);
}

/* ---- a segment ----------------------------------------------------------- */

/* What is left in the indexes speaks of nothing. */
static void place_rest(struct check_walk *w, struct place *p, bool whole)
{
    bool active = p->end == INT64_MAX; /* it may grow while we look */
    if (whole && !active && w->next >= 0)
        set_compare(w, &p->offsets, p, w->next);
    for (; whole && !active && !p->offsets.done; cursor_step(w, &p->offsets))
        entry_tell(w, &p->offsets, p, "it points behind the last batch");
    for (; whole && !active && !p->times.done; cursor_step(w, &p->times))
        entry_tell(w, &p->times, p, "its offset is behind the last batch");
}

static enum evl_error place_walk(struct check_walk *w, struct place *p, int64_t size)
{
    struct batch batch;
    struct evl_bytes bytes;
    enum scan_found found;
    bool whole = true;
    int64_t at = 0;
    scan_begin(&w->scan, w->log->o.io, p->s.file, 0, size, SCAN_STEP_WHOLE);
    for (;;) {
        enum evl_error err = scan_next(&w->scan, SCAN_WHOLE, &batch, &bytes, &found);
        if (err)
            return err;
        bool promised = p->end != INT64_MAX || w->next < w->limit;
        if (found == SCAN_BATCH && promised) {
            err = batch_check_all(w, p, &batch, bytes, at);
            at = w->scan.at;
            check_report(w, at);
            if (err || w->stopped)
                return err;
            continue;
        }
        if (found == SCAN_END || !promised)
            break; /* behind the end nobody was promised anything */
        place_tell(w, p, found);
        whole = false;
        err = place_resume(w, p, size, &at);
        if (err)
            return err;
        scan_begin(&w->scan, w->log->o.io, p->s.file, at, size, SCAN_STEP_WHOLE);
    }
    w->result->bytes += at;
    place_rest(w, p, whole);
    return EVL_OK;
}

static enum evl_error place_aborted(struct check_walk *w, struct place *p)
{
    char path[PATH_MAX];
    char name[SEGMENT_NAME];
    enum evl_error err = segment_path(w->log->dir, p->s.base, "txnindex", path);
    if (!err)
        err = aborted_load(w->log->o.io, path, &p->aborted);
    if (err != EVL_ERR_CORRUPT)
        return err;
    snprintf(name, sizeof name, "%020" PRId64 ".txnindex", p->s.base);
    check_tell(w, name, 0, -1, evl_fault());
    buf_clear(&p->aborted);
    return EVL_OK;
}

static enum evl_error place_check(struct check_walk *w, struct place *p)
{
    int64_t size;
    enum evl_error err = io_size(w->log->o.io, p->s.file, &size);
    if (!err)
        err = cursor_open(w, p, "index", INDEX_OFFSET, &p->offsets);
    if (!err)
        err = cursor_open(w, p, "timeindex", INDEX_TIME, &p->times);
    if (!err)
        err = place_aborted(w, p);
    if (!err)
        err = place_walk(w, p, size);
    index_close(&p->offsets.ix);
    index_close(&p->times.ix);
    buf_release(&p->aborted);
    return err;
}

static enum evl_error segment_check(struct check_walk *w, size_t i)
{
    struct log *log = w->log;
    int64_t base = log->bases[i];
    struct place p = { .end = i + 1 < log->base_count ? log->bases[i + 1] : INT64_MAX };
    p.offsets.ix.file = p.times.ix.file = -1;
    snprintf(p.name, sizeof p.name, "%020" PRId64 ".log", base);
    enum evl_error err = segment_open(log->o.io, log->dir, base, IO_READ, &p.s);
    if (err == EVL_ERR_NOT_FOUND) { /* retention took it a moment ago */
        w->next = -1;
        return EVL_OK;
    }
    if (err)
        return err;
    if (w->next >= 0 && base > w->next && !w->gaps)
        check_tell(w, p.name, 0, w->next, "offsets before this segment are missing");
    if (base > w->next)
        w->next = base;
    err = place_check(w, &p);
    segment_close(&p.s);
    w->result->segments++;
    return err;
}

/* ---- beside the segments ------------------------------------------------- */

static enum evl_error epochs_check(struct check_walk *w)
{
    enum evl_error err = epochs_load(w->log->o.io, w->log->dir, &w->epochs);
    if (err == EVL_ERR_CORRUPT) {
        check_tell(w, "leader-epoch-checkpoint", 0, -1, evl_fault());
        err = EVL_OK;
    }
    return err;
}

static enum evl_error snapshots_check(struct check_walk *w)
{
    struct io_names names = { 0 };
    struct producers *producers = producers_create();
    enum evl_error err = io_list(w->log->o.io, w->log->dir, &names);
    for (size_t i = 0; !err && i < names.count; i++) {
        const char *name = names.at[i];
        if (strspn(name, "0123456789") != 20 || strcmp(name + 20, ".snapshot") != 0)
            continue;
        int64_t offset = strtoll(name, NULL, 10);
        err = producers_load(producers, w->log->o.io, w->log->dir, offset);
        if (err == EVL_ERR_CORRUPT)
            check_tell(w, name, 0, offset, evl_fault());
        if (err == EVL_ERR_CORRUPT || err == EVL_ERR_NOT_FOUND) /* or thinned out by now */
            err = EVL_OK;
    }
    io_names_release(&names);
    producers_destroy(producers);
    return err;
}

static enum evl_error identity_check(struct check_walk *w)
{
    struct uuid id;
    struct log *log = w->log;
    enum evl_error err = log_identity(log->o.io, log->dir, &id);
    if (err == EVL_ERR_CORRUPT)
        check_tell(w, "partition.metadata", 0, -1, evl_fault());
    else if (!err && !uuid_is_zero(&log->o.id) && !uuid_equal(&id, &log->o.id))
        check_tell(w, "partition.metadata", 0, -1, "it has the id of another topic");
    return err == EVL_ERR_CORRUPT || err == EVL_ERR_NOT_FOUND ? EVL_OK : err;
}

/* Whether compaction may have left gaps: reader.c asks the same. */
static enum evl_error check_gaps(struct check_walk *w)
{
    int64_t cleaned = -1;
    const struct log *log = w->log;
    w->gaps = !log->o.config || log->o.config->cleanup_policy & CLEANUP_COMPACT;
    if (w->gaps)
        return EVL_OK;
    enum evl_error err = checkpoint_get(log->o.io, log->o.root, CHECKPOINT_CLEANER, log->o.topic,
                                        log->o.partition, &cleaned);
    w->gaps = cleaned >= 0;
    return err;
}

static enum evl_error check_all(struct check_walk *w)
{
    enum evl_error err = log_refresh(w->log);
    w->limit = log_end(w->log);
    if (!err)
        err = check_gaps(w);
    if (!err)
        err = epochs_check(w);
    if (!err)
        err = log_bytes(w->log, &w->total);
    for (size_t i = 0; i < w->log->base_count && !err && !w->stopped; i++)
        err = segment_check(w, i);
    if (err || w->stopped)
        return err;
    if (w->next >= 0 && w->next < w->limit && w->log->base_count > 0 && !w->gaps)
        check_tell(w, "", 0, w->next, "the log ends too early");
    err = snapshots_check(w);
    return err ? err : identity_check(w);
}

/* Keep cleaners away, whose swaps would look like damage.  Who may not write has
 * to do without. */
static bool check_lock(struct log *log)
{
    bool dirty;
    if (!log->o.writable || !log_has_slot(log))
        return false;
    int64_t until = io_now(log->o.io) + log->o.patience;
    log->cleaning = share_lock(log->o.share, &log->slot, SHARE_CLEAN, until, &dirty) == EVL_OK;
    return log->cleaning;
}

/* Whether files may have been exchanged since the list of segments was made.
 * The generation tells it only after the last of them: wait for who is at it,
 * but not for a dead one. */
static bool check_moved(struct log *log)
{
    int64_t until = io_now(log->o.io) + 1000LL * IO_MS;
    while (log_has_slot(log) && log_word(log, SHARE_HOLDER) != 0 && io_now(log->o.io) < until)
        io_sleep(log->o.io, IO_MS);
    return log_has_slot(log) && log_word(log, SHARE_GENERATION) != log->generation;
}

/* All of it, as often as it takes to know what is damage. */
static enum evl_error check_look(struct check_walk *w)
{
    for (int looks = 1;; looks++) {
        enum evl_error err = check_all(w);
        bool doubtful = w->findings.kept && w->result->damages > 0;
        bool again = !err && doubtful && looks < LOOKS_MAX && check_moved(w->log);
        if (!again) {
            findings_tell(&w->findings);
            return err;
        }
        findings_forget(&w->findings);
        epochs_release(&w->epochs);
        *w->result = (struct check_result){ 0 };
        w->reported = 0;
        w->next = -1;
        w->blurred = false;
    }
}

enum evl_error check_log(struct log *log, const struct check_listener *listener,
                         struct check_result *result)
{
    struct check_result all = { 0 };
    bool locked = check_lock(log);
    struct check_walk w = { .log = log,
                            .listener = listener,
                            .findings = { .found = listener->damage,
                                          .context = listener->context,
                                          .kept = !locked && log->o.share },
                            .result = &all,
                            .next = -1 };
    enum evl_error err = check_look(&w);
    if (locked)
        share_unlock(log->o.share, &log->slot, SHARE_CLEAN);
    log->cleaning = log->cleaning && !locked;
    epochs_release(&w.epochs);
    batch_reader_release(&w.reader);
    scan_release(&w.scan);
    if (err)
        return log_failed(log, err);
    *result = all;
    return EVL_OK;
}
