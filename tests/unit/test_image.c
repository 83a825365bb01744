/* The metadata in memory, and what is decided from it. */
#include <evl/text.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cluster/decide.h"
#include "unit.h"

static const struct decide_home home = { .node = 1, .directory = { { 0xd1 } } };

struct stage {
    struct image *image;
    struct records records;
    uint64_t chance;
};

static struct stage stage_open(void)
{
    return (struct stage){ .image = image_create(), .chance = 42 };
}

static void stage_close(struct stage *s)
{
    image_destroy(s->image);
    records_release(&s->records);
}

static uint64_t draw(struct stage *s)
{
    s->chance = s->chance * 6364136223846793005u + 1442695040888963407u;
    return s->chance >> 33;
}

/* What the caller of a decision does with it. */
static enum evl_error apply_all(struct stage *s)
{
    enum evl_error err = EVL_OK;
    for (size_t i = 0; i < s->records.count && !err; i++)
        err = image_apply(s->image, records_at(&s->records, i));
    return err;
}

static enum evl_error done(struct stage *s, enum evl_error err)
{
    if (err) {
        EXPECT(s->records.count == 0);
        return err;
    }
    EXPECT(apply_all(s) == EVL_OK);
    return EVL_OK;
}

static enum evl_error create(struct stage *s, const char *name, int32_t partitions)
{
    struct decide_topic topic = { .name = name, .partitions = partitions, .home = home };
    topic.id = uuid_make(draw(s), draw(s));
    return done(s, decide_create(s->image, &topic, &s->records));
}

static enum evl_error change(struct stage *s, const char *topic, enum decide_how how,
                             const char *name, const char *value)
{
    struct decide_setting setting = { how, name, value };
    return done(s, decide_config(s->image, topic, &setting, 1, &s->records));
}

static const char *was_set(struct stage *s, const char *topic, const char *name)
{
    const struct topic *t = image_topic(s->image, topic);
    return t ? overrides_get(t->overrides, name) : NULL;
}

static enum evl_error apply(struct stage *s, enum metadata_key key, int version, const void *record)
{
    records_clear(&s->records);
    EXPECT(records_add(&s->records, key, version, record) == EVL_OK);
    return apply_all(s);
}

TEST("a created topic has its partitions, led by the one node, from epoch zero")
{
    struct stage s = stage_open();
    REQUIRE(create(&s, "orders", 3) == EVL_OK);
    const struct topic *t = image_topic(s.image, "orders");
    REQUIRE(t && t->partition_count == 3 && image_topic_by_id(s.image, &t->id) == t);
    for (int32_t i = 0; i < 3; i++) {
        const struct partition *p = topic_partition(t, i);
        REQUIRE(p && p->replicas.count == 1 && p->isr.count == 1 && p->directories.count == 1);
        EXPECT(p->leader == 1 && p->leader_epoch == 0 && p->partition_epoch == 0);
        EXPECT(p->replicas.at[0] == 1 && p->isr.at[0] == 1 && p->removing.count == 0);
        EXPECT(uuid_equal(&p->directories.at[0], &home.directory) && !p->eligible.at);
    }
    EXPECT(!topic_partition(t, 3) && !topic_partition(t, -1) && !t->overrides);
    EXPECT(t->config->retention_ms == 604800000);
    stage_close(&s);
}

