/* evtopic_keys.c - top -k: which keys a topic has most of, by a sample.
 *
 * The sample is runs of neighbours at even distances, so that it costs the same
 * in a topic of a thousand records and of a billion; a topic that is not larger
 * than the sample is counted whole. */
#include "evtopic.h"

#include <inttypes.h>
#include <stdlib.h>

#include <evl/consumer.h>

enum { SAMPLE = 10000, SAMPLE_MAX = 1000000, RUN = 50, ROWS = 20 };

/* clang-format off */
static const struct table_column columns[] = {
    { "KEY", false }, { "PERCENT", true }, { "RECORDS", true }, { NULL, false },
};
/* clang-format on */

/* The keys seen, one behind the other, and how often each. */
struct keys {
    struct evl_buffer bytes;
    struct key {
        size_t at, count; /* in the bytes; count SIZE_MAX: null */
        int64_t times;
    } * list;
    size_t count, room;
};

static void keys_add(struct keys *keys, struct evl_bytes key)
{
    if (keys->count == keys->room)
        return;
    keys->list[keys->count++] = (struct key){ keys->bytes.count, key.at ? key.count : SIZE_MAX, 1 };
    if (key.at)
        evl_buffer_add(&keys->bytes, key.at, key.count);
}

static struct evl_bytes key_bytes(const struct keys *keys, const struct key *key)
{
    if (key->count == SIZE_MAX)
        return evl_bytes(NULL, 0);
    return evl_bytes(keys->bytes.count ? keys->bytes.at + key->at : (const uint8_t *)"",
                     key->count);
}

/* ---- looking ------------------------------------------------------------- */

static enum evl_error run_read(struct evtopic *t, const char *topic, int32_t partition,
                               int64_t first, int64_t end, struct keys *keys)
{
    struct evl_consumer_options options = { .isolation = EVL_COMMITTED };
    struct evl_consumer *consumer = NULL;
    struct evl_record record;
    enum evl_next what = EVL_NEXT_END;
    enum evl_error err = evl_consumer_open(t->place, &options, &consumer);
    if (!err)
        err = evl_consumer_add(consumer, topic, partition, first, end);
    while (!err && !(err = evl_consumer_next(consumer, &record, &what)) && what == EVL_NEXT_RECORD)
        keys_add(keys, record.key);
    evl_consumer_close(consumer);
    return err;
}

/* `want` of the records of a partition, in runs. */
static enum evl_error partition_sample(struct evtopic *t, const char *topic,
                                       const struct evl_partition *facts, int64_t want,
                                       struct keys *keys)
{
    int64_t all = facts->stable_end - facts->start;
    int64_t runs = want >= all ? 1 : (want + RUN - 1) / RUN;
    enum evl_error err = EVL_OK;
    for (int64_t i = 0; i < runs && !err && !signals_caught(); i++) {
        int64_t first = facts->start + (int64_t)((double)all * (double)i / (double)runs);
        int64_t end = first + (want >= all ? all : want / runs + (i < want % runs));
        err = run_read(t, topic, facts->partition, first,
                       end < facts->stable_end ? end : facts->stable_end, keys);
    }
    return err;
}

static enum evl_error topic_sample(struct evtopic *t, const struct evl_topic *topic, int64_t sample,
                                   struct keys *keys, int64_t *total)
{
    struct evl_partition *facts = tool_take((size_t)topic->partitions, sizeof *facts);
    enum evl_error err = EVL_OK;
    *total = 0;
    for (int32_t p = 0; p < topic->partitions && !err; p++) {
        err = evl_admin_partition(t->place, topic->name, p, &facts[p]);
        if (!err && !facts[p].missing)
            *total += facts[p].stable_end - facts[p].start;
    }
    for (int32_t p = 0; p < topic->partitions && !err; p++) {
        int64_t all = facts[p].missing ? 0 : facts[p].stable_end - facts[p].start;
        double part = *total > sample ? (double)sample / (double)*total : 1;
        if (all > 0)
            err = partition_sample(t, topic->name, &facts[p], (int64_t)((double)all * part) + 1,
                                   keys);
    }
    free(facts);
    return err;
}

/* ---- counting ------------------------------------------------------------ */

static const struct keys *sorting; /* qsort hands nothing on */

static int by_bytes(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    if (x->count == SIZE_MAX || y->count == SIZE_MAX)
        return (x->count != SIZE_MAX) - (y->count != SIZE_MAX);
    struct evl_bytes left = key_bytes(sorting, x), right = key_bytes(sorting, y);
    size_t common = left.count < right.count ? left.count : right.count;
    int order = memcmp(left.at, right.at, common);
    return order ? order : (left.count > right.count) - (left.count < right.count);
}

static int by_times(const void *a, const void *b)
{
    int64_t x = ((const struct key *)a)->times, y = ((const struct key *)b)->times;
    return x != y ? (x < y) - (x > y) : by_bytes(a, b);
}

/* Each key once, the most frequent first. */
static void keys_count(struct keys *keys)
{
    size_t unique = 0;
    sorting = keys;
    qsort(keys->list, keys->count, sizeof *keys->list, by_bytes);
    for (size_t i = 0; i < keys->count; i++)
        if (unique && by_bytes(&keys->list[unique - 1], &keys->list[i]) == 0)
            keys->list[unique - 1].times++;
        else
            keys->list[unique++] = keys->list[i];
    keys->count = unique;
    qsort(keys->list, keys->count, sizeof *keys->list, by_times);
}

static void key_print(struct evtopic *t, const struct keys *keys, const struct key *key,
                      int64_t seen, int64_t total)
{
    struct evl_buffer text = { 0 };
    struct evl_bytes bytes = key_bytes(keys, key);
    double part = (double)key->times / (double)seen;
    if (bytes.at)
        text_add_visible(&text, bytes.at, bytes.count);
    table_text(&t->table, bytes.at ? text_end(&text) : "(null)");
    evl_buffer_clear(&text);
    text_print(&text, "%.1f", part * 100);
    table_text(&t->table, text_end(&text));
    table_number(&t->table, (int64_t)(part * (double)total + 0.5));
    evl_buffer_release(&text);
}

int keys_run(struct evtopic *t, const char *name, int64_t sample)
{
    struct evl_topic topic;
    struct keys keys = { 0 };
    int64_t total = 0;
    if (sample > SAMPLE_MAX)
        return say_usage("--sample: %d at the most", SAMPLE_MAX);
    enum evl_error err = evl_admin_topic(t->place, name, &topic);
    if (err)
        return say_fault(err);
    sample = sample ? sample : SAMPLE;
    keys.room = (size_t)sample + (size_t)topic.partitions;
    keys.list = tool_take(keys.room, sizeof *keys.list);
    err = topic_sample(t, &topic, sample, &keys, &total);
    int64_t seen = (int64_t)keys.count;
    if (!err) {
        keys_count(&keys);
        rows_begin(t, columns);
    }
    for (size_t i = 0; i < keys.count && i < ROWS && !err; i++)
        key_print(t, &keys, &keys.list[i], seen, total);
    free(keys.list);
    evl_buffer_release(&keys.bytes);
    return err ? say_fault(err) : 0;
}
