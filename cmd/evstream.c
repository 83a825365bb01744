/* evstream.c - a filter between topics, exactly once.
 *
 * A batch of records goes to FILTER's stdin; what FILTER writes becomes records
 * of another topic.  Those and the positions behind the batch are one
 * transaction: whatever is killed, and whenever, each record is answered once. */
#include "evstream.h"

#include <stdlib.h>
#include <sys/wait.h>

/* clang-format off */
#define ROW(letter, name, argument, kind, member, completes, usual, help)       \
    { letter, name, argument, OPTION_##kind, offsetof(struct stream_options, member), \
      COMPLETES_##completes, usual, help }

static const struct option rows[] = {
    { .help = "From where to where" },
    ROW(0, "from", "TOPIC", LIST, from, TOPIC, true, "Read this topic. May be repeated."),
    ROW(0, "to", "TOPIC", TEXT, to, TOPIC, true,
        "Write to this one, unless the output says another."),
    ROW('g', "group", "NAME", TEXT, group, GROUP, true,
        "The stream's name. Processes with the same one share the work."),
    ROW(0, "instance", "ID", TEXT, instance, NOTHING, false,
        "A member of the group with a name. What it has waits for it when it ends, for 45 "
        "seconds."),
    ROW('S', "since", "SPEC", TEXT, since, NOTHING, false,
        "Where a new stream begins. Default: start. See ev(7)."),
    ROW('f', "follow", NULL, FLAG, follow, NOTHING, true, "Go on at the end, and wait for more."),
    { .help = "The filter" },
    ROW('o', "output", "line|tsv|json|msgpack|frame", CHOICE, given, NOTHING, true,
        "What FILTER is given. Default: tsv. See evformat(5)."),
    ROW('i', "input", "line|tsv|json|msgpack|frame", CHOICE, back, NOTHING, true,
        "What is read back from it. Default: tsv."),
    ROW(0, "columns", "LIST", TEXT, columns, NOTHING, false,
        "The columns of tsv, both ways. Default: key,value."),
    ROW(0, "batch", "N|DURATION|SIZE", TEXT, batch, NOTHING, true,
        "How much one run of FILTER gets. Default: 10000,1s. Whichever comes first."),
    ROW(0, "coprocess", "[=1:1]", FLAG, coprocess, NOTHING, false,
        "One FILTER for all, that answers each line at once with one line, as sed -u does."),
    ROW(0, "keep", "LIST", TEXT, keep, NOTHING, false,
        "With --coprocess: what an answer has of its record. Of k (key), h (headers), ts "
        "(timestamp), p (partition)."),
    ROW(0, "on-error", "stop|skip|dlq=TOPIC|retry=N", TEXT, on_error, NOTHING, false,
        "What to do when FILTER fails, or writes what is no record. Default: stop. Dlq: write "
        "the batch to TOPIC, and go on. Retry=N,skip: skip it after N more tries."),
    { .help = "reset and describe" },
    ROW(0, "at", "SPEC", TEXT, at, NOTHING, false, "reset: where to. Default: start."),
    ROW('j', "json", NULL, FLAG, json, NOTHING, false, "describe: print one JSON document."),
    ROW(0, "tsv", NULL, FLAG, tsv, NOTHING, false, "describe: print columns between tabs."),
    ROW(0, "progress", "auto|always|never", CHOICE, progress, NOTHING, false,
        "Whether long work shows how far it is. Auto: on a terminal, after two seconds."),
    { 0 },
};
/* clang-format on */

static const char *const usage[] = {
    "evstream --from TOPIC... --to TOPIC -g NAME [options] -- FILTER [ARG]...",
    "evstream reset NAME [--at SPEC]",
    "evstream describe NAME",
    NULL,
};
static const char *const examples[] = {
    "evstream --from log --to errors -g errors -- grep ERROR",
    "evstream --from orders --to sorted -g s --batch 1h -f -- sort",
    NULL,
};

/* ---- options ------------------------------------------------------------- */

static const enum evl_format_kind kinds[] = { EVL_FORMAT_LINE, EVL_FORMAT_TSV, EVL_FORMAT_JSON,
                                              EVL_FORMAT_MSGPACK, EVL_FORMAT_FRAME };
enum { TSV = 1 };

static int keep_read(struct stream *s)
{
    for (const char *p = s->options.keep; p && *p;) {
        size_t length = strcspn(p, ",");
        if (length == 1 && *p == 'k')
            s->keep.key = true;
        else if (length == 1 && *p == 'h')
            s->keep.headers = true;
        else if (length == 2 && strncmp(p, "ts", 2) == 0)
            s->keep.timestamp = true;
        else if (length == 1 && *p == 'p')
            s->keep.partition = true;
        else
            return say_usage("--keep: '%s' is not made of k, h, ts and p", s->options.keep);
        p += length + (p[length] == ',');
    }
    return 0;
}

static bool is_lines(int kind)
{
    return kinds[kind] != EVL_FORMAT_MSGPACK && kinds[kind] != EVL_FORMAT_FRAME;
}

static int options_agree(struct stream *s)
{
    const struct stream_options *o = &s->options;
    if (!s->argv)
        return say_usage("which FILTER? put it behind --; see evstream -h");
    if (o->from.count == 0 || !o->to || !o->group)
        return say_usage("--from TOPIC, --to TOPIC and -g NAME are needed; see evstream -h");
    for (size_t i = 0; i < o->from.count; i++)
        if (strcmp(o->from.at[i], o->to) == 0)
            return say_usage("--to %s is read, too: its records would go round for ever", o->to);
    if (o->keep && !o->coprocess)
        return say_usage("--keep needs --coprocess: only there an output belongs to an input");
    if (o->coprocess && (!is_lines(o->given) || !is_lines(o->back)))
        return say_usage("--coprocess works on lines: -o and -i line, tsv or json");
    if (o->columns && kinds[o->given] != EVL_FORMAT_TSV && kinds[o->back] != EVL_FORMAT_TSV)
        return say_usage("--columns is for tsv");
    int status = keep_read(s);
    if (status == 0 && o->batch)
        status = batch_limit_read(o->batch, &s->limit);
    if (status == 0 && o->on_error)
        status = on_error_read(o->on_error, &s->on_error);
    s->keeps = o->keep || s->on_error.letters;
    return status;
}

static int forms_open(struct stream *s)
{
    const struct stream_options *o = &s->options;
    struct evl_format_options given = { .kind = kinds[o->given], .columns = o->columns };
    struct evl_format_options back = { .kind = kinds[o->back], .columns = o->columns };
    if (given.kind != EVL_FORMAT_TSV)
        given.columns = NULL;
    if (back.kind != EVL_FORMAT_TSV)
        back.columns = NULL;
    enum evl_error err = evl_format_writer_open(&given, &s->writer);
    if (!err)
        err = evl_format_reader_open(&back, &s->reader);
    return err ? say_fault(err) : 0;
}

/* ---- a batch ------------------------------------------------------------- */

static void failure_say(const struct stream *s, const char *then, enum say_level level)
{
    struct evl_buffer text = { 0 };
    text_print(&text, "%.*s", (int)s->error.count, (const char *)s->error.at);
    say(level, "%s: a batch of %zu records: %s%s", s->argv[0], s->load.count, text_end(&text),
        then);
    evl_buffer_release(&text);
}

/* The last attempt has failed, too. */
static int batch_give_up(struct stream *s, int status, int64_t attempts)
{
    if (status == 75) {
        failure_say(s, ": it asks for another time", SAY_ERROR);
        return status;
    }
    if (s->on_error.skips) {
        failure_say(s, "; skipped", SAY_WARNING);
        return output_skip(s);
    }
    if (s->on_error.letters) {
        failure_say(s, "; to the dlq", SAY_WARNING);
        return output_divert(s, attempts);
    }
    failure_say(s, "", SAY_ERROR);
    return status;
}

/* *failed: FILTER failed, or what it wrote is none of the form. */
static int batch_try(struct stream *s, bool *failed)
{
    bool fatal;
    int status = filter_run(s, &fatal);
    *failed = status != 0 && !fatal;
    if (status || signals_caught())
        return status;
    return output_commit(s, failed);
}

static void pause_ms(int64_t ms)
{
    struct command *none[1] = { NULL };
    commands_wait(none, 0, ms);
}

static int batch_run(struct stream *s)
{
    for (int64_t attempts = 1;; attempts++) {
        bool failed;
        int status = batch_try(s, &failed);
        if (!failed || signals_caught())
            return failed ? 0 : status;
        if (status == 75 || attempts > s->on_error.retries)
            return batch_give_up(s, status, attempts);
        failure_say(s, "; once more", SAY_DETAIL);
        pause_ms(attempt_pause_ms(attempts));
    }
}

/* ---- the loop ------------------------------------------------------------ */

static int stream_loop(struct stream *s)
{
    bool ends = false;
    int status = 0;
    while (status == 0 && !ends && !signals_caught()) {
        status = input_turn(s);
        if (status == 0)
            status = input_gather(s, &ends);
        if (status == 0 && s->load.count && !signals_caught())
            status = batch_run(s);
        progress_tick(&s->progress, s->records, 0, -1);
    }
    return status;
}

static int stream_run(struct stream *s)
{
    int status = forms_open(s);
    if (status == 0)
        status = output_open(s);
    if (status == 0)
        status = input_open(s);
    signals_mind_children();
    progress_begin(&s->progress, "streaming", (enum progress_wish)s->options.progress, true);
    if (status == 0)
        status = stream_loop(s);
    progress_erase();
    say(SAY_DETAIL, "%lld records, %lld written, %lld batches", (long long)s->records,
        (long long)s->written, (long long)s->batches);
    return status;
}

static void stream_close(struct stream *s)
{
    filter_end(s);
    output_close(s);
    input_close(s);
    evl_format_writer_close(s->writer);
    evl_format_reader_close(s->reader);
    free(s->on_error.letters);
    words_release(&s->options.from);
    evl_place_close(s->place);
}

/* ---- the commands -------------------------------------------------------- */

static int place_open(struct stream *s, enum spot_use use)
{
    struct spot spot;
    int status = spot_find(&s->common.place, &spot);
    if (status == 0)
        status = spot_open(&spot, use, false, &s->place);
    spot_release(&spot);
    return status;
}

static int command_run(struct stream *s, const struct words *operands)
{
    const char *command = operands->count ? operands->at[0] : NULL;
    bool resets = command && strcmp(command, "reset") == 0;
    if (command && !resets && strcmp(command, "describe") != 0)
        return say_usage("'%s' is neither reset nor describe; FILTER goes behind --", command);
    if (command && (operands->count != 2 || s->argv))
        return say_usage("%s takes the NAME of a stream, and no FILTER", command);
    int status = command ? 0 : options_agree(s);
    if (status == 0)
        status = place_open(s, command && !resets ? SPOT_READ : SPOT_WRITE);
    if (status)
        return status;
    if (resets)
        return stream_reset(s, operands->at[1]);
    return command ? stream_describe(s, operands->at[1]) : stream_run(s);
}

int main(int argc, char **argv)
{
    static struct stream s = { .options = { .given = TSV, .back = TSV },
                               .filter = { .input = -1, .output = -1 } };
    struct grammar grammar = {
        .name = "evstream",
        .summary = "run a filter between topics, exactly once",
        .usage = usage,
        .examples = examples,
        .sets = { { rows, &s.options }, { common_rows, &s.common } },
        .operand = COMPLETES_NOTHING,
        .runs_alone = true,
    };
    struct manual manual = { &grammar, NULL };
    struct words words = { 0 }, operands = { 0 };
    size_t used;
    (void)argc;
    tool_begin("evstream");
    int status = options_gather(&words, argv);
    if (status == 0)
        status = options_read(&grammar, words.at, words.count, &s.common, &operands, &used);
    if (status || tool_is_asked(&manual, &grammar, &s.common, &status))
        tool_exit(status);
    say_volume(s.common.quiet, s.common.verbose);
    signals_begin();
    s.argv = words_from(&words, used);
    status = command_run(&s, &operands);
    stream_close(&s);
    words_release(&operands);
    words_release(&words);
    tool_exit(status);
}
