/* consumer_heartbeat.c - ConsumerGroupHeartbeat: who may come, stay and go.
 *
 * A new member stands in the group's list from here on, without a record, so that
 * its timers have a place; nobody counts it before its records are applied. */
#include "group/assign.h"
#include "group/classic.h"
#include "group/consumer.h"
#include "group/keep.h"

/* From these versions on a client makes its id itself, and OffsetCommit knows
 * epochs. */
enum { VERSION_OWN_ID = 1, VERSION_EPOCHS = 9 };

/* ---- is it a heartbeat? -------------------------------------------------- */

static bool is_blank(struct evl_bytes b) { return b.at && b.count == 0; }

static bool may_join(const struct group_consumer_heartbeat *r)
{
    bool subscribes = r->topics.count > 0 || r->regex.count > 0;
    return r->rebalance_ms >= 0 && subscribes && r->owned_given && r->owned.count == 0;
}

static enum kafka_error check_request(const struct group_consumer_heartbeat *r)
{
    if (r->member.count == 0 || is_blank(r->instance) || is_blank(r->rack))
        return KAFKA_INVALID_REQUEST;
    if (r->epoch < EPOCH_AWAY || (r->epoch == EPOCH_AWAY && !r->instance.at))
        return KAFKA_INVALID_REQUEST;
    if (r->epoch == EPOCH_JOIN && !may_join(r))
        return KAFKA_INVALID_REQUEST;
    if (r->assignor.at && !assign_of_server((const char *)r->assignor.at, r->assignor.count))
        return KAFKA_UNSUPPORTED_ASSIGNOR;
    return r->regex_wrong ? KAFKA_INVALID_REGULAR_EXPRESSION : KAFKA_NONE;
}

/* ---- whose is it? -------------------------------------------------------- */

/* One heartbeat on its way. */
struct heartbeat {
    const struct group_event *event;
    struct group_consumer_heartbeat request;
    struct consumer_turn turn;
    const struct consumer_member *old;      /* the member as it is; NULL: it is new */
    const struct consumer_member *replaced; /* whose place it takes, or NULL */
    struct consumer_member draft;
    struct parts owned;
};

/* A member that missed the answer to its last heartbeat still says the epoch
 * before: it is right if it claims nothing that is not its own. */
static enum kafka_error check_epoch(const struct heartbeat *h, const struct consumer_member *m)
{
    int32_t epoch = h->request.epoch;
    if (epoch == EPOCH_JOIN || epoch == m->epoch)
        return KAFKA_NONE;
    bool repeated = epoch < m->epoch && epoch == m->previous_epoch && h->request.owned_given &&
                    parts_within(&h->owned, &m->assigned);
    return repeated ? KAFKA_NONE : KAFKA_FENCED_MEMBER_EPOCH;
}

static enum kafka_error find_static(struct heartbeat *h)
{
    const struct group_consumer_heartbeat *r = &h->request;
    const struct consumer_member *m = consumer_instance(h->turn.c, r->instance);
    bool joins = r->epoch == EPOCH_JOIN;
    if (!m)
        return joins ? KAFKA_NONE : KAFKA_UNKNOWN_MEMBER_ID;
    if (evl_bytes_equal(m->id, r->member)) {
        h->old = m;
        return KAFKA_NONE;
    }
    if (!joins)
        return KAFKA_FENCED_INSTANCE_ID;
    if (m->epoch != EPOCH_AWAY)
        return KAFKA_UNRELEASED_INSTANCE_ID;
    h->replaced = m;
    return KAFKA_NONE;
}

/* The member that a heartbeat is of; none for a new one. */
static enum kafka_error find_member(struct heartbeat *h)
{
    const struct group_consumer_heartbeat *r = &h->request;
    if (r->instance.at) {
        enum kafka_error error = find_static(h);
        if (error || h->old || h->replaced)
            return error;
    }
    h->old = consumer_find(h->turn.c, r->member);
    return h->old || r->epoch == EPOCH_JOIN ? KAFKA_NONE : KAFKA_UNKNOWN_MEMBER_ID;
}

