/* header_text.c - all headers of a record in one field. */
#include "format/header_text.h"

#include "base/utf8.h"
#include "format/binary_text.h"

static void header_text_escape(struct evl_buffer *to, uint8_t byte)
{
    buf_add_byte(to, '%');
    hex_print(to, evl_bytes(&byte, 1));
}

enum header_part { HEADER_NAME, HEADER_VALUE };

static bool header_text_is_plain(uint8_t c, enum header_part part)
{
    return c >= 0x20 && c < 0x7f && c != ',' && c != '%' && c != '\\' &&
           (c != '=' || part == HEADER_VALUE);
}

static void header_text_add(struct evl_buffer *to, struct evl_bytes text, enum header_part part)
{
    for (size_t i = 0; i < text.count;) {
        size_t begin = i;
        while (i < text.count && header_text_is_plain(text.at[i], part))
            i++;
        buf_add(to, text.at + begin, i - begin);
        if (i == text.count)
            break;
        int length = text.at[i] < 0x80 ? 0 : utf8_length(text.at + i, text.at + text.count);
        if (length > 0)
            buf_add(to, text.at + i, (size_t)length);
        else
            header_text_escape(to, text.at[i]);
        i += length > 0 ? (size_t)length : 1;
    }
}

void header_text_print(struct evl_buffer *to, const struct evl_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_byte(to, ',');
        if (headers[i].name.count == 0)
            buf_add_byte(to, '%');
        header_text_add(to, headers[i].name, HEADER_NAME);
        if (!headers[i].value.at)
            continue;
        buf_add_byte(to, '=');
        header_text_add(to, headers[i].value, HEADER_VALUE);
    }
}

static bool header_text_unescape(struct evl_bytes part, struct evl_buffer *room,
                                 struct evl_bytes *plain)
{
    if (part.count == 0 || !memchr(part.at, '%', part.count)) {
        *plain = part;
        return true;
    }
    size_t begin = room->count;
    for (size_t i = 0; i < part.count; i++) {
        if (part.at[i] != '%') {
            buf_add_byte(room, part.at[i]);
            continue;
        }
        if (part.count - i < 3 || !hex_parse(room, evl_bytes(part.at + i + 1, 2)))
            return false;
        i += 2;
    }
    *plain = evl_bytes(room->at + begin, room->count - begin);
    return true;
}

static bool header_text_entry(struct evl_bytes entry, struct evl_buffer *room,
                              struct evl_header *header)
{
    const uint8_t *equals = memchr(entry.at, '=', entry.count);
    struct evl_bytes name = entry;
    *header = (struct evl_header){ 0 };
    if (equals) {
        name.count = (size_t)(equals - entry.at);
        struct evl_bytes value = { equals + 1, entry.count - name.count - 1 };
        if (!header_text_unescape(value, room, &header->value))
            return false;
    }
    if (name.count == 1 && name.at[0] == '%')
        name.count = 0;
    return header_text_unescape(name, room, &header->name);
}

bool header_text_parse(struct evl_bytes field, struct evl_buffer *room, struct header_list *list)
{
    while (field.count > 0) {
        const uint8_t *comma = memchr(field.at, ',', field.count);
        struct evl_bytes entry = { field.at, comma ? (size_t)(comma - field.at) : field.count };
        if (entry.count == 0 || !header_text_entry(entry, room, header_list_add(list)))
            return false;
        size_t step = entry.count + (comma != NULL);
        field.at += step;
        field.count -= step;
        if (comma && field.count == 0)
            return false; /* a comma at the end */
    }
    return true;
}
