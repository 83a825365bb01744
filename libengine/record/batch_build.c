/* batch_build.c - records collected and sealed into a batch.
 *
 * Owns the writing; the bytes are told in batch.h (the head) and batch.c (the
 * records).
 *
 * (1) bytes[0 .. BATCH_HEAD) is kept free: an uncompressed batch is sealed where
 *     its records lie.
 * (2) Deltas count from base_timestamp and base_offset, which the first record
 *     sets unless batch_begin_at did. */
#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/varint.h"
#include "record/batch.h"

void batch_begin_at(struct batch_writer *w, int64_t base_offset, int64_t delete_horizon)
{
    buf_clear(&w->bytes);
    buf_room(&w->bytes, BATCH_HEAD);
    w->bytes.count = BATCH_HEAD;
    w->count = 0;
    w->last_delta = -1;
    w->base_offset = base_offset;
    w->has_horizon = delete_horizon != EVL_NO_TIMESTAMP;
    w->base_timestamp = w->has_horizon ? delete_horizon : -1;
    w->max_timestamp = INT64_MIN;
}

void batch_begin(struct batch_writer *w) { batch_begin_at(w, -1, EVL_NO_TIMESTAMP); }

size_t batch_record_bytes(const struct evl_record *record)
{
    size_t bytes = 1 + VARLONG_BYTES_MAX + 5 * VARINT_BYTES_MAX;
    bytes += record->key.count + record->value.count;
    for (size_t i = 0; i < record->header_count; i++)
        bytes +=
            2 * VARINT_BYTES_MAX + record->headers[i].name.count + record->headers[i].value.count;
    return bytes;
}

/* A field that may be null: its length, and it. */
static inline size_t field_bytes(struct evl_bytes field)
{
    if (!field.at)
        return 1;
    return varint_bytes((int32_t)field.count) + field.count;
}

static inline uint8_t *field_write(uint8_t *p, struct evl_bytes field)
{
    if (!field.at)
        return put_varint(p, -1);
    p = put_varint(p, (int32_t)field.count);
    if (field.count > 0)
        memcpy(p, field.at, field.count);
    return p + field.count;
}

/* A header's name is never null; one without bytes may come without a place. */
static struct evl_bytes header_name(const struct evl_header *header)
{
    return evl_bytes(header->name.at ? header->name.at : (const uint8_t *)"", header->name.count);
}

static size_t headers_bytes(const struct evl_record *record)
{
    size_t bytes = 0;
    for (size_t i = 0; i < record->header_count; i++)
        bytes +=
            field_bytes(header_name(&record->headers[i])) + field_bytes(record->headers[i].value);
    return bytes;
}

static uint8_t *headers_write(uint8_t *p, const struct evl_record *record)
{
    for (size_t i = 0; i < record->header_count; i++) {
        p = field_write(p, header_name(&record->headers[i]));
        p = field_write(p, record->headers[i].value);
    }
    return p;
}

static inline void record_write(struct batch_writer *w, const struct evl_record *record,
                                int32_t offset_delta)
{
    check(record->timestamp != EVL_NO_TIMESTAMP);
    if (w->count == 0 && !w->has_horizon)
        w->base_timestamp = record->timestamp;
    if (record->timestamp > w->max_timestamp)
        w->max_timestamp = record->timestamp;
    int64_t timestamp_delta = (int64_t)((uint64_t)record->timestamp - (uint64_t)w->base_timestamp);

    /* Lengths past INT32_MAX come out wrong here, and are refused at the end. */
    size_t body = 1 + varlong_bytes(timestamp_delta) + varint_bytes(offset_delta) +
                  field_bytes(record->key) + field_bytes(record->value) +
                  varint_bytes((int32_t)record->header_count);
    if (record->header_count > 0)
        body += headers_bytes(record);

    struct evl_buffer *b = &w->bytes;
    size_t room = VARINT_BYTES_MAX + body;
    uint8_t *p = b->room - b->count < room ? buf_room(b, room) : b->at + b->count;
    p = put_varint(p, (int32_t)body);
    *p++ = 0;
    p = put_varlong(p, timestamp_delta);
    p = put_varint(p, offset_delta);
    p = field_write(p, record->key);
    p = field_write(p, record->value);
    p = put_varint(p, (int32_t)record->header_count);
    if (record->header_count > 0)
        p = headers_write(p, record);
    b->count = (size_t)(p - b->at);
    w->last_delta = offset_delta;
    w->count++;
}

void batch_add(struct batch_writer *w, const struct evl_record *record)
{
    record_write(w, record, w->last_delta + 1);
}

/* What all records of one call of batch_add_values have in common. */
struct stamp {
    uint8_t bytes[VARLONG_BYTES_MAX];
    size_t count;
};

static inline uint8_t *value_write(uint8_t *p, const struct stamp *stamp, int32_t delta,
                                   struct evl_bytes value, size_t body)
{
    p = put_varint(p, (int32_t)body);
    *p++ = 0;
    memcpy(p, stamp->bytes, sizeof stamp->bytes); /* more than it has: what follows covers it */
    p = put_varint(p + stamp->count, delta);
    *p++ = 1; /* no key: -1 in zig-zag */
    p = put_varint(p, (int32_t)value.count);
    memcpy(p, value.at, value.count);
    p += value.count;
    *p++ = 0; /* no headers */
    return p;
}

