/* expression.c - POSIX extended regular expressions, on bytes. */
#include "format/expression.h"

#include <limits.h>

#include "base/fault.h"
#include "base/memory.h"

enum evl_error expression_make(const char *text, int flags, struct expression **expression)
{
    struct expression *made = memory_take(1, sizeof *made);
    int bad = regcomp(&made->regex, text, REG_EXTENDED | flags);
    if (!bad) {
        *expression = made;
        return EVL_OK;
    }
    char why[200];
    regerror(bad, &made->regex, why, sizeof why);
    memory_free(made);
    return fail(EVL_ERR_USAGE, "expression '%s': %s", text, why);
}

void expression_free(struct expression *expression)
{
    if (!expression)
        return;
    regfree(&expression->regex);
    memory_free(expression);
}

bool expression_finds(struct expression *expression, struct evl_bytes bytes)
{
    if (bytes.count > INT_MAX)
        return false;
    int count = (int)bytes.count;
    return re_search(&expression->regex, (const char *)bytes.at, count, 0, count, NULL) >= 0;
}

int expression_length(struct expression *expression, struct evl_bytes bytes)
{
    if (bytes.count > INT_MAX)
        return -1;
    int length = re_match(&expression->regex, (const char *)bytes.at, (int)bytes.count, 0, NULL);
    return length < 0 ? -1 : length;
}
