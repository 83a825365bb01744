/* log_kit.c - see log_kit.h. */
#include "log_kit.h"

#include <inttypes.h>
#include <stdio.h>

#include "log/reader.h"

void kit_open(struct kit *k, uint64_t seed)
{
    *k = (struct kit){ .sim = sim_create(seed), .id = uuid_make(1, 2) };
    config_init(&k->config);
    k->config.index_interval_bytes = 200;
    struct io *io = sim_process(k->sim);
    EXPECT(io_make_dir(io, "d") == EVL_OK);
    EXPECT(io_make_dir(io, "d/t-0") == EVL_OK);
    EXPECT(log_set_identity(io, "d/t-0", &k->id) == EVL_OK);
    EXPECT(log_sync_identity(io, "d/t-0") == EVL_OK);
    EXPECT(io_sync_dir(io, ".") == EVL_OK);
    EXPECT(io_sync_dir(io, "d") == EVL_OK);
    EXPECT(sim_exit(io) == 0);
}

void kit_close(struct kit *k) { sim_destroy(k->sim); }

enum evl_error kit_join_on(struct kit *k, struct kit_user *u, struct io *io, bool writable)
{
    *u = (struct kit_user){ .io = io };
    enum evl_error err = share_open(io, "d", writable, &u->share);
    if (err)
        return err;
    struct log_options o = { .io = io,
                             .share = u->share,
                             .root = "d",
                             .topic = "t",
                             .id = k->id,
                             .config = &k->config,
                             .writable = writable,
                             .patience = 1000LL * IO_MS };
    err = log_open(&o, &u->log);
    if (err)
        share_close(u->share);
    return err;
}

enum evl_error kit_join(struct kit *k, struct kit_user *u, bool writable)
{
    return kit_join_on(k, u, sim_process(k->sim), writable);
}

void kit_leave_door(struct kit_user *u)
{
    log_close(u->log);
    share_close(u->share);
    batch_writer_release(&u->writer);
}

void kit_leave(struct kit_user *u)
{
    kit_leave_door(u);
    EXPECT(sim_exit(u->io) == 0);
}

/* ---- writing ------------------------------------------------------------- */

static void record_make(struct evl_record *record, char key[16], char value[16], int k, int v)
{
    int key_bytes = snprintf(key, 16, "key%d", k);
    *record = EVL_RECORD_NONE;
    record->key = evl_bytes(key, (size_t)key_bytes);
    if (v != KIT_TOMBSTONE)
        record->value = evl_bytes(value, (size_t)snprintf(value, 16, "%d", v));
}

enum evl_error kit_put(struct kit_user *u, struct kit_model *m, int key, int value, int count,
                       int64_t ms)
{
    uint8_t *bytes;
    size_t size;
    struct log_place place;
    struct log_promise promise;
    int done;
    int first = m->count;
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    batch_begin(&u->writer);
    for (int i = 0; i < count && m->count < KIT_RECORDS; i++) {
        char k[16];
        char v[16];
        struct evl_record record;
        m->key[m->count] = (key + i) % KIT_KEYS;
        m->value[m->count] = value == KIT_TOMBSTONE ? value : value + i;
        record_make(&record, k, v, m->key[m->count], m->value[m->count]);
        record.timestamp = ms;
        batch_add(&u->writer, &record);
        m->count++;
    }
    enum evl_error err = batch_finish(&u->writer, &seal, &bytes, &size);
    struct evl_bytes batch = evl_bytes(bytes, size);
    if (!err)
        err = log_append(u->log, &batch, 1, false, &place, &done, &promise);
    if (!err)
        EXPECT(place.base_offset == first);
    return err ? err : log_sync(u->log, &promise);
}

/* ---- reading ------------------------------------------------------------- */

static void view_take(struct kit_view *v, const struct kit_model *m, const struct evl_record *r)
{
    char key[16];
    char value[16];
    struct evl_record want;
    EXPECT(r->offset >= v->end && r->offset < m->count);
    if (r->offset >= m->count)
        return;
    record_make(&want, key, value, m->key[r->offset], m->value[r->offset]);
    EXPECT(evl_bytes_equal(r->key, want.key) && evl_bytes_equal(r->value, want.value));
    v->newest[m->key[r->offset]] = r->offset;
    v->count++;
    v->tombstones += !r->value.at;
    v->end = r->offset + 1;
}

struct kit_view kit_read(struct kit_user *u, const struct kit_model *m)
{
    struct reader r = { .step = 256 }; /* in the middle of a file most of the time */
    struct batch_reader records = { 0 };
    struct batch batch;
    struct evl_bytes bytes;
    bool got = false;
    struct kit_view v = { 0 };
    enum evl_error err;
    for (int i = 0; i < KIT_KEYS; i++)
        v.newest[i] = -1;
    reader_begin(&r, u->log, log_start(u->log));
    while (!(err = reader_next(&r, log_end(u->log), &batch, &bytes, &got)) && got) {
        struct evl_record record;
        bool more;
        int64_t start = log_start(u->log);
        err = batch_open(&records, bytes, 1 << 20);
        while (!err && !(err = batch_next(&records, &record, &more)) && more)
            if (!record.control && record.offset >= start)
                view_take(&v, m, &record);
        EXPECT(err == EVL_OK);
    }
    v.end = err ? -1 : log_end(u->log);
    batch_reader_release(&records);
    reader_release(&r);
    return v;
}

bool kit_is_latest(const struct kit_view *v, const struct kit_model *m, int count)
{
    int64_t newest[KIT_KEYS];
    for (int i = 0; i < KIT_KEYS; i++)
        newest[i] = -1;
    for (int i = 0; i < count; i++)
        newest[m->key[i]] = i;
    for (int i = 0; i < KIT_KEYS; i++) {
        bool gone = v->newest[i] < 0 && (newest[i] < 0 || m->value[newest[i]] == KIT_TOMBSTONE);
        if (v->newest[i] != newest[i] && !gone) {
            printf("# key%d: newest is %" PRId64 ", not %" PRId64 "\n", i, v->newest[i], newest[i]);
            return false;
        }
    }
    return true;
}
