/* meta.h - meta.properties: whose directory this is.
 *
 *     version=1
 *     cluster.id=8Jz2...
 *     node.id=1
 *     directory.id=Xq0r...
 *     ev.format=1               ours; Kafka's own directories have none */
#ifndef CONFIG_META_H
#define CONFIG_META_H

#include <evl/bytes.h>
#include <evl/error.h>

#include "base/buf.h"
#include "base/uuid.h"

enum { META_CLUSTER_MAX = 64 };

struct meta {
    char cluster[META_CLUSTER_MAX + 1]; /* any text; usually a uuid's; "" before version 1 */
    int32_t node;
    struct uuid directory; /* zero: it has none, as before Kafka 3.7 */
    int32_t format;        /* of what is ours in the directory; 0: a foreign one */
};

/* Read the file's bytes.  CONFIG, with what is missing or wrong. */
enum evl_error meta_read(struct evl_bytes text, struct meta *meta);

/* Write version 1. */
void meta_print(const struct meta *meta, struct evl_buffer *out);

#endif
