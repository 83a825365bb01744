/* tail_file.c - one file that grows, and may be cut back.
 *
 *     0            position             position + unread      size
 *     |--- taken ---|------ unread ------|--- not read yet -----|
 *
 * (1) The fingerprint covers the first min(position, 1 KiB) bytes, so it is of
 *     bytes that were there, and a file that only grows keeps it.
 * (2) A file that has become shorter, or begins with other bytes, was truncated
 *     and is another one from then on.  The fingerprint is looked at behind
 *     each read: what was read from a file that changed before is not used. */
#include "tail_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    FINGERPRINT_BYTES = 1024,
    BLOCK_BYTES = 256 << 10,
};

#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t fingerprint_add(uint64_t fingerprint, struct evl_bytes bytes)
{
    for (size_t i = 0; i < bytes.count; i++)
        fingerprint = (fingerprint ^ bytes.at[i]) * FNV_PRIME;
    return fingerprint;
}

/* ---- life ---------------------------------------------------------------- */

struct tail_file *file_remember(const char *path)
{
    struct tail_file *f = tool_take(1, sizeof *f);
    *f = (struct tail_file){ .path = tool_text(path), .fd = -1, .watch = -1 };
    f->identity.fingerprint = FNV_BASIS;
    return f;
}

static void file_look(struct tail_file *f, const struct stat *stat)
{
    f->size = stat->st_size;
    f->modified = stat->st_mtim.tv_sec * INT64_C(1000000000) + stat->st_mtim.tv_nsec;
}

/* O_NONBLOCK: a FIFO would wait for its writer. */
struct tail_file *file_open(const char *path)
{
    struct stat stat;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode)) {
        close(fd);
        errno = ENOTSUP;
        return NULL;
    }
    struct tail_file *f = file_remember(path);
    f->fd = fd;
    f->identity.device = stat.st_dev;
    f->identity.inode = stat.st_ino;
    file_look(f, &stat);
    return f;
}

void file_close(struct tail_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
    f->watch = -1;
    evl_buffer_release(&f->unread);
}

void file_release(struct tail_file *f)
{
    file_close(f);
    free(f->path);
    free(f);
}

void file_reopen(struct tail_file *f, struct tail_file *opened)
{
    char *path = f->path;
    f->path = opened->path;
    opened->path = path;
    f->fd = opened->fd;
    opened->fd = -1;
    f->is_over = false;
    file_release(opened);
}

/* ---- identity ------------------------------------------------------------ */

bool file_is(const struct tail_file *f, const struct stat *stat)
{
    return f->identity.device == stat->st_dev && f->identity.inode == stat->st_ino;
}

/* Whether the open file begins as this one did. */
static bool begins_as(const struct tail_identity *identity, int fd)
{
    uint8_t bytes[FINGERPRINT_BYTES];
    ssize_t count = pread(fd, bytes, identity->fingerprint_bytes, 0);
    return count == (ssize_t)identity->fingerprint_bytes &&
           fingerprint_add(FNV_BASIS, evl_bytes(bytes, (size_t)count)) == identity->fingerprint;
}

bool file_is_same(const struct tail_file *f, const struct tail_file *opened)
{
    return f->identity.device == opened->identity.device &&
           f->identity.inode == opened->identity.inode && opened->size >= f->position &&
           begins_as(&f->identity, opened->fd);
}

/* ---- reading ------------------------------------------------------------- */

static enum file_event file_truncated(struct tail_file *f)
{
    int64_t seen = f->size > f->position ? f->size : f->position;
    if (seen > f->position)
        say(SAY_WARNING,
            "%s: was truncated: bytes %" PRId64 " to %" PRId64 " are lost, and what came behind "
            "them; rotate it by renaming, and nothing is",
            f->path, f->position, seen);
    else
        say(SAY_WARNING,
            "%s: was truncated: what was written behind byte %" PRId64 " just before is lost; "
            "rotate it by renaming, and nothing is",
            f->path, f->position);
    f->position = 0;
    f->size = 0;
    f->identity.fingerprint = FNV_BASIS;
    f->identity.fingerprint_bytes = 0;
    evl_buffer_clear(&f->unread);
    return FILE_TRUNCATED;
}

/* A record that is not whole yet is looked at again when there is twice as much
 * of it: a long one would be read once per block. */
static size_t block_bytes(const struct tail_file *f)
{
    return f->unread.count > BLOCK_BYTES ? f->unread.count : BLOCK_BYTES;
}

enum file_event file_read(struct tail_file *f)
{
    struct stat stat;
    int64_t end = f->position + (int64_t)f->unread.count;
    if (fstat(f->fd, &stat) < 0) {
        (void)say_system("%s", f->path);
        return FILE_BROKEN;
    }
    if (stat.st_size < end || stat.st_size < f->size)
        return file_truncated(f);
    size_t more = (size_t)(stat.st_size - end), block = block_bytes(f);
    more = more < block ? more : block;
    ssize_t count = more ? pread(f->fd, evl_buffer_room(&f->unread, more), more, end) : 0;
    if (count < 0) {
        (void)say_system("%s", f->path);
        return FILE_BROKEN;
    }
    if (count > 0 && !begins_as(&f->identity, f->fd))
        return file_truncated(f);
    f->unread.count += (size_t)count;
    file_look(f, &stat);
    return count > 0 ? FILE_GREW : FILE_SAME;
}

void file_take(struct tail_file *f, size_t count)
{
    struct tail_identity *identity = &f->identity;
    size_t more = FINGERPRINT_BYTES - identity->fingerprint_bytes;
    more = more < count ? more : count;
    identity->fingerprint = fingerprint_add(identity->fingerprint, evl_bytes(f->unread.at, more));
    identity->fingerprint_bytes += more;
    f->position += (int64_t)count;
    evl_buffer_drop(&f->unread, count);
}

/* ---- as text ------------------------------------------------------------- */

/* The path stands at the end, and may have any bytes but that of a line's end. */
static void path_print(const char *path, struct evl_buffer *text)
{
    for (const char *c = path; *c; c++) {
        if (*c == '\n')
            text_add(text, "\\n");
        else if (*c == '\\')
            text_add(text, "\\\\");
        else
            evl_buffer_add(text, c, 1);
    }
}

void file_print(const struct tail_file *f, struct evl_buffer *text)
{
    text_print(text, "%s %" PRIu64 " %" PRIu64 " %" PRId64 " %zu %016" PRIx64 " %" PRId64 " ",
               f->is_named ? "file" : "past", f->identity.device, f->identity.inode, f->position,
               f->identity.fingerprint_bytes, f->identity.fingerprint, f->modified);
    path_print(f->path, text);
    text_add(text, "\n");
}

struct tail_file *file_parse(const char *line)
{
    struct tail_identity id;
    struct evl_buffer path = { 0 };
    struct tail_file *f = NULL;
    int64_t position, modified;
    char kind[5];
    int end = 0;
    int count = sscanf(
        line, "%4s %" SCNu64 " %" SCNu64 " %" SCNd64 " %zu %" SCNx64 " %" SCNd64 " %n", kind,
        &id.device, &id.inode, &position, &id.fingerprint_bytes, &id.fingerprint, &modified, &end);
    bool named = strcmp(kind, "file") == 0;
    if (count == 7 && end && (named || strcmp(kind, "past") == 0) && position >= 0 &&
        id.fingerprint_bytes <= FINGERPRINT_BYTES && text_add_escaped(&path, line + end)) {
        f = file_remember(text_end(&path));
        f->identity = id;
        f->position = position;
        f->modified = modified;
        f->is_named = named;
    }
    evl_buffer_release(&path);
    return f;
}
