/* aborted.h - which records of a segment belong to aborted transactions.
 *
 *   "%020d.txnindex", 34 bytes an entry (big-endian), in the order of the
 *   markers; the file exists only if there are some:
 *       int16 version, 0
 *       int64 producer id
 *       int64 first offset of the transaction
 *       int64 offset of its ABORT marker
 *       int64 last stable offset when the marker was written
 *
 * An entry lies beside the segment that has the marker, and is on the disk before
 * the marker is written: a marker without its entry would make readers take what
 * was aborted for committed.  An entry without its marker only says early what
 * was decided; who cuts the log back cuts it away. */
#ifndef LOG_ABORTED_H
#define LOG_ABORTED_H

#include "base/buf.h"
#include "io/io.h"

enum { ABORTED_ENTRY = 34 };

struct aborted {
    int64_t producer_id;
    int64_t first, last;
    int64_t stable;
};

/* Add the entries of a segment's file to `list`, as struct aborted; a missing
 * file has none. */
enum evl_error aborted_load(struct io *io, const char *path, struct evl_buffer *list);

/* Put an entry behind the others, on the disk. */
enum evl_error aborted_add(struct io *io, const char *path, const struct aborted *entry);

/* Write a whole file of entries (struct aborted), and have it on the disk. */
enum evl_error aborted_store(struct io *io, const char *path, const struct evl_buffer *list);

/* Keep the entries whose marker lies before `end`, as far as they can be right. */
enum evl_error aborted_cut(struct io *io, const char *path, int64_t end);

#endif
