/* presence.h - DIR/ev.members: who is a member of which group just now.
 *
 * The file is made once and never renamed or removed.  Its locks are dropped by
 * the kernel when their process dies, all at once as they belong to one open
 * file; so there is nobody to ask, and nothing to clean up.
 *
 *   BYTES LOCKED           WHAT
 *   0                      to set the file up
 *   1024 + 2 * slot        claimed: its holder may write the slot
 *   1025 + 2 * slot        alive: what the slot says is true
 *   1 << 60 | hash         a group: its members share it, who changes the group
 *                          under no members has it alone
 *   2 << 60 | hash         an instance of a group: its process
 *   3 << 60 | hash         a partition of a group: its owner
 *
 * In words of 64 bits of this machine, mapped by all:
 *
 *   WORD              WHAT
 *   0                 magic
 *   1..4              device, inode, boot id: of whom it is valid
 *   5                 news: counts up after each change of a slot
 *   6                 slots in use lie before this one
 *   512 + 8 * slot    enum presence_word
 *
 * and from byte 131072 on, 65536 bytes of each slot: a subscription at 0 or at
 * 32768, as its version is even or odd.  A new version is written beside the
 * old one, then its number is stored; a writer that dies halfway has changed
 * nothing.
 *
 *   1. Nobody lives in a slot whose words are of somebody who died: the byte
 *      "alive" is taken after the words are written.
 *   2. Whatever a reboot or a copy finds is void: no lock of it is held. */
#ifndef PLACE_PRESENCE_H
#define PLACE_PRESENCE_H

#include "io/io.h"
#include "place/subscription.h"

struct presence;

enum presence_word {
    PRESENCE_GROUP,      /* hash of its name; 0: nobody's */
    PRESENCE_INSTANCE,   /* hash of group and instance; 0: a dynamic member's */
    PRESENCE_SESSION_MS, /* of a static member */
    PRESENCE_VERSION,    /* of the subscription */
    PRESENCE_LIFE,       /* counts who lived in it */
    PRESENCE_GONE,       /* 16 bits of LIFE, 48 of when somebody noticed its end */
    PRESENCE_BEAT,       /* moves while its process looks around */
    PRESENCE_PID,
    PRESENCE_WORDS
};

enum { PRESENCE_SLOTS = 1024 };

/* A writer makes what is missing.  A reader who finds no valid file gets one
 * with no slots in use. */
enum evl_error presence_open(struct io *io, const char *dir, bool writable,
                             struct presence **presence);

/* All its locks go with it, at once; others hear of it. */
void presence_close(struct presence *p);

uint64_t presence_news(const struct presence *p);
void presence_tell(struct presence *p);
uint32_t presence_slots(const struct presence *p);

uint64_t presence_get(const struct presence *p, uint32_t slot, enum presence_word word);
void presence_set(struct presence *p, uint32_t slot, enum presence_word word, uint64_t value);

/* ---- slots --------------------------------------------------------------- */

/* Who wants a slot. */
struct presence_claim {
    uint64_t group, instance; /* hashes; instance 0: dynamic */
    int64_t session_ms;
};

/* Have a slot to write to; *again if it was this instance's before.  Not alive
 * yet.  UNAVAILABLE: there are too many members; BUSY. */
enum evl_error presence_take(struct presence *p, const struct presence_claim *claim, int64_t until,
                             uint32_t *slot, bool *again);

/* Write the slot that we claimed; after the first time, come alive. */
enum evl_error presence_write(struct presence *p, uint32_t slot, const struct subscription *s);
enum evl_error presence_live(struct presence *p, uint32_t slot, const struct presence_claim *claim);

/* Leave it: to nobody, or reserved for the session that begins now. */
void presence_leave(struct presence *p, uint32_t slot);

/* What the slot says; *version of it.  The caller releases.  CORRUPT. */
enum evl_error presence_read(const struct presence *p, uint32_t slot, struct subscription *s,
                             uint64_t *version);

/* Whether its process is there; our own is not. */
enum evl_error presence_is_alive(const struct presence *p, uint32_t slot, bool *alive);

/* How long a slot whose process is gone stays reserved: 0 of a dynamic member.
 * The first who asks writes down that it is gone. */
int64_t presence_reserved_ms(struct presence *p, uint32_t slot);

/* ---- bytes --------------------------------------------------------------- */

uint64_t presence_group(const char *group);
uint64_t presence_instance(const char *group, const char *instance);
int64_t presence_group_byte(uint64_t group);
int64_t presence_instance_byte(uint64_t instance);
int64_t presence_lease_byte(uint64_t group, const struct uuid *topic, int32_t partition);

/* As io_lock() has it. */
enum evl_error presence_lock(struct presence *p, int64_t byte, enum io_lock mode, int64_t until);
void presence_unlock(struct presence *p, int64_t byte);

#endif