/* ---- what it says about itself ------------------------------------------- */

static void take_text(struct evl_bytes *to, struct evl_bytes said)
{
    if (said.at)
        *to = said.count > 0 ? said : evl_text(NULL);
}

static struct consumer_topics take_names(const struct heartbeat *h, const struct group_names *names)
{
    struct consumer_topics t = { decision_take(h->turn.d, names->count, sizeof *t.at), 0 };
    for (size_t i = 0; i < names->count; i++)
        if (names->at[i].count > 0)
            t.at[t.count++] = names->at[i];
    consumer_topics_settle(&t);
    return t;
}

static void draft_member(struct heartbeat *h)
{
    const struct group_consumer_heartbeat *r = &h->request;
    struct consumer_member *m = &h->draft;
    if (h->old)
        *m = *h->old;
    else if (h->replaced)
        *m = *h->replaced;
    if (!h->old) {
        m->id = r->member;
        m->epoch = m->previous_epoch = 0;
        m->described = m->placed = m->targeted = false;
    }
    m->client_id = keep_text(h->event->client_id);
    m->client_host = keep_text(h->event->client_host);
    take_text(&m->instance, r->instance);
    take_text(&m->rack, r->rack);
    take_text(&m->regex, r->regex);
    take_text(&m->assignor, r->assignor);
    if (r->rebalance_ms >= 0)
        m->rebalance_ms = r->rebalance_ms;
    if (r->topics.given || !m->topics.at)
        m->topics = take_names(h, &r->topics);
    if (m->regex.at && r->resolved.given)
        h->turn.regex = (struct consumer_regex){ m->regex, take_names(h, &r->resolved) };
}

static bool same_subscription(const struct consumer_member *a, const struct consumer_member *b)
{
    return evl_bytes_equal(a->regex, b->regex) && evl_bytes_equal(a->assignor, b->assignor) &&
           consumer_topics_equal(&a->topics, &b->topics);
}

static bool same_description(const struct consumer_member *a, const struct consumer_member *b)
{
    return same_subscription(a, b) && evl_bytes_equal(a->rack, b->rack) &&
           evl_bytes_equal(a->client_id, b->client_id) &&
           evl_bytes_equal(a->client_host, b->client_host) && a->rebalance_ms == b->rebalance_ms;
}

/* What is to be given back changes only with one of these. */
static bool same_place(const struct consumer_member *a, const struct consumer_member *b)
{
    return a->epoch == b->epoch && a->state == b->state && parts_equal(&a->assigned, &b->assigned);
}

/* ---- one that stays ------------------------------------------------------ */

/* Does the expression mean something else now? */
static bool regex_moved(const struct heartbeat *h)
{
    const struct consumer_regex *now = &h->turn.regex;
    if (!now->text.at)
        return false;
    const struct consumer_regex *was = consumer_regex(h->turn.c, now->text);
    return !was || !consumer_topics_equal(&was->topics, &now->topics);
}

static void write_changes(struct heartbeat *h)
{
    struct consumer_turn *t = &h->turn;
    const struct consumer_member *was = h->old ? h->old : h->replaced;
    bool moved = regex_moved(h);
    bool changed = !was || moved || !same_subscription(was, &h->draft);
    if (h->replaced)
        consumer_write_member_removal(t, h->replaced);
    if (!h->old || !same_description(h->old, &h->draft))
        consumer_write_member(t, &h->draft);
    if (moved)
        consumer_write_regex(t, &t->regex);
    consumer_turn_renew(t, changed);
    consumer_turn_aim(t);
    if (h->replaced && t->target_epoch == t->c->target_epoch)
        consumer_write_target(t, &h->draft, &h->draft.target);
    consumer_turn_reconcile(t, h->request.owned_given ? &h->owned : NULL);
    if (!h->old || !same_place(h->old, &h->draft))
        consumer_write_current(t, &h->draft);
}

