/* foreign.c - lines on stderr about what is left out of the output. */
#include "foreign.h"

#include <inttypes.h>
#include <string.h>

void foreign_hidden(const char *topic, const struct evl_partition *facts)
{
    if (facts->hidden)
        say(SAY_NOTICE,
            "%s-%d: offsets %" PRId64 " to %" PRId64 " are on the disk, but behind the high "
            "watermark that the broker last wrote down; they are not shown",
            topic, facts->partition, facts->end, facts->end + facts->hidden - 1);
}

void foreign_missing(const char *topic, struct evl_buffer *partitions)
{
    if (partitions->count == 0)
        return;
    const char *list = text_end(partitions);
    if (strchr(list, ','))
        say(SAY_NOTICE, "%s: partitions %s are not in this directory: other brokers have them",
            topic, list);
    else
        say(SAY_NOTICE, "%s-%s is not in this directory: another broker has it", topic, list);
}
