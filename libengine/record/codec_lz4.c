/* codec_lz4.c - LZ4 frames, as Kafka's Java client writes and reads them. */
#ifdef HAVE_LZ4

#include <lz4frame.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "record/codec.h"

/* Kafka's level 9 is its default, and means the fast compressor. */
enum { LZ4_LEVEL_FAST = 9 };

static enum evl_error lz4_pack(void **context, int level, struct evl_bytes plain,
                               struct evl_buffer *packed)
{
    const LZ4F_preferences_t how = {
        .frameInfo = { .blockSizeID = LZ4F_max64KB, .blockMode = LZ4F_blockIndependent },
        .compressionLevel = level == LZ4_LEVEL_FAST ? 0 : level,
        .autoFlush = 1, /* the input is whole: no copy of it */
    };
    LZ4F_cctx *c = *context;
    if (!c) {
        check(!LZ4F_isError(LZ4F_createCompressionContext(&c, LZ4F_VERSION)));
        *context = c;
    }
    size_t room = LZ4F_HEADER_SIZE_MAX + LZ4F_compressBound(plain.count, &how);
    uint8_t *at = buf_room(packed, room);
    size_t head = LZ4F_compressBegin(c, at, room, &how);
    check(!LZ4F_isError(head));
    size_t body = LZ4F_compressUpdate(c, at + head, room - head, plain.at, plain.count, NULL);
    check(!LZ4F_isError(body));
    size_t tail = LZ4F_compressEnd(c, at + head + body, room - head - body, NULL);
    check(!LZ4F_isError(tail));
    packed->count += head + body + tail;
    return EVL_OK;
}

static void lz4_pack_release(void *context)
{
    (void)LZ4F_freeCompressionContext(context); /* cannot fail */
}

static LZ4F_dctx *unpacker_get(void **context)
{
    LZ4F_dctx *d = *context;
    if (d) {
        LZ4F_resetDecompressionContext(d);
        return d;
    }
    check(!LZ4F_isError(LZ4F_createDecompressionContext(&d, LZ4F_VERSION)));
    *context = d;
    return d;
}

static enum evl_error lz4_unpack(void **context, struct evl_bytes packed, size_t plain_max,
                                 struct evl_buffer *plain)
{
    LZ4F_dctx *d = unpacker_get(context);
    while (plain->count <= plain_max) {
        size_t got = codec_room(plain, plain_max);
        size_t used = packed.count;
        size_t hint = LZ4F_decompress(d, plain->at + plain->count, &got, packed.at, &used, NULL);
        if (LZ4F_isError(hint))
            return fail(EVL_ERR_CORRUPT, "%s", LZ4F_getErrorName(hint));
        plain->count += got;
        packed = evl_bytes(packed.at + used, packed.count - used);
        if (hint == 0 && packed.count > 0)
            return fail(EVL_ERR_CORRUPT, "%zu bytes behind the end of the frame", packed.count);
        if (hint == 0)
            return EVL_OK;
        if (got == 0 && used == 0)
            return fail(EVL_ERR_CORRUPT, "ends before its end mark");
    }
    return codec_too_large(plain_max);
}

static void lz4_unpack_release(void *context)
{
    (void)LZ4F_freeDecompressionContext(context); /* cannot fail */
}

const struct codec_driver codec_lz4 = {
    .level_min = 1,
    .level_max = 17,
    .level_default = LZ4_LEVEL_FAST,
    .pack = lz4_pack,
    .unpack = lz4_unpack,
    .pack_release = lz4_pack_release,
    .unpack_release = lz4_unpack_release,
};

#else
typedef int codec_lz4_is_not_built; /* C has no empty files */
#endif
