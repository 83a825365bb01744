/* Classic groups: joining, leading, syncing, leaving, and the time that passes. */
#include "group_kit.h"
#include "unit.h"

static struct stage *open_with(int64_t initial_delay_ms)
{
    struct stage *s = stage_open();
    s->table->settings.initial_delay_ms = (int32_t)initial_delay_ms;
    return s;
}

static const struct classic *classic(const struct stage *s) { return stage_group(s)->classic; }

/* A group of these members, whose ids are theirs, by their first generation. */
static void gather(struct stage *s, int count, const char *const *instances)
{
    static const char *const names[] = { "a", "b", "c", "d" };
    for (int i = 0; i < count; i++) {
        struct stage_join join = { .version = 3, .instance = instances ? instances[i] : NULL };
        stage_join(s, join);
    }
    struct classic *c = stage_group(s)->classic;
    for (int i = 0; i < count; i++) /* ids that tests can spell */
        keep_again(&c->members.at[i]->id, T(names[i]));
    stage_wait(s, 2 * s->settings.initial_delay_ms); /* they came one by one */
    for (int i = count - 1; i >= 0; i--)
        stage_sync(s, names[i], 1, i == 0);
}

static struct stage *stable(int count, const char *const *instances)
{
    struct stage *s = stage_open();
    gather(s, count, instances);
    EXPECT(classic(s)->state == CLASSIC_STABLE && classic(s)->generation == 1);
    EXPECT(classic(s)->members.count == (size_t)count);
    return s;
}

static bool is(struct evl_bytes b, const char *text) { return evl_bytes_equal(b, T(text)); }

/* ---- joining ------------------------------------------------------------- */

TEST("a new member is given an id, comes back with it, and leads a group of its own")
{
    struct stage *s = stage_open();
    char id[80];
    uint64_t token = stage_join(s, (struct stage_join){ .version = 4 });
    REQUIRE(stage_error(s, token) == KAFKA_MEMBER_ID_REQUIRED);
    stage_id(s, "client", id);
    EXPECT(is(stage_answer(s, token)->join.member, id));
    token = stage_join(s, (struct stage_join){ .member = id, .protocols = "ab" });
    EXPECT(stage_error(s, token) == STAGE_WAITS && classic(s)->state == CLASSIC_PREPARING);
    stage_wait(s, 2999);
    EXPECT(stage_error(s, token) == STAGE_WAITS);
    stage_wait(s, 1);
    REQUIRE(stage_error(s, token) == KAFKA_NONE);
    const struct group_join_answer *join = &stage_answer(s, token)->join;
    EXPECT(join->generation == 1 && is(join->leader, id) && is(join->member, id));
    EXPECT(is(join->protocol, "a") && is(join->protocol_type, "consumer"));
    REQUIRE(join->peer_count == 1 && is(join->peers[0].metadata, "m"));
    EXPECT(classic(s)->state == CLASSIC_COMPLETING && s->log_count == 0);
    token = stage_sync(s, id, 1, true);
    REQUIRE(stage_error(s, token) == KAFKA_NONE);
    EXPECT(is(stage_answer(s, token)->sync.assignment, id) && s->log_count == 1);
    EXPECT(classic(s)->state == CLASSIC_STABLE && classic(s)->changed_ms == s->now_ms);
    stage_close(s);
}

TEST("an id that nobody comes back with is forgotten after its session")
{
    struct stage *s = stage_open();
    stage_join(s, (struct stage_join){ .version = 4 });
    EXPECT(classic(s)->pending.count == 1 && s->d.next_ms == s->now_ms + 10000);
    stage_wait(s, 10000);
    EXPECT(!stage_group(s) && s->table->groups.count == 0);
    stage_close(s);
}

TEST("the first join waits for others as long as they come, but not for ever")
{
    struct stage *s = stage_open();
    uint64_t token = stage_join(s, (struct stage_join){ .version = 3, .rebalance_ms = 7000 });
    for (int i = 0; i < 2; i++) {
        stage_wait(s, 2500);
        stage_join(s, (struct stage_join){ .version = 3, .rebalance_ms = 7000 });
    }
    EXPECT(stage_error(s, token) == STAGE_WAITS && s->d.next_ms == 1000000 + 6000);
    stage_wait(s, 1000);
    EXPECT(s->d.next_ms == 1000000 + 7000);
    stage_join(s, (struct stage_join){ .version = 3, .rebalance_ms = 7000 });
    stage_wait(s, 1000);
    EXPECT(stage_error(s, token) == KAFKA_NONE && classic(s)->members.count == 4);
    stage_close(s);
    s = open_with(3000); /* longer than the only member can wait */
    token = stage_join(s, (struct stage_join){ .version = 3, .rebalance_ms = 1000 });
    stage_wait(s, 3000);
    EXPECT(stage_error(s, token) == KAFKA_NONE);
    stage_close(s);
}

