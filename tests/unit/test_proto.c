/* Messages through the tables: bytes to structs and back. */
#include "base/fault.h"
#include "message_kit.h"
#include "proto/metadata.h"
#include "unit.h"

#define PROTO_TABLE "corners.def"
#include "proto/as_structs.def"

#define PROTO_TABLE "corners.def"
#include "proto/as_rows.def"

enum { ROUNDS = 300, ARENA_BYTES = 1 << 20 };

static const struct message corners = {
    .name = "corners",
    .key = 99,
    .latest = 4,
    .flexible = 3,
    .size = sizeof(struct corner_message),
    .fields = corner_message_fields,
};

/* All that there are, and the corners first. */
static const struct message *each_message(size_t i)
{
    return i == 0 ? &corners : kit_message(i - 1);
}

struct workbench {
    struct arena arena;
    struct evl_buffer first, again;
    void *message;
};

static struct workbench workbench_open(void)
{
    struct workbench w = { .arena = { .limit = ARENA_BYTES } };
    return w;
}

static void workbench_close(struct workbench *w)
{
    arena_release(&w->arena);
    buf_release(&w->first);
    buf_release(&w->again);
}

static void draw(struct workbench *w, const struct message *m, int version, uint64_t *seed)
{
    arena_reset(&w->arena);
    buf_clear(&w->first);
    buf_clear(&w->again);
    w->message = arena_take(&w->arena, 1, m->size);
    proto_random(m, version, seed, &w->arena, w->message);
    EXPECT(proto_encode(m, version, w->message, &w->first) == EVL_OK);
}

TEST("every message of every version comes back from its bytes as it was")
{
    struct workbench w = workbench_open();
    uint64_t seed = 1;
    size_t bytes = 0;
    for (size_t i = 0; each_message(i); i++)
        for (int v = each_message(i)->oldest; v <= each_message(i)->latest; v++)
            for (int round = 0; round < ROUNDS; round++) {
                const struct message *m = each_message(i);
                draw(&w, m, v, &seed);
                enum evl_error err = proto_decode(m, v, buf_bytes(&w.first), &w.arena, w.message);
                REQUIRE(err == EVL_OK);
                REQUIRE(proto_encode(m, v, w.message, &w.again) == EVL_OK);
                REQUIRE(evl_bytes_equal(buf_bytes(&w.first), buf_bytes(&w.again)));
                bytes += w.first.count;
            }
    EXPECT(bytes > 1000000);
    workbench_close(&w);
}

/* A copy of its own, so that the sanitizer sees a read past the end. */
static enum evl_error decode_copy(const struct message *m, int version, const uint8_t *at,
                                  size_t count, struct workbench *w)
{
    struct evl_buffer copy = { 0 };
    arena_reset(&w->arena);
    void *message = arena_take(&w->arena, 1, m->size);
    (void)buf_room(&copy, count + 1);
    buf_add(&copy, at, count);
    enum evl_error err = proto_decode(m, version, buf_bytes(&copy), &w->arena, message);
    buf_release(&copy);
    return err;
}

TEST("every truncated message is refused, and so is one with a byte more")
{
    struct workbench w = workbench_open();
    uint64_t seed = 2;
    for (size_t i = 0; each_message(i); i++)
        for (int v = each_message(i)->oldest; v <= each_message(i)->latest; v++)
            for (int round = 0; round < 8; round++) {
                const struct message *m = each_message(i);
                draw(&w, m, v, &seed);
                buf_add_byte(&w.first, 0);
                EXPECT(decode_copy(m, v, w.first.at, w.first.count, &w) == EVL_ERR_CORRUPT);
                for (size_t cut = 0; cut + 1 < w.first.count; cut++)
                    REQUIRE(decode_copy(m, v, w.first.at, cut, &w) == EVL_ERR_CORRUPT);
            }
    workbench_close(&w);
}

