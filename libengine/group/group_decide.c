/* group_decide.c - one event: to which group, and to which part of it.
 *
 * (1) Between events, a group of the table is in the log, or has members.
 * (2) A group is classic or consumer; both while records that turn it from one
 *     into the other are decided, and not applied yet. */
#include "base/check.h"
#include "group/classic.h"
#include "group/consumer.h"
#include "group/group.h"
#include "group/view.h"

/* The longest name that fits a record's key, with what an id adds to it. */
enum { NAME_BYTES_MAX = INT16_MAX - 64 };

/* From these versions on, an unknown group has an error of its own. */
enum { VERSION_COMMIT_NOT_FOUND = 9, VERSION_DESCRIBE_NOT_FOUND = 6 };

/* An event, and what becomes of it. */
struct deciding {
    struct group_table *table;
    const struct group_event *event;
    struct decision *d;
    struct group *group; /* or NULL */
};

static struct group_answer *answer(const struct deciding *g, enum kafka_error error)
{
    return decision_answer(g->d, g->event->kind, g->event->token, error);
}

static bool is_consumer(const struct group *group) { return group && group->consumer; }
static bool is_classic(const struct group *group) { return group && !group->consumer; }

/* ---- classic requests ---------------------------------------------------- */

static enum kafka_error check_join(const struct deciding *g)
{
    const struct group_join *join = &g->event->join;
    const struct group_settings *settings = &g->table->settings;
    if (join->session_ms < settings->session_min_ms || join->session_ms > settings->session_max_ms)
        return KAFKA_INVALID_SESSION_TIMEOUT;
    if (!g->group && join->member.count > 0)
        return KAFKA_UNKNOWN_MEMBER_ID;
    if (is_consumer(g->group) && g->group->consumer->member_count > 0)
        return KAFKA_INCONSISTENT_GROUP_PROTOCOL;
    return KAFKA_NONE;
}

/* A consumer group that nobody is in makes room. */
static void decide_join(struct deciding *g)
{
    enum kafka_error error = check_join(g);
    if (error) {
        answer(g, error)->join.member = decision_copy(g->d, g->event->join.member);
        return;
    }
    if (!g->group)
        g->group = table_group_add(g->table, g->event->group);
    if (!g->group->classic)
        g->group->classic = classic_create(g->table, g->group);
    classic_join(g->group->classic, g->event, g->d);
    if (g->group->consumer && !classic_is_unwritten(g->group->classic))
        consumer_write_removal(g->group->consumer, g->d);
}

static void decide_leave(const struct deciding *g)
{
    size_t count = g->event->leave.count;
    if (is_classic(g->group)) {
        classic_leave(g->group->classic, g->event, g->d);
        return;
    }
    enum kafka_error *errors = decision_take(g->d, count, sizeof *errors);
    for (size_t i = 0; i < count; i++)
        errors[i] = KAFKA_UNKNOWN_MEMBER_ID;
    answer(g, KAFKA_NONE)->errors = (struct group_errors){ errors, count };
}

static void decide_classic(const struct deciding *g)
{
    if (!is_classic(g->group))
        answer(g, KAFKA_UNKNOWN_MEMBER_ID);
    else if (g->event->kind == GROUP_SYNC)
        classic_sync(g->group->classic, g->event, g->d);
    else
        classic_heartbeat(g->group->classic, g->event, g->d);
}

/* ---- positions ----------------------------------------------------------- */

static enum kafka_error check_commit(const struct deciding *g)
{
    const struct group_event *e = g->event;
    if (is_consumer(g->group))
        return consumer_commit(g->group->consumer, e);
    if (is_classic(g->group))
        return classic_commit(g->group->classic, e);
    if (e->commit.generation < 0)
        return KAFKA_NONE; /* a group of positions alone */
    return e->kind == GROUP_COMMIT && e->version >= VERSION_COMMIT_NOT_FOUND
               ? KAFKA_GROUP_ID_NOT_FOUND
               : KAFKA_ILLEGAL_GENERATION;
}

static enum kafka_error check_fetch(const struct deciding *g)
{
    return is_consumer(g->group) ? consumer_fetch(g->group->consumer, g->event) : KAFKA_NONE;
}

/* Is the topic read by a member?  *known is false if that cannot be said. */
static bool subscribes(const struct group *group, struct evl_bytes topic, bool *known)
{
    *known = true;
    if (is_consumer(group))
        return consumer_subscribes(group->consumer, topic);
    if (!is_classic(group) || group->classic->members.count == 0)
        return false;
    return classic_subscribes(group->classic, topic, known);
}