TEST("a topic that exists, or whose name is none, is refused with a reason")
{
    struct stage s = stage_open();
    char name[DECIDE_NAME_MAX + 2];
    memset(name, 'x', sizeof name);
    name[DECIDE_NAME_MAX + 1] = '\0';
    REQUIRE(create(&s, "orders", 1) == EVL_OK);
    EXPECT(create(&s, "orders", 1) == EVL_ERR_EXISTS && strstr(evl_fault(), "exists already"));
    EXPECT(create(&s, "Orders", 1) == EVL_OK);
    EXPECT(create(&s, "", 1) == EVL_ERR_USAGE && create(&s, ".", 1) == EVL_ERR_USAGE);
    EXPECT(create(&s, "..", 1) == EVL_ERR_USAGE && create(&s, "a b", 1) == EVL_ERR_USAGE);
    EXPECT(strstr(evl_fault(), "use letters, digits"));
    EXPECT(create(&s, "a/b", 1) == EVL_ERR_USAGE && create(&s, name, 1) == EVL_ERR_USAGE);
    name[DECIDE_NAME_MAX] = '\0';
    EXPECT(create(&s, name, 1) == EVL_OK && create(&s, "...", 1) == EVL_OK);
    EXPECT(create(&s, "__cluster_metadata", 1) == EVL_ERR_DENIED);
    EXPECT(create(&s, "none", 0) == EVL_ERR_USAGE && create(&s, "all", 99999) == EVL_ERR_USAGE);
    stage_close(&s);
}

TEST("a removed topic is gone with its settings, and may be created anew")
{
    struct stage s = stage_open();
    REQUIRE(create(&s, "orders", 2) == EVL_OK);
    struct uuid id = image_topic(s.image, "orders")->id;
    REQUIRE(change(&s, "orders", DECIDE_SET, "retention.ms", "1d") == EVL_OK);
    REQUIRE(done(&s, decide_remove(s.image, "orders", &s.records)) == EVL_OK);
    EXPECT(!image_topic(s.image, "orders") && !image_topic_by_id(s.image, &id));
    EXPECT(!image_overrides(s.image, METADATA_TOPIC, "orders"));
    REQUIRE(create(&s, "orders", 1) == EVL_OK);
    EXPECT(image_topic(s.image, "orders")->config->retention_ms == 604800000);
    EXPECT(decide_remove(s.image, "ordres", &s.records) == EVL_ERR_NOT_FOUND);
    EXPECT(strstr(evl_fault(), "did you mean orders?"));
    stage_close(&s);
}

TEST("a topic's settings are kept as Kafka writes them, and come into effect")
{
    struct stage s = stage_open();
    REQUIRE(create(&s, "orders", 1) == EVL_OK);
    EXPECT(change(&s, "orders", DECIDE_SET, "retention.ms", "2d") == EVL_OK);
    EXPECT(strcmp(was_set(&s, "orders", "retention.ms"), "172800000") == 0);
    EXPECT(image_topic(s.image, "orders")->config->retention_ms == 172800000);
    EXPECT(change(&s, "orders", DECIDE_SET, "retention.ms", "48h") == EVL_OK);
    EXPECT(s.records.count == 0); /* so already */
    EXPECT(change(&s, "orders", DECIDE_UNSET, "retention.ms", NULL) == EVL_OK);
    EXPECT(!was_set(&s, "orders", "retention.ms") && s.records.count == 1);
    EXPECT(image_topic(s.image, "orders")->config->retention_ms == 604800000);
    EXPECT(change(&s, "orders", DECIDE_UNSET, "retention.ms", NULL) == EVL_OK);
    EXPECT(s.records.count == 0);
    stage_close(&s);
}

TEST("something can be added to a list and taken from it")
{
    struct stage s = stage_open();
    static const char throttled[] = "leader.replication.throttled.replicas";
    REQUIRE(create(&s, "orders", 1) == EVL_OK);
    EXPECT(change(&s, "orders", DECIDE_APPEND, "cleanup.policy", "compact") == EVL_OK);
    EXPECT(strcmp(was_set(&s, "orders", "cleanup.policy"), "delete,compact") == 0);
    EXPECT(change(&s, "orders", DECIDE_SUBTRACT, "cleanup.policy", "delete") == EVL_OK);
    EXPECT(image_topic(s.image, "orders")->config->cleanup_policy == CLEANUP_COMPACT);
    EXPECT(change(&s, "orders", DECIDE_SUBTRACT, "cleanup.policy", "compact") == EVL_OK);
    EXPECT(strcmp(was_set(&s, "orders", "cleanup.policy"), "") == 0);
    EXPECT(change(&s, "orders", DECIDE_APPEND, throttled, "0:1,1:2") == EVL_OK);
    EXPECT(change(&s, "orders", DECIDE_APPEND, throttled, "1:2,2:3") == EVL_OK);
    EXPECT(strcmp(was_set(&s, "orders", throttled), "0:1,1:2,2:3") == 0);
    EXPECT(change(&s, "orders", DECIDE_SUBTRACT, throttled, "1:2,9:9") == EVL_OK);
    EXPECT(strcmp(was_set(&s, "orders", throttled), "0:1,2:3") == 0);
    EXPECT(change(&s, "orders", DECIDE_APPEND, "retention.ms", "1") == EVL_ERR_USAGE);
    EXPECT(change(&s, "orders", DECIDE_APPEND, "cleanup.policy", "burn") == EVL_ERR_CONFIG);
    stage_close(&s);
}

