/* checkpoint.h - Kafka's text files of one offset per partition.
 *
 *     0                       version
 *     2                       rows
 *     orders 0 1200           topic partition offset
 *     orders 1 1187
 *
 * recovery-point-offset-checkpoint: before it, a log was synced as a whole.
 * log-start-offset-checkpoint: where a log starts, when deleting records has
 * moved it.  replication-offset-checkpoint: high watermarks, of a foreign
 * directory. */
#ifndef LOG_CHECKPOINT_H
#define LOG_CHECKPOINT_H

#include "io/io.h"

#define CHECKPOINT_RECOVERY  "recovery-point-offset-checkpoint"
#define CHECKPOINT_CLEANER   "cleaner-offset-checkpoint"
#define CHECKPOINT_START     "log-start-offset-checkpoint"
#define CHECKPOINT_WATERMARK "replication-offset-checkpoint"

/* The offset that dir/name has for a partition; -1 if none.  A missing file has
 * none for anybody; a malformed one is CORRUPT. */
enum evl_error checkpoint_get(struct io *io, const char *dir, const char *name, const char *topic,
                              int32_t partition, int64_t *offset);

/* Replace the file by one in which this partition has this offset (-1: none).
 * On the disk when it returns OK.  The caller holds the lock of the
 * directory's checkpoint files. */
enum evl_error checkpoint_put(struct io *io, const char *dir, const char *name, const char *topic,
                              int32_t partition, int64_t offset);

/* Give the row of one name to another, whose own goes away; to NULL: drop it.
 * In one replacement: it is there under one of them at any time. */
enum evl_error checkpoint_move(struct io *io, const char *dir, const char *name, const char *from,
                               const char *to, int32_t partition);

#endif
