/* columns.c - which columns a tsv has, and in which order. */
#include "base/fault.h"
#include "base/memory.h"
#include "format/format.h"

static const struct {
    const char *name;
    enum column_kind kind;
} column_names[] = {
    { "topic", COLUMN_TOPIC },   { "partition", COLUMN_PARTITION },
    { "offset", COLUMN_OFFSET }, { "timestamp", COLUMN_TIMESTAMP },
    { "key", COLUMN_KEY },       { "timestamp_type", COLUMN_TIMESTAMP_TYPE },
    { "value", COLUMN_VALUE },   { "headers", COLUMN_HEADERS },
};

static const char header_prefix[] = "header:";
enum { HEADER_PREFIX = sizeof header_prefix - 1 };

static bool column_parse(struct evl_bytes word, struct column *column)
{
    for (size_t i = 0; i < sizeof column_names / sizeof column_names[0]; i++)
        if (evl_bytes_equal(word, evl_text(column_names[i].name))) {
            *column = (struct column){ .kind = column_names[i].kind };
            return true;
        }
    if (word.count < HEADER_PREFIX || memcmp(word.at, header_prefix, HEADER_PREFIX) != 0)
        return false;
    column->kind = COLUMN_HEADER;
    column->name = evl_bytes(word.at + HEADER_PREFIX, word.count - HEADER_PREFIX);
    return true;
}

/* A column that is there twice has two truths when read. */
static bool columns_repeat(const struct columns *columns, const struct column *column)
{
    for (size_t i = 0; i < columns->count; i++)
        if (columns->at[i].kind == column->kind &&
            (column->kind != COLUMN_HEADER || evl_bytes_equal(columns->at[i].name, column->name)))
            return true;
    return false;
}

static enum evl_error columns_add(struct columns *columns, struct evl_bytes word)
{
    struct column column = { 0 };
    if (!column_parse(word, &column))
        return fail(EVL_ERR_USAGE,
                    "no column '%.*s'; there are topic partition offset timestamp timestamp_type "
                    "key value headers header:NAME",
                    (int)word.count, (const char *)word.at);
    if (columns_repeat(columns, &column))
        return fail(EVL_ERR_USAGE, "column '%.*s' is there twice", (int)word.count,
                    (const char *)word.at);
    columns->at = memory_grow(columns->at, columns->count + 1, sizeof *columns->at);
    columns->at[columns->count++] = column;
    return EVL_OK;
}

enum evl_error columns_parse(const char *text, struct columns *columns)
{
    static const char between[] = ", ";
    for (const char *p = text + strspn(text, between); *p; p += strspn(p, between)) {
        size_t count = strcspn(p, between);
        enum evl_error err = columns_add(columns, evl_bytes(p, count));
        if (err)
            return err;
        p += count;
    }
    return columns->count > 0 ? EVL_OK : fail(EVL_ERR_USAGE, "no columns");
}

void columns_release(struct columns *columns)
{
    memory_free(columns->at);
    *columns = (struct columns){ 0 };
}

bool columns_have(const struct columns *columns, enum column_kind kind)
{
    for (size_t i = 0; i < columns->count; i++)
        if (columns->at[i].kind == kind)
            return true;
    return false;
}
