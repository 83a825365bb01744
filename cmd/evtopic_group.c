/* evtopic_group.c - group ls, describe, lag, members, offsets: look at consumer
 * groups. */
#include "evtopic_group.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <evl/member.h>
#include <evl/text.h>

static struct own {
    bool wide;
} own;

int64_t group_lag(struct evtopic *t, const struct evl_committed *committed, int64_t *end)
{
    struct evl_partition facts;
    if (evl_admin_partition(t->place, committed->topic, committed->partition, &facts) ||
        facts.missing)
        return -1;
    int64_t from = committed->offset > facts.start ? committed->offset : facts.start;
    *end = facts.stable_end;
    return facts.stable_end > from ? facts.stable_end - from : 0;
}

static void number_or_nothing(struct evtopic *t, int64_t number)
{
    if (number < 0)
        table_text(&t->table, NULL);
    else
        table_number(&t->table, number);
}

/* Each group that is named, or all; what is done with one. */
static int groups_each(struct evtopic *t, const struct words *operands,
                       enum evl_error (*each)(struct evtopic *, const char *))
{
    struct evl_groups groups = { 0 };
    int first = 0;
    enum evl_error err = operands->count ? EVL_OK : evl_admin_groups(t->place, &groups);
    if (err)
        return say_fault(err);
    for (size_t i = 0; i < operands->count; i++) {
        err = each(t, operands->at[i]);
        keep_first(&first, err ? say_fault(err) : 0);
    }
    for (size_t i = 0; i < groups.count; i++) {
        err = each(t, groups.at[i].name);
        keep_first(&first, err ? say_fault(err) : 0);
    }
    evl_groups_release(&groups);
    return first;
}

/* ---- ls ------------------------------------------------------------------ */

static const struct table_column ls_columns[] = {
    { "GROUP", false }, { "STATE", false }, { "MEMBERS", true }, { NULL, false }
};
static const struct table_column ls_wide_columns[] = { { "GROUP", false },  { "STATE", false },
                                                       { "MEMBERS", true }, { "PARTITIONS", true },
                                                       { "LAG", true },     { NULL, false } };

enum evl_error group_lag_sum(struct evtopic *t, const char *group, int64_t *sum)
{
    struct evl_offsets offsets;
    int64_t end;
    enum evl_error err = evl_admin_group_offsets(t->place, group, &offsets);
    if (err)
        return err;
    *sum = 0;
    for (size_t i = 0; i < offsets.count; i++) {
        int64_t lag = group_lag(t, &offsets.at[i], &end);
        *sum += lag > 0 ? lag : 0;
    }
    evl_offsets_release(&offsets);
    return EVL_OK;
}

static int ls(struct evtopic *t, const struct words *operands)
{
    struct evl_groups groups;
    (void)operands;
    enum evl_error err = evl_admin_groups(t->place, &groups);
    if (err)
        return say_fault(err);
    rows_begin(t, own.wide ? ls_wide_columns : ls_columns);
    for (size_t i = 0; i < groups.count && !err; i++) {
        int64_t lag = 0;
        table_text(&t->table, groups.at[i].name);
        table_text(&t->table, groups.at[i].state);
        table_number(&t->table, groups.at[i].members);
        if (!own.wide)
            continue;
        err = group_lag_sum(t, groups.at[i].name, &lag);
        table_number(&t->table, groups.at[i].partitions);
        table_number(&t->table, lag);
    }
    evl_groups_release(&groups);
    return err ? say_fault(err) : 0;
}

/* ---- describe ------------------------------------------------------------ */

static const struct table_column describe_columns[] = {
    { "GROUP", false }, { "TOPIC", false }, { "PARTITION", true }, { "OFFSET", true },
    { "END", true },    { "LAG", true },    { "MEMBER", false },   { NULL, false },
};

/* Who owns a partition: "w1 (pid 4711)". */
static void owner_print(const struct evl_group_members *members, const char *topic,
                        int32_t partition, struct evl_buffer *text)
{
    for (size_t i = 0; i < members->count; i++) {
        const struct evl_group_member *m = &members->at[i];
        for (size_t j = 0; j < m->owned_count; j++)
            if (m->owned[j].partition == partition && strcmp(m->owned[j].topic, topic) == 0)
                text_print(text, m->instance ? "%s (pid %" PRId32 ")" : "%spid %" PRId32,
                           m->instance ? m->instance : "", m->pid);
    }
}

