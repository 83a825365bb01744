/* Where groups are: positions as records, committed, pending, expired. */
#include "unit.h"

#include <stdio.h>

#include "base/memory.h"
#include "group/offsets.h"

enum { NOW = 1000000, PRODUCER = 7, OTHER = 8 };

#define NAME(text) evl_text(text)

/* A log in memory, and what it adds up to. */
struct bench {
    struct offsets *offsets;
    struct keyed_list list;
    int64_t end;
};

static struct bench bench_open(void) { return (struct bench){ .offsets = offsets_create() }; }

static void bench_close(struct bench *b)
{
    offsets_destroy(b->offsets);
    keyed_list_release(&b->list);
}

/* Append what was decided; returns how many records that is. */
static size_t append(struct bench *b, int64_t producer_id)
{
    size_t count = b->list.count;
    for (size_t i = 0; i < count; i++) {
        struct evl_record record = keyed_list_at(&b->list, i);
        record.offset = b->end++;
        EXPECT(offsets_apply(b->offsets, &record, producer_id) == EVL_OK);
    }
    keyed_list_clear(&b->list);
    return count;
}

static struct offsets_position at(const char *topic, int32_t partition, int64_t offset)
{
    return (struct offsets_position){
        .topic = evl_text(topic), .partition = partition, .offset = offset, .leader_epoch = -1
    };
}

static void commit(struct bench *b, const char *group, const char *topic, int32_t partition,
                   int64_t offset, int64_t producer_id)
{
    struct offsets_position p = at(topic, partition, offset);
    EXPECT(offsets_decide_commit(NAME(group), &p, NOW, &b->list) == KAFKA_NONE);
    EXPECT(append(b, producer_id) == 1);
}

static void forget(struct bench *b, const char *group, const char *topic, int32_t partition)
{
    offsets_decide_delete(b->offsets, NAME(group), NAME(topic), partition, &b->list);
    append(b, -1);
}

/* -1: none. */
static int64_t committed(const struct bench *b, const char *group, const char *topic,
                         int32_t partition)
{
    const struct offsets_position *p =
        offsets_find(b->offsets, NAME(group), NAME(topic), partition);
    return p ? p->offset : -1;
}

static bool is_pending(const struct bench *b, const char *group, const char *topic,
                       int32_t partition)
{
    return offsets_is_pending(b->offsets, NAME(group), NAME(topic), partition);
}

/* ---- committing ---------------------------------------------------------- */

TEST("the position that was committed last is the group's")
{
    struct bench b = bench_open();
    EXPECT(committed(&b, "g", "t", 0) == -1);
    commit(&b, "g", "t", 0, 5, -1);
    commit(&b, "g", "t", 1, 6, -1);
    commit(&b, "g", "u", 0, 7, -1);
    commit(&b, "h", "t", 0, 8, -1);
    commit(&b, "g", "t", 0, 3, -1); /* back, as a reset does */
    EXPECT(committed(&b, "g", "t", 0) == 3 && committed(&b, "g", "t", 1) == 6);
    EXPECT(committed(&b, "g", "u", 0) == 7 && committed(&b, "h", "t", 0) == 8);
    EXPECT(committed(&b, "h", "t", 1) == -1 && committed(&b, "i", "t", 0) == -1);
    EXPECT(!is_pending(&b, "g", "t", 0));
    bench_close(&b);
}

TEST("a position keeps its metadata, leader epoch, topic id and time")
{
    struct bench b = bench_open();
    struct offsets_position p = at("t", 2, 9);
    p.metadata = NAME("host7");
    p.leader_epoch = 4;
    p.topic_id.at[0] = 1;
    EXPECT(offsets_decide_commit(NAME("g"), &p, NOW, &b.list) == KAFKA_NONE);
    EXPECT(keyed_list_at(&b.list, 0).value.at[1] == 4); /* the version that has an id */
    append(&b, -1);
    const struct offsets_position *found = offsets_find(b.offsets, NAME("g"), NAME("t"), 2);
    REQUIRE(found);
    EXPECT(evl_bytes_equal(found->metadata, NAME("host7")) && found->leader_epoch == 4);
    EXPECT(found->topic_id.at[0] == 1 && found->committed_ms == NOW && found->expire_ms == -1);
    EXPECT(found->at == 0 && found->offset == 9 && found->partition == 2);
    commit(&b, "g", "t", 2, 10, -1);
    found = offsets_find(b.offsets, NAME("g"), NAME("t"), 2);
    EXPECT(found && uuid_is_zero(&found->topic_id) && found->metadata.count == 0);
    bench_close(&b);
}