static void set_timers(const struct heartbeat *h)
{
    struct consumer *c = h->turn.c;
    int64_t now_ms = h->event->now_ms;
    struct consumer_member *m = consumer_find(c, h->draft.id);
    if (!m)
        m = consumer_add(c, h->draft.id);
    table_timer_set(c->table, &m->session, now_ms + c->table->settings.consumer_session_ms);
    if (h->draft.state != CONSUMER_UNREVOKED)
        table_timer_unset(c->table, &m->revoke);
    else if (m->revoke.timer.place == 0)
        table_timer_set(c->table, &m->revoke, now_ms + h->draft.rebalance_ms);
}

/* What it has is told when it asks, when it changed, and when it may not know. */
static bool tells_assignment(const struct heartbeat *h)
{
    const struct group_consumer_heartbeat *r = &h->request;
    bool whole = r->rebalance_ms >= 0 && (r->topics.given || r->regex.at) && r->owned_given;
    return !h->old || whole || r->epoch != h->old->epoch ||
           !parts_equal(&h->old->assigned, &h->draft.assigned);
}

static void answer(const struct heartbeat *h, int32_t epoch)
{
    struct decision *d = h->turn.d;
    struct group_answer *a =
        decision_answer(d, GROUP_CONSUMER_HEARTBEAT, h->event->token, KAFKA_NONE);
    a->consumer.member = decision_copy(d, h->request.member);
    a->consumer.epoch = epoch;
    a->consumer.heartbeat_ms = h->turn.c->table->settings.consumer_heartbeat_ms;
    if (epoch >= 0 && tells_assignment(h)) {
        struct parts *told = decision_take(d, 1, sizeof *told);
        *told = decision_parts(d, &h->draft.assigned);
        a->consumer.assignment = told;
    }
}

static void stay(struct heartbeat *h)
{
    draft_member(h);
    h->turn.draft = &h->draft;
    consumer_turn_begin(&h->turn, h->old, h->replaced);
    write_changes(h);
    set_timers(h);
    answer(h, h->draft.epoch);
}

/* ---- one that goes ------------------------------------------------------- */

static void expel(struct consumer_turn *t, const struct consumer_member *m)
{
    consumer_turn_begin(t, m, NULL);
    consumer_write_member_removal(t, m);
    consumer_turn_renew(t, true);
}

/* A static member will be back: what it has stays its own until its session ends. */
static void go_away(struct heartbeat *h)
{
    struct consumer *c = h->turn.c;
    struct consumer_member *m = consumer_find(c, h->request.member);
    h->draft = *m;
    h->draft.epoch = EPOCH_AWAY;
    h->draft.state = CONSUMER_STABLE;
    h->draft.revoking = (struct parts){ 0 };
    consumer_write_current(&h->turn, &h->draft);
    table_timer_unset(c->table, &m->revoke);
    table_timer_set(c->table, &m->session,
                    h->event->now_ms + c->table->settings.consumer_session_ms);
}

static void go(struct heartbeat *h)
{
    if (h->request.epoch == EPOCH_AWAY)
        go_away(h);
    else
        expel(&h->turn, h->old);
    answer(h, h->request.epoch);
}

/* ---- deciding ------------------------------------------------------------ */

/* A classic group that nobody is in makes room. */
static enum kafka_error find_group(struct group_table *table, const struct group_event *event,
                                   struct decision *d, struct consumer **c)
{
    struct group *g = table_group(table, event->group);
    bool joins = event->consumer.epoch == EPOCH_JOIN;
    *c = g ? g->consumer : NULL;
    if (*c)
        return KAFKA_NONE;
    if (!joins || (g && (g->classic->state != CLASSIC_EMPTY || g->classic->pending.count > 0)))
        return KAFKA_GROUP_ID_NOT_FOUND;
    if (g)
        classic_write_removal(g, d);
    else
        g = table_group_add(table, event->group);
    g->consumer = *c = consumer_create(table, g);
    return KAFKA_NONE;
}

