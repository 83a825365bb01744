/* tail.c - files that grow, by name: which there are, and whose turn it is.
 *
 * A look asks each name which file it leads to now.  A file that no name leads
 * to any more was rotated away: it is read first, so that what was written
 * earlier comes earlier, and given up when nothing came for a while (its writer
 * may not have noticed yet).  Files that are named take turns.
 *
 * (1) A file is in `files` once, open or remembered; an open one is never
 *     opened again under another name.
 * (2) A name whose file changed may have changed more than once since the last
 *     look: what lies beside it, rotated, unknown and newer than its last file,
 *     was missed and is read, too.
 * (3) A piece is out of `current` only, and no look comes between it and its
 *     tail_take. */
#include "tail.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tail_file.h"

enum {
    LOOK_MS = 1000,      /* between looks while there is plenty to read */
    REMEMBERED_MAX = 16, /* closed files that we know */
};
#define QUIET_NS (INT64_C(30) * 1000000000) /* without more, a rotated file is at its end */

struct tail_name {
    char *path;             /* absolute */
    struct tail_file *file; /* what it led to last; or NULL */
    bool is_there;          /* it leads to it now */
    bool is_given;          /* not found by --rescan */
    bool was_told;          /* that it cannot be followed now */
};

struct tail {
    struct tail_options o;
    struct tail_name *names;
    size_t name_count;
    struct tail_file **files;
    size_t file_count, file_room;
    struct tail_file *current;
    size_t turn;
    struct watch *watch;
    int64_t looked_ms, rescanned_ms; /* -1: never */
    bool restored;                   /* and no look since */
};

/* ---- files --------------------------------------------------------------- */

static struct tail_file *files_add(struct tail *t, struct tail_file *file)
{
    if (t->file_count == t->file_room) {
        t->file_room = t->file_room ? 2 * t->file_room : 16;
        struct tail_file **more = tool_take(t->file_room, sizeof(struct tail_file *));
        if (t->file_count)
            memcpy(more, t->files, t->file_count * sizeof(struct tail_file *));
        free(t->files);
        t->files = more;
    }
    return t->files[t->file_count++] = file;
}

static void file_forget(struct tail *t, struct tail_file *file)
{
    if (file->mine)
        t->o.forget(file->mine);
    file->mine = NULL;
}

static void files_remove(struct tail *t, size_t i)
{
    file_forget(t, t->files[i]);
    file_release(t->files[i]);
    t->file_count--;
    for (; i < t->file_count; i++)
        t->files[i] = t->files[i + 1];
}

static bool file_is_needed(const struct tail *t, const struct tail_file *file)
{
    for (size_t i = 0; i < t->name_count; i++)
        if (t->names[i].file == file)
            return true;
    return file->fd >= 0;
}

/* Forget those that were closed long ago. */
static void files_prune(struct tail *t)
{
    size_t closed = 0;
    for (size_t i = t->file_count; i-- > 0;)
        if (!file_is_needed(t, t->files[i]) && ++closed > REMEMBERED_MAX)
            files_remove(t, i);
}

static struct tail_file *files_find(const struct tail *t, const struct tail_file *opened)
{
    const struct tail_identity *id = &opened->identity;
    for (size_t i = 0; i < t->file_count; i++)
        if (t->files[i]->identity.device == id->device && t->files[i]->identity.inode == id->inode)
            return t->files[i];
    return NULL;
}

/* A file is open from now on: wake up when it grows. */
static struct tail_file *file_begin(struct tail *t, struct tail_file *file)
{
    if (t->o.follow)
        file->watch = watch_file(t->watch, file->fd);
    return file;
}

/* The inode is another file's by now. */
static void file_is_gone(struct tail_file *file)
{
    file->identity.device = file->identity.inode = 0;
}

/* What we know of a file that was opened.  What a name led to last is believed
 * without a look at its bytes: reading sees whether it was truncated. */
static struct tail_file *file_recognize(struct tail *t, struct tail_file *opened,
                                        const struct tail_file *was)
{
    struct tail_file *known = files_find(t, opened);
    if (known && known->fd >= 0) {
        file_release(opened);
        return known;
    }
    if (known && (known == was || file_is_same(known, opened))) {
        file_reopen(known, opened);
        return file_begin(t, known);
    }
    if (known)
        file_is_gone(known);
    return file_begin(t, files_add(t, opened));
}

