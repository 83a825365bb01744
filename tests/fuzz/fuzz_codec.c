/* fuzz_codec.c - any bytes as what a codec packed, and as what it is to pack.
 *
 * The first byte chooses the codec. */
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "record/compress.h"

enum { PLAIN_MAX = 1 << 20 };

static void expect(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct compressor c; /* kept, as their users do */
    static struct decompressor d;
    if (size == 0)
        return 0;
    enum evl_codec codec = (enum evl_codec)(EVL_CODEC_GZIP + data[0] % (CODEC_COUNT - 1));
    struct evl_bytes input = evl_bytes(data + 1, size - 1);
    struct evl_buffer plain = { 0 };
    struct evl_buffer packed = { 0 };
    enum evl_error err = decompressor_unpack(&d, codec, input, PLAIN_MAX, &plain);
    expect(err == EVL_OK || err == EVL_ERR_CORRUPT || err == EVL_ERR_TOO_LARGE ||
           err == EVL_ERR_CONFIG);
    expect(plain.count <= PLAIN_MAX && (!err || plain.count == 0));
    if (!compressor_pack(&c, codec, 0, input, &packed)) {
        expect(!decompressor_unpack(&d, codec, buf_bytes(&packed), input.count, &plain));
        expect(plain.count == input.count &&
               (input.count == 0 || memcmp(plain.at, input.at, input.count) == 0));
    }
    buf_release(&plain);
    buf_release(&packed);
    return 0;
}