TEST("what cannot be committed is refused with Kafka's words for it, and writes nothing")
{
    static char long_text[40000];
    struct bench b = bench_open();
    struct offsets_position p = at("t", 0, 1);
    memset(long_text, 'x', sizeof long_text);
    EXPECT(offsets_decide_commit(NAME(""), &p, NOW, &b.list) == KAFKA_INVALID_GROUP_ID);
    p.offset = -1;
    EXPECT(offsets_decide_commit(NAME("g"), &p, NOW, &b.list) == KAFKA_INVALID_REQUEST);
    p = at("t", -1, 1);
    EXPECT(offsets_decide_commit(NAME("g"), &p, NOW, &b.list) == KAFKA_INVALID_REQUEST);
    p = at("t", 0, 1);
    p.metadata = evl_bytes(long_text, OFFSETS_METADATA_MAX + 1);
    EXPECT(offsets_decide_commit(NAME("g"), &p, NOW, &b.list) == KAFKA_OFFSET_METADATA_TOO_LARGE);
    p.metadata = evl_bytes(long_text, OFFSETS_METADATA_MAX);
    EXPECT(offsets_decide_commit(NAME("g"), &p, NOW, &b.list) == KAFKA_NONE);
    EXPECT(append(&b, -1) == 1);
    struct evl_bytes group = evl_bytes(long_text, sizeof long_text);
    EXPECT(offsets_decide_commit(group, &p, NOW, &b.list) == KAFKA_INVALID_COMMIT_OFFSET_SIZE);
    EXPECT(append(&b, -1) == 0);
    bench_close(&b);
}

/* ---- transactions -------------------------------------------------------- */

TEST("a position in a transaction is pending until that is decided")
{
    struct bench b = bench_open();
    commit(&b, "g", "t", 0, 5, -1);
    commit(&b, "g", "t", 0, 6, PRODUCER);
    commit(&b, "g", "t", 0, 7, PRODUCER);
    commit(&b, "g", "t", 1, 8, PRODUCER);
    EXPECT(committed(&b, "g", "t", 0) == 5 && committed(&b, "g", "t", 1) == -1);
    EXPECT(is_pending(&b, "g", "t", 0) && is_pending(&b, "g", "t", 1));
    EXPECT(!is_pending(&b, "g", "t", 2) && !is_pending(&b, "h", "t", 0));
    offsets_decided(b.offsets, OTHER, true); /* another's */
    EXPECT(committed(&b, "g", "t", 0) == 5);
    offsets_decided(b.offsets, PRODUCER, true);
    EXPECT(committed(&b, "g", "t", 0) == 7 && committed(&b, "g", "t", 1) == 8);
    EXPECT(!is_pending(&b, "g", "t", 0));
    bench_close(&b);
}

TEST("a position in a transaction that is aborted never was")
{
    struct bench b = bench_open();
    commit(&b, "g", "t", 0, 6, PRODUCER);
    commit(&b, "g", "t", 0, 9, OTHER);
    offsets_decided(b.offsets, PRODUCER, false);
    EXPECT(committed(&b, "g", "t", 0) == -1 && is_pending(&b, "g", "t", 0));
    offsets_decided(b.offsets, OTHER, false);
    EXPECT(!is_pending(&b, "g", "t", 0) && !offsets_has_group(b.offsets, NAME("g")));
    bench_close(&b);
}

TEST("of a transaction's position and one written behind it, the latter counts")
{
    struct bench b = bench_open();
    commit(&b, "g", "t", 0, 6, PRODUCER);
    commit(&b, "g", "t", 0, 2, -1);
    commit(&b, "g", "t", 1, 3, -1);
    commit(&b, "g", "t", 1, 7, PRODUCER);
    offsets_decided(b.offsets, PRODUCER, true);
    EXPECT(committed(&b, "g", "t", 0) == 2 && committed(&b, "g", "t", 1) == 7);
    bench_close(&b);
}

TEST("what was forgotten does not come back with a transaction from before")
{
    struct bench b = bench_open();
    commit(&b, "g", "t", 0, 6, PRODUCER);
    commit(&b, "g", "t", 1, 7, PRODUCER);
    commit(&b, "g", "t", 0, 8, OTHER);
    forget(&b, "g", "t", 0);
    EXPECT(!is_pending(&b, "g", "t", 0) && is_pending(&b, "g", "t", 1));
    offsets_decided(b.offsets, PRODUCER, true);
    offsets_decided(b.offsets, OTHER, true);
    EXPECT(committed(&b, "g", "t", 0) == -1 && committed(&b, "g", "t", 1) == 7);
    bench_close(&b);
}

