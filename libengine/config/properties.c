/* properties.c - Java's .properties, letter by letter.
 *
 * A reader hands out letters; a letter is a byte, or what an escape stands for,
 * and only unescaped ones separate.  A backslash before a line's end joins the
 * next line, without its leading blanks. */
#include "config/properties.h"

#include "base/fault.h"
#include "base/memory.h"

struct reader {
    const uint8_t *at, *end;
    int line;
    uint8_t letter[5]; /* the current one, in UTF-8 */
    size_t count;      /* of its bytes; 0: the line, or all, ends */
    bool escaped;
    bool bad;
};

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\f'; }
static bool is_line_end(uint8_t c) { return c == '\n' || c == '\r'; }

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && is_blank(*r->at))
        r->at++;
}

/* CR, LF, or both. */
static void skip_line_end(struct reader *r)
{
    if (r->at == r->end)
        return;
    r->line++;
    if (*r->at++ == '\r' && r->at < r->end && *r->at == '\n')
        r->at++;
}

static void letter_set(struct reader *r, uint8_t byte, bool escaped)
{
    r->letter[0] = byte;
    r->count = 1;
    r->escaped = escaped;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits behind \u, or -1. */
static int32_t read_hex(const uint8_t *at, const uint8_t *end)
{
    int32_t code = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        code = code << 4 | digit;
    }
    return code;
}

static void letter_set_code(struct reader *r, int32_t code)
{
    uint8_t *to = r->letter;
    if (code < 0x80)
        *to++ = (uint8_t)code;
    else if (code < 0x800)
        *to++ = (uint8_t)(0xc0 | code >> 6);
    else if (code < 0x10000)
        *to++ = (uint8_t)(0xe0 | code >> 12);
    else
        *to++ = (uint8_t)(0xf0 | code >> 18);
    if (code >= 0x10000)
        *to++ = (uint8_t)(0x80 | (code >> 12 & 63));
    if (code >= 0x800)
        *to++ = (uint8_t)(0x80 | (code >> 6 & 63));
    if (code >= 0x80)
        *to++ = (uint8_t)(0x80 | (code & 63));
    r->count = (size_t)(to - r->letter);
    r->escaped = true;
}

static bool is_surrogate(int32_t code) { return code >= 0xd800 && code <= 0xdfff; }

