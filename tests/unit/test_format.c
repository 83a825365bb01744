/* What all forms promise: records come back as they were, wherever the bytes
 * are cut, and damage is reported where it is. */
#include <evl/format.h>

#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "random_record.h"
#include "record/batch.h"
#include "unit.h"

static const char all_columns[] =
    "topic partition offset timestamp timestamp_type key value headers";

static const struct evl_format_options lossless[] = {
    { .kind = EVL_FORMAT_TSV, .columns = all_columns },
    { .kind = EVL_FORMAT_JSON, .end_mark = true },
    { .kind = EVL_FORMAT_MSGPACK, .end_mark = true },
};
enum { LOSSLESS = sizeof lossless / sizeof lossless[0] };

static const uint64_t seed_of_records = 0x9e3779b97f4a7c15;

/* Write `count` records of a seed, and the end mark. */
static struct evl_buffer written(const struct evl_format_options *options, uint64_t seed, int count)
{
    struct evl_buffer out = { 0 };
    struct evl_format_writer *writer;
    struct random_record r;
    if (evl_format_writer_open(options, &writer))
        return out;
    for (int i = 0; i < count; i++) {
        random_record_make(&r, &seed);
        if (evl_format_write(writer, &r.record, &out))
            break;
    }
    evl_format_write_end(writer, &out);
    evl_format_writer_close(writer);
    return out;
}

/* How many records of the seed come back from the bytes, in order; -1, and
 * which and where, if another one came or reading failed.  The bytes come in
 * pieces of `step`. */
static int came_back(struct evl_format_reader *reader, struct evl_bytes bytes, size_t step,
                     uint64_t seed)
{
    int count = 0;
    size_t have = 0;
    size_t done = 0;
    for (;;) {
        struct evl_record record;
        struct random_record wanted;
        size_t used;
        bool got;
        bool last = have == bytes.count;
        /* A copy of its own, so that a sanitizer sees a step too far. */
        uint8_t *piece = malloc(have - done + 1);
        memcpy(piece, bytes.at + done, have - done);
        enum evl_error err =
            evl_format_read(reader, evl_bytes(piece, have - done), last, &used, &record, &got);
        const char *difference = NULL;
        if (got) {
            random_record_make(&wanted, &seed);
            difference = record_difference(&record, &wanted.record);
            count++;
        }
        free(piece);
        done += used;
        if (err || difference) {
            printf("# record %d: %s\n", count, err ? evl_fault() : difference);
            return -1;
        }
        if (!got && last)
            return done == bytes.count ? count : -1;
        if (!got)
            have = have + step < bytes.count ? have + step : bytes.count;
    }
}

TEST("random records come back from tsv, json and msgpack as they were")
{
    for (int i = 0; i < LOSSLESS; i++) {
        struct evl_buffer out = written(&lossless[i], seed_of_records, 20000);
        struct evl_format_reader *reader;
        REQUIRE(!evl_format_reader_open(&lossless[i], &reader));
        EXPECT(came_back(reader, buf_bytes(&out), 4096, seed_of_records) == 20000);
        EXPECT(evl_format_reader_ended(reader) == lossless[i].end_mark);
        evl_format_reader_close(reader);
        buf_release(&out);
    }
}

TEST("where the input is cut into pieces makes no difference")
{
    for (int i = 0; i < LOSSLESS; i++) {
        struct evl_buffer out = written(&lossless[i], 7, 12);
        for (size_t step = 1; step <= out.count; step++) {
            struct evl_format_reader *reader;
            REQUIRE(!evl_format_reader_open(&lossless[i], &reader));
            EXPECT(came_back(reader, buf_bytes(&out), step, 7) == 12);
            evl_format_reader_close(reader);
        }
        buf_release(&out);
    }
}

TEST("a stream that is cut off has no end, wherever the cut is")
{
    const struct evl_format_options *options = &lossless[2];
    struct evl_buffer out = written(options, 7, 5);
    for (size_t cut = 0; cut < out.count; cut++) {
        struct evl_format_reader *reader;
        REQUIRE(!evl_format_reader_open(options, &reader));
        struct evl_bytes left = evl_bytes(out.at, cut);
        enum evl_error err = EVL_OK;
        for (bool got = true; got && !err;) {
            struct evl_record record;
            size_t used;
            err = evl_format_read(reader, left, true, &used, &record, &got);
            left = evl_bytes(left.at + used, left.count - used);
        }
        EXPECT(!evl_format_reader_ended(reader));
        evl_format_reader_close(reader);
    }
    buf_release(&out);
}

