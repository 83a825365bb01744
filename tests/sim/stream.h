/* stream.h - records through a filter, exactly once, in a world that is stopped
 * anywhere.
 *
 * Processes of a group read topic a, change each record, and write it to topic b,
 * batch after batch: what they write and how far they read is one transaction.
 * Something strikes at one of their calls.  Whenever all is at rest, b has of a
 * what lies before the group's positions, each record once and in order, and
 * nothing else.  Then they are started again, struck again or not; and once more,
 * one alone, until all is done. */
#ifndef TESTS_STREAM_H
#define TESTS_STREAM_H

#include "io/io_sim.h"
#include "sim/torture.h"

/* When the positions are committed: with the records, or, which are the bugs that
 * this world must see, by themselves. */
enum stream_positions { STREAM_WITHIN, STREAM_BEFORE, STREAM_AFTER };

struct stream_options {
    int processes; /* 1 or 2 */
    enum sim_fault how;
    uint64_t stride; /* strikes at the first call, at the stride'th after it, ... */
    enum stream_positions positions;
};

/* result->operations is how many worlds, ->cuts how many were struck twice. */
void stream_every(const struct stream_options *options, struct torture_result *result);

#endif
