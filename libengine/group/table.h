/* table.h - the groups of one partition of __consumer_offsets, and what they
 * share: settings, timers, the topics that there are. */
#ifndef GROUP_TABLE_H
#define GROUP_TABLE_H

#include "base/arena.h"
#include "base/map.h"
#include "base/uuid.h"
#include "group/timers.h"

struct classic;
struct consumer;

/* Kafka's names and defaults beside them. */
struct group_settings {
    int32_t session_min_ms;         /* group.min.session.timeout.ms              6000 */
    int32_t session_max_ms;         /* group.max.session.timeout.ms           1800000 */
    int32_t initial_delay_ms;       /* group.initial.rebalance.delay.ms          3000 */
    size_t size_max;                /* group.max.size                      2147483647 */
    int32_t consumer_session_ms;    /* group.consumer.session.timeout.ms        45000 */
    int32_t consumer_heartbeat_ms;  /* group.consumer.heartbeat.interval.ms      5000 */
    int32_t consumer_assignment_ms; /* group.consumer.assignment.interval.ms     1000 */
    size_t consumer_size_max;       /* group.consumer.max.size             2147483647 */
};

/* One group.  It is of both kinds for the moment in which an empty consumer group
 * becomes a classic one: its old records are on their way out. */
struct group {
    struct evl_bytes name;
    struct classic *classic;
    struct consumer *consumer;
};

/* What a timer is for. */
enum group_timer_kind {
    TIMER_JOIN,    /* members should have joined */
    TIMER_SYNC,    /* and have asked for their assignment */
    TIMER_SESSION, /* a classic member is silent */
    TIMER_PENDING, /* who was given an id has not come back */
    TIMER_CONSUMER_SESSION,
    TIMER_REVOKE, /* a consumer member keeps what it should give back */
};

struct group_timer {
    struct timer timer;
    enum group_timer_kind kind;
    struct group *group;
    void *member; /* or NULL */
};

struct table_topic {
    struct uuid id;
    struct evl_bytes name;
    int32_t partitions;
};

enum table_state { TABLE_LOADING, TABLE_ACTIVE, TABLE_GONE };

struct group_table {
    enum table_state state;
    struct group_settings settings;
    struct map groups; /* by name */
    struct map topics; /* by name, of struct table_topic */
    struct timers timers;
    struct group *owing;  /* whose records are decided, and not applied yet */
    size_t owed;          /* how many */
    struct arena scratch; /* one record, decoded */
};

/* Kafka's defaults. */
struct group_settings group_table_defaults(void);

struct group_table *group_table_create(const struct group_settings *settings);
void group_table_destroy(struct group_table *table);

/* Forget all groups and topics. */
void table_clear(struct group_table *table);

/* NULL: there is none. */
struct group *table_group(const struct group_table *table, struct evl_bytes name);
struct group *table_group_add(struct group_table *table, struct evl_bytes name);

/* Forget a group that is neither classic nor consumer. */
void table_group_remove(struct group_table *table, struct group *group);

/* All groups, sorted by name; the caller frees the array. */
struct group **table_sorted(const struct group_table *table);

const struct table_topic *table_topic(const struct group_table *table, struct evl_bytes name);

/* Set, change, or with no partitions take out. */
void table_topic_set(struct group_table *table, struct evl_bytes name, struct uuid id,
                     int32_t partitions);

void table_timer_set(struct group_table *table, struct group_timer *timer, int64_t due_ms);
void table_timer_unset(struct group_table *table, struct group_timer *timer);

#endif
