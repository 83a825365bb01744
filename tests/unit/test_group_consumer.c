/* Consumer groups (KIP-848): epochs, targets, and partitions that change hands. */
#include <stdio.h>

#include "group_kit.h"
#include "unit.h"

/* ---- heartbeats ---------------------------------------------------------- */

struct beat {
    const char *member, *instance;
    int32_t epoch;
    const char *topics; /* a letter each: "o" is "orders" */
    const char *regex, *resolved, *assignor, *rack, *client;
    const char *host;
    const char *owned; /* "o0 o1": NULL as before, "" none */
    bool silent;       /* nothing is said but member and epoch */
    bool wrong;        /* the expression is none */
    int16_t version;   /* one more than the request's; 0: 1 */
};

static const char *const topic_names[] = { "orders", "payments", "quotes" };

static size_t name_list(const char *letters, struct evl_bytes *at)
{
    size_t count = 0;
    for (; letters && *letters; letters++)
        at[count++] = *letters == '-' ? T("") : T(topic_names[*letters - 'o']);
    return count;
}

static size_t part_list(const char *text, struct part *at)
{
    size_t count = 0;
    for (; text && *text; text += text[2] ? 3 : 2)
        at[count++] = (struct part){ { { (uint8_t)text[0], 1 } }, text[1] - '0', 0 };
    return count;
}

static uint64_t beat(struct stage *s, struct beat b)
{
    struct group_event e = stage_event(s, GROUP_CONSUMER_HEARTBEAT);
    struct evl_bytes topics[8], resolved[8];
    struct part owned[16];
    bool joins = b.epoch == EPOCH_JOIN && !b.silent;
    const char *names = b.topics || b.regex || !joins ? b.topics : "o";
    const char *has = b.owned || !joins ? b.owned : "";
    e.version = b.version ? (int16_t)(b.version - 1) : 1;
    e.client_id = T(b.client);
    e.client_host = T(b.host);
    e.consumer = (struct group_consumer_heartbeat){
        .member = T(b.member),
        .instance = T(b.instance),
        .rack = T(b.rack),
        .epoch = b.epoch,
        .rebalance_ms = joins ? 30000 : -1,
        .topics = { topics, name_list(names, topics), names != NULL },
        .regex = T(b.regex),
        .regex_wrong = b.wrong,
        .resolved = { resolved, name_list(b.resolved, resolved), b.resolved != NULL },
        .assignor = T(b.assignor),
        .owned = { owned, part_list(has, owned) },
        .owned_given = has != NULL,
    };
    return stage_send(s, &e);
}

static int error_of(struct stage *s, struct beat b) { return stage_error(s, beat(s, b)); }

/* The epoch that a heartbeat brought. */
static int32_t epoch_of(struct stage *s, struct beat b)
{
    const struct group_answer *a = stage_answer(s, beat(s, b));
    EXPECT(a->error == KAFKA_NONE && a->consumer.heartbeat_ms == 5000);
    return a->consumer.epoch;
}

static const struct consumer *consumer(const struct stage *s) { return stage_group(s)->consumer; }

static bool parts_are(const struct parts *p, const char *text)
{
    struct part at[16];
    struct parts wanted = { at, part_list(text, at) };
    parts_settle(&wanted);
    return parts_equal(p, &wanted);
}

/* What the last answer assigned; NULL: "as before". */
static bool told(const struct stage *s, const char *text)
{
    const struct parts *p = s->d.answers[0].consumer.assignment;
    return text ? p && parts_are(p, text) : !p;
}

static bool has(const struct stage *s, const char *member, const char *text)
{
    return parts_are(&consumer_find(consumer(s), T(member))->assigned, text);
}

static struct stage *open_topics(int32_t orders, int32_t payments)
{
    struct stage *s = stage_open();
    stage_topic(s, "orders", orders);
    stage_topic(s, "payments", payments);
    return s;
}

static bool state_is(struct stage *s, const char *state)
{
    return strcmp(consumer_state_name(consumer(s)), state) == 0;
}

/* What a member has, as it says it. */
static char *owned_by(const struct stage *s, const char *member, char room[64])
{
    const struct parts *p = &consumer_find(consumer(s), T(member))->assigned;
    room[0] = '\0';
    for (size_t i = 0; i < p->count; i++)
        snprintf(room + strlen(room), 5, "%s%c%d", i ? " " : "", p->at[i].topic.at[0],
                 p->at[i].number);
    return room;
}

/* ---- coming, staying, going ---------------------------------------------- */

TEST("one member gets everything at once, and hears of it once")
{
    struct stage *s = open_topics(3, 1);
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .topics = "op" }) == 1);
    EXPECT(told(s, "o0 o1 o2 p0") && state_is(s, "Stable"));
    size_t before = s->log_count;
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 1 }) == 1 && told(s, NULL));
    EXPECT(s->log_count == before);
    stage_close(s);
}

