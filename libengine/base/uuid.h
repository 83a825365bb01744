/* uuid.h - 128 bits of identity: topics, directories, clusters. */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct uuid {
    uint8_t at[16];
};

enum { UUID_TEXT = 23 }; /* 22 characters of base64url, and an end */

/* As Kafka writes it: base64url without padding.  Returns `room`. */
char *uuid_print(const struct uuid *id, char room[UUID_TEXT]);
bool uuid_parse(const char *text, struct uuid *id);

/* Version 4, of 128 bits of chance. */
struct uuid uuid_make(uint64_t high, uint64_t low);

static inline bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->at, b->at, sizeof a->at) == 0;
}

static inline bool uuid_is_zero(const struct uuid *id)
{
    static const struct uuid zero;
    return uuid_equal(id, &zero);
}

#endif
