/* history.c - lines of JSON into operations. */
#include "checker/history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/memory.h"
#include "format/json_scan.h"

/* What one line says. */
struct event {
    int64_t number, time, process;
    bool is_invoke;
    enum op_type type;
    enum op_kind kind;
    uint32_t group;
    struct evl_bytes v, rebalance; /* JSON; at NULL: not there */
};

/* Room for one more. */
static void *with_room(void *at, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return at;
    *room = *room ? *room * 2 : 1024;
    return memory_grow(at, *room, size);
}

static enum evl_error wrong(const struct history *h, const char *what)
{
    return fail(EVL_ERR_CORRUPT, "line %" PRId64 ": %s", h->line, what);
}

/* ---- names and processes ------------------------------------------------- */

static uint32_t names_number(struct names *names, struct evl_bytes text)
{
    struct name *name = map_get(&names->numbers, text);
    if (!name) {
        name = memory_take(1, sizeof *name);
        name->text = memory_text_part(text.at, text.count);
        name->number = (uint32_t)names->count;
        names->at = with_room(names->at, names->count, &names->room, sizeof *names->at);
        names->at[names->count++] = name;
        map_put(&names->numbers, evl_text(name->text), name);
    }
    return name->number;
}

static void names_release(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        memory_free(names->at[i]->text);
        memory_free(names->at[i]);
    }
    memory_free(names->at);
    map_release(&names->numbers);
}

static uint32_t key_of(struct history *h, struct evl_bytes name)
{
    return names_number(&h->keys, name);
}

static struct process *process_of(struct history *h, int64_t number)
{
    struct process *p = map_get(&h->process_of, evl_bytes(&number, sizeof number));
    if (!p) {
        p = memory_take(1, sizeof *p);
        *p = (struct process){
            .number = number, .index = (uint32_t)h->process_count, .first = OP_NONE, .last = OP_NONE
        };
        h->processes =
            with_room(h->processes, h->process_count, &h->process_room, sizeof(struct process *));
        h->processes[h->process_count++] = p;
        map_put(&h->process_of, evl_bytes(&p->number, sizeof p->number), p);
    }
    return p;
}

/* ---- values of JSON ------------------------------------------------------ */

static bool scan_number(struct json_scan *s, int64_t *number)
{
    struct evl_bytes digits;
    char *end;
    if (!json_number(s, &digits))
        return false;
    errno = 0;
    *number = strtoll((const char *)digits.at, &end, 10);
    return (!errno && (const uint8_t *)end == digits.at + digits.count) ||
           json_fail(s, "not a whole number of 64 bits");
}

static bool scan_string(struct history *h, struct json_scan *s, struct evl_bytes *text)
{
    buf_clear(&h->room);
    buf_room(&h->room, (size_t)(s->end - s->p) + 8);
    return json_string(s, &h->room, text);
}

static bool scan_mark(struct json_scan *s, char mark)
{
    return json_try(s, mark) || json_fail(s, "another character is expected here");
}

/* The word as its place in a table that ends with NULL. */
static bool scan_word(struct history *h, struct json_scan *s, const char *const *words, int *which)
{
    struct evl_bytes text;
    if (!scan_string(h, s, &text))
        return false;
    for (int i = 0; words[i]; i++)
        if (evl_bytes_equal(text, evl_text(words[i]))) {
            *which = i;
            return true;
        }
    return json_fail(s, "no such type or f");
}

static void list_add(struct history *h, struct span *span, uint32_t key)
{
    h->lists = with_room(h->lists, h->list_count, &h->list_room, sizeof *h->lists);
    if (span->count == 0)
        span->first = (uint32_t)h->list_count;
    span->count++;
    h->lists[h->list_count++] = key;
}

