/* evconsume_group.c - -g: members of a group share the partitions.
 *
 * (1) What others do is looked at everywhere, also while a COMMAND runs for an
 *     hour; partitions come and go only between two records, in group_turn():
 *     until then, what was read of them is borrowed.
 * (2) A partition that is asked for is read no more.  It is given back when all
 *     its records are finished, and committed: who gets it begins behind them.
 * (3) A new member commits where it begins, so that -S means the same for all
 *     who come after it. */
#include "evconsume.h"

#include <stdlib.h>

#include <evl/group.h>
#include <evl/member.h>

enum {
    LOOK_MS = 50,       /* between two looks */
    PATIENCE_MS = 1000, /* for a first partition, which others have yet to give back */
};

struct lease {
    char *topic;
    int32_t partition;
};

struct group {
    struct evl_member *member;
    struct lease *gained; /* and not yet read */
    size_t gained_count;
    bool begun;    /* something was gained, once */
    bool relieved; /* something is asked for */
    int64_t opened_ms, looked_ms;
    struct evl_position_commit *commits;
    size_t commit_count;
};

int group_open(struct consume *c, const struct words *topics)
{
    struct group *g = tool_take(1, sizeof *g);
    struct evl_member_options options = {
        .group = c->options.group,
        .instance = c->options.instance,
        .topics = (const char *const *)topics->at,
        .topic_count = topics->count,
        .session_ms = c->options.session_ms,
    };
    g->opened_ms = tool_clock_ms();
    c->group = g;
    enum evl_error err = evl_member_open(c->place, &options, &g->member);
    return err ? say_fault(err) : 0;
}

void group_close(struct consume *c)
{
    struct group *g = c->group;
    if (!g)
        return;
    evl_member_close(g->member);
    for (size_t i = 0; i < g->gained_count; i++)
        free(g->gained[i].topic);
    free(g->gained);
    free(g->commits);
    free(g);
    c->group = NULL;
}

/* ---- looking ------------------------------------------------------------- */

static void gained_note(struct group *g, const struct evl_lease *leases, size_t count)
{
    if (count == 0)
        return;
    struct lease *more = tool_take(g->gained_count + count, sizeof *more);
    if (g->gained_count)
        memcpy(more, g->gained, g->gained_count * sizeof *more);
    for (size_t i = 0; i < count; i++)
        more[g->gained_count + i] =
            (struct lease){ tool_text(leases[i].topic), leases[i].partition };
    free(g->gained);
    g->gained = more;
    g->gained_count += count;
    g->begun = true;
}

/* What was gained and not looked at goes back unread. */
static bool gained_forget(struct group *g, const struct evl_lease *lease)
{
    for (size_t i = 0; i < g->gained_count; i++) {
        struct lease *gained = &g->gained[i];
        if (gained->partition != lease->partition || strcmp(gained->topic, lease->topic) != 0)
            continue;
        free(gained->topic);
        *gained = g->gained[--g->gained_count];
        return true;
    }
    return false;
}

/* With --commit end nothing is committed before all is read: what we have read
 * of a partition stays ours until then. */
static int lease_asked(struct consume *c, const struct evl_lease *lease)
{
    struct group *g = c->group;
    struct range *range = range_find(c, evl_text(lease->topic), lease->partition);
    if (range && c->commit.when == COMMIT_END)
        return 0;
    if (range) {
        range->leaves = g->relieved = true;
        return 0;
    }
    (void)gained_forget(g, lease); /* or --since did not speak of it */
    enum evl_error err = evl_member_release(g->member, lease->topic, lease->partition);
    return err ? say_fault(err) : 0;
}

static int look(struct consume *c)
{
    struct group *g = c->group;
    struct evl_member_news news;
    g->looked_ms = tool_clock_ms();
    enum evl_error err = evl_member_poll(g->member, &news);
    if (err)
        return say_fault(err);
    gained_note(g, news.gained, news.gained_count);
    int status = 0;
    for (size_t i = 0; i < news.asked_count && status == 0; i++)
        status = lease_asked(c, &news.asked[i]);
    return status;
}

int group_look(struct consume *c)
{
    return tool_clock_ms() - c->group->looked_ms < LOOK_MS ? 0 : look(c);
}

/* ---- coming and going ---------------------------------------------------- */

