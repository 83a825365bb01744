/* json_scan.h - strict JSON (RFC 8259), read in place.
 *
 * A scan is a place in a text.  Each function goes past what it reads and says
 * true, or says false with `why`.  Nothing is allocated; depth is bounded. */
#ifndef FORMAT_JSON_SCAN_H
#define FORMAT_JSON_SCAN_H

#include "base/buf.h"

struct json_scan {
    const uint8_t *p, *end;
    const char *why; /* a constant text */
};

static inline struct json_scan json_scan(struct evl_bytes text)
{
    return (struct json_scan){ .p = text.at, .end = text.at + text.count };
}

bool json_fail(struct json_scan *s, const char *why);

/* Past white space; true if there is more. */
bool json_space(struct json_scan *s);

/* Past white space, and this character if it is the next; no failure
 * otherwise. */
bool json_try(struct json_scan *s, char c);

/* Past a word (null, true, ...) if it is the next; no failure otherwise. */
bool json_try_word(struct json_scan *s, const char *word);

/* A string.  *plain lies in the text, or behind what is in `room`, which must
 * have room for it: it is never longer than the text. */
bool json_string(struct json_scan *s, struct evl_buffer *room, struct evl_bytes *plain);

/* A number, as it is spelled. */
bool json_number(struct json_scan *s, struct evl_bytes *digits);

/* Any value; JSON_DEPTH_MAX deep at most. */
enum { JSON_DEPTH_MAX = 256 };
enum { JSON_TOKEN_MAX = 12 }; /* bytes; with so many left, no failure is for want of more */
bool json_skip(struct json_scan *s);

/* Is the whole text one value? */
bool json_is_valid(struct evl_bytes text);

/* Append a valid text without the white space between its tokens. */
void json_compact(struct evl_buffer *to, struct evl_bytes text);

#endif
