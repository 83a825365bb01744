/* Batches: byte for byte Kafka's, and nothing else passes for one. */
#include "record/batch.h"

#include <stdio.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/memory.h"
#include "base/varint.h"
#include "record_kit.h"
#include "unit.h"

static const char two_records[] =
    "000000000000000000000049ffffffff0297f4442a0000000000010000018bcfe568000000018bcfe56805"
    "ffffffffffffffffffffffffffff000000021c000000046b31047631020268027810000a020104763200";
static const char commit_marker[] =
    "000000000000000200000042000000040255027d2b0030000000000000018bcfe568000000018bcfe56800"
    "00000000000003e80007ffffffff000000012000000008000000010c00000000000300";
static const char abort_marker[] =
    "0000000000000002000000420000000402a13cab630030000000000000018bcfe568000000018bcfe56800"
    "00000000000003e80007ffffffff000000012000000008000000000c00000000000300";
static const char transactional[] =
    "00000000000000000000003affffffff028cc75a300010000000000000018bcfe568000000018bcfe56800"
    "00000000000003e800070000000000000001100000000261026200";
/* by Kafka's own cleaner: records 1, 3, 5, 7, 9 of ten, then none of ten */
static const char cleaned[] =
    "000000000000001a00000082ffffffff026389cbe700410000000900000174876e83e80000018bcfe56809"
    "000000000000004d000300000037000000051f8b08000000000000ff9363d834617bfb4b5626966c439632"
    "430629866d603e1b4bb63123831cc32e308f8b25db94a5cc14c8df07e6f3b1649bb3949903551f02f38558"
    "b22d1919002f7b0d704c000000";
static const char emptied[] =
    "000000000000002400000031ffffffff02e31fd1c6000000000009ffffffffffffffff0000018bcfe56809"
    "000000000000004d00030000003700000000";

static const int64_t noon = 1700000000000;

static bool is_hex(const uint8_t *at, size_t size, const char *hex)
{
    struct evl_buffer b = hex_read(hex);
    bool same = b.count == size && memcmp(b.at, at, size) == 0;
    buf_release(&b);
    return same;
}

static struct evl_record record_of(struct evl_bytes key, struct evl_bytes value, int64_t timestamp)
{
    struct evl_record record = EVL_RECORD_NONE;
    record.key = key;
    record.value = value;
    record.timestamp = timestamp;
    return record;
}

/* Make length and checksum right again after something was changed. */
static void reseal(struct evl_buffer *b)
{
    put_i32(b->at + 8, (int32_t)b->count - BATCH_LEAD);
    put_u32(b->at + 17, crc32c(0, b->at + 21, b->count - 21));
}

TEST("a batch is written byte for byte as Kafka has it")
{
    struct batch_writer w = { 0 };
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    struct evl_header header = { evl_text("h"), evl_text("x") };
    struct evl_record record = record_of(evl_text("k1"), evl_text("v1"), noon);
    uint8_t *at;
    size_t size;
    record.headers = &header;
    record.header_count = 1;
    batch_begin(&w);
    batch_add(&w, &record);
    record = record_of(evl_bytes(NULL, 0), evl_text("v2"), noon + 5);
    batch_add(&w, &record);
    REQUIRE(!batch_finish(&w, &seal, &at, &size));
    EXPECT(is_hex(at, size, two_records));

    seal.producer_id = 1000;
    seal.producer_epoch = 7;
    seal.base_sequence = 0;
    seal.attributes = BATCH_TRANSACTIONAL;
    record = record_of(evl_text("a"), evl_text("b"), noon);
    batch_begin(&w);
    batch_add(&w, &record);
    REQUIRE(!batch_finish(&w, &seal, &at, &size));
    EXPECT(is_hex(at, size, transactional));
    batch_writer_release(&w);
}