TEST("settings change all together or not at all")
{
    struct stage s = stage_open();
    struct decide_setting good[] = { { DECIDE_SET, "retention.ms", "1d" },
                                     { DECIDE_SET, "min.compaction.lag.ms", "2h" } };
    struct decide_setting bad[] = { good[0], { DECIDE_SET, "retenton.bytes", "1G" } };
    struct decide_setting twice[] = { good[0], { DECIDE_UNSET, "retention.ms", NULL } };
    struct decide_setting clash[] = { good[1], { DECIDE_SET, "max.compaction.lag.ms", "1h" } };
    struct decide_topic topic = { .name = "t", .partitions = 1, .home = home, .settings = clash };
    topic.id = uuid_make(1, 2);
    topic.setting_count = 2;
    REQUIRE(create(&s, "orders", 1) == EVL_OK);
    EXPECT(done(&s, decide_config(s.image, "orders", bad, 2, &s.records)) == EVL_ERR_CONFIG);
    EXPECT(strstr(evl_fault(), "orders: ") && strstr(evl_fault(), "did you mean retention.bytes"));
    EXPECT(done(&s, decide_config(s.image, "orders", twice, 2, &s.records)) == EVL_ERR_USAGE);
    EXPECT(done(&s, decide_config(s.image, "orders", clash, 2, &s.records)) == EVL_ERR_CONFIG);
    EXPECT(!was_set(&s, "orders", "retention.ms"));
    EXPECT(done(&s, decide_config(s.image, "orders", good, 2, &s.records)) == EVL_OK);
    EXPECT(s.records.count == 2);
    EXPECT(done(&s, decide_create(s.image, &topic, &s.records)) == EVL_ERR_CONFIG);
    EXPECT(!image_topic(s.image, "t"));
    stage_close(&s);
}

TEST("a setting that nobody here knows is kept, has no effect, and can be unset")
{
    struct stage s = stage_open();
    struct config_record record = { .resource_type = METADATA_TOPIC,
                                    .resource_name = evl_text("orders"),
                                    .name = evl_text("of.the.future"),
                                    .value = evl_text("7") };
    REQUIRE(create(&s, "orders", 1) == EVL_OK);
    REQUIRE(apply(&s, METADATA_config_record, 0, &record) == EVL_OK);
    EXPECT(strcmp(was_set(&s, "orders", "of.the.future"), "7") == 0);
    EXPECT(change(&s, "orders", DECIDE_UNSET, "of.the.future", NULL) == EVL_OK);
    EXPECT(!was_set(&s, "orders", "of.the.future"));
    EXPECT(change(&s, "orders", DECIDE_UNSET, "of.the.future", NULL) == EVL_ERR_CONFIG);
    stage_close(&s);
}

TEST("a topic's partitions become more but not fewer")
{
    struct stage s = stage_open();
    REQUIRE(create(&s, "orders", 2) == EVL_OK);
    EXPECT(done(&s, decide_partitions(s.image, "orders", 5, home, &s.records)) == EVL_OK);
    EXPECT(s.records.count == 3 && image_topic(s.image, "orders")->partition_count == 5);
    EXPECT(topic_partition(image_topic(s.image, "orders"), 4)->leader == 1);
    EXPECT(done(&s, decide_partitions(s.image, "orders", 5, home, &s.records)) == EVL_OK);
    EXPECT(s.records.count == 0);
    EXPECT(done(&s, decide_partitions(s.image, "orders", 4, home, &s.records)) == EVL_ERR_USAGE);
    stage_close(&s);
}

