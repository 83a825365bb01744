/* command.c - start a program, feed it, and see it end.
 *
 * (1) `pid` is a child that was not waited for, or 0.
 * (2) `input` is open only while there are bytes to be given; all bytes given,
 *     or refused, means closed, which is how the program sees the end.
 * (3) Every descriptor of ours but 0, 1 and 2 is closed in the child: a lock or
 *     a pipe that it inherited would outlive us. */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stream.h"

enum {
    COMMANDS_MAX = 1024,    /* that are waited for at once */
    OUTPUT_STEP = 64 << 10, /* a pipe's content */
};

/* ---- starting ------------------------------------------------------------ */

/* The child.  A parent that died before we asked to die with it sends no
 * signal any more. */
static _Noreturn void child_become(char *const *argv, const int ends[2], int report, pid_t parent,
                                   const sigset_t *signals)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_NOT_RUNNABLE);
    signals_restore(signals);
    if (dup2(ends[0], STDIN_FILENO) >= 0 && (ends[1] < 0 || dup2(ends[1], STDOUT_FILENO) >= 0))
        execvp(argv[0], argv);
    int number = errno;
    (void)!write(report, &number, sizeof number); /* else it ends with the status below */
    _exit(number == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUNNABLE);
}

/* Why the child could not become the program: its errno; 0 if it could, and the
 * report was closed by that. */
static int report_read(int report)
{
    int number = 0;
    ssize_t count;
    do
        count = read(report, &number, sizeof number);
    while (count < 0 && errno == EINTR);
    return count == (ssize_t)sizeof number ? number : 0;
}

