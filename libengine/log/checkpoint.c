/* checkpoint.c - read, change, replace.
 *
 * The file is walked as text each time: it is read once per partition and
 * boot, and written once per many megabytes of records. */
#include "log/checkpoint.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "io/io_file.h"

enum { CHECKPOINT_BYTES_MAX = 256 << 20 };

/* One line of the file, without its end. */
static bool line_next(struct evl_bytes *left, struct evl_bytes *line)
{
    if (left->count == 0)
        return false;
    const uint8_t *end = memchr(left->at, '\n', left->count);
    size_t count = end ? (size_t)(end - left->at) : left->count;
    *line = evl_bytes(left->at, count);
    size_t step = end ? count + 1 : count;
    *left = evl_bytes(left->at + step, left->count - step);
    return true;
}

static bool number_parse(struct evl_bytes text, int64_t *number)
{
    char room[24];
    char *end;
    if (text.count == 0 || text.count >= sizeof room)
        return false;
    memcpy(room, text.at, text.count);
    room[text.count] = '\0';
    long long value = strtoll(room, &end, 10);
    if (*end != '\0' || value < 0)
        return false;
    *number = value;
    return true;
}

/* Whether the line is the row of this partition: "topic partition ". */
static bool row_is(struct evl_bytes line, const char *key, size_t count)
{
    return line.count > count && memcmp(line.at, key, count) == 0;
}

/* Check the two lines at the head, and step over them. */
static enum evl_error head_read(struct evl_bytes *left, const char *name)
{
    struct evl_bytes line;
    int64_t version;
    int64_t rows;
    if (!line_next(left, &line) || !number_parse(line, &version) || version != 0)
        return fail(EVL_ERR_CORRUPT, "%s: its first line is not version 0", name);
    if (!line_next(left, &line) || !number_parse(line, &rows))
        return fail(EVL_ERR_CORRUPT, "%s: its second line is not a count", name);
    return EVL_OK;
}

static enum evl_error checkpoint_load(struct io *io, const char *dir, const char *name,
                                      struct evl_buffer *text, struct evl_bytes *rows)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s/%s: name too long", dir, name);
    enum evl_error err = io_file_read(io, path, CHECKPOINT_BYTES_MAX, text);
    *rows = buf_bytes(text);
    if (err == EVL_ERR_NOT_FOUND)
        return EVL_OK;
    return err ? err : head_read(rows, name);
}

enum { KEY_BYTES = 300 }; /* a topic's name has 249 at most */

static int key_print(char key[KEY_BYTES], const char *topic, int32_t partition)
{
    return snprintf(key, KEY_BYTES, "%s %" PRId32 " ", topic, partition);
}

enum evl_error checkpoint_get(struct io *io, const char *dir, const char *name, const char *topic,
                              int32_t partition, int64_t *offset)
{
    struct evl_buffer text = { 0 };
    struct evl_bytes rows;
    struct evl_bytes line;
    char key[KEY_BYTES];
    size_t count = (size_t)key_print(key, topic, partition);
    int64_t found = -1;
    enum evl_error err = checkpoint_load(io, dir, name, &text, &rows);
    while (!err && line_next(&rows, &line)) {
        if (!row_is(line, key, count))
            continue;
        if (!number_parse(evl_bytes(line.at + count, line.count - count), &found))
            err = fail(EVL_ERR_CORRUPT, "%s: no offset in the row of %s-%" PRId32, name, topic,
                       partition);
    }
    buf_release(&text);
    if (!err)
        *offset = found;
    return err;
}

/* Copy the rows, but for those of the two keys; count them. */
static int64_t rows_keep(struct evl_bytes rows, const char *key, const char *other,
                         struct evl_buffer *body)
{
    struct evl_bytes line;
    int64_t kept = 0;
    while (line_next(&rows, &line)) {
        if (row_is(line, key, strlen(key)) || row_is(line, other, strlen(other)))
            continue;
        buf_add(body, line.at, line.count);
        buf_add_byte(body, '\n');
        kept++;
    }
    return kept;
}

/* The file, without the rows of two keys, and with one for the second of them. */
static enum evl_error checkpoint_replace(struct io *io, const char *dir, const char *name,
                                         const char *key, const char *other, int64_t offset)
{
    struct evl_buffer text = { 0 };
    struct evl_buffer body = { 0 };
    struct evl_bytes rows;
    enum evl_error err = checkpoint_load(io, dir, name, &text, &rows);
    if (!err) {
        int64_t kept = rows_keep(rows, key, other, &body);
        if (offset >= 0)
            buf_print(&body, "%s%" PRId64 "\n", other, offset);
        buf_clear(&text);
        buf_print(&text, "0\n%" PRId64 "\n", kept + (offset >= 0));
        buf_add(&text, body.at, body.count);
        err = io_file_replace(io, dir, name, buf_bytes(&text));
    }
    buf_release(&text);
    buf_release(&body);
    return err;
}

enum evl_error checkpoint_put(struct io *io, const char *dir, const char *name, const char *topic,
                              int32_t partition, int64_t offset)
{
    char key[KEY_BYTES];
    key_print(key, topic, partition);
    return checkpoint_replace(io, dir, name, key, key, offset);
}

enum evl_error checkpoint_move(struct io *io, const char *dir, const char *name, const char *from,
                               const char *to, int32_t partition)
{
    char old[KEY_BYTES];
    char new[KEY_BYTES];
    int64_t offset;
    enum evl_error err = checkpoint_get(io, dir, name, from, partition, &offset);
    if (err)
        return err;
    key_print(old, from, partition);
    key_print(new, to ? to : from, partition);
    return checkpoint_replace(io, dir, name, old, new, to ? offset : -1);
}
