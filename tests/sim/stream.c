/* stream.c - hands that filter, and the eye that looks when they rest. */
#include "sim/stream.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <evl/admin.h>
#include <evl/consumer.h>
#include <evl/group.h>
#include <evl/producer.h>
#include <evl/transaction.h>

#include "place/transactions.h"

enum {
    HANDS = 2,
    PARTITIONS = 2, /* of a, and of b */
    RECORDS = 5,    /* in each of a's */
    BATCH = 2,      /* of each that one owns */
    LINGER_MS = 2000,
    GLANCE_MS = 100,
    AGAIN_MAX = 4000, /* the second strike is within so many calls */
};

struct stream;

struct hand {
    struct stream *stream;
    struct io *io;
    struct evl_place *place;
    struct evl_member *member;
    struct evl_transaction *transaction;
    struct evl_producer *producer;
    struct evl_consumer *from[PARTITIONS]; /* of those that are ours */
};

struct stream {
    struct sim *sim;
    const struct stream_options *o;
    char broken[800];
};

__attribute__((format(printf, 2, 3))) static void broken(struct stream *s, const char *format, ...)
{
    va_list words;
    if (s->broken[0])
        return;
    va_start(words, format);
    vsnprintf(s->broken, sizeof s->broken, format, words);
    va_end(words);
}

static enum evl_error place_open(struct io *io, struct evl_place **place)
{
    struct evl_place_options o = {
        .dir = "d", .create = true, .timeout_ms = 20000, .internal_partitions = 1, .io = io
    };
    return evl_place_open(&o, place);
}

/* ---- a hand's partitions ------------------------------------------------- */

static enum evl_error hand_gains(struct hand *h, int32_t partition)
{
    struct evl_consumer_options o = { .isolation = EVL_COMMITTED };
    int64_t offset = -1;
    enum evl_error err = evl_member_committed(h->member, "a", partition, &offset);
    if (!err)
        err = evl_consumer_open(h->place, &o, &h->from[partition]);
    if (!err)
        err = evl_consumer_add(h->from[partition], "a", partition, offset < 0 ? 0 : offset, -1);
    return err;
}

static void hand_lets_go(struct hand *h, int32_t partition)
{
    evl_consumer_close(h->from[partition]);
    h->from[partition] = NULL;
}

/* Between two batches. */
static enum evl_error hand_looks(struct hand *h)
{
    struct evl_member_news news;
    enum evl_error err = evl_member_poll(h->member, &news);
    for (size_t i = 0; i < news.asked_count && !err; i++) {
        hand_lets_go(h, news.asked[i].partition);
        err = evl_member_release(h->member, news.asked[i].topic, news.asked[i].partition);
    }
    for (size_t i = 0; i < news.gained_count && !err; i++)
        err = hand_gains(h, news.gained[i].partition);
    return err;
}

/* ---- a batch ------------------------------------------------------------- */

/* The filter: "fact 1 3" becomes "FACT 1 3", of the partition that the number
 * says, so that whatever is read goes to all of b. */
static enum evl_error hand_answers(struct hand *h, const struct evl_record *asked)
{
    struct evl_record record = EVL_RECORD_NONE;
    char value[32];
    int n = snprintf(value, sizeof value, "%.*s", (int)asked->value.count,
                     (const char *)asked->value.at);
    for (char *p = value; *p; p++)
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
    record.value = evl_bytes(value, (size_t)n);
    record.partition = (int32_t)(asked->offset % PARTITIONS);
    return evl_producer_send(h->producer, &record);
}

/* Some records of one partition; *count is how many. */
static enum evl_error hand_reads(struct hand *h, int32_t partition, int *count)
{
    struct evl_record record;
    enum evl_next what = EVL_NEXT_RECORD;
    enum evl_error err = EVL_OK;
    for (*count = 0; !err && *count < BATCH; ++*count) {
        err = evl_consumer_next(h->from[partition], &record, &what);
        if (err || what != EVL_NEXT_RECORD)
            break;
        err = hand_answers(h, &record);
    }
    return err;
}

static enum evl_error hand_commits(struct hand *h, const struct evl_position_commit *at,
                                   size_t count)
{
    enum stream_positions positions = h->stream->o->positions;
    enum evl_error err = EVL_OK;
    if (positions == STREAM_BEFORE)
        err = evl_member_commit(h->member, at, count);
    if (positions == STREAM_WITHIN)
        err = evl_transaction_positions(h->transaction, "g", at, count);
    if (!err)
        err = evl_transaction_commit(h->transaction);
    if (!err && positions == STREAM_AFTER)
        err = evl_member_commit(h->member, at, count);
    return err;
}

