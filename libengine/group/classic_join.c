/* classic_join.c - JoinGroup: who may come, and whether that is a rebalance. */
#include "base/buf.h"
#include "base/check.h"
#include "base/uuid.h"
#include "group/classic.h"
#include "group/keep.h"

/* From these versions on a client knows what to do with its answer. */
enum { VERSION_PENDING = 4, VERSION_SKIP = 9 };

/* One JoinGroup on its way. */
struct joining {
    struct classic *c;
    const struct group_event *event;
    struct decision *d;
};

static void refuse(const struct joining *j, enum kafka_error error)
{
    struct group_answer *answer = decision_answer(j->d, GROUP_JOIN, j->event->token, error);
    answer->join.member = decision_copy(j->d, j->event->join.member);
}

/* "consumer-1-b3c1..." for a dynamic member, by its instance for a static one. */
static struct evl_bytes make_id(const struct joining *j)
{
    const struct group_event *e = j->event;
    struct evl_buffer id = { 0 };
    char text[UUID_TEXT];
    buf_add_bytes(&id, e->join.instance.at ? e->join.instance : e->client_id);
    buf_add_byte(&id, '-');
    buf_add_text(&id, uuid_print(&e->chance, text));
    struct evl_bytes made = decision_copy(j->d, buf_bytes(&id));
    buf_release(&id);
    return made;
}

/* The answer waits for the rebalance.  What waited before was lost on its way. */
static void park(const struct joining *j, struct classic_member *m)
{
    classic_refuse(&m->join, KAFKA_REBALANCE_IN_PROGRESS, j->d);
    m->join = (struct classic_wait){ true, j->event->token, GROUP_JOIN };
    if (!m->fresh)
        table_timer_unset(j->c->table, &m->session);
}

static void add_member(const struct joining *j, struct evl_bytes id)
{
    struct classic *c = j->c;
    const struct group_event *e = j->event;
    struct classic_member *m = classic_add(c, &c->members, id, TIMER_SESSION);
    if (c->members.count == 1) {
        keep_again(&c->protocol_type, e->join.protocol_type);
        c->leader = m;
    }
    m->instance = keep_copy(e->join.instance);
    m->client_id = keep_copy(e->client_id);
    m->client_host = keep_copy(e->client_host);
    m->fresh = true;
    c->newcomer = true;
    classic_update(m, &e->join);
    classic_alive(c, m, e->now_ms);
    park(j, m);
    classic_rebalance(c, e->now_ms, j->d);
}

static void update_member(const struct joining *j, struct classic_member *m)
{
    classic_update(m, &j->event->join);
    park(j, m);
    classic_rebalance(j->c, j->event->now_ms, j->d);
}

/* ---- a static member is back --------------------------------------------- */

static void rename_member(const struct joining *j, struct classic_member *m, struct evl_bytes id)
{
    classic_refuse(&m->join, KAFKA_FENCED_INSTANCE_ID, j->d);
    classic_refuse(&m->sync, KAFKA_FENCED_INSTANCE_ID, j->d);
    keep_again(&m->id, id);
    keep_again(&m->client_id, j->event->client_id);
    keep_again(&m->client_host, j->event->client_host);
}

/* A leader that knows of skipping gets everybody and assigns nothing.  To an older
 * one the old id is said to lead, so that it does not even try. */
static void answer_renamed(const struct joining *j, const struct classic_member *m,
                           struct evl_bytes id)
{
    const struct classic *c = j->c;
    bool leads = c->leader == m;
    struct group_answer *answer = classic_joined(c, m, j->event->token, j->d);
    answer->join.member = id;
    if (j->event->version < VERSION_SKIP) {
        answer->join.peers = NULL;
        answer->join.peer_count = 0;
        return;
    }
    answer->join.skip_assignment = leads;
    if (leads) {
        struct group_peer *peers = (struct group_peer *)(uintptr_t)answer->join.peers;
        answer->join.leader = id;
        for (size_t i = 0; i < c->members.count; i++)
            if (c->members.at[i] == m)
                peers[i].member = id;
    }
}

/* With the same protocol it takes its old place, and nobody else notices. */
static void replace_member(const struct joining *j, struct classic_member *m, struct evl_bytes id)
{
    struct classic *c = j->c;
    classic_say(m, &j->event->join);
    if (c->state == CLASSIC_STABLE && evl_bytes_equal(classic_elect(c), c->protocol)) {
        classic_alive(c, m, j->event->now_ms);
        classic_write_renamed(c, m, j->event, id, j->d);
        answer_renamed(j, m, id);
        return;
    }
    rename_member(j, m, id);
    classic_update(m, &j->event->join);
    park(j, m);
    classic_rebalance(c, j->event->now_ms, j->d);
}

/* ---- deciding ------------------------------------------------------------ */

static void join_new(const struct joining *j)
{
    struct classic *c = j->c;
    const struct group_event *e = j->event;
    struct evl_bytes id = make_id(j);
    if (e->join.instance.at) {
        struct classic_member *m = classic_instance(&c->members, e->join.instance);
        if (m)
            replace_member(j, m, id);
        else
            add_member(j, id);
        return;
    }
    if (e->version < VERSION_PENDING) {
        add_member(j, id);
        return;
    }
    struct classic_member *pending = classic_add(c, &c->pending, id, TIMER_PENDING);
    table_timer_set(c->table, &pending->session, e->now_ms + e->join.session_ms);
    refuse(j, KAFKA_MEMBER_ID_REQUIRED);
    j->d->answers[j->d->answer_count - 1].join.member = id;
}

static void join_known(const struct joining *j)
{
    struct classic *c = j->c;
    const struct group_join *join = &j->event->join;
    struct classic_member *m = classic_find(&c->pending, join->member);
    if (m) {
        classic_remove(c, &c->pending, m);
        add_member(j, join->member);
        return;
    }
    enum kafka_error error = classic_identify(c, join->member, join->instance, &m);
    if (error) {
        refuse(j, error);
        return;
    }
    bool same = classic_matches(m, join);
    bool again = c->state == CLASSIC_COMPLETING || (c->state == CLASSIC_STABLE && m != c->leader);
    if (same && again) {
        classic_alive(c, m, j->event->now_ms);
        classic_joined(c, m, j->event->token, j->d);
    } else {
        update_member(j, m);
    }
}

/* How many are in, as far as the limit is concerned: in a rebalance, who does not
 * come back loses its place. */
static bool is_full(const struct classic *c, const struct group_join *join)
{
    size_t count = 0;
    const struct classic_member *m = join->instance.at
                                         ? classic_instance(&c->members, join->instance)
                                         : classic_find(&c->members, join->member);
    bool preparing = c->state == CLASSIC_PREPARING;
    if (m && (m->join.waits || !preparing))
        return false;
    for (size_t i = 0; i < c->members.count; i++)
        count += c->members.at[i]->join.waits || !preparing;
    return count >= c->table->settings.size_max;
}

void classic_join(struct classic *c, const struct group_event *event, struct decision *d)
{
    const struct joining j = { c, event, d };
    const struct group_join *join = &event->join;
    if (is_full(c, join))
        refuse(&j, KAFKA_GROUP_MAX_SIZE_REACHED);
    else if (!classic_supports(c, join))
        refuse(&j, KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    else if (join->member.count == 0)
        join_new(&j);
    else
        join_known(&j);
}
