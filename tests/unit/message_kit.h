/* message_kit.h - all messages that there are tables of. */
#ifndef TESTS_MESSAGE_KIT_H
#define TESTS_MESSAGE_KIT_H

#include "proto/schema.h"

/* The i'th, or NULL past the end. */
const struct message *kit_message(size_t i);

#endif
