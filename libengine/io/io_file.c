/* io_file.c - small files, read and replaced as a whole. */
#include "io/io_file.h"

#include <limits.h>
#include <stdio.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/plant.h"

static enum evl_error read_whole(struct io *io, int file, size_t max, struct evl_buffer *to)
{
    int64_t size;
    size_t got;
    enum evl_error err = io_size(io, file, &size);
    if (err)
        return err;
    if (size > (int64_t)max)
        return fail(EVL_ERR_TOO_LARGE, "%lld bytes, and %zu are the limit", (long long)size, max);
    err = io_read(io, file, buf_room(to, (size_t)size), (size_t)size, 0, &got);
    if (!err)
        to->count += got;
    return err;
}

enum evl_error io_file_read(struct io *io, const char *path, size_t max, struct evl_buffer *to)
{
    int file;
    enum evl_error err = io_open(io, path, IO_READ, &file);
    if (err)
        return err;
    err = read_whole(io, file, max, to);
    io_close(io, file);
    return err ? failed(err, "%s", path) : EVL_OK;
}

/* Drop the first `done` bytes of the parts. */
static void parts_advance(struct evl_bytes *parts, int *first, size_t done)
{
    while (done > 0) {
        struct evl_bytes *part = &parts[*first];
        size_t step = done < part->count ? done : part->count;
        *part = evl_bytes(part->at + step, part->count - step);
        done -= step;
        if (part->count == 0)
            ++*first;
    }
}

enum evl_error io_write_all(struct io *io, int file, const struct evl_bytes *parts, int count,
                            int64_t at, size_t *put)
{
    struct evl_bytes left[IO_PARTS_MAX];
    int first = 0;
    size_t total = 0;
    check(count <= IO_PARTS_MAX);
    for (int i = 0; i < count; i++) {
        left[i] = parts[i];
        total += parts[i].count;
    }
    *put = 0;
    while (*put < total) {
        size_t step = 0;
        enum evl_error err =
            io_write(io, file, left + first, count - first, at + (int64_t)*put, &step);
        *put += step;
        if (err)
            return err;
        if (planted(SHORT_WRITE))
            *put = total;
        else
            parts_advance(left, &first, step);
    }
    return EVL_OK;
}

static enum evl_error write_new(struct io *io, const char *path, struct evl_bytes content)
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
    return err ? failed(err, "%s", path) : EVL_OK;
}

enum evl_error io_file_replace(struct io *io, const char *dir, const char *name,
                               struct evl_bytes content)
{
    char path[PATH_MAX];
    char temporary[PATH_MAX];
    int a = snprintf(path, sizeof path, "%s/%s", dir, name);
    int b = snprintf(temporary, sizeof temporary, "%s/%s.tmp", dir, name);
    if (a >= PATH_MAX || b >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s/%s: name too long", dir, name);
    enum evl_error err = write_new(io, temporary, content);
    if (!err)
        err = io_rename(io, temporary, path);
    if (!err)
        err = io_sync_dir(io, dir);
    return err;
}
