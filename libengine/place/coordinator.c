/* coordinator.c - follow a log; change it turn by turn. */
#include "place/coordinator.h"

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "log/reader.h"
#include "log/replay.h"
#include "log/upkeep.h"
#include "place/directory.h"
#include "place/place.h"
#include "record/marker.h"

enum {
    REPLAYS_MAX = 16,          /* of a log that is compacted under our eyes */
    TAIL_BYTES_MAX = 16 << 20, /* that are not compacted yet: a replay of some 40 ms */
};

struct coordinator {
    struct log *log;
    bool owns_log;
    bool is_entered;
    struct coordinator_state state;
    struct reader reader;
    struct batch_reader records;
    struct batch_writer writer;
    int64_t applied;     /* everything before this offset */
    uint64_t generation; /* of the log's segments when the replay began */
    bool began;          /* the replay */
};

/* ---- life ---------------------------------------------------------------- */

struct coordinator *coordinator_create(struct log *log, const struct coordinator_state *state)
{
    struct coordinator *c = memory_take(1, sizeof *c);
    c->log = log;
    c->state = *state;
    return c;
}

void coordinator_destroy(struct coordinator *c)
{
    if (!c)
        return;
    check(!c->is_entered);
    reader_release(&c->reader);
    batch_reader_release(&c->records);
    batch_writer_release(&c->writer);
    if (c->owns_log)
        log_close(c->log);
    memory_free(c);
}

enum evl_error coordinator_open(struct directory *d, const char *topic, int32_t partition,
                                const struct coordinator_state *state, struct coordinator **c)
{
    struct log *log;
    enum evl_error err = directory_log(d, topic, partition, NULL, &log);
    if (err)
        return err;
    *c = coordinator_create(log, state);
    (*c)->owns_log = true;
    return EVL_OK;
}

void coordinator_close(struct coordinator *c) { coordinator_destroy(c); }

int64_t coordinator_end(const struct coordinator *c) { return c->applied; }

/* ---- applying ------------------------------------------------------------ */

static enum evl_error apply_record(struct coordinator *c, const struct batch *batch,
                                   const struct evl_record *record)
{
    struct marker marker;
    if (!record->control)
        return c->state.apply(c->state.state, record,
                              batch->attributes & BATCH_TRANSACTIONAL ? batch->producer_id : -1);
    if (!c->state.decided || !marker_read(record, &marker))
        return EVL_OK;
    return c->state.decided(c->state.state, batch->producer_id, marker.commit);
}

static enum evl_error apply_batch(struct coordinator *c, const struct batch *batch,
                                  struct evl_bytes bytes)
{
    struct evl_record record;
    bool more = false;
    enum evl_error err = batch_open(&c->records, bytes, PLAIN_BYTES_MAX);
    while (!err && !(err = batch_next(&c->records, &record, &more)) && more)
        if (record.offset >= c->applied)
            err = apply_record(c, batch, &record);
    if (!err)
        c->applied = batch->last_offset + 1;
    return err;
}

/* Whether compaction has taken something here: from in front of the batch, or
 * out of it. */
static bool batch_is_thinned(const struct coordinator *c, const struct batch *batch)
{
    return batch->base_offset > c->applied ||
           batch->count <= batch->last_offset - batch->base_offset;
}

/* Apply to `end`; *lost: what we have missed may be gone, see (3). */
static enum evl_error apply_to(struct coordinator *c, int64_t end, bool *lost)
{
    struct batch batch;
    struct evl_bytes bytes;
    bool got = true;
    enum evl_error err = EVL_OK;
    *lost = false;
    while (!(err = reader_next(&c->reader, end, &batch, &bytes, &got)) && got) {
        *lost = batch_is_thinned(c, &batch) && c->log->generation != c->generation;
        if (*lost)
            return EVL_OK;
        err = apply_batch(c, &batch, bytes);
        if (err)
            return err;
    }
    *lost = err == EVL_ERR_RANGE; /* the log starts behind us by now */
    return *lost ? EVL_OK : err;
}

/* Begin the replay, again if need be. */
static void begin_replay(struct coordinator *c)
{
    if (c->began)
        c->state.clear(c->state.state);
    c->began = true;
    c->applied = log_start(c->log);
    c->generation = c->log->generation;
    reader_begin(&c->reader, c->log, c->applied);
}

