/* table.c - keeps cells until all are there, since a column is as wide as its
 * widest cell, and prints them in one of three forms. */
#include "table.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include <evl/text.h>

enum cell_kind { CELL_TEXT, CELL_NUMBER, CELL_SIZE, CELL_TIME, CELL_YES };

struct table_cell {
    enum cell_kind kind;
    char *text; /* CELL_TEXT; NULL: empty */
    int64_t number;
};

void table_begin(struct table *table, enum table_form form, const char *command,
                 const struct table_column *columns)
{
    *table = (struct table){ .form = form, .command = command, .columns = columns };
    while (columns[table->column_count].name)
        table->column_count++;
}

static struct table_cell *cell_add(struct table *table, enum cell_kind kind)
{
    if (table->count == table->room) {
        table->room = table->room ? 2 * table->room : 64;
        struct table_cell *more = tool_take(table->room, sizeof *more);
        if (table->count)
            memcpy(more, table->cells, table->count * sizeof *more);
        free(table->cells);
        table->cells = more;
    }
    struct table_cell *cell = &table->cells[table->count++];
    cell->kind = kind;
    return cell;
}

void table_text(struct table *table, const char *text)
{
    struct table_cell *cell = cell_add(table, CELL_TEXT);
    cell->text = text && *text ? tool_text(text) : NULL;
}

void table_number(struct table *table, int64_t number)
{
    cell_add(table, CELL_NUMBER)->number = number;
}

void table_size(struct table *table, int64_t bytes) { cell_add(table, CELL_SIZE)->number = bytes; }
void table_yes(struct table *table, bool yes) { cell_add(table, CELL_YES)->number = yes; }

void table_time(struct table *table, int64_t ms)
{
    if (ms == EVL_NO_TIMESTAMP)
        table_text(table, NULL);
    else
        cell_add(table, CELL_TIME)->number = ms;
}

/* ---- one cell ------------------------------------------------------------ */

static void cell_for_people(const struct table *table, const struct table_cell *cell,
                            struct evl_buffer *text)
{
    char room[EVL_TEXT_ROOM];
    switch (cell->kind) {
    case CELL_TEXT:
        if (cell->text)
            text_add_visible(text, cell->text, strlen(cell->text));
        else
            text_add(text, "-");
        break;
    case CELL_NUMBER: text_print(text, "%lld", (long long)cell->number); break;
    case CELL_SIZE: text_add(text, evl_print_size(cell->number, room)); break;
    case CELL_TIME: text_add(text, evl_print_time(cell->number, table->utc, room)); break;
    case CELL_YES: text_add(text, cell->number ? "yes" : "no"); break;
    }
}

/* A tab or a newline in a text would make two cells of it. */
static void cell_for_programs(const struct table_cell *cell, struct evl_buffer *text)
{
    if (cell->kind == CELL_TEXT && cell->text)
        text_add_visible(text, cell->text, strlen(cell->text));
    else if (cell->kind == CELL_TEXT)
        text_add(text, "-");
    else if (cell->kind == CELL_YES)
        text_add(text, cell->number ? "yes" : "no");
    else
        text_print(text, "%lld", (long long)cell->number);
}

static void cell_as_json(const struct table_cell *cell, struct evl_buffer *text)
{
    if (cell->kind == CELL_TEXT && cell->text)
        text_add_json(text, cell->text);
    else if (cell->kind == CELL_TEXT)
        text_add(text, "null");
    else if (cell->kind == CELL_YES)
        text_add(text, cell->number ? "true" : "false");
    else
        text_print(text, "%lld", (long long)cell->number);
}

/* ---- the whole ----------------------------------------------------------- */

static void print_padded(struct evl_buffer *text, struct evl_buffer *cell, size_t width, bool right,
                         bool last)
{
    size_t fill = width - text_width(text_end(cell));
    if (right)
        text_repeat(text, ' ', fill);
    evl_buffer_add(text, cell->at, cell->count);
    if (!right && !last)
        text_repeat(text, ' ', fill);
    text_add(text, last ? "\n" : "  ");
}

static void print_aligned(const struct table *table, struct evl_buffer *text)
{
    size_t columns = table->column_count;
    size_t count = columns + table->count;
    struct evl_buffer *cells = tool_take(count, sizeof *cells);
    size_t *widths = tool_take(columns, sizeof *widths);
    for (size_t i = 0; i < count; i++) {
        if (i < columns)
            text_add(&cells[i], table->columns[i].name);
        else
            cell_for_people(table, &table->cells[i - columns], &cells[i]);
        size_t width = text_width(text_end(&cells[i]));
        if (width > widths[i % columns])
            widths[i % columns] = width;
    }
    for (size_t i = 0; i < count; i++) {
        size_t c = i % columns;
        print_padded(text, &cells[i], widths[c], table->columns[c].right, c + 1 == columns);
        evl_buffer_release(&cells[i]);
    }
    free(cells);
    free(widths);
}

static void print_tsv(const struct table *table, struct evl_buffer *text)
{
    for (size_t i = 0; i < table->count; i++) {
        cell_for_programs(&table->cells[i], text);
        text_add(text, (i + 1) % table->column_count ? "\t" : "\n");
    }
}

static void print_json(const struct table *table, struct evl_buffer *text)
{
    text_add(text, "{\"command\":");
    text_add_json(text, table->command);
    text_add(text, ",\"version\":1,\"items\":[");
    for (size_t i = 0; i < table->count; i++) {
        size_t c = i % table->column_count;
        text_add(text, c ? ",\"" : i ? ",{\"" : "{\"");
        for (const char *p = table->columns[c].name; *p; p++)
            text_print(text, "%c", tolower((unsigned char)*p));
        text_add(text, "\":");
        cell_as_json(&table->cells[i], text);
        text_add(text, c + 1 == table->column_count ? "}" : "");
    }
    text_add(text, "]}\n");
}

bool table_is_bare(const struct table *table)
{
    return table->form == TABLE_ALIGNED && table->count == 0;
}

void table_end(struct table *table, struct evl_buffer *text)
{
    switch (table->form) {
    case TABLE_ALIGNED: print_aligned(table, text); break;
    case TABLE_TSV: print_tsv(table, text); break;
    case TABLE_JSON: print_json(table, text); break;
    }
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i].text);
    free(table->cells);
    *table = (struct table){ 0 };
}
