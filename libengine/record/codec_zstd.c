/* codec_zstd.c - zstd frames.
 *
 * Unpacks straight into the caller's buffer, in one go; if that is too small,
 * again into one twice as large.  So there is no window to allocate, whatever
 * the frame asks for, and the buffer, which is kept from batch to batch, soon
 * has the right size. */
#ifdef HAVE_ZSTD

#include <zstd.h>
#include <zstd_errors.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "record/codec.h"

static enum evl_error zstd_pack(void **context, int level, struct evl_bytes plain,
                                struct evl_buffer *packed)
{
    if (!*context)
        *context = ZSTD_createCCtx();
    check(*context);
    size_t room = ZSTD_compressBound(plain.count);
    uint8_t *at = buf_room(packed, room);
    size_t count = ZSTD_compressCCtx(*context, at, room, plain.at, plain.count, level);
    check(!ZSTD_isError(count));
    packed->count += count;
    return EVL_OK;
}

static void zstd_pack_release(void *context) { (void)ZSTD_freeCCtx(context); /* cannot fail */ }

/* A first guess that rests on what is there, not on what the frame says. */
static size_t room_guess(const struct evl_buffer *plain, size_t packed_bytes, size_t plain_max)
{
    enum { ROOM_LEAST = 65536, RATIO_USUAL = 4 };
    size_t room = plain->room > ROOM_LEAST ? plain->room : ROOM_LEAST;
    if (room < RATIO_USUAL * packed_bytes)
        room = RATIO_USUAL * packed_bytes;
    return room < plain_max ? room : plain_max;
}

static enum evl_error zstd_unpack(void **context, struct evl_bytes packed, size_t plain_max,
                                  struct evl_buffer *plain)
{
    if (!*context)
        *context = ZSTD_createDCtx();
    check(*context);
    for (size_t room = room_guess(plain, packed.count, plain_max);; room *= 2) {
        if (room > plain_max)
            room = plain_max;
        uint8_t *at = buf_room(plain, room);
        size_t count = ZSTD_decompressDCtx(*context, at, room, packed.at, packed.count);
        if (!ZSTD_isError(count)) {
            plain->count = count;
            return EVL_OK;
        }
        if (ZSTD_getErrorCode(count) != ZSTD_error_dstSize_tooSmall)
            return fail(EVL_ERR_CORRUPT, "%s", ZSTD_getErrorName(count));
        if (room == plain_max)
            return codec_too_large(plain_max);
    }
}

static void zstd_unpack_release(void *context) { (void)ZSTD_freeDCtx(context); /* cannot fail */ }

const struct codec_driver codec_zstd = {
    .level_min = -131072,
    .level_max = 22,
    .level_default = 3,
    .pack = zstd_pack,
    .unpack = zstd_unpack,
    .pack_release = zstd_pack_release,
    .unpack_release = zstd_unpack_release,
};

#else
typedef int codec_zstd_is_not_built; /* C has no empty files */
#endif