TEST("streams with end marks may be joined")
{
    for (int i = 1; i < LOSSLESS; i++) {
        struct evl_buffer one = written(&lossless[i], 3, 4);
        struct evl_buffer two = { 0 };
        struct evl_format_reader *reader;
        struct evl_record record;
        int count = 0;
        size_t done = 0;
        buf_add_bytes(&two, buf_bytes(&one));
        buf_add_bytes(&two, buf_bytes(&one));
        REQUIRE(!evl_format_reader_open(&lossless[i], &reader));
        for (bool got = true; got; count += got) {
            size_t used;
            REQUIRE(!evl_format_read(reader, evl_bytes(two.at + done, two.count - done), true,
                                     &used, &record, &got));
            done += used;
        }
        EXPECT(count == 8 && evl_format_reader_ended(reader));
        evl_format_reader_close(reader);
        buf_release(&one);
        buf_release(&two);
    }
}

TEST("an end mark that counts or sums up other records is refused")
{
    struct evl_buffer out = written(&lossless[1], 3, 4);
    struct evl_format_reader *reader;
    uint8_t *second = (uint8_t *)memchr(out.at, '\n', out.count) + 1;
    struct evl_bytes rest = { second, out.count - (size_t)(second - out.at) };
    enum evl_error err = EVL_OK;
    REQUIRE(!evl_format_reader_open(&lossless[1], &reader));
    for (bool got = true; got && !err;) {
        struct evl_record record;
        size_t used;
        err = evl_format_read(reader, rest, true, &used, &record, &got);
        rest = evl_bytes(rest.at + used, rest.count - used);
    }
    EXPECT(err == EVL_ERR_CORRUPT && strstr(evl_fault(), "the end mark counts 4 records, 3 came"));
    evl_format_reader_close(reader);
    buf_release(&out);
}

/* Does a command pass on the bytes as they are? */
static bool passes(const char *command, const struct evl_buffer *bytes)
{
    char path[] = "/tmp/evformatXXXXXX";
    char line[200];
    int file = mkstemp(path);
    if (file < 0 || write(file, bytes->at, bytes->count) != (ssize_t)bytes->count)
        return false;
    snprintf(line, sizeof line, "%s <%s | cmp - %s", command, path, path);
    bool same = system(line) == 0;
    close(file);
    unlink(path);
    return same;
}

TEST("jq -c . gives back our json byte for byte")
{
    if (system("jq --version >/dev/null 2>&1") != 0) {
        printf("# SKIPPED: there is no jq\n");
        return;
    }
    struct evl_buffer out = written(&lossless[1], seed_of_records, 5000);
    EXPECT(passes("jq -c .", &out));
    buf_release(&out);
}

TEST("awk and cut take our tsv apart and put it together as it was")
{
    struct evl_buffer out = written(&lossless[0], seed_of_records, 5000);
    EXPECT(passes("awk -F'\\t' -v OFS='\\t' 'NF == 8 { $1 = $1; print }'", &out));
    EXPECT(passes("cut -f 1-8", &out));
    buf_release(&out);
}

TEST("msgpack-c reads what we write")
{
    struct evl_buffer out = written(&lossless[2], seed_of_records, 2000);
    msgpack_unpacked item;
    size_t at = 0;
    int maps = 0;
    msgpack_unpacked_init(&item);
    while (msgpack_unpack_next(&item, (const char *)out.at, out.count, &at) ==
           MSGPACK_UNPACK_SUCCESS)
        maps += item.data.type == MSGPACK_OBJECT_MAP;
    EXPECT(maps == 2001 && at == out.count);
    msgpack_unpacked_destroy(&item);
    buf_release(&out);
}

/* ---- malformed input ----------------------------------------------------- */

/* Read all of a text; the first fault, or "". */
static const char *fault_of(const struct evl_format_options *options, struct evl_bytes text,
                            int *count)
{
    struct evl_format_reader *reader;
    const char *fault = "";
    *count = 0;
    if (evl_format_reader_open(options, &reader))
        return evl_fault();
    for (bool got = true; got;) {
        struct evl_record record;
        size_t used;
        enum evl_error err = evl_format_read(reader, text, true, &used, &record, &got);
        text = evl_bytes(text.at + used, text.count - used);
        *count += got;
        if (err && !*fault)
            fault = evl_fault();
        got = used > 0;
    }
    evl_format_reader_close(reader);
    return fault;
}

