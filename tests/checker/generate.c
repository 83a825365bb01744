/* generate.c - actors on logs in memory.
 *
 * What an operation does happens when it is completed, all at once, so that
 * the history is right; operations of other actors lie in between.  Each place
 * where something can go wrong asks plant_is_due(). */
#include "checker/generate.h"

#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "checker/chance.h"
#include "checker/events.h"
#include "checker/findings.h"

enum {
    KEYS = 5,
    ACTORS = 8,
    SENDS_MAX = 4,
    POLL_MAX = 8,         /* values of one key */
    FINAL_POLL_MAX = 200, /* in the final phase */
    TAIL = 50,            /* how far from the end actors like to begin */
};

static const char *const key_names[KEYS] = { "a-0", "a-1", "a-2", "b-0", "b-1" };

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
    struct polled *polled; /* of the poll at hand, by key */
    size_t polled_count;
    enum anomaly plant; /* ANOMALY_COUNT: none */
    bool is_due, is_planted;
    struct actor *owner; /* of the PENDING entry; or NULL */
    int owner_key;
};

static uint64_t chance(struct generator *g, uint64_t limit)
{
    return chance_below(&g->seed, limit);
}

static bool toss(struct generator *g, unsigned percent) { return chance_toss(&g->seed, percent); }

/* Is it time for this one?  Who uses the occasion sets is_planted. */
static bool plant_is_due(const struct generator *g, enum anomaly kind)
{
    return g->is_due && !g->is_planted && g->plant == kind;
}

/* ---- logs ---------------------------------------------------------------- */

static int64_t log_put(struct generator *g, int key, int64_t value, enum presence state)
{
    struct keylog *log = &g->logs[key];
    if (log->count == log->room)
        log->at =
            memory_grow(log->at, log->room = log->room ? log->room * 2 : 256, sizeof *log->at);
    log->at[log->count] = (struct entry){ value, state };
    return (int64_t)log->count++;
}

/* The next shown entry from here on, or the end of the log. */
static size_t log_shown(const struct keylog *log, size_t at)
{
    while (at < log->count && log->at[at].state == HOLE)
        at++;
    return at;
}

static bool log_shows(const struct keylog *log, size_t at)
{
    return at < log->count && log->at[at].state == SHOWN;
}

/* ---- lines --------------------------------------------------------------- */

static const char *const kind_names[] = { "send", "poll", "txn", "assign", "subscribe" };
static const char *const type_names[] = { "ok", "fail", "info" };

static void line_begin(struct generator *g, const struct actor *a, const char *type)
{
    g->time += 1 + (int64_t)chance(g, 100000);
    event_begin(&g->line, g->time, a->number, type, kind_names[a->kind]);
}

static void line_end(struct generator *g)
{
    event_end(&g->line);
    event_number(buf_text(&g->line), g->event++, g->out);
}

static void line_sends(struct generator *g, const struct actor *a, bool with_offsets)
{
    for (int i = 0; i < a->send_count; i++)
        event_send(&g->line, key_names[a->sends[i].key], with_offsets ? a->sends[i].offset : -1,
                   a->sends[i].value);
}

static void line_polls(struct generator *g, const struct actor *a)
{
    event_poll_begin(&g->line);
    for (int key = 0; key < KEYS; key++) {
        if (!a->keys[key])
            continue;
        event_poll_key(&g->line, key_names[key]);
        for (size_t i = 0; i < g->polled_count; i++)
            if (g->polled[i].key == key)
                event_poll_record(&g->line, g->polled[i].offset, g->polled[i].value);
    }
    event_poll_end(&g->line);
}

static void line_keys(struct generator *g, const struct actor *a)
{
    for (int key = 0; key < KEYS; key++)
        if (a->keys[key])
            event_key(&g->line, key_names[key]);
}

/* ---- invoking ------------------------------------------------------------ */

static void actor_renew(struct generator *g, struct actor *a)
{
    *a = (struct actor){ .number = ++g->numbers };
}

static void actor_send_to(struct generator *g, struct actor *a, int key)
{
    a->sends[a->send_count++] = (struct sending){ key, a->number << 40 | ++g->values, -1 };
}

