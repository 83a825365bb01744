/* kafka_error.h - the error codes of Kafka's protocol.
 *
 * State machines answer with one of these, because clients of Kafka know what
 * to do about each; on a directory they become errors of our own. */
#ifndef PROTO_KAFKA_ERROR_H
#define PROTO_KAFKA_ERROR_H

#include <evl/error.h>
#include <stdbool.h>

enum kafka_error {
#define CODE(number, name, error, todo) KAFKA_##name = number,
#include "proto/kafka_errors.def"
#undef CODE
};

/* What a client may do about it. */
enum kafka_todo { KAFKA_NEVER, KAFKA_AGAIN, KAFKA_LOOK, KAFKA_ABORT, KAFKA_RESTART };

/* "CONCURRENT_TRANSACTIONS"; a number that nobody knows is UNKNOWN_SERVER_ERROR,
 * in all three. */
const char *kafka_error_name(int number);
enum evl_error kafka_error_to_evl(int number);
enum kafka_todo kafka_error_todo(int number);

#endif
