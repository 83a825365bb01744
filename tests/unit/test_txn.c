/* Transactions in memory, and what is decided about them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "txn/txn_decide.h"
#include "unit.h"

enum { TIMEOUT = 60000, TIMEOUT_MAX = 900000 };

struct stage {
    struct txn_table *table;
    struct keyed_list records;
    struct txn_answer answer;
    struct txn_moment moment;
    struct txn_wish wishes[8];
};

static struct stage stage_open(void)
{
    return (struct stage){
        .table = txn_create(),
        .moment = { .now_ms = 1000, .fresh_id = 4000, .level = TXN_V2 },
    };
}

static void stage_close(struct stage *s)
{
    txn_destroy(s->table);
    keyed_list_release(&s->records);
}

/* What the caller of a decision does with it. */
static enum kafka_error done(struct stage *s, enum kafka_error error)
{
    for (size_t i = 0; i < s->records.count; i++) {
        struct evl_record r = keyed_list_at(&s->records, i);
        EXPECT(txn_apply(s->table, r.key, r.value) == EVL_OK);
    }
    return error;
}

/* The same, of one that answers. */
static enum kafka_error answered(struct stage *s, const char *id, enum kafka_error error)
{
    size_t count = s->records.count;
    (void)done(s, error);
    if (count > 0)
        txn_remember(s->table, evl_text(id), s->answer.last_epoch);
    if (s->moment.fresh_id >= 0 && s->answer.producer_id == s->moment.fresh_id)
        s->moment.fresh_id++;
    return error;
}

static enum kafka_error init_by(struct stage *s, const char *id, int64_t producer, int16_t epoch)
{
    struct txn_init init = { evl_text(id), producer, epoch, TIMEOUT, TIMEOUT_MAX };
    return answered(s, id, txn_decide_init(s->table, &init, &s->moment, &s->records, &s->answer));
}

static enum kafka_error init(struct stage *s, const char *id) { return init_by(s, id, -1, -1); }

static const struct txn *find(struct stage *s, const char *id)
{
    return txn_find(s->table, evl_text(id));
}

/* Partitions 0 to count - 1 of a topic. */
static enum kafka_error add_by(struct stage *s, const char *id, int64_t producer, int16_t epoch,
                               const char *topic, int32_t count)
{
    struct txn_add add = { evl_text(id), producer,      epoch, s->moment.level,
                           s->wishes,    (size_t)count, false };
    for (int32_t i = 0; i < count; i++)
        s->wishes[i] = (struct txn_wish){ evl_text(topic), i, KAFKA_NONE };
    return done(s, txn_decide_add(s->table, &add, &s->moment, &s->records));
}

static enum kafka_error add(struct stage *s, const char *id, const char *topic, int32_t count)
{
    const struct txn *t = find(s, id);
    return add_by(s, id, t->producer_id, t->epoch, topic, count);
}

static enum kafka_error end_by(struct stage *s, const char *id, int64_t producer, int16_t epoch,
                               bool commit)
{
    struct txn_end end = { evl_text(id), producer, epoch, s->moment.level, commit };
    return answered(s, id, txn_decide_end(s->table, &end, &s->moment, &s->records, &s->answer));
}

static enum kafka_error end(struct stage *s, const char *id, bool commit)
{
    const struct txn *t = find(s, id);
    return end_by(s, id, t->producer_id, t->epoch, commit);
}

static enum kafka_error abort_it(struct stage *s, const char *id)
{
    return done(s, txn_decide_abort(s->table, evl_text(id), &s->moment, &s->records));
}

static enum kafka_error complete(struct stage *s, const char *id)
{
    const struct txn *t = find(s, id);
    for (size_t i = 0; t && i < t->partition_count; i++)
        txn_acknowledge(s->table, t->id, t->partitions[i].topic, t->partitions[i].partition);
    return done(s, txn_decide_complete(s->table, evl_text(id), &s->moment, &s->records));
}

/* Its state, producer id and epoch. */
static bool is_at(struct stage *s, const char *id, enum txn_state state, int64_t producer,
                  int16_t epoch)
{
    const struct txn *t = find(s, id);
    return t && t->state == state && t->producer_id == producer && t->epoch == epoch;
}

/* Put an id at a place, as if the log had said so. */
static void place(struct stage *s, const char *id, enum txn_state state, int16_t epoch,
                  int16_t client)
{
    struct transaction_log_key key = { evl_text(id) };
    struct transaction_log_value value;
    struct keyed_list list = { 0 };
    message_init(transaction_log.value, &value);
    value.producer_id = 4000;
    value.producer_epoch = epoch;
    value.transaction_timeout_ms = TIMEOUT;
    value.transaction_status = (int8_t)state;
    value.client_transaction_version = client;
    EXPECT(keyed_list_add(&list, &transaction_log, &key, 1, &value) == EVL_OK);
    struct evl_record r = keyed_list_at(&list, 0);
    EXPECT(txn_apply(s->table, r.key, r.value) == EVL_OK);
    keyed_list_release(&list);
    s->moment.fresh_id = 5000;
}

/* ---- the table ----------------------------------------------------------- */

TEST("what may follow which state of a transaction is Kafka's list")
{
    static const char *const befores[] = { "045", "1045", "1", "17045", "2", "3", "045", "1" };
    for (int to = TXN_EMPTY; to <= TXN_EPOCH_FENCE; to++)
        for (int from = TXN_EMPTY; from <= TXN_EPOCH_FENCE; from++)
            EXPECT(txn_state_may_follow((enum txn_state)from, (enum txn_state)to) ==
                   (strchr(befores[to], '0' + from) != NULL));
    EXPECT(strcmp(txn_state_text(TXN_PREPARE_ABORT), "PrepareAbort") == 0);
    EXPECT(strcmp(txn_state_text(TXN_EPOCH_FENCE), "PrepareEpochFence") == 0);
}