static void actor_choose(struct generator *g, struct actor *a)
{
    uint64_t dice = chance(g, 100);
    bool polls = a->is_assigned && !a->must_assign;
    a->send_count = 0;
    if (a == g->owner) {
        a->kind = OP_SEND;
        actor_send_to(g, a, g->owner_key);
        return;
    }
    if (dice < 40)
        a->kind = OP_SEND;
    else if (!polls || dice < 44)
        a->kind = dice % 2 ? OP_ASSIGN : OP_SUBSCRIBE;
    else
        a->kind = dice < 75 ? OP_POLL : OP_TXN;
    if (a->kind == OP_SEND || a->kind == OP_TXN)
        for (uint64_t n = 1 + chance(g, SENDS_MAX - 1); n > 0; n--)
            actor_send_to(g, a, (int)chance(g, KEYS));
}

/* Where to begin: where it was, at the start, anywhere, or near the end. */
static size_t assign_from(struct generator *g, const struct actor *a, int key)
{
    const struct keylog *log = &g->logs[key];
    size_t at = 0;
    if (a->must_assign)
        at = a->at[key];
    else if (!toss(g, 20))
        at = chance(g, toss(g, 70) && log->count > TAIL ? TAIL : log->count + 1);
    if (!a->must_assign && at > 0 && at < TAIL)
        at = log->count - (at < log->count ? at : log->count);
    while (at < log->count && log->at[at].state == LOST)
        at++;
    return at;
}

static void actor_assign(struct generator *g, struct actor *a)
{
    int first = (int)chance(g, KEYS);
    for (int key = 0; key < KEYS; key++) {
        if (!a->must_assign)
            a->keys[key] = key == first || toss(g, 40);
        a->at[key] = assign_from(g, a, key);
        a->reached[key] = false;
    }
    a->is_assigned = true;
    a->is_subscribed = a->kind == OP_SUBSCRIBE;
    a->must_assign = false;
}

/* A subscriber gets a key, or loses one; -1: none. */
static int actor_rebalance(struct generator *g, struct actor *a)
{
    int key = (int)chance(g, KEYS);
    if (!a->is_subscribed || !toss(g, 10))
        return -1;
    a->keys[key] = !a->keys[key];
    a->at[key] = assign_from(g, a, key);
    a->reached[key] = false;
    return key;
}

static bool actor_takes_keys(const struct actor *a)
{
    return a->kind == OP_ASSIGN || a->kind == OP_SUBSCRIBE;
}

static void actor_invoke(struct generator *g, struct actor *a)
{
    a->is_busy = true;
    if (actor_takes_keys(a))
        actor_assign(g, a);
    line_begin(g, a, "invoke");
    if (actor_takes_keys(a))
        line_keys(g, a);
    g->polled_count = 0;
    if (a->kind == OP_POLL || a->kind == OP_TXN) {
        event_poll_begin(&g->line);
        event_poll_end(&g->line);
    }
    line_sends(g, a, false);
    line_end(g);
}

/* ---- polling ------------------------------------------------------------- */

/* Take the next value of a key; false if there is none. */
static bool poll_one(struct generator *g, struct actor *a, int key)
{
    struct keylog *log = &g->logs[key];
    size_t at = a->at[key] = log_shown(log, a->at[key]);
    if (at < log->count && log->at[at].state == LOST)
        a->must_assign = true;
    if (!log_shows(log, at))
        return false;
    g->polled[g->polled_count++] = (struct polled){ key, (int64_t)at, log->at[at].value };
    a->at[key] = at + 1;
    return true;
}

/* Before the first value: forward by one, or back. */
static void plant_between_polls(struct generator *g, struct actor *a, int key)
{
    const struct keylog *log = &g->logs[key];
    size_t at = log_shown(log, a->at[key]);
    if (!a->reached[key])
        return;
    if (plant_is_due(g, ANOMALY_POLL_SKIP) && log_shows(log, at) && log_shows(log, at + 1)) {
        a->at[key] = at + 1;
        g->is_planted = true;
    }
    at = a->at[key];
    if (plant_is_due(g, ANOMALY_POLL_BACK) && at > 0 && log_shows(log, at - 1)) {
        a->at[key] = at - 1;
        g->is_planted = true;
    }
}