/* ---- what was rotated away ------------------------------------------------ */

static int by_age(const void *a, const void *b)
{
    const struct tail_file *const *one = a, *const *other = b;
    return ((*one)->modified > (*other)->modified) - ((*one)->modified < (*other)->modified);
}

/* One file beside a log.  If we know it, it is read on where it grew since it
 * was closed; if not, it was missed when it is not older than `since`. */
static void rotated_look(struct tail *t, const char *path, int64_t since)
{
    struct tail_file *opened = file_open(path);
    if (!opened)
        return; /* moved on, or removed: then its name's next look finds it, or nobody */
    struct tail_file *known = files_find(t, opened);
    bool same = known && known->fd < 0 && file_is_same(known, opened);
    if (same)
        known->is_found = true;
    if ((same && opened->size > known->position) || (!known && opened->modified >= since))
        (void)file_recognize(t, opened, NULL);
    else
        file_release(opened);
}

/* Look beside a log for what it was before. */
static void rotated_find(struct tail *t, const char *path, int64_t since)
{
    struct words paths = { 0 };
    size_t before = t->file_count;
    for (size_t i = 0; i < t->file_count; i++)
        if (rotated_is_of(path, t->files[i]->path))
            t->files[i]->is_found = false;
    rotated_list(path, &paths);
    for (size_t i = 0; i < paths.count; i++)
        rotated_look(t, paths.at[i], since);
    words_release(&paths);
    if (t->file_count > before)
        qsort(t->files + before, t->file_count - before, sizeof(struct tail_file *), by_age);
}

/* What was found there no more needs no place in a state. */
static void rotated_forget(struct tail *t, const char *path)
{
    for (size_t i = t->file_count; i-- > 0;) {
        const struct tail_file *f = t->files[i];
        if (!f->is_found && !file_is_needed(t, f) && rotated_is_of(path, f->path))
            files_remove(t, i);
    }
}

/* ---- names --------------------------------------------------------------- */

static char *path_absolute(const char *path)
{
    char *here = *path == '/' ? NULL : getcwd(NULL, 0);
    struct evl_buffer text = { 0 };
    if (here)
        text_print(&text, "%s/", here);
    text_add(&text, path);
    char *absolute = tool_text(text_end(&text));
    evl_buffer_release(&text);
    free(here);
    return absolute;
}

static void folder_watch(struct tail *t, const char *path)
{
    struct evl_buffer folder = { 0 };
    evl_buffer_add(&folder, path, (size_t)(strrchr(path, '/') + 1 - path));
    watch_folder(t->watch, text_end(&folder));
    evl_buffer_release(&folder);
}

/* What a restored state says of this name. */
static void name_recall(const struct tail *t, struct tail_name *name)
{
    for (size_t i = 0; i < t->file_count && !name->file; i++)
        if (t->files[i]->is_named && strcmp(t->files[i]->path, name->path) == 0)
            name->file = t->files[i];
}

static void names_add(struct tail *t, const char *path, bool given)
{
    char *absolute = path_absolute(path);
    for (size_t i = 0; i < t->name_count; i++)
        if (strcmp(t->names[i].path, absolute) == 0) {
            free(absolute);
            return;
        }
    struct tail_name *names = tool_take(t->name_count + 1, sizeof *names);
    if (t->name_count)
        memcpy(names, t->names, t->name_count * sizeof *names);
    free(t->names);
    t->names = names;
    names[t->name_count] = (struct tail_name){ .path = absolute, .is_given = given };
    name_recall(t, &names[t->name_count++]);
}

static void names_remove(struct tail *t, size_t i)
{
    free(t->names[i].path);
    t->name_count--;
    for (; i < t->name_count; i++)
        t->names[i] = t->names[i + 1];
}

/* --rescan: what matches now, and no more what does not. */
static void names_rescan(struct tail *t)
{
    glob_t found;
    int64_t now = tool_clock_ms();
    if (t->rescanned_ms >= 0 && now - t->rescanned_ms < LOOK_MS)
        return;
    t->rescanned_ms = now;
    for (size_t i = t->name_count; i-- > 0;)
        if (!t->names[i].is_given && access(t->names[i].path, F_OK) < 0)
            names_remove(t, i);
    if (glob(t->o.rescan, 0, NULL, &found) != 0)
        return; /* nothing matches; or there is a folder that is not ours to see */
    for (size_t i = 0; i < found.gl_pathc; i++)
        names_add(t, found.gl_pathv[i], false);
    globfree(&found);
}

