/* expression.h - POSIX extended regular expressions, on bytes.
 *
 * regcomp(3) compiles them.  Matching goes through re_search(3) of glibc, which
 * takes a length: regexec(3) wants text with an end, and a sanitizer looks for
 * that end even where REG_STARTEND says that there is none. */
#ifndef FORMAT_EXPRESSION_H
#define FORMAT_EXPRESSION_H

#include <regex.h>

#include <evl/bytes.h>
#include <evl/error.h>

struct expression {
    regex_t regex;
};

/* Flags are regcomp's; REG_EXTENDED goes without saying.  The caller frees.
 * USAGE, and what is wrong with the text. */
enum evl_error expression_make(const char *text, int flags, struct expression **expression);
void expression_free(struct expression *expression); /* NULL does nothing */

/* Does it match somewhere in the bytes?  Zero bytes are bytes as any.  What
 * holds more than 2 GiB matches nothing. */
bool expression_finds(struct expression *expression, struct evl_bytes bytes);

/* How many bytes it matches at the front, the most that it can; -1 if it does
 * not match there. */
int expression_length(struct expression *expression, struct evl_bytes bytes);

#endif
