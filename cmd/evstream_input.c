/* evstream_input.c - our partitions, and batches of their records.
 *
 * Partitions come and go between two batches, when everything read is committed:
 * who gets one begins behind what we have done. */
#include "evstream.h"

#include <stdlib.h>

enum {
    BATCH_RECORDS = 10000, /* unless --batch says more */
    BATCH_MS = 1000,
    BATCH_BYTES_MAX = 64 << 20,
    GLANCE_MS = 50,
    PATIENCE_MS = 1000, /* for a first partition, which others have yet to give back */
    SETTLE_MS = 10000,  /* for a transaction of another one's, which is being ended */
};

int input_open(struct stream *s)
{
    struct spec_clock clock = { false, tool_now_ms(), EVL_NO_TIMESTAMP };
    struct evl_consumer_options options = { .isolation = EVL_COMMITTED,
                                            .follow = s->options.follow };
    struct evl_member_options member = { .group = s->options.group,
                                         .instance = s->options.instance,
                                         .topics = (const char *const *)s->options.from.at,
                                         .topic_count = s->options.from.count };
    int status =
        spec_read(&s->since, "--since", s->options.since ? s->options.since : "start", &clock);
    if (status)
        return status;
    if (!s->options.batch)
        s->limit = (struct batch_limit){ .count = BATCH_RECORDS, .ms = BATCH_MS };
    s->opened_ms = tool_clock_ms();
    enum evl_error err = evl_consumer_open(s->place, &options, &s->consumer);
    if (!err)
        err = evl_member_open(s->place, &member, &s->member);
    return err ? say_fault(err) : 0;
}

void load_clear(struct load *load)
{
    evl_buffer_clear(&load->bytes);
    for (size_t i = 0; i < load->count && load->kept; i++)
        free(load->kept[i]);
    load->count = 0;
}

void input_close(struct stream *s)
{
    evl_consumer_close(s->consumer);
    evl_member_close(s->member);
    load_clear(&s->load);
    free(s->load.kept);
    evl_buffer_release(&s->load.bytes);
    for (size_t i = 0; i < s->part_count; i++)
        free(s->parts[i].topic);
    free(s->parts);
    spec_release(&s->since);
}

/* ---- partitions ---------------------------------------------------------- */

static struct part *part_find(struct stream *s, struct evl_bytes topic, int32_t partition)
{
    for (size_t i = 0; i < s->part_count; i++) {
        struct part *part = &s->parts[i];
        if (part->partition == partition && evl_bytes_equal(evl_text(part->topic), topic))
            return part;
    }
    return NULL;
}

/* Another one's transaction may have the position pending, and be about to end. */
static enum evl_error committed_find(struct stream *s, const struct evl_lease *lease,
                                     int64_t *committed)
{
    int64_t until = tool_clock_ms() + SETTLE_MS;
    enum evl_error err;
    bool more;
    while ((err = evl_member_committed(s->member, lease->topic, lease->partition, committed)) ==
               EVL_ERR_BUSY &&
           tool_clock_ms() < until && !signals_caught())
        if (evl_consumer_wait(s->consumer, GLANCE_MS, &more))
            break;
    return err;
}

static enum evl_error part_begin(struct stream *s, const struct evl_lease *lease, int64_t *first)
{
    struct evl_position position;
    if (*first >= 0)
        return EVL_OK;
    if (!spec_position(&s->since, lease->topic, lease->partition, &position))
        position = (struct evl_position){ EVL_AT_START, 0 };
    return evl_place_resolve(s->place, lease->topic, lease->partition, position, EVL_COMMITTED,
                             first);
}

static int part_gain(struct stream *s, const struct evl_lease *lease)
{
    int64_t committed = -1;
    enum evl_error err = committed_find(s, lease, &committed);
    int64_t first = committed;
    if (!err)
        err = part_begin(s, lease, &first);
    if (!err)
        err = evl_consumer_add(s->consumer, lease->topic, lease->partition, first, -1);
    if (err)
        return say_fault(err);
    struct part *more = tool_take(s->part_count + 1, sizeof *more);
    if (s->part_count)
        memcpy(more, s->parts, s->part_count * sizeof *more);
    free(s->parts);
    s->parts = more;
    s->parts[s->part_count++] =
        (struct part){ tool_text(lease->topic), lease->partition, committed, false };
    s->begun = true;
    say(SAY_DETAIL, "%s-%d is ours, from %lld on", lease->topic, lease->partition,
        (long long)first);
    return 0;
}

