/* Transactions over partitions and positions: all of it or nothing, whatever
 * happens to whom. */
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>

#include <evl/admin.h>
#include <evl/consumer.h>
#include <evl/group.h>
#include <evl/producer.h>
#include <evl/transaction.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/plant.h"
#include "io/io_sim.h"
#include "place/groups.h"

/* ---- a process ----------------------------------------------------------- */

struct user {
    struct io *io;
    struct evl_place *place;
    struct evl_transaction *transaction;
    struct evl_producer *producer;
    char said[256]; /* the last line */
};

static void user_hear(void *context, const char *line)
{
    struct user *u = context;
    snprintf(u->said, sizeof u->said, "%s", line);
}

static enum evl_error user_enter(struct user *u, struct io *io, bool readonly)
{
    struct evl_place_options o = { .dir = "d",
                                   .create = !readonly,
                                   .readonly = readonly,
                                   .timeout_ms = 60000,
                                   .internal_partitions = 1,
                                   .say = user_hear,
                                   .context = u,
                                   .io = io };
    *u = (struct user){ .io = io };
    return evl_place_open(&o, &u->place);
}

/* Input, for positions to point into. */
static enum evl_error make_input(struct user *u)
{
    struct evl_producer_options o = { .topic = "in", .create = true };
    struct evl_record record = EVL_RECORD_NONE;
    struct evl_producer *p = NULL;
    struct evl_topic topic;
    if (!evl_admin_topic(u->place, "in", &topic))
        return EVL_OK;
    enum evl_error err = evl_producer_open(u->place, &o, &p);
    for (int i = 0; i < 10 && !err; i++)
        err = evl_producer_send(p, &record);
    if (!err)
        err = evl_producer_flush(p);
    evl_producer_close(p);
    return err;
}

static enum evl_error user_open(struct user *u, struct io *io, const char *id)
{
    struct evl_transaction_options o = { .id = id };
    enum evl_error err = user_enter(u, io, false);
    if (!err)
        err = make_input(u);
    if (!err)
        err = evl_transaction_open(u->place, &o, &u->transaction);
    struct evl_producer_options p = {
        .topic = "t", .create = true, .create_partitions = 2, .transaction = u->transaction
    };
    return err ? err : evl_producer_open(u->place, &p, &u->producer);
}

static void user_close(struct user *u)
{
    evl_producer_close(u->producer);
    evl_transaction_close(u->transaction);
    evl_place_close(u->place);
}

static enum evl_error put(struct user *u, int32_t partition, const char *value)
{
    struct evl_record record = EVL_RECORD_NONE;
    record.partition = partition;
    record.value = evl_text(value);
    return evl_producer_send(u->producer, &record);
}

static enum evl_error put_position(struct user *u, int64_t offset)
{
    struct evl_position_commit at = { "in", 0, offset, -1, "m" };
    return evl_transaction_positions(u->transaction, "g", &at, 1);
}

/* One transaction over both partitions and a position. */
static enum evl_error put_all(struct user *u, const char *value, int64_t position)
{
    enum evl_error err = put(u, 0, value);
    if (!err)
        err = put(u, 1, value);
    return err ? err : put_position(u, position);
}

/* ---- what there is to see ------------------------------------------------ */

/* The committed values of a partition, each with a space behind it. */
static enum evl_error values(struct evl_place *place, int32_t partition, struct evl_buffer *out)
{
    struct evl_consumer_options o = { .isolation = EVL_COMMITTED };
    struct evl_consumer *c = NULL;
    struct evl_record record;
    enum evl_next what = EVL_NEXT_RECORD;
    buf_clear(out);
    enum evl_error err = evl_consumer_open(place, &o, &c);
    if (!err)
        err = evl_consumer_add(c, "t", partition, 0, -1);
    while (!err && !(err = evl_consumer_next(c, &record, &what)) && what == EVL_NEXT_RECORD) {
        buf_add_bytes(out, record.value);
        buf_add_byte(out, ' ');
    }
    evl_consumer_close(c);
    return err;
}

