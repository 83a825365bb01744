/* targets.c - which topics a command line means: names, or regexes with -r. */
#include "tool.h"

#include <regex.h>

#include <evl/admin.h>

static bool is_internal(const char *name) { return name[0] == '_' && name[1] == '_'; }

static int regex_read(regex_t *compiled, const char *text)
{
    struct evl_buffer anchored = { 0 };
    char why[256];
    text_print(&anchored, "^(%s)$", text);
    int wrong = regcomp(compiled, text_end(&anchored), REG_EXTENDED | REG_NOSUB);
    evl_buffer_release(&anchored);
    if (!wrong)
        return 0;
    regerror(wrong, compiled, why, sizeof why);
    return say_usage("'%s' is not a regular expression: %s", text, why);
}

static int regex_find(const struct evl_topics *all, const char *text, struct words *topics)
{
    regex_t compiled;
    int status = regex_read(&compiled, text);
    if (status)
        return status;
    size_t before = topics->count;
    for (size_t i = 0; i < all->count; i++)
        if (!is_internal(all->at[i].name) && regexec(&compiled, all->at[i].name, 0, NULL, 0) == 0)
            words_add(topics, all->at[i].name);
    regfree(&compiled);
    if (topics->count > before)
        return 0;
    say(SAY_ERROR, "no topic matches '%s'", text);
    return EXIT_NO_INPUT;
}

int targets_find(struct evl_place *place, const struct words *operands, bool regex, bool internal,
                 struct words *topics)
{
    struct evl_topics all;
    int status = 0;
    if (operands->count && !regex) {
        for (size_t i = 0; i < operands->count; i++)
            words_add(topics, operands->at[i]);
        return 0;
    }
    enum evl_error err = evl_admin_topics(place, &all);
    if (err)
        return say_fault(err);
    for (size_t i = 0; i < operands->count && status == 0; i++)
        status = regex_find(&all, operands->at[i], topics);
    for (size_t i = 0; i < all.count && operands->count == 0; i++)
        if (internal || !is_internal(all.at[i].name))
            words_add(topics, all.at[i].name);
    evl_topics_release(&all);
    return status;
}
