/* evl/record.h - one record, and where it stands. */
#ifndef EVL_RECORD_H
#define EVL_RECORD_H

#include <evl/bytes.h>

enum evl_timestamp_type { EVL_CREATE_TIME, EVL_APPEND_TIME };

/* "Nobody said": not a timestamp that a record can have. */
#define EVL_NO_TIMESTAMP INT64_MIN

struct evl_header {
    struct evl_bytes name;  /* never null */
    struct evl_bytes value; /* may be null */
};

/* Every pointer is borrowed: the header of the function that hands out a
 * record says until when. */
struct evl_record {
    struct evl_bytes topic; /* null: unknown, or the one at hand */
    int32_t partition;      /* -1: unknown */
    int32_t leader_epoch;   /* -1: unknown */
    int64_t offset;         /* -1: unknown */
    int64_t timestamp;      /* milliseconds since 1970, UTC; or EVL_NO_TIMESTAMP */
    enum evl_timestamp_type timestamp_type;
    bool control;                     /* a control record: a transaction's marker, say */
    int16_t producer_epoch;           /* -1: none */
    int64_t producer_id;              /* -1: none */
    struct evl_bytes key;             /* may be null */
    struct evl_bytes value;           /* may be null: a tombstone */
    const struct evl_header *headers; /* in order, names may repeat */
    size_t header_count;
};

/* A record with nothing known and nothing in it. */
#define EVL_RECORD_NONE                                  \
    ((struct evl_record){ .partition = -1,               \
                          .leader_epoch = -1,            \
                          .offset = -1,                  \
                          .timestamp = EVL_NO_TIMESTAMP, \
                          .producer_epoch = -1,          \
                          .producer_id = -1 })

#endif
