/* tool.h - what the tools share: messages, options, the place, positions.
 *
 * A function that returns `int` returns an exit status: 0, or that of cli.md
 * 3.7 after it has said why.  Streams of records have stream.h, tables of
 * facts have table.h. */
#ifndef CMD_TOOL_H
#define CMD_TOOL_H

#include <evl/buffer.h>
#include <evl/error.h>
#include <evl/place.h>

/* Exit statuses that the tools themselves decide on; all others come from
 * evl_error_exit(). */
enum {
    EXIT_NO = 1,         /* ran fine, the answer is no */
    EXIT_USAGE = 2,      /* wrong use */
    EXIT_DATA = 65,      /* malformed input */
    EXIT_NO_INPUT = 66,  /* no such file */
    EXIT_CREATE = 73,    /* exists already */
    EXIT_IO = 74,        /* reading or writing failed */
    EXIT_DENIED = 77,    /* not permitted */
    EXIT_CONFIG = 78,    /* wrong configuration */
    EXIT_STOPPED = 1000, /* a signal: the tool ends by it, not by a status */
};

/* The first failure of several. */
static inline void keep_first(int *first, int status)
{
    if (*first == 0)
        *first = status;
}

/* ---- say.c: messages on stderr ------------------------------------------- */

enum say_level {
    SAY_ERROR,   /* always */
    SAY_WARNING, /* unless -q */
    SAY_NOTICE,  /* unless -q */
    SAY_DETAIL,  /* with -v */
    SAY_TRACE,   /* with -vv */
};

/* The tool's name in front of each message; where a script is, behind it. */
void say_begin(const char *tool);
void say_volume(bool quiet, int verbose);
void say_where(const char *where);
bool say_hears(enum say_level level);

/* One line: "evproduce: ...".  Control characters in it are shown, not sent. */
__attribute__((format(printf, 2, 3))) void say(enum say_level level, const char *format, ...);

/* The last failure of the engine, and its exit status. */
int say_fault(enum evl_error err);

/* The last failure of the system (errno), and its exit status. */
__attribute__((format(printf, 1, 2))) int say_system(const char *format, ...);

/* A mistake of the user's; returns EXIT_USAGE. */
__attribute__((format(printf, 1, 2))) int say_usage(const char *format, ...);

/* The name that is nearest to a misspelt one, or NULL. */
struct nearest {
    const char *word, *best;
    int distance;
};
void nearest_try(struct nearest *nearest, const char *name);

/* ---- words.c: lists of words, and shell quoting -------------------------- */

struct words {
    char **at;
    size_t count, room;
};
void words_add(struct words *words, const char *word);
void words_add_part(struct words *words, const char *at, size_t count);
void words_release(struct words *words);

/* What a POSIX shell would make of a line, without expansions; # begins a
 * comment.  False if a quote is not closed. */
bool words_split(struct words *words, const char *line);

/* Memory that is always given: the tool dies without it. */
void *tool_take(size_t count, size_t size);
char *tool_text(const char *text);

/* ---- text.c: text that grows --------------------------------------------- */

__attribute__((format(printf, 2, 3))) void text_print(struct evl_buffer *text, const char *format,
                                                      ...);
void text_add(struct evl_buffer *text, const char *add);
void text_repeat(struct evl_buffer *text, char c, size_t count);
const char *text_end(struct evl_buffer *text); /* with an end for C; borrowed */

void text_add_json(struct evl_buffer *text, const char *string);  /* "quoted" */
void text_add_shell(struct evl_buffer *text, const char *string); /* 'quoted' if need be */
void text_add_visible(struct evl_buffer *text, const void *at, size_t count);

/* With \n \t \r \0 \\ and \xNN in it taken as those bytes; false if there is
 * another. */
bool text_add_escaped(struct evl_buffer *text, const char *string);

/* How many columns a text fills on a terminal. */
size_t text_width(const char *text);

/* Write all of it; 0, or EXIT_IO after having said why, EXIT_STOPPED when
 * nobody reads any more. */
int text_write(int fd, const char *name, const struct evl_buffer *text);

/* ---- options.c: one table per tool --------------------------------------- */

enum option_kind {
    OPTION_FLAG,     /* bool: given */
    OPTION_COUNT,    /* int: how often given */
    OPTION_TEXT,     /* const char *: the argument */
    OPTION_LIST,     /* struct words: every argument */
    OPTION_NUMBER,   /* int64_t: not negative */
    OPTION_SIZE,     /* int64_t: bytes */
    OPTION_DURATION, /* int64_t: milliseconds; a bare number counts seconds */
    OPTION_CHOICE,   /* int: which of the words of `argument` */
};

/* What a shell should offer for the argument. */
enum option_completes {
    COMPLETES_NOTHING,
    COMPLETES_FILE,
    COMPLETES_DIR,
    COMPLETES_TOPIC,
    COMPLETES_GROUP,
    COMPLETES_SETTING,
    COMPLETES_PROFILE,
};

struct option {
    char letter;          /* 0: has none */
    const char *name;     /* without the dashes; NULL: a section, named by `help` */
    const char *argument; /* NULL: takes none; [=X]: may be left out; a|b|c: one of these */
    enum option_kind kind;
    size_t member; /* where in the set's target the value goes */
    enum option_completes completes;
    bool usual; /* on the screen of -h; the others only by name */
    const char *help;
};

