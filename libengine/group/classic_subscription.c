/* classic_subscription.c - which topics a classic group's members read, as far as
 * they say so in the way of Kafka's consumers:
 *
 *   int16   version
 *   -       array of topics: int32 count, each int16 length and its name
 *   -       what does not matter here */
#include "base/endian.h"
#include "group/classic.h"

/* Take an array's count, or a string's length, of so many bytes; -1: there are
 * none. */
static int32_t take_number(struct evl_bytes *at, size_t bytes)
{
    if (at->count < bytes)
        return -1;
    int32_t number = bytes == 2 ? get_i16(at->at) : get_i32(at->at);
    *at = evl_bytes(at->at + bytes, at->count - bytes);
    return number;
}

/* False: it is no subscription. */
static bool read_subscription(struct evl_bytes at, struct evl_bytes topic, bool *found)
{
    int32_t version = take_number(&at, 2);
    int32_t count = take_number(&at, 4);
    if (version < 0 || count < 0)
        return false;
    for (int32_t i = 0; i < count; i++) {
        int32_t length = take_number(&at, 2);
        if (length < 0 || (size_t)length > at.count)
            return false;
        *found |= evl_bytes_equal(evl_bytes(at.at, (size_t)length), topic);
        at = evl_bytes(at.at + length, at.count - (size_t)length);
    }
    return true;
}

bool classic_subscribes(const struct classic *c, struct evl_bytes topic, bool *known)
{
    bool found = false;
    *known = evl_bytes_equal(c->protocol_type, evl_text("consumer"));
    for (size_t i = 0; i < c->members.count && *known; i++) {
        const struct classic_member *m = c->members.at[i];
        *known = read_subscription(m->protocols[0].metadata, topic, &found);
    }
    return found;
}
