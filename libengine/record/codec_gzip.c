/* codec_gzip.c - gzip by zlib.
 *
 * Java's GZIPInputStream reads members that follow each other as one, and so
 * does this.  What follows the last one it ignores; here that is damage. */
#ifdef HAVE_ZLIB

#include <zlib.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "record/codec.h"

enum { GZIP_WINDOW = 15 + 16 }; /* the largest window; gzip, not zlib */

struct gzip_packer {
    z_stream z;
    int level;
};

static struct gzip_packer *packer_get(void **context, int level)
{
    struct gzip_packer *p = *context;
    if (p && p->level == level) {
        check(deflateReset(&p->z) == Z_OK);
        return p;
    }
    if (p)
        (void)deflateEnd(&p->z); /* what it held is of no interest */
    else
        *context = p = memory_take(1, sizeof *p);
    p->z = (z_stream){ 0 };
    p->level = level;
    check(deflateInit2(&p->z, level, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    return p;
}

static enum evl_error gzip_pack(void **context, int level, struct evl_bytes plain,
                                struct evl_buffer *packed)
{
    if (plain.count > INT32_MAX)
        return fail(EVL_ERR_TOO_LARGE, "%zu bytes are too many for one batch", plain.count);
    struct gzip_packer *p = packer_get(context, level);
    size_t room = deflateBound(&p->z, plain.count);
    p->z.next_in = (Bytef *)(uintptr_t)plain.at; /* zlib only reads it */
    p->z.avail_in = (uInt)plain.count;
    p->z.next_out = buf_room(packed, room);
    p->z.avail_out = (uInt)room;
    check(deflate(&p->z, Z_FINISH) == Z_STREAM_END);
    packed->count += p->z.total_out;
    return EVL_OK;
}

static void gzip_pack_release(void *context)
{
    struct gzip_packer *p = context;
    (void)deflateEnd(&p->z); /* may say that it was busy */
    memory_free(p);
}

static z_stream *unpacker_get(void **context)
{
    z_stream *z = *context;
    if (z) {
        check(inflateReset(z) == Z_OK);
        return z;
    }
    *context = z = memory_take(1, sizeof *z);
    check(inflateInit2(z, GZIP_WINDOW) == Z_OK);
    return z;
}

static enum evl_error gzip_failed(const z_stream *z, int status)
{
    if (status == Z_BUF_ERROR || status == Z_OK)
        return fail(EVL_ERR_CORRUPT, "ends before its end mark");
    return fail(EVL_ERR_CORRUPT, "%s", z->msg ? z->msg : "damaged");
}

static enum evl_error gzip_unpack(void **context, struct evl_bytes packed, size_t plain_max,
                                  struct evl_buffer *plain)
{
    if (packed.count > INT32_MAX)
        return fail(EVL_ERR_CORRUPT, "%zu bytes are too many for one batch", packed.count);
    z_stream *z = unpacker_get(context);
    z->next_in = (Bytef *)(uintptr_t)packed.at; /* zlib only reads it */
    z->avail_in = (uInt)packed.count;
    while (plain->count <= plain_max) {
        size_t room = codec_room(plain, plain_max);
        room = room < INT32_MAX ? room : INT32_MAX;
        z->next_out = plain->at + plain->count;
        z->avail_out = (uInt)room;
        int status = inflate(z, Z_NO_FLUSH);
        plain->count += room - z->avail_out;
        if (status == Z_STREAM_END && z->avail_in == 0)
            return EVL_OK;
        if (status == Z_STREAM_END)
            check(inflateReset(z) == Z_OK); /* another member */
        else if (status != Z_OK || (z->avail_in == 0 && z->avail_out > 0))
            return gzip_failed(z, status);
    }
    return codec_too_large(plain_max);
}

static void gzip_unpack_release(void *context)
{
    (void)inflateEnd(context); /* it was made by inflateInit2 */
    memory_free(context);
}

const struct codec_driver codec_gzip = {
    .level_min = 1,
    .level_max = 9,
    .level_default = 6,
    .pack = gzip_pack,
    .unpack = gzip_unpack,
    .pack_release = gzip_pack_release,
    .unpack_release = gzip_unpack_release,
};

#else
typedef int codec_gzip_is_not_built; /* C has no empty files */
#endif
