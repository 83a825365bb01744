/* marks.h - the logs that transactions end in, and the markers they get.
 *
 * Keeps the logs open from one transaction to the next. */
#ifndef PLACE_MARKS_H
#define PLACE_MARKS_H

#include "place/directory.h"
#include "txn/txn.h"

struct marks;

struct marks *marks_create(struct directory *d);
void marks_destroy(struct marks *m); /* NULL does nothing */

/* How the transaction of a producer ended. */
struct mark {
    int64_t producer_id;
    int16_t epoch; /* above that of the data */
    bool commit;
    int32_t coordinator_epoch;
};

/* Have the partitions' logs say so, on the disk when it returns OK.  One that says
 * so already gets no second marker; one that is gone with its topic needs none.
 * No topic is renamed while a marker is missing (transactions_hold). */
enum evl_error marks_put(struct marks *m, const struct txn_partition *partitions, size_t count,
                         const struct mark *mark);

#endif
