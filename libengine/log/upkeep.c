/* upkeep.c - whether, and then retain and compact. */
#include "log/upkeep.h"

#include <stdio.h>

#include "base/fault.h"
#include "log/compact.h"
#include "log/retain.h"

static void upkeep_tell(struct log *log, enum evl_error err)
{
    char line[512];
    if (!err || err == EVL_ERR_BUSY || !log->o.say)
        return;
    snprintf(line, sizeof line, "upkeep: %s", evl_fault());
    log->o.say(log->o.context, line);
}

static enum evl_error upkeep_retain(struct log *log)
{
    struct retain_result result;
    int64_t now = io_wall_ms(log->o.io);
    bool due = log->unretained;
    enum evl_error err = due ? EVL_OK : retain_is_due(log, now, &due);
    log->unretained = false;
    return err || !due ? err : retain_apply(log, now, false, &result);
}

static enum evl_error upkeep_compact(struct log *log)
{
    struct compact_result result;
    struct compact_options options = { .now_ms = io_wall_ms(log->o.io), .hasty = true };
    bool due = log->uncompacted && log->o.config->cleanup_policy & CLEANUP_COMPACT;
    log->uncompacted = false;
    return due ? compact_run(log, &options, &result) : EVL_OK;
}

static bool upkeep_is_ours(struct log *log)
{
    return log->o.share && log->o.writable && log->o.config && !log_is_failed(log);
}

void upkeep_soon(struct log *log)
{
    struct fault told;
    if (!log->unretained || !upkeep_is_ours(log))
        return;
    fault_keep(&told);
    upkeep_tell(log, upkeep_retain(log));
    (void)fault_again(EVL_OK, &told);
}

void upkeep_maybe(struct log *log)
{
    struct fault told; /* of who closes because something went wrong */
    if (!upkeep_is_ours(log))
        return;
    fault_keep(&told);
    upkeep_tell(log, upkeep_retain(log));
    upkeep_tell(log, upkeep_compact(log));
    (void)fault_again(EVL_OK, &told);
}
