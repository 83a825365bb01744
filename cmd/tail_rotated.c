/* tail_rotated.c - which files beside a log are what it was before.
 *
 * Nobody tells under which name a rotated file goes on.  Its name is the log's
 * with a number or a date in it, behind it or before its extension; names with
 * letters in that place (access.err, access.log.gz) are other things. */
#include "tail_file.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

/* ".1", "-20261121", "_2026-11-21T06:00:00+01:00" */
static bool is_number_or_date(const char *at, size_t count)
{
    bool digits = false;
    if (count < 2 || !strchr(".-_", at[0]))
        return false;
    for (size_t i = 0; i < count; i++) {
        digits = digits || isdigit((unsigned char)at[i]);
        if (!isdigit((unsigned char)at[i]) && !strchr(".-_:+T", at[i]))
            return false;
    }
    return digits;
}

/* Whether the name is the log's with a number or a date at this place of it. */
static bool matches_at(const char *log, size_t place, const char *name)
{
    size_t length = strlen(log), more = strlen(name);
    return more > length && strncmp(name, log, place) == 0 &&
           strcmp(name + more - (length - place), log + place) == 0 &&
           is_number_or_date(name + place, more - length);
}

bool rotated_matches(const char *log, const char *name)
{
    const char *dot = strrchr(log, '.');
    return matches_at(log, strlen(log), name) ||
           (dot && dot != log && matches_at(log, (size_t)(dot - log), name));
}

bool rotated_is_of(const char *log, const char *path)
{
    size_t folder = (size_t)(strrchr(log, '/') + 1 - log); /* both are absolute */
    if (strncmp(log, path, folder) != 0 || strchr(path + folder, '/'))
        return false;
    return strcmp(log, path) == 0 || rotated_matches(log + folder, path + folder);
}

void rotated_list(const char *path, struct words *paths)
{
    const char *log = strrchr(path, '/') + 1; /* it is absolute */
    struct evl_buffer folder = { 0 };
    evl_buffer_add(&folder, path, (size_t)(log - path));
    DIR *dir = opendir(text_end(&folder));
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (!rotated_matches(log, entry->d_name))
            continue;
        struct evl_buffer found = { 0 };
        text_print(&found, "%s%s", text_end(&folder), entry->d_name);
        words_add(paths, text_end(&found));
        evl_buffer_release(&found);
    }
    if (dir)
        closedir(dir);
    evl_buffer_release(&folder);
}
