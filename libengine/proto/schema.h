/* schema.h - how a Kafka message is described: rows, and what they can say.
 *
 * A message is a struct and a table of its fields, both read from one .def
 * file (as_structs.def, as_rows.def).  codec.h, proto_print.c and
 * proto_random.c walk the tables; nothing else knows how a field lies on the
 * wire.
 *
 *     BEGIN(fetch_partition)
 *         I32(current_leader_epoch, .since = 9, .init = -1)
 *         UUID(replica_directory_id, .since = 17, .tag = TAG(0))
 *     END(fetch_partition)
 *
 * Names are Kafka's, in our spelling: current_leader_epoch is its
 * CurrentLeaderEpoch.  In a version that a field is not part of, the struct's
 * member has the field's initial value. */
#ifndef PROTO_SCHEMA_H
#define PROTO_SCHEMA_H

#include <evl/bytes.h>

#include "base/uuid.h"

enum field_type {
    FIELD_END, /* behind the last row */
    FIELD_BOOL,
    FIELD_I8,
    FIELD_I16,
    FIELD_I32,
    FIELD_I64,
    FIELD_U16,
    FIELD_U32,
    FIELD_F64,
    FIELD_UUID,
    FIELD_STRING,
    FIELD_BYTES,
    FIELD_RECORDS, /* bytes that are record batches */
    FIELD_NESTED,  /* a struct in the struct */
    FIELD_MAYBE,   /* a struct behind a pointer, which may be NULL */
    FIELD_ARRAY,   /* of items: any of the above but MAYBE, BYTES and RECORDS */
};

/* Zero means "usual" everywhere. */
struct field {
    const char *name;
    const struct field *(*of)(void); /* the rows of NESTED, MAYBE, and of an array's items */
    int64_t init;                    /* the initial number, or truth */
    bool init_null;                  /* the initial string, array or struct is null; of a
                                        struct that is tagged, else an initial one */
    bool plain;                      /* not compact even in flexible versions */
    uint8_t type, item;              /* enum field_type */
    uint16_t at;                     /* offset in the struct */
    uint16_t size;                   /* bytes of a struct, or of one item */
    int16_t since;                   /* first version that has it */
    int16_t gone;                    /* first version that has it no more; 0: all have */
    int16_t nullable;                /* FROM(first version where it may be null) */
    int16_t never_null;              /* first version where it may not any more; 0: all may */
    int16_t tag;                     /* TAG(n) */
};
#define TAG(n)  ((n) + 1)
#define FROM(v) ((v) + 1)

/* What every array member looks like. */
struct field_array {
    void *at;
    size_t count;
};

enum { NEVER_FLEXIBLE = INT16_MAX };

struct message {
    const char *name;
    int16_t key;            /* the API's, or the record's */
    int16_t oldest, latest; /* versions */
    int16_t flexible;       /* first version with compact lengths and tags, or NEVER_FLEXIBLE */
    size_t size;            /* of its struct */
    const struct field *(*fields)(void);
    const char *summary; /* what it is for, in a few words */
};

static inline bool field_is_in(const struct field *f, int version)
{
    return version >= f->since && (f->gone == 0 || version < f->gone);
}

static inline bool field_may_be_null(const struct field *f, int version)
{
    return f->nullable && version >= f->nullable - 1 &&
           (f->never_null == 0 || version < f->never_null);
}

/* Fill the member with the field's initial value; nothing is allocated.  So a
 * struct behind a pointer is null, though the initial one may be a struct: who
 * means null gets it written. */
void field_init(const struct field *f, void *member);
void struct_init(const struct field *fields, void *self);

/* Does the member have the initial value? */
bool field_is_initial(const struct field *f, const void *member);

/* Set a whole struct of message m to its initial values. */
void message_init(const struct message *m, void *message);

enum { FIELD_NAME = 64 };

/* Kafka's spelling of a name: broker_id is brokerId.  Returns `room`. */
char *field_name(const char *name, char room[FIELD_NAME]);

#endif
