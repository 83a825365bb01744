/* Groups as administrators see them, and as partitions of the offsets topic come
 * and go. */
#include "group_kit.h"
#include "unit.h"

static bool is(struct evl_bytes b, const char *text) { return evl_bytes_equal(b, T(text)); }

static const struct group_answer *ask(struct stage *s, enum group_event_kind kind,
                                      const char *group, bool has_positions, int16_t version)
{
    struct group_event e = stage_event(s, kind);
    e.group = T(group);
    e.has_positions = has_positions;
    e.version = version;
    return stage_answer(s, stage_send(s, &e));
}

/* "g": a consumer group whose member "a" reads orders. */
static void join_consumer(struct stage *s, const char *group, int32_t epoch)
{
    struct group_event e = stage_event(s, GROUP_CONSUMER_HEARTBEAT);
    struct evl_bytes topic = T("orders");
    e.group = T(group);
    e.consumer = (struct group_consumer_heartbeat){ .member = T("a"),
                                                    .epoch = epoch,
                                                    .rebalance_ms = 5000,
                                                    .topics = { &topic, 1, true },
                                                    .owned_given = true };
    EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_NONE);
}

/* "g": a classic group of one, which says that it reads this. */
static void join_classic(struct stage *s, struct evl_bytes subscription, const char *type, char *id)
{
    struct group_event e = stage_event(s, GROUP_JOIN);
    struct group_protocol protocol = { T("range"), subscription };
    e.version = 3;
    e.join = (struct group_join){ T(""), T(NULL), T(type), &protocol, 1, 10000, 10000 };
    stage_send(s, &e);
    stage_id(s, "client", id);
    stage_wait(s, 3000);
    EXPECT(stage_error(s, stage_sync(s, id, 1, true)) == KAFKA_NONE);
}

static int delete_offsets(struct stage *s, const char *topic, bool has_positions, int *first)
{
    struct group_event e = stage_event(s, GROUP_DELETE_OFFSETS);
    struct evl_bytes names[] = { T(topic), T("other") };
    e.has_positions = has_positions;
    e.topics_of = (struct group_names){ names, 2, true };
    const struct group_answer *a = stage_answer(s, stage_send(s, &e));
    *first = a->error ? 0 : (int)a->errors.at[0];
    EXPECT(a->error || a->errors.at[1] == KAFKA_NONE);
    return (int)a->error;
}

/* version 1; orders, payments; no user data */
#define SUBSCRIPTION evl_bytes("\0\1\0\0\0\2\0\6orders\0\10payments\377\377\377\377", 28)

TEST("positions of a topic that a member reads are not removed")
{
    struct stage *s = stage_open();
    char id[80];
    int first;
    EXPECT(delete_offsets(s, "orders", false, &first) == KAFKA_GROUP_ID_NOT_FOUND);
    EXPECT(delete_offsets(s, "orders", true, &first) == KAFKA_NONE && first == KAFKA_NONE);
    EXPECT(!group_subscribes(s->table, T("g"), T("orders")));
    EXPECT(group_empty_since(s->table, T("g")) == INT64_MIN);
    join_classic(s, SUBSCRIPTION, "consumer", id);
    EXPECT(delete_offsets(s, "orders", false, &first) == KAFKA_NONE &&
           first == KAFKA_GROUP_SUBSCRIBED_TO_TOPIC);
    EXPECT(delete_offsets(s, "quotes", false, &first) == KAFKA_NONE && first == KAFKA_NONE);
    EXPECT(group_subscribes(s->table, T("g"), T("payments")));
    EXPECT(group_empty_since(s->table, T("g")) == -1);
    EXPECT(!group_member_regex(s->table, T("g"), T("a")).at);
    stage_crash(s);
    EXPECT(group_subscribes(s->table, T("g"), T("payments")));
    stage_leave(s, id, NULL);
    EXPECT(delete_offsets(s, "orders", false, &first) == KAFKA_NONE && first == KAFKA_NONE);
    stage_topic(s, "orders", 1);
    join_consumer(s, "g", 0);
    EXPECT(group_empty_since(s->table, T("g")) == -1);
    EXPECT(delete_offsets(s, "orders", false, &first) == KAFKA_NONE &&
           first == KAFKA_GROUP_SUBSCRIBED_TO_TOPIC);
    stage_close(s);
}

