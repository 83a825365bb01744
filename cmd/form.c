/* form.c - from -i -o -F -D -0 -K to a format's options. */
#include "form.h"

_Static_assert(EVL_FORMAT_LINE == 0 && EVL_FORMAT_TSV == 1 && EVL_FORMAT_JSON == 2 &&
                   EVL_FORMAT_MSGPACK == 3 && EVL_FORMAT_FRAME == 4 && EVL_FORMAT_RAW == 5 &&
                   EVL_FORMAT_BATCH == 6,
               "FORM_NAMES has this order");

static int escaped_read(const char *option, const char *text, struct evl_buffer *bytes)
{
    if (!text_add_escaped(bytes, text))
        return say_usage("%s: '%s': after a backslash comes n, t, r, 0, \\, or xNN", option, text);
    if (bytes->count == 0)
        return say_usage("%s: it is empty", option);
    return 0;
}

static int delimiters_read(const struct form_choice *choice, struct evl_buffer *texts,
                           struct evl_format_options *options)
{
    struct evl_buffer key = { 0 };
    int status = choice->delimiter ? escaped_read("--delimiter", choice->delimiter, texts) : 0;
    size_t count = texts->count;
    if (status == 0 && choice->key_delimiter)
        status = escaped_read("--key-delimiter", choice->key_delimiter, &key);
    evl_buffer_add(texts, key.at, key.count);
    evl_buffer_release(&key);
    if (status == 0 && choice->delimiter)
        options->delimiter = evl_bytes(texts->at, count);
    if (status == 0 && choice->key_delimiter)
        options->key_delimiter = evl_bytes(texts->at + count, texts->count - count);
    if (choice->null_data)
        options->delimiter = evl_bytes("", 1);
    return status;
}

/* Options of one form have no meaning in another: say so, rather than ignore them. */
static int form_check(const struct form_choice *choice, enum evl_format_kind kind)
{
    bool delimits = choice->delimiter || choice->null_data || choice->key_delimiter;
    const char *name = evl_format_info(kind)->name;
    if (choice->string && (choice->kind != EVL_FORMAT_LINE || delimits))
        return say_usage("--format says it all: leave out -i, -o, -D, -0 and -K");
    if (delimits && kind != EVL_FORMAT_LINE)
        return say_usage("-D, -0 and -K are for lines, not for %s", name);
    if (choice->delimiter && choice->null_data)
        return say_usage("-D and -0 say two things");
    if (choice->columns && kind != EVL_FORMAT_TSV)
        return say_usage("--columns is for tsv, not for %s", name);
    return 0;
}

int form_options(const struct form_choice *choice, struct evl_buffer *texts,
                 struct evl_format_options *options)
{
    enum evl_format_kind kind = (enum evl_format_kind)choice->kind;
    if (choice->string)
        kind = EVL_FORMAT_STRING;
    if (choice->whole)
        kind = EVL_FORMAT_RAW;
    *options = (struct evl_format_options){ .kind = kind,
                                            .columns = choice->columns,
                                            .string = choice->string,
                                            .null_text = choice->null_text,
                                            .utc = choice->utc };
    int status = form_check(choice, kind);
    return status ? status : delimiters_read(choice, texts, options);
}
