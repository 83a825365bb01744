/* inside.h - what directory.c and directory_change.c share. */
#ifndef PLACE_INSIDE_H
#define PLACE_INSIDE_H

#include "place/coordinator.h"
#include "place/directory.h"
#include "place/foreign.h"
#include "place/place.h"

#define METADATA_TOPIC "__cluster_metadata"

/* Kafka's id for it: all zero, but for a one at the end. */
#define METADATA_ID ((struct uuid){ .at = { [15] = 1 } })

enum { DIRECTORY_NODE = 1 }; /* node.id: there is one */

struct directory {
    struct io *io;
    char *path;
    bool writable, force;
    int64_t patience; /* nanoseconds */
    void (*say)(void *context, const char *line);
    void *context;
    struct uuid id;
    struct share *share;
    struct foreign *foreign; /* NULL: it is ours */
    int32_t internal_partitions;
    struct image *image;
    struct log *metadata;
    struct coordinator *changes; /* the metadata log's: the image is its state */
};

/* What a log of this directory is opened with; `name` outlives the log. */
void directory_log_options(struct directory *d, const struct directory_topic *topic,
                           const char *name, int32_t partition, struct log_options *options);

/* The first records of a new directory. */
enum evl_error directory_bootstrap(struct directory *d);

/* The partition of the topic with this id has no folder under this name.  If the
 * topic was removed or renamed a moment ago, or a rename was cut short and is
 * finished now, look again: OK.  BUSY: who may not write cannot finish it.
 * CORRUPT: there is no such folder. */
enum evl_error directory_find_folder(struct directory *d, const struct uuid *id, const char *topic,
                                     int32_t partition);

#endif
