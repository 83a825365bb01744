/* marks.c - markers into logs. */
#include "place/marks.h"

#include <limits.h>
#include <stdio.h>

#include "base/fault.h"
#include "base/memory.h"
#include "base/plant.h"
#include "log/replay.h"
#include "log/upkeep.h"
#include "record/batch.h"
#include "record/marker.h"

enum {
    LOGS_OPEN = 64, /* kept so many; the one used longest ago goes first */
    AT_ONCE = 32,   /* written before the first of them is synced: fewer than are kept */
};

struct marked_log {
    char topic[NAME_MAX + 1];
    int32_t partition;
    struct log *log; /* NULL: free */
    uint64_t used;
};

struct marks {
    struct directory *directory;
    struct marked_log at[LOGS_OPEN];
    uint64_t clock;
    struct batch_writer writer;
};

struct marks *marks_create(struct directory *d)
{
    struct marks *m = memory_take(1, sizeof *m);
    m->directory = d;
    return m;
}

static void marked_log_close(struct marked_log *l)
{
    if (l->log)
        upkeep_maybe(l->log);
    log_close(l->log);
    l->log = NULL;
    l->used = 0;
}

void marks_destroy(struct marks *m)
{
    if (!m)
        return;
    for (int i = 0; i < LOGS_OPEN; i++)
        marked_log_close(&m->at[i]);
    batch_writer_release(&m->writer);
    memory_free(m);
}

/* ---- logs ---------------------------------------------------------------- */

static struct marked_log *marks_find(struct marks *m, const char *topic, int32_t partition)
{
    struct marked_log *oldest = &m->at[0];
    for (int i = 0; i < LOGS_OPEN; i++) {
        struct marked_log *l = &m->at[i];
        if (l->log && l->partition == partition && strcmp(l->topic, topic) == 0)
            return l;
        if (l->used < oldest->used)
            oldest = l;
    }
    marked_log_close(oldest);
    snprintf(oldest->topic, sizeof oldest->topic, "%s", topic);
    oldest->partition = partition;
    return oldest;
}

static enum evl_error marks_log(struct marks *m, const char *topic, int32_t partition,
                                struct marked_log **found)
{
    struct marked_log *l = marks_find(m, topic, partition);
    enum evl_error err = EVL_OK;
    if (!l->log) {
        err = directory_refresh(m->directory);
        if (!err)
            err = directory_log(m->directory, topic, partition, NULL, &l->log);
    }
    if (err)
        return err;
    l->used = ++m->clock;
    *found = l;
    return EVL_OK;
}

/* ---- markers ------------------------------------------------------------- */

static enum evl_error mark_batch(struct marks *m, const struct mark *mark, int64_t now,
                                 struct evl_bytes *batch)
{
    struct marker marker = { mark->commit, mark->coordinator_epoch };
    struct marker_bytes room;
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    struct evl_record record = marker_write(&marker, &room);
    uint8_t *bytes;
    size_t size;
    record.timestamp = now;
    batch_begin(&m->writer);
    batch_add(&m->writer, &record);
    seal.attributes = BATCH_TRANSACTIONAL | BATCH_CONTROL;
    seal.producer_id = mark->producer_id;
    seal.producer_epoch = mark->epoch;
    enum evl_error err = batch_finish(&m->writer, &seal, &bytes, &size);
    if (!err)
        *batch = evl_bytes(bytes, size);
    return err;
}

/* Between log_enter and log_leave. */
static enum evl_error mark_entered(struct marks *m, struct log *log, const struct mark *mark,
                                   struct log_promise *promise)
{
    struct evl_bytes batch;
    struct log_place place;
    int done;
    enum evl_error err = replay_producers(log);
    if (err)
        return err;
    /* What is there already may have been left unsynced by whoever died. */
    promise->end = (int64_t)log_word(log, SHARE_WRITTEN);
    promise->cuts = log_word(log, SHARE_CUTS);
    if (!producers_want_marker(log->producers, mark->producer_id, mark->epoch))
        return EVL_OK;
    err = mark_batch(m, mark, io_wall_ms(log->o.io), &batch);
    return err ? err : log_append_entered(log, &batch, 1, false, &place, &done, promise);
}

static enum evl_error mark_write(struct marks *m, struct log *log, const struct mark *mark,
                                 struct log_promise *promise)
{
    enum evl_error err = log_enter(log);
    if (err)
        return log_failed(log, err);
    err = mark_entered(m, log, mark, promise);
    log_leave(log);
    return err ? log_failed(log, err) : EVL_OK;
}

/* A marker that is written, and not on the disk yet. */
struct written {
    struct log *log; /* NULL: the topic is gone */
    struct log_promise promise;
};

static enum evl_error marks_write(struct marks *m, const struct txn_partition *p,
                                  const struct mark *mark, struct written *written)
{
    char name[NAME_MAX + 1];
    struct marked_log *l = NULL;
    if (snprintf(name, sizeof name, "%.*s", (int)p->topic.count, (const char *)p->topic.at) >
        NAME_MAX)
        return fail(EVL_ERR_CORRUPT, "a topic's name of %zu bytes", p->topic.count);
    enum evl_error err = EVL_ERR_NOT_FOUND;
    for (int i = 0; i < 2 && err == EVL_ERR_NOT_FOUND; i++) { /* it may be another topic by now */
        if (l)
            marked_log_close(l);
        l = NULL;
        err = marks_log(m, name, p->partition, &l);
        if (err)
            break;
        err = mark_write(m, l->log, mark, &written->promise);
    }
    written->log = err ? NULL : l->log;
    return err == EVL_ERR_NOT_FOUND ? EVL_OK : err;
}

static enum evl_error marks_sync(const struct written *written)
{
    if (!written->log || planted(MARKER_UNSYNCED))
        return EVL_OK;
    enum evl_error err = log_sync(written->log, &written->promise);
    return err == EVL_ERR_NOT_FOUND ? EVL_OK : err ? log_failed(written->log, err) : EVL_OK;
}

static enum evl_error marks_put_some(struct marks *m, const struct txn_partition *partitions,
                                     size_t count, const struct mark *mark)
{
    struct written written[AT_ONCE];
    enum evl_error err = EVL_OK;
    for (size_t i = 0; i < count && !err; i++)
        err = marks_write(m, &partitions[i], mark, &written[i]);
    for (size_t i = 0; i < count && !err; i++)
        err = marks_sync(&written[i]);
    return err;
}

enum evl_error marks_put(struct marks *m, const struct txn_partition *partitions, size_t count,
                         const struct mark *mark)
{
    enum evl_error err = EVL_OK;
    for (size_t at = 0; at < count && !err; at += AT_ONCE)
        err = marks_put_some(m, partitions + at, count - at < AT_ONCE ? count - at : AT_ONCE, mark);
    return err;
}