TEST("a transaction record that cannot be is refused, and changes nothing")
{
    struct stage s = stage_open();
    struct transaction_log_key key = { evl_text("pay") };
    struct transaction_log_value value;
    struct {
        int64_t id;
        int16_t epoch;
        int8_t status;
    } wrong[] = {
        { 1, 0, -1 }, { 1, 0, TXN_DEAD }, { 1, 0, TXN_EPOCH_FENCE }, { -1, 0, 0 }, { 1, -1, 0 },
    };
    REQUIRE(init(&s, "pay") == KAFKA_NONE);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        message_init(transaction_log.value, &value);
        value.producer_id = wrong[i].id;
        value.producer_epoch = wrong[i].epoch;
        value.transaction_status = wrong[i].status;
        keyed_list_clear(&s.records);
        REQUIRE(keyed_list_add(&s.records, &transaction_log, &key, 1, &value) == EVL_OK);
        struct evl_record r = keyed_list_at(&s.records, 0);
        EXPECT(txn_apply(s.table, r.key, r.value) == EVL_ERR_CORRUPT);
        EXPECT(txn_apply(s.table, r.key, evl_bytes("\0\2x", 3)) == EVL_ERR_PROTOCOL);
        EXPECT(txn_apply(s.table, evl_bytes("\0", 1), r.value) == EVL_ERR_CORRUPT);
    }
    EXPECT(is_at(&s, "pay", TXN_EMPTY, 4000, 0));
    EXPECT(txn_apply(s.table, evl_bytes("\0\7later", 7), evl_bytes("x", 1)) == EVL_OK);
    EXPECT(s.table->by_id.count == 1);
    stage_close(&s);
}

TEST("a table that is cleared has forgotten all, and a table that is none is closed too")
{
    struct stage s = stage_open();
    REQUIRE(init(&s, "a") == KAFKA_NONE && init(&s, "b") == KAFKA_NONE);
    txn_pend(s.table, evl_text("a"));
    txn_clear(s.table);
    size_t i = 0;
    EXPECT(!txn_next(s.table, &i) && !find(&s, "a") && !txn_is_pending(s.table, evl_text("a")));
    EXPECT(init(&s, "a") == KAFKA_NONE && is_at(&s, "a", TXN_EMPTY, 4002, 0));
    txn_pend(s.table, evl_text("c")); /* it is let go with the table */
    txn_destroy(NULL);
    stage_close(&s);
}

TEST("partitions are found by topic and number, whatever the order in the record")
{
    struct stage s = stage_open();
    REQUIRE(init(&s, "pay") == KAFKA_NONE && !txn_partition(find(&s, "pay"), evl_text("a"), 0));
    REQUIRE(add(&s, "pay", "orders", 3) == KAFKA_NONE && add(&s, "pay", "order", 2) == KAFKA_NONE);
    REQUIRE(add(&s, "pay", "a", 1) == KAFKA_NONE && add(&s, "pay", "", 1) == KAFKA_NONE);
    const struct txn *t = find(&s, "pay");
    EXPECT(t->partition_count == 7);
    EXPECT(txn_partition(t, evl_text("orders"), 2) && txn_partition(t, evl_text("order"), 1));
    EXPECT(txn_partition(t, evl_text("a"), 0) && txn_partition(t, evl_text(""), 0));
    EXPECT(!txn_partition(t, evl_text("order"), 2) && !txn_partition(t, evl_text("ordersx"), 0));
    EXPECT(!txn_partition(t, evl_text("b"), 0));
    for (size_t i = 1; i < t->partition_count; i++)
        EXPECT(txn_partition_compare(&t->partitions[i - 1], &t->partitions[i]) < 0);
    stage_close(&s);
}

/* ---- InitProducerId ------------------------------------------------------ */

TEST("a producer without transactions gets an id that nobody had, and no record")
{
    struct stage s = stage_open();
    EXPECT(init(&s, NULL) == KAFKA_NONE && s.records.count == 0);
    EXPECT(s.answer.producer_id == 4000 && s.answer.epoch == 0);
    s.moment.fresh_id = -1;
    EXPECT(init(&s, NULL) == KAFKA_NONE && s.answer.wants_id && s.answer.producer_id == -1);
    stage_close(&s);
}

TEST("a request that makes no sense is refused before anything is decided")
{
    static char longest[TXN_ID_BYTES_MAX + 2];
    struct stage s = stage_open();
    struct txn_init wrong = { evl_text("pay"), -1, -1, 0, TIMEOUT_MAX };
    memset(longest, 'x', sizeof longest - 1);
    EXPECT(init(&s, "") == KAFKA_INVALID_REQUEST && init(&s, longest) == KAFKA_INVALID_REQUEST);
    EXPECT(init_by(&s, "pay", 5, -1) == KAFKA_INVALID_REQUEST);
    EXPECT(init_by(&s, "pay", -1, 5) == KAFKA_INVALID_REQUEST);
    EXPECT(init_by(&s, NULL, -1, 5) == KAFKA_INVALID_REQUEST);
    EXPECT(txn_decide_init(s.table, &wrong, &s.moment, &s.records, &s.answer) ==
           KAFKA_INVALID_TRANSACTION_TIMEOUT);
    wrong.timeout_ms = TIMEOUT_MAX + 1;
    EXPECT(txn_decide_init(s.table, &wrong, &s.moment, &s.records, &s.answer) ==
           KAFKA_INVALID_TRANSACTION_TIMEOUT);
    EXPECT(add_by(&s, "", 1, 1, "orders", 1) == KAFKA_INVALID_REQUEST);
    EXPECT(s.wishes[0].error == KAFKA_INVALID_REQUEST);
    EXPECT(end_by(&s, "", 1, 1, true) == KAFKA_INVALID_REQUEST);
    EXPECT(s.table->by_id.count == 0 && s.records.count == 0);
    stage_close(&s);
}

