/* crc_table.h - any reflected CRC of 32 bits, eight bytes at once, on any machine. */
#ifndef BASE_CRC_TABLE_H
#define BASE_CRC_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct crc_table {
    uint32_t at[8][256]; /* at[i][b]: the byte b, with i zero bytes behind it */
};

/* The polynomial is reflected too: 0x82f63b78 for CRC-32C. */
void crc_table_fill(struct crc_table *t, uint32_t polynomial);

/* Continue `crc` (0 to begin with) over count bytes. */
uint32_t crc_table_run(const struct crc_table *t, uint32_t crc, const uint8_t *at, size_t count);

#endif
