/* ini.c - ev.conf: sections of `key = value` lines.
 *
 * A line is one thing: blank, a comment (# or ;), a section, or a key and its
 * value.  There are no quotes and no comments behind values, so that a
 * password may have any letter but blanks at its ends. */
#include <evl/config.h>

#include "base/fault.h"
#include "base/memory.h"

struct evl_ini {
    char *text; /* a copy, cut into strings */
    struct evl_ini_entry *at;
    size_t count, room;
};

static char *trim(char *text)
{
    text += strspn(text, " \t\r");
    size_t count = strlen(text);
    while (count > 0 && strchr(" \t\r", text[count - 1]))
        count--;
    text[count] = '\0';
    return text;
}

static void entry_add(struct evl_ini *ini, struct evl_ini_entry entry)
{
    if (ini->count == ini->room) {
        ini->room = ini->room ? ini->room * 2 : 16;
        ini->at = memory_grow(ini->at, ini->room, sizeof *ini->at);
    }
    ini->at[ini->count++] = entry;
}

/* [default], [alias], [profile NAME] */
static enum evl_error read_section(struct evl_ini *ini, char *text, int line)
{
    size_t count = strlen(text);
    if (text[count - 1] != ']')
        return fail(EVL_ERR_CONFIG, "line %d: a section ends with ]", line);
    text[count - 1] = '\0';
    char *section = trim(text + 1);
    size_t word = strcspn(section, " \t");
    char *name = section + word;
    if (*name) {
        *name++ = '\0';
        name = trim(name);
    }
    bool profile = strcmp(section, "profile") == 0;
    if (!profile && strcmp(section, "default") != 0 && strcmp(section, "alias") != 0)
        return fail(EVL_ERR_CONFIG,
                    "line %d: [%s]: sections are [default], [profile NAME] and [alias]", line,
                    section);
    if (profile && *name == '\0')
        return fail(EVL_ERR_CONFIG, "line %d: [profile] wants a name: [profile NAME]", line);
    if (!profile && *name != '\0')
        return fail(EVL_ERR_CONFIG, "line %d: [%s] takes no name", line, section);
    entry_add(ini, (struct evl_ini_entry){ section, name, NULL, NULL, line });
    return EVL_OK;
}

static enum evl_error read_key(struct evl_ini *ini, char *text, int line)
{
    char *equals = strchr(text, '=');
    if (!equals)
        return fail(EVL_ERR_CONFIG, "line %d: '%.40s' is not KEY = VALUE", line, text);
    if (ini->count == 0)
        return fail(EVL_ERR_CONFIG, "line %d: a key outside of a section; begin with [default]",
                    line);
    *equals = '\0';
    char *key = trim(text);
    if (*key == '\0')
        return fail(EVL_ERR_CONFIG, "line %d: a value without a key", line);
    const struct evl_ini_entry *last = &ini->at[ini->count - 1];
    entry_add(ini,
              (struct evl_ini_entry){ last->section, last->name, key, trim(equals + 1), line });
    return EVL_OK;
}

static enum evl_error read_lines(struct evl_ini *ini, char *text)
{
    enum evl_error err = EVL_OK;
    for (int line = 1; text && !err; line++) {
        char *end = strchr(text, '\n');
        if (end)
            *end = '\0';
        char *content = trim(text);
        if (*content == '[')
            err = read_section(ini, content, line);
        else if (*content != '\0' && *content != '#' && *content != ';')
            err = read_key(ini, content, line);
        text = end ? end + 1 : NULL;
    }
    return err;
}

enum evl_error evl_ini_read(struct evl_bytes text, struct evl_ini **ini)
{
    if (text.count && memchr(text.at, '\0', text.count))
        return fail(EVL_ERR_CONFIG, "this is no text: it has a zero byte");
    struct evl_ini *read = memory_take(1, sizeof *read);
    read->text = memory_text_part(text.at, text.count);
    enum evl_error err = read_lines(read, read->text);
    if (err)
        evl_ini_free(read);
    else
        *ini = read;
    return err;
}

void evl_ini_free(struct evl_ini *ini)
{
    if (!ini)
        return;
    memory_free(ini->text);
    memory_free(ini->at);
    memory_free(ini);
}

const struct evl_ini_entry *evl_ini_at(const struct evl_ini *ini, size_t i)
{
    return i < ini->count ? &ini->at[i] : NULL;
}

static bool entry_is_in(const struct evl_ini_entry *e, const char *section, const char *name)
{
    return strcmp(e->section, section) == 0 && strcmp(e->name, name) == 0;
}

const char *evl_ini_get(const struct evl_ini *ini, const char *section, const char *name,
                        const char *key)
{
    for (size_t i = ini->count; i-- > 0;)
        if (ini->at[i].key && strcmp(ini->at[i].key, key) == 0 &&
            entry_is_in(&ini->at[i], section, name))
            return ini->at[i].value;
    return NULL;
}

bool evl_ini_has(const struct evl_ini *ini, const char *section, const char *name)
{
    for (size_t i = 0; i < ini->count; i++)
        if (entry_is_in(&ini->at[i], section, name))
            return true;
    return false;
}
