/* Settings of topics, and ev.conf. */
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

static struct topic_config initial(void)
{
    struct topic_config c;
    config_init(&c);
    return c;
}

static bool sets(const char *name, const char *value)
{
    struct topic_config c = initial();
    return config_set(&c, name, value) == EVL_OK;
}

static bool reads(const char *name, const char *value, enum config_form form, const char *as)
{
    struct evl_buffer out = { 0 };
    bool same =
        config_rewrite(name, value, form, &out) == EVL_OK && strcmp(buf_text(&out), as) == 0;
    if (!same)
        printf("# %s=%s is %s\n", name, value, buf_text(&out));
    buf_release(&out);
    return same;
}

TEST("initial settings are Kafka's, and a record is on disk when it is acknowledged")
{
    struct topic_config c = initial();
    EXPECT(c.retention_ms == 604800000 && c.retention_bytes == -1 && c.segment_bytes == 1 << 30);
    EXPECT(c.max_message_bytes == 1048588 && c.flush_messages == INT64_MAX);
    EXPECT(c.flush == FLUSH_SYNC && c.cleanup_policy == CLEANUP_DELETE);
    EXPECT(c.compression_type == COMPRESSION_PRODUCER && c.min_cleanable_dirty_ratio == 0.5);
    EXPECT(c.message_timestamp_type == TIMESTAMP_CREATE && !c.preallocate && !c.leader_throttled);
    for (int i = 0; i < SETTINGS; i++)
        EXPECT(config_is_initial(&c, i));
}

TEST("settings are sorted by name and each says what it does")
{
    struct evl_setting s;
    struct evl_setting last = { .name = "" };
    for (size_t i = 0; evl_setting(i, &s); i++) {
        EXPECT(strcmp(last.name, s.name) < 0 && config_find(s.name) == (int)i);
        EXPECT(strlen(s.doc) > 20 && s.doc[strlen(s.doc) - 1] == '.' && s.type && s.kafka_type);
        last = s;
    }
    EXPECT(evl_setting_find("flush", &s) && strcmp(s.words, "sync|os") == 0);
    EXPECT(!evl_setting_find("flash", &s));
}

/* Of Kafka's own list, by name, type and initial value: TAB separated columns
 * class, name, type, default; the rows of LogConfig whose names we have. */
TEST("types and initial values are those of Kafka's list")
{
    const char *path = getenv("KAFKA_CONFIGS");
    FILE *in = path ? fopen(path, "r") : NULL;
    char line[8192];
    char name[128];
    char type[32];
    char init[128];
    int compared = 0;
    if (!path)
        printf("# SKIPPED: KAFKA_CONFIGS names no list of Kafka's settings\n");
    while (in && fgets(line, sizeof line, in)) {
        struct evl_setting s;
        struct topic_config c = initial();
        struct evl_buffer out = { 0 };
        if (sscanf(line, "LogConfig\t%127[^\t]\t%31[^\t]\t%127[^\t]", name, type, init) != 3 ||
            !evl_setting_find(name, &s))
            continue;
        config_print(&c, config_find(name), CONFIG_KAFKA, &out);
        EXPECT(strcmp(s.kafka_type, type) == 0);
        EXPECT(strcmp(buf_text(&out), strcmp(init, "\"\"") == 0 ? "" : init) == 0);
        buf_release(&out);
        compared++;
    }
    if (in)
        fclose(in);
    EXPECT(!path || compared >= SETTINGS - 1);
}

TEST("a value may be Kafka's number or a friendly one, and is kept as Kafka's")
{
    EXPECT(reads("retention.ms", "7d", CONFIG_KAFKA, "604800000"));
    EXPECT(reads("retention.ms", "604800000", CONFIG_FRIENDLY, "7d"));
    EXPECT(reads("retention.ms", "604800001", CONFIG_FRIENDLY, "604800001"));
    EXPECT(reads("retention.ms", "-1", CONFIG_FRIENDLY, "-1"));
    EXPECT(reads("segment.bytes", "1G", CONFIG_KAFKA, "1073741824"));
    EXPECT(reads("segment.bytes", "2MB", CONFIG_FRIENDLY, "2000000"));
    EXPECT(reads("flush.messages", "max", CONFIG_KAFKA, "9223372036854775807"));
    EXPECT(reads("flush.messages", "9223372036854775807", CONFIG_FRIENDLY, "max"));
    EXPECT(reads("preallocate", "TRUE", CONFIG_KAFKA, "true"));
    EXPECT(reads("min.cleanable.dirty.ratio", "0.25", CONFIG_KAFKA, "0.25"));
    EXPECT(reads("min.cleanable.dirty.ratio", "1", CONFIG_KAFKA, "1.0"));
    EXPECT(reads("cleanup.policy", "compact, delete", CONFIG_KAFKA, "delete,compact"));
    EXPECT(reads("cleanup.policy", "", CONFIG_KAFKA, ""));
    EXPECT(reads("leader.replication.throttled.replicas", "0:1,1:2", CONFIG_KAFKA, "0:1,1:2"));
    EXPECT(reads("message.timestamp.type", "logappendtime", CONFIG_KAFKA, "LogAppendTime"));
}

