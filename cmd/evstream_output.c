/* evstream_output.c - what FILTER answered, and the positions behind what it was
 * asked, in one transaction. */
#include "evstream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <evl/producer.h>

#include "letter.h"

enum { OWNERS_MAX = 1000 };

/* ---- opening ------------------------------------------------------------- */

/* The first number that no other process of this stream has: who is killed leaves
 * a transaction to his successor, and not one more id for ever. */
int output_open(struct stream *s)
{
    enum evl_error err = EVL_ERR_BUSY;
    for (int i = 0; i < OWNERS_MAX && err == EVL_ERR_BUSY; i++) {
        struct evl_buffer id = { 0 };
        text_print(&id, "evstream-%s-%d", s->options.group, i);
        struct evl_transaction_options options = { .id = text_end(&id) };
        err = evl_transaction_open(s->place, &options, &s->transaction);
        evl_buffer_release(&id);
    }
    return err ? say_fault(err) : 0;
}

void output_close(struct stream *s)
{
    for (size_t i = 0; i < s->outlet_count; i++) {
        evl_producer_close(s->outlets[i].producer);
        free(s->outlets[i].topic);
    }
    free(s->outlets);
    evl_transaction_close(s->transaction);
}

static enum evl_error outlet_open(struct stream *s, const char *topic,
                                  struct evl_producer **producer)
{
    bool created = false;
    struct evl_producer_options options = {
        .topic = topic, .create = true, .created = &created, .transaction = s->transaction
    };
    enum evl_error err = evl_producer_open(s->place, &options, producer);
    if (err)
        return err;
    if (created)
        say(SAY_NOTICE, "created topic %s", topic);
    struct outlet *more = tool_take(s->outlet_count + 1, sizeof *more);
    if (s->outlet_count)
        memcpy(more, s->outlets, s->outlet_count * sizeof *more);
    free(s->outlets);
    s->outlets = more;
    s->outlets[s->outlet_count++] = (struct outlet){ tool_text(topic), *producer };
    return EVL_OK;
}

static enum evl_error outlet_find(struct stream *s, struct evl_bytes topic,
                                  struct evl_producer **producer)
{
    for (size_t i = 0; i < s->outlet_count; i++)
        if (evl_bytes_equal(evl_text(s->outlets[i].topic), topic)) {
            *producer = s->outlets[i].producer;
            return EVL_OK;
        }
    struct evl_buffer name = { 0 };
    evl_buffer_add(&name, topic.at, topic.count);
    enum evl_error err = outlet_open(s, text_end(&name), producer);
    evl_buffer_release(&name);
    return err;
}

/* ---- the answer ---------------------------------------------------------- */

static bool is_from(const struct stream *s, struct evl_bytes topic)
{
    for (size_t i = 0; i < s->options.from.count; i++)
        if (evl_bytes_equal(evl_text(s->options.from.at[i]), topic))
            return true;
    return false;
}

/* --keep: from the record that it answers. */
static void record_join(const struct stream *s, struct evl_record *record, size_t number)
{
    if (!s->options.keep || number >= s->load.count)
        return;
    const struct evl_record *asked = &s->load.kept[number]->record;
    if (s->keep.key)
        record->key = asked->key;
    if (s->keep.timestamp)
        record->timestamp = asked->timestamp;
    if (s->keep.partition)
        record->partition = asked->partition;
    if (s->keep.headers) {
        record->headers = asked->headers;
        record->header_count = asked->header_count;
    }
}

static int answer_refuse(struct stream *s, bool *malformed, const char *why)
{
    *malformed = true;
    evl_buffer_clear(&s->error);
    text_print(&s->error, "its output: %s", why);
    return EXIT_DATA;
}

/* One record of it goes out. */
static int answer_send(struct stream *s, struct evl_record *record, size_t number, bool *malformed)
{
    struct evl_producer *producer;
    if (!record->topic.at)
        record->topic = evl_text(s->options.to);
    if (is_from(s, record->topic))
        return answer_refuse(s, malformed,
                             "a record names a topic that is read: it would go round for ever; "
                             "leave the topic out");
    if (!s->keep.partition)
        record->partition = -1;
    record_join(s, record, number);
    enum evl_error err = outlet_find(s, record->topic, &producer);
    if (!err)
        err = evl_producer_send(producer, record);
    if (err == EVL_ERR_USAGE || err == EVL_ERR_TOO_LARGE || err == EVL_ERR_RANGE)
        return answer_refuse(s, malformed, evl_fault());
    return err ? say_fault(err) : 0;
}

static int answer_send_all(struct stream *s, bool *malformed)
{
    struct evl_bytes left = evl_buffer_bytes(&s->answer);
    int64_t sent = 0;
    int status = 0;
    evl_format_reader_restart(s->reader);
    for (bool got = true; got && status == 0;) {
        struct evl_record record;
        size_t used;
        enum evl_error err = evl_format_read(s->reader, left, true, &used, &record, &got);
        if (err)
            return answer_refuse(s, malformed, evl_fault());
        if (got)
            status = answer_send(s, &record, (size_t)sent++, malformed);
        left = evl_bytes(left.at + used, left.count - used);
    }
    if (status == 0)
        s->written += sent;
    return status;
}

/* ---- the transaction ----------------------------------------------------- */

/* Behind the last record of each partition that the load has some of. */
static enum evl_error positions_add(struct stream *s)
{
    struct evl_position_commit *at = tool_take(s->part_count + 1, sizeof *at);
    size_t count = 0;
    for (size_t i = 0; i < s->part_count; i++) {
        const struct part *part = &s->parts[i];
        if (part->touched)
            at[count++] = (struct evl_position_commit){
                part->topic, part->partition,
                evl_consumer_position(s->consumer, part->topic, part->partition), -1, NULL
            };
    }
    enum evl_error err = evl_transaction_positions(s->transaction, s->options.group, at, count);
    free(at);
    return err;
}

static int transaction_end(struct stream *s, int status)
{
    enum evl_error err = EVL_OK;
    if (status == 0)
        err = positions_add(s);
    if (status == 0 && !err)
        err = evl_transaction_commit(s->transaction);
    if (status == 0 && !err) {
        for (size_t i = 0; i < s->part_count; i++)
            s->parts[i].touched = false;
        s->records += (int64_t)s->load.count;
        s->batches++;
        return 0;
    }
    if (err)
        status = say_fault(err);
    if (evl_transaction_abort(s->transaction) && !err)
        status = say_fault(EVL_ERR_IO);
    return status;
}

int output_commit(struct stream *s, bool *malformed)
{
    *malformed = false;
    return transaction_end(s, answer_send_all(s, malformed));
}

int output_skip(struct stream *s) { return transaction_end(s, 0); }

int output_divert(struct stream *s, int64_t attempts)
{
    struct evl_producer *producer;
    enum evl_error err = outlet_find(s, evl_text(s->on_error.letters), &producer);
    for (size_t i = 0; i < s->load.count && !err; i++) {
        struct letter letter = { &s->load.kept[i]->record, text_end(&s->error), attempts };
        err = letter_send(producer, &letter);
    }
    return transaction_end(s, err ? say_fault(err) : 0);
}
