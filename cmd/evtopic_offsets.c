/* evtopic_offsets.c - offsets: where a position is; trim: delete what lies
 * before one. */
#include "evtopic.h"

#include <inttypes.h>
#include <stdio.h>

static struct own {
    const char *at, *before, *partitions;
} own;

/* clang-format off */
static const struct option offsets_rows[] = {
    OWN(0, "at", "SPEC", TEXT, at, NOTHING,
        "Also which offset this position means. See ev(7)."),
    OWN('p', "partitions", "LIST", TEXT, partitions, NOTHING, "These partitions only, as 0,2-4."),
    { 0 },
};
static const struct option trim_rows[] = {
    OWN(0, "before", "SPEC", TEXT, before, NOTHING,
        "The first record to keep: an offset, a time, end. See ev(7)."),
    OWN('p', "partitions", "LIST", TEXT, partitions, NOTHING, "These partitions only, as 0,2-4."),
    { 0 },
};
/* clang-format on */

/* The partitions of a topic that are meant, and a position in them. */
struct range {
    struct evl_topic topic;
    struct partition_list list;
    struct spec spec;
};

static int range_read(struct evtopic *t, struct range *range, const char *name, const char *option,
                      const char *text)
{
    struct spec_clock clock = { t->utc, tool_now_ms(), EVL_NO_TIMESTAMP };
    int status = own.partitions ? partition_list_read(own.partitions, &range->list) : 0;
    if (status == 0 && text)
        status = spec_read(&range->spec, option, text, &clock);
    if (status)
        return status;
    enum evl_error err = evl_admin_topic(t->place, name, &range->topic);
    return err ? say_fault(err) : 0;
}

static enum evl_error range_resolve(struct evtopic *t, const struct range *range, int32_t partition,
                                    int64_t *offset)
{
    struct evl_position position;
    *offset = -1;
    if (!spec_position(&range->spec, range->topic.name, partition, &position))
        return EVL_OK;
    return evl_place_resolve(t->place, range->topic.name, partition, position, EVL_UNCOMMITTED,
                             offset);
}

/* ---- offsets ------------------------------------------------------------- */

static const struct table_column offsets_columns[] = {
    { "TOPIC", false },     { "PARTITION", true }, { "START", true }, { "END", true },
    { "STABLE-END", true }, { "AT", true },        { NULL, false }
};

static enum evl_error offsets_row(struct evtopic *t, const struct range *range, int32_t partition)
{
    struct evl_partition facts;
    int64_t at;
    enum evl_error err = evl_admin_partition(t->place, range->topic.name, partition, &facts);
    if (!err && !facts.missing)
        err = range_resolve(t, range, partition, &at);
    if (err)
        return err;
    foreign_partition(range->topic.name, &facts);
    table_text(&t->table, range->topic.name);
    table_number(&t->table, partition);
    for (size_t i = 0; facts.missing && i < 4; i++) /* all behind PARTITION */
        table_text(&t->table, NULL);
    if (facts.missing)
        return EVL_OK;
    table_number(&t->table, facts.start);
    table_number(&t->table, facts.end);
    table_number(&t->table, facts.stable_end);
    if (at >= 0)
        table_number(&t->table, at);
    else
        table_text(&t->table, NULL);
    return EVL_OK;
}

static int offsets(struct evtopic *t, const struct words *operands)
{
    int first = 0;
    rows_begin(t, offsets_columns);
    for (size_t i = 0; i < operands->count; i++) {
        struct range range = { 0 };
        int status = range_read(t, &range, operands->at[i], "--at", own.at);
        for (int32_t p = 0; status == 0 && p < range.topic.partitions; p++) {
            enum evl_error err =
                partition_list_has(&range.list, p) ? offsets_row(t, &range, p) : EVL_OK;
            keep_first(&first, err ? say_fault(err) : 0);
        }
        keep_first(&first, status);
        spec_release(&range.spec);
    }
    return first;
}

static const char *const offsets_usage[] = { "offsets TOPIC... [--at SPEC] [-p LIST]", NULL };

