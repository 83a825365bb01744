/* consumer.h - a group that the coordinator assigns (KIP-848): members heartbeat,
 * and each is led, step by step, to what it is to have.
 *
 *   group epoch    rises with every change of members, subscriptions and topics
 *   target epoch   the group epoch for which it was computed who is to have what
 *   member epoch   the target epoch that the member has come to
 *
 * A partition is some member's while it is assigned to it, or is being given
 * back by it; to nobody else it is assigned until then.  That, and all that is
 * below but timers and `stale`, is in records, and changes as they are applied. */
#ifndef GROUP_CONSUMER_H
#define GROUP_CONSUMER_H

#include "group/decision.h"
#include "group/parts.h"
#include "group/table.h"

enum { EPOCH_JOIN = 0, EPOCH_LEAVE = -1, EPOCH_AWAY = -2 };

/* As Kafka's records say it. */
enum consumer_state { CONSUMER_STABLE, CONSUMER_UNREVOKED, CONSUMER_UNRELEASED };

struct consumer_topics {
    struct evl_bytes *at; /* sorted, each once */
    size_t count;
};

struct consumer_member {
    struct evl_bytes id, instance, rack, client_id, client_host, regex, assignor; /* or null */
    struct consumer_topics topics;
    int32_t rebalance_ms;
    int32_t epoch, previous_epoch;
    int8_t state;          /* enum consumer_state */
    struct parts assigned; /* what it has, or may take */
    struct parts revoking; /* what it had, and has not given back yet */
    struct parts target;   /* what it is to have */
    bool described;        /* there is a record of who it is, */
    bool placed;           /* of what it has, */
    bool targeted;         /* of what it is to have */
    struct group_timer session, revoke;
};

/* A regular expression that members subscribe by, and what it means by now. */
struct consumer_regex {
    struct evl_bytes text;
    struct consumer_topics topics;
};

struct consumer {
    struct group *group;
    struct group_table *table;
    bool written; /* there is a record of the group itself, */
    bool aimed;   /* of its target */
    int32_t epoch, target_epoch;
    int64_t target_ms; /* when the target was computed */
    int64_t hash;      /* of the topics that are subscribed to, and their partitions */
    bool stale;        /* the hash may be another by now */
    struct consumer_member **members;
    size_t member_count, member_room;
    struct consumer_regex *regexes;
    size_t regex_count;
};

/* ---- life and looking (consumer.c) --------------------------------------- */

struct consumer *consumer_create(struct group_table *table, struct group *group);
void consumer_destroy(struct consumer *c);

struct consumer_member *consumer_find(const struct consumer *c, struct evl_bytes id);
struct consumer_member *consumer_instance(const struct consumer *c, struct evl_bytes instance);
struct consumer_member *consumer_add(struct consumer *c, struct evl_bytes id);
void consumer_remove(struct consumer *c, struct consumer_member *m);

/* NULL: nobody subscribes by it. */
struct consumer_regex *consumer_regex(const struct consumer *c, struct evl_bytes text);

/* Sort, and drop what is there twice; the names themselves are not touched. */
void consumer_topics_settle(struct consumer_topics *t);
bool consumer_topics_equal(const struct consumer_topics *a, const struct consumer_topics *b);
void consumer_topics_replace(struct consumer_topics *t, const struct consumer_topics *by);

/* Kafka's word for it. */
const char *consumer_state_name(const struct consumer *c);

/* Who asks for an assignor, votes: "uniform", if not more ask for "range". */
const char *consumer_assignor(const struct consumer_member *const *members, size_t count);

/* Does a member subscribe to the topic, by its name or by an expression? */
bool consumer_subscribes(const struct consumer *c, struct evl_bytes topic);

/* What a member subscribes by name and by expression: the i'th, or null. */
struct evl_bytes consumer_topic(const struct consumer_member *m, const struct consumer_regex *regex,
                                size_t i);

/* ---- a turn (consumer_turn.c) -------------------------------------------- */

/* One event on its way: the group as it will be. */
struct consumer_turn {
    struct consumer *c;
    int64_t now_ms;
    struct decision *d;
    const struct consumer_member **members; /* as they will be */
    size_t member_count;
    struct consumer_member *draft; /* one of them: who the event is about; NULL: it goes */
    struct consumer_regex regex;   /* what the draft's means by now; no text: as before */
    int32_t epoch, target_epoch;   /* as they will be */
};

/* Begin: all members but those two stay as they are, and the draft comes. */
void consumer_turn_begin(struct consumer_turn *t, const struct consumer_member *old,
                         const struct consumer_member *replaced);

/* Subscriptions or members changed, or only topics may have: raise the group's
 * epoch if it matters, forget expressions that nobody uses. */
void consumer_turn_renew(struct consumer_turn *t, bool changed);

/* Compute a new target if the group's epoch has left the old one behind; too often
 * is not often (the interval of the settings). */
void consumer_turn_aim(struct consumer_turn *t);

/* Lead the draft a step towards its target.  `owned` is what it says it has; NULL:
 * what it had. */
void consumer_turn_reconcile(struct consumer_turn *t, const struct parts *owned);

/* ---- requests (consumer_heartbeat.c) ------------------------------------- */

/* ConsumerGroupHeartbeat: of a group that may not be there yet. */
void consumer_heartbeat(struct group_table *table, const struct group_event *event,
                        struct decision *d);

void consumer_timer(struct consumer *c, struct group_timer *timer, int64_t now_ms,
                    struct decision *d);

/* May the request commit, or see what is committed? */
enum kafka_error consumer_commit(const struct consumer *c, const struct group_event *event);
enum kafka_error consumer_fetch(const struct consumer *c, const struct group_event *event);

/* ---- records (consumer_record.c, consumer_apply.c) ----------------------- */

void consumer_write_epoch(const struct consumer_turn *t, int64_t hash);
void consumer_write_target_epoch(const struct consumer_turn *t);
void consumer_write_member(const struct consumer_turn *t, const struct consumer_member *m);
void consumer_write_target(const struct consumer_turn *t, const struct consumer_member *m,
                           const struct parts *target);
void consumer_write_current(const struct consumer_turn *t, const struct consumer_member *m);
void consumer_write_regex(const struct consumer_turn *t, const struct consumer_regex *regex);
void consumer_write_regex_removal(const struct consumer_turn *t, struct evl_bytes text);
void consumer_write_member_removal(const struct consumer_turn *t, const struct consumer_member *m);
void consumer_write_removal(const struct consumer *c, struct decision *d);

/* Apply a record of one of the consumer groups' kinds, decoded; value NULL: it is
 * no more.  After the last one the group is no consumer group any more. */
void consumer_apply(struct group_table *table, struct group *group, int kind, const void *key,
                    const void *value);

/* All records are applied: the members' sessions begin. */
void consumer_load(struct consumer *c, int64_t now_ms);

/* Nothing of the member is in the log. */
bool consumer_is_gone(const struct consumer_member *m);

/* What was decided last cannot be written: members that were on their way are
 * forgotten, timers are as the records say. */
void consumer_not_written(struct consumer *c, int64_t now_ms);

/* Nothing of it is in the log. */
bool consumer_is_unwritten(const struct consumer *c);

#endif
