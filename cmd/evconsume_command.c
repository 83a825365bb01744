/* evconsume_command.c - `-- COMMAND`: records in batches, each batch to a
 * program that is run for it, several at once.
 *
 * Each of the -P lanes has a queue of batches, the first of which runs.  A
 * record goes to the lane that has its key in work, else to one that is at rest.
 *
 * (1) A lane runs one command at a time, and its batches in the order of its
 *     queue: so records of one key are never in two running commands, and come
 *     in their order.
 * (2) A record is entered in the ledger before anything is waited for, and
 *     finished when a command ended well with it, or it was skipped: a commit
 *     never goes beyond a record whose fate is open.
 * (3) After the first failure that stops us, or a signal, no command is started
 *     any more; those that run are waited for. */
#include "evconsume_lane.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "terms.h"

enum {
    LANES_MAX = 1000,
    LANE_BATCHES_MAX = 16,      /* that wait for a key's turn */
    BATCH_BYTES_MAX = 64 << 20, /* unless --batch says more */
    KEYS = 1 << 16,             /* a power of two */
    GLANCE_MS = 200,            /* between looks at the clock */
    NEWS_MS = 20,               /* between looks for new records, with commands running */
};

/* Records with keys that are in work in a lane, by bucket.  Keys that share one
 * are taken for the same: they wait for each other without need. */
struct bucket {
    uint32_t lane, count;
};

struct work {
    char *const *argv;
    struct lane *lanes;
    struct command **commands; /* one of each lane, for waiting */
    size_t lane_count;
    struct bucket *keys; /* with more than one lane */
    struct batch_limit limit;
    struct on_error on_error;
    int status; /* of the first failure: we stop */
};

/* ---- options ------------------------------------------------------------- */

static int options_agree(const struct consume *c)
{
    const struct consume_options *o = &c->options;
    if (o->append || o->split || o->count_only || o->max_bytes || o->unbuffered)
        return say_usage("records go to COMMAND: no -O, --split, -c, -W or -u");
    if (o->commit == COMMIT_ACK)
        return say_usage("COMMAND's exit status says what is done: no --commit ack");
    if (o->parallel > LANES_MAX)
        return say_usage("-P: at most %d", LANES_MAX);
    if (o->parallel == 0)
        return say_usage("-P: at least 1");
    return 0;
}

int work_open(struct consume *c, char *const *argv)
{
    const struct consume_options *o = &c->options;
    if (!argv) {
        if (o->batch || o->on_error || o->parallel >= 0)
            return say_usage("--batch, --on-error and -P go with a COMMAND: put it behind --");
        return 0;
    }
    struct work *w = tool_take(1, sizeof *w);
    c->work = w;
    w->argv = argv;
    int status = options_agree(c);
    if (status == 0 && o->batch)
        status = batch_limit_read(o->batch, &w->limit);
    if (status == 0 && o->on_error)
        status = on_error_read(o->on_error, &w->on_error);
    if (status == 0 && w->on_error.letters)
        status = letters_open(c, w->on_error.letters);
    if (!o->batch)
        w->limit.count = 1;
    w->lane_count = o->parallel > 0 ? (size_t)o->parallel : 1;
    return status;
}

int work_begin(struct consume *c)
{
    struct work *w = c->work;
    if (c->kind == EVL_FORMAT_BATCH)
        return say_usage("-o batch is for pipes between tools: COMMAND gets records");
    w->lanes = tool_take(w->lane_count, sizeof *w->lanes);
    w->commands = tool_take(w->lane_count, sizeof *w->commands);
    if (w->lane_count > 1)
        w->keys = tool_take(KEYS, sizeof *w->keys);
    int status = 0;
    for (size_t i = 0; i < w->lane_count && status == 0; i++) {
        w->commands[i] = &w->lanes[i].command;
        status = output_writer(c, &w->lanes[i].writer);
    }
    signals_mind_children();
    return status;
}

/* ---- running ------------------------------------------------------------- */

static bool work_stops(const struct work *w) { return w->status || signals_caught(); }

