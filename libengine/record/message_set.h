/* message_set.h - messages of magic 0 and 1, which Kafka wrote before 0.11: read,
 * never written.
 *
 *   OFFSET  SIZE  WHAT (big-endian)
 *        0     8  offset
 *        8     4  bytes that follow this field
 *       12     4  CRC-32 (IEEE) of byte 16 to the end
 *       16     1  magic, 0 or 1
 *       17     1  attributes: codec 0x07, append time 0x08 (magic 1)
 *       18     8  timestamp (magic 1)
 *        -     4  bytes of the key, -1 null, then the key
 *        -     4  bytes of the value, -1 null, then the value
 *
 * A compressed message wraps others: its value is a message set.  Its offset is
 * that of the last one in it.  Theirs are what they are with magic 0, and count
 * from 0 with magic 1.
 *
 * Seen as a struct batch, a message is one of base_offset = last_offset and
 * count 1, with no producer, leader epoch -1, and EVL_NO_TIMESTAMP where magic 0
 * has none.  How many are in a wrapper, and which comes first, only shows when
 * it is opened: until then its count is -1 and its base_offset its last_offset;
 * batch_open completes the reader's own struct batch. */
#ifndef RECORD_MESSAGE_SET_H
#define RECORD_MESSAGE_SET_H

#include "record/batch.h"

enum {
    MESSAGE_V0_LEAST = 26, /* the smallest there is, with its 12 bytes of lead */
    MESSAGE_V1_LEAST = 34,
};

/* `bytes` is one whole message, and its checksum is right.  CORRUPT, with what
 * and why, if not. */
enum evl_error message_check(struct evl_bytes bytes, struct batch *batch);

/* batch_check or message_check, whichever the magic asks for. */
enum evl_error entry_check(struct evl_bytes bytes, struct batch *batch);

/* What batch_open and batch_next do with a message.  Records of magic 0 have
 * EVL_NO_TIMESTAMP. */
enum evl_error message_open(struct batch_reader *r, struct evl_bytes entry, size_t plain_max);
enum evl_error message_next(struct batch_reader *r, struct evl_record *record, bool *more);

#endif