TEST("partitions change hands only when they were given back")
{
    struct stage *s = open_topics(4, 1);
    beat(s, (struct beat){ .member = "a" });
    EXPECT(epoch_of(s, (struct beat){ .member = "b" }) == 2 && told(s, ""));
    EXPECT(state_is(s, "Reconciling"));
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 1 }) == 1);
    EXPECT(s->d.answers[0].consumer.assignment->count == 2);
    EXPECT(epoch_of(s, (struct beat){ .member = "b", .epoch = 2 }) == 2 && told(s, NULL));
    /* It still reads them: nothing happens. */
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 1, .owned = "o0 o1 o2 o3" }) == 1);
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 1 }) == 1 && told(s, NULL));
    char owned[64];
    EXPECT(strlen(owned_by(s, "a", owned)) == 5);
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 1, .owned = owned }) == 2);
    EXPECT(epoch_of(s, (struct beat){ .member = "b", .epoch = 2 }) == 2);
    EXPECT(s->d.answers[0].consumer.assignment->count == 2 && state_is(s, "Stable"));
    stage_close(s);
}

TEST("what is free already is taken while the rest is waited for")
{
    struct stage *s = open_topics(6, 1);
    char room[64];
    beat(s, (struct beat){ .member = "a" });
    beat(s, (struct beat){ .member = "c" });
    beat(s, (struct beat){ .member = "a", .epoch = 1 });
    beat(s, (struct beat){ .member = "a", .epoch = 1, .owned = owned_by(s, "a", room) });
    beat(s, (struct beat){ .member = "c", .epoch = 2 });
    EXPECT(state_is(s, "Stable"));
    EXPECT(epoch_of(s, (struct beat){ .member = "b" }) == 3 && told(s, ""));
    beat(s, (struct beat){ .member = "a", .epoch = 2 });
    beat(s, (struct beat){ .member = "c", .epoch = 2 });
    EXPECT(epoch_of(s, (struct beat){ .member = "b", .epoch = 3 }) == 3 && told(s, NULL));
    beat(s, (struct beat){ .member = "a", .epoch = 2, .owned = owned_by(s, "a", room) });
    EXPECT(epoch_of(s, (struct beat){ .member = "b", .epoch = 3 }) == 3);
    EXPECT(s->d.answers[0].consumer.assignment->count == 1 && state_is(s, "Reconciling"));
    beat(s, (struct beat){ .member = "c", .epoch = 2, .owned = owned_by(s, "c", room) });
    EXPECT(epoch_of(s, (struct beat){ .member = "b", .epoch = 3 }) == 3);
    EXPECT(s->d.answers[0].consumer.assignment->count == 2 && state_is(s, "Stable"));
    stage_close(s);
}

TEST("who does not give back in time is out, and the others get it")
{
    struct stage *s = open_topics(2, 1);
    beat(s, (struct beat){ .member = "a" });
    beat(s, (struct beat){ .member = "b" });
    beat(s, (struct beat){ .member = "a", .epoch = 1 });
    stage_wait(s, 20000);
    beat(s, (struct beat){ .member = "a", .epoch = 1 });
    beat(s, (struct beat){ .member = "b", .epoch = 2 });
    stage_wait(s, 9999);
    EXPECT(consumer(s)->member_count == 2);
    stage_wait(s, 1);
    EXPECT(consumer(s)->member_count == 1 && state_is(s, "Assigning"));
    EXPECT(error_of(s, (struct beat){ .member = "a", .epoch = 1 }) == KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT(epoch_of(s, (struct beat){ .member = "b", .epoch = 2 }) == 3 && told(s, "o0 o1"));
    stage_close(s);
}

TEST("a silent member is out after its session; one that leaves, at once")
{
    struct stage *s = open_topics(2, 1);
    beat(s, (struct beat){ .member = "a" });
    stage_wait(s, 44999);
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 1 }) == 1);
    beat(s, (struct beat){ .member = "b" });
    EXPECT(epoch_of(s, (struct beat){ .member = "b", .epoch = -1 }) == -1 && told(s, NULL));
    EXPECT(consumer(s)->member_count == 1);
    stage_wait(s, 45000);
    EXPECT(consumer(s)->member_count == 0 && state_is(s, "Empty"));
    EXPECT(group_empty_since(s->table, T("g")) == INT64_MIN);
    EXPECT(error_of(s, (struct beat){ .member = "a", .epoch = 1 }) == KAFKA_UNKNOWN_MEMBER_ID);
    stage_close(s);
}

