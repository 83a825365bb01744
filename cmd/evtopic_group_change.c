/* evtopic_group_change.c - group reset, clone, rm, rm-offsets: change where
 * consumer groups are.  A group that has members is left alone. */
#include "evtopic_group.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

static struct own {
    const char *to;
    struct words topics;
    const char *shift;
    int64_t wait;
} own;

enum { WAIT_STEP_MS = 100 };

/* ---- what is meant ------------------------------------------------------- */

int group_targets_read(struct group_targets *targets, const struct words *texts)
{
    int status = 0;
    targets->count = 0;
    targets->at = tool_take(texts->count + 1, sizeof *targets->at);
    for (size_t i = 0; i < texts->count && status == 0; i++) {
        struct group_target *target = &targets->at[targets->count++];
        *target = (struct group_target){ .topic = tool_text(texts->at[i]) };
        char *colon = strchr(target->topic, ':');
        if (!colon)
            continue;
        *colon = '\0';
        status = partition_list_read(colon + 1, &target->list);
    }
    return status;
}

void group_targets_release(struct group_targets *targets)
{
    for (size_t i = 0; i < targets->count; i++)
        free(targets->at[i].topic);
    free(targets->at);
    *targets = (struct group_targets){ 0 };
}

bool group_targets_have(const struct group_targets *targets, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < targets->count; i++)
        if (strcmp(targets->at[i].topic, topic) == 0 &&
            partition_list_has(&targets->at[i].list, partition))
            return true;
    return targets->count == 0;
}

void group_plan_add(struct group_plan *plan, const char *topic, int32_t partition, int64_t offset)
{
    if (plan->count == plan->room) {
        struct evl_position_commit *before = plan->at;
        plan->room = plan->room ? 2 * plan->room : 16;
        plan->at = tool_take(plan->room, sizeof *plan->at);
        if (before)
            memcpy(plan->at, before, plan->count * sizeof *before);
        free(before);
    }
    plan->at[plan->count++] = (struct evl_position_commit){
        .topic = tool_text(topic), .partition = partition, .offset = offset, .leader_epoch = -1
    };
}

void group_plan_release(struct group_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        free((char *)(uintptr_t)plan->at[i].topic); /* ours: group_plan_add */
    free(plan->at);
    *plan = (struct group_plan){ 0 };
}

/* ---- carrying a plan out ------------------------------------------------- */

static const struct table_column plan_columns[] = { { "GROUP", false },     { "TOPIC", false },
                                                    { "PARTITION", true },  { "OFFSET", true },
                                                    { "NEW-OFFSET", true }, { NULL, false } };

static int64_t offset_before(const struct evl_offsets *offsets, const struct evl_position_commit *p)
{
    for (size_t i = 0; i < offsets->count; i++)
        if (offsets->at[i].partition == p->partition && strcmp(offsets->at[i].topic, p->topic) == 0)
            return offsets->at[i].offset;
    return -1;
}

static void plan_print(struct evtopic *t, const char *group, const struct group_plan *plan)
{
    char number[24];
    struct evl_buffer target = { 0 };
    for (size_t i = 0; i < plan->count; i++) {
        snprintf(number, sizeof number, "%" PRId64, plan->at[i].offset);
        evl_buffer_clear(&target);
        text_print(&target, "%s:%" PRId32, plan->at[i].topic, plan->at[i].partition);
        plan_begin(t, "group reset");
        plan_word(t, group);
        plan_word(t, "--to");
        plan_word(t, number);
        plan_word(t, "-t");
        plan_word(t, text_end(&target));
        plan_end(t);
    }
    evl_buffer_release(&target);
}

static void plan_rows(struct evtopic *t, const char *group, const struct group_plan *plan,
                      const struct evl_offsets *before)
{
    rows_begin(t, plan_columns);
    for (size_t i = 0; i < plan->count; i++) {
        int64_t offset = offset_before(before, &plan->at[i]);
        table_text(&t->table, group);
        table_text(&t->table, plan->at[i].topic);
        table_number(&t->table, plan->at[i].partition);
        if (offset < 0)
            table_text(&t->table, NULL);
        else
            table_number(&t->table, offset);
        table_number(&t->table, plan->at[i].offset);
    }
}

/* Sleep, unless a signal comes. */
static void pause_ms(int ms)
{
    struct pollfd bell = { .fd = signals_fd(), .events = POLLIN };
    (void)poll(&bell, 1, ms);
}

/* Members may leave within --wait. */
static enum evl_error reset_patiently(struct evtopic *t, const char *group,
                                      const struct group_plan *plan)
{
    int64_t until = tool_clock_ms() + own.wait;
    enum evl_error err;
    while ((err = evl_admin_group_reset(t->place, group, plan->at, plan->count, t->dry)) ==
               EVL_ERR_BUSY &&
           tool_clock_ms() < until && !signals_caught())
        pause_ms(WAIT_STEP_MS);
    return err;
}

