/* times.c - append, rewrite, search by halves. */
#include "log/times.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/fault.h"
#include "io/io_file.h"

#define TIMES_FILE "segments.times"

enum { ENTRY = 28, ENTRIES_AT_ONCE = 146 }; /* a page has so many */

struct times_entry {
    int64_t base;
    int64_t largest, so_far;
};

static void entry_encode(const struct times_entry *entry, uint8_t at[ENTRY])
{
    put_i64(at, entry->base);
    put_i64(at + 8, entry->largest);
    put_i64(at + 16, entry->so_far);
    put_u32(at + 24, crc32c(0, at, 24));
}

static bool entry_decode(const uint8_t at[ENTRY], struct times_entry *entry)
{
    *entry = (struct times_entry){ get_i64(at), get_i64(at + 8), get_i64(at + 16) };
    return get_u32(at + 24) == crc32c(0, at, 24);
}

static enum evl_error times_open(struct log *log, enum io_open how, int *file)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/" TIMES_FILE, log->dir) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s: name too long", log->dir);
    return io_open(log->o.io, path, how, file);
}

/* ---- finding ------------------------------------------------------------- */

/* A page of the file, or as much of it as there is. */
struct page {
    uint8_t bytes[ENTRIES_AT_ONCE * ENTRY];
    size_t first, count;
};

/* Entry i, if it is that of the i'th segment. */
static enum evl_error page_entry(struct log *log, int file, struct page *p, size_t i,
                                 struct times_entry *entry, bool *known)
{
    if (i < p->first || i >= p->first + p->count) {
        size_t got;
        p->first = i - i % ENTRIES_AT_ONCE;
        enum evl_error err =
            io_read(log->o.io, file, p->bytes, sizeof p->bytes, (int64_t)p->first * ENTRY, &got);
        if (err)
            return err;
        p->count = got / ENTRY;
    }
    *known = i < p->first + p->count && entry_decode(p->bytes + (i - p->first) * ENTRY, entry) &&
             entry->base == log->bases[i];
    return EVL_OK;
}

static enum evl_error times_search(struct log *log, int file, int64_t ms, size_t *segment,
                                   bool *known)
{
    struct page page = { .count = 0 };
    struct times_entry entry = { 0 };
    size_t low = 0;
    size_t high = log->base_count - 1;
    /* The last one has to be right: what was taken away moves all behind it. */
    enum evl_error err = page_entry(log, file, &page, high - 1, &entry, known);
    while (!err && *known && low < high) {
        size_t middle = low + (high - low) / 2;
        err = page_entry(log, file, &page, middle, &entry, known);
        if (entry.so_far >= ms)
            high = middle;
        else
            low = middle + 1;
    }
    *segment = low;
    return err;
}

enum evl_error times_find(struct log *log, int64_t ms, size_t *segment, bool *known)
{
    int file;
    *segment = 0;
    *known = log->base_count < 2;
    if (*known)
        return EVL_OK;
    enum evl_error err = times_open(log, IO_READ, &file);
    if (err) /* a hint that is missing, or that we may not read */
        return EVL_OK;
    err = times_search(log, file, ms, segment, known);
    io_close(log->o.io, file);
    return err;
}

/* ---- writing ------------------------------------------------------------- */

/* What a segment's own index says. */
static enum evl_error segment_largest(struct log *log, int64_t base, int64_t *largest)
{
    struct segment s;
    enum evl_error err = segment_open(log->o.io, log->dir, base, IO_READ, &s);
    if (err)
        return err;
    err = segment_newest(&s, largest);
    segment_close(&s);
    return err;
}

static enum evl_error times_write(struct log *log, size_t count)
{
    struct evl_buffer out = { 0 };
    struct times_entry entry = { .so_far = EVL_NO_TIMESTAMP };
    enum evl_error err = EVL_OK;
    for (size_t i = 0; i < count && !err; i++) {
        entry.base = log->bases[i];
        err = segment_largest(log, entry.base, &entry.largest);
        if (err)
            break;
        if (entry.largest > entry.so_far)
            entry.so_far = entry.largest;
        entry_encode(&entry, buf_room(&out, ENTRY));
        out.count += ENTRY;
    }
    if (!err)
        err = io_file_replace(log->o.io, log->dir, TIMES_FILE, buf_bytes(&out));
    buf_release(&out);
    return err;
}

/* Put an entry behind `count` others.  What the file had there was of a roll
 * that did not come to its end: it must not come back after a power cut. */
static enum evl_error times_put(struct log *log, int file, size_t count, int64_t size,
                                const struct times_entry *entry)
{
    uint8_t bytes[ENTRY];
    struct evl_bytes part = evl_bytes(bytes, sizeof bytes);
    size_t put;
    int64_t at = (int64_t)count * ENTRY;
    entry_encode(entry, bytes);
    if (size > at) {
        enum evl_error err = io_truncate(log->o.io, file, at);
        if (!err)
            err = io_sync(log->o.io, file);
        if (err)
            return err;
    }
    (void)io_write_all(log->o.io, file, &part, 1, at, &put); /* half an entry is none */
    return EVL_OK;
}

/* A file that cannot be made right is better not there. */
static enum evl_error times_remake(struct log *log, size_t count)
{
    char path[PATH_MAX];
    if (times_write(log, count) == EVL_OK)
        return EVL_OK;
    if (snprintf(path, sizeof path, "%s/" TIMES_FILE, log->dir) >= PATH_MAX)
        return EVL_OK;
    enum evl_error err = io_remove(log->o.io, path);
    return err == EVL_ERR_NOT_FOUND ? EVL_OK : err;
}

enum evl_error times_renew(struct log *log)
{
    return log->base_count < 2 ? EVL_OK : times_remake(log, log->base_count - 1);
}

/* The entry of the last segment before the active one; *known if the file has
 * it in its place. */
static enum evl_error times_last(struct log *log, int file, size_t count, struct times_entry *last,
                                 bool *known)
{
    uint8_t bytes[ENTRY];
    size_t got;
    last->so_far = EVL_NO_TIMESTAMP;
    *known = count == 0;
    if (*known)
        return EVL_OK;
    enum evl_error err = io_read(log->o.io, file, bytes, ENTRY, (int64_t)(count - 1) * ENTRY, &got);
    if (!err)
        *known = got == ENTRY && entry_decode(bytes, last) && last->base == log->bases[count - 1];
    return err;
}

enum evl_error times_add(struct log *log)
{
    int file;
    int64_t size;
    bool known = false;
    size_t count = log->base_count - 1; /* the active one is the last of the list */
    struct times_entry entry;
    enum evl_error err = times_open(log, IO_CREATE, &file);
    if (err)
        return err;
    err = io_size(log->o.io, file, &size);
    if (!err)
        err = times_last(log, file, count, &entry, &known);
    if (!err && known) {
        entry.base = log->active.base;
        entry.largest = log->active.max_timestamp;
        if (entry.largest > entry.so_far)
            entry.so_far = entry.largest;
        err = times_put(log, file, count, size, &entry);
    }
    io_close(log->o.io, file);
    return err || known ? err : times_remake(log, log->base_count);
}