TEST("who cannot join is told why, and leaves nothing behind")
{
    struct stage *s = stage_open();
    EXPECT(stage_error(s, stage_join(s, (struct stage_join){ .session_ms = 5999 })) ==
           KAFKA_INVALID_SESSION_TIMEOUT);
    EXPECT(stage_error(s, stage_join(s, (struct stage_join){ .session_ms = 1800001 })) ==
           KAFKA_INVALID_SESSION_TIMEOUT);
    EXPECT(stage_error(s, stage_join(s, (struct stage_join){ .member = "who" })) ==
           KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT(stage_error(s, stage_join(s, (struct stage_join){ .protocols = "" })) ==
           KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    struct group_event e = stage_event(s, GROUP_JOIN);
    struct group_protocol protocol = { T("r"), T("m") };
    e.join = (struct group_join){ T(""), T(NULL), T(""), &protocol, 1, 10000, -1 };
    EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    EXPECT(s->table->groups.count == 0 && s->log_count == 0);
    e.join.protocol_type = T("connect");
    stage_send(s, &e);
    e.version = 3;
    stage_send(s, &e);
    EXPECT(classic(s)->members.count == 1 && classic(s)->members.at[0]->rebalance_ms == 10000);
    EXPECT(stage_error(s, stage_join(s, (struct stage_join){ 0 })) ==
           KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    stage_close(s);
}

TEST("a name that fits no record, and an empty one, are refused")
{
    struct stage *s = stage_open();
    static char big[INT16_MAX];
    memset(big, 'x', sizeof big - 1);
    struct group_event e = stage_event(s, GROUP_JOIN);
    struct group_protocol protocol = { T("r"), T("m") };
    e.join = (struct group_join){ T(""), T(NULL), T("consumer"), &protocol, 1, 10000, -1 };
    struct evl_bytes *const places[] = { &e.group,       &e.client_id,     &e.client_host,
                                         &e.join.member, &e.join.instance, &e.join.protocol_type,
                                         &protocol.name };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct evl_bytes kept = *places[i];
        *places[i] = T(big);
        EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_INVALID_REQUEST);
        *places[i] = kept;
    }
    e.group = T("");
    EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_INVALID_GROUP_ID);
    e.kind = GROUP_COMMIT_TXN;
    e.commit = (struct group_commit){ .generation = -1 };
    EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_INVALID_GROUP_ID);
    e.kind = GROUP_COMMIT;
    EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_NONE); /* old clients do that */
    stage_close(s);
}

