/* share.c - ev.lock and ev.shm.
 *
 * (1) A lock's byte follows from the partition's identity alone, not from its
 *     slot: two processes that see different maps still exclude each other.
 * (2) A slot's identity is written before its bucket; a reader that finds the
 *     bucket finds the identity.
 * (3) Slots are never taken out of the table while it lives; a dead one may
 *     come to life again for the same identity only. */
#include "log/share.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/memory.h"

enum header {
    HEAD_MAGIC,
    HEAD_DEVICE,
    HEAD_INODE,
    HEAD_BOOT_HIGH,
    HEAD_BOOT_LOW,
    HEAD_SLOTS,
    HEAD_USED,
    HEAD_NEWS,
    HEAD_GENERATION,
    HEAD_VALID_WORDS = HEAD_SLOTS + 1,
    HEAD_WORDS = 512,
};

#define SHARE_MAGIC UINT64_C(0x3130306d68735665) /* "eVshm001" */

struct share {
    struct io *io;
    char dir[PATH_MAX];
    bool writable;
    int lock_file, map_file;
    uint64_t *map; /* NULL: none that is valid */
    size_t map_bytes;
    uint64_t slots;
    uint64_t device, inode;
    uint64_t slots_wanted;
    uint64_t incarnation;
};

static size_t share_bytes(uint64_t slots)
{
    return (HEAD_WORDS + 2 * slots) * sizeof(uint64_t) + slots * sizeof(struct share_slot);
}

static uint64_t *share_buckets(const struct share *s) { return s->map + HEAD_WORDS; }

static struct share_slot *share_slots(const struct share *s)
{
    return (struct share_slot *)(s->map + HEAD_WORDS + 2 * s->slots);
}

static uint64_t identity_hash(const struct uuid *id, int32_t partition)
{
    uint64_t h = get_u64(id->at) ^ get_u64(id->at + 8) * UINT64_C(0x9e3779b97f4a7c15);
    h ^= (uint64_t)(uint32_t)partition * UINT64_C(0xc2b2ae3d27d4eb4f);
    h ^= h >> 29;
    h *= UINT64_C(0xbf58476d1ce4e5b9);
    return h ^ h >> 32;
}

/* ---- opening ---------------------------------------------------------------- */

