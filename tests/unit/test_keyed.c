/* The records of the internal topics: a number, and a message behind it. */
#include <stdio.h>

#include "proto/group_log.h"
#include "proto/kafka_error.h"
#include "proto/transaction_log.h"
#include "unit.h"

enum { ARENA_BYTES = 1 << 20 };

static const char pay_key[] = "\0\0"     /* kind */
                              "\0\3pay"; /* transactional id */

static const char ongoing_0[] = "\0\0"                     /* version */
                                "\0\0\0\0\0\0\3\350\0\7"   /* producer 1000 of epoch 7 */
                                "\0\0\352\140\1"           /* 60 s; Ongoing */
                                "\0\0\0\1\0\6orders"       /* one topic, */
                                "\0\0\0\2\0\0\0\0\0\0\0\2" /* of it partitions 0 and 2 */
                                "\0\0\0\0\0\0\0\12"        /* last update */
                                "\0\0\0\0\0\0\0\11";       /* start */

static const char complete_1[] = "\0\1"
                                 "\0\0\0\0\0\0\3\351\0\0\0\0\352\140\4"
                                 "\0" /* null: no partitions */
                                 "\0\0\0\0\0\0\0\14\0\0\0\0\0\0\0\11"
                                 "\2"                      /* two tags */
                                 "\0\10\0\0\0\0\0\0\3\350" /* previous producer 1000 */
                                 "\2\2\0\2";               /* client's transaction version 2 */

#define BYTES(text) evl_bytes(text, sizeof(text) - 1)

TEST("a transaction record of version 0 lies as Kafka writes it")
{
    int32_t ids[] = { 0, 2 };
    struct transaction_log_partitions orders = { evl_text("orders"), { ids, 2 } };
    struct transaction_log_key key = { evl_text("pay") };
    struct transaction_log_value value = {
        .producer_id = 1000,
        .producer_epoch = 7,
        .transaction_timeout_ms = 60000,
        .transaction_status = 1,
        .transaction_partitions = { &orders, 1 },
        .transaction_last_update_timestamp_ms = 10,
        .transaction_start_timestamp_ms = 9,
    };
    struct keyed_list list = { 0 };
    REQUIRE(keyed_list_add(&list, &transaction_log, &key, 0, &value) == EVL_OK);
    struct evl_record record = keyed_list_at(&list, 0);
    EXPECT(evl_bytes_equal(record.key, BYTES(pay_key)));
    EXPECT(evl_bytes_equal(record.value, BYTES(ongoing_0)));
    keyed_list_release(&list);
}

TEST("a transaction record of version 1 has its younger fields in tags")
{
    struct arena arena = { .limit = ARENA_BYTES };
    struct transaction_log_key key = { evl_text("pay") };
    struct transaction_log_value value;
    struct keyed_list list = { 0 };
    int16_t version = -1;
    REQUIRE(keyed_value(&transaction_log, BYTES(complete_1), &arena, &version, &value) == EVL_OK);
    EXPECT(version == 1 && value.producer_id == 1001 && value.previous_producer_id == 1000);
    EXPECT(value.next_producer_id == -1 && value.next_producer_epoch == -1);
    EXPECT(value.transaction_status == 4 && !value.transaction_partitions.at);
    EXPECT(value.client_transaction_version == 2 && value.transaction_start_timestamp_ms == 9);
    REQUIRE(keyed_list_add(&list, &transaction_log, &key, version, &value) == EVL_OK);
    EXPECT(evl_bytes_equal(keyed_list_at(&list, 0).value, BYTES(complete_1)));
    keyed_list_release(&list);
    arena_release(&arena);
}

TEST("a list of records gives each as it was decided, null values too")
{
    struct keyed_list list = { 0 };
    struct transaction_log_key key = { evl_text("pay") };
    struct transaction_log_value value;
    char id[8];
    message_init(transaction_log.value, &value);
    for (int i = 0; i < 10; i++) {
        snprintf(id, sizeof id, "id%d", i);
        key.transactional_id = evl_text(id);
        REQUIRE(keyed_list_add(&list, &transaction_log, &key, 1, i % 2 ? &value : NULL) == EVL_OK);
    }
    EXPECT(list.count == 10);
    for (int i = 0; i < 10; i++) {
        struct evl_record record = keyed_list_at(&list, (size_t)i);
        EXPECT(record.key.count == 7 && record.key.at[6] == '0' + i);
        EXPECT(!record.value.at == !(i % 2));
    }
    keyed_list_clear(&list);
    EXPECT(list.count == 0 && list.bytes.count == 0);
    keyed_list_release(&list);
}

