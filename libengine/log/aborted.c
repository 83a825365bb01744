/* aborted.c - the transaction index, a list that is read as a whole. */
#include "log/aborted.h"

#include <limits.h>
#include <stdio.h>

#include "base/endian.h"
#include "base/fault.h"
#include "io/io_file.h"

enum { ABORTED_BYTES_MAX = 64 << 20 };

static void aborted_encode(const struct aborted *a, uint8_t at[ABORTED_ENTRY])
{
    put_i16(at, 0);
    put_i64(at + 2, a->producer_id);
    put_i64(at + 10, a->first);
    put_i64(at + 18, a->last);
    put_i64(at + 26, a->stable);
}

static struct aborted aborted_decode(const uint8_t *at)
{
    return (struct aborted){ get_i64(at + 2), get_i64(at + 10), get_i64(at + 18),
                             get_i64(at + 26) };
}

enum evl_error aborted_load(struct io *io, const char *path, struct evl_buffer *list)
{
    struct evl_buffer bytes = { 0 };
    enum evl_error err = io_file_read(io, path, ABORTED_BYTES_MAX, &bytes);
    if (err == EVL_ERR_NOT_FOUND)
        return EVL_OK;
    for (size_t at = 0; !err && at + ABORTED_ENTRY <= bytes.count; at += ABORTED_ENTRY) {
        struct aborted a = aborted_decode(bytes.at + at);
        if (get_i16(bytes.at + at) != 0 || a.first < 0 || a.last < a.first)
            err = fail(EVL_ERR_CORRUPT, "%s: entry %zu is no aborted transaction", path,
                       at / ABORTED_ENTRY);
        else
            buf_add(list, &a, sizeof a);
    }
    buf_release(&bytes);
    return err;
}

/* The name of a new file. */
static enum evl_error aborted_sync_name(struct io *io, const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    return io_sync_dir(io, dir);
}

enum evl_error aborted_add(struct io *io, const char *path, const struct aborted *entry)
{
    uint8_t bytes[ABORTED_ENTRY];
    int file;
    int64_t size;
    size_t put;
    aborted_encode(entry, bytes);
    struct evl_bytes part = evl_bytes(bytes, sizeof bytes);
    enum evl_error err = io_open(io, path, IO_CREATE, &file);
    if (err)
        return err;
    err = io_size(io, file, &size);
    if (!err) /* half an entry from a dead writer is written over */
        err = io_write_all(io, file, &part, 1, size / ABORTED_ENTRY * ABORTED_ENTRY, &put);
    if (!err)
        err = io_sync(io, file);
    io_close(io, file);
    if (!err && size < ABORTED_ENTRY)
        err = aborted_sync_name(io, path);
    return err ? failed(err, "%s", path) : EVL_OK;
}

static enum evl_error aborted_write(struct io *io, const char *path, struct evl_bytes content)
{
    int file;
    size_t put;
    enum evl_error err = io_open(io, path, IO_CREATE, &file);
    if (err)
        return err;
    err = io_truncate(io, file, 0);
    if (!err)
        err = io_write_all(io, file, &content, 1, 0, &put);
    if (!err)
        err = io_sync(io, file);
    io_close(io, file);
    return err;
}

enum evl_error aborted_store(struct io *io, const char *path, const struct evl_buffer *list)
{
    struct evl_buffer bytes = { 0 };
    const struct aborted *a = (const struct aborted *)(const void *)list->at;
    for (size_t i = 0; i < list->count / sizeof *a; i++) {
        aborted_encode(&a[i], buf_room(&bytes, ABORTED_ENTRY));
        bytes.count += ABORTED_ENTRY;
    }
    enum evl_error err = aborted_write(io, path, buf_bytes(&bytes));
    buf_release(&bytes);
    return err ? failed(err, "%s", path) : EVL_OK;
}

/* How many bytes are entries of markers before `end`, in their order.  What a
 * power cut left of the last one may be anything. */
static size_t aborted_right(struct evl_bytes bytes, int64_t end)
{
    int64_t before = -1;
    size_t at = 0;
    for (; at + ABORTED_ENTRY <= bytes.count; at += ABORTED_ENTRY) {
        struct aborted a = aborted_decode(bytes.at + at);
        if (get_i16(bytes.at + at) != 0 || a.first < 0 || a.last <= a.first || a.last <= before ||
            a.last >= end)
            break;
        before = a.last;
    }
    return at;
}

static enum evl_error aborted_truncate(struct io *io, const char *path, size_t bytes)
{
    int file;
    enum evl_error err = io_open(io, path, IO_WRITE, &file);
    if (err)
        return err;
    err = io_truncate(io, file, (int64_t)bytes);
    if (!err) /* or it comes back, when the log has gone on */
        err = io_sync(io, file);
    io_close(io, file);
    return err;
}

enum evl_error aborted_cut(struct io *io, const char *path, int64_t end)
{
    struct evl_buffer bytes = { 0 };
    enum evl_error err = io_file_read(io, path, ABORTED_BYTES_MAX, &bytes);
    if (err == EVL_ERR_NOT_FOUND)
        return EVL_OK;
    size_t right = err ? 0 : aborted_right(buf_bytes(&bytes), end);
    if (!err && right < bytes.count)
        err = aborted_truncate(io, path, right);
    buf_release(&bytes);
    return err ? failed(err, "%s", path) : EVL_OK;
}