/* Run the lane's first batch, if it is its time.  A program that cannot be
 * started is no failure of the batch, and nothing to skip. */
static void work_start(struct work *w, struct lane *lane)
{
    if (work_stops(w) || command_is_running(&lane->command) || lane_is_at_rest(lane) ||
        lane->error || lane->again_ms > tool_clock_ms())
        return;
    keep_first(&w->status, lane_start(lane, w->argv));
}

static void batch_say(const struct work *w, const struct batch *batch, const char *how,
                      const char *then, enum say_level level)
{
    char more[40] = "";
    if (batch->count > 1)
        snprintf(more, sizeof more, " and %zu more", batch->count - 1);
    say(level, "%s-%d: offset %lld%s: %s: %s%s", batch->head.topic, batch->head.partition,
        (long long)batch->head.offset, more, w->argv[0], how, then);
}

/* The lane's first batch is done with. */
static void batch_finish(struct consume *c, struct lane *lane)
{
    struct batch *batch = lane->first;
    for (size_t i = 0; i < batch->count; i++) {
        const struct given *given = &batch->records[i];
        (void)commit_finish(c, given->ledger, given->offset);
        if (given->key != NO_KEY)
            c->work->keys[given->key].count--;
    }
    lane_pop(lane);
}

static int batch_done(struct consume *c, struct lane *lane)
{
    batch_finish(c, lane);
    return commit_is_due(c) ? commit_now(c) : 0;
}

/* The command failed: the same again, on with the next, or the end. */
static int batch_failed(struct consume *c, struct lane *lane, int status, const char *how)
{
    struct work *w = c->work;
    struct batch *batch = lane->first;
    if (status == EXIT_TEMPORARY) {
        batch_say(w, batch, how, ": it asks for another time", SAY_ERROR);
        return status;
    }
    if (batch->attempts <= w->on_error.retries) {
        lane->again_ms = tool_clock_ms() + attempt_pause_ms(batch->attempts);
        batch_say(w, batch, how, "; once more", SAY_DETAIL);
        return 0;
    }
    if (w->on_error.skips) {
        batch_say(w, batch, how, "; skipped", SAY_WARNING);
        return batch_done(c, lane);
    }
    if (c->letters) {
        batch_say(w, batch, how, "; to the dlq", SAY_WARNING);
        lane->error = tool_text(how);
        return 0;
    }
    batch_say(w, batch, how, "", SAY_ERROR);
    return status;
}

/* Who is asked to stop asks his commands, mostly: how they end then is nobody's
 * failure.  One that Ctrl-C ended stands for us, even if we have not heard yet. */
static int lane_ended(struct consume *c, struct lane *lane, int how)
{
    struct evl_buffer text = { 0 };
    int status = command_verdict(how, &text);
    if (WIFSIGNALED(how) && WTERMSIG(how) == SIGINT)
        signals_catch(SIGINT);
    if (status == 0)
        status = batch_done(c, lane);
    else if (signals_caught())
        status = 0;
    else
        status = batch_failed(c, lane, status, text_end(&text));
    evl_buffer_release(&text);
    return status;
}

/* ---- diverting ----------------------------------------------------------- */

static void batch_mark(const struct batch *batch, bool wanted)
{
    for (size_t i = 0; i < batch->count; i++)
        ledger_divert(batch->records[i].ledger, batch->records[i].offset, wanted);
}

/* Whether a position can say that all of it is done: nothing in front of any of
 * its records is open. */
static bool batch_is_reached(const struct batch *batch)
{
    const struct ledger *ledger = NULL;
    int64_t reach = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct given *given = &batch->records[i];
        if (given->ledger != ledger)
            reach = ledger_reach(given->ledger);
        ledger = given->ledger;
        if (given->offset > reach)
            return false;
    }
    return true;
}

