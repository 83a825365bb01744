/* classic_record.c - a classic group's record, written and applied.
 *
 * A record that is applied makes members of those it names; of who was a member
 * already, by id or by instance, what is soft stays. */
#include "base/check.h"
#include "base/memory.h"
#include "group/classic.h"
#include "group/keep.h"
#include "proto/group_log.h"

/* The version that every Kafka understands that knows static members. */
enum { VALUE_VERSION = 3 };

/* ---- writing ------------------------------------------------------------- */

struct evl_bytes classic_share(const struct group_sync *sync, struct evl_bytes member)
{
    for (size_t i = 0; i < sync->share_count; i++)
        if (evl_bytes_equal(sync->shares[i].member, member))
            return keep_text(sync->shares[i].assignment);
    return evl_text("");
}

static struct group_metadata_member
member_row(const struct classic *c, const struct classic_member *m, struct evl_bytes assignment)
{
    return (struct group_metadata_member){
        .member_id = m->id,
        .group_instance_id = m->instance,
        .client_id = keep_text(m->client_id),
        .client_host = keep_text(m->client_host),
        .rebalance_timeout = m->rebalance_ms,
        .session_timeout = m->session_ms,
        .subscription = keep_text(classic_metadata(m, c->protocol)),
        .assignment = keep_text(assignment),
    };
}

static struct group_metadata_value value_of(const struct classic *c,
                                            const struct group_sync *shares, int64_t now_ms,
                                            struct decision *d)
{
    struct group_metadata_value value = {
        .protocol_type = keep_text(c->protocol_type),
        .generation = c->generation,
        .protocol = c->protocol,
        .leader = c->leader ? c->leader->id : evl_text(NULL),
        .current_state_timestamp = now_ms,
    };
    value.members.count = c->members.count;
    value.members.at = decision_take(d, c->members.count, sizeof *value.members.at);
    for (size_t i = 0; i < c->members.count; i++) {
        const struct classic_member *m = c->members.at[i];
        value.members.at[i] =
            member_row(c, m, shares ? classic_share(shares, m->id) : m->assignment);
    }
    return value;
}

/* All names were measured when they came in. */
static void add(const struct group *group, const struct group_metadata_value *value,
                struct decision *d)
{
    struct group_metadata_key key = { group->name };
    check(keyed_list_add(&d->records, group_log(GROUP_LOG_group_metadata), &key, VALUE_VERSION,
                         value) == EVL_OK);
}

void classic_write(const struct classic *c, const struct group_sync *shares, int64_t now_ms,
                   struct decision *d)
{
    struct group_metadata_value value = value_of(c, shares, now_ms, d);
    add(c->group, &value, d);
}

void classic_write_renamed(const struct classic *c, const struct classic_member *m,
                           const struct group_event *join, struct evl_bytes id, struct decision *d)
{
    struct group_metadata_value value = value_of(c, NULL, join->now_ms, d);
    for (size_t i = 0; i < c->members.count; i++)
        if (c->members.at[i] == m) {
            value.members.at[i].member_id = id;
            value.members.at[i].client_id = keep_text(join->client_id);
            value.members.at[i].client_host = keep_text(join->client_host);
            value.members.at[i].session_timeout = join->join.session_ms;
            value.members.at[i].rebalance_timeout = classic_rebalance_ms(&join->join);
        }
    if (c->leader == m)
        value.leader = id;
    add(c->group, &value, d);
}

void classic_write_removal(const struct group *group, struct decision *d) { add(group, NULL, d); }

/* ---- applying ------------------------------------------------------------ */

/* It was a member, perhaps under another id; NULL: it was not. */
static struct classic_member *take_old(struct classic_members *old,
                                       const struct group_metadata_member *row)
{
    struct classic_member *m = classic_find(old, row->member_id);
    if (!m && row->group_instance_id.at)
        m = classic_instance(old, row->group_instance_id);
    if (m)
        classic_members_take(old, m);
    return m;
}

/* After a restart all that is known of its protocols is the group's. */
static void restore_protocol(struct classic_member *m, struct evl_bytes protocol)
{
    struct group_protocol only = { protocol, m->subscription };
    struct group_join join = { .protocols = &only, .protocol_count = 1 };
    m->synced = true;
    classic_say(m, &join);
}

static struct classic_member *apply_member(struct classic *c, struct classic_members *old,
                                           const struct group_metadata_member *row)
{
    struct classic_member *m = take_old(old, row);
    if (m)
        classic_members_push(&c->members, m);
    else
        m = classic_add(c, &c->members, row->member_id, TIMER_SESSION);
    keep_again(&m->id, row->member_id);
    keep_again(&m->instance, row->group_instance_id);
    keep_again(&m->client_id, row->client_id);
    keep_again(&m->client_host, row->client_host);
    keep_again(&m->subscription, row->subscription);
    keep_again(&m->assignment, row->assignment);
    m->session_ms = row->session_timeout;
    m->rebalance_ms = row->rebalance_timeout >= 0 ? row->rebalance_timeout : row->session_timeout;
    return m;
}

/* In the order of the record, which is that of memory when it was written. */
static void apply_members(struct classic *c, const struct group_metadata_value *value)
{
    struct classic_members old = c->members;
    c->members = (struct classic_members){ 0 };
    for (size_t i = 0; i < value->members.count; i++) {
        struct classic_member *m = apply_member(c, &old, &value->members.at[i]);
        if (m->protocol_count == 0)
            restore_protocol(m, c->protocol);
    }
    while (old.count > 0)
        classic_remove(c, &old, old.at[0]);
    memory_free(old.at);
}

void classic_apply(struct classic *c, const struct group_metadata_value *value)
{
    keep_again(&c->protocol_type, value->protocol_type);
    keep_again(&c->protocol, value->protocol);
    c->generation = value->generation;
    c->changed_ms = value->current_state_timestamp;
    c->written = true;
    c->state = value->members.count > 0 ? CLASSIC_STABLE : CLASSIC_EMPTY;
    apply_members(c, value);
    c->leader = value->leader.at ? classic_find(&c->members, value->leader) : NULL;
    if (!c->leader && c->members.count > 0)
        c->leader = c->members.at[0];
}

bool classic_is_unwritten(const struct classic *c)
{
    return !c->written && c->state == CLASSIC_EMPTY && c->pending.count == 0;
}

void classic_load(struct classic *c, int64_t now_ms)
{
    for (size_t i = 0; i < c->members.count; i++)
        classic_alive(c, c->members.at[i], now_ms);
}
