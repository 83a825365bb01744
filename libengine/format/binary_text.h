/* binary_text.h - bytes as text: base64 (RFC 4648, the alphabet with + and /)
 * and hexadecimal. */
#ifndef FORMAT_BINARY_TEXT_H
#define FORMAT_BINARY_TEXT_H

#include "base/buf.h"

enum base64_padding { BASE64_PADDED, BASE64_RAW };

void base64_print(struct evl_buffer *to, struct evl_bytes bytes, enum base64_padding padding);

/* Append the bytes that the text means; false if it means none.  Padding may be
 * missing.  Never more bytes than the text has, so room for that many is
 * enough. */
bool base64_parse(struct evl_buffer *to, struct evl_bytes text);

void hex_print(struct evl_buffer *to, struct evl_bytes bytes);
bool hex_parse(struct evl_buffer *to, struct evl_bytes text);

/* What a digit is worth; -1 if it is none. */
int hex_digit(uint8_t c);

extern const char hex_digits[17]; /* "0123456789abcdef" */

#endif