TEST("a new transactional id begins empty, with epoch zero")
{
    struct stage s = stage_open();
    s.moment.fresh_id = -1;
    EXPECT(init(&s, "pay") == KAFKA_NONE && s.answer.wants_id && !find(&s, "pay"));
    s.moment.fresh_id = 77;
    EXPECT(init(&s, "pay") == KAFKA_NONE && !s.answer.wants_id);
    EXPECT(s.answer.producer_id == 77 && s.answer.epoch == 0);
    const struct txn *t = find(&s, "pay");
    REQUIRE(t && t->state == TXN_EMPTY && t->timeout_ms == TIMEOUT && t->updated_ms == 1000);
    EXPECT(t->previous_producer_id == -1 && t->next_producer_id == -1 && t->started_ms == -1);
    EXPECT(t->partition_count == 0 && t->last_epoch == -1);
    stage_close(&s);
}

TEST("whoever becomes the owner of an idle id has the next epoch")
{
    struct stage s = stage_open();
    REQUIRE(init(&s, "pay") == KAFKA_NONE);
    EXPECT(init(&s, "pay") == KAFKA_NONE && s.answer.producer_id == 4000 && s.answer.epoch == 1);
    for (int commit = 0; commit < 2; commit++) {
        REQUIRE(add(&s, "pay", "orders", 1) == KAFKA_NONE && end(&s, "pay", commit) == KAFKA_NONE);
        REQUIRE(complete(&s, "pay") == KAFKA_NONE && init(&s, "pay") == KAFKA_NONE);
        EXPECT(find(&s, "pay")->partition_count == 0 && find(&s, "pay")->started_ms == -1);
    }
    EXPECT(is_at(&s, "pay", TXN_EMPTY, 4000, 5));
    stage_close(&s);
}

TEST("a client that says what it has gets the next epoch, and the same again if it missed it")
{
    struct stage s = stage_open();
    REQUIRE(init(&s, "pay") == KAFKA_NONE);
    EXPECT(init_by(&s, "pay", 4000, 0) == KAFKA_NONE && s.answer.epoch == 1);
    EXPECT(init_by(&s, "pay", 4000, 0) == KAFKA_NONE && s.answer.epoch == 1);
    EXPECT(s.records.count == 0);
    EXPECT(init_by(&s, "pay", 4000, 1) == KAFKA_NONE && s.answer.epoch == 2);
    EXPECT(init_by(&s, "pay", 4000, 0) == KAFKA_PRODUCER_FENCED);
    EXPECT(init_by(&s, "pay", 4000, 3) == KAFKA_PRODUCER_FENCED);
    EXPECT(init_by(&s, "pay", 4001, 2) == KAFKA_PRODUCER_FENCED);
    EXPECT(is_at(&s, "pay", TXN_EMPTY, 4000, 2));
    /* Another one came: what the first one had is worth nothing. */
    EXPECT(init(&s, "pay") == KAFKA_NONE && s.answer.epoch == 3);
    EXPECT(init_by(&s, "pay", 4000, 2) == KAFKA_PRODUCER_FENCED);
    /* An id that nobody knows any more is a new one. */
    EXPECT(init_by(&s, "gone", 4000, 2) == KAFKA_NONE && s.answer.epoch == 0);
    stage_close(&s);
}

TEST("after the last epoch comes a new producer id, and its client may ask twice")
{
    struct stage s = stage_open();
    place(&s, "pay", TXN_EMPTY, TXN_EPOCH_LAST, TXN_V2);
    s.moment.fresh_id = -1;
    EXPECT(init_by(&s, "pay", 4000, TXN_EPOCH_LAST) == KAFKA_NONE && s.answer.wants_id);
    s.moment.fresh_id = 5000;
    EXPECT(init_by(&s, "pay", 4000, TXN_EPOCH_LAST) == KAFKA_NONE);
    EXPECT(s.answer.producer_id == 5000 && s.answer.epoch == 0);
    EXPECT(find(&s, "pay")->previous_producer_id == 4000);
    EXPECT(init_by(&s, "pay", 4000, TXN_EPOCH_LAST) == KAFKA_NONE && s.records.count == 0);
    EXPECT(s.answer.producer_id == 5000 && s.answer.epoch == 0);
    EXPECT(init_by(&s, "pay", 4000, 5) == KAFKA_PRODUCER_FENCED);
    place(&s, "other", TXN_COMPLETE_ABORT, TXN_EPOCH_LAST + 1, TXN_V1);
    EXPECT(init(&s, "other") == KAFKA_NONE && s.answer.producer_id == 5000);
    EXPECT(is_at(&s, "other", TXN_EMPTY, 5000, 0));
    stage_close(&s);
}

