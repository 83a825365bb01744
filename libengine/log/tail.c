/* tail.c - walk, judge, cut off. */
#include "log/tail.h"

#include <inttypes.h>
#include <stdio.h>

#include "io/io_file.h"

/* ---- the walk ------------------------------------------------------------ */

/* Whether a batch may begin here.  The checksum does not cover its offset: who
 * numbers without gaps accepts none. */
static bool tail_may_go_on(const struct log *log, int64_t end, int64_t offset)
{
    bool gaps = !log->o.share || !log->o.config || log->o.config->cleanup_policy & CLEANUP_COMPACT;
    return offset == end || (gaps && offset > end);
}

static enum evl_error tail_walk_on(struct log *log, struct segment *s, struct scan *scan,
                                   bool index, struct tail *tail)
{
    struct batch batch;
    struct evl_bytes bytes;
    enum evl_error err;
    for (;;) {
        err = scan_next(scan, SCAN_WHOLE, &batch, &bytes, &tail->found);
        if (err || tail->found != SCAN_BATCH)
            break;
        if (!tail_may_go_on(log, s->end, batch.base_offset)) {
            scan_back(scan, &batch);
            tail->found = SCAN_BAD;
            (void)fail(EVL_ERR_CORRUPT, "offset %" PRId64 " comes after %" PRId64,
                       batch.base_offset, s->end - 1);
            break;
        }
        int64_t position = scan->at - batch.size;
        segment_note(s, &batch, position);
        if (index)
            err = segment_index(s, &batch, position, (int32_t)log->o.config->index_interval_bytes);
        if (err)
            break;
    }
    return err;
}

enum evl_error tail_walk(struct log *log, struct segment *s, int64_t from, int64_t end, bool index,
                         struct tail *tail)
{
    struct scan scan = { 0 };
    *tail = (struct tail){ .found = SCAN_END };
    enum evl_error err = io_size(s->io, s->file, &tail->size);
    if (err)
        return err;
    s->bytes = from;
    s->end = end;
    scan_begin(&scan, s->io, s->file, from, tail->size, SCAN_STEP_WHOLE);
    err = tail_walk_on(log, s, &scan, index, tail);
    tail->position = scan.at;
    if (tail->found == SCAN_BAD)
        fault_keep(&tail->why);
    scan_release(&scan);
    return err;
}

enum evl_error tail_is_damage(const struct segment *s, const struct tail *tail)
{
    if (tail->found == SCAN_BAD)
        (void)fault_again(EVL_ERR_CORRUPT, &tail->why);
    else
        (void)fail(EVL_ERR_CORRUPT, "the file ends inside a batch");
    return failed(EVL_ERR_CORRUPT, "damaged: %020" PRId64 ".log, byte %" PRId64 ", offset %" PRId64,
                  s->base, tail->position, s->end);
}

/* ---- the cut ------------------------------------------------------------- */

static enum evl_error tail_copy(struct log *log, const struct segment *s, const struct tail *tail,
                                int to)
{
    struct evl_buffer piece = { 0 };
    enum evl_error err = EVL_OK;
    for (int64_t at = tail->position; at < tail->size && !err;) {
        size_t got;
        size_t put;
        buf_clear(&piece);
        err = io_read(s->io, s->file, buf_room(&piece, SCAN_STEP_WHOLE), SCAN_STEP_WHOLE, at, &got);
        struct evl_bytes part = evl_bytes(piece.at, got);
        if (!err && got == 0)
            break;
        if (!err)
            err = io_write_all(log->o.io, to, &part, 1, at - tail->position, &put);
        at += (int64_t)got;
    }
    buf_release(&piece);
    return err ? err : io_sync(log->o.io, to);
}

/* Keep what will be cut off, for a person to look at. */
static enum evl_error tail_save(struct log *log, const struct segment *s, const struct tail *tail)
{
    char path[PATH_MAX];
    int file;
    enum evl_error err = segment_path(log->dir, s->end, "cut", path);
    if (!err)
        err = io_open(log->o.io, path, IO_CREATE, &file);
    if (err)
        return err;
    err = io_truncate(log->o.io, file, 0);
    if (!err)
        err = tail_copy(log, s, tail, file);
    io_close(log->o.io, file);
    if (!err)
        err = io_sync_dir(log->o.io, log->dir);
    return err ? failed(err, "%s", path) : EVL_OK;
}

static void tail_tell(struct log *log, const struct segment *s, const struct tail *tail)
{
    char line[512];
    if (!log->o.say)
        return;
    snprintf(line, sizeof line,
             "%s-%" PRId32 ": the machine went down while offset %" PRId64 " was written; %" PRId64
             " bytes that nobody was promised are in %020" PRId64 ".cut",
             log->o.topic, log->o.partition, s->end, tail->size - tail->position, s->end);
    log->o.say(log->o.context, line);
}

enum evl_error tail_cut(struct log *log, struct segment *s, struct tail *tail)
{
    enum evl_error err = tail_save(log, s, tail);
    if (!err)
        err = segment_cut(s, tail->position, s->end);
    if (!err)
        tail_tell(log, s, tail);
    return err;
}