TEST("a heartbeat whose answer was lost is answered again; another epoch is fenced")
{
    struct stage *s = open_topics(2, 1);
    beat(s, (struct beat){ .member = "a" });
    stage_topic(s, "orders", 3);
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 1 }) == 2);
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 1, .owned = "o0 o1" }) == 2);
    EXPECT(told(s, "o0 o1 o2"));
    EXPECT(error_of(s, (struct beat){ .member = "a", .epoch = 1 }) == KAFKA_FENCED_MEMBER_EPOCH);
    EXPECT(error_of(s, (struct beat){ .member = "a", .epoch = 1, .owned = "p0" }) ==
           KAFKA_FENCED_MEMBER_EPOCH);
    EXPECT(error_of(s, (struct beat){ .member = "a", .epoch = 3 }) == KAFKA_FENCED_MEMBER_EPOCH);
    stage_topic(s, "orders", 4);
    beat(s, (struct beat){ .member = "a", .epoch = 2 });
    EXPECT(error_of(s, (struct beat){ .member = "a", .epoch = 1, .owned = "" }) ==
           KAFKA_FENCED_MEMBER_EPOCH);
    EXPECT(epoch_of(s, (struct beat){ .member = "a" }) == 3 && told(s, "o0 o1 o2 o3"));
    stage_close(s);
}

TEST("a heartbeat that makes no sense is refused, and leaves nothing behind")
{
    struct stage *s = open_topics(2, 1);
    const struct beat senseless[] = {
        { .member = "" },
        { .member = "a", .instance = "" },
        { .member = "a", .rack = "" },
        { .member = "a", .epoch = -3 },
        { .member = "a", .epoch = -2 },
        { .member = "a", .silent = true },
        { .member = "a", .topics = "" },
        { .member = "a", .owned = "o1" },
    };
    for (size_t i = 0; i < sizeof senseless / sizeof *senseless; i++)
        EXPECT(error_of(s, senseless[i]) == KAFKA_INVALID_REQUEST);
    struct group_event e = stage_event(s, GROUP_CONSUMER_HEARTBEAT);
    struct evl_bytes topic = T("orders");
    e.consumer = (struct group_consumer_heartbeat){ .member = T("a"),
                                                    .rebalance_ms = 1000,
                                                    .topics = { &topic, 1, true } };
    EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_INVALID_REQUEST); /* says not what it has */
    e.group = T("");
    EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_INVALID_REQUEST);
    EXPECT(error_of(s, (struct beat){ .member = "a", .assignor = "best" }) ==
           KAFKA_UNSUPPORTED_ASSIGNOR);
    EXPECT(error_of(s, (struct beat){ .member = "a", .regex = "(", .wrong = true }) ==
           KAFKA_INVALID_REGULAR_EXPRESSION);
    EXPECT(error_of(s, (struct beat){ .member = "a", .epoch = 4 }) == KAFKA_GROUP_ID_NOT_FOUND);
    EXPECT(error_of(s, (struct beat){ .member = "a", .epoch = -1 }) == KAFKA_GROUP_ID_NOT_FOUND);
    s->table->settings.consumer_size_max = 0;
    EXPECT(error_of(s, (struct beat){ .member = "a" }) == KAFKA_GROUP_MAX_SIZE_REACHED);
    EXPECT(s->table->groups.count == 0 && s->log_count == 0);
    s->table->settings.consumer_size_max = 1;
    beat(s, (struct beat){ .member = "a", .client = "me" });
    EXPECT(error_of(s, (struct beat){ .member = "b" }) == KAFKA_GROUP_MAX_SIZE_REACHED);
    EXPECT(error_of(s, (struct beat){ .member = "b", .epoch = 1 }) == KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT(error_of(s, (struct beat){ .member = "b", .epoch = -1 }) == KAFKA_UNKNOWN_MEMBER_ID);
    stage_close(s);
}

TEST("names that fit no record are refused")
{
    struct stage *s = open_topics(2, 1);
    static char big[INT16_MAX];
    memset(big, 'x', sizeof big - 1);
    struct evl_bytes topic = T("orders");
    struct group_event e = stage_event(s, GROUP_CONSUMER_HEARTBEAT);
    e.consumer = (struct group_consumer_heartbeat){
        .member = T("a"), .rebalance_ms = 1000, .topics = { &topic, 1, true }, .owned_given = true
    };
    e.consumer.resolved = e.consumer.topics;
    struct evl_bytes *const places[] = { &e.consumer.member, &e.consumer.instance, &e.consumer.rack,
                                         &e.consumer.regex, &topic };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct evl_bytes kept = *places[i];
        *places[i] = T(big);
        EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_INVALID_REQUEST);
        *places[i] = kept;
    }
    struct evl_bytes two[] = { T(big), T("orders") };
    e.consumer.topics.count = 0;
    e.consumer.regex = T("x");
    e.consumer.resolved = (struct group_names){ two, 2, true };
    EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_INVALID_REQUEST);
    stage_close(s);
}

TEST("clients of the first version are given an id")
{
    struct stage *s = open_topics(2, 1);
    uint64_t token = beat(s, (struct beat){ .member = "", .version = 1 });
    REQUIRE(stage_error(s, token) == KAFKA_NONE);
    EXPECT(stage_answer(s, token)->consumer.member.count == UUID_TEXT - 1 && told(s, "o0 o1"));
    EXPECT(error_of(s, (struct beat){ .member = "", .epoch = 1, .version = 1 }) ==
           KAFKA_INVALID_REQUEST);
    EXPECT(epoch_of(s, (struct beat){ .member = "mine", .version = 1 }) == 2);
    stage_close(s);
}

