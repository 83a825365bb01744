/* producer.c - records into batches, batches into logs, logs onto the disk.
 *
 * Each partition written to is a lane with one open batch.  A full batch goes
 * to its log at once; its sync follows on a thread aside, which always takes
 * all that was appended since it began the last one (group commit: no timer,
 * and under load each sync covers more).
 *
 * (1) A record is acknowledged when its lane's promise was kept, or at its
 *     append with flush=os; receipts come in the order of offsets.
 * (2) While the thread works it owns lane->syncer and lane->syncing, nothing
 *     else. */
#include <evl/producer.h>

#include <inttypes.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/plant.h"
#include "log/replay.h"
#include "log/upkeep.h"
#include "place/place.h"
#include "record/compress.h"
#include "record/partitioner.h"

enum {
    BATCH_BYTES = 256 << 10,   /* fits the second level cache with its copy */
    UNSYNCED_BYTES = 64 << 20, /* how far appending may run ahead of syncing */
    CLOCK_EVERY = 32,          /* records between looks at the clock */
    LANES_OPEN = 256,          /* with more lanes, a log closes its files after each batch */
    OPEN_BYTES_ALL = 32 << 20, /* what all open batches may hold together, */
    OPEN_BYTES_MIN = 4 << 10,  /* and each of them in any case */
};

/* A record whose acknowledgement somebody waits for. */
struct waiting {
    int64_t offset, timestamp;
};

struct lane {
    struct log *log;
    struct log *syncer; /* the same log, of the thread aside */
    struct batch_writer open;
    int64_t open_bytes;        /* keys and values in the open batch */
    struct evl_buffer stamps;  /* int64_t: their timestamps, if receipts are wanted */
    struct evl_buffer waiting; /* struct waiting: appended, not acknowledged */
    int64_t records, bytes;    /* appended, not acknowledged */
    int64_t syncing_records, syncing_bytes;
    struct log_promise promise, syncing;
    bool is_dirty; /* the promise is to be kept */
    bool in_sync;  /* the thread is at it */
    bool was_used;
};

struct evl_producer {
    struct evl_place *place;
    struct evl_producer_options o;
    char *topic;
    struct uuid id;
    struct topic_config config;
    enum evl_codec codec;
    bool shown; /* flush=os */
    struct lane *lanes;
    int32_t count;
    int32_t *used; /* lanes that were opened */
    int32_t used_count;
    int32_t sticky;
    int64_t now; /* milliseconds */
    uint32_t sent;
    size_t batch_bytes;
    uint64_t version; /* of the directory, when `config` was read */
    int64_t unsynced;
    struct share *share; /* of the thread aside */
    struct io_work work;
    enum evl_error failed;
    struct fault fault; /* of `failed` */
    struct evl_producer_count done;
};

/* ---- opening ------------------------------------------------------------- */

static enum evl_error producer_topic(struct evl_producer *p)
{
    struct directory *d = p->place->directory;
    struct directory_topic topic;
    enum evl_error err = directory_refresh(d);
    if (!err)
        err = directory_topic(d, p->topic, &topic);
    if (err == EVL_ERR_NOT_FOUND && p->o.create) {
        int32_t partitions = p->o.create_partitions > 0 ? p->o.create_partitions : 1;
        err = directory_create(d, p->topic, partitions, NULL, 0, false);
        if (!err && p->o.created)
            *p->o.created = true;
        if (err == EVL_ERR_EXISTS) /* somebody was faster */
            err = EVL_OK;
        if (!err)
            err = directory_topic(d, p->topic, &topic);
    }
    if (err)
        return err;
    p->count = topic.partitions;
    p->id = topic.id;
    p->config = *topic.config;
    p->version = directory_version(d);
    return EVL_OK;
}

/* What the topic's compression.type makes of the codec asked for. */
static enum evl_codec producer_codec(const struct evl_producer *p)
{
    switch ((enum config_compression)p->config.compression_type) {
    case COMPRESSION_UNCOMPRESSED: return EVL_CODEC_NONE;
    case COMPRESSION_ZSTD: return EVL_CODEC_ZSTD;
    case COMPRESSION_LZ4: return EVL_CODEC_LZ4;
    case COMPRESSION_SNAPPY: return EVL_CODEC_SNAPPY;
    case COMPRESSION_GZIP: return EVL_CODEC_GZIP;
    case COMPRESSION_PRODUCER: break;
    }
    return p->o.codec;
}

