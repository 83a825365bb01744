/* lanes.c - batches into logs, logs onto the disk. */
#include "place/lanes.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/memory.h"
#include "log/replay.h"
#include "log/upkeep.h"

enum {
    UNSYNCED_BYTES = 64 << 20, /* how far appending may run ahead of syncing */
    LANES_OPEN = 256,          /* with more lanes, a log closes its files after each batch */
};

/* A batch that is to be acknowledged once what lies before `end` is synced. */
struct shipped {
    int64_t end, records, bytes;
};

/* A record whose acknowledgement somebody waits for. */
struct waiting {
    int64_t offset, timestamp;
};

/* ---- opening ------------------------------------------------------------- */

enum evl_error lanes_open(struct lanes *l, struct directory *directory, struct io *io,
                          const char *topic, int32_t partitions,
                          const struct evl_producer_options *options)
{
    const char *path = directory_path(directory);
    l->directory = directory;
    l->io = io;
    l->topic = topic;
    l->o = options;
    l->count = partitions;
    l->expected = options->expects_offset ? options->expected_offset : -1;
    l->at = memory_take((size_t)partitions, sizeof *l->at);
    l->used = memory_take((size_t)partitions, sizeof *l->used);
    enum evl_error err = share_open(io, path, true, &l->flying);
    return err ? err : share_open(io, path, true, &l->syncing);
}

static void lane_release(struct lane *lane)
{
    log_close(lane->log);
    log_close(lane->syncer);
    batch_writer_release(&lane->open);
    buf_release(&lane->stamps);
    buf_release(&lane->shipped);
    buf_release(&lane->waiting);
}

static void flight_release(struct flight *f)
{
    batch_writer_release(&f->writer);
    buf_release(&f->copy);
    buf_release(&f->stamps);
}

void lanes_close(struct lanes *l)
{
    io_work_end(l->io, &l->flight.work);
    io_work_end(l->io, &l->sync);
    for (int32_t i = 0; i < l->used_count; i++) {
        struct lane *lane = &l->at[l->used[i]];
        if (!l->failed)
            upkeep_maybe(lane->log);
        lane_release(lane);
    }
    flight_release(&l->flight);
    share_close(l->flying);
    share_close(l->syncing);
    memory_free(l->at);
    memory_free(l->used);
}

static enum evl_error lane_open(struct lanes *l, struct lane *lane, int32_t partition)
{
    lane->partition = partition;
    enum evl_error err = lanes_land(l); /* the directory is looked at, and ev.shm may grow */
    if (!err)
        err = directory_log(l->directory, l->topic, partition, l->flying, &lane->log);
    if (!err)
        err = directory_log(l->directory, l->topic, partition, l->syncing, &lane->syncer);
    if (err) {
        log_close(lane->log);
        lane->log = NULL;
        return lanes_fail(l, err);
    }
    batch_begin(&lane->open);
    l->used[l->used_count++] = partition;
    return EVL_OK;
}

enum evl_error lanes_lane(struct lanes *l, int32_t partition, struct lane **lane)
{
    *lane = &l->at[partition];
    return (*lane)->log ? EVL_OK : lane_open(l, *lane, partition);
}

void lanes_configure(struct lanes *l, const struct topic_config *config)
{
    for (int32_t i = 0; i < l->used_count; i++)
        log_configure(l->at[l->used[i]].log, config);
}

/* ---- acknowledging ------------------------------------------------------- */

static void buffer_drop(struct evl_buffer *b, size_t bytes)
{
    b->count -= bytes;
    if (bytes > 0 && b->count > 0)
        memmove(b->at, b->at + bytes, b->count);
}

static void lane_receipts(struct lanes *l, struct lane *lane, int64_t before)
{
    const struct waiting *waiting = (const struct waiting *)(const void *)lane->waiting.at;
    size_t count = lane->waiting.count / sizeof *waiting;
    size_t i = 0;
    for (; i < count && waiting[i].offset < before; i++) {
        struct evl_receipt receipt = { l->topic, lane->partition, waiting[i].offset,
                                       waiting[i].timestamp };
        l->o->acknowledged(l->o->context, &receipt);
    }
    buffer_drop(&lane->waiting, i * sizeof *waiting);
}

/* The promise is kept for what lies before this offset. */
static void lane_acknowledge(struct lanes *l, struct lane *lane, int64_t before)
{
    const struct shipped *shipped = (const struct shipped *)(const void *)lane->shipped.at;
    size_t count = lane->shipped.count / sizeof *shipped;
    size_t i = 0;
    for (; i < count && shipped[i].end <= before; i++) {
        l->done.records += shipped[i].records;
        l->done.bytes += shipped[i].bytes;
    }
    if (i > 0 && !lane->was_used)
        l->done.partitions++;
    lane->was_used = lane->was_used || i > 0;
    buffer_drop(&lane->shipped, i * sizeof *shipped);
    lane_receipts(l, lane, before);
}

