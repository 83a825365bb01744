/* log_append.c - batches get their offsets, and go into the active segment. */
#include <inttypes.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/plant.h"
#include "log/aborted.h"
#include "log/log.h"
#include "log/replay.h"

/* Whether these bytes belong into a new segment. */
static bool log_is_full(const struct log *log, const struct batch *batch)
{
    const struct segment *s = &log->active;
    if (s->file < 0)
        return true;
    if (s->bytes == 0)
        return false;
    if (s->bytes + batch->size > log->o.config->segment_bytes)
        return true;
    if (batch->last_offset - s->base > INT32_MAX)
        return true;
    int64_t index_bytes = log->o.config->segment_index_bytes;
    if ((s->offsets.count + 1) * INDEX_OFFSET > index_bytes ||
        (s->times.count + 1) * INDEX_TIME > index_bytes)
        return true;
    return s->first_timestamp >= 0 && batch->max_timestamp >= 0 &&
           batch->max_timestamp - s->first_timestamp > log->o.config->segment_ms;
}

/* One call's batches, with what their heads say. */
struct append {
    const struct evl_bytes *bytes;
    struct batch heads[LOG_APPEND_MAX];
    struct log_place *places;
    bool shown;
};

static enum evl_error append_check(struct log *log, struct append *a, int i)
{
    struct log_place *place = &a->places[i];
    struct batch *head = &a->heads[i];
    enum evl_error err = batch_head(a->bytes[i], head);
    if (err)
        return err;
    check((size_t)head->size == a->bytes[i].count);
    *place = (struct log_place){ -1, EVL_NO_TIMESTAMP, false };
    if (head->size > log->o.config->max_message_bytes)
        return fail(EVL_ERR_TOO_LARGE,
                    "a batch of %" PRId32 " bytes, and max.message.bytes is %" PRId64, head->size,
                    (int64_t)log->o.config->max_message_bytes);
    if (head->producer_id < 0)
        return EVL_OK;
    err = replay_producers(log);
    return err ? err : producers_check(log->producers, head, &place->base_offset);
}

/* Give the batch its offsets, epoch and, where it is so, time. */
static void append_number(struct log *log, struct append *a, int i, int64_t offset)
{
    uint8_t *at = (uint8_t *)(uintptr_t)a->bytes[i].at; /* log_append says that it writes */
    struct batch *head = &a->heads[i];
    head->last_offset += offset - head->base_offset;
    head->base_offset = offset;
    head->leader_epoch = log->o.epoch;
    batch_place(at, offset, log->o.epoch);
    a->places[i].base_offset = offset;
    if (log->o.config->message_timestamp_type == TIMESTAMP_APPEND) {
        a->places[i].append_time = io_wall_ms(log->o.io);
        head->max_timestamp = a->places[i].append_time;
        batch_stamp(at, head->max_timestamp);
    }
}

static enum evl_error append_epoch(struct log *log, int64_t offset)
{
    if (!epochs_note(&log->epochs, log->o.epoch, offset))
        return EVL_OK;
    enum evl_error err = epochs_store(log->o.io, log->dir, &log->epochs);
    if (err)
        log->has_epochs = false; /* the file knows better */
    else
        log_changed(log);
    return err;
}

/* What a marker will abort is said in the index before it is written. */
static enum evl_error append_abort(struct log *log, const struct append *a, int i)
{
    const struct batch *head = &a->heads[i];
    struct aborted entry = { .producer_id = head->producer_id, .last = head->last_offset };
    char path[PATH_MAX];
    bool aborts;
    if (!(head->attributes & BATCH_CONTROL) || head->producer_id < 0 || planted(LATE_ABORT))
        return EVL_OK;
    enum evl_error err = producers_see_abort(log->producers, head, a->bytes[i], &aborts,
                                             &entry.first, &entry.stable);
    if (err || !aborts)
        return err;
    if (entry.stable < 0)
        entry.stable = entry.last + 1;
    err = segment_path(log->dir, log->active.base, "txnindex", path);
    return err ? err : aborted_add(log->o.io, path, &entry);
}

/* The batches [from, to) are in the log: tell everybody. */
static enum evl_error append_publish(struct log *log, struct append *a, int from, int to)
{
    enum evl_error err = EVL_OK;
    if (log->producers && log->producers_end == (int64_t)log_word(log, SHARE_WRITTEN)) {
        for (int i = from; i < to && !err; i++)
            err = producers_note(log->producers, &a->heads[i], a->bytes[i]);
        log->producers_end = log->active.end;
    }
    for (int i = from; i < to; i++)
        if (a->heads[i].attributes & BATCH_TRANSACTIONAL)
            log_set(log, SHARE_MARKED, (uint64_t)log->active.end);
    log_set(log, SHARE_BYTES, (uint64_t)log->active.bytes);
    log_set(log, SHARE_WRITTEN, (uint64_t)log->active.end);
    if (a->shown)
        log_set(log, SHARE_SHOWN, (uint64_t)log->active.end);
    return err;
}