size_t batch_add_values(struct batch_writer *w, const struct evl_bytes *values, size_t count,
                        int64_t timestamp, size_t bytes_max)
{
    struct evl_buffer *b = &w->bytes;
    struct stamp stamp;
    check(timestamp != EVL_NO_TIMESTAMP && !w->has_horizon);
    if (w->count == 0)
        w->base_timestamp = timestamp;
    int64_t after = (int64_t)((uint64_t)timestamp - (uint64_t)w->base_timestamp);
    stamp.count = (size_t)(put_varlong(stamp.bytes, after) - stamp.bytes);
    size_t i = 0;
    for (; i < count; i++) {
        int32_t delta = w->last_delta + 1;
        size_t size = values[i].count;
        if (size > bytes_max)
            break;
        size_t body = 3 + stamp.count + varint_bytes(delta) + varint_bytes((int32_t)size) + size;
        if (b->count + VARINT_BYTES_MAX + body > bytes_max)
            break;
        size_t room = VARINT_BYTES_MAX + body + VARLONG_BYTES_MAX;
        uint8_t *p = b->room - b->count < room ? buf_room(b, room) : b->at + b->count;
        b->count = (size_t)(value_write(p, &stamp, delta, values[i], body) - b->at);
        w->last_delta = delta;
    }
    w->count += (int32_t)i;
    if (i > 0 && timestamp > w->max_timestamp)
        w->max_timestamp = timestamp;
    return i;
}

void batch_add_at(struct batch_writer *w, const struct evl_record *record)
{
    if (w->base_offset < 0)
        w->base_offset = record->offset;
    int64_t delta = record->offset - w->base_offset;
    check(delta > w->last_delta && delta <= INT32_MAX);
    record_write(w, record, (int32_t)delta);
}

/* ---- the seal ------------------------------------------------------------ */

/* Attributes as they are: an empty batch has nothing to compress (Kafka's
 * cleaner writes it so too). */
static int16_t seal_attributes(const struct batch_writer *w, const struct batch_seal *seal)
{
    int attributes = seal->attributes & ~BATCH_DELETE_HORIZON;
    if (w->count == 0)
        attributes &= ~BATCH_CODEC;
    if (w->has_horizon)
        attributes |= BATCH_DELETE_HORIZON;
    return (int16_t)attributes;
}

static int32_t seal_last_delta(const struct batch_writer *w, const struct batch_seal *seal,
                               int64_t base_offset)
{
    if (seal->last_offset < 0)
        return w->last_delta < 0 ? 0 : w->last_delta;
    int64_t delta = seal->last_offset - base_offset;
    check(delta >= w->last_delta && delta >= 0 && delta <= INT32_MAX);
    return (int32_t)delta;
}

static int64_t seal_max_timestamp(const struct batch_writer *w, const struct batch_seal *seal)
{
    if (seal->max_timestamp != EVL_NO_TIMESTAMP)
        return seal->max_timestamp;
    return w->count > 0 ? w->max_timestamp : -1;
}

static void head_write(const struct batch_writer *w, const struct batch_seal *seal, uint8_t *at,
                       size_t size)
{
    int64_t base_offset = w->base_offset >= 0 ? w->base_offset : seal->base_offset;
    put_i64(at, base_offset);
    put_i32(at + 8, (int32_t)(size - BATCH_LEAD));
    put_i32(at + 12, seal->leader_epoch);
    at[16] = BATCH_MAGIC;
    put_i16(at + 21, seal_attributes(w, seal));
    put_i32(at + 23, seal_last_delta(w, seal, base_offset));
    put_i64(at + 27, w->base_timestamp);
    put_i64(at + 35, seal_max_timestamp(w, seal));
    put_i64(at + 43, seal->producer_id);
    put_i16(at + 51, seal->producer_epoch);
    put_i32(at + 53, seal->base_sequence);
    put_i32(at + 57, w->count);
    put_u32(at + 17, crc32c(0, at + 21, size - 21));
}

/* Choose the buffer that becomes the batch: the records as they lie, or packed. */
static enum evl_error records_pack(struct batch_writer *w, const struct batch_seal *seal,
                                   struct evl_buffer **out)
{
    enum evl_codec codec = (enum evl_codec)(seal_attributes(w, seal) & BATCH_CODEC);
    *out = &w->bytes;
    if (codec == EVL_CODEC_NONE)
        return EVL_OK;
    buf_clear(&w->packed);
    buf_room(&w->packed, BATCH_HEAD);
    w->packed.count = BATCH_HEAD;
    *out = &w->packed;
    struct evl_bytes plain = evl_bytes(w->bytes.at + BATCH_HEAD, w->bytes.count - BATCH_HEAD);
    return compressor_pack(&w->packer, codec, seal->level, plain, &w->packed);
}

enum evl_error batch_finish(struct batch_writer *w, const struct batch_seal *seal, uint8_t **batch,
                            size_t *size)
{
    struct evl_buffer *out;
    check(w->bytes.count >= BATCH_HEAD); /* batch_begin was called */
    if (w->bytes.count > INT32_MAX)
        return fail(EVL_ERR_TOO_LARGE, "a batch of %zu bytes; 2 GiB is the most", w->bytes.count);
    enum evl_error err = records_pack(w, seal, &out);
    if (err)
        return err;
    if (out->count > INT32_MAX)
        return fail(EVL_ERR_TOO_LARGE, "a batch of %zu bytes; 2 GiB is the most", out->count);
    head_write(w, seal, out->at, out->count);
    *batch = out->at;
    *size = out->count;
    return EVL_OK;
}

void batch_writer_release(struct batch_writer *w)
{
    buf_release(&w->bytes);
    buf_release(&w->packed);
    compressor_release(&w->packer);
    *w = (struct batch_writer){ 0 };
}