/* ---- flying -------------------------------------------------------------- */

/* Perhaps on the thread aside. */
static enum evl_error flight_run(void *context)
{
    struct flight *f = context;
    int done;
    if (!f->sealed.at) {
        uint8_t *bytes;
        size_t size;
        enum evl_error err = batch_finish(&f->writer, &f->seal, &bytes, &size);
        if (err)
            return err;
        f->sealed = evl_bytes(bytes, size);
    }
    return log_append_at(f->lane->log, f->expected, &f->sealed, 1, f->shown, &f->place, &done,
                         &f->promise);
}

/* It waits for its acknowledgement; and its records, if somebody wants to know. */
static void flight_wait_for(const struct flight *f)
{
    struct shipped shipped = { f->place.base_offset + f->count, f->count, f->bytes };
    buf_add(&f->lane->shipped, &shipped, sizeof shipped);
    const int64_t *stamps = (const int64_t *)(const void *)f->stamps.at;
    size_t count = f->stamps.count / sizeof *stamps;
    for (size_t i = 0; i < count; i++) {
        struct waiting w = { f->place.base_offset + (int64_t)i, stamps[i] };
        if (f->place.append_time != EVL_NO_TIMESTAMP)
            w.timestamp = f->place.append_time;
        buf_add(&f->lane->waiting, &w, sizeof w);
    }
}

/* Whether a repair has cut the log since the lane's last append, with some of it
 * not acknowledged yet: others may have its offsets now. */
static bool lane_is_cut(const struct lane *lane, const struct log_promise *promise)
{
    return lane->shipped.count > 0 && lane->promise.cuts != promise->cuts;
}

/* It lies in the log, and records that came before it do not: acknowledging it
 * would tell whoever counts receipts that those are there. */
static enum evl_error flight_after_cut(struct lanes *l)
{
    struct lane *lane = l->flight.lane;
    l->flight.lane = NULL;
    lane->is_dirty = false;
    buf_clear(&lane->shipped);
    buf_clear(&lane->waiting);
    return lanes_fail(l, fail(EVL_ERR_IO,
                              "%s-%" PRId32
                              ": records were cut off by a repair before they were synced",
                              l->topic, lane->partition));
}

/* It has arrived in the log. */
static enum evl_error flight_end(struct lanes *l)
{
    struct flight *f = &l->flight;
    struct lane *lane = f->lane;
    flight_wait_for(f);
    f->lane = NULL;
    if (l->used_count > LANES_OPEN)
        log_rest(lane->log);
    if (l->shown) {
        lane_acknowledge(l, lane, INT64_MAX);
        return EVL_OK;
    }
    lane->promise = f->promise;
    lane->is_dirty = true;
    l->unsynced += (int64_t)f->sealed.count;
    return lanes_follow(l);
}

static enum evl_error flight_arrive(struct lanes *l, enum evl_error err)
{
    struct flight *f = &l->flight;
    if (err) {
        f->lane = NULL;
        return lanes_fail(l, err);
    }
    return lane_is_cut(f->lane, &f->promise) ? flight_after_cut(l) : flight_end(l);
}

enum evl_error lanes_land(struct lanes *l)
{
    if (l->failed)
        return lanes_fail(l, l->failed);
    if (!l->flight.lane)
        return EVL_OK;
    return flight_arrive(l, io_work_wait(l->io, &l->flight.work));
}

static enum evl_error flight_begin(struct lanes *l, bool aside)
{
    l->flight.expected = l->expected;
    l->expected = -1;
    if (!aside)
        return flight_arrive(l, flight_run(&l->flight));
    io_work_start(l->io, &l->flight.work, flight_run, &l->flight);
    return EVL_OK;
}

static void buffer_swap(struct evl_buffer *a, struct evl_buffer *b)
{
    struct evl_buffer kept = *a;
    *a = *b;
    *b = kept;
}

enum evl_error lanes_ship(struct lanes *l, struct lane *lane, const struct batch_seal *seal,
                          bool aside)
{
    struct flight *f = &l->flight;
    check(!f->lane && lane->open.count > 0);
    struct batch_writer filled = lane->open;
    lane->open = f->writer;
    f->writer = filled;
    f->lane = lane;
    f->sealed = evl_bytes(NULL, 0);
    f->seal = *seal;
    f->count = filled.count;
    f->bytes = lane->open_bytes;
    f->shown = l->shown;
    buffer_swap(&f->stamps, &lane->stamps);
    buf_clear(&lane->stamps);
    batch_begin(&lane->open);
    lane->open_bytes = 0;
    return flight_begin(l, aside);
}

