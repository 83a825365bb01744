/* presence.c - ev.members: its header, its slots, its locks. */
#include "place/presence.h"

#include <limits.h>
#include <stdio.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/siphash.h"
#include "io/io_file.h"

enum header {
    HEAD_MAGIC,
    HEAD_DEVICE,
    HEAD_INODE,
    HEAD_BOOT_HIGH,
    HEAD_BOOT_LOW,
    HEAD_NEWS,
    HEAD_SLOTS,
    HEAD_VALID_WORDS = HEAD_NEWS,
    HEAD_WORDS = 512,
};

enum {
    MAP_BYTES = (HEAD_WORDS + PRESENCE_SLOTS * PRESENCE_WORDS) * 8,
    FIRST_SUBSCRIPTION = 1 << 17, /* byte of the file */
    READS_MAX = 100,              /* of a slot that is written to meanwhile */
    SETUP_MS = 10000,
};
_Static_assert(MAP_BYTES <= FIRST_SUBSCRIPTION, "the words end before the subscriptions begin");

enum { LOCK_SETUP = 0, LOCK_FIRST_SLOT = 1024 };
_Static_assert(PRESENCE_WORDS == 8, "a slot has eight words on disk");

#define PRESENCE_MAGIC UINT64_C(0x313030726d655665) /* "eVmer001" */

struct presence {
    struct io *io;
    bool writable;
    int file;
    uint64_t *map; /* NULL: there is no valid one */
};

/* ---- opening ------------------------------------------------------------- */

/* What a valid header begins with, for this file and this boot. */
static enum evl_error presence_expect(const struct presence *p, uint64_t words[HEAD_VALID_WORDS])
{
    struct io_stat stat;
    enum evl_error err = io_stat_file(p->io, p->file, &stat);
    if (err)
        return err;
    struct io_boot boot = io_boot(p->io);
    words[HEAD_MAGIC] = PRESENCE_MAGIC;
    words[HEAD_DEVICE] = stat.device;
    words[HEAD_INODE] = stat.inode;
    words[HEAD_BOOT_HIGH] = boot.high;
    words[HEAD_BOOT_LOW] = boot.low;
    return EVL_OK;
}

static enum evl_error presence_is_valid(const struct presence *p, bool *valid)
{
    uint64_t found[HEAD_VALID_WORDS];
    uint64_t expected[HEAD_VALID_WORDS];
    size_t got;
    int64_t size = 0;
    enum evl_error err = presence_expect(p, expected);
    if (!err)
        err = io_read(p->io, p->file, found, sizeof found, 0, &got);
    if (!err)
        err = io_size(p->io, p->file, &size);
    if (!err)
        *valid =
            got == sizeof found && size >= MAP_BYTES && memcmp(found, expected, sizeof found) == 0;
    return err;
}

static enum evl_error presence_map(struct presence *p)
{
    void *map;
    enum evl_error err = io_map(p->io, p->file, MAP_BYTES, p->writable, &map);
    if (!err)
        p->map = map;
    return err;
}

/* Begin anew, in place: nobody of this boot has believed what is there. */
static enum evl_error presence_set_up(struct presence *p)
{
    uint64_t words[HEAD_VALID_WORDS];
    enum evl_error err = io_truncate(p->io, p->file, 0);
    if (!err)
        err = presence_map(p);
    if (!err)
        err = presence_expect(p, words);
    for (int i = HEAD_VALID_WORDS - 1; !err && i >= 0; i--) /* the magic last: then it is whole */
        io_store(p->io, &p->map[i], words[i]);
    return err;
}

static enum evl_error presence_attach(struct presence *p)
{
    bool valid = false;
    enum evl_error err = presence_is_valid(p, &valid);
    if (err || (!valid && !p->writable))
        return err;
    if (valid)
        return presence_map(p);
    err = presence_lock(p, LOCK_SETUP, IO_EXCLUSIVE, io_now(p->io) + SETUP_MS * (int64_t)IO_MS);
    if (err)
        return err;
    err = presence_is_valid(p, &valid); /* somebody may have been faster */
    if (!err)
        err = valid ? presence_map(p) : presence_set_up(p);
    presence_unlock(p, LOCK_SETUP);
    return err;
}

