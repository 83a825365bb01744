/* share.h - what the processes on one directory know of each other.
 *
 * Owns two files of the directory, which are made once and never renamed,
 * replaced or deleted:
 *
 *   ev.lock   no content; its bytes are locks (enum share_lock)
 *   ev.shm    mapped by all; void after a reboot or a copy, then made anew
 *
 * ev.shm, in words of 64 bits of this machine:
 *
 *   WORD              WHAT
 *   0                 magic
 *   1..4              device, inode, boot id: of whom it is valid
 *   5                 how many chunks follow
 *   6                 news: counts up whenever there is more to read
 *   7                 generation of the directory
 *   64..511           who owned a name last: its hash, and a pid; a hint
 *   512..             chunks of 1024 slots; a slot is 20 words (enum share_word)
 *
 * A partition's slot is in the first chunk that had room near where its
 * identity hashes to.  Slots are never taken away, chunks are added behind the
 * others: what a slot's number means does not change while the file lives.
 *
 * Who writes a slot holds its partition's APPEND lock, but for SYNCED, which
 * belongs to who holds its SYNC lock.  A reader maps ev.shm read-only and takes
 * no lock. */
#ifndef LOG_SHARE_H
#define LOG_SHARE_H

#include "base/uuid.h"
#include "io/io.h"

struct share;

/* One partition's facts. */
enum share_word {
    SHARE_ID_HIGH, /* topic id */
    SHARE_ID_LOW,
    SHARE_PARTITION,
    SHARE_STATE,      /* enum share_state */
    SHARE_GENERATION, /* changes with the list of segments, and with the log start */
    SHARE_HOLDER,     /* pid of who holds the APPEND lock; left behind by who died so */
    SHARE_FAILED,     /* 1: a write or a sync failed, nobody may append (design: a failed
                         sync is everybody's, the kernel tells it only once) */
    SHARE_START,      /* log start offset */
    SHARE_SYNCED,     /* everything before this offset is on the disk */
    SHARE_SHOWN,      /* everything before this offset may be read though it is not */
    SHARE_WRITTEN,    /* the end of the log */
    SHARE_BASE,       /* base offset of the active segment */
    SHARE_BYTES,      /* where WRITTEN is in the active segment's file */
    SHARE_SYNCER,     /* pid of who holds the SYNC lock */
    SHARE_SAVED,      /* how much of the active segment lies before the recovery point on disk */
    SHARE_CUTS,       /* how often the end has moved back since the boot */
    SHARE_MARKED,     /* behind the last batch that is part of a transaction, or may be */
    SHARE_SETTLED,    /* of what lies before this offset no transaction is open */
    SHARE_WORDS = 20
};

enum share_state {
    SHARE_FREE,   /* no partition's */
    SHARE_UNBORN, /* nobody looked at the partition since the boot: recover it */
    SHARE_LIVE,
    SHARE_DEAD, /* its topic was removed */
};

/* A partition's slot, as one struct share sees it.  Zeroed: none. */
struct share_slot {
    uint32_t number;      /* from one */
    uint32_t incarnation; /* of the map; another one is another file */
    int64_t byte;         /* of its first lock */
};

/* The locks, bytes of ev.lock.  Order of taking: as here, partitions by byte. */
enum share_lock {
    SHARE_LOCK_TABLE = 2,                 /* to set up ev.shm, to claim a slot */
    SHARE_LOCK_CHECKPOINTS = 3,           /* to rewrite the directory's checkpoint files */
    SHARE_LOCK_FIRST_PARTITION = 1 << 20, /* to 2^62; behind that, owners' */
};
enum share_partition_lock { SHARE_APPEND, SHARE_SYNC, SHARE_CLEAN };

/* Open the directory's ev.lock and ev.shm; a writer makes what is missing.  A
 * reader who finds no valid ev.shm gets a share without a map: share_is_mapped. */
enum evl_error share_open(struct io *io, const char *dir, bool writable, struct share **share);
void share_close(struct share *s);

bool share_is_mapped(const struct share *s);
bool share_is_writable(const struct share *s);

/* If somebody deleted or replaced ev.shm under our feet, map what is there now:
 * every slot of before is stale then. */
enum evl_error share_renew(struct share *s);
bool share_is_stale(const struct share *s, const struct share_slot *slot);

/* The slot of a partition; number 0 if it has none. */
struct share_slot share_find(struct share *s, const struct uuid *id, int32_t partition);

/* The same, made if there is none: UNBORN.  BUSY, NO_SPACE. */
enum evl_error share_claim(struct share *s, const struct uuid *id, int32_t partition, int64_t until,
                           struct share_slot *slot);

/* A stale slot has zeros, and keeps nothing. */
uint64_t share_get(struct share *s, const struct share_slot *slot, enum share_word word);
void share_set(struct share *s, const struct share_slot *slot, enum share_word word,
               uint64_t value);

/* Take one of a partition's locks; BUSY names the holder's pid.  Says in *dirty
 * that the last holder died with it. */
enum evl_error share_lock(struct share *s, const struct share_slot *slot,
                          enum share_partition_lock which, int64_t until, bool *dirty);
void share_unlock(struct share *s, const struct share_slot *slot, enum share_partition_lock which);

/* The same; if `dirty`, the next one finds it so too: it was not mended. */
void share_leave(struct share *s, const struct share_slot *slot, enum share_partition_lock which,
                 bool dirty);

/* The directory's own locks. */
enum evl_error share_lock_directory(struct share *s, enum share_lock which, int64_t until);
void share_unlock_directory(struct share *s, enum share_lock which);

/* ---- owners -------------------------------------------------------------- */

/* A name (a transactional id) belongs to who has its byte in ev.lock: keep it
 * until share_close().  One name per struct share.  BUSY, naming the owner's pid
 * if it is known. */
enum evl_error share_own(struct share *s, struct evl_bytes name);

/* Whether somebody has it by another struct share, of this process or another;
 * nobody is disturbed by the question. */
enum evl_error share_is_owned(struct share *s, struct evl_bytes name, bool *owned);

/* Who owned it last, as far as is known; or 0. */
int32_t share_owner(struct share *s, struct evl_bytes name);

/* News: read the counter, look for records, then sleep until it has changed. */
uint64_t share_news(struct share *s);
void share_tell(struct share *s);
void share_wait(struct share *s, uint64_t news, int64_t until);

#endif
