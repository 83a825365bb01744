/* fuzz_index.c - any bytes in the files beside a good log.
 *
 * The log has two segments of eight batches, and a transaction of producer 7
 * that was aborted.  The input is a list of files, each a byte that says which
 * (enum beside), two of its size, and its content; bit 7 of the first byte makes
 * the checksum of a snapshot right.
 *
 * Indexes are hints: with any of them every offset is found, and records are
 * appended.  Of the others, what cannot be true is said to be damage. */
#include <stdlib.h>

#include "base/endian.h"
#include "fuzz/fuzz.h"
#include "fuzz/fuzz_log.h"

enum { BATCHES = 16, HALF = 8, RECORDS = 3, MARKER = 12, PRODUCER = 7 };

/* What lies beside; the first HINTS are hints. */
static const char *const beside[] = {
    "d/t-0/00000000000000000000.index",
    "d/t-0/00000000000000000024.index",
    "d/t-0/00000000000000000000.timeindex",
    "d/t-0/00000000000000000024.timeindex",
    "d/t-0/00000000000000000024.snapshot",
    "d/t-0/00000000000000000030.snapshot",
    "d/t-0/leader-epoch-checkpoint",
    "d/t-0/00000000000000000024.txnindex",
    "d/" CHECKPOINT_RECOVERY,
    "d/" CHECKPOINT_START,
    "d/" CHECKPOINT_CLEANER,
    "d/" CHECKPOINT_WATERMARK,
};
enum { HINTS = 4, FILES = sizeof beside / sizeof beside[0] };

/* ---- the log ------------------------------------------------------------- */

static void batch_write(struct evl_buffer *log, int number)
{
    static struct batch_writer w;
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    uint8_t *at;
    size_t size;
    bool marker = number == MARKER;
    batch_begin(&w);
    for (int i = 0; i < (marker ? 1 : RECORDS); i++) {
        struct evl_record record = EVL_RECORD_NONE;
        record.timestamp = 1000 + 10 * number + i;
        record.key = marker ? evl_bytes("\0\0\0\0", 4) : evl_text("key");
        record.value = marker ? evl_bytes("\0\0\0\0\0\0", 6) : evl_text("a value");
        batch_add(&w, &record);
    }
    if (number == MARKER || number == MARKER - 1) {
        seal.producer_id = PRODUCER;
        seal.producer_epoch = 0;
        seal.base_sequence = marker ? -1 : 0;
        seal.attributes = BATCH_TRANSACTIONAL;
    }
    if (marker)
        seal.attributes |= BATCH_CONTROL;
    check(!batch_finish(&w, &seal, &at, &size));
    batch_place(at, number * RECORDS, 0);
    buf_add(log, at, size);
}

static void log_put(struct machine *m)
{
    static struct evl_buffer halves[2];
    static bool made;
    for (int i = 0; i < BATCHES && !made; i++)
        batch_write(&halves[i / HALF], i);
    made = true;
    machine_put(m, "d/t-0/00000000000000000000.log", buf_bytes(&halves[0]));
    machine_put(m, "d/t-0/00000000000000000024.log", buf_bytes(&halves[1]));
}

/* ---- what lies beside ---------------------------------------------------- */

static void snapshot_mend(uint8_t *at, size_t size)
{
    if (size < 10)
        return;
    put_i16(at, 1);
    put_i32(at + 6, (int32_t)((size - 10) / 46));
    put_u32(at + 2, crc32c(0, at + 6, size - 6));
}

/* Put the files that the input names; true if all of them are hints. */
static bool files_put(struct machine *m, const uint8_t *data, size_t size)
{
    bool hints = true;
    while (size >= 3) {
        struct evl_buffer content = { 0 };
        int which = (data[0] & 0x7f) % (int)FILES;
        size_t count = get_u16(data + 1);
        if (count > size - 3)
            count = size - 3;
        buf_add(&content, data + 3, count);
        if (data[0] & 0x80 && content.count >= 10)
            snapshot_mend(content.at, content.count);
        machine_put(m, beside[which], buf_bytes(&content));
        buf_release(&content);
        hints = hints && which < HINTS;
        data += 3 + count;
        size -= 3 + count;
    }
    return hints;
}

/* ---- what holds ---------------------------------------------------------- */

/* Each offset leads to the batch that has it, or to the next one. */
static void find_each(struct machine *m, bool hints)
{
    int64_t end = log_end(m->log);
    int64_t start = log_start(m->log);
    check(start >= 0 && start <= end);
    check(!hints || (start == 0 && end >= BATCHES * RECORDS));
    for (int64_t offset = start; offset < end && offset < start + 2 * BATCHES * RECORDS; offset++) {
        struct reader r = { 0 };
        struct batch batch;
        struct evl_bytes bytes;
        bool got;
        reader_begin(&r, m->log, offset);
        enum evl_error err = reader_next(&r, end, &batch, &bytes, &got);
        if (hints)
            expect_ok(err);
        check(!err || err == EVL_ERR_CORRUPT);
        check(err || !got || batch.last_offset >= offset);
        check(!hints || got);
        reader_release(&r);
    }
}

static void find_times(struct machine *m)
{
    int64_t offset;
    for (int64_t ms = 990; ms < 1000 + 11 * BATCHES; ms += 5) {
        enum evl_error err = reader_find_time(m->log, ms, log_end(m->log), &offset);
        check(!err || err == EVL_ERR_CORRUPT);
        check(err || (offset >= log_start(m->log) && offset <= log_end(m->log)));
    }
}

/* Append what any producer may, and what one does that has a number. */
static void write_on(struct machine *m, bool hints)
{
    int64_t offset;
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    int64_t end = log_end(m->log);
    machine_stop(m);
    check(machine_log(m, MACHINE_WRITE)); /* another process, and no boot between */
    expect_ok(machine_append(m, &seal, &offset));
    check(offset == end);
    seal.producer_id = PRODUCER;
    seal.producer_epoch = 1;
    seal.base_sequence = 0;
    enum evl_error err = machine_append(m, &seal, &offset);
    if (hints)
        expect_ok(err);
    check(!err || err == EVL_ERR_FENCED || err == EVL_ERR_SEQUENCE);
    end = log_end(m->log);
    machine_reboot(m);
    check(machine_log(m, MACHINE_WRITE));
    check(log_end(m->log) == end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine m;
    int64_t end;
    if (size == 0)
        return 0;
    machine_open(&m);
    m.config.segment_bytes = 4096;
    m.config.cleanup_policy = CLEANUP_COMPACT;
    log_put(&m);
    bool hints = files_put(&m, data + 1, size - 1);
    machine_sync(&m);
    enum machine_access access = (enum machine_access)(data[0] % 3);
    bool is_open = machine_log(&m, access);
    check(is_open || !hints);
    if (is_open) {
        find_each(&m, hints);
        find_times(&m);
        enum evl_error err = replay_stable_end(m.log, &end);
        check(!err && end <= log_end(m.log));
        if (access == MACHINE_WRITE) {
            write_on(&m, hints);
            find_each(&m, hints);
        }
    }
    machine_close(&m);
    return 0;
}
