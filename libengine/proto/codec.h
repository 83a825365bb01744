/* codec.h - messages from bytes, and to bytes.
 *
 * Strings, bytes and records of a decoded message are views into the bytes
 * that it came from; arrays and structs behind pointers lie in the arena. */
#ifndef PROTO_CODEC_H
#define PROTO_CODEC_H

#include <evl/error.h>

#include "base/arena.h"
#include "base/buf.h"
#include "proto/schema.h"

/* Decode the whole of `bytes` into the struct `out` of m->size bytes.  CORRUPT:
 * it ends early, goes on too long, or says what cannot be; TOO_LARGE: it wants
 * more than the arena has; PROTOCOL: we do not know that version.  `out` is
 * undefined then. */
enum evl_error proto_decode(const struct message *m, int version, struct evl_bytes bytes,
                            struct arena *arena, void *out);

/* Encode behind what is in the buf.  TOO_LARGE if a string is longer than the
 * version's length field can say; the buf is as before then.  A null where the
 * version has none is our own mistake. */
enum evl_error proto_encode(const struct message *m, int version, const void *message,
                            struct evl_buffer *out);

enum proto_form {
    PROTO_LINE, /* name=orders topicId=XtC... isr=[1 2], for people */
    PROTO_JSON, /* {"name":"orders",...}, with Kafka's names; bytes in base64 */
};

/* Write the fields that this version has, on one line without its end. */
void proto_print(const struct message *m, int version, const void *message, enum proto_form form,
                 struct evl_buffer *out);

/* Fill the struct with chance: every field of the version, lists of all small
 * lengths, nulls where they may be.  The same seed, the same message.  For
 * tests; what it needs, it takes from the arena, which must have room. */
void proto_random(const struct message *m, int version, uint64_t *seed, struct arena *arena,
                  void *out);

#endif