TEST("transaction markers are written byte for byte, and read as control records")
{
    struct batch_writer w = { 0 };
    struct batch_reader r = { 0 };
    for (uint8_t kind = 0; kind < 2; kind++) {
        uint8_t key[4] = { 0, 0, 0, kind };
        uint8_t value[6] = { 0, 0, 0, 0, 0, 3 };
        struct evl_record record =
            record_of(evl_bytes(key, sizeof key), evl_bytes(value, sizeof value), noon);
        struct batch_seal seal = BATCH_SEAL_PLAIN;
        uint8_t *at;
        size_t size;
        bool more;
        seal.base_offset = 2;
        seal.leader_epoch = 4;
        seal.attributes = BATCH_TRANSACTIONAL | BATCH_CONTROL;
        seal.producer_id = 1000;
        seal.producer_epoch = 7;
        batch_begin(&w);
        batch_add(&w, &record);
        REQUIRE(!batch_finish(&w, &seal, &at, &size));
        EXPECT(is_hex(at, size, kind ? commit_marker : abort_marker));
        REQUIRE(!batch_open(&r, evl_bytes(at, size), 0));
        EXPECT(!batch_next(&r, &record, &more) && more && record.control && record.offset == 2);
        EXPECT(record.producer_id == 1000 && record.producer_epoch == 7);
        EXPECT(record.leader_epoch == 4 && record.key.at[3] == kind);
    }
    batch_writer_release(&w);
    batch_reader_release(&r);
}

/* Write records of chance, read them back.  Offsets of their own, or counted. */
static void round_trip(struct batch_writer *w, struct batch_reader *r, int codec, bool own)
{
    enum { RECORDS = 120 };
    static struct kit_record given[RECORDS];
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    int64_t horizon = own && kit_chance() % 2 ? noon - 5 : EVL_NO_TIMESTAMP;
    int64_t offset = seal.base_offset = (int64_t)(kit_chance() >> 2);
    int count = 1 + (int)(kit_chance() % RECORDS);
    struct batch head;
    uint8_t *at;
    size_t size;
    own ? batch_begin_at(w, offset, horizon) : batch_begin(w);
    for (int i = 0; i < count; i++) {
        kit_record_make(&given[i]);
        offset += own ? (int64_t)(kit_chance() % 100000) : 0;
        given[i].record.offset = offset++;
        own ? batch_add_at(w, &given[i].record) : batch_add(w, &given[i].record);
    }
    seal.attributes = (int16_t)codec;
    REQUIRE(!batch_finish(w, &seal, &at, &size));
    REQUIRE(!batch_check(evl_bytes(at, size), &head));
    EXPECT(head.base_offset == seal.base_offset && head.last_offset == offset - 1);
    EXPECT(head.count == count && (head.attributes & BATCH_CODEC) == codec);
    EXPECT(!(head.attributes & BATCH_DELETE_HORIZON) == (horizon == EVL_NO_TIMESTAMP));
    REQUIRE(!batch_open(r, evl_bytes(at, size), 1 << 24));
    int64_t largest = INT64_MIN;
    for (int i = 0; i < count; i++) {
        struct evl_record record;
        bool more;
        REQUIRE(!batch_next(r, &record, &more) && more);
        EXPECT(kit_records_equal(&record, &given[i].record));
        largest = record.timestamp > largest ? record.timestamp : largest;
    }
    struct evl_record none;
    bool more;
    EXPECT(!batch_next(r, &none, &more) && !more);
    EXPECT(head.max_timestamp == largest);
}

TEST("records of chance come back from every codec as they were")
{
    struct batch_writer w = { 0 };
    struct batch_reader r = { 0 };
    kit_seed(11);
    for (int i = 0; i < 400; i++) {
        int codec = i % CODEC_COUNT;
        if (evl_codec_usable((enum evl_codec)codec))
            round_trip(&w, &r, codec, i % 2 == 1);
    }
    batch_writer_release(&w);
    batch_reader_release(&r);
}

TEST("a record is never larger than it was said to be")
{
    struct batch_writer w = { 0 };
    kit_seed(12);
    for (int i = 0; i < 1000; i++) {
        struct kit_record r;
        kit_record_make(&r);
        batch_begin(&w);
        batch_add(&w, &r.record);
        size_t bytes = w.bytes.count - BATCH_HEAD;
        EXPECT(bytes <= batch_record_bytes(&r.record));
    }
    batch_writer_release(&w);
}

