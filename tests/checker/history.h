/* history.h - what processes did to a log, and what it told them.
 *
 * One JSON object a line, in the order of time:
 *
 *     {"i":7,"t":1200,"p":3,"type":"invoke","f":"txn",
 *      "v":[["poll",{}],["send","t-0",[null,5]]]}
 *     {"i":9,"t":1900,"p":3,"type":"ok","f":"txn",
 *      "v":[["poll",{"t-1":[[4,2]]}],["send","t-0",[17,5]]],"rebalance":["t-1"]}
 *
 *   i          the event's number: what findings are told by
 *   t          nanoseconds, of one clock for all
 *   p          the process: one operation at a time
 *   type       invoke; ok: done; fail: surely not done; info: nobody knows
 *   f          send, poll, commit, txn, assign, subscribe, crash
 *   v          of send, poll, commit and txn: ["send",key,[offset or null,value]],
 *              ["poll",{key:[[offset,value],...]}] and ["commit",key,offset], the
 *              position of the process's group; of assign and subscribe: keys.
 *              Without it, the invocation's holds.
 *   group      of subscribe: whose member the process is from here on
 *   rebalance  keys that came or went while it ran
 *
 * A key is a topic-partition.  A value is sent once, to one key.  A key with an
 * empty list was polled and had nothing.  After info, the process's number is
 * never used again; so too after an info of f "crash", which needs no
 * invocation and is the end of what was under way.  Who never told the end of a
 * transaction has polled and committed what its invocation says. */
#ifndef TESTS_HISTORY_H
#define TESTS_HISTORY_H

#include <stdio.h>

#include <evl/error.h>

#include "base/buf.h"
#include "base/map.h"

enum op_type { OP_OK, OP_FAIL, OP_INFO };
enum op_kind { OP_SEND, OP_POLL, OP_COMMIT, OP_TXN, OP_ASSIGN, OP_SUBSCRIBE, OP_CRASH };

/* Some of the history's touches, or keys, one behind the other. */
struct span {
    uint32_t first, count;
};

/* One operation of one process, from its invocation to what became of it. */
struct op {
    int64_t event;   /* the number of its completion; of its invocation if it has none */
    int64_t invoked; /* nanoseconds */
    int64_t done;    /* INT64_MAX: never, as far as is known */
    struct span touches;
    struct span positions;
    struct span polled;     /* keys that its polls looked at, with records or without */
    struct span rebalanced; /* keys */
    uint32_t process;
    uint32_t next;  /* the same process's next operation; OP_NONE */
    uint32_t group; /* of subscribe; GROUP_NONE */
    enum op_type type;
    enum op_kind kind;
};
#define OP_NONE    UINT32_MAX
#define GROUP_NONE UINT32_MAX

/* One value sent or polled. */
struct touch {
    int64_t offset; /* -1: not known */
    int64_t value;
    uint32_t op;
    uint32_t key;
    uint32_t id; /* of the value: versions.h */
    bool is_poll;
};

/* The next offset that a group wants of a key. */
struct position {
    int64_t offset;
    uint32_t key;
};

struct process {
    int64_t number;
    uint32_t index;       /* in history.processes */
    uint32_t first, last; /* operations; OP_NONE */
    bool is_busy, is_retired;
    struct evl_buffer pending; /* what its invocation said in v */
};

/* Words by number, and numbers by word. */
struct names {
    struct name {
        char *text;
        uint32_t number;
    } * *at;
    size_t count, room;
    struct map numbers;
};

struct history {
    struct op *ops; /* in the order of their invocations */
    struct touch *touches;
    uint32_t *lists; /* keys, of which spans speak */
    struct position *positions;
    struct names keys, groups;
    struct process **processes;
    size_t op_count, op_room, touch_count, touch_room, list_count, list_room;
    size_t position_count, position_room, process_count, process_room;
    struct map process_of; /* by number */
    int64_t line;
    struct evl_buffer room; /* for strings of the line at hand */
};

/* Read a whole history into a zeroed one.  CORRUPT, with the line and what is
 * wrong with it, if it is none. */
enum evl_error history_read(struct history *h, FILE *in);
void history_release(struct history *h);

static inline const char *history_key(const struct history *h, uint32_t key)
{
    return h->keys.at[key]->text;
}

#endif
