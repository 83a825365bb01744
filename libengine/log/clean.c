/* clean.c - batch by batch: judge, copy, or build anew. */
#include "log/clean.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/fault.h"
#include "io/io_file.h"

/* ---- the output ---------------------------------------------------------- */

static enum evl_error output_index(struct log *log, int64_t base, const char *suffix,
                                   enum index_kind kind, struct index *ix)
{
    char path[PATH_MAX];
    enum evl_error err = segment_path(log->dir, base, suffix, path);
    if (!err)
        err = index_open(log->o.io, path, kind, true, ix);
    return err ? err : index_cut(ix, 0);
}

/* An empty segment, whose files are named *.cleaned. */
static enum evl_error output_open(struct clean *c, int64_t base, struct segment *s)
{
    char path[PATH_MAX];
    struct log *log = c->log;
    *s = (struct segment){ .io = log->o.io,
                           .dir = log->dir,
                           .base = base,
                           .file = -1,
                           .writable = true,
                           .has_indexes = true,
                           .end = base,
                           .first_timestamp = EVL_NO_TIMESTAMP,
                           .max_timestamp = EVL_NO_TIMESTAMP,
                           .max_offset = -1 };
    s->offsets.file = s->times.file = -1;
    s->offsets.io = s->times.io = log->o.io;
    if (c->dry)
        return EVL_OK;
    enum evl_error err = segment_path(log->dir, base, "log.cleaned", path);
    if (!err)
        err = io_open(log->o.io, path, IO_CREATE, &s->file);
    if (!err)
        err = io_truncate(log->o.io, s->file, 0);
    if (!err)
        err = output_index(log, base, "index.cleaned", INDEX_OFFSET, &s->offsets);
    if (!err)
        err = output_index(log, base, "timeindex.cleaned", INDEX_TIME, &s->times);
    return err;
}

static enum evl_error output_put(struct clean *c, struct segment *out, struct evl_bytes bytes)
{
    struct batch head;
    enum evl_error err = batch_head(bytes, &head);
    if (err)
        return err;
    if (head.base_offset < out->end)
        return fail(EVL_ERR_CORRUPT, "offset %" PRId64 " comes after %" PRId64, head.base_offset,
                    out->end - 1);
    if (out->bytes + (int64_t)bytes.count > INT32_MAX)
        return fail(EVL_ERR_TOO_LARGE, "%020" PRId64 ".log would pass 2 GiB; lower segment.bytes",
                    out->base);
    if (c->dry) {
        segment_note(out, &head, out->bytes);
        return EVL_OK;
    }
    return segment_append(out, &bytes, &head, 1, (int32_t)c->log->o.config->index_interval_bytes);
}

/* Everything on the disk, and the aborted transactions that have data here. */
static enum evl_error output_seal(struct clean *c, struct segment *out, struct cleaned *cleaned)
{
    char path[PATH_MAX];
    cleaned->bytes = out->bytes;
    cleaned->aborted = c->outcome.kept.count > 0;
    if (c->dry)
        return EVL_OK;
    enum evl_error err = segment_seal(out);
    if (!err)
        err = io_sync(out->io, out->file);
    if (!err)
        err = segment_sync_indexes(out);
    if (err || !cleaned->aborted)
        return err;
    err = segment_path(c->log->dir, out->base, "txnindex.cleaned", path);
    return err ? err : aborted_store(c->log->o.io, path, &c->outcome.kept);
}

static void output_close(struct segment *out) { segment_close(out); /* closing -1 does nothing */ }

/* ---- judging ------------------------------------------------------------- */

/* What is to become of a batch. */
struct verdict {
    int32_t stay;    /* how many of its records */
    bool tombstones; /* there are some among these */
    bool strange;    /* it has a record that cannot be written anew */
    bool worthless;  /* see outcome.h */
};

static bool horizon_is_set(const struct batch *b) { return b->attributes & BATCH_DELETE_HORIZON; }

