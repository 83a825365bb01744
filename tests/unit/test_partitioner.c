/* Keys go where the other clients put them. */
#include "record/partitioner.h"
#include "unit.h"

TEST("murmur2 is Java's")
{
    /* the values that Kafka's own test has */
    EXPECT(murmur2(evl_text("21")) == -973932308);
    EXPECT(murmur2(evl_text("foobar")) == -790332482);
    EXPECT(murmur2(evl_text("a-little-bit-long-string")) == -985981536);
    EXPECT(murmur2(evl_text("a-little-bit-longer-string")) == -1486304829);
    EXPECT(murmur2(evl_text("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")) == -58897971);
    EXPECT(murmur2(evl_text("abc")) == 479470107);
}

TEST("a key's partition is that of Java's default partitioner")
{
    EXPECT(partitioner_choose(PARTITIONER_MURMUR2, evl_text("abc"), 10) == 479470107 % 10);
    EXPECT(partitioner_choose(PARTITIONER_MURMUR2, evl_text("21"), 1000) ==
           (-973932308 & 0x7fffffff) % 1000);
    EXPECT(partitioner_choose(PARTITIONER_MURMUR2, evl_text("21"), 1) == 0);
}

TEST("fnv1a is librdkafka's and Sarama's")
{
    EXPECT(partitioner_choose(PARTITIONER_FNV1A, evl_text("kafka"), INT32_MAX) == 0x0d33c4e1);
    EXPECT(partitioner_choose(PARTITIONER_FNV1A, evl_text("giberish123456789"), INT32_MAX) ==
           0x77a58295);
    EXPECT(partitioner_choose(PARTITIONER_FNV1A, evl_text("1234"), INT32_MAX) == 0x023bdd03);
    EXPECT(partitioner_choose(PARTITIONER_FNV1A, evl_text(NULL), INT32_MAX) == 0x7ee3623b);
}

TEST("crc32 is librdkafka's consistent partitioner")
{
    enum partitioner p;
    EXPECT(partitioner_choose(PARTITIONER_CRC32, evl_text("123456789"), 1000) ==
           (int32_t)(0xcbf43926 % 1000));
    EXPECT(partitioner_choose(PARTITIONER_CRC32, evl_text(""), 7) == 0);
    EXPECT(partitioner_parse("consistent", &p) && p == PARTITIONER_CRC32);
}

TEST("a partitioner has a name, and others are refused")
{
    enum partitioner p;
    for (int i = PARTITIONER_MURMUR2; i <= PARTITIONER_FNV1A; i++) {
        const char *name = partitioner_name((enum partitioner)i);
        EXPECT(partitioner_parse(name, &p) && (int)p == i);
    }
    EXPECT(!partitioner_parse("murmur3", &p) && !partitioner_parse("", &p));
}
