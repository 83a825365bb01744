/* partitioner.h - which partition a key belongs to, by the hashes of the clients
 * that share a topic with ours. */
#ifndef RECORD_PARTITIONER_H
#define RECORD_PARTITIONER_H

#include <evl/bytes.h>

enum partitioner {
    PARTITIONER_MURMUR2, /* Java's default; librdkafka's murmur2 */
    PARTITIONER_CRC32,   /* librdkafka's default: consistent */
    PARTITIONER_FNV1A,   /* librdkafka's fnv1a; Sarama's */
};

/* "murmur2", "crc32", "fnv1a"; "consistent" is crc32's other name. */
const char *partitioner_name(enum partitioner p);
bool partitioner_parse(const char *text, enum partitioner *p);

/* The partition of a key, below partition_count.  What to do without a key is
 * the caller's; null is hashed as empty here, as librdkafka does. */
int32_t partitioner_choose(enum partitioner p, struct evl_bytes key, int32_t partition_count);

/* The hash itself, as the clients have it. */
int32_t murmur2(struct evl_bytes key);
uint32_t fnv1a(struct evl_bytes key);

#endif
