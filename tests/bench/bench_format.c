/* bench_format.c - records per second in each form, on one core: 99-byte values
 * alone, and records with all that a record may have.  One line of JSON each, the
 * median of several runs. */
#include <evl/format.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RUNS = 7, RECORDS = 20000, ROUNDS = 20, VALUE_BYTES = 99 };

static const char all_columns[] =
    "topic partition offset timestamp timestamp_type key value headers";

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const char *what, const char *does, double speeds[RUNS])
{
    qsort(speeds, RUNS, sizeof speeds[0], compare);
    printf("{\"form\":\"%s\",\"does\":\"%s\",\"unit\":\"Mrecord/s\",\"median\":%.2f,"
           "\"best\":%.2f}\n",
           what, does, speeds[RUNS / 2] / 1e6, speeds[RUNS - 1] / 1e6);
}

static void stop_on(enum evl_error err)
{
    if (!err)
        return;
    fprintf(stderr, "bench_format: %s\n", evl_fault());
    exit(evl_error_exit(err));
}

static void write_all(struct evl_format_writer *writer, const struct evl_record *record,
                      struct evl_buffer *out)
{
    evl_buffer_clear(out);
    for (int i = 0; i < RECORDS; i++)
        stop_on(evl_format_write(writer, record, out));
}

static size_t read_all(struct evl_format_reader *reader, struct evl_bytes input)
{
    struct evl_record record;
    size_t bytes = 0;
    size_t used;
    bool got = true;
    evl_format_reader_restart(reader);
    while (got) {
        stop_on(evl_format_read(reader, input, true, &used, &record, &got));
        input.at += used;
        input.count -= used;
        bytes += got ? record.value.count : 0;
    }
    return bytes;
}

static void bench(const char *what, struct evl_format_options options,
                  const struct evl_record *record)
{
    double speeds[RUNS];
    struct evl_format_writer *writer;
    struct evl_format_reader *reader;
    struct evl_buffer out = { 0 };
    stop_on(evl_format_writer_open(&options, &writer));
    stop_on(evl_format_reader_open(&options, &reader));
    for (int run = 0; run < RUNS; run++) {
        double begin = now();
        for (int i = 0; i < ROUNDS; i++)
            write_all(writer, record, &out);
        speeds[run] = (double)RECORDS * ROUNDS / (now() - begin);
    }
    report(what, "write", speeds);
    for (int run = 0; run < RUNS; run++) {
        double begin = now();
        for (int i = 0; i < ROUNDS; i++)
            if (read_all(reader, evl_buffer_bytes(&out)) != RECORDS * record->value.count)
                exit(1);
        speeds[run] = (double)RECORDS * ROUNDS / (now() - begin);
    }
    report(what, "read", speeds);
    evl_buffer_release(&out);
    evl_format_reader_close(reader);
    evl_format_writer_close(writer);
}

static size_t read_many(struct evl_format_reader *reader, struct evl_bytes input)
{
    struct evl_bytes values[256];
    size_t bytes = 0;
    size_t used;
    size_t count = 1;
    evl_format_reader_restart(reader);
    while (count > 0) {
        stop_on(evl_format_read_lines(reader, input, true, &used, values, 256, &count));
        input.at += used;
        input.count -= used;
        for (size_t i = 0; i < count; i++)
            bytes += values[i].count;
    }
    return bytes;
}

static void bench_many(const struct evl_record *record)
{
    const struct evl_format_options options = { .kind = EVL_FORMAT_LINE };
    double speeds[RUNS];
    struct evl_format_writer *writer;
    struct evl_format_reader *reader;
    struct evl_buffer out = { 0 };
    stop_on(evl_format_writer_open(&options, &writer));
    stop_on(evl_format_reader_open(&options, &reader));
    write_all(writer, record, &out);
    for (int run = 0; run < RUNS; run++) {
        double begin = now();
        for (int i = 0; i < ROUNDS; i++)
            if (read_many(reader, evl_buffer_bytes(&out)) != RECORDS * record->value.count)
                exit(1);
        speeds[run] = (double)RECORDS * ROUNDS / (now() - begin);
    }
    report("line", "read 256 at once", speeds);
    evl_buffer_release(&out);
    evl_format_reader_close(reader);
    evl_format_writer_close(writer);
}

int main(void)
{
    static uint8_t value[VALUE_BYTES];
    memset(value, 'v', sizeof value);
    struct evl_header header = { evl_text("trace"), evl_text("0123456789abcdef") };
    struct evl_record plain = EVL_RECORD_NONE;
    plain.value = evl_bytes(value, sizeof value);
    struct evl_record full = { .topic = evl_text("orders"),
                               .partition = 3,
                               .offset = 123456789,
                               .timestamp = 1700000000123,
                               .key = evl_text("customer-42"),
                               .value = plain.value,
                               .headers = &header,
                               .header_count = 1 };
    bench("line", (struct evl_format_options){ .kind = EVL_FORMAT_LINE }, &plain);
    bench_many(&plain);
    bench("line -K",
          (struct evl_format_options){ .kind = EVL_FORMAT_LINE, .key_delimiter = evl_text("\t") },
          &full);
    bench("frame", (struct evl_format_options){ .kind = EVL_FORMAT_FRAME }, &plain);
    bench("-F %k\\\\t%v\\\\n",
          (struct evl_format_options){ .kind = EVL_FORMAT_STRING, .string = "%k\\t%v\\n" }, &full);
    bench("tsv", (struct evl_format_options){ .kind = EVL_FORMAT_TSV }, &full);
    bench("tsv, all columns",
          (struct evl_format_options){ .kind = EVL_FORMAT_TSV, .columns = all_columns }, &full);
    bench("json", (struct evl_format_options){ .kind = EVL_FORMAT_JSON }, &full);
    bench("msgpack", (struct evl_format_options){ .kind = EVL_FORMAT_MSGPACK, .end_mark = true },
          &full);
    return 0;
}
