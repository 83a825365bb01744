/* crew.h - a group's members at work, in a world that kills and stops them.
 *
 * Whatever happens, no partition has two owners; what a static member owned
 * when it died it finds again, unless somebody was stopped just where he would
 * have let go of it.  When all has calmed down, one thing more
 * happens (a member joins, leaves, is killed, stopped, goes on), and one second
 * later every partition is owned or kept by somebody, and shares are even. */
#ifndef TESTS_CREW_H
#define TESTS_CREW_H

#include "sim/torture.h"

void crew_run(uint64_t seed, const struct torture_options *options, struct torture_result *result);

/* The same world again and again, with one fault at its first call, at the
 * stride'th after it, and so on: a kill, or a stop.  result->operations is how
 * many worlds. */
void crew_every(bool stop, uint64_t stride, struct torture_result *result);

#endif
