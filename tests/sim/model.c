/* model.c - records by number, partitions by offset. */
#include "sim/model.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/memory.h"

enum { PARTITIONS_MAX = 8, NAME_BYTES = 64, PADDING_MAX = 160 };

struct record {
    int topic, partition, writer;
    int64_t offset; /* -1: not known */
    bool late;      /* its topic had been removed before it was sent */
};

/* A partition: the number of the record at each offset, -1 where not known. */
struct shelf {
    int64_t *at;
    int64_t count;
    int64_t firm;  /* what lies before this offset stays */
    int64_t saved; /* the furthest position that a reader noted */
    int64_t next;  /* of an audit: the offset that must come */
    int32_t epoch; /* the latest leader epoch that was seen */
};

struct topic {
    char id[32];
    char name[NAME_BYTES], other[NAME_BYTES]; /* `other`: of a rename under way */
    bool removing, removed, os, listed;
    struct shelf shelves[PARTITIONS_MAX];
};

struct model {
    struct topic *topics;
    int topic_count;
    struct record *records;
    int64_t record_count, record_room;
    int64_t *last; /* of an audit: each writer's last record in this partition */
    int writer_count;
    bool auditing;
    bool is_broken;
    char broken[1024];
};

struct model *model_create(void) { return memory_take(1, sizeof(struct model)); }

void model_destroy(struct model *m)
{
    for (int t = 0; t < m->topic_count; t++)
        for (int p = 0; p < PARTITIONS_MAX; p++)
            memory_free(m->topics[t].shelves[p].at);
    memory_free(m->topics);
    memory_free(m->records);
    memory_free(m->last);
    memory_free(m);
}

void model_break(struct model *m, const char *format, ...)
{
    va_list arguments;
    if (m->is_broken)
        return;
    m->is_broken = true;
    va_start(arguments, format);
    vsnprintf(m->broken, sizeof m->broken, format, arguments);
    va_end(arguments);
}

const char *model_broken(const struct model *m) { return m->is_broken ? m->broken : NULL; }

/* ---- topics -------------------------------------------------------------- */

static void name_set(char to[NAME_BYTES], const char *name)
{
    snprintf(to, NAME_BYTES, "%s", name);
}

static int topic_find(const struct model *m, const char *id)
{
    for (int t = 0; t < m->topic_count; t++)
        if (strcmp(m->topics[t].id, id) == 0)
            return t;
    return -1;
}

int model_topic(struct model *m, const char *id, const char *name)
{
    int t = topic_find(m, id);
    if (t >= 0)
        return t;
    m->topics = memory_grow(m->topics, (size_t)m->topic_count + 1, sizeof *m->topics);
    struct topic *topic = &m->topics[m->topic_count];
    *topic = (struct topic){ 0 };
    snprintf(topic->id, sizeof topic->id, "%s", id);
    name_set(topic->name, name);
    return m->topic_count++;
}

void model_renaming(struct model *m, int topic, const char *from, const char *to)
{
    name_set(m->topics[topic].name, from);
    name_set(m->topics[topic].other, to);
}

void model_renamed(struct model *m, int topic)
{
    name_set(m->topics[topic].name, m->topics[topic].other);
    name_set(m->topics[topic].other, "");
}

void model_removing(struct model *m, int topic) { m->topics[topic].removing = true; }
void model_removed(struct model *m, int topic) { m->topics[topic].removed = true; }
bool model_is_removed(const struct model *m, int topic) { return m->topics[topic].removed; }
void model_is_os(struct model *m, int topic) { m->topics[topic].os = true; }

/* ---- records ------------------------------------------------------------- */

int model_writer(struct model *m)
{
    m->last = memory_grow(m->last, (size_t)m->writer_count + 1, sizeof *m->last);
    m->last[m->writer_count] = -1;
    return m->writer_count++;
}

int64_t model_record(struct model *m, int topic, int partition, int writer)
{
    check(partition < PARTITIONS_MAX && writer < m->writer_count);
    if (m->record_count == m->record_room) {
        m->record_room = 2 * m->record_room + 256;
        m->records = memory_grow(m->records, (size_t)m->record_room, sizeof *m->records);
    }
    m->records[m->record_count] =
        (struct record){ topic, partition, writer, -1, m->topics[topic].removed };
    return m->record_count++;
}

