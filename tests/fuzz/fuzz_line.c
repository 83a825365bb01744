/* fuzz_line.c - lines, with and without keys, of one and of several bytes. */
#include "fuzz_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct evl_format_options tell = { .kind = EVL_FORMAT_MSGPACK };
    struct evl_format_options options = { .kind = EVL_FORMAT_LINE, .record_max = 64 };
    if (size > 0 && data[0] & 0x80)
        options.key_delimiter = evl_text("=");
    if (size > 0 && data[0] & 0x40)
        options.delimiter = evl_text("--");
    if (size > 0 && data[0] & 0x20)
        options.null_text = "-";
    return fuzz_format(&options, &tell, data, size);
}