TEST("an id longer than a record can say leaves the list as it was")
{
    static char longest[40000];
    struct keyed_list list = { 0 };
    struct transaction_log_key key = { evl_bytes(longest, sizeof longest) };
    EXPECT(keyed_list_add(&list, &transaction_log, &key, 0, NULL) == EVL_ERR_TOO_LARGE);
    EXPECT(list.count == 0 && list.bytes.count == 0);
    keyed_list_release(&list);
}

TEST("a record whose key or value is cut short is refused")
{
    struct arena arena = { .limit = ARENA_BYTES };
    struct transaction_log_value value;
    struct transaction_log_key key;
    struct evl_bytes id;
    int16_t version;
    REQUIRE(transaction_log_id(BYTES(pay_key), &id) == EVL_OK);
    EXPECT(evl_bytes_equal(id, evl_text("pay")));
    for (size_t cut = 0; cut < sizeof pay_key - 1; cut++)
        EXPECT(transaction_log_id(evl_bytes(pay_key, cut), &id) == EVL_ERR_CORRUPT);
    EXPECT(keyed_key(&transaction_log, evl_bytes(pay_key, 3), &arena, &key) == EVL_ERR_CORRUPT);
    for (size_t cut = 0; cut < sizeof ongoing_0 - 1; cut++)
        EXPECT(keyed_value(&transaction_log, evl_bytes(ongoing_0, cut), &arena, &version, &value) ==
               EVL_ERR_CORRUPT);
    arena_release(&arena);
}

TEST("a record of a kind or version that nobody knows is told from a damaged one")
{
    struct arena arena = { .limit = ARENA_BYTES };
    struct transaction_log_value value;
    struct evl_bytes id;
    int16_t version;
    EXPECT(transaction_log_id(BYTES("\0\1\0\3pay"), &id) == EVL_ERR_PROTOCOL);
    EXPECT(keyed_value(&transaction_log, BYTES("\0\2\0\0"), &arena, &version, &value) ==
           EVL_ERR_PROTOCOL);
    EXPECT(keyed_value(&transaction_log, BYTES("\377\377\0"), &arena, &version, &value) ==
           EVL_ERR_PROTOCOL);
    arena_release(&arena);
}

TEST("a transaction record reads as kafka-dump-log writes it")
{
    struct evl_buffer out = { 0 };
    REQUIRE(keyed_print(&transaction_log, BYTES(pay_key), BYTES(ongoing_0), &out) == EVL_OK);
    EXPECT(strcmp(buf_text(&out),
                  "key: {\"type\":\"0\",\"data\":{\"transactionalId\":\"pay\"}} "
                  "payload: {\"version\":\"0\",\"data\":{\"producerId\":1000,\"producerEpoch\":7,"
                  "\"transactionTimeoutMs\":60000,\"transactionStatus\":1,"
                  "\"transactionPartitions\":[{\"topic\":\"orders\",\"partitionIds\":[0,2]}],"
                  "\"transactionLastUpdateTimestampMs\":10,"
                  "\"transactionStartTimestampMs\":9}}") == 0);
    buf_clear(&out);
    REQUIRE(keyed_print(&transaction_log, BYTES(pay_key), evl_bytes(NULL, 0), &out) == EVL_OK);
    EXPECT(strcmp(buf_text(&out), "key: {\"type\":\"0\",\"data\":{\"transactionalId\":\"pay\"}} "
                                  "payload: <DELETE>") == 0);
    buf_clear(&out);
    EXPECT(keyed_print(&transaction_log, BYTES(pay_key), BYTES("\0"), &out) == EVL_ERR_CORRUPT);
    EXPECT(keyed_print(&transaction_log, BYTES("\0\0\0"), BYTES("\0"), &out) == EVL_ERR_CORRUPT);
    EXPECT(out.count == 0);
    buf_release(&out);
}

/* ---- groups -------------------------------------------------------------- */

static const char commit_key[] = "\0\1"            /* kind */
                                 "\0\1g\0\6orders" /* group, topic, */
                                 "\0\0\0\2";       /* partition */