const struct command command_offsets = {
    .grammar = { .name = "offsets",
                 .summary = "where partitions begin and end, and where a position is",
                 .usage = offsets_usage,
                 .sets = { { offsets_rows, &own } },
                 .operand = COMPLETES_TOPIC },
    .use = SPOT_READ,
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .options_size = sizeof own,
    .run = offsets,
};

/* ---- trim ---------------------------------------------------------------- */

static const struct table_column trim_columns[] = { { "TOPIC", false },  { "PARTITION", true },
                                                    { "DELETED", true }, { "START", true },
                                                    { "ERROR", false },  { "MESSAGE", false },
                                                    { NULL, false } };

static void trim_plan(struct evtopic *t, const char *topic, int32_t partition, int64_t offset)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, offset);
    plan_begin(t, "trim");
    plan_word(t, topic);
    plan_word(t, "--before");
    plan_word(t, text);
    plan_partition(t, partition);
    plan_end(t);
}

/* Where a partition begins, and what is to be its new start. */
struct cut {
    int64_t from, to;
};

static enum evl_error cut_find(struct evtopic *t, const struct range *range, int32_t partition,
                               struct cut *cut)
{
    struct evl_partition facts;
    enum evl_error err = evl_admin_partition(t->place, range->topic.name, partition, &facts);
    if (!err)
        err = range_resolve(t, range, partition, &cut->to);
    if (!err)
        cut->from = facts.start;
    return err;
}

static enum evl_error trim_row(struct evtopic *t, const struct range *range, int32_t partition)
{
    struct cut cut;
    int64_t start;
    enum evl_error err = cut_find(t, range, partition, &cut);
    if (err || cut.to <= cut.from) /* a list left it out, or it begins behind that already */
        return err;
    err = evl_admin_trim(t->place, range->topic.name, partition, cut.to, t->dry, &start);
    if (err)
        return err;
    if (t->dry) {
        trim_plan(t, range->topic.name, partition, cut.to);
        return EVL_OK;
    }
    table_text(&t->table, range->topic.name);
    table_number(&t->table, partition);
    table_number(&t->table, start - cut.from);
    table_number(&t->table, start);
    row_done(t);
    return EVL_OK;
}

/* Ask once for the topic, with the sum of what its partitions lose. */
static int trim_consent(struct evtopic *t, const struct range *range)
{
    int64_t records = 0;
    for (int32_t p = 0; p < range->topic.partitions; p++) {
        struct cut cut;
        if (partition_list_has(&range->list, p) && !cut_find(t, range, p, &cut) &&
            cut.to > cut.from)
            records += cut.to - cut.from;
    }
    struct evl_buffer what = { 0 };
    text_print(&what, "trim %s: deletes %" PRId64 " records", range->topic.name, records);
    int status =
        records && !t->dry ? consent(t, DAMAGE_SEVERE, text_end(&what), range->topic.name) : 0;
    evl_buffer_release(&what);
    return status;
}

static int trim(struct evtopic *t, const struct words *operands)
{
    struct range range = { 0 };
    if (!own.before)
        return say_usage("trim: --before SPEC says what to keep");
    int first = range_read(t, &range, operands->at[0], "--before", own.before);
    if (first == 0)
        first = trim_consent(t, &range);
    if (first == 0 && !t->dry)
        rows_begin(t, trim_columns);
    bool go = first == 0;
    for (int32_t p = 0; go && p < range.topic.partitions; p++) {
        enum evl_error err = partition_list_has(&range.list, p) ? trim_row(t, &range, p) : EVL_OK;
        if (err)
            keep_first(&first, t->dry ? say_fault(err) : row_failed(t, range.topic.name, p, err));
    }
    spec_release(&range.spec);
    return first;
}

static const char *const trim_usage[] = { "trim TOPIC --before SPEC [-p LIST]", NULL };

const struct command command_trim = {
    .grammar = { .name = "trim",
                 .summary = "delete the records before a position",
                 .usage = trim_usage,
                 .sets = { { trim_rows, &own } },
                 .operand = COMPLETES_TOPIC },
    .use = SPOT_WRITE,
    .operands_min = 1,
    .operands_max = 1,
    .options_size = sizeof own,
    .run = trim,
};
