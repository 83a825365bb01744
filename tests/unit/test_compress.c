/* The codecs: what goes in comes out, and nobody's word is taken for it. */
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

#include <evl/error.h>

#include "base/endian.h"
#include "base/memory.h"
#include "record/compress.h"
#include "record/lz4_header.h"
#include "record/snappy.h"
#include "record_kit.h"
#include "unit.h"

/* Every codec that is built; the others are named. */
#define codec_each(c)                                                                          \
    for (enum evl_codec c = EVL_CODEC_GZIP; (int)c < CODEC_COUNT; c = (enum evl_codec)(c + 1)) \
        if (!evl_codec_usable(c))                                                              \
            printf("# skipped, not built: %s\n", evl_codec_name(c));                           \
        else

static struct evl_buffer packed_with(enum evl_codec codec, int level, struct evl_bytes plain)
{
    struct compressor c = { 0 };
    struct evl_buffer packed = { 0 };
    EXPECT(compressor_pack(&c, codec, level, plain, &packed) == EVL_OK);
    compressor_release(&c);
    return packed;
}

static enum evl_error unpacked(enum evl_codec codec, struct evl_bytes packed, size_t plain_max,
                               struct evl_buffer *plain)
{
    struct decompressor d = { 0 };
    enum evl_error err = decompressor_unpack(&d, codec, packed, plain_max, plain);
    decompressor_release(&d);
    return err;
}

/* Bytes of which some repeat: runs of chance, of one letter, of what was before. */
static struct evl_buffer plain_make(size_t count)
{
    struct evl_buffer b = { 0 };
    while (b.count < count) {
        uint64_t kind = kit_chance() % 3;
        size_t run = 1 + kit_chance() % 300;
        size_t back = b.count ? 1 + kit_chance() % b.count : 0;
        for (size_t i = 0; i < run && b.count < count; i++)
            buf_add_byte(&b, kind == 0            ? (uint8_t)kit_chance()
                             : kind == 1 || !back ? 'x'
                                                  : b.at[b.count - back]);
    }
    buf_room(&b, 1); /* not null when it is empty */
    return b;
}

TEST("a codec is known by its name")
{
    enum evl_codec codec;
    for (int i = 0; i < CODEC_COUNT; i++)
        EXPECT(evl_codec_parse(evl_codec_name((enum evl_codec)i), &codec) && (int)codec == i);
    EXPECT(!evl_codec_parse("lzma", &codec) && !evl_codec_name((enum evl_codec)5) &&
           !evl_codec_name((enum evl_codec)7));
}

TEST("every codec gives back what it was given, whatever the size")
{
    static const size_t sizes[] = { 0, 1, 5, 100, 32767, 32768, 32769, 65536, 70000, 300000 };
    kit_seed(2);
    codec_each(codec)
    {
        struct compressor c = { 0 };
        struct decompressor d = { 0 };
        struct evl_buffer plain = { 0 };
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            struct evl_buffer given = plain_make(sizes[i]);
            struct evl_buffer packed = { 0 };
            EXPECT(!compressor_pack(&c, codec, 0, buf_bytes(&given), &packed));
            EXPECT(!decompressor_unpack(&d, codec, buf_bytes(&packed), sizes[i], &plain));
            EXPECT(plain.count == sizes[i] &&
                   (sizes[i] == 0 || memcmp(plain.at, given.at, sizes[i]) == 0));
            buf_release(&given);
            buf_release(&packed);
        }
        compressor_release(&c);
        decompressor_release(&d);
        buf_release(&plain);
    }
}

