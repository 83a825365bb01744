/* group_kit.c - the stage of the tests of groups; see group_kit.h. */
#include "group_kit.h"

#include <stdio.h>

#include "base/buf.h"
#include "unit.h"

struct stage *stage_open(void)
{
    struct stage *s = memory_take(1, sizeof *s);
    s->settings = group_table_defaults();
    s->settings.consumer_assignment_ms = 0;
    s->now_ms = 1000000;
    s->table = group_table_create(&s->settings);
    struct group_event loaded = stage_event(s, GROUP_LOADED);
    stage_send(s, &loaded);
    return s;
}

void stage_close(struct stage *s)
{
    group_table_destroy(s->table);
    decision_release(&s->d);
    for (size_t i = 0; i < s->log_count; i++) {
        keep_drop(&s->log[i].key);
        keep_drop(&s->log[i].value);
    }
    memory_free(s->log);
    memory_free(s);
}

/* ---- turns --------------------------------------------------------------- */

struct group_event stage_event(struct stage *s, enum group_event_kind kind)
{
    struct group_event e = { .kind = kind, .version = 9, .now_ms = s->now_ms };
    e.token = ++s->token;
    e.chance = uuid_make(++s->chance, 7);
    e.client_id = T("client");
    e.client_host = T("/127.0.0.1");
    if (kind < GROUP_LIST)
        e.group = T("g");
    return e;
}

static void append(struct stage *s, const struct evl_record *record)
{
    s->log = memory_grow(s->log, s->log_count + 1, sizeof *s->log);
    s->log[s->log_count++] =
        (struct stage_record){ keep_copy(record->key), keep_copy(record->value) };
}

static void write_log(struct stage *s)
{
    for (size_t i = 0; i < s->d.records.count; i++) {
        struct evl_record record = keyed_list_at(&s->d.records, i);
        append(s, &record);
    }
}

static void die(struct stage *s)
{
    enum stage_death death = s->death;
    s->death = STAGE_LIVES;
    if (death == STAGE_DIES_AFTER)
        write_log(s);
    s->table->owed = 0; /* it will never know */
    s->table->owing = NULL;
    stage_crash(s);
    s->d.answer_count = 0;
}

static void carry_out(struct stage *s)
{
    size_t count = s->d.records.count;
    if (count > 0 && s->refuse) {
        group_not_written(s->table, s->now_ms, s->refuse, &s->d);
        s->refuse = KAFKA_NONE;
    } else if (count > 0 && s->death) {
        die(s);
    } else {
        write_log(s);
        for (size_t i = 0; i < count; i++) {
            struct evl_record record = keyed_list_at(&s->d.records, i);
            EXPECT(group_apply(s->table, &record) == EVL_OK);
        }
        EXPECT(s->quick || stage_is_true(s));
    }
    if (s->seen)
        s->seen(s->who);
}

uint64_t stage_send(struct stage *s, struct group_event *event)
{
    group_decide(s->table, event, &s->d);
    carry_out(s);
    return event->token;
}

void stage_wait(struct stage *s, int64_t ms)
{
    int64_t until_ms = s->now_ms + ms;
    while (timers_next(&s->table->timers) <= until_ms) {
        s->now_ms = timers_next(&s->table->timers);
        struct group_event due = stage_event(s, GROUP_TIMER);
        stage_send(s, &due);
    }
    s->now_ms = until_ms;
}

const struct group_answer *stage_answer(const struct stage *s, uint64_t token)
{
    for (size_t i = 0; i < s->d.answer_count; i++)
        if (s->d.answers[i].token == token)
            return &s->d.answers[i];
    return NULL;
}

int stage_error(const struct stage *s, uint64_t token)
{
    const struct group_answer *answer = stage_answer(s, token);
    return answer ? (int)answer->error : STAGE_WAITS;
}

struct group *stage_group(const struct stage *s) { return table_group(s->table, T("g")); }

/* ---- the log is the truth ------------------------------------------------ */

static struct group_table *replay(const struct stage *s)
{
    struct group_table *table = group_table_create(&s->settings);
    for (size_t i = 0; i < s->log_count; i++) {
        struct evl_record record = EVL_RECORD_NONE;
        record.key = s->log[i].key;
        record.value = s->log[i].value;
        EXPECT(group_apply(table, &record) == EVL_OK);
    }
    return table;
}

