/* state.c - how far a reader has come, in a small text file.
 *
 *     ev-state 1
 *     length 1048576
 *     position orders 0 4711 2n3rQfYgTc6k0mZV8wP3xA
 *     end
 *
 * The file is replaced by a rename, after what is in it is on disk: after any
 * crash it is the old one or the new one.  The topic's id stands behind the
 * offset ("-" if it has none), since a topic that was removed and made again
 * under its old name is another one. */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 255, ID_MAX_BYTES = 63 };

/* Entries are asked for in their own order, mostly: look behind the last one
 * first, and 10,000 partitions cost no more each than one. */
static struct state_entry *entry_find(struct state *state, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < state->count; i++) {
        size_t at = (state->next + i) % state->count;
        struct state_entry *entry = &state->at[at];
        if (entry->partition != partition || strcmp(entry->topic, topic) != 0)
            continue;
        state->next = at + 1;
        return entry;
    }
    return NULL;
}

const struct state_entry *state_find(struct state *state, const char *topic, int32_t partition)
{
    return entry_find(state, topic, partition);
}

static void state_grow(struct state *state)
{
    state->room = state->room ? 2 * state->room : 16;
    struct state_entry *more = tool_take(state->room, sizeof *more);
    if (state->count)
        memcpy(more, state->at, state->count * sizeof *more);
    free(state->at);
    state->at = more;
}

bool state_put(struct state *state, const char *topic, const char *id, int32_t partition,
               int64_t offset)
{
    struct state_entry *entry = entry_find(state, topic, partition);
    if (entry) {
        bool news = entry->offset != offset;
        entry->offset = offset;
        return news;
    }
    if (state->count == state->room)
        state_grow(state);
    state->at[state->count++] =
        (struct state_entry){ tool_text(topic), tool_text(id), partition, offset };
    return true;
}

void state_release(struct state *state)
{
    for (size_t i = 0; i < state->count; i++) {
        free(state->at[i].topic);
        free(state->at[i].id);
    }
    free(state->at);
    *state = (struct state){ .length = -1 };
}

/* One line of the file; false if it is not one of ours. */
static bool line_read(struct state *state, const char *line)
{
    char topic[NAME_MAX_BYTES + 1], id[ID_MAX_BYTES + 1];
    long long offset, length;
    int partition, end = 0;
    if (sscanf(line, "length %lld\n%n", &length, &end) == 1 && end && !line[end] && length >= 0)
        state->length = length;
    else if (sscanf(line, "position %255s %d %lld %63s\n%n", topic, &partition, &offset, id,
                    &end) == 4 &&
             end && !line[end] && partition >= 0 && offset >= 0)
        (void)state_put(state, topic, strcmp(id, "-") == 0 ? "" : id, partition, offset);
    else
        return false;
    return true;
}

static bool lines_read(struct state *state, FILE *file)
{
    char line[512];
    if (!fgets(line, sizeof line, file) || strcmp(line, "ev-state 1\n") != 0)
        return false;
    while (fgets(line, sizeof line, file)) {
        if (strcmp(line, "end\n") == 0)
            return true;
        if (!line_read(state, line))
            return false;
    }
    return false;
}

int state_load(const char *path, bool wanted, struct state *state)
{
    *state = (struct state){ .length = -1 };
    FILE *file = fopen(path, "re");
    if (!file && errno == ENOENT && !wanted)
        return 0;
    if (!file)
        return say_system("%s", path);
    bool good = lines_read(state, file);
    fclose(file);
    if (good)
        return 0;
    state_release(state);
    say(SAY_ERROR, "%s: not a state that evconsume --state has saved; name another file", path);
    return EXIT_DATA;
}

static void state_print(const struct state *state, struct evl_buffer *text)
{
    text_add(text, "ev-state 1\n");
    if (state->length >= 0)
        text_print(text, "length %lld\n", (long long)state->length);
    for (size_t i = 0; i < state->count; i++)
        text_print(text, "position %s %d %lld %s\n", state->at[i].topic, state->at[i].partition,
                   (long long)state->at[i].offset, *state->at[i].id ? state->at[i].id : "-");
    text_add(text, "end\n");
}

/* Sync the folder that a name was changed in. */
static int folder_sync(const char *path)
{
    char *copy = tool_text(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    int status = fd < 0 || fsync(fd) < 0 ? say_system("%s", path) : 0;
    if (fd >= 0)
        close(fd);
    return status;
}

static int file_write(const char *path, const struct evl_buffer *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return say_system("%s", path);
    size_t done = 0;
    while (done < text->count) {
        ssize_t count = write(fd, text->at + done, text->count - done);
        if (count < 0 && errno != EINTR)
            break;
        done += count > 0 ? (size_t)count : 0;
    }
    int status = done < text->count || fsync(fd) < 0 ? say_system("%s", path) : 0;
    if (close(fd) < 0 && status == 0)
        status = say_system("%s", path);
    return status;
}

int state_save(const char *path, const struct state *state)
{
    char new_path[PATH_MAX];
    struct evl_buffer text = { 0 };
    snprintf(new_path, sizeof new_path, "%s.new", path);
    state_print(state, &text);
    int status = file_write(new_path, &text);
    evl_buffer_release(&text);
    if (status == 0 && rename(new_path, path) < 0)
        status = say_system("%s", path);
    return status ? status : folder_sync(path);
}