/* ["t-0","t-1"] */
static bool scan_keys(struct history *h, struct evl_bytes text, struct span *span, const char **why)
{
    struct json_scan s = json_scan(text);
    struct evl_bytes name;
    bool good = scan_mark(&s, '[');
    if (good && json_try(&s, ']'))
        return true;
    while (good) {
        good = scan_string(h, &s, &name);
        if (good)
            list_add(h, span, key_of(h, name));
        if (!json_try(&s, ','))
            break;
    }
    good = good && scan_mark(&s, ']');
    *why = s.why;
    return good;
}

/* ---- touches ------------------------------------------------------------- */

static void touch_add(struct history *h, uint32_t op, struct touch touch)
{
    h->touches = with_room(h->touches, h->touch_count, &h->touch_room, sizeof *h->touches);
    touch.op = op;
    h->touches[h->touch_count++] = touch;
    h->ops[op].touches.count++;
}

/* [offset or null,value] */
static bool scan_touch(struct history *h, struct json_scan *s, uint32_t op, uint32_t key,
                       bool is_poll)
{
    struct touch touch = { .offset = -1, .key = key, .is_poll = is_poll };
    if (!scan_mark(s, '['))
        return false;
    if (!(!is_poll && json_try_word(s, "null")) && !scan_number(s, &touch.offset))
        return false;
    if (is_poll && touch.offset < 0)
        return json_fail(s, "an offset is negative");
    if (!scan_mark(s, ',') || !scan_number(s, &touch.value) || !scan_mark(s, ']'))
        return false;
    touch_add(h, op, touch);
    return true;
}

/* {key:[[offset,value],...],...} */
static bool scan_poll(struct history *h, struct json_scan *s, uint32_t op)
{
    struct evl_bytes name;
    if (!scan_mark(s, '{'))
        return false;
    if (json_try(s, '}'))
        return true;
    do {
        if (!scan_string(h, s, &name) || !scan_mark(s, ':') || !scan_mark(s, '['))
            return false;
        uint32_t key = key_of(h, name);
        list_add(h, &h->ops[op].polled, key);
        if (json_try(s, ']'))
            continue;
        do
            if (!scan_touch(h, s, op, key, true))
                return false;
        while (json_try(s, ','));
        if (!scan_mark(s, ']'))
            return false;
    } while (json_try(s, ','));
    return scan_mark(s, '}');
}

/* key,offset */
static bool scan_position(struct history *h, struct json_scan *s, uint32_t op)
{
    struct evl_bytes name;
    struct position at;
    if (!scan_string(h, s, &name))
        return false;
    at.key = key_of(h, name);
    if (!scan_mark(s, ',') || !scan_number(s, &at.offset))
        return false;
    h->positions =
        with_room(h->positions, h->position_count, &h->position_room, sizeof *h->positions);
    h->positions[h->position_count++] = at;
    h->ops[op].positions.count++;
    return true;
}

/* ["send",key,[offset,value]], ["poll",{...}] or ["commit",key,offset] */
static bool scan_micro(struct history *h, struct json_scan *s, uint32_t op)
{
    static const char *const words[] = { "send", "poll", "commit", NULL };
    struct evl_bytes name;
    int which = 0;
    if (!scan_mark(s, '[') || !scan_word(h, s, words, &which))
        return false;
    if (which == 0 && !(scan_mark(s, ',') && scan_string(h, s, &name) && scan_mark(s, ',') &&
                        scan_touch(h, s, op, key_of(h, name), false)))
        return false;
    if (which == 1 && json_try(s, ',') && !scan_poll(h, s, op))
        return false;
    if (which == 2 && !(scan_mark(s, ',') && scan_position(h, s, op)))
        return false;
    return scan_mark(s, ']');
}

static bool scan_micros(struct history *h, struct evl_bytes text, uint32_t op, const char **why)
{
    struct json_scan s = json_scan(text);
    bool good = scan_mark(&s, '[');
    if (good && json_try(&s, ']'))
        return true;
    while (good) {
        good = scan_micro(h, &s, op);
        if (!json_try(&s, ','))
            break;
    }
    good = good && scan_mark(&s, ']');
    *why = s.why;
    return good;
}