TEST("a new leader epoch is a change that names the leader")
{
    struct stage s = stage_open();
    REQUIRE(create(&s, "orders", 2) == EVL_OK);
    REQUIRE(done(&s, decide_epoch(s.image, "orders", 1, 1, &s.records)) == EVL_OK);
    const struct partition *p = topic_partition(image_topic(s.image, "orders"), 1);
    EXPECT(p->leader_epoch == 1 && p->partition_epoch == 1 && p->leader == 1);
    EXPECT(p->isr.count == 1 && p->isr.at[0] == 1 && p->directories.count == 1);
    EXPECT(decide_epoch(s.image, "orders", 2, 1, &s.records) == EVL_ERR_NOT_FOUND);
    stage_close(&s);
}

TEST("a renamed topic keeps its id, epochs and settings, and leaves nothing behind")
{
    struct stage s = stage_open();
    REQUIRE(create(&s, "old", 2) == EVL_OK && create(&s, "other", 1) == EVL_OK);
    struct uuid id = image_topic(s.image, "old")->id;
    REQUIRE(change(&s, "old", DECIDE_SET, "segment.bytes", "2M") == EVL_OK);
    REQUIRE(done(&s, decide_epoch(s.image, "old", 1, 1, &s.records)) == EVL_OK);
    EXPECT(decide_rename(s.image, "old", "other", &s.records) == EVL_ERR_EXISTS);
    EXPECT(decide_rename(s.image, "old", "a b", &s.records) == EVL_ERR_USAGE);
    EXPECT(decide_rename(s.image, "old", "old", &s.records) == EVL_OK && s.records.count == 0);
    REQUIRE(done(&s, decide_rename(s.image, "old", "new", &s.records)) == EVL_OK);
    const struct topic *t = image_topic(s.image, "new");
    REQUIRE(t && !image_topic(s.image, "old") && uuid_equal(&t->id, &id));
    EXPECT(t->partition_count == 2 && topic_partition(t, 1)->leader_epoch == 1);
    EXPECT(t->config->segment_bytes == 2 << 20);
    EXPECT(!image_overrides(s.image, METADATA_TOPIC, "old"));
    stage_close(&s);
}

TEST("settings that wait for a topic take effect when it comes, but not for one created here")
{
    struct stage s = stage_open();
    struct topic_record topic = { .name = evl_text("early"), .topic_id = { { 7 } } };
    struct config_record record = { .resource_type = METADATA_TOPIC,
                                    .resource_name = evl_text("early"),
                                    .name = evl_text("retention.ms"),
                                    .value = evl_text("5") };
    REQUIRE(apply(&s, METADATA_config_record, 0, &record) == EVL_OK);
    REQUIRE(apply(&s, METADATA_topic_record, 0, &topic) == EVL_OK);
    EXPECT(image_topic(s.image, "early")->config->retention_ms == 5);
    record.resource_name = evl_text("late");
    REQUIRE(apply(&s, METADATA_config_record, 0, &record) == EVL_OK);
    REQUIRE(create(&s, "late", 1) == EVL_OK);
    EXPECT(image_topic(s.image, "late")->config->retention_ms == 604800000);
    stage_close(&s);
}

