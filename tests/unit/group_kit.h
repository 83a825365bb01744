/* group_kit.h - a coordinator on a stage: its log is an array, its clock a number.
 *
 * Every decision is carried out as a broker does: records appended and applied;
 * after each, a second coordinator that is made of the log alone must be equal. */
#ifndef TESTS_GROUP_KIT_H
#define TESTS_GROUP_KIT_H

#include "group/classic.h"
#include "group/consumer.h"
#include "group/group.h"
#include "group/keep.h"
#include "proto/group_log.h"

#define T(text) evl_text(text)

struct stage_record {
    struct evl_bytes key, value;
};

/* How a coordinator ends whose decision has records: they are in the log or not,
 * and nobody is answered. */
enum stage_death { STAGE_LIVES, STAGE_DIES_BEFORE, STAGE_DIES_AFTER };

struct stage {
    struct group_settings settings;
    struct group_table *table;
    struct decision d;
    struct stage_record *log;
    size_t log_count;
    int64_t now_ms;
    uint64_t token, chance;
    enum kafka_error refuse; /* the next records cannot be written, and this is said */
    bool quick;              /* do not compare after each decision */
    enum stage_death death;  /* of the next decision with records */
    void (*seen)(void *who); /* called when a decision was carried out; or NULL */
    void *who;
};

struct stage *stage_open(void);
void stage_close(struct stage *s);

/* An event of the group "g", at this moment. */
struct group_event stage_event(struct stage *s, enum group_event_kind kind);

/* Decide, write, apply; the token of the event. */
uint64_t stage_send(struct stage *s, struct group_event *event);

/* Let time pass, and what is due happen.  Answers are those of the last timer that
 * had any. */
void stage_wait(struct stage *s, int64_t ms);

/* The answer that the last event brought for the token; NULL: it waits. */
const struct group_answer *stage_answer(const struct stage *s, uint64_t token);

/* Its error; STAGE_WAITS. */
enum { STAGE_WAITS = -100 };
int stage_error(const struct stage *s, uint64_t token);

/* Lose what is in memory; begin again from the log. */
void stage_crash(struct stage *s);

/* Does what the log says equal what is in memory, but for what is soft? */
bool stage_is_true(struct stage *s);

/* Drop the records whose key has a newer one, and what is no more. */
void stage_compact(struct stage *s);

struct group *stage_group(const struct stage *s);

/* "orders" with so many partitions; its id begins with its first letter. */
void stage_topic(struct stage *s, const char *name, int32_t partitions);
struct uuid stage_topic_id(const char *name);

/* ---- requests ------------------------------------------------------------ */

struct stage_join {
    const char *member, *instance; /* NULL: new; dynamic */
    const char *protocols;         /* one letter each; NULL: "r" */
    const char *metadata;          /* of all of them */
    int32_t session_ms;            /* 0: 10000 */
    int32_t rebalance_ms;          /* 0: 60000 */
    int16_t version;               /* 0: 9 */
};
uint64_t stage_join(struct stage *s, struct stage_join join);

/* A member's share is its assignment; the leader gives each its own id. */
uint64_t stage_sync(struct stage *s, const char *member, int32_t generation, bool leads);
int stage_heartbeat(struct stage *s, const char *member, const char *instance, int32_t generation);
int stage_leave(struct stage *s, const char *member, const char *instance);
int stage_commit(struct stage *s, enum group_event_kind kind, const char *member,
                 const char *instance, int32_t generation);

/* What every random id ends with: the letters of this chance. */
const char *stage_id(struct stage *s, const char *prefix, char *room);

#endif
