/* reader.h - the batches of a log from an offset on.
 *
 * Takes no lock and maps nothing.  It carries the next offset, drops what is
 * below it, and looks at the list of segments again when a file is gone or the
 * log's generation has changed. */
#ifndef LOG_READER_H
#define LOG_READER_H

#include "log/log.h"

struct reader {
    struct log *log;
    int64_t next; /* the offset that is wanted next */
    bool is_open;
    struct segment segment;
    struct scan scan;
    uint64_t generation; /* of the log when the segment was found */
    size_t step;
};

/* Begin at an offset.  A reader is zeroed before its first begin, and may begin
 * again elsewhere. */
void reader_begin(struct reader *r, struct log *log, int64_t offset);

/* The next batch that has records at or behind the offset wanted, and begins
 * before `limit`: its head and bytes, checksum seen to be right, borrowed until
 * the next call.  *got is false if there is none.  RANGE: the log starts behind
 * the offset.  CORRUPT: damage, with file, position and offset. */
enum evl_error reader_next(struct reader *r, int64_t limit, struct batch *batch,
                           struct evl_bytes *bytes, bool *got);

/* Close its file until it is used again. */
void reader_rest(struct reader *r);

void reader_release(struct reader *r);

/* The offset of the first record with a timestamp of `ms` or later, before
 * `limit`; `limit` if there is none. */
enum evl_error reader_find_time(struct log *log, int64_t ms, int64_t limit, int64_t *offset);

#endif
