/* producers.c - a sorted table by producer id.
 *
 * Partitions have few producers, and the same one many times in a row: the
 * table is an array, sorted, with the last one found tried first. */
#include "log/producers.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/plant.h"
#include "io/io_file.h"
#include "record/marker.h"

enum {
    KEPT_BATCHES = 5, /* a client has five requests under way at the most */
    SNAPSHOT_HEAD = 10,
    SNAPSHOT_ENTRY = 46,
    SNAPSHOT_BYTES_MAX = 256 << 20,
};

struct kept {
    int32_t first_sequence, last_sequence;
    int64_t base_offset, last_offset;
};

struct producer {
    int64_t id;
    int16_t epoch;
    int32_t coordinator_epoch;
    int64_t timestamp;
    int64_t transaction; /* its first offset; -1: none open */
    int kept_count;
    struct kept kept[KEPT_BATCHES]; /* newest last */
};

struct producers {
    struct producer *at;
    size_t count, room;
};

struct producers *producers_create(void) { return memory_take(1, sizeof(struct producers)); }

void producers_destroy(struct producers *p)
{
    if (!p)
        return;
    memory_free(p->at);
    memory_free(p);
}

void producers_clear(struct producers *p) { p->count = 0; }

size_t producers_count(const struct producers *p) { return p->count; }

struct producer_facts producers_at(const struct producers *p, size_t i)
{
    const struct producer *producer = &p->at[i];
    int last = producer->kept_count - 1;
    return (struct producer_facts){
        .id = producer->id,
        .epoch = producer->epoch,
        .coordinator_epoch = producer->coordinator_epoch,
        .last_sequence = last < 0 ? -1 : producer->kept[last].last_sequence,
        .last_timestamp = producer->timestamp,
        .transaction = producer->transaction,
    };
}

/* ---- the table ----------------------------------------------------------- */

