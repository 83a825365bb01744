/* Checksums: the fast ways and the slow one agree. */
#include "base/crc32.h"
#include "base/crc32c.h"
#include "record_kit.h"
#include "unit.h"

TEST("CRC-32C and CRC-32 have their known values")
{
    EXPECT(crc32c(0, "123456789", 9) == 0xe3069283);
    EXPECT(crc32c_portable(0, "123456789", 9) == 0xe3069283);
    EXPECT(crc32_ieee(0, "123456789", 9) == 0xcbf43926);
    EXPECT(crc32c(0, "", 0) == 0 && crc32c_portable(0, "", 0) == 0 && crc32_ieee(0, "", 0) == 0);
}

TEST("the processor's CRC-32C is the table's, at every length and alignment")
{
    static uint8_t area[40000];
    kit_seed(1);
    for (size_t i = 0; i < sizeof area; i++)
        area[i] = (uint8_t)kit_chance();
    for (size_t count = 0; count < 1700; count++) {
        const uint8_t *at = area + count % 17;
        uint32_t crc = (uint32_t)kit_chance();
        EXPECT(crc32c(crc, at, count) == crc32c_portable(crc, at, count));
    }
    for (int i = 0; i < 300; i++) {
        size_t begin = kit_chance() % 100;
        size_t count = kit_chance() % (sizeof area - 100);
        EXPECT(crc32c(7, area + begin, count) == crc32c_portable(7, area + begin, count));
    }
}

TEST("a checksum is continued over pieces")
{
    static uint8_t area[20000];
    for (size_t i = 0; i < sizeof area; i++)
        area[i] = (uint8_t)kit_chance();
    for (int i = 0; i < 100; i++) {
        size_t cut = kit_chance() % sizeof area;
        uint32_t crc = crc32c(crc32c(0, area, cut), area + cut, sizeof area - cut);
        EXPECT(crc == crc32c(0, area, sizeof area));
        crc = crc32_ieee(crc32_ieee(0, area, cut), area + cut, sizeof area - cut);
        EXPECT(crc == crc32_ieee(0, area, sizeof area));
    }
}
