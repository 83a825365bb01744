/* progress.c - one line on a terminal that says how far long work is.
 *
 * Owns the fact that there is a line on the screen.  Nothing is shown for two
 * seconds, nothing is left behind. */
#include "stream.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <evl/text.h>

enum { PATIENCE_MS = 2000, REDRAW_MS = 200 };

static bool on_screen;

/* What others print on the same terminal would be written over. */
static bool terminal_is_ours(bool shared)
{
    struct stat out, err;
    if (!isatty(STDERR_FILENO) || fstat(STDERR_FILENO, &err) < 0)
        return false;
    return !shared || !isatty(STDOUT_FILENO) || fstat(STDOUT_FILENO, &out) < 0 ||
           out.st_rdev != err.st_rdev;
}

void progress_begin(struct progress *progress, const char *doing, enum progress_wish wish,
                    bool shared)
{
    *progress = (struct progress){ .doing = doing, .begun_ms = tool_clock_ms() };
    progress->on = wish == PROGRESS_ALWAYS || (wish == PROGRESS_AUTO && terminal_is_ours(shared));
    progress->next_ms = progress->begun_ms + PATIENCE_MS;
}

void progress_summary(const struct progress *progress, int64_t records, int64_t bytes,
                      struct evl_buffer *text)
{
    char size[EVL_TEXT_ROOM], time[EVL_TEXT_ROOM], rate[EVL_TEXT_ROOM];
    int64_t ms = tool_clock_ms() - progress->begun_ms;
    text_print(text, "%lld records, %s, %s, %s/s", (long long)records, evl_print_size(bytes, size),
               evl_print_duration(ms, time), evl_print_size(bytes * 1000 / (ms ? ms : 1), rate));
}

static void line_draw(const struct progress *progress, int64_t records, int64_t bytes,
                      int64_t total)
{
    struct evl_buffer text = { 0 };
    text_print(&text, "\r\033[K\033[?7l%s: ", progress->doing); /* no line break at the margin */
    progress_summary(progress, records, bytes, &text);
    if (total > 0)
        text_print(&text, ", %d%%", (int)(bytes < total ? bytes * 100 / total : 100));
    text_add(&text, "\033[?7h");
    (void)!write(STDERR_FILENO, text.at, text.count);
    evl_buffer_release(&text);
}

static void status_answer(const struct progress *progress, int64_t records, int64_t bytes)
{
    struct evl_buffer text = { 0 };
    progress_summary(progress, records, bytes, &text);
    say(SAY_ERROR, "%s", text_end(&text));
    evl_buffer_release(&text);
}

void progress_tick(struct progress *progress, int64_t records, int64_t bytes, int64_t total)
{
    if (signals_asked())
        status_answer(progress, records, bytes);
    if (!progress->on)
        return;
    int64_t now = tool_clock_ms();
    if (now < progress->next_ms)
        return;
    progress->next_ms = now + REDRAW_MS;
    line_draw(progress, records, bytes, total);
    on_screen = true;
}

void progress_erase(void)
{
    if (on_screen)
        (void)!write(STDERR_FILENO, "\r\033[K", 4);
    on_screen = false;
}
