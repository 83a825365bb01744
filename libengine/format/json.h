/* json.h - the two halves of the form json: json_write.c, which tells it, and
 * json_read.c. */
#ifndef FORMAT_JSON_H
#define FORMAT_JSON_H

#include "format/format.h"

/* struct format's parse(). */
enum evl_error json_parse(struct evl_format_reader *r, struct evl_bytes line,
                          struct evl_record *record, bool *got);

#endif