/* ---- subscriptions ------------------------------------------------------- */

TEST("a changed subscription, assignor, rack or client is written; the first two rebalance")
{
    struct stage *s = open_topics(2, 1);
    beat(s, (struct beat){ .member = "a" });
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 1, .topics = "po-" }) == 2);
    EXPECT(told(s, "o0 o1 p0"));
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 2, .topics = "op" }) == 2);
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 2, .assignor = "range" }) == 3);
    size_t before = s->log_count;
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 3, .rack = "r" }) == 3);
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 3, .client = "c" }) == 3);
    EXPECT(s->log_count == before + 2);
    struct beat moved = { .member = "a", .epoch = 3, .client = "c", .host = "h" };
    EXPECT(epoch_of(s, moved) == 3 && s->log_count == before + 3);
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 3, .topics = "q", .client = "c" }) ==
           3);
    EXPECT(told(s, "")); /* to be given back, in the old epoch */
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 3, .owned = "", .client = "c" }) ==
           4);
    EXPECT(group_subscribes(s->table, T("g"), T("quotes")));
    EXPECT(!group_subscribes(s->table, T("g"), T("orders")));
    stage_close(s);
}

TEST("members that subscribe differently get what they subscribe to, by either assignor")
{
    for (int i = 0; i < 2; i++) {
        struct stage *s = open_topics(2, 2);
        const char *assignor = i ? "range" : "uniform";
        beat(s, (struct beat){ .member = "a", .topics = "op", .assignor = assignor });
        beat(s, (struct beat){ .member = "b", .topics = "pq", .assignor = assignor });
        beat(s, (struct beat){ .member = "a", .epoch = 1 });
        beat(s, (struct beat){ .member = "a", .epoch = 1, .owned = i ? "o0 o1 p0" : "o0 o1" });
        EXPECT(has(s, "a", i ? "o0 o1 p0" : "o0 o1"));
        beat(s, (struct beat){ .member = "b", .epoch = 2 });
        EXPECT(has(s, "b", i ? "p1" : "p0 p1"));
        EXPECT(strcmp(consumer_assignor((const struct consumer_member *const *)consumer(s)->members,
                                        2),
                      assignor) == 0);
        stage_close(s);
    }
}

TEST("topics that grow, come or go rebalance with the next heartbeat; others do not")
{
    struct stage *s = open_topics(2, 1);
    beat(s, (struct beat){ .member = "a", .topics = "oq" });
    stage_topic(s, "payments", 5);
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 1 }) == 1);
    stage_topic(s, "quotes", 1);
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 1 }) == 2 && told(s, "o0 o1 q0"));
    stage_topic(s, "orders", 0);
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 2 }) == 2 && told(s, "q0"));
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 2, .owned = "q0" }) == 3);
    stage_topic(s, "quotes", 0);
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 3, .owned = "" }) == 4);
    EXPECT(told(s, ""));
    stage_close(s);
}

TEST("a regular expression means the topics that the caller says")
{
    struct stage *s = open_topics(1, 1);
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .regex = "o.*|p.*", .resolved = "op" }) == 1);
    EXPECT(told(s, "o0 p0") && consumer(s)->regex_count == 1);
    EXPECT(evl_bytes_equal(group_member_regex(s->table, T("g"), T("a")), T("o.*|p.*")));
    EXPECT(!group_member_regex(s->table, T("g"), T("b")).at);
    EXPECT(!group_member_regex(s->table, T("none"), T("a")).at);
    EXPECT(group_subscribes(s->table, T("g"), T("payments")));
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 1, .resolved = "op" }) == 1);
    stage_topic(s, "quotes", 1);
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 1, .resolved = "opqq" }) == 2);
    EXPECT(told(s, "o0 p0 q0"));
    /* b's is asked for nothing yet; topics may be named twice, too. */
    EXPECT(epoch_of(s, (struct beat){ .member = "b", .regex = "p.*", .topics = "q" }) == 3);
    EXPECT(epoch_of(s, (struct beat){ .member = "b", .epoch = 3, .resolved = "pq" }) == 4);
    EXPECT(consumer(s)->regex_count == 2);
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 2, .regex = "", .topics = "o" }) ==
           2);
    EXPECT(consumer(s)->regex_count == 1 && consumer(s)->epoch == 5);
    EXPECT(epoch_of(s, (struct beat){ .member = "b", .epoch = -1 }) == -1);
    EXPECT(consumer(s)->regex_count == 0 && consumer(s)->epoch == 6);
    stage_close(s);
}

