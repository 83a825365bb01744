/* decimal.c - numbers as people and JSON write them: an optional minus,
 * digits. */
#include "format/format.h"

bool decimal_parse(struct evl_bytes text, int64_t *value)
{
    bool negative = text.count > 0 && text.at[0] == '-';
    uint64_t most = (uint64_t)INT64_MAX + negative;
    uint64_t sum = 0;
    if (text.count == (size_t)negative)
        return false;
    for (size_t i = negative; i < text.count; i++) {
        uint64_t digit = (uint64_t)text.at[i] - '0';
        if (digit > 9 || sum > (most - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *value = (int64_t)(negative ? 0 - sum : sum);
    return true;
}

void decimal_print(struct evl_buffer *to, int64_t value)
{
    uint8_t text[20];
    uint8_t *p = text + sizeof text;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--p = (uint8_t)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0)
        *--p = '-';
    buf_add(to, p, (size_t)(text + sizeof text - p));
}
