/* Groups on a directory: what is committed is there, whatever happens. */
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>

#include <evl/admin.h>
#include <evl/group.h>
#include <evl/producer.h>

#include "io/io_sim.h"
#include "place/groups.h"
#include "record/marker.h"

enum { RECORDS = 100, PRODUCER = 7 };
#define DAY (24 * 3600 * (int64_t)1000000000)

static enum evl_error place_open(struct io *io, bool readonly, struct evl_place **place)
{
    struct evl_place_options o = { .dir = "d",
                                   .create = !readonly,
                                   .readonly = readonly,
                                   .timeout_ms = 60000,
                                   .internal_partitions = 2,
                                   .io = io };
    return evl_place_open(&o, place);
}

static enum evl_error put(struct evl_place *place, const char *topic, int32_t partitions)
{
    struct evl_producer *p;
    struct evl_producer_options o = { .topic = topic, .partitioner = EVL_PARTITION_INPUT };
    enum evl_error err = evl_admin_create(place, topic, partitions, NULL, 0, false);
    if (!err)
        err = evl_producer_open(place, &o, &p);
    if (err)
        return err;
    for (int i = 0; i < RECORDS && !err; i++) {
        struct evl_record record = EVL_RECORD_NONE;
        record.partition = i % partitions;
        record.value = evl_text("x");
        err = evl_producer_send(p, &record);
    }
    if (!err)
        err = evl_producer_flush(p);
    evl_producer_close(p);
    return err;
}

static struct evl_position_commit at(const char *topic, int32_t partition, int64_t offset)
{
    return (struct evl_position_commit){ topic, partition, offset, -1, NULL };
}

static enum evl_error commit(struct evl_place *place, const char *group, const char *topic,
                             int32_t partition, int64_t offset)
{
    struct evl_position_commit position = at(topic, partition, offset);
    return groups_commit(place, group, &position, 1, NULL);
}

/* -1: none; -2: an error. */
static int64_t committed(struct evl_place *place, const char *group, const char *topic,
                         int32_t partition)
{
    struct evl_offsets list;
    int64_t offset = -1;
    if (groups_committed(place, group, false, &list))
        return -2;
    for (size_t i = 0; i < list.count; i++)
        if (strcmp(list.at[i].topic, topic) == 0 && list.at[i].partition == partition)
            offset = list.at[i].offset;
    evl_offsets_release(&list);
    return offset;
}

/* A machine with a topic t of two partitions, and one process. */
struct stage {
    struct sim *sim;
    struct evl_place *place;
};

static struct stage stage_open(void)
{
    struct stage s = { .sim = sim_create(1) };
    EXPECT(place_open(sim_process(s.sim), false, &s.place) == EVL_OK);
    EXPECT(put(s.place, "t", 2) == EVL_OK);
    return s;
}

static struct evl_place *stage_place(struct stage *s, bool readonly)
{
    struct evl_place *place = NULL;
    EXPECT(place_open(sim_process(s->sim), readonly, &place) == EVL_OK);
    return place;
}

static void stage_close(struct stage *s)
{
    evl_place_close(s->place);
    sim_destroy(s->sim);
}

/* ---- committing ---------------------------------------------------------- */

TEST("what a group has committed is there for every process, and after a power cut")
{
    struct stage s = stage_open();
    struct evl_place *other = stage_place(&s, false);
    struct evl_place *reader = stage_place(&s, true);
    EXPECT(committed(s.place, "g", "t", 0) == -1 && committed(reader, "g", "t", 0) == -1);
    EXPECT(commit(s.place, "g", "t", 0, 5) == EVL_OK);
    EXPECT(commit(other, "g", "t", 1, 6) == EVL_OK);
    EXPECT(commit(other, "h", "t", 0, 7) == EVL_OK);
    EXPECT(committed(s.place, "g", "t", 1) == 6 && committed(s.place, "h", "t", 0) == 7);
    EXPECT(committed(other, "g", "t", 0) == 5 && committed(reader, "g", "t", 0) == 5);
    evl_place_close(reader);
    evl_place_close(other);
    sim_power_cut(s.sim);
    evl_place_close(s.place);
    s.place = stage_place(&s, false);
    EXPECT(committed(s.place, "g", "t", 0) == 5 && committed(s.place, "g", "t", 1) == 6);
    stage_close(&s);
}