/* *any: there was something to do. */
static enum evl_error hand_batch(struct hand *h, bool *any)
{
    struct evl_position_commit at[PARTITIONS];
    size_t count = 0;
    enum evl_error err = EVL_OK;
    for (int32_t p = 0; p < PARTITIONS && !err; p++) {
        int read = 0;
        if (h->from[p])
            err = hand_reads(h, p, &read);
        if (read > 0)
            at[count++] =
                (struct evl_position_commit){ "a", p, evl_consumer_position(h->from[p], "a", p), -1,
                                              NULL };
    }
    *any = count > 0;
    return err || count == 0 ? err : hand_commits(h, at, count);
}

/* ---- a hand's life ------------------------------------------------------- */

/* By the first id that nobody has. */
static enum evl_error hand_owns(struct hand *h)
{
    enum evl_error err = EVL_ERR_BUSY;
    char id[16];
    for (int i = 0; i < HANDS && err == EVL_ERR_BUSY; i++) {
        snprintf(id, sizeof id, "hand-%d", i);
        struct evl_transaction_options o = { .id = id };
        err = evl_transaction_open(h->place, &o, &h->transaction);
    }
    return err;
}

static enum evl_error hand_begins(struct hand *h)
{
    static const char *const topics[] = { "a" };
    struct evl_member_options m = { .group = "g", .topics = topics, .topic_count = 1 };
    enum evl_error err = place_open(h->io, &h->place);
    if (!err)
        err = hand_owns(h);
    struct evl_producer_options p = {
        .topic = "b", .create = true, .create_partitions = PARTITIONS, .transaction = h->transaction
    };
    if (!err)
        err = evl_producer_open(h->place, &p, &h->producer);
    return err ? err : evl_member_open(h->place, &m, &h->member);
}

static void hand_ends(struct hand *h)
{
    for (int32_t p = 0; p < PARTITIONS; p++)
        hand_lets_go(h, p);
    evl_member_close(h->member);
    evl_producer_close(h->producer);
    evl_transaction_close(h->transaction);
    evl_place_close(h->place);
}

/* Until nothing was there for a while: another one may be dying. */
static enum evl_error hand_works(struct hand *h)
{
    bool any = false;
    enum evl_error err = EVL_OK;
    for (int left = LINGER_MS / GLANCE_MS; left > 0 && !err; left--) {
        err = hand_looks(h);
        if (!err)
            err = hand_batch(h, &any);
        if (any)
            left = LINGER_MS / GLANCE_MS;
        else if (!err)
            io_sleep(h->io, GLANCE_MS * IO_MS);
    }
    return err;
}

static void hand_run(struct io *io, void *context)
{
    struct hand h = { .stream = context, .io = io };
    enum evl_error err = hand_begins(&h);
    if (!err)
        err = hand_works(&h);
    if (err && sim_is_alive(io))
        broken(h.stream, "a hand fails: %s", evl_fault());
    hand_ends(&h);
}

/* ---- the eye ------------------------------------------------------------- */

/* What is there: of each of a's partitions, in each of b's, the next number. */
struct view {
    int64_t next[PARTITIONS][PARTITIONS];
    int64_t position[PARTITIONS];
};

static void view_record(struct stream *s, struct view *v, const struct evl_record *record)
{
    char value[32];
    int p = -1;
    int64_t number;
    snprintf(value, sizeof value, "%.*s", (int)record->value.count, (const char *)record->value.at);
    if (sscanf(value, "FACT %d %" SCNd64, &p, &number) != 2 || p < 0 || p >= PARTITIONS) {
        broken(s, "b-%d has '%s'", (int)record->partition, value);
        return;
    }
    int64_t *next = &v->next[p][record->partition];
    if (number != *next)
        broken(s, "b-%d has '%s' where number %" PRId64 " is due", (int)record->partition, value,
               *next);
    *next += PARTITIONS;
}

static enum evl_error view_output(struct stream *s, struct evl_place *place, int32_t partition,
                                  struct view *v)
{
    struct evl_consumer_options o = { .isolation = EVL_COMMITTED };
    struct evl_consumer *c = NULL;
    struct evl_record record;
    enum evl_next what = EVL_NEXT_RECORD;
    enum evl_error err = evl_consumer_open(place, &o, &c);
    for (int p = 0; p < PARTITIONS; p++)
        v->next[p][partition] = partition;
    if (!err)
        err = evl_consumer_add(c, "b", partition, 0, -1);
    while (!err && !(err = evl_consumer_next(c, &record, &what)) && what == EVL_NEXT_RECORD)
        view_record(s, v, &record);
    evl_consumer_close(c);
    return err == EVL_ERR_NOT_FOUND ? EVL_OK : err; /* nobody came as far as to make it */
}

static enum evl_error view_positions(struct stream *s, struct evl_place *place, struct view *v)
{
    struct evl_offsets offsets;
    enum evl_error err = evl_admin_group_offsets(place, "g", &offsets);
    if (err)
        return err == EVL_ERR_NOT_FOUND ? EVL_OK : err;
    for (size_t i = 0; i < offsets.count; i++) {
        const struct evl_committed *at = &offsets.at[i];
        if (at->pending)
            broken(s, "nobody ends what has a position of a-%d pending", (int)at->partition);
        v->position[at->partition] = at->offset < 0 ? 0 : at->offset;
    }
    evl_offsets_release(&offsets);
    return EVL_OK;
}