/* Every byte follows from the number, so that a torn record gives itself away. */
void model_value(int64_t record, struct evl_buffer *value)
{
    buf_clear(value);
    buf_print(value, "%" PRId64 " ", record);
    for (int64_t n = record * 37 % PADDING_MAX; n > 0; n--)
        buf_add_byte(value, (uint8_t)('a' + (record + n) % 26));
}

/* The record that has this value; -1 if none does. */
static int64_t value_record(const struct model *m, struct evl_bytes value)
{
    char text[24] = "";
    struct evl_buffer expected = { 0 };
    memcpy(text, value.at, value.count < sizeof text - 1 ? value.count : sizeof text - 1);
    int64_t record = strtoll(text, NULL, 10);
    if (record < 0 || record >= m->record_count)
        return -1;
    model_value(record, &expected);
    bool same = evl_bytes_equal(value, buf_bytes(&expected));
    buf_release(&expected);
    return same ? record : -1;
}

/* The record lies at this offset, and nothing else ever does. */
static void shelf_learn(struct model *m, int64_t number, int64_t offset)
{
    struct record *r = &m->records[number];
    struct shelf *shelf = &m->topics[r->topic].shelves[r->partition];
    if (offset >= shelf->count) {
        shelf->at = memory_grow(shelf->at, (size_t)offset + 1, sizeof *shelf->at);
        for (; shelf->count <= offset; shelf->count++)
            shelf->at[shelf->count] = -1;
    }
    if (shelf->at[offset] >= 0 && shelf->at[offset] != number)
        model_break(m, "%s-%d: offset %" PRId64 " was record %" PRId64 ", and is %" PRId64 " now",
                    m->topics[r->topic].name, r->partition, offset, shelf->at[offset], number);
    if (r->offset >= 0 && r->offset != offset)
        model_break(m, "%s-%d: record %" PRId64 " is there twice, at %" PRId64 " and %" PRId64,
                    m->topics[r->topic].name, r->partition, number, r->offset, offset);
    shelf->at[offset] = number;
    r->offset = offset;
}

static void shelf_set_firm(struct shelf *shelf, int64_t end)
{
    if (end > shelf->firm)
        shelf->firm = end;
}

void model_acknowledge(struct model *m, int64_t record, int64_t offset, bool firm)
{
    struct record *r = &m->records[record];
    if (r->late)
        model_break(m, "%s-%d: record %" PRId64 " was acknowledged after its topic was removed",
                    m->topics[r->topic].name, r->partition, record);
    shelf_learn(m, record, offset);
    if (firm)
        shelf_set_firm(&m->topics[r->topic].shelves[r->partition], offset + 1);
}

/* An audit sees every record, in order. */
static void audit_record(struct model *m, struct topic *topic, struct shelf *shelf, int64_t number,
                         int64_t offset)
{
    int64_t *last = &m->last[m->records[number].writer];
    if (offset != shelf->next)
        model_break(m, "%s: offset %" PRId64 " comes where %" PRId64 " should", topic->name, offset,
                    shelf->next);
    if (number <= *last)
        model_break(m, "%s: record %" PRId64 " comes after %" PRId64 " of the same writer",
                    topic->name, number, *last);
    *last = number;
    shelf->next = offset + 1;
}

void model_show(struct model *m, int topic, int partition, int64_t offset, struct evl_bytes value)
{
    int64_t number = value_record(m, value);
    struct topic *t = &m->topics[topic];
    if (number < 0) {
        model_break(m, "%s-%d: at offset %" PRId64 " is what nobody wrote: %.*s", t->name,
                    partition, offset, (int)value.count, (const char *)value.at);
        return;
    }
    const struct record *r = &m->records[number];
    if (r->topic != topic || r->partition != partition) {
        model_break(m,
                    "%s-%d (%s): at offset %" PRId64 " is record %" PRId64
                    ", which was written to %s-%d (%s)",
                    t->name, partition, t->id, offset, number, m->topics[r->topic].name,
                    r->partition, m->topics[r->topic].id);
        return;
    }
    shelf_learn(m, number, offset);
    if (m->auditing)
        audit_record(m, t, &t->shelves[partition], number, offset);
    else if (!t->os)
        shelf_set_firm(&t->shelves[partition], offset + 1);
}

