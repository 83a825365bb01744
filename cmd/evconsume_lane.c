/* evconsume_lane.c - batches, their queue, and what a command is told of them.
 *
 * Owns the variables EV_TOPIC, EV_PARTITION, EV_OFFSET, EV_TIMESTAMP, EV_KEY,
 * EV_COUNT and EV_ATTEMPT of our environment, which a command inherits when it
 * is started. */
#include "evconsume_lane.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Linux lets a variable be 128 KiB long; a longer key would keep every command
 * from starting. */
enum { KEY_BYTES_MAX = (128 << 10) - 16 };

/* ---- a batch ------------------------------------------------------------- */

static struct batch *batch_make(const struct range *range, const struct evl_record *record)
{
    struct batch *batch = tool_take(1, sizeof *batch);
    batch->begun_ms = tool_clock_ms();
    batch->head.topic = range->topic;
    batch->head.partition = record->partition;
    batch->head.offset = record->offset;
    batch->head.timestamp = record->timestamp;
    batch->head.has_key = record->key.at && record->key.count < KEY_BYTES_MAX &&
                          !memchr(record->key.at, '\0', record->key.count);
    if (batch->head.has_key)
        evl_buffer_add(&batch->head.key, record->key.at, record->key.count);
    return batch;
}

static void batch_destroy(struct batch *batch)
{
    evl_buffer_release(&batch->bytes);
    evl_buffer_release(&batch->head.key);
    for (size_t i = 0; i < batch->count; i++)
        free(batch->records[i].kept);
    free(batch->records);
    free(batch);
}

static void batch_enter(struct batch *batch, struct given given)
{
    if (batch->count == batch->room) {
        size_t room = batch->room ? 2 * batch->room : 4;
        struct given *records = tool_take(room, sizeof *records);
        if (batch->count)
            memcpy(records, batch->records, batch->count * sizeof *records);
        free(batch->records);
        batch->records = records;
        batch->room = room;
    }
    batch->records[batch->count++] = given;
}

/* ---- the queue ----------------------------------------------------------- */

static void lane_push(struct lane *lane, struct batch *batch)
{
    if (lane->last)
        lane->last->next = batch;
    else
        lane->first = batch;
    lane->last = batch;
    lane->batches++;
}

int lane_give(struct lane *lane, const struct range *range, const struct evl_record *record,
              struct given given)
{
    if (!lane_batch(lane))
        lane_push(lane, batch_make(range, record));
    struct batch *batch = lane->last;
    size_t before = batch->bytes.count;
    enum evl_error err = evl_format_write(lane->writer, record, &batch->bytes);
    if (err)
        return say_fault(err);
    batch_enter(batch, given);
    lane->bytes += batch->bytes.count - before;
    return 0;
}

void lane_close_batch(struct lane *lane)
{
    struct batch *batch = lane_batch(lane);
    if (!batch)
        return;
    size_t before = batch->bytes.count;
    evl_format_write_end(lane->writer, &batch->bytes);
    lane->bytes += batch->bytes.count - before;
    batch->closed = true;
}

void lane_pop(struct lane *lane)
{
    struct batch *batch = lane->first;
    lane->first = batch->next;
    if (!lane->first)
        lane->last = NULL;
    lane->batches--;
    lane->bytes -= batch->bytes.count;
    lane->again_ms = 0;
    free(lane->error);
    lane->error = NULL;
    batch_destroy(batch);
}

void lane_release(struct lane *lane)
{
    while (lane->first)
        lane_pop(lane);
    evl_format_writer_close(lane->writer);
}

/* ---- running it ---------------------------------------------------------- */

enum { TOPIC, PARTITION, OFFSET, TIMESTAMP, KEY, COUNT, ATTEMPT, VARIABLES };

static const char *const names[VARIABLES] = {
    [TOPIC] = "EV_TOPIC",     [PARTITION] = "EV_PARTITION",
    [OFFSET] = "EV_OFFSET",   [TIMESTAMP] = "EV_TIMESTAMP",
    [KEY] = "EV_KEY",         [COUNT] = "EV_COUNT",
    [ATTEMPT] = "EV_ATTEMPT",
};

/* Their texts, which the environment borrows. */
static struct evl_buffer texts[VARIABLES];

static void variable_set(int which, const char *value)
{
    command_variable(&texts[which], names[which], value);
}

static void variable_number(int which, int64_t number)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, number);
    variable_set(which, number == EVL_NO_TIMESTAMP ? NULL : text);
}

int lane_start(struct lane *lane, char *const *argv)
{
    struct batch *batch = lane->first;
    batch->attempts++;
    variable_set(TOPIC, batch->head.topic);
    variable_number(PARTITION, batch->head.partition);
    variable_number(OFFSET, batch->head.offset);
    variable_number(TIMESTAMP, batch->head.timestamp);
    variable_set(KEY, batch->head.has_key ? text_end(&batch->head.key) : NULL);
    variable_number(COUNT, (int64_t)batch->count);
    variable_number(ATTEMPT, batch->attempts);
    return command_start(&lane->command, argv, evl_buffer_bytes(&batch->bytes));
}

void variables_release(void)
{
    for (int i = 0; i < VARIABLES; i++)
        variable_set(i, NULL);
}
