/* producer.c - records find their partition, and fill its batch.
 *
 * What happens to a full batch is told in lanes.h. */
#include "place/producer.h"

#include <inttypes.h>

#include "base/fault.h"
#include "base/memory.h"
#include "base/plant.h"
#include "place/lanes.h"
#include "place/place.h"
#include "place/transaction.h"
#include "record/compress.h"
#include "record/partitioner.h"

enum {
    BATCH_BYTES = 256 << 10,   /* fits the second level cache with its copy */
    CLOCK_EVERY = 32,          /* records between looks at the clock */
    OPEN_BYTES_ALL = 32 << 20, /* what all open batches may hold together, */
    OPEN_BYTES_MIN = 4 << 10,  /* and each of them in any case */
};

struct evl_producer {
    struct evl_place *place;
    struct evl_producer_options o;
    char *topic;
    struct uuid id;
    struct topic_config config;
    enum evl_codec codec;
    struct lanes lanes;
    int32_t count;
    int32_t sticky;
    int32_t first; /* partition of the first record; -1 */
    int64_t now;   /* milliseconds */
    uint32_t sent;
    size_t batch_bytes;
    uint64_t version; /* of the directory, when `config` was read */
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
        if (p->o.internal)
            err = directory_ensure_internal(d, p->topic, &partitions);
        else
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
    if (decide_is_internal(p->topic) && !(p->o.internal && strncmp(p->topic, "__ev_", 5) == 0))
        return fail(EVL_ERR_DENIED, "%s is written by the engine alone", p->topic);
    enum evl_error err = producer_topic(p);
    if (err)
        return err;
    p->codec = producer_codec(p);
    if (!evl_codec_usable(p->codec))
        return fail(EVL_ERR_CONFIG, "compression %s was not built in", evl_codec_name(p->codec));
    p->lanes.shown =
        !p->o.transaction && (p->o.flush == EVL_FLUSH_OS ||
                              (p->o.flush == EVL_FLUSH_TOPIC && p->config.flush == FLUSH_OS));
    p->batch_bytes = p->o.batch_bytes ? p->o.batch_bytes : BATCH_BYTES;
    if ((int64_t)p->batch_bytes > p->config.max_message_bytes)
        p->batch_bytes = (size_t)p->config.max_message_bytes;
    p->sticky = (int32_t)(io_random(p->place->io) % (uint64_t)p->count);
    return lanes_open(&p->lanes, p->place->directory, p->place->io, p->topic, p->count, &p->o);
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
    p->first = -1;
    enum evl_error err = producer_set_up(p);
    if (err) {
        p->o.transaction = NULL;
        evl_producer_close(p);
        return err;
    }
    if (p->o.transaction)
        transaction_enlist(p->o.transaction, p);
    *producer = p;
    return EVL_OK;
}

void evl_producer_close(struct evl_producer *p)
{
    if (!p)
        return;
    if (p->o.transaction)
        transaction_dismiss(p->o.transaction, p, !lanes_are_settled(&p->lanes));
    lanes_close(&p->lanes);
    memory_free(p->topic);
    memory_free(p);
}

int32_t evl_producer_partitions(const struct evl_producer *p) { return p->count; }

struct evl_producer_count evl_producer_count(const struct evl_producer *p) { return p->lanes.done; }

/* The lane of a partition.  The more there are, the smaller are their batches. */
static enum evl_error producer_lane(struct evl_producer *p, int32_t partition, struct lane **lane)
{
    enum evl_error err = lanes_lane(&p->lanes, partition, lane);
    size_t share = OPEN_BYTES_ALL / (size_t)(p->lanes.used_count + 1);
    if (share < p->batch_bytes)
        p->batch_bytes = share > OPEN_BYTES_MIN ? share : OPEN_BYTES_MIN;
    return err;
}

/* ---- shipping ------------------------------------------------------------- */

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
    lanes_configure(&p->lanes, &p->config);
    return EVL_OK;
}

