/* subscription.c - to bytes and back.
 *
 * The bytes lie in a file that anything may have happened to: whoever reads
 * them believes nothing before the checksum, and bounds everything after. */
#include "place/subscription.h"

#include <inttypes.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/memory.h"

enum { HEAD_BYTES = 8 }; /* checksum and size */

/* ---- writing ------------------------------------------------------------- */

static void add_u32(struct evl_buffer *out, uint32_t number)
{
    uint8_t bytes[4];
    put_u32(bytes, number);
    buf_add(out, bytes, sizeof bytes);
}

static void add_u64(struct evl_buffer *out, uint64_t number)
{
    uint8_t bytes[8];
    put_u64(bytes, number);
    buf_add(out, bytes, sizeof bytes);
}

/* A text that is too long makes the whole too large, which is found out there. */
static void add_text(struct evl_buffer *out, const char *text)
{
    size_t length = strlen(text);
    uint8_t bytes[2];
    put_u16(bytes, (uint16_t)length);
    buf_add(out, bytes, sizeof bytes);
    buf_add(out, text, length);
}

static void add_topic(struct evl_buffer *out, const struct subscription_topic *t)
{
    add_text(out, t->name);
    buf_add(out, t->id.at, sizeof t->id.at);
    add_u32(out, (uint32_t)t->partitions);
    buf_add(out, t->owned, subscription_bits(t->partitions));
}

enum evl_error subscription_print(const struct subscription *s, uint64_t version,
                                  struct evl_buffer *out)
{
    buf_clear(out);
    add_u64(out, 0); /* the head, which comes last */
    add_u64(out, version);
    add_u32(out, (uint32_t)s->pid);
    add_u64(out, (uint64_t)s->since_ms);
    add_u64(out, (uint64_t)s->session_ms);
    add_text(out, s->group);
    add_text(out, s->instance);
    add_u32(out, (uint32_t)s->topic_count);
    for (size_t i = 0; i < s->topic_count; i++)
        add_topic(out, &s->topics[i]);
    if (out->count > SUBSCRIPTION_BYTES_MAX)
        return fail(EVL_ERR_TOO_LARGE,
                    "group %s: a member's topics take %zu bytes, the most is %d; "
                    "name fewer topics",
                    s->group, out->count, SUBSCRIPTION_BYTES_MAX);
    put_u32(out->at + 4, (uint32_t)(out->count - HEAD_BYTES));
    put_u32(out->at, crc32c(0, out->at + 4, out->count - 4));
    return EVL_OK;
}

/* ---- reading ------------------------------------------------------------- */

/* What is left to read; `bad` once more was wanted than there is. */
struct rest {
    const uint8_t *at;
    size_t count;
    bool bad;
};

/* The next `count` bytes; NULL if there are fewer. */
static const uint8_t *rest_take(struct rest *r, size_t count)
{
    if (r->bad || r->count < count) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *at = r->at;
    r->at += count;
    r->count -= count;
    return at;
}

static uint64_t take_number(struct rest *r, size_t bytes)
{
    const uint8_t *at = rest_take(r, bytes);
    uint64_t number = 0;
    for (size_t i = 0; at && i < bytes; i++)
        number = number << 8 | at[i];
    return number;
}

static char *take_text(struct rest *r)
{
    size_t length = (size_t)take_number(r, 2);
    const uint8_t *at = rest_take(r, length);
    return memory_text_part(at ? at : (const uint8_t *)"", at ? length : 0);
}

static void take_topic(struct rest *r, struct subscription_topic *t)
{
    t->name = take_text(r);
    const uint8_t *id = rest_take(r, sizeof t->id.at);
    uint64_t partitions = take_number(r, 4);
    if (partitions > INT32_MAX)
        r->bad = true;
    size_t bytes = r->bad ? 0 : subscription_bits((int32_t)partitions);
    const uint8_t *owned = rest_take(r, bytes);
    if (!id || !owned)
        return;
    memcpy(t->id.at, id, sizeof t->id.at);
    t->partitions = (int32_t)partitions;
    t->owned = memory_take(bytes + 1, 1);
    memcpy(t->owned, owned, bytes);
}

static bool head_is_whole(struct evl_bytes bytes)
{
    if (bytes.count < HEAD_BYTES)
        return false;
    size_t size = get_u32(bytes.at + 4);
    return size <= bytes.count - HEAD_BYTES &&
           crc32c(0, bytes.at + 4, size + 4) == get_u32(bytes.at);
}

static void take_all(struct rest *r, uint64_t version, struct subscription *s)
{
    if (take_number(r, 8) != version)
        r->bad = true;
    s->pid = (int32_t)take_number(r, 4);
    s->since_ms = (int64_t)take_number(r, 8);
    s->session_ms = (int64_t)take_number(r, 8);
    s->group = take_text(r);
    s->instance = take_text(r);
    size_t count = (size_t)take_number(r, 4);
    if (count > r->count) /* each takes some bytes */
        r->bad = true;
    if (r->bad)
        return;
    s->topics = memory_take(count + 1, sizeof *s->topics);
    while (s->topic_count < count && !r->bad)
        take_topic(r, &s->topics[s->topic_count++]);
}

enum evl_error subscription_read(struct evl_bytes bytes, uint64_t version, struct subscription *s)
{
    if (!head_is_whole(bytes))
        return fail(EVL_ERR_CORRUPT, "a member's words are damaged");
    struct rest rest = { bytes.at + HEAD_BYTES, get_u32(bytes.at + 4), false };
    struct subscription said = { 0 };
    take_all(&rest, version, &said);
    if (rest.bad) {
        subscription_release(&said);
        return fail(EVL_ERR_CORRUPT, "a member's words are not those of version %" PRIu64, version);
    }
    *s = said;
    return EVL_OK;
}

void subscription_release(struct subscription *s)
{
    for (size_t i = 0; i < s->topic_count; i++) {
        memory_free(s->topics[i].name);
        memory_free(s->topics[i].owned);
    }
    memory_free(s->topics);
    memory_free(s->group);
    memory_free(s->instance);
    *s = (struct subscription){ 0 };
}

const struct subscription_topic *subscription_topic(const struct subscription *s, const char *name)
{
    size_t from = 0;
    size_t to = s->topic_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = strcmp(s->topics[middle].name, name);
        if (order == 0)
            return &s->topics[middle];
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

int subscription_compare(const void *name, const void *other)
{
    return strcmp(*(const char *const *)name, *(const char *const *)other);
}
