/* letter.c - a dead letter, written. */
#include "letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEADERS = 3 };

enum evl_error letter_send(struct evl_producer *producer, const struct letter *letter)
{
    const struct evl_record *record = letter->record;
    struct evl_buffer source = { 0 };
    char attempts[24];
    text_print(&source, "%.*s/%" PRId32 "/%" PRId64, (int)record->topic.count,
               (const char *)record->topic.at, record->partition, record->offset);
    snprintf(attempts, sizeof attempts, "%" PRId64, letter->attempts);
    struct evl_header *headers = tool_take(record->header_count + HEADERS, sizeof *headers);
    if (record->header_count)
        memcpy(headers, record->headers, record->header_count * sizeof *headers);
    struct evl_header *more = headers + record->header_count;
    more[0] = (struct evl_header){ evl_text("ev-error"), evl_text(letter->error) };
    more[1] = (struct evl_header){ evl_text("ev-source"), evl_buffer_bytes(&source) };
    more[2] = (struct evl_header){ evl_text("ev-attempts"), evl_text(attempts) };
    struct evl_record copy = EVL_RECORD_NONE;
    copy.key = record->key;
    copy.value = record->value;
    copy.timestamp = record->timestamp;
    copy.headers = headers;
    copy.header_count = record->header_count + HEADERS;
    enum evl_error err = evl_producer_send(producer, &copy);
    free(headers);
    evl_buffer_release(&source);
    return err;
}
