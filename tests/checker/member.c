/* member.c - a member of a group in a generated history: it comes, polls one key
 * from where its group is, commits, and goes.
 *
 * In the exact group that is one transaction, and what it sends tells whether
 * one that vanished was committed.  In the loose one some go before they commit;
 * then the next one polls the same again. */
#include "checker/generator.h"

static const char *const group_names[GROUPS] = { "loose", "exact" };

static void member_join(struct generator *g, struct actor *a, int group, int key)
{
    actor_renew(g, a);
    a->group = group_names[group];
    a->kind = OP_SUBSCRIBE;
    actor_invoke(g, a);
    actor_complete(g, a);
    memset(a->keys, 0, sizeof a->keys);
    a->keys[key] = true;
    a->at[key] = g->positions[group][key];
}

static void member_poll(struct generator *g, struct actor *a)
{
    a->kind = OP_POLL;
    actor_invoke(g, a);
    actor_poll(g, a, true, POLL_MAX);
    actor_tell(g, a, OP_OK, -1);
}

static void member_commit(struct generator *g, struct actor *a)
{
    a->kind = OP_COMMIT;
    actor_invoke(g, a);
    actor_tell(g, a, OP_OK, -1);
}

/* Whether it was committed. */
static bool member_transact(struct generator *g, struct actor *a, enum op_type type)
{
    a->kind = OP_TXN;
    actor_send_to(g, a, (int)chance(g, KEYS));
    actor_invoke(g, a);
    actor_poll(g, a, true, POLL_MAX);
    bool commits = actor_commit(g, a, type);
    actor_tell(g, a, type, -1);
    return commits;
}

static enum op_type choose_type(struct generator *g)
{
    uint64_t dice = chance(g, 100);
    if (dice < 70)
        return OP_OK;
    return dice < 85 ? OP_FAIL : OP_INFO;
}

void member_turn(struct generator *g)
{
    struct actor a;
    int group = (int)chance(g, GROUPS);
    int key = (int)chance(g, KEYS);
    bool is_exact = group == 1;
    member_join(g, &a, group, key);
    bool is_planted = plant_in_group(g, &a, key, is_exact);
    bool commits = is_planted || toss(g, 80);
    if (is_exact) {
        commits = member_transact(g, &a, is_planted ? OP_OK : choose_type(g));
    } else {
        member_poll(g, &a);
        if (commits)
            member_commit(g, &a);
    }
    if (commits)
        g->positions[group][key] = a.at[key];
}
