/* kept.h - a copy of a record, for later, in one piece of memory. */
#ifndef CMD_KEPT_H
#define CMD_KEPT_H

#include <evl/record.h>

struct kept {
    struct evl_record record;
    /* then the headers, then the bytes */
};

/* The caller frees it. */
struct kept *record_keep(const struct evl_record *record);

#endif