static void describe_row(struct evtopic *t, const char *group, const struct evl_committed *c,
                         const struct evl_group_members *members)
{
    struct evl_buffer owner = { 0 };
    int64_t end = -1;
    int64_t lag = group_lag(t, c, &end);
    owner_print(members, c->topic, c->partition, &owner);
    table_text(&t->table, group);
    table_text(&t->table, c->topic);
    table_number(&t->table, c->partition);
    number_or_nothing(t, c->offset);
    number_or_nothing(t, end);
    number_or_nothing(t, lag);
    table_text(&t->table, text_end(&owner));
    evl_buffer_release(&owner);
}

static bool offsets_have(const struct evl_offsets *offsets, const struct evl_lease *lease)
{
    for (size_t i = 0; i < offsets->count; i++)
        if (offsets->at[i].partition == lease->partition &&
            strcmp(offsets->at[i].topic, lease->topic) == 0)
            return true;
    return false;
}

/* What is owned, and was not committed yet. */
static void describe_owned(struct evtopic *t, const char *group, const struct evl_offsets *offsets,
                           const struct evl_group_members *members)
{
    for (size_t i = 0; i < members->count; i++)
        for (size_t j = 0; j < members->at[i].owned_count; j++) {
            const struct evl_lease *lease = &members->at[i].owned[j];
            struct evl_committed none = { .topic = lease->topic,
                                          .partition = lease->partition,
                                          .offset = -1 };
            if (!offsets_have(offsets, lease))
                describe_row(t, group, &none, members);
        }
}

static enum evl_error describe_group(struct evtopic *t, const char *group)
{
    struct evl_offsets offsets = { 0 };
    struct evl_group_members members = { 0 };
    enum evl_error err = evl_admin_group_members(t->place, group, &members);
    if (!err)
        err = evl_admin_group_offsets(t->place, group, &offsets);
    if (err == EVL_ERR_NOT_FOUND && members.count)
        err = EVL_OK;
    for (size_t i = 0; i < offsets.count && !err; i++)
        describe_row(t, group, &offsets.at[i], &members);
    if (!err)
        describe_owned(t, group, &offsets, &members);
    evl_offsets_release(&offsets);
    evl_group_members_release(&members);
    return err;
}

static int describe(struct evtopic *t, const struct words *operands)
{
    rows_begin(t, describe_columns);
    return groups_each(t, operands, describe_group);
}

/* ---- lag ----------------------------------------------------------------- */

static const struct table_column lag_columns[] = {
    { "GROUP", false }, { "TOPIC", false }, { "LAG", true }, { NULL, false }
};

/* Offsets are sorted by topic: a row for each. */
static enum evl_error lag_group(struct evtopic *t, const char *group)
{
    struct evl_offsets offsets;
    enum evl_error err = evl_admin_group_offsets(t->place, group, &offsets);
    int64_t sum = 0, end;
    if (err)
        return err;
    for (size_t i = 0; i < offsets.count; i++) {
        int64_t lag = group_lag(t, &offsets.at[i], &end);
        sum += lag > 0 ? lag : 0;
        if (i + 1 < offsets.count && strcmp(offsets.at[i].topic, offsets.at[i + 1].topic) == 0)
            continue;
        table_text(&t->table, group);
        table_text(&t->table, offsets.at[i].topic);
        table_number(&t->table, sum);
        sum = 0;
    }
    evl_offsets_release(&offsets);
    return EVL_OK;
}

static int lag(struct evtopic *t, const struct words *operands)
{
    rows_begin(t, lag_columns);
    return groups_each(t, operands, lag_group);
}

/* ---- members ------------------------------------------------------------- */

static const struct table_column members_columns[] = {
    { "GROUP", false }, { "INSTANCE", false },  { "PID", true },   { "STATE", false },
    { "SINCE", false }, { "PARTITIONS", true }, { "OWNS", false }, { NULL, false },
};

static const char *state_name(enum evl_member_state state)
{
    switch (state) {
    case EVL_MEMBER_RUNNING: return "running";
    case EVL_MEMBER_STOPPED: return "stopped";
    case EVL_MEMBER_AWAITED: return "awaited";
    }
    return "";
}

