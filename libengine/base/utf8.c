/* utf8.c - is it text? */
#include "base/utf8.h"

static bool utf8_is_tail(uint8_t byte) { return (byte & 0xc0) == 0x80; }

/* What the second byte may be, at least and at most, depends on the first. */
static int utf8_length3(const uint8_t *p)
{
    uint8_t least = p[0] == 0xe0 ? 0xa0 : 0x80;
    uint8_t most = p[0] == 0xed ? 0x9f : 0xbf;
    return p[1] >= least && p[1] <= most && utf8_is_tail(p[2]) ? 3 : 0;
}

static int utf8_length4(const uint8_t *p)
{
    uint8_t least = p[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t most = p[0] == 0xf4 ? 0x8f : 0xbf;
    return p[1] >= least && p[1] <= most && utf8_is_tail(p[2]) && utf8_is_tail(p[3]) ? 4 : 0;
}

int utf8_length(const uint8_t *p, const uint8_t *end)
{
    if (*p < 0x80)
        return 1;
    if (*p < 0xc2 || *p > 0xf4)
        return 0;
    if (*p < 0xe0)
        return end - p >= 2 && utf8_is_tail(p[1]) ? 2 : 0;
    if (*p < 0xf0)
        return end - p >= 3 ? utf8_length3(p) : 0;
    return end - p >= 4 ? utf8_length4(p) : 0;
}

bool utf8_is_valid(struct evl_bytes bytes)
{
    if (bytes.count == 0)
        return true;
    const uint8_t *p = bytes.at;
    const uint8_t *end = bytes.at + bytes.count;
    while (p < end) {
        if (end - p >= 8 && utf8_is_ascii8(p)) {
            p += 8;
            continue;
        }
        int length = utf8_length(p, end);
        if (length == 0)
            return false;
        p += length;
    }
    return true;
}

uint32_t utf8_get(const uint8_t *p, int length)
{
    uint32_t point = length == 1 ? p[0] : p[0] & (0x7fu >> length);
    for (int i = 1; i < length; i++)
        point = point << 6 | (p[i] & 0x3f);
    return point;
}

uint8_t *utf8_put(uint8_t *p, uint32_t point)
{
    if (point < 0x80) {
        *p++ = (uint8_t)point;
        return p;
    }
    int tails = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = { 0, 0xc0, 0xe0, 0xf0 };
    *p++ = (uint8_t)(lead[tails] | point >> (6 * tails));
    while (tails-- > 0)
        *p++ = (uint8_t)(0x80 | (point >> (6 * tails) & 0x3f));
    return p;
}
