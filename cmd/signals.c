/* signals.c - how a tool is asked to stop, and how it ends.
 *
 * Owns the process's handlers.  The first INT, TERM or HUP is noted, the
 * second kills.  A tool that was asked to stop dies by that signal after it
 * has finished, so that a shell's loop around it stops too. */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

static volatile sig_atomic_t caught, asked;
static int bell[2] = { -1, -1 };
static void (*sigpipe_before)(int) = SIG_DFL;

static void ring(void)
{
    int number = errno;
    (void)!write(bell[1], "", 1); /* a full pipe rings already */
    errno = number;
}

static void die_by(int number)
{
    signal(number, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
}

static void on_stop(int number)
{
    if (caught)
        die_by(number);
    caught = number;
    ring();
}

static void on_question(int number)
{
    (void)number;
    asked = 1;
    ring();
}

static void on_child(int number)
{
    (void)number;
    ring();
}

static void on_alarm(int number)
{
    (void)number;
    die_by(caught ? caught : SIGTERM);
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction old, action = { .sa_handler = handler };
    sigaction(number, NULL, &old);
    bool ignored = old.sa_handler == SIG_IGN; /* nohup, or a shell's background job */
    if (!ignored || number == SIGUSR1 || number == SIGALRM || number == SIGCHLD)
        sigaction(number, &action, NULL);
}

/* A file that we open must not become somebody's stdout.  What is put in the
 * place of a closed one fails as the closed one would. */
void tool_begin(const char *name)
{
    say_begin(name);
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY); /* the lowest number */
}

void signals_begin(void)
{
    if (pipe2(bell, O_CLOEXEC | O_NONBLOCK) < 0)
        bell[0] = bell[1] = -1; /* poll skips it; a signal then waits for the next event */
    sigpipe_before = signal(SIGPIPE, SIG_IGN);
    handle(SIGINT, on_stop);
    handle(SIGTERM, on_stop);
    handle(SIGHUP, on_stop);
    handle(SIGUSR1, on_question);
}

void signals_mind_children(void) { handle(SIGCHLD, on_child); }

void signals_hold(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, before);
}

void signals_let(const sigset_t *before) { sigprocmask(SIG_SETMASK, before, NULL); }

/* Whoever was to be ignored stays so. */
static void unhandle(int number)
{
    struct sigaction now;
    sigaction(number, NULL, &now);
    if (now.sa_handler != SIG_IGN)
        signal(number, SIG_DFL);
}

void signals_restore(const sigset_t *before)
{
    static const int handled[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGALRM, SIGCHLD };
    for (size_t i = 0; i < sizeof handled / sizeof handled[0]; i++)
        unhandle(handled[i]);
    signal(SIGPIPE, sigpipe_before);
    signals_let(before);
}

void signals_catch(int number) { caught = caught ? caught : number; }
int signals_caught(void) { return caught; }
int signals_fd(void) { return bell[0]; }

bool signals_asked(void)
{
    bool was = asked;
    asked = 0;
    return was;
}

void signals_drain(void)
{
    char bytes[64];
    while (read(bell[0], bytes, sizeof bytes) > 0)
        continue;
}

void signals_hurry(int64_t ms)
{
    handle(SIGALRM, on_alarm);
    struct itimerval timer = { .it_value = { ms / 1000, (ms % 1000) * 1000 } };
    setitimer(ITIMER_REAL, &timer, NULL);
}

void tool_exit(int status)
{
    progress_erase();
    if (caught)
        die_by(caught);
    if (status == EXIT_STOPPED)
        die_by(SIGPIPE);
    exit(status);
}
