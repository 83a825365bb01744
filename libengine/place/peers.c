/* peers.c - looking at slots, and listening to beats.
 *
 * A slot is read again only if one of its words is another, and its process
 * asked for only then or when its beat stands still. */
#include "place/peers.h"

#include "base/check.h"
#include "base/memory.h"

static uint64_t word_of(const struct peers *peers, uint32_t slot, enum presence_word word)
{
    return presence_get(peers->presence, slot, word);
}

static void peer_drop(struct peers *peers, size_t i)
{
    subscription_release(&peers->at[i].says);
    memmove(&peers->at[i], &peers->at[i + 1], (--peers->count - i) * sizeof *peers->at);
}

static void peer_add(struct peers *peers, size_t i, uint32_t slot)
{
    if (peers->count == peers->room) {
        peers->room = peers->room ? 2 * peers->room : 8;
        peers->at = memory_grow(peers->at, peers->room, sizeof *peers->at);
    }
    memmove(&peers->at[i + 1], &peers->at[i], (peers->count++ - i) * sizeof *peers->at);
    peers->at[i] = (struct peer){ .slot = slot, .moved = io_now(peers->io) };
}

/* ---- one peer ------------------------------------------------------------ */

/* What it says now.  Words that are damaged are those of somebody who wants
 * nothing. */
static enum evl_error peer_read(const struct peers *peers, struct peer *peer)
{
    struct subscription says;
    uint64_t version = peer->version;
    enum evl_error err = presence_read(peers->presence, peer->slot, &says, &version);
    if (err == EVL_ERR_CORRUPT)
        says = (struct subscription){ 0 };
    else if (err)
        return err;
    subscription_release(&peer->says);
    peer->says = says;
    peer->version = version;
    return EVL_OK;
}

/* Its words are others than before, or its beat stands still: *there says
 * whether it counts, and its state how. */
static enum evl_error peer_ask(const struct peers *peers, struct peer *peer, bool *there)
{
    bool alive;
    uint64_t life = word_of(peers, peer->slot, PRESENCE_LIFE); /* before its end may be noticed */
    enum evl_error err = presence_is_alive(peers->presence, peer->slot, &alive);
    if (err)
        return err;
    int64_t now = io_now(peers->io);
    if (life != peer->life) /* another one, who has just come */
        peer->moved = now;
    peer->life = life;
    *there = alive;
    if (alive) {
        bool still = now - peer->moved >= PEERS_ASLEEP_MS * (int64_t)IO_MS;
        peer->state = still ? PEER_ASLEEP : PEER_AWAKE;
    } else {
        int64_t left = presence_reserved_ms(peers->presence, peer->slot);
        *there = left > 0;
        peer->state = PEER_AWAITED;
        peer->until = now + left * IO_MS;
    }
    peer->gone = word_of(peers, peer->slot, PRESENCE_GONE);
    return EVL_OK;
}

static bool peer_differs(const struct peers *peers, const struct peer *peer)
{
    return word_of(peers, peer->slot, PRESENCE_VERSION) != peer->version ||
           word_of(peers, peer->slot, PRESENCE_LIFE) != peer->life ||
           word_of(peers, peer->slot, PRESENCE_GONE) != peer->gone;
}

/* ---- looking ------------------------------------------------------------- */

static bool peer_is_static(const struct peer *peer)
{
    return peer->says.instance && peer->says.instance[0];
}

/* Peer number *i is the slot's, if any is; *i is the next one afterwards. */
static enum evl_error look_at(struct peers *peers, uint32_t slot, size_t *i, bool *changed)
{
    bool known = *i < peers->count && peers->at[*i].slot == slot;
    bool ours = slot != peers->self && word_of(peers, slot, PRESENCE_GROUP) == peers->group;
    bool there = ours;
    enum evl_error err = EVL_OK;
    if (ours && known && !peer_differs(peers, &peers->at[*i])) {
        ++*i;
        return EVL_OK;
    }
    peers->reservations += known && peer_is_static(&peers->at[*i]);
    if (ours && !known)
        peer_add(peers, *i, slot);
    if (ours)
        err = peer_ask(peers, &peers->at[*i], &there);
    if (!err && there &&
        (!known || word_of(peers, slot, PRESENCE_VERSION) != peers->at[*i].version))
        err = peer_read(peers, &peers->at[*i]);
    *changed = *changed || known || there;
    peers->reservations += !err && there && peer_is_static(&peers->at[*i]);
    if ((ours || known) && (err || !there))
        peer_drop(peers, *i);
    else if (there)
        ++*i;
    return err;
}

enum evl_error peers_look(struct peers *peers, bool *changed)
{
    size_t i = 0;
    enum evl_error err = EVL_OK;
    uint32_t slots = presence_slots(peers->presence);
    for (uint32_t slot = 0; slot < slots && !err; slot++)
        err = look_at(peers, slot, &i, changed);
    return err;
}

/* ---- listening ----------------------------------------------------------- */

/* Whether there is reason to ask after it: it may have died, woken, been
 * awaited in vain. */
static bool peer_is_odd(const struct peers *peers, struct peer *peer, int64_t now)
{
    uint64_t beat = word_of(peers, peer->slot, PRESENCE_BEAT);
    bool moves = beat != peer->beat;
    peer->beat = beat;
    if (moves)
        peer->moved = now;
    switch (peer->state) {
    case PEER_AWAKE: return now - peer->moved >= PEERS_STILL_MS * (int64_t)IO_MS;
    case PEER_ASLEEP: return true;
    case PEER_AWAITED: return now >= peer->until;
    }
    return false;
}

enum evl_error peers_listen(struct peers *peers, bool *changed)
{
    int64_t now = io_now(peers->io);
    for (size_t i = peers->count; i-- > 0;) {
        struct peer *peer = &peers->at[i];
        if (!peer_is_odd(peers, peer, now))
            continue;
        enum peer_state state = peer->state;
        bool there;
        enum evl_error err = peer_ask(peers, peer, &there);
        if (err)
            return err;
        *changed = *changed || !there || peer->state != state;
        if (!there)
            peer_drop(peers, i);
    }
    return EVL_OK;
}

void peers_release(struct peers *peers)
{
    while (peers->count > 0)
        peer_drop(peers, peers->count - 1);
    memory_free(peers->at);
    *peers = (struct peers){ 0 };
}
