/* terminal.c - bytes of unknown origin, made harmless for a terminal.
 *
 * Text passes, and so do tabs and newlines.  Other control characters are shown
 * as ^X; those of U+0080 to U+009F, which some terminals obey, and what is no
 * text at all, as \xHH. */
#include "base/utf8.h"
#include "format/binary_text.h"
#include "format/format.h"

static void terminal_print_hex(struct evl_buffer *to, const uint8_t *p, int count)
{
    for (int i = 0; i < count; i++)
        buf_print(to, "\\x%02x", p[i]);
}

void terminal_print(struct evl_buffer *to, struct evl_bytes field)
{
    if (field.count == 0)
        return;
    const uint8_t *p = field.at;
    const uint8_t *end = field.at + field.count;
    while (p < end) {
        int length = utf8_length(p, end);
        if (length == 0 || (p[0] == 0xc2 && p[1] < 0xa0))
            terminal_print_hex(to, p, length ? length : 1);
        else if ((*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7f)
            buf_print(to, "^%c", *p ^ 0x40);
        else
            buf_add(to, p, (size_t)length);
        p += length ? length : 1;
    }
}
