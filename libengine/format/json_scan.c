/* json_scan.c - strict JSON, read in place. */
#include "format/json_scan.h"

#include "base/check.h"
#include "base/utf8.h"
#include "format/binary_text.h"

bool json_fail(struct json_scan *s, const char *why)
{
    s->why = why;
    return false;
}

static bool json_is_space(uint8_t c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

bool json_space(struct json_scan *s)
{
    while (s->p < s->end && json_is_space(*s->p))
        s->p++;
    return s->p < s->end;
}

bool json_try(struct json_scan *s, char c)
{
    if (!json_space(s) || *s->p != (uint8_t)c)
        return false;
    s->p++;
    return true;
}

bool json_try_word(struct json_scan *s, const char *word)
{
    size_t count = strlen(word);
    if (!json_space(s) || (size_t)(s->end - s->p) < count || memcmp(s->p, word, count) != 0)
        return false;
    s->p += count;
    return true;
}

/* ---- strings ------------------------------------------------------------- */

/* Four hexadecimal digits. */
static bool json_hex4(struct json_scan *s, uint32_t *value)
{
    uint32_t sum = 0;
    if (s->end - s->p < 4)
        return json_fail(s, "\\u needs four digits");
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(*s->p++);
        if (digit < 0)
            return json_fail(s, "\\u needs four digits");
        sum = sum * 16 + (uint32_t)digit;
    }
    *value = sum;
    return true;
}

/* Behind \u: one code point, of one or two halves. */
static bool json_point(struct json_scan *s, uint32_t *point)
{
    uint32_t low;
    if (!json_hex4(s, point))
        return false;
    if (*point < 0xd800 || *point > 0xdfff)
        return true;
    if (*point > 0xdbff || s->end - s->p < 2 || s->p[0] != '\\' || s->p[1] != 'u')
        return json_fail(s, "half of a surrogate pair");
    s->p += 2;
    if (!json_hex4(s, &low))
        return false;
    if (low < 0xdc00 || low > 0xdfff)
        return json_fail(s, "half of a surrogate pair");
    *point = 0x10000 + ((*point & 0x3ff) << 10 | (low & 0x3ff));
    return true;
}

/* Behind a backslash. */
static bool json_escape(struct json_scan *s, uint32_t *point)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char means[] = "\"\\/\b\f\n\r\t";
    if (s->p == s->end)
        return json_fail(s, "a string does not end");
    uint8_t c = *s->p++;
    if (c == 'u')
        return json_point(s, point);
    const char *letter = c ? strchr(letters, c) : NULL;
    if (!letter)
        return json_fail(s, "no such escape");
    *point = (uint8_t)means[letter - letters];
    return true;
}

/* Past what stands for itself, up to a quote, a backslash, or the end. */
static bool json_run(struct json_scan *s)
{
    for (;;) {
        s->p += utf8_plain_run(s->p, s->end, '"', '\\', '"');
        if (s->p == s->end || *s->p == '"' || *s->p == '\\')
            return true;
        if (*s->p < 0x20)
            return json_fail(s, "a control character in a string");
        int length = *s->p < 0x80 ? 1 : utf8_length(s->p, s->end);
        if (length == 0)
            return json_fail(s, "not UTF-8");
        s->p += length;
    }
}

/* Past the opening quote and the first run; most strings end there. */
static bool json_string_begin(struct json_scan *s, const uint8_t **begin)
{
    if (!json_try(s, '"'))
        return json_fail(s, "a string is missing");
    *begin = s->p;
    return json_run(s);
}

bool json_string(struct json_scan *s, struct evl_buffer *room, struct evl_bytes *plain)
{
    const uint8_t *run;
    if (!json_string_begin(s, &run))
        return false;
    *plain = evl_bytes(run, (size_t)(s->p - run));
    size_t first = room->count;
    while (s->p < s->end && *s->p == '\\') {
        check(room->room - room->count >= (size_t)(s->p - run) + 4);
        uint32_t point;
        buf_add(room, run, (size_t)(s->p - run));
        s->p++;
        if (!json_escape(s, &point))
            return false;
        room->count = (size_t)(utf8_put(room->at + room->count, point) - room->at);
        run = s->p;
        if (!json_run(s))
            return false;
        if (s->p == s->end || *s->p == '"') {
            buf_add(room, run, (size_t)(s->p - run));
            *plain = evl_bytes(room->at + first, room->count - first);
        }
    }
    if (s->p == s->end)
        return json_fail(s, "a string does not end");
    s->p++;
    return true;
}