/* Those that wait for others go; until all that are left can go together. */
static size_t letters_choose(struct work *w, bool *chosen)
{
    size_t count = 0;
    for (size_t i = 0; i < w->lane_count; i++) {
        chosen[i] = w->lanes[i].error != NULL;
        if (chosen[i])
            batch_mark(w->lanes[i].first, true);
        count += chosen[i];
    }
    for (bool again = count > 0; again;) {
        again = false;
        for (size_t i = 0; i < w->lane_count; i++)
            if (chosen[i] && !batch_is_reached(w->lanes[i].first)) {
                batch_mark(w->lanes[i].first, false);
                chosen[i] = false;
                again = true;
                count--;
            }
    }
    return count;
}

static int letters_write(struct consume *c, const struct lane *lane)
{
    const struct batch *batch = lane->first;
    int status = 0;
    for (size_t i = 0; i < batch->count && status == 0; i++) {
        struct letter letter = { &batch->records[i].kept->record, lane->error, batch->attempts };
        status = letters_add(c, &letter);
    }
    return status;
}

/* Failed batches leave by the dlq.  A position cannot say "but for these": they
 * wait for what is in front of them, so that both are one transaction. */
static int work_divert(struct consume *c)
{
    struct work *w = c->work;
    bool chosen[LANES_MAX];
    if (work_stops(w) || letters_choose(w, chosen) == 0)
        return 0;
    int status = 0;
    for (size_t i = 0; i < w->lane_count && status == 0; i++)
        if (chosen[i])
            status = letters_write(c, &w->lanes[i]);
    if (status)
        return status;
    for (size_t i = 0; i < w->lane_count; i++)
        if (chosen[i])
            batch_finish(c, &w->lanes[i]);
    return letters_commit(c);
}

/* See who has ended, and start who is next. */
static void work_turn(struct consume *c)
{
    struct work *w = c->work;
    for (size_t i = 0; i < w->lane_count; i++) {
        struct lane *lane = &w->lanes[i];
        struct batch *batch = lane_batch(lane);
        int how;
        if (batch && w->limit.ms && tool_clock_ms() - batch->begun_ms >= w->limit.ms)
            lane_close_batch(lane);
        if (command_is_running(&lane->command) && command_has_ended(&lane->command, &how))
            keep_first(&w->status, lane_ended(c, lane, how));
    }
    if (c->letters)
        keep_first(&w->status, work_divert(c));
    for (size_t i = 0; i < w->lane_count; i++)
        work_start(w, &w->lanes[i]);
}

/* How long nothing is due in a lane, `ms` at most. */
static int64_t lane_patience(const struct work *w, const struct lane *lane, int64_t now, int64_t ms)
{
    const struct batch *open = lane_batch(lane);
    if (work_stops(w) || command_is_running(&lane->command))
        return ms;
    int64_t due = lane->again_ms        ? lane->again_ms
                  : open && w->limit.ms ? open->begun_ms + w->limit.ms
                                        : now + ms;
    return due < now ? 0 : due - now < ms ? due - now : ms;
}

/* Wait for something to happen, `ms` at most. */
static void work_wait(struct consume *c, int64_t ms)
{
    struct work *w = c->work;
    int64_t now = tool_clock_ms();
    for (size_t i = 0; i < w->lane_count; i++)
        ms = lane_patience(w, &w->lanes[i], now, ms);
    commands_wait(w->commands, w->lane_count, ms);
    progress_tick(&c->progress, c->seen, c->output_bytes, -1);
    if (c->group)
        keep_first(&w->status, group_look(c));
    work_turn(c);
}

/* ---- giving -------------------------------------------------------------- */

/* FNV-1a; a topic's keys are its own. */
static int32_t key_bucket(const struct work *w, const struct evl_record *record)
{
    uint64_t hash = 0xcbf29ce484222325u;
    if (!w->keys || !record->key.at)
        return NO_KEY;
    for (size_t i = 0; i < record->topic.count; i++)
        hash = (hash ^ record->topic.at[i]) * 0x100000001b3u;
    hash *= 0x100000001b3u;
    for (size_t i = 0; i < record->key.count; i++)
        hash = (hash ^ record->key.at[i]) * 0x100000001b3u;
    return (int32_t)((hash ^ hash >> 32) & (KEYS - 1));
}

