/* codec_snappy.c - Snappy as Kafka's clients have it: in a frame, or bare.
 *
 * The frame is xerial's, of Java's snappy library (big-endian):
 *
 *   OFFSET  SIZE  WHAT
 *        0     8  82 "SNAPPY" 00
 *        8     4  version, 1
 *       12     4  the oldest version that can read it, 1
 *       16     -  blocks: 4 bytes of length, and a raw block
 *
 * Frames may follow each other: a length of 82 "SNA" begins one.  Java looks at
 * the versions only to see that they are not 0; some clients write them
 * little-endian, so nobody can ask for more. */
#include "base/check.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/memory.h"
#include "record/codec.h"
#include "record/snappy.h"

enum { FRAME_HEAD = 16, FRAME_MARK = 8, BLOCK_LEAD = 4, BLOCK_BYTES = 32768 };

static const uint8_t frame_head[FRAME_HEAD] = { 0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0,
                                                0,    0,   0,   1,   0,   0,   0,   1 };

static enum evl_error snappy_frame_pack(void **context, int level, struct evl_bytes plain,
                                        struct evl_buffer *packed)
{
    (void)level; /* there is one */
    if (!*context)
        *context = memory_take(1, sizeof(struct snappy_table));
    buf_add(packed, frame_head, FRAME_HEAD);
    while (plain.count > 0) {
        size_t count = plain.count < BLOCK_BYTES ? plain.count : BLOCK_BYTES;
        uint8_t *block = buf_room(packed, BLOCK_LEAD + snappy_room(count));
        size_t bytes = snappy_pack(*context, plain.at, count, block + BLOCK_LEAD);
        put_u32(block, (uint32_t)bytes);
        packed->count += BLOCK_LEAD + bytes;
        plain = evl_bytes(plain.at + count, plain.count - count);
    }
    return EVL_OK;
}

/* One raw block: its length is believed as far as its bytes can hold that much. */
static enum evl_error block_unpack(struct evl_bytes block, size_t plain_max,
                                   struct evl_buffer *plain)
{
    size_t count;
    if (!snappy_plain_bytes(block, &count))
        return fail(EVL_ERR_CORRUPT, "a block says that it holds more than it can");
    if (count > plain_max - plain->count)
        return codec_too_large(plain_max);
    uint8_t *at = buf_room(plain, count);
    if (!snappy_unpack(block, at, count))
        return fail(EVL_ERR_CORRUPT, "a block of %zu bytes is damaged", block.count);
    plain->count += count;
    return EVL_OK;
}

static bool frame_begins(struct evl_bytes packed)
{
    return packed.count >= FRAME_HEAD && memcmp(packed.at, frame_head, FRAME_MARK) == 0;
}

static enum evl_error frame_unpack(struct evl_bytes packed, size_t plain_max,
                                   struct evl_buffer *plain)
{
    while (packed.count > 0) {
        if (frame_begins(packed)) {
            packed = evl_bytes(packed.at + FRAME_HEAD, packed.count - FRAME_HEAD);
            continue;
        }
        if (packed.count < BLOCK_LEAD || get_u32(packed.at) > packed.count - BLOCK_LEAD)
            return fail(EVL_ERR_CORRUPT, "ends within a block");
        struct evl_bytes block = evl_bytes(packed.at + BLOCK_LEAD, get_u32(packed.at));
        enum evl_error err = block_unpack(block, plain_max, plain);
        if (err)
            return err;
        packed = evl_bytes(block.at + block.count, packed.count - BLOCK_LEAD - block.count);
    }
    return EVL_OK;
}

static enum evl_error snappy_frame_unpack(void **context, struct evl_bytes packed, size_t plain_max,
                                          struct evl_buffer *plain)
{
    (void)context; /* nothing is kept */
    return frame_begins(packed) ? frame_unpack(packed, plain_max, plain)
                                : block_unpack(packed, plain_max, plain);
}

static void snappy_frame_unpack_release(void *context) { check(!context); }

const struct codec_driver codec_snappy = {
    .pack = snappy_frame_pack,
    .unpack = snappy_frame_unpack,
    .pack_release = memory_free,
    .unpack_release = snappy_frame_unpack_release,
};
