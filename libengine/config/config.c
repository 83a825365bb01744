/* config.c - one table: the struct, its parser, its bounds, its descriptions.
 *
 * Initial values and bounds are texts that go through the parser of the users'
 * texts: a row that would be refused fails at the first config_init().
 *
 * Every value is a number while it is parsed: of a list the bits of its words,
 * of a word its place, of a ratio its billionths. */
#include "config/config.h"

#include <evl/text.h>
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "base/check.h"
#include "base/fault.h"

enum { BILLION = 1000000000, NEAR_MAX = 4 };

enum kind {
#define KIND(kind, ctype, kafka, help, words) KIND_##kind,
#include "config/kinds.def"
#undef KIND
};

static const struct {
    const char *kafka, *help, *words;
} kinds[] = {
#define KIND(kind, ctype, kafka, help, words) { kafka, help, words },
#include "config/kinds.def"
#undef KIND
};

static const struct setting {
    const char *name, *initial, *least, *most, *doc;
    enum kind kind;
    size_t at;
} settings[SETTINGS] = {
#define SETTING(member, name, kind, initial, least, most, doc) \
    { name, initial, least, most, doc, KIND_##kind, offsetof(struct topic_config, member) },
#include "config/topic.def"
#undef SETTING
};

/* ---- the table, as others see it ----------------------------------------- */

bool evl_setting(size_t i, struct evl_setting *setting)
{
    if (i >= SETTINGS)
        return false;
    const struct setting *s = &settings[i];
    *setting = (struct evl_setting){
        .name = s->name,
        .type = kinds[s->kind].help,
        .kafka_type = kinds[s->kind].kafka,
        .words = kinds[s->kind].words,
        .initial = s->initial,
        .least = s->least,
        .most = s->most,
        .doc = s->doc,
    };
    return true;
}

int config_find(const char *name)
{
    for (int i = 0; i < SETTINGS; i++)
        if (strcmp(settings[i].name, name) == 0)
            return i;
    return -1;
}

bool evl_setting_find(const char *name, struct evl_setting *setting)
{
    int i = config_find(name);
    return i >= 0 && evl_setting((size_t)i, setting);
}

bool config_is_list(int setting)
{
    return settings[setting].kind == KIND_CLEANUP || settings[setting].kind == KIND_REPLICAS;
}

enum evl_error config_unknown(const char *name)
{
    const char *near = NULL;
    int distance = NEAR_MAX;
    for (int i = 0; i < SETTINGS; i++) {
        int d = evl_text_distance(name, settings[i].name);
        if (d < distance) {
            distance = d;
            near = settings[i].name;
        }
    }
    if (near)
        return fail(EVL_ERR_CONFIG, "no setting is called %s; did you mean %s?", name, near);
    return fail(EVL_ERR_CONFIG, "no setting is called %s", name);
}

/* ---- from texts ---------------------------------------------------------- */

/* "sync|os": the place of a word in it, or -1. */
static int word_find(const char *words, const char *word, size_t count)
{
    for (int i = 0; words; i++) {
        size_t length = strcspn(words, "|");
        if (length == count && strncasecmp(words, word, count) == 0)
            return i;
        words = words[length] ? words + length + 1 : NULL;
    }
    return -1;
}

static bool parse_word(const char *words, const char *text, int64_t *value)
{
    int place = word_find(words, text, strlen(text));
    if (place < 0)
        return false;
    *value = place;
    return true;
}

/* Words between commas; none at all is a list too. */
static bool parse_list(const char *words, const char *text, int64_t *value)
{
    int64_t bits = 0;
    while (*text) {
        text += strspn(text, " ");
        size_t count = strcspn(text, " ,");
        int place = word_find(words, text, count);
        if (place < 0)
            return false;
        bits |= (int64_t)1 << place;
        text += count;
        text += strspn(text, " ");
        if (*text == ',' && text[1] == '\0')
            return false;
        text += *text == ',';
    }
    *value = bits;
    return true;
}

/* Digits with a sign, as Kafka has them; strtoll would take more. */
static bool parse_number(const char *text, int64_t *value)
{
    int64_t v = 0;
    int sign = *text == '-' ? -1 : 1;
    text += *text == '-';
    if (*text == '\0')
        return false;
    for (; *text; text++)
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, sign * (*text - '0'), &v))
            return false;
    *value = v;
    return true;
}

static bool parse_ratio(const char *text, int64_t *billionths)
{
    int64_t whole = 0;
    int64_t fraction = 0;
    const char *point = strchr(text, '.');
    char head[24] = "";
    size_t count = point ? (size_t)(point - text) : strlen(text);
    if (count == 0 || count >= sizeof head || (point && point[1] == '\0'))
        return false;
    memcpy(head, text, count);
    if (!parse_number(head, &whole) || whole < 0 || whole > BILLION)
        return false;
    for (int64_t unit = BILLION / 10; point && *++point; unit /= 10) {
        if (*point < '0' || *point > '9')
            return false;
        fraction += (*point - '0') * unit;
    }
    *billionths = whole * BILLION + fraction;
    return true;
}