TEST("a record of 100 MB passes")
{
    enum { HUGE_BYTES = 100000000 };
    struct batch_writer w = { 0 };
    struct batch_reader r = { 0 };
    uint8_t *value = memory_take(HUGE_BYTES, 1);
    struct evl_record record = record_of(evl_text("k"), evl_bytes(value, HUGE_BYTES), 0);
    struct batch head;
    uint8_t *at;
    size_t size;
    bool more;
    batch_begin(&w);
    batch_add(&w, &record);
    REQUIRE(!batch_finish(&w, &BATCH_SEAL_PLAIN, &at, &size));
    EXPECT(!batch_check(evl_bytes(at, size), &head));
    EXPECT(!batch_open(&r, evl_bytes(at, size), 0));
    EXPECT(!batch_next(&r, &record, &more) && more && record.value.count == HUGE_BYTES);
    memory_free(value);
    batch_writer_release(&w);
    batch_reader_release(&r);
}

TEST("every flipped bit of a batch is seen, but for the two fields that are not summed")
{
    struct evl_buffer b = hex_read(two_records);
    struct batch head;
    REQUIRE(!batch_check(buf_bytes(&b), &head));
    for (size_t bit = 0; bit < 8 * b.count; bit++) {
        size_t byte = bit / 8;
        /* the first bit would make the base offset negative */
        bool seen = bit == 0 || (byte >= 8 && byte < 12) || byte >= 16;
        b.at[byte] ^= (uint8_t)(1 << (7 - bit % 8));
        enum evl_error err = batch_check(buf_bytes(&b), &head);
        EXPECT(err == (seen ? EVL_ERR_CORRUPT : EVL_OK));
        b.at[byte] ^= (uint8_t)(1 << (7 - bit % 8));
    }
    buf_release(&b);
}

TEST("a truncated batch is refused, even if its length and checksum were made right")
{
    struct evl_buffer whole = hex_read(two_records);
    for (size_t cut = 0; cut < whole.count; cut++) {
        struct evl_buffer b = { 0 };
        struct batch head;
        int32_t count;
        buf_add(&b, whole.at, cut);
        EXPECT(batch_check(buf_bytes(&b), &head) == EVL_ERR_CORRUPT);
        if (cut >= BATCH_HEAD) {
            reseal(&b);
            EXPECT(batch_check(buf_bytes(&b), &head) == EVL_OK);
            EXPECT(kit_read_all(buf_bytes(&b), &count) == EVL_ERR_CORRUPT && count < 2);
        }
        buf_release(&b);
    }
    buf_release(&whole);
}

/* A batch of `count` records at the offsets up to `last_delta`, of these bytes. */
static enum evl_error read_records(const char *hex, int32_t count, int32_t last_delta)
{
    struct evl_buffer b = hex_read(two_records);
    struct evl_buffer records = hex_read(hex);
    struct batch head;
    int32_t found;
    b.count = BATCH_HEAD;
    buf_add(&b, records.at, records.count);
    put_i32(b.at + 23, last_delta);
    put_i32(b.at + 57, count);
    reseal(&b);
    enum evl_error err = batch_check(buf_bytes(&b), &head);
    if (!err)
        err = kit_read_all(buf_bytes(&b), &found);
    buf_release(&b);
    buf_release(&records);
    return err;
}

TEST("records that are not what they say are refused, with what and where")
{
    static const struct {
        const char *hex, *fault;
        int32_t count, last_delta;
    } rows[] = {
        { "0a0000000101", "its number of headers", 1, 0 },
        { "0e00000001010100", "its number of headers is negative", 1, 0 },
        { "0e0000000101c801", "more headers than bytes", 1, 0 },
        { "1200000001010201ff00", "a header's name", 1, 0 },
        { "120000000101020004ff", "a header's value", 1, 0 },
        { "0e000000010100ff", "left behind its headers", 1, 0 },
        { "0c00000001010000", "2 of 2, at byte 7", 2, 1 },
        { "0c000000010100", "it is not there", 2, 1 },
        { "0c000000010100ff", "left behind its 1 records", 1, 0 },
        { "0e000000010100", "its length is not what is there", 1, 0 },
        { "00", "its length is not what is there", 1, 0 },
        { "01", "its length is not what is there", 1, 0 },
        { "ffffffffff01", "its length does not end", 1, 0 },
        { "1a00ffffffffffffffffffff01010100", "its timestamp", 1, 0 },
        { "160000808080808000010100", "its offset", 1, 0 },
        { "0c000000030100", "its key", 1, 0 },
        { "0c000000010600", "its value", 1, 0 },
        { "0c0000020101000c000002010100", "its offset is out of order", 2, 1 },
        { "0c000002010100", "its offset is out of order", 1, 0 },
        { "140000feffffff0f010100", "its offset is out of order", 1, 0 },
        { "0c000001010100", "its offset is out of order", 1, 0 },
    };
    EXPECT(read_records("0c000000010100", 1, 0) == EVL_OK);
    EXPECT(read_records("0e00000001010000", 1, 0) == EVL_ERR_CORRUPT);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum evl_error err = read_records(rows[i].hex, rows[i].count, rows[i].last_delta);
        if (err != EVL_ERR_CORRUPT || !strstr(evl_fault(), rows[i].fault))
            printf("# row %zu: %s\n", i, rows[i].hex);
        EXPECT(err == EVL_ERR_CORRUPT);
        EXPECT(strstr(evl_fault(), rows[i].fault) && strstr(evl_fault(), "offset 0"));
    }
}

