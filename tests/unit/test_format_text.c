/* The forms that people read and write: lines, tsv, json, format strings. */
#include <evl/format.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "unit.h"

/* What the form makes of a record; borrowed until the next call. */
static struct evl_bytes told(struct evl_format_options options, const struct evl_record *record)
{
    static struct evl_buffer out;
    struct evl_format_writer *writer;
    buf_clear(&out);
    if (evl_format_writer_open(&options, &writer)) {
        buf_add_text(&out, evl_fault());
        return buf_bytes(&out);
    }
    (void)evl_format_write(writer, record, &out);
    evl_format_writer_close(writer);
    return out.count ? buf_bytes(&out) : evl_text("");
}

static bool tells(struct evl_format_options options, const struct evl_record *record,
                  const char *text)
{
    struct evl_bytes out = told(options, record);
    if (evl_bytes_equal(out, evl_text(text)))
        return true;
    printf("# it says: %.*s\n", (int)out.count, (const char *)out.at);
    return false;
}

/* Reads the `index`th record of a text; the reader is left open for its
 * bytes. */
static enum evl_error heard(struct evl_format_options options, struct evl_bytes text, int index,
                            struct evl_record *record)
{
    static struct evl_format_reader *reader;
    bool got = true;
    evl_format_reader_close(reader);
    reader = NULL;
    enum evl_error err = evl_format_reader_open(&options, &reader);
    for (int i = 0; i <= index && !err && got; i++) {
        size_t used;
        err = evl_format_read(reader, text, true, &used, record, &got);
        if (used)
            text = evl_bytes(text.at + used, text.count - used);
    }
    return err ? err : got ? EVL_OK : EVL_ERR_NOT_FOUND;
}

static bool is(struct evl_bytes bytes, const char *text)
{
    return evl_bytes_equal(bytes, evl_text(text));
}

static struct evl_record pair(const char *key, const char *value)
{
    struct evl_record record = EVL_RECORD_NONE;
    record.key = evl_text(key);
    record.value = evl_text(value);
    return record;
}

/* ---- lines --------------------------------------------------------------- */

TEST("a line is a value, the last one with or without its newline")
{
    struct evl_format_options line = { .kind = EVL_FORMAT_LINE };
    struct evl_record record;
    EXPECT(!heard(line, evl_text("a\n\nb"), 0, &record) && is(record.value, "a"));
    EXPECT(!record.key.at && record.partition == -1 && record.timestamp == EVL_NO_TIMESTAMP);
    EXPECT(!heard(line, evl_text("a\n\nb"), 1, &record) && is(record.value, ""));
    EXPECT(!heard(line, evl_text("a\n\nb"), 2, &record) && is(record.value, "b"));
    EXPECT(heard(line, evl_text("a\n\nb"), 3, &record) == EVL_ERR_NOT_FOUND);
    EXPECT(heard(line, evl_text("a\n"), 1, &record) == EVL_ERR_NOT_FOUND);
}

/* What a text gives, read many lines at once or one by one, in pieces of `step`:
 * each value in brackets. */
static void lines(struct evl_format_options options, const char *text, size_t step, bool many,
                  struct evl_buffer *out)
{
    struct evl_format_reader *reader;
    size_t end = strlen(text);
    size_t have = 0;
    size_t done = 0;
    if (evl_format_reader_open(&options, &reader))
        return;
    for (;;) {
        struct evl_bytes values[3];
        struct evl_record record = EVL_RECORD_NONE;
        struct evl_bytes input = { (const uint8_t *)text + done, have - done };
        size_t used;
        size_t count = 0;
        bool got = false;
        enum evl_error err =
            many ? evl_format_read_lines(reader, input, have == end, &used, values, 3, &count)
                 : evl_format_read(reader, input, have == end, &used, &record, &got);
        if (got)
            values[count++] = record.value;
        for (size_t i = 0; i < count; i++)
            buf_print(out, "[%.*s]", (int)values[i].count,
                      values[i].at ? (const char *)values[i].at : "");
        if (err)
            buf_print(out, "%s", evl_fault());
        done += used;
        if (!err && count == 0 && have == end)
            break;
        if (!err && count == 0)
            have = end - have < step ? end : have + step;
    }
    evl_format_reader_close(reader);
}

