/* fuzz_message_set.c - any bytes as an old message, and as what is wrapped in one.
 *
 * The first byte chooses: the bytes are a message whose length and checksum are
 * made right; or a message set that is made right all along, and wrapped. */
#include <stdlib.h>

#include "base/crc32.h"
#include "base/endian.h"
#include "fuzz/fuzz.h"
#include "record/message_set.h"

enum { PLAIN_MAX = 1 << 20, LEAD = 12, HEAD_V1 = 26 };

static void seal(uint8_t *at, size_t size)
{
    put_i32(at + 8, (int32_t)(size - LEAD));
    put_u32(at + LEAD, crc32_ieee(0, at + 16, size - 16));
}

/* Make each message of the set right, as far as its lengths go. */
static void set_mend(uint8_t *at, size_t size)
{
    while (size >= MESSAGE_V0_LEAST) {
        uint32_t length = get_u32(at + 8) % 512 + MESSAGE_V0_LEAST;
        size_t bytes = length < size ? length : size;
        seal(at, bytes);
        at += bytes;
        size -= bytes;
    }
}

static void read_all(struct evl_bytes entry)
{
    static struct batch_reader r; /* kept, as its users do */
    struct batch batch;
    struct evl_record record;
    bool more = true;
    if (entry_check(entry, &batch) || batch.magic == BATCH_MAGIC ||
        batch_open(&r, entry, PLAIN_MAX))
        return;
    int64_t last = -1;
    while (!batch_next(&r, &record, &more) && more) {
        if (record.offset <= last || record.offset > r.batch.last_offset)
            abort();
        last = record.offset;
    }
    if (more)
        abort(); /* what was opened reads to its end */
}

static void wrapped(int8_t magic, struct evl_bytes set)
{
    static struct compressor c;
    struct evl_buffer wrapper = { 0 };
    uint8_t *at = buf_room(&wrapper, HEAD_V1 + 8);
    memset(at, 0, HEAD_V1 + 8);
    at[7] = 200; /* its offset */
    at[16] = (uint8_t)magic;
    at[17] = EVL_CODEC_SNAPPY;
    wrapper.count = (magic ? HEAD_V1 : HEAD_V1 - 8) + 8;
    size_t body = wrapper.count;
    put_i32(at + body - 8, -1);
    if (!compressor_pack(&c, EVL_CODEC_SNAPPY, 0, set, &wrapper)) {
        put_i32(wrapper.at + body - 4, (int32_t)(wrapper.count - body));
        seal(wrapper.at, wrapper.count);
        read_all(buf_bytes(&wrapper));
    }
    buf_release(&wrapper);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct evl_buffer b = { 0 };
    if (size < 1 + BATCH_PEEK)
        return 0;
    buf_add(&b, data + 1, size - 1);
    if (data[0] & 1) {
        set_mend(b.at, b.count);
        wrapped(data[0] >> 1 & 1, buf_bytes(&b));
    } else {
        seal(b.at, b.count);
        read_all(buf_bytes(&b));
    }
    buf_release(&b);
    return 0;
}