enum evl_error presence_open(struct io *io, const char *dir, bool writable,
                             struct presence **presence)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/ev.members", dir) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s/ev.members: name too long", dir);
    struct presence *p = memory_take(1, sizeof *p);
    *p = (struct presence){ .io = io, .writable = writable, .file = -1 };
    enum evl_error err = io_open(io, path, writable ? IO_CREATE : IO_READ, &p->file);
    if (!err && (err = presence_attach(p)))
        err = failed(err, "%s", path);
    if (err == EVL_ERR_NOT_FOUND && !writable)
        err = EVL_OK;
    if (err) {
        presence_close(p);
        return err;
    }
    *presence = p;
    return EVL_OK;
}

void presence_close(struct presence *p)
{
    if (!p)
        return;
    io_close(p->io, p->file);
    if (p->map && p->writable)
        presence_tell(p);
    io_unmap(p->io, p->map, MAP_BYTES);
    memory_free(p);
}

/* ---- words --------------------------------------------------------------- */

uint64_t presence_news(const struct presence *p) { return io_load(p->io, &p->map[HEAD_NEWS]); }
void presence_tell(struct presence *p) { io_add(p->io, &p->map[HEAD_NEWS], 1); }

uint32_t presence_slots(const struct presence *p)
{
    uint64_t slots = p->map ? io_load(p->io, &p->map[HEAD_SLOTS]) : 0;
    return slots < PRESENCE_SLOTS ? (uint32_t)slots : PRESENCE_SLOTS;
}

static uint64_t *presence_word(const struct presence *p, uint32_t slot, enum presence_word word)
{
    check(slot < PRESENCE_SLOTS);
    return p->map + HEAD_WORDS + (size_t)slot * PRESENCE_WORDS + word;
}

uint64_t presence_get(const struct presence *p, uint32_t slot, enum presence_word word)
{
    return io_load(p->io, presence_word(p, slot, word));
}

void presence_set(struct presence *p, uint32_t slot, enum presence_word word, uint64_t value)
{
    io_store(p->io, presence_word(p, slot, word), value);
}

/* ---- bytes --------------------------------------------------------------- */

/* Everybody hashes alike; 0 is nobody's. */
static uint64_t hash_of(const struct evl_buffer *b)
{
    static const uint64_t key[2] = { PRESENCE_MAGIC, PRESENCE_MAGIC };
    uint64_t hash = siphash(key, b->at, b->count).low;
    return hash ? hash : 1;
}

uint64_t presence_group(const char *group)
{
    struct evl_buffer b = { 0 };
    buf_add_text(&b, group);
    uint64_t hash = hash_of(&b);
    buf_release(&b);
    return hash;
}

uint64_t presence_instance(const char *group, const char *instance)
{
    struct evl_buffer b = { 0 };
    buf_add(&b, group, strlen(group) + 1); /* its end keeps the two apart */
    buf_add_text(&b, instance);
    uint64_t hash = hash_of(&b);
    buf_release(&b);
    return hash;
}

static int64_t region_byte(int region, uint64_t hash)
{
    return (int64_t)region << 60 | (int64_t)(hash >> 4);
}

int64_t presence_group_byte(uint64_t group) { return region_byte(1, group); }
int64_t presence_instance_byte(uint64_t instance) { return region_byte(2, instance); }

int64_t presence_lease_byte(uint64_t group, const struct uuid *topic, int32_t partition)
{
    uint8_t bytes[8 + sizeof topic->at + 4];
    put_u64(bytes, group);
    memcpy(bytes + 8, topic->at, sizeof topic->at);
    put_i32(bytes + 8 + sizeof topic->at, partition);
    struct evl_buffer b = { .at = bytes, .count = sizeof bytes };
    return region_byte(3, hash_of(&b));
}