enum evl_error coordinator_look(struct coordinator *c)
{
    bool lost = false;
    enum evl_error err = EVL_OK;
    if (!log_is_live(c->log) || !c->began) /* a writer may have come since the boot */
        err = log_refresh(c->log);
    int64_t end = log_end(c->log);
    if (err || (c->began && c->applied == end))
        return err;
    if (c->began && c->applied > end && !log_is_live(c->log))
        return EVL_OK;                 /* who can see less than before knows no better */
    if (!c->began || c->applied > end) /* it was cut, or is another one */
        begin_replay(c);
    for (int i = 0; i < REPLAYS_MAX; i++) {
        err = apply_to(c, end, &lost);
        if (err || !lost)
            return err;
        err = log_refresh(c->log);
        if (err)
            return err;
        begin_replay(c);
    }
    return log_failed(c->log, fail(EVL_ERR_BUSY, "it is compacted faster than it can be read"));
}

/* ---- turns --------------------------------------------------------------- */

/* Sync what is written, and apply it; in a turn nobody adds to it. */
static enum evl_error turn_settle(struct coordinator *c)
{
    struct log_promise all = { (int64_t)log_word(c->log, SHARE_WRITTEN),
                               log_word(c->log, SHARE_CUTS) };
    enum evl_error err = log_sync(c->log, &all);
    return err ? err : coordinator_look(c);
}

enum evl_error coordinator_enter(struct coordinator *c)
{
    check(!c->is_entered);
    if (!c->log->o.writable)
        return fail(EVL_ERR_DENIED, "%s cannot be changed here", c->log->o.root);
    enum evl_error err = log_enter(c->log);
    if (err)
        return log_failed(c->log, err);
    err = turn_settle(c);
    if (err)
        log_leave(c->log);
    c->is_entered = !err;
    return err;
}

void coordinator_leave(struct coordinator *c)
{
    struct fault told; /* of who leaves because something went wrong */
    check(c->is_entered);
    c->is_entered = false;
    log_leave(c->log);
    fault_keep(&told);
    if (!log_is_failed(c->log))
        (void)replay_checkpoint(c->log, false); /* without it, a boot takes longer */
    (void)fault_again(EVL_OK, &told);
    if (c->log->uncompacted || c->log->unretained)
        upkeep_maybe(c->log);
}

/* Begin a segment long before segment.bytes: the active one is never compacted,
 * and there is no server that replays it once for all. */
static enum evl_error turn_roll(struct log *log)
{
    bool compacts = log->o.config->cleanup_policy & CLEANUP_COMPACT;
    if (!compacts || log->active.file < 0 || log->active.bytes < TAIL_BYTES_MAX)
        return EVL_OK;
    return log_roll(log);
}

enum evl_error coordinator_append(struct coordinator *c, const struct evl_record *records,
                                  size_t count, const struct batch_seal *seal)
{
    struct batch_seal plain = BATCH_SEAL_PLAIN;
    struct log_place place;
    struct log_promise promise;
    uint8_t *bytes;
    size_t size;
    int done;
    check(c->is_entered);
    if (count == 0)
        return EVL_OK;
    int64_t now = io_wall_ms(c->log->o.io);
    batch_begin(&c->writer);
    for (size_t i = 0; i < count; i++) {
        struct evl_record record = records[i];
        if (record.timestamp == EVL_NO_TIMESTAMP)
            record.timestamp = now;
        batch_add(&c->writer, &record);
    }
    enum evl_error err = batch_finish(&c->writer, seal ? seal : &plain, &bytes, &size);
    struct evl_bytes batch = evl_bytes(bytes, err ? 0 : size);
    if (!err)
        err = turn_roll(c->log);
    if (!err)
        err = log_append_entered(c->log, &batch, 1, false, &place, &done, &promise);
    return err ? log_failed(c->log, err) : turn_settle(c);
}

/* ---- whose it is --------------------------------------------------------- */

/* As Java's String.hashCode(): over UTF-16, and overflowing. */
static uint32_t hash_unit(uint32_t hash, uint32_t unit) { return 31 * hash + unit; }

static uint32_t java_string_hash(const char *text)
{
    enum { REPLACEMENT = 0xfffd }; /* what Java makes of what is not UTF-8 */
    const uint8_t *p = (const uint8_t *)text;
    const uint8_t *end = p + strlen(text);
    uint32_t hash = 0;
    while (p < end) {
        int length = utf8_length(p, end);
        uint32_t point = length ? utf8_get(p, length) : REPLACEMENT;
        p += length ? length : 1;
        if (point >= 0x10000) {
            hash = hash_unit(hash, 0xd800 + ((point - 0x10000) >> 10));
            point = 0xdc00 + (point & 0x3ff);
        }
        hash = hash_unit(hash, point);
    }
    return hash;
}

int32_t coordinator_partition(const char *key, int32_t count)
{
    check(count > 0);
    uint32_t hash = java_string_hash(key);
    if (hash > INT32_MAX)
        hash = -hash; /* of the smallest number there is no positive one: */
    return hash > INT32_MAX ? 0 : (int32_t)(hash % (uint32_t)count);
}
