/* fuzz_layout.c - format strings.  The input is the string, a zero byte, and
 * what is read with it.  Expressions are left out: they are the C library's. */
#include "fuzz_format.h"

static void fuzz_write(const struct evl_format_options *options)
{
    struct evl_format_writer *writer;
    struct evl_buffer out = { 0 };
    struct evl_header header = { evl_text("name"), evl_bytes(NULL, 0) };
    struct evl_record record = { .key = evl_text("key"),
                                 .value = evl_bytes("\0\1\2\xff", 4),
                                 .timestamp = 1700000000123,
                                 .headers = &header,
                                 .header_count = 1 };
    if (evl_format_writer_open(options, &writer))
        return;
    const char *why;
    check(!evl_format_write(writer, &record, &out));
    (void)evl_format_loss(writer, &record, &why);
    evl_format_writer_close(writer);
    evl_buffer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct evl_format_options tell = { .kind = EVL_FORMAT_MSGPACK };
    const uint8_t *end = size ? memchr(data, '\0', size) : NULL;
    const char *string = (const char *)data;
    struct evl_format_options options = {
        .kind = EVL_FORMAT_STRING, .string = string, .record_max = 4096, .utc = true
    };
    struct evl_format_reader *reader;
    if (!end || strstr(string, "{re"))
        return 0;
    fuzz_write(&options);
    if (evl_format_reader_open(&options, &reader))
        return 0;
    evl_format_reader_close(reader);
    return fuzz_format(&options, &tell, end + 1, size - (size_t)(end + 1 - data));
}
