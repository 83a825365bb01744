/* crc32c.h - the checksum of batches: CRC-32C (Castagnoli), reflected.
 *
 * crc32c(0, "123456789", 9) is 0xe3069283.  A checksum may be continued:
 * crc32c(crc32c(0, a), b) is that of a and b in one piece. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(uint32_t crc, const void *at, size_t count);

/* The same without the processor's help: what other machines run, and what
 * tests compare with. */
uint32_t crc32c_portable(uint32_t crc, const void *at, size_t count);

#endif
