/* segment.c - append, index, find, cut. */
#include "log/segment.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/fault.h"
#include "io/io_file.h"
#include "log/aborted.h"

/* ---- names --------------------------------------------------------------- */

enum evl_error segment_path(const char *dir, int64_t base, const char *suffix, char *path)
{
    if (snprintf(path, PATH_MAX, "%s/%020" PRId64 ".%s", dir, base, suffix) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s: name too long", dir);
    return EVL_OK;
}

bool segment_parse(const char *name, int64_t *base)
{
    if (strlen(name) != 24 || strcmp(name + 20, ".log") != 0)
        return false;
    if (strspn(name, "0123456789") != 20)
        return false;
    *base = strtoll(name, NULL, 10);
    return true;
}

/* ---- opening ------------------------------------------------------------- */

enum evl_error segment_open(struct io *io, const char *dir, int64_t base, enum io_open how,
                            struct segment *s)
{
    char path[PATH_MAX];
    int file;
    enum evl_error err = segment_path(dir, base, "log", path);
    if (!err)
        err = io_open(io, path, how, &file);
    if (err)
        return err;
    *s = (struct segment){ .io = io,
                           .dir = dir,
                           .base = base,
                           .file = file,
                           .writable = how != IO_READ,
                           .end = base,
                           .first_timestamp = EVL_NO_TIMESTAMP,
                           .timed = EVL_NO_TIMESTAMP,
                           .max_timestamp = EVL_NO_TIMESTAMP,
                           .max_offset = -1 };
    s->offsets.file = s->times.file = -1;
    return EVL_OK;
}

void segment_rest(struct segment *s)
{
    if (s->has_indexes) {
        index_close(&s->offsets);
        index_close(&s->times);
    }
    s->has_indexes = false;
}

void segment_close(struct segment *s)
{
    segment_rest(s);
    io_close(s->io, s->file);
    s->file = -1;
}

enum evl_error segment_indexes(struct segment *s)
{
    char path[PATH_MAX];
    if (s->has_indexes)
        return EVL_OK;
    enum evl_error err = segment_path(s->dir, s->base, "index", path);
    if (!err)
        err = index_open(s->io, path, INDEX_OFFSET, s->writable, &s->offsets);
    if (!err)
        err = segment_path(s->dir, s->base, "timeindex", path);
    if (!err) {
        err = index_open(s->io, path, INDEX_TIME, s->writable, &s->times);
        if (err)
            index_close(&s->offsets);
    }
    s->has_indexes = !err;
    return err;
}

/* ---- knowing ------------------------------------------------------------- */

void segment_note(struct segment *s, const struct batch *batch, int64_t position)
{
    check(batch->base_offset >= s->end);
    if (s->first_timestamp == EVL_NO_TIMESTAMP)
        s->first_timestamp = batch->max_timestamp;
    if (batch->max_timestamp >= 0 && batch->max_timestamp > s->max_timestamp) {
        s->max_timestamp = batch->max_timestamp;
        s->max_offset = batch->last_offset;
    }
    s->end = batch->last_offset + 1;
    s->bytes = position + batch->size;
}

/* What the last index entries say of the time before them. */
static enum evl_error segment_remember(struct segment *s)
{
    struct index_entry entry;
    enum evl_error err = segment_indexes(s);
    if (!err)
        err = index_refresh(&s->offsets);
    if (!err)
        err = index_refresh(&s->times);
    if (err)
        return err;
    if (s->offsets.count > 0) {
        err = index_get(&s->offsets, s->offsets.count - 1, &entry);
        if (!err)
            s->indexed = entry.value;
    }
    if (!err && s->times.count > 0) {
        err = index_get(&s->times, s->times.count - 1, &entry);
        if (!err) {
            s->timed = s->max_timestamp = entry.key;
            s->max_offset = s->base + entry.value;
        }
    }
    return err;
}

/* The head of the batch at a position. */
static enum evl_error segment_head(struct segment *s, int64_t position, int64_t limit,
                                   struct batch *batch, enum scan_found *found)
{
    struct scan scan = { 0 };
    struct evl_bytes bytes;
    scan_begin(&scan, s->io, s->file, position, limit, BATCH_HEAD);
    enum evl_error err = scan_next(&scan, SCAN_HEADS, batch, &bytes, found);
    scan_release(&scan);
    return err;
}

/* Note the heads of [from, bytes); index them too, if asked. */
static enum evl_error segment_walk_heads(struct segment *s, int64_t from, int64_t bytes, bool index)
{
    struct scan scan = { 0 };
    struct batch batch;
    struct evl_bytes whole;
    enum scan_found found = SCAN_BATCH;
    enum evl_error err = EVL_OK;
    scan_begin(&scan, s->io, s->file, from, bytes, SCAN_STEP_HEADS);
    while (!err && scan.at < bytes) {
        err = scan_next(&scan, SCAN_HEADS, &batch, &whole, &found);
        if (err)
            break;
        if (found != SCAN_BATCH || batch.base_offset < s->end)
            err = fail(EVL_ERR_CORRUPT, "%020" PRId64 ".log: no batch at byte %" PRId64, s->base,
                       scan.at);
        else
            segment_note(s, &batch, scan.at - batch.size);
        if (!err && index)
            err = segment_index(s, &batch, scan.at - batch.size, SEGMENT_INTERVAL);
    }
    scan_release(&scan);
    return err;
}

static void segment_forget(struct segment *s)
{
    s->bytes = 0;
    s->end = s->base;
    s->indexed = 0;
    s->first_timestamp = s->max_timestamp = s->timed = EVL_NO_TIMESTAMP;
    s->max_offset = -1;
}

/* The index leads astray: make it anew. */
static enum evl_error segment_rebuild(struct segment *s, int64_t bytes)
{
    segment_forget(s);
    enum evl_error err = index_cut(&s->offsets, 0);
    if (!err)
        err = index_cut(&s->times, 0);
    return err ? err : segment_walk_heads(s, 0, bytes, s->writable);
}

enum evl_error segment_resume(struct segment *s, int64_t bytes, int64_t end)
{
    struct batch first;
    enum scan_found found;
    segment_forget(s);
    enum evl_error err = segment_remember(s);
    if (!err && bytes > 0) {
        err = segment_head(s, 0, bytes, &first, &found);
        if (!err && found == SCAN_BATCH)
            s->first_timestamp = first.max_timestamp;
    }
    bool leads = s->indexed >= 0 && s->indexed <= bytes;
    if (!err)
        err = leads ? segment_walk_heads(s, s->indexed, bytes, false) : EVL_ERR_CORRUPT;
    if (err == EVL_ERR_CORRUPT)
        err = segment_rebuild(s, bytes);
    if (!err && s->end != end && bytes > 0)
        err =
            fail(EVL_ERR_CORRUPT, "%020" PRId64 ".log: ends with offset %" PRId64 ", not %" PRId64,
                 s->base, s->end - 1, end - 1);
    s->bytes = bytes;
    s->end = end;
    return err;
}

/* ---- appending ----------------------------------------------------------- */

/* Put the largest timestamp into the time index, if it is larger than the last
 * one there.  Negative ones are no times to Kafka. */
static enum evl_error segment_index_time(struct segment *s)
{
    struct index_entry entry = { s->max_timestamp, (int32_t)(s->max_offset - s->base) };
    if (s->max_timestamp < 0 || s->max_timestamp <= s->timed)
        return EVL_OK;
    enum evl_error err = index_add(&s->times, &entry, 1);
    if (!err)
        s->timed = entry.key;
    return err;
}

enum evl_error segment_index(struct segment *s, const struct batch *batch, int64_t position,
                             int32_t interval)
{
    struct index_entry entry = { batch->last_offset - s->base, (int32_t)position };
    if (position - s->indexed <= interval)
        return EVL_OK;
    enum evl_error err = segment_indexes(s);
    if (!err)
        err = index_add(&s->offsets, &entry, 1);
    if (err)
        return err;
    s->indexed = position;
    return segment_index_time(s);
}

enum evl_error segment_append(struct segment *s, const struct evl_bytes *bytes,
                              const struct batch *batches, int count, int32_t interval)
{
    size_t put;
    int64_t position = s->bytes;
    check(count > 0);
    if (batches[0].base_offset < s->end) /* ev.shm says so, and others write it */
        return fail(EVL_ERR_INTERNAL, "offset %" PRId64 " is in %020" PRId64 ".log already",
                    batches[0].base_offset, s->base);
    enum evl_error err = io_write_all(s->io, s->file, bytes, count, position, &put);
    if (err)
        return err;
    for (int i = 0; i < count; i++) {
        segment_note(s, &batches[i], position);
        err = segment_index(s, &batches[i], position, interval);
        if (err)
            return err;
        position += batches[i].size;
    }
    return EVL_OK;
}

enum evl_error segment_seal(struct segment *s)
{
    enum evl_error err = segment_indexes(s);
    if (!err)
        err = segment_index_time(s);
    if (!err) /* a dead writer may have left half an entry */
        err = index_cut(&s->offsets, s->offsets.count);
    return err ? err : index_cut(&s->times, s->times.count);
}

enum evl_error segment_sync_indexes(struct segment *s)
{
    enum evl_error err = segment_indexes(s);
    if (!err)
        err = io_sync(s->io, s->offsets.file);
    if (!err)
        err = io_sync(s->io, s->times.file);
    return err ? failed(err, "%020" PRId64 ".log", s->base) : EVL_OK;
}

enum evl_error segment_cut_aborted(const struct segment *s, int64_t end)
{
    char path[PATH_MAX];
    enum evl_error err = segment_path(s->dir, s->base, "txnindex", path);
    return err ? err : aborted_cut(s->io, path, end);
}

enum evl_error segment_cut(struct segment *s, int64_t position, int64_t end)
{
    int64_t size;
    enum evl_error err = io_size(s->io, s->file, &size);
    if (!err && size != position) /* ext4 writes out all of a file that was once cut to nothing */
        err = io_truncate(s->io, s->file, position);
    if (!err)
        err = segment_indexes(s);
    if (!err)
        err = index_cut_values(&s->offsets, position);
    while (!err && s->times.count > 0) {
        struct index_entry last;
        err = index_get(&s->times, s->times.count - 1, &last);
        if (!err && s->base + last.value < end)
            break;
        if (!err)
            err = index_cut(&s->times, s->times.count - 1);
    }
    if (!err)
        err = segment_cut_aborted(s, end);
    return err ? err : segment_resume(s, position, end);
}

/* ---- finding ------------------------------------------------------------- */

/* Where the index says that a batch begins, if there is one whose last offset
 * is what the index says; else the start. */
static enum evl_error segment_trust(struct segment *s, const struct index_entry *entry,
                                    int64_t limit, int64_t *position)
{
    struct batch batch;
    enum scan_found found;
    *position = 0;
    if (entry->value < 0 || entry->value >= limit)
        return EVL_OK;
    enum evl_error err = segment_head(s, entry->value, limit, &batch, &found);
    if (!err && found == SCAN_BATCH && batch.last_offset == s->base + entry->key)
        *position = entry->value;
    return err;
}

/* Walk on from a position to the first batch that ends at `offset` or later. */
static enum evl_error segment_walk_to(struct segment *s, int64_t offset, int64_t limit,
                                      int64_t *position)
{
    struct scan scan = { 0 };
    struct batch batch;
    struct evl_bytes bytes;
    enum scan_found found;
    enum evl_error err;
    scan_begin(&scan, s->io, s->file, *position, limit, SCAN_STEP_HEADS);
    for (;;) {
        *position = scan.at;
        err = scan_next(&scan, SCAN_HEADS, &batch, &bytes, &found);
        if (err || found != SCAN_BATCH || batch.last_offset >= offset)
            break; /* damage is for the reader to meet */
    }
    scan_release(&scan);
    return err;
}

enum evl_error segment_find(struct segment *s, int64_t offset, int64_t limit, int64_t *position)
{
    struct index_entry entry;
    bool found;
    int64_t from = 0;
    if (offset <= s->base) {
        *position = 0;
        return EVL_OK;
    }
    enum evl_error err = segment_indexes(s);
    if (!err)
        err = index_find(&s->offsets, offset - s->base, &entry, &found);
    if (err == EVL_ERR_CORRUPT) { /* it is a hint; a writer may be cutting it just now */
        found = false;
        err = EVL_OK;
    }
    if (!err && found)
        err = segment_trust(s, &entry, limit, &from);
    if (!err)
        err = segment_walk_to(s, offset, limit, &from);
    if (!err)
        *position = from;
    return err;
}

enum evl_error segment_find_time(struct segment *s, int64_t ms, int64_t limit, int64_t *position)
{
    struct index_entry entry;
    bool found;
    enum evl_error err = segment_indexes(s);
    if (!err)
        err = index_find(&s->times, ms, &entry, &found);
    if (err)
        return err;
    return segment_find(s, found ? s->base + entry.value : s->base, limit, position);
}

enum evl_error segment_newest(struct segment *s, int64_t *ms)
{
    struct index_entry entry;
    enum evl_error err = segment_indexes(s);
    if (err)
        return err;
    if (s->times.count == 0) {
        *ms = EVL_NO_TIMESTAMP;
        return EVL_OK;
    }
    err = index_get(&s->times, s->times.count - 1, &entry);
    if (!err)
        *ms = entry.key;
    return err;
}

enum evl_error segment_newest_batch(struct segment *s, int64_t limit, int64_t end, int64_t *ms)
{
    struct scan scan = { 0 };
    struct batch batch;
    struct evl_bytes bytes;
    enum scan_found found;
    int64_t newest = EVL_NO_TIMESTAMP;
    int64_t from = 0;
    int64_t next = s->base;
    struct index_entry last;
    enum evl_error err = segment_newest(s, &newest);
    if (!err && s->offsets.count > 0) {
        err = index_get(&s->offsets, s->offsets.count - 1, &last);
        if (!err)
            err = segment_trust(s, &last, limit, &from);
    }
    scan_begin(&scan, s->io, s->file, from, limit, SCAN_STEP_HEADS);
    while (!err && !(err = scan_next(&scan, SCAN_WHOLE, &batch, &bytes, &found)) &&
           found == SCAN_BATCH && batch.base_offset >= next && batch.base_offset < end) {
        next = batch.last_offset + 1;
        if (batch.max_timestamp > newest)
            newest = batch.max_timestamp;
    }
    if (!err && found != SCAN_END && next < end) /* the next one would begin at `end` */
        err = fail(EVL_ERR_CORRUPT, "damaged: %020" PRId64 ".log, byte %" PRId64, s->base, scan.at);
    scan_release(&scan);
    if (!err)
        *ms = newest;
    return err;
}
