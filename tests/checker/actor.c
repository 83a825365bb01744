/* actor.c - one process of a generated history: what it may do to logs in
 * memory.
 *
 * What an operation does happens when it is completed, all at once, so that
 * the history is right; operations of other actors lie in between. */
#include "checker/generator.h"

#include "base/memory.h"
#include "checker/events.h"

static const char *const key_names[KEYS] = { "a-0", "a-1", "a-2", "b-0", "b-1" };

int64_t keylog_put(struct keylog *log, int64_t value, enum presence state)
{
    if (log->count == log->room)
        log->at =
            memory_grow(log->at, log->room = log->room ? log->room * 2 : 256, sizeof *log->at);
    log->at[log->count] = (struct entry){ value, state };
    return (int64_t)log->count++;
}

/* ---- lines --------------------------------------------------------------- */

static const char *const kind_names[] = { "send", "poll", "commit", "txn", "assign", "subscribe" };
static const char *const type_names[] = { "ok", "fail", "info" };

static void line_begin(struct generator *g, const struct actor *a, const char *type)
{
    g->time += 1 + (int64_t)chance(g, 100000);
    if (a->kind == OP_SUBSCRIBE && a->group)
        event_begin_member(&g->line, g->time, a->number, type, a->group);
    else
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

static void line_positions(struct generator *g, const struct actor *a)
{
    for (int key = 0; key < KEYS; key++)
        if (a->keys[key])
            event_commit(&g->line, key_names[key], (int64_t)a->at[key]);
}

static void line_keys(struct generator *g, const struct actor *a)
{
    for (int key = 0; key < KEYS; key++)
        if (a->keys[key])
            event_key(&g->line, key_names[key]);
}

/* ---- invoking ------------------------------------------------------------ */

void actor_renew(struct generator *g, struct actor *a)
{
    *a = (struct actor){ .number = ++g->numbers };
}

void actor_send_to(struct generator *g, struct actor *a, int key)
{
    a->sends[a->send_count++] = (struct sending){ key, a->number << 40 | ++g->values, -1 };
}

void actor_choose(struct generator *g, struct actor *a)
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

void actor_invoke(struct generator *g, struct actor *a)
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
    if (a->kind == OP_COMMIT)
        line_positions(g, a);
    line_sends(g, a, false);
    line_end(g);
}

/* ---- polling ------------------------------------------------------------- */

/* Take the next value of a key; false if there is none. */
static bool poll_one(struct generator *g, struct actor *a, int key)
{
    struct keylog *log = &g->logs[key];
    size_t at = a->at[key] = keylog_next(log, a->at[key]);
    if (at < log->count && log->at[at].state == LOST)
        a->must_assign = true;
    if (!keylog_shows(log, at))
        return false;
    g->polled[g->polled_count++] = (struct polled){ key, (int64_t)at, log->at[at].value };
    a->at[key] = at + 1;
    return true;
}

void actor_poll(struct generator *g, struct actor *a, bool is_ok, uint64_t most)
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
    s->offset = keylog_put(&g->logs[s->key], s->value, is_shown ? SHOWN : HOLE);
}

static void keylog_lose(struct keylog *log, int64_t value)
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
            keylog_lose(&g->logs[s->key], s->value);
        g->is_planted = g->is_planted || leaks;
    }
    if (type == OP_OK)
        plant_after_send(g, a);
}

/* A transaction's values: all of them or none, and a marker on each key. */
bool actor_commit(struct generator *g, struct actor *a, enum op_type type)
{
    bool commits = type == OP_OK || (type == OP_INFO && toss(g, 50));
    bool tears = type == OP_INFO && a->send_count >= 2 && plant_is_due(g, ANOMALY_TORN);
    for (int i = 0; i < a->send_count; i++)
        send_one(g, &a->sends[i], tears ? i == 0 : commits);
    for (int i = 0; i < a->send_count; i++)
        keylog_put(&g->logs[a->sends[i].key], 0, HOLE);
    g->is_planted = g->is_planted || tears;
    return commits || tears;
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

void actor_tell(struct generator *g, const struct actor *a, enum op_type type, int rebalanced)
{
    line_begin(g, a, type_names[type]);
    if (actor_takes_keys(a))
        line_keys(g, a);
    if (a->kind == OP_POLL || a->kind == OP_TXN)
        line_polls(g, a);
    if (a->kind == OP_COMMIT || (a->kind == OP_TXN && a->group))
        line_positions(g, a);
    line_sends(g, a, type == OP_OK);
    if (rebalanced >= 0) {
        event_rebalance(&g->line);
        event_key(&g->line, key_names[rebalanced]);
    }
    line_end(g);
}

void actor_complete(struct generator *g, struct actor *a)
{
    enum op_type type = choose_type(g, a);
    actor_tell(g, a, type, actor_do(g, a, type));
    a->is_busy = false;
    a->send_count = 0;
    if (type == OP_INFO)
        actor_renew(g, a);
}
