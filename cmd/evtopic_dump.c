/* evtopic_dump.c - dump: all topics as lines of `create`; diff and apply: from
 * what is to what such lines say.
 *
 * There is one language: what dump prints is a script that makes the topics in
 * an empty directory, and it is also what diff and apply compare with.  What
 * they find is again a script, of create, alter and rm. */
#include "evtopic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <evl/config.h>
#include <evl/text.h>

static struct own {
    bool prune;
} own;

/* clang-format off */
static const struct option rows[] = {
    OWN(0, "prune", NULL, FLAG, prune, NOTHING, "Topics that FILE does not name are removed."),
    { 0 },
};
/* clang-format on */

static void plan_number(struct evtopic *t, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    plan_word(t, "-P");
    plan_word(t, text);
}

/* ---- dump ---------------------------------------------------------------- */

static enum evl_error dump_topic(struct evtopic *t, const char *name)
{
    struct evl_topic topic;
    struct evl_configs configs;
    enum evl_error err = evl_admin_topic(t->place, name, &topic);
    if (!err)
        err = evl_admin_configs(t->place, name, &configs);
    if (err)
        return err;
    plan_begin(t, "create");
    plan_word(t, name);
    plan_number(t, topic.partitions);
    for (size_t i = 0; i < configs.count; i++) {
        struct evl_change change = { EVL_SET, configs.at[i].name, configs.at[i].value };
        plan_changes(t, &change, 1);
    }
    plan_end(t);
    evl_configs_release(&configs);
    return EVL_OK;
}

static int dump(struct evtopic *t, const struct words *operands)
{
    struct words topics = { 0 };
    int first = targets_find(t->place, operands, false, false, &topics);
    if (foreign_settings(t))
        text_add(&t->out, "# without settings and partitions that are not known here\n");
    for (size_t i = 0; i < topics.count; i++) {
        enum evl_error err = dump_topic(t, topics.at[i]);
        keep_first(&first, err ? say_fault(err) : 0);
    }
    words_release(&topics);
    return first;
}

/* ---- one topic: from what is to what should be --------------------------- */

/* 7d and 604800000 are the same. */
static bool value_same(const char *name, const char *a, const char *b)
{
    struct evl_setting setting;
    int64_t left, right;
    if (strcmp(a, b) == 0)
        return true;
    if (!evl_setting_find(name, &setting))
        return false;
    if (strcmp(setting.type, "DURATION") == 0)
        return evl_parse_duration(a, 1, &left) && evl_parse_duration(b, 1, &right) && left == right;
    if (strcmp(setting.type, "SIZE") == 0)
        return evl_parse_size(a, &left) && evl_parse_size(b, &right) && left == right;
    return false;
}

static const struct evl_change *wish_find(const struct changes *wishes, const char *name)
{
    for (size_t i = 0; i < wishes->count; i++)
        if (strcmp(wishes->at[i].name, name) == 0)
            return &wishes->at[i];
    return NULL;
}

/* The steps from the settings that are to those that are wished. */
static size_t steps_find(const struct evl_configs *configs, const struct changes *wishes,
                         struct evl_change *steps)
{
    size_t count = 0;
    for (size_t i = 0; i < wishes->count; i++) {
        const char *value = config_value(configs, wishes->at[i].name);
        if (!value || !value_same(wishes->at[i].name, value, wishes->at[i].value))
            steps[count++] = wishes->at[i];
    }
    for (size_t i = 0; i < configs->count; i++)
        if (!wish_find(wishes, configs->at[i].name))
            steps[count++] = (struct evl_change){ EVL_UNSET, configs->at[i].name, NULL };
    return count;
}

static void alter_print(struct evtopic *t, const struct evl_topic *topic,
                        const struct create_line *line, const struct evl_configs *configs,
                        const struct changes *wishes)
{
    struct evl_change *steps = tool_take(configs->count + wishes->count, sizeof *steps);
    size_t count = steps_find(configs, wishes, steps);
    bool grows = line->partitions > topic->partitions;
    if (grows || count) {
        plan_begin(t, "alter");
        plan_word(t, topic->name);
        if (grows)
            plan_number(t, line->partitions);
        plan_changes(t, steps, count);
        plan_end(t);
    }
    free(steps);
}

static void create_print(struct evtopic *t, const char *name, const struct create_line *line,
                         const struct changes *wishes)
{
    plan_begin(t, "create");
    plan_word(t, name);
    if (line->partitions)
        plan_number(t, line->partitions);
    plan_changes(t, wishes->at, wishes->count);
    plan_end(t);
}

static int topic_compare(struct evtopic *t, const char *name, const struct create_line *line,
                         const struct changes *wishes)
{
    struct evl_topic topic;
    struct evl_configs configs;
    enum evl_error err = evl_admin_topic(t->place, name, &topic);
    if (err == EVL_ERR_NOT_FOUND) {
        create_print(t, name, line, wishes);
        return 0;
    }
    if (!err)
        err = evl_admin_configs(t->place, name, &configs);
    if (err)
        return say_fault(err);
    if (line->partitions && line->partitions < topic.partitions) {
        say(SAY_ERROR, "%s has %d partitions, and they cannot be made fewer: %lld", name,
            topic.partitions, (long long)line->partitions);
        evl_configs_release(&configs);
        return EXIT_DATA;
    }
    static const struct changes none; /* what is not known is not compared */
    alter_print(t, &topic, line, &configs, evl_place_is_foreign(t->place) ? &none : wishes);
    evl_configs_release(&configs);
    return 0;
}

