/* terms.c - --batch and --on-error, read. */
#include "terms.h"

#include <stdio.h>

#include <evl/text.h>

enum {
    PART_BYTES = 300, /* of an option: a topic's name fits */
    PAUSE_MS = 100,   /* before the second attempt; then twice that, ... */
    PAUSE_MS_MAX = 10000,
};

/* One of a comma's parts, in `part`; false at the end. */
static bool part_next(const char **text, char part[PART_BYTES])
{
    if (!**text)
        return false;
    size_t length = strcspn(*text, ",");
    snprintf(part, PART_BYTES, "%.*s", (int)length, *text);
    *text += length + ((*text)[length] == ',');
    return true;
}

int batch_limit_read(const char *text, struct batch_limit *limit)
{
    char part[PART_BYTES];
    *limit = (struct batch_limit){ 0 };
    for (const char *p = text; part_next(&p, part);) {
        int64_t number;
        bool good = true;
        if (number_read(part, &number))
            limit->count = number;
        else if (evl_parse_duration(part, 1000, &number))
            limit->ms = number;
        else if ((good = evl_parse_size(part, &number)))
            limit->bytes = number;
        if (!good || number <= 0)
            return say_usage("--batch: '%s' is neither a number of records, a duration nor a size: "
                             "write 1000, 5s, 1M, or 1000,5s",
                             part);
    }
    if (*text == '\0')
        return say_usage("--batch: it is empty; write 1000, 5s, 1M, or 1000,5s");
    return 0;
}

/* What is done in the end is said once. */
static bool on_error_part(const char *part, struct on_error *on_error, int *last)
{
    if (strncmp(part, "retry=", 6) == 0)
        return number_read(part + 6, &on_error->retries) && on_error->retries > 0;
    if (++*last > 1)
        return false;
    if (strncmp(part, "dlq=", 4) == 0 && part[4]) {
        on_error->letters = tool_text(part + 4);
        return true;
    }
    on_error->skips = strcmp(part, "skip") == 0;
    return on_error->skips || strcmp(part, "stop") == 0;
}

int on_error_read(const char *text, struct on_error *on_error)
{
    char part[PART_BYTES];
    int last = 0;
    *on_error = (struct on_error){ 0 };
    for (const char *p = text; part_next(&p, part);)
        if (!on_error_part(part, on_error, &last))
            return say_usage("--on-error: '%s' is not one of stop, skip, dlq=TOPIC, retry=N; "
                             "retry=N and one of the others go together",
                             text);
    return *text ? 0 : say_usage("--on-error: it is empty; write stop, skip or retry=3");
}

int64_t attempt_pause_ms(int64_t attempts)
{
    int64_t pause = attempts < 8 ? (int64_t)PAUSE_MS << (attempts - 1) : PAUSE_MS_MAX;
    return pause < PAUSE_MS_MAX ? pause : PAUSE_MS_MAX;
}