/* Where the group is; -1 nowhere, -2 when that is not decided. */
static int64_t position(struct evl_place *place)
{
    struct evl_offsets offsets = { 0 };
    int64_t offset = -1;
    enum evl_error err = groups_committed(place, "g", true, &offsets);
    if (!err && offsets.count > 0)
        offset = offsets.at[0].offset;
    if (!err)
        evl_offsets_release(&offsets);
    return err == EVL_ERR_BUSY ? -2 : err ? -3 : offset;
}

/* Whether partitions 0 and 1 hold these values, and the group is there. */
static bool sees(struct evl_place *place, const char *zero, const char *one, int64_t offset)
{
    struct evl_buffer out[2] = { { 0 }, { 0 } };
    bool same = !values(place, 0, &out[0]) && !values(place, 1, &out[1]) &&
                strcmp(buf_text(&out[0]), zero) == 0 && strcmp(buf_text(&out[1]), one) == 0 &&
                position(place) == offset;
    if (!same)
        printf("# %s| %s| %" PRId64 " and not %s| %s| %" PRId64 "\n", buf_text(&out[0]),
               buf_text(&out[1]), position(place), zero, one, offset);
    buf_release(&out[0]);
    buf_release(&out[1]);
    return same;
}

static bool one_sees(struct sim *sim, const char *zero, const char *one, int64_t offset)
{
    struct user u;
    bool same = !user_enter(&u, sim_process(sim), false) && sees(u.place, zero, one, offset);
    evl_place_close(u.place);
    EXPECT(sim_exit(u.io) == 0);
    return same;
}

static void damage_heard(void *context, const struct evl_damage *damage)
{
    (void)context;
    printf("# %s: %s\n", damage->file, damage->text);
}

/* Whether every byte of a partition is right, and every index of it. */
static bool is_sound(struct evl_place *place, const char *topic, int32_t partition)
{
    struct evl_check check;
    struct evl_check_listener listener = { .damage = damage_heard };
    enum evl_error err = evl_admin_check(place, topic, partition, &listener, &check);
    return err == EVL_ERR_NOT_FOUND || (!err && check.damages == 0);
}

static bool all_are_sound(struct evl_place *place)
{
    return is_sound(place, "t", 0) && is_sound(place, "t", 1) &&
           is_sound(place, "__consumer_offsets", 0) && is_sound(place, "__transaction_state", 0);
}

/* ---- one after the other ------------------------------------------------- */

TEST("a committed transaction is seen whole, an aborted one not at all")
{
    struct sim *sim = sim_create(1);
    struct user u;
    REQUIRE(user_open(&u, sim_process(sim), "pay") == EVL_OK);
    REQUIRE(put_all(&u, "a", 1) == EVL_OK && evl_producer_flush(u.producer) == EVL_OK);
    EXPECT(sees(u.place, "", "", -2));
    EXPECT(evl_transaction_commit(u.transaction) == EVL_OK);
    EXPECT(sees(u.place, "a ", "a ", 1));
    REQUIRE(put_all(&u, "b", 2) == EVL_OK && evl_producer_flush(u.producer) == EVL_OK);
    EXPECT(evl_transaction_abort(u.transaction) == EVL_OK);
    EXPECT(sees(u.place, "a ", "a ", 1));
    REQUIRE(put_all(&u, "c", 3) == EVL_OK);
    EXPECT(evl_transaction_abort(u.transaction) == EVL_OK); /* some of it was not written */
    REQUIRE(put_all(&u, "d", 4) == EVL_OK);
    EXPECT(evl_transaction_commit(u.transaction) == EVL_OK);
    EXPECT(evl_transaction_commit(u.transaction) == EVL_OK); /* nothing is open */
    EXPECT(evl_transaction_abort(u.transaction) == EVL_OK);
    EXPECT(sees(u.place, "a d ", "a d ", 4));
    user_close(&u);
    EXPECT(one_sees(sim, "a d ", "a d ", 4));
    sim_power_cut(sim);
    EXPECT(one_sees(sim, "a d ", "a d ", 4));
    sim_destroy(sim);
}