void model_save(struct model *m, int topic, int partition, int64_t position)
{
    const struct topic *t = &m->topics[topic];
    struct shelf *shelf = &m->topics[topic].shelves[partition];
    if (t->os && position > shelf->count)
        position = shelf->count; /* he read what was cut off since */
    if (position > shelf->saved)
        shelf->saved = position;
}

int64_t model_saved(const struct model *m, int topic, int partition)
{
    return m->topics[topic].shelves[partition].saved;
}

/* ---- accidents ----------------------------------------------------------- */

static void shelf_cut(struct model *m, const struct topic *topic, struct shelf *shelf)
{
    for (int64_t i = shelf->firm; i < shelf->count; i++)
        if (shelf->at[i] >= 0)
            m->records[shelf->at[i]].offset = -1;
    if (shelf->count > shelf->firm)
        shelf->count = shelf->firm;
    if (topic->os && shelf->saved > shelf->firm)
        shelf->saved = shelf->firm;
}

void model_cut(struct model *m)
{
    for (int t = 0; t < m->topic_count; t++)
        for (int p = 0; p < PARTITIONS_MAX; p++)
            shelf_cut(m, &m->topics[t], &m->topics[t].shelves[p]);
}

void model_repair(struct model *m, int topic, int partition)
{
    shelf_cut(m, &m->topics[topic], &m->topics[topic].shelves[partition]);
}

/* ---- the reckoning ------------------------------------------------------- */

void model_audit(struct model *m)
{
    m->auditing = true;
    for (int t = 0; t < m->topic_count; t++)
        m->topics[t].listed = false;
}

int model_audit_topic(struct model *m, const char *id, const char *name)
{
    int t = model_topic(m, id, name);
    struct topic *topic = &m->topics[t];
    topic->listed = true;
    if (topic->removed)
        model_break(m, "%s (%s) was removed, and is there again", name, id);
    if (strcmp(topic->name, name) != 0 && strcmp(topic->other, name) != 0)
        model_break(m, "%s (%s) is called %s now, and nobody renamed it", topic->name, id, name);
    name_set(topic->name, name);
    name_set(topic->other, "");
    topic->removing = false;
    return t;
}

void model_audit_partition(struct model *m, int topic, int partition)
{
    check(partition < PARTITIONS_MAX);
    m->topics[topic].shelves[partition].next = 0;
    for (int w = 0; w < m->writer_count; w++)
        m->last[w] = -1;
}

void model_audit_end(struct model *m, int topic, int partition, int64_t end, bool firm)
{
    struct topic *t = &m->topics[topic];
    struct shelf *shelf = &t->shelves[partition];
    if (shelf->next != end)
        model_break(m, "%s-%d ends at %" PRId64 ", but reading it ends at %" PRId64, t->name,
                    partition, end, shelf->next);
    if (shelf->next < shelf->count)
        model_break(m,
                    "%s-%d ends at %" PRId64 ", and there were records before %" PRId64
                    " (firm before %" PRId64 ")",
                    t->name, partition, shelf->next, shelf->count, shelf->firm);
    if (shelf->saved > shelf->next)
        model_break(m, "%s-%d ends at %" PRId64 ", and a reader has saved position %" PRId64,
                    t->name, partition, shelf->next, shelf->saved);
    if (firm)
        shelf_set_firm(shelf, shelf->next);
}

void model_audit_epoch(struct model *m, int topic, int partition, int32_t epoch)
{
    struct topic *t = &m->topics[topic];
    struct shelf *shelf = &t->shelves[partition];
    if (epoch < shelf->epoch)
        model_break(m, "%s-%d: its leader epoch was %" PRId32 ", and is %" PRId32, t->name,
                    partition, shelf->epoch, epoch);
    shelf->epoch = epoch;
}

void model_audit_over(struct model *m) { m->auditing = false; }

void model_audited(struct model *m)
{
    for (int t = 0; t < m->topic_count; t++) {
        struct topic *topic = &m->topics[t];
        if (topic->listed)
            continue;
        if (!topic->removing)
            model_break(m, "topic %s (%s) is gone, and nobody removed it", topic->name, topic->id);
        topic->removed = true;
    }
}
