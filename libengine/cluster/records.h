/* records.h - what was decided, and is not in the log yet: encoded values of
 * metadata records, in order, to be appended as one batch. */
#ifndef CLUSTER_RECORDS_H
#define CLUSTER_RECORDS_H

#include "proto/metadata.h"

/* Zeroed to begin with; kept from decision to decision. */
struct records {
    struct evl_buffer bytes;
    size_t *ends; /* where each value ends in bytes */
    size_t count, room;
};

/* Encode one behind the others; see metadata_add. */
enum evl_error records_add(struct records *r, enum metadata_key key, int version,
                           const void *record);

/* The i'th value; borrowed until the records change. */
struct evl_bytes records_at(const struct records *r, size_t i);

void records_clear(struct records *r);
void records_release(struct records *r);

#endif
