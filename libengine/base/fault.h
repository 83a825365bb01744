/* fault.h - the text of what went wrong, written where the facts are.
 *
 *     return fail(EVL_ERR_CORRUPT, "checksum differs at byte %" PRId64, at);
 *
 * and on the way up each level adds its own noun in front:
 *
 *     if (err)
 *         return failed(err, "%s-%d", topic, partition);
 *
 * so that the person at the top reads "orders-0: checksum differs at byte 3". */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <evl/error.h>

/* Write this thread's fault text, and return err. */
__attribute__((format(printf, 2, 3))) enum evl_error fail(enum evl_error err, const char *format,
                                                          ...);

/* Put a noun and ": " in front of this thread's fault text, and return err. */
__attribute__((format(printf, 2, 3))) enum evl_error failed(enum evl_error err, const char *format,
                                                            ...);

/* Keep the fault text while something else may fail, and say it again. */
struct fault {
    char text[1024];
};
void fault_keep(struct fault *kept);
enum evl_error fault_again(enum evl_error err, const struct fault *kept);

#endif
