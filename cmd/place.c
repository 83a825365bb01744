/* place.c - which directory a tool works on.
 *
 * The first that is given wins: -d, -C, EV_DIR, EV_PROFILE, [default] in
 * ev.conf, and a directory of the user's own that is made when it is first
 * written to.  ev.conf is read if it is needed for this. */
#include "tool.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <evl/config.h>

/* ---- ev.conf ------------------------------------------------------------- */

static const char *const keys[] = { "dir", "readonly", "confirm", "prompt_color", NULL };

/* An absolute path in a variable, or one under HOME. */
static bool path_under(char path[PATH_MAX], const char *variable, const char *home_folder,
                       const char *name)
{
    const char *folder = getenv(variable);
    const char *home = getenv("HOME");
    if (folder && folder[0] == '/')
        return snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX;
    return home && snprintf(path, PATH_MAX, "%s/%s/%s", home, home_folder, name) < PATH_MAX;
}

/* Where ev.conf is; false if there is none. */
static bool conf_find(char path[PATH_MAX])
{
    const char *named = getenv("EV_CONFIG");
    if (named && *named)
        return snprintf(path, PATH_MAX, "%s", named) < PATH_MAX;
    if (path_under(path, "XDG_CONFIG_HOME", ".config", "ev/ev.conf") && access(path, F_OK) == 0)
        return true;
    snprintf(path, PATH_MAX, "/etc/ev/ev.conf");
    return access(path, F_OK) == 0;
}

static int conf_load(const char *path, struct evl_buffer *text)
{
    enum { CONF_MAX = 1 << 20 };
    FILE *file = fopen(path, "re");
    if (!file)
        return say_system("%s", path);
    text->count = fread(evl_buffer_room(text, CONF_MAX), 1, CONF_MAX, file);
    int status = ferror(file) ? say_system("%s", path) : 0;
    fclose(file);
    return status;
}

static void key_warn(const char *path, const struct evl_ini_entry *entry)
{
    struct nearest nearest = { .word = entry->key };
    for (const char *const *key = keys; *key; key++) {
        if (strcmp(*key, entry->key) == 0)
            return;
        nearest_try(&nearest, *key);
    }
    if (nearest.best)
        say(SAY_WARNING, "%s:%d: no key '%s'; did you mean %s?", path, entry->line, entry->key,
            nearest.best);
    else
        say(SAY_WARNING, "%s:%d: no key '%s'", path, entry->line, entry->key);
}

static int conf_read(struct evl_ini **ini)
{
    char path[PATH_MAX];
    struct evl_buffer text = { 0 };
    *ini = NULL;
    if (!conf_find(path))
        return 0;
    int status = conf_load(path, &text);
    if (status == 0) {
        enum evl_error err = evl_ini_read(evl_buffer_bytes(&text), ini);
        if (err) {
            say(SAY_ERROR, "%s: %s", path, evl_fault());
            status = evl_error_exit(err);
        }
    }
    evl_buffer_release(&text);
    for (size_t i = 0; status == 0 && evl_ini_at(*ini, i); i++)
        if (evl_ini_at(*ini, i)->key && strcmp(evl_ini_at(*ini, i)->section, "alias") != 0)
            key_warn(path, evl_ini_at(*ini, i));
    return status;
}

void profiles_list(struct words *names)
{
    struct evl_ini *ini;
    if (conf_read(&ini) || !ini)
        return;
    for (size_t i = 0; evl_ini_at(ini, i); i++) {
        const struct evl_ini_entry *entry = evl_ini_at(ini, i);
        if (!entry->key && strcmp(entry->section, "profile") == 0)
            words_add(names, entry->name);
    }
    evl_ini_free(ini);
}

/* ---- a profile ----------------------------------------------------------- */

static int profile_unknown(const struct evl_ini *ini, const char *name)
{
    struct nearest nearest = { .word = name };
    for (size_t i = 0; ini && evl_ini_at(ini, i); i++)
        if (strcmp(evl_ini_at(ini, i)->section, "profile") == 0)
            nearest_try(&nearest, evl_ini_at(ini, i)->name);
    if (nearest.best)
        say(SAY_ERROR, "no profile '%s' in ev.conf; did you mean %s?", name, nearest.best);
    else
        say(SAY_ERROR, "no profile '%s' in ev.conf; see ev.conf(5)", name);
    return EXIT_CONFIG;
}

static int confirm_read(const char *text, enum confirm *confirm)
{
    static const char *const names[] = { "name", "yes", "no" };
    for (int i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *confirm = (enum confirm)(CONFIRM_NAME + i);
            return 0;
        }
    say(SAY_ERROR, "ev.conf: confirm = %s: it is one of name, yes, no", text);
    return EXIT_CONFIG;
}

