/* Sizes, durations and times as people write them; and the memory and maps
 * that hold what they wrote. */
#include <evl/text.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/map.h"
#include "unit.h"

static const int64_t now_ms = 1785589509123; /* 2026-08-01 13:05:09.123 UTC */

static void zone(const char *name)
{
    setenv("TZ", name, 1);
    tzset();
}

static int64_t size(const char *text)
{
    int64_t bytes = -7;
    return evl_parse_size(text, &bytes) ? bytes : -1;
}

static int64_t duration(const char *text)
{
    int64_t ms = -7;
    return evl_parse_duration(text, 1000, &ms) ? ms : -1;
}

static int64_t point(const char *text, bool utc)
{
    int64_t ms = -7;
    return evl_parse_time(text, utc, now_ms, &ms) ? ms : -1;
}

TEST("a size may be written in units of 1024 or of 1000")
{
    EXPECT(size("10") == 10 && size("0") == 0 && size("4k") == 4096 && size("4K") == 4096);
    EXPECT(size("1.5G") == 3LL << 29 && size("2T") == 2LL << 40);
    EXPECT(size("10kB") == 10000 && size("2MB") == 2000000 && size("7B") == 7);
    EXPECT(size("9223372036854775807") == INT64_MAX && size("0.5k") == 512);
}