/* Among the values of a key: one is missing, there twice, or another one's. */
static void plant_in_poll(struct generator *g, size_t first)
{
    size_t count = g->polled_count - first;
    struct polled *polled = g->polled + first;
    if (plant_is_due(g, ANOMALY_INT_POLL_SKIP) && count >= 3) {
        memmove(polled + 1, polled + 2, (count - 2) * sizeof *polled);
        g->polled_count--;
        g->is_planted = true;
    }
    if (plant_is_due(g, ANOMALY_INT_POLL_BACK) && count >= 1) {
        polled[count] = polled[count - 1];
        g->polled_count++;
        g->is_planted = true;
    }
    struct keylog *log = &g->logs[polled->key];
    if (plant_is_due(g, ANOMALY_INCONSISTENT) && count >= 1 && log->unborn &&
        polled->offset >= log->unborn_from) {
        polled->value = log->unborn;
        g->is_planted = true;
    }
}

static void actor_poll(struct generator *g, struct actor *a, bool is_ok, uint64_t most)
{
    g->polled_count = 0;
    for (int key = 0; key < KEYS; key++) {
        size_t first = g->polled_count;
        size_t was_at = a->at[key];
        uint64_t count = a->keys[key] ? 1 + chance(g, most) : 0;
        if (is_ok && count > 0)
            plant_between_polls(g, a, key);
        while (count > 0 && poll_one(g, a, key))
            count--;
        if (is_ok && g->polled_count > first) {
            if (a->reached[key]) /* not where a rebalance excuses everything */
                plant_in_poll(g, first);
            a->reached[key] = true;
        }
        if (!is_ok)
            a->at[key] = was_at;
    }
}

/* ---- sending ------------------------------------------------------------- */

static void send_one(struct generator *g, struct sending *s, bool is_shown)
{
    s->offset = log_put(g, s->key, s->value, is_shown ? SHOWN : HOLE);
}

/* The value comes at once where the log has a place for it, kept by the same
 * actor's operation before. */
static bool plant_send_back(struct generator *g, struct actor *a)
{
    struct keylog *log = &g->logs[a->sends[0].key];
    if (a == g->owner) {
        size_t at = log->count;
        while (log->at[--at].state != PENDING)
            ;
        log->at[at] = (struct entry){ .value = a->sends[0].value, .state = SHOWN };
        a->sends[0].offset = (int64_t)at;
        g->owner = NULL;
        return true;
    }
    if (plant_is_due(g, ANOMALY_SEND_BACK) && a->send_count == 1) {
        g->owner = a;
        g->owner_key = a->sends[0].key;
        log_put(g, g->owner_key, 0, PENDING);
        g->is_planted = true;
    }
    return false;
}

static void plant_after_send(struct generator *g, struct actor *a)
{
    struct sending *s = a->sends;
    if (plant_is_due(g, ANOMALY_DUPLICATE)) {
        log_put(g, s->key, s->value, SHOWN);
        g->is_planted = true;
    }
    if (plant_is_due(g, ANOMALY_LOST_WRITE)) {
        g->logs[s->key].at[s->offset].state = LOST;
        g->is_planted = true;
    }
    if (plant_is_due(g, ANOMALY_PHANTOM)) {
        log_put(g, s->key, ++g->values, SHOWN);
        g->is_planted = true;
    }
    if (plant_is_due(g, ANOMALY_INT_SEND_BACK) && a->send_count >= 2 && s[0].key == s[1].key) {
        struct entry *at = g->logs[s->key].at;
        struct entry swap = at[s[0].offset];
        int64_t offset = s[0].offset;
        at[s[0].offset] = at[s[1].offset];
        at[s[1].offset] = swap;
        s[0].offset = s[1].offset;
        s[1].offset = offset;
        g->is_planted = true;
    }
}