static void decide_delete_offsets(const struct deciding *g)
{
    const struct group_names *topics = &g->event->topics_of;
    enum kafka_error *errors = decision_take(g->d, topics->count, sizeof *errors);
    bool known = true;
    for (size_t i = 0; i < topics->count && known; i++)
        errors[i] = subscribes(g->group, topics->at[i], &known) ? KAFKA_GROUP_SUBSCRIBED_TO_TOPIC
                                                                : KAFKA_NONE;
    if (!g->group && !g->event->has_positions)
        answer(g, KAFKA_GROUP_ID_NOT_FOUND);
    else if (!known)
        answer(g, KAFKA_NON_EMPTY_GROUP);
    else
        answer(g, KAFKA_NONE)->errors = (struct group_errors){ errors, topics->count };
}

/* ---- administration ------------------------------------------------------ */

/* Write that the group is gone, if nobody is in it. */
static enum kafka_error remove_group(const struct deciding *g)
{
    if (is_consumer(g->group)) {
        if (g->group->consumer->member_count > 0)
            return KAFKA_NON_EMPTY_GROUP;
        consumer_write_removal(g->group->consumer, g->d);
        return KAFKA_NONE;
    }
    if (!g->group)
        return g->event->has_positions ? KAFKA_NONE : KAFKA_GROUP_ID_NOT_FOUND;
    const struct classic *c = g->group->classic;
    if (c->state != CLASSIC_EMPTY || c->pending.count > 0)
        return KAFKA_NON_EMPTY_GROUP;
    classic_write_removal(g->group, g->d);
    return KAFKA_NONE;
}

static void decide_describe(const struct deciding *g)
{
    struct evl_bytes name = g->event->group;
    if (is_classic(g->group))
        answer(g, KAFKA_NONE)->view = view_classic(g->group, g->d);
    else if (!g->group && g->event->has_positions)
        answer(g, KAFKA_NONE)->view = view_bare(name, "Empty", g->d);
    else
        answer(g, g->event->version >= VERSION_DESCRIBE_NOT_FOUND ? KAFKA_GROUP_ID_NOT_FOUND
                                                                  : KAFKA_NONE)
            ->view = view_bare(name, "Dead", g->d);
}

static void decide_consumer_describe(const struct deciding *g)
{
    if (is_consumer(g->group))
        answer(g, KAFKA_NONE)->view = view_consumer(g->group, g->d);
    else
        answer(g, KAFKA_GROUP_ID_NOT_FOUND);
}

/* ---- all groups ---------------------------------------------------------- */

static void decide_topics(const struct deciding *g)
{
    const struct group *group;
    for (size_t i = 0; i < g->event->topics.count; i++) {
        const struct group_topic *t = &g->event->topics.at[i];
        table_topic_set(g->table, t->name, t->id, t->partitions);
    }
    for (size_t i = 0; (group = map_next(&g->table->groups, &i));)
        if (group->consumer)
            group->consumer->stale = true;
}

static void decide_loaded(const struct deciding *g)
{
    const struct group *group;
    check(g->table->state == TABLE_LOADING);
    g->table->state = TABLE_ACTIVE;
    for (size_t i = 0; (group = map_next(&g->table->groups, &i));) {
        if (group->classic)
            classic_load(group->classic, g->event->now_ms);
        if (group->consumer)
            consumer_load(group->consumer, g->event->now_ms);
    }
}

static void decide_unloaded(const struct deciding *g)
{
    const struct group *group;
    for (size_t i = 0; (group = map_next(&g->table->groups, &i));)
        if (group->classic)
            classic_refuse_all(group->classic, KAFKA_NOT_COORDINATOR, g->d);
    table_clear(g->table);
    g->table->state = TABLE_GONE;
}

static void decide_timer(struct deciding *g)
{
    struct timer *due = timers_take(&g->table->timers, g->event->now_ms);
    if (!due)
        return;
    struct group_timer *timer = (struct group_timer *)due;
    g->group = timer->group;
    if (timer->kind == TIMER_CONSUMER_SESSION || timer->kind == TIMER_REVOKE)
        consumer_timer(g->group->consumer, timer, g->event->now_ms, g->d);
    else
        classic_timer(g->group->classic, timer, g->event->now_ms, g->d);
}

/* ---- one event ----------------------------------------------------------- */

static bool has_answer(enum group_event_kind kind) { return kind <= GROUP_LIST; }

static bool fits(struct evl_bytes name) { return name.count <= NAME_BYTES_MAX; }

static bool join_fits(const struct group_join *join)
{
    bool fit = fits(join->member) && fits(join->instance) && fits(join->protocol_type);
    for (size_t i = 0; i < join->protocol_count; i++)
        fit = fit && fits(join->protocols[i].name);
    return fit;
}

static bool names_fit(const struct group_names *names)
{
    bool fit = true;
    for (size_t i = 0; i < names->count; i++)
        fit = fit && fits(names->at[i]);
    return fit;
}

static bool consumer_fits(const struct group_consumer_heartbeat *r)
{
    return fits(r->member) && fits(r->instance) && fits(r->rack) && fits(r->regex) &&
           names_fit(&r->topics) && names_fit(&r->resolved);
}

