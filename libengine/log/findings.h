/* findings.h - what a check has found, until it is sure of it.
 *
 * A cleaner that exchanges files while they are read makes them look damaged.
 * Who cannot keep cleaners away keeps what he finds, and tells it when he knows
 * that nothing was exchanged. */
#ifndef LOG_FINDINGS_H
#define LOG_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One thing that is wrong.  Borrowed for the call. */
struct check_damage {
    const char *file; /* its name in the partition's folder */
    int64_t position; /* in the file */
    int64_t offset;   /* the record's, as far as known; -1 */
    const char *text;
};

struct finding;

/* Zeroed but for the first two: an empty one that tells at once. */
struct findings {
    void (*found)(void *context, const struct check_damage *damage); /* NULL: nobody listens */
    void *context;
    bool kept; /* else told at once */
    struct finding *at;
    size_t count;
};

/* More of them than any exchange of files explains are not kept: all are told. */
void findings_add(struct findings *f, const struct check_damage *damage);
void findings_tell(struct findings *f);   /* all that were kept; from now on at once */
void findings_forget(struct findings *f); /* it was no damage */

#endif
