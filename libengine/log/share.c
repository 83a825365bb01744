/* share.c - ev.lock and ev.shm.
 *
 * (1) A lock's byte follows from the partition's identity alone, not from its
 *     slot: two processes that see different files still exclude each other.
 * (2) A slot's identity is written before its state: who finds a slot that is
 *     not FREE finds whose it is.
 * (3) The file is allocated before it is mapped, and never cut: a full disk is
 *     an error, and no signal. */
#include "log/share.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/siphash.h"

enum header {
    HEAD_MAGIC,
    HEAD_DEVICE,
    HEAD_INODE,
    HEAD_BOOT_HIGH,
    HEAD_BOOT_LOW,
    HEAD_CHUNKS,
    HEAD_NEWS,
    HEAD_GENERATION,
    HEAD_VALID_WORDS = HEAD_CHUNKS,
    HEAD_OWNERS = 64,
    HEAD_WORDS = 512,
};

enum {
    CHUNK_SLOTS = 1024,
    CHUNKS_MAX = 1024,
    PROBES_MAX = 64, /* in one chunk */
};

#define SHARE_OWNERS_FIRST ((int64_t)1 << 62)

#define SHARE_MAGIC UINT64_C(0x3330306d68735665) /* "eVshm003" */

struct share {
    struct io *io;
    char dir[PATH_MAX];
    bool writable;
    int lock_file, map_file;
    uint64_t *map;   /* NULL: none that is valid */
    uint64_t chunks; /* that are mapped */
    uint64_t device, inode;
    uint32_t incarnation;
};

static size_t share_bytes(uint64_t chunks)
{
    return (HEAD_WORDS + chunks * CHUNK_SLOTS * SHARE_WORDS) * sizeof(uint64_t);
}

static uint64_t *share_word(const struct share *s, uint32_t number, enum share_word word)
{
    return s->map + HEAD_WORDS + (size_t)(number - 1) * SHARE_WORDS + word;
}

static uint64_t identity_hash(const struct uuid *id, int32_t partition)
{
    uint64_t h = get_u64(id->at) ^ get_u64(id->at + 8) * UINT64_C(0x9e3779b97f4a7c15);
    h ^= (uint64_t)(uint32_t)partition * UINT64_C(0xc2b2ae3d27d4eb4f);
    h ^= h >> 29;
    h *= UINT64_C(0xbf58476d1ce4e5b9);
    return h ^ h >> 32;
}

/* ---- opening ------------------------------------------------------------- */