static bool horizon_has_passed(const struct clean *c, const struct batch *b)
{
    return horizon_is_set(b) && b->base_timestamp <= c->now_ms;
}

static bool record_stays(const struct clean *c, const struct batch *b, bool worthless,
                         const struct evl_record *record)
{
    if (record->control)
        return !(worthless && horizon_has_passed(c, b));
    if (worthless)
        return false;
    if (record->offset >= c->map_end)
        return true;
    if (!record->key.at || keymap_get(c->map, record->key) > record->offset)
        return false;
    return record->value.at || !horizon_has_passed(c, b);
}

static enum evl_error batch_judge(struct clean *c, struct evl_bytes bytes, struct verdict *v)
{
    struct evl_record record;
    bool more = false;
    enum evl_error err = batch_open(&c->reader, bytes, CLEAN_PLAIN_MAX);
    while (!err && !(err = batch_next(&c->reader, &record, &more)) && more) {
        v->strange = v->strange || record.timestamp == EVL_NO_TIMESTAMP;
        if (!record_stays(c, &c->reader.batch, v->worthless, &record))
            continue;
        v->stay++;
        v->tombstones = v->tombstones || (!record.control && !record.value.at);
    }
    return err;
}

/* The horizon that a batch gets now; EVL_NO_TIMESTAMP: none. */
static int64_t horizon_new(const struct clean *c, const struct batch *b, const struct verdict *v)
{
    int64_t wait = c->log->o.config->delete_retention_ms;
    bool control = b->attributes & BATCH_CONTROL;
    bool wanted = control ? v->worthless : v->tombstones;
    if (horizon_is_set(b) || !wanted || b->last_offset >= c->map_end)
        return EVL_NO_TIMESTAMP;
    return wait > INT64_MAX - c->now_ms ? INT64_MAX : c->now_ms + wait;
}

/* ---- building ------------------------------------------------------------ */

/* How the records of a batch are compressed when they are written anew. */
static void seal_codec(const struct topic_config *config, const struct batch *b,
                       struct batch_seal *seal)
{
    int codec = b->attributes & BATCH_CODEC;
    switch ((enum config_compression)config->compression_type) {
    case COMPRESSION_UNCOMPRESSED: codec = EVL_CODEC_NONE; break;
    case COMPRESSION_ZSTD:
        codec = EVL_CODEC_ZSTD;
        seal->level = (int)config->compression_zstd_level;
        break;
    case COMPRESSION_LZ4:
        codec = EVL_CODEC_LZ4;
        seal->level = (int)config->compression_lz4_level;
        break;
    case COMPRESSION_SNAPPY: codec = EVL_CODEC_SNAPPY; break;
    case COMPRESSION_GZIP:
        codec = EVL_CODEC_GZIP;
        seal->level = config->compression_gzip_level > 0 ? (int)config->compression_gzip_level : 0;
        break;
    case COMPRESSION_PRODUCER: break;
    }
    seal->attributes = (int16_t)((b->attributes & ~(BATCH_CODEC | BATCH_DELETE_HORIZON)) | codec);
}

static struct batch_seal batch_resealed(const struct clean *c, const struct batch *b)
{
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    seal_codec(c->log->o.config, b, &seal);
    seal.leader_epoch = b->leader_epoch;
    seal.producer_id = b->producer_id;
    seal.producer_epoch = b->producer_epoch;
    seal.base_sequence = b->base_sequence;
    seal.last_offset = b->last_offset;
    return seal;
}

