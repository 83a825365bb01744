/* fuzz_frame.c - lengths and values. */
#include "fuzz_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct evl_format_options tell = { .kind = EVL_FORMAT_MSGPACK };
    struct evl_format_options options = { .kind = EVL_FORMAT_FRAME, .record_max = 64 };
    return fuzz_format(&options, &tell, data, size);
}
