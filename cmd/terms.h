/* terms.h - on which terms a COMMAND is run: how much it gets at once, and what
 * is done when it fails. */
#ifndef CMD_TERMS_H
#define CMD_TERMS_H

#include "tool.h"

/* --batch 1000,5s,1M: what is reached first ends a batch.  0: no limit of this
 * kind. */
struct batch_limit {
    int64_t count, bytes, ms;
};
int batch_limit_read(const char *text, struct batch_limit *limit);

/* --on-error retry=3,dlq=TOPIC: try again, and then one of stop, skip, dlq. */
struct on_error {
    int64_t retries;
    bool skips;
    char *letters; /* the dlq's topic, or NULL; the caller frees it */
};
int on_error_read(const char *text, struct on_error *on_error);

/* How long to wait before the next attempt: longer each time. */
int64_t attempt_pause_ms(int64_t attempts);

#endif
