/* marker.h - the control record that ends a transaction.
 *
 *   key     int16 version, int16 type: 0 abort, 1 commit
 *   value   int16 version, int32 epoch of the coordinator who decided
 *
 * It is alone in a batch that has the producer's id and epoch, and the
 * attributes BATCH_TRANSACTIONAL and BATCH_CONTROL.  Control records of other
 * types (a leader's, a snapshot's) end nothing. */
#ifndef RECORD_MARKER_H
#define RECORD_MARKER_H

#include <evl/record.h>

struct marker {
    bool commit;
    int32_t coordinator_epoch; /* -1: it does not say */
};

/* Whether a control record ends a transaction; *marker says how. */
bool marker_read(const struct evl_record *record, struct marker *marker);

/* What holds a marker's bytes. */
struct marker_bytes {
    uint8_t key[4], value[6];
};

/* The record of a marker: its key and value lie in `bytes`. */
struct evl_record marker_write(const struct marker *marker, struct marker_bytes *bytes);

#endif
