/* log_kit.h - a simulated machine with one partition, and processes on it that
 * write records with keys, and compare what they read with what was written. */
#ifndef TESTS_LOG_KIT_H
#define TESTS_LOG_KIT_H

#include "io/io_sim.h"
#include "log/log.h"
#include "unit.h"

/* The machine: directory "d", partition t-0. */
struct kit {
    struct sim *sim;
    struct topic_config config;
    struct uuid id;
};

void kit_open(struct kit *k, uint64_t seed);
void kit_close(struct kit *k);

/* One process that has the partition open. */
struct kit_user {
    struct io *io;
    struct share *share;
    struct log *log;
    struct batch_writer writer;
};

/* On a new process, or on one that is there.  After a failure there is nothing
 * to close. */
enum evl_error kit_join(struct kit *k, struct kit_user *u, bool writable);
enum evl_error kit_join_on(struct kit *k, struct kit_user *u, struct io *io, bool writable);
void kit_leave(struct kit_user *u);      /* the process ends, and had no file open */
void kit_leave_door(struct kit_user *u); /* it lives on */

/* What was written: record number i has offset i. */
enum { KIT_RECORDS = 4096, KIT_KEYS = 64, KIT_TOMBSTONE = -1 };
struct kit_model {
    int count;
    int key[KIT_RECORDS];
    int value[KIT_RECORDS]; /* or KIT_TOMBSTONE */
};

/* Append a batch of these records with this timestamp, and sync it; the model
 * knows them before, as they may be there after a failure too. */
enum evl_error kit_put(struct kit_user *u, struct kit_model *m, int key, int value, int count,
                       int64_t ms);

/* What a walk over the log saw. */
struct kit_view {
    int count;                /* records */
    int tombstones;           /* among them */
    int64_t newest[KIT_KEYS]; /* offset of the newest record of each key; -1 */
    int64_t end;              /* where it ended; -1 after an error */
};

/* Read from the start to the end.  Each record must be as it was written, and
 * their offsets must rise. */
struct kit_view kit_read(struct kit_user *u, const struct kit_model *m);

/* Whether the newest of each key among the first `count` records is what the
 * view has; where that is a tombstone, nothing older may be there. */
bool kit_is_latest(const struct kit_view *v, const struct kit_model *m, int count);

#endif
