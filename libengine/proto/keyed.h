/* keyed.h - how the records of the internal topics say what they are.
 *
 *   key     int16 kind, then the fields of that kind of key
 *   value   int16 version, then the fields of the kind's value; null: no more
 *
 * Both are a number in front of a message; which message it is, the topic's own
 * table knows (transaction_log.h). */
#ifndef PROTO_KEYED_H
#define PROTO_KEYED_H

#include <evl/record.h>

#include "proto/codec.h"

/* One kind of record: the messages of its key, whose version is 0, and value. */
struct keyed {
    int16_t kind;
    const struct message *key, *value;
};

/* Take the number off; *body is a view into the bytes.  CORRUPT: there is none. */
enum evl_error keyed_open(struct evl_bytes bytes, int16_t *number, struct evl_bytes *body);

/* Decode a key or a value behind its number; see proto_decode. */
enum evl_error keyed_key(const struct keyed *k, struct evl_bytes key, struct arena *arena,
                         void *out);
enum evl_error keyed_value(const struct keyed *k, struct evl_bytes value, struct arena *arena,
                           int16_t *version, void *out);

/* Write a record as kafka-dump-log does, without its line's end:
 * key: {"type":"0","data":{...}} payload: {"version":"1","data":{...}}, or, of a
 * null value, payload: <DELETE> */
enum evl_error keyed_print(const struct keyed *k, struct evl_bytes key, struct evl_bytes value,
                           struct evl_buffer *out);

/* ---- lists --------------------------------------------------------------- */

/* What was decided, and is not in the log yet: records, in order, to be appended
 * as one batch.  Zeroed to begin with; kept from decision to decision. */
struct keyed_list {
    struct evl_buffer bytes;
    struct keyed_span *spans;
    size_t count, room;
};

/* Encode one behind the others, its value in that version; NULL is null.  After
 * a failure, see proto_encode, the list is as before. */
enum evl_error keyed_list_add(struct keyed_list *list, const struct keyed *k, const void *key,
                              int16_t version, const void *value);

/* The i'th: key and value borrowed until the list changes, the rest unset. */
struct evl_record keyed_list_at(const struct keyed_list *list, size_t i);

void keyed_list_clear(struct keyed_list *list);
void keyed_list_release(struct keyed_list *list);

#endif