TEST("no position is committed that lies behind what readers may see, nor one that is none")
{
    static char metadata[OFFSETS_METADATA_MAX + 2];
    struct stage s = stage_open();
    struct evl_position_commit both[] = { at("t", 0, 1), at("t", 1, RECORDS / 2 + 1) };
    EXPECT(commit(s.place, "g", "t", 0, RECORDS / 2) == EVL_OK);
    EXPECT(commit(s.place, "g", "t", 0, RECORDS / 2 + 1) == EVL_ERR_RANGE);
    EXPECT(strstr(evl_fault(), "t-0: offset 51 cannot be committed") != NULL);
    EXPECT(groups_commit(s.place, "g", both, 2, NULL) == EVL_ERR_RANGE);
    EXPECT(committed(s.place, "g", "t", 0) == RECORDS / 2); /* all or nothing */
    EXPECT(commit(s.place, "g", "t", 0, -1) == EVL_ERR_USAGE);
    EXPECT(commit(s.place, "g", "t", 2, 0) == EVL_ERR_NOT_FOUND);
    EXPECT(commit(s.place, "g", "u", 0, 0) == EVL_ERR_NOT_FOUND);
    EXPECT(commit(s.place, "", "t", 0, 0) == EVL_ERR_USAGE);
    memset(metadata, 'x', sizeof metadata - 1);
    both[0].metadata = metadata;
    EXPECT(groups_commit(s.place, "g", both, 1, NULL) == EVL_ERR_TOO_LARGE);
    EXPECT(strstr(evl_fault(), "4097 bytes; 4096 are the most") != NULL);
    struct evl_place *reader = stage_place(&s, true);
    EXPECT(commit(reader, "g", "t", 0, 1) == EVL_ERR_DENIED);
    evl_place_close(reader);
    stage_close(&s);
}

TEST("nobody but the engine writes positions")
{
    struct stage s = stage_open();
    struct evl_producer *p;
    struct evl_producer_options o = { .topic = OFFSETS_TOPIC, .create = true };
    EXPECT(evl_producer_open(s.place, &o, &p) == EVL_ERR_DENIED);
    EXPECT(commit(s.place, "g", "t", 0, 5) == EVL_OK);
    EXPECT(evl_producer_open(s.place, &o, &p) == EVL_ERR_DENIED);
    stage_close(&s);
}

TEST("a position follows its topic to another name, and dies with it")
{
    struct stage s = stage_open();
    struct evl_topic_partition gone = { "new", 0 };
    EXPECT(commit(s.place, "g", "t", 0, 5) == EVL_OK);
    EXPECT(commit(s.place, "g", "t", 1, 6) == EVL_OK);
    EXPECT(evl_admin_rename(s.place, "t", "new", false) == EVL_OK);
    EXPECT(committed(s.place, "g", "new", 0) == 5 && committed(s.place, "g", "t", 0) == -1);
    EXPECT(commit(s.place, "g", "new", 1, 7) == EVL_OK);
    EXPECT(committed(s.place, "g", "new", 1) == 7);
    EXPECT(put(s.place, "t", 2) == EVL_OK);
    EXPECT(committed(s.place, "g", "t", 0) == -1 && committed(s.place, "g", "new", 0) == 5);
    EXPECT(evl_admin_group_remove_offsets(s.place, "g", &gone, 1, false) == EVL_OK);
    EXPECT(committed(s.place, "g", "new", 0) == -1);
    EXPECT(evl_admin_remove(s.place, "new", false) == EVL_OK);
    EXPECT(committed(s.place, "g", "new", 1) == 7); /* nobody else's, and to be looked at */
    EXPECT(put(s.place, "new", 2) == EVL_OK);
    EXPECT(committed(s.place, "g", "new", 1) == -1);
    stage_close(&s);
}

TEST("a member commits the same partition again and again for the same few system calls")
{
    struct stage s = stage_open();
    EXPECT(commit(s.place, "g", "t", 0, 0) == EVL_OK);
    EXPECT(commit(s.place, "g", "t", 0, 1) == EVL_OK);
    uint64_t before = sim_operations(s.sim);
    for (int i = 2; i < 12; i++)
        EXPECT(commit(s.place, "g", "t", 0, i) == EVL_OK);
    uint64_t calls = sim_operations(s.sim) - before;
    printf("# %" PRIu64 " calls of io for 10 commits, looks at shared words among them\n", calls);
    EXPECT(calls < 1000);
    stage_close(&s);
}

/* ---- transactions -------------------------------------------------------- */

