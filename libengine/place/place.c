/* place.c - open a place, and resolve positions in it. */
#include "place/place.h"

#include "base/fault.h"
#include "base/memory.h"
#include "log/reader.h"
#include "log/replay.h"
#include "place/groups.h"
#include "place/transactions.h"

enum evl_error evl_place_open(const struct evl_place_options *options, struct evl_place **place)
{
    struct evl_place *p = memory_take(1, sizeof *p);
    p->io = options->io ? options->io : io_linux();
    p->tends = options->readonly && options->tends;
    enum evl_error err = directory_open(options, p->io, &p->directory);
    if (err) {
        memory_free(p);
        return err;
    }
    *place = p;
    return EVL_OK;
}

void evl_place_close(struct evl_place *place)
{
    if (!place)
        return;
    transactions_close(place->transactions);
    groups_close(place->groups);
    directory_close(place->directory);
    memory_free(place);
}

bool evl_place_is_foreign(const struct evl_place *place)
{
    return directory_is_foreign(place->directory);
}

const char *evl_place_name(const struct evl_place *place)
{
    return directory_path(place->directory);
}

/* ---- positions ----------------------------------------------------------- */

static int64_t between(int64_t offset, int64_t start, int64_t end)
{
    return offset < start ? start : offset > end ? end : offset;
}

/* Where those who read what is committed end.  What a dead owner left open does
 * not count, where we may end it. */
static enum evl_error log_committed_end(struct evl_place *place, struct log *log, int64_t *end)
{
    bool any = false;
    enum evl_error err = replay_stable_end(log, end);
    if (err || *end == log_end(log) || transactions_tend(place, &any) || !any)
        return err;
    return replay_stable_end(log, end);
}

static enum evl_error log_resolve(struct evl_place *place, struct log *log,
                                  struct evl_position position, enum evl_isolation isolation,
                                  int64_t *offset)
{
    int64_t end = log_end(log);
    enum evl_error err = EVL_OK;
    if (isolation == EVL_COMMITTED && position.kind != EVL_AT_START)
        err = log_committed_end(place, log, &end);
    if (err)
        return err;
    int64_t start = log_start(log);
    switch (position.kind) {
    case EVL_AT_START:
        *offset = position.number > end - start ? end : start + position.number;
        break;
    case EVL_AT_END: *offset = position.number > end - start ? start : end - position.number; break;
    case EVL_AT_OFFSET: *offset = position.number; break;
    case EVL_AT_TIME:
        err = reader_find_time(log, position.number, end, offset);
        if (!err)
            *offset = between(*offset, start, end);
        break;
    }
    return err;
}

enum evl_error evl_place_resolve(struct evl_place *place, const char *topic, int32_t partition,
                                 struct evl_position position, enum evl_isolation isolation,
                                 int64_t *offset)
{
    struct log *log;
    enum evl_error err = directory_log(place->directory, topic, partition, NULL, &log);
    if (err)
        return err;
    err = log_resolve(place, log, position, isolation, offset);
    log_close(log);
    return err;
}