enum evl_error lanes_ship_sealed(struct lanes *l, struct lane *lane, struct evl_bytes batch,
                                 int32_t count, int64_t now)
{
    struct flight *f = &l->flight;
    check(!f->lane && lane->open.count == 0);
    buf_clear(&f->copy);
    buf_add(&f->copy, batch.at, batch.count);
    buf_clear(&f->stamps);
    for (int32_t i = 0; l->o->acknowledged && i < count; i++)
        buf_add(&f->stamps, &now, sizeof now);
    f->lane = lane;
    f->sealed = buf_bytes(&f->copy);
    f->count = count;
    f->bytes = (int64_t)batch.count - BATCH_HEAD;
    f->shown = l->shown;
    return flight_begin(l, false);
}

/* ---- syncing ------------------------------------------------------------- */

/* On the syncing thread.  One lane's failure is not another's. */
static enum evl_error lanes_sync(void *context)
{
    struct lanes *l = context;
    enum evl_error first = EVL_OK;
    struct fault kept;
    for (int32_t i = 0; i < l->sync_count; i++) {
        struct lane *lane = &l->at[l->used[i]];
        if (!lane->in_sync)
            continue;
        enum evl_error err = log_sync(lane->syncer, &lane->syncing);
        lane->is_synced = !err;
        if (err && !first)
            fault_keep(&kept);
        if (!first)
            first = err;
    }
    return first ? fault_again(first, &kept) : EVL_OK;
}

/* What is to be synced now; false if nothing is. */
static bool sync_gather(struct lanes *l)
{
    bool any = false;
    for (int32_t i = 0; i < l->used_count; i++) {
        struct lane *lane = &l->at[l->used[i]];
        lane->in_sync = lane->is_dirty;
        if (!lane->is_dirty)
            continue;
        any = true;
        lane->is_dirty = false;
        lane->syncing = lane->promise;
    }
    l->unsynced = 0;
    l->sync_count = l->used_count;
    return any;
}

static void lanes_start_sync(struct lanes *l)
{
    if (!l->sync.busy && !l->failed && sync_gather(l))
        io_work_start(l->io, &l->sync, lanes_sync, l);
}

/* A sync has ended so: what is on the disk is acknowledged, though more of it
 * was to be. */
static enum evl_error sync_end(struct lanes *l, enum evl_error err)
{
    for (int32_t i = 0; i < l->used_count; i++) {
        struct lane *lane = &l->at[l->used[i]];
        const struct log_promise *promise = &lane->syncing;
        if (!lane->in_sync)
            continue;
        lane->in_sync = false;
        lane_acknowledge(l, lane,
                         lane->is_synced ? promise->end : log_synced(lane->syncer, promise));
        if (!err)
            err = replay_checkpoint(lane->log, false);
    }
    return err;
}

/* The thread has come back. */
static enum evl_error lanes_synced(struct lanes *l)
{
    enum evl_error err = sync_end(l, io_work_wait(l->io, &l->sync));
    return err ? lanes_fail(l, err) : EVL_OK;
}

/* What was appended before a failure stays in its log, and is acknowledged where
 * it can be synced: who asks how far it came gets the number of what is there. */
static void lanes_salvage(struct lanes *l)
{
    if (l->sync.busy)
        (void)sync_end(l, io_work_wait(l->io, &l->sync));
    if (sync_gather(l))
        (void)sync_end(l, lanes_sync(l));
}

enum evl_error lanes_fail(struct lanes *l, enum evl_error err)
{
    if (!l->failed) {
        l->failed = err;
        fault_keep(&l->fault);
        lanes_salvage(l);
    }
    return fault_again(l->failed, &l->fault);
}

enum evl_error lanes_follow(struct lanes *l)
{
    enum evl_error err = EVL_OK;
    if (l->sync.busy && (l->unsynced > UNSYNCED_BYTES || io_work_done(l->io, &l->sync)))
        err = lanes_synced(l);
    if (!err)
        lanes_start_sync(l);
    return err;
}

enum evl_error lanes_settle(struct lanes *l)
{
    enum evl_error err = lanes_land(l);
    while (!err && l->sync.busy) { /* twice at most: one under way, one for the rest */
        err = lanes_synced(l);
        if (!err)
            lanes_start_sync(l);
    }
    for (int32_t i = 0; i < l->used_count && !err; i++)
        upkeep_soon(l->at[l->used[i]].log); /* nobody waits for an acknowledgement now */
    return err;
}

void lanes_drop(struct lanes *l)
{
    for (int32_t i = 0; i < l->used_count; i++) {
        struct lane *lane = &l->at[l->used[i]];
        batch_begin(&lane->open);
        buf_clear(&lane->stamps);
        lane->open_bytes = 0;
    }
}

bool lanes_are_settled(const struct lanes *l)
{
    bool settled = !l->failed && !l->flight.lane && !l->sync.busy;
    for (int32_t i = 0; i < l->used_count; i++)
        settled = settled && l->at[l->used[i]].open.count == 0 && !l->at[l->used[i]].is_dirty;
    return settled;
}