enum evl_error presence_lock(struct presence *p, int64_t byte, enum io_lock mode, int64_t until)
{
    return io_lock(p->io, p->file, byte, mode, until);
}

void presence_unlock(struct presence *p, int64_t byte) { io_unlock(p->io, p->file, byte); }

static int64_t claimed_byte(uint32_t slot) { return LOCK_FIRST_SLOT + 2 * (int64_t)slot; }
static int64_t alive_byte(uint32_t slot) { return claimed_byte(slot) + 1; }

/* ---- who is gone --------------------------------------------------------- */

enum { GONE_BITS = 48 };

static uint64_t gone_word(uint64_t life, int64_t ms)
{
    return life << GONE_BITS | ((uint64_t)ms & ((UINT64_C(1) << GONE_BITS) - 1));
}

enum evl_error presence_is_alive(const struct presence *p, uint32_t slot, bool *alive)
{
    return io_is_locked(p->io, p->file, alive_byte(slot), alive);
}

/* Who notices late, when the slot has a new life already, writes what that one
 * does not believe: the word names the life that ended. */
int64_t presence_reserved_ms(struct presence *p, uint32_t slot)
{
    int64_t session = (int64_t)presence_get(p, slot, PRESENCE_SESSION_MS);
    uint64_t life = presence_get(p, slot, PRESENCE_LIFE);
    uint64_t gone = presence_get(p, slot, PRESENCE_GONE);
    if (presence_get(p, slot, PRESENCE_GROUP) == 0 || presence_get(p, slot, PRESENCE_INSTANCE) == 0)
        return 0;
    int64_t now = io_now(p->io) / IO_MS;
    if (gone >> GONE_BITS != (life & 0xffff)) {
        if (p->writable)
            presence_set(p, slot, PRESENCE_GONE, gone_word(life, now));
        return session;
    }
    int64_t since = now - (int64_t)gone_word(0, (int64_t)gone);
    return since < 0 ? session : since < session ? session - since : 0;
}

/* ---- claiming ------------------------------------------------------------ */

static bool slot_is_claims(const struct presence *p, uint32_t slot,
                           const struct presence_claim *claim)
{
    return presence_get(p, slot, PRESENCE_GROUP) == claim->group &&
           presence_get(p, slot, PRESENCE_INSTANCE) == claim->instance;
}

/* The slot that this instance had before.  Its byte may be somebody's for a
 * moment, who wants to see whether the slot is free: it is not. */
static enum evl_error take_again(struct presence *p, const struct presence_claim *claim,
                                 int64_t until, uint32_t *slot, bool *again)
{
    *again = false;
    for (uint32_t i = 0; i < presence_slots(p) && claim->instance != 0; i++) {
        if (!slot_is_claims(p, i, claim))
            continue;
        enum evl_error err = presence_lock(p, claimed_byte(i), IO_KEPT, until);
        if (err)
            return err;
        if (slot_is_claims(p, i, claim)) {
            *slot = i;
            *again = true;
            return EVL_OK;
        }
        presence_unlock(p, claimed_byte(i));
    }
    return EVL_OK;
}

static bool slot_is_reserved(struct presence *p, uint32_t slot)
{
    return slot < presence_slots(p) && presence_reserved_ms(p, slot) > 0;
}

/* Asks after the lock, too: who had the slot may have died a moment ago.  A
 * living member's slot seems reserved, or its lock is taken. */
static enum evl_error take_new(struct presence *p, uint32_t *slot)
{
    for (uint32_t i = 0; i < PRESENCE_SLOTS; i++) {
        enum evl_error err = presence_lock(p, claimed_byte(i), IO_KEPT, 0);
        if (err == EVL_ERR_BUSY)
            continue;
        if (err)
            return err;
        if (!slot_is_reserved(p, i)) {
            *slot = i;
            return EVL_OK;
        }
        presence_unlock(p, claimed_byte(i));
    }
    return fail(EVL_ERR_UNAVAILABLE, "%d processes are members of groups, more cannot be",
                PRESENCE_SLOTS);
}