TEST("many lines at once are the same lines")
{
    struct evl_format_options options = { .kind = EVL_FORMAT_LINE,
                                          .null_text = "-",
                                          .record_max = 9 };
    static const char text[] = "one\ntwo\n\n-\nfive\nmore than nine\nseven\n\neight";
    for (size_t step = 1; step < sizeof text; step++) {
        struct evl_buffer one = { 0 };
        struct evl_buffer many = { 0 };
        lines(options, text, step, false, &one);
        lines(options, text, step, true, &many);
        EXPECT(one.count > 0 && evl_bytes_equal(buf_bytes(&one), buf_bytes(&many)));
        buf_release(&one);
        buf_release(&many);
    }
}

TEST("lines may end in NUL, or in several bytes")
{
    struct evl_format_options line = { .kind = EVL_FORMAT_LINE, .delimiter = evl_bytes("", 1) };
    struct evl_record record;
    EXPECT(!heard(line, evl_bytes("a\nb\0c", 5), 0, &record) && is(record.value, "a\nb"));
    EXPECT(!heard(line, evl_bytes("a\nb\0c", 5), 1, &record) && is(record.value, "c"));
    line.delimiter = evl_text("--");
    EXPECT(!heard(line, evl_text("a-b--c-"), 0, &record) && is(record.value, "a-b"));
    EXPECT(!heard(line, evl_text("a-b--c-"), 1, &record) && is(record.value, "c-"));
}

TEST("the first key delimiter of a line divides it; without one there is no key")
{
    struct evl_format_options line = { .kind = EVL_FORMAT_LINE, .key_delimiter = evl_text("::") };
    struct evl_record record;
    EXPECT(!heard(line, evl_text("k::v::w\nx:y\n::z"), 0, &record));
    EXPECT(is(record.key, "k") && is(record.value, "v::w"));
    EXPECT(!heard(line, evl_text("k::v::w\nx:y\n::z"), 1, &record));
    EXPECT(!record.key.at && is(record.value, "x:y"));
    EXPECT(!heard(line, evl_text("k::v::w\nx:y\n::z"), 2, &record));
    EXPECT(is(record.key, "") && is(record.value, "z"));
}

TEST("the null text is null, both ways")
{
    struct evl_format_options line = { .kind = EVL_FORMAT_LINE,
                                       .key_delimiter = evl_text("="),
                                       .null_text = "NULL" };
    struct evl_record record = pair(NULL, NULL);
    EXPECT(tells(line, &record, "NULL=NULL\n"));
    EXPECT(!heard(line, evl_text("NULL=NULL\n"), 0, &record));
    EXPECT(!record.key.at && !record.value.at);
    EXPECT(!heard(line, evl_text("=NULLS\n"), 0, &record));
    EXPECT(is(record.key, "") && is(record.value, "NULLS"));
}

/* What the form would lose of a record, or "". */
static const char *loss(struct evl_format_options options, struct evl_record record,
                        enum evl_format_loss *how)
{
    static char text[100];
    struct evl_format_writer *writer;
    const char *why = "";
    if (evl_format_writer_open(&options, &writer))
        return evl_fault();
    *how = evl_format_loss(writer, &record, &why);
    snprintf(text, sizeof text, "%s", *how ? why : "");
    evl_format_writer_close(writer);
    return text;
}

