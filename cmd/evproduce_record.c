/* evproduce_record.c - from bytes to records to the producer.
 *
 * The loop over records does no more than read, complete and send; whatever
 * waits or looks at a clock happens between blocks of input. */
#include "evproduce.h"

#include <poll.h>

enum { LINES_AT_ONCE = 256 };

/* The log takes no more: said once, though each call says so from now on. */
int produce_failed(struct produce *p, enum evl_error err)
{
    if (!p->failed)
        (void)say_fault(err); /* and its status: */
    p->failed = true;
    p->unexpected = err == EVL_ERR_CONFLICT;
    return evl_error_exit(err);
}

/* ---- one record ---------------------------------------------------------- */

static bool header_named(const struct evl_record *record, struct evl_bytes name)
{
    for (size_t i = 0; i < record->header_count; i++)
        if (evl_bytes_equal(record->headers[i].name, name))
            return true;
    return false;
}

/* The record's own headers, and those of -H that it lacks. */
static void headers_join(struct produce *p, struct evl_record *record)
{
    const struct evl_header *more = (const struct evl_header *)(const void *)p->headers.at;
    size_t count = p->headers.count / sizeof *more;
    evl_buffer_clear(&p->joined);
    if (record->header_count)
        evl_buffer_add(&p->joined, record->headers, record->header_count * sizeof *more);
    for (size_t i = 0; i < count; i++)
        if (!header_named(record, more[i].name))
            evl_buffer_add(&p->joined, &more[i], sizeof *more);
    record->headers = (const struct evl_header *)(const void *)p->joined.at;
    record->header_count = p->joined.count / sizeof *more;
}

/* What the input says wins over what the options say. */
static inline void record_complete(struct produce *p, struct evl_record *record)
{
    if (!record->key.at)
        record->key = p->key;
    if (p->headers.count)
        headers_join(p, record);
    if (record->timestamp == EVL_NO_TIMESTAMP)
        record->timestamp = p->timestamp;
    if (p->options.tombstone && record->value.count == 0)
        record->value = evl_bytes(NULL, 0);
    if (p->options.partitioner != EVL_PARTITION_INPUT || record->partition < 0)
        record->partition = (int32_t)p->options.partition;
}

/* ---- --rate and --pace --------------------------------------------------- */

/* When this record is due, on the clock that never goes back. */
static int64_t due_ms(struct produce *p, const struct evl_record *record)
{
    int64_t due = 0;
    if (p->rate_records)
        due = p->sent * 1000 / p->rate_records;
    if (p->rate_bytes)
        due = p->sent_bytes * 1000 / p->rate_bytes;
    if (p->pace > 0 && record->timestamp != EVL_NO_TIMESTAMP) {
        if (p->first_timestamp == EVL_NO_TIMESTAMP)
            p->first_timestamp = record->timestamp;
        int64_t paced = (int64_t)((double)(record->timestamp - p->first_timestamp) / p->pace);
        due = paced > due ? paced : due;
    }
    return p->begun_ms + due;
}

/* Let time pass until then, or until a signal asks us to stop. */
static void wait_until(int64_t due)
{
    for (int64_t left = due - tool_clock_ms(); left > 0 && !signals_caught();
         left = due - tool_clock_ms()) {
        struct pollfd bell = { .fd = signals_fd(), .events = POLLIN };
        if (poll(&bell, 1, left > 1000 ? 1000 : (int)left) > 0)
            signals_drain();
    }
}

static int record_await(struct produce *p, const struct evl_record *record)
{
    if (!p->rate_records && !p->rate_bytes && !(p->pace > 0))
        return 0;
    int64_t due = due_ms(p, record);
    if (due <= tool_clock_ms())
        return 0;
    enum evl_error err = evl_producer_push(p->producer);
    if (!err)
        wait_until(due);
    return err ? produce_failed(p, err) : 0;
}

/* ---- bad records --------------------------------------------------------- */

/* One record was refused, by the reader or by the producer: go on, or not. */
static int record_bad(struct produce *p, const char *name, enum evl_error err,
                      struct evl_bytes bytes)
{
    bool tolerated = bytes.count > 0 && p->bad_count < p->bad_max;
    say(tolerated ? SAY_DETAIL : SAY_ERROR, "%s: %s", name, evl_fault());
    if (!tolerated)
        return evl_error_exit(err);
    p->bad_count++;
    struct evl_buffer text = { .at = (uint8_t *)bytes.at, .count = bytes.count };
    if (p->bad_file >= 0 && text_write(p->bad_file, p->options.bad, &text))
        return EXIT_IO;
    return 0;
}

