/* evtopic.h - what the commands of evtopic share.
 *
 * A command is a const struct in a file named after it.  The same line works
 * as arguments of evtopic, and in a script on stdin. */
#ifndef CMD_EVTOPIC_H
#define CMD_EVTOPIC_H

#include <stdio.h>

#include <evl/admin.h>

#include "stream.h"
#include "table.h"

/* One run of evtopic. */
struct evtopic {
    struct common common;
    bool dry, yes, json, tsv; /* -n -y -j --tsv */
    bool utc;
    int progress; /* enum progress_wish */
    struct spot spot;
    struct evl_place *place;
    enum spot_use use;     /* how the place was opened */
    bool script;           /* commands come from stdin: nobody can be asked */
    struct table table;    /* the rows of the command that runs */
    struct evl_buffer out; /* what it prints */
    const char *command;   /* its name */
};

/* What went wrong with one item of several does not keep the others from being
 * tried; the first failure's status is the command's. */
struct command {
    struct grammar grammar;
    enum spot_use use;
    size_t operands_min, operands_max;
    size_t options_size; /* of sets[0].target, zeroed before each run */
    bool monitors;       /* its status is a monitor's, and any failure is 3: UNKNOWN */
    int (*run)(struct evtopic *t, const struct words *operands);
};

extern const struct command command_ls, command_create, command_rm, command_describe, command_alter,
    command_config, command_trim, command_offsets, command_mv, command_compact, command_clean,
    command_check_log, command_dump, command_diff, command_apply, command_check_age,
    command_check_disk, command_top, command_group_ls, command_group_describe, command_group_lag,
    command_group_members, command_group_offsets, command_group_reset, command_group_clone,
    command_group_rm, command_group_rm_offsets, command_check_lag, command_txn_ls,
    command_txn_describe, command_txn_producers, command_txn_abort;

/* Ended by NULL.  A name may be two words: `group ls` is of the family `group`. */
extern const struct command *const evtopic_commands[];

/* The command that a line begins with, and how many words its name has. */
const struct command *command_find(char *const *argv, size_t count, size_t *words);

/* Run one command line: its name and what follows. */
int command_run(struct evtopic *t, char *const *argv, size_t count);

/* The same for a line of a script. */
int evtopic_line(struct evtopic *t, const char *line);

/* The next line of a script; one that ends in \ goes on in the next.  Counts
 * lines.  False at the end. */
bool script_next(FILE *file, struct evl_buffer *line, int64_t *number);

/* Have the place open for this use, at least. */
int evtopic_open(struct evtopic *t, enum spot_use use);

/* What a line of `create` says; also what a topic should be, for diff and apply. */
struct create_line {
    struct words topics;
    int64_t partitions; /* 0: not said */
    struct words set;   /* NAME=VALUE */
    bool if_missing;
};
int create_line_read(struct create_line *line, const struct words *words);
void create_line_release(struct create_line *line);

/* The hidden --complete WHAT [WORD [KEY]]: names for a shell, one per line, and
 * silence if there is any trouble. */
int complete(struct evtopic *t, char *const *argv, size_t count);

/* A row of a command's option table, for its `struct own`; all are usual. */
#define OWN(letter, name, argument, kind, member, completes, help)           \
    {                                                                        \
        letter, name, argument, OPTION_##kind, offsetof(struct own, member), \
            COMPLETES_##completes, true, help                                \
    }

/* ---- evtopic_change.c: changing things ----------------------------------- */

/* How much is lost if it was a mistake. */
enum damage { DAMAGE_MILD, DAMAGE_MODERATE, DAMAGE_SEVERE };

/* Ask whether `what` ("rm orders: deletes 3 partitions, 1200 records, 88k")
 * is meant; 0 if so.  EXIT_USAGE if there is nobody to ask and no -y. */
int consent(struct evtopic *t, enum damage damage, const char *what, const char *name);

/* A line of a plan, as the script that would do it: name, then words. */
void plan_begin(struct evtopic *t, const char *command);
void plan_word(struct evtopic *t, const char *word);
void plan_changes(struct evtopic *t, const struct evl_change *changes, size_t count);
void plan_partition(struct evtopic *t, int32_t partition);
void plan_end(struct evtopic *t);

/* A command that changes topics prints a row per topic: TOPIC, then its own
 * columns, then ERROR and MESSAGE.  Says the failure, too; its status. */
int row_failed(struct evtopic *t, const char *topic, int32_t partition, enum evl_error err);
void row_done(struct evtopic *t);

/* Begin the rows in the form that the options ask for. */
void rows_begin(struct evtopic *t, const struct table_column *columns);

/* k=v, +k=v, -k=v, from -c; k from --unset.  Borrowed from the words. */
struct changes {
    struct evl_change *at;
    size_t count;
    struct words texts;
};
int changes_read(struct changes *changes, const struct words *set, const struct words *unset);
void changes_release(struct changes *changes);

/* A setting that is not the default, or NULL. */
const char *config_value(const struct evl_configs *configs, const char *name);

/* What is in a topic, all partitions together. */
struct content {
    int32_t partitions;
    int64_t records, bytes, oldest, newest;
    int32_t missing; /* of its partitions */
    int64_t hidden;  /* offsets; see struct evl_partition */
};
enum evl_error content_of(struct evtopic *t, const struct evl_topic *topic,
                          struct content *content);
void content_print(const struct content *content, struct evl_buffer *text);

/* ---- evtopic_keys.c: top -k ---------------------------------------------- */

/* A table of the most frequent keys of a topic, by `sample` of its records. */
int keys_run(struct evtopic *t, const char *topic, int64_t sample);

/* ---- evtopic_foreign.c: what a foreign directory does not tell ------------ */

/* Say that settings are not known, if so. */
bool foreign_settings(struct evtopic *t);

/* Say that a partition is elsewhere, or has more than is shown. */
void foreign_partition(const char *topic, const struct evl_partition *facts);
void foreign_content(const char *topic, const struct content *content);

#endif
