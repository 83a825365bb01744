/* properties.h - Java's .properties files: meta.properties, and what users of
 * Kafka keep their settings in.
 *
 *     # or ! begins a comment
 *     key=value      key:value      key value
 *     long = goes \
 *            on
 *     caf\u00e9 = \t \n \\ \=
 *
 * Java reads these bytes as Latin-1; we keep them as they are, so UTF-8 stays
 * UTF-8, and \u escapes become it. */
#ifndef CONFIG_PROPERTIES_H
#define CONFIG_PROPERTIES_H

#include <evl/bytes.h>
#include <evl/error.h>

#include "base/buf.h"

struct property {
    char *key, *value;
    int line; /* where it begins, from 1 */
};

struct properties {
    struct property *at; /* in the order of the file; keys may repeat */
    size_t count, room;
};

/* Read a whole file's bytes.  CONFIG, with the line, if Java would not take it,
 * or for a zero byte.  The caller releases, after failure too. */
enum evl_error properties_read(struct evl_bytes text, struct properties *p);
void properties_release(struct properties *p);

/* The value of a key, the last one if there are several; NULL if none. */
const char *properties_get(const struct properties *p, const char *key);

/* Write one line, escaped as Java does and needs. */
void properties_add(struct evl_buffer *out, const char *key, const char *value);

#endif
