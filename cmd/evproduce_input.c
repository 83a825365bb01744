/* evproduce_input.c - where the bytes come from: stdin, files, -m.
 *
 * What was taken goes to the log at once when nothing more comes. */
#include "evproduce.h"

#include <stdio.h>
#include <unistd.h>

/* ---- waiting ------------------------------------------------------------- */

static int input_flush(struct produce *p)
{
    enum evl_error err = evl_producer_flush(p->producer);
    p->pending_since = -1;
    return err ? produce_failed(p, err) : sink_flush(&p->sink);
}

/* Nothing comes for longer than --linger: all that was taken is acknowledged,
 * or, if it is a transaction's, committed when that has been open for long. */
static enum feed_event input_rest(struct produce *p, const struct source *source, int *status)
{
    int64_t left = transaction_patience(p);
    if (left > 0) {
        enum feed_event event = source->more(source->context, left);
        if (event != FEED_IDLE)
            return event;
    }
    *status = left < 0 ? input_flush(p) : transaction_commit(p);
    if (*status == 0 && source->terminal)
        fputs("> ", stderr);
    return *status ? FEED_IDLE : source->more(source->context, -1);
}

enum feed_event input_await(struct produce *p, const struct source *source, int *status)
{
    enum feed_event event = source->more(source->context, 0);
    if (event != FEED_IDLE)
        return event;
    int64_t now = tool_clock_ms();
    if (p->pending_since < 0)
        p->pending_since = now;
    int64_t left = p->pending_since + p->options.linger_ms - now;
    if (left <= 0) {
        enum evl_error err = evl_producer_push(p->producer);
        *status = err ? produce_failed(p, err) : 0;
        p->pending_since = now;
        left = p->options.linger_ms;
    }
    if (*status == 0)
        event = source->more(source->context, left);
    return *status || event != FEED_IDLE ? event : input_rest(p, source, status);
}

/* ---- one input ----------------------------------------------------------- */

static enum feed_event feed_source(void *feed, int64_t ms) { return feed_more(feed, ms); }

/* A record that is not whole yet is looked at again when the input has doubled,
 * as far as it is there already: a long one would be read once per block. */
static enum feed_event input_more(struct produce *p, struct feed *feed, int *status)
{
    size_t wanted = 2 * feed_bytes(feed).count;
    struct source source = { feed_source, feed, feed_is_terminal(feed) };
    enum feed_event event = input_await(p, &source, status);
    progress_tick(&p->progress, p->sent, p->read_bytes, p->total);
    while (event == FEED_MORE && feed_bytes(feed).count < wanted) {
        enum feed_event next = feed_more(feed, 0);
        if (next == FEED_IDLE || next == FEED_WOKEN)
            break;
        event = next;
    }
    return event;
}

/* A pipe hides that its writer was killed: without the mark, the input may be
 * a part of what was meant. */
static int end_check(struct produce *p, const char *name)
{
    bool needed = p->form.kind == EVL_FORMAT_MSGPACK
                      ? !p->options.no_end_mark
                      : p->form.kind == EVL_FORMAT_JSON && p->options.end_mark;
    if (!needed || evl_format_reader_ended(p->reader))
        return 0;
    int64_t kept = p->transaction ? p->begun.records : p->sent;
    say(SAY_ERROR,
        "%s: ended without its end mark: it was cut off, or made by another program "
        "(--no-end-mark); the %lld records that came are %s",
        name, (long long)p->sent,
        kept == p->sent ? "written"
        : kept          ? "written in part"
                        : "not");
    return EXIT_DATA;
}

/* A transaction that is full ends in the middle of what was read. */
static int feed_send(struct produce *p, struct feed *feed, bool last)
{
    bool full = true;
    int status = 0;
    while (full && status == 0 && !signals_caught()) {
        size_t used;
        status = block_send(p, feed_name(feed), feed_bytes(feed), last, &used);
        feed_take(feed, used);
        p->read_bytes += (int64_t)used;
        full = transaction_room(p) <= 0 && feed_bytes(feed).count > 0;
        if (status == 0)
            status = transaction_turn(p);
    }
    return status;
}

static int input_drain(struct produce *p, struct feed *feed)
{
    int status = 0;
    enum feed_event event = FEED_MORE;
    while (status == 0 && event != FEED_END && !signals_caught()) {
        event = input_more(p, feed, &status);
        if (event == FEED_BROKEN)
            status = EXIT_IO;
        if (status == 0)
            status = feed_send(p, feed, event == FEED_END);
    }
    if (status == 0 && !signals_caught())
        status = end_check(p, feed_name(feed));
    return status;
}

int input_run(struct produce *p, const char *path)
{
    struct feed *feed;
    int status = feed_open(path, &feed);
    if (status)
        return status;
    p->total = feed_size(feed) < 0 ? -1 : p->read_bytes + feed_size(feed);
    evl_format_reader_restart(p->reader);
    if (feed_is_terminal(feed))
        fputs("> ", stderr);
    status = input_drain(p, feed);
    if (feed_is_terminal(feed))
        fputs("\n", stderr);
    feed_close(feed);
    return status;
}

/* A text is a value, unless -K, -F or -i say that there is more in it. */
int input_messages(struct produce *p)
{
    const struct form_choice *form = &p->options.form;
    bool plain = p->form.kind == EVL_FORMAT_LINE && !form->key_delimiter;
    int status = 0;
    for (size_t i = 0; i < p->options.messages.count && status == 0; i++) {
        struct evl_bytes text = evl_text(p->options.messages.at[i]);
        struct evl_record record = EVL_RECORD_NONE;
        size_t used;
        record.value = text;
        evl_format_reader_restart(p->reader);
        status = plain ? record_send(p, "--message", &record, text)
                       : block_send(p, "--message", text, true, &used);
        if (status == 0)
            status = transaction_turn(p);
    }
    return status;
}
