/* docs.c - what the option tables say to manuals and shells: the lists between
 * the markers of man/, and the whole files of completions/.  `make docs` runs
 * it (--print=man|bash|zsh|fish). */
#include "tool.h"

#include <stdio.h>

#include <evl/version.h>

#define EACH_ROW(grammar, row)                                             \
    for (const struct option_set *set = (grammar)->sets; set->rows; set++) \
        for (const struct option *row = set->rows; row->name || row->help; row++)

/* ---- mdoc ---------------------------------------------------------------- */

/* In lines of at most 80 bytes, which mandoc asks of a manual's source. */
static void man_sentence(const char *words, size_t length, struct evl_buffer *text)
{
    enum { LINE = 80 };
    size_t column = 0;
    for (size_t at = 0, end; at < length; at = end + 1) {
        size_t bytes = 0;
        for (end = at; end < length && words[end] != ' '; end++)
            bytes += words[end] == '\\' ? 2 : 1;
        bool fits = column + 1 + bytes <= LINE;
        if (column)
            text_add(text, fits ? " " : "\n");
        column = column && fits ? column + 1 + bytes : bytes;
        for (size_t i = at; i < end; i++)
            text_print(text, words[i] == '\\' ? "\\e" : "%c", words[i]);
    }
    text_add(text, "\n");
}

static void man_row(const struct option *row, struct evl_buffer *text)
{
    text_add(text, ".It");
    if (row->letter)
        text_print(text, " Fl %c ,", row->letter);
    text_print(text, " Fl Fl %s", row->name);
    if (option_is_optional(row))
        text_print(text, "Ns Oo = Ns Ar %.*s Oc", (int)strlen(row->argument) - 3,
                   row->argument + 2);
    else if (row->argument)
        text_print(text, " Ar %s", row->argument);
    text_add(text, "\n");
    /* A sentence begins on a line of its own in mdoc. */
    for (const char *p = row->help; *p;) {
        const char *end = strstr(p, ". ");
        size_t length = end ? (size_t)(end - p) + 1 : strlen(p);
        man_sentence(p, length, text);
        p += length + (end ? 1 : 0);
    }
}

static void man_options(const struct grammar *grammar, struct evl_buffer *text, size_t set_count)
{
    bool open = false;
    for (size_t i = 0; i < set_count && grammar->sets[i].rows; i++)
        for (const struct option *row = grammar->sets[i].rows; row->name || row->help; row++) {
            if (row->name && !row->help)
                continue;
            if (!row->name) {
                text_print(text, "%s.Ss %s\n.Bl -tag -width Ds\n", open ? ".El\n" : "", row->help);
                open = true;
                continue;
            }
            if (!open)
                text_add(text, ".Bl -tag -width Ds\n");
            open = true;
            man_row(row, text);
        }
    if (open)
        text_add(text, ".El\n");
}

static void man_print(const struct manual *manual, struct evl_buffer *text)
{
    man_options(manual->tool, text, 4);
    if (!manual->commands)
        return;
    text_add(text, ".Sh COMMANDS\n");
    for (const struct grammar *const *c = manual->commands; *c; c++) {
        /* A bracket at the end of a macro is a delimiter, but for the \&. */
        text_print(text, ".Ss %s\n.D1 Nm Cm %s\\&\n", (*c)->name, (*c)->usage[0]);
        text_print(text, "%s.\n", (*c)->summary);
        man_options(*c, text, 1);
    }
}

/* ---- words for the shells ------------------------------------------------ */

static void words_of(const struct grammar *grammar, struct evl_buffer *text)
{
    EACH_ROW(grammar, row)
    {
        if (!row->name || !row->help)
            continue;
        text_print(text, "%s--%s", text->count ? " " : "", row->name);
        if (row->letter)
            text_print(text, " -%c", row->letter);
    }
}

/* What to offer for an argument, as the hidden `evtopic --complete` calls it. */
static const char *completes_name(enum option_completes completes)
{
    switch (completes) {
    case COMPLETES_NOTHING: return "nothing";
    case COMPLETES_FILE: return "file";
    case COMPLETES_DIR: return "dir";
    case COMPLETES_TOPIC: return "topics";
    case COMPLETES_GROUP: return "groups";
    case COMPLETES_SETTING: return "settings";
    case COMPLETES_PROFILE: return "profiles";
    }
    return "nothing";
}