/* --create, --create=4 */
static inline bool option_is_optional(const struct option *row)
{
    return row->argument && row->argument[0] == '[' && row->argument[1] == '=';
}

/* Rows, ended by one that is all zero, and the struct that they fill. */
struct option_set {
    const struct option *rows;
    void *target;
};

/* A program, or a command of evtopic. */
struct grammar {
    const char *name;
    const char *summary;
    const char *const *usage;    /* ended by NULL */
    const char *const *examples; /* ended by NULL; whole command lines */
    struct option_set sets[4];   /* ended by one without rows */
    enum option_completes operand;
    bool stops;  /* the first operand ends the options: a command follows */
    bool seldom; /* a command that the screen of -h only names */
};

/* Options that every tool has; part of its sets. */
struct common {
    struct place_choice {
        const char *dir, *profile;
    } place;
    bool quiet, help, help_json, version;
    int verbose;
    const char *print; /* --print=man: for `make docs` */
};
extern const struct option common_rows[];

/* Read the options of argv[0 .. count).  What is none is added to `operands`.
 * EXIT_USAGE after having said what is wrong; nothing is wrong when --help is
 * among them. */
int options_read(const struct grammar *grammar, char *const *argv, size_t count,
                 const struct common *common, struct words *operands, size_t *used);

/* The words of EV_OPTS, and then argv, without the program's name. */
int options_gather(struct words *words, char **argv);

/* ---- help.c, docs.c: what the tables say --------------------------------- */

/* A tool as its manual and the completions see it. */
struct manual {
    const struct grammar *tool;
    const struct grammar *const *commands; /* ended by NULL; or NULL */
};
void help_print(const struct manual *manual, const struct grammar *grammar,
                struct evl_buffer *text);
void help_json(const struct grammar *grammar, struct evl_buffer *text);
int docs_print(const struct manual *manual, const char *what, struct evl_buffer *text);

/* --help, --help-json, --version, --print: true when one of them was given and
 * done, with the exit status. */
bool tool_is_asked(const struct manual *manual, const struct grammar *grammar,
                   const struct common *common, int *status);

/* ---- place.c: which directory -------------------------------------------- */

enum confirm { CONFIRM_BY_DAMAGE, CONFIRM_NAME, CONFIRM_YES, CONFIRM_NO };

/* What was found; release it. */
struct spot {
    char *dir;
    bool readonly, builtin;
    enum confirm confirm;
    char *prompt_color;
};
int spot_find(const struct place_choice *choice, struct spot *spot);
void spot_release(struct spot *spot);

/* The names of the profiles in ev.conf. */
void profiles_list(struct words *names);

enum spot_use { SPOT_READ, SPOT_WRITE, SPOT_CREATE };
int spot_open(const struct spot *spot, enum spot_use use, bool force, struct evl_place **place);

/* ---- targets.c: which topics --------------------------------------------- */

/* The topics that names or (anchored) regexes mean; without operands all but
 * the internal ones.  A missing name stays in: it fails when its turn comes. */
int targets_find(struct evl_place *place, const struct words *operands, bool regex, bool internal,
                 struct words *topics);

/* ---- spec.c: positions, times, partition lists --------------------------- */

/* 0,2-4 */
struct partition_list {
    struct {
        int32_t first, last;
    } at[64];
    int count; /* 0: all */
};
int partition_list_read(const char *text, struct partition_list *list);
bool partition_list_has(const struct partition_list *list, int32_t partition);

/* A position as users write it; see ev(7). */
struct spec_item {
    int32_t partition; /* -1: every other one */
    struct evl_position position;
};
struct spec {
    const char *option; /* for messages: --since; NULL: not given */
    struct spec_item *items;
    size_t count;
    struct state *file; /* file:PATH */
};

/* What a time in a spec is relative to. */
struct spec_clock {
    bool utc;
    int64_t now_ms;
    int64_t since_ms; /* what +1h counts from; EVL_NO_TIMESTAMP: nothing does */
};
int spec_read(struct spec *spec, const char *option, const char *text,
              const struct spec_clock *clock);
void spec_release(struct spec *spec);

/* The moment that a spec names, or EVL_NO_TIMESTAMP if it is not a time. */
int64_t spec_time(const struct spec *spec);

/* What it means for a partition; false if it does not speak of it. */
bool spec_position(const struct spec *spec, const char *topic, int32_t partition,
                   struct evl_position *position);

/* ---- state.c: how far a reader has come, in a file ----------------------- */

/* Positions by topic and partition, and the length of the file that the
 * records go to (-1: none). */
struct state_entry {
    char *topic, *id;
    int32_t partition;
    int64_t offset;
};
struct state {
    struct state_entry *at;
    size_t count, room;
    size_t next; /* where the entry that is asked for next is likely to be */
    int64_t length;
};

/* EXIT_NO_INPUT if there is no such file and it is wanted; else an empty state. */
int state_load(const char *path, bool wanted, struct state *state);
void state_release(struct state *state);
const struct state_entry *state_find(struct state *state, const char *topic, int32_t partition);
void state_put(struct state *state, const char *topic, const char *id, int32_t partition,
               int64_t offset);

/* Replace the file in one step; on disk when it returns 0. */
int state_save(const char *path, const struct state *state);

int64_t tool_now_ms(void);                           /* the date, in milliseconds since 1970 */
int64_t tool_clock_ms(void);                         /* never goes back; not a date */
bool number_read(const char *text, int64_t *number); /* digits only */

#endif