/* The lane at rest that has gathered the most; NULL if none is. */
static struct lane *lane_at_rest(const struct work *w)
{
    struct lane *best = NULL;
    for (size_t i = 0; i < w->lane_count; i++) {
        struct lane *lane = &w->lanes[i];
        if (lane_is_at_rest(lane) && (!best || lane->bytes > best->bytes))
            best = lane;
    }
    return best;
}

/* The lane for a record, or NULL if it has to wait. */
static struct lane *lane_find(const struct work *w, int32_t key)
{
    if (key == NO_KEY || w->keys[key].count == 0)
        return lane_at_rest(w);
    struct lane *lane = &w->lanes[w->keys[key].lane];
    bool room = lane->batches < LANE_BATCHES_MAX && lane->bytes < BATCH_BYTES_MAX;
    return room || lane_batch(lane) ? lane : NULL;
}

static bool batch_is_full(const struct work *w, const struct batch *batch)
{
    int64_t bytes_max = w->limit.bytes ? w->limit.bytes : BATCH_BYTES_MAX;
    return (w->limit.count && (int64_t)batch->count >= w->limit.count) ||
           (int64_t)batch->bytes.count >= bytes_max;
}

static int work_give(struct consume *c, struct lane *lane, const struct evl_record *record,
                     struct given given)
{
    struct work *w = c->work;
    struct range *range = range_find(c, record->topic, record->partition);
    int status = lane_give(lane, range, record, given);
    if (status)
        return status;
    if (given.key != NO_KEY) {
        w->keys[given.key].lane = (uint32_t)(lane - w->lanes);
        w->keys[given.key].count++;
    }
    if (batch_is_full(w, lane->last))
        lane_close_batch(lane);
    work_start(w, lane);
    return w->status;
}

int work_record(struct consume *c, const struct evl_record *record)
{
    struct work *w = c->work;
    struct given given = { commit_enter(c, record->topic, record->partition, record->offset),
                           record->offset, key_bucket(w, record), NULL };
    struct lane *lane;
    while (!work_stops(w) && !(lane = lane_find(w, given.key)))
        work_wait(c, GLANCE_MS);
    if (work_stops(w))
        return w->status;
    given.kept = c->letters ? record_keep(record) : NULL;
    keep_first(&w->status, work_give(c, lane, record, given));
    return w->status;
}

/* ---- the end, and the end for the moment --------------------------------- */

static void lanes_close(struct work *w)
{
    for (size_t i = 0; i < w->lane_count; i++)
        lane_close_batch(&w->lanes[i]);
}

static bool work_is_done(const struct work *w)
{
    bool stops = work_stops(w);
    for (size_t i = 0; i < w->lane_count; i++)
        if (command_is_running(&w->lanes[i].command) || (!stops && w->lanes[i].first))
            return false;
    return true;
}

int work_hasten(struct consume *c)
{
    lanes_close(c->work);
    work_turn(c);
    return c->work->status;
}

/* New records end a wait for them, but not one for commands: look soon. */
int work_idle(struct consume *c, bool *busy)
{
    struct work *w = c->work;
    if (!w->limit.ms)
        lanes_close(w);
    work_turn(c);
    *busy = !work_is_done(w);
    if (*busy && !work_stops(w))
        work_wait(c, NEWS_MS);
    return w->status;
}

int work_end(struct consume *c)
{
    struct work *w = c->work;
    if (!w->lanes)
        return 0; /* we did not come to work */
    lanes_close(w);
    work_turn(c);
    while (!work_is_done(w))
        work_wait(c, GLANCE_MS);
    return w->status;
}

void work_close(struct consume *c)
{
    struct work *w = c->work;
    if (!w)
        return;
    for (size_t i = 0; w->lanes && i < w->lane_count; i++)
        lane_release(&w->lanes[i]);
    variables_release();
    letters_close(c);
    free(w->lanes);
    free(w->commands);
    free(w->keys);
    free(w->on_error.letters);
    free(w);
}
