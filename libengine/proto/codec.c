/* codec.c - the walks that decode and encode.
 *
 * On the wire (big-endian):
 *
 *   bool, integers, float64, uuid   1, 2, 4, 8, 8, 16 bytes
 *   string          int16 count, bytes;      flexible: uvarint of count + 1
 *   bytes, records  int32 count, bytes;      flexible: uvarint of count + 1
 *   array           int32 count, its items;  flexible: uvarint of count + 1
 *   struct          its fields;              flexible: and its tagged fields
 *   nullable struct int8, -1 null or 1;      in a tag: uvarint, 0 null or 1;
 *                   then the struct
 *   tagged fields   uvarint how many, then uvarint tag, uvarint size, value each
 *
 * A count of -1, in the compact form 0, is null.  Tagged fields come in the
 * order of their tags, and are left out when they have their initial value;
 * unknown ones are skipped.
 *
 * (1) No count is believed before it fits the bytes that remain, at the least
 *     that one item can take.
 * (2) A reader that went wrong stays wrong, and reads zeros from then on. */
#include "proto/codec.h"

#include "base/check.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/varint.h"

/* ---- decode -------------------------------------------------------------- */

struct reader {
    const uint8_t *at, *end;
    struct arena *arena;
    int version;
    bool flexible;
    enum evl_error err;
    const char *reason, *field; /* of the first mistake */
};

static void reader_fail(struct reader *r, enum evl_error err, const char *reason)
{
    if (r->err)
        return;
    r->err = err;
    r->reason = reason;
    r->end = r->at; /* (2) */
}

static size_t reader_left(const struct reader *r) { return (size_t)(r->end - r->at); }

static const uint8_t *read_fixed(struct reader *r, size_t count)
{
    static const uint8_t zeros[16];
    if (reader_left(r) < count) {
        reader_fail(r, EVL_ERR_CORRUPT, "ends early");
        return zeros;
    }
    r->at += count;
    return r->at - count;
}

static uint32_t read_uvarint(struct reader *r)
{
    uint32_t value;
    const uint8_t *next = get_uvarint(r->at, r->end, &value);
    if (!next) {
        reader_fail(r, EVL_ERR_CORRUPT, "a number does not end");
        return 0;
    }
    r->at = next;
    return value;
}

/* A count of things that take `least` bytes each; -1 is null. */
static int64_t read_count(struct reader *r, const struct field *f, size_t width, size_t least)
{
    int64_t count;
    if (r->flexible && !f->plain)
        count = (int64_t)read_uvarint(r) - 1;
    else
        count = width == 2 ? get_i16(read_fixed(r, 2)) : get_i32(read_fixed(r, 4));
    if (count == -1 && !r->err && !field_may_be_null(f, r->version))
        reader_fail(r, EVL_ERR_CORRUPT, "is null and may not be");
    if (count < -1 || (count > 0 && (uint64_t)count > reader_left(r) / least)) /* (1) */
        reader_fail(r, EVL_ERR_CORRUPT, "claims more than there is");
    return r->err ? 0 : count;
}

static struct evl_bytes read_bytes(struct reader *r, const struct field *f, size_t width)
{
    int64_t count = read_count(r, f, width, 1);
    if (count < 0)
        return evl_bytes(NULL, 0);
    r->at += count;
    return evl_bytes(r->at - count, (size_t)count);
}

/* The fewest bytes that a struct can take in this version. */
static size_t struct_least(const struct field *fields, int version, bool flexible);

static size_t field_least(const struct field *f, enum field_type type, int version, bool flexible)
{
    bool compact = flexible && !f->plain;
    switch (type) {
    case FIELD_BOOL:
    case FIELD_I8: return 1;
    case FIELD_I16:
    case FIELD_U16: return 2;
    case FIELD_I32:
    case FIELD_U32: return 4;
    case FIELD_I64:
    case FIELD_F64: return 8;
    case FIELD_UUID: return 16;
    case FIELD_STRING: return compact ? 1 : 2;
    case FIELD_BYTES:
    case FIELD_RECORDS:
    case FIELD_ARRAY: return compact ? 1 : 4;
    case FIELD_NESTED: return struct_least(f->of(), version, flexible);
    case FIELD_MAYBE: return field_may_be_null(f, version) ? 1 : 0;
    case FIELD_END: break;
    }
    check(false);
    return 0;
}

