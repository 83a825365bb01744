/* letter.h - records that a COMMAND failed on, in a topic of their own.
 *
 * A letter is the record as it was, with three headers more:
 *
 *     ev-error     exit status 1
 *     ev-source    orders/3/4711        topic, partition, offset
 *     ev-attempts  1 */
#ifndef CMD_LETTER_H
#define CMD_LETTER_H

#include <evl/producer.h>

#include "tool.h"

struct letter {
    const struct evl_record *record;
    const char *error;
    int64_t attempts;
};
enum evl_error letter_send(struct evl_producer *producer, const struct letter *letter);

#endif
