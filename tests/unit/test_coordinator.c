/* Turns on an internal topic: a counter that processes count up, one after the
 * other, whatever happens to them. */
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>

#include <evl/admin.h>

#include "base/endian.h"
#include "base/memory.h"
#include "io/io_sim.h"
#include "log/compact.h"
#include "place/coordinator.h"
#include "place/place.h"
#include "record/marker.h"

/* ---- partitions ---------------------------------------------------------- */

TEST("a group's partition is the one that Java's hash says")
{
    EXPECT(coordinator_partition("", 50) == 0);
    EXPECT(coordinator_partition("foo", 50) == 101574 % 50);
    EXPECT(coordinator_partition("console-consumer-54321", 50) == 162209106 % 50);
    EXPECT(coordinator_partition("gr\xc3\xbc\xc3\x9f", 50) == 3186062 % 50);
    EXPECT(coordinator_partition("\xf0\x9f\x98\x80", 50) == 1772899 % 50); /* two units */
    EXPECT(coordinator_partition("polygenelubricants", 50) == 0);          /* the smallest int */
    EXPECT(coordinator_partition("not \xff text", 50) ==
           coordinator_partition("not \xef\xbf\xbd text", 50));
}
