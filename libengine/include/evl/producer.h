/* evl/producer.h - records into a topic. */
#ifndef EVL_PRODUCER_H
#define EVL_PRODUCER_H

#include <evl/codec.h>
#include <evl/place.h>

struct evl_producer;
struct evl_transaction; /* evl/transaction.h */

/* How a record without a partition of its own finds one. */
enum evl_partitioner {
    EVL_PARTITION_MURMUR2, /* keys as Kafka's Java client; sticky without a key */
    EVL_PARTITION_STICKY,  /* one partition per batch, whatever the key */
    EVL_PARTITION_RR,      /* one after the other */
    EVL_PARTITION_RANDOM,
    EVL_PARTITION_CRC32, /* keys as librdkafka's `consistent`; sticky without */
    EVL_PARTITION_FNV1A, /* keys as librdkafka's `fnv1a`; sticky without */
    EVL_PARTITION_INPUT, /* the record must say; USAGE if it does not */
};

/* Which partition a key belongs to; of MURMUR2, CRC32 and FNV1A. */
int32_t evl_partition_of(enum evl_partitioner partitioner, struct evl_bytes key,
                         int32_t partitions);

/* One acknowledged record. */
struct evl_receipt {
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t timestamp;
};

struct evl_producer_options {
    const char *topic;
    bool create;               /* make a missing topic; NOT_FOUND otherwise */
    int32_t create_partitions; /* with `create`; 0: 1 */
    bool internal;             /* it is where a tool keeps state, __ev_NAME: compacted */
    bool *created;             /* with `create`: set when it was; or NULL */
    enum evl_partitioner partitioner;
    enum evl_codec codec;
    int level; /* of compression; 0: the codec's default */
    enum evl_flush flush;
    size_t batch_bytes;      /* a batch is sealed at this size; 0: 256 KiB */
    bool expects_offset;     /* the first record must get this offset of its partition: */
    int64_t expected_offset; /* else CONFLICT, when it is handed over, and nothing is written */
    struct evl_transaction *transaction; /* its records are part of it, and always synced before
                                            they count; NULL: of none */
    void (*acknowledged)(void *context, const struct evl_receipt *receipt); /* or NULL */
    void *context;
};

enum evl_error evl_producer_open(struct evl_place *place,
                                 const struct evl_producer_options *options,
                                 struct evl_producer **producer);

/* How many partitions the topic has. */
int32_t evl_producer_partitions(const struct evl_producer *producer);

/* Take a copy of the record.  record->partition >= 0 is obeyed.  A record
 * without a timestamp gets the present.  TOO_LARGE, RANGE (its timestamp) and
 * USAGE (no such partition; no key, and the topic is compacted) refuse this one
 * record and nothing else; after another failure nothing more is taken. */
enum evl_error evl_producer_send(struct evl_producer *producer, const struct evl_record *record);

/* Take records that are nothing but a value, as evl_producer_send would one by
 * one; partition -1 lets the partitioner choose.  *done were taken, all of them
 * unless an error says what is wrong with the next one. */
enum evl_error evl_producer_send_values(struct evl_producer *producer, int32_t partition,
                                        const struct evl_bytes *values, size_t count, size_t *done);

/* Take a sealed batch as it is (the offsets become the log's): format `batch`. */
enum evl_error evl_producer_send_batch(struct evl_producer *producer, int32_t partition,
                                       struct evl_bytes batch);

/* Hand what was taken to the log, and begin to make it durable, without
 * waiting: for when the input is idle. */
enum evl_error evl_producer_push(struct evl_producer *producer);

/* Wait until everything taken is acknowledged, or say why not. */
enum evl_error evl_producer_flush(struct evl_producer *producer);

/* Records and bytes (keys and values) acknowledged so far; after a failure, all
 * that will ever be. */
struct evl_producer_count {
    int64_t records, bytes;
    int32_t partitions; /* how many were written to */
};
struct evl_producer_count evl_producer_count(const struct evl_producer *producer);

/* What was not flushed may be lost.  NULL does nothing. */
void evl_producer_close(struct evl_producer *producer);

#endif
