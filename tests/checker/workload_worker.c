/* workload_worker.c - one process, and its journal. */
#include "checker/workload.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <evl/admin.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "checker/chance.h"
#include "checker/events.h"
#include "place/place.h"

const char *const workload_topics[TOPICS] = { "a", "b" };
const struct workload_key workload_keys[KEYS] = {
    { 0, 0, "a-0" }, { 0, 1, "a-1" }, { 0, 2, "a-2" }, { 1, 0, "b-0" }, { 1, 1, "b-1" },
};

/* What a process does, and how often: rows are chosen by their weight. */
static const struct {
    enum evl_error (*run)(struct worker *w);
    unsigned weight;
} worker_actions[] = {
    { worker_send, 30 },   { worker_send_numbered, 20 }, { worker_transact, 20 },
    { worker_poll, 30 },   { worker_assign, 1 },         { worker_subscribe, 3 },
    { worker_commit, 10 },
};

int64_t workload_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- the journal ---------------------------------------------------------- */

static void worker_write(struct worker *w)
{
    event_end(&w->line);
    check(write(w->journal, w->line.at, w->line.count) == (ssize_t)w->line.count);
}

/* What was polled, if that is known yet. */
static void worker_line_polls(struct worker *w)
{
    event_poll_begin(&w->line);
    for (int key = 0; w->now.has_polled && key < KEYS; key++) {
        struct evl_bytes of_key = buf_bytes(&w->now.polled[key]);
        const struct polled *polled = (const struct polled *)(const void *)of_key.at;
        if (!w->assigned[key] || (w->now.is_full && of_key.count == 0))
            continue;
        event_poll_key(&w->line, workload_keys[key].name);
        for (size_t i = 0; i < of_key.count / sizeof *polled; i++)
            event_poll_record(&w->line, polled[i].offset, polled[i].value);
    }
    event_poll_end(&w->line);
}

static void worker_line_rebalanced(struct worker *w)
{
    event_rebalance(&w->line);
    for (int key = 0; key < KEYS; key++)
        if (w->now.rebalanced[key])
            event_key(&w->line, workload_keys[key].name);
}

static void worker_line(struct worker *w, const char *type, bool is_done)
{
    struct operation *now = &w->now;
    int64_t time = is_done ? workload_now() : now->began;
    if (now->group)
        event_begin_member(&w->line, time, w->number, type, now->group);
    else
        event_begin(&w->line, time, w->number, type, now->f);
    if (now->polls)
        worker_line_polls(w);
    for (int key = 0; now->commits && key < KEYS; key++)
        if (w->assigned[key])
            event_commit(&w->line, workload_keys[key].name, now->positions[key]);
    for (int i = 0; i < now->send_count; i++)
        event_send(&w->line, workload_keys[now->sends[i].key].name,
                   is_done ? now->sends[i].offset : -1, now->sends[i].value);
    if (is_done)
        worker_line_rebalanced(w);
    worker_write(w);
}

void worker_begin(struct worker *w, const char *f)
{
    struct operation *now = &w->now;
    now->f = f;
    now->group = NULL;
    now->began = workload_now();
    now->polls = now->has_polled = now->commits = now->is_full = false;
    now->send_count = 0;
    for (int key = 0; key < KEYS; key++) {
        buf_clear(&now->polled[key]);
        now->rebalanced[key] = w->moved[key];
        w->moved[key] = false;
    }
}

struct sending *worker_send_to(struct worker *w, int key)
{
    check(w->now.send_count < SENDS_MAX);
    struct sending *s = &w->now.sends[w->now.send_count++];
    *s = (struct sending){ key, w->number << 40 | ++w->values, -1 };
    return s;
}

void worker_invoke(struct worker *w) { worker_line(w, "invoke", false); }

void worker_complete(struct worker *w, const char *type) { worker_line(w, type, true); }

/* ---- its life ------------------------------------------------------------- */

static enum evl_error worker_open(struct worker *w, const struct workload_options *o,
                                  int64_t number)
{
    char path[PATH_MAX];
    *w = (struct worker){
        .o = o, .number = number, .seed = o->seed + (uint64_t)number * 0x100000001b3u, .journal = -1
    };
    struct evl_place_options place = { .dir = o->data };
    snprintf(path, sizeof path, "%s/%" PRId64, o->journals, number);
    w->journal = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (w->journal < 0)
        return fail(EVL_ERR_IO, "%s cannot be made", path);
    return evl_place_open(&place, &w->place);
}

static void worker_close(struct worker *w)
{
    worker_close_transaction(w);
    worker_close_senders(w);
    worker_leave(w);
    worker_close_consumer(w);
    evl_place_close(w->place);
    for (int key = 0; key < KEYS; key++)
        buf_release(&w->now.polled[key]);
    buf_release(&w->line);
    if (w->journal >= 0)
        close(w->journal);
}

static enum evl_error worker_act(struct worker *w)
{
    enum { COUNT = sizeof worker_actions / sizeof worker_actions[0] };
    uint64_t sum = 0;
    for (int i = 0; i < COUNT; i++)
        sum += worker_actions[i].weight;
    uint64_t dice = chance_below(&w->seed, sum);
    int i = 0;
    for (; dice >= worker_actions[i].weight; i++)
        dice -= worker_actions[i].weight;
    return worker_actions[i].run(w);
}

enum evl_error workload_work(const struct workload_options *o, int64_t number, int64_t slot,
                             int64_t deadline)
{
    struct worker w;
    enum evl_error err = worker_open(&w, o, number);
    w.slot = slot;
    if (!err)
        err = chance_toss(&w.seed, 50) ? worker_assign(&w) : worker_subscribe(&w);
    while (!err && workload_now() < deadline) {
        err = worker_look_around(&w);
        if (!err)
            err = worker_act(&w);
    }
    worker_close(&w);
    return err;
}

static enum evl_error work_once(const struct workload_options *o, int64_t number,
                                enum evl_error (*work)(struct worker *w))
{
    struct worker w;
    enum evl_error err = worker_open(&w, o, number);
    if (!err)
        err = work(&w);
    worker_close(&w);
    return err;
}

enum evl_error workload_drain(const struct workload_options *o, int64_t number)
{
    return work_once(o, number, worker_drain);
}

enum evl_error workload_read_all(const struct workload_options *o, int64_t number)
{
    return work_once(o, number, worker_poll_all);
}

enum evl_error workload_set_up(const struct workload_options *o)
{
    static const struct evl_change settings[] = { { EVL_SET, "segment.bytes", "1M" } };
    struct evl_place_options options = { .dir = o->data, .create = true };
    struct evl_place *place;
    enum evl_error err = evl_place_open(&options, &place);
    if (err)
        return err;
    for (int topic = 0; topic < TOPICS && !err; topic++) {
        int32_t partitions = 0;
        for (int key = 0; key < KEYS; key++)
            partitions += workload_keys[key].topic == topic;
        err = evl_admin_create(place, workload_topics[topic], partitions, settings, 1, false);
    }
    evl_place_close(place);
    return err;
}
