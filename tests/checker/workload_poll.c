/* workload_poll.c - values out of the log. */
#include "checker/workload.h"

#include <stdlib.h>

#include "base/check.h"
#include "checker/chance.h"

enum { NEAR_END = 100 };

static const char *topic_of(int key) { return workload_topics[workload_keys[key].topic]; }

void worker_close_consumer(struct worker *w)
{
    evl_consumer_close(w->consumer);
    w->consumer = NULL;
}

/* ---- assigning ------------------------------------------------------------- */

enum evl_error worker_rewind(struct worker *w)
{
    struct evl_consumer_options o = { .isolation = EVL_COMMITTED, .follow = true };
    worker_close_consumer(w);
    enum evl_error err = evl_consumer_open(w->place, &o, &w->consumer);
    for (int key = 0; key < KEYS && !err; key++)
        if (w->assigned[key])
            err = evl_consumer_add(w->consumer, topic_of(key), workload_keys[key].partition,
                                   w->positions[key], -1);
    return err;
}

/* At the start, at the end, or a bit before it. */
static enum evl_error choose_position(struct worker *w, int key)
{
    struct evl_position at = { .kind = chance_toss(&w->seed, 10) ? EVL_AT_START : EVL_AT_END };
    if (at.kind == EVL_AT_END)
        at.number = (int64_t)chance_below(&w->seed, NEAR_END);
    return evl_place_resolve(w->place, topic_of(key), workload_keys[key].partition, at,
                             EVL_COMMITTED, &w->positions[key]);
}

/* The keys that are assigned are read from their positions on. */
static enum evl_error worker_assigned(struct worker *w)
{
    worker_begin(w, "assign");
    worker_invoke(w);
    enum evl_error err = worker_rewind(w);
    if (!err)
        worker_complete(w, "ok");
    return err;
}

enum evl_error worker_assign(struct worker *w)
{
    int first = (int)chance_below(&w->seed, KEYS);
    enum evl_error err = EVL_OK;
    worker_leave(w);
    for (int key = 0; key < KEYS && !err; key++) {
        w->assigned[key] = key == first || chance_toss(&w->seed, 50);
        if (w->assigned[key])
            err = choose_position(w, key);
    }
    return err ? err : worker_assigned(w);
}

/* ---- polling --------------------------------------------------------------- */

static int key_of(const struct evl_record *record)
{
    int key = 0;
    while (workload_keys[key].partition != record->partition ||
           !evl_bytes_equal(evl_text(topic_of(key)), record->topic))
        check(++key < KEYS);
    return key;
}

static void worker_take(struct worker *w, const struct evl_record *record)
{
    char text[32];
    size_t count = record->value.count < sizeof text ? record->value.count : sizeof text - 1;
    memcpy(text, record->value.at, count);
    text[count] = '\0';
    struct polled polled = { record->offset, strtoll(text, NULL, 10) };
    buf_add(&w->now.polled[key_of(record)], &polled, sizeof polled);
}

enum evl_error worker_fetch(struct worker *w, int most)
{
    struct evl_record record;
    enum evl_next what = EVL_NEXT_RECORD;
    enum evl_error err = EVL_OK;
    w->now.polls = true;
    for (int i = 0; i < most && !err && what == EVL_NEXT_RECORD; i++) {
        err = evl_consumer_next(w->consumer, &record, &what);
        if (!err && what == EVL_NEXT_RECORD)
            worker_take(w, &record);
    }
    w->now.is_full = what == EVL_NEXT_RECORD;
    w->now.has_polled = true;
    for (int key = 0; key < KEYS; key++)
        if (w->assigned[key])
            w->now.positions[key] =
                evl_consumer_position(w->consumer, topic_of(key), workload_keys[key].partition);
    return err;
}

void worker_keep(struct worker *w)
{
    for (int key = 0; key < KEYS; key++)
        if (w->assigned[key])
            w->positions[key] = w->now.positions[key];
}

static enum evl_error poll_up_to(struct worker *w, int most)
{
    worker_begin(w, "poll");
    w->now.polls = true;
    worker_invoke(w);
    enum evl_error err = worker_fetch(w, most);
    if (err)
        return err;
    worker_complete(w, "ok");
    worker_keep(w);
    return EVL_OK;
}

enum evl_error worker_poll(struct worker *w)
{
    return worker_is_exact(w) ? worker_transact(w)
                              : poll_up_to(w, w->is_draining ? FINAL_POLL_MAX : POLL_MAX);
}

/* From the start, to where nothing more comes: nobody else is left. */
enum evl_error worker_poll_all(struct worker *w)
{
    for (int key = 0; key < KEYS; key++) {
        w->assigned[key] = true;
        w->positions[key] = 0;
    }
    enum evl_error err = worker_assigned(w);
    bool more = true;
    while (more && !err) {
        err = poll_up_to(w, FINAL_POLL_MAX);
        more = false;
        for (int key = 0; key < KEYS; key++)
            more = more || w->now.polled[key].count > 0;
    }
    return err;
}
