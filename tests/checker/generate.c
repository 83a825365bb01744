/* generate.c - the phases of a generated history: many actors, then one who
 * reads everything. */
#include "checker/generate.h"

#include <string.h>

#include "base/memory.h"
#include "checker/generator.h"

static bool actor_is_at_end(const struct generator *g, const struct actor *a)
{
    for (int key = 0; key < KEYS; key++)
        if (keylog_next(&g->logs[key], a->at[key]) < g->logs[key].count)
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
        actor_tell(g, &a, OP_OK, -1);
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
        if (toss(g, 5))
            member_turn(g);
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