static void add_spaced(struct evl_buffer *text, const char *choices)
{
    for (const char *p = choices; *p; p++)
        text_print(text, "%c", *p == '|' ? ' ' : *p);
}

/* ---- bash ---------------------------------------------------------------- */

static void bash_arguments(const struct grammar *grammar, struct evl_buffer *text)
{
    EACH_ROW(grammar, row)
    {
        if (!row->name || !row->help || !row->argument || option_is_optional(row))
            continue;
        text_print(text, "    '%s':--%s", grammar->name, row->name);
        if (row->letter)
            text_print(text, "|'%s':-%c", grammar->name, row->letter);
        text_add(text, ") ");
        if (row->kind == OPTION_CHOICE) {
            text_add(text, "words='");
            add_spaced(text, row->argument);
            text_add(text, "'");
        } else {
            text_print(text, "what=%s", completes_name(row->completes));
        }
        text_add(text, " ;;\n");
    }
}

static void bash_words(const struct grammar *grammar, struct evl_buffer *text, const char *more)
{
    struct evl_buffer words = { 0 };
    words_of(grammar, &words);
    text_print(text, "    '%s':-*) words='%s' ;;\n", grammar->name, text_end(&words));
    if (more)
        text_print(text, "    '%s':*) words='%s' ;;\n", grammar->name, more);
    else
        text_print(text, "    '%s':*) what=%s ;;\n", grammar->name,
                   completes_name(grammar->operand));
    evl_buffer_release(&words);
}

/* What may stand first on a line: the names of one word, and each family once. */
static void command_names(const struct manual *manual, struct evl_buffer *text)
{
    const char *last = "";
    size_t last_length = 0;
    for (const struct grammar *const *c = manual->commands; c && *c; c++) {
        size_t length = strcspn((*c)->name, " ");
        if (length == last_length && strncmp((*c)->name, last, length) == 0)
            continue;
        last = (*c)->name;
        last_length = length;
        text_print(text, "%s%.*s", text->count ? " " : "", (int)length, last);
    }
}

/* The second words of a family. */
static void member_names(const struct manual *manual, const char *name, struct evl_buffer *text)
{
    size_t length = strcspn(name, " ");
    for (const struct grammar *const *c = manual->commands; c && *c; c++)
        if (strncmp((*c)->name, name, length + 1) == 0)
            text_print(text, "%s%s", text->count ? " " : "", (*c)->name + length + 1);
}

/* All names of two words. */
static void pair_names(const struct manual *manual, const char *between, struct evl_buffer *text)
{
    for (const struct grammar *const *c = manual->commands; c && *c; c++)
        if (strchr((*c)->name, ' '))
            text_print(text, "%s%s", text->count ? between : "", (*c)->name);
}

/* Whether this is the first of a family: those stand together. */
static bool family_begins(const struct manual *manual, const struct grammar *const *c)
{
    size_t length = strcspn((*c)->name, " ");
    return (*c)->name[length] &&
           (c == manual->commands || strncmp(c[-1]->name, (*c)->name, length + 1) != 0);
}

static void bash_family(const struct manual *manual, const char *name, struct evl_buffer *text)
{
    struct evl_buffer members = { 0 };
    member_names(manual, name, &members);
    text_print(text, "    '%.*s':*) words='%s' ;;\n", (int)strcspn(name, " "), name,
               text_end(&members));
    evl_buffer_release(&members);
}

static const char bash_find_command[] =
    "    local name='%s' place=() i\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        case ${COMP_WORDS[i]} in\n"
    "        -d|--dir|-C|--profile) place=(\"${COMP_WORDS[@]:i:2}\"); ((i++)) ;;\n"
    "        -*) ;;\n"
    "        *) if [[ $name = %s ]]; then\n"
    "                [[ \" %s \" = *\" ${COMP_WORDS[i]} \"* ]] && name=${COMP_WORDS[i]}\n"
    "            elif [[ \":%s:\" = *\":$name ${COMP_WORDS[i]}:\"* ]]; then\n"
    "                name+=\" ${COMP_WORDS[i]}\"\n"
    "            fi ;;\n"
    "        esac\n"
    "    done\n";