TEST("each transaction of an owner has an epoch of its own")
{
    struct sim *sim = sim_create(1);
    struct user u;
    struct evl_transactions list;
    REQUIRE(user_open(&u, sim_process(sim), "pay") == EVL_OK);
    for (int i = 0; i < 5; i++)
        REQUIRE(put(&u, 0, "x") == EVL_OK && evl_transaction_commit(u.transaction) == EVL_OK);
    REQUIRE(evl_admin_transactions(u.place, &list) == EVL_OK && list.count == 1);
    EXPECT(strcmp(list.at[0].id, "pay") == 0 && list.at[0].epoch == 5);
    EXPECT(strcmp(list.at[0].state, "CompleteCommit") == 0 && list.at[0].partition_count == 0);
    EXPECT(list.at[0].owned && list.at[0].owner == io_pid(u.io));
    evl_transactions_release(&list);
    REQUIRE(put_all(&u, "y", 1) == EVL_OK && evl_producer_flush(u.producer) == EVL_OK);
    REQUIRE(evl_admin_transactions(u.place, &list) == EVL_OK);
    EXPECT(strcmp(list.at[0].state, "Ongoing") == 0 && list.at[0].partition_count == 3);
    EXPECT(strcmp(list.at[0].partitions[0].topic, "__consumer_offsets") == 0);
    EXPECT(strcmp(list.at[0].partitions[2].topic, "t") == 0);
    EXPECT(list.at[0].partitions[2].partition == 1 && list.at[0].timeout_ms == 60000);
    evl_transactions_release(&list);
    user_close(&u);
    EXPECT(one_sees(sim, "x x x x x ", "", -1));
    sim_destroy(sim);
}

TEST("a second owner is told who the first one is, in this process and in another")
{
    struct sim *sim = sim_create(1);
    struct user first;
    struct user second;
    struct user third;
    struct evl_transaction_options o = { .id = "pay" };
    struct evl_transaction *again = NULL;
    char pid[32];
    REQUIRE(user_open(&first, sim_process(sim), "pay") == EVL_OK);
    snprintf(pid, sizeof pid, "process %" PRId32, io_pid(first.io));
    EXPECT(evl_transaction_open(first.place, &o, &again) == EVL_ERR_BUSY && !again);
    EXPECT(strstr(evl_fault(), "transaction pay") && strstr(evl_fault(), pid));
    EXPECT(user_open(&second, sim_process(sim), "pay") == EVL_ERR_BUSY);
    EXPECT(strstr(evl_fault(), pid));
    EXPECT(user_open(&third, sim_process(sim), "other") == EVL_OK);
    user_close(&third);
    user_close(&second);
    user_close(&first);
    REQUIRE(user_open(&second, sim_process(sim), "pay") == EVL_OK); /* it is free */
    user_close(&second);
    sim_destroy(sim);
}

TEST("what makes no sense is refused: no id, a place for reading, a producer closed too early")
{
    struct sim *sim = sim_create(1);
    struct user u;
    struct user reader;
    struct evl_transaction_options none = { .id = "" };
    struct evl_transaction_options late = { .id = "x", .timeout_ms = -1 };
    struct evl_transaction *t = NULL;
    REQUIRE(user_open(&u, sim_process(sim), "pay") == EVL_OK);
    EXPECT(evl_transaction_open(u.place, &none, &t) == EVL_ERR_USAGE);
    EXPECT(evl_transaction_open(u.place, &late, &t) == EVL_ERR_USAGE);
    REQUIRE(user_enter(&reader, sim_process(sim), true) == EVL_OK);
    EXPECT(evl_transaction_open(reader.place, &none, &t) == EVL_ERR_USAGE);
    none.id = "x";
    EXPECT(evl_transaction_open(reader.place, &none, &t) == EVL_ERR_DENIED && !t);
    REQUIRE(put(&u, 0, "lost") == EVL_OK);
    evl_producer_close(u.producer);
    u.producer = NULL;
    EXPECT(evl_transaction_commit(u.transaction) == EVL_ERR_USAGE);
    EXPECT(evl_transaction_abort(u.transaction) == EVL_OK);
    EXPECT(evl_transaction_commit(u.transaction) == EVL_OK);
    user_close(&reader);
    user_close(&u);
    sim_destroy(sim);
}