static void log_lose(struct keylog *log, int64_t value)
{
    log->unborn = value;
    log->unborn_from = (int64_t)log->count;
}

/* A plain send: each value by itself. */
static void actor_send(struct generator *g, struct actor *a, enum op_type type)
{
    if (type == OP_OK && plant_send_back(g, a))
        return;
    for (int i = 0; i < a->send_count; i++) {
        struct sending *s = &a->sends[i];
        bool leaks = type == OP_FAIL && plant_is_due(g, ANOMALY_ABORTED_READ);
        if (type == OP_OK || leaks || (type == OP_INFO && toss(g, 50)))
            send_one(g, s, true);
        else if (type == OP_INFO && i == a->send_count - 1)
            log_lose(&g->logs[s->key], s->value);
        g->is_planted = g->is_planted || leaks;
    }
    if (type == OP_OK)
        plant_after_send(g, a);
}

/* A transaction's values: all of them or none, and a marker on each key. */
static void actor_commit(struct generator *g, struct actor *a, enum op_type type)
{
    bool commits = type == OP_OK || (type == OP_INFO && toss(g, 50));
    bool tears = type == OP_INFO && a->send_count >= 2 && plant_is_due(g, ANOMALY_TORN);
    for (int i = 0; i < a->send_count; i++)
        send_one(g, &a->sends[i], tears ? i == 0 : commits);
    for (int i = 0; i < a->send_count; i++)
        log_put(g, a->sends[i].key, 0, HOLE);
    g->is_planted = g->is_planted || tears;
}

/* ---- completing ---------------------------------------------------------- */

static enum op_type choose_type(struct generator *g, const struct actor *a)
{
    uint64_t dice = chance(g, 100);
    if (a == g->owner || actor_takes_keys(a) || dice < 90)
        return OP_OK;
    return dice < 95 || a->kind == OP_POLL ? OP_FAIL : OP_INFO;
}

static bool polls_own(const struct generator *g, const struct actor *a)
{
    for (size_t i = 0; i < g->polled_count; i++)
        for (int k = 0; k < a->send_count; k++)
            if (g->polled[i].value == a->sends[k].value)
                return true;
    return false;
}

static void actor_transact(struct generator *g, struct actor *a, enum op_type type)
{
    bool too_early = type == OP_OK && plant_is_due(g, ANOMALY_PRECOMMITTED_READ);
    if (too_early)
        actor_commit(g, a, type);
    actor_poll(g, a, type == OP_OK, POLL_MAX);
    if (!too_early)
        actor_commit(g, a, type);
    g->is_planted = g->is_planted || (too_early && polls_own(g, a));
}

/* What it did, by its end; the key that was rebalanced meanwhile, or -1. */
static int actor_do(struct generator *g, struct actor *a, enum op_type type)
{
    int rebalanced = -1;
    g->polled_count = 0;
    if (a->kind == OP_SEND)
        actor_send(g, a, type);
    if (a->kind == OP_TXN)
        actor_transact(g, a, type);
    if (a->kind == OP_POLL && type == OP_OK)
        rebalanced = actor_rebalance(g, a);
    if (a->kind == OP_POLL)
        actor_poll(g, a, type == OP_OK, POLL_MAX);
    return rebalanced;
}

static void actor_complete(struct generator *g, struct actor *a)
{
    enum op_type type = choose_type(g, a);
    int rebalanced = actor_do(g, a, type);
    line_begin(g, a, type_names[type]);
    if (actor_takes_keys(a))
        line_keys(g, a);
    if (a->kind == OP_POLL || a->kind == OP_TXN)
        line_polls(g, a);
    line_sends(g, a, type == OP_OK);
    if (rebalanced >= 0) {
        event_rebalance(&g->line);
        event_key(&g->line, key_names[rebalanced]);
    }
    line_end(g);
    a->is_busy = false;
    a->send_count = 0;
    if (type == OP_INFO)
        actor_renew(g, a);
}

/* ---- phases -------------------------------------------------------------- */

