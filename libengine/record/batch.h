/* batch.h - a record batch, version 2: the unit of producer, disk and wire.
 *
 *   OFFSET  SIZE  WHAT (big-endian)
 *        0     8  base offset: of the first record          not under the checksum
 *        8     4  bytes that follow this field; 49 at least
 *       12     4  partition leader epoch                    not under the checksum
 *       16     1  magic, 2
 *       17     4  CRC-32C of byte 21 to the end
 *       21     2  attributes: enum batch_attribute
 *       23     4  last offset delta; survives compaction, which leaves gaps
 *       27     8  base timestamp, or the delete horizon (KIP-534); the records'
 *                 timestamps count from it either way
 *       35     8  largest timestamp; of every record, with APPEND_TIME
 *       43     8  producer id, -1 none
 *       51     2  producer epoch
 *       53     4  base sequence
 *       57     4  how many records
 *       61     -  the records, compressed as one piece
 *
 * A batch is never re-encoded on its way.  The leader sets base offset and
 * leader epoch in place; what lies outside the checksum is compared with its
 * neighbours instead (log/). */
#ifndef RECORD_BATCH_H
#define RECORD_BATCH_H

#include <evl/error.h>
#include <evl/record.h>

#include "base/buf.h"
#include "record/compress.h"

enum {
    BATCH_HEAD = 61, /* bytes before the records */
    BATCH_LEAD = 12, /* bytes that its length field does not count */
    BATCH_PEEK = 17, /* bytes that tell length and magic */
    BATCH_MAGIC = 2,
};

enum batch_attribute {
    BATCH_CODEC = 0x07, /* enum evl_codec, record/compress.h */
    BATCH_APPEND_TIME = 0x08,
    BATCH_TRANSACTIONAL = 0x10,
    BATCH_CONTROL = 0x20,
    BATCH_DELETE_HORIZON = 0x40, /* base timestamp is one */
};

/* What the head says.  Old messages (record/message_set.h) are looked at in the
 * same way. */
struct batch {
    int64_t base_offset;
    int64_t last_offset;
    int32_t leader_epoch;
    int32_t size; /* in bytes, head and records */
    int16_t attributes;
    int64_t base_timestamp, max_timestamp;
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t base_sequence;
    int32_t count; /* records in it now; 0 in one that compaction emptied */
    uint32_t crc;
    int8_t magic;
};

/* How long the entry at `at` is, batch or old message set alike, and of which
 * magic, from its first BATCH_PEEK bytes.  CORRUPT if that cannot be. */
enum evl_error batch_peek(const uint8_t *at, int32_t *size, int8_t *magic);

/* Read the head of a batch of magic 2: `bytes` hold BATCH_HEAD at least.
 * CORRUPT, with what and why, if no such head can be.  The checksum is not
 * looked at. */
enum evl_error batch_head(struct evl_bytes bytes, struct batch *batch);

/* batch_head, and: `bytes` is the whole batch, and its checksum is right. */
enum evl_error batch_check(struct evl_bytes bytes, struct batch *batch);

/* Set what the leader sets, in place; the checksum stays right. */
void batch_place(uint8_t *at, int64_t base_offset, int32_t leader_epoch);

/* Make the batch one of append time (message.timestamp.type=LogAppendTime) and
 * seal it anew: the whole batch is read. */
void batch_stamp(uint8_t *at, int64_t append_time_ms);

/* ---- reading the records ------------------------------------------------- */

/* Walks one batch, or one old message set entry with all that is wrapped in
 * it.  Zeroed to begin with; keeps its memory from batch to batch. */
struct batch_reader {
    struct batch batch;      /* the one at hand; of a compressed old message, completed */
    struct evl_bytes left;   /* records not walked yet */
    const uint8_t *records;  /* where the first one lies */
    int32_t count_left;      /* records not walked yet */
    int64_t next_offset;     /* the least that the next record can have */
    int64_t inner_offset;    /* of old messages: what theirs count from */
    struct evl_buffer plain; /* what was decompressed */
    struct decompressor unpacker;
    struct evl_header *headers;
    size_t headers_room;
};

