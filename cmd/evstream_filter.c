/* evstream_filter.c - FILTER answers a load: a run for each, whose end is the end
 * of the answer; or (--coprocess) one that stays, and answers each line with a
 * line. */
#include "evstream.h"

#include <sys/wait.h>

enum {
    GLANCE_MS = 200,
    SILENCE_MS = 30000, /* of one that stays, before we say that it has lost a line */
};

static void filter_wait(struct stream *s)
{
    struct command *commands[1] = { &s->filter };
    commands_wait(commands, 1, GLANCE_MS);
}

/* How it ended, as a status; what is said of it is in s->error. */
static int filter_verdict(struct stream *s, int how)
{
    evl_buffer_clear(&s->error);
    int status = command_verdict(how, &s->error);
    return status;
}

/* ---- a run for each load ------------------------------------------------- */

static int run_once(struct stream *s, bool *fatal)
{
    int how;
    int status = command_start_filter(&s->filter, s->argv, evl_buffer_bytes(&s->load.bytes),
                                      &s->answer, false);
    if (status) {
        *fatal = true;
        return status;
    }
    while (!command_has_ended(&s->filter, &how) && !signals_caught())
        filter_wait(s);
    if (!command_is_running(&s->filter))
        return filter_verdict(s, how);
    command_kill(&s->filter); /* we are to stop: nothing of this load was done */
    return 0;
}

/* ---- one that stays ------------------------------------------------------ */

static size_t lines_in(const struct evl_buffer *bytes, size_t from)
{
    size_t lines = 0;
    const uint8_t *at = bytes->at + from, *end = bytes->at + bytes->count;
    while (bytes->count && at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
        at++;
        lines++;
    }
    return lines;
}

/* It ended, or keeps us waiting: either way the rest of the answer is lost. */
static int stays_lost(struct stream *s, size_t lines)
{
    evl_buffer_clear(&s->error);
    text_print(&s->error,
               "it answered %zu of %zu lines; FILTER has to answer each line at once, with one",
               lines, s->load.count);
    command_kill(&s->filter);
    return EXIT_DATA;
}

/* The answer to a load is as many lines.  Who has answered that many, and not read
 * all, has more to say; more before the next load are too many, too. */
static int stays_run(struct stream *s, bool *fatal)
{
    struct evl_bytes load = evl_buffer_bytes(&s->load.bytes);
    int64_t silent_since = tool_clock_ms();
    int status = 0, how;
    size_t lines = 0, seen = 0;
    if (command_is_running(&s->filter)) {
        command_turn(&s->filter);
        if (s->answer.count)
            return stays_lost(s, s->load.count + lines_in(&s->answer, 0));
        command_give(&s->filter, load);
    } else {
        status = command_start_filter(&s->filter, s->argv, load, &s->answer, true);
        *fatal = status != 0;
    }
    while (status == 0 && lines < s->load.count && !signals_caught()) {
        if (command_has_ended(&s->filter, &how)) {
            status = filter_verdict(s, how);
            return status ? status : stays_lost(s, lines);
        }
        lines += lines_in(&s->answer, seen);
        if (s->answer.count > seen)
            silent_since = tool_clock_ms();
        seen = s->answer.count;
        if (lines < s->load.count && tool_clock_ms() - silent_since > SILENCE_MS)
            return stays_lost(s, lines);
        if (lines < s->load.count)
            filter_wait(s);
    }
    bool early = lines == s->load.count && command_unread(&s->filter) > 0;
    if (status == 0 && early)
        return stays_lost(s, lines + 1);
    return status == 0 && lines > s->load.count ? stays_lost(s, lines) : status;
}

/* ---- both ---------------------------------------------------------------- */

int filter_run(struct stream *s, bool *fatal)
{
    *fatal = false;
    evl_buffer_clear(&s->answer);
    return s->options.coprocess ? stays_run(s, fatal) : run_once(s, fatal);
}

void filter_end(struct stream *s)
{
    command_kill(&s->filter);
    evl_buffer_release(&s->answer);
    evl_buffer_release(&s->error);
}