TEST("a value out of bounds or of another kind is refused, and says what would do")
{
    EXPECT(!sets("segment.bytes", "1048575") && strstr(evl_fault(), "the least is 1M"));
    EXPECT(!sets("segment.bytes", "2G") && strstr(evl_fault(), "too large"));
    EXPECT(!sets("retention.ms", "-2") && !sets("retention.ms", "1x"));
    EXPECT(strstr(evl_fault(), "try 7d"));
    EXPECT(!sets("min.cleanable.dirty.ratio", "1.5") && !sets("min.cleanable.dirty.ratio", "."));
    EXPECT(!sets("compression.gzip.level", "0") && sets("compression.gzip.level", "-1"));
    EXPECT(!sets("compression.gzip.level", "10") && sets("compression.gzip.level", "9"));
    EXPECT(!sets("compression.type", "zip") && strstr(evl_fault(), "zstd"));
    EXPECT(!sets("cleanup.policy", "delete,,compact") && !sets("cleanup.policy", "delete,"));
    EXPECT(!sets("preallocate", "1") && !sets("preallocate", "") && !sets("segment.ms", "0"));
    EXPECT(!sets("follower.replication.throttled.replicas", "0:1,"));
    EXPECT(!sets("follower.replication.throttled.replicas", "0-1"));
    EXPECT(!sets("flush.messages", "9223372036854775808") && !sets("flush.messages", "1k"));
    EXPECT(!sets("min.insync.replicas", "99999999999") && !sets("flush", "ox"));
}

TEST("a misspelt setting is answered with the one that was meant")
{
    EXPECT(!sets("retension.ms", "7d") && strstr(evl_fault(), "did you mean retention.ms?"));
    EXPECT(!sets("colour", "red") && !strstr(evl_fault(), "did you mean"));
}

TEST("settings that contradict each other are refused together")
{
    struct topic_config c = initial();
    EXPECT(config_check(&c) == EVL_OK);
    EXPECT(config_set(&c, "max.compaction.lag.ms", "1h") == EVL_OK);
    EXPECT(config_set(&c, "min.compaction.lag.ms", "2h") == EVL_OK);
    EXPECT(config_check(&c) == EVL_ERR_CONFIG);
    config_unset(&c, config_find("min.compaction.lag.ms"));
    EXPECT(config_check(&c) == EVL_OK && !config_is_initial(&c, SETTING_max_compaction_lag_ms));
}

TEST("every setting that is printed is read back as the same, in both forms")
{
    for (int i = 0; i < SETTINGS; i++)
        for (enum config_form form = CONFIG_KAFKA; form <= CONFIG_FRIENDLY; form++) {
            struct topic_config c = initial();
            struct evl_setting s;
            struct evl_buffer out = { 0 };
            EXPECT(evl_setting((size_t)i, &s));
            config_print(&c, i, form, &out);
            EXPECT(config_set(&c, s.name, buf_text(&out)) == EVL_OK && config_is_initial(&c, i));
            buf_release(&out);
        }
}

/* ---- ev.conf ------------------------------------------------------------- */

TEST("ev.conf has a default, profiles and aliases")
{
    static const char text[] = "# mine\n[default]\n dir = /var/lib/ev \n\n; prod\r\n"
                               "[profile prod]\nbrokers=a:1,b:2\nsasl.password = x # y = z\n"
                               "[ alias ]\ntail = evconsume -f\n[profile  empty ]\n"
                               "[profile prod]\nbrokers = c:3";
    struct evl_ini *ini;
    REQUIRE(evl_ini_read(evl_text(text), &ini) == EVL_OK);
    EXPECT(strcmp(evl_ini_get(ini, "default", "", "dir"), "/var/lib/ev") == 0);
    EXPECT(strcmp(evl_ini_get(ini, "profile", "prod", "brokers"), "c:3") == 0);
    EXPECT(strcmp(evl_ini_get(ini, "profile", "prod", "sasl.password"), "x # y = z") == 0);
    EXPECT(strcmp(evl_ini_get(ini, "alias", "", "tail"), "evconsume -f") == 0);
    EXPECT(evl_ini_has(ini, "profile", "empty") && !evl_ini_has(ini, "profile", "emptier"));
    EXPECT(!evl_ini_get(ini, "profile", "prod", "dir") && !evl_ini_get(ini, "default", "", "x"));
    EXPECT(evl_ini_at(ini, 0)->line == 2 && !evl_ini_at(ini, 0)->key && !evl_ini_at(ini, 100));
    EXPECT(evl_ini_at(ini, 3)->line == 7);
    evl_ini_free(ini);
}

TEST("a mistake in ev.conf is told with its line")
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        { "dir = x\n", "line 1: a key outside" },
        { "[default]\ndir\n", "line 2: 'dir' is not KEY = VALUE" },
        { "\n[defualt]\n", "line 2: [defualt]" },
        { "[profile]\n", "[profile NAME]" },
        { "[default x]\n", "takes no name" },
        { "[default\n", "ends with ]" },
        { "[", "ends with ]" },
        { "[default]\n = x\n", "line 2: a value without a key" },
    };
    struct evl_ini *ini;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        EXPECT(evl_ini_read(evl_text(rows[i].text), &ini) == EVL_ERR_CONFIG);
        EXPECT(strstr(evl_fault(), rows[i].says));
    }
    EXPECT(evl_ini_read(evl_bytes("[alias]\0", 8), &ini) == EVL_ERR_CONFIG);
    REQUIRE(evl_ini_read(evl_bytes(NULL, 0), &ini) == EVL_OK);
    EXPECT(!evl_ini_at(ini, 0));
    evl_ini_free(ini);
}