/* Java's letters are of 16 bits: a larger one is two escapes in a row. */
static void read_unicode(struct reader *r)
{
    int32_t code = read_hex(r->at, r->end);
    if (code <= 0) {
        r->bad = true;
        r->count = 0;
        return;
    }
    r->at += 4;
    if (code >= 0xd800 && code < 0xdc00 && r->end - r->at >= 6 && r->at[0] == '\\' &&
        r->at[1] == 'u') {
        int32_t low = read_hex(r->at + 2, r->end);
        if (low >= 0xdc00 && low <= 0xdfff) {
            r->at += 6;
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    letter_set_code(r, is_surrogate(code) ? 0xfffd : code);
}

static void read_escape(struct reader *r)
{
    uint8_t c = *r->at++;
    switch (c) {
    case 'u': read_unicode(r); break;
    case 't': letter_set(r, '\t', true); break;
    case 'n': letter_set(r, '\n', true); break;
    case 'r': letter_set(r, '\r', true); break;
    case 'f': letter_set(r, '\f', true); break;
    default: letter_set(r, c, true); break;
    }
}

/* Go to the next letter of this logical line. */
static void next_letter(struct reader *r)
{
    r->count = 0;
    while (r->at < r->end && !is_line_end(*r->at)) {
        uint8_t c = *r->at++;
        if (c == '\0')
            r->bad = true;
        if (c != '\\') {
            letter_set(r, c, false);
            return;
        }
        if (r->at == r->end)
            return; /* a last backslash says nothing */
        if (!is_line_end(*r->at)) {
            read_escape(r);
            return;
        }
        skip_line_end(r);
        skip_blanks(r);
    }
}

static bool letter_is(const struct reader *r, const char *set)
{
    return r->count == 1 && !r->escaped && r->letter[0] && strchr(set, r->letter[0]);
}

/* Letters up to an unescaped one of `ends`. */
static void read_word(struct reader *r, const char *ends, struct evl_buffer *word)
{
    buf_clear(word);
    for (; r->count && !letter_is(r, ends); next_letter(r))
        buf_add(word, r->letter, r->count);
}

static void skip_letters(struct reader *r, const char *set)
{
    while (r->count && letter_is(r, set))
        next_letter(r);
}

static void property_add(struct properties *p, struct evl_buffer *key, struct evl_buffer *value,
                         int line)
{
    if (p->count == p->room) {
        p->room = p->room ? p->room * 2 : 8;
        p->at = memory_grow(p->at, p->room, sizeof *p->at);
    }
    p->at[p->count++] = (struct property){ memory_text_part(key->at, key->count),
                                           memory_text_part(value->at, value->count), line };
}

static void read_line(struct reader *r, struct properties *p, struct evl_buffer *key,
                      struct evl_buffer *value)
{
    int line = r->line;
    next_letter(r);
    read_word(r, "=: \t\f", key);
    skip_letters(r, " \t\f");
    if (letter_is(r, "=:")) {
        next_letter(r);
        skip_letters(r, " \t\f");
    }
    read_word(r, "", value);
    if (!r->bad)
        property_add(p, key, value, line);
}

enum evl_error properties_read(struct evl_bytes text, struct properties *p)
{
    struct reader r = { .at = text.at, .line = 1 };
    struct evl_buffer key = { 0 };
    struct evl_buffer value = { 0 };
    *p = (struct properties){ 0 };
    r.end = text.count ? text.at + text.count : text.at;
    while (r.at < r.end && !r.bad) {
        skip_blanks(&r);
        if (r.at < r.end && (*r.at == '#' || *r.at == '!'))
            while (r.at < r.end && !is_line_end(*r.at))
                r.at++;
        else if (r.at < r.end && !is_line_end(*r.at))
            read_line(&r, p, &key, &value);
        if (!r.bad)
            skip_line_end(&r);
    }
    buf_release(&key);
    buf_release(&value);
    if (r.bad)
        return fail(EVL_ERR_CONFIG, "line %d: a \\u without four hexadecimal digits, or a zero",
                    r.line);
    return EVL_OK;
}

void properties_release(struct properties *p)
{
    for (size_t i = 0; i < p->count; i++) {
        memory_free(p->at[i].key);
        memory_free(p->at[i].value);
    }
    memory_free(p->at);
    *p = (struct properties){ 0 };
}

const char *properties_get(const struct properties *p, const char *key)
{
    for (size_t i = p->count; i-- > 0;)
        if (strcmp(p->at[i].key, key) == 0)
            return p->at[i].value;
    return NULL;
}

/* ---- writing ------------------------------------------------------------- */

static void add_letter(struct evl_buffer *out, uint8_t c)
{
    static const char *const names = "\t\n\r\f";
    const char *control = strchr(names, c);
    if (c && control)
        buf_print(out, "\\%c", "tnrf"[control - names]);
    else if (c < 0x20 || c == 0x7f)
        buf_print(out, "\\u%04x", c);
    else if (strchr("=:#!\\", c))
        buf_print(out, "\\%c", c);
    else
        buf_add_byte(out, c);
}

void properties_add(struct evl_buffer *out, const char *key, const char *value)
{
    for (const char *c = key; *c; c++) {
        if (*c == ' ')
            buf_add_byte(out, '\\');
        add_letter(out, (uint8_t)*c);
    }
    buf_add_byte(out, '=');
    if (*value == ' ') /* the others are not in danger */
        buf_add_byte(out, '\\');
    for (const char *c = value; *c; c++)
        add_letter(out, (uint8_t)*c);
    buf_add_byte(out, '\n');
}
