/* main.c - torture: seed after seed, until a promise is broken.
 *
 *     torture --seeds 100000
 *     torture --seed 8812 --trace
 *     torture --seeds 1000 --plant EARLY_ACK
 *     torture --every cpnp            a short script, stopped everywhere (every.h)
 *     torture --every cp --again 1    and everywhere in its recovery
 *     torture --crew --seeds 1000     members of a group (crew.h)
 *     torture --crew --every kill     one of them killed, or stopped, everywhere
 *     torture --stream --every cut    a filter between topics, stopped everywhere (stream.h)
 *
 * A program of its own and no command of the testfixture: an engine that aborts
 * has failed too, and must not take the tests with it.  Exit status 0: no
 * promise was broken; 1 (or an abort): one was, and the last line says by which
 * seed, and how to see it again. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/plant.h"
#include "sim/crew.h"
#include "sim/every.h"
#include "sim/stream.h"
#include "sim/torture.h"

struct arguments {
    uint64_t first, count, seconds;
    const char *plant;
    const char *script; /* of --every */
    uint64_t stride;    /* of --again */
    bool crew, stream;
    const char *positions; /* of the stream */
    struct torture_options options;
};

static char again[256]; /* how to run the seed at hand once more */

static int usage(void)
{
    fputs("usage: torture [--seeds N | --seconds N | --seed N] [--from N] [--processes 1..4]\n"
          "               [--plant NAME] [--flip] [--trace]\n"
          "       torture --every SCRIPT [--again STRIDE] [--plant NAME]\n"
          "       torture --crew [--seeds N | --seconds N | --seed N] [--plant NAME] [--trace]\n"
          "       torture --crew --every kill|stop [--again STRIDE]\n"
          "       torture --stream --every cut|kill|stop [--again STRIDE] [--processes 1|2]\n"
          "               [--positions within|before|after]\n",
          stderr);
    return 2;
}

static bool plant_switch(const char *name)
{
    for (int i = 0; i < PLANT_COUNT; i++)
        if (strcmp(plant_name(i, NULL), name) == 0) {
            plant_on[i] = true;
            return true;
        }
    fprintf(stderr, "torture: no plant %s\n", name);
    return false;
}

static bool number(const char *text, uint64_t *n)
{
    char *end;
    errno = 0;
    *n = text ? strtoull(text, &end, 10) : 0;
    return text && *text && !*end && !errno;
}

static bool take(struct arguments *a, const char *name, const char *value)
{
    uint64_t n = 0;
    if (strcmp(name, "--plant") == 0) {
        a->plant = value;
        return value && plant_switch(value);
    }
    if (strcmp(name, "--every") == 0) {
        a->script = value;
        return value != NULL;
    }
    if (strcmp(name, "--positions") == 0) {
        a->positions = value;
        return value != NULL;
    }
    if (!number(value, &n))
        return false;
    if (strcmp(name, "--seeds") == 0)
        a->count = n;
    else if (strcmp(name, "--seconds") == 0)
        a->seconds = n;
    else if (strcmp(name, "--from") == 0)
        a->first = n;
    else if (strcmp(name, "--again") == 0 && n > 0)
        a->stride = n;
    else if (strcmp(name, "--seed") == 0)
        a->first = n, a->count = 1;
    else if (strcmp(name, "--processes") == 0 && n >= 1 && n <= 4)
        a->options.processes = (int)n;
    else
        return false;
    return true;
}

static bool read_arguments(struct arguments *a, char **words)
{
    for (; *words; words++) {
        if (strcmp(*words, "--trace") == 0)
            a->options.trace = true;
        else if (strcmp(*words, "--flip") == 0)
            a->options.flip = true;
        else if (strcmp(*words, "--crew") == 0)
            a->crew = true;
        else if (strcmp(*words, "--stream") == 0)
            a->stream = true;
        else if (take(a, words[0], words[1]))
            words++;
        else
            return false;
    }
    return true;
}

static void aborted(int number_of_signal)
{
    (void)number_of_signal;
    (void)!write(STDOUT_FILENO, again, strlen(again));
    signal(SIGABRT, SIG_DFL);
    abort();
}

