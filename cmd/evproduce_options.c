/* evproduce_options.c - what the options mean, and which do not go together. */
#include "evproduce.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include <evl/text.h>

static int rate_read(struct produce *p)
{
    const char *text = p->options.rate;
    bool good =
        !text || number_read(text, &p->rate_records) || evl_parse_size(text, &p->rate_bytes);
    if (!good || (text && p->rate_records + p->rate_bytes == 0))
        return say_usage("--rate: '%s' is not a number of records, nor a size, as 1M", text);
    text = p->options.pace;
    char *end = NULL;
    p->pace = text ? strtod(text, &end) : 0;
    if (text && (*end || !(p->pace > 0)))
        return say_usage("--pace: '%s' is not a factor, as 1.0 or 10", text);
    return 0;
}

static int bad_read(struct produce *p)
{
    const char *skip = p->options.skip_bad;
    p->bad_max = p->options.bad || skip ? INT64_MAX : 0;
    if (skip && *skip && !number_read(skip, &p->bad_max))
        return say_usage("--skip-bad: '%s' is not a number", skip);
    p->bad_file = -1;
    if (p->options.bad) {
        p->bad_file = open(p->options.bad, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (p->bad_file < 0)
            return say_system("%s", p->options.bad);
    }
    return 0;
}

/* The whole of a small file, as a header's value. */
static int file_read(const char *path, struct evl_bytes *bytes)
{
    enum { HEADER_FILE_MAX = 1 << 20 };
    struct evl_buffer text = { 0 };
    FILE *file = fopen(path, "re");
    if (!file)
        return say_system("%s", path);
    text.count = fread(evl_buffer_room(&text, HEADER_FILE_MAX + 1), 1, HEADER_FILE_MAX + 1, file);
    int status = ferror(file) ? say_system("%s", path) : 0;
    if (status == 0 && text.count > HEADER_FILE_MAX)
        status = say_usage("--header: %s: more than 1 MiB", path);
    fclose(file);
    *bytes = evl_buffer_bytes(&text); /* lives as long as the tool */
    return status;
}

static int headers_read(struct produce *p)
{
    for (size_t i = 0; i < p->options.headers.count; i++) {
        const char *text = p->options.headers.at[i];
        const char *equals = strchr(text, '=');
        struct evl_header header = { .name = evl_text(text) };
        int status = 0;
        if (equals)
            header.name.count = (size_t)(equals - text);
        if (header.name.count == 0)
            return say_usage("--header: '%s' has no name", text);
        if (equals && equals[1] == '@')
            status = file_read(equals + 2, &header.value);
        else if (equals)
            header.value = evl_text(equals + 1);
        if (status)
            return status;
        evl_buffer_add(&p->headers, &header, sizeof header);
    }
    return 0;
}

static int timestamp_read(struct produce *p)
{
    const char *text = p->options.timestamp;
    p->timestamp = EVL_NO_TIMESTAMP;
    if (text && !evl_parse_time(text, p->options.form.utc, tool_now_ms(), &p->timestamp))
        return say_usage("--timestamp: '%s' is not a time, as 2026-08-01 13:05, now, -1h", text);
    return 0;
}

/* A file that grows is read record by record, from where it was left. */
static int follow_agrees(const struct produce *p, const struct words *operands)
{
    const struct produce_options *o = &p->options;
    const char *option = o->follow ? "-f" : "--state";
    if (o->rescan && !o->follow)
        return say_usage("--rescan finds files for -f to follow");
    if (!o->follow && !o->state)
        return 0;
    if (o->messages.count)
        return say_usage("-m is the record itself: there is nothing to follow");
    if (operands->count == 1 && !o->rescan)
        return say_usage("%s follows files: which? (-f --rescan 'GLOB' finds them)", option);
    for (size_t i = 1; i < operands->count; i++)
        if (strcmp(operands->at[i], "-") == 0)
            return say_usage("%s follows files by their names: stdin has none", option);
    if (p->form.kind == EVL_FORMAT_RAW || p->form.kind == EVL_FORMAT_MSGPACK ||
        p->form.kind == EVL_FORMAT_BATCH)
        return say_usage("%s follows files of lines, tsv, json or frames: %s has an end", option,
                         evl_format_info(p->form.kind)->name);
    return 0;
}

static int options_agree(const struct produce *p, const struct words *operands)
{
    const struct produce_options *o = &p->options;
    bool changes = o->key || o->headers.count || o->timestamp || o->tombstone || o->receipt;
    if (operands->count == 0)
        return say_usage("which topic? see evproduce -h");
    if (o->messages.count && operands->count > 1)
        return say_usage("-m is the record itself: no file is read");
    if (o->tee && o->receipt)
        return say_usage("--tee and --receipt both want stdout");
    if (o->no_create && o->create)
        return say_usage("--create and --no-create say two things");
    if (o->partition > INT32_MAX)
        return say_usage("--partition: no topic has that many");
    if (p->form.kind == EVL_FORMAT_BATCH && p->transactional)
        return say_usage("batches are written as they are: not in a transaction");
    if (p->form.kind == EVL_FORMAT_BATCH && (changes || p->pace > 0 || o->messages.count))
        return say_usage("batches are written as they are: no -k, -H, -T, -Z, -m, --pace, "
                         "--receipt");
    int status = follow_agrees(p, operands);
    if (status)
        return status;
    if (!evl_codec_usable((enum evl_codec)o->codec)) {
        say(SAY_ERROR, "--compress: %s is not built in; build with its library, or choose another",
            evl_codec_name((enum evl_codec)o->codec));
        return EXIT_CONFIG;
    }
    return 0;
}

int options_apply(struct produce *p, const struct words *operands)
{
    int status = rate_read(p);
    if (status == 0)
        status = transaction_read(p);
    if (status == 0)
        status = options_agree(p, operands);
    if (status == 0)
        status = timestamp_read(p);
    if (status == 0)
        status = headers_read(p);
    return status ? status : bad_read(p);
}