static enum evl_error producer_set_up(struct evl_producer *p)
{
    if (directory_is_foreign(p->place->directory))
        return fail(EVL_ERR_DENIED, "%s was written by Apache Kafka: it can be read, not written",
                    directory_path(p->place->directory));
    if (!directory_is_writable(p->place->directory))
        return fail(EVL_ERR_DENIED, "%s is open for reading only",
                    directory_path(p->place->directory));
    enum evl_error err = producer_topic(p);
    if (err)
        return err;
    p->codec = producer_codec(p);
    if (!evl_codec_usable(p->codec))
        return fail(EVL_ERR_CONFIG, "compression %s was not built in", evl_codec_name(p->codec));
    p->shown = p->o.flush == EVL_FLUSH_OS ||
               (p->o.flush == EVL_FLUSH_TOPIC && p->config.flush == FLUSH_OS);
    p->batch_bytes = p->o.batch_bytes ? p->o.batch_bytes : BATCH_BYTES;
    if ((int64_t)p->batch_bytes > p->config.max_message_bytes)
        p->batch_bytes = (size_t)p->config.max_message_bytes;
    p->lanes = memory_take((size_t)p->count, sizeof *p->lanes);
    p->used = memory_take((size_t)p->count, sizeof *p->used);
    p->sticky = (int32_t)(io_random(p->place->io) % (uint64_t)p->count);
    return share_open(p->place->io, directory_path(p->place->directory), true, &p->share);
}

enum evl_error evl_producer_open(struct evl_place *place,
                                 const struct evl_producer_options *options,
                                 struct evl_producer **producer)
{
    struct evl_producer *p = memory_take(1, sizeof *p);
    p->place = place;
    p->o = *options;
    p->topic = memory_text(options->topic);
    p->o.topic = p->topic;
    enum evl_error err = producer_set_up(p);
    if (err) {
        evl_producer_close(p);
        return err;
    }
    *producer = p;
    return EVL_OK;
}

static void lane_release(struct lane *lane)
{
    log_close(lane->log);
    log_close(lane->syncer);
    batch_writer_release(&lane->open);
    buf_release(&lane->stamps);
    buf_release(&lane->waiting);
}

void evl_producer_close(struct evl_producer *p)
{
    if (!p)
        return;
    io_work_end(p->place->io, &p->work);
    for (int32_t i = 0; i < p->used_count; i++) {
        if (!p->failed)
            upkeep_maybe(p->lanes[p->used[i]].log);
        lane_release(&p->lanes[p->used[i]]);
    }
    share_close(p->share);
    memory_free(p->lanes);
    memory_free(p->used);
    memory_free(p->topic);
    memory_free(p);
}

int32_t evl_producer_partitions(const struct evl_producer *p) { return p->count; }

struct evl_producer_count evl_producer_count(const struct evl_producer *p) { return p->done; }

static enum evl_error producer_fail(struct evl_producer *p, enum evl_error err)
{
    if (!p->failed) {
        p->failed = err;
        fault_keep(&p->fault);
    }
    return fault_again(p->failed, &p->fault);
}

static enum evl_error lane_open(struct evl_producer *p, int32_t partition)
{
    struct lane *lane = &p->lanes[partition];
    struct directory *d = p->place->directory;
    enum evl_error err = directory_log(d, p->topic, partition, NULL, &lane->log);
    if (!err)
        err = directory_log(d, p->topic, partition, p->share, &lane->syncer);
    if (err) {
        log_close(lane->log);
        lane->log = NULL;
        return err;
    }
    batch_begin(&lane->open);
    p->used[p->used_count++] = partition;
    size_t share = OPEN_BYTES_ALL / (size_t)p->used_count;
    if (share < p->batch_bytes)
        p->batch_bytes = share > OPEN_BYTES_MIN ? share : OPEN_BYTES_MIN;
    return EVL_OK;
}

/* ---- acknowledging ------------------------------------------------------- */