TEST("positions of a group that says nothing of its topics are not removed while it is in use")
{
    const struct evl_bytes said[] = {
        evl_bytes("", 0),
        evl_bytes("\0\1\0\0", 4),
        evl_bytes("\377\377\0\0\0\0", 6),
        evl_bytes("\0\1\377\377\377\377", 6),
        evl_bytes("\0\1\0\0\0\1\0", 7),
        evl_bytes("\0\1\0\0\0\1\0\11orders", 14),
        evl_bytes("\0\1\0\0\0\1\377\377orders", 14),
        SUBSCRIPTION,
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        struct stage *s = stage_open();
        char id[80];
        int first;
        join_classic(s, said[i], i < 7 ? "consumer" : "connect", id);
        EXPECT(delete_offsets(s, "orders", false, &first) == KAFKA_NON_EMPTY_GROUP);
        stage_close(s);
    }
}

TEST("a group is removed when nobody is in it")
{
    struct stage *s = stage_open();
    char id[80];
    EXPECT(ask(s, GROUP_DELETE, "g", false, 2)->error == KAFKA_GROUP_ID_NOT_FOUND);
    EXPECT(ask(s, GROUP_DELETE, "g", true, 2)->error == KAFKA_NONE);
    join_classic(s, T("m"), "consumer", id);
    EXPECT(ask(s, GROUP_DELETE, "g", false, 2)->error == KAFKA_NON_EMPTY_GROUP);
    stage_leave(s, id, NULL);
    stage_join(s, (struct stage_join){ .version = 4 });
    EXPECT(ask(s, GROUP_DELETE, "g", false, 2)->error == KAFKA_NON_EMPTY_GROUP);
    EXPECT(group_empty_since(s->table, T("g")) == -1);
    stage_wait(s, 10000);
    EXPECT(ask(s, GROUP_DELETE, "g", false, 2)->error == KAFKA_NONE && !stage_group(s));
    join_consumer(s, "g", 0);
    EXPECT(ask(s, GROUP_DELETE, "g", false, 2)->error == KAFKA_NON_EMPTY_GROUP);
    EXPECT(!ask(s, GROUP_FORGET, "g", false, 2) && stage_group(s));
    join_consumer(s, "g", -1);
    EXPECT(!ask(s, GROUP_FORGET, "g", false, 2) && !stage_group(s));
    EXPECT(s->table->timers.count == 0);
    stage_close(s);
}

TEST("a group that was never assigned is removed, too")
{
    struct stage *s = stage_open();
    struct keyed_list list = { 0 };
    struct consumer_group_metadata_key key = { T("g") };
    struct consumer_group_metadata_value value = { 4, 0 };
    struct group_table *table = group_table_create(&s->settings);
    EXPECT(keyed_list_add(&list, group_log(3), &key, 0, &value) == EVL_OK);
    struct evl_record record = keyed_list_at(&list, 0);
    EXPECT(group_apply(table, &record) == EVL_OK);
    group_table_destroy(s->table);
    s->table = table;
    s->log = memory_grow(s->log, 1, sizeof *s->log);
    s->log[s->log_count++] =
        (struct stage_record){ keep_copy(record.key), keep_copy(record.value) };
    struct group_event loaded = stage_event(s, GROUP_LOADED);
    stage_send(s, &loaded);
    EXPECT(ask(s, GROUP_DELETE, "g", false, 2)->error == KAFKA_NONE && !stage_group(s));
    keyed_list_release(&list);
    stage_close(s);
}

TEST("a classic group is described with its members, and by their assignments once stable")
{
    struct stage *s = stage_open();
    char id[80];
    EXPECT(ask(s, GROUP_DESCRIBE, "g", false, 6)->error == KAFKA_GROUP_ID_NOT_FOUND);
    const struct group_answer *a = ask(s, GROUP_DESCRIBE, "g", false, 5);
    EXPECT(a->error == KAFKA_NONE && strcmp(a->view.state, "Dead") == 0);
    a = ask(s, GROUP_DESCRIBE, "g", true, 6);
    EXPECT(a->error == KAFKA_NONE && strcmp(a->view.state, "Empty") == 0);
    stage_join(s, (struct stage_join){ .version = 4 }); /* nothing is known but an id */
    a = ask(s, GROUP_DESCRIBE, "g", false, 6);
    EXPECT(strcmp(a->view.state, "Empty") == 0 && is(a->view.protocol_type, ""));
    join_classic(s, T("m"), "consumer", id);
    a = ask(s, GROUP_DESCRIBE, "g", false, 6);
    REQUIRE(a->view.member_count == 1 && strcmp(a->view.state, "Stable") == 0);
    EXPECT(is(a->view.protocol, "range") && is(a->view.protocol_type, "consumer"));
    EXPECT(is(a->view.members[0].assignment, id) && is(a->view.members[0].metadata, "m"));
    EXPECT(is(a->view.members[0].client_host, "/127.0.0.1") && !a->view.members[0].instance.at);
    struct group_event e = stage_event(s, GROUP_JOIN);
    struct group_protocol protocol = { T("range"), T("m") };
    e.version = 3;
    e.join = (struct group_join){ T(""), T(NULL), T("consumer"), &protocol, 1, 10000, 10000 };
    stage_send(s, &e);
    a = ask(s, GROUP_DESCRIBE, "g", false, 6);
    EXPECT(strcmp(a->view.state, "PreparingRebalance") == 0 && is(a->view.members[0].metadata, ""));
    EXPECT(ask(s, GROUP_CONSUMER_DESCRIBE, "g", false, 1)->error == KAFKA_GROUP_ID_NOT_FOUND);
    EXPECT(ask(s, GROUP_CONSUMER_DESCRIBE, "n", false, 1)->error == KAFKA_GROUP_ID_NOT_FOUND);
    stage_close(s);
}