/* A marker as the transaction's end writes it: into the log itself. */
static enum evl_error decide(struct evl_place *place, const char *group, bool committed_it)
{
    struct marker_bytes bytes;
    struct marker marker = { committed_it, 0 };
    struct evl_record record = marker_write(&marker, &bytes);
    struct batch_writer writer = { 0 };
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    struct log *log;
    struct log_place where;
    struct log_promise promise;
    int32_t partition;
    int done;
    size_t size;
    uint8_t *batch;
    seal.producer_id = PRODUCER;
    seal.producer_epoch = 0;
    seal.attributes = BATCH_TRANSACTIONAL | BATCH_CONTROL;
    record.timestamp = io_wall_ms(place->io);
    batch_begin(&writer);
    batch_add(&writer, &record);
    enum evl_error err = batch_finish(&writer, &seal, &batch, &size);
    if (!err)
        err = groups_partition(place, group, &partition);
    if (!err)
        err = directory_log(place->directory, OFFSETS_TOPIC, partition, NULL, &log);
    if (err)
        return err;
    struct evl_bytes whole = evl_bytes(batch, size);
    err = log_append(log, &whole, 1, false, &where, &done, &promise);
    if (!err)
        err = log_sync(log, &promise);
    batch_writer_release(&writer);
    log_close(log);
    return err;
}

TEST("positions that are part of a transaction count when it is decided")
{
    struct stage s = stage_open();
    struct evl_position_commit positions[] = { at("t", 0, 8), at("t", 1, 9) };
    struct batch_seal seal = BATCH_SEAL_PLAIN;
    struct evl_offsets list;
    seal.producer_id = PRODUCER;
    seal.producer_epoch = 0;
    seal.attributes = BATCH_TRANSACTIONAL;
    EXPECT(commit(s.place, "g", "t", 0, 5) == EVL_OK);
    EXPECT(groups_commit(s.place, "g", positions, 2, &seal) == EVL_OK);
    REQUIRE(groups_committed(s.place, "g", false, &list) == EVL_OK);
    REQUIRE(list.count == 2);
    EXPECT(list.at[0].offset == 5 && list.at[0].pending && list.at[0].committed_ms > 0);
    EXPECT(list.at[1].offset == -1 && list.at[1].pending && list.at[1].partition == 1);
    evl_offsets_release(&list);
    EXPECT(groups_committed(s.place, "g", true, &list) == EVL_ERR_BUSY);
    EXPECT(decide(s.place, "g", true) == EVL_OK);
    REQUIRE(groups_committed(s.place, "g", true, &list) == EVL_OK);
    EXPECT(list.count == 2 && list.at[0].offset == 8 && list.at[1].offset == 9);
    EXPECT(!list.at[0].pending);
    evl_offsets_release(&list);
    positions[0].offset = 10;
    EXPECT(groups_commit(s.place, "g", positions, 1, &seal) == EVL_OK);
    EXPECT(decide(s.place, "g", false) == EVL_OK);
    EXPECT(committed(s.place, "g", "t", 0) == 8);
    stage_close(&s);
}

/* ---- looking ------------------------------------------------------------- */

TEST("groups are listed in order, with how many partitions and members they have")
{
    struct stage s = stage_open();
    struct evl_groups groups;
    struct evl_member *member;
    const char *topics[] = { "t" };
    struct evl_member_options options = { .group = "watchers", .topics = topics, .topic_count = 1 };
    EXPECT(evl_admin_groups(s.place, &groups) == EVL_OK && groups.count == 0);
    evl_groups_release(&groups);
    for (int i = 0; i < 10; i++) {
        char name[8];
        snprintf(name, sizeof name, "g%d", 9 - i);
        EXPECT(commit(s.place, name, "t", 0, i) == EVL_OK);
    }
    EXPECT(commit(s.place, "g3", "t", 1, 1) == EVL_OK);
    REQUIRE(evl_member_open(s.place, &options, &member) == EVL_OK);
    REQUIRE(evl_admin_groups(s.place, &groups) == EVL_OK);
    REQUIRE(groups.count == 11);
    EXPECT(strcmp(groups.at[0].name, "g0") == 0 && strcmp(groups.at[9].name, "g9") == 0);
    EXPECT(groups.at[3].partitions == 2 && groups.at[4].partitions == 1);
    EXPECT(strcmp(groups.at[3].state, "Empty") == 0 && groups.at[3].members == 0);
    EXPECT(strcmp(groups.at[10].name, "watchers") == 0 && groups.at[10].members == 1);
    EXPECT(strcmp(groups.at[10].state, "Stable") == 0 && groups.at[10].partitions == 0);
    evl_groups_release(&groups);
    evl_member_close(member);
    stage_close(&s);
}

