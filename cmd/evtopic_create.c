/* evtopic_create.c - create: make topics. */
#include "evtopic.h"

#include <stdio.h>

static struct create_line own;

#define LINE(letter, name, argument, kind, member, completes, help)                  \
    {                                                                                \
        letter, name, argument, OPTION_##kind, offsetof(struct create_line, member), \
            COMPLETES_##completes, true, help                                        \
    }

/* clang-format off */
static const struct option rows[] = {
    LINE('P', "parts", "N", NUMBER, partitions, NOTHING, "How many partitions. Default: 1."),
    LINE('c', "set", "NAME=VALUE", LIST, set, SETTING,
        "A setting, as retention.ms=7d; once for each."),
    LINE(0, "if-missing", NULL, FLAG, if_missing, NOTHING, "A topic that exists is no error."),
    { 0 },
};
/* clang-format on */

int create_line_read(struct create_line *line, const struct words *words)
{
    struct common none = { 0 };
    size_t used;
    struct grammar grammar = { .name = "create", .sets = { { rows, line } } };
    *line = (struct create_line){ .partitions = 0 };
    if (strcmp(words->at[0], "create") != 0)
        return say_usage("'%s': only lines of create say what there should be", words->at[0]);
    return options_read(&grammar, words->at + 1, words->count - 1, &none, &line->topics, &used);
}

void create_line_release(struct create_line *line)
{
    words_release(&line->topics);
    words_release(&line->set);
}

static const struct table_column columns[] = { { "TOPIC", false },
                                               { "PARTITIONS", true },
                                               { "ERROR", false },
                                               { "MESSAGE", false },
                                               { NULL, false } };

static void plan(struct evtopic *t, const char *name, const struct changes *changes)
{
    plan_begin(t, "create");
    plan_word(t, name);
    if (own.partitions) {
        char text[24];
        snprintf(text, sizeof text, "%lld", (long long)own.partitions);
        plan_word(t, "-P");
        plan_word(t, text);
    }
    plan_changes(t, changes->at, changes->count);
    plan_end(t);
}

static int create(struct evtopic *t, const char *name, const struct changes *changes)
{
    struct evl_topic topic;
    if (own.if_missing && evl_admin_topic(t->place, name, &topic) == EVL_OK)
        return 0;
    int32_t partitions = own.partitions ? (int32_t)own.partitions : 1;
    enum evl_error err =
        evl_admin_create(t->place, name, partitions, changes->at, changes->count, t->dry);
    if (err && t->dry)
        return say_fault(err);
    if (err)
        return row_failed(t, name, -1, err);
    if (t->dry) {
        plan(t, name, changes);
        return 0;
    }
    table_text(&t->table, name);
    table_number(&t->table, partitions);
    row_done(t);
    return 0;
}

static int run(struct evtopic *t, const struct words *operands)
{
    struct changes changes;
    if (own.partitions > INT32_MAX)
        return say_usage("create: --parts: too many");
    int first = changes_read(&changes, &own.set, NULL);
    if (first)
        return first;
    first = consent(t, DAMAGE_MILD, "create", "");
    if (first == 0 && !t->dry)
        rows_begin(t, columns);
    for (size_t i = 0; i < operands->count && first != EXIT_NO; i++)
        keep_first(&first, create(t, operands->at[i], &changes));
    changes_release(&changes);
    return first;
}

static const char *const usage[] = { "create TOPIC... [-P N] [-c NAME=VALUE]... [--if-missing]",
                                     NULL };

const struct command command_create = {
    .grammar = { .name = "create",
                 .summary = "make topics",
                 .usage = usage,
                 .sets = { { rows, &own } },
                 .operand = COMPLETES_NOTHING },
    .use = SPOT_CREATE,
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .options_size = sizeof own,
    .run = run,
};
