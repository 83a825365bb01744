/* classic_rebalance.c - a classic group on its way to its next generation.
 *
 * (1) In PREPARING, who has joined waits; in COMPLETING and STABLE nobody waits
 *     to have joined; only in COMPLETING somebody waits to be synced.
 * (2) The phase timer runs in PREPARING and in COMPLETING; in STABLE while a
 *     member has not synced.
 * (3) A member's session runs but while an answer of its waits; a fresh one's
 *     always does, as it may be gone for good. */
#include "base/check.h"
#include "group/classic.h"
#include "group/keep.h"

/* How long a member that is in no generation yet may wait for one. */
enum { FRESH_MS = 300000 };

/* When to write again that a group is empty. */
enum { RETRY_MS = 1000 };

/* ---- answers that wait --------------------------------------------------- */

void classic_refuse(struct classic_wait *wait, enum kafka_error error, struct decision *d)
{
    if (wait->waits)
        decision_answer(d, wait->kind, wait->token, error);
    wait->waits = false;
}

void classic_refuse_all(struct classic *c, enum kafka_error error, struct decision *d)
{
    for (size_t i = 0; i < c->members.count; i++) {
        classic_refuse(&c->members.at[i]->join, error, d);
        classic_refuse(&c->members.at[i]->sync, error, d);
    }
}

void classic_alive(struct classic *c, struct classic_member *m, int64_t now_ms)
{
    table_timer_set(c->table, &m->session, now_ms + (m->fresh ? FRESH_MS : m->session_ms));
}

static struct group_peer *peers(const struct classic *c, struct decision *d)
{
    struct group_peer *at = decision_take(d, c->members.count, sizeof *at);
    for (size_t i = 0; i < c->members.count; i++) {
        const struct classic_member *m = c->members.at[i];
        at[i].member = decision_copy(d, m->id);
        at[i].instance = decision_copy(d, m->instance);
        at[i].metadata = decision_copy(d, classic_metadata(m, c->protocol));
    }
    return at;
}

struct group_answer *classic_joined(const struct classic *c, const struct classic_member *m,
                                    uint64_t token, struct decision *d)
{
    struct group_answer *answer = decision_answer(d, GROUP_JOIN, token, KAFKA_NONE);
    answer->join = (struct group_join_answer){
        .generation = c->generation,
        .protocol_type = decision_copy(d, c->protocol_type),
        .protocol = decision_copy(d, c->protocol),
        .leader = decision_copy(d, c->leader->id),
        .member = decision_copy(d, m->id),
    };
    if (m == c->leader) {
        answer->join.peers = peers(c, d);
        answer->join.peer_count = c->members.count;
    }
    return answer;
}

/* ---- a new generation ---------------------------------------------------- */

/* Who did not come back in time.  Static members may: their session decides. */
static void remove_absent(struct classic *c)
{
    for (size_t i = c->members.count; i-- > 0;) {
        struct classic_member *m = c->members.at[i];
        if (!m->join.waits && !m->instance.at)
            classic_remove(c, &c->members, m);
    }
}

/* Who leads has joined; false if nobody has. */
static bool elect_leader(struct classic *c)
{
    if (c->leader && c->leader->join.waits)
        return true;
    for (size_t i = 0; i < c->members.count; i++)
        if (c->members.at[i]->join.waits) {
            c->leader = c->members.at[i];
            return true;
        }
    return false;
}

static void begin_sync(struct classic *c, int64_t now_ms, struct decision *d)
{
    c->state = CLASSIC_COMPLETING;
    c->phase.kind = TIMER_SYNC;
    table_timer_set(c->table, &c->phase, now_ms + classic_patience_ms(c));
    for (size_t i = 0; i < c->members.count; i++) {
        struct classic_member *m = c->members.at[i];
        m->fresh = false;
        m->synced = false;
        if (m->join.waits)
            classic_joined(c, m, m->join.token, d);
        m->join.waits = false;
        classic_alive(c, m, now_ms);
    }
}

static void complete_join(struct classic *c, int64_t now_ms, struct decision *d)
{
    remove_absent(c);
    if (!elect_leader(c) && c->members.count > 0) {
        /* Static members only, all away: wait for one, or for their sessions. */
        table_timer_set(c->table, &c->phase, now_ms + classic_patience_ms(c));
        return;
    }
    table_timer_unset(c->table, &c->phase);
    c->generation++;
    if (c->members.count > 0) {
        keep_again(&c->protocol, classic_elect(c));
        begin_sync(c, now_ms, d);
        return;
    }
    keep_drop(&c->protocol);
    classic_write(c, NULL, now_ms, d);
}

