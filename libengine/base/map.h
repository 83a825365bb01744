/* map.h - from keys of bytes to things.
 *
 * A zeroed struct map is an empty one.  Keys and values are borrowed: a key
 * must stay where it is while it is in the map, and usually lies in the thing
 * itself.  Order means nothing. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <evl/bytes.h>

struct map_slot {
    struct evl_bytes key;
    void *value; /* NULL: free */
    uint64_t hash;
};

struct map {
    struct map_slot *slots; /* room of them, a power of two; at most 3/4 in use */
    size_t count, room;
};

/* The thing of that key, or NULL. */
void *map_get(const struct map *m, struct evl_bytes key);

/* Set; a thing that was there under an equal key is replaced, key and all. */
void map_put(struct map *m, struct evl_bytes key, void *value);

/* Take out, and return; NULL if there is none. */
void *map_take(struct map *m, struct evl_bytes key);

/* The next thing from slot *i on, which starts as 0; NULL at the end.  The map
 * must not change on the way. */
void *map_next(const struct map *m, size_t *i);

void map_release(struct map *m);

#endif
