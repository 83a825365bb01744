/* codec.h - what compress.c asks of each codec.
 *
 * A context begins as NULL; the codec makes it at first use, and *_release
 * takes it back (NULL too). */
#ifndef RECORD_CODEC_H
#define RECORD_CODEC_H

#include <evl/bytes.h>
#include <evl/error.h>

#include "base/buf.h"

struct codec_driver {
    int level_min, level_max, level_default;

    /* Add to *packed; level is within the bounds. */
    enum evl_error (*pack)(void **context, int level, struct evl_bytes plain,
                           struct evl_buffer *packed);

    /* Add to *plain, which is empty; `packed` is not.  plain_max bytes at most:
     * see codec_room. */
    enum evl_error (*unpack)(void **context, struct evl_bytes packed, size_t plain_max,
                             struct evl_buffer *plain);

    void (*pack_release)(void *context);
    void (*unpack_release)(void *context);
};

extern const struct codec_driver codec_gzip, codec_snappy, codec_lz4, codec_zstd;

/* Make room behind what was unpacked, growing by half.  Returns how much of it
 * may be used: up to one byte beyond plain_max, which shows that there is more. */
size_t codec_room(struct evl_buffer *plain, size_t plain_max);

/* TOO_LARGE, with its text. */
enum evl_error codec_too_large(size_t plain_max);

#endif