TEST("every level of every codec can be read, and others are refused by name")
{
    static const struct {
        enum evl_codec codec;
        int low, high, wrong;
    } rows[] = { { EVL_CODEC_GZIP, 1, 9, 10 },
                 { EVL_CODEC_LZ4, 1, 17, 18 },
                 { EVL_CODEC_ZSTD, -5, 19, 23 },
                 { EVL_CODEC_SNAPPY, 0, 0, 1 } };
    kit_seed(3);
    struct evl_buffer given = plain_make(5000);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct compressor c = { 0 };
        struct evl_buffer packed = { 0 };
        if (!evl_codec_usable(rows[i].codec))
            continue;
        for (int level = rows[i].low; level <= rows[i].high; level++) {
            struct evl_buffer plain = { 0 };
            buf_clear(&packed);
            EXPECT(!compressor_pack(&c, rows[i].codec, level, buf_bytes(&given), &packed));
            EXPECT(!unpacked(rows[i].codec, buf_bytes(&packed), 5000, &plain));
            EXPECT(evl_bytes_equal(buf_bytes(&plain), buf_bytes(&given)));
            buf_release(&plain);
        }
        EXPECT(compressor_pack(&c, rows[i].codec, rows[i].wrong, buf_bytes(&given), &packed) ==
               EVL_ERR_CONFIG);
        EXPECT(strstr(evl_fault(), evl_codec_name(rows[i].codec)));
        compressor_release(&c);
        buf_release(&packed);
    }
    buf_release(&given);
}

TEST("a codec that is none is refused as damage, one that was not built as configuration")
{
    struct evl_buffer plain = { 0 };
    EXPECT(unpacked((enum evl_codec)7, evl_text("x"), 100, &plain) == EVL_ERR_CORRUPT);
    for (int i = EVL_CODEC_GZIP; i < CODEC_COUNT; i++) {
        enum evl_codec codec = (enum evl_codec)i;
        if (!evl_codec_usable(codec)) {
            EXPECT(unpacked(codec, evl_text("x"), 100, &plain) == EVL_ERR_CONFIG);
            EXPECT(strstr(evl_fault(), evl_codec_name(codec)));
        }
    }
    buf_release(&plain);
}

TEST("compressed bytes that end too early, or go on too long, are refused")
{
    kit_seed(4);
    struct evl_buffer given = plain_make(700);
    codec_each(codec)
    {
        struct evl_buffer packed = packed_with(codec, 0, buf_bytes(&given));
        struct evl_buffer plain = { 0 };
        int frames = 0; /* snappy's frame has no end mark: its head alone is one */
        for (size_t cut = 0; cut < packed.count; cut++)
            frames += !unpacked(codec, evl_bytes(packed.at, cut), 700, &plain);
        EXPECT(frames == (codec == EVL_CODEC_SNAPPY));
        buf_add_text(&packed, "behind the end");
        EXPECT(unpacked(codec, buf_bytes(&packed), 7000, &plain) == EVL_ERR_CORRUPT);
        EXPECT(plain.count == 0 && strstr(evl_fault(), evl_codec_name(codec)) == evl_fault());
        buf_release(&packed);
        buf_release(&plain);
    }
    buf_release(&given);
}

TEST("a limit is kept to the byte")
{
    kit_seed(5);
    struct evl_buffer given = plain_make(200000);
    codec_each(codec)
    {
        struct evl_buffer packed = packed_with(codec, 0, buf_bytes(&given));
        struct evl_buffer plain = { 0 };
        EXPECT(unpacked(codec, buf_bytes(&packed), 200000, &plain) == EVL_OK);
        EXPECT(unpacked(codec, buf_bytes(&packed), 199999, &plain) == EVL_ERR_TOO_LARGE);
        EXPECT(plain.count == 0);
        buf_release(&packed);
        buf_release(&plain);
    }
    buf_release(&given);
}

TEST("a bomb stops at the limit, soon, and takes no more memory than that")
{
    enum { BOMB = 64 << 20, LIMIT = 1 << 20 };
    uint8_t *zeros = memory_take(BOMB, 1);
    codec_each(codec)
    {
        struct evl_buffer packed = packed_with(codec, 0, evl_bytes(zeros, BOMB));
        struct evl_buffer plain = { 0 };
        clock_t begin = clock();
        EXPECT(unpacked(codec, buf_bytes(&packed), LIMIT, &plain) == EVL_ERR_TOO_LARGE);
        EXPECT(clock() - begin < CLOCKS_PER_SEC / 2);
        EXPECT(plain.room <= 4 * LIMIT && (plain.room <= 2 * LIMIT || codec == EVL_CODEC_SNAPPY));
        buf_release(&packed);
        buf_release(&plain);
    }
    memory_free(zeros);
}

