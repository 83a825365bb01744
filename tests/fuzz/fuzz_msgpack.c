/* fuzz_msgpack.c - MessagePack maps and end marks. */
#include "fuzz_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct evl_format_options tell = { .kind = EVL_FORMAT_MSGPACK };
    struct evl_format_options options = { .kind = EVL_FORMAT_MSGPACK, .record_max = 4096 };
    return fuzz_format(&options, &tell, data, size);
}
