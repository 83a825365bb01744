/* epochs.h - which leader epoch began at which offset (KIP-101).
 *
 * Owns the file leader-epoch-checkpoint of a partition:
 *
 *     0              version
 *     2              entries
 *     0 0            epoch, its first offset
 *     3 1187
 *
 * Epochs and offsets rise strictly. */
#ifndef LOG_EPOCHS_H
#define LOG_EPOCHS_H

#include "io/io.h"

struct epoch {
    int32_t epoch;
    int64_t start;
};

struct epochs {
    struct epoch *at;
    size_t count;
};

/* Read the file; a missing one is empty.  CORRUPT if it is malformed: it can be
 * rebuilt from the batches. */
enum evl_error epochs_load(struct io *io, const char *dir, struct epochs *epochs);

/* Write it, all or nothing. */
enum evl_error epochs_store(struct io *io, const char *dir, const struct epochs *epochs);

/* Note that a batch of this epoch begins at this offset; true if that is new
 * and ought to be stored. */
bool epochs_note(struct epochs *epochs, int32_t epoch, int64_t offset);

/* Forget what lies at or behind `end`, or what ends before `start`; true if
 * that changed something. */
bool epochs_cut(struct epochs *epochs, int64_t end);
bool epochs_drop(struct epochs *epochs, int64_t start);

/* The newest epoch; -1 if there is none. */
int32_t epochs_latest(const struct epochs *epochs);

void epochs_release(struct epochs *epochs);

#endif