TEST("a message with changed bytes is refused, or is another message")
{
    struct workbench w = workbench_open();
    uint64_t seed = 3;
    int refused = 0;
    for (int round = 0; round < 20000; round++) {
        const struct message *m =
            round % 2 ? &corners : metadata_message_at((size_t)round / 2 % 26);
        int v = round % (m->latest + 1);
        draw(&w, m, v, &seed);
        for (int i = 0; i < 3; i++) {
            seed = seed * 6364136223846793005u + 1;
            w.first.at[(seed >> 20) % w.first.count] ^= (uint8_t)(seed >> 50);
        }
        enum evl_error err = decode_copy(m, v, w.first.at, w.first.count, &w);
        REQUIRE(err == EVL_OK || err == EVL_ERR_CORRUPT || err == EVL_ERR_TOO_LARGE);
        refused += err != EVL_OK;
    }
    EXPECT(refused > 1000);
    workbench_close(&w);
}

static const char topic_bytes[] = "\1\2\0"   /* frame, TopicRecord, version 0 */
                                  "\7orders" /* compact: 6 + 1 */
                                  "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17" /* topic id */
                                  "\0";                                      /* no tagged fields */

TEST("a topic record lies as Kafka writes it")
{
    struct topic_record topic = { .name = evl_text("orders") };
    struct evl_buffer out = { 0 };
    for (uint8_t i = 0; i < 16; i++)
        topic.topic_id.at[i] = i;
    REQUIRE(metadata_add(METADATA_topic_record, 0, &topic, &out) == EVL_OK);
    EXPECT(evl_bytes_equal(buf_bytes(&out), evl_bytes(topic_bytes, sizeof topic_bytes - 1)));
    buf_release(&out);
}

TEST("a partition change says only what changed, in the order of the tags")
{
    static const char bytes[] = "\1\5\1"
                                "\0\0\0\2" /* partition id */
                                "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                "\2"             /* two tagged fields */
                                "\0\5\2\0\0\0\1" /* isr: 1 */
                                "\1\4\0\0\0\1";  /* leader: 1 */
    struct partition_change_record change;
    int32_t node = 1;
    struct evl_buffer out = { 0 };
    message_init(metadata_message(METADATA_partition_change_record), &change);
    EXPECT(change.leader == -2 && change.partition_id == -1 && !change.isr.at);
    change.partition_id = 2;
    change.leader = 1;
    change.isr.at = &node;
    change.isr.count = 1;
    REQUIRE(metadata_add(METADATA_partition_change_record, 1, &change, &out) == EVL_OK);
    EXPECT(evl_bytes_equal(buf_bytes(&out), evl_bytes(bytes, sizeof bytes - 1)));
    buf_release(&out);
}

TEST("before flexible versions a length is two bytes for text and four for the rest")
{
    static const char begins[] = "\0\2me" /* client */
                                 "\1\377\0\7\377\376";
    struct workbench w = workbench_open();
    struct corner_message message;
    struct corner_item cursor = { 0 };
    message_init(&corners, &message);
    EXPECT(message.number == 77 && message.state.late == -5 && !message.why.at);
    message.client = evl_text("me");
    message.truth = true;
    message.tiny = -1;
    message.small = 7;
    message.port = 0xfffe;
    message.cursor = &cursor;
    REQUIRE(proto_encode(&corners, 0, &message, &w.first) == EVL_OK);
    EXPECT(memcmp(w.first.at, begins, sizeof begins - 1) == 0);
    /* Not compact in flexible versions either: the header's client id. */
    REQUIRE(proto_encode(&corners, 4, &message, &w.again) == EVL_OK);
    EXPECT(memcmp(w.again.at, begins, sizeof begins - 1) == 0);
    workbench_close(&w);
}

TEST("a text longer than its length field can say is refused and leaves no trace")
{
    struct workbench w = workbench_open();
    struct corner_message message;
    message_init(&corners, &message);
    char *text = arena_take(&w.arena, 1, 40000);
    memset(text, 'x', 40000);
    message.client = evl_bytes(text, 40000);
    EXPECT(proto_encode(&corners, 4, &message, &w.first) == EVL_ERR_TOO_LARGE);
    EXPECT(w.first.count == 0);
    workbench_close(&w);
}

