/* view.c - what a group looks like, in Kafka's words. */
#include "group/view.h"

#include "base/memory.h"
#include "group/classic.h"
#include "group/consumer.h"

static const char *const state_names[] = {
    [CLASSIC_EMPTY] = "Empty",
    [CLASSIC_PREPARING] = "PreparingRebalance",
    [CLASSIC_COMPLETING] = "CompletingRebalance",
    [CLASSIC_STABLE] = "Stable",
};

struct group_view view_bare(struct evl_bytes name, const char *state, struct decision *d)
{
    return (struct group_view){
        .group = decision_copy(d, name),
        .type = "classic",
        .state = state,
        .protocol_type = evl_text(""),
        .protocol = evl_text(""),
    };
}

/* ---- classic ------------------------------------------------------------- */

/* In a rebalance nobody's assignment means anything. */
static struct group_member_view classic_member(const struct classic *c,
                                               const struct classic_member *m, struct decision *d)
{
    bool stable = c->state == CLASSIC_STABLE;
    return (struct group_member_view){
        .member = decision_copy(d, m->id),
        .instance = decision_copy(d, m->instance),
        .client_id = decision_copy(d, m->client_id),
        .client_host = decision_copy(d, m->client_host),
        .metadata = stable ? decision_copy(d, m->subscription) : evl_text(""),
        .assignment = stable ? decision_copy(d, m->assignment) : evl_text(""),
    };
}

static struct group_view classic_line(const struct group *group, struct decision *d)
{
    const struct classic *c = group->classic;
    struct group_view view = view_bare(group->name, state_names[c->state], d);
    if (c->protocol_type.at)
        view.protocol_type = decision_copy(d, c->protocol_type);
    if (c->state == CLASSIC_STABLE)
        view.protocol = decision_copy(d, c->protocol);
    return view;
}

struct group_view view_classic(const struct group *group, struct decision *d)
{
    const struct classic *c = group->classic;
    struct group_view view = classic_line(group, d);
    struct group_member_view *members = decision_take(d, c->members.count, sizeof *members);
    for (size_t i = 0; i < c->members.count; i++)
        members[i] = classic_member(c, c->members.at[i], d);
    view.members = members;
    view.member_count = c->members.count;
    return view;
}

/* ---- consumer ------------------------------------------------------------ */

static struct group_member_view consumer_member(const struct consumer_member *m, struct decision *d)
{
    struct evl_bytes *topics = decision_take(d, m->topics.count, sizeof *topics);
    for (size_t i = 0; i < m->topics.count; i++)
        topics[i] = decision_copy(d, m->topics.at[i]);
    return (struct group_member_view){
        .member = decision_copy(d, m->id),
        .instance = decision_copy(d, m->instance),
        .client_id = decision_copy(d, m->client_id),
        .client_host = decision_copy(d, m->client_host),
        .rack = decision_copy(d, m->rack),
        .regex = decision_copy(d, m->regex),
        .epoch = m->epoch,
        .topics = topics,
        .topic_count = m->topics.count,
        .assigned = decision_parts(d, &m->assigned),
        .target = decision_parts(d, &m->target),
    };
}

static struct group_view consumer_line(const struct group *group, struct decision *d)
{
    const struct consumer *c = group->consumer;
    struct group_view view = view_bare(group->name, consumer_state_name(c), d);
    view.type = "consumer";
    view.protocol_type = evl_text("consumer");
    view.protocol = evl_text(
        consumer_assignor((const struct consumer_member *const *)c->members, c->member_count));
    view.epoch = c->epoch;
    view.target_epoch = c->target_epoch;
    return view;
}

struct group_view view_consumer(const struct group *group, struct decision *d)
{
    const struct consumer *c = group->consumer;
    struct group_view view = consumer_line(group, d);
    struct group_member_view *members = decision_take(d, c->member_count, sizeof *members);
    for (size_t i = 0; i < c->member_count; i++)
        members[i] = consumer_member(c->members[i], d);
    view.members = members;
    view.member_count = c->member_count;
    return view;
}

/* ---- lists --------------------------------------------------------------- */

static uint8_t lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c; }

static bool same_word(struct evl_bytes said, const char *word)
{
    if (said.count != strlen(word))
        return false;
    for (size_t i = 0; i < said.count; i++)
        if (lower(said.at[i]) != lower((uint8_t)word[i]))
            return false;
    return true;
}

static bool among(const char *word, const struct evl_bytes *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (same_word(words[i], word))
            return true;
    return count == 0;
}

struct group_list view_list(const struct group_table *table, const struct group_filter *filter,
                            struct decision *d)
{
    struct group **sorted = table_sorted(table);
    struct group_view *views = decision_take(d, table->groups.count, sizeof *views);
    struct group_list list = { views, 0 };
    for (size_t i = 0; i < table->groups.count; i++) {
        struct group_view view =
            sorted[i]->consumer ? consumer_line(sorted[i], d) : classic_line(sorted[i], d);
        if (among(view.state, filter->states, filter->state_count) &&
            among(view.type, filter->types, filter->type_count))
            views[list.count++] = view;
    }
    memory_free(sorted);
    return list;
}
