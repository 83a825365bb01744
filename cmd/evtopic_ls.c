/* evtopic_ls.c - ls: which topics there are. */
#include "evtopic.h"

static struct own {
    bool wide, all, regex;
} own;

/* clang-format off */
static const struct option rows[] = {
    OWN('l', "long", NULL, FLAG, wide, NOTHING,
        "Records and bytes, the oldest and the newest."),
    OWN('a', "all", NULL, FLAG, all, NOTHING, "Internal topics too: those that begin with __."),
    OWN('r', "regex", NULL, FLAG, regex, NOTHING, "Names are extended regular expressions."),
    { 0 },
};
/* clang-format on */

static const struct table_column narrow_columns[] = { { "TOPIC", false },
                                                      { "PARTITIONS", true },
                                                      { NULL, false } };
static const struct table_column wide_columns[] = {
    { "TOPIC", false }, { "PARTITIONS", true }, { "REPLICAS", true }, { "RECORDS", true },
    { "SIZE", true },   { "OLDEST", false },    { "NEWEST", false },  { NULL, false },
};

static enum evl_error row_print(struct evtopic *t, const char *name)
{
    struct evl_topic topic;
    struct content content;
    enum evl_error err = evl_admin_topic(t->place, name, &topic);
    if (!err && own.wide)
        err = content_of(t, &topic, &content);
    if (err)
        return err;
    table_text(&t->table, name);
    table_number(&t->table, topic.partitions);
    if (!own.wide)
        return EVL_OK;
    foreign_content(name, &content);
    table_number(&t->table, topic.replicas);
    table_number(&t->table, content.records);
    table_size(&t->table, content.bytes);
    table_time(&t->table, content.oldest);
    table_time(&t->table, content.newest);
    return EVL_OK;
}

static int run(struct evtopic *t, const struct words *operands)
{
    struct words topics = { 0 };
    int first = targets_find(t->place, operands, own.regex, own.all, &topics);
    if (first == 0)
        rows_begin(t, own.wide ? wide_columns : narrow_columns);
    for (size_t i = 0; i < topics.count; i++) {
        enum evl_error err = row_print(t, topics.at[i]);
        keep_first(&first, err ? say_fault(err) : 0);
    }
    words_release(&topics);
    return first;
}

static const char *const usage[] = { "ls [-la] [-r] [TOPIC...]", NULL };

const struct command command_ls = {
    .grammar = { .name = "ls",
                 .summary = "list topics",
                 .usage = usage,
                 .sets = { { rows, &own } },
                 .operand = COMPLETES_TOPIC },
    .use = SPOT_READ,
    .operands_max = SIZE_MAX,
    .options_size = sizeof own,
    .run = run,
};