/* Begin with a whole entry whose checksum was seen to be right (entry_check in
 * record/message_set.h).  Decompresses, to `plain_max` bytes at most
 * (TOO_LARGE); CONFIG if the codec was not built in.  The entry must live as
 * long as the reading.  After a failure there is nothing to read. */
enum evl_error batch_open(struct batch_reader *r, struct evl_bytes entry, size_t plain_max);

/* The next record: *more is false at the end.  Borrowed until the next call;
 * topic and partition are not known here.  Control batches yield their control
 * records, with `control` set.  CORRUPT, with what and where, if the records are
 * not what the head says: of other lengths, another count, or with offsets that
 * do not rise or lie outside the batch; asking again tells the same. */
enum evl_error batch_next(struct batch_reader *r, struct evl_record *record, bool *more);

void batch_reader_release(struct batch_reader *r);

/* ---- writing ------------------------------------------------------------- */

/* Collects records, and seals them into a batch.  Zeroed to begin with, then
 * batch_begin; keeps its memory from batch to batch. */
struct batch_writer {
    struct evl_buffer bytes;  /* the head's room, and the records so far */
    struct evl_buffer packed; /* the sealed batch, if compressed */
    int32_t count;
    int32_t last_delta;  /* offset of the last record, from the base; -1 none yet */
    int64_t base_offset; /* -1: the first record's, or not of concern */
    int64_t base_timestamp, max_timestamp;
    bool has_horizon; /* base_timestamp is a delete horizon */
    struct compressor packer;
};

/* Begin a batch of new records: batch_add. */
void batch_begin(struct batch_writer *w);

/* Begin a batch of records that keep their offsets: batch_add_at.  Offsets
 * count from base_offset, which compaction keeps even where the first record
 * went away (the sequence numbers hang on it); -1 is the first record's.
 * EVL_NO_TIMESTAMP is no delete horizon. */
void batch_begin_at(struct batch_writer *w, int64_t base_offset, int64_t delete_horizon);

/* The one copy on this side.  The record's headers, key, value and timestamp
 * go in; EVL_NO_TIMESTAMP is the caller's to replace.  Offsets count up. */
void batch_add(struct batch_writer *w, const struct evl_record *record);

/* As batch_add of records that are nothing but a value (not null), all of one
 * time; those that fit while the batch stays within `bytes_max`.  Returns how
 * many went in. */
size_t batch_add_values(struct batch_writer *w, const struct evl_bytes *values, size_t count,
                        int64_t timestamp, size_t bytes_max);

/* As batch_add, with the record's own offset: larger than the last one's, and
 * less than 2^31 from the base. */
void batch_add_at(struct batch_writer *w, const struct evl_record *record);

/* How many bytes a record takes uncompressed, at the most. */
size_t batch_record_bytes(const struct evl_record *record);

/* What a seal says besides the records. */
struct batch_seal {
    int64_t base_offset;  /* 0 for a producer; batch_begin_at said it already */
    int32_t leader_epoch; /* -1 for a producer */
    int16_t attributes;   /* the codec is in here; not BATCH_DELETE_HORIZON */
    int level;            /* of compression; 0: the codec's own default */
    int64_t producer_id;  /* -1 none */
    int16_t producer_epoch;
    int32_t base_sequence;
    int64_t last_offset;   /* with batch_add_at: the batch's own, -1: the last record's */
    int64_t max_timestamp; /* the append time, or an emptied batch's own;
                              EVL_NO_TIMESTAMP: the largest of the records */
};
#define BATCH_SEAL_PLAIN                        \
    ((struct batch_seal){ .leader_epoch = -1,   \
                          .producer_id = -1,    \
                          .producer_epoch = -1, \
                          .base_sequence = -1,  \
                          .last_offset = -1,    \
                          .max_timestamp = EVL_NO_TIMESTAMP })

/* Compress, write the head, compute the checksum.  *batch is borrowed until
 * the next call on this writer; writable, for batch_place.  CONFIG if the codec
 * was not built in or has no such level; TOO_LARGE if the batch passes 2 GiB.
 * The records are as they were after a failure. */
enum evl_error batch_finish(struct batch_writer *w, const struct batch_seal *seal, uint8_t **batch,
                            size_t *size);

void batch_writer_release(struct batch_writer *w);

#endif