static void lane_acknowledge(struct evl_producer *p, int32_t partition, int64_t before)
{
    struct lane *lane = &p->lanes[partition];
    const struct waiting *waiting = (const struct waiting *)(const void *)lane->waiting.at;
    size_t count = lane->waiting.count / sizeof *waiting;
    size_t i = 0;
    for (; i < count && waiting[i].offset < before; i++) {
        struct evl_receipt receipt = { p->topic, partition, waiting[i].offset,
                                       waiting[i].timestamp };
        p->o.acknowledged(p->o.context, &receipt);
    }
    lane->waiting.count -= i * sizeof *waiting;
    if (i > 0 && lane->waiting.count > 0)
        memmove(lane->waiting.at, lane->waiting.at + i * sizeof *waiting, lane->waiting.count);
}

static void lane_count(struct evl_producer *p, struct lane *lane, int64_t records, int64_t bytes)
{
    p->done.records += records;
    p->done.bytes += bytes;
    if (!lane->was_used)
        p->done.partitions++;
    lane->was_used = true;
}

/* ---- syncing ------------------------------------------------------------- */

/* On the thread aside. */
static enum evl_error producer_sync(void *context)
{
    struct evl_producer *p = context;
    enum evl_error first = EVL_OK;
    struct fault kept;
    for (int32_t i = 0; i < p->used_count; i++) {
        struct lane *lane = &p->lanes[p->used[i]];
        if (!lane->in_sync)
            continue;
        enum evl_error err = log_sync(lane->syncer, &lane->syncing);
        if (err && !first)
            fault_keep(&kept);
        if (!first)
            first = err;
    }
    return first ? fault_again(first, &kept) : EVL_OK;
}

static void producer_start_sync(struct evl_producer *p)
{
    bool any = false;
    if (p->work.busy || p->failed)
        return;
    for (int32_t i = 0; i < p->used_count; i++) {
        struct lane *lane = &p->lanes[p->used[i]];
        lane->in_sync = lane->is_dirty;
        if (!lane->is_dirty)
            continue;
        any = true;
        lane->is_dirty = false;
        lane->syncing = lane->promise;
        lane->syncing_records = lane->records;
        lane->syncing_bytes = lane->bytes;
    }
    p->unsynced = 0;
    if (any)
        io_work_start(p->place->io, &p->work, producer_sync, p);
}

/* The thread has come back: what it synced is acknowledged. */
static enum evl_error producer_synced(struct evl_producer *p)
{
    enum evl_error err = io_work_wait(p->place->io, &p->work);
    if (err)
        return producer_fail(p, err);
    for (int32_t i = 0; i < p->used_count; i++) {
        struct lane *lane = &p->lanes[p->used[i]];
        if (!lane->in_sync)
            continue;
        lane->in_sync = false;
        lane_count(p, lane, lane->syncing_records, lane->syncing_bytes);
        lane->records -= lane->syncing_records;
        lane->bytes -= lane->syncing_bytes;
        lane_acknowledge(p, p->used[i], lane->syncing.end);
        err = replay_checkpoint(lane->log, false);
        if (err)
            return producer_fail(p, err);
    }
    return EVL_OK;
}

/* After an append: keep the thread aside busy, but not too far behind. */
static enum evl_error producer_follow(struct evl_producer *p)
{
    enum evl_error err = EVL_OK;
    if (p->work.busy && (p->unsynced > UNSYNCED_BYTES || io_work_done(p->place->io, &p->work)))
        err = producer_synced(p);
    if (!err)
        producer_start_sync(p);
    return err;
}

/* ---- appending ----------------------------------------------------------- */

static void lane_wait_for(struct lane *lane, const struct log_place *place, int32_t count)
{
    const int64_t *stamps = (const int64_t *)(const void *)lane->stamps.at;
    for (int32_t i = 0; i < count; i++) {
        struct waiting w = { place->base_offset + i, stamps[i] };
        if (place->append_time != EVL_NO_TIMESTAMP)
            w.timestamp = place->append_time;
        buf_add(&lane->waiting, &w, sizeof w);
    }
    buf_clear(&lane->stamps);
}

/* Somebody may have changed the topic's settings. */
static enum evl_error producer_refresh(struct evl_producer *p)
{
    struct directory_topic topic;
    struct directory *d = p->place->directory;
    enum evl_error err = directory_refresh(d);
    if (err || directory_version(d) == p->version)
        return err;
    p->version = directory_version(d);
    err = directory_topic(d, p->topic, &topic);
    if (err)
        return err;
    if (!uuid_equal(&topic.id, &p->id))
        return fail(EVL_ERR_NOT_FOUND, "topic %s was removed, and another made under its name",
                    p->topic);
    p->config = *topic.config;
    for (int32_t i = 0; i < p->used_count; i++)
        log_configure(p->lanes[p->used[i]].log, &p->config);
    return EVL_OK;
}