TEST("a head that cannot be is refused")
{
    static const struct {
        size_t at;
        const char *hex;
    } rows[] = { { 0, "8000000000000000" },
                 { 0, "7ffffffffffffffe" },
                 { 0, "7fffffffffffffff" },
                 { 8, "00000030" },
                 { 8, "ffffffff" },
                 { 8, "7fffffff" },
                 { 16, "03" },
                 { 16, "ff" },
                 { 16, "01" },
                 { 23, "ffffffff" },
                 { 57, "ffffffff" } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct evl_buffer b = hex_read(two_records);
        struct evl_buffer patch = hex_read(rows[i].hex);
        struct batch head;
        memcpy(b.at + rows[i].at, patch.at, patch.count);
        EXPECT(batch_head(buf_bytes(&b), &head) == EVL_ERR_CORRUPT);
        buf_release(&b);
        buf_release(&patch);
    }
}

TEST("the leader places a batch and its checksum stays right")
{
    struct evl_buffer b = hex_read(two_records);
    struct batch head;
    batch_place(b.at, 1234567890123, 42);
    REQUIRE(!batch_check(buf_bytes(&b), &head));
    EXPECT(head.base_offset == 1234567890123 && head.last_offset == 1234567890124);
    EXPECT(head.leader_epoch == 42);
    buf_release(&b);
}

TEST("with append time all records have the time of the append")
{
    struct evl_buffer b = hex_read(two_records);
    struct batch_reader r = { 0 };
    struct batch head;
    struct evl_record record;
    bool more;
    batch_stamp(b.at, noon + 1000);
    REQUIRE(!batch_check(buf_bytes(&b), &head));
    EXPECT(head.max_timestamp == noon + 1000 && (head.attributes & BATCH_APPEND_TIME));
    REQUIRE(!batch_open(&r, buf_bytes(&b), 0));
    for (int i = 0; i < 2; i++) {
        EXPECT(!batch_next(&r, &record, &more) && more);
        EXPECT(record.timestamp == noon + 1000 && record.timestamp_type == EVL_APPEND_TIME);
    }
    batch_reader_release(&r);
    buf_release(&b);
}

TEST("a batch that Kafka's cleaner left is read: horizon, gaps, times")
{
    if (!evl_codec_usable(EVL_CODEC_GZIP))
        return;
    struct evl_buffer b = hex_read(cleaned);
    struct batch_reader r = { 0 };
    struct batch head;
    struct evl_record record;
    bool more;
    REQUIRE(!batch_check(buf_bytes(&b), &head));
    EXPECT((head.attributes & BATCH_DELETE_HORIZON) && head.base_timestamp == 1600000001000);
    EXPECT(head.base_offset == 26 && head.last_offset == 35 && head.count == 5);
    REQUIRE(!batch_open(&r, buf_bytes(&b), 1000));
    for (int i = 1; i < 10; i += 2) {
        EXPECT(!batch_next(&r, &record, &more) && more);
        EXPECT(record.offset == 26 + i && record.timestamp == noon + i);
    }
    EXPECT(!batch_next(&r, &record, &more) && !more);
    batch_reader_release(&r);
    buf_release(&b);
}