/* A name that leads nowhere between one file and the next is usual. */
static void name_tell(struct tail_name *name)
{
    if (name->was_told || (errno == ENOENT && (name->file || !name->is_given)))
        return;
    name->was_told = true;
    if (errno == ENOENT)
        say(SAY_NOTICE, "%s: is not there; waiting for it", name->path);
    else
        say(SAY_WARNING, "%s: cannot be followed: %s", name->path,
            errno == ENOTSUP ? "it is not a file" : strerror(errno));
}

/* Which file the name leads to now. */
static void name_look(struct tail *t, struct tail_name *name)
{
    struct stat now;
    struct tail_file *was = name->file;
    if (t->o.follow)
        folder_watch(t, name->path);
    name->is_there = was && was->fd >= 0 && stat(name->path, &now) == 0 && file_is(was, &now);
    if (name->is_there)
        return;
    struct tail_file *opened = file_open(name->path);
    if (!opened) {
        name_tell(name);
        return;
    }
    name->is_there = true;
    name->was_told = false;
    name->file = file_recognize(t, opened, was);
    if (was && was != name->file) {
        rotated_find(t, name->path, was->modified);
        if (!t->restored)
            rotated_forget(t, name->path);
    }
}

/* ---- looking ------------------------------------------------------------- */

/* After the first look: what the state speaks of, and is nowhere to be found. */
static void restored_end(struct tail *t)
{
    for (size_t i = 0; i < t->file_count; i++) {
        const struct tail_file *f = t->files[i];
        if (f->is_named && f->fd < 0 && !f->is_found)
            say(SAY_WARNING,
                "%s: the file that was read to byte %lld is gone; what was behind that is lost, "
                "if anything was",
                f->path, (long long)f->position);
    }
    for (size_t i = 0; i < t->name_count; i++)
        rotated_forget(t, t->names[i].path);
    t->restored = false;
}

static void tail_look(struct tail *t)
{
    if (t->o.rescan)
        names_rescan(t);
    for (size_t i = 0; i < t->name_count; i++) {
        name_look(t, &t->names[i]);
        if (t->restored)
            rotated_find(t, t->names[i].path, INT64_MAX); /* the rest of those we know */
    }
    if (t->restored)
        restored_end(t);
    for (size_t i = 0; i < t->file_count; i++)
        t->files[i]->is_named = false;
    for (size_t i = 0; i < t->name_count; i++)
        if (t->names[i].is_there)
            t->names[i].file->is_named = true;
    files_prune(t);
    t->looked_ms = tool_clock_ms();
}

/* ---- reading ------------------------------------------------------------- */

/* A rotated file that stays as it is: what it ends with is a record, though no
 * line's end follows, and then it is done with. */
static bool file_ends(struct tail *t, struct tail_file *file)
{
    if (file->is_named || tool_now_ms() * 1000000 - file->modified < QUIET_NS)
        return false;
    if (file->unread.count && !file->is_over)
        return file->is_over = true;
    watch_forget(t->watch, file->watch);
    file_forget(t, file);
    file_close(file);
    return false;
}

static enum feed_event file_pull(struct tail *t, struct tail_file *file)
{
    enum file_event event;
    while ((event = file_read(file)) == FILE_TRUNCATED)
        file_forget(t, file);
    if (event == FILE_BROKEN)
        return FEED_BROKEN;
    if (event == FILE_GREW)
        file->is_over = false; /* its writer is slower than we thought */
    return event == FILE_GREW || file_ends(t, file) ? FEED_MORE : FEED_IDLE;
}

/* The next file that has more: a rotated one if there is one, else the one
 * whose turn it is. */
static enum feed_event files_pull(struct tail *t)
{
    enum feed_event event = FEED_IDLE;
    size_t count = t->file_count;
    for (size_t i = 0; i < 2 * count && event == FEED_IDLE; i++) {
        size_t at = i < count ? i : (t->turn + i) % count;
        t->current = t->files[at];
        if (t->current->fd < 0 || t->current->is_named != (i >= count))
            continue;
        event = file_pull(t, t->current);
        if (i >= count && event == FEED_MORE)
            t->turn = at + 1;
    }
    return event;
}