static bool record_refused(enum evl_error err)
{
    return err == EVL_ERR_TOO_LARGE || err == EVL_ERR_USAGE || err == EVL_ERR_RANGE;
}

/* ---- a block of input ---------------------------------------------------- */

int record_send(struct produce *p, const char *name, struct evl_record *record,
                struct evl_bytes bytes)
{
    record_complete(p, record);
    int status = record_await(p, record);
    if (status)
        return status;
    enum evl_error err = evl_producer_send(p->producer, record);
    if (err)
        return record_refused(err) ? record_bad(p, name, err, bytes) : produce_failed(p, err);
    p->sent++;
    p->sent_bytes += (int64_t)(record->key.count + record->value.count);
    if (p->options.tee) {
        evl_buffer_add(&p->sink.bytes, bytes.at, bytes.count);
        return sink_record(&p->sink);
    }
    return 0;
}

/* A batch stays what it is; only its partition may be another one. */
static int batch_send(struct produce *p, const char *name, const struct evl_batch_view *view,
                      struct evl_bytes bytes)
{
    int32_t partition = p->options.partition >= 0 ? (int32_t)p->options.partition : view->partition;
    enum evl_error err = evl_producer_send_batch(p->producer, partition, view->bytes);
    if (err)
        return record_refused(err) ? record_bad(p, name, err, bytes) : produce_failed(p, err);
    p->sent++;
    if (p->options.tee)
        evl_buffer_add(&p->sink.bytes, bytes.at, bytes.count);
    return sink_record(&p->sink);
}

static int next_send(struct produce *p, const char *name, struct evl_bytes input, bool last,
                     size_t *used, bool *got)
{
    struct evl_record record;
    struct evl_batch_view view;
    bool batches = p->form.kind == EVL_FORMAT_BATCH;
    enum evl_error err = batches ? evl_format_read_batch(p->reader, input, last, used, &view, got)
                                 : evl_format_read(p->reader, input, last, used, &record, got);
    struct evl_bytes bytes = evl_bytes(input.at, *used);
    if (err) {
        *got = true; /* there may be more behind the bad one */
        return record_bad(p, name, err, bytes);
    }
    if (!*got)
        return 0;
    return batches ? batch_send(p, name, &view, bytes) : record_send(p, name, &record, bytes);
}

/* Whether records are nothing but lines: the usual case, and the fastest. */
static bool input_is_plain(const struct produce *p)
{
    return p->form.kind == EVL_FORMAT_LINE && !p->options.form.key_delimiter && !p->key.at &&
           p->headers.count == 0 && p->timestamp == EVL_NO_TIMESTAMP && !p->options.tombstone &&
           !p->rate_records && !p->rate_bytes && !(p->pace > 0) && !p->options.tee;
}

static int values_send(struct produce *p, const char *name, const struct evl_bytes *values,
                       size_t count)
{
    int status = 0;
    for (size_t at = 0; at < count && status == 0;) {
        size_t done;
        enum evl_error err = evl_producer_send_values(p->producer, (int32_t)p->options.partition,
                                                      values + at, count - at, &done);
        p->sent += (int64_t)done;
        for (size_t i = at; i < at + done; i++)
            p->sent_bytes += (int64_t)values[i].count;
        at += done;
        if (err)
            status = record_refused(err) ? record_bad(p, name, err, values[at++])
                                         : produce_failed(p, err);
    }
    return status;
}

/* All lines of a block. */
static int lines_send(struct produce *p, const char *name, struct evl_bytes input, bool last,
                      size_t *used)
{
    struct evl_bytes values[LINES_AT_ONCE];
    size_t count = 1;
    int status = 0;
    int64_t room;
    *used = 0;
    while (count > 0 && status == 0 && !signals_caught() && (room = transaction_room(p)) > 0) {
        size_t some, most = room < LINES_AT_ONCE ? (size_t)room : LINES_AT_ONCE;
        enum evl_error err =
            evl_format_read_lines(p->reader, input, last, &some, values, most, &count);
        if (err) {
            status = record_bad(p, name, err, evl_bytes(input.at, some));
            count = 1; /* there may be more behind the bad one */
        } else {
            status = values_send(p, name, values, count);
        }
        input.at += some;
        input.count -= some;
        *used += some;
    }
    return status;
}

int block_send(struct produce *p, const char *name, struct evl_bytes input, bool last, size_t *used)
{
    bool got = true;
    int status = 0;
    *used = 0;
    if (input_is_plain(p))
        return lines_send(p, name, input, last, used);
    while (got && status == 0 && !signals_caught() && transaction_room(p) > 0) {
        size_t one;
        status = next_send(p, name, input, last, &one, &got);
        input.at += one;
        input.count -= one;
        *used += one;
    }
    return status;
}
