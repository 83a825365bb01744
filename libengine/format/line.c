/* line.c - the value and a delimiter; with -K the key in front.
 *
 *     value DELIMITER
 *     key KEY-DELIMITER value DELIMITER
 *
 * Reading, the first key delimiter of a line divides it; a line without one has
 * no key.  The last line needs no delimiter.  Null is the null text, if there
 * is one; written without one, it is nothing. */
#include "base/fault.h"
#include "format/format.h"

static enum evl_error line_take(struct evl_format_reader *r, struct evl_bytes input, bool last,
                                size_t *used, struct evl_record *record, bool *got)
{
    struct evl_bytes line;
    enum evl_error err = format_find_line(r, input, last, used, &line, got);
    if (err || !*got)
        return err;
    *record = EVL_RECORD_NONE;
    record->value = line;
    struct evl_bytes divider = r->options.key_delimiter;
    if (divider.at) {
        const uint8_t *at = memmem(line.at, line.count, divider.at, divider.count);
        if (at) {
            record->key = evl_bytes(line.at, (size_t)(at - line.at));
            record->value.at = at + divider.count;
            record->value.count = line.count - record->key.count - divider.count;
        }
    }
    format_apply_null(&r->options, record);
    return EVL_OK;
}

/* The lines at the front that are whole and of a good size. */
static size_t line_run(const struct evl_format_reader *r, struct evl_bytes input,
                       struct evl_bytes *values, size_t max, size_t *used)
{
    const uint8_t delimiter = r->options.delimiter.at[0];
    const uint8_t *p = input.at;
    const uint8_t *end = input.at + input.count;
    size_t count = 0;
    while (count < max && p < end) {
        const uint8_t *line_end = memchr(p, delimiter, (size_t)(end - p));
        if (!line_end || (size_t)(line_end - p) > r->options.record_max)
            break;
        values[count] = evl_bytes(p, (size_t)(line_end - p));
        if (format_is_null_text(&r->options, values[count]))
            values[count] = evl_bytes(NULL, 0);
        count++;
        p = line_end + 1;
    }
    *used = (size_t)(p - input.at);
    return count;
}

enum evl_error evl_format_read_lines(struct evl_format_reader *r, struct evl_bytes input, bool last,
                                     size_t *used, struct evl_bytes *values, size_t max,
                                     size_t *count)
{
    *count = *used = 0;
    if (r->options.kind != EVL_FORMAT_LINE || r->options.key_delimiter.at)
        return fail(EVL_ERR_USAGE, "only lines without keys are read many at once");
    /* What was looked at before without an end is left to the slow way. */
    if (r->options.delimiter.count == 1 && !r->skipping && r->scanned == 0 && input.count > 0)
        *count = line_run(r, input, values, max, used);
    if (*count > 0) {
        r->records += (int64_t)*count;
        r->lines += (int64_t)*count;
        r->bytes += (int64_t)*used;
        return EVL_OK;
    }
    struct evl_record record;
    bool got;
    enum evl_error err = evl_format_read(r, input, last, used, &record, &got);
    if (got)
        values[(*count)++] = record.value;
    return err;
}

static void line_add(const struct evl_format_writer *w, struct evl_bytes field,
                     struct evl_buffer *out)
{
    if (!field.at)
        field = evl_text(w->options.null_text);
    if (w->options.terminal)
        terminal_print(out, field);
    else
        buf_add_bytes(out, field);
}

static enum evl_error line_write(struct evl_format_writer *w, const struct evl_record *record,
                                 struct evl_buffer *out)
{
    if (w->options.key_delimiter.at) {
        line_add(w, record->key, out);
        buf_add_bytes(out, w->options.key_delimiter);
    }
    line_add(w, record->value, out);
    buf_add_bytes(out, w->options.delimiter);
    return EVL_OK;
}

static bool line_holds(struct evl_bytes field, struct evl_bytes part)
{
    if (field.count == 0)
        return false;
    if (part.count == 1)
        return memchr(field.at, part.at[0], field.count);
    return memmem(field.at, field.count, part.at, part.count);
}

/* What a key may not be, to be found again. */
static enum evl_format_loss line_key_loss(const struct evl_format_options *options,
                                          struct evl_bytes key, const char **why)
{
    *why = NULL;
    if (!key.at && !options->null_text)
        *why = "a null key looks like an empty one";
    else if (line_holds(key, options->key_delimiter))
        *why = "the key contains the key delimiter";
    else if (line_holds(key, options->delimiter))
        *why = "the key contains the delimiter";
    else if (format_is_null_text(options, key))
        *why = "the key is the text that stands for null";
    return *why ? EVL_MISLEADS : EVL_KEEPS_ALL;
}

static enum evl_format_loss line_value_loss(const struct evl_format_options *options,
                                            struct evl_bytes value, const char **why)
{
    *why = NULL;
    if (!value.at && !options->null_text)
        *why = "a null value looks like an empty one";
    else if (line_holds(value, options->delimiter))
        *why = "the value contains the delimiter";
    else if (format_is_null_text(options, value))
        *why = "the value is the text that stands for null";
    return *why ? EVL_MISLEADS : EVL_KEEPS_ALL;
}

static enum evl_format_loss line_loss(const struct evl_format_writer *w,
                                      const struct evl_record *record, const char **why)
{
    const struct evl_format_options *options = &w->options;
    enum evl_format_loss loss = line_value_loss(options, record->value, why);
    if (!loss && options->key_delimiter.at)
        loss = line_key_loss(options, record->key, why);
    if (loss)
        return loss;
    *why = record->header_count > 0                       ? "the headers are left out"
           : record->key.at && !options->key_delimiter.at ? "the key is left out"
                                                          : NULL;
    return *why ? EVL_LEAVES_OUT : EVL_KEEPS_ALL;
}

const struct format format_line = { .take = line_take, .write = line_write, .loss = line_loss };
