/* layout.c - format strings: from text to a list of steps. */
#include "format/layout.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/fault.h"
#include "base/memory.h"
#include "format/binary_text.h"

/* A place in the string.  `begin` is where the outermost string begins. */
struct layout_parser {
    const char *begin, *p, *end;
    enum layout_use use;
    bool is_header; /* inside of %h{} */
    struct layout *format;
};

__attribute__((format(printf, 2, 3))) static enum evl_error
layout_fail(const struct layout_parser *parser, const char *format, ...)
{
    char why[200];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return fail(EVL_ERR_USAGE, "format string, character %td: %s", parser->p - parser->begin + 1,
                why);
}

static struct layout_op *layout_add(struct layout_parser *parser, struct layout_op op)
{
    struct layout *f = parser->format;
    f->ops = memory_grow(f->ops, f->count + 1, sizeof *f->ops);
    f->ops[f->count] = op;
    return &f->ops[f->count++];
}

/* ---- literals ------------------------------------------------------------ */

/* Texts lie in one piece of memory, which was made large enough for all. */
static void layout_add_literal(struct layout_parser *parser, uint8_t byte)
{
    struct layout *f = parser->format;
    if (f->count == 0 || f->ops[f->count - 1].verb != LAYOUT_LITERAL)
        layout_add(parser, (struct layout_op){ .verb = LAYOUT_LITERAL,
                                               .text = { f->room.at + f->room.count, 0 } });
    buf_add_byte(&f->room, byte);
    f->ops[f->count - 1].text.count++;
}

/* p is behind a backslash. */
static enum evl_error layout_escape(struct layout_parser *parser)
{
    static const char letters[] = "tnr\\";
    static const char means[] = "\t\n\r\\";
    const char *p = parser->p;
    if (p < parser->end && *p == 'x') {
        int high = parser->end - p > 2 ? hex_digit((uint8_t)p[1]) : -1;
        int low = high >= 0 ? hex_digit((uint8_t)p[2]) : -1;
        if (low < 0)
            return layout_fail(parser, "\\x needs two hexadecimal digits");
        layout_add_literal(parser, (uint8_t)(high << 4 | low));
        parser->p += 3;
        return EVL_OK;
    }
    const char *letter = p < parser->end && *p ? strchr(letters, *p) : NULL;
    if (!letter)
        return layout_fail(parser, "there are \\t \\n \\r \\\\ \\xNN and no other escapes");
    layout_add_literal(parser, (uint8_t)means[letter - letters]);
    parser->p++;
    return EVL_OK;
}

/* ---- modifiers ----------------------------------------------------------- */

static bool layout_try(struct layout_parser *parser, const char *word)
{
    size_t count = strlen(word);
    if ((size_t)(parser->end - parser->p) < count || memcmp(parser->p, word, count) != 0)
        return false;
    parser->p += count;
    return true;
}

static char layout_mirror(char c)
{
    switch (c) {
    case '[': return ']';
    case '{': return '}';
    case '(': return ')';
    case '<': return '>';
    default: return c;
    }
}

/* [text] or ##text## and so on. */
static enum evl_error layout_enclosed(struct layout_parser *parser, struct evl_bytes *text)
{
    const char *p = parser->p;
    if (p == parser->end)
        return layout_fail(parser, "[...] is missing");
    size_t count = 0;
    while (p + count < parser->end && p[count] == *p)
        count++;
    char close = layout_mirror(*p);
    const char *begin = p + count;
    size_t run = 0;
    for (const char *q = begin; q < parser->end; q++) {
        run = *q == close ? run + 1 : 0;
        if (run < count)
            continue;
        *text = evl_bytes(begin, (size_t)(q + 1 - begin) - count);
        parser->p = q + 1;
        return EVL_OK;
    }
    return layout_fail(parser, "%zu times %c is missing", count, close);
}

/* Keep a text, with an end. */
static struct evl_bytes layout_keep(struct layout_parser *parser, struct evl_bytes text)
{
    struct evl_buffer *room = &parser->format->room;
    struct evl_bytes kept = { room->at + room->count, text.count };
    buf_add_bytes(room, text);
    buf_add_byte(room, '\0');
    return kept;
}

static enum evl_error layout_regex(struct layout_parser *parser, struct layout_op *op)
{
    struct evl_bytes text;
    enum evl_error err = layout_enclosed(parser, &text);
    if (err)
        return err;
    op->coding = TEXT_REGEX;
    text = layout_keep(parser, text);
    err = expression_make((const char *)text.at, REG_NOSUB, &op->expression);
    return err ? failed(err, "format string, character %td", parser->p - parser->begin + 1)
               : EVL_OK;
}

