/* fuzz_segment.c - any bytes as the one .log of a partition.
 *
 *   byte 0   bits 0, 1: the log is opened by a writer, by one who may only
 *            read, or in a foreign directory
 *            bit 2: its batches are made right all along, as far as they go
 *            bit 3: a recovery point is on the disk; byte 1 says which
 *   byte 1   the recovery point
 *   then     the file
 *
 * What a writer has recovered is all there, takes records, and is the same
 * after the next boot. */
#include <stdlib.h>

#include "base/endian.h"
#include "fuzz/fuzz.h"
#include "fuzz/fuzz_log.h"

enum { OPTIONS = 2, MADE_RIGHT = 4, HAS_POINT = 8 };

/* Make each batch right, as long as its length says, and its offsets rise. */
static void batches_mend(uint8_t *at, size_t size)
{
    int64_t offset = 0;
    while (size >= BATCH_HEAD) {
        size_t length = get_u32(at + 8) % 1024 + BATCH_HEAD;
        if (length > size)
            length = size;
        int32_t delta = (int32_t)(get_u32(at + 23) & INT32_MAX);
        put_i64(at, offset);
        put_i32(at + 8, (int32_t)(length - BATCH_LEAD));
        at[16] = BATCH_MAGIC;
        put_i32(at + 23, delta);
        put_u32(at + 17, crc32c(0, at + 21, length - 21));
        offset += (int64_t)delta + 1;
        at += length;
        size -= length;
    }
}

static void point_put(struct machine *m, int point)
{
    char text[64];
    int n = snprintf(text, sizeof text, "0\n1\nt 0 %d\n", point);
    machine_put(m, "d/" CHECKPOINT_RECOVERY, evl_bytes(text, (size_t)n));
}

/* What is read from the start; below a recovery point there may be damage that
 * recovery did not look for. */
static uint32_t read_whole(struct machine *m, bool pointed)
{
    uint32_t crc;
    enum evl_error err = machine_read(m, log_start(m->log), &crc);
    if (err != EVL_ERR_CORRUPT || !pointed)
        expect_ok(err);
    return crc;
}

static void write_on(struct machine *m, bool pointed)
{
    uint32_t crc = read_whole(m, pointed);
    int64_t end = log_end(m->log);
    int64_t offset;
    machine_reboot(m);
    check(machine_log(m, MACHINE_WRITE));
    check(log_end(m->log) == end && read_whole(m, pointed) == crc);
    enum evl_error err = machine_append(m, &BATCH_SEAL_PLAIN, &offset);
    if (err && replay_stable_end(m->log, &offset) == err)
        return; /* a marker whose checksum is right, and which is none */
    expect_ok(err);
    check(offset == end && log_end(m->log) == end + 1);
    expect_ok(machine_read(m, end, &crc));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine m;
    struct evl_buffer file = { 0 };
    uint32_t crc;
    int64_t end;
    if (size < OPTIONS)
        return 0;
    buf_add(&file, data + OPTIONS, size - OPTIONS);
    if (data[0] & MADE_RIGHT)
        batches_mend(file.at, file.count);
    machine_open(&m);
    m.config.cleanup_policy = CLEANUP_COMPACT; /* gaps are no damage */
    machine_put(&m, "d/t-0/00000000000000000000.log", buf_bytes(&file));
    if (data[0] & HAS_POINT)
        point_put(&m, data[1]);
    machine_sync(&m);
    enum machine_access access = (enum machine_access)((data[0] & 3) % 3);
    if (machine_log(&m, access)) {
        if (access == MACHINE_WRITE)
            write_on(&m, data[0] & HAS_POINT);
        else
            (void)machine_read(&m, log_start(m.log), &crc); /* it checks what it sees */
        (void)replay_stable_end(m.log, &end);
    }
    machine_close(&m);
    buf_release(&file);
    return 0;
}