static bool json_skip_string(struct json_scan *s)
{
    const uint8_t *begin;
    uint32_t point;
    if (!json_string_begin(s, &begin))
        return false;
    while (s->p < s->end && *s->p == '\\') {
        s->p++;
        if (!json_escape(s, &point) || !json_run(s))
            return false;
    }
    if (s->p == s->end)
        return json_fail(s, "a string does not end");
    s->p++;
    return true;
}

/* ---- other values -------------------------------------------------------- */

static bool json_digits(struct json_scan *s)
{
    const uint8_t *begin = s->p;
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return s->p > begin || json_fail(s, "a digit is missing");
}

static bool json_next(struct json_scan *s, char a, char b)
{
    if (s->p == s->end || (*s->p != (uint8_t)a && *s->p != (uint8_t)b))
        return false;
    s->p++;
    return true;
}

bool json_number(struct json_scan *s, struct evl_bytes *digits)
{
    (void)json_space(s);
    const uint8_t *begin = s->p;
    (void)json_next(s, '-', '-');
    if (!json_next(s, '0', '0') && !json_digits(s))
        return json_fail(s, "a value is missing");
    if (json_next(s, '.', '.') && !json_digits(s))
        return false;
    if (json_next(s, 'e', 'E')) {
        (void)json_next(s, '-', '+');
        if (!json_digits(s))
            return false;
    }
    *digits = evl_bytes(begin, (size_t)(s->p - begin));
    return true;
}

static bool json_skip_value(struct json_scan *s, int depth);

static bool json_skip_members(struct json_scan *s, int depth)
{
    if (json_try(s, '}'))
        return true;
    do {
        if (!json_skip_string(s))
            return false;
        if (!json_try(s, ':'))
            return json_fail(s, "a : is missing");
        if (!json_skip_value(s, depth + 1))
            return false;
    } while (json_try(s, ','));
    return json_try(s, '}') || json_fail(s, "a , or } is missing");
}

static bool json_skip_items(struct json_scan *s, int depth)
{
    if (json_try(s, ']'))
        return true;
    do {
        if (!json_skip_value(s, depth + 1))
            return false;
    } while (json_try(s, ','));
    return json_try(s, ']') || json_fail(s, "a , or ] is missing");
}

static bool json_skip_value(struct json_scan *s, int depth)
{
    struct evl_bytes digits;
    if (depth > JSON_DEPTH_MAX)
        return json_fail(s, "too deep");
    if (!json_space(s))
        return json_fail(s, "a value is missing");
    switch (*s->p) {
    case '{': s->p++; return json_skip_members(s, depth);
    case '[': s->p++; return json_skip_items(s, depth);
    case '"': return json_skip_string(s);
    default:
        return json_try_word(s, "null") || json_try_word(s, "true") || json_try_word(s, "false") ||
               json_number(s, &digits);
    }
}

bool json_skip(struct json_scan *s) { return json_skip_value(s, 0); }

bool json_is_valid(struct evl_bytes text)
{
    if (text.count == 0)
        return false;
    struct json_scan s = json_scan(text);
    return json_skip(&s) && !json_space(&s);
}

void json_compact(struct evl_buffer *to, struct evl_bytes text)
{
    bool in_string = false;
    uint8_t *out = buf_room(to, text.count);
    const uint8_t *begin = out;
    for (size_t i = 0; i < text.count; i++) {
        uint8_t c = text.at[i];
        if (!in_string && json_is_space(c))
            continue;
        *out++ = c;
        if (in_string && c == '\\' && i + 1 < text.count)
            *out++ = text.at[++i];
        else if (c == '"')
            in_string = !in_string;
    }
    to->count += (size_t)(out - begin);
}