static int readonly_read(const char *text, bool *readonly)
{
    *readonly = strcmp(text, "yes") == 0;
    if (*readonly || strcmp(text, "no") == 0)
        return 0;
    say(SAY_ERROR, "ev.conf: readonly = %s: it is yes or no", text);
    return EXIT_CONFIG;
}

/* A ~/ in front of a directory is the user's home. */
static char *dir_expand(const char *dir)
{
    const char *home = getenv("HOME");
    if (strncmp(dir, "~/", 2) != 0 || !home)
        return tool_text(dir);
    struct evl_buffer path = { 0 };
    text_print(&path, "%s%s", home, dir + 1);
    return (char *)(void *)text_end(&path); /* the buffer's memory is the spot's now */
}

/* What a section says; *spot keeps what it does not speak of. */
static int profile_take(const struct evl_ini *ini, const char *section, const char *name,
                        struct spot *spot)
{
    const char *dir = evl_ini_get(ini, section, name, "dir");
    const char *readonly = evl_ini_get(ini, section, name, "readonly");
    const char *confirm = evl_ini_get(ini, section, name, "confirm");
    const char *color = evl_ini_get(ini, section, name, "prompt_color");
    int status = readonly ? readonly_read(readonly, &spot->readonly) : 0;
    if (status == 0 && confirm)
        status = confirm_read(confirm, &spot->confirm);
    if (dir)
        spot->dir = dir_expand(dir);
    if (color)
        spot->prompt_color = tool_text(color);
    return status;
}

static int spot_profile(const char *name, struct spot *spot)
{
    struct evl_ini *ini;
    int status = conf_read(&ini);
    if (status == 0 && (!ini || !evl_ini_has(ini, "profile", name)))
        status = profile_unknown(ini, name);
    if (status == 0)
        status = profile_take(ini, "profile", name, spot);
    if (status == 0 && !spot->dir) {
        say(SAY_ERROR, "ev.conf: profile %s has no dir", name);
        status = EXIT_CONFIG;
    }
    evl_ini_free(ini);
    return status;
}

static int spot_default(struct spot *spot)
{
    struct evl_ini *ini;
    char path[PATH_MAX];
    int status = conf_read(&ini);
    if (status == 0 && ini)
        status = profile_take(ini, "default", "", spot);
    evl_ini_free(ini);
    if (status || spot->dir)
        return status;
    spot->builtin = true;
    if (geteuid() == 0)
        spot->dir = tool_text("/var/lib/ev");
    else if (path_under(path, "XDG_DATA_HOME", ".local/share", "ev"))
        spot->dir = tool_text(path);
    else
        return say_usage("HOME is not set: name a directory with -d");
    return 0;
}

int spot_find(const struct place_choice *choice, struct spot *spot)
{
    const char *dir = getenv("EV_DIR");
    const char *profile = getenv("EV_PROFILE");
    *spot = (struct spot){ .confirm = CONFIRM_BY_DAMAGE };
    if (choice->dir && !*choice->dir)
        return say_usage("--dir: the name is empty");
    int status = 0;
    if (choice->dir)
        spot->dir = tool_text(choice->dir);
    else if (choice->profile)
        status = spot_profile(choice->profile, spot);
    else if (dir && *dir)
        spot->dir = tool_text(dir);
    else if (profile && *profile)
        status = spot_profile(profile, spot);
    else
        status = spot_default(spot);
    if (status == 0)
        say(SAY_TRACE, "directory %s", spot->dir);
    return status;
}

void spot_release(struct spot *spot)
{
    free(spot->dir);
    free(spot->prompt_color);
    *spot = (struct spot){ 0 };
}

/* ---- opening ------------------------------------------------------------- */

static void place_says(void *context, const char *line)
{
    (void)context;
    say(SAY_NOTICE, "%s", line);
}

/* The built-in directory may lie in folders that nobody has made yet. */
static void parents_make(const char *dir)
{
    char *path = tool_text(dir);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0777); /* if it fails, opening says why */
        *slash = '/';
    }
    free(path);
}

int spot_open(const struct spot *spot, enum spot_use use, bool force, struct evl_place **place)
{
    if (use != SPOT_READ && spot->readonly) {
        say(SAY_ERROR, "%s: this profile is readonly", spot->dir);
        return EXIT_DENIED;
    }
    struct evl_place_options options = {
        .dir = spot->dir,
        .create = use == SPOT_CREATE,
        .readonly = use == SPOT_READ,
        .tends = !spot->readonly,
        .force = force,
        .say = place_says,
    };
    if (options.create && spot->builtin)
        parents_make(spot->dir);
    enum evl_error err = evl_place_open(&options, place);
    return err ? say_fault(err) : 0;
}
