/* batch.c - record batches, looked at and read.
 *
 * Owns the head (its bytes: batch.h) and the walk over the records:
 *
 *   varint   bytes that follow this field
 *   int8     attributes, 0
 *   varlong  timestamp, from the base timestamp (modulo 2^64)
 *   varint   offset, from the base offset
 *   varint   bytes of the key, -1 null, then the key
 *   varint   bytes of the value, -1 null, then the value
 *   varint   headers, each: varint and name, varint (-1 null) and value
 *
 * Does not know how they are written (batch_build.c), compressed (compress.c),
 * nor what older messages look like (message_set.c).
 *
 * (1) What a length says is compared with what is there before it is believed.
 * (2) Records lie end to end, fill the batch, and are as many as the head says.
 * (3) Their offsets rise, and none is beyond the batch's last. */
#include "record/batch.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/varint.h"
#include "record/message_set.h"

enum {
    AT_LENGTH = 8,
    AT_LEADER_EPOCH = 12,
    AT_MAGIC = 16,
    AT_CRC = 17,
    AT_ATTRIBUTES = 21, /* the checksum begins here */
    AT_MAX_TIMESTAMP = 35,
};

/* ---- the head ------------------------------------------------------------ */

enum evl_error batch_peek(const uint8_t *at, int32_t *size, int8_t *magic)
{
    static const int32_t size_least[] = { MESSAGE_V0_LEAST, MESSAGE_V1_LEAST, BATCH_HEAD };
    int8_t found = (int8_t)at[AT_MAGIC];
    int32_t length = get_i32(at + AT_LENGTH);
    if (found < 0 || found > BATCH_MAGIC)
        return fail(EVL_ERR_CORRUPT, "no batch: its magic is %d, not 0, 1 or 2", found);
    if (length < size_least[found] - BATCH_LEAD || length > INT32_MAX - BATCH_LEAD)
        return fail(EVL_ERR_CORRUPT, "no batch of magic %d: its length is %" PRId32, found, length);
    *size = length + BATCH_LEAD;
    *magic = found;
    return EVL_OK;
}

/* What no batch can say. */
static const char *head_complaint(const struct batch *b, int32_t last_delta)
{
    if (b->magic != BATCH_MAGIC)
        return "its magic is not 2";
    if (b->base_offset < 0)
        return "its base offset is negative";
    if (last_delta < 0)
        return "its last offset is before its base offset";
    if (b->base_offset >= INT64_MAX - last_delta) /* one more must be a number too */
        return "its last offset is beyond all offsets";
    if (b->count < 0)
        return "its number of records is negative";
    return NULL;
}

enum evl_error batch_head(struct evl_bytes bytes, struct batch *batch)
{
    const uint8_t *at = bytes.at;
    struct batch b;
    check(bytes.count >= BATCH_HEAD);
    enum evl_error err = batch_peek(at, &b.size, &b.magic);
    if (err)
        return err;
    int32_t last_delta = get_i32(at + 23);
    b.base_offset = get_i64(at);
    b.leader_epoch = get_i32(at + AT_LEADER_EPOCH);
    b.crc = get_u32(at + AT_CRC);
    b.attributes = get_i16(at + AT_ATTRIBUTES);
    b.base_timestamp = get_i64(at + 27);
    b.max_timestamp = get_i64(at + AT_MAX_TIMESTAMP);
    b.producer_id = get_i64(at + 43);
    b.producer_epoch = get_i16(at + 51);
    b.base_sequence = get_i32(at + 53);
    b.count = get_i32(at + 57);
    const char *complaint = head_complaint(&b, last_delta);
    if (complaint)
        return fail(EVL_ERR_CORRUPT, "batch at offset %" PRId64 ": %s", b.base_offset, complaint);
    b.last_offset = b.base_offset + last_delta;
    *batch = b;
    return EVL_OK;
}

static uint32_t batch_crc(const uint8_t *at, size_t size)
{
    return crc32c(0, at + AT_ATTRIBUTES, size - AT_ATTRIBUTES);
}

