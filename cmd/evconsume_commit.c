/* evconsume_commit.c - when it is written down how far we have come.
 *
 * A record is finished when it was written (write), when whoever was given it
 * says so (ack), or when its COMMAND ended well; with `end` nothing counts
 * before all of it went well.  What may be committed of a partition lies before
 * the first record that is not finished. */
#include "evconsume.h"

#include <unistd.h>

#include <evl/text.h>

/* ---- options ------------------------------------------------------------- */

/* --commit-every N or DURATION */
static int every_read(struct consume *c)
{
    const char *text = c->options.commit_every;
    bool good = !text || number_read(text, &c->commit.every) ||
                evl_parse_duration(text, 1000, &c->commit.every_ms);
    if (!good || (text && c->commit.every + c->commit.every_ms == 0))
        return say_usage("--commit-every: '%s' is neither a number of records nor a duration: "
                         "write 1000, or 5s",
                         text);
    return 0;
}

int commit_open(struct consume *c)
{
    const struct consume_options *o = &c->options;
    c->commit.when = (enum commit_when)o->commit;
    c->commit.on = (o->state || o->group) && c->commit.when != COMMIT_NONE;
    if ((o->commit != COMMIT_WRITE || o->commit_every) && !o->state && !o->group)
        return say_usage("--commit and --commit-every say when: where to is said by -g or --state");
    if (o->commit_every && (o->commit == COMMIT_END || o->commit == COMMIT_NONE))
        return say_usage("--commit-every goes with --commit write or ack");
    if (o->append && o->state && o->commit != COMMIT_WRITE && o->commit != COMMIT_END)
        return say_usage("-O is in step with --state: --commit write or end");
    if (o->ack && o->commit != COMMIT_ACK)
        return say_usage("--ack belongs to --commit ack");
    c->commit.last_ms = tool_clock_ms();
    return every_read(c);
}

/* ---- records that are not finished --------------------------------------- */

struct ledger *commit_enter(struct consume *c, struct evl_bytes topic, int32_t partition,
                            int64_t offset)
{
    struct range *range = range_find(c, topic, partition);
    ledger_enter(range->ledger, offset);
    c->commit.open++;
    return range->ledger;
}

bool commit_finish(struct consume *c, struct ledger *ledger, int64_t offset)
{
    if (!ledger_finish(ledger, offset))
        return false;
    c->commit.open--;
    c->commit.pending++;
    return true;
}

/* ---- committing ---------------------------------------------------------- */

int64_t commit_position(const struct consume *c, const struct range *range)
{
    int64_t open = ledger_first(range->ledger);
    int64_t at =
        c->consumer ? evl_consumer_position(c->consumer, range->topic, range->partition) : -1;
    return open >= 0 ? open : at >= 0 ? at : range->first;
}

static bool state_collect(struct consume *c)
{
    bool news = !c->commit.begun;
    for (size_t i = 0; i < c->range_count; i++) {
        const struct range *range = &c->ranges[i];
        news |= state_put(&c->state, range->topic, range->id, range->partition,
                          commit_position(c, range));
    }
    return news;
}

/* What -O has taken is on the disk before anything says so. */
static int append_sync(struct consume *c)
{
    if (!c->options.append)
        return 0;
    c->state.length = c->sink.written;
    return fdatasync(c->sink.fd) < 0 ? say_system("%s", c->options.append) : 0;
}

int commit_now(struct consume *c)
{
    c->commit.pending = 0;
    c->commit.last_ms = tool_clock_ms();
    bool news = c->commit.on && (c->group ? group_collect(c) : state_collect(c));
    if (!news)
        return 0;
    int status = append_sync(c);
    if (status)
        return status;
    if (c->group)
        return group_commit(c, NULL);
    c->commit.begun = true;
    return state_save(c->options.state, &c->state);
}

bool commit_is_due(const struct consume *c)
{
    const struct commit *commit = &c->commit;
    if (!commit->on || commit->when == COMMIT_END)
        return false;
    if (commit->every)
        return commit->pending >= commit->every;
    return !commit->every_ms || tool_clock_ms() - commit->last_ms >= commit->every_ms;
}