TEST("a line says what it would lose or confuse")
{
    struct evl_format_options line = { .kind = EVL_FORMAT_LINE };
    struct evl_header header = { evl_text("h"), evl_text("x") };
    struct evl_record with_header = pair(NULL, "v");
    enum evl_format_loss how;
    with_header.headers = &header;
    with_header.header_count = 1;
    EXPECT(!*loss(line, pair(NULL, "v"), &how) && how == EVL_KEEPS_ALL);
    EXPECT(strstr(loss(line, with_header, &how), "headers") && how == EVL_LEAVES_OUT);
    EXPECT(strstr(loss(line, pair("k", "v"), &how), "the key is left") && how == EVL_LEAVES_OUT);
    EXPECT(strstr(loss(line, pair(NULL, "a\nb"), &how), "delimiter") && how == EVL_MISLEADS);
    EXPECT(strstr(loss(line, pair(NULL, NULL), &how), "null") && how == EVL_MISLEADS);
    line.key_delimiter = evl_text(":");
    EXPECT(strstr(loss(line, pair("a:b", "v"), &how), "key") && how == EVL_MISLEADS);
    EXPECT(strstr(loss(line, pair(NULL, "v"), &how), "null key") && how == EVL_MISLEADS);
    line.null_text = "-";
    EXPECT(!*loss(line, pair(NULL, NULL), &how));
    EXPECT(strstr(loss(line, pair("k", "-"), &how), "stands for null") && how == EVL_MISLEADS);
}

TEST("on a terminal control characters are shown, not sent")
{
    struct evl_format_options line = { .kind = EVL_FORMAT_LINE, .terminal = true };
    struct evl_record record = pair(NULL, "\x1b[2J\t\xc3\xa9\xff\xc2\x9b\x7f");
    EXPECT(tells(line, &record, "^[[2J\t\xc3\xa9\\xff\\xc2\\x9b^?\n"));
    line.terminal = false;
    EXPECT(tells(line, &record, "\x1b[2J\t\xc3\xa9\xff\xc2\x9b\x7f\n"));
    struct evl_format_options json = { .kind = EVL_FORMAT_JSON, .terminal = true };
    record = pair(NULL, "\xc2\x9b\xc2\xa0");
    EXPECT(tells(json, &record, "{\"key\":null,\"value\":\"\\u009b\xc2\xa0\",\"headers\":[]}\n"));
}

/* ---- frame and raw ------------------------------------------------------- */

TEST("a frame is a length and a value, and -1 is null")
{
    struct evl_format_options frame = { .kind = EVL_FORMAT_FRAME };
    static const char text[] = "\0\0\0\2ab\xff\xff\xff\xff\0\0\0\0\0\0\0\5xy";
    struct evl_bytes bytes = { (const uint8_t *)text, sizeof text - 1 };
    struct evl_record record = pair(NULL, "ab");
    EXPECT(evl_bytes_equal(told(frame, &record), evl_bytes(text, 6)));
    record = pair(NULL, NULL);
    EXPECT(evl_bytes_equal(told(frame, &record), evl_bytes(text + 6, 4)));
    EXPECT(!heard(frame, bytes, 0, &record) && is(record.value, "ab"));
    EXPECT(!heard(frame, bytes, 1, &record) && !record.value.at);
    EXPECT(!heard(frame, bytes, 2, &record) && is(record.value, ""));
    EXPECT(heard(frame, bytes, 3, &record) == EVL_ERR_CORRUPT);
    EXPECT(strcmp(evl_fault(), "record 4 (byte 14): the last frame is cut off") == 0);
    EXPECT(heard(frame, evl_bytes("\x80\0\0\0", 4), 0, &record) == EVL_ERR_CORRUPT);
}

TEST("a frame that is too large is passed over")
{
    struct evl_format_options frame = { .kind = EVL_FORMAT_FRAME, .record_max = 3 };
    struct evl_format_reader *reader;
    struct evl_record record;
    size_t used;
    bool got;
    REQUIRE(!evl_format_reader_open(&frame, &reader));
    EXPECT(evl_format_read(reader, evl_bytes("\0\0\0\6ab", 6), false, &used, &record, &got) ==
           EVL_ERR_TOO_LARGE);
    EXPECT(used == 6);
    EXPECT(!evl_format_read(reader, evl_bytes("cdef\0\0\0\1x", 9), true, &used, &record, &got));
    EXPECT(got && used == 9 && is(record.value, "x"));
    evl_format_reader_close(reader);
}

