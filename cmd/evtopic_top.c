/* evtopic_top.c - top: what comes in, what lies there, who lags.
 *
 * On a terminal a screen that is drawn again every few seconds; elsewhere one
 * sample, taken over one interval.  With -k the keys that a topic has most of,
 * by looking at a part of its records. */
#include "evtopic_group.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <evl/text.h>

static struct own {
    int64_t every;
    int order;
    const char *keys;
    int64_t sample;
} own;

enum order { BY_RATE, BY_NAME, BY_SIZE, ORDERS };
static const char order_keys[] = "rns";
enum { EVERY_MS = 2000, SAMPLE_MS = 1000 };

/* clang-format off */
static const struct option rows[] = {
    OWN('i', "interval", "DUR", DURATION, every, NOTHING,
        "How long a look takes. Usually 2s on a terminal, 1s elsewhere."),
    OWN(0, "by", "rate|name|size", CHOICE, order, NOTHING,
        "What comes first. On a terminal the keys r, n and s change it."),
    OWN('k', "keys", "TOPIC", TEXT, keys, TOPIC,
        "The most frequent keys of a topic, by a sample."),
    OWN(0, "sample", "N", NUMBER, sample, NOTHING,
        "With -k: how many records to look at, about. 10000 unless said."),
    { 0 },
};

static const struct table_column columns[] = {
    { "NAME", false },  { "KIND", false },      { "PARTITIONS", true }, { "RECORDS", true },
    { "SIZE", true },   { "RECORDS/S", true },  { "BYTES/S", true },    { "LAG", true },
    { "NEWEST", false }, { NULL, false },
};
/* clang-format on */

/* ---- readings ------------------------------------------------------------ */

/* One topic, or one group, at one moment. */
struct reading {
    char *name;
    bool is_group;
    int64_t ends; /* of all partitions, or a group's offsets, added up: rises by
                     each record that comes, or is read */
    int64_t lag;  /* a group's */
    struct content content;
    int64_t rate, bytes_rate; /* a second, since the reading before */
};

struct readings {
    struct reading *at;
    size_t count;
    int64_t ms;
};

static void readings_release(struct readings *readings)
{
    for (size_t i = 0; i < readings->count; i++)
        free(readings->at[i].name);
    free(readings->at);
    *readings = (struct readings){ 0 };
}

/* A topic that is removed meanwhile is left out. */
static enum evl_error reading_take(struct evtopic *t, const struct evl_topic *topic,
                                   struct readings *readings)
{
    struct reading reading = { 0 };
    enum evl_error err = content_of(t, topic, &reading.content);
    for (int32_t p = 0; p < topic->partitions && !err; p++) {
        struct evl_partition facts;
        err = evl_admin_partition(t->place, topic->name, p, &facts);
        reading.ends += err || facts.missing ? 0 : facts.end;
    }
    if (err == EVL_ERR_NOT_FOUND)
        return EVL_OK;
    if (err)
        return err;
    reading.name = tool_text(topic->name);
    readings->at[readings->count++] = reading;
    return EVL_OK;
}

static enum evl_error reading_take_group(struct evtopic *t, const char *name,
                                         struct readings *readings)
{
    struct evl_offsets offsets;
    struct reading reading = { .is_group = true };
    int64_t end;
    enum evl_error err = evl_admin_group_offsets(t->place, name, &offsets);
    if (err)
        return err == EVL_ERR_NOT_FOUND ? EVL_OK : err;
    for (size_t i = 0; i < offsets.count; i++) {
        int64_t lag = group_lag(t, &offsets.at[i], &end);
        reading.lag += lag > 0 ? lag : 0;
        reading.ends += offsets.at[i].offset;
    }
    reading.content =
        (struct content){ .partitions = (int32_t)offsets.count, .newest = EVL_NO_TIMESTAMP };
    reading.name = tool_text(name);
    readings->at[readings->count++] = reading;
    evl_offsets_release(&offsets);
    return EVL_OK;
}