static void print_bytes(struct evl_buffer *out, struct evl_bytes b)
{
    if (b.at)
        buf_print(out, " '%.*s'", (int)b.count, (const char *)b.at);
    else
        buf_add_text(out, " null");
}

static void print_parts(struct evl_buffer *out, const char *name, const struct parts *p)
{
    buf_print(out, " %s", name);
    for (size_t i = 0; i < p->count; i++)
        buf_print(out, " %c%d@%d", p->at[i].topic.at[0], p->at[i].number, p->at[i].epoch);
}

static void print_topics(struct evl_buffer *out, const struct consumer_topics *t)
{
    for (size_t i = 0; i < t->count; i++)
        print_bytes(out, t->at[i]);
}

static void print_classic(struct evl_buffer *out, const struct classic *c)
{
    buf_print(out, "classic %d %d %lld", c->state, c->generation, (long long)c->changed_ms);
    print_bytes(out, c->protocol_type);
    print_bytes(out, c->protocol);
    print_bytes(out, c->leader ? c->leader->id : T(NULL));
    for (size_t i = 0; i < c->members.count; i++) {
        const struct classic_member *m = c->members.at[i];
        buf_print(out, "\n  %d %d", m->session_ms, m->rebalance_ms);
        print_bytes(out, m->id);
        print_bytes(out, m->instance);
        print_bytes(out, m->client_id);
        print_bytes(out, m->client_host);
        print_bytes(out, m->subscription);
        print_bytes(out, m->assignment);
    }
}

static void print_consumer_member(struct evl_buffer *out, const struct consumer_member *m)
{
    buf_print(out, "\n  %d %d %d %d", m->epoch, m->previous_epoch, m->state, m->rebalance_ms);
    buf_print(out, " %d%d%d", m->described, m->placed, m->targeted);
    print_bytes(out, m->id);
    print_bytes(out, m->instance);
    print_bytes(out, m->rack);
    print_bytes(out, m->client_id);
    print_bytes(out, m->client_host);
    print_bytes(out, m->regex);
    print_bytes(out, m->assignor);
    print_topics(out, &m->topics);
    print_parts(out, "has", &m->assigned);
    print_parts(out, "revokes", &m->revoking);
    print_parts(out, "gets", &m->target);
}

static void print_consumer(struct evl_buffer *out, const struct consumer *c)
{
    buf_print(out, "consumer %d %d %lld %lld", c->epoch, c->target_epoch, (long long)c->target_ms,
              (long long)c->hash);
    for (size_t i = 0; i < c->member_count; i++)
        print_consumer_member(out, c->members[i]);
    for (size_t i = 0; i < c->regex_count; i++) {
        print_bytes(out, c->regexes[i].text);
        print_topics(out, &c->regexes[i].topics);
    }
}

/* Is a classic group's rebalance, which is soft, under way? */
static bool is_moving(const struct group *g)
{
    return g->classic && (g->classic->state == CLASSIC_PREPARING ||
                          g->classic->state == CLASSIC_COMPLETING || !g->classic->written);
}

static bool is_written(const struct group *g)
{
    return (g->classic && g->classic->written) || g->consumer;
}

static bool same_group(const struct group *memory, const struct group *log)
{
    struct evl_buffer one = { 0 };
    struct evl_buffer other = { 0 };
    if (!is_written(memory) || !log)
        return !is_written(memory) && !log;
    if (is_moving(memory))
        return true;
    if (!memory->classic != !log->classic || !memory->consumer != !log->consumer)
        return false;
    if (memory->classic) {
        print_classic(&one, memory->classic);
        print_classic(&other, log->classic);
    } else {
        print_consumer(&one, memory->consumer);
        print_consumer(&other, log->consumer);
    }
    bool same = evl_bytes_equal(buf_bytes(&one), buf_bytes(&other));
    if (!same)
        printf("# memory: %s\n# log: %s\n", buf_text(&one), buf_text(&other));
    buf_release(&one);
    buf_release(&other);
    return same;
}

bool stage_is_true(struct stage *s)
{
    struct group_table *log = replay(s);
    const struct group *g;
    size_t written = 0;
    bool same = true;
    for (size_t i = 0; (g = map_next(&s->table->groups, &i));) {
        same = same && same_group(g, table_group(log, g->name));
        written += is_written(g);
    }
    same = same && written == log->groups.count;
    group_table_destroy(log);
    return same;
}

