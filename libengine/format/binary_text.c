/* binary_text.c - base64 and hexadecimal. */
#include "format/binary_text.h"

static const char base64_digits[65] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const char hex_digits[17] = "0123456789abcdef";

void base64_print(struct evl_buffer *to, struct evl_bytes bytes, enum base64_padding padding)
{
    const uint8_t *p = bytes.at;
    size_t left = bytes.count;
    uint8_t *out = buf_room(to, (bytes.count + 2) / 3 * 4);
    const uint8_t *begin = out;
    for (; left > 0; p += 3) {
        size_t n = left < 3 ? left : 3;
        uint32_t bits =
            (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);
        for (size_t i = 0; i <= n; i++)
            *out++ = (uint8_t)base64_digits[bits >> (18 - 6 * i) & 0x3f];
        for (size_t i = n; i < 3 && padding == BASE64_PADDED; i++)
            *out++ = '=';
        left -= n;
    }
    to->count += (size_t)(out - begin);
}

static int base64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_parse(struct evl_buffer *to, struct evl_bytes text)
{
    for (int i = 0; i < 2 && text.count > 0 && text.at[text.count - 1] == '='; i++)
        text.count--;
    if (text.count % 4 == 1)
        return false;
    uint8_t *out = buf_room(to, text.count);
    size_t count = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < text.count; i++) {
        int digit = base64_digit(text.at[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 != 0)
            out[count++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    to->count += count;
    return true;
}

void hex_print(struct evl_buffer *to, struct evl_bytes bytes)
{
    uint8_t *out = buf_room(to, 2 * bytes.count);
    for (size_t i = 0; i < bytes.count; i++) {
        *out++ = (uint8_t)hex_digits[bytes.at[i] >> 4];
        *out++ = (uint8_t)hex_digits[bytes.at[i] & 15];
    }
    to->count += 2 * bytes.count;
}

int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_parse(struct evl_buffer *to, struct evl_bytes text)
{
    if (text.count % 2 != 0)
        return false;
    uint8_t *out = buf_room(to, text.count / 2);
    for (size_t i = 0; i < text.count; i += 2) {
        int high = hex_digit(text.at[i]);
        int low = hex_digit(text.at[i + 1]);
        if (high < 0 || low < 0)
            return false;
        *out++ = (uint8_t)(high << 4 | low);
    }
    to->count += text.count / 2;
    return true;
}