TEST("a group that is not there is told, with the one that was perhaps meant")
{
    struct stage s = stage_open();
    struct evl_offsets list;
    EXPECT(evl_admin_group_offsets(s.place, "etl", &list) == EVL_ERR_NOT_FOUND);
    EXPECT(strcmp(evl_fault(), "no group etl") == 0);
    EXPECT(commit(s.place, "etl", "t", 0, 1) == EVL_OK);
    EXPECT(evl_admin_group_offsets(s.place, "elt", &list) == EVL_ERR_NOT_FOUND);
    EXPECT(strcmp(evl_fault(), "no group elt; did you mean etl?") == 0);
    REQUIRE(evl_admin_group_offsets(s.place, "etl", &list) == EVL_OK);
    EXPECT(list.count == 1 && list.at[0].offset == 1 && list.at[0].metadata[0] == '\0');
    evl_offsets_release(&list);
    EXPECT(evl_admin_group_remove(s.place, "elt", false) == EVL_ERR_NOT_FOUND);
    stage_close(&s);
}

/* ---- changing ------------------------------------------------------------ */

TEST("a group is reset and removed while nobody is in it, whole or not at all")
{
    struct stage s = stage_open();
    struct evl_position_commit two[] = { at("t", 0, 3), at("t", 1, 4) };
    struct evl_topic_partition parts[] = { { "t", 1 }, { "t", 7 } };
    EXPECT(evl_admin_group_reset(s.place, "g", two, 2, true) == EVL_OK);
    EXPECT(committed(s.place, "g", "t", 0) == -1);
    EXPECT(evl_admin_group_reset(s.place, "g", two, 2, false) == EVL_OK);
    EXPECT(committed(s.place, "g", "t", 0) == 3 && committed(s.place, "g", "t", 1) == 4);
    two[1].offset = 1000;
    EXPECT(evl_admin_group_reset(s.place, "g", two, 2, true) == EVL_ERR_RANGE);
    EXPECT(evl_admin_group_remove_offsets(s.place, "g", parts, 2, false) == EVL_ERR_NOT_FOUND);
    EXPECT(strcmp(evl_fault(), "group g has no position in t-7") == 0);
    EXPECT(evl_admin_group_remove_offsets(s.place, "g", parts, 1, true) == EVL_OK);
    EXPECT(committed(s.place, "g", "t", 1) == 4);
    EXPECT(evl_admin_group_remove_offsets(s.place, "g", parts, 1, false) == EVL_OK);
    EXPECT(committed(s.place, "g", "t", 1) == -1 && committed(s.place, "g", "t", 0) == 3);
    EXPECT(evl_admin_group_remove(s.place, "g", true) == EVL_OK);
    EXPECT(committed(s.place, "g", "t", 0) == 3);
    EXPECT(evl_admin_group_remove(s.place, "g", false) == EVL_OK);
    EXPECT(committed(s.place, "g", "t", 0) == -1);
    EXPECT(evl_admin_group_remove(s.place, "g", false) == EVL_ERR_NOT_FOUND);
    stage_close(&s);
}

TEST("a group that has a living member is not changed from outside")
{
    struct stage s = stage_open();
    struct evl_place *other = stage_place(&s, false);
    struct evl_member *member;
    const char *topics[] = { "t" };
    struct evl_member_options options = { .group = "g", .topics = topics, .topic_count = 1 };
    struct evl_position_commit position = at("t", 0, 3);
    struct evl_topic_partition part = { "t", 0 };
    EXPECT(commit(s.place, "g", "t", 0, 5) == EVL_OK);
    REQUIRE(evl_member_open(s.place, &options, &member) == EVL_OK);
    EXPECT(evl_admin_group_reset(other, "g", &position, 1, false) == EVL_ERR_BUSY);
    EXPECT(evl_admin_group_remove(other, "g", false) == EVL_ERR_BUSY);
    EXPECT(evl_admin_group_remove_offsets(other, "g", &part, 1, false) == EVL_ERR_BUSY);
    EXPECT(committed(other, "g", "t", 0) == 5);
    evl_member_close(member);
    EXPECT(evl_admin_group_reset(other, "g", &position, 1, false) == EVL_OK);
    EXPECT(committed(s.place, "g", "t", 0) == 3);
    evl_place_close(other);
    stage_close(&s);
}

