/* proto_random.c - any message, filled by chance.  One loop over this tests every
 * field of every version of every message. */
#include "base/check.h"
#include "proto/codec.h"

enum { TEXT_MAX = 40, ITEMS_MAX = 4 };

struct chance {
    uint64_t *seed;
    struct arena *arena;
    int version;
};

/* splitmix64 */
static uint64_t draw(const struct chance *c)
{
    uint64_t z = *c->seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static bool one_in(const struct chance *c, uint64_t n) { return draw(c) % n == 0; }

/* Often the ends of the range, and what fields mean by "none". */
static int64_t draw_number(const struct chance *c)
{
    static const int64_t ends[] = { 0, -1, -2, 1, INT8_MAX, INT16_MIN, INT32_MAX, INT64_MIN };
    return one_in(c, 3) ? ends[draw(c) % 8] : (int64_t)draw(c) >> (draw(c) % 64);
}

static void *take(const struct chance *c, size_t count, size_t size)
{
    void *at = arena_take(c->arena, count, size);
    check(at);
    return at;
}

static struct evl_bytes draw_bytes(const struct chance *c, const struct field *f, bool text)
{
    if (field_may_be_null(f, c->version) && one_in(c, 4))
        return evl_bytes(NULL, 0);
    size_t count = draw(c) % TEXT_MAX;
    uint8_t *at = take(c, count, 1);
    for (size_t i = 0; i < count; i++)
        at[i] = (uint8_t)(text ? 'a' + draw(c) % 26 : draw(c));
    return evl_bytes(at, count);
}

static void draw_struct(const struct chance *c, const struct field *fields, void *self);
static void draw_value(const struct chance *c, const struct field *f, enum field_type type,
                       void *member);

static void draw_array(const struct chance *c, const struct field *f, struct field_array *array)
{
    *array = (struct field_array){ NULL, 0 };
    if (field_may_be_null(f, c->version) && one_in(c, 4))
        return;
    array->count = draw(c) % ITEMS_MAX;
    array->at = take(c, array->count, f->size);
    for (size_t i = 0; i < array->count; i++)
        draw_value(c, f, f->item, (uint8_t *)array->at + i * f->size);
}

static void draw_maybe(const struct chance *c, const struct field *f, void **member)
{
    *member = NULL;
    if (field_may_be_null(f, c->version) && one_in(c, 2))
        return;
    *member = take(c, 1, f->size);
    draw_struct(c, f->of(), *member);
}

static void draw_uuid(const struct chance *c, struct uuid *id)
{
    *id = one_in(c, 4) ? (struct uuid){ { 0 } } : uuid_make(draw(c), draw(c));
}

static void draw_value(const struct chance *c, const struct field *f, enum field_type type,
                       void *member)
{
    switch (type) {
    case FIELD_BOOL: *(bool *)member = one_in(c, 2); break;
    case FIELD_I8: *(int8_t *)member = (int8_t)draw_number(c); break;
    case FIELD_I16: *(int16_t *)member = (int16_t)draw_number(c); break;
    case FIELD_U16: *(uint16_t *)member = (uint16_t)draw_number(c); break;
    case FIELD_I32: *(int32_t *)member = (int32_t)draw_number(c); break;
    case FIELD_U32: *(uint32_t *)member = (uint32_t)draw_number(c); break;
    case FIELD_I64: *(int64_t *)member = draw_number(c); break;
    case FIELD_F64: *(double *)member = (double)draw_number(c) / 7; break;
    case FIELD_UUID: draw_uuid(c, member); break;
    case FIELD_STRING: *(struct evl_bytes *)member = draw_bytes(c, f, true); break;
    case FIELD_BYTES:
    case FIELD_RECORDS: *(struct evl_bytes *)member = draw_bytes(c, f, false); break;
    case FIELD_NESTED: draw_struct(c, f->of(), member); break;
    case FIELD_MAYBE: draw_maybe(c, f, member); break;
    case FIELD_ARRAY: draw_array(c, f, member); break;
    case FIELD_END: check(false); break;
    }
}

static void draw_struct(const struct chance *c, const struct field *fields, void *self)
{
    for (const struct field *f = fields; f->type != FIELD_END; f++) {
        void *member = (uint8_t *)self + f->at;
        if (field_is_in(f, c->version) && !(f->tag && one_in(c, 3)))
            draw_value(c, f, f->type, member);
        else
            field_init(f, member);
    }
}

void proto_random(const struct message *m, int version, uint64_t *seed, struct arena *arena,
                  void *out)
{
    struct chance c = { .seed = seed, .arena = arena, .version = version };
    draw_struct(&c, m->fields(), out);
}
