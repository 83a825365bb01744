/* evtopic_monitor.c - check age, check disk, check lag: for Nagios and its kin.
 *
 * A line on stdout says how it is, with performance data behind the bar, and
 * the exit status says it again: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.  What
 * cannot be found out is UNKNOWN, never OK. */
#include "evtopic_group.h"

#include <inttypes.h>
#include <stdlib.h>

#include <evl/text.h>

enum health { HEALTH_OK, HEALTH_WARNING, HEALTH_CRITICAL, HEALTH_UNKNOWN };

static struct own {
    const char *warn, *crit;
} own;

/* Where warning and trouble begin; -1: nowhere. */
struct limits {
    int64_t warn, crit;
};

static enum health limits_judge(const struct limits *limits, int64_t value)
{
    if (limits->crit >= 0 && value >= limits->crit)
        return HEALTH_CRITICAL;
    return limits->warn >= 0 && value >= limits->warn ? HEALTH_WARNING : HEALTH_OK;
}

static int limit_read(const char *option, const char *text, int64_t *limit,
                      bool (*parse)(const char *, int64_t *), const char *form)
{
    *limit = -1;
    if (!text || parse(text, limit))
        return 0;
    return say_usage("%s: '%s' is not %s", option, text, form);
}

static int limits_read(struct limits *limits, bool (*parse)(const char *, int64_t *),
                       const char *form)
{
    int status = limit_read("--warn", own.warn, &limits->warn, parse, form);
    if (status == 0)
        status = limit_read("--crit", own.crit, &limits->crit, parse, form);
    if (status == 0 && limits->warn >= 0 && limits->crit >= 0 && limits->crit < limits->warn)
        return say_usage("--crit %s comes before --warn %s", own.crit, own.warn);
    return status;
}

static const char *health_name(enum health health)
{
    static const char *const names[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };
    return names[health];
}

/* "AGE WARNING - ": the line that a monitor shows begins with it. */
static void line_begin(struct evtopic *t, const char *what, enum health health)
{
    text_print(&t->out, "%s %s - ", what, health_name(health));
}

/* "|age=720s;600;3600": a limit that is not set stays empty. */
static void line_end(struct evtopic *t, const char *label, int64_t value, const char *unit,
                     const struct limits *limits)
{
    text_print(&t->out, " | '%s'=%" PRId64 "%s;", label, value, unit);
    if (limits->warn >= 0)
        text_print(&t->out, "%" PRId64, limits->warn);
    text_add(&t->out, ";");
    if (limits->crit >= 0)
        text_print(&t->out, "%" PRId64, limits->crit);
    text_add(&t->out, "\n");
}

static enum health line_unknown(struct evtopic *t, const char *what)
{
    line_begin(t, what, HEALTH_UNKNOWN);
    text_print(&t->out, "%s\n", evl_fault());
    return HEALTH_UNKNOWN;
}

/* ---- age ----------------------------------------------------------------- */

static bool seconds_parse(const char *text, int64_t *seconds)
{
    int64_t ms;
    if (!evl_parse_duration(text, 1000, &ms))
        return false;
    *seconds = ms / 1000;
    return true;
}

/* A topic that has no record has no age: something that should have come has not. */
static enum health age_check(struct evtopic *t, const char *name, const struct limits *limits)
{
    struct evl_topic topic;
    struct content content;
    char age[EVL_TEXT_ROOM];
    enum evl_error err = evl_admin_topic(t->place, name, &topic);
    if (!err)
        err = content_of(t, &topic, &content);
    if (err)
        return line_unknown(t, "AGE");
    if (content.newest == EVL_NO_TIMESTAMP) {
        line_begin(t, "AGE", HEALTH_UNKNOWN);
        text_print(&t->out, "%s has no record\n", name);
        return HEALTH_UNKNOWN;
    }
    int64_t ms = tool_now_ms() - content.newest;
    enum health health = limits_judge(limits, ms / 1000);
    line_begin(t, "AGE", health);
    text_print(&t->out, "the newest record of %s is %s old", name,
               evl_print_duration(ms > 0 ? ms : 0, age));
    line_end(t, name, ms > 0 ? ms / 1000 : 0, "s", limits);
    return health;
}

static int age(struct evtopic *t, const struct words *operands)
{
    struct limits limits;
    enum health worst = HEALTH_OK;
    int status = limits_read(&limits, seconds_parse, "a duration, as 10m");
    for (size_t i = 0; i < operands->count && status == 0; i++) {
        enum health health = age_check(t, operands->at[i], &limits);
        worst = health > worst ? health : worst;
    }
    return status ? (int)HEALTH_UNKNOWN : (int)worst;
}