TEST("what is no size is refused")
{
    static const char *const bad[] = {
        "",        "k",  "-1",  "+1",   "1 k", "1x", "1kk",
        "1.k",     ".5", "1.5", "0x10", "1e3", " 1", "9223372036854775808",
        "9000000T"
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        EXPECT(size(bad[i]) == -1);
}

TEST("a duration is a number with a unit, or a sum of them")
{
    EXPECT(duration("90ms") == 90 && duration("5s") == 5000 && duration("1.5h") == 5400000);
    EXPECT(duration("10m") == 600000 && duration("7d") == 604800000 &&
           duration("2w") == 1209600000);
    EXPECT(duration("1h30m") == 5400000 && duration("1d12h0.5s") == 129600500);
    EXPECT(duration("30") == 30000 && duration("0") == 0 && duration("0.25") == 250);
}

TEST("what is no duration is refused")
{
    static const char *const bad[] = { "",     "h",   "1x", "-1h",   "1h30",
                                       "1h m", "1hh", "1M", "1h-5m", "99999999999999d" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        EXPECT(duration(bad[i]) == -1);
}

TEST("a time may be a date, a clock, an age, or digits")
{
    zone("UTC");
    EXPECT(point("2026-08-01", true) == 1785542400000);
    EXPECT(point("2026-08-01 13:05", true) == 1785589500000);
    EXPECT(point("2026-08-01 13:05:09", true) == 1785589509000);
    EXPECT(point("@2026-08-01 13:05:09.1234", true) == 1785589509123);
    EXPECT(point("2026-08-01T13:05:09Z", false) == 1785589509000);
    EXPECT(point("2026-08-01T15:05:09.123+02:00", false) == now_ms);
    EXPECT(point("2026-08-01T07:35:09.123-0530", true) == now_ms);
    EXPECT(point("now", true) == now_ms && point("-1h", true) == now_ms - 3600000);
    EXPECT(point("@-1h30m", true) == now_ms - 5400000);
    EXPECT(point("1785589509", true) == 1785589509000 && point("1785589509123", true) == now_ms);
    EXPECT(point("1785589509123456", true) == now_ms);
    EXPECT(point("1785589509123456789", true) == now_ms);
    EXPECT(point("1969-12-31 23:59:59", true) == -1000);
}

TEST("today begins at midnight of the local zone, or of UTC")
{
    zone("Asia/Tokyo");
    EXPECT(point("today", true) == 1785542400000);
    EXPECT(point("yesterday", true) == 1785542400000 - 86400000);
    EXPECT(point("today", false) == 1785542400000 - 9 * 3600000LL);
    EXPECT(point("2026-08-01 22:05:09.123", false) == now_ms);
    zone("UTC");
}

TEST("yesterday is a calendar day where a clock changes")
{
    int64_t ms = 0;
    zone("Europe/Berlin");
    /* 2026-03-30 12:00 in summer time; the day before had 23 hours. */
    REQUIRE(evl_parse_time("yesterday", false, 1774864800000, &ms));
    EXPECT(ms == 1774738800000);
    zone("UTC");
}

TEST("what is no time is refused")
{
    static const char *const bad[] = {
        "",
        "@",
        "2026",
        "2026-13-01",
        "2026-02-29",
        "2026-08-01 24:00",
        "2026-08-01 13:05:",
        "2026-08-01x",
        "2026-08-01 13",
        "-5",
        "-",
        "12345678901",
        "tomorrow",
        "2026-08-01 13:05+1",
        "2026-8-1",
        "2026-08-01 13:60",
        "1785589509.5",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        EXPECT(point(bad[i], true) == -1);
}

TEST("sizes are written short")
{
    static const struct {
        int64_t bytes;
        const char *text;
    } rows[] = {
        { 0, "0" },
        { 512, "512" },
        { 1023, "1023" },
        { 1024, "1k" },
        { 1030, "1.0k" },
        { 3174, "3.1k" },
        { 12 << 20, "12M" },
        { 1048575, "1.0M" },
        { 10188, "9.9k" },
        { 10239, "10k" },
        { 1LL << 30, "1G" },
        { -2048, "-2k" },
        { 15LL << 40, "15T" },
        { 18022, "18k" },
        { INT64_MIN, "-8388608T" },
    };
    char room[EVL_TEXT_ROOM];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        EXPECT(strcmp(evl_print_size(rows[i].bytes, room), rows[i].text) == 0);
}

TEST("durations are written short")
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        { 0, "0s" },          { 90, "90ms" },      { 300, "0.3s" },       { 5000, "5s" },
        { 9960, "10s" },      { 12345, "12s" },    { 60000, "1m" },       { 200000, "3m20s" },
        { 3900000, "1h05m" }, { 604800000, "7d" }, { 90000000, "1d01h" },
    };
    char room[EVL_TEXT_ROOM];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        EXPECT(strcmp(evl_print_duration(rows[i].ms, room), rows[i].text) == 0);
}

TEST("a written time is read back as the same time")
{
    char room[EVL_TEXT_ROOM];
    zone("America/New_York");
    EXPECT(strcmp(evl_print_time(now_ms, true, room), "2026-08-01 13:05:09.123") == 0);
    EXPECT(strcmp(evl_print_time(now_ms, false, room), "2026-08-01 09:05:09.123") == 0);
    EXPECT(strcmp(evl_print_time(-1, true, room), "1969-12-31 23:59:59.999") == 0);
    for (int64_t ms = 0; ms < 4000000000000; ms += 98765432101) {
        EXPECT(point(evl_print_time(ms, true, room), true) == ms);
        EXPECT(point(evl_print_time(ms, false, room), false) == ms);
    }
    EXPECT(strlen(evl_print_time(INT64_MAX, true, room)) < EVL_TEXT_ROOM);
    EXPECT(strlen(evl_print_time(INT64_MIN, true, room)) < EVL_TEXT_ROOM);
    zone("UTC");
}

TEST("a swapped, wrong, missing or extra letter is one mistake")
{
    EXPECT(evl_text_distance("retention", "retention") == 0);
    EXPECT(evl_text_distance("retention", "retnetion") == 1);
    EXPECT(evl_text_distance("retention", "retentoin") == 1);
    EXPECT(evl_text_distance("retention", "retension") == 1);
    EXPECT(evl_text_distance("", "abc") == 3 && evl_text_distance("abc", "") == 3);
    EXPECT(evl_text_distance("kitten", "sitting") == 3);
}

TEST("an arena says no at its ceiling, and is whole again after a reset")
{
    struct arena a = { .limit = 10000 };
    uint8_t *first = arena_take(&a, 100, 16);
    REQUIRE(first);
    memset(first, 7, 1600);
    REQUIRE(arena_take(&a, 1, 8000));
    EXPECT(arena_take(&a, 1, 1000) == NULL);
    EXPECT(arena_take(&a, SIZE_MAX, 2) == NULL && arena_take(&a, SIZE_MAX - 3, 1) == NULL);
    EXPECT(first[1599] == 7 && arena_take(&a, 0, 8) != NULL);
    arena_reset(&a);
    EXPECT(arena_take(&a, 1, 10000) != NULL || arena_take(&a, 1, 9984) != NULL);
    arena_release(&a);
}

TEST("a map finds what was put and not what was taken")
{
    enum { MANY = 5000 };
    static char keys[MANY][12];
    struct map m = { 0 };
    EXPECT(map_get(&m, evl_text("x")) == NULL && map_take(&m, evl_text("x")) == NULL);
    for (int i = 0; i < MANY; i++) {
        char *key = keys[i];
        for (int n = i, at = 0; at < 5; at++, n /= 10)
            key[at] = (char)('0' + n % 10);
        map_put(&m, evl_text(key), key);
    }
    for (int i = 0; i < MANY; i += 2)
        EXPECT(map_take(&m, evl_text(keys[i])) == keys[i]);
    EXPECT(m.count == MANY / 2);
    for (int i = 0; i < MANY; i++)
        EXPECT(map_get(&m, evl_text(keys[i])) == (i % 2 ? keys[i] : NULL));
    size_t seen = 0;
    for (size_t i = 0; map_next(&m, &i);)
        seen++;
    EXPECT(seen == m.count);
    map_release(&m);
}