TEST("an empty directory begins with the level of its records and its one broker")
{
    struct stage s = stage_open();
    struct uuid incarnation = uuid_make(5, 6);
    int64_t first = -1;
    REQUIRE(done(&s, decide_bootstrap(home, incarnation, &s.records)) == EVL_OK);
    EXPECT(image_feature(s.image, "metadata.version") == 25 && !image_feature(s.image, "x"));
    const struct broker *b = image_broker(s.image, 1);
    REQUIRE(b && !image_broker(s.image, 2));
    EXPECT(!b->fenced && b->epoch == 1 && uuid_equal(&b->incarnation, &incarnation));
    EXPECT(b->directory_count == 1 && uuid_equal(&b->directories[0], &home.directory));
    EXPECT(done(&s, decide_producer_ids(s.image, 1, 1000, &first, &s.records)) == EVL_OK);
    EXPECT(first == 0 && s.image->next_producer_id == 1000);
    EXPECT(done(&s, decide_producer_ids(s.image, 1, 1, &first, &s.records)) == EVL_OK);
    EXPECT(first == 1000);
    stage_close(&s);
}

TEST("what a metadata transaction holds counts from its end on, or never")
{
    struct stage s = stage_open();
    struct begin_transaction_record begin = { .name = evl_bytes(NULL, 0) };
    struct abort_transaction_record abort_it = { .reason = evl_bytes(NULL, 0) };
    REQUIRE(apply(&s, METADATA_begin_transaction_record, 0, &begin) == EVL_OK);
    REQUIRE(create(&s, "orders", 2) == EVL_OK);
    EXPECT(!image_topic(s.image, "orders"));
    EXPECT(apply(&s, METADATA_begin_transaction_record, 0, &begin) == EVL_ERR_CORRUPT);
    REQUIRE(apply(&s, METADATA_end_transaction_record, 0, NULL) == EVL_OK);
    REQUIRE(image_topic(s.image, "orders"));
    EXPECT(image_topic(s.image, "orders")->partition_count == 2);
    REQUIRE(apply(&s, METADATA_begin_transaction_record, 0, &begin) == EVL_OK);
    REQUIRE(create(&s, "never", 1) == EVL_OK);
    REQUIRE(apply(&s, METADATA_abort_transaction_record, 0, &abort_it) == EVL_OK);
    EXPECT(!image_topic(s.image, "never"));
    EXPECT(apply(&s, METADATA_end_transaction_record, 0, NULL) == EVL_ERR_CORRUPT);
    /* An end with something behind it is none; what lies between is read too. */
    REQUIRE(apply(&s, METADATA_begin_transaction_record, 0, &begin) == EVL_OK);
    EXPECT(image_apply(s.image, evl_bytes("\1\30\0\0x", 5)) == EVL_ERR_CORRUPT);
    EXPECT(image_apply(s.image, evl_bytes("\1\2\0\7ord", 7)) == EVL_ERR_CORRUPT);
    EXPECT(s.image->in_transaction &&
           apply(&s, METADATA_end_transaction_record, 0, NULL) == EVL_OK);
    stage_close(&s);
}

TEST("records that do not fit what is there are refused and change nothing")
{
    struct stage s = stage_open();
    struct partition_record lost;
    struct topic_record again = { .name = evl_text("orders"), .topic_id = { { 9 } } };
    message_init(metadata_message(METADATA_partition_record), &lost);
    lost.partition_id = 0;
    REQUIRE(create(&s, "orders", 1) == EVL_OK);
    EXPECT(apply(&s, METADATA_partition_record, 2, &lost) == EVL_ERR_CORRUPT);
    EXPECT(strstr(evl_fault(), "partition_record: no topic has the id AAAA"));
    EXPECT(apply(&s, METADATA_topic_record, 0, &again) == EVL_ERR_CORRUPT);
    again = (struct topic_record){ evl_text("other"), image_topic(s.image, "orders")->id };
    EXPECT(apply(&s, METADATA_topic_record, 0, &again) == EVL_ERR_CORRUPT);
    lost.topic_id = again.topic_id;
    lost.partition_id = INT32_MAX;
    EXPECT(apply(&s, METADATA_partition_record, 2, &lost) == EVL_ERR_CORRUPT);
    EXPECT(image_apply(s.image, evl_bytes("\1\35\0\0", 4)) == EVL_ERR_PROTOCOL);
    EXPECT(image_topic(s.image, "orders")->partition_count == 1 && s.image->by_name.count == 1);
    stage_close(&s);
}

