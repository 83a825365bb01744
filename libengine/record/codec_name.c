/* codec_name.c - evl/codec.h: codecs as the engine's callers name them. */
#include <evl/codec.h>

#include "record/compress.h"

_Static_assert((int)EVL_CODEC_NONE == (int)CODEC_NONE && (int)EVL_CODEC_ZSTD == (int)CODEC_ZSTD,
               "both are Kafka's numbers");

const char *evl_codec_name(enum evl_codec codec) { return codec_name((enum codec)codec); }

bool evl_codec_parse(const char *name, enum evl_codec *codec)
{
    enum codec found;
    if (!codec_parse(name, &found))
        return false;
    *codec = (enum evl_codec)found;
    return true;
}

bool evl_codec_usable(enum evl_codec codec) { return codec_is_built((enum codec)codec); }