TEST("many transactions at once are told apart")
{
    struct bench b = bench_open();
    for (int i = 0; i < 10; i++)
        commit(&b, "g", "t", i, i, i);
    for (int i = 0; i < 10; i++)
        offsets_decided(b.offsets, i, i % 2);
    for (int i = 0; i < 10; i++)
        EXPECT(committed(&b, "g", "t", i) == (i % 2 ? i : -1));
    bench_close(&b);
}

/* ---- forgetting ---------------------------------------------------------- */

TEST("a position is forgotten once, and one that is not there writes nothing")
{
    struct bench b = bench_open();
    commit(&b, "g", "t", 0, 5, -1);
    commit(&b, "g", "t", 1, 5, -1);
    offsets_decide_delete(b.offsets, NAME("g"), NAME("t"), 0, &b.list);
    EXPECT(append(&b, -1) == 1 && committed(&b, "g", "t", 0) == -1);
    offsets_decide_delete(b.offsets, NAME("g"), NAME("t"), 0, &b.list);
    offsets_decide_delete(b.offsets, NAME("h"), NAME("t"), 0, &b.list);
    EXPECT(append(&b, -1) == 0);
    EXPECT(offsets_has_group(b.offsets, NAME("g")));
    forget(&b, "g", "t", 1);
    EXPECT(!offsets_has_group(b.offsets, NAME("g")));
    bench_close(&b);
}

TEST("a group is forgotten with all it has, pending positions too")
{
    struct bench b = bench_open();
    for (int i = 0; i < 20; i++)
        commit(&b, "g", i % 2 ? "t" : "u", i, i, -1);
    commit(&b, "g", "v", 0, 1, PRODUCER);
    commit(&b, "h", "t", 0, 1, -1);
    offsets_decide_delete_all(b.offsets, NAME("g"), &b.list);
    EXPECT(append(&b, -1) == 21);
    EXPECT(!offsets_has_group(b.offsets, NAME("g")) && offsets_has_group(b.offsets, NAME("h")));
    offsets_decided(b.offsets, PRODUCER, true);
    EXPECT(committed(&b, "g", "v", 0) == -1);
    offsets_decide_delete_all(b.offsets, NAME("nobody"), &b.list);
    EXPECT(append(&b, -1) == 0);
    bench_close(&b);
}

static size_t expire(struct bench *b, int64_t now_ms, int64_t empty_since)
{
    struct offsets_expiry expiry = { now_ms, OFFSETS_RETENTION_MS, empty_since };
    offsets_decide_expiry(b->offsets, NAME("g"), &expiry, &b->list);
    return append(b, -1);
}

TEST("positions expire a week after they were committed and the group became empty")
{
    const int64_t week = OFFSETS_RETENTION_MS;
    struct bench b = bench_open();
    commit(&b, "g", "t", 0, 5, -1);
    commit(&b, "g", "t", 1, 6, -1);
    commit(&b, "g", "t", 1, 7, PRODUCER);
    EXPECT(expire(&b, NOW + week - 1, INT64_MIN) == 0);
    EXPECT(expire(&b, NOW + week + 4, NOW + 5) == 0);
    EXPECT(expire(&b, NOW + week + 5, NOW + 5) == 1); /* the other is in a transaction */
    EXPECT(committed(&b, "g", "t", 0) == -1 && committed(&b, "g", "t", 1) == 6);
    offsets_decided(b.offsets, PRODUCER, false);
    EXPECT(expire(&b, NOW + week, INT64_MIN) == 1);
    EXPECT(!offsets_has_group(b.offsets, NAME("g")) && expire(&b, NOW + week, 0) == 0);
    bench_close(&b);
}

/* ---- old records --------------------------------------------------------- */

static enum evl_error apply(struct bench *b, const struct keyed *kind, const void *key,
                            int16_t version, const void *value)
{
    EXPECT(keyed_list_add(&b->list, kind, key, version, value) == EVL_OK);
    struct evl_record record = keyed_list_at(&b->list, 0);
    record.offset = b->end++;
    enum evl_error err = offsets_apply(b->offsets, &record, -1);
    keyed_list_clear(&b->list);
    return err;
}

TEST("a position that says when it expires is asked, not its age")
{
    struct bench b = bench_open();
    struct offset_commit_key key = { NAME("g"), NAME("t"), 0 };
    struct offset_commit_value value = {
        .offset = 5, .metadata = NAME(""), .commit_timestamp = NOW, .expire_timestamp = NOW + 10
    };
    EXPECT(apply(&b, group_log(GROUP_LOG_offset_commit), &key, 1, &value) == EVL_OK);
    EXPECT(expire(&b, NOW + 9, INT64_MIN) == 0);
    EXPECT(expire(&b, NOW + 10, INT64_MIN) == 1);
    bench_close(&b);
}

