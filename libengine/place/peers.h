/* peers.h - the other members of a group, as one member sees them.
 *
 * What they say lies in ev.members; that it changed, its news tell.  That one
 * died nobody tells: each member moves a word of its own, its beat, as often as
 * it looks around, and when a beat stands still the others ask the kernel
 * whether its process is there.  So a quiet group costs no system call, and a
 * dead member is found out PEERS_STILL_MS after its last beat. */
#ifndef PLACE_PEERS_H
#define PLACE_PEERS_H

#include "place/presence.h"

enum {
    PEERS_BEAT_MS = 100,   /* how often a member moves its beat, */
    PEERS_STILL_MS = 300,  /* one that stands still for this long may be dead, */
    PEERS_ASLEEP_MS = 500, /* or else it is stopped, or does not look around */
};

enum peer_state {
    PEER_AWAKE,
    PEER_ASLEEP,  /* it keeps what it owns, and takes nothing */
    PEER_AWAITED, /* gone, and its session is not over: likewise */
};

struct peer {
    uint32_t slot;
    enum peer_state state;
    uint64_t version, life, gone, beat; /* words of its slot */
    int64_t moved;                      /* when its beat did; io_now() */
    int64_t until;                      /* AWAITED: the end of its session; io_now() */
    struct subscription says;
};

struct peers {
    struct io *io;
    struct presence *presence;
    uint64_t group; /* hash */
    uint32_t self;  /* our slot, left out */
    struct peer *at;
    size_t count, room;    /* sorted by slot */
    uint64_t reservations; /* counts the changes of static peers that were seen */
};

/* See who is there now.  *changed is set if something is not as it was. */
enum evl_error peers_look(struct peers *peers, bool *changed);

/* See who moves, and who does not: every PEERS_BEAT_MS. */
enum evl_error peers_listen(struct peers *peers, bool *changed);

void peers_release(struct peers *peers);

#endif
