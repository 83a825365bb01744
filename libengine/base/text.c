/* text.c - sizes, durations and times, read and written by hand.
 *
 * strtod and printf follow the locale's decimal point, and strtol takes signs
 * and blanks that nobody meant; so the digits are read here.  The zone is the
 * C library's business: mktime, timegm, localtime_r.
 *
 * A number is digits, or digits, a point and digits; of the fraction, the
 * first six digits count. */
#include <evl/text.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/check.h"

enum { FRACTION = 1000000, MS_PER_SECOND = 1000 };

static const int64_t minute_ms = 60 * MS_PER_SECOND;
static const int64_t hour_ms = 60 * 60 * MS_PER_SECOND;
static const int64_t day_ms = 24 * 60 * 60 * MS_PER_SECOND;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* ---- numbers with units -------------------------------------------------- */

struct number {
    int64_t whole;
    int64_t fraction; /* in millionths */
    bool has_fraction;
};

static const char *number_fraction(const char *p, struct number *n)
{
    if (!is_digit(*p))
        return NULL;
    n->has_fraction = true;
    for (int64_t unit = FRACTION / 10; is_digit(*p); unit /= 10)
        n->fraction += (*p++ - '0') * unit;
    return p;
}

/* Where the number ends, or NULL if there is none or it is too large. */
static const char *number_parse(const char *p, struct number *n)
{
    *n = (struct number){ 0 };
    if (!is_digit(*p))
        return NULL;
    for (; is_digit(*p); p++)
        if (__builtin_mul_overflow(n->whole, 10, &n->whole) ||
            __builtin_add_overflow(n->whole, *p - '0', &n->whole))
            return NULL;
    return *p == '.' ? number_fraction(p + 1, n) : p;
}

static bool number_times(const struct number *n, int64_t unit, int64_t *product)
{
    int64_t whole;
    int64_t part;
    if (__builtin_mul_overflow(n->whole, unit, &whole) ||
        __builtin_mul_overflow(n->fraction, unit, &part))
        return false;
    return !__builtin_add_overflow(whole, part / FRACTION, product);
}

struct unit {
    const char *name;
    int64_t worth;
};

static const struct unit size_units[] = {
    { "", 1 },
    { "k", 1 << 10 },
    { "M", 1 << 20 },
    { "G", 1 << 30 },
    { "T", 1LL << 40 },
    { "K", 1 << 10 },
    { "B", 1 },
    { "kB", 1000 },
    { "MB", 1000000LL },
    { "GB", 1000000000 },
    { "TB", 1000000000000 },
};

static const struct unit time_units[] = {
    { "ms", 1 },
    { "s", MS_PER_SECOND },
    { "m", 60 * MS_PER_SECOND },
    { "h", 60 * 60 * MS_PER_SECOND },
    { "d", 24 * 60 * 60 * MS_PER_SECOND },
    { "w", 7 * 24 * 60 * 60 * MS_PER_SECOND },
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct unit *unit_find(const struct unit *units, size_t count, const char *name,
                                    size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(units[i].name) == length && memcmp(units[i].name, name, length) == 0)
            return &units[i];
    return NULL;
}

bool evl_parse_size(const char *text, int64_t *bytes)
{
    struct number n;
    const char *end = number_parse(text, &n);
    if (!end)
        return false;
    const struct unit *unit = unit_find(size_units, COUNT(size_units), end, strlen(end));
    if (!unit || (unit->worth == 1 && n.has_fraction)) /* half a byte is a mistake */
        return false;
    return number_times(&n, unit->worth, bytes);
}

static size_t letters(const char *p)
{
    size_t count = 0;
    while (p[count] >= 'a' && p[count] <= 'z')
        count++;
    return count;
}

bool evl_parse_duration(const char *text, int64_t unit_ms, int64_t *ms)
{
    struct number n;
    int64_t part;
    int64_t sum = 0;
    const char *p = number_parse(text, &n);
    if (p && *p == '\0')
        return number_times(&n, unit_ms, ms);
    for (; p; p = number_parse(p, &n)) {
        const struct unit *unit = unit_find(time_units, COUNT(time_units), p, letters(p));
        if (!unit || !number_times(&n, unit->worth, &part) ||
            __builtin_add_overflow(sum, part, &sum))
            return false;
        p += strlen(unit->name);
        if (*p == '\0') {
            *ms = sum;
            return true;
        }
    }
    return false;
}

/* ---- points in time ------------------------------------------------------ */

enum zone { ZONE_LOCAL, ZONE_OFFSET };

struct moment {
    struct tm tm;
    int millisecond;
    enum zone zone;
    int offset_minutes; /* east of Greenwich, with ZONE_OFFSET */
};

/* `width` digits, low..high; NULL if they are not. */
static const char *digits(const char *p, int width, int low, int high, int *value)
{
    int v = 0;
    if (!p)
        return NULL;
    for (int i = 0; i < width; i++) {
        if (!is_digit(*p))
            return NULL;
        v = v * 10 + (*p++ - '0');
    }
    *value = v;
    return v >= low && v <= high ? p : NULL;
}

