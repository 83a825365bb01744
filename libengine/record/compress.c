/* compress.c - the table of codecs, and the way to each.
 *
 * Owns names, levels and the contexts' slots; what a codec does is in its own
 * codec_*.c. */
#include "record/compress.h"

#include "base/check.h"
#include "base/fault.h"
#include "record/codec.h"

struct codec_row {
    const char *name;
    const struct codec_driver *driver; /* NULL: not built in */
};

static const struct codec_row codecs[CODEC_COUNT] = {
    [EVL_CODEC_NONE] = { "none", NULL },        [EVL_CODEC_SNAPPY] = { "snappy", &codec_snappy },
#ifdef HAVE_ZLIB
    [EVL_CODEC_GZIP] = { "gzip", &codec_gzip },
#else
    [EVL_CODEC_GZIP] = { "gzip", NULL },
#endif
#ifdef HAVE_LZ4
    [EVL_CODEC_LZ4] = { "lz4", &codec_lz4 },
#else
    [EVL_CODEC_LZ4] = { "lz4", NULL },
#endif
#ifdef HAVE_ZSTD
    [EVL_CODEC_ZSTD] = { "zstd", &codec_zstd },
#else
    [EVL_CODEC_ZSTD] = { "zstd", NULL },
#endif
};

const char *evl_codec_name(enum evl_codec codec)
{
    return (int)codec >= 0 && (int)codec < CODEC_COUNT ? codecs[codec].name : NULL;
}

bool evl_codec_parse(const char *text, enum evl_codec *codec)
{
    for (int i = 0; i < CODEC_COUNT; i++)
        if (strcmp(codecs[i].name, text) == 0) {
            *codec = (enum evl_codec)i;
            return true;
        }
    return false;
}

bool evl_codec_usable(enum evl_codec codec)
{
    return codec == EVL_CODEC_NONE || codecs[codec].driver;
}

bool codec_has_level(enum evl_codec codec, int level)
{
    const struct codec_driver *driver = codecs[codec].driver;
    return level == 0 || (driver && level >= driver->level_min && level <= driver->level_max);
}

/* The driver of a codec that a batch or a user names. */
static enum evl_error codec_find(enum evl_codec codec, const struct codec_driver **driver)
{
    if (!evl_codec_name(codec) || codec == EVL_CODEC_NONE)
        return fail(EVL_ERR_CORRUPT, "compressed with codec %d, which is not known", (int)codec);
    if (!codecs[codec].driver)
        return fail(EVL_ERR_CONFIG, "this engine was built without %s; build it where %s is there",
                    codecs[codec].name, codecs[codec].name);
    *driver = codecs[codec].driver;
    return EVL_OK;
}

enum evl_error compressor_pack(struct compressor *c, enum evl_codec codec, int level,
                               struct evl_bytes plain, struct evl_buffer *packed)
{
    const struct codec_driver *driver;
    size_t before = packed->count;
    enum evl_error err = codec_find(codec, &driver);
    if (err)
        return err;
    if (!codec_has_level(codec, level))
        return fail(EVL_ERR_CONFIG, "%s has no level %d; its levels are %d to %d",
                    evl_codec_name(codec), level, driver->level_min, driver->level_max);
    err = driver->pack(&c->context[codec], level ? level : driver->level_default, plain, packed);
    if (err)
        packed->count = before;
    return err;
}

enum evl_error decompressor_unpack(struct decompressor *d, enum evl_codec codec,
                                   struct evl_bytes packed, size_t plain_max,
                                   struct evl_buffer *plain)
{
    const struct codec_driver *driver;
    check(plain_max < SIZE_MAX / 8);
    buf_clear(plain);
    buf_room(plain, 1); /* no plain bytes are still not null */
    enum evl_error err = codec_find(codec, &driver);
    if (err)
        return err;
    if (packed.count == 0) /* no codec packs nothing into nothing */
        return fail(EVL_ERR_CORRUPT, "%s: there is nothing to unpack", evl_codec_name(codec));
    err = driver->unpack(&d->context[codec], packed, plain_max, plain);
    if (!err && plain->count > plain_max)
        err = codec_too_large(plain_max);
    if (err) {
        buf_clear(plain);
        return failed(err, "%s", evl_codec_name(codec));
    }
    return EVL_OK;
}

size_t codec_room(struct evl_buffer *plain, size_t plain_max)
{
    enum { ROOM_LEAST = 16384 };
    size_t left = plain_max + 1 - plain->count;
    buf_room(plain, left < ROOM_LEAST ? left : ROOM_LEAST);
    size_t room = plain->room - plain->count;
    return room < left ? room : left;
}

enum evl_error codec_too_large(size_t plain_max)
{
    return fail(EVL_ERR_TOO_LARGE, "holds more than the %zu bytes that are allowed", plain_max);
}

void compressor_release(struct compressor *c)
{
    for (int i = 0; i < CODEC_COUNT; i++)
        if (c->context[i])
            codecs[i].driver->pack_release(c->context[i]);
    *c = (struct compressor){ 0 };
}

void decompressor_release(struct decompressor *d)
{
    for (int i = 0; i < CODEC_COUNT; i++)
        if (d->context[i])
            codecs[i].driver->unpack_release(d->context[i]);
    *d = (struct decompressor){ 0 };
}