TEST("gzip members that follow each other are one, as Java reads them")
{
    if (!evl_codec_usable(EVL_CODEC_GZIP))
        return;
    struct evl_buffer one = packed_with(EVL_CODEC_GZIP, 0, evl_text("abc"));
    struct evl_buffer two = packed_with(EVL_CODEC_GZIP, 0, evl_text("def"));
    struct evl_buffer plain = { 0 };
    buf_add(&one, two.at, two.count);
    EXPECT(!unpacked(EVL_CODEC_GZIP, buf_bytes(&one), 100, &plain));
    EXPECT(evl_bytes_equal(buf_bytes(&plain), evl_text("abcdef")));
    buf_release(&one);
    buf_release(&two);
    buf_release(&plain);
}

TEST("snappy is framed as Java frames it, in blocks of 32 KiB")
{
    static const uint8_t head[] = { 0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1 };
    kit_seed(6);
    struct evl_buffer given = plain_make(40000);
    struct evl_buffer packed = packed_with(EVL_CODEC_SNAPPY, 0, buf_bytes(&given));
    size_t count;
    REQUIRE(packed.count > 20 && memcmp(packed.at, head, sizeof head) == 0);
    uint32_t first = get_u32(packed.at + 16);
    EXPECT(snappy_plain_bytes(evl_bytes(packed.at + 20, first), &count) && count == 32768);
    const uint8_t *next = packed.at + 20 + first;
    EXPECT(snappy_plain_bytes(evl_bytes(next + 4, get_u32(next)), &count) &&
           count == 40000 - 32768);
    EXPECT(next + 4 + get_u32(next) == packed.at + packed.count);

    struct evl_buffer plain = { 0 }; /* two frames are read as one */
    buf_room(&packed, packed.count);
    buf_add(&packed, packed.at, packed.count);
    EXPECT(!unpacked(EVL_CODEC_SNAPPY, buf_bytes(&packed), 80000, &plain) && plain.count == 80000);
    buf_release(&given);
    buf_release(&packed);
    buf_release(&plain);
}

TEST("a bare snappy block is read, as librdkafka sends it")
{
    static const uint8_t block[] = { 10, 0 << 2, 'a', (9 - 1) << 2 | 2, 1, 0 };
    struct evl_buffer plain = { 0 };
    EXPECT(!unpacked(EVL_CODEC_SNAPPY, evl_bytes(block, sizeof block), 10, &plain));
    EXPECT(evl_bytes_equal(buf_bytes(&plain), evl_text("aaaaaaaaaa")));
    buf_release(&plain);
}

TEST("a snappy block that lies is refused")
{
    static const struct {
        const char *what;
        uint8_t at[8];
        size_t count;
    } rows[] = { { "holds less than it says", { 11, 0, 'a', 34, 1, 0 }, 6 },
                 { "holds more than it says", { 9, 0, 'a', 34, 1, 0 }, 6 },
                 { "copies from before its begin", { 10, 0, 'a', 34, 2, 0 }, 6 },
                 { "copies from nowhere", { 10, 0, 'a', 34, 0, 0 }, 6 },
                 { "ends within a copy", { 10, 0, 'a', 34, 1 }, 5 },
                 { "ends within a literal", { 10, 9 << 2, 'a' }, 3 },
                 { "ends within a length", { 10, 61 << 2, 9 }, 3 },
                 { "says 4 GiB", { 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 'a' }, 7 },
                 { "says nothing", { 0x80 }, 1 } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct evl_buffer plain = { 0 };
        enum evl_error err =
            unpacked(EVL_CODEC_SNAPPY, evl_bytes(rows[i].at, rows[i].count), 1 << 20, &plain);
        if (err != EVL_ERR_CORRUPT)
            printf("# a block that %s\n", rows[i].what);
        EXPECT(err == EVL_ERR_CORRUPT);
        EXPECT(plain.room < 1000);
        buf_release(&plain);
    }
}

