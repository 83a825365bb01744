/* event.h - what happens to groups, and what is answered.
 *
 * Events are requests of Kafka's protocol with what only the outside knows: the
 * time, chance, who asks.  Everything in them is borrowed for the call.
 *
 * `token` names who waits for the answer; it means nothing here.  JoinGroup and
 * SyncGroup may be answered by a later event; every other one at once.  The
 * fields are those of the requests, and null where a version lacks them. */
#ifndef GROUP_EVENT_H
#define GROUP_EVENT_H

#include <evl/bytes.h>

#include "group/parts.h"
#include "proto/kafka_error.h"

enum group_event_kind {
    /* Of one group. */
    GROUP_JOIN,
    GROUP_SYNC,
    GROUP_HEARTBEAT,
    GROUP_LEAVE,
    GROUP_CONSUMER_HEARTBEAT,
    GROUP_COMMIT,     /* may these positions be committed? */
    GROUP_COMMIT_TXN, /* the same, as part of a transaction */
    GROUP_FETCH,      /* may the positions be seen? */
    GROUP_DELETE_OFFSETS,
    GROUP_DELETE,   /* the caller forgets the positions */
    GROUP_FORGET,   /* its last position has expired: forget it, if it is empty; no answer */
    GROUP_DESCRIBE, /* classic */
    GROUP_CONSUMER_DESCRIBE,
    /* Of all groups. */
    GROUP_LIST,
    GROUP_TOPICS,  /* topics are new, have grown, or are gone; no answer */
    GROUP_TIMER,   /* next_ms has come; one thing that is due is done; no answer */
    GROUP_LOADED,  /* all records there are have been applied; no answer */
    GROUP_UNLOADED /* somebody else coordinates; no answer to this, but to all who wait */
};

/* ---- requests ------------------------------------------------------------ */

struct group_protocol {
    struct evl_bytes name, metadata;
};

struct group_join {
    struct evl_bytes member, instance; /* member: empty if new; instance: null if not static */
    struct evl_bytes protocol_type;
    const struct group_protocol *protocols;
    size_t protocol_count;
    int32_t session_ms, rebalance_ms; /* rebalance_ms -1: as session_ms */
};

struct group_share {
    struct evl_bytes member, assignment;
};

/* Also of a heartbeat, which has no protocol and no shares. */
struct group_sync {
    struct evl_bytes member, instance;
    int32_t generation;
    struct evl_bytes protocol_type, protocol; /* may be null */
    const struct group_share *shares;
    size_t share_count;
};

struct group_leaver {
    struct evl_bytes member, instance;
};

struct group_leave {
    const struct group_leaver *leavers;
    size_t count;
};

struct group_names {
    const struct evl_bytes *at;
    size_t count;
    bool given; /* false: null, "as before" */
};

struct group_consumer_heartbeat {
    struct evl_bytes member, instance, rack;
    int32_t epoch;        /* 0 join, -1 leave, -2 leave for a while, else its own */
    int32_t rebalance_ms; /* -1: as before */
    struct group_names topics;
    struct evl_bytes regex;      /* null: as before; empty: none */
    bool regex_wrong;            /* it is no regular expression */
    struct group_names resolved; /* the topics that match the member's regex by now */
    struct evl_bytes assignor;   /* null: as before */
    struct parts owned;          /* in any order */
    bool owned_given;
};

struct group_position {
    struct evl_bytes topic;
    int32_t partition;
};

/* Also of a fetch, where a null member asks for no check. */
struct group_commit {
    struct evl_bytes member, instance;
    int32_t generation; /* or epoch; -1: none */
    const struct group_position *positions;
    size_t count;
};

struct group_topic {
    struct uuid id;
    struct evl_bytes name;
    int32_t partitions; /* 0: it is gone */
};

struct group_filter {
    const struct evl_bytes *states, *types; /* any letter case; none: all */
    size_t state_count, type_count;
};

struct group_event {
    enum group_event_kind kind;
    int16_t version; /* of the request */
    int64_t now_ms;
    uint64_t token;
    struct uuid chance;     /* for ids */
    struct evl_bytes group; /* its name, where the event is of one */
    bool has_positions;     /* DELETE, DESCRIBE, COMMIT...: of this group some are committed */
    struct evl_bytes client_id, client_host;
    union {
        struct group_join join;
        struct group_sync sync; /* and HEARTBEAT */
        struct group_leave leave;
        struct group_consumer_heartbeat consumer;
        struct group_commit commit;   /* and COMMIT_TXN, FETCH */
        struct group_names topics_of; /* DELETE_OFFSETS: whose positions */
        struct group_filter filter;   /* LIST */
        struct {
            const struct group_topic *at;
            size_t count;
        } topics;
    };
};

/* ---- answers ------------------------------------------------------------- */

struct group_join_answer {
    int32_t generation;
    struct evl_bytes protocol_type, protocol, leader, member;
    bool skip_assignment;
    const struct group_peer *peers; /* for the leader */
    size_t peer_count;
};

struct group_peer {
    struct evl_bytes member, instance, metadata;
};

struct group_sync_answer {
    struct evl_bytes protocol_type, protocol, assignment;
};

/* One error per leaver, or per topic. */
struct group_errors {
    const enum kafka_error *at;
    size_t count;
};

struct group_consumer_answer {
    struct evl_bytes member;
    int32_t epoch;
    int32_t heartbeat_ms;
    const struct parts *assignment; /* NULL: as before */
};

struct group_member_view {
    struct evl_bytes member, instance, client_id, client_host;
    struct evl_bytes metadata, assignment; /* classic */
    struct evl_bytes rack, regex;          /* consumer, and so are the others */
    int32_t epoch;
    const struct evl_bytes *topics;
    size_t topic_count;
    struct parts assigned, target;
};

struct group_view {
    struct evl_bytes group;
    const char *type, *state;                 /* "classic" or "consumer"; Kafka's words */
    struct evl_bytes protocol_type, protocol; /* protocol: an assignor's name, too */
    int32_t epoch, target_epoch;
    const struct group_member_view *members;
    size_t member_count;
};

/* Groups that have nothing but positions are not among them: the caller knows. */
struct group_list {
    const struct group_view *at; /* without members, sorted by name */
    size_t count;
};

struct group_answer {
    enum group_event_kind kind; /* of what is answered */
    uint64_t token;
    enum kafka_error error; /* the rest means nothing then, but for a join's member */
    union {
        struct group_join_answer join;
        struct group_sync_answer sync;
        struct group_errors errors; /* LEAVE, DELETE_OFFSETS */
        struct group_consumer_answer consumer;
        struct group_view view; /* DESCRIBE, CONSUMER_DESCRIBE */
        struct group_list list;
    };
};

#endif
