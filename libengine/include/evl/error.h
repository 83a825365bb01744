/* evl/error.h - how the engine says no.
 *
 * A function that can fail returns an evl_error; EVL_OK is zero.  What went
 * wrong with what, in words for a person, is kept per thread until the next
 * failure: print it once, at the top. */
#ifndef EVL_ERROR_H
#define EVL_ERROR_H

enum evl_error {
    EVL_OK,
#define ERROR(name, exit, text) EVL_ERR_##name,
#include <evl/errors.def>
#undef ERROR
};

/* The general text of an error: "no space left". */
const char *evl_error_text(enum evl_error err);

/* The exit status that tells it to a shell: sysexits.h, 0 for EVL_OK. */
int evl_error_exit(enum evl_error err);

/* What this thread's last failure said: "orders-3: 0000.log: no space left".
 * Borrowed until this thread fails again. */
const char *evl_fault(void);

#endif
