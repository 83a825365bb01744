/* header_text.h - all headers of a record in one field of a tsv:
 *
 *     name=value,name=value,name
 *
 * in order, as often as they are there.  A name without = has a null value; an
 * = with nothing behind it is an empty one.  An empty name is written as one %,
 * so that no entry is empty; no headers are an empty field.
 *
 * In names and values %HH stands for a byte: for , % and \, in names also for
 * =, for control characters, and for what is not UTF-8.  So a field has no tab,
 * no newline and no backslash, and sort, cut and awk take it as it is:
 *
 *     awk -F'\t' '{ split($7, header, ","); ... split(header[1], part, "=") }'
 *
 * It reads like the baggage header of the W3C, and like evproduce -H. */
#ifndef FORMAT_HEADER_TEXT_H
#define FORMAT_HEADER_TEXT_H

#include "format/format.h"

void header_text_print(struct evl_buffer *to, const struct evl_header *headers, size_t count);

/* Append the headers to the list, and to `room` what is not as it is in the
 * field: less than the field has, and there must be room for that.  False if
 * the field cannot be one of ours. */
bool header_text_parse(struct evl_bytes field, struct evl_buffer *room, struct header_list *list);

#endif
