/* group_log.c - the tables of the group records. */
#include "proto/group_log.h"

#include "base/fault.h"

#define PROTO_TABLE "proto/group_log.def"
#include "proto/as_rows.def"

/* Each kind's two messages. */
#define KIND(kind, name, latest, flexible, summary)                                    \
    static const struct message name##_key = {                                         \
        #name "_key",      kind,   0, 0, NEVER_FLEXIBLE, sizeof(struct name##_key),    \
        name##_key_fields, summary                                                     \
    };                                                                                 \
    static const struct message name##_value = {                                       \
        #name "_value",      kind,   0, latest, flexible, sizeof(struct name##_value), \
        name##_value_fields, summary                                                   \
    };
#include "proto/group_log_kinds.def"
#undef KIND

static const struct keyed kinds[] = {
#define KIND(kind, name, latest, flexible, summary) { kind, &name##_key, &name##_value },
#include "proto/group_log_kinds.def"
#undef KIND
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

const struct keyed *group_log_at(size_t i) { return i < KINDS ? &kinds[i] : NULL; }

const struct keyed *group_log(int kind)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].kind == kind)
            return &kinds[i];
    return NULL;
}

enum evl_error group_log_kind_of(struct evl_bytes key, const struct keyed **kind)
{
    int16_t number;
    struct evl_bytes body;
    enum evl_error err = keyed_open(key, &number, &body);
    if (err)
        return failed(err, "group record");
    *kind = group_log(number);
    return EVL_OK;
}
