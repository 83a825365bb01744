/* transaction_log.c - the table of the transaction records. */
#include "proto/transaction_log.h"

#include "base/fault.h"

#define PROTO_TABLE "proto/transaction_log.def"
#include "proto/as_rows.def"

static const struct message key_message = {
    .name = "transaction_log_key",
    .flexible = NEVER_FLEXIBLE,
    .size = sizeof(struct transaction_log_key),
    .fields = transaction_log_key_fields,
    .summary = "a transactional id",
};

static const struct message value_message = {
    .name = "transaction_log_value",
    .latest = 1,
    .flexible = 1,
    .size = sizeof(struct transaction_log_value),
    .fields = transaction_log_value_fields,
    .summary = "where its transaction is",
};

const struct keyed transaction_log = { 0, &key_message, &value_message };

enum evl_error transaction_log_id(struct evl_bytes key, struct evl_bytes *id)
{
    struct arena none = { 0 }; /* a string is a view */
    struct transaction_log_key fields;
    struct evl_bytes body;
    int16_t kind;
    enum evl_error err = keyed_open(key, &kind, &body);
    if (!err && kind != transaction_log.kind)
        err = fail(EVL_ERR_PROTOCOL, "unknown kind %d; a newer release wrote it", kind);
    if (!err)
        err = proto_decode(&key_message, 0, body, &none, &fields);
    if (err)
        return failed(err, "transaction record");
    *id = fields.transactional_id;
    return EVL_OK;
}
