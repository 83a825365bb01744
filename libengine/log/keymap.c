/* keymap.c - open addressing: 24 bytes a slot, nine of ten in use at most. */
#include "log/keymap.h"

#include "base/memory.h"
#include "base/siphash.h"

struct slot {
    struct siphash hash;
    int64_t next; /* the offset plus one; 0: free */
};
_Static_assert(sizeof(struct slot) == 24, "what a key costs");

struct keymap {
    uint64_t secret[2];
    struct slot *slots;
    size_t slot_count;
    size_t count, room;
};

struct keymap *keymap_create(struct io *io, size_t bytes)
{
    struct keymap *m = memory_take(1, sizeof *m);
    m->secret[0] = io_random(io);
    m->secret[1] = io_random(io);
    m->slot_count = bytes / sizeof(struct slot);
    if (m->slot_count < 2)
        m->slot_count = 2;
    m->room = m->slot_count - m->slot_count / 10;
    if (m->room == m->slot_count)
        m->room--; /* a free slot ends each search */
    m->slots = memory_take(m->slot_count, sizeof *m->slots);
    return m;
}

void keymap_destroy(struct keymap *m)
{
    if (!m)
        return;
    memory_free(m->slots);
    memory_free(m);
}

void keymap_clear(struct keymap *m)
{
    if (m->count > 0) /* else its pages were never touched */
        memset(m->slots, 0, m->slot_count * sizeof *m->slots);
    m->count = 0;
}

/* The slot that has the key, or the free one where it would go. */
static struct slot *keymap_slot(const struct keymap *m, const struct siphash *hash)
{
    size_t at = hash->low % m->slot_count;
    while (m->slots[at].next != 0 &&
           (m->slots[at].hash.low != hash->low || m->slots[at].hash.high != hash->high))
        at = at + 1 < m->slot_count ? at + 1 : 0;
    return &m->slots[at];
}

bool keymap_put(struct keymap *m, struct evl_bytes key, int64_t offset)
{
    struct siphash hash = siphash(m->secret, key.at, key.count);
    struct slot *slot = keymap_slot(m, &hash);
    if (slot->next == 0) {
        if (m->count == m->room)
            return false;
        m->count++;
    }
    if (offset >= slot->next) /* else offsets go back: who cleans will say so */
        *slot = (struct slot){ hash, offset + 1 };
    return true;
}

int64_t keymap_get(const struct keymap *m, struct evl_bytes key)
{
    struct siphash hash = siphash(m->secret, key.at, key.count);
    return keymap_slot(m, &hash)->next - 1;
}

size_t keymap_count(const struct keymap *m) { return m->count; }
size_t keymap_room(const struct keymap *m) { return m->room; }
size_t keymap_bytes(const struct keymap *m) { return m->slot_count * sizeof *m->slots; }