TEST("the protocol is what most members prefer of what all know")
{
    struct stage *s = stage_open();
    struct stage_join first = { .version = 3, .protocols = "abc" };
    struct stage_join more = { .version = 3, .protocols = "xcb" };
    uint64_t token = stage_join(s, first);
    stage_join(s, more);
    stage_join(s, more);
    EXPECT(stage_error(s, stage_join(s, (struct stage_join){ .protocols = "ax" })) ==
           KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    stage_wait(s, 6000);
    REQUIRE(stage_error(s, token) == KAFKA_NONE);
    EXPECT(is(stage_answer(s, token)->join.protocol, "c"));
    stage_close(s);
}

TEST("a full group takes nobody, but those who are in it")
{
    struct stage *s = stable(2, NULL);
    s->table->settings.size_max = 2;
    EXPECT(stage_error(s, stage_join(s, (struct stage_join){ 0 })) == KAFKA_GROUP_MAX_SIZE_REACHED);
    uint64_t a = stage_join(s, (struct stage_join){ .member = "a" });
    EXPECT(stage_error(s, a) == STAGE_WAITS && classic(s)->state == CLASSIC_PREPARING);
    uint64_t c = stage_join(s, (struct stage_join){ .version = 3 }); /* b's place, if it is slow */
    EXPECT(stage_error(s, c) == STAGE_WAITS);
    EXPECT(stage_error(s, stage_join(s, (struct stage_join){ .member = "b" })) ==
           KAFKA_GROUP_MAX_SIZE_REACHED);
    EXPECT(stage_error(s, stage_join(s, (struct stage_join){ .member = "a" })) == STAGE_WAITS);
    EXPECT(stage_error(s, a) == KAFKA_REBALANCE_IN_PROGRESS); /* its first request was lost */
    stage_close(s);
}

/* ---- rebalances ---------------------------------------------------------- */

TEST("a newcomer makes the others join again, and the generation rises")
{
    struct stage *s = stable(2, NULL);
    uint64_t c = stage_join(s, (struct stage_join){ .version = 3 });
    EXPECT(stage_heartbeat(s, "a", NULL, 1) == KAFKA_REBALANCE_IN_PROGRESS);
    uint64_t a = stage_join(s, (struct stage_join){ .member = "a" });
    EXPECT(stage_error(s, a) == STAGE_WAITS);
    EXPECT(stage_heartbeat(s, "a", NULL, 1) == KAFKA_REBALANCE_IN_PROGRESS);
    uint64_t b = stage_join(s, (struct stage_join){ .member = "b" });
    REQUIRE(stage_error(s, a) == 0 && stage_error(s, b) == 0 && stage_error(s, c) == 0);
    EXPECT(stage_answer(s, a)->join.peer_count == 3 && stage_answer(s, b)->join.peer_count == 0);
    EXPECT(stage_answer(s, c)->join.generation == 2);
    EXPECT(stage_heartbeat(s, "a", NULL, 2) == KAFKA_NONE);
    EXPECT(stage_heartbeat(s, "a", NULL, 1) == KAFKA_ILLEGAL_GENERATION);
    stage_close(s);
}

TEST("who does not join in time is out; another leads, and who is late is unknown")
{
    struct stage *s = stable(2, NULL);
    uint64_t b = stage_join(s, (struct stage_join){ .member = "b", .metadata = "new" });
    EXPECT(stage_error(s, b) == STAGE_WAITS);
    for (int i = 0; i < 6; i++) {
        stage_wait(s, 9000);
        EXPECT(stage_heartbeat(s, "a", NULL, 1) == KAFKA_REBALANCE_IN_PROGRESS);
    }
    stage_wait(s, 6000);
    REQUIRE(stage_error(s, b) == KAFKA_NONE);
    EXPECT(is(stage_answer(s, b)->join.leader, "b") && stage_answer(s, b)->join.peer_count == 1);
    EXPECT(stage_heartbeat(s, "a", NULL, 2) == KAFKA_UNKNOWN_MEMBER_ID);
    stage_close(s);
}

TEST("a silent member is out after its session; the last one's end empties the group")
{
    struct stage *s = stable(2, NULL);
    stage_wait(s, 9000);
    EXPECT(stage_heartbeat(s, "a", NULL, 1) == KAFKA_NONE);
    stage_wait(s, 1000);
    EXPECT(classic(s)->members.count == 1 && classic(s)->state == CLASSIC_PREPARING);
    stage_wait(s, 9000);
    EXPECT(classic(s)->state == CLASSIC_EMPTY && classic(s)->generation == 2);
    EXPECT(!classic(s)->protocol.at && group_empty_since(s->table, T("g")) == s->now_ms);
    stage_close(s);
}

TEST("in a generation's first moments who joins again gets the same answer")
{
    struct stage *s = stable(2, NULL);
    struct stage_join a = { .member = "a" };
    struct stage_join b = { .member = "b" };
    stage_join(s, a);
    stage_join(s, b);
    uint64_t again = stage_join(s, a);
    REQUIRE(stage_error(s, again) == KAFKA_NONE && classic(s)->state == CLASSIC_COMPLETING);
    EXPECT(stage_answer(s, again)->join.generation == 2 &&
           stage_answer(s, again)->join.peer_count == 2);
    b.metadata = "other";
    EXPECT(stage_error(s, stage_join(s, b)) == STAGE_WAITS);
    EXPECT(classic(s)->state == CLASSIC_PREPARING);
    stage_close(s);
}

TEST("in a stable group only the leader, or who changed, begins a rebalance")
{
    struct stage *s = stable(3, NULL);
    uint64_t b = stage_join(s, (struct stage_join){ .member = "b" });
    REQUIRE(stage_error(s, b) == KAFKA_NONE);
    EXPECT(stage_answer(s, b)->join.generation == 1 && stage_answer(s, b)->join.peer_count == 0);
    EXPECT(stage_error(s, stage_join(s, (struct stage_join){ .member = "a" })) == STAGE_WAITS);
    EXPECT(classic(s)->state == CLASSIC_PREPARING);
    stage_close(s);
    s = stable(2, NULL);
    EXPECT(stage_error(s, stage_join(s, (struct stage_join){ .member = "b", .protocols = "rs" })) ==
           STAGE_WAITS);
    EXPECT(classic(s)->state == CLASSIC_PREPARING);
    EXPECT(stage_error(s, stage_join(s, (struct stage_join){ .member = "z" })) ==
           KAFKA_UNKNOWN_MEMBER_ID);
    stage_close(s);
    s = open_with(0);
    struct stage_join two = { .version = 3, .protocols = "rs" };
    char id[80];
    stage_join(s, two);
    stage_id(s, "client", id);
    stage_wait(s, 0);
    two.member = id;
    two.protocols = "sr"; /* as many, in another order */
    uint64_t again = stage_join(s, two);
    REQUIRE(stage_error(s, again) == KAFKA_NONE);
    EXPECT(stage_answer(s, again)->join.generation == 2 && is(classic(s)->protocol, "s"));
    stage_close(s);
}

TEST("a large group is answered at once")
{
    struct stage *s = stage_open();
    uint64_t tokens[20];
    for (int i = 0; i < 20; i++)
        tokens[i] = stage_join(s, (struct stage_join){ .version = 3 });
    stage_wait(s, 6000);
    for (int i = 0; i < 20; i++)
        EXPECT(stage_error(s, tokens[i]) == KAFKA_NONE);
    stage_close(s);
}

TEST("a fresh member that waits too long for its first generation is out")
{
    struct stage *s = stable(1, NULL);
    struct stage_join slow = { .member = "a", .rebalance_ms = 400000, .session_ms = 400000 };
    stage_join(s, slow);
    stage_sync(s, "a", 2, true);
    uint64_t fresh = stage_join(s, (struct stage_join){ .version = 3 });
    stage_wait(s, 299999);
    EXPECT(stage_error(s, fresh) == STAGE_WAITS);
    stage_wait(s, 1);
    EXPECT(stage_error(s, fresh) == KAFKA_UNKNOWN_MEMBER_ID && classic(s)->members.count == 1);
    stage_close(s);
}

/* ---- syncing ------------------------------------------------------------- */

TEST("members wait for the leader's sync; each gets its share, or nothing")
{
    struct stage *s = stable(2, NULL);
    stage_join(s, (struct stage_join){ .member = "a" });
    stage_join(s, (struct stage_join){ .member = "b" });
    uint64_t lost = stage_sync(s, "b", 2, false);
    uint64_t b = stage_sync(s, "b", 2, false);
    EXPECT(stage_error(s, lost) == KAFKA_REBALANCE_IN_PROGRESS && stage_error(s, b) == STAGE_WAITS);
    EXPECT(stage_heartbeat(s, "b", NULL, 2) == KAFKA_NONE);
    uint64_t a = stage_sync(s, "a", 2, false); /* it leads, and shares nothing out */
    REQUIRE(stage_error(s, a) == KAFKA_NONE && stage_error(s, b) == KAFKA_NONE);
    EXPECT(is(stage_answer(s, b)->sync.assignment, ""));
    b = stage_sync(s, "b", 2, false);
    EXPECT(stage_error(s, b) == KAFKA_NONE && is(stage_answer(s, b)->sync.protocol, "r"));
    stage_close(s);
    s = stable(2, NULL);
    stage_join(s, (struct stage_join){ .member = "a" });
    stage_join(s, (struct stage_join){ .member = "b" });
    stage_sync(s, "a", 2, true); /* the leader is first */
    b = stage_sync(s, "b", 2, false);
    EXPECT(is(stage_answer(s, b)->sync.assignment, "b"));
    stage_close(s);
}

TEST("a sync of the wrong member, generation or protocol is refused")
{
    struct stage *s = stable(2, NULL);
    EXPECT(stage_error(s, stage_sync(s, "z", 1, false)) == KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT(stage_error(s, stage_sync(s, "a", 0, false)) == KAFKA_ILLEGAL_GENERATION);
    struct group_event e = stage_event(s, GROUP_SYNC);
    e.sync = (struct group_sync){ T("a"), T(NULL), 1, T("consumer"), T("r"), NULL, 0 };
    EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_NONE);
    e.sync.protocol = T("s");
    EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    e.sync.protocol_type = T("connect");
    EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    stage_join(s, (struct stage_join){ .member = "a" });
    EXPECT(stage_error(s, stage_sync(s, "a", 1, false)) == KAFKA_REBALANCE_IN_PROGRESS);
    e.group = T("none");
    EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_UNKNOWN_MEMBER_ID);
    stage_close(s);
}

