/* place.h - what a place is made of. */
#ifndef PLACE_PLACE_H
#define PLACE_PLACE_H

#include <evl/place.h>

#include "place/directory.h"

struct groups;
struct transactions;

struct evl_place {
    struct io *io;
    struct directory *directory;
    bool tends;                        /* see struct evl_place_options */
    struct groups *groups;             /* NULL until somebody asks for one (groups.h) */
    struct transactions *transactions; /* NULL: nobody asked yet (transactions.h) */
};

/* Wait for a lock this long. */
enum { PLACE_PATIENCE_MS = 30000 };

/* What a batch may unpack to, whatever it says. */
enum { PLAIN_BYTES_MAX = 1 << 30 };

#endif
