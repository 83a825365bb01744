/* evconsume_select.c - which records are wanted: filters, the last N, the
 * newest of each key. */
#include "evconsume.h"

#include <stdlib.h>

/* ---- filters ------------------------------------------------------------- */

int select_open(struct consume *c)
{
    const struct consume_options *o = &c->options;
    int flags = (o->fixed ? EVL_GREP_FIXED : 0) | (o->ignore_case ? EVL_GREP_IGNORE_CASE : 0);
    c->grep = evl_grep_open(flags);
    c->key = evl_text(o->key);
    c->selects = o->grep.count || o->key;
    for (size_t i = 0; i < o->grep.count; i++) {
        enum evl_error err = evl_grep_add(c->grep, o->grep.at[i]);
        if (err)
            return say_fault(err);
    }
    return 0;
}

bool select_wants(const struct consume *c, const struct evl_record *record)
{
    if (c->key.at && !evl_bytes_equal(c->key, record->key))
        return false;
    return evl_grep_wants(c->grep, record);
}

/* Read on to a record that is wanted. */
static int wanted_next(struct consume *c, struct evl_consumer *consumer, struct evl_record *record,
                       enum evl_next *what)
{
    do {
        enum evl_error err = evl_consumer_next(consumer, record, what);
        if (err)
            return say_fault(err);
        consume_tick(c);
    } while (*what == EVL_NEXT_RECORD && c->selects && !select_wants(c, record) &&
             !signals_caught());
    return 0;
}

/* ---- the last N ---------------------------------------------------------- */

/* The last `room` records that were put in. */
struct ring {
    struct kept **at;
    size_t room;
    int64_t put;
};

static void ring_put(struct ring *ring, const struct evl_record *record)
{
    size_t slot = (size_t)ring->put++ % ring->room;
    free(ring->at[slot]);
    ring->at[slot] = record_keep(record);
}

static void ring_release(struct ring *ring)
{
    for (size_t i = 0; i < ring->room; i++)
        free(ring->at[i]);
    free(ring->at);
    *ring = (struct ring){ 0 };
}

/* Start every range at most `distance` offsets before its end.  False if all of
 * them start where they started before: there is no more. */
static bool ranges_approach(struct consume *c, const struct range *whole, int64_t distance)
{
    bool less = false;
    for (size_t i = 0; i < c->range_count; i++) {
        int64_t end = whole[i].end >= 0 ? whole[i].end : whole[i].snapshot;
        int64_t first = end - distance > whole[i].first ? end - distance : whole[i].first;
        less = less || first > whole[i].first;
        c->ranges[i].first = first;
    }
    return less;
}

static int ring_fill(struct consume *c, struct ring *ring)
{
    struct evl_consumer *consumer = NULL;
    struct evl_record record;
    enum evl_next what = EVL_NEXT_RECORD;
    int status = ranges_open(c, false, true, &consumer);
    while (status == 0 && what == EVL_NEXT_RECORD && !signals_caught()) {
        status = wanted_next(c, consumer, &record, &what);
        if (status == 0 && what == EVL_NEXT_RECORD)
            ring_put(ring, &record);
    }
    evl_consumer_close(consumer);
    return status;
}

static int ring_output(struct consume *c, const struct ring *ring)
{
    int status = 0;
    int64_t from = ring->put > (int64_t)ring->room ? ring->put - (int64_t)ring->room : 0;
    for (int64_t i = from; i < ring->put && status == 0 && !output_is_enough(c); i++)
        status = output_record(c, &ring->at[(size_t)i % ring->room]->record);
    return status;
}

/* Holes and filters make N records lie further back than N offsets: if there
 * are too few, look four times as far. */
static int tail_read(struct consume *c, const struct range *whole, struct ring *ring)
{
    int64_t wanted = c->options.tail;
    int64_t distance = wanted;
    for (;;) {
        bool more = ranges_approach(c, whole, distance);
        *ring = (struct ring){ .room = (size_t)wanted };
        ring->at = tool_take(ring->room, sizeof *ring->at);
        int status = ring_fill(c, ring);
        if (status || ring->put >= wanted || !more || signals_caught())
            return status;
        ring_release(ring);
        distance = distance > INT64_MAX / 4 ? INT64_MAX / 4 : 4 * distance;
    }
}

int select_tail(struct consume *c)
{
    size_t bytes = c->range_count * sizeof *c->ranges;
    struct range *whole = tool_take(c->range_count, sizeof *whole);
    struct ring ring = { 0 };
    int status = 0;
    if (bytes)
        memcpy(whole, c->ranges, bytes);
    if (c->options.tail > 0)
        status = tail_read(c, whole, &ring);
    if (status == 0)
        status = ring_output(c, &ring);
    ring_release(&ring);
    for (size_t i = 0; i < c->range_count; i++)
        c->ranges[i].first = whole[i].end >= 0 ? whole[i].end : whole[i].snapshot;
    free(whole);
    return status;
}

/* ---- the newest of each key ---------------------------------------------- */