static void remember(const struct arguments *a, uint64_t seed)
{
    int n = snprintf(again, sizeof again, "again: torture %s--seed %" PRIu64,
                     a->crew ? "--crew " : "", seed);
    if (a->options.processes)
        n += snprintf(again + n, sizeof again - (size_t)n, " --processes %d", a->options.processes);
    snprintf(again + n, sizeof again - (size_t)n, "%s%s%s\n", a->options.flip ? " --flip" : "",
             a->plant ? " --plant " : "", a->plant ? a->plant : "");
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run_every(const struct arguments *a)
{
    struct every_result result;
    snprintf(again, sizeof again, "again: torture --every %s --again %" PRIu64 "\n", a->script,
             a->stride);
    every_run(a->script, a->stride, &result);
    if (result.broken[0]) {
        printf("%s\n%s", result.broken, again);
        return 1;
    }
    printf("%" PRIu64 " runs\n", result.runs);
    return 0;
}

static int run_crew_every(const struct arguments *a)
{
    struct torture_result result;
    bool stop = strcmp(a->script, "stop") == 0;
    snprintf(again, sizeof again, "again: torture --crew --every %s --again %" PRIu64 "\n",
             a->script, a->stride);
    crew_every(stop, a->stride ? a->stride : 1, &result);
    if (result.broken[0]) {
        printf("%s\n%s", result.broken, again);
        return 1;
    }
    printf("%" PRIu64 " worlds\n", result.operations);
    return 0;
}

/* The index of a word among `count`; -1: it is none of them. */
static int choice(const char *word, const char *const *words, int count)
{
    for (int i = 0; i < count; i++)
        if (word && strcmp(word, words[i]) == 0)
            return i;
    return -1;
}

static int run_stream_every(const struct arguments *a)
{
    static const char *const faults[] = { "kill", "cut", "stop" };
    static const enum sim_fault hows[] = { SIM_KILL, SIM_CUT, SIM_STOP };
    static const char *const positions[] = { "within", "before", "after" };
    struct torture_result result;
    int how = choice(a->script, faults, 3);
    int when = a->positions ? choice(a->positions, positions, 3) : STREAM_WITHIN;
    if (how < 0 || when < 0 || a->options.processes > 2)
        return usage();
    struct stream_options o = { .processes = a->options.processes ? a->options.processes : 1,
                                .how = hows[how],
                                .stride = a->stride ? a->stride : 1,
                                .positions = (enum stream_positions)when };
    snprintf(again, sizeof again,
             "again: torture --stream --every %s --again %" PRIu64
             " --processes %d --positions %s%s%s\n",
             faults[how], o.stride, o.processes, positions[when], a->plant ? " --plant " : "",
             a->plant ? a->plant : "");
    stream_every(&o, &result);
    if (result.broken[0]) {
        printf("%s\n%s", result.broken, again);
        return 1;
    }
    printf("%" PRIu64 " worlds, %" PRIu64 " of them struck twice\n", result.operations,
           result.cuts);
    return 0;
}

static int run_seeds(const struct arguments *a)
{
    struct torture_result sum = { 0 };
    double begun = now();
    uint64_t seed = a->first;
    for (; a->seconds ? now() - begun < (double)a->seconds : seed < a->first + a->count; seed++) {
        struct torture_result result;
        remember(a, seed);
        (a->crew ? crew_run : torture_run)(seed, &a->options, &result);
        if (result.broken[0]) {
            printf("seed %" PRIu64 ": %s\n%s", seed, result.broken, again);
            return 1;
        }
        sum.cuts += result.cuts;
        sum.kills += result.kills;
        sum.operations += result.operations;
        sum.trace = sum.trace * 31 + result.trace;
    }
    double took = now() - begun;
    printf("%" PRIu64 " seeds, %" PRIu64 " power cuts, %" PRIu64 " deaths, %" PRIu64
           " operations in %.1f s: %.0f cuts a second; trace %016" PRIx64 "\n",
           seed - a->first, sum.cuts, sum.kills, sum.operations, took, (double)sum.cuts / took,
           sum.trace);
    return 0;
}

int main(int argc, char **argv)
{
    struct arguments a = { .first = 1, .count = 1000 };
    (void)argc;
    if (!read_arguments(&a, argv + 1))
        return usage();
    signal(SIGABRT, aborted);
    if (a.stream)
        return run_stream_every(&a);
    if (a.script)
        return a.crew ? run_crew_every(&a) : run_every(&a);
    return run_seeds(&a);
}