TEST("a consumer group is described with what its members have, and are to have")
{
    struct stage *s = stage_open();
    stage_topic(s, "orders", 2);
    join_consumer(s, "g", 0);
    const struct group_answer *a = ask(s, GROUP_CONSUMER_DESCRIBE, "g", false, 1);
    REQUIRE(a->error == KAFKA_NONE && a->view.member_count == 1);
    const struct group_member_view *m = &a->view.members[0];
    EXPECT(a->view.epoch == 1 && a->view.target_epoch == 1 && is(a->view.protocol, "uniform"));
    EXPECT(is(m->member, "a") && m->epoch == 1 && is(m->topics[0], "orders"));
    EXPECT(m->assigned.count == 2 && m->target.count == 2 && m->topic_count == 1);
    EXPECT(ask(s, GROUP_DESCRIBE, "g", false, 6)->error == KAFKA_GROUP_ID_NOT_FOUND);
    stage_close(s);
}

static const struct group_list *list(struct stage *s, const char *state, const char *type)
{
    struct group_event e = stage_event(s, GROUP_LIST);
    struct evl_bytes states = T(state);
    struct evl_bytes types = T(type);
    e.filter = (struct group_filter){ &states, &types, state != NULL, type != NULL };
    return &stage_answer(s, stage_send(s, &e))->list;
}

TEST("groups are listed by name, and filtered by state and type in any letter case")
{
    struct stage *s = stage_open();
    char id[80];
    join_classic(s, T("m"), "consumer", id);
    join_consumer(s, "f", 0);
    join_consumer(s, "f1", 0);
    join_consumer(s, "f1", -1);
    const struct group_list *l = list(s, NULL, NULL);
    REQUIRE(l->count == 3 && is(l->at[0].group, "f") && is(l->at[1].group, "f1"));
    EXPECT(is(l->at[2].group, "g") && strcmp(l->at[2].type, "classic") == 0);
    EXPECT(list(s, "sTABLE", NULL)->count == 2 && list(s, "Stable", "Consumer")->count == 1);
    EXPECT(list(s, "Empty", NULL)->count == 1 && list(s, "Dead", NULL)->count == 0);
    EXPECT(list(s, NULL, "share")->count == 0 && list(s, "stab@e", NULL)->count == 0);
    EXPECT(list(s, "[table", NULL)->count == 0);
    stage_close(s);
}

TEST("before its records are read a coordinator says so, and afterwards that it is none")
{
    struct stage *s = stage_open();
    struct group_table *loading = group_table_create(&s->settings);
    struct group_event e = stage_event(s, GROUP_DESCRIBE);
    group_decide(loading, &e, &s->d);
    EXPECT(stage_error(s, e.token) == KAFKA_COORDINATOR_LOAD_IN_PROGRESS);
    EXPECT(s->d.next_ms == INT64_MAX);
    group_table_destroy(loading);
    group_table_destroy(NULL);
    stage_topic(s, "orders", 2);
    join_consumer(s, "f", 0);
    uint64_t join = stage_join(s, (struct stage_join){ .version = 3 });
    stage_wait(s, 1000);
    struct group_event gone = stage_event(s, GROUP_UNLOADED);
    group_decide(s->table, &gone, &s->d);
    EXPECT(stage_error(s, join) == KAFKA_NOT_COORDINATOR && s->table->timers.count == 0);
    group_decide(s->table, &e, &s->d);
    EXPECT(stage_error(s, e.token) == KAFKA_NOT_COORDINATOR);
    struct group_event due = stage_event(s, GROUP_TIMER);
    group_decide(s->table, &due, &s->d);
    EXPECT(s->d.answer_count == 0 && s->table->groups.count == 0);
    due.kind = GROUP_UNLOADED + 1; /* there is no such event */
    group_decide(s->table, &due, &s->d);
    EXPECT(s->d.answer_count == 0 && s->d.records.count == 0);
    stage_close(s);
}