/* A look, and what there is to read after it. */
static enum feed_event tail_pull(struct tail *t)
{
    if (t->looked_ms < 0 || tool_clock_ms() - t->looked_ms >= LOOK_MS)
        tail_look(t);
    return files_pull(t);
}

enum feed_event tail_next(struct tail *t, int64_t ms, struct tail_piece *piece)
{
    int64_t until = ms < 0 ? INT64_MAX : tool_clock_ms() + ms;
    enum feed_event event = tail_pull(t);
    while (event == FEED_IDLE) {
        int64_t left = until == INT64_MAX ? -1 : until - tool_clock_ms();
        if (!t->o.follow)
            return FEED_END;
        if (ms >= 0 && left <= 0)
            return FEED_IDLE;
        enum watch_event woken = watch_wait(t->watch, left);
        if (woken == WATCH_SIGNAL)
            return FEED_WOKEN;
        t->looked_ms = woken == WATCH_CHANGE ? -1 : t->looked_ms;
        event = tail_pull(t);
    }
    if (event == FEED_MORE)
        *piece = (struct tail_piece){ .name = t->current->path,
                                      .bytes = evl_buffer_bytes(&t->current->unread),
                                      .last = t->current->is_over,
                                      .mine = &t->current->mine };
    return event;
}

void tail_take(struct tail *t, struct tail_piece *piece, size_t count)
{
    file_take(t->current, count);
    piece->bytes = evl_buffer_bytes(&t->current->unread);
}

/* ---- life ---------------------------------------------------------------- */

/* Whoever does not wait wants what is there. */
static int path_check(const struct tail_options *o, const char *path)
{
    struct stat now;
    if (stat(path, &now) < 0)
        return o->follow ? 0 : say_system("%s", path);
    if (!S_ISREG(now.st_mode))
        return say_usage("%s: not a file that can be followed", path);
    return 0;
}

/* A descriptor for each file that is followed. */
static void files_allow(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* then there are fewer */
}

int tail_open(const struct tail_options *options, struct tail **tail)
{
    for (size_t i = 0; i < options->count; i++) {
        int status = path_check(options, options->paths[i]);
        if (status)
            return status;
    }
    struct tail *t = tool_take(1, sizeof *t);
    *t = (struct tail){ .o = *options, .watch = watch_open(), .looked_ms = -1, .rescanned_ms = -1 };
    files_allow();
    for (size_t i = 0; i < options->count; i++)
        names_add(t, options->paths[i], true);
    *tail = t;
    return 0;
}

void tail_close(struct tail *t)
{
    if (!t)
        return;
    while (t->file_count > 0)
        files_remove(t, t->file_count - 1);
    while (t->name_count > 0)
        names_remove(t, t->name_count - 1);
    watch_close(t->watch);
    free(t->files);
    free(t->names);
    free(t);
}

/* ---- as text ------------------------------------------------------------- */

static const char first_line[] = "ev-tail 1\n";

void tail_save(const struct tail *t, struct evl_buffer *saved)
{
    text_add(saved, first_line);
    for (size_t i = 0; i < t->file_count; i++)
        file_print(t->files[i], saved);
}

static bool lines_parse(struct tail *t, char *text)
{
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        struct tail_file *file = file_parse(line);
        if (!file)
            return false;
        (void)files_add(t, file);
    }
    return true;
}

int tail_restore(struct tail *t, struct evl_bytes saved)
{
    const size_t first = sizeof first_line - 1;
    struct evl_buffer text = { 0 };
    evl_buffer_add(&text, saved.at, saved.count);
    bool good = saved.count >= first && memcmp(saved.at, first_line, first) == 0;
    (void)text_end(&text);
    good = good && lines_parse(t, (char *)text.at + first);
    evl_buffer_release(&text);
    if (!good) {
        say(SAY_ERROR, "the position that is stored is none that this version has written");
        return EXIT_DATA;
    }
    for (size_t i = 0; i < t->name_count; i++)
        name_recall(t, &t->names[i]);
    t->restored = true;
    return 0;
}
