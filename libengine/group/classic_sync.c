/* classic_sync.c - SyncGroup, Heartbeat, LeaveGroup, and who may commit. */
#include "group/classic.h"
#include "group/keep.h"

/* ---- SyncGroup ----------------------------------------------------------- */

/* What is null is not asked for. */
static bool differs(struct evl_bytes asked, struct evl_bytes known)
{
    return asked.at && !evl_bytes_equal(asked, known);
}

static enum kafka_error check_sync(const struct classic *c, const struct group_sync *sync,
                                   struct classic_member **m)
{
    enum kafka_error error = classic_identify(c, sync->member, sync->instance, m);
    if (error)
        return error;
    if (sync->generation != c->generation)
        return KAFKA_ILLEGAL_GENERATION;
    if (differs(sync->protocol_type, c->protocol_type) || differs(sync->protocol, c->protocol))
        return KAFKA_INCONSISTENT_GROUP_PROTOCOL;
    return c->state == CLASSIC_PREPARING ? KAFKA_REBALANCE_IN_PROGRESS : KAFKA_NONE;
}

static void answer_sync(const struct classic *c, uint64_t token, struct evl_bytes assignment,
                        struct decision *d)
{
    struct group_answer *answer = decision_answer(d, GROUP_SYNC, token, KAFKA_NONE);
    answer->sync.protocol_type = decision_copy(d, c->protocol_type);
    answer->sync.protocol = decision_copy(d, c->protocol);
    answer->sync.assignment = decision_copy(d, assignment);
}

/* Everybody who waits gets what the leader says; the record makes it stand. */
static void spread(struct classic *c, const struct group_event *event, struct decision *d)
{
    classic_write(c, &event->sync, event->now_ms, d);
    for (size_t i = 0; i < c->members.count; i++) {
        struct classic_member *m = c->members.at[i];
        if (!m->sync.waits)
            continue;
        answer_sync(c, m->sync.token, classic_share(&event->sync, m->id), d);
        m->sync.waits = false;
        classic_alive(c, m, event->now_ms);
    }
}

static bool all_synced(const struct classic *c)
{
    for (size_t i = 0; i < c->members.count; i++)
        if (!c->members.at[i]->synced)
            return false;
    return true;
}

/* In COMPLETING it waits for the leader's; in STABLE it is known. */
void classic_sync(struct classic *c, const struct group_event *event, struct decision *d)
{
    struct classic_member *m;
    enum kafka_error error = check_sync(c, &event->sync, &m);
    if (error) {
        decision_answer(d, GROUP_SYNC, event->token, error);
        return;
    }
    m->synced = true;
    if (all_synced(c))
        table_timer_unset(c->table, &c->phase);
    if (c->state == CLASSIC_STABLE) {
        classic_alive(c, m, event->now_ms);
        answer_sync(c, event->token, m->assignment, d);
        return;
    }
    classic_refuse(&m->sync, KAFKA_REBALANCE_IN_PROGRESS, d);
    m->sync = (struct classic_wait){ true, event->token, GROUP_SYNC };
    table_timer_unset(c->table, &m->session);
    if (m == c->leader)
        spread(c, event, d);
}

/* ---- Heartbeat ----------------------------------------------------------- */

void classic_heartbeat(struct classic *c, const struct group_event *event, struct decision *d)
{
    struct classic_member *m;
    enum kafka_error error = classic_identify(c, event->sync.member, event->sync.instance, &m);
    if (!error && event->sync.generation != c->generation)
        error = KAFKA_ILLEGAL_GENERATION;
    if (!error) {
        if (!m->join.waits && !m->sync.waits)
            classic_alive(c, m, event->now_ms);
        if (c->state == CLASSIC_PREPARING)
            error = KAFKA_REBALANCE_IN_PROGRESS;
    }
    decision_answer(d, GROUP_HEARTBEAT, event->token, error);
}

/* ---- LeaveGroup ---------------------------------------------------------- */

/* An administrator knows the instance only; a member says who it is. */
static enum kafka_error find_leaver(const struct classic *c, const struct group_leaver *l,
                                    struct classic_member **m)
{
    if (l->member.count > 0 || !l->instance.at)
        return classic_identify(c, l->member, l->instance, m);
    *m = classic_instance(&c->members, l->instance);
    return *m ? KAFKA_NONE : KAFKA_UNKNOWN_MEMBER_ID;
}

static enum kafka_error leave(struct classic *c, const struct group_leaver *l, struct decision *d)
{
    struct classic_member *m = classic_find(&c->pending, l->member);
    if (m) {
        classic_remove(c, &c->pending, m);
        return KAFKA_NONE;
    }
    enum kafka_error error = find_leaver(c, l, &m);
    if (error)
        return error;
    classic_refuse(&m->join, KAFKA_UNKNOWN_MEMBER_ID, d);
    classic_refuse(&m->sync, KAFKA_UNKNOWN_MEMBER_ID, d);
    classic_remove(c, &c->members, m);
    return KAFKA_NONE;
}

void classic_leave(struct classic *c, const struct group_event *event, struct decision *d)
{
    size_t count = event->leave.count;
    size_t before = c->members.count;
    enum kafka_error *errors = decision_take(d, count, sizeof *errors);
    for (size_t i = 0; i < count; i++)
        errors[i] = leave(c, &event->leave.leavers[i], d);
    if (c->members.count < before)
        classic_rebalance(c, event->now_ms, d);
    else
        classic_advance(c, event->now_ms, d);
    struct group_answer *answer = decision_answer(d, GROUP_LEAVE, event->token, KAFKA_NONE);
    answer->errors = (struct group_errors){ errors, count };
}

/* ---- OffsetCommit -------------------------------------------------------- */

/* Who says nothing about itself is no member: it may commit while there are none,
 * and in a transaction always, as old producers say nothing. */
enum kafka_error classic_commit(struct classic *c, const struct group_event *event)
{
    const struct group_commit *commit = &event->commit;
    bool in_transaction = event->kind == GROUP_COMMIT_TXN;
    struct classic_member *m = NULL;
    if (commit->generation < 0 && c->state == CLASSIC_EMPTY)
        return KAFKA_NONE;
    if (commit->generation < 0 && commit->member.count == 0 && !commit->instance.at)
        return in_transaction ? KAFKA_NONE : KAFKA_UNKNOWN_MEMBER_ID;
    enum kafka_error error = classic_identify(c, commit->member, commit->instance, &m);
    if (error)
        return error;
    if (commit->generation != c->generation)
        return KAFKA_ILLEGAL_GENERATION;
    if (!in_transaction && c->state == CLASSIC_COMPLETING)
        return KAFKA_REBALANCE_IN_PROGRESS; /* what it holds is of the generation before */
    if (!m->join.waits && !m->sync.waits)
        classic_alive(c, m, event->now_ms);
    return KAFKA_NONE;
}
