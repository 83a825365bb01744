/* message_kit.c - one list of several. */
#include "message_kit.h"

#include "proto/group_log.h"
#include "proto/metadata.h"
#include "proto/transaction_log.h"

static const struct keyed *kit_keyed(size_t i)
{
    return i == 0 ? &transaction_log : group_log_at(i - 1);
}

const struct message *kit_message(size_t i)
{
    size_t keyed = 0;
    while (kit_keyed(keyed))
        keyed++;
    if (i < 2 * keyed)
        return i % 2 ? kit_keyed(i / 2)->value : kit_keyed(i / 2)->key;
    return metadata_message_at(i - 2 * keyed);
}