/* Where the newest record of a key is.  A topic's keys are found by a hash. */
struct newest {
    char *key; /* with the topic in front; owned */
    size_t key_bytes;
    uint64_t hash;
    int64_t timestamp, offset;
    int32_t partition;
};

struct newest_table {
    struct newest *at;
    size_t count, room; /* room: a power of two */
};

/* FNV-1a, twice as many bits as there will be keys. */
static uint64_t key_hash(const struct evl_record *record)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < record->topic.count; i++)
        hash = (hash ^ record->topic.at[i]) * 0x100000001b3u;
    hash *= 0x100000001b3u; /* "ab" of "c" is not "a" of "bc" */
    for (size_t i = 0; i < record->key.count; i++)
        hash = (hash ^ record->key.at[i]) * 0x100000001b3u;
    return hash;
}

static bool newest_is(const struct newest *newest, const struct evl_record *record, uint64_t hash)
{
    size_t topic = record->topic.count;
    return newest->hash == hash && newest->key_bytes == topic + record->key.count &&
           memcmp(newest->key, record->topic.at, topic) == 0 &&
           (record->key.count == 0 ||
            memcmp(newest->key + topic, record->key.at, record->key.count) == 0);
}

/* The slot of a key, or the empty one where it belongs. */
static struct newest *newest_find(const struct newest_table *table, const struct evl_record *record,
                                  uint64_t hash)
{
    size_t i = (size_t)hash & (table->room - 1);
    while (table->at[i].key && !newest_is(&table->at[i], record, hash))
        i = (i + 1) & (table->room - 1);
    return &table->at[i];
}

static void table_grow(struct newest_table *table)
{
    struct newest_table larger = { .count = table->count,
                                   .room = table->room ? 2 * table->room : 1024 };
    larger.at = tool_take(larger.room, sizeof *larger.at);
    for (size_t i = 0; i < table->room; i++) {
        size_t slot = (size_t)table->at[i].hash & (larger.room - 1);
        if (!table->at[i].key)
            continue;
        while (larger.at[slot].key)
            slot = (slot + 1) & (larger.room - 1);
        larger.at[slot] = table->at[i];
    }
    free(table->at);
    *table = larger;
}

/* In one partition the later one is newer; across partitions, which a topic
 * gets more of, the later timestamp is. */
static void newest_note(struct newest_table *table, const struct evl_record *record)
{
    if (2 * (table->count + 1) > table->room)
        table_grow(table);
    uint64_t hash = key_hash(record);
    struct newest *newest = newest_find(table, record, hash);
    if (!newest->key) {
        newest->key_bytes = record->topic.count + record->key.count;
        newest->key = tool_take(newest->key_bytes, 1);
        memcpy(newest->key, record->topic.at, record->topic.count);
        if (record->key.count)
            memcpy(newest->key + record->topic.count, record->key.at, record->key.count);
        newest->hash = hash;
        table->count++;
    } else if (newest->partition != record->partition && newest->timestamp > record->timestamp) {
        return;
    }
    newest->timestamp = record->timestamp;
    newest->partition = record->partition;
    newest->offset = record->offset;
}

static bool is_newest(const struct newest_table *table, const struct evl_record *record)
{
    if (!record->key.at)
        return true; /* nothing replaces it */
    const struct newest *newest = newest_find(table, record, key_hash(record));
    return newest->key && newest->partition == record->partition &&
           newest->offset == record->offset;
}

static int latest_note(struct consume *c, struct newest_table *table)
{
    struct evl_consumer *consumer = NULL;
    struct evl_record record;
    enum evl_next what = EVL_NEXT_RECORD;
    int status = ranges_open(c, false, false, &consumer);
    table_grow(table);
    while (status == 0 && what == EVL_NEXT_RECORD && !signals_caught()) {
        enum evl_error err = evl_consumer_next(consumer, &record, &what);
        status = err ? say_fault(err) : 0;
        consume_tick(c);
        if (status == 0 && what == EVL_NEXT_RECORD && record.key.at)
            newest_note(table, &record);
    }
    evl_consumer_close(consumer);
    return status;
}

static int latest_output(struct consume *c, const struct newest_table *table)
{
    struct evl_record record;
    enum evl_next what = EVL_NEXT_RECORD;
    int status = ranges_open(c, false, c->options.merge, &c->consumer);
    while (status == 0 && !output_is_enough(c) && !signals_caught()) {
        status = wanted_next(c, c->consumer, &record, &what);
        if (status || what != EVL_NEXT_RECORD)
            break;
        if (is_newest(table, &record) && (record.value.at || c->options.tombstones))
            status = output_record(c, &record);
    }
    return status;
}

/* Twice through the range: memory holds keys, not values. */
int select_latest(struct consume *c)
{
    struct newest_table table = { 0 };
    int status = latest_note(c, &table);
    if (status == 0)
        status = latest_output(c, &table);
    for (size_t i = 0; i < table.room; i++)
        free(table.at[i].key);
    free(table.at);
    return status;
}
