/* partitioner.c - hashes of keys, bit for bit as other clients compute them. */
#include "record/partitioner.h"

#include "base/check.h"
#include "base/crc32.h"

static const char *const names[] = {
    [PARTITIONER_MURMUR2] = "murmur2",
    [PARTITIONER_CRC32] = "crc32",
    [PARTITIONER_FNV1A] = "fnv1a",
};

enum { NAME_COUNT = sizeof names / sizeof names[0] };

const char *partitioner_name(enum partitioner p) { return names[p]; }

bool partitioner_parse(const char *text, enum partitioner *p)
{
    if (strcmp(text, "consistent") == 0)
        text = "crc32";
    for (int i = 0; i < NAME_COUNT; i++)
        if (strcmp(text, names[i]) == 0) {
            *p = (enum partitioner)i;
            return true;
        }
    return false;
}

int32_t murmur2(struct evl_bytes key)
{
    static const uint32_t m = 0x5bd1e995;
    static const uint32_t seed = 0x9747b28c;
    const uint8_t *at = key.at;
    size_t left = key.count;
    uint32_t h = seed ^ (uint32_t)key.count;
    for (; left >= 4; left -= 4, at += 4) {
        uint32_t k;
        memcpy(&k, at, sizeof k); /* little-endian, as in Java */
        k *= m;
        k ^= k >> 24;
        h = h * m ^ k * m;
    }
    if (left > 0) {
        for (size_t i = 0; i < left; i++)
            h ^= (uint32_t)at[i] << (8 * i);
        h *= m;
    }
    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return (int32_t)h;
}

uint32_t fnv1a(struct evl_bytes key)
{
    uint32_t h = 0x811c9dc5;
    for (size_t i = 0; i < key.count; i++)
        h = (h ^ key.at[i]) * 0x01000193;
    return h;
}

/* librdkafka's fnv1a reads the hash as signed, and takes its absolute value. */
static uint32_t absolute(int32_t v) { return v < 0 ? 0u - (uint32_t)v : (uint32_t)v; }

int32_t partitioner_choose(enum partitioner p, struct evl_bytes key, int32_t partition_count)
{
    uint32_t hash = 0;
    check(partition_count > 0);
    switch (p) {
    case PARTITIONER_MURMUR2: hash = (uint32_t)murmur2(key) & 0x7fffffff; break;
    case PARTITIONER_CRC32: hash = crc32_ieee(0, key.at, key.count); break;
    case PARTITIONER_FNV1A: hash = absolute((int32_t)fnv1a(key)); break;
    }
    return (int32_t)(hash % (uint32_t)partition_count);
}