static const char bash_answer[] =
    "    case $what in\n"
    "    nothing) ;;\n"
    "    file) mapfile -t COMPREPLY < <(compgen -f -- \"$word\") ;;\n"
    "    dir) mapfile -t COMPREPLY < <(compgen -d -- \"$word\") ;;\n"
    "    ?*) words=$(evtopic \"${place[@]}\" --complete \"$what\" \"$word\" 2>/dev/null) ;;\n"
    "    esac\n"
    "    [[ -z $words ]] || mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n";

static void bash_print(const struct manual *manual, struct evl_buffer *text)
{
    const char *tool = manual->tool->name;
    struct evl_buffer commands = { 0 }, pairs = { 0 };
    command_names(manual, &commands);
    pair_names(manual, ":", &pairs);
    text_print(text, "# bash completion of %s(1); `make docs` writes it\n\n_%s()\n{\n", tool, tool);
    text_add(text, "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n");
    text_add(text, "    local words='' what=''\n");
    text_print(text, bash_find_command, tool, tool, text_end(&commands), text_end(&pairs));
    text_add(text, "    case $name:$before in\n");
    bash_arguments(manual->tool, text);
    for (const struct grammar *const *c = manual->commands; c && *c; c++)
        bash_arguments(*c, text);
    text_add(text, "    *) case $name:$word in\n");
    bash_words(manual->tool, text, manual->commands ? text_end(&commands) : NULL);
    for (const struct grammar *const *c = manual->commands; c && *c; c++) {
        if (family_begins(manual, c))
            bash_family(manual, (*c)->name, text);
        bash_words(*c, text, NULL);
    }
    text_print(text, "    esac ;;\n    esac\n%s}\ncomplete -F _%s %s\n", bash_answer, tool, tool);
    evl_buffer_release(&commands);
    evl_buffer_release(&pairs);
}

/* ---- zsh ----------------------------------------------------------------- */

/* Text inside of a single-quoted specification of _arguments. */
static void zsh_text(struct evl_buffer *text, const char *words, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (words[i] == '\'')
            text_add(text, "'\\''");
        else if (strchr("[]:\\", words[i]))
            text_print(text, "\\%c", words[i]);
        else
            text_print(text, "%c", words[i]);
}

/* The space in front of an action keeps _arguments from giving it more words. */
static void zsh_action(const struct option *row, struct evl_buffer *text)
{
    bool optional = option_is_optional(row);
    text_print(text, "%s:", optional ? ":" : "");
    zsh_text(text, row->name, strlen(row->name));
    text_add(text, ":");
    if (row->kind == OPTION_CHOICE) {
        text_add(text, "(");
        add_spaced(text, row->argument);
        text_add(text, ")");
    } else if (row->completes == COMPLETES_FILE) {
        text_add(text, "_files");
    } else if (row->completes == COMPLETES_DIR) {
        text_add(text, "_files -/");
    } else if (row->completes != COMPLETES_NOTHING) {
        text_print(text, " _ev_ask %s", completes_name(row->completes));
    }
}

static void zsh_row(const struct option *row, const char *name, struct evl_buffer *text)
{
    const char *end = strstr(row->help, ". ");
    const char *join = !row->argument ? "" : option_is_optional(row) ? "=-" : "=";
    text_print(text, "        '*%s%s[", name, name[1] == '-' ? join : "");
    zsh_text(text, row->help, end ? (size_t)(end - row->help) : strlen(row->help));
    text_add(text, "]");
    if (row->argument)
        zsh_action(row, text);
    text_add(text, "' \\\n");
}

static void zsh_rows(const struct grammar *grammar, struct evl_buffer *text)
{
    EACH_ROW(grammar, row)
    {
        if (!row->name || !row->help)
            continue;
        char name[64];
        snprintf(name, sizeof name, "--%s", row->name);
        zsh_row(row, name, text);
        snprintf(name, sizeof name, "-%c", row->letter);
        if (row->letter)
            zsh_row(row, name, text);
    }
}

static void zsh_operands(enum option_completes completes, struct evl_buffer *text)
{
    if (completes == COMPLETES_FILE)
        text_add(text, "        '*:file:_files'\n");
    else
        text_print(text, "        '*:name: _ev_ask %s'\n", completes_name(completes));
}