/* ---- operations ---------------------------------------------------------- */

static bool kind_has_touches(enum op_kind kind)
{
    return kind == OP_SEND || kind == OP_POLL || kind == OP_COMMIT || kind == OP_TXN;
}

/* What the operation did, as its completion says, or else its invocation. */
static enum evl_error op_fill(struct history *h, uint32_t at, struct evl_bytes v)
{
    const char *why = NULL;
    if (v.count == 0 || !kind_has_touches(h->ops[at].kind))
        return EVL_OK;
    h->ops[at].touches.first = (uint32_t)h->touch_count;
    h->ops[at].positions.first = (uint32_t)h->position_count;
    return scan_micros(h, v, at, &why) ? EVL_OK : wrong(h, why);
}

static enum evl_error op_invoke(struct history *h, struct process *p, const struct event *e)
{
    if (p->is_busy)
        return wrong(h, "its process has not done with what it began before");
    h->ops = with_room(h->ops, h->op_count, &h->op_room, sizeof *h->ops);
    uint32_t at = (uint32_t)h->op_count++;
    h->ops[at] = (struct op){ .event = e->number,
                              .invoked = e->time,
                              .done = INT64_MAX,
                              .process = p->index,
                              .next = OP_NONE,
                              .group = e->group,
                              .type = OP_INFO,
                              .kind = e->kind };
    if (p->last == OP_NONE)
        p->first = at;
    else
        h->ops[p->last].next = at;
    p->last = at;
    p->is_busy = true;
    buf_clear(&p->pending);
    buf_add_bytes(&p->pending, e->v);
    buf_text(&p->pending);
    return EVL_OK;
}

static enum evl_error op_complete(struct history *h, struct process *p, const struct event *e)
{
    const char *why = NULL;
    if (!p->is_busy)
        return wrong(h, "its process has not begun anything");
    struct op *op = &h->ops[p->last];
    if (op->kind != e->kind)
        return wrong(h, "its process has begun something else");
    op->event = e->number;
    op->done = e->time;
    op->type = e->type;
    if (e->group != GROUP_NONE)
        op->group = e->group;
    p->is_busy = false;
    p->is_retired = e->type == OP_INFO;
    if (e->rebalance.at && !scan_keys(h, e->rebalance, &op->rebalanced, &why))
        return wrong(h, why);
    return op_fill(h, p->last, e->v.at ? e->v : buf_bytes(&p->pending));
}

/* The process is gone; what it had begun stays open for ever. */
static enum evl_error process_crash(struct history *h, struct process *p)
{
    bool was_busy = p->is_busy;
    p->is_busy = false;
    p->is_retired = true;
    return was_busy ? op_fill(h, p->last, buf_bytes(&p->pending)) : EVL_OK;
}

/* ---- lines --------------------------------------------------------------- */

enum member {
    MEMBER_I,
    MEMBER_T,
    MEMBER_P,
    MEMBER_TYPE,
    MEMBER_F,
    MEMBER_V,
    MEMBER_GROUP,
    MEMBER_REBALANCE
};
static const char *const member_names[] = { "i", "t",     "p",         "type", "f",
                                            "v", "group", "rebalance", NULL };

static bool scan_type(struct history *h, struct json_scan *s, struct event *e)
{
    static const char *const types[] = { "ok", "fail", "info", "invoke", NULL };
    int which;
    if (!scan_word(h, s, types, &which))
        return false;
    e->is_invoke = which > OP_INFO;
    e->type = e->is_invoke ? OP_INFO : (enum op_type)which;
    return true;
}

static bool scan_kind(struct history *h, struct json_scan *s, struct event *e)
{
    static const char *const kinds[] = { "send",   "poll",      "commit", "txn",
                                         "assign", "subscribe", "crash",  NULL };
    int which;
    if (!scan_word(h, s, kinds, &which))
        return false;
    e->kind = (enum op_kind)which;
    return true;
}

