/* folder.h - the folders of a directory's partitions, and their rows in the
 * checkpoint files.
 *
 * Only directory_change.c calls these, under the metadata's APPEND lock, but for
 * folder_await. */
#ifndef PLACE_FOLDER_H
#define PLACE_FOLDER_H

#include "place/inside.h"

/* New folders, empty, with this id in them; on the disk when it returns OK.
 * What is in their way goes where it belongs, or away. */
enum evl_error folders_make(struct directory *d, const char *topic, int32_t from, int32_t count,
                            const struct uuid *id);

/* A partition of the topic with this id gets its new name: first its rows, then
 * its folder.  On the disk when it returns OK; cut short, it can be begun again. */
enum evl_error folder_rename(struct directory *d, const struct uuid *id, const char *from,
                             const char *to, int32_t partition);

/* Finish the rename that left a partition's folder under another name, if there
 * was one.  OK too if the topic has another name again, or is gone.  CORRUPT:
 * there is no such folder. */
enum evl_error folder_adopt(struct directory *d, const struct uuid *id, const char *topic,
                            int32_t partition);

/* The same for who may not write: wait for who is at it; then BUSY. */
enum evl_error folder_await(struct directory *d, const struct uuid *id, const char *topic,
                            int32_t partition);

/* Take a name's rows and folder away, if they are there. */
enum evl_error folder_clear(struct directory *d, const char *topic, int32_t partition);

/* Empty a folder and remove it. */
enum evl_error folder_delete(struct io *io, const char *path);

#endif