enum evl_error batch_check(struct evl_bytes bytes, struct batch *batch)
{
    struct batch b;
    if (bytes.count < BATCH_HEAD)
        return fail(EVL_ERR_CORRUPT, "no batch: %zu bytes are too few", bytes.count);
    enum evl_error err = batch_head(bytes, &b);
    if (err)
        return err;
    if ((size_t)b.size != bytes.count)
        return fail(EVL_ERR_CORRUPT,
                    "batch at offset %" PRId64 ": it has %" PRId32 " bytes, and %zu are here",
                    b.base_offset, b.size, bytes.count);
    uint32_t crc = batch_crc(bytes.at, bytes.count);
    if (crc != b.crc)
        return fail(EVL_ERR_CORRUPT,
                    "batch at offset %" PRId64 ": its checksum is %08" PRIx32
                    ", but that of its bytes is %08" PRIx32,
                    b.base_offset, b.crc, crc);
    *batch = b;
    return EVL_OK;
}

void batch_place(uint8_t *at, int64_t base_offset, int32_t leader_epoch)
{
    put_i64(at, base_offset);
    put_i32(at + AT_LEADER_EPOCH, leader_epoch);
}

void batch_stamp(uint8_t *at, int64_t append_time_ms)
{
    size_t size = (size_t)get_i32(at + AT_LENGTH) + BATCH_LEAD;
    check(at[AT_MAGIC] == BATCH_MAGIC && size >= BATCH_HEAD);
    put_u16(at + AT_ATTRIBUTES, get_u16(at + AT_ATTRIBUTES) | BATCH_APPEND_TIME);
    put_i64(at + AT_MAX_TIMESTAMP, append_time_ms);
    put_u32(at + AT_CRC, batch_crc(at, size));
}

/* ---- the records --------------------------------------------------------- */

static enum evl_error records_open(struct batch_reader *r, struct evl_bytes entry, size_t plain_max)
{
    enum evl_error err = batch_head(entry, &r->batch);
    if (err)
        return err;
    struct evl_bytes records = evl_bytes(entry.at + BATCH_HEAD, entry.count - BATCH_HEAD);
    enum evl_codec codec = (enum evl_codec)(r->batch.attributes & BATCH_CODEC);
    if (codec != EVL_CODEC_NONE && records.count > 0) {
        err = decompressor_unpack(&r->unpacker, codec, records, plain_max, &r->plain);
        if (err)
            return failed(err, "batch at offset %" PRId64, r->batch.base_offset);
        records = buf_bytes(&r->plain);
    }
    r->records = records.at;
    r->left = records;
    r->count_left = r->batch.count;
    r->next_offset = r->batch.base_offset;
    return EVL_OK;
}

enum evl_error batch_open(struct batch_reader *r, struct evl_bytes entry, size_t plain_max)
{
    int32_t size;
    int8_t magic;
    r->count_left = 0;
    r->left = evl_bytes(NULL, 0);
    check(entry.count >= BATCH_PEEK);
    enum evl_error err = batch_peek(entry.at, &size, &magic);
    if (err)
        return err;
    check((size_t)size == entry.count);
    return magic < BATCH_MAGIC ? message_open(r, entry, plain_max)
                               : records_open(r, entry, plain_max);
}

/* Read a length, and that many bytes behind it; -1 is null.  Returns where the
 * next byte is, or NULL. */
static inline const uint8_t *field_read(const uint8_t *p, const uint8_t *end,
                                        struct evl_bytes *field)
{
    int32_t count;
    p = get_varint(p, end, &count);
    if (!p || count < -1 || count > end - p)
        return NULL;
    if (count < 0) {
        *field = evl_bytes(NULL, 0);
        return p;
    }
    *field = evl_bytes(p, (size_t)count);
    return p + count;
}

/* Room for one more header.  It grows as they are found, not as they are
 * announced: a header takes two bytes of input at least. */
static struct evl_header *header_room(struct batch_reader *r, size_t count)
{
    if (count == r->headers_room) {
        r->headers_room = count > 0 ? 2 * count : 16;
        r->headers = memory_grow(r->headers, r->headers_room, sizeof *r->headers);
    }
    return r->headers + count;
}

