/* say.c - what a tool tells the person in front of it, one line at a time, on
 * stderr.  Owns the tool's name and how loud it is; both are set once, at the
 * start. */
#include "tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <evl/text.h>

#include "stream.h"

static struct {
    const char *tool;
    const char *where;
    bool quiet;
    int verbose;
} voice = { .tool = "ev" };

void say_begin(const char *tool) { voice.tool = tool; }
void say_where(const char *where) { voice.where = where; }

void say_volume(bool quiet, int verbose)
{
    voice.quiet = quiet;
    voice.verbose = verbose;
}

bool say_hears(enum say_level level)
{
    switch (level) {
    case SAY_ERROR: return true;
    case SAY_WARNING:
    case SAY_NOTICE: return !voice.quiet;
    case SAY_DETAIL: return voice.verbose >= 1;
    case SAY_TRACE: return voice.verbose >= 2;
    }
    return true;
}

/* A line goes out in one write, so that two tools of a pipeline that share a
 * terminal do not mix theirs. */
__attribute__((format(printf, 1, 0))) static void say_line(const char *format, va_list args)
{
    char message[2048];
    vsnprintf(message, sizeof message, format, args);
    struct evl_buffer line = { 0 };
    text_print(&line, "%s: ", voice.tool);
    if (voice.where)
        text_print(&line, "%s: ", voice.where);
    text_add_visible(&line, message, strlen(message));
    text_add(&line, "\n");
    progress_erase();
    (void)!write(STDERR_FILENO, line.at, line.count); /* there is nobody else to tell */
    evl_buffer_release(&line);
}

void say(enum say_level level, const char *format, ...)
{
    if (!say_hears(level))
        return;
    va_list args;
    va_start(args, format);
    say_line(format, args);
    va_end(args);
}

int say_fault(enum evl_error err)
{
    say(SAY_ERROR, "%s", *evl_fault() ? evl_fault() : evl_error_text(err));
    return evl_error_exit(err);
}

static int system_status(int number)
{
    switch (number) {
    case ENOENT:
    case EISDIR:
    case ENOTDIR: return EXIT_NO_INPUT;
    case EACCES:
    case EPERM:
    case EROFS: return EXIT_DENIED;
    case EEXIST: return EXIT_CREATE;
    default: return EXIT_IO;
    }
}

int say_system(const char *format, ...)
{
    int number = errno;
    char what[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    say(SAY_ERROR, "%s: %s", what, strerror(number));
    return system_status(number);
}

int say_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_line(format, args);
    va_end(args);
    return EXIT_USAGE;
}

/* A name that begins with the word is near; else one mistake in three letters
 * is forgiven. */
void nearest_try(struct nearest *nearest, const char *name)
{
    size_t length = strlen(nearest->word);
    bool begins = length > 0 && strncmp(name, nearest->word, length) == 0;
    int distance = begins ? 0 : evl_text_distance(nearest->word, name);
    if (distance > (int)(length + 2) / 3)
        return;
    if (!nearest->best || distance < nearest->distance) {
        nearest->best = name;
        nearest->distance = distance;
    }
}
