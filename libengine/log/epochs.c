/* epochs.c - the list, and its text file. */
#include "log/epochs.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/memory.h"
#include "io/io_file.h"

#define EPOCHS_FILE "leader-epoch-checkpoint"

enum { EPOCHS_BYTES_MAX = 16 << 20 };

/* One non-negative number and the white space behind it. */
static bool number_next(const char **text, int64_t *number)
{
    char *end;
    if (**text < '0' || **text > '9')
        return false;
    long long value = strtoll(*text, &end, 10);
    if (*end != ' ' && *end != '\n')
        return false;
    *text = end + 1;
    *number = value;
    return true;
}

static bool epochs_parse(const char *text, struct epochs *epochs)
{
    int64_t version;
    int64_t count;
    if (!number_next(&text, &version) || version != 0 || !number_next(&text, &count))
        return false;
    for (int64_t i = 0; i < count; i++) {
        int64_t epoch;
        int64_t start;
        if (!number_next(&text, &epoch) || epoch > INT32_MAX || !number_next(&text, &start))
            return false;
        if (!epochs_note(epochs, (int32_t)epoch, start))
            return false; /* it does not rise */
    }
    return *text == '\0';
}

enum evl_error epochs_load(struct io *io, const char *dir, struct epochs *epochs)
{
    char path[PATH_MAX];
    struct evl_buffer text = { 0 };
    struct epochs loaded = { 0 };
    if (snprintf(path, sizeof path, "%s/%s", dir, EPOCHS_FILE) >= PATH_MAX)
        return fail(EVL_ERR_USAGE, "%s: name too long", dir);
    enum evl_error err = io_file_read(io, path, EPOCHS_BYTES_MAX, &text);
    if (err == EVL_ERR_NOT_FOUND)
        err = EVL_OK;
    else if (!err && !epochs_parse(buf_text(&text), &loaded))
        err = fail(EVL_ERR_CORRUPT, "%s: not a list of epochs and offsets that rise", path);
    buf_release(&text);
    if (err)
        epochs_release(&loaded);
    else
        *epochs = loaded;
    return err;
}

enum evl_error epochs_store(struct io *io, const char *dir, const struct epochs *epochs)
{
    struct evl_buffer text = { 0 };
    buf_print(&text, "0\n%zu\n", epochs->count);
    for (size_t i = 0; i < epochs->count; i++)
        buf_print(&text, "%" PRId32 " %" PRId64 "\n", epochs->at[i].epoch, epochs->at[i].start);
    enum evl_error err = io_file_replace(io, dir, EPOCHS_FILE, buf_bytes(&text));
    buf_release(&text);
    return err;
}

bool epochs_note(struct epochs *epochs, int32_t epoch, int64_t offset)
{
    const struct epoch *last = epochs->count ? &epochs->at[epochs->count - 1] : NULL;
    if (epoch < 0 || (last && (epoch <= last->epoch || offset < last->start)))
        return false;
    if (last && last->start == offset)
        epochs->count--; /* the older one never had a record */
    epochs->at = memory_grow(epochs->at, epochs->count + 1, sizeof *epochs->at);
    epochs->at[epochs->count++] = (struct epoch){ epoch, offset };
    return true;
}

bool epochs_cut(struct epochs *epochs, int64_t end)
{
    size_t before = epochs->count;
    while (epochs->count > 0 && epochs->at[epochs->count - 1].start >= end)
        epochs->count--;
    return epochs->count != before;
}

bool epochs_drop(struct epochs *epochs, int64_t start)
{
    size_t gone = 0;
    while (gone + 1 < epochs->count && epochs->at[gone + 1].start <= start)
        gone++;
    bool moved = epochs->count > 0 && epochs->at[gone].start < start;
    if (moved)
        epochs->at[gone].start = start;
    if (gone > 0) {
        epochs->count -= gone;
        memmove(epochs->at, epochs->at + gone, epochs->count * sizeof *epochs->at);
    }
    return moved || gone > 0;
}

int32_t epochs_latest(const struct epochs *epochs)
{
    return epochs->count ? epochs->at[epochs->count - 1].epoch : -1;
}

void epochs_release(struct epochs *epochs)
{
    memory_free(epochs->at);
    *epochs = (struct epochs){ 0 };
}