/* ---- disk ---------------------------------------------------------------- */

static bool percent_parse(const char *text, int64_t *percent)
{
    char *end;
    *percent = strtol(text, &end, 10);
    return end > text && strcmp(end, "%") == 0 && *percent >= 0 && *percent <= 100;
}

static int disk(struct evtopic *t, const struct words *operands)
{
    struct limits limits;
    struct evl_disk facts;
    char left[EVL_TEXT_ROOM];
    (void)operands;
    int status = limits_read(&limits, percent_parse, "a part of the disk, as 90%");
    if (status)
        return (int)HEALTH_UNKNOWN;
    if (evl_admin_disk(t->place, &facts))
        return (int)line_unknown(t, "DISK");
    int64_t total = facts.total > 0 ? facts.total : 1;
    int64_t used = 100 - (int64_t)((double)facts.free * 100 / (double)total);
    enum health health = limits_judge(&limits, used);
    line_begin(t, "DISK", health);
    text_print(&t->out, "%s is %" PRId64 "%% full, %s left", evl_place_name(t->place), used,
               evl_print_size(facts.free, left));
    line_end(t, "used", used, "%", &limits);
    return (int)health;
}

/* ---- lag ----------------------------------------------------------------- */

static bool records_parse(const char *text, int64_t *records) { return number_read(text, records); }

static enum health lag_check(struct evtopic *t, const char *group, const struct limits *limits)
{
    int64_t sum;
    if (group_lag_sum(t, group, &sum))
        return line_unknown(t, "LAG");
    enum health health = limits_judge(limits, sum);
    line_begin(t, "LAG", health);
    text_print(&t->out, "%s is %" PRId64 " records behind", group, sum);
    line_end(t, group, sum, "", limits);
    return health;
}

static int lag(struct evtopic *t, const struct words *operands)
{
    struct limits limits;
    enum health worst = HEALTH_OK;
    int status = limits_read(&limits, records_parse, "a number of records");
    for (size_t i = 0; i < operands->count && status == 0; i++) {
        enum health health = lag_check(t, operands->at[i], &limits);
        worst = health > worst ? health : worst;
    }
    return status ? (int)HEALTH_UNKNOWN : (int)worst;
}

/* ---- the commands -------------------------------------------------------- */

/* clang-format off */
static const struct option age_rows[] = {
    OWN(0, "warn", "DUR", TEXT, warn, NOTHING, "A newest record this old is a warning."),
    OWN(0, "crit", "DUR", TEXT, crit, NOTHING, "One this old is critical."),
    { 0 },
};
static const struct option lag_rows[] = {
    OWN(0, "warn", "N", TEXT, warn, NOTHING, "So many records behind are a warning."),
    OWN(0, "crit", "N", TEXT, crit, NOTHING, "So many are critical."),
    { 0 },
};
static const struct option disk_rows[] = {
    OWN(0, "warn", "PERCENT", TEXT, warn, NOTHING, "A disk this full is a warning: 80%."),
    OWN(0, "crit", "PERCENT", TEXT, crit, NOTHING, "One this full is critical: 90%."),
    { 0 },
};
/* clang-format on */

static const char *const age_usage[] = { "check age TOPIC... [--warn DUR] [--crit DUR]", NULL };
static const char *const lag_usage[] = { "check lag GROUP... [--warn N] [--crit N]", NULL };
static const char *const disk_usage[] = { "check disk [--warn PERCENT] [--crit PERCENT]", NULL };

const struct command command_check_age = {
    .grammar = { .name = "check age",
                 .seldom = true,
                 .summary = "how old the newest record is, for a monitor",
                 .usage = age_usage,
                 .sets = { { age_rows, &own } },
                 .operand = COMPLETES_TOPIC },
    .use = SPOT_READ,
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .options_size = sizeof own,
    .monitors = true,
    .run = age,
};

const struct command command_check_lag = {
    .grammar = { .name = "check lag",
                 .seldom = true,
                 .summary = "how far a group is behind, for a monitor",
                 .usage = lag_usage,
                 .sets = { { lag_rows, &own } },
                 .operand = COMPLETES_GROUP },
    .use = SPOT_READ,
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .options_size = sizeof own,
    .monitors = true,
    .run = lag,
};

const struct command command_check_disk = {
    .grammar = { .name = "check disk",
                 .seldom = true,
                 .summary = "how full the disk is, for a monitor",
                 .usage = disk_usage,
                 .sets = { { disk_rows, &own } } },
    .use = SPOT_READ,
    .options_size = sizeof own,
    .monitors = true,
    .run = disk,
};
