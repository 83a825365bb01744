/* metadata.c - the tables of the metadata records, and their frame. */
#include "proto/metadata.h"

#include "base/check.h"
#include "base/fault.h"
#include "base/varint.h"

enum { FRAME_VERSION = 1, PRINT_BYTES_MAX = 64 << 20 };

#define PROTO_TABLE "proto/metadata.def"
#include "proto/as_rows.def"

static const struct field *no_fields(void)
{
    static const struct field rows[] = { { .type = FIELD_END } };
    return rows;
}

static const struct message messages[] = {
#define RECORD(key, name, latest, summary) \
    { #name, key, 0, latest, 0, sizeof(struct name), name##_fields, summary },
#define MARK(key, name, latest, summary) { #name, key, 0, latest, 0, 0, no_fields, summary },
#include "proto/records.def"
#undef RECORD
#undef MARK
};
enum { MESSAGES = sizeof messages / sizeof messages[0] };

const struct message *metadata_message_at(size_t i) { return i < MESSAGES ? &messages[i] : NULL; }

/* Keys rise, with few gaps: the row is at its key or a little before. */
const struct message *metadata_message(int64_t key)
{
    if (key < 0)
        return NULL;
    for (int64_t i = key < MESSAGES ? key : MESSAGES - 1; i >= 0; i--)
        if (messages[i].key <= key)
            return messages[i].key == key ? &messages[i] : NULL;
    return NULL;
}

enum evl_error metadata_open(struct evl_bytes value, const struct message **message, int *version,
                             struct evl_bytes *body)
{
    uint32_t head[3]; /* frame version, key, version */
    const uint8_t *p = value.at;
    const uint8_t *end = value.count ? p + value.count : p;
    for (int i = 0; i < 3; i++) {
        p = p ? get_uvarint(p, end, &head[i]) : NULL;
        if (!p)
            return fail(EVL_ERR_CORRUPT, "metadata record: no frame in its %zu bytes", value.count);
    }
    if (head[0] != FRAME_VERSION)
        return fail(EVL_ERR_CORRUPT, "metadata record: frame version %u; %d is known", head[0],
                    FRAME_VERSION);
    const struct message *m = metadata_message(head[1]);
    if (!m)
        return fail(EVL_ERR_PROTOCOL,
                    "metadata record: unknown kind %u; use the newer release that wrote it",
                    head[1]);
    if (head[2] > (uint32_t)m->latest)
        return fail(EVL_ERR_PROTOCOL,
                    "metadata record: %s of version %u, and %d is the latest known; use the "
                    "newer release that wrote it",
                    m->name, head[2], m->latest);
    *message = m;
    *version = (int)head[2];
    *body = evl_bytes(p, (size_t)(end - p));
    return EVL_OK;
}

enum evl_error metadata_add(enum metadata_key key, int version, const void *record,
                            struct evl_buffer *out)
{
    const struct message *m = metadata_message(key);
    uint8_t head[3 * VARINT_BYTES_MAX];
    size_t begin = out->count;
    check(m && (record || m->size == 0));
    uint8_t *p = put_uvarint(head, FRAME_VERSION);
    p = put_uvarint(p, (uint32_t)key);
    p = put_uvarint(p, (uint32_t)version);
    buf_add(out, head, (size_t)(p - head));
    enum evl_error err = proto_encode(m, version, record, out);
    if (err)
        out->count = begin;
    return err;
}

static void print_kind(const struct message *m, struct evl_buffer *out)
{
    for (const char *c = m->name; *c; c++)
        buf_add_byte(out, *c >= 'a' && *c <= 'z' ? (uint8_t)(*c - 'a' + 'A') : (uint8_t)*c);
}

static enum evl_error print_record(const struct message *m, int version, struct evl_bytes body,
                                   enum proto_form form, struct arena *arena,
                                   struct evl_buffer *out)
{
    void *record = arena_take(arena, 1, m->size);
    enum evl_error err = proto_decode(m, version, body, arena, record);
    if (err)
        return err;
    if (form == PROTO_JSON)
        buf_add_text(out, "{\"type\":\"");
    print_kind(m, out);
    buf_print(out, form == PROTO_JSON ? "\",\"version\":%d,\"data\":" : " v%d ", version);
    proto_print(m, version, record, form, out);
    if (form == PROTO_JSON)
        buf_add_byte(out, '}');
    return EVL_OK;
}

enum evl_error metadata_print(struct evl_bytes value, enum proto_form form, struct evl_buffer *out)
{
    const struct message *m;
    int version;
    struct evl_bytes body;
    enum evl_error err = metadata_open(value, &m, &version, &body);
    if (err)
        return err;
    struct arena arena = { .limit = PRINT_BYTES_MAX };
    err = print_record(m, version, body, form, &arena, out);
    arena_release(&arena);
    return err;
}