TEST("positions of long ago are read like those of today")
{
    struct bench b = bench_open();
    struct legacy_offset_commit_key key = { NAME("g"), NAME("t"), 3 };
    struct legacy_offset_commit_value value = { 5, NAME("old"), NOW };
    const struct keyed *legacy = group_log(GROUP_LOG_legacy_offset_commit);
    EXPECT(apply(&b, legacy, &key, 0, &value) == EVL_OK);
    const struct offsets_position *p = offsets_find(b.offsets, NAME("g"), NAME("t"), 3);
    REQUIRE(p);
    EXPECT(p->offset == 5 && p->committed_ms == NOW && p->leader_epoch == -1);
    EXPECT(p->expire_ms == -1 && evl_bytes_equal(p->metadata, NAME("old")));
    EXPECT(apply(&b, legacy, &key, 0, NULL) == EVL_OK && committed(&b, "g", "t", 3) == -1);
    key.group = NAME("");
    EXPECT(apply(&b, legacy, &key, 0, &value) == EVL_OK && committed(&b, "", "t", 3) == 5);
    bench_close(&b);
}

TEST("records of groups and members, and of kinds that nobody knows, are passed by")
{
    struct bench b = bench_open();
    struct group_metadata_key key = { NAME("g") };
    struct evl_record record = EVL_RECORD_NONE;
    EXPECT(apply(&b, group_log(GROUP_LOG_group_metadata), &key, 0, NULL) == EVL_OK);
    record.key = evl_bytes("\0\x63 what?", 8);
    EXPECT(offsets_apply(b.offsets, &record, -1) == EVL_OK);
    EXPECT(!offsets_has_group(b.offsets, NAME("g")));
    bench_close(&b);
}

TEST("a record that is cut short, or of a newer release, changes nothing and is named")
{
    struct bench b = bench_open();
    struct offsets_position p = at("t", 0, 5);
    struct evl_record record;
    struct legacy_offset_commit_key legacy_key = { NAME("g"), NAME("t"), 0 };
    struct legacy_offset_commit_value legacy_value = { 5, NAME("old"), NOW };
    EXPECT(offsets_decide_commit(NAME("g"), &p, NOW, &b.list) == KAFKA_NONE);
    EXPECT(keyed_list_add(&b.list, group_log(GROUP_LOG_legacy_offset_commit), &legacy_key, 0,
                          &legacy_value) == EVL_OK);
    for (size_t i = 0; i < 2; i++) {
        for (size_t cut = 0; cut < keyed_list_at(&b.list, i).key.count; cut++) {
            record = keyed_list_at(&b.list, i);
            record.key.count = cut;
            EXPECT(offsets_apply(b.offsets, &record, -1) == EVL_ERR_CORRUPT);
        }
        for (size_t cut = 0; cut < keyed_list_at(&b.list, i).value.count; cut++) {
            record = keyed_list_at(&b.list, i);
            record.value.count = cut;
            EXPECT(offsets_apply(b.offsets, &record, -1) == EVL_ERR_CORRUPT);
        }
    }
    record = keyed_list_at(&b.list, 0);
    record.value = evl_bytes("\0\x09 what?", 8);
    EXPECT(offsets_apply(b.offsets, &record, -1) == EVL_ERR_PROTOCOL);
    EXPECT(strstr(evl_fault(), "committed offset: value: "));
    EXPECT(!offsets_has_group(b.offsets, NAME("g")));
    bench_close(&b);
}

/* ---- lists --------------------------------------------------------------- */