static void child_forget(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

/* Begin a child with `ends` as its stdin and, unless it is -1, its stdout.  It has
 * our memory until it is the program: of a fork we would get each page back by a
 * fault, for each batch again.  So child_become() changes nothing that is ours but
 * errno, and no handler of ours runs there. */
static int child_start(char *const *argv, const int ends[2], pid_t *child)
{
    int report[2];
    sigset_t signals;
    if (pipe2(report, O_CLOEXEC) < 0)
        return say_system("%s", argv[0]);
    pid_t parent = getpid();
    signals_hold(&signals);
    pid_t pid = vfork();
    if (pid == 0)
        child_become(argv, ends, report[1], parent, &signals);
    signals_let(&signals);
    close(report[1]);
    int number = pid < 0 ? errno : report_read(report[0]);
    close(report[0]);
    if (number == 0) {
        *child = pid;
        return 0;
    }
    if (pid > 0)
        child_forget(pid);
    errno = number;
    (void)say_system("%s", argv[0]); /* the status is a shell's, not ours */
    return pid < 0 ? EXIT_IO : number == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUNNABLE;
}

static void input_close(struct command *c)
{
    if (c->input >= 0)
        close(c->input);
    c->input = -1;
}

/* Give as much as is taken now.  Whatever fails, nobody reads any more: whether
 * that matters, the exit status says. */
static void input_give(struct command *c)
{
    while (c->input >= 0 && c->bytes.count > 0) {
        ssize_t count = write(c->input, c->bytes.at, c->bytes.count);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return;
        if (count < 0)
            input_close(c);
        else
            c->bytes = evl_bytes(c->bytes.at + count, c->bytes.count - (size_t)count);
    }
    if (!c->stays)
        input_close(c);
}

static void output_close(struct command *c)
{
    if (c->output >= 0)
        close(c->output);
    c->output = -1;
}

/* Take as much as is there now. */
static void output_take(struct command *c)
{
    uint8_t bytes[OUTPUT_STEP];
    while (c->output >= 0) {
        ssize_t count = read(c->output, bytes, sizeof bytes);
        if (count > 0)
            evl_buffer_add(c->output_to, bytes, (size_t)count);
        else if (count == 0 || (errno != EINTR && errno != EAGAIN))
            output_close(c);
        else if (errno == EAGAIN)
            return;
    }
}

void command_turn(struct command *c)
{
    input_give(c);
    output_take(c);
}

size_t command_unread(const struct command *c)
{
    int waiting = 0;
    if (c->input >= 0)
        (void)ioctl(c->input, FIONREAD, &waiting); /* of a pipe, it cannot fail */
    return c->bytes.count + (size_t)waiting;
}

void command_give(struct command *c, struct evl_bytes input)
{
    c->bytes = input;
    command_turn(c);
}

/* A pipe whose `ours` end never waits. */
static int pipe_make(const char *name, int ends[2], int ours)
{
    if (pipe2(ends, O_CLOEXEC) < 0)
        return say_system("%s", name);
    (void)fcntl(ends[ours], F_SETFL, O_NONBLOCK); /* of a pipe, it cannot fail */
    return 0;
}

/* With the pipes' ends for us in the struct, and those for the child in `ends`. */
static int command_begin(struct command *c, char *const *argv, const int ends[2])
{
    int status = child_start(argv, ends, &c->pid);
    close(ends[0]);
    if (ends[1] >= 0)
        close(ends[1]);
    if (status) {
        input_close(c);
        output_close(c);
    } else {
        command_turn(c);
    }
    return status;
}

int command_start(struct command *c, char *const *argv, struct evl_bytes input)
{
    int in[2];
    int status = pipe_make(argv[0], in, 1);
    if (status)
        return status;
    *c = (struct command){ .input = in[1], .bytes = input, .output = -1 };
    return command_begin(c, argv, (int[2]){ in[0], -1 });
}

int command_start_filter(struct command *c, char *const *argv, struct evl_bytes input,
                         struct evl_buffer *output, bool stays)
{
    int in[2], out[2];
    int status = pipe_make(argv[0], in, 1);
    if (status)
        return status;
    status = pipe_make(argv[0], out, 0);
    if (status) {
        close(in[0]);
        close(in[1]);
        return status;
    }
    *c = (struct command){
        .input = in[1], .bytes = input, .stays = stays, .output = out[0], .output_to = output
    };
    return command_begin(c, argv, (int[2]){ in[0], out[1] });
}

void command_kill(struct command *c)
{
    if (!c->pid)
        return;
    kill(c->pid, SIGKILL);
    child_forget(c->pid);
    input_close(c);
    output_close(c);
    c->pid = 0;
}

/* ---- waiting ------------------------------------------------------------- */

bool command_has_ended(struct command *c, int *how)
{
    command_turn(c);
    if (c->output >= 0 || waitpid(c->pid, how, WNOHANG) != c->pid)
        return false; /* what it has written counts, whoever holds the pipe */
    input_close(c);
    c->pid = 0;
    return true;
}

void commands_wait(struct command *const *commands, size_t count, int64_t ms)
{
    struct pollfd polls[2 * COMMANDS_MAX + 1];
    nfds_t polled = 0;
    polls[polled++] = (struct pollfd){ .fd = signals_fd(), .events = POLLIN };
    for (size_t i = 0; i < count && i < COMMANDS_MAX; i++) {
        const struct command *c = commands[i];
        if (command_is_running(c) && c->input >= 0 && c->bytes.count > 0)
            polls[polled++] = (struct pollfd){ .fd = c->input, .events = POLLOUT };
        if (command_is_running(c) && c->output >= 0)
            polls[polled++] = (struct pollfd){ .fd = c->output, .events = POLLIN };
    }
    if (poll(polls, polled, (int)ms) > 0 && polls[0].revents)
        signals_drain();
}

/* ---- how it ended -------------------------------------------------------- */

int command_verdict(int how, struct evl_buffer *text)
{
    if (WIFSIGNALED(how)) {
        int number = WTERMSIG(how);
        text_print(text, "killed by signal %d, %s (status %d)", number, strsignal(number),
                   128 + number);
        return EXIT_SOFTWARE;
    }
    int status = WEXITSTATUS(how);
    text_print(text, "exit status %d", status);
    bool known = status == 0 || (status >= EXIT_DATA && status <= EXIT_CONFIG);
    return known ? status : EXIT_SOFTWARE;
}

/* ---- its environment ----------------------------------------------------- */

/* The text that the environment borrows is replaced before it is released. */
void command_variable(struct evl_buffer *variable, const char *name, const char *value)
{
    struct evl_buffer before = *variable;
    *variable = (struct evl_buffer){ 0 };
    if (value) {
        text_print(variable, "%s=%s", name, value);
        putenv((char *)(void *)variable->at);
    } else {
        unsetenv(name);
    }
    evl_buffer_release(&before);
}
