/* workload.c - who starts the processes, kills them, and puts their journals
 * together.
 *
 *     workload [--seconds N] [--processes N] [--seed N] [--unnumbered] [--hasty]
 *              DATA JOURNALS
 *
 * Makes both folders, works on DATA, and prints the history (history.h).  Every
 * 10 to 100 ms a process is killed with SIGKILL, or stopped for a moment; each
 * that is killed has a successor under a new number.  Exit status 1: a process
 * ended by itself, and should not have; stderr says why. */
#include "checker/workload.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "checker/chance.h"
#include "checker/events.h"

enum { PROCESSES_MAX = 32 };

struct parent {
    struct workload_options o;
    uint64_t seed;
    int64_t deadline, numbers, kills;
    struct child {
        pid_t pid;
        int64_t number;
    } children[PROCESSES_MAX];
    struct evl_buffer crashes; /* lines */
    bool is_bad;
};

/* ---- processes ------------------------------------------------------------- */

static pid_t run_aside(enum evl_error (*run)(const struct parent *p, int64_t number),
                       const struct parent *p, int64_t number)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    enum evl_error err = run(p, number);
    if (err)
        fprintf(stderr, "workload: process %" PRId64 ": %s\n", number, evl_fault());
    _exit(err ? 1 : 0);
}

static enum evl_error set_up(const struct parent *p, int64_t number)
{
    (void)number;
    return workload_set_up(&p->o);
}

static enum evl_error work(const struct parent *p, int64_t number)
{
    int64_t slot = 0;
    while (p->children[slot].number != number)
        slot++;
    return workload_work(&p->o, number, slot, p->deadline);
}

static enum evl_error drain(const struct parent *p, int64_t number)
{
    return workload_drain(&p->o, number);
}

static enum evl_error read_all(const struct parent *p, int64_t number)
{
    return workload_read_all(&p->o, number);
}

/* Wait for its end; whether it ended well, or by our hand. */
static void parent_await(struct parent *p, pid_t pid, bool was_killed)
{
    int status = 1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    bool by_us = was_killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!by_us && !well)
        p->is_bad = true;
}

static void child_start(struct parent *p, struct child *c)
{
    c->number = ++p->numbers;
    c->pid = run_aside(work, p, c->number);
}

static void child_kill(struct parent *p, struct child *c)
{
    struct evl_buffer line = { 0 };
    kill(c->pid, SIGKILL);
    parent_await(p, c->pid, true);
    event_begin(&line, workload_now(), c->number, "info", "crash");
    event_end(&line);
    buf_add_bytes(&p->crashes, buf_bytes(&line));
    buf_release(&line);
    p->kills++;
}

static void child_pause(struct parent *p, const struct child *c)
{
    kill(c->pid, SIGSTOP);
    usleep((useconds_t)chance_below(&p->seed, 100000));
    kill(c->pid, SIGCONT);
}

/* ---- phases ---------------------------------------------------------------- */

static void fire(struct parent *p)
{
    int64_t count = p->o.processes;
    for (int64_t i = 0; i < count; i++)
        child_start(p, &p->children[i]);
    while (workload_now() < p->deadline && !p->is_bad) {
        struct child *c = &p->children[chance_below(&p->seed, (uint64_t)count)];
        usleep((useconds_t)(10000 + chance_below(&p->seed, 90000)));
        if (chance_toss(&p->seed, 25)) {
            child_pause(p, c);
            continue;
        }
        child_kill(p, c);
        child_start(p, c);
    }
    for (int64_t i = 0; i < count; i++)
        parent_await(p, p->children[i].pid, false);
}

static void run_phases(struct parent *p)
{
    parent_await(p, run_aside(set_up, p, 0), false);
    if (p->is_bad)
        return;
    p->deadline = workload_now() + p->o.seconds * 1000000000;
    fire(p);
    int64_t number = ++p->numbers;
    parent_await(p, run_aside(drain, p, number), false);
    number = ++p->numbers;
    parent_await(p, run_aside(read_all, p, number), false);
}

/* ---- putting the journals together ------------------------------------------ */

struct lines {
    const char **at;
    size_t count, room;
};

/* Each whole line of a text becomes one.  What a process was about to write
 * when it was killed is none, and nothing had been done after it. */