TEST("a count that the bytes cannot hold takes no memory")
{
    /* A quota of 2^31 - 2 entities, and one of as many as there are bytes. */
    uint8_t bytes[1000] = { 0xff, 0xff, 0xff, 0xff, 0x07 };
    struct client_quota_record quota;
    struct arena arena = { .limit = 256 };
    const struct message *m = metadata_message(METADATA_client_quota_record);
    EXPECT(proto_decode(m, 0, evl_bytes(bytes, sizeof bytes), &arena, &quota) == EVL_ERR_CORRUPT);
    EXPECT(arena.used == 0 && strstr(evl_fault(), "entity"));
    bytes[0] = 0x80 | 401 % 128;
    bytes[1] = 401 / 128;
    EXPECT(proto_decode(m, 0, evl_bytes(bytes, sizeof bytes), &arena, &quota) == EVL_ERR_CORRUPT);
    EXPECT(arena.used == 0);
    /* 300 entities of 3 bytes would fit the bytes, but not the arena. */
    bytes[0] = 0x80 | 301 % 128;
    bytes[1] = 301 / 128;
    EXPECT(proto_decode(m, 0, evl_bytes(bytes, sizeof bytes), &arena, &quota) == EVL_ERR_TOO_LARGE);
    arena_release(&arena);
}

TEST("tagged fields that nobody knows are skipped")
{
    static const uint8_t bytes[] = { 3, 'a', 'b', 0, 20, 1, 9, 3, 1, 2, 3 };
    struct feature_level_record level;
    struct arena arena = { .limit = 256 };
    const struct message *m = metadata_message(METADATA_feature_level_record);
    REQUIRE(proto_decode(m, 0, evl_bytes(bytes, sizeof bytes), &arena, &level) == EVL_OK);
    EXPECT(level.feature_level == 20 && evl_bytes_equal(level.name, evl_text("ab")));
    arena_release(&arena);
}

TEST("a metadata record of an unknown kind or version is named")
{
    const struct message *m;
    struct evl_bytes body;
    int version;
    EXPECT(metadata_open(evl_bytes("\1\35\0", 3), &m, &version, &body) == EVL_ERR_PROTOCOL);
    EXPECT(strstr(evl_fault(), "kind 29"));
    EXPECT(metadata_open(evl_bytes("\1\6\0", 3), &m, &version, &body) == EVL_ERR_PROTOCOL);
    EXPECT(metadata_open(evl_bytes("\1\2\1", 3), &m, &version, &body) == EVL_ERR_PROTOCOL);
    EXPECT(strstr(evl_fault(), "topic_record of version 1"));
    EXPECT(metadata_open(evl_bytes("\2\2\0", 3), &m, &version, &body) == EVL_ERR_CORRUPT);
    EXPECT(metadata_open(evl_bytes("\1\2", 2), &m, &version, &body) == EVL_ERR_CORRUPT);
    EXPECT(metadata_open(evl_bytes(NULL, 0), &m, &version, &body) == EVL_ERR_CORRUPT);
}

TEST("a metadata record reads as a line, and as kafka-dump-log's JSON")
{
    struct evl_bytes value = evl_bytes(topic_bytes, sizeof topic_bytes - 1);
    struct evl_buffer out = { 0 };
    REQUIRE(metadata_print(value, PROTO_JSON, &out) == EVL_OK);
    EXPECT(strcmp(buf_text(&out), "{\"type\":\"TOPIC_RECORD\",\"version\":0,\"data\":{\"name\":"
                                  "\"orders\",\"topicId\":\"AAECAwQFBgcICQoLDA0ODw\"}}") == 0);
    buf_clear(&out);
    REQUIRE(metadata_print(value, PROTO_LINE, &out) == EVL_OK);
    EXPECT(strcmp(buf_text(&out), "TOPIC_RECORD v0 name=orders topicId=AAECAwQFBgcICQoLDA0ODw") ==
           0);
    buf_release(&out);
}

TEST("text that is not UTF-8 or not printable does not break the JSON around it")
{
    struct config_record config = { .resource_type = METADATA_TOPIC,
                                    .resource_name = evl_text("a\"\\\n\x7f"),
                                    .name = evl_text("\xc3\xa9\xff\xed\xa0\x80"),
                                    .value = evl_bytes(NULL, 0) };
    struct evl_buffer out = { 0 };
    proto_print(metadata_message(METADATA_config_record), 0, &config, PROTO_JSON, &out);
    EXPECT(strcmp(buf_text(&out),
                  "{\"resourceType\":2,\"resourceName\":\"a\\\"\\\\\\u000a\\u007f\","
                  "\"name\":\"\xc3\xa9\\ufffd\\ufffd\\ufffd\\ufffd\",\"value\":null}") == 0);
    buf_release(&out);
}
