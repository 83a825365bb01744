/* schema.c - initial values: what a message says where it says nothing. */
#include "proto/schema.h"

#include "base/check.h"

static const uint8_t nothing[1]; /* the address of what is empty but not null */

void struct_init(const struct field *fields, void *self)
{
    for (const struct field *f = fields; f->type != FIELD_END; f++)
        field_init(f, (uint8_t *)self + f->at);
}

void message_init(const struct message *m, void *message) { struct_init(m->fields(), message); }

static void array_init(const struct field *f, struct field_array *array)
{
    *array = (struct field_array){ f->init_null ? NULL : (void *)(uintptr_t)nothing, 0 };
}

void field_init(const struct field *f, void *member)
{
    switch ((enum field_type)f->type) {
    case FIELD_BOOL: *(bool *)member = f->init != 0; break;
    case FIELD_I8: *(int8_t *)member = (int8_t)f->init; break;
    case FIELD_I16: *(int16_t *)member = (int16_t)f->init; break;
    case FIELD_U16: *(uint16_t *)member = (uint16_t)f->init; break;
    case FIELD_I32: *(int32_t *)member = (int32_t)f->init; break;
    case FIELD_U32: *(uint32_t *)member = (uint32_t)f->init; break;
    case FIELD_I64: *(int64_t *)member = f->init; break;
    case FIELD_F64: *(double *)member = 0; break;
    case FIELD_UUID: memset(member, 0, sizeof(struct uuid)); break;
    case FIELD_STRING:
    case FIELD_BYTES:
    case FIELD_RECORDS:
        *(struct evl_bytes *)member = evl_bytes(f->init_null ? NULL : nothing, 0);
        break;
    case FIELD_NESTED: struct_init(f->of(), member); break;
    case FIELD_MAYBE: *(void **)member = NULL; break;
    case FIELD_ARRAY: array_init(f, member); break;
    case FIELD_END: check(false); break;
    }
}

static bool struct_is_initial(const struct field *fields, const void *self)
{
    for (const struct field *f = fields; f->type != FIELD_END; f++)
        if (!field_is_initial(f, (const uint8_t *)self + f->at))
            return false;
    return true;
}

/* A pointer that nobody set is null, but in a field whose initial struct is none,
 * null has to be said. */
static bool maybe_is_initial(const struct field *f, const void *pointed)
{
    if (f->init_null)
        return !pointed;
    return pointed && struct_is_initial(f->of(), pointed);
}

static bool double_is_zero(const void *member)
{
    static const double zero;
    return memcmp(member, &zero, sizeof zero) == 0; /* -0.0 is not what was left out */
}

bool field_is_initial(const struct field *f, const void *member)
{
    const struct evl_bytes *bytes = member;
    const struct field_array *array = member;
    switch ((enum field_type)f->type) {
    case FIELD_BOOL: return *(const bool *)member == (f->init != 0);
    case FIELD_I8: return *(const int8_t *)member == f->init;
    case FIELD_I16: return *(const int16_t *)member == f->init;
    case FIELD_U16: return *(const uint16_t *)member == f->init;
    case FIELD_I32: return *(const int32_t *)member == f->init;
    case FIELD_U32: return *(const uint32_t *)member == f->init;
    case FIELD_I64: return *(const int64_t *)member == f->init;
    case FIELD_F64: return double_is_zero(member);
    case FIELD_UUID: return uuid_is_zero(member);
    case FIELD_STRING:
    case FIELD_BYTES:
    case FIELD_RECORDS: return bytes->count == 0 && !bytes->at == f->init_null;
    case FIELD_NESTED: return struct_is_initial(f->of(), member);
    case FIELD_MAYBE: return maybe_is_initial(f, *(void *const *)member);
    case FIELD_ARRAY: return array->count == 0 && !array->at == f->init_null;
    case FIELD_END: break;
    }
    check(false);
    return false;
}

char *field_name(const char *name, char room[FIELD_NAME])
{
    size_t count = 0;
    for (const char *c = name; *c && count < FIELD_NAME - 1; c++) {
        bool upper = *c == '_' && c[1] >= 'a' && c[1] <= 'z';
        room[count++] = upper ? (char)(*++c - 'a' + 'A') : *c;
    }
    room[count] = '\0';
    return room;
}