static enum evl_error lane_hand_over(struct evl_producer *p, int32_t partition,
                                     struct evl_bytes batch, int32_t count, int64_t bytes)
{
    struct lane *lane = &p->lanes[partition];
    struct log_place place;
    int done;
    if (!planted(STALE_WRITER)) {
        enum evl_error changed = producer_refresh(p);
        if (changed)
            return producer_fail(p, changed);
    }
    enum evl_error err = log_append(lane->log, &batch, 1, p->shown, &place, &done, &lane->promise);
    if (err)
        return producer_fail(p, err);
    if (p->used_count > LANES_OPEN)
        log_rest(lane->log);
    if (p->o.acknowledged)
        lane_wait_for(lane, &place, count);
    if (p->shown) {
        lane_count(p, lane, count, bytes);
        lane_acknowledge(p, partition, INT64_MAX);
        return EVL_OK;
    }
    lane->records += count;
    lane->bytes += bytes;
    lane->is_dirty = true;
    p->unsynced += (int64_t)batch.count;
    return producer_follow(p);
}

/* Seal the open batch and hand it to its log. */
static enum evl_error lane_seal(struct evl_producer *p, int32_t partition)
{
    struct lane *lane = &p->lanes[partition];
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    uint8_t *bytes;
    size_t size;
    int32_t count = lane->open.count;
    if (count == 0)
        return EVL_OK;
    seal.attributes = (int16_t)p->codec;
    seal.level = p->o.level;
    enum evl_error err = batch_finish(&lane->open, &seal, &bytes, &size);
    if (err)
        return producer_fail(p, err);
    err = lane_hand_over(p, partition, evl_bytes(bytes, size), count, lane->open_bytes);
    batch_begin(&lane->open);
    lane->open_bytes = 0;
    return err;
}

/* ---- choosing a partition ------------------------------------------------ */

int32_t evl_partition_of(enum evl_partitioner partitioner, struct evl_bytes key, int32_t partitions)
{
    switch (partitioner) {
    case EVL_PARTITION_CRC32: return partitioner_choose(PARTITIONER_CRC32, key, partitions);
    case EVL_PARTITION_FNV1A: return partitioner_choose(PARTITIONER_FNV1A, key, partitions);
    case EVL_PARTITION_MURMUR2:
    case EVL_PARTITION_STICKY:
    case EVL_PARTITION_RR:
    case EVL_PARTITION_RANDOM:
    case EVL_PARTITION_INPUT: break;
    }
    return partitioner_choose(PARTITIONER_MURMUR2, key, partitions);
}

static int32_t producer_next(struct evl_producer *p)
{
    p->sticky = (p->sticky + 1) % p->count;
    return p->sticky;
}

static enum evl_error producer_choose(struct evl_producer *p, const struct evl_record *record,
                                      int32_t *partition)
{
    if (record->partition >= 0) {
        if (record->partition >= p->count)
            return fail(EVL_ERR_USAGE, "%s has no partition %" PRId32 ", only 0 to %" PRId32,
                        p->topic, record->partition, p->count - 1);
        *partition = record->partition;
        return EVL_OK;
    }
    switch (p->o.partitioner) {
    case EVL_PARTITION_MURMUR2:
    case EVL_PARTITION_CRC32:
    case EVL_PARTITION_FNV1A:
        *partition =
            record->key.at ? evl_partition_of(p->o.partitioner, record->key, p->count) : p->sticky;
        return EVL_OK;
    case EVL_PARTITION_STICKY: *partition = p->sticky; return EVL_OK;
    case EVL_PARTITION_RR: *partition = producer_next(p); return EVL_OK;
    case EVL_PARTITION_RANDOM:
        *partition = (int32_t)(io_random(p->place->io) % (uint64_t)p->count);
        return EVL_OK;
    case EVL_PARTITION_INPUT: break;
    }
    return fail(EVL_ERR_USAGE, "the record does not say its partition");
}

/* ---- sending ------------------------------------------------------------- */

