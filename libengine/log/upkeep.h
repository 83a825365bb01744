/* upkeep.h - what keeps a log small, done by those who write to it.
 *
 * There is no server to do it.  Segments become old, or dirty, only as new ones
 * are begun: who began one looks after the log when its records are synced and
 * acknowledged.  Everybody else has one look at the oldest segment. */
#ifndef LOG_UPKEEP_H
#define LOG_UPKEEP_H

#include "log/log.h"

/* Retention, and compaction if the log is dirty enough, if this process has
 * cause to; nothing if another one is at it.  A failure is told to o.say, and is
 * nobody's who only wanted to write. */
void upkeep_maybe(struct log *log);

/* The same without compaction, which may take its time. */
void upkeep_soon(struct log *log);

#endif