TEST("positions of a group that nobody used for a week are gone with the next commit of any")
{
    struct stage s = stage_open();
    struct evl_place *other = stage_place(&s, false);
    struct evl_member *member;
    const char *topics[] = { "t" };
    struct evl_member_options options = { .group = "kept", .topics = topics, .topic_count = 1 };
    struct evl_groups groups;
    EXPECT(commit(s.place, "old", "t", 0, 5) == EVL_OK);
    EXPECT(commit(s.place, "older", "t", 0, 5) == EVL_OK);
    EXPECT(commit(s.place, "kept", "t", 0, 5) == EVL_OK);
    REQUIRE(evl_member_open(s.place, &options, &member) == EVL_OK);
    sim_pass(s.sim, 8 * DAY);
    for (int i = 0; i < 8; i++) { /* of names in both partitions */
        char name[8];
        snprintf(name, sizeof name, "new%d", i);
        EXPECT(commit(other, name, "t", 0, 1) == EVL_OK);
    }
    EXPECT(committed(s.place, "old", "t", 0) == -1 && committed(s.place, "older", "t", 0) == -1);
    EXPECT(committed(s.place, "kept", "t", 0) == 5);
    REQUIRE(evl_admin_groups(other, &groups) == EVL_OK);
    EXPECT(groups.count == 9);
    evl_groups_release(&groups);
    evl_member_close(member);
    evl_place_close(other);
    stage_close(&s);
}

/* What a broker writes of a group that is empty since `ms`. */
static void write_group(struct evl_place *place, const char *group, bool modern, int64_t ms)
{
    struct keyed_list list = { 0 };
    struct groups_part *part;
    const struct keyed *kind = group_log(GROUP_LOG_group_metadata);
    struct group_metadata_key key = { evl_text(group) }; /* and so do the others begin */
    struct group_metadata_value classic;
    struct consumer_group_metadata_value value = { .epoch = 3 };
    struct consumer_group_target_assignment_metadata_value target = { .assignment_epoch = 3 };
    message_init(kind->value, &classic);
    classic.protocol_type = evl_text("consumer");
    classic.current_state_timestamp = ms;
    if (modern) {
        kind = group_log(GROUP_LOG_consumer_group_metadata);
        EXPECT(!keyed_list_add(&list, kind, &key, 0, &value));
        kind = group_log(GROUP_LOG_consumer_group_target_assignment_metadata);
        EXPECT(!keyed_list_add(&list, kind, &key, 0, &target));
    } else {
        EXPECT(!keyed_list_add(&list, kind, &key, 3, &classic));
    }
    EXPECT(groups_part(place, group, true, &part) == EVL_OK);
    EXPECT(coordinator_enter(part->coordinator) == EVL_OK);
    EXPECT(groups_append(part, &list, NULL) == EVL_OK);
    coordinator_leave(part->coordinator);
    keyed_list_release(&list);
}

static int group_count(struct evl_place *place)
{
    struct evl_groups groups;
    EXPECT(evl_admin_groups(place, &groups) == EVL_OK);
    int count = (int)groups.count;
    evl_groups_release(&groups);
    return count;
}

TEST("a group of which a broker wrote records is listed, and removed with them")
{
    struct stage s = stage_open();
    struct evl_groups groups;
    int64_t now_ms = io_wall_ms(s.place->io);
    write_group(s.place, "classic", false, now_ms);
    write_group(s.place, "modern", true, now_ms);
    EXPECT(commit(s.place, "modern", "t", 0, 1) == EVL_OK);
    REQUIRE(evl_admin_groups(s.place, &groups) == EVL_OK);
    REQUIRE(groups.count == 2);
    EXPECT(strcmp(groups.at[0].protocol, "consumer") == 0 && groups.at[0].partitions == 0);
    EXPECT(strcmp(groups.at[1].protocol, "consumer") == 0 && groups.at[1].partitions == 1);
    EXPECT(strcmp(groups.at[1].state, "Empty") == 0);
    evl_groups_release(&groups);
    EXPECT(evl_admin_group_remove(s.place, "classic", false) == EVL_OK &&
           group_count(s.place) == 1);
    EXPECT(evl_admin_group_remove(s.place, "modern", false) == EVL_OK && group_count(s.place) == 0);
    stage_close(&s);
}