/* Nothing is in flight, and the topic is as we know it: the next may go. */
static enum evl_error producer_clear(struct evl_producer *p)
{
    enum evl_error err = lanes_land(&p->lanes);
    if (err || planted(STALE_WRITER))
        return err;
    err = producer_refresh(p);
    return err ? lanes_fail(&p->lanes, err) : EVL_OK;
}

static int32_t sequence_after(int32_t sequence, int32_t count)
{
    return (int32_t)(((uint32_t)sequence + (uint32_t)count) & INT32_MAX);
}

static bool lane_is_part(const struct evl_producer *p, const struct lane *lane)
{
    return lane->has_joined && lane->transaction == transaction_number(p->o.transaction);
}

/* Each partition that has records now takes part in the transaction, in one turn,
 * before the first of them is written. */
static enum evl_error producer_join(struct evl_producer *p)
{
    size_t count = 0;
    int32_t *partitions = memory_take((size_t)p->lanes.used_count, sizeof *partitions);
    for (int32_t i = 0; i < p->lanes.used_count; i++) {
        struct lane *lane = &p->lanes.at[p->lanes.used[i]];
        if (lane->open.count > 0 && !lane_is_part(p, lane))
            partitions[count++] = lane->partition;
    }
    enum evl_error err = transaction_join(p->o.transaction, p->topic, partitions, count);
    for (size_t i = 0; i < count && !err; i++) {
        struct lane *lane = &p->lanes.at[partitions[i]];
        lane->has_joined = true;
        lane->transaction = transaction_number(p->o.transaction);
        lane->sequence = 0;
    }
    memory_free(partitions);
    return err ? lanes_fail(&p->lanes, err) : EVL_OK;
}

/* Say whose batch it is. */
static enum evl_error producer_sign(struct evl_producer *p, struct lane *lane,
                                    struct batch_seal *seal)
{
    if (!p->o.transaction)
        return EVL_OK;
    if (!lane_is_part(p, lane)) {
        enum evl_error err = producer_join(p);
        if (err)
            return err;
    }
    struct transaction_producer producer = transaction_producer(p->o.transaction);
    seal->attributes |= BATCH_TRANSACTIONAL;
    seal->producer_id = producer.id;
    seal->producer_epoch = producer.epoch;
    seal->base_sequence = lane->sequence;
    lane->sequence = sequence_after(lane->sequence, lane->open.count);
    return EVL_OK;
}

/* Append the open batch. */
static enum evl_error producer_append(struct evl_producer *p, struct lane *lane, bool aside)
{
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    seal.attributes = (int16_t)p->codec;
    seal.level = p->o.level;
    enum evl_error err = producer_clear(p);
    if (!err)
        err = producer_sign(p, lane, &seal);
    return err ? err : lanes_ship(&p->lanes, lane, &seal, aside);
}

/* Where the first record must get a certain offset, its batch goes before those
 * of other lanes: if it does not get it, nothing was written. */
static enum evl_error producer_ship_first(struct evl_producer *p, const struct lane *lane)
{
    if (p->lanes.expected < 0 || p->first < 0 || p->first == lane->partition)
        return EVL_OK;
    return producer_append(p, &p->lanes.at[p->first], false);
}

