/* tail_file.h - one file that grows; what the tail*.c share. */
#ifndef CMD_TAIL_FILE_H
#define CMD_TAIL_FILE_H

#include <sys/stat.h>

#include "tail.h"
#include "watch.h"

/* Who a file is, whatever its name: inodes are used again, so its first bytes
 * are looked at, too. */
struct tail_identity {
    uint64_t device, inode;
    uint64_t fingerprint;     /* FNV-1a of its first */
    size_t fingerprint_bytes; /* bytes: all that were taken, 1 KiB at most */
};

struct tail_file {
    char *path; /* where it was found; absolute */
    struct tail_identity identity;
    int fd;                   /* -1: closed, and remembered so that it is not read again */
    int watch;                /* -1: none */
    int64_t position;         /* of the first byte that was not taken */
    struct evl_buffer unread; /* from there on */
    int64_t size, modified;   /* bytes, nanoseconds since 1970; as last seen */
    bool is_named;            /* a name that is followed leads to it */
    bool is_found;            /* it was seen beside a log, under a rotated name */
    bool is_over;             /* its last piece was handed out */
    void *mine;
};

/* Open what the path leads to; NULL and errno.  ENOTSUP: not a regular file. */
struct tail_file *file_open(const char *path);

/* A file that somebody remembered; closed. */
struct tail_file *file_remember(const char *path);
void file_release(struct tail_file *file);

bool file_is(const struct tail_file *file, const struct stat *stat);

/* Whether `opened` is this file, that was closed: it has what was read of it. */
bool file_is_same(const struct tail_file *file, const struct tail_file *opened);

/* Take the descriptor and the name of `opened`, and release that. */
void file_reopen(struct tail_file *file, struct tail_file *opened);
void file_close(struct tail_file *file);

enum file_event {
    FILE_SAME,
    FILE_GREW,
    FILE_TRUNCATED, /* said; it begins again */
    FILE_BROKEN,    /* said */
};
enum file_event file_read(struct tail_file *file);
void file_take(struct tail_file *file, size_t count);

/* One line of the state, and back: NULL if it is none. */
void file_print(const struct tail_file *file, struct evl_buffer *text);
struct tail_file *file_parse(const char *line);

/* ---- tail_rotated.c ------------------------------------------------------ */

/* Whether a file of this name is what became of a log: log.1, log-20261121,
 * log-20261121.txt of log.txt. */
bool rotated_matches(const char *log, const char *name);

/* Whether a file that was found at `path` may be what the log at `log` was. */
bool rotated_is_of(const char *log, const char *path);

/* The paths of such files beside the log. */
void rotated_list(const char *path, struct words *paths);

#endif
