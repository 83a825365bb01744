/* help.c - the screen of -h, and the options as JSON.
 *
 * The screen shows examples first, then the usual options with the first
 * sentence of their help, then the names of the others: 24 lines are enough
 * for what most people look for, and the manual has the rest. */
#include "tool.h"

#include <stdio.h>

enum { SCREEN_COLUMNS = 79, NAME_COLUMNS = 26 };

/* The words of a|b|c would fill the line. */
static const char *argument_name(const struct option *row)
{
    return row->kind == OPTION_CHOICE && strlen(row->argument) > 12 ? "NAME" : row->argument;
}

static void row_name(const struct option *row, struct evl_buffer *text)
{
    if (row->letter)
        text_print(text, "-%c, ", row->letter);
    text_print(text, "--%s", row->name);
    if (row->argument)
        text_print(text, "%s%s", option_is_optional(row) ? "" : " ", argument_name(row));
}

static void row_print(const struct option *row, struct evl_buffer *text)
{
    struct evl_buffer name = { 0 };
    row_name(row, &name);
    const char *sentence = strstr(row->help, ". ");
    size_t length = sentence ? (size_t)(sentence - row->help) + 1 : strlen(row->help);
    size_t room = SCREEN_COLUMNS - 2 - NAME_COLUMNS - 1;
    text_print(text, "  %-*s %.*s\n", NAME_COLUMNS, text_end(&name),
               (int)(length < room ? length : room), row->help);
    evl_buffer_release(&name);
}

/* Add a word to a paragraph, on a new line if the old one is full. */
static void word_wrap(struct evl_buffer *text, size_t *column, const char *word)
{
    size_t width = text_width(word);
    if (*column + 1 + width >= SCREEN_COLUMNS) {
        text_add(text, "\n ");
        *column = 1;
    }
    text_print(text, " %s", word);
    *column += 1 + width;
}

/* Commands without a line of their own: "check age|disk" for a family. */
static void seldom_print(const struct grammar *const *commands, struct evl_buffer *text)
{
    struct evl_buffer word = { 0 };
    size_t column = 4, length = 0;
    text_add(text, "Also:");
    for (const struct grammar *const *c = commands; *c; c++) {
        bool same = length && strncmp((*c)->name, c[-1]->name, length + 1) == 0;
        const char *space = strchr((*c)->name, ' ');
        length = space ? (size_t)(space - (*c)->name) : 0;
        if (!(*c)->seldom)
            continue;
        if (word.count && !same) {
            word_wrap(text, &column, text_end(&word));
            evl_buffer_clear(&word);
        }
        text_print(&word, "%s%s", same ? "|" : "", same ? space + 1 : (*c)->name);
    }
    word_wrap(text, &column, text_end(&word));
    text_add(text, "\n");
    evl_buffer_release(&word);
}

static void others_print(const struct grammar *grammar, struct evl_buffer *text)
{
    size_t column = 6;
    text_add(text, "Others:");
    for (const struct option_set *set = grammar->sets; set->rows; set++)
        for (const struct option *row = set->rows; row->name || row->help; row++) {
            if (!row->name || !row->help || row->usual)
                continue;
            char name[64];
            snprintf(name, sizeof name, row->letter ? "--%s (-%c)" : "--%s", row->name,
                     row->letter);
            word_wrap(text, &column, name);
        }
    text_add(text, "\n");
}

/* A command is typed behind its tool's name. */
static void usage_print(const char *tool, const struct grammar *grammar, struct evl_buffer *text)
{
    text_print(text, "%s%s%s: %s\n", tool, *tool ? " " : "", grammar->name, grammar->summary);
    for (const char *const *line = grammar->usage; *line; line++)
        text_print(text, "%s %s%s%s\n", line == grammar->usage ? "usage:" : "      ", tool,
                   *tool ? " " : "", *line);
}

void help_print(const struct manual *manual, const struct grammar *grammar, struct evl_buffer *text)
{
    for (const char *const *line = grammar->examples; line && *line; line++)
        text_print(text, "  %s\n", *line);
    text_add(text, grammar->examples && *grammar->examples ? "\n" : "");
    usage_print(grammar == manual->tool ? "" : manual->tool->name, grammar, text);
    text_add(text, "\n");
    const struct grammar *const *commands = grammar == manual->tool ? manual->commands : NULL;
    for (const struct grammar *const *c = commands; c && *c; c++)
        if (!(*c)->seldom)
            text_print(text, "  %-10s %s\n", (*c)->name, (*c)->summary);
    if (commands)
        seldom_print(commands, text);
    for (const struct option_set *set = grammar->sets; set->rows; set++)
        for (const struct option *row = set->rows; row->name || row->help; row++)
            if (row->name && row->help && row->usual)
                row_print(row, text);
    others_print(grammar, text);
}

static void row_json(const struct option *row, struct evl_buffer *text)
{
    text_add(text, "{\"name\":");
    text_add_json(text, row->name);
    if (row->letter)
        text_print(text, ",\"letter\":\"%c\"", row->letter);
    if (row->argument) {
        text_add(text, ",\"argument\":");
        text_add_json(text, row->argument);
    }
    text_add(text, ",\"help\":");
    text_add_json(text, row->help);
    text_add(text, "}");
}

void help_json(const struct grammar *grammar, struct evl_buffer *text)
{
    text_add(text, "{\"name\":");
    text_add_json(text, grammar->name);
    text_add(text, ",\"summary\":");
    text_add_json(text, grammar->summary);
    text_add(text, ",\"usage\":[");
    for (const char *const *line = grammar->usage; *line; line++) {
        text_add(text, line == grammar->usage ? "" : ",");
        text_add_json(text, *line);
    }
    text_add(text, "],\"options\":[");
    bool first = true;
    for (const struct option_set *set = grammar->sets; set->rows; set++)
        for (const struct option *row = set->rows; row->name || row->help; row++) {
            if (!row->name || !row->help)
                continue;
            text_add(text, first ? "" : ",");
            row_json(row, text);
            first = false;
        }
    text_add(text, "]}");
}