TEST("every kind of record that Kafka has is taken, whatever it says")
{
    struct stage s = stage_open();
    struct arena arena = { .limit = 1 << 20 };
    int taken = 0;
    for (int round = 0; round < 3000; round++) {
        const struct message *m = metadata_message_at((size_t)round % 26);
        int version = round / 26 % (m->latest + 1);
        arena_reset(&arena);
        void *record = arena_take(&arena, 1, m->size);
        proto_random(m, version, &s.chance, &arena, record);
        records_clear(&s.records);
        REQUIRE(records_add(&s.records, (enum metadata_key)m->key, version,
                            m->size ? record : NULL) == EVL_OK);
        enum evl_error err = apply_all(&s);
        EXPECT(err == EVL_OK || err == EVL_ERR_CORRUPT);
        taken += err == EVL_OK;
    }
    EXPECT(taken > 1500);
    arena_release(&arena);
    stage_close(&s);
}

/* ---- against a model ----------------------------------------------------- */

enum { MODEL_NAMES = 12, MODEL_ROUNDS = 20000 };

struct model {
    struct {
        bool exists;
        struct uuid id;
        int32_t partitions;
        int32_t epochs[8];
        int64_t retention; /* -7: not set */
    } topics[MODEL_NAMES];
};

static const char *model_name(size_t i)
{
    static char names[MODEL_NAMES][8];
    snprintf(names[i], sizeof names[i], "topic%zu", i);
    return names[i];
}

static void model_create(struct stage *s, struct model *m, size_t i)
{
    int32_t partitions = (int32_t)(draw(s) % 4) + 1;
    enum evl_error err = create(s, model_name(i), partitions);
    EXPECT(err == (m->topics[i].exists ? EVL_ERR_EXISTS : EVL_OK));
    if (err)
        return;
    memset(&m->topics[i], 0, sizeof m->topics[i]);
    m->topics[i].exists = true;
    m->topics[i].id = image_topic(s->image, model_name(i))->id;
    m->topics[i].partitions = partitions;
    m->topics[i].retention = -7;
}

static void model_remove(struct stage *s, struct model *m, size_t i)
{
    enum evl_error err = done(s, decide_remove(s->image, model_name(i), &s->records));
    EXPECT(err == (m->topics[i].exists ? EVL_OK : EVL_ERR_NOT_FOUND));
    m->topics[i].exists = false;
}

static void model_grow(struct stage *s, struct model *m, size_t i)
{
    int32_t to = (int32_t)(draw(s) % 8) + 1;
    enum evl_error err = done(s, decide_partitions(s->image, model_name(i), to, home, &s->records));
    if (!m->topics[i].exists)
        EXPECT(err == EVL_ERR_NOT_FOUND);
    else if (to < m->topics[i].partitions)
        EXPECT(err == EVL_ERR_USAGE);
    else
        m->topics[i].partitions = to;
}

static void model_set(struct stage *s, struct model *m, size_t i)
{
    char value[24];
    int64_t retention = (int64_t)(draw(s) % 5);
    bool unset = retention == 0;
    snprintf(value, sizeof value, "%dms", (int)retention);
    enum evl_error err = change(s, model_name(i), unset ? DECIDE_UNSET : DECIDE_SET, "retention.ms",
                                unset ? NULL : value);
    EXPECT(err == (m->topics[i].exists ? EVL_OK : EVL_ERR_NOT_FOUND));
    m->topics[i].retention = unset ? -7 : retention;
}

static void model_rename(struct stage *s, struct model *m, size_t i)
{
    size_t to = draw(s) % MODEL_NAMES;
    enum evl_error err =
        done(s, decide_rename(s->image, model_name(i), model_name(to), &s->records));
    if (!m->topics[i].exists)
        EXPECT(err == EVL_ERR_NOT_FOUND);
    else if (i != to && m->topics[to].exists)
        EXPECT(err == EVL_ERR_EXISTS);
    else if (i != to) {
        m->topics[to] = m->topics[i];
        m->topics[i].exists = false;
    }
}

