/* unit.c - run the unit tests that were linked in, print TAP. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include <evl/error.h>

static struct unit_test *first, **last = &first;
static int failures;

void unit_add(struct unit_test *test)
{
    *last = test;
    last = &test->next;
}

void unit_failed(const char *file, int line, const char *what)
{
    failures++;
    printf("# %s:%d: this should hold: %s (fault: %s)\n", file, line, what, evl_fault());
}

static bool unit_selected(const struct unit_test *test, int words, char **word)
{
    for (int i = 1; i < words; i++)
        if (strstr(test->file, word[i]) || strstr(test->sentence, word[i]))
            return true;
    return words == 1;
}

int main(int argc, char **argv)
{
    int count = 0;
    int bad = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (struct unit_test *t = first; t; t = t->next) {
        if (!unit_selected(t, argc, argv))
            continue;
        failures = 0;
        t->run();
        bad += failures > 0;
        printf("%s %d - %s\n", failures ? "not ok" : "ok", ++count, t->sentence);
    }
    printf("1..%d\n", count);
    return bad > 0;
}
