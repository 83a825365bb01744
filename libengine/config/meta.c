/* meta.c - meta.properties, in its versions 0 (broker.id) and 1 (node.id). */
#include "config/meta.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "config/properties.h"

static enum evl_error read_number(const struct properties *p, const char *key, int32_t *number)
{
    const char *text = properties_get(p, key);
    if (!text)
        return fail(EVL_ERR_CONFIG, "there is no %s", key);
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9 || text[digits] != '\0')
        return fail(EVL_ERR_CONFIG, "%s: '%s' is no number, or too large", key, text);
    *number = (int32_t)strtol(text, NULL, 10);
    return EVL_OK;
}

static enum evl_error read_cluster(const struct properties *p, bool needed, struct meta *meta)
{
    const char *text = properties_get(p, "cluster.id");
    if (!text && needed)
        return fail(EVL_ERR_CONFIG, "there is no cluster.id");
    if (text && strlen(text) > META_CLUSTER_MAX)
        return fail(EVL_ERR_CONFIG, "cluster.id: longer than %d bytes", META_CLUSTER_MAX);
    if (text)
        memcpy(meta->cluster, text, strlen(text) + 1);
    return EVL_OK;
}

static enum evl_error read_directory(const struct properties *p, struct meta *meta)
{
    const char *text = properties_get(p, "directory.id");
    if (text && !uuid_parse(text, &meta->directory))
        return fail(EVL_ERR_CONFIG, "directory.id: '%s' is no uuid", text);
    return EVL_OK;
}

static enum evl_error meta_of(const struct properties *p, struct meta *meta)
{
    const char *version = properties_get(p, "version");
    bool first = version && strcmp(version, "1") == 0;
    if (!version || (!first && strcmp(version, "0") != 0))
        return fail(EVL_ERR_CONFIG, "version: '%s'; 0 and 1 are known", version ? version : "");
    enum evl_error err = read_cluster(p, first, meta);
    if (!err)
        err = read_number(p, first ? "node.id" : "broker.id", &meta->node);
    if (!err && properties_get(p, "ev.format"))
        err = read_number(p, "ev.format", &meta->format);
    return err ? err : read_directory(p, meta);
}

enum evl_error meta_read(struct evl_bytes text, struct meta *meta)
{
    struct meta read = { .cluster = "" };
    struct properties p;
    enum evl_error err = properties_read(text, &p);
    if (!err)
        err = meta_of(&p, &read);
    properties_release(&p);
    if (!err)
        *meta = read;
    return err;
}

static void add_number(struct evl_buffer *out, const char *key, int32_t number)
{
    char text[16];
    snprintf(text, sizeof text, "%" PRId32, number);
    properties_add(out, key, text);
}

void meta_print(const struct meta *meta, struct evl_buffer *out)
{
    char room[UUID_TEXT];
    properties_add(out, "version", "1");
    properties_add(out, "cluster.id", meta->cluster);
    add_number(out, "node.id", meta->node);
    if (!uuid_is_zero(&meta->directory))
        properties_add(out, "directory.id", uuid_print(&meta->directory, room));
    if (meta->format != 0)
        add_number(out, "ev.format", meta->format);
}
