/* Old messages, read as other clients wrote them. */
#include "record/message_set.h"

#include <stdio.h>

#include "base/crc32.h"
#include "base/endian.h"
#include "record_kit.h"
#include "unit.h"

struct sample {
    const char *who;
    int magic;
    enum evl_codec codec;
    int64_t first;
    const char *hex;
};

static const struct sample samples[] = {
#define BATCH(who, magic, codec, first, hex) { #who, magic, codec, first, hex },
#include "batches.def"
#undef BATCH
};

enum { SAMPLES = sizeof samples / sizeof samples[0] };

/* One of the two records that every sample holds. */
static void sample_expect(const struct sample *s, const struct evl_record *record, int i)
{
    char key[16];
    char value[64];
    snprintf(key, sizeof key, "k%d", i);
    snprintf(value, sizeof value, "value value value value value value %d", i);
    EXPECT(record->offset == s->first + i);
    EXPECT(record->timestamp == (s->magic == 0 ? EVL_NO_TIMESTAMP : 1700000000000 + i));
    EXPECT(record->timestamp_type == EVL_CREATE_TIME && !record->control);
    EXPECT(evl_bytes_equal(record->key, evl_text(key)));
    EXPECT(evl_bytes_equal(record->value, evl_text(value)));
    REQUIRE(record->header_count == (s->magic == 2));
    if (s->magic == 2) {
        EXPECT(evl_bytes_equal(record->headers[0].name, evl_text("h")));
        EXPECT(evl_bytes_equal(record->headers[0].value, evl_text("x")));
    }
}

/* Walk the entries in `bytes`, and count their records. */
static int sample_read(const struct sample *s, struct evl_bytes bytes, struct batch_reader *r)
{
    int found = 0;
    while (bytes.count > 0) {
        struct batch batch;
        struct evl_record record;
        int32_t size;
        int8_t magic;
        bool more = true;
        EXPECT(!batch_peek(bytes.at, &size, &magic) && magic == s->magic);
        struct evl_bytes entry = evl_bytes(bytes.at, (size_t)size);
        EXPECT(!entry_check(entry, &batch) && (batch.attributes & BATCH_CODEC) == (int)s->codec);
        enum evl_error err = batch_open(r, entry, 1000);
        EXPECT(!err);
        while (!err && !(err = batch_next(r, &record, &more)) && more)
            sample_expect(s, &record, found++);
        EXPECT(!err && r->batch.last_offset == s->first + found - 1);
        bytes = evl_bytes(bytes.at + size, bytes.count - (size_t)size);
    }
    return found;
}

TEST("batches and old message sets of Java and of Python are read, in every codec")
{
    struct batch_reader r = { 0 };
    for (int i = 0; i < SAMPLES; i++) {
        const struct sample *s = &samples[i];
        if (!evl_codec_usable(s->codec)) {
            printf("# skipped, not built: %s\n", evl_codec_name(s->codec));
            continue;
        }
        struct evl_buffer bytes = hex_read(s->hex);
        int found = sample_read(s, buf_bytes(&bytes), &r);
        if (found != 2)
            printf("# %s, magic %d, %s\n", s->who, s->magic, evl_codec_name(s->codec));
        EXPECT(found == 2);
        buf_release(&bytes);
    }
    batch_reader_release(&r);
}

TEST("a plain message is seen as a batch of one")
{
    struct evl_buffer v0 = hex_read("00000000000000000000001257e7496e0000000000026b31000000027631");
    struct evl_buffer v1 =
        hex_read("00000000000000000000001aa5da6a6201000000018bcfe56800000000026b31000000027631");
    struct batch b;
    REQUIRE(!message_check(buf_bytes(&v0), &b));
    EXPECT(b.magic == 0 && b.count == 1 && b.size == 30);
    EXPECT(b.max_timestamp == EVL_NO_TIMESTAMP);
    EXPECT(b.base_offset == 0 && b.last_offset == 0 && b.leader_epoch == -1);
    EXPECT(b.producer_id == -1 && b.producer_epoch == -1 && b.base_sequence == -1);
    REQUIRE(!entry_check(buf_bytes(&v1), &b));
    EXPECT(b.magic == 1 && b.count == 1 && b.size == 38 && b.max_timestamp == 1700000000000);
    buf_release(&v0);
    buf_release(&v1);
}

