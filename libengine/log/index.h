/* index.h - a sparse index beside a segment: where to begin looking.
 *
 *   offset index, "%020d.index", 8 bytes an entry:
 *       int32 last offset of a batch, less the segment's base
 *       int32 where that batch begins in the .log
 *   time index, "%020d.timeindex", 12 bytes an entry:
 *       int64 largest timestamp in the segment so far
 *       int32 last offset of the batch that brought it, less the base
 *
 * Keys rise strictly.  Times before 1970 are not indexed: Kafka takes -1 for
 * none, and its kafka-dump-log any of them for a mismatch.
 *
 * Kafka keeps the files of its active segment filled with zeros behind the last
 * entry; ours end there.  An index is a hint: it can be rebuilt from the .log,
 * is never synced on the way of a record, and what it says is compared with the
 * batch that it points to. */
#ifndef LOG_INDEX_H
#define LOG_INDEX_H

#include "io/io.h"

enum index_kind { INDEX_OFFSET = 8, INDEX_TIME = 12 };

struct index_entry {
    int64_t key;   /* relative offset, or timestamp */
    int32_t value; /* position, or relative offset */
};

struct index {
    struct io *io;
    enum index_kind kind;
    int file;      /* -1: there is none, and it has no entries */
    int64_t count; /* of entries in use */
};

/* `create` makes a missing file; without it a missing one counts as empty. */
enum evl_error index_open(struct io *io, const char *path, enum index_kind kind, bool create,
                          struct index *ix);
void index_close(struct index *ix);

/* See what other processes have added. */
enum evl_error index_refresh(struct index *ix);

/* The last entry whose key is `key` or less.  Reads a few pages at the most. */
enum evl_error index_find(const struct index *ix, int64_t key, struct index_entry *entry,
                          bool *found);

/* Entry number n, 0 <= n < count. */
enum evl_error index_get(const struct index *ix, int64_t n, struct index_entry *entry);

/* Put an entry behind the last one; its key is larger. */
enum evl_error index_add(struct index *ix, const struct index_entry *entries, int count);
enum { INDEX_ADD_MAX = 256 };

/* Keep the first `count` entries. */
enum evl_error index_cut(struct index *ix, int64_t count);

/* Keep the entries whose value lies before `value`: after the .log was cut. */
enum evl_error index_cut_values(struct index *ix, int64_t value);

#endif
