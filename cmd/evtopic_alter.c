/* evtopic_alter.c - alter: more partitions, other settings; config: what the
 * settings are. */
#include "evtopic.h"

#include <stdio.h>

#include <evl/config.h>
#include <evl/text.h>

static struct own {
    int64_t partitions;
    struct words set, unset;
    bool docs, defaults;
} own;

/* clang-format off */
static const struct option alter_rows[] = {
    OWN('P', "parts", "N", NUMBER, partitions, NOTHING,
        "How many partitions; never fewer than before. Keys move to other partitions."),
    OWN('c', "set", "NAME=VALUE", LIST, set, SETTING,
        "A setting, as retention.ms=7d; once for each. +NAME=VALUE adds to a list, "
        "-NAME=VALUE takes from it."),
    OWN(0, "unset", "NAME", LIST, unset, SETTING, "A setting goes back to its default."),
    { 0 },
};
static const struct option config_rows[] = {
    OWN(0, "docs", NULL, FLAG, docs, NOTHING, "Say what each setting means."),
    OWN(0, "defaults", NULL, FLAG, defaults, NOTHING, "Also settings that have their default."),
    { 0 },
};

/* Settings of which less means that records go away, or promises do. */
static const char *const guarded[] = {
    "cleanup.policy", "retention.ms", "retention.bytes", "min.insync.replicas", NULL,
};
/* clang-format on */

/* ---- alter --------------------------------------------------------------- */

/* -1 is for ever. */
static bool amount_read(const char *text, int64_t *amount)
{
    if (strcmp(text, "-1") == 0)
        *amount = INT64_MAX;
    return *amount == INT64_MAX || evl_parse_duration(text, 1, amount) ||
           evl_parse_size(text, amount);
}

static const char *value_initial(const char *name)
{
    struct evl_setting setting;
    return evl_setting_find(name, &setting) ? setting.initial : NULL;
}

static const char *value_now(const struct evl_configs *configs, const char *name)
{
    const char *value = config_value(configs, name);
    return value ? value : value_initial(name);
}

static bool change_is_guarded(const struct evl_change *change)
{
    for (const char *const *name = guarded; *name; name++)
        if (strcmp(*name, change->name) == 0)
            return true;
    return false;
}

/* More of a guarded setting is harmless, as far as it is an amount. */
static bool change_harms(const struct evl_change *change, const struct evl_configs *configs)
{
    int64_t before = 0, after = 0;
    if (!change_is_guarded(change))
        return false;
    const char *old = value_now(configs, change->name);
    const char *new = change->kind == EVL_UNSET ? value_initial(change->name) : change->value;
    if (!old || !new || change->kind == EVL_APPEND || change->kind == EVL_SUBTRACT)
        return true;
    if (!amount_read(old, &before) || !amount_read(new, &after))
        return strcmp(old, new) != 0;
    return after < before;
}

static int alter_consent(struct evtopic *t, const char *name, const struct changes *changes)
{
    struct evl_configs configs;
    enum damage damage = DAMAGE_MILD;
    struct evl_buffer what = { 0 };
    enum evl_error err = evl_admin_configs(t->place, name, &configs);
    if (err)
        return say_fault(err);
    text_print(&what, "alter %s:", name);
    for (size_t i = 0; i < changes->count; i++)
        if (change_harms(&changes->at[i], &configs)) {
            const char *old = value_now(&configs, changes->at[i].name);
            text_print(&what, " %s was %s", changes->at[i].name, old ? old : "not set");
            damage = DAMAGE_MODERATE;
        }
    evl_configs_release(&configs);
    int status = consent(t, damage, text_end(&what), name);
    evl_buffer_release(&what);
    return status;
}

