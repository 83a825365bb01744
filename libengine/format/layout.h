/* layout.h - format strings (-F), in the grammar of franz-go, which rpk and kcl
 * speak too; the same string writes and reads.
 *
 *   TEXT    %t topic    %k key    %v value (also %s)
 *     {hex} {base64} {base64raw}
 *     {unpack[>hHiIqQbBc.s$]}  writing: numbers in it; < > turn the byte order
 *     {re[ERE]}                reading: what matches, in this line
 *     {json}                   reading: one JSON value, made compact
 *   NUMBER  %T %K %V (also %S) their sizes, %H how many headers, %p partition,
 *           %o offset, %e leader epoch, %d timestamp in milliseconds, %x
 *           producer id, %y producer epoch, %i how many records so far (writing)
 *     {ascii} {number} {hex} {hex64 32 16 8 4} {big64 32 16 8} {byte}
 *     {little64 32 16 8} {bool};  reading a size: {3} it is 3, and not there
 *   TIME    %d{strftime[%F %T]}  writing; local time unless --utc
 *   HEADERS %h{...}              with %k %v %K %V; reading, %H comes before
 *   FLAGS   %a{timestamp-type} %a{control-bit}, ;NUMBER behind: writing
 *   OTHER   \t \n \r \\ \xNN   %% %{ %}
 *
 * Where [ stands, one or more of any character open, and as many close; ( { <
 * are closed by their mirror images.
 *
 * Reading, a text of known size has that size as it is written; another goes to
 * the text that follows in the string; at the string's end, to the input's end.
 * A string that holds nothing of other sizes and ends in text is read in lines
 * that end in that text, of which the last may lack it. */
#ifndef FORMAT_LAYOUT_H
#define FORMAT_LAYOUT_H

#include "format/expression.h"
#include "format/format.h"

enum layout_field {
    /* texts */
    LAYOUT_TOPIC,
    LAYOUT_KEY,
    LAYOUT_VALUE,
    /* their sizes, in the same order */
    LAYOUT_TOPIC_SIZE,
    LAYOUT_KEY_SIZE,
    LAYOUT_VALUE_SIZE,
    LAYOUT_HEADER_COUNT,
    LAYOUT_SIZES, /* how many fields come before */
    /* other numbers */
    LAYOUT_PARTITION = LAYOUT_SIZES,
    LAYOUT_OFFSET,
    LAYOUT_LEADER_EPOCH,
    LAYOUT_TIMESTAMP,
    LAYOUT_PRODUCER_ID,
    LAYOUT_PRODUCER_EPOCH,
    LAYOUT_COUNT,
    LAYOUT_TIMESTAMP_TYPE,
    LAYOUT_CONTROL,
};

enum layout_coding {
    /* of texts */
    TEXT_PLAIN,
    TEXT_HEX,
    TEXT_BASE64,
    TEXT_BASE64RAW,
    TEXT_UNPACK,
    TEXT_REGEX,
    TEXT_JSON,
    /* of numbers */
    NUMBER_ASCII,
    NUMBER_HEX,       /* as many digits as needed */
    NUMBER_HEX_FIXED, /* `width` digits */
    NUMBER_BIG,       /* `width` bytes */
    NUMBER_LITTLE,
    NUMBER_BOOL,
    NUMBER_GIVEN, /* `width` itself */
};

enum layout_verb { LAYOUT_LITERAL, LAYOUT_TEXT, LAYOUT_NUMBER, LAYOUT_TIME, LAYOUT_HEADERS };

struct layout_op {
    enum layout_verb verb;
    enum layout_field field;
    enum layout_coding coding;
    int width;
    bool sized;                    /* LAYOUT_TEXT: its size was told before */
    struct evl_bytes text;         /* of a literal, unpack, strftime (with an end) */
    struct expression *expression; /* of TEXT_REGEX */
    struct layout *inner;          /* of LAYOUT_HEADERS */
};

struct layout {
    struct layout_op *ops;
    size_t count;
    bool is_lines;          /* reading: find the last literal first */
    struct evl_buffer room; /* the ops' texts */
};

enum layout_use { LAYOUT_WRITES, LAYOUT_READS };

/* USAGE: "format string, character 5: ...". */
enum evl_error layout_compile(const char *text, enum layout_use use, struct layout **format);
void layout_free(struct layout *format); /* NULL does nothing */

/* struct format's functions. */
enum evl_error layout_write(struct evl_format_writer *w, const struct evl_record *record,
                            struct evl_buffer *out);
enum evl_format_loss layout_loss(const struct evl_format_writer *w, const struct evl_record *record,
                                 const char **why);
enum evl_error layout_take(struct evl_format_reader *r, struct evl_bytes input, bool last,
                           size_t *used, struct evl_record *record, bool *got);

#endif