void stage_crash(struct stage *s)
{
    struct group_table *old = s->table;
    const struct table_topic *t;
    s->table = replay(s);
    for (size_t i = 0; (t = map_next(&old->topics, &i));)
        table_topic_set(s->table, t->name, t->id, t->partitions);
    group_table_destroy(old);
    struct group_event loaded = stage_event(s, GROUP_LOADED);
    stage_send(s, &loaded);
}

static bool is_newest(const struct stage *s, size_t i)
{
    for (size_t j = i + 1; j < s->log_count; j++)
        if (evl_bytes_equal(s->log[i].key, s->log[j].key))
            return false;
    return s->log[i].value.at != NULL;
}

void stage_compact(struct stage *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->log_count; i++) {
        struct stage_record record = s->log[i];
        if (is_newest(s, i)) {
            s->log[count++] = record;
        } else {
            keep_drop(&record.key);
            keep_drop(&record.value);
        }
    }
    s->log_count = count;
}

/* ---- topics -------------------------------------------------------------- */

struct uuid stage_topic_id(const char *name) { return (struct uuid){ { (uint8_t)name[0], 1 } }; }

void stage_topic(struct stage *s, const char *name, int32_t partitions)
{
    struct group_topic topic = { stage_topic_id(name), T(name), partitions };
    struct group_event e = stage_event(s, GROUP_TOPICS);
    e.topics.at = &topic;
    e.topics.count = 1;
    stage_send(s, &e);
}

/* ---- requests ------------------------------------------------------------ */

uint64_t stage_join(struct stage *s, struct stage_join join)
{
    struct group_event e = stage_event(s, GROUP_JOIN);
    const char *letters = join.protocols ? join.protocols : "r";
    struct group_protocol protocols[8];
    size_t count = strlen(letters);
    for (size_t i = 0; i < count; i++)
        protocols[i] = (struct group_protocol){ evl_bytes(letters + i, 1),
                                                T(join.metadata ? join.metadata : "m") };
    e.version = join.version ? join.version : 9;
    e.join = (struct group_join){
        .member = T(join.member ? join.member : ""),
        .instance = T(join.instance),
        .protocol_type = T("consumer"),
        .protocols = protocols,
        .protocol_count = count,
        .session_ms = join.session_ms ? join.session_ms : 10000,
        .rebalance_ms = join.rebalance_ms ? join.rebalance_ms : 60000,
    };
    return stage_send(s, &e);
}

uint64_t stage_sync(struct stage *s, const char *member, int32_t generation, bool leads)
{
    struct group_event e = stage_event(s, GROUP_SYNC);
    struct group_share shares[16];
    const struct classic *c = stage_group(s)->classic;
    e.sync = (struct group_sync){ .member = T(member), .generation = generation };
    for (size_t i = 0; leads && i < c->members.count; i++)
        shares[i] = (struct group_share){ c->members.at[i]->id, c->members.at[i]->id };
    e.sync.shares = shares;
    e.sync.share_count = leads ? c->members.count : 0;
    return stage_send(s, &e);
}

int stage_heartbeat(struct stage *s, const char *member, const char *instance, int32_t generation)
{
    struct group_event e = stage_event(s, GROUP_HEARTBEAT);
    e.sync = (struct group_sync){ T(member), T(instance), .generation = generation };
    return stage_error(s, stage_send(s, &e));
}

int stage_leave(struct stage *s, const char *member, const char *instance)
{
    struct group_event e = stage_event(s, GROUP_LEAVE);
    struct group_leaver leaver = { T(member), T(instance) };
    e.leave = (struct group_leave){ &leaver, 1 };
    const struct group_answer *answer = stage_answer(s, stage_send(s, &e));
    return (int)(answer->error ? answer->error : answer->errors.at[0]);
}

int stage_commit(struct stage *s, enum group_event_kind kind, const char *member,
                 const char *instance, int32_t generation)
{
    struct group_event e = stage_event(s, kind);
    struct group_position position = { T("orders"), 0 };
    e.commit = (struct group_commit){ T(member), T(instance), generation, &position, 1 };
    return stage_error(s, stage_send(s, &e));
}

const char *stage_id(struct stage *s, const char *prefix, char *room)
{
    char text[UUID_TEXT];
    struct uuid chance = uuid_make(s->chance, 7);
    snprintf(room, 80, "%s-%s", prefix, uuid_print(&chance, text));
    return room;
}