TEST("a heartbeat that says everything is told everything")
{
    struct stage *s = open_topics(2, 1);
    beat(s, (struct beat){ .member = "a", .regex = "o.*", .resolved = "o" });
    struct group_event e = stage_event(s, GROUP_CONSUMER_HEARTBEAT);
    struct part owned[2];
    struct evl_bytes topic = T("orders");
    e.client_id = e.client_host = T("");
    e.consumer = (struct group_consumer_heartbeat){
        .member = T("a"), .epoch = 1, .rebalance_ms = 30000, .owned_given = true
    };
    e.consumer.owned = (struct parts){ owned, part_list("o1 o0", owned) };
    stage_send(s, &e);
    EXPECT(told(s, NULL));
    e.consumer.regex = T("o.*");
    stage_send(s, &e);
    EXPECT(told(s, "o0 o1"));
    e.consumer.rebalance_ms = 20000; /* written, and no more */
    size_t before = s->log_count;
    e.consumer.owned_given = false;
    stage_send(s, &e);
    EXPECT(told(s, NULL) && s->log_count == before + 1);
    e.consumer.owned_given = true;
    e.consumer.regex = T("");
    e.consumer.topics = (struct group_names){ &topic, 1, true };
    stage_send(s, &e);
    EXPECT(told(s, "o0 o1"));
    stage_close(s);
}

TEST("many members, whose names are alike, share evenly")
{
    struct stage *s = open_topics(6, 1);
    static const char *const names[] = { "a", "ab", "abc", "b", "abcd", "aa" };
    for (int round = 0; round < 4; round++)
        for (size_t i = 0; i < 6; i++) {
            const struct consumer_member *m =
                round ? consumer_find(consumer(s), T(names[i])) : NULL;
            struct beat b = { .member = names[i], .epoch = m ? m->epoch : 0 };
            char owned[64];
            b.owned = m ? owned_by(s, names[i], owned) : NULL;
            beat(s, b);
        }
    EXPECT(state_is(s, "Stable"));
    for (size_t i = 0; i < 6; i++)
        EXPECT(consumer(s)->members[i]->assigned.count == 1);
    stage_close(s);
}

TEST("targets are not computed more often than the interval says")
{
    struct stage *s = open_topics(2, 1);
    s->table->settings.consumer_assignment_ms = 1000;
    beat(s, (struct beat){ .member = "a" });
    EXPECT(epoch_of(s, (struct beat){ .member = "b" }) == 1 && told(s, ""));
    EXPECT(state_is(s, "Assigning"));
    stage_wait(s, 1000);
    EXPECT(epoch_of(s, (struct beat){ .member = "b", .epoch = 1 }) == 2);
    EXPECT(state_is(s, "Reconciling"));
    stage_close(s);
}

/* ---- static members ------------------------------------------------------ */

TEST("a static member that goes away for a while keeps what it has, under another id too")
{
    struct stage *s = open_topics(2, 1);
    beat(s, (struct beat){ .member = "a", .instance = "i" });
    beat(s, (struct beat){ .member = "b", .instance = "j", .topics = "p" });
    EXPECT(error_of(s, (struct beat){ .member = "c", .instance = "i" }) ==
           KAFKA_UNRELEASED_INSTANCE_ID);
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .instance = "i", .epoch = -2 }) == -2);
    int32_t epoch = consumer(s)->epoch;
    EXPECT(has(s, "a", "o0 o1") && state_is(s, "Reconciling"));
    EXPECT(epoch_of(s, (struct beat){ .member = "c", .instance = "i" }) == epoch);
    EXPECT(told(s, "o0 o1") && consumer(s)->epoch == epoch && consumer(s)->member_count == 2);
    EXPECT(error_of(s, (struct beat){ .member = "a", .instance = "i", .epoch = 1 }) ==
           KAFKA_FENCED_INSTANCE_ID);
    EXPECT(error_of(s, (struct beat){ .member = "a", .instance = "i", .epoch = -1 }) ==
           KAFKA_FENCED_INSTANCE_ID);
    EXPECT(error_of(s, (struct beat){ .member = "a", .instance = "x", .epoch = 1 }) ==
           KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT(epoch_of(s, (struct beat){ .member = "c", .instance = "i", .epoch = epoch }) == epoch);
    EXPECT(epoch_of(s, (struct beat){ .member = "c", .instance = "i", .epoch = -1 }) == -1);
    stage_close(s);
}

TEST("a static member back under its own id, or with another subscription, is reconciled")
{
    struct stage *s = open_topics(2, 1);
    beat(s, (struct beat){ .member = "a", .instance = "i" });
    beat(s, (struct beat){ .member = "a", .instance = "i", .epoch = -2 });
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .instance = "i" }) == 1 && told(s, "o0 o1"));
    beat(s, (struct beat){ .member = "a", .instance = "i", .epoch = -2 });
    EXPECT(epoch_of(s, (struct beat){ .member = "b", .instance = "i", .topics = "p" }) == 2);
    EXPECT(told(s, "p0"));
    EXPECT(epoch_of(s, (struct beat){ .member = "d" }) == 3 && told(s, "o0 o1"));
    stage_close(s);
}

