/* map.c - open addressing with linear probing; what is taken out leaves no
 * mark, those behind it move up. */
#include "base/map.h"

#include "base/check.h"
#include "base/memory.h"

enum { ROOM_MIN = 16 };

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

static uint64_t hash_of(struct evl_bytes key)
{
    uint64_t hash = key.count;
    uint64_t word;
    while (key.count >= sizeof word) {
        memcpy(&word, key.at, sizeof word);
        hash = mix(hash, word);
        key = evl_bytes(key.at + sizeof word, key.count - sizeof word);
    }
    word = 0;
    if (key.count > 0)
        memcpy(&word, key.at, key.count);
    return mix(hash, word);
}

static size_t next_slot(const struct map *m, size_t i) { return (i + 1) & (m->room - 1); }

/* Where the key is, or the free slot where it would be.  There is room. */
static size_t find(const struct map *m, struct evl_bytes key, uint64_t hash)
{
    size_t i = hash & (m->room - 1);
    while (m->slots[i].value &&
           !(m->slots[i].hash == hash && evl_bytes_equal(m->slots[i].key, key)))
        i = next_slot(m, i);
    return i;
}

void *map_get(const struct map *m, struct evl_bytes key)
{
    return m->room ? m->slots[find(m, key, hash_of(key))].value : NULL;
}

static void grow(struct map *m)
{
    struct map larger = { .count = m->count, .room = m->room ? m->room * 2 : ROOM_MIN };
    larger.slots = memory_take(larger.room, sizeof *larger.slots);
    for (size_t i = 0; i < m->room; i++)
        if (m->slots[i].value)
            larger.slots[find(&larger, m->slots[i].key, m->slots[i].hash)] = m->slots[i];
    memory_free(m->slots);
    *m = larger;
}

void map_put(struct map *m, struct evl_bytes key, void *value)
{
    check(value);
    if (m->count >= m->room / 4 * 3)
        grow(m);
    uint64_t hash = hash_of(key);
    size_t i = find(m, key, hash);
    m->count += !m->slots[i].value;
    m->slots[i] = (struct map_slot){ key, value, hash };
}

void *map_take(struct map *m, struct evl_bytes key)
{
    if (!m->room)
        return NULL;
    size_t hole = find(m, key, hash_of(key));
    void *value = m->slots[hole].value;
    if (!value)
        return NULL;
    m->slots[hole].value = NULL;
    m->count--;
    /* Whoever passed over the hole on the way to its slot moves into it. */
    for (size_t i = next_slot(m, hole); m->slots[i].value; i = next_slot(m, i)) {
        size_t home = m->slots[i].hash & (m->room - 1);
        if (((i - home) & (m->room - 1)) < ((i - hole) & (m->room - 1)))
            continue;
        m->slots[hole] = m->slots[i];
        m->slots[i].value = NULL;
        hole = i;
    }
    return value;
}

void *map_next(const struct map *m, size_t *i)
{
    while (*i < m->room) {
        void *value = m->slots[(*i)++].value;
        if (value)
            return value;
    }
    return NULL;
}

void map_release(struct map *m)
{
    memory_free(m->slots);
    *m = (struct map){ 0 };
}