/* Empty, *, or PARTITION:NODE,... */
static bool parse_replicas(const char *text, int64_t *any)
{
    *any = *text != '\0';
    if (strcmp(text, "*") == 0)
        return true;
    while (*text) {
        for (int part = 0; part < 2; part++) {
            size_t digits = strspn(text, "0123456789");
            if (digits == 0)
                return false;
            text += digits;
            if (part == 0 && *text++ != ':')
                return false;
        }
        if (*text && (*text != ',' || text[1] == '\0'))
            return false;
        text += *text == ',';
    }
    return true;
}

static bool is_int(enum kind kind) { return strcmp(kinds[kind].kafka, "INT") == 0; }

static bool parse_amount(enum kind kind, const char *text, int64_t *value)
{
    if (strcmp(text, "max") == 0) {
        *value = is_int(kind) ? INT32_MAX : INT64_MAX;
        return true;
    }
    if (parse_number(text, value))
        return true;
    if (kind == KIND_DURATION)
        return evl_parse_duration(text, 1, value);
    return (kind == KIND_SIZE || kind == KIND_SIZE32) && evl_parse_size(text, value);
}

static bool parse(enum kind kind, const char *text, int64_t *value)
{
    switch (kind) {
    case KIND_BOOL:
    case KIND_COMPRESSION:
    case KIND_TIMESTAMP_TYPE:
    case KIND_FLUSH: return parse_word(kinds[kind].words, text, value);
    case KIND_CLEANUP: return parse_list(kinds[kind].words, text, value);
    case KIND_REPLICAS: return parse_replicas(text, value);
    case KIND_RATIO: return parse_ratio(text, value);
    case KIND_LEVEL: return parse_amount(kind, text, value) && *value != 0; /* gzip has no 0 */
    case KIND_COUNT32:
    case KIND_COUNT:
    case KIND_SIZE32:
    case KIND_SIZE:
    case KIND_DURATION: return parse_amount(kind, text, value);
    }
    return false;
}

static enum evl_error fail_parse(const struct setting *s, const char *text)
{
    const char *words = kinds[s->kind].words;
    if (words)
        return fail(EVL_ERR_CONFIG, "%s: '%s' is not %s of %s", s->name, text,
                    s->kind == KIND_CLEANUP ? "a list" : "one", words);
    switch (s->kind) {
    case KIND_DURATION:
        return fail(EVL_ERR_CONFIG, "%s: '%s' is no duration; try 7d, 12h, 500ms or milliseconds",
                    s->name, text);
    case KIND_SIZE:
    case KIND_SIZE32:
        return fail(EVL_ERR_CONFIG, "%s: '%s' is no size; try 64k, 1G or bytes", s->name, text);
    case KIND_REPLICAS:
        return fail(EVL_ERR_CONFIG, "%s: '%s' is not PARTITION:NODE,... nor *", s->name, text);
    default: return fail(EVL_ERR_CONFIG, "%s: '%s' is no number that it can be", s->name, text);
    }
}

static int64_t bound_of(const struct setting *s, const char *text, int64_t otherwise)
{
    int64_t bound = otherwise;
    check(!text || parse(s->kind, text, &bound));
    return bound;
}

static enum evl_error value_of(const struct setting *s, const char *text, int64_t *value)
{
    bool narrow = is_int(s->kind);
    int64_t v;
    if (!parse(s->kind, text, &v))
        return fail_parse(s, text);
    if (v < bound_of(s, s->least, narrow ? INT32_MIN : INT64_MIN))
        return fail(EVL_ERR_CONFIG, "%s: %s is too small; the least is %s", s->name, text,
                    s->least ? s->least : "-2147483648");
    if (v > bound_of(s, s->most, narrow ? INT32_MAX : INT64_MAX))
        return fail(EVL_ERR_CONFIG, "%s: %s is too large; the most is %s", s->name, text,
                    s->most ? s->most : "2147483647");
    *value = v;
    return EVL_OK;
}

/* ---- into the struct, and out of it -------------------------------------- */

static void member_set(struct topic_config *c, const struct setting *s, int64_t value)
{
    void *member = (uint8_t *)c + s->at;
    if (s->kind == KIND_BOOL || s->kind == KIND_REPLICAS)
        *(bool *)member = value != 0;
    else if (s->kind == KIND_RATIO)
        *(double *)member = (double)value / BILLION;
    else
        *(int64_t *)member = value;
}