TEST("a wrapper's count and first offset are known once it is open")
{
    struct batch_reader r = { 0 };
    for (int i = 0; i < SAMPLES; i++) {
        const struct sample *s = &samples[i];
        struct batch b;
        if (s->magic == 2 || s->codec == EVL_CODEC_NONE || !evl_codec_usable(s->codec) ||
            s->first == 0)
            continue;
        struct evl_buffer bytes = hex_read(s->hex);
        EXPECT(!entry_check(buf_bytes(&bytes), &b));
        EXPECT(b.count == -1 && b.base_offset == s->first + 1 && b.last_offset == s->first + 1);
        EXPECT(!batch_open(&r, buf_bytes(&bytes), 1000));
        EXPECT(r.batch.count == 2 && r.batch.base_offset == s->first);
        buf_release(&bytes);
    }
    batch_reader_release(&r);
}

/* ---- messages made here -------------------------------------------------- */

static void message_seal(uint8_t *at, size_t size)
{
    put_i32(at + 8, (int32_t)size - 12);
    put_u32(at + 12, crc32_ieee(0, at + 16, size - 16));
}

/* Add a message; value NULL is null. */
static void message_add(struct evl_buffer *b, int8_t magic, int8_t attributes, int64_t offset,
                        int64_t timestamp, struct evl_bytes value)
{
    size_t begin = b->count;
    uint8_t *at = buf_room(b, 34);
    put_i64(at, offset);
    at[16] = (uint8_t)magic;
    at[17] = (uint8_t)attributes;
    size_t lead = 18;
    if (magic == 1) {
        put_i64(at + lead, timestamp);
        lead += 8;
    }
    put_i32(at + lead, -1);
    put_i32(at + lead + 4, value.at ? (int32_t)value.count : -1);
    b->count += lead + 8;
    buf_add(b, value.at, value.count);
    message_seal(b->at + begin, b->count - begin);
}

static struct evl_buffer wrapper_make(int8_t magic, int8_t attributes, int64_t offset,
                                      const struct evl_buffer *inner)
{
    struct compressor c = { 0 };
    struct evl_buffer packed = { 0 };
    struct evl_buffer wrapper = { 0 };
    EXPECT(!compressor_pack(&c, EVL_CODEC_SNAPPY, 0, buf_bytes(inner), &packed));
    message_add(&wrapper, magic, (int8_t)(attributes | EVL_CODEC_SNAPPY), offset, 99,
                buf_bytes(&packed));
    compressor_release(&c);
    buf_release(&packed);
    return wrapper;
}

static enum evl_error wrapper_read(struct evl_buffer *wrapper, int32_t *count)
{
    struct batch b;
    EXPECT(!message_check(buf_bytes(wrapper), &b));
    enum evl_error err = kit_read_all(buf_bytes(wrapper), count);
    buf_release(wrapper);
    return err;
}

TEST("relative offsets of a wrapper count back from its own, gaps and all")
{
    struct evl_buffer inner = { 0 };
    struct batch_reader r = { 0 };
    struct evl_record record;
    bool more;
    message_add(&inner, 1, 0, 2, 10, evl_text("a")); /* 0 and 1 were compacted away */
    message_add(&inner, 1, 0, 5, 11, evl_bytes(NULL, 0));
    struct evl_buffer wrapper = wrapper_make(1, 0, 105, &inner);
    REQUIRE(!batch_open(&r, buf_bytes(&wrapper), 1000));
    EXPECT(r.batch.base_offset == 102 && r.batch.last_offset == 105);
    EXPECT(!batch_next(&r, &record, &more) && more && record.offset == 102);
    EXPECT(record.timestamp == 10 && record.timestamp_type == EVL_CREATE_TIME);
    EXPECT(!batch_next(&r, &record, &more) && more && record.offset == 105 && !record.value.at);
    EXPECT(!batch_next(&r, &record, &more) && !more);
    buf_release(&wrapper);

    wrapper = wrapper_make(1, BATCH_APPEND_TIME, 105, &inner);
    REQUIRE(!batch_open(&r, buf_bytes(&wrapper), 1000));
    EXPECT(!batch_next(&r, &record, &more) && record.timestamp == 99);
    EXPECT(record.timestamp_type == EVL_APPEND_TIME);
    buf_release(&wrapper);
    buf_release(&inner);
    batch_reader_release(&r);
}