/* The first word of a family is there: its second ones are what may follow. */
static void zsh_family(const struct manual *manual, const char *name, struct evl_buffer *text)
{
    struct evl_buffer members = { 0 };
    member_names(manual, name, &members);
    text_print(text, "    [[ $name != %.*s ]] || { compadd %s; return }\n", (int)strcspn(name, " "),
               name, text_end(&members));
    evl_buffer_release(&members);
}

static void zsh_print(const struct manual *manual, struct evl_buffer *text)
{
    const char *tool = manual->tool->name;
    text_print(text, "#compdef %s\n# zsh completion of %s(1); `make docs` writes it\n\n", tool,
               tool);
    text_add(text, "_ev_ask()\n{\n    local -a place names\n"
                   "    local i=${words[(I)(-d|--dir|-C|--profile)]}\n"
                   "    ((i)) && place=(\"${words[@]:i-1:2}\")\n"
                   "    names=(${(f)\"$(evtopic $place --complete $1 \"$PREFIX\" 2>/dev/null)\"})\n"
                   "    compadd -a names\n}\n\n");
    text_print(text, "_%s()\n{\n", tool);
    if (manual->commands) {
        text_add(text, "    local word name=\n    for word in ${words[2,CURRENT-1]}; do\n"
                       "        case ${name:+$name }$word in\n");
        for (const struct grammar *const *c = manual->commands; *c; c++) {
            int length = (int)strcspn((*c)->name, " ");
            if (family_begins(manual, c))
                text_print(text, "        %.*s) name=%.*s ;;\n", length, (*c)->name, length,
                           (*c)->name);
            text_print(text, "        '%s') _arguments \\\n", (*c)->name);
            zsh_rows(*c, text);
            zsh_operands((*c)->operand, text);
            text_add(text, "            return ;;\n");
        }
        text_add(text, "        esac\n    done\n");
        for (const struct grammar *const *c = manual->commands; *c; c++)
            if (family_begins(manual, c))
                zsh_family(manual, (*c)->name, text);
    }
    text_add(text, "    _arguments \\\n");
    zsh_rows(manual->tool, text);
    if (manual->commands) {
        struct evl_buffer commands = { 0 };
        command_names(manual, &commands);
        text_print(text, "        '*:command:(%s)'\n", text_end(&commands));
        evl_buffer_release(&commands);
    } else {
        zsh_operands(manual->tool->operand, text);
    }
    text_print(text, "}\n\n_%s \"$@\"\n", tool);
}

/* ---- fish ---------------------------------------------------------------- */

static void fish_row(const struct option *row, const char *tool, const char *when,
                     struct evl_buffer *text)
{
    text_print(text, "complete -c %s%s -l %s", tool, when, row->name);
    if (row->letter)
        text_print(text, " -s %c", row->letter);
    if (row->argument && !option_is_optional(row))
        text_add(text, row->completes == COMPLETES_FILE || row->completes == COMPLETES_DIR
                           ? " -r -F"
                           : " -x");
    if (row->kind == OPTION_CHOICE) {
        text_add(text, " -a '");
        add_spaced(text, row->argument);
        text_add(text, "'");
    } else if (row->completes > COMPLETES_DIR) {
        text_print(text, " -a '(__%s_ask %s)'", tool, completes_name(row->completes));
    }
    const char *end = strstr(row->help, ". ");
    text_add(text, " -d '");
    for (const char *p = row->help; *p && p != end; p++)
        text_print(text, *p == '\'' || *p == '\\' ? "\\%c" : "%c", *p);
    text_add(text, "'\n");
}

static void fish_operands(const char *tool, const char *when, enum option_completes completes,
                          struct evl_buffer *text)
{
    if (completes == COMPLETES_FILE)
        text_print(text, "complete -c %s%s -F\n", tool, when);
    else
        text_print(text, "complete -c %s%s -f -a '(__%s_ask %s)'\n", tool, when, tool,
                   completes_name(completes));
}

/* The command that the line has so far; nothing if it has none yet. */
static const char fish_find_command[] =
    "function __%s_command\n"
    "    set -l name ''\n    set -l skip 0\n"
    "    for word in (commandline -opc)[2..]\n"
    "        if test $skip = 1\n            set skip 0\n            continue\n        end\n"
    "        switch $word\n"
    "            case -d --dir -C --profile\n                set skip 1\n"
    "            case '-*'\n"
    "            case '*'\n"
    "                if test -z \"$name\"\n                    set name $word\n"
    "                else if contains -- \"$name $word\" '%s'\n"
    "                    set name \"$name $word\"\n                end\n"
    "        end\n    end\n    echo $name\nend\n"
    "function __%s_is\n    test \"$argv\" = (__%s_command)\nend\n\n";

