/* message_set.c - old messages, and the ones wrapped in them.
 *
 * Owns the bytes told in message_set.h.  The reader is batch.h's: `left` are the
 * messages not walked yet, the one at hand or those of its wrapper.
 *
 * (1) A wrapper holds plain messages of its own magic, no wrappers.
 * (2) Every message's checksum is compared, the inner ones' too. */
#include "record/message_set.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/crc32.h"
#include "base/endian.h"
#include "base/fault.h"
#include "record/lz4_header.h"

enum { AT_CRC = 12, AT_MAGIC = 16, AT_ATTRIBUTES = 17, AT_BODY = 18 };

struct message {
    int64_t offset;
    size_t size; /* with the lead */
    int8_t magic;
    int16_t attributes; /* those of enum batch_attribute */
    int64_t timestamp;  /* -1: none */
    uint32_t crc;
    struct evl_bytes key, value;
};

static bool field_read(struct evl_bytes *left, struct evl_bytes *field)
{
    if (left->count < 4)
        return false;
    int32_t count = get_i32(left->at);
    *left = evl_bytes(left->at + 4, left->count - 4);
    if (count < -1 || (count > 0 && (size_t)count > left->count))
        return false;
    size_t bytes = count > 0 ? (size_t)count : 0;
    *field = evl_bytes(count < 0 ? NULL : left->at, bytes);
    *left = evl_bytes(left->at + bytes, left->count - bytes);
    return true;
}

/* Read the message that `left` begins with.  Returns what is wrong with it, or
 * NULL. */
static const char *message_read(struct evl_bytes left, struct message *m)
{
    int32_t size;
    if (left.count < BATCH_PEEK)
        return "it is cut off";
    m->offset = get_i64(left.at);
    if (batch_peek(left.at, &size, &m->magic) || m->magic >= BATCH_MAGIC)
        return "its length or magic is none that it can have";
    if ((size_t)size > left.count)
        return "it is cut off";
    m->size = (size_t)size;
    m->crc = get_u32(left.at + AT_CRC);
    if (crc32_ieee(0, left.at + AT_MAGIC, m->size - AT_MAGIC) != m->crc)
        return "its checksum is not that of its bytes";
    m->attributes = left.at[AT_ATTRIBUTES] & BATCH_CODEC;
    m->timestamp = EVL_NO_TIMESTAMP;
    struct evl_bytes body = evl_bytes(left.at + AT_BODY, m->size - AT_BODY);
    if (m->magic == 1) {
        m->attributes = left.at[AT_ATTRIBUTES] & (BATCH_CODEC | BATCH_APPEND_TIME);
        m->timestamp = get_i64(body.at);
        body = evl_bytes(body.at + 8, body.count - 8);
    }
    if (!field_read(&body, &m->key))
        return "its key does not fit in it";
    if (!field_read(&body, &m->value))
        return "its value does not fit in it";
    if (body.count > 0)
        return "bytes are left behind its value";
    return NULL;
}

static bool message_is_wrapper(const struct message *m)
{
    return (m->attributes & BATCH_CODEC) != EVL_CODEC_NONE;
}

static enum evl_error message_failed(int64_t offset, const char *complaint)
{
    return fail(EVL_ERR_CORRUPT, "message at offset %" PRId64 ": %s", offset, complaint);
}

/* Read a message that is alone in `bytes`. */
static enum evl_error message_alone(struct evl_bytes bytes, struct message *m)
{
    const char *complaint = message_read(bytes, m);
    if (!complaint && m->size != bytes.count)
        complaint = "bytes are left behind it";
    if (!complaint && (m->offset < 0 || m->offset == INT64_MAX))
        complaint = "its offset is none that there is";
    if (!complaint && message_is_wrapper(m) && !m->value.at)
        complaint = "it is compressed, but has no value";
    return complaint ? message_failed(bytes.count >= 8 ? get_i64(bytes.at) : -1, complaint)
                     : EVL_OK;
}

static struct batch message_as_batch(const struct message *m)
{
    return (struct batch){
        .base_offset = m->offset,
        .last_offset = m->offset,
        .leader_epoch = -1,
        .size = (int32_t)m->size,
        .attributes = m->attributes,
        .base_timestamp = m->timestamp,
        .max_timestamp = m->timestamp,
        .producer_id = -1,
        .producer_epoch = -1,
        .base_sequence = -1,
        .count = message_is_wrapper(m) ? -1 : 1,
        .crc = m->crc,
        .magic = m->magic,
    };
}

enum evl_error message_check(struct evl_bytes bytes, struct batch *batch)
{
    struct message m;
    enum evl_error err = message_alone(bytes, &m);
    if (!err)
        *batch = message_as_batch(&m);
    return err;
}

enum evl_error entry_check(struct evl_bytes bytes, struct batch *batch)
{
    int32_t size;
    int8_t magic;
    if (bytes.count < BATCH_PEEK)
        return fail(EVL_ERR_CORRUPT, "no batch: %zu bytes are too few", bytes.count);
    enum evl_error err = batch_peek(bytes.at, &size, &magic);
    if (err)
        return err;
    return magic < BATCH_MAGIC ? message_check(bytes, batch) : batch_check(bytes, batch);
}