TEST("a wrapper that holds nonsense is refused")
{
    struct evl_buffer inner = { 0 };
    int32_t count;
    struct evl_buffer wrapper = wrapper_make(1, 0, 7, &inner);
    EXPECT(wrapper_read(&wrapper, &count) == EVL_ERR_CORRUPT); /* nothing in it */

    message_add(&inner, 1, 0, 0, 10, evl_text("a"));
    message_add(&inner, 1, 0, 8, 10, evl_text("b"));
    wrapper = wrapper_make(1, 0, 7, &inner); /* offset 7, but the last in it is 8 */
    EXPECT(wrapper_read(&wrapper, &count) == EVL_ERR_CORRUPT);
    wrapper = wrapper_make(1, 0, 8, &inner);
    EXPECT(wrapper_read(&wrapper, &count) == EVL_OK && count == 2);
    wrapper = wrapper_make(0, 0, 8, &inner); /* of another magic */
    EXPECT(wrapper_read(&wrapper, &count) == EVL_ERR_CORRUPT);

    message_add(&inner, 1, 0, 8, 10, evl_text("c")); /* an offset twice */
    wrapper = wrapper_make(1, 0, 8, &inner);
    EXPECT(wrapper_read(&wrapper, &count) == EVL_ERR_CORRUPT);

    buf_clear(&inner);
    message_add(&inner, 1, 0, 0, 10, evl_text("a"));
    struct evl_buffer once = wrapper_make(1, 0, 0, &inner);
    wrapper = wrapper_make(1, 0, 0, &once); /* wrapped twice */
    EXPECT(wrapper_read(&wrapper, &count) == EVL_ERR_CORRUPT);
    EXPECT(strstr(evl_fault(), "wrapped twice"));
    buf_release(&once);

    inner.at[inner.count - 1] ^= 1; /* a checksum inside is wrong */
    wrapper = wrapper_make(1, 0, 0, &inner);
    EXPECT(wrapper_read(&wrapper, &count) == EVL_ERR_CORRUPT);
    buf_release(&inner);
}

TEST("a truncated or damaged old message is refused")
{
    for (int8_t magic = 0; magic < 2; magic++) {
        struct evl_buffer bytes = { 0 };
        struct batch b;
        message_add(&bytes, magic, 0, 3, 1700000000000, evl_text("value"));
        REQUIRE(!entry_check(buf_bytes(&bytes), &b));
        for (size_t cut = 0; cut < bytes.count; cut++)
            EXPECT(entry_check(evl_bytes(bytes.at, cut), &b) == EVL_ERR_CORRUPT);
        for (size_t bit = 8 * 8; bit < 8 * bytes.count; bit++) { /* the offset is not summed */
            bytes.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (bytes.at[16] < 2) /* a batch of magic 2 would need more room */
                EXPECT(entry_check(buf_bytes(&bytes), &b) == EVL_ERR_CORRUPT);
            bytes.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        buf_release(&bytes);
    }
}

TEST("a message whose lengths do not fit it is refused, right checksum or not")
{
    struct batch b;
    for (int32_t wrong = -3; wrong < 12; wrong++) {
        struct evl_buffer bytes = { 0 };
        message_add(&bytes, 0, 0, 3, -1, evl_text("value"));
        put_i32(bytes.at + 22, wrong);
        message_seal(bytes.at, bytes.count);
        EXPECT(entry_check(buf_bytes(&bytes), &b) == (wrong == 5 ? EVL_OK : EVL_ERR_CORRUPT));
        buf_release(&bytes);
    }
}
