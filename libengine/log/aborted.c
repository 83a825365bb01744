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

enum evl_error aborted_load(struct io *io, const char *path, struct evl_buffer *list)
{
    struct evl_buffer bytes = { 0 };
    enum evl_error err = io_file_read(io, path, ABORTED_BYTES_MAX, &bytes);
    if (err == EVL_ERR_NOT_FOUND)
        return EVL_OK;
    for (size_t at = 0; !err && at + ABORTED_ENTRY <= bytes.count; at += ABORTED_ENTRY) {
        const uint8_t *e = bytes.at + at;
        struct aborted a = { get_i64(e + 2), get_i64(e + 10), get_i64(e + 18), get_i64(e + 26) };
        if (get_i16(e) != 0 || a.first < 0 || a.last < a.first)
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

enum evl_error aborted_cut(struct io *io, const char *path, int64_t end)
{
    struct evl_buffer list = { 0 };
    int file;
    enum evl_error err = aborted_load(io, path, &list);
    size_t count = list.count / sizeof(struct aborted);
    size_t kept = count;
    const struct aborted *a = (const struct aborted *)(const void *)list.at;
    while (kept > 0 && a[kept - 1].last >= end)
        kept--;
    if (!err && kept < count) {
        err = io_open(io, path, IO_WRITE, &file);
        if (!err) {
            err = io_truncate(io, file, (int64_t)kept * ABORTED_ENTRY);
            io_close(io, file);
        }
    }
    buf_release(&list);
    return err ? failed(err, "%s", path) : EVL_OK;
}
