/* evproduce.c - write records to a topic.
 *
 * This file has the options and sets things up; evproduce_input.c and
 * evproduce_follow.c get the bytes, evproduce_record.c makes records of them. */
#include "evproduce.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <evl/text.h>

/* clang-format off */
#define ROW(letter, name, argument, kind, member, completes, usual, help)       \
    { letter, name, argument, OPTION_##kind, offsetof(struct produce_options, member), \
      COMPLETES_##completes, usual, help }
#define USUAL true
#define RARE  false

static const struct option rows[] = {
    { .help = "How to read" },
    ROW('i', "input", FORM_NAMES, CHOICE, form.kind, NOTHING, USUAL,
        "Its form: line tsv json msgpack frame raw batch. Default: line. See evformat(5)."),
    ROW('F', "format", "STRING", TEXT, form.string, NOTHING, USUAL,
        "The form of the input, as '%k %v\\n'. See evformat(5)."),
    ROW('D', "delimiter", "STRING", TEXT, form.delimiter, NOTHING, RARE,
        "What ends a line. Default: \\n. Knows \\n \\t \\r \\0 \\\\ \\xNN."),
    ROW('0', "null-data", NULL, FLAG, form.null_data, NOTHING, RARE, "A NUL byte ends a line."),
    ROW('K', "key-delimiter", "STRING", TEXT, form.key_delimiter, NOTHING, USUAL,
        "A line is a key, this, and a value."),
    ROW(0, "columns", "LIST", TEXT, form.columns, NOTHING, RARE,
        "The columns of tsv. Default: key,value."),
    ROW(0, "null", "STRING", TEXT, form.null_text, NOTHING, RARE,
        "A field that is equal to this is null."),
    ROW(0, "whole", NULL, FLAG, form.whole, NOTHING, RARE,
        "Each file, or stdin, is one record. The same as -i raw."),
    ROW(0, "max-record", "SIZE", SIZE, record_max, NOTHING, RARE,
        "Refuse a record that takes more bytes of input. Default: 1G."),
    ROW(0, "end-mark", NULL, FLAG, end_mark, NOTHING, RARE,
        "JSON that ends without an end mark was cut off. Exit with 65."),
    ROW(0, "no-end-mark", NULL, FLAG, no_end_mark, NOTHING, RARE,
        "Msgpack may end without an end mark."),
    ROW(0, "skip-bad", "[=N]", TEXT, skip_bad, NOTHING, RARE,
        "Go on after malformed records, after N of them at most."),
    ROW(0, "bad", "FILE", TEXT, bad, FILE, RARE,
        "Go on after malformed records, and append them to FILE."),
    ROW(0, "utc", NULL, FLAG, form.utc, NOTHING, RARE, "Read times in UTC, not in the local zone."),

    ROW('f', "follow", NULL, FLAG, follow, NOTHING, USUAL,
        "At the end of the files, wait for more. A file is followed by its name: when it is "
        "rotated, the old one is read to its end, and then the new one."),
    ROW(0, "rescan", "GLOB", TEXT, rescan, FILE, RARE,
        "With -f: files whose names match, too, whenever they appear. Quote it."),

    ROW(0, "state", "NAME", TEXT, state, NOTHING, RARE,
        "Begin where the last run of this NAME ended, and write each record of the files once, "
        "whatever is killed in between. Without -f: what is new, and then end."),

    { .help = "What to write" },
    ROW('m', "message", "TEXT", LIST, messages, NOTHING, USUAL,
        "The record itself. Stdin is not read; may be repeated."),
    ROW('k', "key", "TEXT", TEXT, key, NOTHING, USUAL, "The key of records that have none."),
    ROW('H', "header", "NAME=VALUE", LIST, headers, NOTHING, RARE,
        "A header for records that have none of this name. NAME alone is null; NAME=@FILE is what "
        "is in FILE; may be repeated."),
    ROW('p', "partition", "N", NUMBER, partition, NOTHING, RARE, "The partition to write to."),
    ROW('T', "timestamp", "TIME", TEXT, timestamp, NOTHING, RARE,
        "The timestamp of records that have none. Default: when they are read."),
    ROW('Z', "tombstone", NULL, FLAG, tombstone, NOTHING, RARE, "An empty value is a null value."),
    ROW(0, "partitioner", "murmur2|sticky|rr|random|crc32|fnv1a|input", CHOICE, partitioner,
        NOTHING, RARE,
        "How a record finds its partition. Murmur2 goes by the key as Kafka's Java client does, "
        "and by batch without a key; input obeys what the record says. Default: murmur2."),

    { .help = "How to write" },
    ROW('z', "compress", "none|gzip|snappy|lz4|zstd", CHOICE, codec, NOTHING, USUAL,
        "How to compress batches. Default: none."),
    ROW('a', "acks", "all|1", CHOICE, acks, NOTHING, RARE,
        "How many copies to wait for. A directory holds one, so both mean the same here; "
        "--flush says whether it is on disk."),
    ROW(0, "flush", "sync|os", CHOICE, flush, NOTHING, RARE,
        "Sync: a record is acknowledged once it is on disk. Os: once the system has it; it is lost "
        "when the machine goes down. Default: the topic's setting, which is sync unless set."),
    ROW(0, "linger", "DURATION", DURATION, linger_ms, NOTHING, RARE,
        "How long a record may wait for others while more is coming. Default: 5ms."),
    ROW(0, "batch", "SIZE", SIZE, batch_bytes, NOTHING, RARE,
        "Write a batch when it has this size. Default: 256k."),
    ROW('x', "txn", "[=ID]", TEXT, txn, NOTHING, USUAL,
        "All that is read is written, or nothing. One transaction, of this transactional id; "
        "without ID, of one that nobody else has."),
    ROW(0, "txn-every", "N|DURATION|SIZE", TEXT, txn_every, NOTHING, RARE,
        "A transaction for every N records, every DURATION, or every SIZE of keys and values, "
        "instead of one. Where input pauses, after a second. With -f: every second."),
    ROW(0, "rate", "N|SIZE", TEXT, rate, NOTHING, RARE,
        "At most N records a second, or, with a unit (1M), that many bytes."),
    ROW(0, "pace", "FACTOR", TEXT, pace, NOTHING, RARE,
        "Write records as far apart as their timestamps are, FACTOR times as fast."),
    ROW(0, "expect-offset", "N", NUMBER, expect_offset, NOTHING, RARE,
        "The first record must get offset N of its partition. Else nothing is written, and the "
        "exit status is 1."),
    ROW(0, "create", "[=N]", TEXT, create, NOTHING, RARE,
        "A missing topic is made with N partitions. Without this, too, but with one."),
    ROW(0, "no-create", NULL, FLAG, no_create, NOTHING, RARE, "A missing topic is an error: 66."),
    ROW(0, "force", NULL, FLAG, force, NOTHING, RARE,
        "Write on a file system that processes cannot share safely."),

    { .help = "What to print" },
    ROW(0, "receipt", "[=FORMAT]", TEXT, receipt, NOTHING, RARE,
        "Print where each acknowledged record went. A line of topic, partition, offset and "
        "timestamp, or what FORMAT says."),
    ROW(0, "tee", NULL, FLAG, tee, NOTHING, RARE, "Copy the accepted input to stdout."),
    ROW('j', "json", NULL, FLAG, json, NOTHING, RARE, "With -v: the summary is JSON."),
    ROW(0, "progress", "auto|always|never", CHOICE, progress, NOTHING, RARE,
        "Whether long work shows how far it is. Auto: on a terminal, after two seconds."),
    { 0 },
};
/* clang-format on */

static const char *const usage[] = {
    "evproduce [options] TOPIC [FILE...]",
    "evproduce [options] TOPIC -m TEXT [-m TEXT]...",
    NULL,
};
static const char *const examples[] = {
    "echo hello | evproduce greetings",
    "evproduce -K : users users.txt",
    "evconsume -o msgpack a | evproduce -i msgpack b",
    "evproduce -f weblog /var/log/nginx/access.log",
    NULL,
};

/* ---- setting up ---------------------------------------------------------- */

static void acknowledged(void *context, const struct evl_receipt *receipt)
{
    struct produce *p = context;
    struct evl_record record = EVL_RECORD_NONE;
    record.topic = evl_text(receipt->topic);
    record.partition = receipt->partition;
    record.offset = receipt->offset;
    record.timestamp = receipt->timestamp;
    struct evl_buffer *to = p->transaction ? &p->held : &p->sink.bytes;
    if (evl_format_write(p->receipts, &record, to) == EVL_OK && !p->transaction)
        (void)sink_record(&p->sink); /* its status is asked for at the end */
}

static int receipts_open(struct produce *p)
{
    const char *string = p->options.receipt;
    if (!string)
        return 0;
    struct evl_format_options options = { .kind = EVL_FORMAT_STRING,
                                          .string = *string ? string : "%t\\t%p\\t%o\\t%d\\n",
                                          .utc = p->options.form.utc };
    enum evl_error err = evl_format_writer_open(&options, &p->receipts);
    return err ? say_fault(err) : 0;
}

static int reader_open(struct produce *p, struct evl_buffer *texts)
{
    int status = form_options(&p->options.form, texts, &p->form);
    if (status)
        return status;
    p->form.record_max = (size_t)p->options.record_max;
    enum evl_error err = evl_format_reader_open(&p->form, &p->reader);
    return err ? say_fault(err) : 0;
}

static int partitions_wanted(const struct produce *p, int32_t *partitions)
{
    int64_t number = 0;
    const char *text = p->options.create;
    if (text && *text && (!number_read(text, &number) || number < 1 || number > INT32_MAX))
        return say_usage("--create: '%s' is not a number of partitions", text);
    *partitions = (int32_t)number;
    return 0;
}

static int producer_open(struct produce *p)
{
    bool created = false;
    struct evl_producer_options options = {
        .topic = p->topic,
        .create = !p->options.no_create,
        .created = &created,
        .partitioner = (enum evl_partitioner)p->options.partitioner,
        .codec = (enum evl_codec)p->options.codec,
        .flush = (enum evl_flush)(p->options.flush + 1), /* not given: the topic's */
        .batch_bytes = (size_t)p->options.batch_bytes,
        .transaction = p->transaction,
        .expects_offset = p->options.expect_offset >= 0,
        .expected_offset = p->options.expect_offset,
        .acknowledged = p->receipts ? acknowledged : NULL,
        .context = p,
    };
    int status = partitions_wanted(p, &options.create_partitions);
    if (status)
        return status;
    enum evl_error err = evl_producer_open(p->place, &options, &p->producer);
    if (err)
        return say_fault(err);
    int32_t count = evl_producer_partitions(p->producer);
    if (created)
        say(SAY_NOTICE, "%s: new topic, %d partition%s", p->topic, count, count == 1 ? "" : "s");
    return 0;
}

_Static_assert(EVL_FLUSH_TOPIC == 0 && EVL_FLUSH_SYNC == 1 && EVL_FLUSH_OS == 2,
               "--flush counts from -1");

static int place_open(struct produce *p)
{
    struct spot spot;
    int status = spot_find(&p->common.place, &spot);
    if (status == 0)
        status = spot_open(&spot, p->options.no_create ? SPOT_WRITE : SPOT_CREATE, p->options.force,
                           &p->place);
    spot_release(&spot);
    return status;
}

/* ---- running ------------------------------------------------------------- */

static int files_run(struct produce *p, const struct words *operands)
{
    int status = 0;
    if (p->options.messages.count)
        return input_messages(p);
    if (p->options.follow || p->options.state)
        return follow_run(p, operands->at + 1, operands->count - 1);
    if (operands->count == 1)
        return input_run(p, "-");
    for (size_t i = 1; i < operands->count && status == 0 && !signals_caught(); i++)
        status = input_run(p, operands->at[i]);
    return status;
}

/* What is acknowledged; of transactions, what is committed. */
static struct evl_producer_count produce_count(const struct produce *p)
{
    struct evl_producer_count count = evl_producer_count(p->producer);
    if (p->transaction) {
        count.records = p->begun.records;
        count.bytes = p->begun.bytes;
    }
    return count;
}

static void summary_say(const struct produce *p)
{
    struct evl_producer_count count = produce_count(p);
    char size[EVL_TEXT_ROOM], time[EVL_TEXT_ROOM];
    int64_t ms = tool_clock_ms() - p->begun_ms;
    struct evl_buffer text = { 0 };
    if (p->options.json && say_hears(SAY_DETAIL)) {
        text_print(&text, "{\"records\":%lld,\"bytes\":%lld,\"partitions\":%d,\"ms\":%lld}\n",
                   (long long)count.records, (long long)count.bytes, count.partitions,
                   (long long)ms);
        (void)!write(STDERR_FILENO, text.at, text.count); /* there is nobody else to tell */
    } else {
        say(SAY_DETAIL, "%lld records, %s%s, %d partition%s, %s", (long long)count.records,
            evl_print_size(count.bytes, size), count.bytes < 1024 ? " bytes" : "", count.partitions,
            count.partitions == 1 ? "" : "s", evl_print_duration(ms, time));
    }
    evl_buffer_release(&text);
}

/* What was taken is written, whatever else went wrong. */
static int produce_flush(struct produce *p, int status)
{
    enum evl_error err = evl_producer_flush(p->producer);
    if (err)
        keep_first(&status, produce_failed(p, err));
    return status;
}

static int produce_finish(struct produce *p, int status)
{
    enum { FAREWELL_MS = 5000 };
    if (signals_caught())
        signals_hurry(FAREWELL_MS);
    status = p->transaction ? transaction_end(p, status) : produce_flush(p, status);
    if (p->failed && !p->unexpected)
        say(SAY_ERROR, "%lld of %lld records were %s before that",
            (long long)produce_count(p).records, (long long)p->sent,
            p->transaction ? "committed" : "acknowledged");
    if (p->bad_count)
        say(SAY_WARNING, "%lld malformed records skipped", (long long)p->bad_count);
    summary_say(p);
    return status;
}

static int produce(struct produce *p, const struct words *operands)
{
    p->topic = operands->at[0];
    p->begun_ms = tool_clock_ms();
    int status = place_open(p);
    if (status == 0)
        status = receipts_open(p);
    if (status == 0)
        status = transaction_open(p);
    if (status == 0 && p->options.state)
        status = position_open(p);
    if (status == 0)
        status = producer_open(p);
    if (status)
        return status;
    bool typed = isatty(STDIN_FILENO); /* and seen on the same screen */
    progress_begin(&p->progress, p->topic, (enum progress_wish)p->options.progress,
                   typed || p->receipts || p->options.tee);
    status = produce_finish(p, files_run(p, operands));
    progress_erase();
    return status;
}

static int produce_checked(struct produce *p, const struct words *operands)
{
    struct evl_buffer texts = { 0 };
    int status = reader_open(p, &texts);
    if (status == 0)
        status = options_apply(p, operands);
    if (status == 0)
        status = produce(p, operands);
    evl_producer_close(p->producer);
    tail_close(p->tail);
    position_close(p);
    transaction_close(p);
    evl_place_close(p->place);
    evl_format_reader_close(p->reader);
    keep_first(&status, sink_end(&p->sink));
    evl_format_writer_close(p->receipts);
    evl_buffer_release(&texts);
    return status;
}

int main(int argc, char **argv)
{
    enum { LINGER_MS = 5 };
    static struct produce p = {
        .options = { .partition = -1, .linger_ms = LINGER_MS, .flush = -1, .expect_offset = -1 },
        .total = -1,
        .pending_since = -1,
        .first_timestamp = EVL_NO_TIMESTAMP,
    };
    struct grammar grammar = {
        .name = "evproduce",
        .summary = "write records to a topic",
        .usage = usage,
        .examples = examples,
        .sets = { { rows, &p.options }, { common_rows, &p.common } },
        .operand = COMPLETES_TOPIC,
    };
    struct manual manual = { &grammar, NULL };
    struct words words = { 0 }, operands = { 0 };
    size_t used;
    (void)argc;
    tool_begin("evproduce");
    int status = options_gather(&words, argv);
    if (status == 0)
        status = options_read(&grammar, words.at, words.count, &p.common, &operands, &used);
    if (status || tool_is_asked(&manual, &grammar, &p.common, &status))
        tool_exit(status);
    say_volume(p.common.quiet, p.common.verbose);
    signals_begin();
    sink_begin(&p.sink, STDOUT_FILENO, "stdout");
    p.key = evl_text(p.options.key);
    status = produce_checked(&p, &operands);
    words_release(&operands);
    words_release(&words);
    tool_exit(status);
}