static int plan_do(struct evtopic *t, const char *group, const struct group_plan *plan,
                   const struct evl_offsets *before)
{
    struct evl_buffer what = { 0 };
    enum evl_error err = t->dry ? reset_patiently(t, group, plan) : EVL_OK;
    if (err)
        return say_fault(err);
    if (t->dry) {
        plan_print(t, group, plan);
        return 0;
    }
    text_print(&what, "%s %s: %zu partition%s will be read from elsewhere", t->command, group,
               plan->count, plan->count == 1 ? "" : "s");
    int status = before->count ? consent(t, DAMAGE_MODERATE, text_end(&what), group) : 0;
    evl_buffer_release(&what);
    if (status)
        return status;
    err = reset_patiently(t, group, plan);
    if (err)
        return say_fault(err);
    plan_rows(t, group, plan, before);
    return 0;
}

/* What the group has, which may be nothing. */
static enum evl_error offsets_of(struct evtopic *t, const char *group, struct evl_offsets *offsets)
{
    *offsets = (struct evl_offsets){ 0 };
    enum evl_error err = evl_admin_group_offsets(t->place, group, offsets);
    return err == EVL_ERR_NOT_FOUND ? EVL_OK : err;
}

/* ---- reset --------------------------------------------------------------- */

/* Where a partition goes. */
struct reset {
    struct spec spec;
    int64_t shift;
    struct evl_offsets other; /* of group:G */
    bool from_group;
};

static bool shift_read(const char *text, int64_t *shift)
{
    char *end;
    *shift = strtoll(text, &end, 10);
    return end > text && *end == '\0';
}

static int reset_read(struct evtopic *t, struct reset *reset)
{
    struct spec_clock clock = { t->utc, tool_now_ms(), EVL_NO_TIMESTAMP };
    if (!own.to == !own.shift)
        return say_usage("group reset: --to SPEC or --shift N says where the group goes");
    if (own.shift)
        return shift_read(own.shift, &reset->shift)
                   ? 0
                   : say_usage("--shift: '%s' is no number, as -100", own.shift);
    if (strncmp(own.to, "group:", 6) != 0)
        return spec_read(&reset->spec, "--to", own.to, &clock);
    reset->from_group = true;
    enum evl_error err = evl_admin_group_offsets(t->place, own.to + 6, &reset->other);
    return err ? say_fault(err) : 0;
}

static void reset_release(struct reset *reset)
{
    spec_release(&reset->spec);
    evl_offsets_release(&reset->other);
}

static int64_t between(int64_t offset, const struct evl_partition *facts)
{
    return offset < facts->start        ? facts->start
           : offset > facts->stable_end ? facts->stable_end
                                        : offset;
}

/* The new offset of one partition; -1 if nothing is said about it. */
static enum evl_error reset_find(struct evtopic *t, const struct reset *reset, const char *topic,
                                 int32_t partition, int64_t before, int64_t *offset)
{
    struct evl_position position;
    struct evl_partition facts;
    struct evl_position_commit wanted = { .topic = topic, .partition = partition };
    *offset = -1;
    enum evl_error err = evl_admin_partition(t->place, topic, partition, &facts);
    if (err)
        return err;
    if (own.shift)
        *offset = before < 0 ? -1 : before + reset->shift < 0 ? 0 : before + reset->shift;
    else if (reset->from_group)
        *offset = offset_before(&reset->other, &wanted);
    else if (spec_position(&reset->spec, topic, partition, &position))
        err = evl_place_resolve(t->place, topic, partition, position, EVL_COMMITTED, offset);
    if (!err && *offset >= 0)
        *offset = between(*offset, &facts);
    return err;
}

static enum evl_error reset_add(struct evtopic *t, const struct reset *reset, const char *topic,
                                int32_t partition, const struct evl_offsets *before,
                                struct group_plan *plan)
{
    struct evl_position_commit wanted = { .topic = topic, .partition = partition };
    int64_t offset;
    enum evl_error err =
        reset_find(t, reset, topic, partition, offset_before(before, &wanted), &offset);
    if (!err && offset >= 0)
        group_plan_add(plan, topic, partition, offset);
    return err;
}