/* ---- what is wrapped ----------------------------------------------------- */

/* Decompress into the reader.  LZ4 frames of magic 0 have a wrong checksum, and
 * are mended in a copy. */
static enum evl_error wrapper_unpack(struct batch_reader *r, const struct message *m,
                                     size_t plain_max)
{
    enum evl_codec codec = (enum evl_codec)(m->attributes & BATCH_CODEC);
    if (codec == EVL_CODEC_ZSTD)
        return message_failed(m->offset, "it is compressed with zstd, which came later");
    struct evl_bytes packed = m->value;
    struct evl_buffer mended = { 0 };
    if (codec == EVL_CODEC_LZ4 && m->magic == 0) {
        buf_add(&mended, packed.at, packed.count);
        lz4_header_mend(mended.at, mended.count);
        packed = buf_bytes(&mended);
    }
    enum evl_error err = decompressor_unpack(&r->unpacker, codec, packed, plain_max, &r->plain);
    buf_release(&mended);
    return err ? failed(err, "message at offset %" PRId64, m->offset) : EVL_OK;
}

/* Walk the inner messages: how many, and the first and the last offset as they
 * stand there; *last begins as -1. */
static enum evl_error wrapper_walk(const struct batch_reader *r, const struct message *wrapper,
                                   int64_t *first, int64_t *last, int32_t *count)
{
    struct evl_bytes left = buf_bytes(&r->plain);
    for (*count = 0; left.count > 0; ++*count) {
        struct message m;
        const char *complaint = message_read(left, &m);
        if (!complaint && m.magic != wrapper->magic)
            complaint = "its magic is not its wrapper's";
        if (!complaint && message_is_wrapper(&m))
            complaint = "it is wrapped twice";
        if (!complaint && (m.offset <= *last || m.offset == INT64_MAX))
            complaint = "its offset is out of order";
        if (complaint) {
            enum evl_error err =
                fail(EVL_ERR_CORRUPT, "message %" PRId32 " in it: %s", *count + 1, complaint);
            return failed(err, "message at offset %" PRId64, wrapper->offset);
        }
        if (*count == 0)
            *first = m.offset;
        *last = m.offset;
        left = evl_bytes(left.at + m.size, left.count - m.size);
    }
    return *count > 0 ? EVL_OK : message_failed(wrapper->offset, "there is nothing in it");
}

/* Say where the inner messages stand.  A wrapper of offset 0 was never given one
 * (old librdkafka sends it so): its messages count from 0. */
static enum evl_error wrapper_place(struct batch_reader *r, const struct message *wrapper)
{
    int64_t first = 0;
    int64_t last = -1;
    int32_t count;
    enum evl_error err = wrapper_walk(r, wrapper, &first, &last, &count);
    if (err)
        return err;
    r->inner_offset = 0;
    if (wrapper->magic == 1 && wrapper->offset > 0) {
        if (wrapper->offset < last)
            return message_failed(wrapper->offset, "there are more in it than offsets before it");
        r->inner_offset = wrapper->offset - last;
    }
    r->batch.count = count;
    r->batch.base_offset = r->inner_offset + first;
    r->batch.last_offset = r->inner_offset + last;
    return EVL_OK;
}

enum evl_error message_open(struct batch_reader *r, struct evl_bytes entry, size_t plain_max)
{
    struct message m;
    enum evl_error err = message_alone(entry, &m);
    if (err)
        return err;
    r->batch = message_as_batch(&m);
    r->inner_offset = 0;
    struct evl_bytes messages = entry;
    if (message_is_wrapper(&m)) {
        err = wrapper_unpack(r, &m, plain_max);
        if (!err)
            err = wrapper_place(r, &m);
        if (err)
            return err;
        messages = buf_bytes(&r->plain);
    }
    r->records = messages.at;
    r->left = messages;
    r->count_left = r->batch.count;
    return EVL_OK;
}

enum evl_error message_next(struct batch_reader *r, struct evl_record *record, bool *more)
{
    struct message m;
    *more = r->count_left > 0;
    if (!*more)
        return EVL_OK;
    const char *complaint = message_read(r->left, &m);
    check(!complaint); /* message_open has read it before */
    *record = EVL_RECORD_NONE;
    record->offset = r->inner_offset + m.offset;
    record->timestamp = m.magic == 0 ? EVL_NO_TIMESTAMP : m.timestamp;
    if (r->batch.attributes & BATCH_APPEND_TIME) { /* the wrapper's counts for all in it */
        record->timestamp = r->batch.max_timestamp;
        record->timestamp_type = EVL_APPEND_TIME;
    }
    record->key = m.key;
    record->value = m.value;
    r->left = evl_bytes(r->left.at + m.size, r->left.count - m.size);
    r->count_left--;
    return EVL_OK;
}