/* Can what it says be written down? */
static bool event_fits(const struct group_event *e)
{
    if (!fits(e->group) || !fits(e->client_id) || !fits(e->client_host))
        return false;
    if (e->kind == GROUP_JOIN)
        return join_fits(&e->join);
    return e->kind != GROUP_CONSUMER_HEARTBEAT || consumer_fits(&e->consumer);
}

static bool needs_name(enum group_event_kind kind)
{
    return kind <= GROUP_LEAVE || kind == GROUP_COMMIT_TXN || kind == GROUP_DELETE_OFFSETS;
}

static enum kafka_error check_request(const struct deciding *g)
{
    const struct group_event *e = g->event;
    if (g->table->state != TABLE_ACTIVE)
        return g->table->state == TABLE_LOADING ? KAFKA_COORDINATOR_LOAD_IN_PROGRESS
                                                : KAFKA_NOT_COORDINATOR;
    if (!event_fits(e) || (e->kind == GROUP_CONSUMER_HEARTBEAT && e->group.count == 0))
        return KAFKA_INVALID_REQUEST;
    return needs_name(e->kind) && e->group.count == 0 ? KAFKA_INVALID_GROUP_ID : KAFKA_NONE;
}

static void dispatch(struct deciding *g)
{
    const struct group_event *e = g->event;
    switch (e->kind) {
    case GROUP_JOIN: decide_join(g); break;
    case GROUP_SYNC:
    case GROUP_HEARTBEAT: decide_classic(g); break;
    case GROUP_LEAVE: decide_leave(g); break;
    case GROUP_CONSUMER_HEARTBEAT: consumer_heartbeat(g->table, e, g->d); break;
    case GROUP_COMMIT:
    case GROUP_COMMIT_TXN: answer(g, check_commit(g)); break;
    case GROUP_FETCH: answer(g, check_fetch(g)); break;
    case GROUP_DELETE_OFFSETS: decide_delete_offsets(g); break;
    case GROUP_DELETE: answer(g, remove_group(g)); break;
    case GROUP_FORGET: (void)remove_group(g); break; /* or it is in use again */
    case GROUP_DESCRIBE: decide_describe(g); break;
    case GROUP_CONSUMER_DESCRIBE: decide_consumer_describe(g); break;
    case GROUP_LIST: answer(g, KAFKA_NONE)->list = view_list(g->table, &e->filter, g->d); break;
    case GROUP_TOPICS: decide_topics(g); break;
    case GROUP_TIMER: decide_timer(g); break;
    case GROUP_LOADED: decide_loaded(g); break;
    case GROUP_UNLOADED: decide_unloaded(g); break;
    }
}

/* Who was refused leaves nothing behind (1). */
static void sweep(struct group_table *table, struct group *group)
{
    if (group->classic && classic_is_unwritten(group->classic)) {
        classic_destroy(group->classic);
        group->classic = NULL;
    }
    if (group->consumer && consumer_is_unwritten(group->consumer)) {
        consumer_destroy(group->consumer);
        group->consumer = NULL;
    }
    if (!group->classic && !group->consumer)
        table_group_remove(table, group);
}

void group_decide(struct group_table *table, const struct group_event *event, struct decision *d)
{
    struct deciding g = { table, event, d, NULL };
    check(table->owed == 0);
    decision_clear(d);
    enum kafka_error error = has_answer(event->kind) ? check_request(&g) : KAFKA_NONE;
    if (error) {
        answer(&g, error);
    } else {
        g.group = event->group.at ? table_group(table, event->group) : NULL;
        dispatch(&g);
        if (event->group.at)
            g.group = table_group(table, event->group);
        if (g.group)
            sweep(table, g.group);
    }
    table->owed = d->records.count;
    table->owing = table->owed > 0 ? g.group : NULL;
    d->next_ms = timers_next(&table->timers);
}

/* ---- what could not be written ------------------------------------------- */

/* A group that was to turn into the other kind stays what it is. */
static void undo_turn(struct group *group, enum kafka_error error, struct decision *d)
{
    if (group->classic->written)
        return;
    classic_refuse_all(group->classic, error, d);
    classic_destroy(group->classic);
    group->classic = NULL;
}

void group_not_written(struct group_table *table, int64_t now_ms, enum kafka_error error,
                       struct decision *d)
{
    struct group *group = table->owing;
    check(table->owed > 0 && error != KAFKA_NONE);
    table->owing = NULL;
    table->owed = 0;
    keyed_list_clear(&d->records);
    for (size_t i = 0; i < d->answer_count; i++)
        d->answers[i].error = error;
    if (group->consumer)
        consumer_not_written(group->consumer, now_ms);
    if (group->classic && group->consumer)
        undo_turn(group, error, d);
    else if (group->classic)
        classic_not_written(group->classic, now_ms, d);
    sweep(table, group);
    d->next_ms = timers_next(&table->timers);
}