/* A write went wrong: make the file end where the words say, or nobody may
 * append any more. */
static enum evl_error append_undo(struct log *log, enum evl_error err)
{
    struct fault told;
    fault_keep(&told);
    enum evl_error worse = EVL_OK;
    if (log->active.file >= 0)
        worse = segment_cut(&log->active, (int64_t)log_word(log, SHARE_BYTES),
                            (int64_t)log_word(log, SHARE_WRITTEN));
    if (worse || err == EVL_ERR_IO)
        log_set(log, SHARE_FAILED, 1);
    log_rest(log);
    if (log->producers)
        log->producers_end = -1;
    return fault_again(err, &told);
}

/* Append those of [from, count) that fit one segment; *to is behind the last. */
static enum evl_error append_run(struct log *log, struct append *a, int from, int count, int *to)
{
    int64_t offset = (int64_t)log_word(log, SHARE_WRITTEN);
    append_number(log, a, from, offset);
    enum evl_error err = log_is_full(log, &a->heads[from]) ? log_roll(log) : EVL_OK;
    if (!err)
        err = append_epoch(log, offset);
    int64_t room = log->o.config->segment_bytes - log->active.bytes - a->heads[from].size;
    int i = from + 1;
    for (; i < count && !a->places[i].known && a->heads[i].size <= room; i++) {
        append_number(log, a, i, a->heads[i - 1].last_offset + 1);
        room -= a->heads[i].size;
    }
    *to = i;
    if (!err)
        err = append_abort(log, a, from); /* a producer's batch goes alone */
    if (!err)
        err = segment_append(&log->active, a->bytes + from, a->heads + from, i - from,
                             (int32_t)log->o.config->index_interval_bytes);
    return err ? append_undo(log, err) : append_publish(log, a, from, i);
}

static enum evl_error append_all(struct log *log, struct append *a, int count, int *done)
{
    enum evl_error err = EVL_OK;
    while (!err && *done < count) {
        err = append_check(log, a, *done);
        if (err)
            break;
        if (a->places[*done].base_offset >= 0) {
            a->places[(*done)++].known = true;
            continue;
        }
        int last = *done + 1;
        if (a->heads[*done].producer_id < 0) /* what has no producer can go in one write */
            while (last < count && !err) {
                err = append_check(log, a, last);
                if (err || a->heads[last].producer_id >= 0)
                    break;
                last++;
            }
        enum evl_error worse = append_run(log, a, *done, last, &last);
        if (!worse)
            *done = last;
        err = worse ? worse : err;
    }
    return err;
}

enum evl_error log_append_entered(struct log *log, const struct evl_bytes *batches, int count,
                                  bool shown, struct log_place *places, int *done,
                                  struct log_promise *promise)
{
    struct append a = { .bytes = batches, .places = places, .shown = shown };
    check(count > 0 && count <= LOG_APPEND_MAX);
    *done = 0;
    enum evl_error err = append_all(log, &a, count, done);
    promise->end = (int64_t)log_word(log, SHARE_WRITTEN);
    promise->cuts = log_word(log, SHARE_CUTS);
    return err;
}

/* Under the lock: nobody comes between this look and the append. */
static enum evl_error append_expects(struct log *log, int64_t offset)
{
    int64_t next = offset < 0 ? offset : (int64_t)log_word(log, SHARE_WRITTEN);
    if (offset == next)
        return EVL_OK;
    return fail(EVL_ERR_CONFLICT,
                "the next offset is %" PRId64 ", not %" PRId64 ": nothing was written", next,
                offset);
}

enum evl_error log_append_at(struct log *log, int64_t offset, const struct evl_bytes *batches,
                             int count, bool shown, struct log_place *places, int *done,
                             struct log_promise *promise)
{
    *done = 0;
    enum evl_error err = log_enter(log);
    if (err)
        return log_failed(log, err);
    err = append_expects(log, offset);
    if (!err)
        err = log_append_entered(log, batches, count, shown, places, done, promise);
    log_leave(log);
    if (shown && *done > 0)
        share_tell(log->o.share);
    return err ? log_failed(log, err) : EVL_OK;
}

enum evl_error log_append(struct log *log, const struct evl_bytes *batches, int count, bool shown,
                          struct log_place *places, int *done, struct log_promise *promise)
{
    return log_append_at(log, -1, batches, count, shown, places, done, promise);
}
