/* options.c - reads a command line by its table.
 *
 * The rules are those of POSIX, and of GNU for long names: options and
 * operands mix unless POSIXLY_CORRECT is set, -- ends the options, short ones
 * may be bundled, an argument is joined to its option or follows it.  An
 * abbreviated long name is refused, with the whole one suggested: scripts live
 * longer than the uniqueness of a prefix. */
#include "tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <evl/text.h>

#define COMMON(letter, name, argument, kind, member, completes, help)           \
    {                                                                           \
        letter, name, argument, OPTION_##kind, offsetof(struct common, member), \
            COMPLETES_##completes, false, help                                  \
    }

/* clang-format off */
const struct option common_rows[] = {
    { .help = "Place and messages" },
    COMMON('d', "dir",       "DIR",  TEXT,  place.dir,     DIR,
           "The data directory. Default: EV_DIR, then ev.conf(5), then a directory of one's own."),
    COMMON('C', "profile",   "NAME", TEXT,  place.profile, PROFILE, "A profile of ev.conf(5)."),
    COMMON('q', "quiet",     NULL,   FLAG,  quiet,         NOTHING, "Say errors only."),
    COMMON('v', "verbose",   NULL,   COUNT, verbose,       NOTHING, "Say more; twice: still more."),
    COMMON('h', "help",      NULL,   FLAG,  help,          NOTHING, "Print a screen of help."),
    COMMON(0,   "help-json", NULL,   FLAG,  help_json,     NOTHING,
           "Print the options as JSON, for programs."),
    COMMON('V', "version",   NULL,   FLAG,  version,       NOTHING, "Print the version."),
    COMMON(0,   "print",     "man|bash|zsh|fish", TEXT, print, NOTHING, NULL),
    { 0 },
};
/* clang-format on */

/* A row, and where its value goes. */
struct match {
    const struct option *row;
    void *value;
};

/* One reading of a command line.  The first mistake is kept until the end:
 * --help behind it makes it void. */
struct reader {
    const struct grammar *grammar;
    char *const *argv;
    size_t count, at;
    struct evl_buffer mistake;
};

__attribute__((format(printf, 2, 3))) static void mistake(struct reader *r, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (r->mistake.count == 0)
        text_add(&r->mistake, text);
}

/* Rows are visited set by set; a command's own come first and so win. */
static struct match match_find(const struct grammar *grammar, char letter, const char *name)
{
    for (const struct option_set *set = grammar->sets; set->rows; set++)
        for (const struct option *row = set->rows; row->name || row->help; row++) {
            if (!row->name)
                continue;
            if (name ? strcmp(row->name, name) == 0 : row->letter == letter)
                return (struct match){ row, (char *)set->target + row->member };
        }
    return (struct match){ 0 };
}

static void unknown_name(struct reader *r, const char *name)
{
    struct nearest nearest = { .word = name };
    for (const struct option_set *set = r->grammar->sets; set->rows; set++)
        for (const struct option *row = set->rows; row->name || row->help; row++)
            if (row->name && row->help)
                nearest_try(&nearest, row->name);
    if (nearest.best)
        mistake(r, "no option --%s; did you mean --%s?", name, nearest.best);
    else
        mistake(r, "no option --%s; see %s -h", name, r->grammar->name);
}

bool number_read(const char *text, int64_t *number)
{
    char *end;
    errno = 0;
    if (*text < '0' || *text > '9')
        return false;
    long long value = strtoll(text, &end, 10);
    if (*end || errno)
        return false;
    *number = value;
    return true;
}

/* Which of "a|b|c" a word is, or -1. */
static int choice_find(const char *choices, const char *word)
{
    size_t length = strlen(word);
    int i = 0;
    for (const char *p = choices;; p++, i++) {
        size_t next = strcspn(p, "|");
        if (next == length && memcmp(p, word, length) == 0)
            return i;
        p += next;
        if (!*p)
            return -1;
    }
}

static void choice_put(struct reader *r, const struct option *row, int *value, const char *text)
{
    int which = choice_find(row->argument, text);
    if (which < 0)
        mistake(r, "--%s: '%s' is not one of %s", row->name, text, row->argument);
    else
        *value = which;
}

