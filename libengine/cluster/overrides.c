/* overrides.c - a short sorted array: a topic has a handful of these. */
#include "cluster/overrides.h"

#include "base/memory.h"

struct overrides *overrides_create(struct evl_bytes of)
{
    struct overrides *o = memory_take(1, sizeof *o + of.count + 1);
    if (of.count > 0)
        memcpy(o->of, of.at, of.count);
    return o;
}

void overrides_destroy(struct overrides *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < o->count; i++) {
        memory_free(o->at[i].name);
        memory_free(o->at[i].value);
    }
    memory_free(o->at);
    memory_free(o);
}

/* Where a name is, or would be. */
static size_t override_place(const struct overrides *o, struct evl_bytes name, bool *found)
{
    size_t i = 0;
    int order = 1;
    for (; i < o->count && order > 0; i += order > 0) {
        size_t length = strlen(o->at[i].name);
        order = memcmp(name.at, o->at[i].name, length < name.count ? length : name.count);
        if (order == 0)
            order = (name.count > length) - (name.count < length);
    }
    *found = order == 0;
    return i;
}

const char *overrides_get(const struct overrides *o, const char *name)
{
    bool found = false;
    size_t i = o ? override_place(o, evl_text(name), &found) : 0;
    return found ? o->at[i].value : NULL;
}

void overrides_set(struct overrides *o, struct evl_bytes name, struct evl_bytes value)
{
    bool found;
    size_t i = override_place(o, name, &found);
    if (found) {
        memory_free(o->at[i].value);
    } else {
        if (o->count == o->room) {
            o->room = o->room ? o->room * 2 : 4;
            o->at = memory_grow(o->at, o->room, sizeof *o->at);
        }
        memmove(o->at + i + 1, o->at + i, (o->count - i) * sizeof *o->at);
        o->at[i].name = memory_text_part(name.at, name.count);
        o->count++;
    }
    o->at[i].value = memory_text_part(value.at, value.count);
}

void overrides_unset(struct overrides *o, struct evl_bytes name)
{
    bool found;
    size_t i = override_place(o, name, &found);
    if (!found)
        return;
    memory_free(o->at[i].name);
    memory_free(o->at[i].value);
    o->count--;
    memmove(o->at + i, o->at + i + 1, (o->count - i) * sizeof *o->at);
}