/* Topics by name, then groups by name. */
static int readings_take(struct evtopic *t, struct readings *readings)
{
    struct evl_topics topics = { 0 };
    struct evl_groups groups = { 0 };
    enum evl_error err = evl_admin_topics(t->place, &topics);
    if (!err)
        err = evl_admin_groups(t->place, &groups);
    *readings = (struct readings){ .ms = tool_clock_ms() };
    readings->at = tool_take(topics.count + groups.count + 1, sizeof *readings->at);
    for (size_t i = 0; i < topics.count && !err; i++)
        if (!topics.at[i].internal)
            err = reading_take(t, &topics.at[i], readings);
    for (size_t i = 0; i < groups.count && !err; i++)
        err = reading_take_group(t, groups.at[i].name, readings);
    evl_topics_release(&topics);
    evl_groups_release(&groups);
    return err ? say_fault(err) : 0;
}

static int by_kind_and_name(const void *a, const void *b)
{
    const struct reading *x = a, *y = b;
    return x->is_group != y->is_group ? x->is_group - y->is_group : strcmp(x->name, y->name);
}

/* Both are sorted so. */
static void readings_compare(const struct readings *before, struct readings *now)
{
    int64_t ms = now->ms > before->ms ? now->ms - before->ms : 1;
    for (size_t i = 0, j = 0; i < now->count; i++) {
        struct reading *r = &now->at[i];
        while (j < before->count && by_kind_and_name(&before->at[j], r) < 0)
            j++;
        if (j == before->count || by_kind_and_name(&before->at[j], r) != 0)
            continue;
        int64_t grown = r->content.bytes - before->at[j].content.bytes;
        r->rate = (r->ends - before->at[j].ends) * 1000 / ms;
        r->bytes_rate = grown > 0 ? grown * 1000 / ms : 0;
    }
}

static int by_rate(const void *a, const void *b)
{
    int64_t x = ((const struct reading *)a)->rate, y = ((const struct reading *)b)->rate;
    return (x < y) - (x > y);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = ((const struct reading *)a)->content.bytes;
    int64_t y = ((const struct reading *)b)->content.bytes;
    return (x < y) - (x > y);
}

/* What a group has not, and a topic has not, stays empty. */
static void reading_print(struct evtopic *t, const struct reading *r)
{
    struct table *table = &t->table;
    table_text(table, r->name);
    table_text(table, r->is_group ? "group" : "topic");
    table_number(table, r->content.partitions);
    if (r->is_group) {
        table_text(table, NULL);
        table_text(table, NULL);
        table_number(table, r->rate);
        table_text(table, NULL);
        table_number(table, r->lag);
    } else {
        table_number(table, r->content.records);
        table_size(table, r->content.bytes);
        table_number(table, r->rate);
        table_size(table, r->bytes_rate);
        table_text(table, NULL);
    }
    table_time(table, r->content.newest);
}

/* In the order asked for; equal ones as they were, by name. */
static void readings_print(struct evtopic *t, const struct readings *readings)
{
    static int (*const orders[ORDERS])(const void *, const void *) = { by_rate, by_kind_and_name,
                                                                       by_size };
    struct reading *sorted = tool_take(readings->count + 1, sizeof *sorted);
    memcpy(sorted, readings->at, readings->count * sizeof *sorted);
    qsort(sorted, readings->count, sizeof *sorted, orders[own.order]);
    rows_begin(t, columns);
    for (size_t i = 0; i < readings->count; i++)
        reading_print(t, &sorted[i]);
    free(sorted);
}

/* ---- the screen ---------------------------------------------------------- */

static struct termios terminal_before;

static bool terminal_take(void)
{
    if (tcgetattr(STDIN_FILENO, &terminal_before) < 0)
        return false;
    struct termios raw = terminal_before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    return tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static void terminal_give_back(void) { tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before); }

static size_t terminal_lines(void)
{
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 2;
    return known ? size.ws_row : 24;
}

/* Only what fits on the screen. */
static void lines_cut(struct evl_buffer *text, size_t lines)
{
    size_t i = 0;
    while (i < text->count && lines > 0)
        lines -= text->at[i++] == '\n';
    text->count = i;
}

static void head_print(struct evtopic *t, const struct readings *readings, struct evl_buffer *text)
{
    char size[EVL_TEXT_ROOM], left[EVL_TEXT_ROOM], now[EVL_TEXT_ROOM], rate[EVL_TEXT_ROOM];
    struct evl_disk disk = { 0 };
    int64_t bytes = 0, records = 0;
    size_t topics = 0;
    for (size_t i = 0; i < readings->count; i++) {
        bytes += readings->at[i].content.bytes;
        topics += !readings->at[i].is_group;
        records += readings->at[i].is_group ? 0 : readings->at[i].rate;
    }
    (void)evl_admin_disk(t->place, &disk); /* nothing is left, as far as we know */
    now[0] = '\0';
    evl_print_time(tool_now_ms() / 1000 * 1000, t->utc, now);
    text_print(text, "%s  %s  %zu topics, %s, %s left, %s records/s  (r n s: order, q: quit)\n\n",
               evl_place_name(t->place), now, topics, evl_print_size(bytes, size),
               evl_print_size(disk.free, left), evl_print_size(records, rate));
}

