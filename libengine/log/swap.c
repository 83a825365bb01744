/* swap.c - rename, decide, rename, remove.
 *
 * Every step may be done again, in any state that a kill or a power cut leaves:
 * whoever finds the .span.swap takes all of them from the start. */
#include "log/swap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "io/io_file.h"
#include "log/litter.h"

enum { SPAN_BYTES_MAX = 64 };

static const char *const suffixes[] = { "log", "index", "timeindex", "txnindex" };
enum { SUFFIXES = sizeof suffixes / sizeof suffixes[0] };

/* BASE.SUFFIX with one ending becomes that with another; missing is done. */
static enum evl_error file_move(struct log *log, int64_t base, const char *suffix, const char *from,
                                const char *to)
{
    char stem[PATH_MAX];
    char old[PATH_MAX];
    char new[PATH_MAX];
    enum evl_error err = segment_path(log->dir, base, suffix, stem);
    if (err)
        return err;
    if (snprintf(old, sizeof old, "%s%s", stem, from) >= PATH_MAX ||
        snprintf(new, sizeof new, "%s%s", stem, to) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s: name too long", stem);
    err = io_rename(log->o.io, old, new);
    return err == EVL_ERR_NOT_FOUND ? EVL_OK : err;
}

enum evl_error swap_prepare(struct log *log, const struct swap *swap)
{
    /* An older span that came back later would vouch for these files. */
    enum evl_error err = io_sync_dir(log->o.io, log->dir);
    for (size_t i = 0; i < SUFFIXES && !err; i++)
        err = file_move(log, swap->base, suffixes[i], ".cleaned", ".swap");
    return err ? err : io_sync_dir(log->o.io, log->dir);
}

/* The segments that were replaced make way. */
static enum evl_error sources_retire(struct log *log, const struct swap *swap)
{
    struct io_names names;
    enum evl_error err = io_list(log->o.io, log->dir, &names);
    if (err)
        return err;
    for (size_t i = 0; i < names.count && !err; i++) {
        int64_t base;
        if (segment_parse(names.at[i], &base) && base > swap->base && base < swap->end)
            err = litter_retire(log, base);
    }
    io_names_release(&names);
    return err;
}

static enum evl_error file_remove(struct log *log, int64_t base, const char *suffix)
{
    char path[PATH_MAX];
    enum evl_error err = segment_path(log->dir, base, suffix, path);
    if (!err)
        err = io_remove(log->o.io, path);
    return err == EVL_ERR_NOT_FOUND ? EVL_OK : err;
}

static enum evl_error swap_do(struct log *log, const struct swap *swap)
{
    enum evl_error err = EVL_OK;
    for (size_t i = 0; i < SUFFIXES && !err; i++)
        err = file_move(log, swap->base, suffixes[i], ".swap", "");
    if (!err && !swap->aborted)
        err = file_remove(log, swap->base, "txnindex");
    if (!err)
        err = sources_retire(log, swap);
    if (!err)
        err = io_sync_dir(log->o.io, log->dir);
    return err ? err : file_remove(log, swap->base, "span.swap");
}

enum evl_error swap_commit(struct log *log, const struct swap *swap)
{
    char name[SEGMENT_NAME];
    char text[SPAN_BYTES_MAX];
    snprintf(name, sizeof name, "%020" PRId64 ".span.swap", swap->base);
    int n = snprintf(text, sizeof text, "%" PRId64 " %d\n", swap->end, swap->aborted);
    enum evl_error err = io_file_replace(log->o.io, log->dir, name, evl_bytes(text, (size_t)n));
    return err ? err : swap_do(log, swap);
}

static enum evl_error span_read(struct log *log, const char *name, struct swap *swap)
{
    char path[PATH_MAX];
    struct evl_buffer text = { 0 };
    int aborted = 0;
    if (snprintf(path, sizeof path, "%s/%s", log->dir, name) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s: name too long", name);
    enum evl_error err = io_file_read(log->o.io, path, SPAN_BYTES_MAX, &text);
    swap->base = strtoll(name, NULL, 10);
    if (!err && (sscanf(buf_text(&text), "%" SCNd64 " %d", &swap->end, &aborted) != 2 ||
                 swap->end <= swap->base))
        err = fail(EVL_ERR_CORRUPT, "%s: it says no end", path);
    swap->aborted = aborted != 0;
    buf_release(&text);
    return err;
}

enum evl_error swap_finish(struct log *log)
{
    struct io_names names;
    bool any = false;
    enum evl_error err = io_list(log->o.io, log->dir, &names);
    if (err)
        return err;
    for (size_t i = 0; i < names.count && !err; i++) {
        struct swap swap;
        const char *name = names.at[i];
        if (strspn(name, "0123456789") != 20 || strcmp(name + 20, ".span.swap") != 0)
            continue;
        any = true;
        err = span_read(log, name, &swap);
        if (!err)
            err = swap_do(log, &swap);
    }
    io_names_release(&names);
    if (any)
        log_changed(log);
    return err || !any ? err : log_list(log);
}
