/* replay.h - the state that a log's batches add up to: its producers, its epochs. */
#ifndef LOG_REPLAY_H
#define LOG_REPLAY_H

#include "log/log.h"

/* Have log->producers know everything before the end: WRITTEN for who may
 * write, log_end() for others. */
enum evl_error replay_producers(struct log *log);

/* The end for those who read committed records only: nothing before it is part
 * of a transaction that is still open (the last stable offset). */
enum evl_error replay_stable_end(struct log *log, int64_t *end);

/* Have log->epochs say what the heads of all batches say: their file is damaged. */
enum evl_error replay_epochs(struct log *log);

/* Put the recovery point and the producers on disk, so that the next boot reads
 * only what follows; does nothing unless `always` or much was synced since. */
enum evl_error replay_checkpoint(struct log *log, bool always);

#endif