static int64_t member_get(const struct topic_config *c, const struct setting *s)
{
    const void *member = (const uint8_t *)c + s->at;
    if (s->kind == KIND_BOOL || s->kind == KIND_REPLICAS)
        return *(const bool *)member;
    if (s->kind == KIND_RATIO)
        return (int64_t)(*(const double *)member * BILLION + 0.5);
    return *(const int64_t *)member;
}

static int64_t initial_of(const struct setting *s)
{
    int64_t value = 0;
    check(value_of(s, s->initial, &value) == EVL_OK);
    return value;
}

void config_unset(struct topic_config *c, int setting)
{
    member_set(c, &settings[setting], initial_of(&settings[setting]));
}

void config_init(struct topic_config *c)
{
    memset(c, 0, sizeof *c);
    for (int i = 0; i < SETTINGS; i++)
        config_unset(c, i);
}

bool config_is_initial(const struct topic_config *c, int setting)
{
    return member_get(c, &settings[setting]) == initial_of(&settings[setting]);
}

enum evl_error config_set(struct topic_config *c, const char *name, const char *value)
{
    int64_t parsed;
    int i = config_find(name);
    if (i < 0)
        return config_unknown(name);
    enum evl_error err = value_of(&settings[i], value, &parsed);
    if (err)
        return err;
    member_set(c, &settings[i], parsed);
    return EVL_OK;
}

enum evl_error config_check(const struct topic_config *c)
{
    if (c->min_compaction_lag_ms > c->max_compaction_lag_ms)
        return fail(EVL_ERR_CONFIG,
                    "min.compaction.lag.ms (%" PRId64
                    ") is more than max.compaction.lag.ms (%" PRId64 ")",
                    c->min_compaction_lag_ms, c->max_compaction_lag_ms);
    return EVL_OK;
}

/* ---- to texts ------------------------------------------------------------ */

/* The place'th word of "sync|os". */
static void print_word(const char *words, int64_t place, struct evl_buffer *out)
{
    for (; place > 0; place--)
        words += strcspn(words, "|") + 1;
    buf_add(out, words, strcspn(words, "|"));
}

static void print_list(const char *words, int64_t bits, struct evl_buffer *out)
{
    const char *comma = "";
    for (int place = 0; bits >> place; place++)
        if (bits >> place & 1) {
            buf_add_text(out, comma);
            print_word(words, place, out);
            comma = ",";
        }
}

static void print_ratio(int64_t billionths, struct evl_buffer *out)
{
    buf_print(out, "%" PRId64 ".%09" PRId64, billionths / BILLION, billionths % BILLION);
    while (out->at[out->count - 1] == '0' && out->at[out->count - 2] != '.')
        out->count--;
}

/* Friendly only where it is exact: 7d, but not about a week. */
static void print_amount(enum kind kind, int64_t value, enum config_form form,
                         struct evl_buffer *out)
{
    char room[EVL_TEXT_ROOM];
    int64_t back;
    const char *friendly = NULL;
    if (value == INT64_MAX)
        friendly = "max";
    else if (kind == KIND_DURATION && value > 0)
        friendly = evl_print_duration(value, room);
    else if ((kind == KIND_SIZE || kind == KIND_SIZE32) && value > 0)
        friendly = evl_print_size(value, room);
    if (form == CONFIG_FRIENDLY && friendly && parse(kind, friendly, &back) && back == value)
        buf_add_text(out, friendly);
    else
        buf_print(out, "%" PRId64, value);
}

static void print_value(enum kind kind, int64_t value, enum config_form form,
                        struct evl_buffer *out)
{
    switch (kind) {
    case KIND_BOOL:
    case KIND_COMPRESSION:
    case KIND_TIMESTAMP_TYPE:
    case KIND_FLUSH: print_word(kinds[kind].words, value, out); break;
    case KIND_CLEANUP: print_list(kinds[kind].words, value, out); break;
    case KIND_REPLICAS: buf_add_text(out, value ? "*" : ""); break;
    case KIND_RATIO: print_ratio(value, out); break;
    case KIND_LEVEL:
    case KIND_COUNT32:
    case KIND_COUNT:
    case KIND_SIZE32:
    case KIND_SIZE:
    case KIND_DURATION: print_amount(kind, value, form, out); break;
    }
}

void config_print(const struct topic_config *c, int setting, enum config_form form,
                  struct evl_buffer *out)
{
    print_value(settings[setting].kind, member_get(c, &settings[setting]), form, out);
}

enum evl_error config_rewrite(const char *name, const char *value, enum config_form form,
                              struct evl_buffer *out)
{
    int64_t parsed;
    int i = config_find(name);
    if (i < 0)
        return config_unknown(name);
    enum evl_error err = value_of(&settings[i], value, &parsed);
    if (err)
        return err;
    if (settings[i].kind == KIND_REPLICAS) /* more than the struct has room for */
        buf_add_text(out, value);
    else
        print_value(settings[i].kind, parsed, form, out);
    return EVL_OK;
}
