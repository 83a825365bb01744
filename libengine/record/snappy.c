/* snappy.c - Snappy's raw blocks, packed and unpacked.
 *
 * (1) The packer looks back within its block only, which is 64 KiB at most:
 *     every distance fits two bytes.
 * (2) The unpacker reads nothing outside of `packed`, and writes nothing
 *     outside of the `count` bytes, whatever the block says. */
#include "record/snappy.h"

#include "base/check.h"
#include "base/varint.h"

enum {
    TAG_LITERAL,
    TAG_COPY_1,
    TAG_COPY_2,
    TAG_COPY_4,

    LITERAL_SHORT_MAX = 60, /* lengths up to here fit the tag */
    COPY_MAX = 64,
    COPY_LEAST = 4,
    EXPANSION_MAX = 22, /* three bytes become 64 */
};

static inline uint32_t load_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t load_u64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* ---- packing ------------------------------------------------------------- */

static uint8_t *literal_put(uint8_t *to, const uint8_t *from, size_t count)
{
    if (count == 0)
        return to;
    size_t less = count - 1;
    if (less < LITERAL_SHORT_MAX) {
        *to++ = (uint8_t)(less << 2);
    } else if (less < 256) {
        *to++ = LITERAL_SHORT_MAX << 2;
        *to++ = (uint8_t)less;
    } else {
        *to++ = (LITERAL_SHORT_MAX + 1) << 2;
        *to++ = (uint8_t)less;
        *to++ = (uint8_t)(less >> 8);
    }
    memcpy(to, from, count);
    return to + count;
}

static uint8_t *copy_put_two(uint8_t *to, size_t back, size_t count)
{
    *to++ = (uint8_t)((count - 1) << 2 | TAG_COPY_2);
    *to++ = (uint8_t)back;
    *to++ = (uint8_t)(back >> 8);
    return to;
}

static uint8_t *copy_put(uint8_t *to, size_t back, size_t count)
{
    for (; count >= COPY_MAX + COPY_LEAST; count -= COPY_MAX)
        to = copy_put_two(to, back, COPY_MAX);
    if (count > COPY_MAX) { /* leave four at least, for the short form */
        to = copy_put_two(to, back, COPY_MAX - COPY_LEAST);
        count -= COPY_MAX - COPY_LEAST;
    }
    if (count >= 12 || back >= 2048)
        return copy_put_two(to, back, count);
    *to++ = (uint8_t)((back >> 8) << 5 | (count - COPY_LEAST) << 2 | TAG_COPY_1);
    *to++ = (uint8_t)back;
    return to;
}

/* How many bytes at `a` and at `b` are alike, b ending at `end`. */
static size_t alike(const uint8_t *a, const uint8_t *b, const uint8_t *end)
{
    const uint8_t *start = b;
    for (; end - b >= 8; a += 8, b += 8) {
        uint64_t differ = load_u64(a) ^ load_u64(b);
        if (differ)
            return (size_t)(b - start) + (size_t)(__builtin_ctzll(differ) / 8);
    }
    for (; b < end && *a == *b; a++, b++)
        ;
    return (size_t)(b - start);
}

/* Small blocks use a small part of the table, as it is cleared each time. */
static int hash_bits(size_t count)
{
    int bits = 8;
    while (bits < SNAPPY_HASH_BITS && ((size_t)1 << bits) < count)
        bits++;
    return bits;
}

