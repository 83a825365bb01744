/* crc32c.c - CRC-32C by the processor's own instruction, where it has one.
 *
 * Owns the choice between three ways, made at the first call:
 *   x86-64   SSE4.2; long inputs as three streams at once, as the instruction
 *            takes three cycles but one can begin in each
 *   ARMv8    the CRC extension, one stream
 *   others   a table (crc_table.h)
 *
 * (1) Threads may race for the choice: all come to the same, and a pointer is
 *     stored whole.
 * (2) The helpers work on the inverted checksum; crc32c() inverts. */
#include "base/crc32c.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/crc_table.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#ifndef HWCAP_CRC32
#define HWCAP_CRC32 (1 << 7)
#endif
#endif

static struct crc_table table;

static void table_fill(void) { crc_table_fill(&table, 0x82f63b78); }

uint32_t crc32c_portable(uint32_t crc, const void *at, size_t count)
{
    static pthread_once_t filled = PTHREAD_ONCE_INIT;
    pthread_once(&filled, table_fill);
    return crc_table_run(&table, crc, at, count);
}

#if defined(__x86_64__)

static inline uint64_t word_at(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

__attribute__((target("sse4.2"))) static uint32_t one_stream(uint32_t crc, const uint8_t *at,
                                                             size_t count)
{
    uint64_t sum = crc;
    for (; count >= 8; count -= 8, at += 8)
        sum = _mm_crc32_u64(sum, word_at(at));
    crc = (uint32_t)sum;
    if (count & 4) {
        uint32_t half;
        memcpy(&half, at, sizeof half);
        crc = _mm_crc32_u32(crc, half);
        at += 4;
    }
    for (count &= 3; count > 0; count--, at++)
        crc = _mm_crc32_u8(crc, *at);
    return crc;
}

/* Three streams of `bytes` each are joined by moving the first two checksums
 * over what follows them: a multiplication by x^(8 * bytes) modulo the
 * polynomial.  The CRC instruction reduces the product and multiplies it by
 * x^33 in doing so, which the factors leave out: x^(8n - 33). */
struct lane {
    size_t bytes;
    uint32_t over_one, over_two; /* n is `bytes`, and twice as much */
};

static const struct lane lanes[] = {
    { 4096, 0x82f89c77, 0x54a86326 },
    { 512, 0xdd7e3b0c, 0x170076fa },
    { 128, 0x0d3b6092, 0xb9e02b86 },
};

enum { LANE_COUNT = sizeof lanes / sizeof lanes[0] };

__attribute__((target("sse4.2,pclmul"))) static uint64_t moved(uint64_t crc, uint32_t factor)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc), _mm_cvtsi32_si128((int)factor), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t
three_lanes(uint32_t crc, const uint8_t *at, const struct lane *lane)
{
    const uint8_t *end = at + lane->bytes;
    uint64_t a = crc;
    uint64_t b = 0;
    uint64_t c = 0;
    for (; at < end; at += 8) {
        a = _mm_crc32_u64(a, word_at(at));
        b = _mm_crc32_u64(b, word_at(at + lane->bytes));
        c = _mm_crc32_u64(c, word_at(at + 2 * lane->bytes));
    }
    uint64_t joined = moved(a, lane->over_two) ^ moved(b, lane->over_one);
    return (uint32_t)(_mm_crc32_u64(0, joined) ^ c);
}

static uint32_t three_streams(uint32_t crc, const uint8_t *at, size_t count)
{
    for (const struct lane *lane = lanes; lane < lanes + LANE_COUNT; lane++)
        for (; count >= 3 * lane->bytes; count -= 3 * lane->bytes, at += 3 * lane->bytes)
            crc = three_lanes(crc, at, lane);
    return one_stream(crc, at, count);
}

static uint32_t by_one_stream(uint32_t crc, const void *at, size_t count)
{
    return ~one_stream(~crc, at, count);
}

static uint32_t by_three_streams(uint32_t crc, const void *at, size_t count)
{
    return ~three_streams(~crc, at, count);
}

#elif defined(__aarch64__)

__attribute__((target("+crc"))) static uint32_t by_one_stream(uint32_t crc, const void *from,
                                                              size_t count)
{
    const uint8_t *at = from;
    crc = ~crc;
    for (; count >= 8; count -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        crc = __crc32cd(crc, word);
    }
    for (; count > 0; count--, at++)
        crc = __crc32cb(crc, *at);
    return ~crc;
}

#endif

typedef uint32_t crc32c_function(uint32_t crc, const void *at, size_t count);

static crc32c_function *crc32c_best(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("sse4.2"))
        return __builtin_cpu_supports("pclmul") ? by_three_streams : by_one_stream;
#elif defined(__aarch64__)
    if (getauxval(AT_HWCAP) & HWCAP_CRC32)
        return by_one_stream;
#endif
    return crc32c_portable;
}

static uint32_t crc32c_first(uint32_t crc, const void *at, size_t count);

static _Atomic(crc32c_function *) chosen = crc32c_first;

static uint32_t crc32c_first(uint32_t crc, const void *at, size_t count)
{
    crc32c_function *best = crc32c_best();
    atomic_store_explicit(&chosen, best, memory_order_relaxed);
    return best(crc, at, count);
}

uint32_t crc32c(uint32_t crc, const void *at, size_t count)
{
    return atomic_load_explicit(&chosen, memory_order_relaxed)(crc, at, count);
}
