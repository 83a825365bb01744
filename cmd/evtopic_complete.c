/* evtopic_complete.c - the hidden --complete: names for a shell's Tab key.
 *
 * It must never keep a person waiting, nor write over the line being typed:
 * after 300 ms, or with any trouble, there is nothing to offer. */
#include "evtopic.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <evl/config.h>
#include <evl/group.h>

enum { PATIENCE_US = 300000 };

static void too_late(int number)
{
    (void)number;
    _exit(0);
}

static void hush(void)
{
    struct itimerval timer = { .it_value = { 0, PATIENCE_US } };
    struct sigaction action = { .sa_handler = too_late };
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0)
        dup2(nowhere, STDERR_FILENO);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void offer(struct evtopic *t, const char *name, const char *word)
{
    if (strncmp(name, word, strlen(word)) == 0)
        text_print(&t->out, "%s\n", name);
}

static void topics(struct evtopic *t, const char *word)
{
    struct evl_topics all;
    if (evtopic_open(t, SPOT_READ) || evl_admin_topics(t->place, &all))
        return;
    for (size_t i = 0; i < all.count; i++)
        if (!all.at[i].internal || word[0] == '_')
            offer(t, all.at[i].name, word);
    evl_topics_release(&all);
}

static void groups(struct evtopic *t, const char *word)
{
    struct evl_groups all;
    if (evtopic_open(t, SPOT_READ) || evl_admin_groups(t->place, &all))
        return;
    for (size_t i = 0; i < all.count; i++)
        offer(t, all.at[i].name, word);
    evl_groups_release(&all);
}

/* NAME=, and behind that the words that it may be. */
static void setting(struct evtopic *t, const struct evl_setting *setting, const char *word)
{
    struct evl_buffer text = { 0 };
    size_t length = strlen(setting->name);
    text_print(&text, "%s=", setting->name);
    bool named = strncmp(word, text_end(&text), length + 1) == 0;
    if (!named)
        offer(t, text_end(&text), word);
    for (const char *p = setting->words; named && p && *p; p += *p == '|') {
        size_t count = strcspn(p, "|");
        text.count = length + 1;
        text_print(&text, "%.*s", (int)count, p);
        offer(t, text_end(&text), word);
        p += count;
    }
    evl_buffer_release(&text);
}

static void settings(struct evtopic *t, const char *word)
{
    struct evl_setting each;
    for (size_t i = 0; evl_setting(i, &each); i++)
        setting(t, &each, word);
}

static void profiles(struct evtopic *t, const char *word)
{
    struct words names = { 0 };
    profiles_list(&names);
    for (size_t i = 0; i < names.count; i++)
        offer(t, names.at[i], word);
    words_release(&names);
}

int complete(struct evtopic *t, char *const *argv, size_t count)
{
    const char *what = count > 0 ? argv[0] : "";
    const char *word = count > 1 ? argv[1] : "";
    hush();
    if (strcmp(what, "topics") == 0)
        topics(t, word);
    else if (strcmp(what, "groups") == 0)
        groups(t, word);
    else if (strcmp(what, "settings") == 0)
        settings(t, word);
    else if (strcmp(what, "profiles") == 0)
        profiles(t, word);
    (void)text_write(STDOUT_FILENO, "stdout", &t->out); /* the shell does without */
    return 0;
}
