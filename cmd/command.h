/* command.h - a program that runs beside us, and is given its input.
 *
 * It has our stdout, stderr and environment, and is in our process group: what
 * a terminal sends us, Ctrl-C, it gets too.  It dies when we die, whatever
 * kills us.  No shell is between. */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include <sys/types.h>

#include "tool.h"

/* Exit statuses of a program that did not start, as shells have them. */
enum { EXIT_NOT_RUNNABLE = 126, EXIT_NOT_FOUND = 127 };

/* Zeroed: none runs. */
struct command {
    pid_t pid;
    int input;                    /* our end of its stdin; -1: it has all that it wants */
    struct evl_bytes bytes;       /* what it is still to be given; borrowed until it ended */
    bool stays;                   /* it is given more later: its stdin stays open */
    int output;                   /* our end of its stdout; -1: it has ours, or closed its own */
    struct evl_buffer *output_to; /* where that goes */
};

static inline bool command_is_running(const struct command *command) { return command->pid != 0; }

/* Start argv[0], looked for in PATH, which will read `input`.  It runs when 0 is
 * returned; else why not was said: EXIT_NOT_FOUND, EXIT_NOT_RUNNABLE, EXIT_IO. */
int command_start(struct command *command, char *const *argv, struct evl_bytes input);

/* The same, for a filter: what it writes to stdout is added to `output`.  With
 * `stays` its stdin stays open for command_give(). */
int command_start_filter(struct command *command, char *const *argv, struct evl_bytes input,
                         struct evl_buffer *output, bool stays);

/* Give one that stays more; it has been given all that it had before. */
void command_give(struct command *command, struct evl_bytes input);

/* How much of what it was given it has not read yet. */
size_t command_unread(const struct command *command);

/* Give and take what can be without waiting. */
void command_turn(struct command *command);

/* Kill it, and wait. */
void command_kill(struct command *command);

/* Whether it ended, and how: `how` is for waitpid(2)'s macros.  It is given
 * what it takes of its input meanwhile; who closes his stdin early, or never
 * reads it, is free to. */
bool command_has_ended(struct command *command, int *how);

/* Sleep until one of them might have ended, or takes more input, or a signal
 * came; `ms` at most. */
void commands_wait(struct command *const *commands, size_t count, int64_t ms);

/* The exit status of cli.md for a program that ended like this: its own if it is
 * one of sysexits.h, else EXIT_SOFTWARE.  `text` gets "exit status 3". */
int command_verdict(int how, struct evl_buffer *text);

/* Set a variable of the environment that commands get; NULL takes it away. */
void command_variable(struct evl_buffer *variable, const char *name, const char *value);

#endif