TEST("a static member that stays away is out after its session")
{
    struct stage *s = open_topics(2, 1);
    beat(s, (struct beat){ .member = "a", .instance = "i" });
    beat(s, (struct beat){ .member = "b" });
    beat(s, (struct beat){ .member = "a", .instance = "i", .epoch = 1 });  /* revokes, */
    beat(s, (struct beat){ .member = "a", .instance = "i", .epoch = -2 }); /* goes, */
    EXPECT(epoch_of(s, (struct beat){ .member = "b", .epoch = 2 }) == 2);  /* and it is free */
    EXPECT(s->d.answers[0].consumer.assignment->count == 1);
    stage_wait(s, 44999);
    beat(s, (struct beat){ .member = "b", .epoch = 2 });
    EXPECT(consumer(s)->member_count == 2);
    stage_wait(s, 1);
    EXPECT(consumer(s)->member_count == 1);
    EXPECT(epoch_of(s, (struct beat){ .member = "b", .epoch = 2 }) == 3 && told(s, "o0 o1"));
    stage_close(s);
}

/* ---- positions ----------------------------------------------------------- */

TEST("positions are committed by a member in its epoch, or for what it had before it")
{
    struct stage *s = open_topics(1, 1);
    beat(s, (struct beat){ .member = "a" });
    EXPECT(stage_commit(s, GROUP_COMMIT, "a", NULL, 1) == KAFKA_NONE);
    EXPECT(stage_commit(s, GROUP_COMMIT, "b", NULL, 1) == KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT(stage_commit(s, GROUP_COMMIT, "a", NULL, 2) == KAFKA_STALE_MEMBER_EPOCH);
    EXPECT(stage_commit(s, GROUP_COMMIT, "", NULL, -1) == KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT(stage_commit(s, GROUP_COMMIT, "", "i", -1) == KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT(stage_commit(s, GROUP_COMMIT_TXN, "", NULL, -1) == KAFKA_NONE);
    EXPECT(stage_commit(s, GROUP_COMMIT_TXN, "a", NULL, -1) == KAFKA_STALE_MEMBER_EPOCH);
    struct group_event e = stage_event(s, GROUP_COMMIT);
    struct group_position at = { T("orders"), 0 };
    e.version = 8;
    e.commit = (struct group_commit){ T("a"), T(NULL), 1, &at, 1 };
    EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_UNSUPPORTED_VERSION);
    e.kind = GROUP_COMMIT_TXN;
    EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_NONE);
    beat(s, (struct beat){ .member = "a", .epoch = 1, .topics = "op" });
    e.kind = GROUP_COMMIT;
    e.version = 9;
    EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_NONE); /* orders since epoch 1 */
    at.topic = T("payments");                                /* since epoch 2 */
    EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_STALE_MEMBER_EPOCH);
    at.partition = 7;
    EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_STALE_MEMBER_EPOCH);
    at.topic = T("none");
    EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_STALE_MEMBER_EPOCH);
    EXPECT(stage_commit(s, GROUP_FETCH, "a", NULL, 2) == KAFKA_NONE);
    EXPECT(stage_commit(s, GROUP_FETCH, "a", NULL, 1) == KAFKA_STALE_MEMBER_EPOCH);
    EXPECT(stage_commit(s, GROUP_FETCH, "b", NULL, 1) == KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT(stage_commit(s, GROUP_FETCH, NULL, NULL, -1) == KAFKA_NONE);
    EXPECT(stage_commit(s, GROUP_FETCH, NULL, NULL, 1) == KAFKA_UNKNOWN_MEMBER_ID);
    beat(s, (struct beat){ .member = "a", .epoch = -1 });
    EXPECT(stage_commit(s, GROUP_COMMIT, "", NULL, -1) == KAFKA_NONE);
    EXPECT(stage_commit(s, GROUP_COMMIT, "a", NULL, 2) == KAFKA_UNKNOWN_MEMBER_ID);
    stage_close(s);
}

/* ---- restarts, failures, the other kind ---------------------------------- */

TEST("after a restart everything is as it was, and sessions begin anew")
{
    struct stage *s = open_topics(4, 1);
    beat(s, (struct beat){ .member = "a", .regex = "o.*", .resolved = "o" });
    beat(s, (struct beat){ .member = "b" });
    beat(s, (struct beat){ .member = "a", .epoch = 1 });
    stage_crash(s);
    EXPECT(stage_is_true(s) && state_is(s, "Reconciling"));
    EXPECT(epoch_of(s, (struct beat){ .member = "b", .epoch = 2 }) == 2);
    stage_wait(s, 29999);
    EXPECT(consumer(s)->member_count == 2);
    stage_wait(s, 1);
    EXPECT(consumer(s)->member_count == 1); /* a was to give back */
    EXPECT(epoch_of(s, (struct beat){ .member = "b", .epoch = 2 }) == 3);
    EXPECT(told(s, "o0 o1 o2 o3"));
    stage_close(s);
}

