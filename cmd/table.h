/* table.h - facts in rows: aligned for people, tabs or JSON for programs. */
#ifndef CMD_TABLE_H
#define CMD_TABLE_H

#include "tool.h"

enum table_form {
    TABLE_ALIGNED, /* a heading, and columns padded with spaces */
    TABLE_TSV,     /* no heading, tabs, plain numbers, - for empty */
    TABLE_JSON,    /* {"command":...,"version":1,"items":[...]} */
};

/* A name in capitals with hyphens; JSON has it in small letters. */
struct table_column {
    const char *name;
    bool right; /* numbers */
};

struct table_cell;

/* Cells are added one after the other, row by row. */
struct table {
    enum table_form form;
    const char *command;
    const struct table_column *columns;
    size_t column_count;
    struct table_cell *cells;
    size_t count, room;
    bool utc;
    bool wide; /* a row is one line, whatever the terminal shows of it */
};

/* `columns` end with one without a name; they are borrowed. */
void table_begin(struct table *table, enum table_form form, const char *command,
                 const struct table_column *columns);
void table_text(struct table *table, const char *text); /* NULL or "": empty */
void table_number(struct table *table, int64_t number);
void table_size(struct table *table, int64_t bytes);
void table_time(struct table *table, int64_t ms); /* EVL_NO_TIMESTAMP: empty */
void table_yes(struct table *table, bool yes);

/* Append all of it to `text`, and release the table. */
void table_end(struct table *table, struct evl_buffer *text);

/* A heading without rows tells people nothing when the work was refused. */
bool table_is_bare(const struct table *table);

#endif