static enum evl_error layout_unpack(struct layout_parser *parser, struct layout_op *op)
{
    struct evl_bytes text;
    enum evl_error err = layout_enclosed(parser, &text);
    if (err)
        return err;
    for (size_t i = 0; i < text.count; i++)
        if (!strchr("x<>bBhHiIqQc.s$", text.at[i]) || text.at[i] == '\0')
            return layout_fail(parser, "unpack knows x < > b B h H i I q Q c . s $");
    op->coding = TEXT_UNPACK;
    op->text = layout_keep(parser, text);
    return EVL_OK;
}

/* Behind the { of a text. */
static enum evl_error layout_text_modifier(struct layout_parser *parser, struct layout_op *op)
{
    const bool reads = parser->use == LAYOUT_READS;
    if (layout_try(parser, "hex"))
        op->coding = TEXT_HEX;
    else if (layout_try(parser, "base64raw"))
        op->coding = TEXT_BASE64RAW;
    else if (layout_try(parser, "base64"))
        op->coding = TEXT_BASE64;
    else if (reads && layout_try(parser, "json"))
        op->coding = TEXT_JSON;
    else if (reads && layout_try(parser, "re"))
        return layout_regex(parser, op);
    else if (!reads && layout_try(parser, "unpack"))
        return layout_unpack(parser, op);
    else
        return layout_fail(parser, reads ? "for input there are hex base64 base64raw json re[...]"
                                         : "for output there are hex base64 base64raw unpack[...]");
    return EVL_OK;
}

static const struct {
    const char *name;
    enum layout_coding coding;
    int width;
} number_codings[] = {
    { "ascii", NUMBER_ASCII, 0 },      { "number", NUMBER_ASCII, 0 },
    { "hex64", NUMBER_HEX_FIXED, 16 }, { "hex32", NUMBER_HEX_FIXED, 8 },
    { "hex16", NUMBER_HEX_FIXED, 4 },  { "hex8", NUMBER_HEX_FIXED, 2 },
    { "hex4", NUMBER_HEX_FIXED, 1 },   { "hex", NUMBER_HEX, 0 },
    { "big64", NUMBER_BIG, 8 },        { "big32", NUMBER_BIG, 4 },
    { "big16", NUMBER_BIG, 2 },        { "big8", NUMBER_BIG, 1 },
    { "byte", NUMBER_BIG, 1 },         { "little64", NUMBER_LITTLE, 8 },
    { "little32", NUMBER_LITTLE, 4 },  { "little16", NUMBER_LITTLE, 2 },
    { "little8", NUMBER_LITTLE, 1 },   { "bool", NUMBER_BOOL, 0 },
};

/* {3}: a size that is known and not in the input. */
static enum evl_error layout_given(struct layout_parser *parser, struct layout_op *op)
{
    int64_t value;
    size_t count = strspn(parser->p, "0123456789");
    if (parser->use != LAYOUT_READS || op->field >= LAYOUT_SIZES ||
        !decimal_parse(evl_bytes(parser->p, count), &value) || value > INT32_MAX)
        return layout_fail(parser, "a number is ascii hex hex64 hex32 hex16 hex8 hex4 big64 big32 "
                                   "big16 big8 little64 little32 little16 little8 byte bool");
    op->coding = NUMBER_GIVEN;
    op->width = (int)value;
    parser->p += count;
    return EVL_OK;
}

static enum evl_error layout_number_modifier(struct layout_parser *parser, struct layout_op *op)
{
    for (size_t i = 0; i < sizeof number_codings / sizeof number_codings[0]; i++)
        if (layout_try(parser, number_codings[i].name)) {
            op->coding = number_codings[i].coding;
            op->width = number_codings[i].width;
            return EVL_OK;
        }
    return layout_given(parser, op);
}

/* ---- verbs --------------------------------------------------------------- */

static enum evl_error layout_close(struct layout_parser *parser)
{
    return layout_try(parser, "}") ? EVL_OK : layout_fail(parser, "} is missing");
}

static bool layout_has(const struct layout *format, enum layout_verb verb, enum layout_field field)
{
    for (size_t i = 0; i < format->count; i++)
        if (format->ops[i].verb == verb && format->ops[i].field == field)
            return true;
    return false;
}

static enum evl_error layout_text(struct layout_parser *parser, enum layout_field field)
{
    struct layout_op op = { .verb = LAYOUT_TEXT, .field = field, .coding = TEXT_PLAIN };
    enum layout_field size = LAYOUT_TOPIC_SIZE + (field - LAYOUT_TOPIC);
    op.sized = layout_has(parser->format, LAYOUT_NUMBER, size);
    enum evl_error err = EVL_OK;
    if (parser->use == LAYOUT_READS && layout_has(parser->format, LAYOUT_TEXT, field))
        err = layout_fail(parser, "this is there twice");
    if (!err && layout_try(parser, "{")) {
        err = layout_text_modifier(parser, &op);
        if (!err)
            err = layout_close(parser);
    }
    if (!err && op.sized && (op.coding == TEXT_REGEX || op.coding == TEXT_JSON))
        err = layout_fail(parser, "it has a size, and cannot have an end of its own");
    layout_add(parser, op); /* even on failure: it may own an expression */
    return err;
}

