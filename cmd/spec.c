/* spec.c - positions, times and partition lists as users write them.
 *
 *     start end 120 start+10 end-10 -10      an offset
 *     2026-08-01 @1754000000 -1h +1h today   a time
 *     0=120,3=98,*=start                     different per partition
 *     file:PATH                              what --state saved
 *
 * ev(7) tells it to users. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>

#include <evl/text.h>

/* start+10, end-10: the number behind a word and a sign. */
static bool distance_read(const char *text, const char *word, char sign, int64_t *number)
{
    size_t length = strlen(word);
    if (strncmp(text, word, length) != 0)
        return false;
    *number = 0;
    return text[length] == '\0' || (text[length] == sign && number_read(text + length + 1, number));
}

/* +1h counts from --since. */
static bool later_read(const char *text, const struct spec_clock *clock, int64_t *ms)
{
    int64_t duration;
    if (text[0] != '+' || clock->since_ms == EVL_NO_TIMESTAMP ||
        !evl_parse_duration(text + 1, 1000, &duration))
        return false;
    *ms = clock->since_ms + duration;
    return true;
}

static bool position_read(const char *text, const struct spec_clock *clock,
                          struct evl_position *position)
{
    int64_t number;
    if (number_read(text, &number))
        *position = (struct evl_position){ EVL_AT_OFFSET, number };
    else if (distance_read(text, "start", '+', &number))
        *position = (struct evl_position){ EVL_AT_START, number };
    else if (distance_read(text, "end", '-', &number))
        *position = (struct evl_position){ EVL_AT_END, number };
    else if (text[0] == '-' && number_read(text + 1, &number))
        *position = (struct evl_position){ EVL_AT_END, number };
    else if (later_read(text, clock, &number) ||
             evl_parse_time(text, clock->utc, clock->now_ms, &number))
        *position = (struct evl_position){ EVL_AT_TIME, number };
    else
        return false;
    return true;
}

/* 3=98, *=start, or a position for all. */
static bool item_read(const char *text, const struct spec_clock *clock, struct spec_item *item)
{
    int64_t partition;
    const char *equals = strchr(text, '=');
    item->partition = -1;
    if (!equals)
        return position_read(text, clock, &item->position);
    struct words left = { 0 };
    words_add_part(&left, text, (size_t)(equals - text));
    bool star = strcmp(left.at[0], "*") == 0;
    bool good = star || (number_read(left.at[0], &partition) && partition <= INT32_MAX);
    words_release(&left);
    if (good && !star)
        item->partition = (int32_t)partition;
    return good && position_read(equals + 1, clock, &item->position);
}

static bool items_read(struct spec *spec, const struct words *texts, const struct spec_clock *clock)
{
    spec->items = tool_take(texts->count, sizeof *spec->items);
    for (; spec->count < texts->count; spec->count++)
        if (!item_read(texts->at[spec->count], clock, &spec->items[spec->count]))
            return false;
    return texts->count > 0;
}

static void split_commas(const char *text, struct words *words)
{
    for (const char *p = text;; p++) {
        size_t length = strcspn(p, ",");
        words_add_part(words, p, length);
        p += length;
        if (!*p)
            return;
    }
}

int spec_read(struct spec *spec, const char *option, const char *text,
              const struct spec_clock *clock)
{
    *spec = (struct spec){ .option = option };
    if (strncmp(text, "file:", 5) == 0) {
        spec->file = tool_take(1, sizeof *spec->file);
        return state_load(text + 5, true, spec->file);
    }
    struct words texts = { 0 };
    if (strchr(text, '='))
        split_commas(text, &texts);
    else
        words_add(&texts, text);
    bool good = items_read(spec, &texts, clock);
    words_release(&texts);
    if (good)
        return 0;
    if (text[0] == '+')
        return say_usage("%s: '%s' counts from --since, which is not a time", option, text);
    return say_usage("%s: '%s' is not a position; as start, end, 120, end-10, -1h, today, "
                     "2026-08-01, 0=120,*=start, file:PATH (see ev(7))",
                     option, text);
}

void spec_release(struct spec *spec)
{
    free(spec->items);
    if (spec->file)
        state_release(spec->file);
    free(spec->file);
    *spec = (struct spec){ 0 };
}

int64_t spec_time(const struct spec *spec)
{
    bool one = spec->count == 1 && spec->items[0].position.kind == EVL_AT_TIME;
    return one ? spec->items[0].position.number : EVL_NO_TIMESTAMP;
}

bool spec_position(const struct spec *spec, const char *topic, int32_t partition,
                   struct evl_position *position)
{
    if (spec->file) {
        const struct state_entry *entry = state_find(spec->file, topic, partition);
        if (entry)
            *position = (struct evl_position){ EVL_AT_OFFSET, entry->offset };
        return entry != NULL;
    }
    const struct spec_item *found = NULL;
    for (size_t i = 0; i < spec->count; i++)
        if (spec->items[i].partition == partition || (spec->items[i].partition < 0 && !found))
            found = &spec->items[i];
    if (found)
        *position = found->position;
    return found != NULL;
}

/* ---- partition lists ----------------------------------------------------- */

/* 4 or 2-4 */
static bool range_read(const char *text, int32_t *first, int32_t *last)
{
    int64_t from, to;
    const char *dash = strchr(text, '-');
    struct words left = { 0 };
    words_add_part(&left, text, dash ? (size_t)(dash - text) : strlen(text));
    bool good = number_read(left.at[0], &from);
    words_release(&left);
    to = from;
    good = good && (!dash || number_read(dash + 1, &to));
    if (!good || from > to || to > INT32_MAX)
        return false;
    *first = (int32_t)from;
    *last = (int32_t)to;
    return true;
}

int partition_list_read(const char *text, struct partition_list *list)
{
    struct words texts = { 0 };
    enum { ROOM = sizeof list->at / sizeof list->at[0] };
    split_commas(text, &texts);
    bool good = texts.count <= ROOM;
    list->count = 0;
    for (size_t i = 0; good && i < texts.count; i++, list->count++)
        good = range_read(texts.at[i], &list->at[i].first, &list->at[i].last);
    words_release(&texts);
    return good ? 0 : say_usage("--partitions: '%s' is not a list, as 0,2-4", text);
}

bool partition_list_has(const struct partition_list *list, int32_t partition)
{
    for (int i = 0; i < list->count; i++)
        if (partition >= list->at[i].first && partition <= list->at[i].last)
            return true;
    return list->count == 0;
}
