/* world.h - one seed's world: the simulated machine, what may go wrong in it,
 * and the people who use it.
 *
 * A session is what one process does from opening the directory to closing it.
 * Whatever fails on the way, it gives everything back.  An error is the world's
 * fault, or the engine's: world_judge() knows. */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include <evl/admin.h>
#include <evl/place.h>

#include "io/io_sim.h"
#include "sim/model.h"

#define WORLD_DIR "d"
enum { WORLD_NAMES = 3, WORLD_PROCESSES = 4 };

/* An idempotent client outlives the processes that it talks to, as one on a
 * network does: what it was not acknowledged, it sends again. */
struct client {
    int64_t producer_id;
    int writer;
    int topic, partition; /* topic -1: none yet */
    char id[24];          /* of the topic */
    char name[64];        /* what that was called when its log was opened */
    int32_t sequence;     /* of the next batch */
    int64_t first;        /* of the pending batch: its first record */
    int32_t pending;      /* and how many; 0: none */
    int64_t timestamp;
};

struct world {
    struct sim *sim;
    struct model *model;
    struct io_boot boot;  /* as far as anybody noticed */
    int64_t time_ms;      /* of the next record */
    uint64_t cuts, kills; /* so far */
    uint64_t cut_within;  /* a cut comes within so many calls of each boot; 0: none */
    bool os;              /* some write with flush=os */
    bool made;            /* the directory: it stays */
    bool changes;         /* topics come and go */
    bool io_errors;       /* there was one; a partition may be failed */
    bool full, stops;     /* these may be met now */
    bool flipped;         /* bits were: damage is to be told */
    int64_t damages;      /* told */
    struct client clients[WORLD_PROCESSES];
};

/* Begin a session: after a power cut, what was soft is forgotten. */
enum evl_error world_enter(struct world *w, struct io *io, bool readonly, struct evl_place **place);

/* End it: no file may be left open. */
void world_leave(struct world *w, struct io *io, struct evl_place *place);

/* An error was met by this process in doing `what`: if nothing in this world
 * excuses it, that is a broken promise. */
void world_judge(struct world *w, const struct io *io, enum evl_error err, const char *what);

uint64_t world_chance(struct world *w, uint64_t limit);
bool world_toss(struct world *w, int percent);

/* One of the names that topics have. */
const char *world_name(struct world *w);

/* The topic of this name, if there is one: its number for the model. */
enum evl_error world_topic(struct world *w, struct evl_place *place, const char *name, int *topic);

/* ---- what is done in a session ------------------------------------------- */

/* Each tells the model.  Write some records, everything flushed at the end; a
 * topic of small segments; its name or its end; one partition more. */
enum evl_error world_write(struct world *w, struct io *io, struct evl_place *place,
                           const char *name, int count);
enum evl_error world_create(struct world *w, const struct io *io, struct evl_place *place,
                            const char *name, int partitions);
enum evl_error world_remove(struct world *w, const struct io *io, struct evl_place *place,
                            const char *name);
enum evl_error world_rename(struct world *w, const struct io *io, struct evl_place *place,
                            const char *from, const char *to);
enum evl_error world_grow(struct evl_place *place, const char *name);

/* Repair one of its partitions if it is failed, else checkpoint it. */
enum evl_error world_keep(struct world *w, struct evl_place *place, const char *name);

/* ---- sessions ------------------------------------------------------------ */

void session_write(struct world *w, struct io *io);
void session_client(struct world *w, struct io *io, struct client *client);
void session_read(struct world *w, struct io *io);
void session_change(struct world *w, struct io *io);
void session_keep(struct world *w, struct io *io); /* checkpoints, repairs */

/* Checkpoint every partition: what there is lies below the recovery points. */
void session_checkpoint(struct world *w, struct io *io);

/* Look at everything there is, in a world at rest, and repair what is failed.
 * With `write`, see that writing goes on. */
void session_audit(struct world *w, struct io *io, bool write);

#endif
