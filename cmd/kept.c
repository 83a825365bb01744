/* kept.c - records, kept. */
#include "kept.h"

#include <stdlib.h>

#include "tool.h"

static size_t record_bytes(const struct evl_record *record)
{
    size_t bytes = record->topic.count + record->key.count + record->value.count;
    for (size_t i = 0; i < record->header_count; i++)
        bytes += record->headers[i].name.count + record->headers[i].value.count;
    return bytes;
}

/* Copy bytes to *to, and move it behind them; null stays null. */
static struct evl_bytes bytes_keep(uint8_t **to, struct evl_bytes bytes)
{
    if (!bytes.at)
        return bytes;
    uint8_t *at = *to;
    if (bytes.count)
        memcpy(at, bytes.at, bytes.count);
    *to += bytes.count;
    return evl_bytes(at, bytes.count);
}

struct kept *record_keep(const struct evl_record *record)
{
    size_t heads = record->header_count * sizeof *record->headers;
    struct kept *kept = tool_take(1, sizeof *kept + heads + record_bytes(record));
    struct evl_header *headers = (struct evl_header *)(void *)(kept + 1);
    uint8_t *to = (uint8_t *)headers + heads;
    kept->record = *record;
    kept->record.topic = bytes_keep(&to, record->topic);
    kept->record.key = bytes_keep(&to, record->key);
    kept->record.value = bytes_keep(&to, record->value);
    kept->record.headers = headers;
    for (size_t i = 0; i < record->header_count; i++) {
        headers[i].name = bytes_keep(&to, record->headers[i].name);
        headers[i].value = bytes_keep(&to, record->headers[i].value);
    }
    return kept;
}
