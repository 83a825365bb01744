/* crc32.c - CRC-32 by table: nothing that is hot needs it. */
#include "base/crc32.h"

#include <pthread.h>

#include "base/crc_table.h"

static struct crc_table table;

static void table_fill(void) { crc_table_fill(&table, 0xedb88320); }

uint32_t crc32_ieee(uint32_t crc, const void *at, size_t count)
{
    static pthread_once_t filled = PTHREAD_ONCE_INIT;
    pthread_once(&filled, table_fill);
    return crc_table_run(&table, crc, at, count);
}
