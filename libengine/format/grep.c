/* grep.c - which records are wanted. */
#include <evl/grep.h>

#include "base/fault.h"
#include "base/memory.h"
#include "format/expression.h"

enum grep_field {
    GREP_KEY,
    GREP_VALUE,
    GREP_TOPIC,
    GREP_HEADER_NAME,
    GREP_HEADER_VALUE,
    GREP_HEADER
};

static const struct {
    const char *prefix;
    enum grep_field field;
} grep_fields[] = {
    { "k:", GREP_KEY },          { "v:", GREP_VALUE },         { "t:", GREP_TOPIC },
    { "hk:", GREP_HEADER_NAME }, { "hv:", GREP_HEADER_VALUE }, { "h:", GREP_HEADER },
};

struct grep_filter {
    bool negated;
    enum grep_field field;
    char *name; /* of GREP_HEADER */
    char *text; /* FIXED; else NULL */
    struct expression *expression;
};

struct evl_grep {
    int flags;
    struct grep_filter *filters;
    size_t count;
};

struct evl_grep *evl_grep_open(int flags)
{
    struct evl_grep *grep = memory_take(1, sizeof *grep);
    grep->flags = flags;
    return grep;
}

static void grep_release(struct grep_filter *filter)
{
    expression_free(filter->expression);
    memory_free(filter->text);
    memory_free(filter->name);
}

void evl_grep_close(struct evl_grep *grep)
{
    if (!grep)
        return;
    for (size_t i = 0; i < grep->count; i++)
        grep_release(&grep->filters[i]);
    memory_free(grep->filters);
    memory_free(grep);
}

/* ---- filters ------------------------------------------------------------- */

static enum evl_error grep_compile(const struct evl_grep *grep, struct grep_filter *filter,
                                   const char *text)
{
    if (grep->flags & EVL_GREP_FIXED) {
        filter->text = memory_text(text);
        return EVL_OK;
    }
    int flags = REG_NOSUB | (grep->flags & EVL_GREP_IGNORE_CASE ? REG_ICASE : 0);
    return expression_make(text, flags, &filter->expression);
}

/* Take "k:" and its like from the front. */
static bool grep_take_field(const char **text, enum grep_field *field)
{
    for (size_t i = 0; i < sizeof grep_fields / sizeof grep_fields[0]; i++) {
        size_t count = strlen(grep_fields[i].prefix);
        if (strncmp(*text, grep_fields[i].prefix, count) != 0)
            continue;
        *text += count;
        *field = grep_fields[i].field;
        return true;
    }
    return false;
}

enum evl_error evl_grep_add(struct evl_grep *grep, const char *text)
{
    struct grep_filter filter = { .negated = *text == '!' };
    const char *p = text + filter.negated;
    if (!grep_take_field(&p, &filter.field))
        return fail(EVL_ERR_USAGE,
                    "filter '%s' begins with none of k: v: t: hk: hv: h:NAME=, nor with ! and one",
                    text);
    if (filter.field == GREP_HEADER) {
        const char *equals = strchr(p, '=');
        if (!equals)
            return fail(EVL_ERR_USAGE, "filter '%s' lacks = behind the header's name", text);
        filter.name = memory_text_part(p, (size_t)(equals - p));
        p = equals + 1;
    }
    enum evl_error err = grep_compile(grep, &filter, p);
    if (err) {
        memory_free(filter.name);
        return err;
    }
    grep->filters = memory_grow(grep->filters, grep->count + 1, sizeof *grep->filters);
    grep->filters[grep->count++] = filter;
    return EVL_OK;
}

/* ---- matching ------------------------------------------------------------ */

static uint8_t grep_lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c; }

static bool grep_holds_ignoring_case(struct evl_bytes field, struct evl_bytes part)
{
    for (size_t at = 0; at + part.count <= field.count; at++) {
        size_t i = 0;
        while (i < part.count && grep_lower(field.at[at + i]) == grep_lower(part.at[i]))
            i++;
        if (i == part.count)
            return true;
    }
    return false;
}

static bool grep_field_matches(const struct evl_grep *grep, const struct grep_filter *filter,
                               struct evl_bytes field)
{
    if (!field.at)
        return false;
    if (filter->text) {
        struct evl_bytes part = evl_text(filter->text);
        return grep->flags & EVL_GREP_IGNORE_CASE
                   ? grep_holds_ignoring_case(field, part)
                   : memmem(field.at, field.count, part.at, part.count) != NULL;
    }
    return expression_finds(filter->expression, field);
}

static bool grep_headers_match(const struct evl_grep *grep, const struct grep_filter *filter,
                               const struct evl_record *record)
{
    for (size_t i = 0; i < record->header_count; i++) {
        const struct evl_header *header = &record->headers[i];
        if (filter->name && !evl_bytes_equal(header->name, evl_text(filter->name)))
            continue;
        struct evl_bytes field = filter->field == GREP_HEADER_NAME ? header->name : header->value;
        if (grep_field_matches(grep, filter, field))
            return true;
    }
    return false;
}

static bool grep_matches(const struct evl_grep *grep, const struct grep_filter *filter,
                         const struct evl_record *record)
{
    switch (filter->field) {
    case GREP_KEY: return grep_field_matches(grep, filter, record->key);
    case GREP_VALUE: return grep_field_matches(grep, filter, record->value);
    case GREP_TOPIC: return grep_field_matches(grep, filter, record->topic);
    case GREP_HEADER_NAME:
    case GREP_HEADER_VALUE:
    case GREP_HEADER: return grep_headers_match(grep, filter, record);
    }
    return false;
}

bool evl_grep_wants(const struct evl_grep *grep, const struct evl_record *record)
{
    for (size_t i = 0; i < grep->count; i++)
        if (grep_matches(grep, &grep->filters[i], record) == grep->filters[i].negated)
            return false;
    return true;
}
