/* evtopic.c - topics: look at them, make, change, check and remove them.
 *
 * This file finds the command and runs it, or a script of them; the commands
 * are in evtopic_*.c. */
#include "evtopic.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* clang-format off */
#define ROW(letter, name, argument, kind, member, usual, help) \
    { letter, name, argument, OPTION_##kind, offsetof(struct evtopic, member), \
      COMPLETES_NOTHING, usual, help }

static const struct option rows[] = {
    { .help = "Every command" },
    ROW('n', "dry-run", NULL, FLAG, dry, true,
        "Print the plan as commands; do nothing."),
    ROW('y', "yes", NULL, FLAG, yes, false,
        "Do not ask. Needed without a terminal, where nobody can answer."),
    ROW('j', "json", NULL, FLAG, json, false, "Print one JSON document."),
    ROW(0, "tsv", NULL, FLAG, tsv, false,
        "Print columns between tabs, without a heading and with plain numbers; - is empty."),
    ROW(0, "utc", NULL, FLAG, utc, false, "Read and print times in UTC, not in the local zone."),
    ROW(0, "progress", "auto|always|never", CHOICE, progress, false,
        "Whether long work shows how far it is. Auto: on a terminal, after two seconds."),
    { 0 },
};
/* clang-format on */

static const char *const usage[] = {
    "evtopic [options] COMMAND [ARGUMENT...]",
    NULL,
};
static const char *const examples[] = {
    "evtopic create orders -P 12 -c retention.ms=30d",
    "evtopic ls -l",
    NULL,
};

const struct command *const evtopic_commands[] = {
    &command_ls,
    &command_create,
    &command_rm,
    &command_describe,
    &command_alter,
    &command_config,
    &command_trim,
    &command_offsets,
    &command_mv,
    &command_compact,
    &command_clean,
    &command_check_log,
    &command_dump,
    &command_diff,
    &command_apply,
    &command_group_ls,
    &command_group_describe,
    &command_group_lag,
    &command_group_members,
    &command_group_offsets,
    &command_group_reset,
    &command_group_clone,
    &command_group_rm,
    &command_group_rm_offsets,
    &command_txn_ls,
    &command_txn_describe,
    &command_txn_producers,
    &command_txn_abort,
    &command_check_lag,
    &command_check_age,
    &command_check_disk,
    &command_top,
    NULL,
};
enum { COMMANDS = sizeof evtopic_commands / sizeof *evtopic_commands - 1 };

static struct grammar tool_grammar(struct evtopic *t)
{
    return (struct grammar){
        .name = "evtopic",
        .summary = "look at topics, make, change, check and remove them",
        .usage = usage,
        .examples = examples,
        .sets = { { rows, t }, { common_rows, &t->common } },
        .stops = true,
    };
}

static struct grammar command_grammar(struct evtopic *t, const struct command *command)
{
    struct grammar grammar = command->grammar;
    size_t i = grammar.sets[0].rows ? 1 : 0;
    grammar.sets[i++] = (struct option_set){ rows, t };
    grammar.sets[i] = (struct option_set){ common_rows, &t->common };
    return grammar;
}

/* ---- finding a command --------------------------------------------------- */

/* Behind "group" in the name "group ls": "ls"; NULL if it is of another family. */
static const char *family_member(const char *name, const char *family)
{
    size_t length = strlen(family);
    return strncmp(name, family, length) == 0 && name[length] == ' ' ? name + length + 1 : NULL;
}

const struct command *command_find(char *const *argv, size_t count, size_t *words)
{
    const char *whole = strcmp(argv[0], "d") == 0 ? "describe" : argv[0];
    for (const struct command *const *c = evtopic_commands; *c; c++) {
        const char *member = family_member((*c)->grammar.name, whole);
        *words = member ? 2 : 1;
        if (member ? count > 1 && strcmp(member, argv[1]) == 0
                   : strcmp((*c)->grammar.name, whole) == 0)
            return *c;
    }
    return NULL;
}