TEST("malformed json tells the record, the byte, the line and the column, and reading goes on")
{
    const struct evl_format_options json = { .kind = EVL_FORMAT_JSON };
    static const struct {
        const char *line, *fault;
    } cases[] = {
        { "{\"key\":1}", "neither a string nor null" },
        { "{\"key\":\"a\",\"key_b64\":\"YQ==\"}", "this is there twice" },
        { "{\"key\":\"\\ud800\"}", "half of a surrogate pair" },
        { "{\"key\":\"a", "a string does not end" },
        { "{\"value\":\"a\tb\"}", "a control character in a string" },
        { "{\"value\":\"\xff\"}", "not UTF-8" },
        { "{\"value_b64\":\"*\"}", "not base64" },
        { "{\"offset\":1.5}", "not a whole number in range" },
        { "{\"partition\":2147483648}", "not a whole number in range" },
        { "{\"headers\":[{\"value\":null}]}", "a header has no name" },
        { "{\"timestamp_type\":\"x\"}", "timestamp_type is create or append" },
        { "{} {}", "something follows the object" },
        { "[]", "an object is missing" },
        { "{\"x\":[[01]]}", "a , or ] is missing" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        int count;
        snprintf(text, sizeof text, "{\"key\":\"k\"}\n\n%s\n{\"value\":\"v\"}\n", cases[i].line);
        const char *fault = fault_of(&json, evl_text(text), &count);
        EXPECT(strstr(fault, "record 2 (byte 13, line 3): ") == fault);
        EXPECT(strstr(fault, cases[i].fault) && strstr(fault, "(column "));
        EXPECT(count == 2);
    }
}

TEST("json is bounded in depth")
{
    struct evl_buffer text = { 0 };
    const struct evl_format_options json = { .kind = EVL_FORMAT_JSON };
    int count;
    buf_add_text(&text, "{\"x\":");
    for (int i = 0; i < 100000; i++)
        buf_add_byte(&text, '[');
    EXPECT(strstr(fault_of(&json, buf_bytes(&text), &count), "too deep"));
    buf_release(&text);
}

TEST("malformed tsv tells the column, and reading goes on")
{
    const struct evl_format_options tsv = { .kind = EVL_FORMAT_TSV,
                                            .columns = "offset,timestamp_type,headers" };
    static const struct {
        const char *line, *fault;
    } cases[] = {
        { "x\tcreate\t", "column 1: not a number from 0" },
        { "-1\tcreate\t", "column 1: not a number from 0" },
        { "9223372036854775808\tcreate\t", "column 1: not a number from 0" },
        { "1\tnever\t", "column 2: neither create nor append" },
        { "1\tcreate\ta,", "column 3: not of the form name=value" },
        { "1\tcreate\t%4", "column 3: not of the form name=value" },
        { "1\tcreate\ta\\", "column 3: a field ends in a backslash" },
        { "1\tcreate", "less than 3 columns" },
        { "1\tcreate\t\t", "more than 3 columns" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        int count;
        snprintf(text, sizeof text, "1\tcreate\ta=b\n%s\n2\tappend\t%%\n", cases[i].line);
        const char *fault = fault_of(&tsv, evl_text(text), &count);
        EXPECT(strstr(fault, "record 2 (byte 13, line 2): ") == fault);
        EXPECT(strstr(fault, cases[i].fault));
        EXPECT(count == 2);
    }
}

TEST("malformed msgpack is passed over when it can be, and told when it cannot")
{
    const struct evl_format_options msgpack = { .kind = EVL_FORMAT_MSGPACK };
    int count;
    /* A map whose key of one byte k is a number, then a good one. */
    static const char wrong[] = "\x81\xa1k\x05\x81\xa1v\xc4\x01x";
    EXPECT(strcmp(fault_of(&msgpack, evl_bytes(wrong, sizeof wrong - 1), &count),
                  "record 1 (byte 0): \"k\": neither bytes nor nil") == 0);
    EXPECT(count == 1);
    /* A map of four thousand million members takes no memory. */
    static const char claim[] = "\xdf\xff\xff\xff\xff";
    EXPECT(strstr(fault_of(&msgpack, evl_bytes(claim, sizeof claim - 1), &count), "cut off"));
    EXPECT(strstr(fault_of(&msgpack, evl_bytes("\xc1", 1), &count), "0xc1"));
    EXPECT(count == 0);
}

TEST("a line that is too large is passed over, however it is cut")
{
    const struct evl_format_options options = { .kind = EVL_FORMAT_LINE, .record_max = 8 };
    static const char text[] = "one\n0123456789abcdef\ntwo\n";
    for (size_t step = 1; step < sizeof text; step++) {
        struct evl_format_reader *reader;
        int large = 0;
        int good = 0;
        size_t have = 0;
        size_t done = 0;
        REQUIRE(!evl_format_reader_open(&options, &reader));
        for (;;) {
            struct evl_record record;
            size_t used;
            bool got;
            bool last = have == sizeof text - 1;
            enum evl_error err = evl_format_read(reader, evl_bytes(text + done, have - done), last,
                                                 &used, &record, &got);
            done += used;
            large += err == EVL_ERR_TOO_LARGE;
            good += got;
            if (!err && !got && last)
                break;
            if (!err && !got)
                have = have + step < sizeof text - 1 ? have + step : sizeof text - 1;
        }
        EXPECT(large == 1 && good == 2);
        evl_format_reader_close(reader);
    }
}

/* ---- batches ------------------------------------------------------------- */

static struct evl_buffer one_batch(struct batch_writer *w);

TEST("batches go through a pipe as they are, and say where they belong")
{
    const struct evl_format_options options = { .kind = EVL_FORMAT_BATCH };
    struct batch_writer w = { 0 };
    struct evl_buffer batch = one_batch(&w);
    struct evl_buffer out = { 0 };
    struct evl_format_writer *writer;
    struct evl_batch_view view = { evl_text("orders"), 3, buf_bytes(&batch), 0, 0 };
    REQUIRE(!evl_format_writer_open(&options, &writer));
    REQUIRE(!evl_format_write_batch(writer, &view, &out));
    view.topic = evl_bytes(NULL, 0);
    REQUIRE(!evl_format_write_batch(writer, &view, &out));
    EXPECT(memcmp(out.at, "EVB1", 4) == 0 && out.count == 2 * (32 + batch.count) + 6);

    struct evl_format_reader *reader;
    size_t done = 0;
    int count = 0;
    REQUIRE(!evl_format_reader_open(&options, &reader));
    for (size_t have = 0; have <= out.count; have++) {
        size_t used;
        bool got;
        REQUIRE(!evl_format_read_batch(reader, evl_bytes(out.at + done, have - done), false, &used,
                                       &view, &got));
        done += used;
        if (!got)
            continue;
        EXPECT(view.partition == 3 && view.base_offset == 40 && view.last_offset == 41);
        EXPECT(evl_bytes_equal(view.bytes, buf_bytes(&batch)));
        EXPECT(count++ ? !view.topic.at : evl_bytes_equal(view.topic, evl_text("orders")));
    }
    EXPECT(count == 2 && done == out.count);
    evl_format_reader_close(reader);
    evl_format_writer_close(writer);
    buf_release(&out);
    buf_release(&batch);
    batch_writer_release(&w);
}

TEST("a change to a locator, a topic or a batch's open bytes is seen")
{
    const struct evl_format_options options = { .kind = EVL_FORMAT_BATCH };
    struct batch_writer w = { 0 };
    struct evl_buffer batch = one_batch(&w);
    struct evl_buffer out = { 0 };
    struct evl_format_writer *writer;
    struct evl_batch_view view = { evl_text("orders"), 3, buf_bytes(&batch), 0, 0 };
    REQUIRE(!evl_format_writer_open(&options, &writer));
    REQUIRE(!evl_format_write_batch(writer, &view, &out));
    for (size_t i = 0; i < 32 + 6 + 21; i++) {
        struct evl_format_reader *reader;
        size_t used;
        bool got;
        out.at[i] ^= 0x10;
        REQUIRE(!evl_format_reader_open(&options, &reader));
        EXPECT(evl_format_read_batch(reader, buf_bytes(&out), true, &used, &view, &got));
        EXPECT(!got);
        evl_format_reader_close(reader);
        out.at[i] ^= 0x10;
    }
    evl_format_writer_close(writer);
    buf_release(&out);
    buf_release(&batch);
    batch_writer_release(&w);
}

static struct evl_buffer one_batch(struct batch_writer *w)
{
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    struct evl_record record = EVL_RECORD_NONE;
    struct evl_buffer copy = { 0 };
    uint8_t *at;
    size_t size;
    record.timestamp = 1700000000123;
    record.value = evl_text("value");
    batch_begin(w);
    batch_add(w, &record);
    batch_add(w, &record);
    seal.base_offset = 40;
    if (!batch_finish(w, &seal, &at, &size))
        buf_add(&copy, at, size);
    return copy;
}