static size_t struct_least(const struct field *fields, int version, bool flexible)
{
    size_t least = flexible;
    for (const struct field *f = fields; f->type != FIELD_END; f++)
        if (!f->tag && field_is_in(f, version))
            least += field_least(f, f->type, version, flexible);
    return least;
}

static void read_struct(struct reader *r, const struct field *fields, void *self);
static void read_value(struct reader *r, const struct field *f, enum field_type type, void *member);

static void read_array(struct reader *r, const struct field *f, struct field_array *array)
{
    size_t least = field_least(f, f->item, r->version, r->flexible);
    int64_t count = read_count(r, f, 4, least ? least : 1);
    *array = (struct field_array){ NULL, 0 };
    if (count < 0 || r->err)
        return;
    array->at = arena_take(r->arena, (size_t)count, f->size);
    if (!array->at) {
        reader_fail(r, EVL_ERR_TOO_LARGE, "takes more memory than it may");
        return;
    }
    array->count = (size_t)count;
    for (size_t i = 0; i < array->count; i++)
        read_value(r, f, f->item, (uint8_t *)array->at + i * f->size);
}

static void *read_room(struct reader *r, const struct field *f)
{
    void *at = arena_take(r->arena, 1, f->size);
    if (!at)
        reader_fail(r, EVL_ERR_TOO_LARGE, "takes more memory than it may");
    return at;
}

/* Whether a mark in front of the struct says that there is none. */
static bool read_null(struct reader *r, const struct field *f)
{
    if (!field_may_be_null(f, r->version))
        return false;
    return f->tag ? read_uvarint(r) == 0 : (int8_t)*read_fixed(r, 1) < 0;
}

static void read_maybe(struct reader *r, const struct field *f, void **member)
{
    *member = NULL;
    bool null = read_null(r, f);
    void *at = null || r->err ? NULL : read_room(r, f);
    if (!at)
        return;
    read_struct(r, f->of(), at);
    *member = at;
}