TEST("readers come as far as the oldest open transaction, and skip what was aborted")
{
    struct sim *sim = sim_create(1);
    struct user x;
    struct user y;
    struct user reader;
    struct evl_buffer out = { 0 };
    struct evl_partition facts;
    REQUIRE(user_open(&x, sim_process(sim), "x") == EVL_OK);
    REQUIRE(user_open(&y, sim_process(sim), "y") == EVL_OK);
    REQUIRE(user_enter(&reader, sim_process(sim), false) == EVL_OK);
    REQUIRE(put(&y, 0, "y1") == EVL_OK && evl_transaction_commit(y.transaction) == EVL_OK);
    REQUIRE(put(&x, 0, "x1") == EVL_OK && evl_producer_flush(x.producer) == EVL_OK); /* at 2 */
    REQUIRE(put(&y, 0, "y2") == EVL_OK && evl_producer_flush(y.producer) == EVL_OK); /* at 3 */
    REQUIRE(put(&x, 0, "x2") == EVL_OK && evl_producer_flush(x.producer) == EVL_OK);
    REQUIRE(evl_transaction_commit(y.transaction) == EVL_OK);
    EXPECT(values(reader.place, 0, &out) == EVL_OK && strcmp(buf_text(&out), "y1 ") == 0);
    EXPECT(evl_admin_partition(reader.place, "t", 0, &facts) == EVL_OK);
    EXPECT(facts.stable_end == 2 && facts.end == 6);
    REQUIRE(put(&y, 0, "y3") == EVL_OK && evl_producer_flush(y.producer) == EVL_OK); /* at 6 */
    EXPECT(evl_transaction_abort(x.transaction) == EVL_OK);
    EXPECT(values(reader.place, 0, &out) == EVL_OK && strcmp(buf_text(&out), "y1 y2 ") == 0);
    EXPECT(evl_admin_partition(reader.place, "t", 0, &facts) == EVL_OK && facts.stable_end == 6);
    EXPECT(evl_transaction_commit(y.transaction) == EVL_OK);
    EXPECT(values(reader.place, 0, &out) == EVL_OK && strcmp(buf_text(&out), "y1 y2 y3 ") == 0);
    EXPECT(all_are_sound(reader.place));
    sim_power_cut(sim);
    EXPECT(one_sees(sim, "y1 y2 y3 ", "", -1));
    buf_release(&out);
    user_close(&x);
    user_close(&y);
    user_close(&reader);
    sim_destroy(sim);
}

/* ---- owners that die ----------------------------------------------------- */

TEST("whoever meets what a dead owner left ends it")
{
    struct sim *sim = sim_create(1);
    struct user u;
    struct user next;
    REQUIRE(user_open(&u, sim_process(sim), "pay") == EVL_OK);
    REQUIRE(put_all(&u, "a", 1) == EVL_OK && evl_producer_flush(u.producer) == EVL_OK);
    REQUIRE(user_enter(&next, sim_process(sim), false) == EVL_OK);
    EXPECT(sees(next.place, "", "", -2)); /* the owner lives */
    EXPECT(evl_admin_abort_transaction(next.place, "pay") == EVL_ERR_BUSY);
    EXPECT(evl_admin_abort_transaction(next.place, "none") == EVL_ERR_NOT_FOUND);
    sim_kill(u.io);
    EXPECT(sees(next.place, "", "", -1));
    EXPECT(evl_admin_abort_transaction(next.place, "pay") == EVL_ERR_NOT_FOUND);
    user_close(&u);
    REQUIRE(user_open(&u, sim_process(sim), "pay") == EVL_OK);
    REQUIRE(put_all(&u, "b", 2) == EVL_OK && evl_transaction_commit(u.transaction) == EVL_OK);
    EXPECT(sees(next.place, "b ", "b ", 2));
    user_close(&u);
    user_close(&next);
    sim_destroy(sim);
}

/* A follower of partition 0: what it waits for when it is at the end of it. */
static enum evl_error follow(struct user *u, struct evl_consumer **c)
{
    struct evl_consumer_options o = { .isolation = EVL_COMMITTED, .follow = true };
    enum evl_error err = evl_consumer_open(u->place, &o, c);
    return err ? err : evl_consumer_add(*c, "t", 0, 0, -1);
}

