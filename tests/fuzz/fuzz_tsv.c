/* fuzz_tsv.c - columns between tabs, told again with all columns. */
#include "fuzz_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct evl_format_options tell = {
        .kind = EVL_FORMAT_TSV,
        .columns = "topic partition offset timestamp timestamp_type key value headers"
    };
    struct evl_format_options options = { .kind = EVL_FORMAT_TSV,
                                          .columns = "key headers timestamp timestamp_type",
                                          .record_max = 4096 };
    if (size > 0 && data[0] & 0x80)
        options = tell;
    return fuzz_format(&options, &tell, data, size);
}
