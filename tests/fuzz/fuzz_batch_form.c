/* fuzz_batch_form.c - whole batches behind locators: what is read is written
 * the same, and no step leads out of the input. */
#include "fuzz_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct evl_format_options options = { .kind = EVL_FORMAT_BATCH, .record_max = 4096 };
    struct evl_format_reader *reader;
    struct evl_format_writer *writer;
    struct evl_buffer out = { 0 };
    bool got = true;
    check(!evl_format_reader_open(&options, &reader));
    check(!evl_format_writer_open(&options, &writer));
    while (got) {
        struct evl_batch_view view;
        size_t used;
        uint8_t *piece = fuzz_piece(evl_bytes(data, size), 0, size);
        enum evl_error err =
            evl_format_read_batch(reader, evl_bytes(piece, size), true, &used, &view, &got);
        check(used <= size && !(got && err));
        evl_buffer_clear(&out);
        if (got) {
            check(!evl_format_write_batch(writer, &view, &out));
            check(out.count == used);
        }
        free(piece);
        data += used;
        size -= used;
    }
    evl_buffer_release(&out);
    evl_format_writer_close(writer);
    evl_format_reader_close(reader);
    return 0;
}
