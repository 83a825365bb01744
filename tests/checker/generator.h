/* generator.h - what generate.c, actor.c, member.c and plants.c share. */
#ifndef TESTS_GENERATOR_H
#define TESTS_GENERATOR_H

#include <stdio.h>

#include "checker/chance.h"
#include "checker/findings.h"

enum {
    KEYS = 5,
    GROUPS = 2,
    ACTORS = 8,
    SENDS_MAX = 4,
    POLL_MAX = 8,         /* values of one key */
    FINAL_POLL_MAX = 200, /* in the final phase */
    TAIL = 50,            /* how far from the end actors like to begin */
};

/* What lies at one offset. */
struct entry {
    int64_t value;
    enum presence {
        SHOWN,
        HOLE,   /* a marker, or aborted */
        LOST,   /* planted: was acknowledged, nobody sees it; nobody goes past it in a step */
        PENDING /* planted: to be filled by a later operation; nobody goes past it */
    } state;
};

struct keylog {
    struct entry *at;
    size_t count, room;
    int64_t unborn; /* a value that was sent by somebody who vanished, and never came; 0: none */
    int64_t unborn_from; /* it could not have come before this offset */
};

struct sending {
    int key;
    int64_t value, offset;
};

struct polled {
    int key;
    int64_t offset, value;
};

struct actor {
    int64_t number;
    enum op_kind kind; /* of what is under way */
    const char *group; /* whose member it is; or NULL */
    bool is_busy, is_assigned, is_subscribed, must_assign;
    bool keys[KEYS];
    bool reached[KEYS]; /* polled since it was assigned */
    size_t at[KEYS];
    struct sending sends[SENDS_MAX];
    int send_count;
};

struct generator {
    uint64_t seed;
    FILE *out;
    struct evl_buffer line;
    int64_t event, time, numbers, values;
    struct keylog logs[KEYS];
    struct actor actors[ACTORS];
    size_t positions[GROUPS][KEYS]; /* where each group is */
    struct polled *polled;          /* of the poll at hand, by key */
    size_t polled_count;
    enum anomaly plant; /* ANOMALY_COUNT: none */
    bool is_due, is_planted;
    struct actor *owner; /* of the PENDING entry; or NULL */
    int owner_key;
};

static inline uint64_t chance(struct generator *g, uint64_t limit)
{
    return chance_below(&g->seed, limit);
}

static inline bool toss(struct generator *g, unsigned percent)
{
    return chance_toss(&g->seed, percent);
}

/* Is it time for this one?  Who uses the occasion sets is_planted. */
static inline bool plant_is_due(const struct generator *g, enum anomaly kind)
{
    return g->is_due && !g->is_planted && g->plant == kind;
}

/* The next shown entry from here on, or the end of the log. */
static inline size_t keylog_next(const struct keylog *log, size_t at)
{
    while (at < log->count && log->at[at].state == HOLE)
        at++;
    return at;
}

static inline bool keylog_shows(const struct keylog *log, size_t at)
{
    return at < log->count && log->at[at].state == SHOWN;
}

/* ---- actors (actor.c) ------------------------------------------------------ */

int64_t keylog_put(struct keylog *log, int64_t value, enum presence state);

/* Somebody new, who has done nothing yet. */
void actor_renew(struct generator *g, struct actor *a);

/* One operation: choose what, or set a->kind and say what is sent; begin it; do
 * it and tell what came of it. */
void actor_choose(struct generator *g, struct actor *a);
void actor_send_to(struct generator *g, struct actor *a, int key);
void actor_invoke(struct generator *g, struct actor *a);
void actor_complete(struct generator *g, struct actor *a);

/* The pieces of the last one.  actor_poll takes up to `most` values of each key;
 * actor_commit says whether its values show; actor_tell names the key that was
 * rebalanced meanwhile, or -1. */
void actor_poll(struct generator *g, struct actor *a, bool is_ok, uint64_t most);
bool actor_commit(struct generator *g, struct actor *a, enum op_type type);
void actor_tell(struct generator *g, const struct actor *a, enum op_type type, int rebalanced);

/* A member of a group comes, does something and goes (member.c). */
void member_turn(struct generator *g);

/* ---- what goes wrong (plants.c) ---------------------------------------------- */

/* Of one key: before its first value is polled; then, of what was polled from
 * g->polled[first] on. */
void plant_between_polls(struct generator *g, struct actor *a, int key);
void plant_in_poll(struct generator *g, size_t first);

/* Before a member's poll: true if what it commits is wrong now. */
bool plant_in_group(struct generator *g, struct actor *a, int key, bool is_exact);

/* Before an ok send: true if it took the place that was kept for it.  After it. */
bool plant_send_back(struct generator *g, struct actor *a);
void plant_after_send(struct generator *g, struct actor *a);

/* Between operations, and after the last one. */
void plant_circle(struct generator *g);
void plant_unseen(struct generator *g);

#endif
