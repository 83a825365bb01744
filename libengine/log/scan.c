/* scan.c - a window that slides over the file.
 *
 * The window is read in steps that begin at a batch; a batch that is larger
 * than a step makes the window larger.  A length is believed only as far as
 * the file reaches. */
#include "log/scan.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/fault.h"
#include "record/message_set.h"

void scan_begin(struct scan *s, struct io *io, int file, int64_t from, int64_t to, size_t step)
{
    check(from >= 0);
    s->io = io;
    s->file = file;
    s->at = from;
    s->next = -1;
    s->end = to;
    s->step = step;
    s->window_at = from;
    buf_clear(&s->window);
}

void scan_back(struct scan *s, const struct batch *batch)
{
    s->at -= batch->size;
    s->next = batch->base_offset;
}

void scan_release(struct scan *s) { buf_release(&s->window); }

/* Have `count` bytes from s->at in the window, or what there is before the
 * end; *have says how many. */
static enum evl_error scan_fill(struct scan *s, size_t count, const uint8_t **bytes, size_t *have)
{
    int64_t window_end = s->window_at + (int64_t)s->window.count;
    if (s->at < s->window_at || s->at + (int64_t)count > window_end) {
        int64_t left = s->end - s->at;
        size_t want = count > s->step ? count : s->step;
        size_t got;
        if ((int64_t)want > left)
            want = left > 0 ? (size_t)left : 0;
        buf_clear(&s->window);
        enum evl_error err = io_read(s->io, s->file, buf_room(&s->window, want), want, s->at, &got);
        if (err)
            return err;
        s->window.count = got;
        s->window_at = s->at;
        window_end = s->at + (int64_t)got;
    }
    *bytes = s->window.at + (s->at - s->window_at);
    *have = (size_t)(window_end - s->at);
    if (*have > count)
        *have = count;
    return EVL_OK;
}

static enum scan_found scan_bad(enum evl_error err)
{
    (void)err; /* what is wrong is in the fault text */
    return SCAN_BAD;
}

/* Look at the whole entry of `size` bytes. */
static enum evl_error scan_whole(struct scan *s, int32_t size, struct batch *batch,
                                 struct evl_bytes *bytes, enum scan_found *found)
{
    const uint8_t *at;
    size_t have;
    enum evl_error err = scan_fill(s, (size_t)size, &at, &have);
    if (err)
        return err;
    if (have < (size_t)size) { /* the file became shorter */
        *found = SCAN_PARTIAL;
        return EVL_OK;
    }
    *bytes = evl_bytes(at, (size_t)size);
    err = entry_check(*bytes, batch);
    *found = err ? scan_bad(err) : SCAN_BATCH;
    return EVL_OK;
}

static enum evl_error scan_head(struct scan *s, int32_t size, int8_t magic, struct batch *batch,
                                struct evl_bytes *bytes, enum scan_found *found)
{
    const uint8_t *at;
    size_t have;
    if (magic < BATCH_MAGIC) /* old sets are read from foreign directories only, rarely */
        return scan_whole(s, size, batch, bytes, found);
    enum evl_error err = scan_fill(s, BATCH_HEAD, &at, &have);
    if (err)
        return err;
    *bytes = evl_bytes(NULL, 0);
    if (have < BATCH_HEAD) {
        *found = SCAN_PARTIAL;
        return EVL_OK;
    }
    err = batch_head(evl_bytes(at, have), batch);
    *found = err ? scan_bad(err) : SCAN_BATCH;
    if (!err && batch->attributes & BATCH_CONTROL)
        return scan_whole(s, size, batch, bytes, found);
    return EVL_OK;
}

/* Behind this batch, if it comes after the last one. */
static void scan_step(struct scan *s, int32_t size, const struct batch *batch,
                      enum scan_found *found)
{
    if (batch->base_offset < s->next) {
        *found = scan_bad(fail(EVL_ERR_CORRUPT, "offset %" PRId64 " comes after %" PRId64,
                               batch->base_offset, s->next - 1));
        return;
    }
    s->at += size;
    s->next = batch->last_offset + 1;
}

enum evl_error scan_next(struct scan *s, enum scan_depth depth, struct batch *batch,
                         struct evl_bytes *bytes, enum scan_found *found)
{
    const uint8_t *at;
    size_t have;
    int32_t size;
    int8_t magic;
    if (s->at >= s->end) {
        *found = SCAN_END;
        return EVL_OK;
    }
    enum evl_error err = scan_fill(s, BATCH_PEEK, &at, &have);
    if (err)
        return err;
    if (have < BATCH_PEEK) {
        *found = have == 0 ? SCAN_END : SCAN_PARTIAL;
        return EVL_OK;
    }
    if ((err = batch_peek(at, &size, &magic))) {
        *found = scan_bad(err);
        return EVL_OK;
    }
    if (s->at + size > s->end) {
        *found = SCAN_PARTIAL;
        return EVL_OK;
    }
    err = depth == SCAN_WHOLE ? scan_whole(s, size, batch, bytes, found)
                              : scan_head(s, size, magic, batch, bytes, found);
    if (!err && *found == SCAN_BATCH)
        scan_step(s, size, batch, found);
    return err;
}
