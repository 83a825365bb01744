/* producer.h - what a transaction does with its producers. */
#ifndef PLACE_PRODUCER_H
#define PLACE_PRODUCER_H

#include <evl/producer.h>

/* Forget the records that are not written yet, and wait for those on their way. */
void producer_drop(struct evl_producer *producer);

#endif