/* The records that stay, in a batch of the same offsets. */
static enum evl_error batch_rebuild(struct clean *c, const struct batch *b, struct evl_bytes bytes,
                                    const struct verdict *v, int64_t horizon, struct segment *out)
{
    struct evl_record record;
    bool more = false;
    uint8_t *at;
    size_t size;
    struct batch_seal seal = batch_resealed(c, b);
    if (v->stay == 0)
        horizon = EVL_NO_TIMESTAMP;
    else if (horizon_is_set(b))
        horizon = b->base_timestamp;
    if (v->stay == 0 || b->attributes & BATCH_APPEND_TIME)
        seal.max_timestamp = b->max_timestamp;
    batch_begin_at(&c->writer, b->base_offset, horizon);
    enum evl_error err = batch_open(&c->reader, bytes, CLEAN_PLAIN_MAX);
    while (!err && !(err = batch_next(&c->reader, &record, &more)) && more)
        if (record_stays(c, &c->reader.batch, v->worthless, &record))
            batch_add_at(&c->writer, &record);
    if (!err)
        err = batch_finish(&c->writer, &seal, &at, &size);
    return err ? err : output_put(c, out, evl_bytes(at, size));
}

static enum evl_error batch_clean(struct clean *c, const struct batch *b, struct evl_bytes bytes,
                                  struct segment *out, bool *changed)
{
    struct verdict v = { 0 };
    if (b->magic < BATCH_MAGIC) /* of a time before compaction kept offsets */
        return output_put(c, out, bytes);
    enum evl_error err = outcome_see(&c->outcome, b, bytes, &v.worthless);
    if (!err)
        err = batch_judge(c, bytes, &v);
    if (err)
        return err;
    c->records_before += b->count;
    c->records_after += v.strange ? b->count : v.stay;
    int64_t horizon = horizon_new(c, b, &v);
    bool whole = v.stay == b->count && horizon == EVL_NO_TIMESTAMP;
    bool holds = producers_hold(c->log->producers, b);
    if (v.strange || (whole && (b->count > 0 || holds)))
        return output_put(c, out, bytes);
    *changed = true;
    if (v.stay == 0 && !holds)
        return EVL_OK;
    return batch_rebuild(c, b, bytes, &v, horizon, out);
}

/* ---- segment by segment -------------------------------------------------- */

static enum evl_error source_walk(struct clean *c, int file, int64_t size, struct segment *out,
                                  bool *changed)
{
    struct batch batch;
    struct evl_bytes bytes;
    enum scan_found found;
    scan_begin(&c->scan, c->log->o.io, file, 0, size, SCAN_STEP_WHOLE);
    for (;;) {
        enum evl_error err = scan_next(&c->scan, SCAN_WHOLE, &batch, &bytes, &found);
        if (!err && found == SCAN_END)
            return EVL_OK;
        if (!err && found == SCAN_PARTIAL)
            err = fail(EVL_ERR_CORRUPT, "the file ends inside a batch");
        if (!err && found == SCAN_BAD)
            err = EVL_ERR_CORRUPT;
        if (!err)
            err = batch_clean(c, &batch, bytes, out, changed);
        if (err)
            return failed(err, "byte %" PRId64, c->scan.at);
    }
}

static enum evl_error source_clean(struct clean *c, int64_t base, struct segment *out,
                                   bool *changed)
{
    struct segment s;
    int64_t size;
    enum evl_error err = segment_open(c->log->o.io, c->log->dir, base, IO_READ, &s);
    if (err)
        return err;
    err = io_size(s.io, s.file, &size);
    if (!err)
        err = source_walk(c, s.file, size, out, changed);
    segment_close(&s);
    return err ? failed(err, "%020" PRId64 ".log", base) : EVL_OK;
}

enum evl_error clean_group(struct clean *c, size_t from, size_t to, struct cleaned *cleaned)
{
    struct segment out;
    *cleaned = (struct cleaned){ .changed = to - from > 1 };
    buf_clear(&c->outcome.kept);
    enum evl_error err = output_open(c, c->log->bases[from], &out);
    for (size_t i = from; i < to && !err; i++)
        err = source_clean(c, c->log->bases[i], &out, &cleaned->changed);
    if (!err)
        err = output_seal(c, &out, cleaned);
    output_close(&out);
    return err;
}

void clean_release(struct clean *c)
{
    outcome_release(&c->outcome);
    batch_reader_release(&c->reader);
    batch_writer_release(&c->writer);
    scan_release(&c->scan);
}