TEST("raw input is one record, even an empty one")
{
    struct evl_format_options raw = { .kind = EVL_FORMAT_RAW };
    struct evl_record record;
    EXPECT(!heard(raw, evl_bytes("a\n\0b", 4), 0, &record));
    EXPECT(evl_bytes_equal(record.value, evl_bytes("a\n\0b", 4)));
    EXPECT(heard(raw, evl_text("a"), 1, &record) == EVL_ERR_NOT_FOUND);
    EXPECT(!heard(raw, evl_bytes(NULL, 0), 0, &record) && is(record.value, ""));
}

/* ---- tsv ----------------------------------------------------------------- */

TEST("a tsv escapes as COPY does, and its headers are one field")
{
    struct evl_format_options tsv = { .kind = EVL_FORMAT_TSV };
    struct evl_header headers[] = { { evl_text("a"), evl_text("1,2=3%\t") },
                                    { evl_text("a="), evl_bytes(NULL, 0) },
                                    { evl_text(""), evl_text("") },
                                    { evl_text(""), evl_bytes(NULL, 0) },
                                    { evl_text("\\"), evl_text("\xc3\xa9\xff") } };
    struct evl_record record = pair("\\N\t\n\r\b\f\v\x01\x7f\xc3\xa9\xff", NULL);
    record.headers = headers;
    record.header_count = 5;
    EXPECT(tells(tsv, &record, "\\\\N\\t\\n\\r\\b\\f\\v\\x01\\x7f\xc3\xa9\\xff\t\\N\n"));
    tsv.columns = "headers";
    EXPECT(tells(tsv, &record, "a=1%2c2=3%25%09,a%3d,%=,%,%5c=\xc3\xa9%ff\n"));
    tsv.columns = "header:a,offset,partition,timestamp,topic,timestamp_type";
    EXPECT(tells(tsv, &record, "1,2=3%\\t\t\\N\t\\N\t\\N\t\\N\tcreate\n"));
}

TEST("a tsv understands every escape that COPY does")
{
    struct evl_format_options tsv = { .kind = EVL_FORMAT_TSV, .columns = "key value header:h" };
    struct evl_record record;
    REQUIRE(!heard(tsv, evl_text("\\101\\x41\\x4g\\q\\\\\t\\N\t\\v\n"), 0, &record));
    EXPECT(is(record.key, "AA\x04gq\\") && !record.value.at && record.header_count == 1);
    EXPECT(is(record.headers[0].name, "h") && is(record.headers[0].value, "\v"));
}

TEST("unknown, repeated and missing columns are refused")
{
    struct evl_format_options tsv = { .kind = EVL_FORMAT_TSV, .columns = "key,valu" };
    struct evl_format_reader *reader;
    EXPECT(evl_format_reader_open(&tsv, &reader) == EVL_ERR_USAGE && strstr(evl_fault(), "'valu'"));
    tsv.columns = "key key";
    EXPECT(evl_format_reader_open(&tsv, &reader) == EVL_ERR_USAGE && strstr(evl_fault(), "twice"));
    tsv.columns = " ,";
    EXPECT(evl_format_reader_open(&tsv, &reader) == EVL_ERR_USAGE);
}

/* ---- json ---------------------------------------------------------------- */

TEST("json has the keys that are promised, in that order")
{
    struct evl_format_options json = { .kind = EVL_FORMAT_JSON };
    struct evl_header headers[] = { { evl_text("h"), evl_text("x") },
                                    { evl_text("h"), evl_bytes(NULL, 0) } };
    struct evl_record record = pair("k", "v");
    record.topic = evl_text("t");
    record.partition = 0;
    record.offset = 42;
    record.timestamp = 1700000000123;
    record.headers = headers;
    record.header_count = 2;
    EXPECT(tells(json, &record,
                 "{\"topic\":\"t\",\"partition\":0,\"offset\":42,\"timestamp\":1700000000123,"
                 "\"timestamp_type\":\"create\",\"key\":\"k\",\"value\":\"v\",\"headers\":["
                 "{\"name\":\"h\",\"value\":\"x\"},{\"name\":\"h\",\"value\":null}]}\n"));
    record = pair(NULL, "\xff");
    record.offset = 9007199254740993;
    EXPECT(tells(json, &record,
                 "{\"offset\":\"9007199254740993\",\"key\":null,\"value_b64\":\"/w==\","
                 "\"headers\":[]}\n"));
}

