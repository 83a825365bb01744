/* group_log.h - the records of __consumer_offsets.
 *
 *   key     int16 kind (group_log_kinds.def); a group, and of what in it
 *   value   int16 version; what is so.  Null: it is no more
 *
 * The newest record of a key is all there is to know about it.  An offset that
 * is part of a transaction lies in a batch of its producer, and counts when the
 * marker behind it says so. */
#ifndef PROTO_GROUP_LOG_H
#define PROTO_GROUP_LOG_H

#include "proto/keyed.h"

#define PROTO_TABLE "proto/group_log.def"
#include "proto/as_structs.def"

#define OFFSETS_TOPIC "__consumer_offsets"

/* GROUP_LOG_offset_commit and so on: spelled as the structs offset_commit_key
 * and offset_commit_value. */
enum group_log_kind {
#define KIND(kind, name, latest, flexible, summary) GROUP_LOG_##name = kind,
#include "proto/group_log_kinds.def"
#undef KIND
};

/* All kinds, by number; NULL: one that we do not know. */
const struct keyed *group_log(int kind);

/* All kinds, in the order of their numbers: the i'th, or NULL past the end. */
const struct keyed *group_log_at(size_t i);

/* What kind a record is of; NULL: one that we do not know, to be passed by.
 * CORRUPT: its key has no number. */
enum evl_error group_log_kind_of(struct evl_bytes key, const struct keyed **kind);

#endif