static enum kafka_error admit(struct heartbeat *h)
{
    const struct consumer *c = h->turn.c;
    enum kafka_error error = find_member(h);
    if (error)
        return error;
    bool comes = !h->old && !h->replaced;
    if (comes && c->member_count >= c->table->settings.consumer_size_max)
        return KAFKA_GROUP_MAX_SIZE_REACHED;
    bool stays = h->old && h->request.epoch >= 0;
    return stays ? check_epoch(h, h->old) : KAFKA_NONE;
}

/* Of a classic group that was to make room nothing changes either. */
static void refuse(const struct group_event *event, enum kafka_error error, struct decision *d)
{
    keyed_list_clear(&d->records);
    decision_answer(d, GROUP_CONSUMER_HEARTBEAT, event->token, error);
}

void consumer_heartbeat(struct group_table *table, const struct group_event *event,
                        struct decision *d)
{
    struct heartbeat h = { .event = event, .request = event->consumer };
    char id[UUID_TEXT];
    if (event->version < VERSION_OWN_ID && event->consumer.epoch == EPOCH_JOIN &&
        event->consumer.member.count == 0)
        h.request.member = evl_text(uuid_print(&event->chance, id));
    enum kafka_error error = check_request(&h.request);
    h.turn.now_ms = event->now_ms;
    h.turn.d = d;
    h.owned = decision_parts(d, &event->consumer.owned);
    parts_settle(&h.owned);
    if (!error)
        error = find_group(table, event, d, &h.turn.c);
    if (!error)
        error = admit(&h);
    if (error)
        refuse(event, error, d);
    else if (event->consumer.epoch < 0)
        go(&h);
    else
        stay(&h);
}

/* Silent, or keeping what it should give back: it is out. */
void consumer_timer(struct consumer *c, struct group_timer *timer, int64_t now_ms,
                    struct decision *d)
{
    struct consumer_turn t = { .c = c, .now_ms = now_ms, .d = d };
    expel(&t, timer->member);
}

/* ---- positions ----------------------------------------------------------- */

/* An epoch before the member's own is good enough for what it had then already. */
static bool had_all(const struct consumer *c, const struct consumer_member *m,
                    const struct group_commit *commit)
{
    for (size_t i = 0; i < commit->count; i++) {
        const struct group_position *p = &commit->positions[i];
        const struct table_topic *topic = table_topic(c->table, p->topic);
        int32_t since;
        if (!topic)
            return false;
        struct part part = { .topic = topic->id, .number = p->partition };
        if (!parts_has(&m->assigned, &part, &since) || since > commit->generation)
            return false;
    }
    return true;
}

enum kafka_error consumer_commit(const struct consumer *c, const struct group_event *event)
{
    const struct group_commit *commit = &event->commit;
    bool in_transaction = event->kind == GROUP_COMMIT_TXN;
    bool nobody = commit->generation < 0 && commit->member.count == 0 && !commit->instance.at;
    if (commit->generation < 0 && c->member_count == 0)
        return KAFKA_NONE;
    if (nobody && in_transaction)
        return KAFKA_NONE;
    const struct consumer_member *m = consumer_find(c, commit->member);
    if (!m)
        return KAFKA_UNKNOWN_MEMBER_ID;
    if (!in_transaction && event->version < VERSION_EPOCHS)
        return KAFKA_UNSUPPORTED_VERSION;
    if (commit->generation == m->epoch)
        return KAFKA_NONE;
    bool late = commit->generation < m->epoch && had_all(c, m, commit);
    return late ? KAFKA_NONE : KAFKA_STALE_MEMBER_EPOCH;
}

enum kafka_error consumer_fetch(const struct consumer *c, const struct group_event *event)
{
    const struct group_commit *fetch = &event->commit;
    if (!fetch->member.at && fetch->generation < 0)
        return KAFKA_NONE;
    const struct consumer_member *m = consumer_find(c, fetch->member);
    if (!m)
        return KAFKA_UNKNOWN_MEMBER_ID;
    return m->epoch == fetch->generation ? KAFKA_NONE : KAFKA_STALE_MEMBER_EPOCH;
}