/* The family is right, its member is not: say which there are. */
static bool family_say(const char *family, const char *word)
{
    struct evl_buffer members = { 0 };
    for (const struct command *const *c = evtopic_commands; *c; c++) {
        const char *member = family_member((*c)->grammar.name, family);
        if (member)
            text_print(&members, "%s%s", members.count ? ", " : "", member);
    }
    bool any = members.count > 0;
    if (any)
        (void)say_usage(word ? "no command '%s %s'; there are %s" : "%s: what?%s There are %s",
                        family, word ? word : "", text_end(&members));
    evl_buffer_release(&members);
    return any;
}

static int command_unknown(char *const *argv, size_t count)
{
    struct nearest nearest = { .word = argv[0] };
    if (family_say(argv[0], count > 1 ? argv[1] : NULL))
        return EXIT_USAGE;
    for (const struct command *const *c = evtopic_commands; *c; c++)
        nearest_try(&nearest, (*c)->grammar.name);
    if (nearest.best)
        return say_usage("no command '%s'; did you mean %s?", argv[0], nearest.best);
    return say_usage("no command '%s'; see evtopic -h", argv[0]);
}

/* ---- running one --------------------------------------------------------- */

/* A script keeps the place open, but for a command that needs more of it. */
int evtopic_open(struct evtopic *t, enum spot_use use)
{
    if (t->dry && use == SPOT_CREATE)
        use = SPOT_WRITE;
    if (t->place && t->use >= use)
        return 0;
    evl_place_close(t->place);
    t->place = NULL;
    int status = t->spot.dir ? 0 : spot_find(&t->common.place, &t->spot);
    if (status == 0)
        status = spot_open(&t->spot, use, false, &t->place);
    t->use = use;
    return status;
}

static int operands_count(const struct command *command, size_t count)
{
    const char *name = command->grammar.name;
    if (count < command->operands_min)
        return say_usage("%s: something is missing; usage: %s", name, command->grammar.usage[0]);
    if (count > command->operands_max)
        return say_usage("%s: too much; usage: %s", name, command->grammar.usage[0]);
    return 0;
}

/* A monitor shows a line of stdout and counts to 3; stderr has said why. */
static int monitor_unknown(void)
{
    static const char line[] = "UNKNOWN - could not look; see stderr\n";
    (void)!write(STDOUT_FILENO, line, sizeof line - 1);
    return 3;
}

static int command_do(struct evtopic *t, const struct command *command,
                      const struct words *operands)
{
    int status = operands_count(command, operands->count);
    if (status == 0)
        status = evtopic_open(t, command->use);
    if (status)
        return command->monitors ? monitor_unknown() : status;
    t->command = command->grammar.name;
    status = command->run(t, operands);
    if (t->table.columns && status && table_is_bare(&t->table))
        t->table = (struct table){ 0 };
    if (t->table.columns)
        table_end(&t->table, &t->out);
    int written = text_write(STDOUT_FILENO, "stdout", &t->out);
    evl_buffer_clear(&t->out);
    return status ? status : written;
}

/* What the last run of a command in this script has left. */
static void options_clear(const struct command *command)
{
    const struct option_set *own = &command->grammar.sets[0];
    if (!own->rows)
        return;
    for (const struct option *row = own->rows; row->name || row->help; row++)
        if (row->kind == OPTION_LIST && row->name)
            words_release((struct words *)(void *)((char *)own->target + row->member));
    memset(own->target, 0, command->options_size);
}

/* Help and the like: about a command, or (NULL) about all. */
static int manual_asked(struct evtopic *t, const struct grammar *grammar, bool *asked)
{
    struct grammar tool = tool_grammar(t);
    const struct grammar *commands[COMMANDS + 1] = { NULL };
    for (int i = 0; i < COMMANDS; i++)
        commands[i] = &evtopic_commands[i]->grammar;
    struct manual manual = { &tool, commands };
    int status = 0;
    *asked = tool_is_asked(&manual, grammar ? grammar : &tool, &t->common, &status);
    return status;
}