static const char commit_1[] = "\0\1\0\0\0\0\0\0\0\52\0\1m\0\0\0\0\0\0\0\11"
                               "\0\0\0\0\0\0\0\12"; /* when it expires */
static const char commit_3[] = "\0\3"               /* version */
                               "\0\0\0\0\0\0\0\52"  /* offset 42 */
                               "\0\0\0\5"           /* leader epoch */
                               "\0\1m"              /* metadata */
                               "\0\0\0\0\0\0\0\11"; /* when */
static const char commit_4[] = "\0\4\0\0\0\0\0\0\0\52\0\0\0\5\2m\0\0\0\0\0\0\0\11"
                               "\1\0\20\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17"; /* topic id */

static const char group_3[] = "\0\3"
                              "\0\10consumer"            /* protocol type */
                              "\0\0\0\7"                 /* generation */
                              "\0\5range\0\2m1"          /* protocol, leader */
                              "\0\0\0\0\0\0\0\11"        /* since when */
                              "\0\0\0\1"                 /* one member: */
                              "\0\2m1\377\377"           /* id, no instance */
                              "\0\1c\0\2/h"              /* client, host */
                              "\0\0\352\140\0\0\257\310" /* timeouts */
                              "\0\0\0\1s\0\0\0\1a";      /* subscription, assignment */

#define IS(bytes, text) evl_bytes_equal(bytes, evl_text(text))

TEST("a committed offset of any version reads as it was written")
{
    const struct evl_bytes versions[] = { BYTES(commit_1), BYTES(commit_3), BYTES(commit_4) };
    const struct keyed *kind = NULL;
    struct offset_commit_key key;
    struct offset_commit_value value;
    struct arena arena = { .limit = ARENA_BYTES };
    REQUIRE(group_log_kind_of(BYTES(commit_key), &kind) == EVL_OK);
    REQUIRE(kind == group_log(GROUP_LOG_offset_commit));
    REQUIRE(keyed_key(kind, BYTES(commit_key), &arena, &key) == EVL_OK);
    EXPECT(IS(key.group, "g") && IS(key.topic, "orders") && key.partition == 2);
    for (size_t i = 0; i < 3; i++) {
        struct keyed_list list = { 0 };
        int16_t version = -1;
        REQUIRE(keyed_value(kind, versions[i], &arena, &version, &value) == EVL_OK);
        EXPECT(version == (i == 0 ? 1 : (int)i + 2));
        EXPECT(value.offset == 42 && IS(value.metadata, "m") && value.commit_timestamp == 9);
        EXPECT(value.leader_epoch == (i == 0 ? -1 : 5));
        EXPECT(value.expire_timestamp == (i == 0 ? 10 : -1));
        EXPECT(value.topic_id.at[15] == (i == 2 ? 15 : 0));
        REQUIRE(keyed_list_add(&list, kind, &key, version, &value) == EVL_OK);
        EXPECT(evl_bytes_equal(keyed_list_at(&list, 0).key, BYTES(commit_key)));
        EXPECT(evl_bytes_equal(keyed_list_at(&list, 0).value, versions[i]));
        keyed_list_release(&list);
    }
    arena_release(&arena);
}

TEST("a classic group's record tells its generation and its members")
{
    const struct keyed *kind = group_log(GROUP_LOG_group_metadata);
    struct group_metadata_value value;
    struct arena arena = { .limit = ARENA_BYTES };
    int16_t version;
    REQUIRE(keyed_value(kind, BYTES(group_3), &arena, &version, &value) == EVL_OK);
    EXPECT(version == 3 && value.generation == 7 && IS(value.protocol_type, "consumer"));
    EXPECT(IS(value.protocol, "range") && IS(value.leader, "m1"));
    EXPECT(value.current_state_timestamp == 9);
    REQUIRE(value.members.count == 1);
    const struct group_metadata_member *member = value.members.at;
    EXPECT(IS(member->member_id, "m1") && !member->group_instance_id.at);
    EXPECT(IS(member->client_id, "c") && IS(member->client_host, "/h"));
    EXPECT(member->rebalance_timeout == 60000 && member->session_timeout == 45000);
    EXPECT(IS(member->subscription, "s") && IS(member->assignment, "a"));
    for (size_t cut = 0; cut < sizeof group_3 - 1; cut++)
        EXPECT(keyed_value(kind, evl_bytes(group_3, cut), &arena, &version, &value) ==
               EVL_ERR_CORRUPT);
    arena_release(&arena);
}