typedef int libsnappy_compress(const char *, size_t, char *, size_t *);

/* Both ways through libsnappy: its blocks by us, ours by it. */
static void libsnappy_agrees(libsnappy_compress *pack, libsnappy_compress *unpack, size_t bytes)
{
    static struct snappy_table table;
    struct evl_buffer given = plain_make(bytes);
    struct evl_buffer ours = { 0 };
    struct evl_buffer theirs = { 0 };
    struct evl_buffer plain = { 0 };
    size_t packed_bytes = snappy_room(bytes);
    ours.count = snappy_pack(&table, given.at, bytes, buf_room(&ours, packed_bytes));
    EXPECT(ours.count <= packed_bytes);
    size_t plain_bytes = bytes;
    char *room = (char *)buf_room(&plain, bytes + 1);
    EXPECT(unpack((char *)ours.at, ours.count, room, &plain_bytes) == 0 && plain_bytes == bytes);
    EXPECT(memcmp(plain.at, given.at, bytes) == 0);

    EXPECT(pack((char *)given.at, bytes, (char *)buf_room(&theirs, packed_bytes), &packed_bytes) ==
           0);
    theirs.count = packed_bytes;
    EXPECT(snappy_plain_bytes(buf_bytes(&theirs), &plain_bytes) && plain_bytes == bytes);
    EXPECT(snappy_unpack(buf_bytes(&theirs), plain.at, bytes));
    EXPECT(memcmp(plain.at, given.at, bytes) == 0);
    buf_release(&given);
    buf_release(&ours);
    buf_release(&theirs);
    buf_release(&plain);
}

TEST("our snappy and libsnappy read each other")
{
    void *library = dlopen("libsnappy.so.1", RTLD_NOW);
    if (!library) {
        printf("# skipped: libsnappy.so.1 is not here\n");
        return;
    }
    libsnappy_compress *pack;
    libsnappy_compress *unpack;
    *(void **)&pack = dlsym(library, "snappy_compress");
    *(void **)&unpack = dlsym(library, "snappy_uncompress");
    REQUIRE(pack && unpack);
    kit_seed(7);
    for (int i = 0; i < 300; i++)
        libsnappy_agrees(pack, unpack, 1 + kit_chance() % (i % 4 ? 500 : SNAPPY_BLOCK_MAX));
    dlclose(library);
}

TEST("an LZ4 frame begins as Java begins it")
{
    static const uint8_t head[] = { 0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82 };
    if (!evl_codec_usable(EVL_CODEC_LZ4))
        return;
    struct evl_buffer packed = packed_with(EVL_CODEC_LZ4, 0, evl_text("some text"));
    REQUIRE(packed.count > sizeof head);
    EXPECT(memcmp(packed.at, head, sizeof head) == 0);
    EXPECT(get_u32(packed.at + packed.count - 4) == 0); /* the end mark, no checksum */
    packed.at[6] = 0x1a;
    lz4_header_mend(packed.at, packed.count);
    EXPECT(packed.at[6] == 0x82);
    buf_release(&packed);
}

TEST("damage in compressed bytes never passes for a longer text")
{
    kit_seed(8);
    struct evl_buffer given = plain_make(2000);
    codec_each(codec)
    {
        struct evl_buffer packed = packed_with(codec, 0, buf_bytes(&given));
        struct evl_buffer plain = { 0 };
        for (int i = 0; i < 2000; i++) {
            size_t at = kit_chance() % packed.count;
            uint8_t was = packed.at[at];
            packed.at[at] = (uint8_t)kit_chance();
            enum evl_error err = unpacked(codec, buf_bytes(&packed), 3000, &plain);
            EXPECT(err == EVL_OK || err == EVL_ERR_CORRUPT || err == EVL_ERR_TOO_LARGE);
            EXPECT(err ? plain.count == 0 : plain.count <= 3000);
            packed.at[at] = was;
        }
        buf_release(&packed);
        buf_release(&plain);
    }
    buf_release(&given);
}
