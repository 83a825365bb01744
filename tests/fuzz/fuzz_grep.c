/* fuzz_grep.c - filters.  The input is the filter, a zero byte, and a value.
 * Repetitions are left out: they are the C library's, and slow. */
#include <evl/grep.h>

#include <stdio.h>

#include "base/check.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\0', size) : NULL;
    const char *filter = (const char *)data;
    if (!end || end - data > 32 || strpbrk(filter, "{*+"))
        return 0;
    struct evl_header header = { evl_text("name"), evl_text("some value") };
    struct evl_record record = EVL_RECORD_NONE;
    record.value = evl_bytes(end + 1, size - (size_t)(end + 1 - data));
    record.headers = &header;
    record.header_count = 1;
    for (int flags = 0; flags < 4; flags++) {
        struct evl_grep *grep = evl_grep_open(flags);
        /* A filter and its opposite leave nothing. */
        char opposite[40];
        bool negated = filter[0] == '!';
        snprintf(opposite, sizeof opposite, "%s%s", negated ? "" : "!", filter + negated);
        if (!evl_grep_add(grep, filter))
            check(!evl_grep_add(grep, opposite) && !evl_grep_wants(grep, &record));
        evl_grep_close(grep);
    }
    return 0;
}