TEST("what cannot be written never was")
{
    struct stage *s = open_topics(2, 1);
    s->refuse = KAFKA_COORDINATOR_NOT_AVAILABLE;
    EXPECT(error_of(s, (struct beat){ .member = "a" }) == KAFKA_COORDINATOR_NOT_AVAILABLE);
    EXPECT(s->table->groups.count == 0 && s->table->timers.count == 0);
    beat(s, (struct beat){ .member = "a" });
    s->refuse = KAFKA_COORDINATOR_NOT_AVAILABLE;
    EXPECT(error_of(s, (struct beat){ .member = "b" }) == KAFKA_COORDINATOR_NOT_AVAILABLE);
    EXPECT(consumer(s)->member_count == 1);
    stage_topic(s, "orders", 3);
    s->refuse = KAFKA_COORDINATOR_NOT_AVAILABLE;
    beat(s, (struct beat){ .member = "a", .epoch = 1 });
    EXPECT(epoch_of(s, (struct beat){ .member = "a", .epoch = 1 }) == 2);
    stage_close(s);
}

TEST("a silent member is out a moment later when that cannot be written at once")
{
    struct stage *s = open_topics(2, 1);
    beat(s, (struct beat){ .member = "a" });
    beat(s, (struct beat){ .member = "b" });
    s->refuse = KAFKA_COORDINATOR_NOT_AVAILABLE; /* that a is to give back */
    beat(s, (struct beat){ .member = "a", .epoch = 1 });
    stage_wait(s, 30000); /* so nothing is late */
    EXPECT(consumer(s)->member_count == 2);
    beat(s, (struct beat){ .member = "a", .epoch = 1 });
    s->refuse = KAFKA_COORDINATOR_NOT_AVAILABLE; /* that it has */
    char room[64];
    beat(s, (struct beat){ .member = "a", .epoch = 1, .owned = owned_by(s, "a", room) });
    s->refuse = KAFKA_COORDINATOR_NOT_AVAILABLE; /* that b is silent */
    stage_wait(s, 15000);
    EXPECT(consumer(s)->member_count == 2);
    stage_wait(s, 1000);
    EXPECT(consumer(s)->member_count == 1 && consumer_find(consumer(s), T("a")));
    stage_wait(s, 29000); /* what a has given back was never written: time is up */
    EXPECT(consumer(s)->member_count == 0);
    stage_close(s);
}