static enum evl_error share_path(const struct share *s, const char *name, char path[PATH_MAX])
{
    if (snprintf(path, PATH_MAX, "%s/%s", s->dir, name) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s/%s: name too long", s->dir, name);
    return EVL_OK;
}

/* What a valid header begins with, for this file and this boot. */
static void share_expect(const struct share *s, uint64_t words[HEAD_VALID_WORDS])
{
    struct io_boot boot = io_boot(s->io);
    words[HEAD_MAGIC] = SHARE_MAGIC;
    words[HEAD_DEVICE] = s->device;
    words[HEAD_INODE] = s->inode;
    words[HEAD_BOOT_HIGH] = boot.high;
    words[HEAD_BOOT_LOW] = boot.low;
}

/* How many chunks the file has; 0 if it is not whole, or not of this boot.  What
 * cannot be read is not void: others may be using it. */
static enum evl_error share_validate(const struct share *s, uint64_t *chunks)
{
    uint64_t found[HEAD_CHUNKS + 1];
    uint64_t expected[HEAD_VALID_WORDS];
    size_t got;
    int64_t size = 0;
    enum evl_error err = io_read(s->io, s->map_file, found, sizeof found, 0, &got);
    if (!err)
        err = io_size(s->io, s->map_file, &size);
    if (err)
        return err;
    *chunks = 0;
    if (got < sizeof found)
        return EVL_OK;
    share_expect(s, expected);
    if (memcmp(found, expected, sizeof expected) == 0 && found[HEAD_CHUNKS] <= CHUNKS_MAX &&
        size >= (int64_t)share_bytes(found[HEAD_CHUNKS]))
        *chunks = found[HEAD_CHUNKS];
    return EVL_OK;
}

static enum evl_error share_map_chunks(struct share *s, uint64_t chunks)
{
    void *map;
    enum evl_error err = io_map(s->io, s->map_file, share_bytes(chunks), s->writable, &map);
    if (err)
        return err;
    if (s->map)
        io_unmap(s->io, s->map, share_bytes(s->chunks));
    s->map = map;
    s->chunks = chunks;
    return EVL_OK;
}

/* Begin anew, in place: whoever holds a map of the void one was told so by its
 * boot id or inode, and does not use it. */
static enum evl_error share_set_up(struct share *s)
{
    uint64_t words[HEAD_VALID_WORDS];
    enum evl_error err = io_truncate(s->io, s->map_file, 0);
    if (!err)
        err = share_map_chunks(s, 1);
    if (err)
        return err;
    io_store(s->io, &s->map[HEAD_CHUNKS], 1);
    share_expect(s, words);
    for (int i = HEAD_VALID_WORDS - 1; i >= 0; i--) /* the magic last: then it is whole */
        io_store(s->io, &s->map[i], words[i]);
    return EVL_OK;
}

static enum evl_error share_attach(struct share *s)
{
    uint64_t chunks;
    struct io_stat stat;
    enum evl_error err = io_stat_file(s->io, s->map_file, &stat);
    if (err)
        return err;
    s->device = stat.device;
    s->inode = stat.inode;
    err = share_validate(s, &chunks);
    if (err)
        return err;
    if (chunks > 0)
        return share_map_chunks(s, chunks);
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

enum evl_error share_open(struct io *io, const char *dir, bool writable, struct share **share)
{
    char path[PATH_MAX];
    struct share *s = memory_take(1, sizeof *s);
    s->io = io;
    s->writable = writable;
    s->lock_file = s->map_file = -1;
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
        io_unmap(s->io, s->map, share_bytes(s->chunks));
    s->map = NULL;
    s->chunks = 0;
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

enum evl_error share_renew(struct share *s)
{
    char path[PATH_MAX];
    struct io_stat stat;
    enum evl_error err = share_path(s, "ev.shm", path);
    if (err)
        return err;
    err = io_stat(s->io, path, &stat);
    if (err && err != EVL_ERR_NOT_FOUND)
        return err;
    if (!err && s->map && stat.device == s->device && stat.inode == s->inode)
        return EVL_OK;
    if (err && !s->writable)
        return EVL_OK;
    share_detach(s);
    s->incarnation++;
    return share_map(s);
}

bool share_is_stale(const struct share *s, const struct share_slot *slot)
{
    return slot->number == 0 || slot->incarnation != s->incarnation || !s->map;
}

/* ---- the table ----------------------------------------------------------- */

uint64_t share_get(struct share *s, const struct share_slot *slot, enum share_word word)
{
    if (share_is_stale(s, slot))
        return 0;
    return io_load(s->io, share_word(s, slot->number, word));
}

void share_set(struct share *s, const struct share_slot *slot, enum share_word word, uint64_t value)
{
    if (!share_is_stale(s, slot))
        io_store(s->io, share_word(s, slot->number, word), value);
}

static struct share_slot slot_make(const struct share *s, uint64_t hash, uint32_t number)
{
    return (struct share_slot){ number, s->incarnation,
                                SHARE_LOCK_FIRST_PARTITION + (int64_t)(hash >> 4) * 4 };
}

static bool slot_is(struct share *s, uint32_t number, const struct uuid *id, int32_t partition)
{
    return io_load(s->io, share_word(s, number, SHARE_ID_HIGH)) == get_u64(id->at) &&
           io_load(s->io, share_word(s, number, SHARE_ID_LOW)) == get_u64(id->at + 8) &&
           io_load(s->io, share_word(s, number, SHARE_PARTITION)) == (uint64_t)(uint32_t)partition;
}

/* Map the chunks that others have added. */
static enum evl_error share_grown(struct share *s)
{
    uint64_t chunks = io_load(s->io, &s->map[HEAD_CHUNKS]);
    if (chunks <= s->chunks || chunks > CHUNKS_MAX)
        return EVL_OK;
    return share_map_chunks(s, chunks);
}

/* The number of the partition's slot, or 0; then *room is that of a free one,
 * or 0 as well. */
static uint32_t share_probe(struct share *s, const struct uuid *id, int32_t partition,
                            uint64_t hash, uint32_t *room)
{
    *room = 0;
    for (uint32_t chunk = 0; chunk < s->chunks; chunk++)
        for (uint32_t probe = 0; probe < PROBES_MAX; probe++) {
            uint32_t number = 1 + chunk * CHUNK_SLOTS + (uint32_t)(hash + probe) % CHUNK_SLOTS;
            if (io_load(s->io, share_word(s, number, SHARE_STATE)) == SHARE_FREE) {
                if (*room == 0)
                    *room = number;
                break;
            }
            if (slot_is(s, number, id, partition))
                return number;
        }
    return 0;
}

struct share_slot share_find(struct share *s, const struct uuid *id, int32_t partition)
{
    uint32_t room;
    uint64_t hash = identity_hash(id, partition);
    uint32_t number = 0;
    if (s->map && share_grown(s) == EVL_OK)
        number = share_probe(s, id, partition, hash, &room);
    return slot_make(s, hash, number);
}

static enum evl_error share_add(struct share *s, const struct uuid *id, int32_t partition,
                                struct share_slot *slot)
{
    uint32_t room;
    uint64_t hash = identity_hash(id, partition);
    enum evl_error err = share_grown(s);
    if (err)
        return err;
    uint32_t number = share_probe(s, id, partition, hash, &room);
    if (number == 0 && room == 0) {
        if (s->chunks == CHUNKS_MAX)
            return fail(EVL_ERR_UNAVAILABLE, "more partitions than ev.shm can hold; stop all users "
                                             "of the directory and delete it");
        room = 1 + (uint32_t)s->chunks * CHUNK_SLOTS + (uint32_t)hash % CHUNK_SLOTS;
        err = share_map_chunks(s, s->chunks + 1);
        if (err)
            return failed(err, "ev.shm");
        io_store(s->io, &s->map[HEAD_CHUNKS], s->chunks);
    }
    if (number == 0) {
        number = room;
        io_store(s->io, share_word(s, number, SHARE_ID_HIGH), get_u64(id->at));
        io_store(s->io, share_word(s, number, SHARE_ID_LOW), get_u64(id->at + 8));
        io_store(s->io, share_word(s, number, SHARE_PARTITION), (uint64_t)(uint32_t)partition);
        io_store(s->io, share_word(s, number, SHARE_STATE), SHARE_UNBORN);
    }
    *slot = slot_make(s, hash, number);
    return EVL_OK;
}

enum evl_error share_claim(struct share *s, const struct uuid *id, int32_t partition, int64_t until,
                           struct share_slot *slot)
{
    check(s->writable && s->map);
    *slot = share_find(s, id, partition);
    if (slot->number != 0)
        return EVL_OK;
    enum evl_error err = share_lock_directory(s, SHARE_LOCK_TABLE, until);
    if (err)
        return err;
    err = share_add(s, id, partition, slot);
    share_unlock_directory(s, SHARE_LOCK_TABLE);
    return err;
}

/* ---- locks --------------------------------------------------------------- */

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

enum evl_error share_lock(struct share *s, const struct share_slot *slot,
                          enum share_partition_lock which, int64_t until, bool *dirty)
{
    enum evl_error err = io_lock(s->io, s->lock_file, slot->byte + which, IO_EXCLUSIVE, until);
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

void share_unlock(struct share *s, const struct share_slot *slot, enum share_partition_lock which)
{
    if (which != SHARE_CLEAN)
        share_set(s, slot, holder_word(which), 0);
    io_unlock(s->io, s->lock_file, slot->byte + which);
}

void share_leave(struct share *s, const struct share_slot *slot, enum share_partition_lock which,
                 bool dirty)
{
    if (dirty)
        io_unlock(s->io, s->lock_file, slot->byte + which);
    else
        share_unlock(s, slot, which);
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

/* ---- owners -------------------------------------------------------------- */

/* The same in every process: the key is no secret. */
static uint64_t owner_hash(struct evl_bytes name)
{
    static const uint64_t key[2] = { 0x6f77207365727648, 0x656d616e2061206e };
    return siphash(key, name.at, name.count).low;
}

static int64_t owner_byte(struct evl_bytes name)
{
    return SHARE_OWNERS_FIRST + (int64_t)(owner_hash(name) >> 2);
}

static uint64_t *owner_word(const struct share *s, struct evl_bytes name)
{
    return s->map + HEAD_OWNERS + owner_hash(name) % (HEAD_WORDS - HEAD_OWNERS);
}

int32_t share_owner(struct share *s, struct evl_bytes name)
{
    uint64_t word = s->map ? io_load(s->io, owner_word(s, name)) : 0;
    return word >> 32 == owner_hash(name) >> 32 ? (int32_t)word : 0;
}

static enum evl_error owner_busy(struct share *s, struct evl_bytes name)
{
    int32_t pid = share_owner(s, name);
    if (pid == 0)
        return fail(EVL_ERR_BUSY, "another process has it");
    return fail(EVL_ERR_BUSY, "process %" PRId32 " has it%s", pid,
                io_process(s->io, pid) == IO_STOPPED ? ", which is stopped" : "");
}

enum evl_error share_own(struct share *s, struct evl_bytes name)
{
    check(s->writable && s->map);
    enum evl_error err = io_lock(s->io, s->lock_file, owner_byte(name), IO_KEPT, 0);
    if (err == EVL_ERR_BUSY)
        return owner_busy(s, name);
    if (err)
        return failed(err, "ev.lock");
    uint64_t tag = owner_hash(name) >> 32 << 32;
    io_store(s->io, owner_word(s, name), tag | (uint32_t)io_pid(s->io));
    return EVL_OK;
}

enum evl_error share_is_owned(struct share *s, struct evl_bytes name, bool *owned)
{
    char path[PATH_MAX];
    int file = s->lock_file;
    enum evl_error err = EVL_OK;
    if (file < 0) { /* we only look */
        err = share_path(s, "ev.lock", path);
        if (!err)
            err = io_open(s->io, path, IO_READ, &file);
    }
    if (!err)
        err = io_is_locked(s->io, file, owner_byte(name), owned);
    if (s->lock_file < 0)
        io_close(s->io, file);
    return err ? failed(err, "ev.lock") : EVL_OK;
}

/* ---- news ---------------------------------------------------------------- */

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