static const char *headers_read(struct batch_reader *r, const uint8_t *p, const uint8_t *end,
                                int32_t count)
{
    if (count < 0)
        return "its number of headers is negative";
    if (count > (end - p) / 2)
        return "it has more headers than bytes for them";
    for (int32_t i = 0; i < count; i++) {
        struct evl_header *header = header_room(r, (size_t)i);
        p = field_read(p, end, &header->name);
        if (!p || !header->name.at)
            return "a header's name does not fit in it";
        p = field_read(p, end, &header->value);
        if (!p)
            return "a header's value does not fit in it";
    }
    return p == end ? NULL : "bytes are left behind its headers";
}

/* Read the record at r->left, all but what is the batch's, and go on behind it.
 * Returns what is wrong with it, or NULL; then r->left stays where it was. */
static inline const char *record_read(struct batch_reader *r, struct evl_record *record)
{
    const uint8_t *p = r->left.at;
    const uint8_t *end = p + r->left.count;
    int32_t length;
    int32_t offset_delta;
    int64_t timestamp_delta;
    int32_t header_count;

    p = get_varint(p, end, &length);
    if (!p)
        return r->left.count == 0 ? "it is not there" : "its length does not end";
    if (length < 1 || length > end - p)
        return "its length is not what is there";
    end = p + length;
    p = get_varlong(p + 1, end, &timestamp_delta);
    if (!p)
        return "its timestamp does not fit in it";
    p = get_varint(p, end, &offset_delta);
    if (!p)
        return "its offset does not fit in it";
    p = field_read(p, end, &record->key);
    if (!p)
        return "its key does not fit in it";
    p = field_read(p, end, &record->value);
    if (!p)
        return "its value does not fit in it";
    p = get_varint(p, end, &header_count);
    if (!p)
        return "its number of headers does not fit in it";
    if (header_count != 0 || p != end) {
        const char *complaint = headers_read(r, p, end, header_count);
        if (complaint)
            return complaint;
    }
    record->offset = (int64_t)((uint64_t)r->batch.base_offset + (uint64_t)offset_delta);
    if (record->offset < r->next_offset || record->offset > r->batch.last_offset)
        return "its offset is out of order";
    record->timestamp = (int64_t)((uint64_t)r->batch.base_timestamp + (uint64_t)timestamp_delta);
    record->headers = r->headers;
    record->header_count = (size_t)header_count;
    r->left.count -= (size_t)(end - r->left.at);
    r->left.at = end;
    return NULL;
}

__attribute__((noinline, cold)) static enum evl_error record_bad(const struct batch_reader *r,
                                                                 const char *complaint)
{
    return fail(EVL_ERR_CORRUPT,
                "batch at offset %" PRId64 ": record %" PRId32 " of %" PRId32
                ", at byte %td of the records: %s",
                r->batch.base_offset, r->batch.count - r->count_left + 1, r->batch.count,
                r->left.at - r->records, complaint);
}

static enum evl_error records_end(const struct batch_reader *r, bool *more)
{
    if (r->left.count > 0)
        return fail(EVL_ERR_CORRUPT,
                    "batch at offset %" PRId64 ": %zu bytes are left behind its %" PRId32
                    " records",
                    r->batch.base_offset, r->left.count, r->batch.count);
    *more = false;
    return EVL_OK;
}

enum evl_error batch_next(struct batch_reader *r, struct evl_record *record, bool *more)
{
    if (r->batch.magic < BATCH_MAGIC)
        return message_next(r, record, more);
    if (r->count_left == 0)
        return records_end(r, more);

    const struct batch *b = &r->batch;
    const char *complaint = record_read(r, record);
    if (complaint)
        return record_bad(r, complaint);
    record->topic = evl_bytes(NULL, 0);
    record->partition = -1;
    record->leader_epoch = b->leader_epoch;
    record->timestamp_type = EVL_CREATE_TIME;
    if (b->attributes & BATCH_APPEND_TIME) {
        record->timestamp_type = EVL_APPEND_TIME;
        record->timestamp = b->max_timestamp;
    }
    record->control = (b->attributes & BATCH_CONTROL) != 0;
    record->producer_epoch = b->producer_epoch;
    record->producer_id = b->producer_id;
    r->next_offset = record->offset + 1;
    r->count_left--;
    *more = true;
    return EVL_OK;
}

void batch_reader_release(struct batch_reader *r)
{
    buf_release(&r->plain);
    decompressor_release(&r->unpacker);
    memory_free(r->headers);
    *r = (struct batch_reader){ 0 };
}
