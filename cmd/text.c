/* text.c - text that grows, and the ways to quote what goes into it. */
#include "tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

void text_print(struct evl_buffer *text, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int count = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (count > 0) {
        char *to = (char *)evl_buffer_room(text, (size_t)count + 1);
        vsnprintf(to, (size_t)count + 1, format, again);
        text->count += (size_t)count;
    }
    va_end(again);
}

void text_add(struct evl_buffer *text, const char *add) { evl_buffer_add(text, add, strlen(add)); }

void text_repeat(struct evl_buffer *text, char c, size_t count)
{
    memset(evl_buffer_room(text, count), c, count);
    text->count += count;
}

const char *text_end(struct evl_buffer *text)
{
    *evl_buffer_room(text, 1) = '\0';
    return (const char *)text->at;
}

void text_add_json(struct evl_buffer *text, const char *string)
{
    text_add(text, "\"");
    for (const char *p = string; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\')
            text_print(text, "\\%c", c);
        else if (c == '\n')
            text_add(text, "\\n");
        else if (c < 0x20 || c == 0x7f)
            text_print(text, "\\u%04x", c);
        else
            evl_buffer_add(text, p, 1);
    }
    text_add(text, "\"");
}

static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                            "0123456789_-+=./:,@%^";

void text_add_shell(struct evl_buffer *text, const char *string)
{
    if (*string && strspn(string, plain) == strlen(string)) {
        text_add(text, string);
        return;
    }
    text_add(text, "'");
    for (const char *p = string; *p; p++) {
        if (*p == '\'')
            text_add(text, "'\\''");
        else
            evl_buffer_add(text, p, 1);
    }
    text_add(text, "'");
}

/* A terminal obeys control characters, of which UTF-8 has a second set in
 * C2 80 to C2 9F; a file name or a topic must not reach it with one. */
void text_add_visible(struct evl_buffer *text, const void *at, size_t count)
{
    const unsigned char *p = at;
    for (size_t i = 0; i < count; i++) {
        if (p[i] == 0xc2 && i + 1 < count && p[i + 1] >= 0x80 && p[i + 1] < 0xa0) {
            text_print(text, "\\xc2\\x%02x", p[i + 1]);
            i++;
        } else if (p[i] < 0x20 || p[i] == 0x7f) {
            text_print(text, "\\x%02x", p[i]);
        } else {
            evl_buffer_add(text, p + i, 1);
        }
    }
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c ? strchr(digits, c | 0x20) : NULL;
    return at && (c < 'A' || c >= 'a' || c <= 'F') ? (int)(at - digits) : -1;
}

/* One escape behind its backslash; how many bytes it takes, or 0. */
static size_t escape_read(const char *at, uint8_t *byte)
{
    static const char names[] = "ntr0\\", bytes[] = "\n\t\r\0\\";
    const char *name = at[0] ? strchr(names, at[0]) : NULL;
    if (name)
        *byte = (uint8_t)bytes[name - names];
    else if (at[0] == 'x' && hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0)
        *byte = (uint8_t)(16 * hex_digit(at[1]) + hex_digit(at[2]));
    else
        return 0;
    return name ? 1 : 3;
}

bool text_add_escaped(struct evl_buffer *text, const char *string)
{
    for (const char *p = string; *p; p++) {
        uint8_t byte = (uint8_t)*p;
        size_t taken = *p == '\\' ? escape_read(p + 1, &byte) : 0;
        if (*p == '\\' && taken == 0)
            return false;
        evl_buffer_add(text, &byte, 1);
        p += taken;
    }
    return true;
}

size_t text_width(const char *text)
{
    size_t width = 0;
    for (const char *p = text; *p; p++)
        width += ((unsigned char)*p & 0xc0) != 0x80; /* not the middle of a character */
    return width;
}

int text_write(int fd, const char *name, const struct evl_buffer *text)
{
    for (size_t done = 0; done < text->count;) {
        ssize_t count = write(fd, text->at + done, text->count - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EPIPE)
            return EXIT_STOPPED;
        if (count < 0)
            return say_system("%s", name);
        done += (size_t)count;
    }
    return 0;
}

static int64_t clock_ms(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t tool_now_ms(void) { return clock_ms(CLOCK_REALTIME); }
int64_t tool_clock_ms(void) { return clock_ms(CLOCK_MONOTONIC); }