/* All that the group has, or what -t names, whether it has it or not. */
static enum evl_error reset_plan(struct evtopic *t, const struct reset *reset,
                                 const struct group_targets *targets,
                                 const struct evl_offsets *before, struct group_plan *plan)
{
    enum evl_error err = EVL_OK;
    const struct evl_offsets *all = reset->from_group ? &reset->other : before;
    for (size_t i = 0; i < all->count && targets->count == 0 && !err; i++)
        err = reset_add(t, reset, all->at[i].topic, all->at[i].partition, before, plan);
    for (size_t i = 0; i < targets->count && !err; i++) {
        struct evl_topic topic;
        err = evl_admin_topic(t->place, targets->at[i].topic, &topic);
        for (int32_t p = 0; !err && p < topic.partitions; p++)
            if (partition_list_has(&targets->at[i].list, p))
                err = reset_add(t, reset, targets->at[i].topic, p, before, plan);
    }
    return err;
}

static int reset(struct evtopic *t, const struct words *operands)
{
    const char *group = operands->at[0];
    struct reset reset = { 0 };
    struct group_targets targets = { 0 };
    struct evl_offsets before = { 0 };
    struct group_plan plan = { 0 };
    int status = reset_read(t, &reset);
    if (status == 0)
        status = group_targets_read(&targets, &own.topics);
    enum evl_error err = status ? EVL_OK : offsets_of(t, group, &before);
    if (status == 0 && !err)
        err = reset_plan(t, &reset, &targets, &before, &plan);
    if (err)
        status = say_fault(err);
    if (status == 0 && plan.count == 0) {
        say(SAY_ERROR, "group %s has no offsets; -t TOPIC gives it some", group);
        status = EXIT_NO_INPUT;
    }
    if (status == 0)
        status = plan_do(t, group, &plan, &before);
    group_plan_release(&plan);
    evl_offsets_release(&before);
    group_targets_release(&targets);
    reset_release(&reset);
    return status;
}

/* ---- clone --------------------------------------------------------------- */

static int clone(struct evtopic *t, const struct words *operands)
{
    const char *from = operands->at[0], *to = operands->at[1];
    struct evl_offsets source = { 0 }, before = { 0 };
    struct group_plan plan = { 0 };
    enum evl_error err = evl_admin_group_offsets(t->place, from, &source);
    if (!err)
        err = offsets_of(t, to, &before);
    for (size_t i = 0; i < source.count && !err; i++)
        group_plan_add(&plan, source.at[i].topic, source.at[i].partition, source.at[i].offset);
    int status = err ? say_fault(err) : plan_do(t, to, &plan, &before);
    group_plan_release(&plan);
    evl_offsets_release(&before);
    evl_offsets_release(&source);
    return status;
}

/* ---- rm, rm-offsets ------------------------------------------------------ */

static const struct table_column rm_columns[] = { { "GROUP", false },
                                                  { "PARTITIONS", true },
                                                  { "ERROR", false },
                                                  { "MESSAGE", false },
                                                  { NULL, false } };

static int rm_group(struct evtopic *t, const char *group)
{
    struct evl_offsets offsets;
    struct evl_buffer what = { 0 };
    enum evl_error err = evl_admin_group_offsets(t->place, group, &offsets);
    if (err)
        return t->dry ? say_fault(err) : row_failed(t, group, -1, err);
    int64_t count = (int64_t)offsets.count;
    evl_offsets_release(&offsets);
    text_print(&what, "group rm %s: forgets where it is in %" PRId64 " partitions", group, count);
    int status = t->dry ? 0 : consent(t, DAMAGE_SEVERE, text_end(&what), group);
    evl_buffer_release(&what);
    if (status)
        return status;
    err = evl_admin_group_remove(t->place, group, t->dry);
    if (err)
        return t->dry ? say_fault(err) : row_failed(t, group, -1, err);
    if (t->dry) {
        plan_begin(t, "group rm");
        plan_word(t, group);
        plan_end(t);
        return 0;
    }
    table_text(&t->table, group);
    table_number(&t->table, count);
    row_done(t);
    return 0;
}

static int rm(struct evtopic *t, const struct words *operands)
{
    int first = 0;
    if (!t->dry)
        rows_begin(t, rm_columns);
    for (size_t i = 0; i < operands->count; i++)
        keep_first(&first, rm_group(t, operands->at[i]));
    return first;
}

static int rm_offsets_do(struct evtopic *t, const char *group,
                         const struct evl_topic_partition *list, size_t count)
{
    struct evl_buffer what = { 0 };
    enum evl_error err = evl_admin_group_remove_offsets(t->place, group, list, count, true);
    if (err)
        return say_fault(err);
    for (size_t i = 0; i < count && t->dry; i++) {
        evl_buffer_clear(&what);
        text_print(&what, "%s:%" PRId32, list[i].topic, list[i].partition);
        plan_begin(t, "group rm-offsets");
        plan_word(t, group);
        plan_word(t, "-t");
        plan_word(t, text_end(&what));
        plan_end(t);
    }
    evl_buffer_clear(&what);
    text_print(&what, "group rm-offsets %s: forgets where it is in %zu partitions", group, count);
    int status = t->dry ? 0 : consent(t, DAMAGE_SEVERE, text_end(&what), group);
    evl_buffer_release(&what);
    if (status || t->dry)
        return status;
    err = evl_admin_group_remove_offsets(t->place, group, list, count, false);
    if (err)
        return say_fault(err);
    rows_begin(t, rm_columns);
    table_text(&t->table, group);
    table_number(&t->table, (int64_t)count);
    row_done(t);
    return 0;
}

