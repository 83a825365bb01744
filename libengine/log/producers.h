/* producers.h - what a partition remembers of its producers (KIP-98).
 *
 * Who is idempotent numbers its batches; by the last five of each producer a
 * repeated batch is known, and a missing one.  Who has a transaction open holds
 * the last stable offset back.  The state is what replaying the log gives;
 * snapshots make the replay short:
 *
 *   "%020d.snapshot": the state before this offset (big-endian)
 *       int16  version, 1
 *       uint32 CRC-32C of all that follows
 *       int32  count
 *       count * 46 bytes: int64 producer id, int16 epoch, int32 last sequence,
 *           int64 last offset, int32 last offset delta, int64 timestamp,
 *           int32 coordinator epoch, int64 first offset of the open transaction */
#ifndef LOG_PRODUCERS_H
#define LOG_PRODUCERS_H

#include "io/io.h"
#include "record/batch.h"

struct producers;

struct producers *producers_create(void);
void producers_destroy(struct producers *p);
void producers_clear(struct producers *p);

/* Before a batch is appended: OK, and *known >= 0 if this very batch is in the
 * log already, where *known is its base offset.  SEQUENCE: one before it is
 * missing.  FENCED: a newer epoch of its producer was here. */
enum evl_error producers_check(const struct producers *p, const struct batch *batch,
                               int64_t *known);

/* A batch is in the log.  For a control batch, `bytes` is all of it. */
enum evl_error producers_note(struct producers *p, const struct batch *batch,
                              struct evl_bytes bytes);

/* Whether a batch, if it were noted, would abort an open transaction: which began
 * at *first, and after which everything before *stable is decided (-1: all). */
enum evl_error producers_see_abort(const struct producers *p, const struct batch *batch,
                                   struct evl_bytes bytes, bool *aborts, int64_t *first,
                                   int64_t *stable);

/* The first offset of the oldest open transaction; -1 if none is open. */
int64_t producers_first_open(const struct producers *p);

/* Whose transaction that is; -1 if none is open. */
int64_t producers_first_open_id(const struct producers *p);

/* Whether a marker of this epoch has yet to be written: with KIP-890 each end has
 * an epoch of its own, above that of the data, so one of it or a later one says
 * that the transaction was ended here. */
bool producers_want_marker(const struct producers *p, int64_t id, int16_t epoch);

/* Whether this batch is what is known last of its producer: without it, the
 * producer would be forgotten. */
bool producers_hold(const struct producers *p, const struct batch *batch);

size_t producers_count(const struct producers *p);

/* What is known of producer number i, in the order of their ids. */
struct producer_facts {
    int64_t id;
    int16_t epoch;
    int32_t coordinator_epoch, last_sequence; /* -1: none */
    int64_t last_timestamp;
    int64_t transaction; /* the first offset of the one that is open; -1: none is */
};
struct producer_facts producers_at(const struct producers *p, size_t i);

/* Forget who was last here before this time (producer.id.expiration.ms) and has
 * no transaction open. */
void producers_expire(struct producers *p, int64_t before_ms);

/* Snapshots, in a partition's folder.  Loading replaces the state; CORRUPT if
 * the file is not what it should be. */
enum evl_error producers_store(const struct producers *p, struct io *io, const char *dir,
                               int64_t offset);
enum evl_error producers_load(struct producers *p, struct io *io, const char *dir, int64_t offset);

#endif
