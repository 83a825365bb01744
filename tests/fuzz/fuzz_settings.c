/* fuzz_settings.c - what people and files say about settings.
 *
 * The first byte chooses the reader: .properties, meta.properties, ev.conf, or
 * NAME=VALUE of a topic's setting.  What was read is written and read again,
 * and must be the same. */
#include "base/check.h"
#include "config/config.h"
#include "config/meta.h"
#include "config/properties.h"
#include "fuzz.h"

static void try_properties(struct evl_bytes text)
{
    struct properties first;
    struct properties again;
    struct evl_buffer out = { 0 };
    if (properties_read(text, &first) == EVL_OK) {
        for (size_t i = 0; i < first.count; i++)
            properties_add(&out, first.at[i].key, first.at[i].value);
        check(properties_read(buf_bytes(&out), &again) == EVL_OK && again.count == first.count);
        for (size_t i = 0; i < first.count; i++)
            check(strcmp(first.at[i].key, again.at[i].key) == 0 &&
                  strcmp(first.at[i].value, again.at[i].value) == 0);
        properties_release(&again);
    }
    properties_release(&first);
    buf_release(&out);
}

static void try_meta(struct evl_bytes text)
{
    struct meta first;
    struct meta again;
    struct evl_buffer out = { 0 };
    if (meta_read(text, &first) == EVL_OK) {
        meta_print(&first, &out);
        check(meta_read(buf_bytes(&out), &again) == EVL_OK && again.node == first.node);
    }
    buf_release(&out);
}

static void try_ini(struct evl_bytes text)
{
    struct evl_ini *ini;
    if (evl_ini_read(text, &ini) != EVL_OK)
        return;
    for (size_t i = 0; evl_ini_at(ini, i); i++) {
        const struct evl_ini_entry *e = evl_ini_at(ini, i);
        check(evl_ini_has(ini, e->section, e->name));
        check(!e->key || evl_ini_get(ini, e->section, e->name, e->key));
    }
    evl_ini_free(ini);
}

static void try_setting(struct evl_bytes text)
{
    struct evl_buffer line = { 0 };
    struct evl_buffer out = { 0 };
    struct topic_config c;
    struct topic_config again;
    buf_add(&line, text.at, text.count);
    buf_add_byte(&line, '\0');
    char *name = (char *)line.at;
    char *value = strchr(name, '=');
    if (value) {
        *value++ = '\0';
        config_init(&c);
        config_init(&again);
        if (config_set(&c, name, value) == EVL_OK)
            for (enum config_form form = CONFIG_KAFKA; form <= CONFIG_FRIENDLY; form++) {
                buf_clear(&out);
                config_print(&c, config_find(name), form, &out);
                check(config_set(&again, name, buf_text(&out)) == EVL_OK);
                check(memcmp(&c, &again, sizeof c) == 0);
            }
    }
    buf_release(&line);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    if (count == 0)
        return 0;
    struct evl_bytes text = evl_bytes(at + 1, count - 1);
    switch (at[0] % 4) {
    case 0: try_properties(text); break;
    case 1: try_meta(text); break;
    case 2: try_ini(text); break;
    case 3: try_setting(text); break;
    }
    return 0;
}
