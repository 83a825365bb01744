/* evtopic_change.c - what all changing commands do: the plan as a script, the
 * question before damage, the row after. */
#include "evtopic.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <evl/text.h>

/* ---- consent ------------------------------------------------------------- */

static enum damage damage_of_profile(enum confirm confirm, enum damage damage)
{
    switch (confirm) {
    case CONFIRM_BY_DAMAGE: return damage;
    case CONFIRM_NAME: return DAMAGE_SEVERE;
    case CONFIRM_YES: return DAMAGE_MODERATE;
    case CONFIRM_NO: return DAMAGE_MILD;
    }
    return damage;
}

static bool answer_is(const char *question, const char *wanted)
{
    char answer[300];
    fprintf(stderr, "%s", question);
    if (!fgets(answer, sizeof answer, stdin))
        return false;
    answer[strcspn(answer, "\n")] = '\0';
    return strcmp(answer, wanted) == 0;
}

int consent(struct evtopic *t, enum damage damage, const char *what, const char *name)
{
    damage = damage_of_profile(t->spot.confirm, damage);
    if (damage == DAMAGE_MILD || t->yes)
        return 0;
    if (t->script || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return say_usage("%s: not done, as nobody can be asked here; -y says that it is meant",
                         what);
    say(SAY_ERROR, "%s", what);
    bool meant = damage == DAMAGE_SEVERE ? answer_is("type the topic's name to confirm: ", name)
                                         : answer_is("go on? [y/N] ", "y");
    if (!meant)
        say(SAY_NOTICE, "not done");
    return meant ? 0 : EXIT_NO;
}

/* ---- plans --------------------------------------------------------------- */

void plan_begin(struct evtopic *t, const char *command) { text_add(&t->out, command); }

void plan_word(struct evtopic *t, const char *word)
{
    text_add(&t->out, " ");
    text_add_shell(&t->out, word);
}

static void plan_setting(struct evtopic *t, const char *sign, const char *name, const char *value)
{
    struct evl_buffer word = { 0 };
    text_print(&word, "%s%s=%s", sign, name, value);
    plan_word(t, "-c");
    plan_word(t, text_end(&word));
    evl_buffer_release(&word);
}

void plan_changes(struct evtopic *t, const struct evl_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        switch (changes[i].kind) {
        case EVL_SET: plan_setting(t, "", changes[i].name, changes[i].value); break;
        case EVL_APPEND: plan_setting(t, "+", changes[i].name, changes[i].value); break;
        case EVL_SUBTRACT: plan_setting(t, "-", changes[i].name, changes[i].value); break;
        case EVL_UNSET:
            plan_word(t, "--unset");
            plan_word(t, changes[i].name);
            break;
        }
}

void plan_partition(struct evtopic *t, int32_t partition)
{
    char text[16];
    snprintf(text, sizeof text, "%d", partition);
    plan_word(t, "-p");
    plan_word(t, text);
}

void plan_end(struct evtopic *t) { text_add(&t->out, "\n"); }

/* ---- rows ---------------------------------------------------------------- */

void rows_begin(struct evtopic *t, const struct table_column *columns)
{
    table_begin(&t->table,
                t->json  ? TABLE_JSON
                : t->tsv ? TABLE_TSV
                         : TABLE_ALIGNED,
                t->command, columns);
    t->table.utc = t->utc;
}

static const char *error_name(enum evl_error err)
{
    switch (err) {
    case EVL_OK: return NULL;
#define ERROR(name, exit, text) \
    case EVL_ERR_##name:        \
        return #name;
#include <evl/errors.def>
#undef ERROR
    }
    return NULL;
}

void row_done(struct evtopic *t)
{
    table_text(&t->table, NULL);
    table_text(&t->table, NULL);
}

int row_failed(struct evtopic *t, const char *topic, int32_t partition, enum evl_error err)
{
    size_t empty = t->table.column_count - 3;
    table_text(&t->table, topic);
    if (partition >= 0) {
        table_number(&t->table, partition);
        empty--;
    }
    for (size_t i = 0; i < empty; i++)
        table_text(&t->table, NULL);
    table_text(&t->table, error_name(err));
    table_text(&t->table, evl_fault());
    return say_fault(err);
}

/* ---- settings ------------------------------------------------------------ */

static int change_read(struct changes *changes, const char *text)
{
    enum evl_change_kind kind = text[0] == '+'   ? EVL_APPEND
                                : text[0] == '-' ? EVL_SUBTRACT
                                                 : EVL_SET;
    const char *name = kind == EVL_SET ? text : text + 1;
    const char *equals = strchr(name, '=');
    if (!equals || equals == name)
        return say_usage("-c: '%s' is not NAME=VALUE, as retention.ms=7d", text);
    words_add_part(&changes->texts, name, (size_t)(equals - name));
    changes->at[changes->count++] =
        (struct evl_change){ kind, changes->texts.at[changes->texts.count - 1], equals + 1 };
    return 0;
}

int changes_read(struct changes *changes, const struct words *set, const struct words *unset)
{
    int status = 0;
    *changes = (struct changes){ 0 };
    changes->at = tool_take(set->count + (unset ? unset->count : 0), sizeof *changes->at);
    for (size_t i = 0; i < set->count && status == 0; i++)
        status = change_read(changes, set->at[i]);
    for (size_t i = 0; unset && i < unset->count && status == 0; i++)
        changes->at[changes->count++] = (struct evl_change){ EVL_UNSET, unset->at[i], NULL };
    if (status)
        changes_release(changes);
    return status;
}

void changes_release(struct changes *changes)
{
    free(changes->at);
    words_release(&changes->texts);
    *changes = (struct changes){ 0 };
}

const char *config_value(const struct evl_configs *configs, const char *name)
{
    for (size_t i = 0; i < configs->count; i++)
        if (strcmp(configs->at[i].name, name) == 0)
            return configs->at[i].value;
    return NULL;
}

/* ---- contents ------------------------------------------------------------ */

enum evl_error content_of(struct evtopic *t, const struct evl_topic *topic, struct content *content)
{
    *content = (struct content){ .partitions = topic->partitions,
                                 .oldest = EVL_NO_TIMESTAMP,
                                 .newest = EVL_NO_TIMESTAMP };
    for (int32_t i = 0; i < topic->partitions; i++) {
        struct evl_partition facts;
        enum evl_error err = evl_admin_partition(t->place, topic->name, i, &facts);
        if (err)
            return err;
        content->missing += facts.missing;
        content->hidden += facts.hidden;
        if (facts.missing)
            continue;
        content->records += facts.end - facts.start;
        content->bytes += facts.bytes;
        if (facts.oldest != EVL_NO_TIMESTAMP &&
            (content->oldest == EVL_NO_TIMESTAMP || facts.oldest < content->oldest))
            content->oldest = facts.oldest;
        if (facts.newest > content->newest)
            content->newest = facts.newest;
    }
    return EVL_OK;
}

void content_print(const struct content *content, struct evl_buffer *text)
{
    char size[EVL_TEXT_ROOM];
    text_print(text, "%d partition%s, %lld record%s, %s%s", content->partitions,
               content->partitions == 1 ? "" : "s", (long long)content->records,
               content->records == 1 ? "" : "s", evl_print_size(content->bytes, size),
               content->bytes < 1024 ? " bytes" : "");
}