/* ---- the file ------------------------------------------------------------ */

static int line_compare(struct evtopic *t, const char *text, struct words *named)
{
    struct words words = { 0 };
    struct create_line line = { .partitions = 0 };
    struct changes wishes = { 0 };
    int status = words_split(&words, text) ? 0 : say_usage("a quote is not closed");
    if (status == 0 && words.count) {
        status = create_line_read(&line, &words);
        if (status == 0)
            status = changes_read(&wishes, &line.set, NULL);
        for (size_t i = 0; i < line.topics.count && status == 0; i++) {
            words_add(named, line.topics.at[i]);
            status = topic_compare(t, line.topics.at[i], &line, &wishes);
        }
        create_line_release(&line);
        changes_release(&wishes);
    }
    words_release(&words);
    return status;
}

static int file_compare(struct evtopic *t, const char *path, struct words *named)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (!file)
        return say_system("%s", path);
    struct evl_buffer text = { 0 };
    int64_t number = 0;
    int status = 0;
    for (int64_t first = 1; status == 0 && script_next(file, &text, &number); first = number + 1) {
        char where[300];
        snprintf(where, sizeof where, "%s:%lld", path, (long long)first);
        say_where(where);
        status = line_compare(t, text_end(&text), named);
    }
    say_where(NULL);
    evl_buffer_release(&text);
    if (file != stdin)
        fclose(file);
    return status;
}

static bool words_have(const struct words *words, const char *name)
{
    for (size_t i = 0; i < words->count; i++)
        if (strcmp(words->at[i], name) == 0)
            return true;
    return false;
}

/* The topics that the file does not name. */
static int others_compare(struct evtopic *t, const struct words *named)
{
    struct words none = { 0 }, topics = { 0 };
    int status = targets_find(t->place, &none, false, false, &topics);
    for (size_t i = 0; i < topics.count; i++) {
        if (words_have(named, topics.at[i]))
            continue;
        plan_begin(t, own.prune ? "rm" : "# not named:");
        plan_word(t, topics.at[i]);
        plan_end(t);
    }
    words_release(&topics);
    return status;
}

/* Leaves the steps in t->out. */
static int compare(struct evtopic *t, const char *path)
{
    struct words named = { 0 };
    (void)foreign_settings(t);
    int status = file_compare(t, path, &named);
    if (status == 0)
        status = others_compare(t, &named);
    words_release(&named);
    return status;
}

static bool has_steps(const struct evl_buffer *text)
{
    for (size_t i = 0; i < text->count; i++)
        if ((i == 0 || text->at[i - 1] == '\n') && text->at[i] != '#')
            return true;
    return false;
}

static int diff(struct evtopic *t, const struct words *operands)
{
    int status = compare(t, operands->at[0]);
    return status ? status : has_steps(&t->out) ? EXIT_NO : 0;
}

/* Each step is a command, and asks as the command asks. */
static int steps_run(struct evtopic *t, char *steps)
{
    int status = 0;
    for (char *line = steps; *line && status == 0;) {
        char *end = line + strcspn(line, "\n");
        char *next = *end ? end + 1 : end;
        *end = '\0';
        say(SAY_DETAIL, "%s", line);
        status = evtopic_line(t, line);
        line = next;
    }
    return status;
}

static int apply(struct evtopic *t, const struct words *operands)
{
    int status = compare(t, operands->at[0]);
    if (status || t->dry)
        return status;
    char *steps = tool_text(text_end(&t->out));
    evl_buffer_clear(&t->out);
    status = steps_run(t, steps);
    free(steps);
    return status;
}

static const char *const dump_usage[] = { "dump [TOPIC...]", NULL };
static const char *const diff_usage[] = { "diff FILE [--prune]", NULL };
static const char *const apply_usage[] = { "apply FILE [--prune]", NULL };

const struct command command_dump = {
    .grammar = { .name = "dump",
                 .seldom = true,
                 .summary = "topics and settings as commands that make them",
                 .usage = dump_usage,
                 .operand = COMPLETES_TOPIC },
    .use = SPOT_READ,
    .operands_max = SIZE_MAX,
    .run = dump,
};

const struct command command_diff = {
    .grammar = { .name = "diff",
                 .seldom = true,
                 .summary = "what apply would do; exits 1 if that is something",
                 .usage = diff_usage,
                 .sets = { { rows, &own } },
                 .operand = COMPLETES_FILE },
    .use = SPOT_READ,
    .operands_min = 1,
    .operands_max = 1,
    .options_size = sizeof own,
    .run = diff,
};

const struct command command_apply = {
    .grammar = { .name = "apply",
                 .seldom = true,
                 .summary = "make topics and settings what a file says, as dump prints it",
                 .usage = apply_usage,
                 .sets = { { rows, &own } },
                 .operand = COMPLETES_FILE },
    .use = SPOT_CREATE,
    .operands_min = 1,
    .operands_max = 1,
    .options_size = sizeof own,
    .run = apply,
};
