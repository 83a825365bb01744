/* main.c - checker: what is wrong with a history.
 *
 *     checker [--allow NAME]... [FILE]        of a file, or of stdin
 *     checker --generate SEED N [--plant NAME]    a history of N operations, on
 *                                             which one anomaly is found, or none
 *
 * Prints, for each anomaly (anomalies.def), how many there are and the first few
 * with their events; then, behind #, what else was measured.  Exit status 0:
 * none but allowed ones; 1: others; 2: not a history. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checker/checks.h"
#include "checker/generate.h"
#include "checker/measures.h"

static int usage(void)
{
    fputs("usage: checker [--allow NAME]... [FILE]\n"
          "       checker --generate SEED N [--plant NAME]\n",
          stderr);
    return 2;
}

static bool number(const char *text, uint64_t *n)
{
    char *end;
    errno = 0;
    *n = text ? strtoull(text, &end, 10) : 0;
    return text && *text && !*end && !errno;
}

static int run_generate(char **words)
{
    uint64_t seed, count;
    const char *plant = NULL;
    if (!number(words[0], &seed) || !number(words[1], &count))
        return usage();
    if (words[2] && strcmp(words[2], "--plant") == 0 && words[3])
        plant = words[3];
    else if (words[2])
        return usage();
    switch (generate_history(seed, count, plant, stdout)) {
    case GENERATED: return fflush(stdout) ? 2 : 0;
    case GENERATE_UNKNOWN: fprintf(stderr, "checker: no plant %s\n", plant); break;
    case GENERATE_TOO_SHORT: fputs("checker: too few operations for it\n", stderr); break;
    }
    return 2;
}

static enum evl_error check_history(struct history *h, struct findings *f, FILE *in)
{
    struct versions v = { 0 };
    struct measures m = { 0 };
    enum evl_error err = history_read(h, in);
    if (!err)
        err = versions_make(&v, h, f);
    if (!err) {
        check_writes(h, &v, f);
        check_polls(h, &v, f);
        check_sends(h, &v, f);
        check_groups(h, &v, f);
        check_cycles(h, &v, f);
        findings_print(f, stdout);
        measures_take(&m, h, &v);
        measures_print(&m, h, stdout);
    }
    versions_release(&v);
    return err;
}

static int run_check(const char *path, struct findings *f)
{
    struct history h = { 0 };
    FILE *in = path ? fopen(path, "r") : stdin;
    if (!in) {
        fprintf(stderr, "checker: %s: %s\n", path, strerror(errno));
        return 2;
    }
    enum evl_error err = check_history(&h, f, in);
    if (err)
        fprintf(stderr, "checker: %s: %s\n", path ? path : "stdin", evl_fault());
    history_release(&h);
    if (path)
        fclose(in);
    return err ? 2 : findings_forbid(f);
}

int main(int argc, char **argv)
{
    static struct findings f;
    char **words = argv + 1;
    if (argc > 1 && strcmp(words[0], "--generate") == 0)
        return run_generate(words + 1);
    for (; *words && strcmp(*words, "--allow") == 0; words += 2)
        if (!words[1] || !findings_allow(&f, words[1]))
            return usage();
    if (*words && (words[1] || **words == '-'))
        return usage();
    return run_check(*words, &f);
}
