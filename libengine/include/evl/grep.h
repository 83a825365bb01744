/* evl/grep.h - which records are wanted: -G [!]FIELD:EXPRESSION.
 *
 *     k:ERE  v:ERE  t:ERE          key, value, topic
 *     hk:ERE  hv:ERE               name, value of any header
 *     h:NAME=ERE                   value of any header of that name
 *
 * A null or absent field matches no expression, not even an empty one; so with
 * ! before it, it is wanted, and k:.* means "has a key".  A record is wanted
 * when all filters want it. */
#ifndef EVL_GREP_H
#define EVL_GREP_H

#include <evl/error.h>
#include <evl/record.h>

struct evl_grep;

enum evl_grep_flag {
    EVL_GREP_FIXED = 1,       /* expressions are plain text */
    EVL_GREP_IGNORE_CASE = 2, /* of ASCII letters when FIXED, of the locale's otherwise */
};

/* An empty list of filters, which wants everything.  The caller closes. */
struct evl_grep *evl_grep_open(int flags);
void evl_grep_close(struct evl_grep *grep); /* NULL does nothing */

/* One more filter; the text is borrowed for the call.  USAGE, and what is wrong
 * with it; the list is then as before. */
enum evl_error evl_grep_add(struct evl_grep *grep, const char *filter);

bool evl_grep_wants(const struct evl_grep *grep, const struct evl_record *record);

#endif
