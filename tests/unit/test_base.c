/* The small things that everything stands on. */
#include "base/buf.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/list.h"
#include "base/uuid.h"
#include "base/varint.h"
#include "unit.h"

#include <limits.h>

TEST("a fault is told from the outside in")
{
    enum evl_error err = fail(EVL_ERR_CORRUPT, "checksum differs at byte %d", 3);
    EXPECT(failed(err, "%s-%d", "orders", 0) == EVL_ERR_CORRUPT);
    EXPECT(strcmp(evl_fault(), "orders-0: checksum differs at byte 3") == 0);
}

TEST("every error has a text and an exit status of sysexits")
{
    for (int e = EVL_ERR_USAGE; e <= EVL_ERR_TOO_LARGE; e++) {
        EXPECT(strcmp(evl_error_text((enum evl_error)e), "unknown error") != 0);
        EXPECT(evl_error_exit((enum evl_error)e) >= 2 && evl_error_exit((enum evl_error)e) <= 78);
    }
}

TEST("a number of any size comes back from its varint")
{
    static const int64_t samples[] = { 0,    1,    -1,      63,      64,        -64,      -65,
                                       8191, 8192, INT_MAX, INT_MIN, INT64_MAX, INT64_MIN };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        uint8_t room[VARLONG_BYTES_MAX];
        int64_t back;
        uint8_t *end = put_varlong(room, samples[i]);
        EXPECT((size_t)(end - room) == varlong_bytes(samples[i]));
        EXPECT(get_varlong(room, end, &back) == end && back == samples[i]);
        EXPECT(get_varlong(room, end - 1, &back) == NULL);
        if (samples[i] < INT_MIN || samples[i] > INT_MAX)
            continue;
        int32_t small;
        EXPECT(get_varint(room, end, &small) == end && small == samples[i]);
    }
}

TEST("a varint that does not end is refused")
{
    uint8_t endless[12];
    memset(endless, 0xff, sizeof endless);
    int32_t small;
    int64_t large;
    EXPECT(get_varint(endless, endless + sizeof endless, &small) == NULL);
    EXPECT(get_varlong(endless, endless + sizeof endless, &large) == NULL);
}

TEST("a buffer keeps what it was given while it grows")
{
    struct evl_buffer b = { 0 };
    for (int i = 0; i < 10000; i++)
        buf_print(&b, "%d,", i % 10);
    REQUIRE(b.count == 20000);
    EXPECT(b.at[2 * 9999] == '9' && b.at[2 * 5] == '5');
    buf_release(&b);
    EXPECT(b.count == 0);
}

TEST("big-endian numbers lie as the wire has them")
{
    uint8_t room[8];
    put_i32(room, -2);
    EXPECT(memcmp(room, "\xff\xff\xff\xfe", 4) == 0 && get_i32(room) == -2);
    put_i64(room, 0x0102030405060708);
    EXPECT(room[0] == 1 && room[7] == 8 && get_i64(room) == 0x0102030405060708);
}

TEST("an identity is 22 characters of base64url, and comes back")
{
    struct uuid id = uuid_make(0x0123456789abcdef, UINT64_MAX);
    struct uuid back;
    char text[UUID_TEXT];
    REQUIRE(strlen(uuid_print(&id, text)) == 22);
    EXPECT(uuid_parse(text, &back) && uuid_equal(&id, &back));
    EXPECT(!uuid_parse("AAAAAAAAAAAAAAAAAAAAA", &back));  /* too short */
    EXPECT(!uuid_parse("AAAAAAAAAAAAAAAAAAAAAB", &back)); /* bits that mean nothing */
    EXPECT(!uuid_parse("AAAAAAAAAAAAAAAAAAAAA+", &back)); /* not of this alphabet */
    memset(&id, 0, sizeof id);
    EXPECT(uuid_is_zero(&id) && strcmp(uuid_print(&id, text), "AAAAAAAAAAAAAAAAAAAAAA") == 0);
}