static bool scan_group(struct history *h, struct json_scan *s, struct event *e)
{
    struct evl_bytes name;
    bool good = scan_string(h, s, &name);
    if (good)
        e->group = names_number(&h->groups, name);
    return good;
}

/* To be read when the whole line is known. */
static bool scan_later(struct json_scan *s, struct evl_bytes *text)
{
    (void)json_space(s);
    const uint8_t *begin = s->p;
    bool good = json_skip(s);
    *text = evl_bytes(begin, (size_t)(s->p - begin));
    return good;
}

static bool scan_member(struct history *h, struct json_scan *s, struct event *e, unsigned *seen)
{
    struct evl_bytes name;
    int which = 0;
    if (!scan_string(h, s, &name) || !scan_mark(s, ':'))
        return false;
    while (member_names[which] && !evl_bytes_equal(name, evl_text(member_names[which])))
        which++;
    *seen |= 1u << which;
    switch (which) {
    case MEMBER_I: return scan_number(s, &e->number);
    case MEMBER_T: return scan_number(s, &e->time);
    case MEMBER_P: return scan_number(s, &e->process);
    case MEMBER_TYPE: return scan_type(h, s, e);
    case MEMBER_F: return scan_kind(h, s, e);
    case MEMBER_V: return scan_later(s, &e->v);
    case MEMBER_GROUP: return scan_group(h, s, e);
    case MEMBER_REBALANCE: return scan_later(s, &e->rebalance);
    default: return json_skip(s);
    }
}

static enum evl_error scan_event(struct history *h, struct evl_bytes line, struct event *e)
{
    enum { NEEDED = (1 << MEMBER_V) - 1 }; /* all before it */
    struct json_scan s = json_scan(line);
    unsigned seen = 0;
    bool good = scan_mark(&s, '{');
    while (good) {
        good = scan_member(h, &s, e, &seen);
        if (!json_try(&s, ','))
            break;
    }
    if (!good || !scan_mark(&s, '}'))
        return wrong(h, s.why);
    if (json_space(&s))
        return wrong(h, "more behind the object");
    return (seen & NEEDED) == NEEDED ? EVL_OK : wrong(h, "it needs i, t, p, type and f");
}

static enum evl_error take_line(struct history *h, struct evl_bytes line)
{
    struct event e = { .group = GROUP_NONE };
    enum evl_error err = scan_event(h, line, &e);
    if (err)
        return err;
    struct process *p = process_of(h, e.process);
    if (e.kind == OP_CRASH)
        return e.is_invoke ? EVL_OK : process_crash(h, p);
    if (p->is_retired)
        return wrong(h, "its process ended before");
    return e.is_invoke ? op_invoke(h, p, &e) : op_complete(h, p, &e);
}

/* What never came to an end. */
static enum evl_error history_end(struct history *h)
{
    enum evl_error err = EVL_OK;
    for (size_t i = 0; i < h->process_count && !err; i++)
        err = process_crash(h, h->processes[i]);
    return err;
}

enum evl_error history_read(struct history *h, FILE *in)
{
    char *line = NULL;
    size_t room = 0;
    enum evl_error err = EVL_OK;
    while (!err) {
        ssize_t count = getline(&line, &room, in);
        if (count < 0)
            break;
        h->line++;
        if (line[strspn(line, " \t\r\n")])
            err = take_line(h, evl_bytes(line, (size_t)count));
    }
    free(line);
    if (!err && ferror(in))
        err = fail(EVL_ERR_IO, "the history cannot be read: %s", strerror(errno));
    return err ? err : history_end(h);
}

void history_release(struct history *h)
{
    names_release(&h->keys);
    names_release(&h->groups);
    for (size_t i = 0; i < h->process_count; i++) {
        buf_release(&h->processes[i]->pending);
        memory_free(h->processes[i]);
    }
    map_release(&h->process_of);
    buf_release(&h->room);
    memory_free(h->positions);
    memory_free(h->processes);
    memory_free(h->ops);
    memory_free(h->touches);
    memory_free(h->lists);
}