TEST("a group that became empty later than its positions were committed is kept a week from then")
{
    struct stage s = stage_open();
    EXPECT(commit(s.place, "g", "t", 0, 1) == EVL_OK);
    write_group(s.place, "g", false, io_wall_ms(s.place->io) + 86400000);
    sim_pass(s.sim, 7 * DAY + DAY / 2);
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 8; j++) {
            char name[8];
            snprintf(name, sizeof name, "n%d", j);
            EXPECT(commit(s.place, name, "t", 0, i) == EVL_OK);
        }
        EXPECT(committed(s.place, "g", "t", 0) == (i == 0 ? 1 : -1));
        EXPECT(group_count(s.place) == (i == 0 ? 9 : 8));
        sim_pass(s.sim, DAY);
    }
    stage_close(&s);
}

TEST("groups begin again when their topic was removed")
{
    struct stage s = stage_open();
    struct evl_place *other = stage_place(&s, false);
    EXPECT(commit(s.place, "g", "t", 0, 5) == EVL_OK);
    EXPECT(committed(other, "g", "t", 0) == 5);
    EXPECT(evl_admin_remove(s.place, OFFSETS_TOPIC, false) == EVL_OK);
    EXPECT(committed(other, "g", "t", 0) == -1 && committed(s.place, "g", "t", 0) == -1);
    EXPECT(commit(other, "g", "t", 0, 6) == EVL_OK);
    EXPECT(committed(s.place, "g", "t", 0) == 6);
    evl_place_close(other);
    stage_close(&s);
}

/* ---- power cuts ---------------------------------------------------------- */

enum { COMMITS = 5, BODIES = 2 };

/* A process that commits offsets 1, 2, ... of a partition for two groups. */
struct body {
    int32_t partition;
    int64_t mine, ours; /* acknowledged */
};

static void commit_some(struct io *io, void *context)
{
    struct body *b = context;
    struct evl_place *place;
    char group[8];
    snprintf(group, sizeof group, "mine%d", (int)b->partition);
    if (place_open(io, false, &place))
        return;
    for (int i = 1; i <= COMMITS; i++) {
        if (commit(place, group, "t", b->partition, i) || !sim_is_alive(io))
            break;
        b->mine = i;
        if (commit(place, "ours", "t", b->partition, i) || !sim_is_alive(io))
            break;
        b->ours = i;
    }
    evl_place_close(place);
}

static bool found_all(struct evl_place *place, const struct body *bodies)
{
    bool all = true;
    for (int i = 0; i < BODIES; i++) {
        char group[8];
        snprintf(group, sizeof group, "mine%d", i);
        int64_t mine = committed(place, group, "t", i);
        int64_t ours = committed(place, "ours", "t", i);
        all = all && mine <= COMMITS && ours <= COMMITS;
        all = all && mine >= (bodies[i].mine ? bodies[i].mine : -1);
        all = all && ours >= (bodies[i].ours ? bodies[i].ours : -1);
    }
    return all;
}

/* Whether a process or all of them were stopped at the n-th call. */
static bool stopped(enum sim_fault how, uint64_t n)
{
    struct stage s = stage_open();
    struct body bodies[BODIES] = { { .partition = 0 }, { .partition = 1 } };
    struct sim_body run[BODIES] = { { commit_some, &bodies[0] }, { commit_some, &bodies[1] } };
    sim_options(s.sim)->after[how] = n;
    sim_run(s.sim, run, BODIES);
    bool was = sim_options(s.sim)->after[how] == 0;
    sim_options(s.sim)->after[how] = 0;
    for (int round = 0; round < 2; round++) {
        struct evl_place *place = stage_place(&s, round == 0);
        bool all = found_all(place, bodies);
        EXPECT(all); /* no commit that was acknowledged is lost or undone */
        if (!all)
            printf("# %s at call %" PRIu64 ": acknowledged %" PRId64 " %" PRId64 ": %s\n",
                   how == SIM_CUT ? "cut" : "killed", n, bodies[0].mine, bodies[1].mine,
                   evl_fault());
        evl_place_close(place);
        sim_power_cut(s.sim); /* and what was not synced by now may go */
    }
    stage_close(&s);
    return was;
}

TEST("two processes commit, and the power or one of them goes at any call: nothing is lost")
{
    uint64_t cuts = 1;
    uint64_t kills = 1;
    while (stopped(SIM_CUT, cuts))
        cuts++;
    while (stopped(SIM_KILL, kills))
        kills++;
    EXPECT(cuts > 300 && kills > 300);
    printf("# %" PRIu64 " cuts, %" PRIu64 " kills\n", cuts - 1, kills - 1);
}