/* The next value within ten seconds; "" if there is none. */
static const char *next_value(struct evl_consumer *c)
{
    static char value[32];
    struct evl_record record;
    enum evl_next what;
    bool more;
    for (int i = 0; i < 20; i++) {
        if (evl_consumer_next(c, &record, &what))
            return evl_fault();
        if (what == EVL_NEXT_RECORD) {
            snprintf(value, sizeof value, "%.*s", (int)record.value.count,
                     (const char *)record.value.at);
            return value;
        }
        EXPECT(evl_consumer_wait(c, 500, &more) == EVL_OK);
    }
    return "";
}

TEST("a follower goes on past a dead owner's transaction, and one who may not write says why not")
{
    struct sim *sim = sim_create(1);
    struct user u;
    struct user writer;
    struct user reader;
    struct evl_consumer *may = NULL;
    struct evl_consumer *may_not = NULL;
    REQUIRE(user_open(&u, sim_process(sim), "pay") == EVL_OK);
    REQUIRE(put(&u, 0, "a") == EVL_OK && evl_transaction_commit(u.transaction) == EVL_OK);
    REQUIRE(put(&u, 0, "b") == EVL_OK && evl_producer_flush(u.producer) == EVL_OK);
    REQUIRE(user_enter(&writer, sim_process(sim), false) == EVL_OK);
    REQUIRE(user_enter(&reader, sim_process(sim), true) == EVL_OK);
    REQUIRE(follow(&writer, &may) == EVL_OK && follow(&reader, &may_not) == EVL_OK);
    EXPECT(strcmp(next_value(may), "a") == 0 && strcmp(next_value(may_not), "a") == 0);
    EXPECT(strcmp(next_value(may), "") == 0 && strcmp(next_value(may_not), "") == 0);
    EXPECT(strstr(writer.said, "t-0: records from offset 2 on wait") &&
           strstr(writer.said, "transaction pay, which process"));
    EXPECT(strstr(reader.said, "transaction pay, which process"));
    sim_kill(u.io);
    user_close(&u);
    struct user late;
    REQUIRE(user_enter(&late, sim_process(sim), true) == EVL_OK);
    struct evl_buffer out = { 0 };
    EXPECT(values(late.place, 0, &out) == EVL_OK && strcmp(buf_text(&out), "a ") == 0);
    EXPECT(strstr(late.said, "transaction pay, whose owner is gone"));
    buf_release(&out);
    user_close(&late);
    EXPECT(strcmp(next_value(may), "") == 0);
    REQUIRE(user_open(&u, sim_process(sim), "pay") == EVL_OK);
    REQUIRE(put(&u, 0, "c") == EVL_OK && evl_transaction_commit(u.transaction) == EVL_OK);
    EXPECT(strcmp(next_value(may), "c") == 0 && strcmp(next_value(may_not), "c") == 0);
    evl_consumer_close(may);
    evl_consumer_close(may_not);
    user_close(&u);
    user_close(&reader);
    user_close(&writer);
    sim_destroy(sim);
}

TEST("a zombie's late records and its commit are refused")
{
    struct sim *sim = sim_create(1);
    struct user zombie;
    struct user next;
    REQUIRE(user_open(&zombie, sim_process(sim), "pay") == EVL_OK);
    REQUIRE(put_all(&zombie, "a", 1) == EVL_OK && evl_producer_flush(zombie.producer) == EVL_OK);
    sim_pass(sim, 61 * (int64_t)1000000000); /* longer than its timeout */
    REQUIRE(user_enter(&next, sim_process(sim), false) == EVL_OK);
    EXPECT(sees(next.place, "", "", -1)); /* that aborted it */
    REQUIRE(put(&zombie, 0, "late") == EVL_OK);
    EXPECT(evl_producer_flush(zombie.producer) == EVL_ERR_FENCED);
    EXPECT(evl_transaction_commit(zombie.transaction) == EVL_ERR_FENCED);
    EXPECT(put_position(&zombie, 7) == EVL_ERR_FENCED);
    EXPECT(evl_transaction_abort(zombie.transaction) == EVL_ERR_FENCED);
    EXPECT(sees(next.place, "", "", -1));
    user_close(&zombie);
    REQUIRE(user_open(&zombie, sim_process(sim), "pay") == EVL_OK);
    REQUIRE(put_all(&zombie, "b", 2) == EVL_OK);
    EXPECT(evl_transaction_commit(zombie.transaction) == EVL_OK);
    EXPECT(sees(next.place, "b ", "b ", 2));
    user_close(&zombie);
    user_close(&next);
    sim_destroy(sim);
}

