/* evtopic_rm.c - rm: remove topics with all that is in them; mv: rename one. */
#include "evtopic.h"

static struct own {
    bool if_exists, regex;
} own;

/* clang-format off */
static const struct option rows[] = {
    OWN(0, "if-exists", NULL, FLAG, if_exists, NOTHING, "A missing topic is no error."),
    OWN('r', "regex", NULL, FLAG, regex, NOTHING, "Names are extended regular expressions."),
    { 0 },
};
/* clang-format on */

static const struct table_column columns[] = { { "TOPIC", false },   { "RECORDS", true },
                                               { "SIZE", true },     { "ERROR", false },
                                               { "MESSAGE", false }, { NULL, false } };

static int rm_consent(struct evtopic *t, const char *name, const struct content *content)
{
    struct evl_buffer what = { 0 };
    text_print(&what, "rm %s: deletes ", name);
    content_print(content, &what);
    int status = consent(t, DAMAGE_SEVERE, text_end(&what), name);
    evl_buffer_release(&what);
    return status;
}

static int rm_fail(struct evtopic *t, const char *name, enum evl_error err)
{
    if (err == EVL_ERR_NOT_FOUND && own.if_exists)
        return 0;
    return t->dry ? say_fault(err) : row_failed(t, name, -1, err);
}

static int rm(struct evtopic *t, const char *name)
{
    struct evl_topic topic;
    struct content content = { 0 };
    enum evl_error err = evl_admin_topic(t->place, name, &topic);
    if (err)
        return rm_fail(t, name, err);
    err = content_of(t, &topic, &content); /* a damaged topic can be removed, too */
    int status = t->dry ? 0 : rm_consent(t, name, &content);
    if (status)
        return status;
    err = evl_admin_remove(t->place, name, t->dry);
    if (err)
        return rm_fail(t, name, err);
    if (t->dry) {
        plan_begin(t, "rm");
        plan_word(t, name);
        plan_end(t);
        return 0;
    }
    table_text(&t->table, name);
    table_number(&t->table, content.records);
    table_size(&t->table, content.bytes);
    row_done(t);
    return 0;
}

static int run(struct evtopic *t, const struct words *operands)
{
    struct words topics = { 0 };
    int first = targets_find(t->place, operands, own.regex, false, &topics);
    if (first == 0 && !t->dry)
        rows_begin(t, columns);
    for (size_t i = 0; i < topics.count; i++)
        keep_first(&first, rm(t, topics.at[i]));
    words_release(&topics);
    return first;
}

static const char *const usage[] = { "rm TOPIC... [-r] [--if-exists]", NULL };

const struct command command_rm = {
    .grammar = { .name = "rm",
                 .summary = "remove topics and their records",
                 .usage = usage,
                 .sets = { { rows, &own } },
                 .operand = COMPLETES_TOPIC },
    .use = SPOT_WRITE,
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .options_size = sizeof own,
    .run = run,
};

/* ---- mv ------------------------------------------------------------------ */

static const struct table_column mv_columns[] = { { "TOPIC", false },
                                                  { "NEW-NAME", false },
                                                  { "ERROR", false },
                                                  { "MESSAGE", false },
                                                  { NULL, false } };

static int mv_consent(struct evtopic *t, const char *from, const char *to)
{
    struct evl_buffer what = { 0 };
    text_print(&what, "mv %s %s: readers and writers of %s lose it", from, to, from);
    int status = consent(t, DAMAGE_MODERATE, text_end(&what), from);
    evl_buffer_release(&what);
    return status;
}

static int mv(struct evtopic *t, const struct words *operands)
{
    const char *from = operands->at[0], *to = operands->at[1];
    enum evl_error err = evl_admin_rename(t->place, from, to, true);
    int status = err ? say_fault(err) : t->dry ? 0 : mv_consent(t, from, to);
    if (status)
        return status;
    if (t->dry) {
        plan_begin(t, "mv");
        plan_word(t, from);
        plan_word(t, to);
        plan_end(t);
        return 0;
    }
    rows_begin(t, mv_columns);
    err = evl_admin_rename(t->place, from, to, false);
    if (err)
        return row_failed(t, from, -1, err);
    table_text(&t->table, from);
    table_text(&t->table, to);
    row_done(t);
    return 0;
}

static const char *const mv_usage[] = { "mv TOPIC NEW-NAME", NULL };

const struct command command_mv = {
    .grammar = { .name = "mv",
                 .seldom = true,
                 .summary = "rename a topic",
                 .usage = mv_usage,
                 .operand = COMPLETES_TOPIC },
    .use = SPOT_WRITE,
    .operands_min = 2,
    .operands_max = 2,
    .run = mv,
};