static const char *literal(const char *p, char c) { return p && *p == c ? p + 1 : NULL; }

static int month_days(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static const char *parse_date(const char *p, struct tm *tm)
{
    int year;
    int month;
    p = digits(p, 4, 0, 9999, &year);
    p = digits(literal(p, '-'), 2, 1, 12, &month);
    if (!p)
        return NULL;
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    return digits(literal(p, '-'), 2, 1, month_days(year, month), &tm->tm_mday);
}

/* [.123456789] */
static const char *parse_millisecond(const char *p, int *millisecond)
{
    if (!p || *p != '.')
        return p;
    struct number n = { 0 };
    p = number_fraction(p + 1, &n);
    *millisecond = (int)(n.fraction / (FRACTION / MS_PER_SECOND));
    return p;
}

/* 13:05[:09[.123]] */
static const char *parse_clock(const char *p, struct moment *m)
{
    p = digits(p, 2, 0, 23, &m->tm.tm_hour);
    p = digits(literal(p, ':'), 2, 0, 59, &m->tm.tm_min);
    if (!p || *p != ':')
        return p;
    p = digits(p + 1, 2, 0, 60, &m->tm.tm_sec); /* 60: a leap second */
    return parse_millisecond(p, &m->millisecond);
}

/* Z, +02:00, -0530, or nothing */
static const char *parse_zone(const char *p, struct moment *m)
{
    int hours;
    int minutes;
    if (!p || *p == '\0')
        return p;
    m->zone = ZONE_OFFSET;
    if (*p == 'Z' || *p == 'z')
        return p + 1;
    if (*p != '+' && *p != '-')
        return NULL;
    int sign = *p == '-' ? -1 : 1;
    p = digits(p + 1, 2, 0, 23, &hours);
    if (p && *p == ':')
        p++;
    p = digits(p, 2, 0, 59, &minutes);
    if (p)
        m->offset_minutes = sign * (hours * 60 + minutes);
    return p;
}

static bool moment_parse(const char *text, struct moment *m)
{
    const char *p = parse_date(text, &m->tm);
    if (p && (*p == ' ' || *p == 'T' || *p == 't'))
        p = parse_zone(parse_clock(p + 1, m), m);
    return p && *p == '\0';
}

/* What the calendar shows, as milliseconds since 1970. */
static int64_t moment_ms(const struct moment *m, bool utc)
{
    struct tm tm = m->tm;
    tm.tm_isdst = -1; /* the zone's rules decide */
    time_t seconds = utc || m->zone == ZONE_OFFSET ? timegm(&tm) : mktime(&tm);
    return (int64_t)seconds * MS_PER_SECOND + m->millisecond - m->offset_minutes * minute_ms;
}

static bool calendar(int64_t ms, bool utc, struct tm *tm)
{
    time_t seconds = ms / MS_PER_SECOND - (ms % MS_PER_SECOND < 0);
    return (utc ? gmtime_r(&seconds, tm) : localtime_r(&seconds, tm)) != NULL;
}

/* Midnight, that many days ago. */
static bool midnight(int64_t now_ms, bool utc, int days_ago, int64_t *ms)
{
    struct moment m = { 0 };
    struct tm now;
    if (!calendar(now_ms, utc, &now))
        return false;
    m.tm.tm_year = now.tm_year;
    m.tm.tm_mon = now.tm_mon;
    m.tm.tm_mday = now.tm_mday - days_ago; /* mktime knows what the 0th is */
    *ms = moment_ms(&m, utc);
    return true;
}

/* Ten digits are seconds until the year 2286; three more, milliseconds; and so
 * on. */
static bool parse_stamp(const char *text, int64_t *ms)
{
    struct number n;
    const char *end = number_parse(text, &n);
    if (!end || *end != '\0' || n.has_fraction)
        return false;
    switch (end - text) {
    case 10: *ms = n.whole * MS_PER_SECOND; return true;
    case 13: *ms = n.whole; return true;
    case 16: *ms = n.whole / 1000; return true;
    case 19: *ms = n.whole / 1000000; return true;
    default: return false;
    }
}

bool evl_parse_time(const char *text, bool utc, int64_t now_ms, int64_t *ms)
{
    struct moment m = { 0 };
    int64_t ago;
    if (*text == '@')
        text++;
    if (strcmp(text, "now") == 0) {
        *ms = now_ms;
        return true;
    }
    if (strcmp(text, "today") == 0)
        return midnight(now_ms, utc, 0, ms);
    if (strcmp(text, "yesterday") == 0)
        return midnight(now_ms, utc, 1, ms);
    if (*text == '-')
        return letters(text + strlen(text) - 1) == 1 && /* -1 is an offset, not a second */
               evl_parse_duration(text + 1, MS_PER_SECOND, &ago) &&
               !__builtin_sub_overflow(now_ms, ago, ms);
    if (parse_stamp(text, ms))
        return true;
    if (!moment_parse(text, &m))
        return false;
    *ms = moment_ms(&m, utc);
    return true;
}

/* ---- writing ------------------------------------------------------------- */

/* A decimal below ten, none where it says nothing. */
static void print_scaled(uint64_t value, uint64_t unit, const char *name, const char *sign,
                         char room[EVL_TEXT_ROOM])
{
    uint64_t whole = value / unit;
    uint64_t tenths = whole * 10 + (value % unit * 10 + unit / 2) / unit;
    if (value % unit != 0 && tenths < 100)
        snprintf(room, EVL_TEXT_ROOM, "%s%" PRIu64 ".%" PRIu64 "%s", sign, tenths / 10, tenths % 10,
                 name);
    else
        snprintf(room, EVL_TEXT_ROOM, "%s%" PRIu64 "%s", sign,
                 whole + (value % unit >= (unit + 1) / 2 && unit > 1), name);
}

char *evl_print_size(int64_t bytes, char room[EVL_TEXT_ROOM])
{
    uint64_t value = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;
    const struct unit *unit = size_units;
    /* 1023.5k rounds to 1024k, which is written 1.0M. */
    while (unit < &size_units[4] && value >= (uint64_t)unit[1].worth - (uint64_t)unit->worth / 2)
        unit++;
    print_scaled(value, (uint64_t)unit->worth, unit->name, bytes < 0 ? "-" : "", room);
    return room;
}

/* 1h05m: two units, the second one left out when it is zero. */
static void print_pair(uint64_t ms, const char *sign, int64_t large, const char *name,
                       int64_t small, const char *small_name, char room[EVL_TEXT_ROOM])
{
    uint64_t units = ms / (uint64_t)large;
    uint64_t rest = ms % (uint64_t)large / (uint64_t)small;
    if (rest == 0)
        snprintf(room, EVL_TEXT_ROOM, "%s%" PRIu64 "%s", sign, units, name);
    else
        snprintf(room, EVL_TEXT_ROOM, "%s%" PRIu64 "%s%02" PRIu64 "%s", sign, units, name, rest,
                 small_name);
}

char *evl_print_duration(int64_t ms, char room[EVL_TEXT_ROOM])
{
    uint64_t value = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    const char *sign = ms < 0 ? "-" : "";
    if (value < 100)
        snprintf(room, EVL_TEXT_ROOM, value ? "%s%" PRIu64 "ms" : "%s%" PRIu64 "s", sign, value);
    else if (value < (uint64_t)minute_ms)
        print_scaled(value, MS_PER_SECOND, "s", sign, room);
    else if (value < (uint64_t)hour_ms)
        print_pair(value, sign, minute_ms, "m", MS_PER_SECOND, "s", room);
    else if (value < (uint64_t)day_ms)
        print_pair(value, sign, hour_ms, "h", minute_ms, "m", room);
    else
        print_pair(value, sign, day_ms, "d", hour_ms, "h", room);
    return room;
}

char *evl_print_time(int64_t ms, bool utc, char room[EVL_TEXT_ROOM])
{
    struct tm tm;
    if (!calendar(ms, utc, &tm)) {
        snprintf(room, EVL_TEXT_ROOM, "%" PRId64, ms);
        return room;
    }
    int n = snprintf(room, EVL_TEXT_ROOM, "%04" PRId64 "-%02d-%02d %02d:%02d:%02d",
                     (int64_t)tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                     tm.tm_sec);
    int part = (int)((ms % MS_PER_SECOND + MS_PER_SECOND) % MS_PER_SECOND);
    check(n > 0 && n < EVL_TEXT_ROOM - 4);
    if (part != 0)
        snprintf(room + n, (size_t)(EVL_TEXT_ROOM - n), ".%03d", part);
    return room;
}

/* ---- likeness ------------------------------------------------------------ */

enum { WORD_MAX = 64 };

static int least(int a, int b) { return a < b ? a : b; }

/* A letter too many, too few, another one, or two neighbours swapped.  Three
 * rows of the usual table are enough. */
int evl_text_distance(const char *a, const char *b)
{
    int table[3][WORD_MAX + 1];
    int *above = table[0];
    int *row = table[1];
    int *older = table[2];
    int wide = (int)strnlen(b, WORD_MAX + 1);
    int high = (int)strnlen(a, WORD_MAX + 1);
    if (wide > WORD_MAX || high > WORD_MAX)
        return strcmp(a, b) == 0 ? 0 : WORD_MAX; /* nobody meant that */
    for (int j = 0; j <= wide; j++)
        above[j] = j;
    for (int i = 1; i <= high; i++) {
        row[0] = i;
        for (int j = 1; j <= wide; j++) {
            row[j] = least(above[j - 1] + (a[i - 1] != b[j - 1]), least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], older[j - 2] + 1);
        }
        int *spare = older;
        older = above;
        above = row;
        row = spare;
    }
    return above[wide];
}