/* *taken is false while a transaction that somebody left open has its position:
 * the next look ends it. */
static int lease_take(struct consume *c, const struct lease *lease, bool *taken)
{
    struct group *g = c->group;
    int64_t committed;
    enum evl_error err =
        evl_member_committed(g->member, lease->topic, lease->partition, &committed);
    *taken = err != EVL_ERR_BUSY;
    if (err)
        return *taken ? say_fault(err) : 0;
    say(SAY_DETAIL, "%s-%d is ours", lease->topic, lease->partition);
    return range_gain(c, lease->topic, lease->partition, committed);
}

static int leases_take(struct consume *c)
{
    struct group *g = c->group;
    int status = 0;
    bool news = false;
    for (size_t i = g->gained_count; i-- > 0 && status == 0;) {
        bool taken;
        status = lease_take(c, &g->gained[i], &taken);
        news = news || taken;
        if (!taken)
            continue;
        free(g->gained[i].topic);
        g->gained[i] = g->gained[--g->gained_count];
    }
    if (status || !news || !c->commit.on || c->commit.when == COMMIT_END)
        return status;
    status = output_flush(c);
    return status ? status : commit_now(c);
}

/* The position is kept by the range when its consumer has forgotten it. */
static void range_leave(struct consume *c, struct range *range)
{
    int64_t at = evl_consumer_position(c->consumer, range->topic, range->partition);
    if (at < 0)
        return;
    range->first = at;
    evl_consumer_remove(c->consumer, range->topic, range->partition);
}

static int lease_give(struct consume *c, struct range *range)
{
    struct group *g = c->group;
    say(SAY_DETAIL, "%s-%d is given back", range->topic, range->partition);
    enum evl_error err = evl_member_release(g->member, range->topic, range->partition);
    if (err)
        return say_fault(err);
    range_drop(c, range);
    return 0;
}

/* Give back what is finished and committed; the rest has its COMMANDs running. */
static int leases_give(struct consume *c)
{
    struct group *g = c->group;
    g->relieved = false;
    for (size_t i = 0; i < c->range_count; i++)
        if (c->ranges[i].leaves)
            range_leave(c, &c->ranges[i]);
    int status = c->work ? work_hasten(c) : output_flush(c);
    if (status == 0)
        status = commit_now(c);
    for (size_t i = c->range_count; i-- > 0 && status == 0;) {
        struct range *range = &c->ranges[i];
        if (range->leaves && ledger_first(range->ledger) < 0)
            status = lease_give(c, range);
        else
            g->relieved = g->relieved || range->leaves;
    }
    return status;
}

int group_turn(struct consume *c)
{
    struct group *g = c->group;
    int status = group_look(c);
    if (status == 0 && g->gained_count > 0)
        status = leases_take(c);
    if (status == 0 && g->relieved)
        status = leases_give(c);
    return status;
}

bool group_goes_on(struct consume *c)
{
    struct group *g = c->group;
    if (c->options.follow || look(c) || g->gained_count > 0)
        return true;
    return !g->begun && tool_clock_ms() - g->opened_ms < PATIENCE_MS;
}

/* ---- committing ---------------------------------------------------------- */

bool group_collect(struct consume *c)
{
    struct group *g = c->group;
    free(g->commits);
    g->commits = tool_take(c->range_count, sizeof *g->commits);
    g->commit_count = 0;
    for (size_t i = 0; i < c->range_count; i++) {
        const struct range *range = &c->ranges[i];
        int64_t at = commit_position(c, range);
        if (at != range->committed)
            g->commits[g->commit_count++] =
                (struct evl_position_commit){ range->topic, range->partition, at, -1, NULL };
    }
    return g->commit_count > 0;
}

int group_commit(struct consume *c, struct evl_transaction *transaction)
{
    struct group *g = c->group;
    enum evl_error err = transaction ? evl_transaction_positions(transaction, c->options.group,
                                                                 g->commits, g->commit_count)
                                     : evl_member_commit(g->member, g->commits, g->commit_count);
    if (err)
        return say_fault(err);
    for (size_t i = 0; i < g->commit_count; i++) {
        const struct evl_position_commit *done = &g->commits[i];
        range_find(c, evl_text(done->topic), done->partition)->committed = done->offset;
    }
    return 0;
}