TEST("json embeds a value that is json, and takes it back without white space")
{
    struct evl_format_options json = { .kind = EVL_FORMAT_JSON, .embed = true };
    struct evl_record record = pair(NULL, " {\"a\" : [1, \"b \\\" c\"] }\n");
    enum evl_format_loss how;
    EXPECT(tells(json, &record,
                 "{\"key\":null,\"value_json\":{\"a\":[1,\"b \\\" c\"]},\"headers\":[]}\n"));
    EXPECT(strstr(loss(json, record, &how), "white space") && how == EVL_MISLEADS);
    record = pair(NULL, "{\"a\":1} x");
    EXPECT(tells(json, &record, "{\"key\":null,\"value\":\"{\\\"a\\\":1} x\",\"headers\":[]}\n"));
    EXPECT(!heard(json, evl_text("{ \"value_json\" : { \"a\" : [ 1 ] } }"), 0, &record));
    EXPECT(is(record.value, "{\"a\":[1]}"));
}

TEST("json takes keys in any order, passes over unknown ones, and any spelling of a string")
{
    struct evl_format_options json = { .kind = EVL_FORMAT_JSON };
    struct evl_record record;
    REQUIRE(!heard(json,
                   evl_text(" { \"x\" : [{},[1e5,-0.1,true,\"\\u00e9\"]], \"value\" : "
                            "\"\\u0000\\ud83d\\ude00\\/\", \"timestamp\":\"12\", \"k\\u0065y\":"
                            "\"\\n\", \"headers\":null } \r\n"),
                   0, &record));
    EXPECT(evl_bytes_equal(record.value, evl_bytes("\0\xf0\x9f\x98\x80/", 6)));
    EXPECT(is(record.key, "\n") && record.timestamp == 12 && record.header_count == 0);
}

/* ---- format strings ------------------------------------------------------ */

static struct evl_format_options layout(const char *string)
{
    return (struct evl_format_options){ .kind = EVL_FORMAT_STRING, .string = string, .utc = true };
}

