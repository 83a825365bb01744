/* transaction.h - what a producer needs of the transaction that it writes for. */
#ifndef PLACE_TRANSACTION_H
#define PLACE_TRANSACTION_H

#include <evl/producer.h>
#include <evl/transaction.h>

#include "place/transactions.h"

/* Its producers are flushed by a commit, and drop what they have by an abort. */
void transaction_enlist(struct evl_transaction *t, struct evl_producer *producer);

/* A producer is closed; `lost`: with records that were not flushed.  What is open
 * cannot be committed then. */
void transaction_dismiss(struct evl_transaction *t, struct evl_producer *producer, bool lost);

/* Before the first write to partitions: they take part, on the disk. */
enum evl_error transaction_join(struct evl_transaction *t, const char *topic,
                                const int32_t *partitions, size_t count);

/* Who writes, and in which transaction of the owner's: batches are numbered from
 * zero in each. */
struct transaction_producer transaction_producer(const struct evl_transaction *t);
uint64_t transaction_number(const struct evl_transaction *t);

#endif
