/* evl/codec.h - how a batch is compressed: Kafka's numbers. */
#ifndef EVL_CODEC_H
#define EVL_CODEC_H

#include <stdbool.h>

enum evl_codec { EVL_CODEC_NONE, EVL_CODEC_GZIP, EVL_CODEC_SNAPPY, EVL_CODEC_LZ4, EVL_CODEC_ZSTD };

/* "none", "gzip", ...; NULL for a number that is none of them. */
const char *evl_codec_name(enum evl_codec codec);
bool evl_codec_parse(const char *name, enum evl_codec *codec);

/* Whether it was built in. */
bool evl_codec_usable(enum evl_codec codec);

#endif