size_t snappy_pack(struct snappy_table *table, const uint8_t *plain, size_t count, uint8_t *packed)
{
    enum { MARGIN = 8, PATIENCE = 32 }; /* after 32 misses it takes longer steps */
    check(count <= SNAPPY_BLOCK_MAX);
    uint8_t *to = put_uvarint(packed, (uint32_t)count);
    const uint8_t *end = plain + count;
    const uint8_t *literal = plain;
    int bits = hash_bits(count);
    memset(table->at, 0, sizeof table->at[0] << bits);

    unsigned misses = PATIENCE;
    for (const uint8_t *at = plain + 1; at - plain + MARGIN <= (ptrdiff_t)count;) {
        uint32_t here = load_u32(at);
        uint32_t hash = (here * 0x9e3779b1u) >> (32 - bits);
        const uint8_t *before = plain + table->at[hash];
        table->at[hash] = (uint16_t)(at - plain);
        if (load_u32(before) != here) {
            at += misses++ / PATIENCE;
            continue;
        }
        size_t length = COPY_LEAST + alike(before + COPY_LEAST, at + COPY_LEAST, end);
        to = literal_put(to, literal, (size_t)(at - literal));
        to = copy_put(to, (size_t)(at - before), length);
        literal = at += length;
        misses = PATIENCE;
    }
    to = literal_put(to, literal, (size_t)(end - literal));
    return (size_t)(to - packed);
}

/* ---- unpacking ----------------------------------------------------------- */

bool snappy_plain_bytes(struct evl_bytes packed, size_t *count)
{
    uint32_t said;
    if (!get_uvarint(packed.at, packed.at + packed.count, &said))
        return false;
    if (said / EXPANSION_MAX > packed.count)
        return false;
    *count = said;
    return true;
}

/* Both sides of the work: what is left to read, and to write. */
struct unpacking {
    const uint8_t *from, *from_end;
    uint8_t *start, *to, *to_end;
};

static bool literal_get(struct unpacking *u, size_t less)
{
    if (less >= LITERAL_SHORT_MAX) {
        size_t bytes = less - LITERAL_SHORT_MAX + 1;
        if ((size_t)(u->from_end - u->from) < bytes)
            return false;
        less = 0;
        for (size_t i = 0; i < bytes; i++)
            less |= (size_t)*u->from++ << (8 * i);
    }
    size_t count = less + 1;
    size_t readable = (size_t)(u->from_end - u->from);
    size_t writable = (size_t)(u->to_end - u->to);
    if (count > readable || count > writable)
        return false;
    if (count <= 16 && readable >= 16 && writable >= 16)
        memcpy(u->to, u->from, 16); /* of known size, which is faster */
    else
        memcpy(u->to, u->from, count);
    u->from += count;
    u->to += count;
    return true;
}

static bool copy_make(struct unpacking *u, size_t back, size_t count)
{
    size_t writable = (size_t)(u->to_end - u->to);
    if (back == 0 || back > (size_t)(u->to - u->start) || count > writable)
        return false;
    const uint8_t *from = u->to - back;
    uint8_t *to = u->to;
    u->to += count;
    if (back >= 8 && writable >= count + 8) {
        for (; to < u->to; to += 8, from += 8)
            memcpy(to, from, 8);
    } else {
        while (to < u->to)
            *to++ = *from++;
    }
    return true;
}

static bool copy_get(struct unpacking *u, uint8_t tag)
{
    static const uint8_t more_bytes[] = { 0, 1, 2, 4 };
    size_t bytes = more_bytes[tag & 3];
    if ((size_t)(u->from_end - u->from) < bytes)
        return false;
    size_t back = 0;
    for (size_t i = 0; i < bytes; i++)
        back |= (size_t)*u->from++ << (8 * i);
    if ((tag & 3) == TAG_COPY_1)
        return copy_make(u, back | (size_t)(tag >> 5) << 8, (size_t)((tag >> 2) & 7) + COPY_LEAST);
    return copy_make(u, back, (size_t)(tag >> 2) + 1);
}

bool snappy_unpack(struct evl_bytes packed, uint8_t *plain, size_t count)
{
    uint32_t said;
    const uint8_t *end = packed.at + packed.count;
    const uint8_t *from = get_uvarint(packed.at, end, &said);
    if (!from || said != count)
        return false;
    struct unpacking u = { from, end, plain, plain, plain + count };
    while (u.from < u.from_end) {
        uint8_t tag = *u.from++;
        bool good = (tag & 3) == TAG_LITERAL ? literal_get(&u, tag >> 2) : copy_get(&u, tag);
        if (!good)
            return false;
    }
    return u.to == u.to_end;
}