static int screen_draw(struct evtopic *t, const struct readings *readings)
{
    struct evl_buffer body = { 0 }, screen = { 0 };
    head_print(t, readings, &body);
    readings_print(t, readings);
    t->table.wide = true;
    table_end(&t->table, &body);
    lines_cut(&body, terminal_lines() - 1);
    text_add(&screen, "\033[H\033[?7l");    /* no line break at the margin */
    for (size_t i = 0; i < body.count; i++) /* each line wipes what was behind it */
        text_print(&screen, body.at[i] == '\n' ? "\033[K\n" : "%c", body.at[i]);
    text_add(&screen, "\033[J\033[?7h");
    int status = text_write(STDOUT_FILENO, "stdout", &screen);
    evl_buffer_release(&body);
    evl_buffer_release(&screen);
    return status;
}

/* A key, or 0 if the time is over or a signal came. */
static char key_await(int64_t until_ms)
{
    int64_t left = until_ms - tool_clock_ms();
    struct pollfd polls[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
                               { .fd = signals_fd(), .events = POLLIN } };
    char key = 0;
    if (left <= 0 || poll(polls, 2, (int)left) <= 0)
        return 0;
    if (polls[1].revents)
        signals_drain();
    else if (read(STDIN_FILENO, &key, 1) != 1)
        key = 'q';
    return key;
}

/* Until the next look; false: that was the last one. */
static bool screen_wait(struct evtopic *t, const struct readings *readings, int64_t ms)
{
    int64_t until = tool_clock_ms() + ms;
    while (!signals_caught() && tool_clock_ms() < until) {
        char key = key_await(until);
        if (key == 'q')
            return false;
        if (key == ' ')
            return true;
        const char *order = key ? strchr(order_keys, key) : NULL;
        if (!order)
            continue;
        own.order = (int)(order - order_keys);
        if (screen_draw(t, readings))
            return false;
    }
    return !signals_caught();
}

static int screen_run(struct evtopic *t)
{
    struct readings before = { 0 }, now = { 0 };
    bool more = true;
    int status = readings_take(t, &before);
    bool taken = terminal_take();
    (void)!write(STDOUT_FILENO, "\033[2J", 4);
    while (status == 0 && more && (status = readings_take(t, &now)) == 0) {
        readings_compare(&before, &now);
        status = screen_draw(t, &now);
        readings_release(&before);
        before = now;
        now = (struct readings){ 0 };
        more = screen_wait(t, &before, own.every ? own.every : EVERY_MS);
    }
    if (taken)
        terminal_give_back();
    readings_release(&before);
    readings_release(&now);
    return status;
}

static int sample_run(struct evtopic *t)
{
    struct readings before = { 0 }, now = { 0 };
    int status = readings_take(t, &before);
    struct pollfd bell = { .fd = signals_fd(), .events = POLLIN };
    if (status == 0)
        (void)poll(&bell, 1, (int)(own.every ? own.every : SAMPLE_MS));
    if (status == 0 && !signals_caught() && (status = readings_take(t, &now)) == 0) {
        readings_compare(&before, &now);
        readings_print(t, &now);
    }
    readings_release(&before);
    readings_release(&now);
    return status;
}

static int run(struct evtopic *t, const struct words *operands)
{
    (void)operands;
    if (own.every > INT32_MAX)
        return say_usage("-i: that is too long");
    if (own.keys)
        return keys_run(t, own.keys, own.sample);
    bool screen = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !t->json && !t->tsv;
    return screen ? screen_run(t) : sample_run(t);
}

static const char *const usage[] = { "top [-i DUR] [--by ORDER]", "top -k TOPIC [--sample N]",
                                     NULL };

const struct command command_top = {
    .grammar = { .name = "top",
                 .seldom = true,
                 .summary = "what comes in, live",
                 .usage = usage,
                 .sets = { { rows, &own } } },
    .use = SPOT_READ,
    .options_size = sizeof own,
    .run = run,
};
