/* directory.h - a data directory: its identity, its metadata, its logs.
 *
 *   DIR/meta.properties           version, cluster.id, node.id, directory.id as
 *                                 Kafka has them, and ev.format=1 of our own
 *   DIR/__cluster_metadata-0/     topics and settings, a log of Kafka's records
 *   DIR/TOPIC-N/                  a partition's log
 *   DIR/ev.lock, ev.shm           see log/share.h
 *   DIR/ev.members                see place/presence.h
 *   DIR/TOPIC-N.ID-delete/        a removed partition on its way out
 *
 * (1) A partition's folder is made, and synced, before the metadata speaks of
 *     it; so a folder that is missing is damage, never a new partition.
 * (2) A change is one batch on the metadata log: all of it or nothing.  Who
 *     changes holds the metadata's APPEND lock from the look at what is there
 *     to the sync of what will be.
 * (3) A directory without ev.format is foreign: nothing in it is written. */
#ifndef PLACE_DIRECTORY_H
#define PLACE_DIRECTORY_H

#include <evl/place.h>

#include "cluster/decide.h"
#include "cluster/image.h"
#include "log/log.h"

struct directory;

enum evl_error directory_open(const struct evl_place_options *options, struct io *io,
                              struct directory **directory);
void directory_close(struct directory *d);

bool directory_is_foreign(const struct directory *d);
bool directory_is_writable(const struct directory *d);
const char *directory_path(const struct directory *d);
struct share *directory_share(struct directory *d);
int64_t directory_patience(const struct directory *d);
void directory_say(struct directory *d, const char *line);

/* See what others have changed.  Costs a look at one word if nothing was. */
enum evl_error directory_refresh(struct directory *d);

/* A topic as it is now; borrowed until the next refresh. */
struct directory_topic {
    const char *name;
    struct uuid id;
    int32_t partitions;
    const struct topic_config *config; /* NULL: not known, in a foreign directory */
};

/* NOT_FOUND, with a near name if there is one. */
enum evl_error directory_topic(struct directory *d, const char *name,
                               struct directory_topic *topic);

/* Topic number i in the order of names; false behind the last one. */
bool directory_topic_at(struct directory *d, size_t i, struct directory_topic *topic);

/* The metadata; NULL in a foreign directory. */
const struct image *directory_image(const struct directory *d);

/* Open a partition's log.  The caller closes it, and owns nothing that it
 * borrows from the directory.  `share` may be another one than the directory's,
 * for use on another thread.  The metadata log can be opened like any other. */
enum evl_error directory_log(struct directory *d, const char *topic, int32_t partition,
                             struct share *share, struct log **log);

/* How often the metadata has changed: a number that rises. */
uint64_t directory_version(const struct directory *d);

/* ---- changing it (directory_change.c) ------------------------------------ */

/* Each is one atomic change, on the disk when it returns OK; `dry` finds out
 * whether it could be made, and makes none.  DENIED: the directory is foreign,
 * or open for reading. */
enum evl_error directory_create(struct directory *d, const char *topic, int32_t partitions,
                                const struct decide_setting *settings, size_t count, bool dry);
enum evl_error directory_remove(struct directory *d, const char *topic, bool dry);
enum evl_error directory_grow(struct directory *d, const char *topic, int32_t partitions, bool dry);
enum evl_error directory_configure(struct directory *d, const char *topic,
                                   const struct decide_setting *settings, size_t count, bool dry);

/* Who else has to agree to a change.  hold: nothing that is in its way begins
 * until let_go; asked when all else is well, in the change's turn.  After an error
 * there is nothing to let go. */
struct directory_guard {
    void *context;
    enum evl_error (*hold)(void *context, const char *topic);
    void (*let_go)(void *context);
};

/* `guard`: NULL if there is none. */
enum evl_error directory_rename(struct directory *d, const char *from, const char *to, bool dry,
                                const struct directory_guard *guard);

/* Have an internal topic (place/coordinator.h), made on first use with Kafka's
 * settings; *partitions is how many it has.  Any number of processes may come at
 * once: it is made once.  NOT_FOUND: it is not there, and cannot be made here. */
enum evl_error directory_ensure_internal(struct directory *d, const char *topic,
                                         int32_t *partitions);

/* Whether somebody is at a change, or has died at one: directory_settle() waits
 * for the one, and finds out what is left of the other. */
bool directory_is_changing(struct directory *d);
enum evl_error directory_settle(struct directory *d);

/* Take `count` producer ids that nobody had, from *first on. */
enum evl_error directory_take_producer_ids(struct directory *d, int64_t count, int64_t *first);

/* Remove what removed topics have left behind, after a crash in between. */
enum evl_error directory_sweep(struct directory *d);

#endif