static void lines_split(struct lines *l, char *text)
{
    for (char *end; (end = strchr(text, '\n')); text = end + 1) {
        *end = '\0';
        if (l->count == l->room)
            l->at = memory_grow(l->at, l->room = l->room ? l->room * 2 : 1024, sizeof *l->at);
        l->at[l->count++] = text;
    }
}

/* By time; lines of one process lie in their order, which is that of addresses. */
static int line_order(const void *left, const void *right)
{
    const char *a = *(const char *const *)left, *b = *(const char *const *)right;
    int64_t times[2] = { event_time(a), event_time(b) };
    if (times[0] != times[1])
        return times[0] < times[1] ? -1 : 1;
    return (a > b) - (a < b);
}

static bool journal_read(const char *folder, const char *name, struct evl_buffer *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *in = fopen(path, "r");
    if (!in)
        return false;
    size_t got = 0;
    do {
        uint8_t *to = buf_room(text, 1 << 16);
        got = fread(to, 1, 1 << 16, in);
        text->count += got;
    } while (got > 0);
    bool good = !ferror(in);
    fclose(in);
    while (text->count > 0 && text->at[text->count - 1] != '\n')
        text->count--;
    return good;
}

/* All journals, one behind the other. */
static bool journals_read(const char *folder, struct evl_buffer *text)
{
    DIR *dir = opendir(folder);
    bool good = dir != NULL;
    for (struct dirent *e; good && (e = readdir(dir));)
        if (e->d_name[0] != '.')
            good = journal_read(folder, e->d_name, text);
    if (dir)
        closedir(dir);
    return good;
}

static void parent_merge(struct parent *p, FILE *out)
{
    struct evl_buffer text = { 0 };
    struct lines lines = { 0 };
    if (!journals_read(p->o.journals, &text)) {
        fprintf(stderr, "workload: %s: %s\n", p->o.journals, strerror(errno));
        p->is_bad = true;
    }
    buf_add_bytes(&text, buf_bytes(&p->crashes));
    buf_text(&text);
    lines_split(&lines, (char *)text.at);
    if (lines.count > 0)
        qsort(lines.at, lines.count, sizeof *lines.at, line_order);
    for (size_t i = 0; i < lines.count; i++)
        event_number(lines.at[i], (int64_t)i, out);
    memory_free(lines.at);
    buf_release(&text);
}

/* ---- arguments --------------------------------------------------------------- */

static bool option_take(struct workload_options *o, const char *name, const char *value)
{
    char *end;
    int64_t number = value ? strtoll(value, &end, 10) : 0;
    if (!value || !*value || *end || number < 1)
        return false;
    if (strcmp(name, "--seconds") == 0)
        o->seconds = number;
    else if (strcmp(name, "--seed") == 0)
        o->seed = (uint64_t)number;
    else if (strcmp(name, "--processes") == 0 && number <= PROCESSES_MAX)
        o->processes = number;
    else
        return false;
    return true;
}

static bool options_read(struct workload_options *o, char **words)
{
    for (; *words && **words == '-'; words++) {
        if (strcmp(*words, "--unnumbered") == 0)
            o->unnumbered = true;
        else if (strcmp(*words, "--hasty") == 0)
            o->hasty = true;
        else if (option_take(o, words[0], words[1]))
            words++;
        else
            return false;
    }
    if (!words[0] || !words[1] || words[2])
        return false;
    o->data = words[0];
    o->journals = words[1];
    return true;
}

int main(int argc, char **argv)
{
    static struct parent p = { .o = { .seconds = 3, .processes = 4, .seed = 1 } };
    (void)argc;
    if (!options_read(&p.o, argv + 1)) {
        fputs("usage: workload [--seconds N] [--processes N] [--seed N] [--unnumbered]"
              " [--hasty] DATA JOURNALS\n",
              stderr);
        return 2;
    }
    if (mkdir(p.o.journals, 0777) != 0) {
        fprintf(stderr, "workload: %s: %s\n", p.o.journals, strerror(errno));
        return 1;
    }
    p.seed = p.o.seed;
    run_phases(&p);
    parent_merge(&p, stdout);
    fprintf(stderr, "%" PRId64 " processes, %" PRId64 " kills\n", p.numbers, p.kills);
    buf_release(&p.crashes);
    return fflush(stdout) != 0 || p.is_bad;
}