static void model_epoch(struct stage *s, struct model *m, size_t i)
{
    int32_t partition = (int32_t)(draw(s) % 8);
    bool there = m->topics[i].exists && partition < m->topics[i].partitions;
    enum evl_error err = done(s, decide_epoch(s->image, model_name(i), partition, 1, &s->records));
    EXPECT(err == (there ? EVL_OK : EVL_ERR_NOT_FOUND));
    m->topics[i].epochs[partition] += there;
}

static bool model_agrees(const struct model *m, size_t i, const struct topic *t)
{
    int64_t retention = m->topics[i].retention == -7 ? 604800000 : m->topics[i].retention;
    if (!t || !m->topics[i].exists)
        return !t && !m->topics[i].exists;
    for (int32_t p = 0; p < t->partition_count; p++)
        if (topic_partition(t, p)->leader_epoch != m->topics[i].epochs[p])
            return false;
    return uuid_equal(&t->id, &m->topics[i].id) && t->partition_count == m->topics[i].partitions &&
           t->config->retention_ms == retention &&
           (t->overrides != NULL) == (m->topics[i].retention != -7);
}

TEST("any sequence of decisions, applied, is what a simple model says")
{
    static void (*const moves[])(struct stage *, struct model *, size_t) = {
        model_create, model_remove, model_grow, model_set, model_rename, model_epoch,
    };
    struct stage s = stage_open();
    struct model m = { 0 };
    for (int round = 0; round < MODEL_ROUNDS; round++) {
        size_t count;
        size_t expected = 0;
        moves[draw(&s) % 6](&s, &m, draw(&s) % MODEL_NAMES);
        for (size_t i = 0; i < MODEL_NAMES; i++) {
            expected += m.topics[i].exists;
            REQUIRE(model_agrees(&m, i, image_topic(s.image, model_name(i))));
        }
        struct topic *const *topics = image_topics(s.image, &count);
        REQUIRE(count == expected);
        for (size_t i = 1; i < count; i++)
            REQUIRE(strcmp(topics[i - 1]->name, topics[i]->name) < 0);
    }
    stage_close(&s);
}

/* ---- many ---------------------------------------------------------------- */

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

TEST("ten thousand topics are read in an instant, and sorted")
{
    enum { TOPICS = 10000 };
    struct stage s = stage_open();
    struct records all = { 0 };
    for (int i = 0; i < TOPICS; i++) {
        char name[32];
        snprintf(name, sizeof name, "topic-%d", i * 7919 % TOPICS);
        struct decide_topic topic = { .name = name, .partitions = 1, .home = home };
        topic.id = uuid_make(draw(&s), draw(&s));
        REQUIRE(decide_create(s.image, &topic, &s.records) == EVL_OK);
        for (size_t r = 0; r < s.records.count; r++) {
            struct evl_bytes value = records_at(&s.records, r);
            buf_add(&all.bytes, value.at, value.count);
            all.ends = realloc(all.ends, ++all.count * sizeof *all.ends);
            all.ends[all.count - 1] = all.bytes.count;
        }
    }
    int64_t begin = now_us();
    for (size_t r = 0; r < all.count; r++)
        REQUIRE(image_apply(s.image, records_at(&all, r)) == EVL_OK);
    int64_t applied = now_us();
    size_t count;
    struct topic *const *topics = image_topics(s.image, &count);
    int64_t sorted = now_us();
    printf("# %zu records applied in %.1f ms, %zu topics sorted in %.1f ms\n", all.count,
           (double)(applied - begin) / 1000, count, (double)(sorted - applied) / 1000);
    EXPECT(count == TOPICS && strcmp(topics[0]->name, "topic-0") == 0);
    EXPECT(strcmp(topics[TOPICS - 1]->name, "topic-9999") == 0);
    EXPECT(applied - begin < 1000000); /* a loaded machine under a sanitizer */
    records_release(&all);
    stage_close(&s);
}