/* Where this id is, or would be. */
static size_t producers_place(const struct producers *p, int64_t id)
{
    size_t low = 0;
    size_t high = p->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->at[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct producer *producers_find(const struct producers *p, int64_t id)
{
    size_t at = producers_place(p, id);
    return at < p->count && p->at[at].id == id ? &p->at[at] : NULL;
}

static struct producer *producers_take(struct producers *p, int64_t id, int16_t epoch)
{
    size_t at = producers_place(p, id);
    if (at < p->count && p->at[at].id == id)
        return &p->at[at];
    if (p->count == p->room) {
        p->room = p->room ? 2 * p->room : 16;
        p->at = memory_grow(p->at, p->room, sizeof *p->at);
    }
    memmove(p->at + at + 1, p->at + at, (p->count - at) * sizeof *p->at);
    p->count++;
    p->at[at] = (struct producer){
        .id = id, .epoch = epoch, .coordinator_epoch = -1, .timestamp = -1, .transaction = -1
    };
    return &p->at[at];
}

/* ---- sequences ----------------------------------------------------------- */

/* Sequence numbers go round: after the largest int32 comes zero. */
static int32_t sequence_add(int32_t sequence, int32_t count)
{
    return (int32_t)(((int64_t)sequence + count) & INT32_MAX);
}

static int32_t batch_last_sequence(const struct batch *b)
{
    return sequence_add(b->base_sequence, (int32_t)(b->last_offset - b->base_offset));
}

static const struct kept *producer_repeats(const struct producer *r, const struct batch *b)
{
    for (int i = 0; i < r->kept_count; i++)
        if (r->kept[i].first_sequence == b->base_sequence &&
            r->kept[i].last_sequence == batch_last_sequence(b))
            return &r->kept[i];
    return NULL;
}

static enum evl_error sequence_wrong(const struct batch *b, int32_t expected)
{
    return fail(EVL_ERR_SEQUENCE,
                "producer %" PRId64 " sent sequence %" PRId32 " where %" PRId32 " is next",
                b->producer_id, b->base_sequence, expected);
}

enum evl_error producers_check(const struct producers *p, const struct batch *batch, int64_t *known)
{
    *known = -1;
    const struct producer *r =
        batch->producer_id < 0 ? NULL : producers_find(p, batch->producer_id);
    if (!r)
        return EVL_OK; /* new here, or forgotten: any sequence may be its first */
    if (batch->producer_epoch < r->epoch && !planted(UNFENCED))
        return fail(EVL_ERR_FENCED, "producer %" PRId64 " of epoch %d was replaced by epoch %d",
                    batch->producer_id, batch->producer_epoch, r->epoch);
    if (batch->base_sequence < 0)
        return EVL_OK; /* a coordinator's, on a producer's behalf: it numbers none */
    if (batch->producer_epoch > r->epoch)
        return batch->base_sequence == 0 ? EVL_OK : sequence_wrong(batch, 0);
    if (r->kept_count == 0)
        return EVL_OK; /* only a marker was seen of it */
    const struct kept *same = producer_repeats(r, batch);
    if (same) {
        *known = same->base_offset;
        return EVL_OK;
    }
    int32_t next = sequence_add(r->kept[r->kept_count - 1].last_sequence, 1);
    return batch->base_sequence == next ? EVL_OK : sequence_wrong(batch, next);
}

static void producer_keep(struct producer *r, const struct batch *b)
{
    if (r->kept_count == KEPT_BATCHES) {
        memmove(r->kept, r->kept + 1, (KEPT_BATCHES - 1) * sizeof r->kept[0]);
        r->kept_count--;
    }
    r->kept[r->kept_count++] =
        (struct kept){ b->base_sequence, batch_last_sequence(b), b->base_offset, b->last_offset };
}

/* ---- replaying ----------------------------------------------------------- */

/* A producer's transaction was decided. */
static void producer_end(struct producer *r, const struct batch *batch, const struct marker *marker)
{
    if (batch->producer_epoch > r->epoch)
        r->kept_count = 0;
    r->epoch = batch->producer_epoch;
    r->transaction = -1;
    r->timestamp = batch->max_timestamp;
    if (marker->coordinator_epoch >= 0)
        r->coordinator_epoch = marker->coordinator_epoch;
}

/* The marker in a control batch; *ends is false if it is none. */
static enum evl_error control_read(struct evl_bytes bytes, struct marker *marker, bool *ends)
{
    struct batch_reader reader = { 0 };
    struct evl_record record;
    bool more = false;
    enum evl_error err = batch_open(&reader, bytes, bytes.count);
    if (!err)
        err = batch_next(&reader, &record, &more);
    *ends = !err && more && marker_read(&record, marker);
    batch_reader_release(&reader);
    return err;
}

static enum evl_error producers_end(struct producers *p, const struct batch *batch,
                                    struct evl_bytes bytes)
{
    struct marker marker;
    bool ends;
    enum evl_error err = control_read(bytes, &marker, &ends);
    if (!err && ends)
        producer_end(producers_take(p, batch->producer_id, batch->producer_epoch), batch, &marker);
    return err;
}

enum evl_error producers_note(struct producers *p, const struct batch *batch,
                              struct evl_bytes bytes)
{
    if (batch->producer_id < 0)
        return EVL_OK;
    if (batch->attributes & BATCH_CONTROL)
        return producers_end(p, batch, bytes);
    struct producer *r = producers_take(p, batch->producer_id, batch->producer_epoch);
    if (batch->producer_epoch != r->epoch)
        r->kept_count = 0;
    r->epoch = batch->producer_epoch;
    r->timestamp = batch->max_timestamp;
    if (batch->base_sequence >= 0)
        producer_keep(r, batch);
    if (batch->attributes & BATCH_TRANSACTIONAL && r->transaction < 0)
        r->transaction = batch->base_offset;
    return EVL_OK;
}

/* The producer with the oldest open transaction, but for `other`. */
static const struct producer *producers_oldest(const struct producers *p, int64_t other)
{
    const struct producer *oldest = NULL;
    for (size_t i = 0; i < p->count; i++)
        if (p->at[i].transaction >= 0 && p->at[i].id != other &&
            (!oldest || p->at[i].transaction < oldest->transaction))
            oldest = &p->at[i];
    return oldest;
}

int64_t producers_first_open(const struct producers *p)
{
    const struct producer *oldest = producers_oldest(p, -1);
    return oldest ? oldest->transaction : -1;
}

int64_t producers_first_open_id(const struct producers *p)
{
    const struct producer *oldest = producers_oldest(p, -1);
    return oldest ? oldest->id : -1;
}

enum evl_error producers_see_abort(const struct producers *p, const struct batch *batch,
                                   struct evl_bytes bytes, bool *aborts, int64_t *first,
                                   int64_t *stable)
{
    struct marker marker;
    bool ends = false;
    *aborts = false;
    const struct producer *r = producers_find(p, batch->producer_id);
    if (!r || r->transaction < 0 || !(batch->attributes & BATCH_CONTROL))
        return EVL_OK;
    enum evl_error err = control_read(bytes, &marker, &ends);
    if (err || !ends || marker.commit)
        return err;
    const struct producer *oldest = producers_oldest(p, r->id);
    *aborts = true;
    *first = r->transaction;
    *stable = oldest ? oldest->transaction : -1;
    return EVL_OK;
}

bool producers_want_marker(const struct producers *p, int64_t id, int16_t epoch)
{
    const struct producer *r = producers_find(p, id);
    return !r || r->epoch < epoch;
}

bool producers_hold(const struct producers *p, const struct batch *batch)
{
    const struct producer *r =
        batch->producer_id < 0 ? NULL : producers_find(p, batch->producer_id);
    if (!r)
        return false;
    if (r->kept_count > 0)
        return r->kept[r->kept_count - 1].last_offset == batch->last_offset;
    return batch->attributes & BATCH_CONTROL && r->epoch == batch->producer_epoch;
}

void producers_expire(struct producers *p, int64_t before_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++)
        if (p->at[i].transaction >= 0 || p->at[i].timestamp >= before_ms)
            p->at[kept++] = p->at[i];
    p->count = kept;
}

/* ---- snapshots ----------------------------------------------------------- */

static void producer_encode(const struct producer *r, uint8_t *at)
{
    const struct kept *last = r->kept_count ? &r->kept[r->kept_count - 1] : NULL;
    put_i64(at, r->id);
    put_i16(at + 8, r->epoch);
    put_i32(at + 10, last ? last->last_sequence : -1);
    put_i64(at + 14, last ? last->last_offset : -1);
    put_i32(at + 22, last ? (int32_t)(last->last_offset - last->base_offset) : 0);
    put_i64(at + 26, r->timestamp);
    put_i32(at + 34, r->coordinator_epoch);
    put_i64(at + 38, r->transaction);
}

static void producer_decode(struct producers *p, const uint8_t *at)
{
    struct producer *r = producers_take(p, get_i64(at), get_i16(at + 8));
    int32_t last_sequence = get_i32(at + 10);
    int64_t last_offset = get_i64(at + 14);
    int32_t delta = get_i32(at + 22);
    r->timestamp = get_i64(at + 26);
    r->coordinator_epoch = get_i32(at + 34);
    r->transaction = get_i64(at + 38);
    if (last_sequence < 0)
        return;
    r->kept_count = 1;
    r->kept[0] = (struct kept){ sequence_add(last_sequence, -delta), last_sequence,
                                last_offset - delta, last_offset };
}

enum evl_error producers_store(const struct producers *p, struct io *io, const char *dir,
                               int64_t offset)
{
    char name[40];
    struct evl_buffer bytes = { 0 };
    size_t size = SNAPSHOT_HEAD + p->count * SNAPSHOT_ENTRY;
    uint8_t *at = buf_room(&bytes, size);
    bytes.count = size;
    put_i16(at, 1);
    put_i32(at + 6, (int32_t)p->count);
    for (size_t i = 0; i < p->count; i++)
        producer_encode(&p->at[i], at + SNAPSHOT_HEAD + i * SNAPSHOT_ENTRY);
    put_u32(at + 2, crc32c(0, at + 6, size - 6));
    snprintf(name, sizeof name, "%020" PRId64 ".snapshot", offset);
    enum evl_error err = io_file_replace(io, dir, name, buf_bytes(&bytes));
    buf_release(&bytes);
    return err;
}

static enum evl_error snapshot_check(struct evl_bytes bytes, const char *path)
{
    if (bytes.count < SNAPSHOT_HEAD || get_i16(bytes.at) != 1)
        return fail(EVL_ERR_CORRUPT, "%s: not a producer snapshot of version 1", path);
    int32_t count = get_i32(bytes.at + 6);
    if (count < 0 || bytes.count != SNAPSHOT_HEAD + (size_t)count * SNAPSHOT_ENTRY)
        return fail(EVL_ERR_CORRUPT, "%s: %zu bytes do not hold %" PRId32 " producers", path,
                    bytes.count, count);
    if (get_u32(bytes.at + 2) != crc32c(0, bytes.at + 6, bytes.count - 6))
        return fail(EVL_ERR_CORRUPT, "%s: checksum differs", path);
    return EVL_OK;
}

enum evl_error producers_load(struct producers *p, struct io *io, const char *dir, int64_t offset)
{
    char path[PATH_MAX];
    struct evl_buffer bytes = { 0 };
    if (snprintf(path, sizeof path, "%s/%020" PRId64 ".snapshot", dir, offset) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s: name too long", dir);
    enum evl_error err = io_file_read(io, path, SNAPSHOT_BYTES_MAX, &bytes);
    if (!err)
        err = snapshot_check(buf_bytes(&bytes), path);
    if (!err) {
        producers_clear(p);
        for (size_t at = SNAPSHOT_HEAD; at < bytes.count; at += SNAPSHOT_ENTRY)
            producer_decode(p, bytes.at + at);
    }
    buf_release(&bytes);
    return err;
}