static void match_put(struct reader *r, struct match match, const char *text)
{
    const struct option *row = match.row;
    bool good = true;
    switch (row->kind) {
    case OPTION_FLAG: *(bool *)match.value = true; break;
    case OPTION_COUNT: ++*(int *)match.value; break;
    case OPTION_TEXT: *(const char **)match.value = text; break;
    case OPTION_LIST: words_add(match.value, text); break;
    case OPTION_NUMBER: good = number_read(text, match.value); break;
    case OPTION_SIZE: good = evl_parse_size(text, match.value); break;
    case OPTION_DURATION: good = evl_parse_duration(text, 1000, match.value); break;
    case OPTION_CHOICE: choice_put(r, row, match.value, text); break;
    }
    const char *wanted = row->kind == OPTION_NUMBER ? "a number, as 10"
                         : row->kind == OPTION_SIZE ? "a size, as 64k, 1M, 2GB"
                                                    : "a duration, as 90ms, 5s, 1h30m, 7d";
    if (!good)
        mistake(r, "--%s: '%s' is not %s", row->name, text, wanted);
}

static void long_read(struct reader *r, const char *word)
{
    size_t length = strcspn(word, "=");
    struct words name = { 0 };
    words_add_part(&name, word, length);
    const char *joined = word[length] ? word + length + 1 : NULL;
    struct match match = match_find(r->grammar, 0, name.at[0]);
    if (!match.row)
        unknown_name(r, name.at[0]);
    else if (!match.row->argument && joined)
        mistake(r, "--%s takes no argument", match.row->name);
    else if (!match.row->argument || joined || option_is_optional(match.row))
        match_put(r, match, joined ? joined : "");
    else if (r->at == r->count)
        mistake(r, "--%s needs an argument: %s", match.row->name, match.row->argument);
    else
        match_put(r, match, r->argv[r->at++]);
    words_release(&name);
}

static void short_read(struct reader *r, const char *letters)
{
    for (const char *p = letters; *p; p++) {
        struct match match = match_find(r->grammar, *p, NULL);
        if (!match.row) {
            mistake(r, "no option -%c; see %s -h", *p, r->grammar->name);
            return;
        }
        bool optional = option_is_optional(match.row);
        if (!match.row->argument || (optional && p[1] != '=')) {
            match_put(r, match, "");
            continue;
        }
        if (p[1])
            match_put(r, match, p + 1 + optional); /* -x=ID */
        else if (r->at == r->count)
            mistake(r, "-%c needs an argument: %s", *p, match.row->argument);
        else
            match_put(r, match, r->argv[r->at++]);
        return;
    }
}

static bool help_follows(const struct reader *r)
{
    for (size_t i = r->at; i < r->count; i++)
        if (strcmp(r->argv[i], "-h") == 0 || strcmp(r->argv[i], "--help") == 0)
            return true;
    return false;
}

int options_read(const struct grammar *grammar, char *const *argv, size_t count,
                 const struct common *common, struct words *operands, size_t *used)
{
    struct reader r = { .grammar = grammar, .argv = argv, .count = count };
    bool stops = grammar->stops || getenv("POSIXLY_CORRECT");
    bool ended = false;
    while (r.at < count) {
        const char *word = argv[r.at];
        bool operand = ended || word[0] != '-' || word[1] == '\0';
        if (operand && grammar->stops)
            break;
        r.at++;
        if ((grammar->runs_alone || (grammar->runs && operands->count)) &&
            strcmp(word, "--") == 0) {
            if (r.at == count)
                mistake(&r, "-- needs a COMMAND behind it");
            break;
        }
        ended = ended || (operand && stops);
        if (operand)
            words_add(operands, word);
        else if (strcmp(word, "--") == 0)
            ended = true;
        else if (word[1] == '-')
            long_read(&r, word + 2);
        else
            short_read(&r, word + 1);
    }
    *used = r.at;
    bool asked = common->help || help_follows(&r);
    int status = r.mistake.count && !asked ? say_usage("%s", text_end(&r.mistake)) : 0;
    evl_buffer_release(&r.mistake);
    return status;
}

int options_gather(struct words *words, char **argv)
{
    const char *defaults = getenv("EV_OPTS");
    if (defaults && !words_split(words, defaults))
        return say_usage("EV_OPTS: a quote is not closed");
    for (char **word = argv + 1; *word; word++)
        words_add(words, *word);
    return 0;
}