/* The first number from `position` on that goes to this partition of b. */
static int64_t number_due(int64_t position, int partition)
{
    return position + (position + partition) % PARTITIONS;
}

static void view_judge(struct stream *s, const struct view *v, bool done)
{
    for (int p = 0; p < PARTITIONS; p++) {
        for (int q = 0; q < PARTITIONS; q++)
            if (v->next[p][q] != number_due(v->position[p], q))
                broken(s,
                       "the position in a-%d is %" PRId64
                       ", and the next of it in b-%d is %" PRId64,
                       p, v->position[p], q, v->next[p][q]);
        if (done && v->position[p] != RECORDS)
            broken(s, "all is done, and the position in a-%d is %" PRId64, p, v->position[p]);
    }
}

/* All is at rest.  What was left open is ended first, as whoever comes next does. */
static void eye_looks(struct stream *s, bool done)
{
    struct io *io = sim_process(s->sim);
    struct evl_place *place = NULL;
    struct view v = { 0 };
    bool any;
    enum evl_error err = place_open(io, &place);
    if (!err)
        err = transactions_settle(place, &any);
    for (int32_t p = 0; p < PARTITIONS && !err; p++)
        err = view_output(s, place, p, &v);
    if (!err)
        err = view_positions(s, place, &v);
    if (err)
        broken(s, "nobody can look: %s", evl_fault());
    view_judge(s, &v, done);
    evl_place_close(place);
    sim_exit(io);
}

/* ---- the world ----------------------------------------------------------- */

static enum evl_error input_write(struct evl_place *place)
{
    struct evl_producer_options o = { .topic = "a",
                                      .create = true,
                                      .create_partitions = PARTITIONS };
    struct evl_producer *producer = NULL;
    char value[32];
    enum evl_error err = evl_producer_open(place, &o, &producer);
    for (int i = 0; i < PARTITIONS * RECORDS && !err; i++) {
        struct evl_record record = EVL_RECORD_NONE;
        record.partition = i % PARTITIONS;
        snprintf(value, sizeof value, "fact %d %d", i % PARTITIONS, i / PARTITIONS);
        record.value = evl_text(value);
        err = evl_producer_send(producer, &record);
    }
    if (!err)
        err = evl_producer_flush(producer);
    evl_producer_close(producer);
    return err;
}

static void stream_begin(struct stream *s, const struct stream_options *o, uint64_t seed)
{
    struct evl_place *place = NULL;
    *s = (struct stream){ .sim = sim_create(seed), .o = o };
    struct io *io = sim_process(s->sim);
    enum evl_error err = place_open(io, &place);
    if (!err)
        err = input_write(place);
    if (err)
        broken(s, "no input: %s", evl_fault());
    evl_place_close(place);
    sim_exit(io);
}

/* So many processes, one of which (or all) may be stopped at a call.  Whether
 * somebody was. */
static bool stream_struck(struct stream *s, int processes, uint64_t at)
{
    uint64_t *after = &sim_options(s->sim)->after[s->o->how];
    struct sim_body bodies[HANDS];
    for (int i = 0; i < processes; i++)
        bodies[i] = (struct sim_body){ hand_run, s };
    *after = at;
    if (sim_run(s->sim, bodies, processes) != 0)
        broken(s, "a process has not given all of its files back");
    bool struck = at > 0 && *after == 0;
    *after = 0;
    return struck;
}

/* One world.  Whether it was struck: else it has fewer calls. */
static bool stream_run(const struct stream_options *o, uint64_t at, struct torture_result *result)
{
    struct stream s;
    stream_begin(&s, o, at);
    bool struck = stream_struck(&s, o->processes, at);
    eye_looks(&s, false);
    uint64_t again = sim_chance(s.sim, 2) ? 1 + sim_chance(s.sim, AGAIN_MAX) : 0;
    if (stream_struck(&s, o->processes, again))
        result->cuts++;
    eye_looks(&s, false);
    (void)stream_struck(&s, 1, 0);
    eye_looks(&s, true);
    sim_power_cut(s.sim);
    eye_looks(&s, true);
    if (s.broken[0])
        snprintf(result->broken, sizeof result->broken,
                 "%d processes, struck at call %" PRIu64 ", and at %" PRIu64 ": %s", o->processes,
                 at, again, s.broken);
    sim_destroy(s.sim);
    return struck;
}

void stream_every(const struct stream_options *o, struct torture_result *result)
{
    *result = (struct torture_result){ 0 };
    for (uint64_t at = 1; stream_run(o, at, result) && !result->broken[0]; at += o->stride)
        result->operations++;
}
