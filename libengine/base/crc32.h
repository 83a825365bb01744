/* crc32.h - the checksum of zip and Ethernet, which old message sets have and
 * librdkafka's partitioners hash keys with.
 *
 * crc32_ieee(0, "123456789", 9) is 0xcbf43926; it continues as crc32c() does. */
#ifndef BASE_CRC32_H
#define BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32_ieee(uint32_t crc, const void *at, size_t count);

#endif
