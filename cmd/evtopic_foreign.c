/* evtopic_foreign.c - what is not known of a directory that Apache Kafka wrote.
 *
 * Its settings are its controller's, and some of its partitions are other
 * brokers'.  What a table leaves out, a line on stderr says. */
#include "evtopic.h"

#include <inttypes.h>

#include "foreign.h"

bool foreign_settings(struct evtopic *t)
{
    if (!evl_place_is_foreign(t->place))
        return false;
    say(SAY_NOTICE,
        "settings are not known here: Apache Kafka wrote %s, and its controller has them",
        evl_place_name(t->place));
    return true;
}

void foreign_partition(const char *topic, const struct evl_partition *facts)
{
    if (facts->missing)
        say(SAY_NOTICE, "%s-%d is not in this directory: another broker has it", topic,
            facts->partition);
    foreign_hidden(topic, facts);
}

void foreign_content(const char *topic, const struct content *content)
{
    if (content->missing)
        say(SAY_NOTICE,
            "%s: %d of its partitions are not in this directory: other brokers have them", topic,
            content->missing);
    if (content->hidden)
        say(SAY_NOTICE,
            "%s: %" PRId64 " offsets behind the high watermarks that the broker last wrote down "
            "are not counted",
            topic, content->hidden);
}