static void fish_command(const struct grammar *command, const char *tool, struct evl_buffer *text)
{
    const char *second = strchr(command->name, ' ');
    char when[128];
    text_print(text, "complete -c %s -f -n '__%s_is %.*s' -a %s -d '%s'\n", tool, tool,
               second ? (int)(second - command->name) : 0, command->name,
               second ? second + 1 : command->name, command->summary);
    snprintf(when, sizeof when, " -n '__%s_is %s'", tool, command->name);
    for (const struct option *row = command->sets[0].rows; row && (row->name || row->help); row++)
        if (row->name && row->help)
            fish_row(row, tool, when, text);
    fish_operands(tool, when, command->operand, text);
}

static void fish_commands(const struct manual *manual, struct evl_buffer *text)
{
    const char *tool = manual->tool->name;
    struct evl_buffer pairs = { 0 };
    pair_names(manual, "' '", &pairs);
    text_print(text, fish_find_command, tool, text_end(&pairs), tool, tool);
    for (const struct grammar *const *c = manual->commands; *c; c++) {
        if (family_begins(manual, c))
            text_print(text, "complete -c %s -f -n '__%s_is ' -a %.*s\n", tool, tool,
                       (int)strcspn((*c)->name, " "), (*c)->name);
        fish_command(*c, tool, text);
    }
    evl_buffer_release(&pairs);
}

static void fish_print(const struct manual *manual, struct evl_buffer *text)
{
    const char *tool = manual->tool->name;
    text_print(text, "# fish completion of %s(1); `make docs` writes it\n\n", tool);
    text_print(text,
               "function __%s_ask\n    set -l place\n"
               "    set -l tokens (commandline -opc)\n"
               "    for i in (seq (count $tokens))\n"
               "        if contains -- $tokens[$i] -d --dir -C --profile\n"
               "            set place $tokens[$i] $tokens[(math $i + 1)]\n"
               "        end\n    end\n"
               "    evtopic $place --complete $argv (commandline -ct) 2>/dev/null\nend\n\n",
               tool);
    EACH_ROW(manual->tool, row)
    if (row->name && row->help)
        fish_row(row, tool, "", text);
    if (!manual->commands) {
        fish_operands(tool, "", manual->tool->operand, text);
        return;
    }
    fish_commands(manual, text);
}

int docs_print(const struct manual *manual, const char *what, struct evl_buffer *text)
{
    if (strcmp(what, "man") == 0)
        man_print(manual, text);
    else if (strcmp(what, "bash") == 0)
        bash_print(manual, text);
    else if (strcmp(what, "zsh") == 0)
        zsh_print(manual, text);
    else if (strcmp(what, "fish") == 0)
        fish_print(manual, text);
    else
        return say_usage("--print: '%s' is not one of man|bash|zsh|fish", what);
    return 0;
}

static void json_print(const struct manual *manual, struct evl_buffer *text)
{
    help_json(manual->tool, text);
    if (!manual->commands)
        return;
    text->count--; /* the brace, for one more member */
    text_add(text, ",\"commands\":[");
    for (const struct grammar *const *c = manual->commands; *c; c++) {
        text_add(text, c == manual->commands ? "" : ",");
        help_json(*c, text);
    }
    text_add(text, "]}");
}

bool tool_is_asked(const struct manual *manual, const struct grammar *grammar,
                   const struct common *common, int *status)
{
    struct evl_buffer text = { 0 };
    int printed = 0;
    if (common->help) {
        help_print(manual, grammar, &text);
    } else if (common->help_json) {
        json_print(manual, &text);
        text_add(&text, "\n");
    } else if (common->version) {
        text_print(&text, "%s %s\n", manual->tool->name, EVL_VERSION);
    } else if (common->print) {
        printed = docs_print(manual, common->print, &text);
    } else {
        return false;
    }
    *status = printed ? printed : text_write(1, "stdout", &text);
    evl_buffer_release(&text);
    return true;
}