static double read_double(struct reader *r)
{
    uint64_t bits = get_u64(read_fixed(r, 8));
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void read_value(struct reader *r, const struct field *f, enum field_type type, void *member)
{
    switch (type) {
    case FIELD_BOOL: *(bool *)member = *read_fixed(r, 1) != 0; break;
    case FIELD_I8: *(int8_t *)member = (int8_t)*read_fixed(r, 1); break;
    case FIELD_I16: *(int16_t *)member = get_i16(read_fixed(r, 2)); break;
    case FIELD_U16: *(uint16_t *)member = get_u16(read_fixed(r, 2)); break;
    case FIELD_I32: *(int32_t *)member = get_i32(read_fixed(r, 4)); break;
    case FIELD_U32: *(uint32_t *)member = get_u32(read_fixed(r, 4)); break;
    case FIELD_I64: *(int64_t *)member = get_i64(read_fixed(r, 8)); break;
    case FIELD_F64: *(double *)member = read_double(r); break;
    case FIELD_UUID: memcpy(member, read_fixed(r, 16), 16); break;
    case FIELD_STRING: *(struct evl_bytes *)member = read_bytes(r, f, 2); break;
    case FIELD_BYTES:
    case FIELD_RECORDS: *(struct evl_bytes *)member = read_bytes(r, f, 4); break;
    case FIELD_NESTED: read_struct(r, f->of(), member); break;
    case FIELD_MAYBE: read_maybe(r, f, member); break;
    case FIELD_ARRAY: read_array(r, f, member); break;
    case FIELD_END: check(false); break;
    }
    if (r->err && !r->field)
        r->field = f->name;
}

static const struct field *field_of_tag(const struct field *fields, int version, uint32_t tag)
{
    for (const struct field *f = fields; f->type != FIELD_END; f++)
        if (f->tag && (uint32_t)f->tag == TAG(tag) && field_is_in(f, version))
            return f;
    return NULL;
}

static void read_tagged(struct reader *r, const struct field *fields, void *self)
{
    uint32_t tag = read_uvarint(r);
    uint32_t size = read_uvarint(r);
    const struct field *f = field_of_tag(fields, r->version, tag);
    const uint8_t *end = r->end;
    if (size > reader_left(r))
        reader_fail(r, EVL_ERR_CORRUPT, "a tagged field claims more than there is");
    if (r->err)
        return;
    const uint8_t *next = r->at + size;
    r->end = next;
    if (f)
        read_value(r, f, f->type, (uint8_t *)self + f->at);
    if (f && r->at != next)
        reader_fail(r, EVL_ERR_CORRUPT, "does not fill its tagged field");
    if (r->err)
        return;
    r->at = next;
    r->end = end;
}

/* What a field says that is not on the wire, or not there yet. */
static void read_nothing(struct reader *r, const struct field *f, void *member)
{
    field_init(f, member);
    if (f->type != FIELD_MAYBE || f->init_null || !field_is_in(f, r->version))
        return;
    void *at = read_room(r, f);
    if (at)
        struct_init(f->of(), at);
    *(void **)member = at;
}

static void read_struct(struct reader *r, const struct field *fields, void *self)
{
    for (const struct field *f = fields; f->type != FIELD_END; f++) {
        if (!f->tag && field_is_in(f, r->version))
            read_value(r, f, f->type, (uint8_t *)self + f->at);
        else
            read_nothing(r, f, (uint8_t *)self + f->at);
    }
    if (!r->flexible)
        return;
    for (uint32_t count = read_uvarint(r); count > 0 && !r->err; count--)
        read_tagged(r, fields, self);
}

enum evl_error proto_decode(const struct message *m, int version, struct evl_bytes bytes,
                            struct arena *arena, void *out)
{
    static const uint8_t nothing[1];
    struct reader r = { .at = bytes.count ? bytes.at : nothing,
                        .arena = arena,
                        .version = version };
    if (version < m->oldest || version > m->latest)
        return fail(EVL_ERR_PROTOCOL, "%s: version %d; %d to %d are known", m->name, version,
                    m->oldest, m->latest);
    r.end = r.at + bytes.count;
    r.flexible = version >= m->flexible;
    read_struct(&r, m->fields(), out);
    if (r.err)
        return fail(r.err, "%s, version %d: %s%s%s", m->name, version, r.field ? r.field : "",
                    r.field ? ": " : "", r.reason);
    if (r.at != r.end)
        return fail(EVL_ERR_CORRUPT, "%s, version %d: %zu bytes too many", m->name, version,
                    reader_left(&r));
    return EVL_OK;
}

/* ---- encode -------------------------------------------------------------- */

struct writer {
    struct evl_buffer *out;
    int version;
    bool flexible;
    const char *too_long; /* the first field that is */
};

static void write_number(struct writer *w, uint64_t value, size_t width)
{
    uint8_t bytes[8];
    put_u64(bytes, value);
    buf_add(w->out, bytes + 8 - width, width);
}

static void write_uvarint(struct writer *w, uint32_t value)
{
    uint8_t bytes[VARINT_BYTES_MAX];
    buf_add(w->out, bytes, (size_t)(put_uvarint(bytes, value) - bytes));
}

static void write_count(struct writer *w, const struct field *f, bool null, size_t count,
                        size_t width)
{
    bool compact = w->flexible && !f->plain;
    check(!null || field_may_be_null(f, w->version));
    if (count > (!compact && width == 2 ? INT16_MAX : INT32_MAX)) {
        w->too_long = w->too_long ? w->too_long : f->name;
        count = 0;
    }
    if (compact)
        write_uvarint(w, null ? 0 : (uint32_t)count + 1);
    else
        write_number(w, null ? UINT64_MAX : count, width);
}

static void write_bytes(struct writer *w, const struct field *f, const struct evl_bytes *bytes,
                        size_t width)
{
    write_count(w, f, !bytes->at, bytes->count, width);
    buf_add(w->out, bytes->at, bytes->count);
}

static void write_struct(struct writer *w, const struct field *fields, const void *self);
static void write_value(struct writer *w, const struct field *f, enum field_type type,
                        const void *member);

static void write_array(struct writer *w, const struct field *f, const struct field_array *array)
{
    write_count(w, f, !array->at, array->count, 4);
    for (size_t i = 0; i < array->count; i++)
        write_value(w, f, f->item, (const uint8_t *)array->at + i * f->size);
}

static void write_maybe(struct writer *w, const struct field *f, const void *pointed)
{
    bool marked = field_may_be_null(f, w->version);
    check(marked || pointed);
    if (marked && f->tag)
        write_uvarint(w, pointed ? 1 : 0);
    else if (marked)
        write_number(w, pointed ? 1 : UINT64_MAX, 1);
    if (pointed)
        write_struct(w, f->of(), pointed);
}

static void write_double(struct writer *w, const double *value)
{
    uint64_t bits;
    memcpy(&bits, value, sizeof bits);
    write_number(w, bits, 8);
}

static void write_value(struct writer *w, const struct field *f, enum field_type type,
                        const void *member)
{
    switch (type) {
    case FIELD_BOOL: write_number(w, *(const bool *)member, 1); break;
    case FIELD_I8: write_number(w, *(const uint8_t *)member, 1); break;
    case FIELD_I16:
    case FIELD_U16: write_number(w, *(const uint16_t *)member, 2); break;
    case FIELD_I32:
    case FIELD_U32: write_number(w, *(const uint32_t *)member, 4); break;
    case FIELD_I64: write_number(w, *(const uint64_t *)member, 8); break;
    case FIELD_F64: write_double(w, member); break;
    case FIELD_UUID: buf_add(w->out, member, 16); break;
    case FIELD_STRING: write_bytes(w, f, member, 2); break;
    case FIELD_BYTES:
    case FIELD_RECORDS: write_bytes(w, f, member, 4); break;
    case FIELD_NESTED: write_struct(w, f->of(), member); break;
    case FIELD_MAYBE: write_maybe(w, f, *(void *const *)member); break;
    case FIELD_ARRAY: write_array(w, f, member); break;
    case FIELD_END: check(false); break;
    }
}

/* The tagged field with the lowest tag above `tag` that has something to say. */
static const struct field *next_tagged(const struct writer *w, const struct field *fields,
                                       const void *self, int tag)
{
    const struct field *next = NULL;
    for (const struct field *f = fields; f->type != FIELD_END; f++)
        if (f->tag > tag && (!next || f->tag < next->tag) && field_is_in(f, w->version) &&
            !field_is_initial(f, (const uint8_t *)self + f->at))
            next = f;
    return next;
}

/* The size goes in front when it is known: the value moves up for it. */
static void write_tagged(struct writer *w, const struct field *f, const void *member)
{
    uint8_t size[VARINT_BYTES_MAX];
    write_uvarint(w, (uint32_t)f->tag - 1);
    size_t begin = w->out->count;
    write_value(w, f, f->type, member);
    size_t count = w->out->count - begin;
    if (count > INT32_MAX) {
        w->too_long = f->name;
        return;
    }
    size_t width = (size_t)(put_uvarint(size, (uint32_t)count) - size);
    buf_room(w->out, width);
    memmove(w->out->at + begin + width, w->out->at + begin, count);
    memcpy(w->out->at + begin, size, width);
    w->out->count += width;
}

static void write_struct(struct writer *w, const struct field *fields, const void *self)
{
    uint32_t tagged = 0;
    for (const struct field *f = fields; f->type != FIELD_END; f++) {
        if (!field_is_in(f, w->version))
            continue;
        const void *member = (const uint8_t *)self + f->at;
        if (!f->tag)
            write_value(w, f, f->type, member);
        else
            tagged += !field_is_initial(f, member);
    }
    if (!w->flexible)
        return;
    write_uvarint(w, tagged);
    const struct field *f = NULL;
    for (uint32_t i = 0; i < tagged; i++) {
        f = next_tagged(w, fields, self, f ? f->tag : 0);
        write_tagged(w, f, (const uint8_t *)self + f->at);
    }
}

enum evl_error proto_encode(const struct message *m, int version, const void *message,
                            struct evl_buffer *out)
{
    struct writer w = { .out = out, .version = version, .flexible = version >= m->flexible };
    size_t begin = out->count;
    check(version >= m->oldest && version <= m->latest);
    write_struct(&w, m->fields(), message);
    if (!w.too_long)
        return EVL_OK;
    out->count = begin;
    return fail(EVL_ERR_TOO_LARGE, "%s, version %d: %s is longer than the wire can say", m->name,
                version, w.too_long);
}