TEST("a format string writes what its verbs and modifiers say")
{
    struct evl_header headers[] = { { evl_text("h"), evl_text("x") },
                                    { evl_text("i"), evl_bytes(NULL, 0) } };
    struct evl_record record = pair("key", "\x01\x02\xff\xfe"
                                           "ab");
    record.topic = evl_text("t");
    record.partition = 7;
    record.offset = 255;
    record.leader_epoch = 3;
    record.timestamp = 1700000000123;
    record.timestamp_type = EVL_APPEND_TIME;
    record.producer_id = 9;
    record.producer_epoch = 1;
    record.headers = headers;
    record.header_count = 2;
    static const struct {
        const char *string, *text;
    } cases[] = {
        { "%t %T %k %K %V %S %H %p %o %e %d %x %y %i",
          "t 1 key 3 6 6 2 7 255 3 1700000000123 9 1 1" },
        { "%v{hex} %v{base64} %k{base64raw}", "0102fffe6162 AQL//mFi a2V5" },
        { "%o{hex}|%o{hex16}|%o{hex4}|%p{bool}|%o{ascii}|%o{number}", "ff|00ff|f|true|255|255" },
        { "%d{strftime[%F %T]}", "2023-11-14 22:13:20" },
        { "%d{strftime##%H[%M]##}", "22[13]" },
        { "%h{%k=%v;}", "h=x;i=;" },
        { "%h{%K%k%V{hex8}}", "1h011i00" },
        { "%v{unpack[bBhx<H]}", "12-257"
                                "25185" },
        { "%v{unpack(>Hs)}", "258\xff\xfe"
                             "ab" },
        { "%v{unpack[<I$]}", "4278125057%!$(not end-of-input)" },
        { "%k{unpack[I]}", "%!I(have 3 bytes, need 4)" },
        { "\\t\\n\\r\\\\\\x41%%%{%}", "\t\n\r\\A%{}" },
        { "%a{timestamp-type} %a{control-bit;bool}", "1 false" },
        { "%k%{%s", "key{\x01\x02\xff\xfe"
                    "ab" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        EXPECT(tells(layout(cases[i].string), &record, cases[i].text));
    EXPECT(evl_bytes_equal(told(layout("%K{big32}%o{little16}%p{byte}"), &record),
                           evl_bytes("\0\0\0\3\xff\0\7", 7)));
}

TEST("a time is local unless it should be UTC")
{
    struct evl_record record = pair(NULL, NULL);
    struct evl_format_options options = layout("%d{strftime[%H]}");
    record.timestamp = -1;
    EXPECT(tells(options, &record, "23"));
    const char *zone = getenv("TZ");
    char *before = zone ? strdup(zone) : NULL;
    setenv("TZ", "EET-2", 1);
    options.utc = false;
    EXPECT(tells(options, &record, "01"));
    if (before)
        setenv("TZ", before, 1);
    else
        unsetenv("TZ");
    free(before);
    tzset();
}

TEST("a wrong format string tells the character")
{
    static const struct {
        const char *string, *fault;
    } cases[] = {
        { "%k %q", "character 5: %q means nothing" },
        { "%k{hexx}", "character 7: } is missing" },
        { "%k{foo}", "character 4: for output there are" },
        { "%o{big128}", "character 4: a number is" },
        { "%o{foo}", "character 4: a number is" },
        { "\\q", "character 2: there are \\t" },
        { "\\x4", "character 2: \\x needs" },
        { "abc%", "character 5: a % at the end" },
        { "%h", "character 3: %h needs {...}" },
        { "%h{%k", "character 4: } is missing" },
        { "%h{%p}", "character 5: a header has" },
        { "%d{strftime[%F}", "character 12: 1 times ] is missing" },
        { "%a{compression}", "a record does not know" },
        { "%v{unpack[z]}", "unpack knows" },
        { "%v{json}", "for output there are" },
    };
    struct evl_format_writer *writer;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct evl_format_options options = layout(cases[i].string);
        EXPECT(evl_format_writer_open(&options, &writer) == EVL_ERR_USAGE);
        EXPECT(strstr(evl_fault(), cases[i].fault));
    }
    static const char *const unreadable[] = { "%k%v\n",  "%h{%k}",     "%d{strftime[%F]}\n",
                                              "%i\n",    "%k{re[(]}",  "",
                                              "%k %k\n", "%V%v{json}", "%o{hex} %v\n" };
    struct evl_format_reader *reader;
    for (size_t i = 0; i < sizeof unreadable / sizeof unreadable[0]; i++) {
        struct evl_format_options options = layout(unreadable[i]);
        EXPECT(evl_format_reader_open(&options, &reader) == EVL_ERR_USAGE);
    }
}

TEST("a format string divides lines at its own text")
{
    struct evl_record record;
    struct evl_format_options options = layout("%k %p|%v\\n");
    struct evl_bytes text = evl_text("a 1|x y|z\nb c\n 22|\nd -1|last");
    EXPECT(!heard(options, text, 0, &record));
    EXPECT(is(record.key, "a") && record.partition == 1 && is(record.value, "x y|z"));
    EXPECT(heard(options, text, 1, &record) == EVL_ERR_CORRUPT);
    EXPECT(strcmp(evl_fault(), "record 2 (byte 10, line 2): a number is missing, or too large") ==
           0);
    text = evl_text("d 7|last");
    EXPECT(!heard(options, text, 0, &record) && is(record.value, "last"));
}

TEST("a format string reads sizes, headers and codes in any chunks")
{
    static const char string[] =
        "%K{big16}%k%V{ascii}:%v{base64}%H{byte}%h{%K{1}%k%V%{%v}%p{big32}";
    static const char text[] = "\0\2k\n4:AQL/\2a3{xyzb0{\xff\xff\xff\xff"
                               "\0\0000:\0\0\0\0\7";
    struct evl_format_options options = layout(string);
    struct evl_format_reader *reader;
    struct evl_record record;
    size_t done = 0;
    int count = 0;
    REQUIRE(!evl_format_reader_open(&options, &reader));
    for (size_t have = 0; have < sizeof text; have++) {
        size_t used;
        bool got;
        REQUIRE(!evl_format_read(reader, evl_bytes(text + done, have - done),
                                 have == sizeof text - 1, &used, &record, &got));
        done += used;
        if (got && count++ == 0) {
            EXPECT(is(record.key, "k\n") && is(record.value, "\x01\x02\xff"));
            EXPECT(record.header_count == 2 && record.partition == -1);
            EXPECT(is(record.headers[0].name, "a") && is(record.headers[0].value, "xyz"));
            EXPECT(is(record.headers[1].name, "b") && is(record.headers[1].value, ""));
        } else if (got) {
            EXPECT(is(record.key, "") && record.header_count == 0 && record.partition == 7);
        }
    }
    EXPECT(count == 2 && done == sizeof text - 1);
    evl_format_reader_close(reader);
}

TEST("a format string reads json and what an expression matches")
{
    struct evl_record record;
    struct evl_format_options options = layout("%v{json} %k{re#[a-z]+|[0-9]+#};");
    struct evl_bytes text = evl_text("{\"a\" : 1} abc;12 34;");
    EXPECT(!heard(options, text, 0, &record) && is(record.value, "{\"a\":1}"));
    EXPECT(is(record.key, "abc"));
    EXPECT(!heard(options, text, 1, &record) && is(record.value, "12") && is(record.key, "34"));
    EXPECT(heard(options, evl_text("1 A;"), 0, &record) == EVL_ERR_CORRUPT);
    EXPECT(strstr(evl_fault(), "record 1 (byte 0): the line does not match") == evl_fault());
}

TEST("a format string that ends in a field takes the rest of the input")
{
    struct evl_record record;
    EXPECT(!heard(layout("%k:%v"), evl_text("a:b\nc:d\n"), 0, &record));
    EXPECT(is(record.key, "a") && is(record.value, "b\nc:d\n"));
}

TEST("an empty field is not a null one")
{
    struct evl_record record;
    EXPECT(!heard(layout("%v{hex}\\n"), evl_text("\n"), 0, &record) && is(record.value, ""));
    EXPECT(!heard(layout("%k{base64}:%v\\n"), evl_text(":\n"), 0, &record) && is(record.key, ""));
    struct evl_format_options tsv = { .kind = EVL_FORMAT_TSV, .columns = "value" };
    EXPECT(!heard(tsv, evl_text("\n"), 0, &record) && is(record.value, ""));
    struct evl_format_options json = { .kind = EVL_FORMAT_JSON };
    EXPECT(!heard(json, evl_text("{\"key\":\"\",\"value_b64\":\"\"}"), 0, &record));
    EXPECT(is(record.key, "") && is(record.value, ""));
}

TEST("a format string says what it would confuse")
{
    enum evl_format_loss how;
    EXPECT(!*loss(layout("%k %v\\n"), pair("k", "a b"), &how));
    EXPECT(strstr(loss(layout("%k %v\\n"), pair("a b", "v"), &how), "should end it"));
    EXPECT(how == EVL_MISLEADS);
    EXPECT(!*loss(layout("%K%k%V%v\\n"), pair("a b", "v\n"), &how));
    EXPECT(!*loss(layout("%k{hex} %v{base64}\\n"), pair("a b", "v\n"), &how));
    EXPECT(strstr(loss(layout("%v\\n"), pair("k", "v"), &how), "key") && how == EVL_LEAVES_OUT);
}

TEST("formats are found by name, and a wrong name tells which there are")
{
    enum evl_format_kind kind;
    EXPECT(!evl_format_find("tsv", &kind) && kind == EVL_FORMAT_TSV);
    EXPECT(evl_format_find("csv", &kind) == EVL_ERR_USAGE);
    EXPECT(strstr(evl_fault(), "line tsv json msgpack frame raw batch"));
    EXPECT(evl_format_find("string", &kind) == EVL_ERR_USAGE);
}
