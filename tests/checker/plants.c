/* plants.c - anomalies, each made once where there is an occasion for it.
 *
 * Some are made where they happen anyway: actor.c asks plant_is_due() for an
 * aborted value that shows, a torn transaction, and one that polls its own. */
#include "checker/generator.h"

/* ---- polls ----------------------------------------------------------------- */

/* Before the first value: forward by one, or back. */
void plant_between_polls(struct generator *g, struct actor *a, int key)
{
    const struct keylog *log = &g->logs[key];
    size_t at = keylog_next(log, a->at[key]);
    if (!a->reached[key])
        return;
    if (plant_is_due(g, ANOMALY_POLL_SKIP) && keylog_shows(log, at) && keylog_shows(log, at + 1)) {
        a->at[key] = at + 1;
        g->is_planted = true;
    }
    at = a->at[key];
    if (plant_is_due(g, ANOMALY_POLL_BACK) && at > 0 && keylog_shows(log, at - 1)) {
        a->at[key] = at - 1;
        g->is_planted = true;
    }
}

/* Among the values of a key: one is missing, there twice, or another one's. */
void plant_in_poll(struct generator *g, size_t first)
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

/* A member begins behind the next value, or before the last one. */
bool plant_in_group(struct generator *g, struct actor *a, int key, bool is_exact)
{
    const struct keylog *log = &g->logs[key];
    size_t at = keylog_next(log, a->at[key]);
    bool skips =
        plant_is_due(g, ANOMALY_GROUP_SKIP) && keylog_shows(log, at) && keylog_shows(log, at + 1);
    bool repeats = plant_is_due(g, ANOMALY_GROUP_REPEAT) && is_exact && a->at[key] > 0;
    if (skips)
        a->at[key] = at + 1;
    if (repeats)
        a->at[key]--;
    g->is_planted = g->is_planted || skips || repeats;
    return skips || repeats;
}

/* ---- sends ----------------------------------------------------------------- */

/* The value comes at once where the log has a place for it, kept by the same
 * actor's operation before. */
bool plant_send_back(struct generator *g, struct actor *a)
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
        keylog_put(&g->logs[g->owner_key], 0, PENDING);
        g->is_planted = true;
    }
    return false;
}

void plant_after_send(struct generator *g, struct actor *a)
{
    struct sending *s = a->sends;
    if (plant_is_due(g, ANOMALY_DUPLICATE)) {
        keylog_put(&g->logs[s->key], s->value, SHOWN);
        g->is_planted = true;
    }
    if (plant_is_due(g, ANOMALY_LOST_WRITE)) {
        g->logs[s->key].at[s->offset].state = LOST;
        g->is_planted = true;
    }
    if (plant_is_due(g, ANOMALY_PHANTOM)) {
        keylog_put(&g->logs[s->key], ++g->values, SHOWN);
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

/* ---- whole operations ------------------------------------------------------- */

/* Two actors, each with a transaction that polls what the other's sends. */
void plant_circle(struct generator *g)
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
        actor_tell(g, &pair[i], OP_OK, -1);
    }
    g->is_planted = true;
}

/* The last value of a key is acknowledged, and nowhere. */
void plant_unseen(struct generator *g)
{
    struct actor a;
    actor_renew(g, &a);
    a.kind = OP_SEND;
    actor_send_to(g, &a, 0);
    actor_invoke(g, &a);
    a.sends[0].offset = keylog_put(&g->logs[0], a.sends[0].value, LOST);
    actor_tell(g, &a, OP_OK, -1);
    g->is_planted = true;
}
