/* transaction_log.h - the records of __transaction_state.
 *
 *   key     int16 kind 0; the transactional id
 *   value   int16 version 0 or 1; where its transaction is.  Null: it expired
 *
 * The newest record of an id is all there is to know about it. */
#ifndef PROTO_TRANSACTION_LOG_H
#define PROTO_TRANSACTION_LOG_H

#include "proto/keyed.h"

#define PROTO_TABLE "proto/transaction_log.def"
#include "proto/as_structs.def"

#define TRANSACTIONS_TOPIC "__transaction_state"

/* Its one kind of record. */
extern const struct keyed transaction_log;

/* The key's transactional id, a view into it.  CORRUPT; PROTOCOL: of a kind that
 * a newer release writes, and older ones pass by. */
enum evl_error transaction_log_id(struct evl_bytes key, struct evl_bytes *id);

#endif