enum evl_error presence_take(struct presence *p, const struct presence_claim *claim, int64_t until,
                             uint32_t *slot, bool *again)
{
    uint32_t got = 0;
    enum evl_error err = take_again(p, claim, until, &got, again);
    if (!err && !*again)
        err = take_new(p, &got);
    if (err)
        return err;
    if (!*again)
        presence_set(p, got, PRESENCE_GROUP, 0); /* what it says is nobody's */
    for (uint32_t i = 0; i <= got && io_load(p->io, &p->map[HEAD_SLOTS]) <= got; i++)
        io_add(p->io, &p->map[HEAD_SLOTS], 1); /* others do too: some may be too many */
    *slot = got;
    return EVL_OK;
}

enum evl_error presence_live(struct presence *p, uint32_t slot, const struct presence_claim *claim)
{
    presence_set(p, slot, PRESENCE_INSTANCE, claim->instance);
    presence_set(p, slot, PRESENCE_SESSION_MS, (uint64_t)claim->session_ms);
    presence_set(p, slot, PRESENCE_PID, (uint64_t)io_pid(p->io));
    presence_set(p, slot, PRESENCE_LIFE, presence_get(p, slot, PRESENCE_LIFE) + 1);
    presence_set(p, slot, PRESENCE_GROUP, claim->group);
    enum evl_error err = presence_lock(p, alive_byte(slot), IO_KEPT, 0);
    if (!err)
        presence_tell(p);
    return err;
}

void presence_leave(struct presence *p, uint32_t slot)
{
    uint64_t life = presence_get(p, slot, PRESENCE_LIFE);
    if (presence_get(p, slot, PRESENCE_INSTANCE) == 0)
        presence_set(p, slot, PRESENCE_GROUP, 0);
    else
        presence_set(p, slot, PRESENCE_GONE, gone_word(life, io_now(p->io) / IO_MS));
}

/* ---- what a slot says ---------------------------------------------------- */

static int64_t subscription_at(uint32_t slot, uint64_t version)
{
    return FIRST_SUBSCRIPTION +
           SUBSCRIPTION_BYTES_MAX * (2 * (int64_t)slot + (int64_t)(version & 1));
}

enum evl_error presence_write(struct presence *p, uint32_t slot, const struct subscription *s)
{
    struct evl_buffer out = { 0 };
    uint64_t version = presence_get(p, slot, PRESENCE_VERSION) + 1;
    enum evl_error err = subscription_print(s, version, &out);
    struct evl_bytes bytes = buf_bytes(&out);
    size_t put;
    if (!err &&
        (err = io_write_all(p->io, p->file, &bytes, 1, subscription_at(slot, version), &put)))
        err = failed(err, "ev.members");
    buf_release(&out);
    if (!err)
        presence_set(p, slot, PRESENCE_VERSION, version);
    return err;
}

/* A version that is two behind may be half overwritten: then there is a newer. */
enum evl_error presence_read(const struct presence *p, uint32_t slot, struct subscription *s,
                             uint64_t *version)
{
    enum evl_error err = EVL_OK;
    uint8_t *room = memory_take(SUBSCRIPTION_BYTES_MAX, 1);
    for (int i = 0; i < READS_MAX; i++) {
        size_t got = 0;
        uint64_t now = presence_get(p, slot, PRESENCE_VERSION);
        err =
            io_read(p->io, p->file, room, SUBSCRIPTION_BYTES_MAX, subscription_at(slot, now), &got);
        if (!err)
            err = subscription_read(evl_bytes(room, got), now, s);
        if (!err)
            *version = now;
        if (err != EVL_ERR_CORRUPT || presence_get(p, slot, PRESENCE_VERSION) == now)
            break;
    }
    memory_free(room);
    return err ? failed(err, "ev.members: slot %u", (unsigned)slot) : EVL_OK;
}