int command_run(struct evtopic *t, char *const *argv, size_t count)
{
    size_t named;
    const struct command *command = command_find(argv, count, &named);
    if (!command)
        return command_unknown(argv, count);
    struct words operands = { 0 };
    size_t used;
    struct grammar grammar = command_grammar(t, command);
    struct evtopic before = *t; /* options behind the command hold for it alone */
    options_clear(command);
    int status = options_read(&grammar, argv + named, count - named, &t->common, &operands, &used);
    if (status && command->monitors)
        status = monitor_unknown();
    bool asked = false;
    if (status == 0)
        status = manual_asked(t, &grammar, &asked);
    say_volume(t->common.quiet, t->common.verbose);
    if (status == 0 && !asked)
        status = command_do(t, command, &operands);
    words_release(&operands);
    t->common = before.common;
    t->dry = before.dry;
    t->yes = before.yes;
    t->json = before.json;
    t->tsv = before.tsv;
    t->utc = before.utc;
    return status;
}

/* ---- scripts ------------------------------------------------------------- */

bool script_next(FILE *file, struct evl_buffer *line, int64_t *number)
{
    char *part = NULL;
    size_t room = 0;
    bool any = false, more = true;
    evl_buffer_clear(line);
    while (more) {
        ssize_t count = getline(&part, &room, file);
        if (count < 0)
            break;
        any = true;
        ++*number;
        if (count > 0 && part[count - 1] == '\n')
            count--;
        more = count > 0 && part[count - 1] == '\\';
        evl_buffer_add(line, part, (size_t)(more ? count - 1 : count));
    }
    free(part);
    return any;
}

int evtopic_line(struct evtopic *t, const char *line)
{
    struct words words = { 0 };
    int status = 0;
    if (!words_split(&words, line))
        status = say_usage("a quote is not closed");
    else if (words.count && strcmp(words.at[0], "evtopic") == 0)
        status = say_usage("a line begins with the command, without evtopic");
    else if (words.count)
        status = command_run(t, words.at, words.count);
    words_release(&words);
    return status;
}

static int script_run(struct evtopic *t)
{
    struct evl_buffer line = { 0 };
    int64_t number = 0;
    int status = 0;
    t->script = true;
    for (int64_t first = 1; status == 0 && script_next(stdin, &line, &number); first = number + 1) {
        char where[64];
        snprintf(where, sizeof where, "stdin:%lld", (long long)first);
        say_where(where);
        status = evtopic_line(t, text_end(&line));
    }
    say_where(NULL);
    evl_buffer_release(&line);
    return status;
}

/* The hidden --complete: what stands before it says which place. */
static size_t complete_find(const struct words *words)
{
    size_t i = 0;
    while (i < words->count && strcmp(words->at[i], "--complete") != 0)
        i++;
    return i;
}

static int arguments_run(struct evtopic *t, const struct words *words)
{
    struct words none = { 0 };
    size_t used, count = complete_find(words);
    struct grammar grammar = tool_grammar(t);
    int status = options_read(&grammar, words->at, count, &t->common, &none, &used);
    say_volume(t->common.quiet, t->common.verbose);
    if (status == 0 && count < words->count)
        return complete(t, words->at + count + 1, words->count - count - 1);
    if (status == 0 && used < count)
        return command_run(t, words->at + used, count - used);
    bool asked = false;
    if (status == 0)
        status = manual_asked(t, NULL, &asked);
    if (asked || status)
        return status;
    if (isatty(STDIN_FILENO))
        return say_usage("no command; see evtopic -h");
    return script_run(t);
}

int main(int argc, char **argv)
{
    (void)argc;
    tool_begin("evtopic");
    signals_begin();
    static struct evtopic t;
    struct words words = { 0 };
    int status = options_gather(&words, argv);
    if (status == 0)
        status = arguments_run(&t, &words);
    evl_place_close(t.place);
    spot_release(&t.spot);
    evl_buffer_release(&t.out);
    words_release(&words);
    if (close(STDOUT_FILENO) < 0 && status == 0)
        status = say_system("stdout");
    tool_exit(status);
}
