/* evconsume_range.c - from topics and positions to ranges of offsets.
 *
 * Every range gets its end now, so that reading ends even while others write;
 * only --follow goes on. */
#include "evconsume.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <evl/producer.h>
#include <evl/text.h>

#include "foreign.h"

/* What the options say about positions. */
struct bounds {
    struct spec since, until;
    struct partition_list list;
};

static int bounds_read(struct consume *c, struct bounds *bounds)
{
    const struct consume_options *o = &c->options;
    struct spec_clock clock = { o->form.utc, tool_now_ms(), EVL_NO_TIMESTAMP };
    int status = spec_read(&bounds->since, "--since", o->since ? o->since : "start", &clock);
    if (status)
        return status;
    clock.since_ms = spec_time(&bounds->since);
    if (o->until && o->until[0] == '-' &&
        strspn(o->until + 1, "0123456789") == strlen(o->until) - 1)
        return say_usage("--until: '%s' counts from the end: write end%s", o->until, o->until);
    if (o->until)
        status = spec_read(&bounds->until, "--until", o->until, &clock);
    if (status == 0 && o->partitions)
        status = partition_list_read(o->partitions, &bounds->list);
    return status;
}

static void bounds_release(struct bounds *bounds)
{
    spec_release(&bounds->since);
    spec_release(&bounds->until);
}

/* ---- one range ----------------------------------------------------------- */

static enum evl_error range_resolve(struct consume *c, const struct range *range,
                                    struct evl_position position, int64_t *offset)
{
    return evl_place_resolve(c->place, range->topic, range->partition, position,
                             (enum evl_isolation)c->options.isolation, offset);
}

/* Where reading ends: what is asked for, but no more than there is now, unless
 * we follow. */
static enum evl_error range_end(struct consume *c, const struct bounds *bounds, struct range *range)
{
    struct evl_position position, end = { EVL_AT_END, 0 };
    enum evl_error err = range_resolve(c, range, end, &range->snapshot);
    range->end = c->options.follow ? -1 : range->snapshot;
    if (err || !spec_position(&bounds->until, range->topic, range->partition, &position))
        return err;
    int64_t until;
    err = range_resolve(c, range, position, &until);
    if (err)
        return err;
    /* A time that has not come yet has no offset: what follows may be before it. */
    bool open = c->options.follow && position.kind == EVL_AT_TIME && until >= range->snapshot;
    if (!open && (range->end < 0 || until < range->end))
        range->end = until;
    return EVL_OK;
}

/* A state's position is right for the topic that it was saved for, and no other
 * of the same name. */
static int range_check_id(const struct consume *c, const struct range *range,
                          const struct state_entry *entry)
{
    if (!entry || !*entry->id || !*range->id || strcmp(entry->id, range->id) == 0)
        return 0;
    say(SAY_ERROR,
        "%s: topic %s was removed and made again since; remove %s to read it from its start",
        c->options.state, range->topic, c->options.state);
    return EXIT_DATA;
}

/* Records between a saved position and the log's start are gone. */
static int range_check_gap(struct consume *c, const struct range *range)
{
    int64_t start;
    enum evl_error err = range_resolve(c, range, (struct evl_position){ EVL_AT_START, 0 }, &start);
    if (err)
        return say_fault(err);
    if (range->first >= start)
        return 0;
    say(SAY_ERROR,
        "%s-%d: the records from %" PRId64 " to %" PRId64 " are gone; the log begins at %" PRId64,
        range->topic, range->partition, range->first, start - 1, start);
    return EXIT_DATA;
}

/* A saved position wins over --since. */
static int range_first(struct consume *c, const struct bounds *bounds, struct range *range,
                       bool *has)
{
    struct evl_position position;
    const struct state_entry *entry = state_find(&c->state, range->topic, range->partition);
    int status = range_check_id(c, range, entry);
    if (status)
        return status;
    *has = entry || spec_position(&bounds->since, range->topic, range->partition, &position);
    if (entry)
        position = (struct evl_position){ EVL_AT_OFFSET, entry->offset };
    if (!*has)
        return 0;
    enum evl_error err = range_resolve(c, range, position, &range->first);
    if (err)
        return say_fault(err);
    return entry || bounds->since.file ? range_check_gap(c, range) : 0;
}

static int range_add(struct consume *c, const struct bounds *bounds, const struct evl_topic *topic,
                     int32_t partition)
{
    struct range range = { .topic = (char *)(void *)topic->name, .partition = partition };
    bool has;
    snprintf(range.id, sizeof range.id, "%s", topic->id);
    int status = range_first(c, bounds, &range, &has);
    if (status || !has)
        return status;
    enum evl_error err = range_end(c, bounds, &range);
    if (err)
        return say_fault(err);
    if (range.end >= 0 && range.end < range.first)
        range.end = range.first; /* an empty range; its position is saved nevertheless */
    range.topic = tool_text(topic->name);
    c->ranges[c->range_count++] = range;
    return 0;
}

