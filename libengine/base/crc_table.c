/* crc_table.c - "slicing by eight": one look-up a byte, but eight that do not
 * wait for each other.  Owns nothing; the tables are its callers'. */
#include "base/crc_table.h"

#include <string.h>

void crc_table_fill(struct crc_table *t, uint32_t polynomial)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (polynomial & (0u - (crc & 1)));
        t->at[0][byte] = crc;
    }
    for (int i = 1; i < 8; i++)
        for (int byte = 0; byte < 256; byte++) {
            uint32_t before = t->at[i - 1][byte];
            t->at[i][byte] = (before >> 8) ^ t->at[0][before & 0xff];
        }
}

static uint32_t crc_table_eight(const struct crc_table *t, uint32_t crc, const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word); /* little-endian: base/endian.h asserts it */
    word ^= crc;
    crc = 0;
    for (int i = 0; i < 8; i++)
        crc ^= t->at[7 - i][(word >> (8 * i)) & 0xff];
    return crc;
}

uint32_t crc_table_run(const struct crc_table *t, uint32_t crc, const uint8_t *at, size_t count)
{
    crc = ~crc;
    for (; count >= 8; count -= 8, at += 8)
        crc = crc_table_eight(t, crc, at);
    for (; count > 0; count--, at++)
        crc = (crc >> 8) ^ t->at[0][(crc ^ *at) & 0xff];
    return ~crc;
}