TEST("who wants an id whose transaction is being ended asks again")
{
    struct stage s = stage_open();
    for (int commit = 0; commit < 2; commit++) {
        REQUIRE(init(&s, "pay") == KAFKA_NONE && add(&s, "pay", "orders", 1) == KAFKA_NONE);
        REQUIRE(end(&s, "pay", commit) == KAFKA_NONE);
        EXPECT(init(&s, "pay") == KAFKA_CONCURRENT_TRANSACTIONS && s.records.count == 0);
        REQUIRE(complete(&s, "pay") == KAFKA_NONE);
    }
    stage_close(&s);
}

TEST("who wants an id whose transaction is open has it aborted, and its owner fenced")
{
    for (int16_t level = TXN_V0; level <= TXN_V2; level++) {
        struct stage s = stage_open();
        s.moment.level = level;
        REQUIRE(init(&s, "pay") == KAFKA_NONE && add(&s, "pay", "orders", 2) == KAFKA_NONE);
        EXPECT(init(&s, "pay") == KAFKA_CONCURRENT_TRANSACTIONS && s.records.count == 1);
        EXPECT(s.answer.producer_id == -1 && s.answer.epoch == -1);
        EXPECT(is_at(&s, "pay", TXN_PREPARE_ABORT, 4000, 1));
        EXPECT(add_by(&s, "pay", 4000, 0, "orders", 3) == KAFKA_PRODUCER_FENCED);
        EXPECT(end_by(&s, "pay", 4000, 0, false) == KAFKA_PRODUCER_FENCED);
        REQUIRE(complete(&s, "pay") == KAFKA_NONE && init(&s, "pay") == KAFKA_NONE);
        EXPECT(s.answer.producer_id == 4000 && s.answer.epoch == 2);
        EXPECT(end_by(&s, "pay", 4000, 0, true) == KAFKA_PRODUCER_FENCED);
        EXPECT(init_by(&s, "pay", 4000, 1) == KAFKA_PRODUCER_FENCED);
        stage_close(&s);
    }
}

TEST("after the owner of the last epoch was fenced, the next one gets a new producer id")
{
    struct stage s = stage_open();
    place(&s, "pay", TXN_ONGOING, TXN_EPOCH_LAST, TXN_V2);
    EXPECT(init(&s, "pay") == KAFKA_CONCURRENT_TRANSACTIONS && !s.answer.wants_id);
    EXPECT(is_at(&s, "pay", TXN_PREPARE_ABORT, 4000, INT16_MAX));
    EXPECT(end_by(&s, "pay", 4000, TXN_EPOCH_LAST, false) == KAFKA_PRODUCER_FENCED);
    EXPECT(complete(&s, "pay") == KAFKA_NONE);
    EXPECT(is_at(&s, "pay", TXN_COMPLETE_ABORT, 4000, INT16_MAX));
    EXPECT(end_by(&s, "pay", 4000, INT16_MAX, false) == KAFKA_PRODUCER_FENCED);
    EXPECT(add_by(&s, "pay", 4000, INT16_MAX, "orders", 1) == KAFKA_PRODUCER_FENCED);
    EXPECT(end_by(&s, "pay", 4000, TXN_EPOCH_LAST, false) == KAFKA_PRODUCER_FENCED);
    EXPECT(init(&s, "pay") == KAFKA_NONE && s.answer.producer_id == 5000 && s.answer.epoch == 0);
    stage_close(&s);
}

/* ---- AddPartitionsToTxn -------------------------------------------------- */

TEST("the first partition begins the transaction, further ones join it")
{
    struct stage s = stage_open();
    REQUIRE(init(&s, "pay") == KAFKA_NONE);
    s.moment.now_ms = 2000;
    EXPECT(add(&s, "pay", "orders", 2) == KAFKA_NONE && is_at(&s, "pay", TXN_ONGOING, 4000, 0));
    EXPECT(find(&s, "pay")->started_ms == 2000 && find(&s, "pay")->partition_count == 2);
    s.moment.now_ms = 3000;
    EXPECT(add(&s, "pay", "__consumer_offsets", 1) == KAFKA_NONE && s.records.count == 1);
    EXPECT(find(&s, "pay")->started_ms == 2000 && find(&s, "pay")->updated_ms == 3000);
    EXPECT(find(&s, "pay")->partition_count == 3 && s.wishes[0].error == KAFKA_NONE);
    EXPECT(add(&s, "pay", "orders", 2) == KAFKA_NONE && s.records.count == 0);
    EXPECT(add(&s, "pay", "orders", 3) == KAFKA_NONE && find(&s, "pay")->partition_count == 4);
    stage_close(&s);
}

TEST("a transaction after another begins without its partitions")
{
    struct stage s = stage_open();
    REQUIRE(init(&s, "pay") == KAFKA_NONE && add(&s, "pay", "orders", 3) == KAFKA_NONE);
    REQUIRE(end(&s, "pay", true) == KAFKA_NONE && complete(&s, "pay") == KAFKA_NONE);
    s.moment.now_ms = 5000;
    EXPECT(add(&s, "pay", "bills", 1) == KAFKA_NONE && find(&s, "pay")->partition_count == 1);
    EXPECT(find(&s, "pay")->started_ms == 5000);
    REQUIRE(end(&s, "pay", false) == KAFKA_NONE && complete(&s, "pay") == KAFKA_NONE);
    EXPECT(add(&s, "pay", "bills", 1) == KAFKA_NONE && is_at(&s, "pay", TXN_ONGOING, 4000, 2));
    stage_close(&s);
}

