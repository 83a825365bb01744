/* tail.h - bytes that are added to files, by name.
 *
 * What `tail -F` does, for several files and without losing anything that can
 * be had.  A file is known by what it is (device, inode, and its first bytes),
 * not by its name: one that is renamed is read to its end before the one that
 * has its name now; and a name may be there only later, or lead elsewhere.
 *
 * How far it has come can be saved as text and restored, by another process. */
#ifndef CMD_TAIL_H
#define CMD_TAIL_H

#include "stream.h"

struct tail;

struct tail_options {
    char *const *paths; /* borrowed */
    size_t count;
    const char *rescan; /* a pattern that more paths may match at any time; or NULL */
    bool follow;        /* wait for more at the end; else the end is the end */
    void (*forget)(void *mine);
};

int tail_open(const struct tail_options *options, struct tail **tail);
void tail_close(struct tail *tail); /* NULL does nothing */

/* Begin where tail_save was.  EXIT_DATA: it is not what that wrote. */
int tail_restore(struct tail *tail, struct evl_bytes saved);

/* How far each file was taken; text. */
void tail_save(const struct tail *tail, struct evl_buffer *saved);

/* What was read of a file and not taken yet.  Borrowed until tail_next. */
struct tail_piece {
    const char *name;
    struct evl_bytes bytes;
    bool last;   /* nothing will come behind it */
    void **mine; /* the caller's, per file, NULL at first; `forget` gives it back */
};

/* More of any file: what was left of its last piece, and what came behind.
 * Waits up to `ms`, -1 for ever.  FEED_END comes only without `follow`. */
enum feed_event tail_next(struct tail *tail, int64_t ms, struct tail_piece *piece);

/* The first `count` bytes of the piece are done with; the rest stays in it. */
void tail_take(struct tail *tail, struct tail_piece *piece, size_t count);

#endif