/* ---- all of them --------------------------------------------------------- */

static void ranges_grow(struct consume *c, int32_t partitions)
{
    struct range *more = tool_take(c->range_count + (size_t)partitions, sizeof *more);
    if (c->range_count)
        memcpy(more, c->ranges, c->range_count * sizeof *more);
    free(c->ranges);
    c->ranges = more;
}

static int partition_unknown(const struct bounds *bounds, const struct evl_topic *topic)
{
    for (int i = 0; i < bounds->list.count; i++)
        if (bounds->list.at[i].last >= topic->partitions) {
            say(SAY_ERROR, "%s has no partition %d; it has %d, from 0", topic->name,
                bounds->list.at[i].last, topic->partitions);
            return EXIT_NO_INPUT;
        }
    return 0;
}

/* In a directory that Kafka wrote a partition may be another broker's. */
static bool partition_is_here(struct consume *c, const struct evl_topic *topic, int32_t partition,
                              struct evl_buffer *missing)
{
    struct evl_partition facts;
    if (!evl_place_is_foreign(c->place) ||
        evl_admin_partition(c->place, topic->name, partition, &facts))
        return true; /* who reads it says what is wrong */
    foreign_hidden(topic->name, &facts);
    if (facts.missing)
        text_print(missing, "%s%d", missing->count ? "," : "", partition);
    return !facts.missing;
}

/* All partitions that are wanted.  One that is asked for has to be here. */
static int partitions_add(struct consume *c, const struct bounds *bounds,
                          const struct evl_topic *topic, int32_t only)
{
    struct evl_buffer missing = { 0 };
    bool asked = bounds->list.count > 0 || only >= 0;
    int status = 0;
    for (int32_t i = 0; i < topic->partitions && status == 0; i++) {
        if (!partition_list_has(&bounds->list, i) || (only >= 0 && only != i))
            continue;
        if (partition_is_here(c, topic, i, &missing) || asked)
            status = range_add(c, bounds, topic, i);
    }
    if (!asked)
        foreign_missing(topic->name, &missing);
    evl_buffer_release(&missing);
    return status;
}

static int topic_add(struct consume *c, const struct bounds *bounds, const char *name)
{
    struct evl_topic topic;
    enum evl_error err = evl_admin_topic(c->place, name, &topic);
    if (err)
        return say_fault(err);
    int status = partition_unknown(bounds, &topic);
    ranges_grow(c, topic.partitions);
    int32_t only = -1; /* a key is in one partition */
    if (c->options.key)
        only = evl_partition_of(EVL_PARTITION_MURMUR2, c->key, topic.partitions);
    return status ? status : partitions_add(c, bounds, &topic, only);
}

static bool named_before(const struct words *topics, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (strcmp(topics->at[j], topics->at[i]) == 0)
            return true;
    return false;
}

int ranges_find(struct consume *c, const struct words *operands)
{
    struct bounds bounds = { .list = { .count = 0 } };
    struct words topics = { 0 };
    int status = bounds_read(c, &bounds);
    if (status == 0)
        status = targets_find(c->place, operands, c->options.regex, false, &topics);
    for (size_t i = 0; i < topics.count && status == 0; i++)
        if (!named_before(&topics, i))
            status = topic_add(c, &bounds, topics.at[i]);
    words_release(&topics);
    bounds_release(&bounds);
    return status;
}

void ranges_release(struct consume *c)
{
    for (size_t i = 0; i < c->range_count; i++)
        free(c->ranges[i].topic);
    free(c->ranges);
    c->ranges = NULL;
    c->range_count = 0;
}

struct range *range_find(struct consume *c, struct evl_bytes topic, int32_t partition)
{
    for (size_t i = 0; i < c->range_count; i++) {
        size_t at = (c->range_next + i) % c->range_count;
        struct range *range = &c->ranges[at];
        if (range->partition != partition || !evl_bytes_equal(evl_text(range->topic), topic))
            continue;
        c->range_next = at;
        return range;
    }
    return NULL;
}

int ranges_open(struct consume *c, bool follow, bool merge, struct evl_consumer **consumer)
{
    struct evl_consumer_options options = { .isolation = (enum evl_isolation)c->options.isolation,
                                            .control = c->options.control,
                                            .follow = follow,
                                            .merge = merge };
    enum evl_error err = evl_consumer_open(c->place, &options, consumer);
    for (size_t i = 0; i < c->range_count && !err; i++) {
        const struct range *range = &c->ranges[i];
        int64_t end = follow || range->end >= 0 ? range->end : range->snapshot;
        err = evl_consumer_add(*consumer, range->topic, range->partition, range->first, end);
    }
    return err ? say_fault(err) : 0;
}