static enum evl_error layout_number(struct layout_parser *parser, enum layout_field field)
{
    struct layout_op op = { .verb = LAYOUT_NUMBER, .field = field, .coding = NUMBER_ASCII };
    enum evl_error err = EVL_OK;
    if (layout_try(parser, "{")) {
        err = layout_number_modifier(parser, &op);
        if (!err)
            err = layout_close(parser);
    }
    if (!err && parser->use == LAYOUT_READS && op.coding == NUMBER_HEX)
        err = layout_fail(parser, "for input hex needs a size: hex64 hex32 hex16 hex8 hex4");
    if (!err)
        layout_add(parser, op);
    return err;
}

static enum evl_error layout_timestamp(struct layout_parser *parser)
{
    struct evl_bytes text;
    if (!layout_try(parser, "{strftime"))
        return layout_number(parser, LAYOUT_TIMESTAMP);
    if (parser->use == LAYOUT_READS)
        return layout_fail(parser, "for input a timestamp is a number");
    enum evl_error err = layout_enclosed(parser, &text);
    if (err)
        return err;
    layout_add(parser, (struct layout_op){ .verb = LAYOUT_TIME,
                                           .field = LAYOUT_TIMESTAMP,
                                           .text = layout_keep(parser, text) });
    return layout_close(parser);
}

/* Behind %a. */
static enum evl_error layout_flags(struct layout_parser *parser)
{
    struct layout_op op = { .verb = LAYOUT_NUMBER, .coding = NUMBER_ASCII };
    if (parser->use == LAYOUT_READS)
        return layout_fail(parser, "%%a is for output");
    if (layout_try(parser, "{timestamp-type"))
        op.field = LAYOUT_TIMESTAMP_TYPE;
    else if (layout_try(parser, "{control-bit"))
        op.field = LAYOUT_CONTROL;
    else
        return layout_fail(parser, "%%a has {timestamp-type} and {control-bit}; a record does not "
                                   "know how its batch was made");
    enum evl_error err = layout_try(parser, ";") ? layout_number_modifier(parser, &op) : EVL_OK;
    if (err)
        return err;
    layout_add(parser, op);
    return layout_close(parser);
}

static enum evl_error layout_parse(struct layout_parser *parser);

/* Where the { that was just passed is closed; NULL if it is not. */
static const char *layout_matching(const struct layout_parser *parser)
{
    int depth = 1;
    for (const char *q = parser->p; q < parser->end; q++) {
        if ((*q != '{' && *q != '}') || q[-1] == '%')
            continue;
        depth += *q == '{' ? 1 : -1;
        if (depth == 0)
            return q;
    }
    return NULL;
}

static enum evl_error layout_headers(struct layout_parser *parser)
{
    if (!layout_try(parser, "{"))
        return layout_fail(parser, "%%h needs {...} that says how a header looks");
    if (parser->use == LAYOUT_READS &&
        !layout_has(parser->format, LAYOUT_NUMBER, LAYOUT_HEADER_COUNT))
        return layout_fail(parser, "for input %%H comes before %%h, and says how many there are");
    const char *end = layout_matching(parser);
    if (!end)
        return layout_fail(parser, "} is missing");
    struct layout_parser inner = *parser;
    inner.end = end;
    inner.is_header = true;
    inner.format = memory_take(1, sizeof *inner.format);
    buf_room(&inner.format->room, 2 * (size_t)(end - parser->p) + 1);
    layout_add(parser, (struct layout_op){ .verb = LAYOUT_HEADERS, .inner = inner.format });
    parser->p = end + 1;
    return layout_parse(&inner);
}

static enum evl_error layout_verb(struct layout_parser *parser)
{
    char c = *parser->p++;
    if (parser->is_header && !strchr("kvKV%{}", c)) {
        parser->p--;
        return layout_fail(parser, "a header has %%k %%v %%K %%V");
    }
    switch (c) {
    case '%':
    case '{':
    case '}': layout_add_literal(parser, (uint8_t)c); return EVL_OK;
    case 't': return layout_text(parser, LAYOUT_TOPIC);
    case 'k': return layout_text(parser, LAYOUT_KEY);
    case 'v':
    case 's': return layout_text(parser, LAYOUT_VALUE);
    case 'T': return layout_number(parser, LAYOUT_TOPIC_SIZE);
    case 'K': return layout_number(parser, LAYOUT_KEY_SIZE);
    case 'V':
    case 'S': return layout_number(parser, LAYOUT_VALUE_SIZE);
    case 'H': return layout_number(parser, LAYOUT_HEADER_COUNT);
    case 'h': return layout_headers(parser);
    case 'p': return layout_number(parser, LAYOUT_PARTITION);
    case 'o': return layout_number(parser, LAYOUT_OFFSET);
    case 'e': return layout_number(parser, LAYOUT_LEADER_EPOCH);
    case 'd': return layout_timestamp(parser);
    case 'a': return layout_flags(parser);
    case 'x': return layout_number(parser, LAYOUT_PRODUCER_ID);
    case 'y': return layout_number(parser, LAYOUT_PRODUCER_EPOCH);
    case 'i':
        if (parser->use == LAYOUT_WRITES)
            return layout_number(parser, LAYOUT_COUNT);
        break;
    default: break;
    }
    parser->p--;
    return layout_fail(parser, "%%%c means nothing here", c);
}

