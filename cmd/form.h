/* form.h - the options that say how records look, in and out alike. */
#ifndef CMD_FORM_H
#define CMD_FORM_H

#include <evl/format.h>

#include "tool.h"

/* What the options of a tool say; a part of its table's target. */
struct form_choice {
    int kind; /* -i or -o: enum evl_format_kind */
    const char *string, *delimiter, *key_delimiter, *columns, *null_text;
    bool null_data, whole, utc;
};

/* The words of -i and -o, in the order of enum evl_format_kind. */
#define FORM_NAMES "line|tsv|json|msgpack|frame|raw|batch"

/* Options for a reader or a writer; its texts live in `texts`, which the
 * caller releases after the reader. */
int form_options(const struct form_choice *choice, struct evl_buffer *texts,
                 struct evl_format_options *options);

#endif
