/* evconsume_output.c - records out: to stdout, to a file with a saved
 * position, or one file each.
 *
 * With --state, what is in the state file was flushed before, and with -O it
 * was on disk before: (1) write, (2) sync the file, (3) replace the state.  A
 * crash after (1) or (2) leaves more in the file than the state says, and the
 * next start cuts it off. */
#include "evconsume.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- opening ------------------------------------------------------------- */

static int append_cut(struct consume *c, int fd, const char *path)
{
    struct stat stat;
    if (fstat(fd, &stat) < 0)
        return say_system("%s", path);
    if (!c->options.state)
        return lseek(fd, 0, SEEK_END) < 0 ? say_system("%s", path) : 0;
    if (c->state.length < 0)
        c->state.length = stat.st_size; /* a new state: what is there stays there */
    if (stat.st_size < c->state.length) {
        say(SAY_ERROR, "%s: %lld bytes, but %s says %lld: it is another file, or it was cut", path,
            (long long)stat.st_size, c->options.state, (long long)c->state.length);
        return EXIT_DATA;
    }
    if (ftruncate(fd, c->state.length) < 0 || lseek(fd, c->state.length, SEEK_SET) < 0)
        return say_system("%s", path);
    return 0;
}

static int append_open(struct consume *c)
{
    const char *path = c->options.append;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return say_system("%s", path);
    sink_begin(&c->sink, fd, path);
    int status = append_cut(c, fd, path);
    c->sink.written = c->state.length < 0 ? 0 : c->state.length;
    return status;
}

static int split_open(struct consume *c)
{
    struct evl_format_options options = {
        .kind = EVL_FORMAT_STRING,
        .string = c->options.name ? c->options.name : "%t-%p-%o",
        .utc = c->options.form.utc,
    };
    enum evl_error err = evl_format_writer_open(&options, &c->namer);
    if (err)
        return say_fault(err);
    if (mkdir(c->options.split, 0777) < 0 && errno != EEXIST)
        return say_system("%s", c->options.split);
    return 0;
}

static int terminal_refuse(const struct consume *c)
{
    const struct evl_format_info *info = evl_format_info(c->kind);
    if (!info->binary || !c->sink.terminal || c->options.force || c->options.split ||
        c->options.count_only)
        return 0;
    return say_usage("%s is not for terminals: send it to a file or a pipe, or use --force",
                     info->name);
}

/* What the options say; their texts are borrowed to the end. */
static int form_read(struct consume *c)
{
    struct evl_format_options *options = &c->form;
    if (c->options.json)
        c->options.form.kind = EVL_FORMAT_JSON;
    int status = form_options(&c->options.form, &c->form_texts, options);
    if (status)
        return status;
    bool shown = c->sink.terminal && !c->options.force && !c->options.split && !c->work;
    c->kind = options->kind;
    options->embed = c->options.embed;
    options->terminal = shown;
    options->end_mark = c->kind == EVL_FORMAT_MSGPACK ? !c->options.split : c->options.end_mark;
    return shown ? terminal_refuse(c) : 0;
}

int output_writer(struct consume *c, struct evl_format_writer **writer)
{
    enum evl_error err = evl_format_writer_open(&c->form, writer);
    return err ? say_fault(err) : 0;
}

int output_open(struct consume *c)
{
    int status = 0;
    if (c->options.append)
        status = append_open(c);
    else
        sink_begin(&c->sink, STDOUT_FILENO, "stdout");
    if (status == 0)
        status = form_read(c);
    if (status == 0)
        status = output_writer(c, &c->writer);
    if (status == 0 && c->options.split)
        status = split_open(c);
    c->sink.eager = c->sink.eager || c->options.unbuffered;
    return status;
}

/* ---- one file per record ------------------------------------------------- */

/* A key may be "../../etc/passwd": no folder but the one that was named. */
static void name_clean(struct evl_buffer *name)
{
    for (size_t i = 0; i < name->count; i++) {
        uint8_t c = name->at[i];
        if (c == '/' || c < 0x20 || c == 0x7f || (c == '.' && i == 0))
            name->at[i] = '_';
    }
    if (name->count == 0)
        text_add(name, "_");
}

static int split_write(struct consume *c, const struct evl_record *record)
{
    char path[PATH_MAX];
    evl_buffer_clear(&c->name);
    enum evl_error err = evl_format_write(c->namer, record, &c->name);
    if (err)
        return say_fault(err);
    name_clean(&c->name);
    snprintf(path, sizeof path, "%s/%s", c->options.split, text_end(&c->name));
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (c->options.force ? O_TRUNC : O_EXCL);
    int fd = open(path, flags, 0666);
    if (fd < 0)
        return say_system("%s", path);
    int status = text_write(fd, path, &c->sink.bytes);
    evl_buffer_clear(&c->sink.bytes);
    if (close(fd) < 0 && status == 0)
        status = say_system("%s", path);
    return status;
}