/* Ship the open batch, if there is anything in it. */
static enum evl_error producer_ship(struct evl_producer *p, struct lane *lane, bool aside)
{
    if (lane->open.count == 0)
        return EVL_OK;
    enum evl_error err = producer_ship_first(p, lane);
    return err ? err : producer_append(p, lane, aside);
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

/* The open batch is full.  It goes in place: on two processors a thread aside
 * made loads slower, as the batch lies in this cache.  One of records without keys
 * is followed by the next partition's. */
static enum evl_error lane_full(struct evl_producer *p, const struct evl_record *record,
                                struct lane **lane)
{
    int32_t partition = (*lane)->partition;
    enum evl_error err = producer_ship(p, *lane, false);
    if (err || partition != p->sticky || record->partition >= 0 || record->key.at)
        return err;
    return producer_lane(p, producer_next(p), lane);
}

/* Take one record, whose timestamp may be set. */
static inline enum evl_error producer_take(struct evl_producer *p, struct evl_record *record)
{
    int32_t partition;
    enum evl_error err = producer_choose(p, record, &partition);
    if (err)
        return err;
    struct lane *lane = &p->lanes.at[partition];
    if (!lane->log && (err = producer_lane(p, partition, &lane)))
        return err;
    producer_clock(p, lane);
    if (record->timestamp == EVL_NO_TIMESTAMP)
        record->timestamp = p->now;
    size_t bytes = batch_record_bytes(record);
    if ((err = record_is_refused(p, record, record->timestamp)) ||
        (err = record_is_too_large(p, bytes)))
        return err;
    if (lane->open.count > 0 && lane->open.bytes.count + bytes > p->batch_bytes &&
        (err = lane_full(p, record, &lane)))
        return err;
    if (p->first < 0)
        p->first = lane->partition;
    batch_add(&lane->open, record);
    lane->open_bytes += (int64_t)(record->key.count + record->value.count);
    if (p->o.acknowledged)
        buf_add(&lane->stamps, &record->timestamp, sizeof record->timestamp);
    return EVL_OK;
}

enum evl_error evl_producer_send(struct evl_producer *p, const struct evl_record *record)
{
    if (p->lanes.failed)
        return lanes_fail(&p->lanes, p->lanes.failed);
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
    struct lane *lane = &p->lanes.at[partition < 0 ? p->sticky : partition];
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
    enum evl_error err = p->lanes.failed ? lanes_fail(&p->lanes, p->lanes.failed) : EVL_OK;
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

enum evl_error evl_producer_send_batch(struct evl_producer *p, int32_t partition,
                                       struct evl_bytes batch)
{
    struct batch head;
    struct lane *lane;
    struct evl_record where = { .partition = partition };
    if (p->lanes.failed)
        return lanes_fail(&p->lanes, p->lanes.failed);
    enum evl_error err = batch_check(batch, &head);
    if (!err)
        err = producer_choose(p, &where, &partition);
    if (err)
        return err;
    if (head.attributes & BATCH_CONTROL)
        return EVL_OK; /* another log's marker says nothing about this one */
    if ((err = producer_lane(p, partition, &lane)))
        return err;
    producer_clock(p, NULL);
    bool other = p->config.compression_type != COMPRESSION_PRODUCER &&
                 (head.attributes & BATCH_CODEC) != (int)p->codec;
    if (other || p->o.transaction || head.producer_id >= 0 ||
        head.attributes & BATCH_DELETE_HORIZON ||
        head.last_offset - head.base_offset + 1 != head.count)
        return producer_repack(p, partition, batch);
    err = producer_ship(p, lane, false); /* what was sent before comes first */
    if (!err)
        err = producer_ship_first(p, lane);
    if (!err)
        err = producer_clear(p);
    return err ? err : lanes_ship_sealed(&p->lanes, lane, batch, head.count, p->now);
}

/* ---- flushing ------------------------------------------------------------ */

enum evl_error evl_producer_push(struct evl_producer *p)
{
    enum evl_error err = lanes_land(&p->lanes);
    for (int32_t i = 0; i < p->lanes.used_count && !err; i++)
        err = producer_ship(p, &p->lanes.at[p->lanes.used[i]], false);
    return err ? err : lanes_follow(&p->lanes);
}

enum evl_error evl_producer_flush(struct evl_producer *p)
{
    enum evl_error err = evl_producer_push(p);
    return err ? err : lanes_settle(&p->lanes);
}

void producer_drop(struct evl_producer *p)
{
    lanes_drop(&p->lanes);
    (void)lanes_settle(&p->lanes); /* what went wrong is told by the next call */
}