TEST("a zombie that tries to take a further partition, or only to commit, is refused too")
{
    struct sim *sim = sim_create(1);
    struct user zombie;
    struct user next;
    for (int way = 0; way < 2; way++) {
        REQUIRE(user_open(&zombie, sim_process(sim), "pay") == EVL_OK);
        REQUIRE(put(&zombie, 0, "a") == EVL_OK && evl_producer_flush(zombie.producer) == EVL_OK);
        sim_pass(sim, 61 * (int64_t)1000000000);
        REQUIRE(user_enter(&next, sim_process(sim), false) == EVL_OK);
        EXPECT(evl_admin_abort_transaction(next.place, "pay") == EVL_OK);
        if (way == 0)
            EXPECT(put(&zombie, 1, "late") == EVL_OK);
        EXPECT(evl_transaction_commit(zombie.transaction) == EVL_ERR_FENCED);
        EXPECT(strstr(evl_fault(), "transaction pay was taken over"));
        EXPECT(sees(next.place, "", "", -1));
        user_close(&zombie);
        user_close(&next);
    }
    sim_destroy(sim);
}

/* ---- at every call ------------------------------------------------------- */

enum how_far { NOTHING, ASKED, ANSWERED };

/* Two transactions that are committed, and one between them that is not.  How far
 * each of the two came. */
static void play(struct user *u, struct io *io, enum how_far far[2])
{
    static const char *const value[] = { "a", "b" };
    far[0] = far[1] = NOTHING;
    if (user_open(u, io, "pay"))
        return;
    for (int i = 0; i < 2; i++) {
        if (put_all(u, value[i], i + 1))
            return;
        far[i] = ASKED;
        if (evl_transaction_commit(u->transaction) || !sim_is_alive(io))
            return;
        far[i] = ANSWERED;
        if (put_all(u, "never", 9) || evl_producer_flush(u->producer) ||
            evl_transaction_abort(u->transaction))
            return;
    }
}

/* How many of the two are there, whole; -1: a part of one is. */
static int whole(struct evl_place *place)
{
    static const char *const all[] = { "", "a ", "a b " };
    struct evl_buffer zero = { 0 };
    struct evl_buffer one = { 0 };
    int count = -1;
    enum evl_error err = values(place, 0, &zero);
    if (!err || err == EVL_ERR_NOT_FOUND)
        err = values(place, 1, &one);
    int64_t offset = position(place);
    for (int i = 0; i < 3; i++)
        if (strcmp(buf_text(&zero), all[i]) == 0 && strcmp(buf_text(&one), all[i]) == 0 &&
            offset == (i ? i : -1))
            count = i;
    if (err && err != EVL_ERR_NOT_FOUND)
        count = -1;
    buf_release(&zero);
    buf_release(&one);
    return count;
}

struct stop {
    enum sim_fault how;
    uint64_t at, again; /* again: the call of whoever comes next; 0: none */
    bool quiet;         /* what is wrong is wanted */
    bool wrong;         /* something was */
};

/* Somebody looks, who ends what was left; is he stopped at that call? */
static bool look(struct sim *sim, const struct stop *stop)
{
    struct user u;
    sim_options(sim)->after[stop->how] = stop->again;
    if (!user_enter(&u, sim_process(sim), false))
        (void)whole(u.place);
    bool struck = sim_options(sim)->after[stop->how] == 0;
    sim_options(sim)->after[stop->how] = 0;
    if (sim_is_alive(u.io))
        sim_kill(u.io);
    evl_place_close(u.place);
    return struck;
}