TEST("who never syncs is out; so is a leader, and who waited for it joins again")
{
    struct stage *s = stable(2, NULL);
    stage_join(s, (struct stage_join){ .member = "a" });
    stage_join(s, (struct stage_join){ .member = "b" });
    uint64_t b = stage_sync(s, "b", 2, false);
    for (int i = 0; i < 6; i++) {
        stage_wait(s, 9000);
        EXPECT(stage_heartbeat(s, "a", NULL, 2) == KAFKA_NONE);
    }
    stage_wait(s, 6000);
    EXPECT(stage_error(s, b) == KAFKA_REBALANCE_IN_PROGRESS);
    EXPECT(classic(s)->members.count == 1 && classic(s)->state == CLASSIC_PREPARING);
    EXPECT(is(classic(s)->leader->id, "b"));
    stage_close(s);
}

TEST("a newcomer during a sync sends everybody back to join")
{
    struct stage *s = stable(2, NULL);
    stage_join(s, (struct stage_join){ .member = "a" });
    stage_join(s, (struct stage_join){ .member = "b" });
    uint64_t b = stage_sync(s, "b", 2, false);
    stage_join(s, (struct stage_join){ .version = 3 });
    EXPECT(stage_error(s, b) == KAFKA_REBALANCE_IN_PROGRESS);
    EXPECT(classic(s)->state == CLASSIC_PREPARING);
    stage_close(s);
}

