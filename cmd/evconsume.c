/* evconsume.c - read records from topics.
 *
 * This file reads the options and holds the loop; evconsume_range.c says which
 * records are meant, evconsume_select.c which are wanted, evconsume_output.c
 * where they go. */
#include "evconsume.h"

#include <stdlib.h>

/* clang-format off */
#define ROW(letter, name, argument, kind, member, completes, usual, help)       \
    { letter, name, argument, OPTION_##kind, offsetof(struct consume_options, member), \
      COMPLETES_##completes, usual, help }
#define USUAL true
#define RARE  false

static const struct option rows[] = {
    { .help = "Which records" },
    ROW('S', "since", "SPEC", TEXT, since, NOTHING, USUAL,
        "Begin here: start, end, 120, -10, -1h, today. Default: start. See ev(7)."),
    ROW('U', "until", "SPEC", TEXT, until, NOTHING, USUAL,
        "End before this. Default: the end as it is now."),
    ROW('p', "partitions", "LIST", TEXT, partitions, NOTHING, RARE,
        "These partitions only, as 0,2-4."),
    ROW('n', "count", "N", NUMBER, count, NOTHING, USUAL, "Stop after N records."),
    ROW('t', "tail", "N", NUMBER, tail, NOTHING, USUAL,
        "The last N records of all partitions together. They are ordered by timestamp."),
    ROW('f', "follow", NULL, FLAG, follow, NOTHING, USUAL,
        "Go on at the end, and wait for more."),
    ROW(0, "idle", "DURATION", DURATION, idle_ms, NOTHING, RARE,
        "With -f: stop when nothing has come for so long."),
    ROW('r', "regex", NULL, FLAG, regex, NOTHING, RARE,
        "Topics are extended regular expressions that match whole names."),
    ROW(0, "merge", NULL, FLAG, merge, NOTHING, RARE,
        "By timestamp, topic, partition and offset, not partition by partition. Not with -f."),
    ROW('G', "grep", "[!]FIELD:ERE", LIST, grep, NOTHING, USUAL,
        "Records whose field matches: k v t hk hv h:NAME=. With ! those that do not; may be "
        "repeated, and then all must hold. A null field matches nothing."),
    ROW(0, "fixed", NULL, FLAG, fixed, NOTHING, RARE, "What -G looks for is plain text."),
    ROW('I', "ignore-case", NULL, FLAG, ignore_case, NOTHING, RARE, "-G ignores case."),
    ROW(0, "key", "TEXT", TEXT, key, NOTHING, RARE,
        "Records with this key. Reads only the partition that murmur2 puts it in."),
    ROW(0, "latest", NULL, FLAG, latest, NOTHING, RARE,
        "Only the newest record of each key. A deleted key (null value) is left out; records "
        "without a key stay."),
    ROW(0, "tombstones", NULL, FLAG, tombstones, NOTHING, RARE,
        "With --latest: deleted keys too."),
    ROW(0, "isolation", "committed|uncommitted", CHOICE, isolation, NOTHING, RARE,
        "Uncommitted: records of open and aborted transactions too. Default: committed."),
    ROW(0, "control", NULL, FLAG, control, NOTHING, RARE, "Control records too."),
    ROW('g', "group", "NAME", TEXT, group, NOTHING, USUAL,
        "Share the partitions with others of a group. Each goes on where the group has committed; "
        "where it has not, -S says."),
    ROW(0, "instance", "ID", TEXT, instance, NOTHING, RARE,
        "With -g: a member with a name. What it has waits for it when it ends, for 45 seconds."),
    ROW(0, "session", "DURATION", DURATION, session_ms, NOTHING, RARE,
        "With --instance: so long, instead."),
    ROW(0, "state", "FILE", TEXT, state, FILE, RARE,
        "Go on where FILE says, and keep it up to date. It is replaced at each commit."),
    ROW(0, "commit", "write|end|ack|none", CHOICE, commit, NOTHING, RARE,
        "When a record counts as done. Write (the default): it was written, or its COMMAND ended "
        "well. End: all went well. Ack: the reader says so. None: never."),
    ROW(0, "commit-every", "N|DURATION", TEXT, commit_every, NOTHING, RARE,
        "Commit after so many records, or so long. Default: after each block that was written, "
        "each batch that is done."),
    ROW(0, "ack", "FILE", TEXT, ack, FILE, RARE,
        "With --commit ack: what is done is said here, not on descriptor 3. A FIFO, mostly."),

    { .help = "What to print" },
    ROW('o', "output", FORM_NAMES, CHOICE, form.kind, NOTHING, USUAL,
        "Its form: line tsv json msgpack frame raw batch. Default: line. See evformat(5)."),
    ROW('j', "json", NULL, FLAG, json, NOTHING, RARE, "The same as -o json."),
    ROW('F', "format", "STRING", TEXT, form.string, NOTHING, RARE,
        "The form of the output, as '%k %v\\n'. See evformat(5)."),
    ROW('c', "count-only", NULL, FLAG, count_only, NOTHING, RARE,
        "Print how many records, not the records. A line of topic, partition and count."),
    ROW('D', "delimiter", "STRING", TEXT, form.delimiter, NOTHING, RARE,
        "What ends a line. Default: \\n. Knows \\n \\t \\r \\0 \\\\ \\xNN."),
    ROW('0', "null-data", NULL, FLAG, form.null_data, NOTHING, RARE, "A NUL byte ends a line."),
    ROW('K', "key-delimiter", "STRING", TEXT, form.key_delimiter, NOTHING, RARE,
        "A line is a key, this, and a value."),
    ROW(0, "columns", "LIST", TEXT, form.columns, NOTHING, RARE,
        "The columns of tsv: topic partition offset timestamp key value headers. "
        "Default: key,value."),
    ROW(0, "null", "STRING", TEXT, form.null_text, NOTHING, RARE, "What stands for null."),
    ROW(0, "embed", NULL, FLAG, embed, NOTHING, RARE,
        "In JSON, a value that is JSON itself is not quoted, and called value_json."),
    ROW(0, "end-mark", NULL, FLAG, end_mark, NOTHING, RARE,
        "An end mark behind JSON, too. Msgpack always has one."),
    ROW(0, "utc", NULL, FLAG, form.utc, NOTHING, RARE,
        "Read and print times in UTC, not in the local zone."),
    ROW(0, "strict", NULL, FLAG, strict, NOTHING, RARE,
        "Stop with 65 at a record that the form cannot say unambiguously. Otherwise the first one "
        "is a warning."),

    { .help = "Where to" },
    ROW('O', "append", "FILE", TEXT, append, FILE, RARE,
        "Append to FILE. With --state each record gets there once, whatever happens: FILE is cut "
        "to the length that the state knows, and goes on from there."),
    ROW(0, "split", "DIR", TEXT, split, DIR, RARE,
        "Each record is a file in DIR. One that exists is an error, unless --force."),
    ROW(0, "name", "FORMAT", TEXT, name, NOTHING, RARE,
        "The names for --split. Default: %t-%p-%o. Slashes become _."),
    ROW('u', "unbuffered", NULL, FLAG, unbuffered, NOTHING, RARE, "Write each record at once."),
    ROW('W', "max-bytes", "SIZE", SIZE, max_bytes, NOTHING, RARE,
        "Stop before the output is larger."),
    ROW(0, "batch", "N|DURATION|SIZE", TEXT, batch, NOTHING, RARE,
        "How much one run of COMMAND gets. Default: 1 record. Several, as 1000,5s: whichever "
        "comes first."),
    ROW(0, "on-error", "stop|skip|dlq=TOPIC|retry=N", TEXT, on_error, NOTHING, RARE,
        "What to do when COMMAND fails. Default: stop. Dlq: write the records to TOPIC, and go on. "
        "Retry=N,skip: skip them after N more tries."),
    ROW('P', "parallel", "N", NUMBER, parallel, NOTHING, RARE,
        "Run up to N COMMANDs at once. Records of one key are never in two of them."),
    ROW(0, "fail-empty", NULL, FLAG, fail_empty, NOTHING, RARE,
        "Exit with 1 if there was no record. -c and -G do so anyway."),
    ROW(0, "lock", "[=FILE]", TEXT, lock, FILE, RARE,
        "One run at a time, of these topics or with this FILE; another one exits with 75."),
    ROW(0, "wait-lock", "DURATION", DURATION, wait_lock_ms, NOTHING, RARE,
        "With --lock: wait so long for the other run to end."),
    ROW(0, "force", NULL, FLAG, force, NOTHING, RARE,
        "Binary forms and control characters go to a terminal, too."),
    ROW(0, "progress", "auto|always|never", CHOICE, progress, NOTHING, RARE,
        "Whether long work shows how far it is. Auto: on a terminal, after two seconds."),
    { 0 },
};
/* clang-format on */

static const char *const usage[] = { "evconsume [options] TOPIC... [-- COMMAND [ARG]...]", NULL };
static const char *const examples[] = {
    "evconsume -S -1h -G v:ERROR log",
    "evconsume -j log | jq .value",
    "evconsume -g mail log -- ./handle.sh",
    NULL,
};

static int options_agree(struct consume *c, const struct words *operands)
{
    const struct consume_options *o = &c->options;
    bool picks = o->tail >= 0 || o->latest || o->count_only;
    if (operands->count == 0)
        return say_usage("which topic? see evconsume -h");
    if (o->follow && (o->merge || o->latest || o->count_only))
        return say_usage("--merge, --latest and -c need an end: not with -f");
    if ((o->tail >= 0) + o->latest + o->count_only > 1)
        return say_usage("-t, --latest and -c exclude each other");
    if (o->tombstones && !o->latest)
        return say_usage("--tombstones belongs to --latest");
    if (o->idle_ms && !o->follow)
        return say_usage("--idle belongs to -f");
    if (o->split && o->append)
        return say_usage("--split and -O both want the output");
    if (o->state && picks)
        return say_usage("--state goes through the records in order: not with -t, --latest, -c");
    if (o->state && o->merge)
        return say_usage("--state goes on partition by partition: not with --merge");
    if (o->group && o->state)
        return say_usage("-g and --state both say where we are");
    if (o->group && (picks || o->merge || o->partitions))
        return say_usage("-g goes through what it is given, in order: not with -t, --latest, -c, "
                         "--merge, -p");
    if (o->instance && !o->group)
        return say_usage("--instance belongs to -g");
    if (o->session_ms && !o->instance)
        return say_usage("--session belongs to --instance");
    if (o->name && !o->split)
        return say_usage("--name belongs to --split");
    if (o->wait_lock_ms && !o->lock)
        return say_usage("--wait-lock belongs to --lock");
    if (o->tail > INT32_MAX)
        return say_usage("--tail: too many to hold");
    return 0;
}

/* Whole batches cannot be cut, nor looked into. */
static int batches_agree(const struct consume *c)
{
    const struct consume_options *o = &c->options;
    bool looks = c->selects || o->count >= 0 || o->tail >= 0 || o->latest || o->merge || o->split;
    if (c->kind == EVL_FORMAT_BATCH && looks)
        return say_usage("-o batch writes whole batches: no -n, -t, -G, --key, --latest, --merge, "
                         "--split");
    return 0;
}

/* ---- the loop ------------------------------------------------------------ */

/* At the end for the moment: nothing is held back, and then we wait.  A signal
 * is noticed within the time that one wait takes. */
static int idle_wait(struct consume *c, int64_t *idle_since)
{
    const int64_t glance_ms = c->group ? 50 : 200;
    bool busy = false;
    int status = c->work ? work_idle(c, &busy) : output_flush(c);
    if (status == 0 && c->work && commit_is_due(c))
        status = commit_now(c);
    if (busy)
        return status;
    int64_t now = tool_clock_ms();
    if (*idle_since < 0)
        *idle_since = now;
    int64_t left = c->options.idle_ms ? *idle_since + c->options.idle_ms - now : glance_ms;
    if (left <= 0 || status || c->acks_ended)
        c->full = true;
    bool more;
    enum evl_error err = EVL_OK;
    if (!c->full)
        err = evl_consumer_wait(c->consumer, left < glance_ms ? left : glance_ms, &more);
    return err ? say_fault(err) : status;
}

/* There is nothing to read: wait, or see that it is the end. */
static int rest(struct consume *c, enum evl_next what, int64_t *idle_since, bool *ends)
{
    *ends = what == EVL_NEXT_END && !(c->group && group_goes_on(c));
    return *ends ? 0 : idle_wait(c, idle_since);
}

static int record_run(struct consume *c, int64_t *idle_since, bool *ends)
{
    struct evl_record record;
    enum evl_next what;
    enum evl_error err = evl_consumer_next(c->consumer, &record, &what);
    if (err)
        return say_fault(err);
    if (what != EVL_NEXT_RECORD)
        return rest(c, what, idle_since, ends);
    *idle_since = -1;
    consume_tick(c);
    bool wanted = !c->selects || select_wants(c, &record);
    return wanted ? output_record(c, &record) : 0;
}

static int batch_run(struct consume *c, int64_t *idle_since, bool *ends)
{
    struct evl_batch batch;
    enum evl_next what;
    enum evl_error err = evl_consumer_next_batch(c->consumer, &batch, &what);
    if (err)
        return say_fault(err);
    if (what != EVL_NEXT_RECORD)
        return rest(c, what, idle_since, ends);
    *idle_since = -1;
    return !batch.control || c->options.control ? output_batch(c, &batch) : 0;
}

static int records_run(struct consume *c)
{
    int64_t idle_since = -1;
    int status = 0;
    bool ends = false;
    while (status == 0 && !ends && !output_is_enough(c) && !signals_caught()) {
        if (c->group && (status = group_turn(c)))
            break;
        status = c->kind == EVL_FORMAT_BATCH ? batch_run(c, &idle_since, &ends)
                                             : record_run(c, &idle_since, &ends);
    }
    return status;
}

static int follow_run(struct consume *c)
{
    if (output_is_enough(c))
        return 0;
    int status = ranges_open(c, c->options.follow, c->options.merge, &c->consumer);
    if (status)
        return status;
    return records_run(c);
}

static int kinds_run(struct consume *c)
{
    if (c->options.count_only)
        return count_run(c);
    if (c->options.latest)
        return select_latest(c);
    int status = c->options.tail >= 0 ? select_tail(c) : 0;
    bool done = c->options.tail >= 0 && !c->options.follow;
    return status || done ? status : follow_run(c);
}

/* ---- a run --------------------------------------------------------------- */

static int place_open(struct consume *c)
{
    struct spot spot;
    int status = spot_find(&c->common.place, &spot);
    if (status == 0)
        status = spot_open(&spot, c->options.group || c->letters ? SPOT_WRITE : SPOT_READ, false,
                           &c->place);
    spot_release(&spot);
    return status;
}

/* --lock: what runs alone is this group, or a reader of these topics, whatever
 * it does with them; a file of one's own says it more finely. */
static int run_lock(struct consume *c, const struct words *operands)
{
    struct evl_buffer path = { 0 }, name = { 0 };
    const char *file = c->options.lock;
    if (!file)
        return 0;
    if (!*file && evl_place_is_foreign(c->place))
        return say_usage(
            "--lock: nothing is written in Kafka's directory: name a file, --lock=FILE");
    text_print(&path, *file ? "%s" : "%s/ev.runs", *file ? file : evl_place_name(c->place));
    if (!*file && c->options.group)
        text_print(&name, "group %s", c->options.group);
    for (size_t i = 0; i < operands->count && !*file && !c->options.group; i++)
        text_print(&name, "%s%s", i ? " " : "", operands->at[i]);
    int status = lock_take(text_end(&path), text_end(&name), c->options.wait_lock_ms);
    evl_buffer_release(&path);
    evl_buffer_release(&name);
    return status;
}

/* The state is read when nobody changes it any more: under the lock. */
static int consume_prepare(struct consume *c, const struct words *operands, int reserved)
{
    struct words topics = { 0 };
    int status = commit_open(c);
    if (status == 0)
        status = ack_open(c, reserved);
    if (status == 0)
        status = select_open(c);
    if (status == 0)
        status = place_open(c);
    if (status == 0)
        status = run_lock(c, operands);
    if (status == 0 && c->options.state)
        status = state_load(c->options.state, false, &c->state);
    if (status == 0)
        status = ranges_find(c, operands, &topics);
    if (status == 0 && c->letters)
        status = letters_check(c, &topics);
    if (status == 0 && c->letters && c->options.group)
        status = letters_settle(c);
    if (status == 0 && c->options.group)
        status = group_open(c, &topics);
    words_release(&topics);
    return status;
}

static int consume_begin(struct consume *c)
{
    progress_begin(&c->progress, "reading", (enum progress_wish)c->options.progress, true);
    int status = output_open(c);
    if (status == 0)
        status = batches_agree(c);
    if (status == 0 && c->work)
        status = work_begin(c);
    return status ? status : commit_now(c); /* a restart knows where we began */
}

static int consume_run(struct consume *c)
{
    int status = consume_begin(c);
    if (status == 0)
        status = kinds_run(c);
    if (c->work)
        keep_first(&status, work_end(c));
    bool clean = status == 0 && !signals_caught() && !c->options.count_only;
    bool empty = c->output == 0 && (c->options.fail_empty || c->options.grep.count);
    int ended = output_end(c, clean);
    keep_first(&status, ended);
    if (status == EXIT_STOPPED && c->options.follow && c->commit.when == COMMIT_NONE)
        return 0; /* watching ends where the watcher has seen enough */
    return status == 0 && empty && !c->options.count_only ? EXIT_NO : status;
}

int main(int argc, char **argv)
{
    static struct consume c = {
        .options = { .count = -1, .tail = -1, .parallel = -1 },
        .sink = { .fd = -1 },
        .state = { .length = -1 },
    };
    struct grammar grammar = {
        .name = "evconsume",
        .summary = "read records from topics",
        .usage = usage,
        .examples = examples,
        .sets = { { rows, &c.options }, { common_rows, &c.common } },
        .operand = COMPLETES_TOPIC,
        .runs = true,
    };
    struct manual manual = { &grammar, NULL };
    struct words words = { 0 }, operands = { 0 };
    size_t used;
    (void)argc;
    tool_begin("evconsume");
    int status = options_gather(&words, argv);
    if (status == 0)
        status = options_read(&grammar, words.at, words.count, &c.common, &operands, &used);
    if (status || tool_is_asked(&manual, &grammar, &c.common, &status))
        tool_exit(status);
    say_volume(c.common.quiet, c.common.verbose);
    int reserved = ack_reserve();
    signals_begin();
    status = options_agree(&c, &operands);
    if (status == 0)
        status = work_open(&c, words_from(&words, used));
    if (status == 0)
        status = consume_prepare(&c, &operands, reserved);
    if (status == 0)
        status = consume_run(&c);
    work_close(&c);
    group_close(&c);
    feed_close(c.acks);
    evl_consumer_close(c.consumer);
    ranges_release(&c);
    state_release(&c.state);
    evl_grep_close(c.grep);
    evl_place_close(c.place);
    words_release(&operands);
    words_release(&words);
    tool_exit(status);
}
