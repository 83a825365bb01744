/* evtopic_describe.c - describe: all about topics. */
#include "evtopic.h"

enum section { SECTION_ALL, SECTION_SUMMARY, SECTION_PARTITIONS, SECTION_CONFIG };

static struct own {
    int section;
    bool regex;
} own;

/* clang-format off */
static const struct option rows[] = {
    OWN(0, "section", "all|summary|partitions|config", CHOICE, section, NOTHING,
        "Print this part only. With -j and --tsv the default is summary."),
    OWN('r', "regex", NULL, FLAG, regex, NOTHING, "Names are extended regular expressions."),
    { 0 },
};
/* clang-format on */

static const struct table_column summary_columns[] = {
    { "TOPIC", false },   { "ID", false },     { "PARTITIONS", true },
    { "REPLICAS", true }, { "RECORDS", true }, { "SIZE", true },
    { "OLDEST", false },  { "NEWEST", false }, { NULL, false },
};
static const struct table_column partition_columns[] = {
    { "TOPIC", false },  { "PARTITION", true },  { "LEADER-EPOCH", true }, { "START", true },
    { "END", true },     { "STABLE-END", true }, { "SEGMENTS", true },     { "SIZE", true },
    { "OLDEST", false }, { "NEWEST", false },    { "STATE", false },       { NULL, false },
};
static const struct table_column config_columns[] = {
    { "TOPIC", false }, { "NAME", false }, { "VALUE", false }, { NULL, false }
};

static enum evl_error summary(struct evtopic *t, const struct evl_topic *topic)
{
    struct content content;
    enum evl_error err = content_of(t, topic, &content);
    if (err)
        return err;
    if (own.section == SECTION_SUMMARY || t->json || t->tsv) /* else partitions say it */
        foreign_content(topic->name, &content);
    table_text(&t->table, topic->name);
    table_text(&t->table, topic->id);
    table_number(&t->table, topic->partitions);
    table_number(&t->table, topic->replicas);
    table_number(&t->table, content.records);
    table_size(&t->table, content.bytes);
    table_time(&t->table, content.oldest);
    table_time(&t->table, content.newest);
    return EVL_OK;
}

static void partition_row(struct evtopic *t, const char *name, const struct evl_partition *p)
{
    table_text(&t->table, name);
    table_number(&t->table, p->partition);
    for (size_t i = 0; p->missing && i < 6; i++) /* all between PARTITION and OLDEST */
        table_text(&t->table, NULL);
    if (!p->missing) {
        table_number(&t->table, p->leader_epoch);
        table_number(&t->table, p->start);
        table_number(&t->table, p->end);
        table_number(&t->table, p->stable_end);
        table_number(&t->table, p->segments);
        table_size(&t->table, p->bytes);
    }
    table_time(&t->table, p->oldest);
    table_time(&t->table, p->newest);
    table_text(&t->table, p->missing ? "missing" : p->failed ? "failed" : "ok");
}

static enum evl_error partitions(struct evtopic *t, const struct evl_topic *topic)
{
    for (int32_t i = 0; i < topic->partitions; i++) {
        struct evl_partition facts;
        enum evl_error err = evl_admin_partition(t->place, topic->name, i, &facts);
        if (err)
            return err;
        foreign_partition(topic->name, &facts);
        partition_row(t, topic->name, &facts);
    }
    return EVL_OK;
}

static enum evl_error config(struct evtopic *t, const struct evl_topic *topic)
{
    struct evl_configs configs;
    enum evl_error err = evl_admin_configs(t->place, topic->name, &configs);
    if (err)
        return err;
    for (size_t i = 0; i < configs.count; i++) {
        table_text(&t->table, topic->name);
        table_text(&t->table, configs.at[i].name);
        table_text(&t->table, configs.at[i].value);
    }
    evl_configs_release(&configs);
    return EVL_OK;
}

/* One section for all topics, as one table. */
static int section_print(struct evtopic *t, const struct words *topics,
                         const struct table_column *columns,
                         enum evl_error (*print)(struct evtopic *, const struct evl_topic *))
{
    int first = 0;
    rows_begin(t, columns);
    for (size_t i = 0; i < topics->count; i++) {
        struct evl_topic topic;
        enum evl_error err = evl_admin_topic(t->place, topics->at[i], &topic);
        if (!err)
            err = print(t, &topic);
        keep_first(&first, err ? say_fault(err) : 0);
    }
    bool empty = t->table.count == 0 && own.section == SECTION_ALL;
    struct evl_buffer text = { 0 };
    table_end(&t->table, &text);
    if (!empty) {
        text_add(&t->out, t->out.count ? "\n" : "");
        evl_buffer_add(&t->out, text.at, text.count);
    }
    evl_buffer_release(&text);
    return first;
}

static int config_print(struct evtopic *t, const struct words *topics)
{
    (void)foreign_settings(t);
    return section_print(t, topics, config_columns, config);
}

/* What is asked of a missing topic in the first section would be asked again. */
static int all_print(struct evtopic *t, const struct words *topics)
{
    int first = section_print(t, topics, summary_columns, summary);
    if (first == 0)
        first = section_print(t, topics, partition_columns, partitions);
    return first ? first : config_print(t, topics);
}

static int run(struct evtopic *t, const struct words *operands)
{
    struct words topics = { 0 };
    int first = targets_find(t->place, operands, own.regex, false, &topics);
    enum section section = (enum section)own.section;
    if (section == SECTION_ALL && (t->json || t->tsv))
        section = SECTION_SUMMARY;
    if (first == 0)
        switch (section) {
        case SECTION_ALL: first = all_print(t, &topics); break;
        case SECTION_SUMMARY: first = section_print(t, &topics, summary_columns, summary); break;
        case SECTION_PARTITIONS:
            first = section_print(t, &topics, partition_columns, partitions);
            break;
        case SECTION_CONFIG: first = config_print(t, &topics); break;
        }
    words_release(&topics);
    return first;
}

static const char *const usage[] = { "describe TOPIC... [-r] [--section NAME]", NULL };

const struct command command_describe = {
    .grammar = { .name = "describe",
                 .summary = "all about topics: ids, offsets, sizes, settings",
                 .usage = usage,
                 .sets = { { rows, &own } },
                 .operand = COMPLETES_TOPIC },
    .use = SPOT_READ,
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .options_size = sizeof own,
    .run = run,
};
