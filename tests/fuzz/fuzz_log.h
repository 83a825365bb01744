/* fuzz_log.h - a small machine with one partition, "d/t-0", whose files a fuzzer
 * writes, and what holds for any of them:
 *
 *   1. A batch that is served is whole, and its checksum is right.
 *   2. Offsets rise, and lie between the log's start and end.
 *   3. What cannot be read or opened is said to be damaged, and nothing worse. */
#ifndef TESTS_FUZZ_LOG_H
#define TESTS_FUZZ_LOG_H

#include <stdio.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/fault.h"
#include "io/io_file.h"
#include "io/io_sim.h"
#include "log/checkpoint.h"
#include "log/reader.h"
#include "log/replay.h"
#include "record/message_set.h"

enum { MACHINE_PLAIN_MAX = 1 << 20 };

#define MACHINE_TOPIC uuid_make(1, 2)

struct machine {
    struct sim *sim;
    struct io *io; /* the process that is at work */
    struct topic_config config;
    struct share *share;
    struct log *log;
};

/* check(), with what was wrong. */
static inline void expect_ok(enum evl_error err)
{
    if (err)
        fprintf(stderr, "%s\n", evl_fault());
    check(!err);
}

static inline void machine_put(struct machine *m, const char *path, struct evl_bytes content)
{
    int file;
    size_t put;
    check(!io_open(m->io, path, IO_CREATE, &file));
    check(!io_truncate(m->io, file, 0));
    check(content.count == 0 || !io_write_all(m->io, file, &content, 1, 0, &put));
    check(!io_sync(m->io, file));
    io_close(m->io, file);
}

static inline void machine_open(struct machine *m)
{
    *m = (struct machine){ .sim = sim_create(1) };
    config_init(&m->config);
    m->config.index_interval_bytes = 0;
    m->io = sim_process(m->sim);
    check(!io_make_dir(m->io, "d") && !io_make_dir(m->io, "d/t-0"));
    struct uuid id = MACHINE_TOPIC;
    check(!log_set_identity(m->io, "d/t-0", &id) && !log_sync_identity(m->io, "d/t-0"));
}

/* What was written so far survives. */
static inline void machine_sync(struct machine *m)
{
    check(!io_sync_dir(m->io, ".") && !io_sync_dir(m->io, "d") && !io_sync_dir(m->io, "d/t-0"));
}

static inline void machine_close(struct machine *m)
{
    log_close(m->log);
    share_close(m->share);
    sim_destroy(m->sim);
}

enum machine_access { MACHINE_WRITE, MACHINE_READ, MACHINE_FOREIGN };

/* Open the log; false if it is damaged. */
static inline bool machine_log(struct machine *m, enum machine_access access)
{
    if (access != MACHINE_FOREIGN)
        check(!share_open(m->io, "d", access == MACHINE_WRITE, &m->share));
    struct log_options o = { .io = m->io,
                             .share = m->share,
                             .root = "d",
                             .topic = "t",
                             .id = MACHINE_TOPIC,
                             .config = access == MACHINE_FOREIGN ? NULL : &m->config,
                             .writable = access == MACHINE_WRITE,
                             .patience = 1000LL * IO_MS };
    enum evl_error err = log_open(&o, &m->log);
    check(!err || err == EVL_ERR_CORRUPT);
    return !err;
}

static inline void machine_stop(struct machine *m)
{
    log_close(m->log);
    share_close(m->share);
    m->log = NULL;
    m->share = NULL;
    check(sim_exit(m->io) == 0);
    m->io = sim_process(m->sim);
}

/* The power fails, and everything that was opened is gone. */
static inline void machine_reboot(struct machine *m)
{
    sim_power_cut(m->sim);
    log_close(m->log);
    share_close(m->share);
    m->log = NULL;
    m->share = NULL;
    m->io = sim_process(m->sim);
}

static inline void machine_unpack(struct batch_reader *records, struct evl_bytes bytes)
{
    struct evl_record record;
    bool more = true;
    if (batch_open(records, bytes, MACHINE_PLAIN_MAX))
        return;
    while (!batch_next(records, &record, &more) && more)
        check(record.offset <= records->batch.last_offset);
}

/* Read from an offset on; *crc is of the batches.  OK, or why it did not come
 * to the end. */
static inline enum evl_error machine_read(struct machine *m, int64_t from, uint32_t *crc)
{
    struct reader r = { 0 };
    struct batch_reader records = { 0 };
    struct batch batch;
    struct batch again;
    struct evl_bytes bytes;
    bool got = true;
    int64_t next = from;
    int64_t end = log_end(m->log);
    enum evl_error err;
    *crc = 0;
    reader_begin(&r, m->log, from);
    while (!(err = reader_next(&r, end, &batch, &bytes, &got)) && got) {
        check(!entry_check(bytes, &again) && again.last_offset == batch.last_offset);
        check(batch.last_offset >= next);
        next = batch.last_offset + 1;
        *crc = crc32c(*crc, bytes.at, bytes.count);
        machine_unpack(&records, bytes);
    }
    check(!err || err == EVL_ERR_CORRUPT || err == EVL_ERR_RANGE);
    batch_reader_release(&records);
    reader_release(&r);
    return err;
}

/* Append one record and sync it; its offset. */
static inline enum evl_error machine_append(struct machine *m, const struct batch_seal *seal,
                                            int64_t *offset)
{
    struct batch_writer w = { 0 };
    struct evl_record record = EVL_RECORD_NONE;
    struct log_place place;
    struct log_promise promise;
    uint8_t *at;
    size_t size;
    int done;
    record.value = evl_text("one more");
    record.timestamp = 2000;
    batch_begin(&w);
    batch_add(&w, &record);
    check(!batch_finish(&w, seal, &at, &size));
    struct evl_bytes batch = evl_bytes(at, size);
    enum evl_error err = log_append(m->log, &batch, 1, false, &place, &done, &promise);
    if (!err)
        err = log_sync(m->log, &promise);
    if (!err)
        *offset = place.base_offset;
    batch_writer_release(&w);
    return err;
}

#endif