static void alter_plan(struct evtopic *t, const char *name, const struct changes *changes)
{
    plan_begin(t, "alter");
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

/* Check or do both kinds of change. */
static enum evl_error alter_do(struct evtopic *t, const char *name, const struct changes *changes,
                               bool dry)
{
    enum evl_error err = EVL_OK;
    if (own.partitions)
        err = evl_admin_grow(t->place, name, (int32_t)own.partitions, dry);
    if (!err && changes->count)
        err = evl_admin_configure(t->place, name, changes->at, changes->count, dry);
    return err;
}

static const struct table_column alter_columns[] = {
    { "TOPIC", false }, { "ERROR", false }, { "MESSAGE", false }, { NULL, false }
};

static int alter(struct evtopic *t, const char *name, const struct changes *changes)
{
    enum evl_error err = alter_do(t, name, changes, true);
    if (err)
        return t->dry ? say_fault(err) : row_failed(t, name, -1, err);
    if (t->dry) {
        alter_plan(t, name, changes);
        return 0;
    }
    int status = alter_consent(t, name, changes);
    if (status)
        return status;
    err = alter_do(t, name, changes, false);
    if (err)
        return row_failed(t, name, -1, err);
    table_text(&t->table, name);
    row_done(t);
    return 0;
}

static int alter_run(struct evtopic *t, const struct words *operands)
{
    struct changes changes;
    if (own.partitions > INT32_MAX)
        return say_usage("alter: --parts: too many");
    if (!own.partitions && !own.set.count && !own.unset.count)
        return say_usage("alter: what? -P N, -c NAME=VALUE, or --unset NAME");
    int first = changes_read(&changes, &own.set, &own.unset);
    if (first)
        return first;
    if (!t->dry)
        rows_begin(t, alter_columns);
    for (size_t i = 0; i < operands->count; i++)
        keep_first(&first, alter(t, operands->at[i], &changes));
    changes_release(&changes);
    return first;
}

static const char *const alter_usage[] = {
    "alter TOPIC... [-P N] [-c [+|-]NAME=VALUE]... [--unset NAME]...", NULL
};

const struct command command_alter = {
    .grammar = { .name = "alter",
                 .summary = "change topics: partitions, settings",
                 .usage = alter_usage,
                 .sets = { { alter_rows, &own } },
                 .operand = COMPLETES_TOPIC },
    .use = SPOT_WRITE,
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .options_size = sizeof own,
    .run = alter_run,
};

/* ---- config -------------------------------------------------------------- */

static const struct table_column config_columns[] = {
    { "NAME", false }, { "VALUE", false }, { "DEFAULT", false }, { NULL, false }
};
static const struct table_column docs_columns[] = {
    { "NAME", false },    { "VALUE", false }, { "DEFAULT", false },
    { "MEANING", false }, { NULL, false },
};

static void config_row(struct evtopic *t, const struct evl_setting *setting, const char *value)
{
    table_text(&t->table, setting->name);
    table_text(&t->table, value);
    table_text(&t->table, setting->initial);
    if (own.docs)
        table_text(&t->table, setting->doc);
}

static int key_unknown(const char *key)
{
    struct nearest nearest = { .word = key };
    struct evl_setting setting;
    for (size_t i = 0; evl_setting(i, &setting); i++)
        nearest_try(&nearest, setting.name);
    if (nearest.best)
        return say_usage("config: no setting '%s'; did you mean %s?", key, nearest.best);
    return say_usage("config: no setting '%s'; evtopic config TOPIC --defaults lists them", key);
}

static int config_run(struct evtopic *t, const struct words *operands)
{
    const char *key = operands->count > 1 ? operands->at[1] : NULL;
    struct evl_configs configs;
    bool found = false;
    enum evl_error err = evl_admin_configs(t->place, operands->at[0], &configs);
    if (err)
        return say_fault(err);
    bool unknown = foreign_settings(t);
    rows_begin(t, own.docs ? docs_columns : config_columns);
    struct evl_setting setting;
    for (size_t i = 0; evl_setting(i, &setting); i++) {
        const char *value = config_value(&configs, setting.name);
        bool wanted = key ? strcmp(key, setting.name) == 0 : value || own.defaults;
        if (wanted)
            config_row(t, &setting, value || unknown ? value : setting.initial);
        found = found || (key && wanted);
    }
    evl_configs_release(&configs);
    return key && !found ? key_unknown(key) : 0;
}

static const char *const config_usage[] = { "config TOPIC [SETTING] [--defaults] [--docs]", NULL };

const struct command command_config = {
    .grammar = { .name = "config",
                 .summary = "the settings of a topic",
                 .usage = config_usage,
                 .sets = { { config_rows, &own } },
                 .operand = COMPLETES_TOPIC },
    .use = SPOT_READ,
    .operands_min = 1,
    .operands_max = 2,
    .options_size = sizeof own,
    .run = config_run,
};