TEST("an empty group turns into the other kind; one with members does not")
{
    struct stage *s = open_topics(1, 1);
    char id[80];
    beat(s, (struct beat){ .member = "a" });
    EXPECT(stage_error(s, stage_join(s, (struct stage_join){ .version = 3 })) ==
           KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    EXPECT(stage_heartbeat(s, "a", NULL, 1) == KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT(stage_leave(s, "a", NULL) == KAFKA_UNKNOWN_MEMBER_ID);
    beat(s, (struct beat){ .member = "a", .epoch = -1 });
    s->refuse = KAFKA_COORDINATOR_NOT_AVAILABLE;
    uint64_t join = stage_join(s, (struct stage_join){ .version = 3 });
    EXPECT(stage_error(s, join) == KAFKA_COORDINATOR_NOT_AVAILABLE && consumer(s));
    EXPECT(stage_error(s, stage_join(s, (struct stage_join){ .protocols = "" })) ==
           KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    EXPECT(consumer(s) && !stage_group(s)->classic);
    join = stage_join(s, (struct stage_join){ .version = 3 });
    stage_id(s, "client", id);
    EXPECT(stage_error(s, join) == STAGE_WAITS && !consumer(s));
    EXPECT(error_of(s, (struct beat){ .member = "a" }) == KAFKA_GROUP_ID_NOT_FOUND);
    stage_wait(s, 3000);
    stage_sync(s, id, 1, true);
    stage_leave(s, id, NULL);
    EXPECT(stage_group(s)->classic->state == CLASSIC_EMPTY);
    EXPECT(error_of(s, (struct beat){ .member = "a", .epoch = 3 }) == KAFKA_GROUP_ID_NOT_FOUND);
    s->table->settings.consumer_size_max = 0;
    EXPECT(error_of(s, (struct beat){ .member = "a" }) == KAFKA_GROUP_MAX_SIZE_REACHED);
    s->table->settings.consumer_size_max = 9;
    s->refuse = KAFKA_COORDINATOR_NOT_AVAILABLE;
    beat(s, (struct beat){ .member = "a" });
    EXPECT(stage_group(s)->classic && !consumer(s));
    stage_join(s, (struct stage_join){ .version = 4 });
    EXPECT(error_of(s, (struct beat){ .member = "a" }) == KAFKA_GROUP_ID_NOT_FOUND);
    stage_wait(s, 10000);
    EXPECT(epoch_of(s, (struct beat){ .member = "a" }) == 1 && !stage_group(s)->classic);
    stage_close(s);
}

/* ---- records of others --------------------------------------------------- */

static enum evl_error apply_one(struct group_table *table, int kind, const void *key,
                                const void *value)
{
    struct keyed_list list = { 0 };
    EXPECT(keyed_list_add(&list, group_log(kind), key, 0, value) == EVL_OK);
    struct evl_record record = keyed_list_at(&list, 0);
    enum evl_error err = group_apply(table, &record);
    keyed_list_release(&list);
    return err;
}

TEST("records of a compacted log may come in any order, and without epochs")
{
    struct stage *s = stage_open();
    struct group_table *table = group_table_create(&s->settings);
    int32_t number = 3;
    struct consumer_group_current_partitions row = { .topic_id = stage_topic_id("orders") };
    row.partitions.at = &number;
    row.partitions.count = 1;
    struct consumer_group_current_member_assignment_key key = { T("g"), T("a") };
    struct consumer_group_current_member_assignment_value value = { .member_epoch = 5 };
    value.assigned_partitions.at = value.partitions_pending_revocation.at = &row;
    value.assigned_partitions.count = 1;
    EXPECT(apply_one(table, 8, &key, NULL) == EVL_OK && table->groups.count == 0);
    EXPECT(apply_one(table, 8, &key, &value) == EVL_OK);
    const struct consumer *c = table_group(table, T("g"))->consumer;
    EXPECT(c->members[0]->assigned.at[0].epoch == 5 && !c->members[0]->described);
    struct consumer_group_regular_expression_key regex = { T("g"), T("x") };
    EXPECT(apply_one(table, 16, &regex, NULL) == EVL_OK); /* was forgotten already */
    struct consumer_group_target_assignment_member_key other = { T("g"), T("b") };
    EXPECT(apply_one(table, 7, &other, NULL) == EVL_OK && c->member_count == 1);
    struct consumer_group_target_assignment_member_value nothing = { 0 };
    struct consumer_group_target_partitions none_of;
    nothing.topic_partitions.at = &none_of;
    EXPECT(apply_one(table, 7, &other, &nothing) == EVL_OK && c->member_count == 2);
    EXPECT(apply_one(table, 7, &other, NULL) == EVL_OK && c->member_count == 1);
    struct consumer_group_metadata_key group = { T("g") };
    EXPECT(apply_one(table, 3, &group, NULL) == EVL_OK);
    EXPECT(apply_one(table, 6, &group, NULL) == EVL_OK && table->groups.count == 1);
    EXPECT(apply_one(table, 8, &key, NULL) == EVL_OK && table->groups.count == 0);
    struct consumer_group_target_assignment_metadata_value target = { 1, 1 };
    struct consumer_group_regular_expression_value topics = { 0 };
    struct evl_bytes topic = T("orders");
    topics.topics.at = &topic;
    EXPECT(apply_one(table, 6, &group, &target) == EVL_OK);
    EXPECT(apply_one(table, 16, &regex, &topics) == EVL_OK);
    EXPECT(apply_one(table, 6, &group, NULL) == EVL_OK && table->groups.count == 1);
    EXPECT(apply_one(table, 16, &regex, NULL) == EVL_OK && table->groups.count == 0);
    struct group_metadata_member nobody;
    struct group_metadata_key classic = { T("k") };
    struct group_metadata_value empty = { T("consumer"), 1, T(NULL), T(NULL), 1, { &nobody, 0 } };
    EXPECT(apply_one(table, 2, &classic, &empty) == EVL_OK && table->groups.count == 1);
    struct consumer_group_metadata_key none = { T("k") };
    EXPECT(apply_one(table, 3, &none, NULL) == EVL_OK && table->groups.count == 1);
    group_table_destroy(table);
    stage_close(s);
}

TEST("a malformed record is told; one of another kind is passed by")
{
    struct stage *s = stage_open();
    struct evl_record record = EVL_RECORD_NONE;
    record.key = evl_bytes("\0\2\0\1g", 5);
    record.value = evl_bytes("\0\3", 2);
    EXPECT(group_apply(s->table, &record) == EVL_ERR_CORRUPT);
    record.key = evl_bytes("\0\2\0\7g", 5);
    EXPECT(group_apply(s->table, &record) == EVL_ERR_CORRUPT);
    record.key = evl_bytes("\0", 1);
    EXPECT(group_apply(s->table, &record) == EVL_ERR_CORRUPT);
    record.key = evl_bytes("\0\12nonsense", 10);
    EXPECT(group_apply(s->table, &record) == EVL_OK);
    static const char *const others[] = { "\0\0x", "\0\1x", "\0\4x" };
    for (size_t i = 0; i < 3; i++) {
        record.key = evl_bytes(others[i], 3);
        EXPECT(group_apply(s->table, &record) == EVL_OK);
    }
    EXPECT(s->table->groups.count == 0);
    stage_close(s);
}
