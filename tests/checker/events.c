/* events.c - the form of a history's lines. */
#include "checker/events.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TIME "{\"t\":"

static bool ends_with(const struct evl_buffer *line, char c)
{
    return line->at[line->count - 1] == (uint8_t)c;
}

/* Between two of a list. */
static void separate(struct evl_buffer *line)
{
    if (!ends_with(line, '[') && !ends_with(line, '{'))
        buf_add_byte(line, ',');
}

static void begin(struct evl_buffer *line, int64_t time, int64_t process, const char *type,
                  const char *f)
{
    buf_clear(line);
    buf_print(line, TIME "%" PRId64 ",\"p\":%" PRId64 ",\"type\":\"%s\",\"f\":\"%s\"", time,
              process, type, f);
}

void event_begin(struct evl_buffer *line, int64_t time, int64_t process, const char *type,
                 const char *f)
{
    begin(line, time, process, type, f);
    buf_add_text(line, ",\"v\":[");
}

void event_begin_member(struct evl_buffer *line, int64_t time, int64_t process, const char *type,
                        const char *group)
{
    begin(line, time, process, type, "subscribe");
    buf_print(line, ",\"group\":\"%s\",\"v\":[", group);
}

void event_commit(struct evl_buffer *line, const char *key, int64_t offset)
{
    separate(line);
    buf_print(line, "[\"commit\",\"%s\",%" PRId64 "]", key, offset);
}

void event_send(struct evl_buffer *line, const char *key, int64_t offset, int64_t value)
{
    separate(line);
    buf_print(line, "[\"send\",\"%s\",[", key);
    if (offset < 0)
        buf_print(line, "null,%" PRId64 "]]", value);
    else
        buf_print(line, "%" PRId64 ",%" PRId64 "]]", offset, value);
}

void event_poll_begin(struct evl_buffer *line)
{
    separate(line);
    buf_add_text(line, "[\"poll\",{");
}

void event_poll_key(struct evl_buffer *line, const char *key)
{
    if (!ends_with(line, '{'))
        buf_add_byte(line, ']');
    separate(line);
    buf_print(line, "\"%s\":[", key);
}

void event_poll_record(struct evl_buffer *line, int64_t offset, int64_t value)
{
    separate(line);
    buf_print(line, "[%" PRId64 ",%" PRId64 "]", offset, value);
}

void event_poll_end(struct evl_buffer *line)
{
    if (!ends_with(line, '{'))
        buf_add_byte(line, ']');
    buf_add_text(line, "}]");
}

void event_key(struct evl_buffer *line, const char *key)
{
    separate(line);
    buf_print(line, "\"%s\"", key);
}

void event_rebalance(struct evl_buffer *line) { buf_add_text(line, "],\"rebalance\":["); }

void event_end(struct evl_buffer *line) { buf_add_text(line, "]}\n"); }

int64_t event_time(const char *line) { return strtoll(line + sizeof TIME - 1, NULL, 10); }

void event_number(const char *line, int64_t number, FILE *out)
{
    fprintf(out, "{\"i\":%" PRId64 ",%.*s\n", number, (int)strcspn(line + 1, "\n"), line + 1);
}
