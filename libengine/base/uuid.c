/* uuid.c - identities, in base64url (RFC 4648, section 5). */
#include "base/uuid.h"

#include "base/endian.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *uuid_print(const struct uuid *id, char room[UUID_TEXT])
{
    uint32_t bits = 0;
    int have = 0;
    char *to = room;
    for (int i = 0; i < 16; i++) {
        bits = bits << 8 | id->at[i];
        for (have += 8; have >= 6; have -= 6)
            *to++ = alphabet[bits >> (have - 6) & 63];
    }
    *to++ = alphabet[bits << (6 - have) & 63];
    *to = '\0';
    return room;
}

bool uuid_parse(const char *text, struct uuid *id)
{
    struct uuid parsed;
    uint32_t bits = 0;
    int have = 0;
    int count = 0;
    for (const char *c = text; *c; c++) {
        const char *found = strchr(alphabet, *c);
        if (!found || count == 16)
            return false;
        bits = bits << 6 | (uint32_t)(found - alphabet);
        have += 6;
        if (have >= 8) {
            have -= 8;
            parsed.at[count++] = (uint8_t)(bits >> have);
        }
    }
    if (count != 16 || (bits & ((1u << have) - 1)) != 0)
        return false;
    *id = parsed;
    return true;
}

struct uuid uuid_make(uint64_t high, uint64_t low)
{
    struct uuid id;
    put_u64(id.at, high);
    put_u64(id.at + 8, low);
    id.at[6] = (uint8_t)((id.at[6] & 0x0f) | 0x40);
    id.at[8] = (uint8_t)((id.at[8] & 0x3f) | 0x80);
    return id;
}
