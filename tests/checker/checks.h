/* checks.h - what is looked for in a history whose values are in order. */
#ifndef TESTS_CHECKS_H
#define TESTS_CHECKS_H

#include "checker/versions.h"

/* writes.c: PHANTOM, LOST_WRITE, UNSEEN, ABORTED_READ, TORN. */
void check_writes(const struct history *h, const struct versions *v, struct findings *f);

/* order.c: what went back, and what was passed over. */
void check_polls(const struct history *h, const struct versions *v, struct findings *f);
void check_sends(const struct history *h, const struct versions *v, struct findings *f);

/* groups.c: GROUP_SKIP, GROUP_REPEAT. */
void check_groups(const struct history *h, const struct versions *v, struct findings *f);

/* cycles.c: G1C, PRECOMMITTED_READ. */
void check_cycles(const struct history *h, const struct versions *v, struct findings *f);

#endif
