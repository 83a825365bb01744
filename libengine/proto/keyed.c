/* keyed.c - a number, and a message behind it. */
#include "proto/keyed.h"

#include "base/check.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/memory.h"

enum { NUMBER_BYTES = 2, PRINT_BYTES_MAX = 64 << 20 };

/* Where a record lies in its list. */
struct keyed_span {
    size_t begin, key_end, end;
    bool has_value;
};

/* ---- reading ------------------------------------------------------------- */

enum evl_error keyed_open(struct evl_bytes bytes, int16_t *number, struct evl_bytes *body)
{
    if (bytes.count < NUMBER_BYTES)
        return fail(EVL_ERR_CORRUPT, "%zu bytes have no number in front", bytes.count);
    *number = get_i16(bytes.at);
    *body = evl_bytes(bytes.at + NUMBER_BYTES, bytes.count - NUMBER_BYTES);
    return EVL_OK;
}

enum evl_error keyed_key(const struct keyed *k, struct evl_bytes key, struct arena *arena,
                         void *out)
{
    int16_t kind;
    struct evl_bytes body;
    enum evl_error err = keyed_open(key, &kind, &body);
    check(err || kind == k->kind);
    if (!err)
        err = proto_decode(k->key, 0, body, arena, out);
    return err ? failed(err, "key") : EVL_OK;
}

enum evl_error keyed_value(const struct keyed *k, struct evl_bytes value, struct arena *arena,
                           int16_t *version, void *out)
{
    struct evl_bytes body;
    int16_t number = -1;
    enum evl_error err = keyed_open(value, &number, &body);
    if (!err)
        err = proto_decode(k->value, number, body, arena, out);
    if (err)
        return failed(err, "value");
    *version = number;
    return EVL_OK;
}

/* ---- printing ------------------------------------------------------------ */

static void print_numbered(const char *label, int16_t number, const struct message *m, int version,
                           const void *fields, struct evl_buffer *out)
{
    buf_print(out, "{\"%s\":\"%d\",\"data\":", label, number);
    proto_print(m, version, fields, PROTO_JSON, out);
    buf_add_byte(out, '}');
}

static enum evl_error print_record(const struct keyed *k, struct evl_bytes key,
                                   struct evl_bytes value, struct arena *arena,
                                   struct evl_buffer *out)
{
    int16_t version;
    void *fields = arena_take(arena, 1, k->key->size);
    enum evl_error err = keyed_key(k, key, arena, fields);
    if (err)
        return err;
    buf_add_text(out, "key: ");
    print_numbered("type", k->kind, k->key, 0, fields, out);
    buf_add_text(out, " payload: ");
    if (!value.at) {
        buf_add_text(out, "<DELETE>");
        return EVL_OK;
    }
    fields = arena_take(arena, 1, k->value->size);
    err = keyed_value(k, value, arena, &version, fields);
    if (!err)
        print_numbered("version", version, k->value, version, fields, out);
    return err;
}

enum evl_error keyed_print(const struct keyed *k, struct evl_bytes key, struct evl_bytes value,
                           struct evl_buffer *out)
{
    struct arena arena = { .limit = PRINT_BYTES_MAX };
    size_t begin = out->count;
    enum evl_error err = print_record(k, key, value, &arena, out);
    if (err)
        out->count = begin;
    arena_release(&arena);
    return err;
}

/* ---- lists --------------------------------------------------------------- */

static enum evl_error add_numbered(int16_t number, const struct message *m, int version,
                                   const void *fields, struct evl_buffer *out)
{
    put_i16(buf_room(out, NUMBER_BYTES), number);
    out->count += NUMBER_BYTES;
    return proto_encode(m, version, fields, out);
}

enum evl_error keyed_list_add(struct keyed_list *list, const struct keyed *k, const void *key,
                              int16_t version, const void *value)
{
    struct keyed_span span = { .begin = list->bytes.count, .has_value = value != NULL };
    enum evl_error err = add_numbered(k->kind, k->key, 0, key, &list->bytes);
    span.key_end = list->bytes.count;
    if (!err && value)
        err = add_numbered(version, k->value, version, value, &list->bytes);
    span.end = list->bytes.count;
    if (err) {
        list->bytes.count = span.begin;
        return err;
    }
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 4;
        list->spans = memory_grow(list->spans, list->room, sizeof *list->spans);
    }
    list->spans[list->count++] = span;
    return EVL_OK;
}

struct evl_record keyed_list_at(const struct keyed_list *list, size_t i)
{
    check(i < list->count);
    const struct keyed_span *s = &list->spans[i];
    struct evl_record record = EVL_RECORD_NONE;
    record.key = evl_bytes(list->bytes.at + s->begin, s->key_end - s->begin);
    if (s->has_value)
        record.value = evl_bytes(list->bytes.at + s->key_end, s->end - s->key_end);
    return record;
}

void keyed_list_clear(struct keyed_list *list)
{
    buf_clear(&list->bytes);
    list->count = 0;
}

void keyed_list_release(struct keyed_list *list)
{
    buf_release(&list->bytes);
    memory_free(list->spans);
    *list = (struct keyed_list){ 0 };
}