static void part_drop(struct stream *s, struct part *part)
{
    evl_consumer_remove(s->consumer, part->topic, part->partition);
    free(part->topic);
    *part = s->parts[--s->part_count];
}

static int part_give(struct stream *s, const struct evl_lease *lease)
{
    struct part *part = part_find(s, evl_text(lease->topic), lease->partition);
    if (part)
        part_drop(s, part);
    enum evl_error err = evl_member_release(s->member, lease->topic, lease->partition);
    return err ? say_fault(err) : 0;
}

int input_turn(struct stream *s)
{
    struct evl_member_news news;
    int status = 0;
    enum evl_error err = evl_member_poll(s->member, &news);
    if (err)
        return say_fault(err);
    for (size_t i = 0; i < news.asked_count && status == 0; i++)
        status = part_give(s, &news.asked[i]);
    for (size_t i = 0; i < news.gained_count && status == 0; i++)
        status = part_gain(s, &news.gained[i]);
    return status;
}

/* ---- a batch ------------------------------------------------------------- */

static bool load_is_full(const struct stream *s)
{
    const struct load *load = &s->load;
    int64_t bytes = s->limit.bytes ? s->limit.bytes : BATCH_BYTES_MAX;
    return (s->limit.count && (int64_t)load->count >= s->limit.count) ||
           (int64_t)load->bytes.count >= bytes ||
           (load->count && s->limit.ms && tool_clock_ms() - load->begun_ms >= s->limit.ms);
}

static void load_keep(struct load *load, const struct evl_record *record)
{
    if (load->count == load->room) {
        struct kept **before = load->kept;
        load->room = load->room ? 2 * load->room : 256;
        load->kept = tool_take(load->room, sizeof(struct kept *));
        if (before)
            memcpy(load->kept, before, load->count * sizeof(struct kept *));
        free(before);
    }
    load->kept[load->count] = record_keep(record);
}

static int load_add(struct stream *s, const struct evl_record *record)
{
    struct load *load = &s->load;
    struct part *part = part_find(s, record->topic, record->partition);
    enum evl_error err = evl_format_write(s->writer, record, &load->bytes);
    if (err)
        return say_fault(err);
    if (s->keeps)
        load_keep(load, record);
    if (load->count++ == 0)
        load->begun_ms = tool_clock_ms();
    part->touched = true;
    return 0;
}

/* Others may have what we have not seen yet, or be about to give it to us. */
static bool input_goes_on(const struct stream *s)
{
    return !s->begun && tool_clock_ms() - s->opened_ms < PATIENCE_MS;
}

/* Nothing is there now: a batch that was begun goes when its time is over. */
static int input_wait(struct stream *s, int64_t *idle_ms)
{
    int64_t ms = GLANCE_MS;
    bool more;
    if (s->load.count) {
        int64_t left = s->load.begun_ms + s->limit.ms - tool_clock_ms();
        ms = left < ms ? left : ms;
    }
    if (ms <= 0)
        return 0;
    enum evl_error err = evl_consumer_wait(s->consumer, ms, &more);
    *idle_ms = err || more ? 0 : *idle_ms + ms;
    return err ? say_fault(err) : 0;
}

int input_gather(struct stream *s, bool *ends)
{
    struct evl_record record;
    enum evl_next what = EVL_NEXT_RECORD;
    int64_t idle_ms = 0;
    int status = 0;
    *ends = false;
    load_clear(&s->load);
    while (status == 0 && !signals_caught() && !load_is_full(s)) {
        enum evl_error err = evl_consumer_next(s->consumer, &record, &what);
        if (err)
            return say_fault(err);
        if (what == EVL_NEXT_RECORD) {
            status = load_add(s, &record);
            continue;
        }
        bool last = what == EVL_NEXT_END && !s->options.follow && !input_goes_on(s);
        if (last || s->load.count == 0 || !s->limit.ms) {
            *ends = last && s->load.count == 0;
            if (!last && s->load.count == 0)
                status = input_wait(s, &idle_ms);
            break;
        }
        status = input_wait(s, &idle_ms);
    }
    if (s->load.count)
        evl_format_write_end(s->writer, &s->load.bytes);
    return status;
}
