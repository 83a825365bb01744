/* marker.c - the end of a transaction, read and written. */
#include "record/marker.h"

#include "base/endian.h"

enum { MARKER_VERSION = 0, MARKER_ABORT = 0, MARKER_COMMIT = 1 };

bool marker_read(const struct evl_record *record, struct marker *marker)
{
    int16_t type = record->key.count >= 4 ? get_i16(record->key.at + 2) : -1;
    if (type != MARKER_ABORT && type != MARKER_COMMIT)
        return false;
    marker->commit = type == MARKER_COMMIT;
    marker->coordinator_epoch = record->value.count >= 6 ? get_i32(record->value.at + 2) : -1;
    return true;
}

struct evl_record marker_write(const struct marker *marker, struct marker_bytes *bytes)
{
    struct evl_record record = EVL_RECORD_NONE;
    put_i16(bytes->key, MARKER_VERSION);
    put_i16(bytes->key + 2, marker->commit ? MARKER_COMMIT : MARKER_ABORT);
    put_i16(bytes->value, MARKER_VERSION);
    put_i32(bytes->value + 2, marker->coordinator_epoch);
    record.key = evl_bytes(bytes->key, sizeof bytes->key);
    record.value = evl_bytes(bytes->value, sizeof bytes->value);
    return record;
}
