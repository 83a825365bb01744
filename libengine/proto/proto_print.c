/* proto_print.c - any message as one line, for people or as JSON.
 *
 * Text of the wire is shown, not obeyed: control characters and what is not
 * UTF-8 are escaped, in both forms. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/check.h"
#include "proto/codec.h"

struct printer {
    struct evl_buffer *out;
    int version;
    enum proto_form form;
};

/* How many bytes the UTF-8 character at p takes; 0 if it is none. */
static size_t utf8_bytes(const uint8_t *p, size_t left)
{
    size_t count = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (count == 0 || count > left || p[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < count; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool surrogate = p[0] == 0xed && p[1] > 0x9f;
    bool too_long = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool too_large = p[0] == 0xf4 && p[1] > 0x8f;
    return surrogate || too_long || too_large ? 0 : count;
}

static void print_quoted(struct evl_buffer *out, struct evl_bytes text)
{
    buf_add_byte(out, '"');
    for (size_t i = 0; i < text.count;) {
        const uint8_t *p = text.at + i;
        size_t count = utf8_bytes(p, text.count - i);
        if (count == 0)
            buf_add_text(out, "\\ufffd");
        else if (*p == '"' || *p == '\\')
            buf_print(out, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f)
            buf_print(out, "\\u%04x", *p);
        else
            buf_add(out, p, count);
        i += count ? count : 1;
    }
    buf_add_byte(out, '"');
}

static void print_base64(struct evl_buffer *out, struct evl_bytes bytes)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    buf_add_byte(out, '"');
    for (size_t i = 0; i < bytes.count; i += 3) {
        size_t left = bytes.count - i;
        uint32_t bits = (uint32_t)bytes.at[i] << 16;
        if (left > 1)
            bits |= (uint32_t)bytes.at[i + 1] << 8;
        if (left > 2)
            bits |= bytes.at[i + 2];
        for (size_t n = 0; n < 4; n++)
            buf_add_byte(out, n > left ? '=' : (uint8_t)alphabet[bits >> (18 - 6 * n) & 63]);
    }
    buf_add_byte(out, '"');
}

/* Text that needs no quotes: a line for people stays free of noise. */
static bool is_word(struct evl_bytes text)
{
    for (size_t i = 0; i < text.count; i++)
        if (text.at[i] <= ' ' || text.at[i] >= 0x7f || strchr("\"\\[]{}=", text.at[i]))
            return false;
    return text.count > 0;
}

static void print_string(const struct printer *p, const struct evl_bytes *text)
{
    if (!text->at)
        buf_add_text(p->out, "null");
    else if (p->form == PROTO_LINE && is_word(*text))
        buf_add(p->out, text->at, text->count);
    else
        print_quoted(p->out, *text);
}

static void print_bytes(const struct printer *p, const struct evl_bytes *bytes)
{
    if (!bytes->at)
        buf_add_text(p->out, "null");
    else if (p->form == PROTO_LINE)
        buf_print(p->out, "<%zu bytes>", bytes->count);
    else
        print_base64(p->out, *bytes);
}

static void print_uuid(const struct printer *p, const struct uuid *id)
{
    char room[UUID_TEXT];
    buf_print(p->out, p->form == PROTO_LINE ? "%s" : "\"%s\"", uuid_print(id, room));
}

/* JSON has no infinity; neither has a quota. */
static void print_double(const struct printer *p, double value)
{
    char text[40];
    if (!isfinite(value)) {
        buf_add_text(p->out, "null");
        return;
    }
    snprintf(text, sizeof text, "%.17g", value);
    for (char *c = text; *c; c++)
        if (*c == ',') /* the locale's decimal point */
            *c = '.';
    buf_add_text(p->out, text);
}

static void print_struct(const struct printer *p, const struct field *fields, const void *self);
static void print_value(const struct printer *p, const struct field *f, enum field_type type,
                        const void *member);

static void print_array(const struct printer *p, const struct field *f,
                        const struct field_array *array)
{
    if (!array->at) {
        buf_add_text(p->out, "null");
        return;
    }
    buf_add_byte(p->out, '[');
    for (size_t i = 0; i < array->count; i++) {
        if (i > 0)
            buf_add_byte(p->out, p->form == PROTO_LINE ? ' ' : ',');
        print_value(p, f, f->item, (const uint8_t *)array->at + i * f->size);
    }
    buf_add_byte(p->out, ']');
}

static void print_nested(const struct printer *p, const struct field *f, const void *self)
{
    if (!self)
        buf_add_text(p->out, "null");
    else if (p->form == PROTO_JSON)
        print_struct(p, f->of(), self);
    else {
        buf_add_byte(p->out, '{');
        print_struct(p, f->of(), self);
        buf_add_byte(p->out, '}');
    }
}

static void print_value(const struct printer *p, const struct field *f, enum field_type type,
                        const void *member)
{
    switch (type) {
    case FIELD_BOOL: buf_add_text(p->out, *(const bool *)member ? "true" : "false"); break;
    case FIELD_I8: buf_print(p->out, "%d", *(const int8_t *)member); break;
    case FIELD_I16: buf_print(p->out, "%d", *(const int16_t *)member); break;
    case FIELD_U16: buf_print(p->out, "%d", *(const uint16_t *)member); break;
    case FIELD_I32: buf_print(p->out, "%" PRId32, *(const int32_t *)member); break;
    case FIELD_U32: buf_print(p->out, "%" PRIu32, *(const uint32_t *)member); break;
    case FIELD_I64: buf_print(p->out, "%" PRId64, *(const int64_t *)member); break;
    case FIELD_F64: print_double(p, *(const double *)member); break;
    case FIELD_UUID: print_uuid(p, member); break;
    case FIELD_STRING: print_string(p, member); break;
    case FIELD_BYTES:
    case FIELD_RECORDS: print_bytes(p, member); break;
    case FIELD_NESTED: print_nested(p, f, member); break;
    case FIELD_MAYBE: print_nested(p, f, *(void *const *)member); break;
    case FIELD_ARRAY: print_array(p, f, member); break;
    case FIELD_END: check(false); break;
    }
}

/* A tagged field that says nothing is not on the wire: it is not shown. */
static bool is_shown(const struct printer *p, const struct field *f, const void *member)
{
    return field_is_in(f, p->version) && !(f->tag && field_is_initial(f, member));
}

static void print_struct(const struct printer *p, const struct field *fields, const void *self)
{
    char name[FIELD_NAME];
    bool json = p->form == PROTO_JSON;
    const char *before = json ? "{" : "";
    for (const struct field *f = fields; f->type != FIELD_END; f++) {
        const void *member = (const uint8_t *)self + f->at;
        if (!is_shown(p, f, member))
            continue;
        buf_print(p->out, json ? "%s\"%s\":" : "%s%s=", before, field_name(f->name, name));
        print_value(p, f, f->type, member);
        before = json ? "," : " ";
    }
    if (json)
        buf_add_text(p->out, *before == '{' ? "{}" : "}");
}

void proto_print(const struct message *m, int version, const void *message, enum proto_form form,
                 struct evl_buffer *out)
{
    struct printer p = { .out = out, .version = version, .form = form };
    print_struct(&p, m->fields(), message);
}
