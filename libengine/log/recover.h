/* recover.h - what a log is worth after a boot, a death, or a failed sync.
 *
 * A cut never destroys what was acknowledged.  Below the recovery point on
 * disk a bad batch is damage: it is told, and stays.  Above it, after a boot,
 * the first bad batch, or the first offset that is missing, is where the
 * writing ended: what follows goes into files "%020d.cut", and the leader epoch
 * rises.  Without a boot in between nothing but one partial batch, of a writer
 * who died, is ever cut. */
#ifndef LOG_RECOVER_H
#define LOG_RECOVER_H

#include "log/log.h"

/* Nobody looked at this log since the boot: find its end and begin its words.
 * Under the APPEND lock. */
enum evl_error recover_boot(struct log *log);

/* The last holder of the APPEND lock died holding it: find the end of what he
 * wrote, and set the words right.  Under the lock. */
enum evl_error recover_mend(struct log *log);

/* For who may not write, and finds no words: see where the log starts and
 * ends, change nothing. */
enum evl_error recover_survey(struct log *log);

/* Bring a failed log back: cut off what was not synced.  OK too if it had not
 * failed. */
enum evl_error recover_repair(struct log *log);

#endif
