/* litter.c - rename, list, remove. */
#include "log/litter.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"

static bool name_ends(const char *name, const char *with)
{
    size_t a = strlen(name);
    size_t b = strlen(with);
    return a >= b && strcmp(name + a - b, with) == 0;
}

static int names_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* An index, of a segment without a .log. */
static bool name_is_orphan(const struct io_names *names, const char *name)
{
    char log[SEGMENT_NAME];
    const char *key = log;
    if (strspn(name, "0123456789") != 20)
        return false;
    if (strcmp(name + 20, ".index") != 0 && strcmp(name + 20, ".timeindex") != 0 &&
        strcmp(name + 20, ".txnindex") != 0)
        return false;
    snprintf(log, sizeof log, "%.20s.log", name);
    return !bsearch(&key, names->at, names->count, sizeof *names->at, names_compare);
}

static bool name_is_litter(const struct io_names *names, const char *name, int kinds)
{
    if (kinds & LITTER_DELETED && name_ends(name, ".deleted"))
        return true;
    if (kinds & LITTER_CLEANED && name_ends(name, ".cleaned"))
        return true;
    if (kinds & LITTER_SWAP && name_ends(name, ".swap"))
        return true;
    return kinds & LITTER_WRITER && (name_ends(name, ".tmp") || name_is_orphan(names, name));
}

enum evl_error litter_sweep(struct log *log, int kinds)
{
    struct io_names names;
    char path[PATH_MAX];
    enum evl_error err = io_list(log->o.io, log->dir, &names);
    if (err)
        return err;
    for (size_t i = 0; i < names.count && !err; i++) {
        if (!name_is_litter(&names, names.at[i], kinds))
            continue;
        if (snprintf(path, sizeof path, "%s/%s", log->dir, names.at[i]) >= PATH_MAX)
            continue;
        err = io_remove(log->o.io, path);
        if (err == EVL_ERR_NOT_FOUND) /* somebody else sweeps too */
            err = EVL_OK;
    }
    io_names_release(&names);
    return err;
}

static enum evl_error file_retire(struct log *log, int64_t base, const char *suffix)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    enum evl_error err = segment_path(log->dir, base, suffix, from);
    if (err)
        return err;
    if (snprintf(to, sizeof to, "%s.deleted", from) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s: name too long", from);
    err = io_rename(log->o.io, from, to);
    return err == EVL_ERR_NOT_FOUND ? EVL_OK : err;
}

enum evl_error litter_retire(struct log *log, int64_t base)
{
    static const char *const suffixes[] = { "log", "index", "timeindex", "txnindex", "snapshot" };
    enum evl_error err = EVL_OK;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0] && !err; i++)
        err = file_retire(log, base, suffixes[i]);
    return err;
}
