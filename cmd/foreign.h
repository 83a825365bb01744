/* foreign.h - what readers do not get of a directory that Apache Kafka wrote. */
#ifndef CMD_FOREIGN_H
#define CMD_FOREIGN_H

#include <evl/admin.h>

#include "tool.h"

/* Offsets on the disk that the broker had not shown yet, if there are any. */
void foreign_hidden(const char *topic, const struct evl_partition *facts);

/* Partitions that are not here: "1,4".  Nothing is said of none. */
void foreign_missing(const char *topic, struct evl_buffer *partitions);

#endif
