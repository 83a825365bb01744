/* lag.c - how long a record takes from a writer to who follows.
 *
 *   lag COUNT RATE FOLLOWER WRITER
 *
 * Runs two lines of sh: the follower's stdout comes here, the writer's stdin goes
 * from here.  Sends COUNT lines, RATE a second, each with the time at which it
 * was due, not sent: a writer that stalls makes all lines late that it held up.
 * Prints `P50 P99 P999 MAX` in microseconds.  A line that is missing, twice or
 * out of order is exit 1, and so is one that is 10 seconds late. */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 100, LATE_MS = 10000, BUFFER_BYTES = 1 << 16, WARM_UP = 50 };

struct follower {
    int fd;
    size_t held;
    char bytes[BUFFER_BYTES];
    int64_t next;  /* the line that must come next */
    int64_t *lags; /* nanoseconds */
};

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static _Noreturn void give_up(const char *why)
{
    fprintf(stderr, "lag: %s\n", why);
    exit(1);
}

/* A line of sh in a process group of its own, with its stdin or stdout here. */
static pid_t shell_start(const char *script, int ours, int theirs, int as)
{
    pid_t child = fork();
    if (child < 0)
        give_up("no process");
    if (child > 0) {
        setpgid(child, child);
        close(theirs);
        return child;
    }
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(ours);
    dup2(theirs, as);
    close(theirs);
    execl("/bin/sh", "sh", "-c", script, (char *)NULL);
    _exit(127);
}

static void follower_see(struct follower *f, const char *line, int64_t at)
{
    int64_t number, due;
    if (sscanf(line, "%" SCNd64 " %" SCNd64, &number, &due) != 2 || number != f->next)
        give_up("a line is missing, twice, or out of order");
    f->lags[f->next++] = at - due;
}

/* Take what has come within `ms`.  Returns false if nothing has. */
static bool follower_take(struct follower *f, int ms)
{
    struct pollfd ready = { .fd = f->fd, .events = POLLIN };
    if (poll(&ready, 1, ms) <= 0)
        return false;
    ssize_t count = read(f->fd, f->bytes + f->held, sizeof f->bytes - f->held);
    int64_t at = now();
    if (count <= 0)
        give_up("the follower has ended");
    f->held += (size_t)count;
    size_t done = 0;
    for (; f->held - done >= LINE_BYTES; done += LINE_BYTES)
        follower_see(f, f->bytes + done, at);
    memmove(f->bytes, f->bytes + done, f->held - done);
    f->held -= done;
    return true;
}

static void line_send(int fd, int64_t number, int64_t due)
{
    char line[LINE_BYTES + 1];
    int count = snprintf(line, sizeof line, "%" PRId64 " %" PRId64 " ", number, due);
    memset(line + count, '.', (size_t)(LINE_BYTES - 1 - count));
    line[LINE_BYTES - 1] = '\n';
    if (write(fd, line, LINE_BYTES) != LINE_BYTES)
        give_up("the writer has ended");
}

/* Wait until `due`; poll() counts milliseconds, the rest is slept. */
static void wait_until(int64_t due)
{
    struct timespec t = { .tv_sec = due / 1000000000, .tv_nsec = due % 1000000000 };
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* The first lines alone, one by one: both programs are up when they are through. */
static void warm_up(struct follower *f, int to)
{
    while (f->next < WARM_UP) {
        int64_t until = f->next + 1;
        line_send(to, f->next, now());
        while (f->next < until)
            if (!follower_take(f, LATE_MS))
                give_up("a line is 10 seconds late");
    }
}

static void *send_all(int to, int64_t count, int64_t rate)
{
    int64_t begin = now();
    for (int64_t i = 0; i < count; i++) {
        int64_t due = begin + i * 1000000000 / rate;
        wait_until(due);
        line_send(to, WARM_UP + i, due);
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void print(int64_t *lags, int64_t count)
{
    qsort(lags, (size_t)count, sizeof *lags, compare);
    printf("%.0f %.0f %.0f %.0f\n", (double)lags[count / 2] / 1e3,
           (double)lags[count * 99 / 100] / 1e3, (double)lags[count * 999 / 1000] / 1e3,
           (double)lags[count - 1] / 1e3);
}

int main(int argc, char **argv)
{
    int from[2], to[2];
    int64_t count = argc == 5 ? strtoll(argv[1], NULL, 10) : 0;
    int64_t rate = argc == 5 ? strtoll(argv[2], NULL, 10) : 0;
    if (count <= 0 || rate <= 0) {
        fprintf(stderr, "usage: lag COUNT RATE FOLLOWER WRITER\n");
        return 64;
    }
    if (pipe(from) < 0 || pipe(to) < 0)
        give_up("no pipes");
    prctl(PR_SET_TIMERSLACK, 1);
    signal(SIGPIPE, SIG_IGN);
    struct follower f = { .fd = from[0], .lags = calloc((size_t)(count + WARM_UP), 8) };
    if (!f.lags)
        give_up("no memory");
    pid_t writer = shell_start(argv[4], to[1], to[0], STDIN_FILENO);
    pid_t follower = shell_start(argv[3], from[0], from[1], STDOUT_FILENO);
    warm_up(&f, to[1]);
    pid_t sender = fork(); /* so that waiting for lines does not delay sending them */
    if (sender == 0) {
        send_all(to[1], count, rate);
        _exit(0);
    }
    while (f.next < count + WARM_UP)
        if (!follower_take(&f, LATE_MS))
            give_up("a line is 10 seconds late");
    kill(-writer, SIGKILL);
    kill(-follower, SIGKILL);
    while (wait(NULL) > 0)
        continue;
    print(f.lags + WARM_UP, count);
    return 0;
}