/* ---- records ------------------------------------------------------------- */

/* Once: that the output does not say what the record holds.  Each time, with
 * --strict, and then it is an error. */
static int loss_check(struct consume *c, const struct evl_record *record)
{
    const char *why = "";
    if (evl_format_loss(c->writer, record, &why) != EVL_MISLEADS)
        return 0;
    c->warned = true;
    say(c->options.strict ? SAY_ERROR : SAY_WARNING,
        "%.*s-%d: offset %lld: %s; another form (-o json, -o tsv) can say it",
        (int)record->topic.count, (const char *)record->topic.at, record->partition,
        (long long)record->offset, why);
    return c->options.strict ? EXIT_DATA : 0;
}

/* --max-bytes: a record that does not fit is not written. */
static bool exceeds(struct consume *c, size_t before)
{
    c->output_bytes += (int64_t)(c->sink.bytes.count - before);
    if (!c->options.max_bytes || c->output_bytes <= c->options.max_bytes)
        return false;
    c->sink.bytes.count = before;
    c->full = true;
    return true;
}

/* A block that is full goes out; where somebody waits for a commit, it is seen
 * through to the end. */
static int output_pass(struct consume *c)
{
    bool full = c->sink.eager || c->sink.bytes.count >= SINK_BLOCK;
    bool due = full || c->commit.every || c->commit.every_ms ? commit_is_due(c) : false;
    if (c->sink.eager || due)
        return output_flush(c);
    return full ? sink_pass(&c->sink) : 0;
}

/* It was written, or it is held up by --max-bytes and not ours to commit. */
static void output_count(struct consume *c, struct evl_bytes topic, int32_t partition,
                         int64_t offset, int64_t records)
{
    if (c->commit.on && (c->acks || c->full))
        (void)commit_enter(c, topic, partition, offset);
    if (c->full)
        return;
    c->output += records;
    if (!c->acks)
        c->commit.pending += records;
}

int output_record(struct consume *c, const struct evl_record *record)
{
    int status = !c->warned || c->options.strict ? loss_check(c, record) : 0;
    if (status)
        return status;
    if (c->work) {
        c->output++;
        return work_record(c, record);
    }
    size_t before = c->sink.bytes.count;
    enum evl_error err = evl_format_write(c->writer, record, &c->sink.bytes);
    if (err)
        return say_fault(err);
    bool held = exceeds(c, before);
    output_count(c, record->topic, record->partition, record->offset, 1);
    if (held)
        return 0;
    return c->namer ? split_write(c, record) : output_pass(c);
}

int output_batch(struct consume *c, const struct evl_batch *batch)
{
    struct evl_batch_view view = { .topic = batch->topic,
                                   .partition = batch->partition,
                                   .bytes = batch->bytes,
                                   .base_offset = batch->first_offset,
                                   .last_offset = batch->last_offset };
    size_t before = c->sink.bytes.count;
    enum evl_error err = evl_format_write_batch(c->writer, &view, &c->sink.bytes);
    if (err)
        return say_fault(err);
    bool held = exceeds(c, before);
    output_count(c, batch->topic, batch->partition, batch->first_offset, batch->count);
    return held ? 0 : output_pass(c);
}

/* ---- flushing ------------------------------------------------------------ */

int output_flush(struct consume *c)
{
    int status = sink_flush(&c->sink);
    progress_tick(&c->progress, c->seen, c->sink.written, -1);
    if (status == 0)
        status = ack_take(c);
    return status == 0 && commit_is_due(c) ? commit_now(c) : status;
}

/* --commit end waits until stdout has closed without an error: who writes to a
 * disk learns only then that it is full.  -O is synced before it is closed. */
static int output_commit(struct consume *c, bool clean)
{
    bool at_end = c->commit.when == COMMIT_END;
    int status = sink_flush(&c->sink);
    if (status == 0 && !c->acks && (!at_end || (clean && c->options.append)))
        status = commit_now(c);
    keep_first(&status, sink_end(&c->sink));
    if (c->acks) {
        keep_first(&status, ack_end(c, status == 0));
        keep_first(&status, commit_now(c));
    }
    return status == 0 && at_end && clean && !c->options.append ? commit_now(c) : status;
}

int output_end(struct consume *c, bool clean)
{
    if (clean && !c->namer && !c->work)
        evl_format_write_end(c->writer, &c->sink.bytes);
    int status = output_commit(c, clean);
    evl_format_writer_close(c->writer);
    evl_format_writer_close(c->namer);
    evl_buffer_release(&c->name);
    evl_buffer_release(&c->form_texts);
    return status;
}