static enum evl_error share_path(const struct share *s, const char *name, char path[PATH_MAX])
{
    if (snprintf(path, PATH_MAX, "%s/%s", s->dir, name) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s/%s: name too long", s->dir, name);
    return EVL_OK;
}

/* What a valid header begins with, for this file and this boot. */
static void share_expect(const struct share *s, uint64_t slots, uint64_t words[HEAD_VALID_WORDS])
{
    struct io_boot boot = io_boot(s->io);
    words[HEAD_MAGIC] = SHARE_MAGIC;
    words[HEAD_DEVICE] = s->device;
    words[HEAD_INODE] = s->inode;
    words[HEAD_BOOT_HIGH] = boot.high;
    words[HEAD_BOOT_LOW] = boot.low;
    words[HEAD_SLOTS] = slots;
}

/* Whether the file is whole and of this boot; how many slots it has. */
static bool share_is_valid(const struct share *s, uint64_t *slots)
{
    uint64_t found[HEAD_VALID_WORDS];
    uint64_t expected[HEAD_VALID_WORDS];
    size_t got;
    int64_t size;
    if (io_read(s->io, s->map_file, found, sizeof found, 0, &got) || got < sizeof found)
        return false;
    share_expect(s, found[HEAD_SLOTS], expected);
    if (memcmp(found, expected, sizeof found) != 0)
        return false;
    if (found[HEAD_SLOTS] == 0 || found[HEAD_SLOTS] > SHARE_SLOTS)
        return false;
    if (io_size(s->io, s->map_file, &size) || size < (int64_t)share_bytes(found[HEAD_SLOTS]))
        return false;
    *slots = found[HEAD_SLOTS];
    return true;
}

/* Begin anew, in place: whoever holds a map of the void one was told so by its
 * boot id or inode, and does not use it. */
static enum evl_error share_set_up(struct share *s)
{
    uint64_t words[HEAD_VALID_WORDS];
    enum evl_error err = io_truncate(s->io, s->map_file, 0);
    if (err)
        return err;
    err = io_map(s->io, s->map_file, share_bytes(s->slots_wanted), true, (void **)&s->map);
    if (err)
        return err;
    s->slots = s->slots_wanted;
    s->map_bytes = share_bytes(s->slots);
    share_expect(s, s->slots, words);
    for (int i = HEAD_VALID_WORDS - 1; i >= 0; i--) /* the magic last: then it is whole */
        io_store(s->io, &s->map[i], words[i]);
    return EVL_OK;
}

static enum evl_error share_attach(struct share *s)
{
    uint64_t slots;
    struct io_stat stat;
    enum evl_error err = io_stat_file(s->io, s->map_file, &stat);
    if (err)
        return err;
    s->device = stat.device;
    s->inode = stat.inode;
    if (share_is_valid(s, &slots)) {
        s->slots = slots;
        s->map_bytes = share_bytes(slots);
        return io_map(s->io, s->map_file, s->map_bytes, s->writable, (void **)&s->map);
    }
    return s->writable ? share_set_up(s) : EVL_OK;
}

static enum evl_error share_map(struct share *s)
{
    char path[PATH_MAX];
    enum evl_error err = share_path(s, "ev.shm", path);
    if (err)
        return err;
    if (!s->writable) {
        err = io_open(s->io, path, IO_READ, &s->map_file);
        return err == EVL_ERR_NOT_FOUND ? EVL_OK : err ? err : share_attach(s);
    }
    err = share_lock_directory(s, SHARE_LOCK_TABLE, io_now(s->io) + 10000LL * IO_MS);
    if (err)
        return err;
    err = io_open(s->io, path, IO_CREATE, &s->map_file);
    if (!err)
        err = share_attach(s);
    share_unlock_directory(s, SHARE_LOCK_TABLE);
    return err ? failed(err, "ev.shm") : EVL_OK;
}

enum evl_error share_open(struct io *io, const char *dir, bool writable, uint64_t slots,
                          struct share **share)
{
    char path[PATH_MAX];
    struct share *s = memory_take(1, sizeof *s);
    s->io = io;
    s->writable = writable;
    s->lock_file = s->map_file = -1;
    s->slots_wanted = slots;
    s->incarnation = 1;
    enum evl_error err = EVL_OK;
    if (snprintf(s->dir, sizeof s->dir, "%s", dir) >= PATH_MAX)
        err = fail(EVL_ERR_USAGE, "%s: name too long", dir);
    if (!err && writable) {
        err = share_path(s, "ev.lock", path);
        if (!err)
            err = io_open(io, path, IO_CREATE, &s->lock_file);
    }
    if (!err)
        err = share_map(s);
    if (err) {
        share_close(s);
        return err;
    }
    *share = s;
    return EVL_OK;
}

static void share_detach(struct share *s)
{
    if (s->map)
        io_unmap(s->io, s->map, s->map_bytes);
    s->map = NULL;
    io_close(s->io, s->map_file);
    s->map_file = -1;
}

void share_close(struct share *s)
{
    if (!s)
        return;
    share_detach(s);
    io_close(s->io, s->lock_file);
    memory_free(s);
}

bool share_is_mapped(const struct share *s) { return s->map != NULL; }
bool share_is_writable(const struct share *s) { return s->writable; }

enum evl_error share_renew(struct share *s, uint64_t *incarnation)
{
    char path[PATH_MAX];
    struct io_stat stat;
    enum evl_error err = share_path(s, "ev.shm", path);
    if (err)
        return err;
    err = io_stat(s->io, path, &stat);
    bool same = !err && s->map && stat.device == s->device && stat.inode == s->inode;
    if (err && err != EVL_ERR_NOT_FOUND)
        return err;
    if (!same && (s->writable || !err)) {
        share_detach(s);
        s->incarnation++;
        err = share_map(s);
        if (err)
            return err;
    }
    *incarnation = s->incarnation;
    return EVL_OK;
}

/* ---- the table --------------------------------------------------------------- */

uint64_t share_get(struct share *s, const struct share_slot *slot, enum share_word word)
{
    return io_load(s->io, &slot->word[word]);
}

void share_set(struct share *s, struct share_slot *slot, enum share_word word, uint64_t value)
{
    io_store(s->io, &slot->word[word], value);
}

static bool slot_is(struct share *s, const struct share_slot *slot, const struct uuid *id,
                    int32_t partition)
{
    return share_get(s, slot, SHARE_ID_HIGH) == get_u64(id->at) &&
           share_get(s, slot, SHARE_ID_LOW) == get_u64(id->at + 8) &&
           share_get(s, slot, SHARE_PARTITION) == (uint64_t)(uint32_t)partition;
}

/* The bucket that holds the partition, or the empty one where it would go. */
static uint64_t *share_bucket(struct share *s, const struct uuid *id, int32_t partition,
                              struct share_slot **slot)
{
    uint64_t count = 2 * s->slots;
    uint64_t at = identity_hash(id, partition) % count;
    *slot = NULL;
    for (;; at = (at + 1) % count) { /* half of the buckets are empty */
        uint64_t number = io_load(s->io, &share_buckets(s)[at]);
        if (number == 0 || number > s->slots)
            return &share_buckets(s)[at];
        struct share_slot *found = &share_slots(s)[number - 1];
        if (slot_is(s, found, id, partition)) {
            *slot = found;
            return &share_buckets(s)[at];
        }
    }
}

struct share_slot *share_find(struct share *s, const struct uuid *id, int32_t partition)
{
    struct share_slot *slot = NULL;
    if (s->map)
        share_bucket(s, id, partition, &slot);
    return slot;
}

static enum evl_error share_add(struct share *s, const struct uuid *id, int32_t partition,
                                struct share_slot **slot)
{
    struct share_slot *found;
    uint64_t *bucket = share_bucket(s, id, partition, &found);
    if (found) {
        *slot = found;
        return EVL_OK;
    }
    uint64_t used = io_load(s->io, &s->map[HEAD_USED]);
    if (used >= s->slots)
        return fail(EVL_ERR_UNAVAILABLE,
                    "ev.shm has no room for another partition after %" PRIu64
                    "; stop all users of the directory and delete it",
                    used);
    found = &share_slots(s)[used];
    share_set(s, found, SHARE_ID_HIGH, get_u64(id->at));
    share_set(s, found, SHARE_ID_LOW, get_u64(id->at + 8));
    share_set(s, found, SHARE_PARTITION, (uint64_t)(uint32_t)partition);
    io_store(s->io, &s->map[HEAD_USED], used + 1);
    io_store(s->io, bucket, used + 1);
    *slot = found;
    return EVL_OK;
}

enum evl_error share_claim(struct share *s, const struct uuid *id, int32_t partition, int64_t until,
                           struct share_slot **slot)
{
    check(s->writable && s->map);
    *slot = share_find(s, id, partition);
    if (*slot)
        return EVL_OK;
    enum evl_error err = share_lock_directory(s, SHARE_LOCK_TABLE, until);
    if (err)
        return err;
    err = share_add(s, id, partition, slot);
    share_unlock_directory(s, SHARE_LOCK_TABLE);
    return err;
}

/* ---- locks ------------------------------------------------------------------- */

static int64_t partition_byte(struct share *s, const struct share_slot *slot,
                              enum share_partition_lock which)
{
    struct uuid id;
    put_u64(id.at, share_get(s, slot, SHARE_ID_HIGH));
    put_u64(id.at + 8, share_get(s, slot, SHARE_ID_LOW));
    uint64_t hash = identity_hash(&id, (int32_t)share_get(s, slot, SHARE_PARTITION));
    return SHARE_LOCK_FIRST_PARTITION + (int64_t)(hash >> 4) * 4 + which;
}

static enum share_word holder_word(enum share_partition_lock which)
{
    return which == SHARE_SYNC ? SHARE_SYNCER : SHARE_HOLDER;
}

static enum evl_error share_busy(struct share *s, const struct share_slot *slot,
                                 enum share_partition_lock which)
{
    int32_t pid = (int32_t)share_get(s, slot, holder_word(which));
    if (which == SHARE_CLEAN || pid == 0)
        return fail(EVL_ERR_BUSY, "locked by another process; try again");
    if (io_process(s->io, pid) == IO_STOPPED)
        return fail(EVL_ERR_BUSY,
                    "locked by process %" PRId32
                    ", which is stopped; continue it (kill -CONT %" PRId32 ") or end it",
                    pid, pid);
    return fail(EVL_ERR_BUSY, "locked by process %" PRId32 "; try again", pid);
}

enum evl_error share_lock(struct share *s, struct share_slot *slot, enum share_partition_lock which,
                          int64_t until, bool *dirty)
{
    enum evl_error err =
        io_lock(s->io, s->lock_file, partition_byte(s, slot, which), IO_EXCLUSIVE, until);
    if (err == EVL_ERR_BUSY)
        return share_busy(s, slot, which);
    if (err)
        return failed(err, "ev.lock");
    if (which == SHARE_CLEAN)
        return EVL_OK;
    *dirty = share_get(s, slot, holder_word(which)) != 0;
    share_set(s, slot, holder_word(which), (uint64_t)io_pid(s->io));
    return EVL_OK;
}

void share_unlock(struct share *s, struct share_slot *slot, enum share_partition_lock which)
{
    if (which != SHARE_CLEAN)
        share_set(s, slot, holder_word(which), 0);
    io_unlock(s->io, s->lock_file, partition_byte(s, slot, which));
}

enum evl_error share_lock_directory(struct share *s, enum share_lock which, int64_t until)
{
    enum evl_error err = io_lock(s->io, s->lock_file, which, IO_EXCLUSIVE, until);
    return err ? failed(err, "ev.lock") : EVL_OK;
}

void share_unlock_directory(struct share *s, enum share_lock which)
{
    io_unlock(s->io, s->lock_file, which);
}

/* ---- news --------------------------------------------------------------------- */

uint64_t share_news(struct share *s) { return s->map ? io_load(s->io, &s->map[HEAD_NEWS]) : 0; }

void share_tell(struct share *s)
{
    io_add(s->io, &s->map[HEAD_NEWS], 1);
    io_wake(s->io, &s->map[HEAD_NEWS]);
}

void share_wait(struct share *s, uint64_t news, int64_t until)
{
    if (s->map)
        io_watch(s->io, &s->map[HEAD_NEWS], news, until);
    else
        io_sleep(s->io, until - io_now(s->io) < 100 * IO_MS ? until - io_now(s->io) : 100 * IO_MS);
}