static bool all_joined(const struct classic *c)
{
    for (size_t i = 0; i < c->members.count; i++)
        if (!c->members.at[i]->join.waits)
            return false;
    return c->pending.count == 0;
}

void classic_advance(struct classic *c, int64_t now_ms, struct decision *d)
{
    if (c->state == CLASSIC_PREPARING && !c->initial && all_joined(c))
        complete_join(c, now_ms, d);
}

/* ---- beginning one ------------------------------------------------------- */

/* The first members rarely come alone: wait a little for the others. */
static void begin_initial(struct classic *c, int64_t now_ms)
{
    int32_t delay_ms = c->table->settings.initial_delay_ms;
    int32_t patience_ms = classic_patience_ms(c);
    c->initial = true;
    c->newcomer = false;
    c->initial_left_ms = patience_ms > delay_ms ? patience_ms - delay_ms : 0;
    table_timer_set(c->table, &c->phase, now_ms + delay_ms);
}

void classic_rebalance(struct classic *c, int64_t now_ms, struct decision *d)
{
    if (c->state == CLASSIC_PREPARING) {
        classic_advance(c, now_ms, d);
        return;
    }
    bool first = c->state == CLASSIC_EMPTY;
    for (size_t i = 0; i < c->members.count; i++) {
        struct classic_member *m = c->members.at[i];
        if (m->sync.waits)
            classic_alive(c, m, now_ms);
        classic_refuse(&m->sync, KAFKA_REBALANCE_IN_PROGRESS, d);
    }
    c->state = CLASSIC_PREPARING;
    c->phase.kind = TIMER_JOIN;
    c->initial = false;
    if (first) {
        begin_initial(c, now_ms);
        return;
    }
    table_timer_set(c->table, &c->phase, now_ms + classic_patience_ms(c));
    classic_advance(c, now_ms, d);
}

void classic_expel(struct classic *c, struct classic_member *m, int64_t now_ms, struct decision *d)
{
    classic_refuse(&m->join, KAFKA_UNKNOWN_MEMBER_ID, d);
    classic_refuse(&m->sync, KAFKA_UNKNOWN_MEMBER_ID, d);
    classic_remove(c, &c->members, m);
    classic_rebalance(c, now_ms, d);
}

void classic_not_written(struct classic *c, int64_t now_ms, struct decision *d)
{
    if (c->state == CLASSIC_COMPLETING)
        classic_rebalance(c, now_ms, d);
    else if (c->state == CLASSIC_PREPARING)
        table_timer_set(c->table, &c->phase, now_ms + RETRY_MS);
}

/* ---- timers -------------------------------------------------------------- */

/* The first join phase goes on while members come, as long as it may. */
static void initial_is_over(struct classic *c, int64_t now_ms, struct decision *d)
{
    if (c->newcomer && c->initial_left_ms > 0) {
        int64_t delay_ms = c->table->settings.initial_delay_ms;
        if (delay_ms > c->initial_left_ms)
            delay_ms = c->initial_left_ms;
        c->initial_left_ms -= delay_ms;
        c->newcomer = false;
        table_timer_set(c->table, &c->phase, now_ms + delay_ms);
        return;
    }
    c->initial = false;
    complete_join(c, now_ms, d);
}

static void sync_is_over(struct classic *c, int64_t now_ms, struct decision *d)
{
    for (size_t i = c->members.count; i-- > 0;)
        if (!c->members.at[i]->synced)
            classic_remove(c, &c->members, c->members.at[i]);
    classic_rebalance(c, now_ms, d);
}

void classic_timer(struct classic *c, struct group_timer *timer, int64_t now_ms, struct decision *d)
{
    struct classic_member *m = timer->member;
    if (timer->kind == TIMER_SESSION) {
        classic_expel(c, m, now_ms, d);
    } else if (timer->kind == TIMER_PENDING) {
        classic_remove(c, &c->pending, m);
        classic_advance(c, now_ms, d);
    } else if (timer->kind == TIMER_SYNC) {
        sync_is_over(c, now_ms, d);
    } else if (c->initial) {
        initial_is_over(c, now_ms, d);
    } else {
        complete_join(c, now_ms, d);
    }
}
