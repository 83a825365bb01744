/* classic.h - a group whose members agree among themselves: they join, one of
 * them leads and assigns, all sync.
 *
 *   EMPTY --join--> PREPARING --all are there--> COMPLETING --leader syncs--> STABLE
 *   STABLE, COMPLETING --somebody comes, goes, or differs--> PREPARING
 *   PREPARING --nobody is there--> EMPTY
 *
 * Its one record says all that a restart knows: generation, leader, members with
 * their assignments.  It is written when the leader syncs, when the last member is
 * gone, and when a static member has a new id.  PREPARING and COMPLETING are soft:
 * after a restart members find the old generation, and join again. */
#ifndef GROUP_CLASSIC_H
#define GROUP_CLASSIC_H

#include "group/decision.h"
#include "group/table.h"

enum classic_state { CLASSIC_EMPTY, CLASSIC_PREPARING, CLASSIC_COMPLETING, CLASSIC_STABLE };

/* An answer that waits. */
struct classic_wait {
    bool waits;
    uint64_t token;
    enum group_event_kind kind;
};

struct group_metadata_value;

struct classic_member {
    struct evl_bytes id, instance, client_id, client_host; /* instance: null if dynamic */
    int32_t session_ms, rebalance_ms;
    struct group_protocol *protocols; /* by preference */
    size_t protocol_count;
    struct evl_bytes subscription; /* what it said for the group's protocol; STABLE */
    struct evl_bytes assignment;   /* STABLE */
    bool fresh;                    /* it was in no generation yet */
    bool synced;                   /* it has asked for its assignment of this generation */
    struct classic_wait join, sync;
    struct group_timer session; /* or, of who is pending, until when */
};

struct classic_members {
    struct classic_member **at; /* in the order in which they came */
    size_t count, room;
};

struct classic {
    struct group *group;
    struct group_table *table;
    enum classic_state state;
    bool written; /* there is a record of it */
    int32_t generation;
    int64_t changed_ms;                       /* when the record was written; -1: it does not say */
    struct evl_bytes protocol_type, protocol; /* null: none yet */
    struct classic_member *leader;            /* or NULL */
    struct classic_members members;
    struct classic_members pending; /* were given an id, and did not come back yet */
    struct group_timer phase;       /* of joining, or of syncing */
    bool initial;                   /* a first join phase: it waits for more to come */
    bool newcomer;                  /* and somebody came meanwhile */
    int64_t initial_left_ms;        /* how much longer it may wait in all */
};

struct classic *classic_create(struct group_table *table, struct group *group);
void classic_destroy(struct classic *c);

/* ---- members (classic.c) ------------------------------------------------- */

/* NULL: not there. */
struct classic_member *classic_find(const struct classic_members *list, struct evl_bytes id);
struct classic_member *classic_instance(const struct classic_members *list,
                                        struct evl_bytes instance);

/* A new one at the end of a list. */
struct classic_member *classic_add(struct classic *c, struct classic_members *list,
                                   struct evl_bytes id, enum group_timer_kind kind);

/* Put at the end; take out. */
void classic_members_push(struct classic_members *list, struct classic_member *m);
void classic_members_take(struct classic_members *list, struct classic_member *m);

/* Take out, and destroy; nothing waits any more.  Another one leads, if it did. */
void classic_remove(struct classic *c, struct classic_members *list, struct classic_member *m);

/* What a request says about the member: all of it, or its protocols alone. */
void classic_update(struct classic_member *m, const struct group_join *join);
void classic_say(struct classic_member *m, const struct group_join *join);

/* How long a member wants to be waited for. */
int32_t classic_rebalance_ms(const struct group_join *join);

/* What the member says for a protocol that it knows. */
struct evl_bytes classic_metadata(const struct classic_member *m, struct evl_bytes protocol);

/* Does the request say what the member said before? */
bool classic_matches(const struct classic_member *m, const struct group_join *join);

/* Can a member with these protocols be in the group? */
bool classic_supports(const struct classic *c, const struct group_join *join);

/* What most vote for of what all know, while there are members, and borrowed. */
struct evl_bytes classic_elect(const struct classic *c);

/* How long the slowest member may take. */
int32_t classic_patience_ms(const struct classic *c);

/* ---- the rebalance (classic_rebalance.c) --------------------------------- */

/* Begin one, or if one is on, see whether all are there. */
void classic_rebalance(struct classic *c, int64_t now_ms, struct decision *d);

/* If all have joined, go on. */
void classic_advance(struct classic *c, int64_t now_ms, struct decision *d);

/* A member goes, what waits is answered, and the others rebalance. */
void classic_expel(struct classic *c, struct classic_member *m, int64_t now_ms, struct decision *d);

/* What was decided last cannot be written: sync again, or be empty a little later. */
void classic_not_written(struct classic *c, int64_t now_ms, struct decision *d);

/* A timer of the group, or of a member. */
void classic_timer(struct classic *c, struct group_timer *timer, int64_t now_ms,
                   struct decision *d);

/* The member gave a sign of life. */
void classic_alive(struct classic *c, struct classic_member *m, int64_t now_ms);

/* Answer what waits. */
void classic_refuse(struct classic_wait *wait, enum kafka_error error, struct decision *d);

void classic_refuse_all(struct classic *c, enum kafka_error error, struct decision *d);

/* A member's answer to its JoinGroup as the group is now; the leader's tells it
 * everybody. */
struct group_answer *classic_joined(const struct classic *c, const struct classic_member *m,
                                    uint64_t token, struct decision *d);

/* ---- requests ------------------------------------------------------------ */

/* Its member, by id and instance: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID. */
enum kafka_error classic_identify(const struct classic *c, struct evl_bytes id,
                                  struct evl_bytes instance, struct classic_member **m);

/* JoinGroup (classic_join.c). */
void classic_join(struct classic *c, const struct group_event *event, struct decision *d);

/* SyncGroup, Heartbeat, LeaveGroup (classic_sync.c). */
void classic_sync(struct classic *c, const struct group_event *event, struct decision *d);
void classic_heartbeat(struct classic *c, const struct group_event *event, struct decision *d);
void classic_leave(struct classic *c, const struct group_event *event, struct decision *d);

/* May the request commit? (classic_sync.c) */
enum kafka_error classic_commit(struct classic *c, const struct group_event *event);

/* Does a member subscribe to the topic?  *known is false if one says what is no
 * subscription of consumers. (classic_subscription.c) */
bool classic_subscribes(const struct classic *c, struct evl_bytes topic, bool *known);

/* ---- the record (classic_record.c) --------------------------------------- */

/* Write down the group as it is now; `shares` are the new assignments, or NULL. */
void classic_write(const struct classic *c, const struct group_sync *shares, int64_t now_ms,
                   struct decision *d);

/* Write it down with another id for one member. */
void classic_write_renamed(const struct classic *c, const struct classic_member *m,
                           const struct group_event *join, struct evl_bytes id, struct decision *d);

void classic_write_removal(const struct group *group, struct decision *d);

/* What the leader gives to a member; empty: nothing. */
struct evl_bytes classic_share(const struct group_sync *sync, struct evl_bytes member);

/* Become what the record says. */
void classic_apply(struct classic *c, const struct group_metadata_value *value);

/* Nothing of it is in the log, and nobody is in it. */
bool classic_is_unwritten(const struct classic *c);

/* All records are applied: the members' sessions begin. */
void classic_load(struct classic *c, int64_t now_ms);

#endif