static void members_row(struct evtopic *t, const struct evl_group_member *m)
{
    struct evl_buffer owned = { 0 };
    for (size_t i = 0; i < m->owned_count; i++)
        if (i == 0 || strcmp(m->owned[i].topic, m->owned[i - 1].topic) != 0)
            text_print(&owned, "%s%s:%" PRId32, i ? " " : "", m->owned[i].topic,
                       m->owned[i].partition);
        else
            text_print(&owned, ",%" PRId32, m->owned[i].partition);
    table_text(&t->table, m->group);
    table_text(&t->table, m->instance);
    table_number(&t->table, m->pid);
    table_text(&t->table, state_name(m->state));
    table_time(&t->table, m->since_ms);
    table_number(&t->table, (int64_t)m->owned_count);
    table_text(&t->table, text_end(&owned));
    evl_buffer_release(&owned);
}

static enum evl_error members_group(struct evtopic *t, const char *group)
{
    struct evl_group_members members;
    enum evl_error err = evl_admin_group_members(t->place, group, &members);
    if (err)
        return err;
    for (size_t i = 0; i < members.count; i++)
        members_row(t, &members.at[i]);
    evl_group_members_release(&members);
    return EVL_OK;
}

static int members(struct evtopic *t, const struct words *operands)
{
    rows_begin(t, members_columns);
    if (operands->count)
        return groups_each(t, operands, members_group);
    enum evl_error err = members_group(t, NULL);
    return err ? say_fault(err) : 0;
}

/* ---- offsets ------------------------------------------------------------- */

static const struct table_column offsets_columns[] = {
    { "GROUP", false },   { "TOPIC", false },    { "PARTITION", true },
    { "OFFSET", true },   { "EPOCH", true },     { "COMMITTED", false },
    { "PENDING", false }, { "METADATA", false }, { NULL, false },
};

static enum evl_error offsets_group(struct evtopic *t, const char *group)
{
    struct evl_offsets offsets;
    enum evl_error err = evl_admin_group_offsets(t->place, group, &offsets);
    if (err)
        return err;
    for (size_t i = 0; i < offsets.count; i++) {
        const struct evl_committed *c = &offsets.at[i];
        table_text(&t->table, group);
        table_text(&t->table, c->topic);
        table_number(&t->table, c->partition);
        number_or_nothing(t, c->offset);
        number_or_nothing(t, c->leader_epoch);
        table_time(&t->table, c->committed_ms);
        table_yes(&t->table, c->pending);
        table_text(&t->table, c->metadata);
    }
    evl_offsets_release(&offsets);
    return EVL_OK;
}

static int offsets(struct evtopic *t, const struct words *operands)
{
    rows_begin(t, offsets_columns);
    return groups_each(t, operands, offsets_group);
}

/* ---- the commands -------------------------------------------------------- */

/* clang-format off */
static const struct option ls_rows[] = {
    OWN('l', "long", NULL, FLAG, wide, NOTHING, "How many partitions, and how far behind."),
    { 0 },
};
/* clang-format on */

static const char *const ls_usage[] = { "group ls [-l]", NULL };
static const char *const describe_usage[] = { "group describe [GROUP...]", NULL };
static const char *const lag_usage[] = { "group lag [GROUP...]", NULL };
static const char *const members_usage[] = { "group members [GROUP...]", NULL };
static const char *const offsets_usage[] = { "group offsets [GROUP...]", NULL };

#define GROUP_COMMAND(verb, words)                 \
    const struct command command_group_##verb = {  \
        .grammar = { .name = "group " #verb,       \
                     .seldom = true,               \
                     .summary = words,             \
                     .usage = verb##_usage,        \
                     .operand = COMPLETES_GROUP }, \
        .use = SPOT_READ,                          \
        .operands_max = SIZE_MAX,                  \
        .run = verb,                               \
    }

const struct command command_group_ls = {
    .grammar = { .name = "group ls",
                 .seldom = true,
                 .summary = "list consumer groups",
                 .usage = ls_usage,
                 .sets = { { ls_rows, &own } } },
    .use = SPOT_READ,
    .options_size = sizeof own,
    .run = ls,
};
GROUP_COMMAND(describe, "where groups are, by partition, and who reads it");
GROUP_COMMAND(lag, "how many records groups are behind, by topic");
GROUP_COMMAND(members, "who is in groups, and what each owns");
GROUP_COMMAND(offsets, "the offsets that groups have committed");
