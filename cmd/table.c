/* table.c - keeps cells until all are there, since a column is as wide as its
 * widest cell, and prints them in one of three forms.
 *
 * On a terminal that is too narrow for an aligned table, times have no seconds,
 * as with ls(1); then the last column, if it holds sentences, goes on below
 * itself; and where that is not enough, a row becomes a list of names and values.
 * A pipe gets every row as one line. */
#include "table.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

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

static void cell_for_people(const struct table *table, const struct table_cell *cell, bool brief,
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
    case CELL_TIME: {
        const char *time = evl_print_time(cell->number, table->utc, room);
        const char *seconds = brief ? strrchr(time, ':') : NULL;
        evl_buffer_add(text, time, seconds ? (size_t)(seconds - time) : strlen(time));
        break;
    }
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

/* ---- aligned ------------------------------------------------------------- */

enum {
    GAP = 2,           /* between columns */
    SENTENCE_MIN = 30, /* columns; a time is shorter, and stays in one line */
};

/* The cells as people read them, row by row, and the heading is the first. */
struct grid {
    struct evl_buffer *cells;
    size_t count, columns;
    size_t *widths;
    size_t width; /* of a row */
};

static void grid_fill(const struct table *table, bool brief, struct grid *grid)
{
    size_t columns = table->column_count;
    *grid = (struct grid){ .count = columns + table->count, .columns = columns };
    grid->cells = tool_take(grid->count, sizeof *grid->cells);
    grid->widths = tool_take(columns, sizeof *grid->widths);
    for (size_t i = 0; i < grid->count; i++) {
        if (i < columns)
            text_add(&grid->cells[i], table->columns[i].name);
        else
            cell_for_people(table, &table->cells[i - columns], brief, &grid->cells[i]);
        size_t width = text_width(text_end(&grid->cells[i]));
        if (width > grid->widths[i % columns])
            grid->widths[i % columns] = width;
    }
    for (size_t c = 0; c < columns; c++)
        grid->width += grid->widths[c] + (c ? GAP : 0);
}

static void grid_release(struct grid *grid)
{
    for (size_t i = 0; i < grid->count; i++)
        evl_buffer_release(&grid->cells[i]);
    free(grid->cells);
    free(grid->widths);
}

/* How much of a text fits into so many columns: up to a space, if it has one. */
static size_t line_bytes(const char *text, size_t columns)
{
    size_t at = 0, width = 0, space = 0;
    for (; text[at]; at++) {
        bool begins = ((unsigned char)text[at] & 0xc0) != 0x80; /* a character */
        if (text[at] == ' ')
            space = at;
        if (begins && width == columns)
            return space ? space : at;
        width += begins;
    }
    return at;
}

static void print_sentence(struct evl_buffer *text, const char *sentence, size_t indent,
                           size_t columns)
{
    for (;;) {
        size_t count = line_bytes(sentence, columns);
        evl_buffer_add(text, sentence, count);
        text_add(text, "\n");
        sentence += count;
        sentence += *sentence == ' ';
        if (!*sentence)
            return;
        text_repeat(text, ' ', indent);
    }
}

static void print_padded(struct evl_buffer *text, struct evl_buffer *cell, size_t width, bool right)
{
    size_t fill = width - text_width(text_end(cell));
    if (right)
        text_repeat(text, ' ', fill);
    evl_buffer_add(text, cell->at, cell->count);
    if (!right)
        text_repeat(text, ' ', fill);
}

/* A row is a line, and what does not fit of its last cell follows below that. */
static void print_rows(const struct table *table, const struct grid *grid, struct evl_buffer *text)
{
    for (size_t i = 0; i < grid->count; i++) {
        size_t c = i % grid->columns;
        size_t width = grid->widths[c];
        if (c + 1 < grid->columns || table->columns[c].right)
            print_padded(text, &grid->cells[i], width, table->columns[c].right);
        else
            print_sentence(text, text_end(&grid->cells[i]), grid->width - width, width);
        if (c + 1 < grid->columns)
            text_repeat(text, ' ', GAP);
        else if (table->columns[c].right)
            text_add(text, "\n");
    }
}

/* A row is a list of names and values. */
static void print_lists(const struct grid *grid, size_t screen, struct evl_buffer *text)
{
    size_t names = 0;
    for (size_t c = 0; c < grid->columns; c++) {
        size_t width = text_width(text_end(&grid->cells[c]));
        names = width > names ? width : names;
    }
    size_t indent = names + GAP;
    size_t width = screen < indent + SENTENCE_MIN ? SENTENCE_MIN : screen - indent;
    for (size_t i = grid->columns; i < grid->count; i++) {
        size_t c = i % grid->columns;
        if (c == 0 && i > grid->columns)
            text_add(text, "\n");
        print_padded(text, &grid->cells[c], indent, false);
        print_sentence(text, text_end(&grid->cells[i]), indent, width);
    }
}

/* Of the terminal that the table is printed on; a pipe has no end. */
static size_t screen_columns(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return SIZE_MAX;
    return size.ws_col;
}

static void print_aligned(const struct table *table, struct evl_buffer *text)
{
    struct grid grid;
    size_t screen = table->wide ? SIZE_MAX : screen_columns();
    grid_fill(table, false, &grid);
    if (grid.width > screen) {
        grid_release(&grid);
        grid_fill(table, true, &grid);
    }
    size_t *last = &grid.widths[grid.columns - 1];
    size_t others = grid.width - *last;
    if (grid.width > screen && screen >= others + SENTENCE_MIN) {
        *last = screen - others;
        grid.width = screen;
    }
    if (grid.width > screen && table->count)
        print_lists(&grid, screen, text);
    else
        print_rows(table, &grid, text);
    grid_release(&grid);
}

/* ---- for programs -------------------------------------------------------- */

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

/* ---- the whole ----------------------------------------------------------- */

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