static enum evl_error record_is_refused(const struct evl_producer *p,
                                        const struct evl_record *record, int64_t timestamp)
{
    if (!record->key.at && p->config.cleanup_policy & CLEANUP_COMPACT)
        return fail(EVL_ERR_USAGE, "a record without a key, and topic %s is compacted by key",
                    p->topic);
    if (p->config.message_timestamp_type == TIMESTAMP_APPEND)
        return EVL_OK;
    /* KIP-937: as far as the topic's clock may be off */
    if (timestamp > p->now && timestamp - p->now > p->config.message_timestamp_after_max_ms)
        return fail(EVL_ERR_RANGE,
                    "timestamp %" PRId64 " is more in the future than "
                    "message.timestamp.after.max.ms of %s allows",
                    timestamp, p->topic);
    int64_t back = p->config.message_timestamp_before_max_ms;
    if (timestamp < p->now && back != INT64_MAX && p->now - back > timestamp)
        return fail(EVL_ERR_RANGE,
                    "timestamp %" PRId64
                    " is older than message.timestamp.before.max.ms of %s allows",
                    timestamp, p->topic);
    return EVL_OK;
}

static enum evl_error record_is_too_large(const struct evl_producer *p, size_t bytes)
{
    if (p->codec != EVL_CODEC_NONE || (int64_t)(bytes + BATCH_HEAD) <= p->config.max_message_bytes)
        return EVL_OK;
    return fail(EVL_ERR_TOO_LARGE,
                "a record of %zu bytes, and max.message.bytes of %s is %" PRId64
                "; raise it with evtopic alter %s -c max.message.bytes=%zu",
                bytes, p->topic, p->config.max_message_bytes, p->topic, bytes + BATCH_HEAD);
}

static void producer_clock(struct evl_producer *p, const struct lane *lane)
{
    if (p->sent++ % CLOCK_EVERY == 0 || !lane || lane->open.count == 0)
        p->now = io_wall_ms(p->place->io);
}

/* The open batch is full.  One of records without keys is followed by the next
 * partition's. */
static enum evl_error lane_full(struct evl_producer *p, const struct evl_record *record,
                                int32_t *partition)
{
    enum evl_error err = lane_seal(p, *partition);
    if (err || *partition != p->sticky || record->partition >= 0 || record->key.at)
        return err;
    *partition = producer_next(p);
    if (!p->lanes[*partition].log && (err = lane_open(p, *partition)))
        return producer_fail(p, err);
    return EVL_OK;
}

/* Take one record, whose timestamp may be set. */
static inline enum evl_error producer_take(struct evl_producer *p, struct evl_record *record)
{
    int32_t partition;
    enum evl_error err = producer_choose(p, record, &partition);
    if (err)
        return err;
    struct lane *lane = &p->lanes[partition];
    if (!lane->log && (err = lane_open(p, partition)))
        return producer_fail(p, err);
    producer_clock(p, lane);
    if (record->timestamp == EVL_NO_TIMESTAMP)
        record->timestamp = p->now;
    size_t bytes = batch_record_bytes(record);
    if ((err = record_is_refused(p, record, record->timestamp)) ||
        (err = record_is_too_large(p, bytes)))
        return err;
    if (lane->open.count > 0 && lane->open.bytes.count + bytes > p->batch_bytes) {
        if ((err = lane_full(p, record, &partition)))
            return err;
        lane = &p->lanes[partition];
    }
    batch_add(&lane->open, record);
    lane->open_bytes += (int64_t)(record->key.count + record->value.count);
    if (p->o.acknowledged)
        buf_add(&lane->stamps, &record->timestamp, sizeof record->timestamp);
    return EVL_OK;
}

enum evl_error evl_producer_send(struct evl_producer *p, const struct evl_record *record)
{
    if (p->failed)
        return producer_fail(p, p->failed);
    struct evl_record copy = *record;
    return producer_take(p, &copy);
}

/* Whether values without keys all go into the sticky partition's batch, and none
 * of them needs a second look. */
static bool values_are_plain(const struct evl_producer *p)
{
    return p->o.partitioner != EVL_PARTITION_RR && p->o.partitioner != EVL_PARTITION_RANDOM &&
           p->o.partitioner != EVL_PARTITION_INPUT && !p->o.acknowledged &&
           !(p->config.cleanup_policy & CLEANUP_COMPACT);
}