/* As Kafka 4.0 writes them: a null struct in a tag is said, an initial one is not,
 * and others have a 1 in front. */
TEST("a member that speaks the consumer protocol is told from one that speaks the classic one")
{
    static const char consumer[] = "\0\0\1\1\2c\2h\1\1\377\377\377\377\1\1\0\1\0";
    static const char classic[] = "\0\0\1\1\2c\2h\1\1\377\377\377\377\1\1\0\7\1\0\0\0\7\1\0";
    static const char initial[] = "\0\0\1\1\2c\2h\1\1\377\377\377\377\1\0";
    const struct evl_bytes values[] = { BYTES(consumer), BYTES(classic), BYTES(initial) };
    const struct keyed *kind = group_log(GROUP_LOG_consumer_group_member_metadata);
    struct consumer_group_member_metadata_key key = { evl_text("g"), evl_text("m") };
    struct consumer_group_member_metadata_value value;
    struct arena arena = { .limit = ARENA_BYTES };
    struct keyed_list list = { 0 };
    int16_t version;
    for (int i = 0; i < 3; i++) {
        REQUIRE(keyed_value(kind, values[i], &arena, &version, &value) == EVL_OK);
        EXPECT(IS(value.client_id, "c") && IS(value.client_host, "h"));
        EXPECT(!value.classic_member_metadata == (i == 0));
        if (i > 0)
            EXPECT(value.classic_member_metadata->session_timeout_ms == (i == 1 ? 7 : 0));
        keyed_list_clear(&list);
        REQUIRE(keyed_list_add(&list, kind, &key, version, &value) == EVL_OK);
        EXPECT(evl_bytes_equal(keyed_list_at(&list, 0).value, values[i]));
    }
    arena.limit = arena.used;
    EXPECT(keyed_value(kind, values[2], &arena, &version, &value) == EVL_ERR_TOO_LARGE);
    keyed_list_release(&list);
    arena_release(&arena);
}

TEST("every kind of group record is found by its number, and no other is")
{
    size_t found = 0;
    const struct keyed *kind = NULL;
    for (int i = -1; i < 30; i++) {
        uint8_t key[2] = { (uint8_t)(i >> 8), (uint8_t)i };
        EXPECT(group_log_kind_of(evl_bytes(key, 2), &kind) == EVL_OK && kind == group_log(i));
        EXPECT(!kind || (kind->kind == i && kind->key->key == i && kind->value->key == i));
        found += kind != NULL;
    }
    EXPECT(found == 10 && group_log_at(9)->kind == 16 && !group_log_at(10));
    EXPECT(group_log_kind_of(evl_bytes("", 1), &kind) == EVL_ERR_CORRUPT);
}

TEST("a committed offset reads as kafka-dump-log writes it")
{
    struct evl_buffer out = { 0 };
    REQUIRE(keyed_print(group_log(GROUP_LOG_offset_commit), BYTES(commit_key), BYTES(commit_3),
                        &out) == EVL_OK);
    EXPECT(strcmp(buf_text(&out),
                  "key: {\"type\":\"1\",\"data\":{\"group\":\"g\",\"topic\":\"orders\","
                  "\"partition\":2}} payload: {\"version\":\"3\",\"data\":{\"offset\":42,"
                  "\"leaderEpoch\":5,\"metadata\":\"m\",\"commitTimestamp\":9}}") == 0);
    buf_release(&out);
}

/* ---- answers ------------------------------------------------------------- */

TEST("every error code of Kafka's protocol has its row, in the order of the numbers")
{
    int number = -1;
#define CODE(code, name, error, todo)                                                        \
    EXPECT(code == number && KAFKA_##name == number);                                        \
    EXPECT(strcmp(kafka_error_name(number), #name) == 0);                                    \
    EXPECT(kafka_error_to_evl(number) == error && kafka_error_todo(number) == KAFKA_##todo); \
    number++;
#include "proto/kafka_errors.def"
#undef CODE
    EXPECT(number == 137);
    EXPECT(strcmp(kafka_error_name(137), "UNKNOWN_SERVER_ERROR") == 0);
    EXPECT(strcmp(kafka_error_name(-2), "UNKNOWN_SERVER_ERROR") == 0);
    EXPECT(kafka_error_to_evl(KAFKA_NONE) == EVL_OK);
}