static enum evl_error layout_parse(struct layout_parser *parser)
{
    enum evl_error err = EVL_OK;
    while (!err && parser->p < parser->end) {
        char c = *parser->p++;
        if (c == '\\')
            err = layout_escape(parser);
        else if (c != '%')
            layout_add_literal(parser, (uint8_t)c);
        else if (parser->p == parser->end)
            err = layout_fail(parser, "a %% at the end; %%%% is a percent sign");
        else
            err = layout_verb(parser);
    }
    return err;
}

/* ---- the whole ----------------------------------------------------------- */

/* Does the text go to whatever follows it? */
static bool layout_is_open(const struct layout_op *op)
{
    return op->verb == LAYOUT_TEXT && !op->sized && op->coding != TEXT_REGEX &&
           op->coding != TEXT_JSON;
}

static bool layout_is_lines(const struct layout *f)
{
    if (f->count == 0 || f->ops[f->count - 1].verb != LAYOUT_LITERAL)
        return false;
    for (size_t i = 0; i < f->count; i++) {
        const struct layout_op *op = &f->ops[i];
        bool ok = op->verb == LAYOUT_LITERAL || layout_is_open(op) ||
                  (op->verb == LAYOUT_NUMBER && op->field >= LAYOUT_SIZES &&
                   op->coding != NUMBER_BIG && op->coding != NUMBER_LITTLE);
        if (!ok)
            return false;
    }
    return true;
}

/* What cannot be read although each part can. */
static enum evl_error layout_check(const struct layout *f, bool is_header)
{
    for (size_t i = 0; i < f->count; i++) {
        const struct layout_op *op = &f->ops[i];
        bool is_last = i + 1 == f->count;
        if (op->verb == LAYOUT_HEADERS) {
            enum evl_error err = layout_check(op->inner, true);
            if (err)
                return err;
        }
        if (layout_is_open(op) && (is_last ? is_header : op[1].verb != LAYOUT_LITERAL))
            return fail(EVL_ERR_USAGE,
                        "format string: nothing says where verb %zu ends; put text behind it, or "
                        "its size before it",
                        i + 1);
    }
    return f->count > 0 ? EVL_OK : fail(EVL_ERR_USAGE, "an empty format string");
}

enum evl_error layout_compile(const char *text, enum layout_use use, struct layout **format)
{
    struct layout *f = memory_take(1, sizeof *f);
    struct layout_parser parser = {
        .begin = text, .p = text, .end = text + strlen(text), .use = use, .format = f
    };
    buf_room(&f->room, 2 * strlen(text) + 1); /* each text, and an end */
    enum evl_error err = layout_parse(&parser);
    if (!err && use == LAYOUT_READS)
        err = layout_check(f, false);
    if (err) {
        layout_free(f);
        return err;
    }
    f->is_lines = layout_is_lines(f);
    *format = f;
    return EVL_OK;
}

void layout_free(struct layout *format)
{
    if (!format)
        return;
    for (size_t i = 0; i < format->count; i++) {
        expression_free(format->ops[i].expression);
        layout_free(format->ops[i].inner);
    }
    memory_free(format->ops);
    buf_release(&format->room);
    memory_free(format);
}

static enum evl_error layout_open_reader(struct evl_format_reader *r)
{
    enum evl_error err = layout_compile(r->options.string, LAYOUT_READS, &r->layout);
    if (err)
        return err;
    const struct layout_op *end = &r->layout->ops[r->layout->count - 1];
    r->options.delimiter = r->layout->is_lines ? end->text : evl_bytes(NULL, 0);
    return EVL_OK;
}

static enum evl_error layout_open_writer(struct evl_format_writer *w)
{
    tzset(); /* localtime_r need not */
    return layout_compile(w->options.string, LAYOUT_WRITES, &w->layout);
}

const struct format format_string = { .open_reader = layout_open_reader,
                                      .open_writer = layout_open_writer,
                                      .take = layout_take,
                                      .write = layout_write,
                                      .loss = layout_loss };