/* Take as many values as the open batch has room for. */
static size_t values_take(struct evl_producer *p, int32_t partition, const struct evl_bytes *values,
                          size_t count)
{
    struct lane *lane = &p->lanes[partition < 0 ? p->sticky : partition];
    if (partition >= p->count || !lane->log || lane->open.count == 0 || !values_are_plain(p))
        return 0;
    size_t some = 0;
    while (some < count && values[some].at)
        some++;
    p->now = io_wall_ms(p->place->io);
    some = batch_add_values(&lane->open, values, some, p->now, p->batch_bytes);
    for (size_t i = 0; i < some; i++)
        lane->open_bytes += (int64_t)values[i].count;
    return some;
}

enum evl_error evl_producer_send_values(struct evl_producer *p, int32_t partition,
                                        const struct evl_bytes *values, size_t count, size_t *done)
{
    struct evl_record record = EVL_RECORD_NONE;
    enum evl_error err = p->failed ? producer_fail(p, p->failed) : EVL_OK;
    record.partition = partition;
    *done = 0;
    while (!err) {
        *done += values_take(p, partition, values + *done, count - *done);
        if (*done == count)
            break;
        record.value = values[*done];
        record.timestamp = EVL_NO_TIMESTAMP;
        err = producer_take(p, &record);
        *done += !err;
    }
    return err;
}

/* ---- whole batches ------------------------------------------------------- */

/* The topic wants another codec: take the batch apart. */
static enum evl_error producer_repack(struct evl_producer *p, int32_t partition,
                                      struct evl_bytes batch)
{
    struct batch_reader reader = { 0 };
    struct evl_record record;
    bool more = false;
    enum evl_error err = batch_open(&reader, batch, PLAIN_BYTES_MAX);
    while (!err && !(err = batch_next(&reader, &record, &more)) && more) {
        record.partition = partition;
        err = evl_producer_send(p, &record);
    }
    batch_reader_release(&reader);
    return err;
}

static enum evl_error producer_copy(struct evl_producer *p, int32_t partition,
                                    struct evl_bytes batch, int32_t count)
{
    struct lane *lane = &p->lanes[partition];
    struct evl_buffer copy = { 0 }; /* the log writes offsets into it */
    buf_add(&copy, batch.at, batch.count);
    for (int32_t i = 0; p->o.acknowledged && i < count; i++)
        buf_add(&lane->stamps, &p->now, sizeof p->now);
    enum evl_error err =
        lane_hand_over(p, partition, buf_bytes(&copy), count, (int64_t)batch.count - BATCH_HEAD);
    buf_release(&copy);
    return err;
}

enum evl_error evl_producer_send_batch(struct evl_producer *p, int32_t partition,
                                       struct evl_bytes batch)
{
    struct batch head;
    struct evl_record where = { .partition = partition };
    if (p->failed)
        return producer_fail(p, p->failed);
    enum evl_error err = batch_check(batch, &head);
    if (!err)
        err = producer_choose(p, &where, &partition);
    if (err)
        return err;
    if (head.attributes & BATCH_CONTROL)
        return EVL_OK; /* another log's marker says nothing about this one */
    if (!p->lanes[partition].log && (err = lane_open(p, partition)))
        return producer_fail(p, err);
    producer_clock(p, NULL);
    bool other = p->config.compression_type != COMPRESSION_PRODUCER &&
                 (head.attributes & BATCH_CODEC) != (int)p->codec;
    if (other || head.producer_id >= 0 || head.attributes & BATCH_DELETE_HORIZON ||
        head.last_offset - head.base_offset + 1 != head.count)
        return producer_repack(p, partition, batch);
    err = lane_seal(p, partition); /* what was sent before comes first */
    return err ? err : producer_copy(p, partition, batch, head.count);
}

/* ---- flushing ------------------------------------------------------------ */

enum evl_error evl_producer_push(struct evl_producer *p)
{
    enum evl_error err = p->failed ? producer_fail(p, p->failed) : EVL_OK;
    for (int32_t i = 0; i < p->used_count && !err; i++)
        err = lane_seal(p, p->used[i]);
    return err ? err : producer_follow(p);
}

enum evl_error evl_producer_flush(struct evl_producer *p)
{
    enum evl_error err = evl_producer_push(p);
    while (!err && p->work.busy) { /* twice at most: one under way, one for the rest */
        err = producer_synced(p);
        if (!err)
            producer_start_sync(p);
    }
    for (int32_t i = 0; i < p->used_count && !err; i++)
        upkeep_soon(p->lanes[p->used[i]].log); /* nobody waits for an acknowledgement now */
    return err;
}