static int rm_offsets(struct evtopic *t, const struct words *operands)
{
    const char *group = operands->at[0];
    struct group_targets targets = { 0 };
    struct evl_offsets offsets = { 0 };
    size_t count = 0;
    if (own.topics.count == 0)
        return say_usage("group rm-offsets: -t TOPIC says of what; group rm forgets all");
    int status = group_targets_read(&targets, &own.topics);
    enum evl_error err = status ? EVL_OK : evl_admin_group_offsets(t->place, group, &offsets);
    struct evl_topic_partition *list = tool_take(offsets.count + 1, sizeof *list);
    for (size_t i = 0; i < offsets.count; i++)
        if (group_targets_have(&targets, offsets.at[i].topic, offsets.at[i].partition))
            list[count++] =
                (struct evl_topic_partition){ offsets.at[i].topic, offsets.at[i].partition };
    if (err)
        status = say_fault(err);
    if (status == 0 && count == 0) {
        say(SAY_ERROR, "group %s has no such offsets", group);
        status = EXIT_NO_INPUT;
    }
    if (status == 0)
        status = rm_offsets_do(t, group, list, count);
    free(list);
    evl_offsets_release(&offsets);
    group_targets_release(&targets);
    return status;
}

/* ---- the commands -------------------------------------------------------- */

/* clang-format off */
static const struct option reset_rows[] = {
    OWN(0, "to", "SPEC", TEXT, to, NOTHING,
        "Where to go. An offset, a time, start, end, file:PATH, group:NAME. See ev(7)."),
    OWN(0, "shift", "N", TEXT, shift, NOTHING, "So many records on, or back: -100."),
    OWN('t', "topic", "TOPIC[:LIST]", LIST, topics, TOPIC,
        "These topics only. They may be new to the group. LIST is 0,2-4."),
    OWN(0, "wait", "DUR", DURATION, wait, NOTHING, "Wait so long for members to leave."),
    { 0 },
};
static const struct option rm_offsets_rows[] = {
    OWN('t', "topic", "TOPIC[:LIST]", LIST, topics, TOPIC, "What to forget. LIST is 0,2-4."),
    { 0 },
};
/* clang-format on */

static const char *const reset_usage[] = {
    "group reset GROUP --to SPEC [-t TOPIC[:LIST]]... [--wait DUR]",
    "group reset GROUP --shift N [-t TOPIC[:LIST]]... [--wait DUR]", NULL
};
static const char *const clone_usage[] = { "group clone GROUP NEW-GROUP", NULL };
static const char *const rm_usage[] = { "group rm GROUP...", NULL };
static const char *const rm_offsets_usage[] = { "group rm-offsets GROUP -t TOPIC[:LIST]...", NULL };

const struct command command_group_reset = {
    .grammar = { .name = "group reset",
                 .seldom = true,
                 .summary = "have a group go on elsewhere",
                 .usage = reset_usage,
                 .sets = { { reset_rows, &own } },
                 .operand = COMPLETES_GROUP },
    .use = SPOT_WRITE,
    .operands_min = 1,
    .operands_max = 1,
    .options_size = sizeof own,
    .run = reset,
};

const struct command command_group_clone = {
    .grammar = { .name = "group clone",
                 .seldom = true,
                 .summary = "have a group go on where another one is",
                 .usage = clone_usage,
                 .operand = COMPLETES_GROUP },
    .use = SPOT_WRITE,
    .operands_min = 2,
    .operands_max = 2,
    .run = clone,
};

const struct command command_group_rm = {
    .grammar = { .name = "group rm",
                 .seldom = true,
                 .summary = "forget groups, and where they are",
                 .usage = rm_usage,
                 .operand = COMPLETES_GROUP },
    .use = SPOT_WRITE,
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .run = rm,
};

const struct command command_group_rm_offsets = {
    .grammar = { .name = "group rm-offsets",
                 .seldom = true,
                 .summary = "forget where a group is in some topics",
                 .usage = rm_offsets_usage,
                 .sets = { { rm_offsets_rows, &own } },
                 .operand = COMPLETES_GROUP },
    .use = SPOT_WRITE,
    .operands_min = 1,
    .operands_max = 1,
    .options_size = sizeof own,
    .run = rm_offsets,
};