/* Whether the next process finds what was answered, and nothing by halves. */
static bool judge(struct sim *sim, const enum how_far far[2], const struct stop *stop)
{
    struct user u;
    int found = user_enter(&u, sim_process(sim), false) ? -2 : whole(u.place);
    int least = (far[0] == ANSWERED) + (far[1] == ANSWERED);
    int most = (far[0] != NOTHING) + (far[1] != NOTHING);
    bool right = found >= least && found <= most && all_are_sound(u.place);
    if (!right && !stop->quiet) {
        (void)sees(u.place, "?", "?", 0); /* tells what it sees */
        printf("# %s at call %" PRIu64 "/%" PRIu64 ": %d of %d to %d\n",
               stop->how == SIM_CUT ? "cut" : "killed", stop->at, stop->again, found, least, most);
        EXPECT(right);
    }
    user_close(&u);
    return right;
}

/* Whether somebody was stopped there. */
static bool stopped(struct stop *stop)
{
    struct sim *sim = sim_create(stop->at);
    struct user u = { 0 };
    enum how_far far[2];
    sim_options(sim)->after[stop->how] = stop->at;
    play(&u, sim_process(sim), far);
    bool struck = sim_options(sim)->after[stop->how] == 0;
    sim_options(sim)->after[stop->how] = 0;
    if (sim_is_alive(u.io))
        sim_kill(u.io);
    if (stop->again > 0)
        struck = look(sim, stop);
    stop->wrong = !judge(sim, far, stop) || stop->wrong;
    user_close(&u);
    sim_destroy(sim);
    return struck;
}

TEST("the power may go, a process may die at any call: a transaction is there whole or not at all")
{
    struct stop cut = { .how = SIM_CUT, .at = 1 };
    struct stop kill = { .how = SIM_KILL, .at = 1 };
    while (stopped(&cut))
        cut.at += 3;
    while (stopped(&kill))
        kill.at += 5;
    EXPECT(cut.at > 300 && kill.at > 300);
    printf("# %" PRIu64 " calls\n", cut.at);
}

TEST("and so may whoever ends it for a dead owner, and the next one does it")
{
    for (uint64_t at = 900; at < 5000; at += 431)
        for (int how = SIM_KILL; how <= SIM_CUT; how++) {
            struct stop stop = { .how = (enum sim_fault)how, .at = at, .again = 1 };
            while (stopped(&stop))
                stop.again += 11;
        }
}

/* A loop that sees no planted bug proves nothing. */
static bool is_seen(enum plant plant, enum sim_fault how)
{
    struct stop stop = { .how = how, .at = 1, .quiet = true };
    plant_on[plant] = true;
    while (!stop.wrong && stopped(&stop))
        stop.at += 1;
    plant_on[plant] = false;
    return stop.wrong;
}

TEST("it shows when a transaction's partition, marker or index comes too late")
{
    EXPECT(is_seen(PLANT_UNREGISTERED, SIM_KILL));
    EXPECT(is_seen(PLANT_LATE_ABORT, SIM_KILL));
    EXPECT(is_seen(PLANT_MARKER_UNSYNCED, SIM_CUT));
}

TEST("it shows when what a zombie writes late is taken")
{
    struct sim *sim = sim_create(1);
    struct user zombie;
    struct user next;
    plant_on[PLANT_UNFENCED] = true;
    REQUIRE(user_open(&zombie, sim_process(sim), "pay") == EVL_OK);
    REQUIRE(put(&zombie, 0, "a") == EVL_OK && evl_producer_flush(zombie.producer) == EVL_OK);
    sim_pass(sim, 61 * (int64_t)1000000000);
    REQUIRE(user_enter(&next, sim_process(sim), false) == EVL_OK);
    EXPECT(evl_admin_abort_transaction(next.place, "pay") == EVL_OK);
    REQUIRE(put(&zombie, 0, "late") == EVL_OK);
    EXPECT(evl_producer_flush(zombie.producer) == EVL_OK); /* and nobody ever ends that */
    plant_on[PLANT_UNFENCED] = false;
    user_close(&zombie);
    user_close(&next);
    sim_destroy(sim);
}
