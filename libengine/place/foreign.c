/* foreign.c - topics by the names of folders. */
#include "place/foreign.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/memory.h"

struct found {
    char *name;
    struct uuid id;
    int32_t partitions; /* the highest number here, plus one */
};

struct foreign {
    struct found *at;
    size_t count;
};

static bool ends_with(const char *text, const char *end)
{
    size_t a = strlen(text);
    size_t b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

size_t foreign_parse(const char *folder, int32_t *partition)
{
    const char *dash = strrchr(folder, '-');
    if (!dash || dash == folder || !dash[1] || strspn(dash + 1, "0123456789") != strlen(dash + 1))
        return 0;
    if (strlen(dash + 1) > 9)
        return 0;
    *partition = (int32_t)strtol(dash + 1, NULL, 10);
    return (size_t)(dash - folder);
}

static bool folder_is_topic(const char *name, int32_t *partition, size_t *length)
{
    if (ends_with(name, "-delete") || ends_with(name, "-future") || ends_with(name, "-stray"))
        return false;
    *length = foreign_parse(name, partition);
    return *length > 0;
}

/* Whether a folder has a segment in it. */
static bool folder_has_log(struct io *io, const char *path, const char *name)
{
    char folder[PATH_MAX];
    struct io_names names;
    bool has = false;
    if (snprintf(folder, sizeof folder, "%s/%s", path, name) >= PATH_MAX)
        return false;
    if (io_list(io, folder, &names))
        return false;
    for (size_t i = 0; i < names.count && !has; i++)
        has = ends_with(names.at[i], ".log");
    io_names_release(&names);
    return has;
}

bool foreign_is_one(struct io *io, const char *path)
{
    struct io_names names;
    bool is = false;
    int32_t partition;
    size_t length;
    if (io_list(io, path, &names))
        return false;
    for (size_t i = 0; i < names.count && !is; i++)
        is = strcmp(names.at[i], "ev.lock") != 0 &&
             strncmp(names.at[i], "__cluster_metadata", 18) != 0 &&
             folder_is_topic(names.at[i], &partition, &length) &&
             folder_has_log(io, path, names.at[i]);
    io_names_release(&names);
    return is;
}

static void foreign_add(struct foreign *f, struct io *io, const char *path, const char *folder,
                        size_t length, int32_t partition)
{
    char dir[PATH_MAX];
    struct found *last = f->count ? &f->at[f->count - 1] : NULL;
    for (size_t i = 0; i < f->count; i++) /* a-1 and a-b-0 do not sort together */
        if (strlen(f->at[i].name) == length && memcmp(f->at[i].name, folder, length) == 0)
            last = &f->at[i];
    if (!last || strlen(last->name) != length || memcmp(last->name, folder, length) != 0) {
        f->at = memory_grow(f->at, f->count + 1, sizeof *f->at);
        last = &f->at[f->count++];
        *last = (struct found){ .name = memory_text_part(folder, length) };
        if (snprintf(dir, sizeof dir, "%s/%s", path, folder) < PATH_MAX)
            (void)log_identity(io, dir, &last->id); /* before Kafka 2.8 there were none */
    }
    if (partition >= last->partitions)
        last->partitions = partition + 1;
}

static int found_compare(const void *a, const void *b)
{
    return strcmp(((const struct found *)a)->name, ((const struct found *)b)->name);
}

enum evl_error foreign_is_free(struct io *io, const char *path)
{
    char lock[PATH_MAX];
    int file;
    if (snprintf(lock, sizeof lock, "%s/.lock", path) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s: name too long", path);
    enum evl_error err = io_open(io, lock, IO_READ, &file);
    if (err)
        return err == EVL_ERR_NOT_FOUND ? EVL_OK : err;
    err = io_lock(io, file, 0, IO_SHARED, 0);
    io_close(io, file);
    if (err == EVL_ERR_BUSY)
        return fail(err, "%s: a Kafka broker holds it; stop the broker, or read through it", path);
    return err;
}

enum evl_error foreign_open(struct io *io, const char *path, struct foreign **foreign)
{
    struct io_names names;
    int32_t partition;
    size_t length;
    enum evl_error err = io_list(io, path, &names);
    if (err)
        return err;
    struct foreign *f = memory_take(1, sizeof *f);
    for (size_t i = 0; i < names.count; i++)
        if (folder_is_topic(names.at[i], &partition, &length))
            foreign_add(f, io, path, names.at[i], length, partition);
    io_names_release(&names);
    if (f->count > 0)
        qsort(f->at, f->count, sizeof *f->at, found_compare);
    *foreign = f;
    return EVL_OK;
}

void foreign_close(struct foreign *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->count; i++)
        memory_free(f->at[i].name);
    memory_free(f->at);
    memory_free(f);
}

bool foreign_topic_at(const struct foreign *f, size_t i, struct directory_topic *topic)
{
    if (i >= f->count)
        return false;
    *topic = (struct directory_topic){ f->at[i].name, f->at[i].id, f->at[i].partitions, NULL };
    return true;
}

bool foreign_topic(const struct foreign *f, const char *name, struct directory_topic *topic)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->at[i].name, name) == 0)
            return foreign_topic_at(f, i, topic);
    return false;
}