TEST("who is not the owner adds nothing")
{
    struct stage s = stage_open();
    EXPECT(add_by(&s, "pay", 4000, 0, "orders", 1) == KAFKA_INVALID_PRODUCER_ID_MAPPING);
    REQUIRE(init(&s, "pay") == KAFKA_NONE);
    EXPECT(add_by(&s, "pay", 4001, 0, "orders", 1) == KAFKA_INVALID_PRODUCER_ID_MAPPING);
    EXPECT(add_by(&s, "pay", 4000, 1, "orders", 1) == KAFKA_PRODUCER_FENCED);
    EXPECT(s.wishes[0].error == KAFKA_PRODUCER_FENCED);
    REQUIRE(add(&s, "pay", "orders", 1) == KAFKA_NONE && end(&s, "pay", true) == KAFKA_NONE);
    EXPECT(add(&s, "pay", "orders", 2) == KAFKA_CONCURRENT_TRANSACTIONS);
    EXPECT(s.records.count == 0 && is_at(&s, "pay", TXN_PREPARE_COMMIT, 4000, 1));
    stage_close(&s);
}

TEST("one partition that cannot take part keeps the others out")
{
    struct stage s = stage_open();
    struct txn_wish wishes[] = {
        { evl_text("orders"), 0, KAFKA_NONE },
        { evl_text("secret"), 0, KAFKA_TOPIC_AUTHORIZATION_FAILED },
        { evl_text("none"), 0, KAFKA_UNKNOWN_TOPIC_OR_PARTITION },
        { evl_text("orders"), 1, KAFKA_NONE },
    };
    REQUIRE(init(&s, "pay") == KAFKA_NONE);
    struct txn_add all = { evl_text("pay"), 4000, 0, TXN_V2, wishes, 4, false };
    EXPECT(txn_decide_add(s.table, &all, &s.moment, &s.records) == KAFKA_NONE);
    EXPECT(s.records.count == 0 && wishes[0].error == KAFKA_OPERATION_NOT_ATTEMPTED);
    EXPECT(wishes[1].error == KAFKA_TOPIC_AUTHORIZATION_FAILED);
    EXPECT(wishes[2].error == KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    EXPECT(wishes[3].error == KAFKA_OPERATION_NOT_ATTEMPTED);
    stage_close(&s);
}

TEST("a broker may ask which partitions take part, and adds none by that")
{
    struct stage s = stage_open();
    struct txn_wish wishes[] = { { evl_text("orders"), 0, KAFKA_NONE },
                                 { evl_text("orders"), 5, KAFKA_NONE } };
    struct txn_add ask = { evl_text("pay"), 4000, 0, TXN_V2, wishes, 2, true };
    EXPECT(txn_decide_add(s.table, &ask, &s.moment, &s.records) ==
           KAFKA_INVALID_PRODUCER_ID_MAPPING);
    REQUIRE(init(&s, "pay") == KAFKA_NONE && add(&s, "pay", "orders", 1) == KAFKA_NONE);
    EXPECT(txn_decide_add(s.table, &ask, &s.moment, &s.records) == KAFKA_NONE);
    EXPECT(wishes[0].error == KAFKA_NONE && wishes[1].error == KAFKA_TRANSACTION_ABORTABLE);
    EXPECT(s.records.count == 0);
    stage_close(&s);
}

/* ---- EndTxn -------------------------------------------------------------- */

TEST("a transaction ends: prepared with a higher epoch, then complete")
{
    struct stage s = stage_open();
    REQUIRE(init(&s, "pay") == KAFKA_NONE && add(&s, "pay", "orders", 2) == KAFKA_NONE);
    EXPECT(complete(&s, "pay") == KAFKA_INVALID_TXN_STATE);
    s.moment.now_ms = 7000;
    EXPECT(end(&s, "pay", true) == KAFKA_NONE && s.answer.epoch == 1);
    EXPECT(is_at(&s, "pay", TXN_PREPARE_COMMIT, 4000, 1));
    EXPECT(find(&s, "pay")->partition_count == 2 && find(&s, "pay")->started_ms == 1000);
    EXPECT(complete(&s, "pay") == KAFKA_NONE && is_at(&s, "pay", TXN_COMPLETE_COMMIT, 4000, 1));
    EXPECT(find(&s, "pay")->partition_count == 0 && find(&s, "pay")->updated_ms == 7000);
    stage_close(&s);
}

TEST("it is not over before each of its partitions has its marker")
{
    struct stage s = stage_open();
    REQUIRE(init(&s, "pay") == KAFKA_NONE && add(&s, "pay", "orders", 2) == KAFKA_NONE);
    REQUIRE(end(&s, "pay", false) == KAFKA_NONE);
    struct evl_bytes id = evl_text("pay");
    txn_acknowledge(s.table, id, evl_text("orders"), 1);
    txn_acknowledge(s.table, id, evl_text("orders"), 1);
    txn_acknowledge(s.table, id, evl_text("orders"), 7);       /* not of it */
    txn_acknowledge(s.table, evl_text("x"), evl_text("x"), 0); /* nor is that */
    EXPECT(!txn_is_acknowledged(find(&s, "pay")));
    EXPECT(txn_decide_complete(s.table, id, &s.moment, &s.records) == KAFKA_INVALID_TXN_STATE);
    txn_acknowledge(s.table, id, evl_text("orders"), 0);
    EXPECT(txn_is_acknowledged(find(&s, "pay")));
    EXPECT(complete(&s, "pay") == KAFKA_NONE && is_at(&s, "pay", TXN_COMPLETE_ABORT, 4000, 1));
    EXPECT(complete(&s, "pay") == KAFKA_INVALID_TXN_STATE);
    EXPECT(complete(&s, "none") == KAFKA_INVALID_TXN_STATE);
    txn_acknowledge(s.table, id, evl_text("orders"), 0); /* late, and of no matter */
    stage_close(&s);
}

/* An EndTxn, by its epoch against the stored one: 51, 48, 90 or 0 as Kafka's
 * table says, or B: the epoch rises. */
struct late {
    enum txn_state state;
    const char *abort_retry, *abort_current, *commit_retry, *commit_current;
};

static const struct late lates[] = {
    { TXN_EMPTY, "90", "B", "90", "48" },          { TXN_COMPLETE_ABORT, "0", "B", "48", "48" },
    { TXN_COMPLETE_COMMIT, "48", "B", "0", "48" }, { TXN_PREPARE_COMMIT, "48", "90", "51", "90" },
    { TXN_PREPARE_ABORT, "51", "90", "48", "90" }, { TXN_ONGOING, "90", "B", "90", "B" },
};

static void check_late(const struct late *l, bool commit, int16_t epoch, const char *expected)
{
    struct stage s = stage_open();
    place(&s, "pay", l->state, 8, TXN_V2);
    enum kafka_error error = end_by(&s, "pay", 4000, epoch, commit);
    if (*expected == 'B') {
        EXPECT(error == KAFKA_NONE && s.answer.epoch == 9);
        EXPECT(is_at(&s, "pay", commit ? TXN_PREPARE_COMMIT : TXN_PREPARE_ABORT, 4000, 9));
        EXPECT(complete(&s, "pay") == KAFKA_NONE);
    } else {
        EXPECT(error == (enum kafka_error)strtol(expected, NULL, 10) && s.records.count == 0);
        EXPECT(s.answer.epoch == (error ? -1 : 8) && is_at(&s, "pay", l->state, 4000, 8));
    }
    stage_close(&s);
}

TEST("EndTxn of every state, end and epoch is answered as Kafka's table says")
{
    for (size_t i = 0; i < sizeof lates / sizeof lates[0]; i++) {
        check_late(&lates[i], false, 7, lates[i].abort_retry);
        check_late(&lates[i], false, 8, lates[i].abort_current);
        check_late(&lates[i], true, 7, lates[i].commit_retry);
        check_late(&lates[i], true, 8, lates[i].commit_current);
        for (int commit = 0; commit < 2; commit++) {
            check_late(&lates[i], commit, 6, "90");
            check_late(&lates[i], commit, 9, "90");
        }
    }
}

TEST("who is not the owner ends nothing")
{
    struct stage s = stage_open();
    for (int16_t level = TXN_V0; level <= TXN_V2; level++) {
        s.moment.level = level;
        EXPECT(end_by(&s, "none", 4000, 0, true) == KAFKA_INVALID_PRODUCER_ID_MAPPING);
        place(&s, "pay", TXN_ONGOING, 8, level);
        EXPECT(end_by(&s, "pay", 4001, 8, true) == KAFKA_INVALID_PRODUCER_ID_MAPPING);
        EXPECT(end_by(&s, "pay", 4000, 6, true) == KAFKA_PRODUCER_FENCED);
        EXPECT(is_at(&s, "pay", TXN_ONGOING, 4000, 8));
    }
    /* What an older client left has no epoch before it that could be a retry. */
    place(&s, "pay", TXN_COMPLETE_COMMIT, 8, TXN_V1);
    EXPECT(end_by(&s, "pay", 4000, 7, true) == KAFKA_PRODUCER_FENCED);
    stage_close(&s);
}

TEST("with the older protocol the epoch stays, and a repeated end is no mistake")
{
    for (int16_t level = TXN_V0; level <= TXN_V1; level++)
        for (int commit = 0; commit < 2; commit++) {
            struct stage s = stage_open();
            s.moment.level = level;
            REQUIRE(init(&s, "pay") == KAFKA_NONE);
            EXPECT(end(&s, "pay", commit) == KAFKA_INVALID_TXN_STATE);
            REQUIRE(add(&s, "pay", "orders", 1) == KAFKA_NONE);
            EXPECT(end_by(&s, "pay", 4000, 1, commit) == KAFKA_PRODUCER_FENCED);
            EXPECT(end(&s, "pay", commit) == KAFKA_NONE && s.answer.epoch == 0);
            EXPECT(end(&s, "pay", commit) == KAFKA_CONCURRENT_TRANSACTIONS);
            EXPECT(end(&s, "pay", !commit) == KAFKA_INVALID_TXN_STATE);
            REQUIRE(complete(&s, "pay") == KAFKA_NONE);
            EXPECT(end(&s, "pay", commit) == KAFKA_NONE && s.records.count == 0);
            EXPECT(s.answer.producer_id == 4000 && s.answer.epoch == 0);
            EXPECT(end(&s, "pay", !commit) == KAFKA_INVALID_TXN_STATE);
            stage_close(&s);
        }
}

TEST("the end of the last epoch brings a new producer id, and may be asked for twice")
{
    struct stage s = stage_open();
    place(&s, "pay", TXN_ONGOING, TXN_EPOCH_LAST, TXN_V2);
    s.moment.fresh_id = -1;
    EXPECT(end(&s, "pay", true) == KAFKA_NONE && s.answer.wants_id && s.records.count == 0);
    s.moment.fresh_id = 5000;
    EXPECT(end(&s, "pay", true) == KAFKA_NONE && !s.answer.wants_id);
    EXPECT(s.answer.producer_id == 5000 && s.answer.epoch == 0);
    EXPECT(is_at(&s, "pay", TXN_PREPARE_COMMIT, 4000, INT16_MAX));
    EXPECT(end_by(&s, "pay", 4000, TXN_EPOCH_LAST, true) == KAFKA_CONCURRENT_TRANSACTIONS);
    EXPECT(complete(&s, "pay") == KAFKA_NONE && is_at(&s, "pay", TXN_COMPLETE_COMMIT, 5000, 0));
    EXPECT(find(&s, "pay")->previous_producer_id == 4000);
    EXPECT(find(&s, "pay")->next_producer_id == -1);
    EXPECT(end_by(&s, "pay", 4000, TXN_EPOCH_LAST, true) == KAFKA_NONE && s.records.count == 0);
    EXPECT(s.answer.producer_id == 5000 && s.answer.epoch == 0);
    EXPECT(end_by(&s, "pay", 4000, TXN_EPOCH_LAST, false) == KAFKA_INVALID_TXN_STATE);
    EXPECT(end_by(&s, "pay", 4000, 5, true) == KAFKA_INVALID_PRODUCER_ID_MAPPING);
    /* So may InitProducerId be, by who missed that answer. */
    EXPECT(init_by(&s, "pay", 4000, TXN_EPOCH_LAST) == KAFKA_NONE && s.answer.epoch == 0);
    REQUIRE(add(&s, "pay", "orders", 1) == KAFKA_NONE && end(&s, "pay", true) == KAFKA_NONE);
    EXPECT(end_by(&s, "pay", 4000, TXN_EPOCH_LAST, true) == KAFKA_INVALID_PRODUCER_ID_MAPPING);
    stage_close(&s);
}

/* ---- what nobody asked for ----------------------------------------------- */

TEST("a transaction that takes longer than its timeout is aborted, and its owner fenced")
{
    struct stage s = stage_open();
    REQUIRE(init(&s, "pay") == KAFKA_NONE && !txn_is_overdue(find(&s, "pay"), INT64_MAX));
    EXPECT(abort_it(&s, "pay") == KAFKA_INVALID_TXN_STATE);
    EXPECT(abort_it(&s, "none") == KAFKA_TRANSACTIONAL_ID_NOT_FOUND);
    REQUIRE(add(&s, "pay", "orders", 1) == KAFKA_NONE);
    EXPECT(!txn_is_overdue(find(&s, "pay"), 1000 + TIMEOUT - 1));
    EXPECT(txn_is_overdue(find(&s, "pay"), 1000 + TIMEOUT));
    EXPECT(abort_it(&s, "pay") == KAFKA_NONE && is_at(&s, "pay", TXN_PREPARE_ABORT, 4000, 1));
    EXPECT(end_by(&s, "pay", 4000, 0, false) == KAFKA_PRODUCER_FENCED);
    REQUIRE(complete(&s, "pay") == KAFKA_NONE);
    EXPECT(add_by(&s, "pay", 4000, 0, "orders", 1) == KAFKA_PRODUCER_FENCED);
    EXPECT(end_by(&s, "pay", 4000, 0, false) == KAFKA_PRODUCER_FENCED);
    EXPECT(init_by(&s, "pay", 4000, 0) == KAFKA_PRODUCER_FENCED);
    stage_close(&s);
}

static size_t expire(struct stage *s, int64_t idle_ms, size_t count_max)
{
    struct txn_expiry expiry = { .idle_ms = idle_ms, .count_max = count_max };
    txn_decide_expire(s->table, &expiry, &s->moment, &s->records);
    return s->records.count;
}

TEST("ids that were idle for long are forgotten, open and prepared ones are not")
{
    struct stage s = stage_open();
    char id[16];
    static const enum txn_state states[] = { TXN_EMPTY,   TXN_COMPLETE_COMMIT, TXN_COMPLETE_ABORT,
                                             TXN_ONGOING, TXN_PREPARE_COMMIT,  TXN_PREPARE_ABORT };
    for (size_t i = 0; i < 6; i++) {
        snprintf(id, sizeof id, "id%zu", i);
        place(&s, id, states[i], 1, TXN_V2); /* updated at 0 */
    }
    REQUIRE(init(&s, "young") == KAFKA_NONE);
    txn_pend(s.table, evl_text("id2"));
    EXPECT(expire(&s, 1001, 100) == 0);
    EXPECT(expire(&s, 1000, 100) == 2 && !keyed_list_at(&s.records, 0).value.at);
    EXPECT(expire(&s, 1000, 1) == 1);
    txn_unpend(s.table, evl_text("id2"));
    EXPECT(expire(&s, 1000, 100) == 3 && done(&s, KAFKA_NONE) == KAFKA_NONE);
    EXPECT(!find(&s, "id0") && !find(&s, "id1") && !find(&s, "id2"));
    EXPECT(find(&s, "id3") && find(&s, "id4") && find(&s, "id5") && find(&s, "young"));
    stage_close(&s);
}

static bool is_even(void *context, struct evl_bytes id)
{
    ++*(int *)context;
    return id.at[2] % 2 == 0;
}

TEST("an id whose owner lives is not forgotten, however idle")
{
    struct stage s = stage_open();
    int asked = 0;
    struct txn_expiry expiry = { 500, 100, is_even, &asked };
    place(&s, "id0", TXN_EMPTY, 1, TXN_V2);
    place(&s, "id1", TXN_EMPTY, 1, TXN_V2);
    txn_decide_expire(s.table, &expiry, &s.moment, &s.records);
    EXPECT(done(&s, KAFKA_NONE) == KAFKA_NONE && asked == 2);
    EXPECT(find(&s, "id0") && !find(&s, "id1"));
    stage_close(&s);
}

TEST("nothing is decided about an id while a record of it is on its way to the disk")
{
    struct stage s = stage_open();
    struct evl_bytes id = evl_text("pay");
    txn_pend(s.table, id);
    EXPECT(init(&s, "pay") == KAFKA_CONCURRENT_TRANSACTIONS && s.records.count == 0);
    txn_unpend(s.table, id); /* it was lost */
    REQUIRE(init(&s, "pay") == KAFKA_NONE && add(&s, "pay", "orders", 1) == KAFKA_NONE);
    txn_pend(s.table, id);
    EXPECT(add(&s, "pay", "orders", 2) == KAFKA_CONCURRENT_TRANSACTIONS);
    EXPECT(end(&s, "pay", true) == KAFKA_CONCURRENT_TRANSACTIONS);
    EXPECT(abort_it(&s, "pay") == KAFKA_CONCURRENT_TRANSACTIONS);
    EXPECT(complete(&s, "pay") == KAFKA_CONCURRENT_TRANSACTIONS);
    s.moment.level = TXN_V1;
    EXPECT(end(&s, "pay", true) == KAFKA_CONCURRENT_TRANSACTIONS);
    txn_unpend(s.table, id);
    EXPECT(end(&s, "pay", true) == KAFKA_NONE);
    txn_pend(s.table, id);
    struct evl_record prepared = keyed_list_at(&s.records, 0);
    EXPECT(txn_apply(s.table, prepared.key, prepared.value) == EVL_OK);
    EXPECT(!txn_is_pending(s.table, id));
    stage_close(&s);
}

TEST("what the log does not keep is forgotten with the record that makes it untrue")
{
    struct stage s = stage_open();
    REQUIRE(init(&s, "pay") == KAFKA_NONE && init_by(&s, "pay", 4000, 0) == KAFKA_NONE);
    EXPECT(find(&s, "pay")->last_epoch == 0);
    REQUIRE(add(&s, "pay", "orders", 1) == KAFKA_NONE);
    EXPECT(find(&s, "pay")->last_epoch == 0); /* the same client */
    place(&s, "pay", TXN_EMPTY, 7, TXN_V2);
    EXPECT(find(&s, "pay")->last_epoch == -1);
    txn_remember(s.table, evl_text("none"), 3); /* of nobody */
    stage_close(&s);
}

/* ---- all together -------------------------------------------------------- */

static uint64_t chance;

static uint32_t draw(uint32_t below)
{
    chance = chance * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(chance >> 33) % below;
}

static void random_step(struct stage *s, const char *id)
{
    const struct txn *t = find(s, id);
    int64_t producer = t ? t->producer_id : 4000;
    int16_t epoch = (int16_t)((t ? t->epoch : 0) - (draw(4) == 0));
    s->moment.now_ms += draw(1000);
    switch (draw(7)) {
    case 0: (void)init(s, id); break;
    case 1: (void)init_by(s, id, producer, epoch < 0 ? 0 : epoch); break;
    case 2:
        (void)add_by(s, id, producer, epoch, draw(2) ? "orders" : "bills", 1 + (int)draw(4));
        break;
    case 3:
    case 4: (void)end_by(s, id, producer, epoch, draw(2)); break;
    case 5: (void)abort_it(s, id); break;
    case 6: (void)complete(s, id); break;
    }
}

/* Equal in what the log keeps. */
static bool equal(const struct txn *a, const struct txn *b)
{
    bool same = a && b && a->state == b->state && a->producer_id == b->producer_id &&
                a->epoch == b->epoch && a->partition_count == b->partition_count &&
                a->started_ms == b->started_ms && a->client == b->client &&
                a->previous_producer_id == b->previous_producer_id;
    for (size_t i = 0; same && i < a->partition_count; i++)
        same = txn_partition_compare(&a->partitions[i], &b->partitions[i]) == 0;
    return same;
}

TEST("random requests never lower a producer's epoch, and the log alone tells it all again")
{
    static const char *const ids[] = { "a", "b", "c" };
    chance = 11;
    for (int walk = 0; walk < 40; walk++) {
        struct stage s = stage_open();
        struct txn_table *other = txn_create();
        for (int i = 0; i < 3 && walk % 2; i++)
            place(&s, ids[i], TXN_ONGOING, TXN_EPOCH_LAST - 2, TXN_V2);
        for (int step = 0; step < 200; step++) {
            const char *id = ids[draw(3)];
            const struct txn *t = find(&s, id);
            struct txn before = t ? *t : (struct txn){ .producer_id = -1 };
            random_step(&s, id);
            t = find(&s, id);
            EXPECT(!t || t->producer_id > before.producer_id ||
                   (t->producer_id == before.producer_id && t->epoch >= before.epoch));
            for (size_t i = 0; i < s.records.count; i++) {
                struct evl_record r = keyed_list_at(&s.records, i);
                EXPECT(txn_apply(other, r.key, r.value) == EVL_OK);
            }
            REQUIRE(s.records.count == 0 || equal(t, txn_find(other, evl_text(id))));
        }
        txn_destroy(other);
        stage_close(&s);
    }
}
