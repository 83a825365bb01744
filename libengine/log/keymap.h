/* keymap.h - the newest offset of each key, in memory of a fixed size.
 *
 * Keys are known by their hash alone, keyed by chance: nobody who writes
 * records can make two keys count as one (base/siphash.h). */
#ifndef LOG_KEYMAP_H
#define LOG_KEYMAP_H

#include "io/io.h"

struct keymap;

/* A map that takes no more than `bytes`, and has room for one key at least.
 * The caller destroys it. */
struct keymap *keymap_create(struct io *io, size_t bytes);
void keymap_destroy(struct keymap *m);
void keymap_clear(struct keymap *m);

/* Note that a key has a record at this offset.  False, and nothing is noted, if
 * the key is new and there is no room. */
bool keymap_put(struct keymap *m, struct evl_bytes key, int64_t offset);

/* The newest offset of a key; -1 if it has none. */
int64_t keymap_get(const struct keymap *m, struct evl_bytes key);

size_t keymap_count(const struct keymap *m);
size_t keymap_room(const struct keymap *m);  /* keys it can hold */
size_t keymap_bytes(const struct keymap *m); /* memory it may take */

#endif
