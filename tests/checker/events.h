/* events.h - lines of a history being written (history.h), without their number.
 *
 *     event_begin(&line, now, process, "ok", "txn");
 *     event_poll_begin(&line);
 *     event_poll_key(&line, "t-0");
 *     event_poll_record(&line, 4, 17);
 *     event_poll_end(&line);
 *     event_send(&line, "t-1", -1, 18);
 *     event_end(&line);
 *
 * The number comes last, when all lines are in order: event_number. */
#ifndef TESTS_EVENTS_H
#define TESTS_EVENTS_H

#include <stdio.h>

#include "base/buf.h"

/* Clears the line. */
void event_begin(struct evl_buffer *line, int64_t time, int64_t process, const char *type,
                 const char *f);
void event_begin_member(struct evl_buffer *line, int64_t time, int64_t process, const char *type,
                        const char *group); /* of subscribe */
void event_commit(struct evl_buffer *line, const char *key, int64_t offset);
void event_send(struct evl_buffer *line, const char *key, int64_t offset, int64_t value);
void event_poll_begin(struct evl_buffer *line);
void event_poll_key(struct evl_buffer *line, const char *key);
void event_poll_record(struct evl_buffer *line, int64_t offset, int64_t value);
void event_poll_end(struct evl_buffer *line);
void event_key(struct evl_buffer *line, const char *key); /* of assign, subscribe, rebalance */
void event_rebalance(struct evl_buffer *line);            /* behind all others; keys follow */
void event_end(struct evl_buffer *line);

/* The time of a line. */
int64_t event_time(const char *line);

/* Write it with its number in front, up to its end or the end of the text. */
void event_number(const char *line, int64_t number, FILE *out);

#endif
