/* check.h - assertions about ourselves; they stay in releases.
 *
 * check(x) is for what only a mistake of ours can make false.  The world's
 * mistakes (disks, peers, users) are errors: see base/fault.h. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define check(condition) ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))

/* Print the broken promise and abort. */
_Noreturn void check_failed(const char *condition, const char *file, int line);

#endif
