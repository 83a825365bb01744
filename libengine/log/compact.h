/* compact.h - keep the newest record of each key. */
#ifndef LOG_COMPACT_H
#define LOG_COMPACT_H

#include "log/log.h"

/* Finish or undo what a dead cleaner left behind: .cleaned files go, .swap
 * files take the place of what they were made from.  Under the APPEND lock. */
enum evl_error compact_finish(struct log *log);

#endif
