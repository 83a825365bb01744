/* compress.h - the four codecs of batches and old message sets.
 *
 *   CODEC   LEVELS          BYTES
 *   gzip    1..9            RFC 1952, one member; several are read
 *   snappy  none            xerial's framing, as Java writes it; one raw block
 *                           without a frame, as librdkafka writes it, is read too
 *   lz4     1..17           an LZ4 frame: independent blocks of 64 KiB, no checksums;
 *                           9 is Kafka's name for the fast default
 *   zstd    -131072..22     a zstd frame
 *
 * A codec that was not there when the engine was built is known by name, and
 * refused with CONFIG when it is used. */
#ifndef RECORD_COMPRESS_H
#define RECORD_COMPRESS_H

#include <evl/bytes.h>
#include <evl/codec.h>
#include <evl/error.h>

#include "base/buf.h"

/* An enum evl_codec is the number in a batch's attributes. */
enum { CODEC_COUNT = EVL_CODEC_ZSTD + 1 };

/* Whether the codec has such a level; 0, its default, is one always. */
bool codec_has_level(enum evl_codec codec, int level);

/* What the codecs' libraries need, made at first use and kept: it is dear.
 * Zeroed to begin with; one per thread, or per object that one thread uses. */
struct compressor {
    void *context[CODEC_COUNT];
};
struct decompressor {
    void *context[CODEC_COUNT];
};

/* Add the compressed bytes to *packed.  CONFIG if the codec was not built in,
 * or has no such level.  *packed is unchanged on failure. */
enum evl_error compressor_pack(struct compressor *c, enum evl_codec codec, int level,
                               struct evl_bytes plain, struct evl_buffer *packed);

/* Put the plain bytes into *plain, in place of what was there: plain_max of them
 * at most, or TOO_LARGE.  Memory is taken as the bytes come, never because the
 * input announces them.  CORRUPT if the input is damaged, ends too early, or
 * goes on behind its end; CONFIG if the codec was not built in; *plain is then
 * empty.  It has a place in any case: none is not null. */
enum evl_error decompressor_unpack(struct decompressor *d, enum evl_codec codec,
                                   struct evl_bytes packed, size_t plain_max,
                                   struct evl_buffer *plain);

void compressor_release(struct compressor *c);
void decompressor_release(struct decompressor *d);

#endif