/* ---- leaving ------------------------------------------------------------- */

TEST("who leaves is out at once, and what waits for it is answered")
{
    struct stage *s = stable(3, NULL);
    EXPECT(stage_leave(s, "b", NULL) == KAFKA_NONE && classic(s)->state == CLASSIC_PREPARING);
    uint64_t a = stage_join(s, (struct stage_join){ .member = "a" });
    EXPECT(stage_leave(s, "a", NULL) == KAFKA_NONE);
    EXPECT(stage_error(s, a) == KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT(stage_leave(s, "a", NULL) == KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT(stage_leave(s, "c", NULL) == KAFKA_NONE && classic(s)->state == CLASSIC_EMPTY);
    EXPECT(stage_leave(s, "", NULL) == KAFKA_UNKNOWN_MEMBER_ID);
    struct group_event e = stage_event(s, GROUP_LEAVE);
    struct group_leaver leaver = { T("a"), T(NULL) };
    e.group = T("none");
    e.leave = (struct group_leave){ &leaver, 1 };
    const struct group_answer *answer = stage_answer(s, stage_send(s, &e));
    EXPECT(answer->error == KAFKA_NONE && answer->errors.at[0] == KAFKA_UNKNOWN_MEMBER_ID);
    stage_close(s);
}

TEST("a member that waits to be synced may leave, and one that was only given an id")
{
    struct stage *s = stable(2, NULL);
    char id[80];
    stage_join(s, (struct stage_join){ .member = "a" });
    stage_join(s, (struct stage_join){ .member = "b" });
    uint64_t b = stage_sync(s, "b", 2, false);
    EXPECT(stage_leave(s, "b", NULL) == KAFKA_NONE);
    EXPECT(stage_error(s, b) == KAFKA_UNKNOWN_MEMBER_ID);
    stage_join(s, (struct stage_join){ .version = 4 });
    stage_id(s, "client", id);
    uint64_t a = stage_join(s, (struct stage_join){ .member = "a" });
    EXPECT(stage_error(s, a) == STAGE_WAITS); /* it waits for who was given an id */
    EXPECT(stage_leave(s, id, NULL) == KAFKA_NONE);
    EXPECT(stage_error(s, a) == KAFKA_NONE);
    stage_close(s);
}

/* ---- static members ------------------------------------------------------ */

static const char *const instances[] = { "i", "j", NULL };

TEST("a static member that is back takes its old place without a rebalance")
{
    struct stage *s = stable(3, instances);
    char id[80];
    size_t before = s->log_count;
    uint64_t back = stage_join(s, (struct stage_join){ .instance = "j", .version = 8 });
    REQUIRE(stage_error(s, back) == KAFKA_NONE);
    stage_id(s, "j", id);
    const struct group_join_answer *join = &stage_answer(s, back)->join;
    EXPECT(is(join->member, id) && is(join->leader, "a") && join->generation == 1);
    EXPECT(!join->skip_assignment && join->peer_count == 0 && s->log_count == before + 1);
    EXPECT(classic(s)->state == CLASSIC_STABLE && is(classic(s)->members.at[1]->id, id));
    uint64_t sync = stage_sync(s, id, 1, false);
    EXPECT(is(stage_answer(s, sync)->sync.assignment, "b")); /* what it had */
    EXPECT(stage_heartbeat(s, "b", "j", 1) == KAFKA_FENCED_INSTANCE_ID);
    EXPECT(stage_heartbeat(s, "b", "x", 1) == KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT(stage_heartbeat(s, id, "j", 1) == KAFKA_NONE);
    stage_close(s);
}

TEST("an old client's static leader is told that its old id leads; a new one may skip")
{
    struct stage *s = stable(2, instances);
    char id[80];
    uint64_t back = stage_join(s, (struct stage_join){ .instance = "i", .version = 8 });
    REQUIRE(stage_error(s, back) == KAFKA_NONE);
    EXPECT(is(stage_answer(s, back)->join.leader, "a") &&
           stage_answer(s, back)->join.peer_count == 0);
    back = stage_join(s, (struct stage_join){ .instance = "i", .version = 9 });
    REQUIRE(stage_error(s, back) == KAFKA_NONE);
    stage_id(s, "i", id);
    const struct group_join_answer *join = &stage_answer(s, back)->join;
    EXPECT(is(join->leader, id) && join->skip_assignment && join->peer_count == 2);
    EXPECT(is(join->peers[0].member, id) && is(join->peers[1].member, "b"));
    EXPECT(is(classic(s)->leader->id, id));
    back = stage_join(s, (struct stage_join){ .instance = "j", .version = 9 });
    EXPECT(!stage_answer(s, back)->join.skip_assignment);
    EXPECT(stage_error(s, stage_join(s, (struct stage_join){ .member = "b", .instance = "j" })) ==
           KAFKA_FENCED_INSTANCE_ID);
    stage_close(s);
}

TEST("a static member back with another protocol, or in a rebalance, rebalances")
{
    struct stage *s = stable(1, instances);
    uint64_t back = stage_join(s, (struct stage_join){ .instance = "i", .protocols = "sr" });
    EXPECT(stage_error(s, back) == KAFKA_NONE && classic(s)->generation == 2);
    stage_close(s);
    s = stable(2, instances);
    uint64_t a = stage_join(s, (struct stage_join){ .member = "a", .instance = "i" });
    back = stage_join(s, (struct stage_join){ .instance = "i" });
    EXPECT(stage_error(s, a) == KAFKA_FENCED_INSTANCE_ID && stage_error(s, back) == STAGE_WAITS);
    uint64_t b = stage_join(s, (struct stage_join){ .instance = "j" });
    EXPECT(stage_error(s, back) == KAFKA_NONE && classic(s)->state == CLASSIC_COMPLETING);
    EXPECT(stage_answer(s, b)->join.generation == 2);
    back = stage_join(s, (struct stage_join){ .instance = "j" });
    EXPECT(stage_error(s, back) == STAGE_WAITS && classic(s)->state == CLASSIC_PREPARING);
    stage_close(s);
}

TEST("a static member that waits to be synced is fenced by its successor")
{
    struct stage *s = stable(2, instances);
    char id[80];
    stage_join(s, (struct stage_join){ .member = "a", .instance = "i" });
    uint64_t b = stage_join(s, (struct stage_join){ .member = "b", .instance = "j" });
    EXPECT(stage_error(s, b) == KAFKA_NONE);
    uint64_t sync = stage_sync(s, "b", 2, false);
    stage_join(s, (struct stage_join){ .instance = "j" });
    stage_id(s, "j", id);
    EXPECT(stage_error(s, sync) == KAFKA_FENCED_INSTANCE_ID);
    EXPECT(stage_leave(s, "b", "j") == KAFKA_FENCED_INSTANCE_ID);
    EXPECT(stage_leave(s, "", "none") == KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT(stage_leave(s, "", "j") == KAFKA_NONE); /* an administrator */
    EXPECT(stage_leave(s, "a", "i") == KAFKA_NONE && classic(s)->state == CLASSIC_EMPTY);
    stage_close(s);
}

TEST("a rebalance waits for static members until their sessions end")
{
    const char *const mixed[] = { "i", NULL };
    struct stage *s = stable(2, mixed);
    stage_join(s, (struct stage_join){ .member = "b", .rebalance_ms = 4000, .metadata = "x" });
    EXPECT(stage_leave(s, "b", NULL) == KAFKA_NONE);
    struct stage_join slow = { .member = "a", .instance = "i", .rebalance_ms = 2000 };
    stage_join(s, slow); /* alone: at once */
    EXPECT(classic(s)->generation == 2);
    stage_sync(s, "a", 2, true);
    uint64_t b = stage_join(s, (struct stage_join){ .version = 3, .rebalance_ms = 2000 });
    stage_wait(s, 2000);
    REQUIRE(stage_error(s, b) == KAFKA_NONE); /* it leads: the static one is away, and stays */
    EXPECT(classic(s)->members.count == 2 && classic(s)->leader->instance.at == NULL);
    stage_close(s);
    s = stable(2, instances);
    stage_leave(s, "a", "i");
    stage_wait(s, 9999);
    EXPECT(classic(s)->members.count == 1 && classic(s)->state == CLASSIC_PREPARING);
    stage_wait(s, 1);
    EXPECT(classic(s)->state == CLASSIC_EMPTY);
    stage_close(s);
    s = stable(1, instances);
    stage_join(s, (struct stage_join){
                      .member = "a", .instance = "i", .rebalance_ms = 1000, .session_ms = 30000 });
    stage_sync(s, "a", 2, true);
    b = stage_join(s, (struct stage_join){ .version = 3, .rebalance_ms = 1000 });
    char id[80];
    stage_leave(s, stage_id(s, "client", id), NULL); /* nobody is left but who is away */
    stage_wait(s, 29999);
    EXPECT(classic(s)->state == CLASSIC_PREPARING && classic(s)->generation == 2);
    stage_wait(s, 1);
    EXPECT(classic(s)->state == CLASSIC_EMPTY);
    stage_close(s);
}

/* ---- positions ----------------------------------------------------------- */

TEST("positions are committed by a member of this generation, or by nobody's member")
{
    struct stage *s = stage_open();
    EXPECT(stage_commit(s, GROUP_COMMIT, "", NULL, -1) == KAFKA_NONE);
    EXPECT(stage_commit(s, GROUP_COMMIT, "a", NULL, 1) == KAFKA_GROUP_ID_NOT_FOUND);
    EXPECT(stage_commit(s, GROUP_COMMIT_TXN, "a", NULL, 1) == KAFKA_ILLEGAL_GENERATION);
    struct group_event e = stage_event(s, GROUP_COMMIT);
    e.version = 8;
    e.commit.generation = 1;
    EXPECT(stage_error(s, stage_send(s, &e)) == KAFKA_ILLEGAL_GENERATION);
    gather(s, 2, instances);
    EXPECT(stage_commit(s, GROUP_COMMIT, "a", "i", 1) == KAFKA_NONE);
    EXPECT(s->table->timers.count > 0 && stage_commit(s, GROUP_FETCH, "x", NULL, 5) == KAFKA_NONE);
    EXPECT(stage_commit(s, GROUP_COMMIT, "", NULL, -1) == KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT(stage_commit(s, GROUP_COMMIT_TXN, "", NULL, -1) == KAFKA_NONE);
    EXPECT(stage_commit(s, GROUP_COMMIT, "z", NULL, 1) == KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT(stage_commit(s, GROUP_COMMIT, "a", NULL, -1) == KAFKA_ILLEGAL_GENERATION);
    EXPECT(stage_commit(s, GROUP_COMMIT, "", "i", -1) == KAFKA_FENCED_INSTANCE_ID);
    EXPECT(stage_commit(s, GROUP_COMMIT_TXN, "b", "i", 1) == KAFKA_FENCED_INSTANCE_ID);
    EXPECT(stage_commit(s, GROUP_COMMIT, "a", NULL, 0) == KAFKA_ILLEGAL_GENERATION);
    stage_join(s, (struct stage_join){ .member = "a", .instance = "i" });
    EXPECT(stage_commit(s, GROUP_COMMIT, "a", "i", 1) == KAFKA_NONE); /* before it gives back */
    EXPECT(stage_commit(s, GROUP_COMMIT, "b", "j", 1) == KAFKA_NONE);
    stage_join(s, (struct stage_join){ .member = "b", .instance = "j" });
    EXPECT(stage_commit(s, GROUP_COMMIT, "a", "i", 2) == KAFKA_REBALANCE_IN_PROGRESS);
    stage_sync(s, "b", 2, false);
    EXPECT(stage_commit(s, GROUP_COMMIT_TXN, "b", "j", 2) == KAFKA_NONE);
    EXPECT(stage_heartbeat(s, "b", "j", 2) == KAFKA_NONE);
    stage_leave(s, "a", "i");
    stage_leave(s, "b", "j");
    EXPECT(stage_commit(s, GROUP_COMMIT, "", NULL, -1) == KAFKA_NONE);
    stage_close(s);
}

/* ---- restarts, failures -------------------------------------------------- */

TEST("after a restart members go on in the generation that was written")
{
    struct stage *s = stable(3, instances);
    stage_crash(s);
    EXPECT(stage_is_true(s) && classic(s)->state == CLASSIC_STABLE);
    EXPECT(stage_heartbeat(s, "a", "i", 1) == KAFKA_NONE);
    uint64_t sync = stage_sync(s, "c", 1, false);
    EXPECT(is(stage_answer(s, sync)->sync.assignment, "c"));
    uint64_t same = stage_join(s, (struct stage_join){ .member = "c" });
    EXPECT(stage_error(s, same) == KAFKA_NONE); /* what it says is what was written */
    stage_wait(s, 9999);
    stage_heartbeat(s, "a", "i", 1);
    stage_wait(s, 1);
    EXPECT(classic(s)->members.count == 1); /* who is silent since, is out */
    stage_close(s);
}

TEST("a restart in a rebalance goes back to the generation before")
{
    struct stage *s = stable(2, NULL);
    stage_join(s, (struct stage_join){ .member = "a" });
    stage_join(s, (struct stage_join){ .member = "b" });
    EXPECT(classic(s)->generation == 2);
    stage_crash(s);
    EXPECT(classic(s)->generation == 1 && classic(s)->state == CLASSIC_STABLE);
    EXPECT(stage_error(s, stage_sync(s, "b", 2, false)) == KAFKA_ILLEGAL_GENERATION);
    stage_close(s);
}

TEST("what cannot be written is answered so, and the group tries again")
{
    struct stage *s = stable(2, NULL);
    stage_join(s, (struct stage_join){ .member = "a" });
    stage_join(s, (struct stage_join){ .member = "b" });
    uint64_t b = stage_sync(s, "b", 2, false);
    s->refuse = KAFKA_COORDINATOR_NOT_AVAILABLE;
    uint64_t a = stage_sync(s, "a", 2, true);
    EXPECT(stage_error(s, a) == KAFKA_COORDINATOR_NOT_AVAILABLE && stage_error(s, b) == 15);
    EXPECT(classic(s)->state == CLASSIC_PREPARING && s->log_count == 1);
    stage_leave(s, "a", NULL);
    s->refuse = KAFKA_COORDINATOR_NOT_AVAILABLE;
    EXPECT(stage_leave(s, "b", NULL) == KAFKA_COORDINATOR_NOT_AVAILABLE);
    EXPECT(classic(s)->state == CLASSIC_PREPARING && s->log_count == 1);
    stage_wait(s, 1000); /* it tries again */
    EXPECT(classic(s)->state == CLASSIC_EMPTY && s->log_count == 2);
    stage_close(s);
    s = stable(1, instances);
    s->refuse = KAFKA_NOT_COORDINATOR;
    EXPECT(stage_error(s, stage_join(s, (struct stage_join){ .instance = "i" })) == 16);
    EXPECT(classic(s)->state == CLASSIC_STABLE && is(classic(s)->members.at[0]->id, "a"));
    stage_close(s);
}

TEST("a group without a leader in its record is led by its first member")
{
    struct stage *s = stable(1, NULL);
    struct group_table *table = group_table_create(&s->settings);
    struct group_metadata_key key = { T("g") };
    struct group_metadata_member member = {
        T("a"), T(NULL), T("c"), T("h"), -1, 7000, T(""), T("")
    };
    struct group_metadata_value value = { T("consumer"), 4, T("r"), T("gone"), -1, { &member, 1 } };
    struct keyed_list list = { 0 };
    EXPECT(keyed_list_add(&list, group_log(GROUP_LOG_group_metadata), &key, 3, &value) == EVL_OK);
    struct evl_record record = keyed_list_at(&list, 0);
    EXPECT(group_apply(table, &record) == EVL_OK);
    const struct classic *c = table_group(table, T("g"))->classic;
    EXPECT(is(c->leader->id, "a") && c->leader->rebalance_ms == 7000);
    value.members.count = 0;
    value.leader = T(NULL);
    keyed_list_clear(&list);
    EXPECT(keyed_list_add(&list, group_log(GROUP_LOG_group_metadata), &key, 3, &value) == EVL_OK);
    record = keyed_list_at(&list, 0);
    EXPECT(group_apply(table, &record) == EVL_OK);
    EXPECT(c->state == CLASSIC_EMPTY && !c->leader);
    EXPECT(group_empty_since(table, T("g")) == INT64_MIN);
    keyed_list_release(&list);
    group_table_destroy(table);
    stage_close(s);
}