TEST("an emptied batch is written as Kafka's cleaner writes it, and has no records")
{
    struct batch_writer w = { 0 };
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    uint8_t *at;
    size_t size;
    int32_t count;
    seal.attributes = EVL_CODEC_GZIP; /* what the batch was before */
    seal.producer_id = 77;
    seal.producer_epoch = 3;
    seal.base_sequence = 55;
    seal.last_offset = 45;
    seal.max_timestamp = noon + 9;
    batch_begin_at(&w, 36, EVL_NO_TIMESTAMP);
    REQUIRE(!batch_finish(&w, &seal, &at, &size));
    EXPECT(is_hex(at, size, emptied));
    EXPECT(kit_read_all(evl_bytes(at, size), &count) == EVL_OK && count == 0);
    batch_writer_release(&w);
}

TEST("a batch keeps its offsets, base and end when its records go")
{
    struct batch_writer w = { 0 };
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    struct evl_record record = record_of(evl_text("k"), evl_text("v"), noon);
    struct batch head;
    uint8_t *at;
    size_t size;
    record.offset = 105;
    seal.last_offset = 109;
    batch_begin_at(&w, 100, EVL_NO_TIMESTAMP);
    batch_add_at(&w, &record);
    REQUIRE(!batch_finish(&w, &seal, &at, &size) && !batch_check(evl_bytes(at, size), &head));
    EXPECT(head.base_offset == 100 && head.last_offset == 109 && head.count == 1);

    seal.last_offset = -1;
    batch_begin(&w); /* without a base, the first record's */
    batch_add_at(&w, &record);
    REQUIRE(!batch_finish(&w, &seal, &at, &size) && !batch_check(evl_bytes(at, size), &head));
    EXPECT(head.base_offset == 105 && head.last_offset == 105);
    batch_writer_release(&w);
}

TEST("a batch that unpacks to more than is allowed is refused")
{
    struct batch_writer w = { 0 };
    struct batch_reader r = { 0 };
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    static const uint8_t zeros[100000];
    struct evl_record record = record_of(evl_bytes(NULL, 0), evl_bytes(zeros, sizeof zeros), 0);
    struct evl_record none;
    uint8_t *at;
    size_t size;
    bool more;
    seal.attributes = EVL_CODEC_SNAPPY;
    batch_begin(&w);
    batch_add(&w, &record);
    REQUIRE(!batch_finish(&w, &seal, &at, &size));
    EXPECT(batch_open(&r, evl_bytes(at, size), 99999) == EVL_ERR_TOO_LARGE);
    EXPECT(!batch_next(&r, &none, &more) && !more);
    EXPECT(batch_open(&r, evl_bytes(at, size), 101000) == EVL_OK);
    seal.level = 99;
    EXPECT(batch_finish(&w, &seal, &at, &size) == EVL_ERR_CONFIG);
    batch_writer_release(&w);
    batch_reader_release(&r);
}

TEST("values added many at a time make the batch that records one by one make")
{
    struct batch_writer one = { 0 };
    struct batch_writer many = { 0 };
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    struct evl_bytes values[300];
    static uint8_t text[20000];
    uint8_t *a;
    uint8_t *b;
    size_t a_size;
    size_t b_size;
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < 300; i++)
        values[i] = evl_bytes(text, i < 280 ? i : i * 60);
    batch_begin(&one);
    batch_begin(&many);
    for (size_t from = 0; from < 300; from += 100) {
        int64_t timestamp = 1000 - (int64_t)from * 7;
        for (size_t i = 0; i < 100; i++) {
            struct evl_record record = EVL_RECORD_NONE;
            record.timestamp = timestamp;
            record.value = values[from + i];
            batch_add(&one, &record);
        }
        EXPECT(batch_add_values(&many, values + from, 100, timestamp, 1 << 20) == 100);
    }
    REQUIRE(batch_finish(&one, &seal, &a, &a_size) == EVL_OK);
    REQUIRE(batch_finish(&many, &seal, &b, &b_size) == EVL_OK);
    EXPECT(a_size == b_size && memcmp(a, b, a_size) == 0);
    batch_begin(&many);
    EXPECT(batch_add_values(&many, values, 300, 1, 1000) < 100);
    EXPECT(many.bytes.count <= 1000);
    batch_writer_release(&one);
    batch_writer_release(&many);
}