TEST("groups and positions are listed in order, each once")
{
    struct bench b = bench_open();
    size_t count;
    commit(&b, "beta", "t", 10, 1, -1);
    commit(&b, "beta", "t", 9, 1, -1);
    commit(&b, "beta", "tt", 0, 1, -1);
    commit(&b, "beta", "", 0, 1, -1); /* no topic, but a name */
    commit(&b, "alpha", "t", 0, 1, -1);
    commit(&b, "beta", "u", 0, 1, PRODUCER);
    commit(&b, "beta", "u", 0, 1, OTHER);
    commit(&b, "beta", "t", 9, 2, OTHER);
    commit(&b, "beta", "v", 0, 1, OTHER);
    commit(&b, "gamma", "t", 0, 1, PRODUCER);
    EXPECT(committed(&b, "beta", "", 0) == 1);
    EXPECT(offsets_has_group(b.offsets, NAME("gamma")));
    struct evl_bytes *names = offsets_groups(b.offsets, &count);
    EXPECT(count == 3 && evl_bytes_equal(names[0], NAME("alpha")) &&
           evl_bytes_equal(names[1], NAME("beta")) && evl_bytes_equal(names[2], NAME("gamma")));
    memory_free(names);
    const struct offsets_position **p = offsets_committed(b.offsets, NAME("beta"), &count);
    EXPECT(count == 4 && p[0]->topic.count == 0 && p[1]->partition == 9 && p[2]->partition == 10 &&
           p[3]->topic.count == 2);
    memory_free(p);
    p = offsets_pending(b.offsets, NAME("beta"), &count); /* t-9 is committed, too */
    EXPECT(count == 2 && evl_bytes_equal(p[0]->topic, NAME("u")));
    EXPECT(evl_bytes_equal(p[1]->topic, NAME("v")));
    memory_free(p);
    p = offsets_committed(b.offsets, NAME("nobody"), &count);
    EXPECT(count == 0);
    memory_free(p);
    offsets_clear(b.offsets);
    names = offsets_groups(b.offsets, &count);
    EXPECT(count == 0);
    memory_free(names);
    bench_close(&b);
    offsets_destroy(NULL);
}

/* ---- random walks -------------------------------------------------------- */

struct walk_record {
    int64_t producer_id; /* -1 plain */
    int partition;
    int64_t offset; /* -1: a removal */
    bool is_end, commit;
};

static uint64_t walk_seed;
static uint64_t chance(uint64_t limit)
{
    walk_seed = walk_seed * 6364136223846793005u + 1442695040888963407u;
    return (walk_seed >> 33) % limit;
}

enum { WALK = 200, PARTITIONS = 4, PRODUCERS = 3 };

static void walk_apply(struct bench *b, const struct walk_record *r, int64_t at_offset)
{
    b->end = at_offset;
    if (r->is_end)
        offsets_decided(b->offsets, r->producer_id, r->commit);
    else if (r->offset >= 0)
        commit(b, "g", "t", r->partition, r->offset, r->producer_id);
    else {
        struct offset_commit_key key = { NAME("g"), NAME("t"), r->partition };
        EXPECT(apply(b, group_log(GROUP_LOG_offset_commit), &key, 0, NULL) == EVL_OK);
    }
}

static bool walk_is_aborted(const struct walk_record *log, int i, int count)
{
    for (int j = i + 1; j < count && log[i].producer_id >= 0; j++)
        if (log[j].is_end && log[j].producer_id == log[i].producer_id)
            return !log[j].commit;
    return false;
}

/* What compaction leaves: of each key the newest that is not aborted, and ends. */
static void walk_compact(const struct walk_record *log, int count, bool *stays)
{
    bool seen[PARTITIONS] = { false };
    for (int i = count - 1; i >= 0; i--) {
        stays[i] = log[i].is_end;
        if (log[i].is_end || walk_is_aborted(log, i, count))
            continue;
        stays[i] = !seen[log[i].partition];
        seen[log[i].partition] = true;
    }
}

TEST("a compacted log adds up to the same positions as the whole one")
{
    for (walk_seed = 1; walk_seed < 100; walk_seed++) {
        uint64_t kept = walk_seed;
        struct walk_record log[WALK + PRODUCERS];
        bool stays[WALK + PRODUCERS];
        struct bench whole = bench_open();
        struct bench compacted = bench_open();
        int count = 10 + (int)chance(WALK - 10);
        for (int i = 0; i < count; i++) {
            log[i] = (struct walk_record){ .producer_id = (int64_t)chance(PRODUCERS + 1) - 1,
                                           .partition = (int)chance(PARTITIONS),
                                           .offset = (int64_t)chance(1000) };
            log[i].is_end = log[i].producer_id >= 0 && chance(4) == 0;
            log[i].commit = chance(2);
            if (log[i].producer_id < 0 && chance(4) == 0)
                log[i].offset = -1;
        }
        for (int i = 0; i < PRODUCERS; i++) /* all are decided: what is cleaned is stable */
            log[count++] = (struct walk_record){ i, 0, 0, true, chance(2) };
        walk_compact(log, count, stays);
        for (int i = 0; i < count; i++) {
            walk_apply(&whole, &log[i], i);
            if (stays[i])
                walk_apply(&compacted, &log[i], i);
        }
        for (int p = 0; p < PARTITIONS; p++)
            EXPECT(committed(&whole, "g", "t", p) == committed(&compacted, "g", "t", p));
        bench_close(&whole);
        bench_close(&compacted);
        walk_seed = kept;
    }
}
