/* words.c - lists of words, and the quoting of a POSIX shell, without its
 * expansions: 'as it is', "with \" and \\", and \x outside of quotes. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>

static _Noreturn void out_of_memory(void)
{
    fputs("out of memory\n", stderr);
    abort();
}

void *tool_take(size_t count, size_t size)
{
    void *at = calloc(count ? count : 1, size);
    if (!at)
        out_of_memory();
    return at;
}

char *tool_text(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        out_of_memory();
    return copy;
}

void words_add_part(struct words *words, const char *at, size_t count)
{
    if (words->count == words->room) {
        words->room = words->room ? 2 * words->room : 8;
        words->at = realloc(words->at, words->room * sizeof *words->at);
        if (!words->at)
            out_of_memory();
    }
    char *word = tool_take(count + 1, 1);
    if (count)
        memcpy(word, at, count);
    words->at[words->count++] = word;
}

void words_add(struct words *words, const char *word) { words_add_part(words, word, strlen(word)); }

char **words_from(struct words *words, size_t from)
{
    if (from >= words->count)
        return NULL;
    words_add_part(words, "", 0); /* makes room, and is the place of the end */
    free(words->at[--words->count]);
    words->at[words->count] = NULL;
    return words->at + from;
}

void words_release(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->at[i]);
    free(words->at);
    *words = (struct words){ 0 };
}

/* One quoted or unquoted piece of a word, from *at on; false if a quote is not
 * closed. */
static bool piece_read(const char **at, struct evl_buffer *word)
{
    const char *p = *at;
    char quote = *p;
    if (quote != '\'' && quote != '"') {
        if (*p == '\\' && p[1])
            p++;
        evl_buffer_add(word, p, 1);
        *at = p + 1;
        return true;
    }
    for (p++; *p && *p != quote; p++) {
        if (quote == '"' && *p == '\\' && (p[1] == '"' || p[1] == '\\'))
            p++;
        evl_buffer_add(word, p, 1);
    }
    *at = *p ? p + 1 : p;
    return *p == quote;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool words_split(struct words *words, const char *line)
{
    struct evl_buffer word = { 0 };
    bool closed = true;
    const char *at = line;
    while (closed) {
        while (is_space(*at))
            at++;
        if (!*at || *at == '#')
            break;
        evl_buffer_clear(&word);
        while (closed && *at && !is_space(*at))
            closed = piece_read(&at, &word);
        words_add_part(words, (const char *)word.at, word.count);
    }
    evl_buffer_release(&word);
    return closed;
}