/* Two actors, each with a transaction that polls what the other's sends. */
static void plant_circle(struct generator *g)
{
    struct actor pair[2];
    for (int i = 0; i < 2; i++) {
        actor_renew(g, &pair[i]);
        pair[i].kind = OP_ASSIGN;
        actor_invoke(g, &pair[i]);
        actor_complete(g, &pair[i]);
        memset(pair[i].keys, 0, sizeof pair[i].keys);
        pair[i].keys[1 - i] = true;
        pair[i].at[1 - i] = g->logs[1 - i].count;
    }
    for (int i = 0; i < 2; i++) {
        pair[i].kind = OP_TXN;
        actor_send_to(g, &pair[i], i);
        actor_invoke(g, &pair[i]);
        actor_commit(g, &pair[i], OP_OK);
    }
    for (int i = 0; i < 2; i++) {
        actor_poll(g, &pair[i], true, 1);
        line_begin(g, &pair[i], "ok");
        line_polls(g, &pair[i]);
        line_sends(g, &pair[i], true);
        line_end(g);
    }
    g->is_planted = true;
}

/* The last value of a key is acknowledged, and nowhere. */
static void plant_unseen(struct generator *g)
{
    struct actor a;
    actor_renew(g, &a);
    a.kind = OP_SEND;
    actor_send_to(g, &a, 0);
    actor_invoke(g, &a);
    a.sends[0].offset = log_put(g, 0, a.sends[0].value, LOST);
    line_begin(g, &a, "ok");
    line_sends(g, &a, true);
    line_end(g);
    g->is_planted = true;
}

static bool actor_is_at_end(const struct generator *g, const struct actor *a)
{
    for (int key = 0; key < KEYS; key++)
        if (log_shown(&g->logs[key], a->at[key]) < g->logs[key].count)
            return false;
    return true;
}

/* Somebody new reads everything. */
static void read_all(struct generator *g)
{
    struct actor a;
    actor_renew(g, &a);
    for (int key = 0; key < KEYS; key++)
        a.keys[key] = true;
    a.must_assign = true;
    while (a.must_assign || !actor_is_at_end(g, &a)) {
        a.kind = a.must_assign ? OP_ASSIGN : OP_POLL;
        actor_invoke(g, &a);
        if (a.kind == OP_POLL)
            actor_poll(g, &a, true, FINAL_POLL_MAX);
        line_begin(g, &a, "ok");
        if (a.kind == OP_POLL)
            line_polls(g, &a);
        else
            line_keys(g, &a);
        line_end(g);
    }
}

static void run(struct generator *g, uint64_t operations)
{
    uint64_t done = 0;
    for (int i = 0; i < ACTORS; i++)
        actor_renew(g, &g->actors[i]);
    while (done < operations || g->owner) {
        struct actor *a = &g->actors[chance(g, ACTORS)];
        g->is_due = done >= operations / 2;
        if (plant_is_due(g, ANOMALY_G1C))
            plant_circle(g);
        if (a->is_busy) {
            actor_complete(g, a);
            done++;
        } else {
            actor_choose(g, a);
            actor_invoke(g, a);
        }
    }
    if (plant_is_due(g, ANOMALY_UNSEEN))
        plant_unseen(g);
    read_all(g);
}

static bool plant_find(const char *name, enum anomaly *plant)
{
    *plant = ANOMALY_COUNT;
    for (int i = 0; name && i < ANOMALY_COUNT; i++)
        if (strcmp(findings_name((enum anomaly)i), name) == 0)
            *plant = (enum anomaly)i;
    return !name || *plant != ANOMALY_COUNT;
}

enum generated generate_history(uint64_t seed, uint64_t operations, const char *plant, FILE *out)
{
    struct generator g = { .seed = seed, .out = out };
    if (!plant_find(plant, &g.plant))
        return GENERATE_UNKNOWN;
    g.polled = memory_take(KEYS * (FINAL_POLL_MAX + 1), sizeof *g.polled);
    run(&g, operations);
    for (int key = 0; key < KEYS; key++)
        memory_free(g.logs[key].at);
    memory_free(g.polled);
    buf_release(&g.line);
    return plant && !g.is_planted ? GENERATE_TOO_SHORT : GENERATED;
}
