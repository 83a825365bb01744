/* metadata.h - the records of __cluster_metadata, and how a value frames one:
 *
 *   uvarint  frame version, 1
 *   uvarint  key: enum metadata_key
 *   uvarint  version of the record
 *   -        the record itself
 *
 * The record's own key is null. */
#ifndef PROTO_METADATA_H
#define PROTO_METADATA_H

#include "proto/codec.h"

#define PROTO_TABLE "proto/metadata.def"
#include "proto/as_structs.def"

/* METADATA_topic_record and so on: spelled as the struct that it keys. */
enum metadata_key {
#define RECORD(key, name, latest, summary) METADATA_##name = key,
#define MARK(key, name, latest, summary)   METADATA_##name = key,
#include "proto/records.def"
#undef RECORD
#undef MARK
};

enum metadata_resource { METADATA_TOPIC = 2, METADATA_BROKER = 4 };

/* All kinds, by key; NULL if there is none. */
const struct message *metadata_message(int64_t key);

/* All kinds, in the order of their keys: the i'th, or NULL past the end. */
const struct message *metadata_message_at(size_t i);

/* Take a value apart; *body is a view into it.  CORRUPT if it is not framed
 * so; PROTOCOL, naming it, if the kind or its version is unknown: nothing
 * behind such a record can be understood either. */
enum evl_error metadata_open(struct evl_bytes value, const struct message **message, int *version,
                             struct evl_bytes *body);

/* Frame and encode a record behind what is in the buf.  `record` is the struct
 * of that key; NULL for the marks, which have none. */
enum evl_error metadata_add(enum metadata_key key, int version, const void *record,
                            struct evl_buffer *out);

/* Write a value as one line without its end.  In JSON as kafka-dump-log does:
 * {"type":"TOPIC_RECORD","version":0,"data":{...}}. */
enum evl_error metadata_print(struct evl_bytes value, enum proto_form form, struct evl_buffer *out);

#endif
