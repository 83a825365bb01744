/* format.h - what the forms share: readers and writers from inside.
 *
 * Each form is a struct format: a row of functions.  evl_format_read() calls
 * take() until there is a record, and does the counting; a form of lines gives
 * parse() instead and gets whole lines. */
#ifndef FORMAT_FORMAT_H
#define FORMAT_FORMAT_H

#include <evl/format.h>

#include "base/buf.h"

struct evl_format_reader;
struct evl_format_writer;
struct layout;

/* ---- what they are made of ----------------------------------------------- */

/* Headers of the record at hand. */
struct header_list {
    struct evl_header *at;
    size_t count, room;
};
struct evl_header *header_list_add(struct header_list *list);

enum column_kind {
    COLUMN_TOPIC,
    COLUMN_PARTITION,
    COLUMN_OFFSET,
    COLUMN_TIMESTAMP,
    COLUMN_TIMESTAMP_TYPE,
    COLUMN_KEY,
    COLUMN_VALUE,
    COLUMN_HEADERS,
    COLUMN_HEADER, /* header:NAME */
};

struct column {
    enum column_kind kind;
    struct evl_bytes name; /* of COLUMN_HEADER */
};

struct columns {
    struct column *at;
    size_t count;
};

/* "partition,timestamp,key,header:trace"; commas or spaces between.  USAGE, and
 * which word. */
enum evl_error columns_parse(const char *text, struct columns *columns);
void columns_release(struct columns *columns);
bool columns_have(const struct columns *columns, enum column_kind kind);

/* What an end mark says of the stream since the last one. */
struct tally {
    uint64_t count; /* of records */
    uint32_t crc;   /* CRC-32C of their bytes */
};

struct format {
    enum evl_error (*open_reader)(struct evl_format_reader *r);
    enum evl_error (*open_writer)(struct evl_format_writer *w);

    /* Look at the front of the input.  *used may be set without *got: bytes
     * that are no record.  Neither: more is needed.  On failure *used is how to
     * go on, and r->lost that there is no way on. */
    enum evl_error (*take)(struct evl_format_reader *r, struct evl_bytes input, bool last,
                           size_t *used, struct evl_record *record, bool *got);

    /* One line, without its end.  *got stays false if it is no record. */
    enum evl_error (*parse)(struct evl_format_reader *r, struct evl_bytes line,
                            struct evl_record *record, bool *got);

    enum evl_error (*write)(struct evl_format_writer *w, const struct evl_record *record,
                            struct evl_buffer *out);
    void (*write_end)(struct evl_format_writer *w, struct evl_buffer *out);
    enum evl_format_loss (*loss)(const struct evl_format_writer *w, const struct evl_record *record,
                                 const char **why);
};

struct evl_format_reader {
    struct evl_format_options options; /* defaults filled in */
    const struct format *format;
    int64_t records, bytes, lines; /* taken so far */
    size_t scanned;                /* bytes at the input's front that hold no delimiter */
    uint64_t skip;                 /* bytes left of a frame that is too large */
    bool skipping;                 /* the rest of a line that is too large */
    const char *lost;              /* why nobody knows where the next record begins; or NULL */
    bool done;                     /* RAW: had its record */
    bool ended;                    /* an end mark was the last thing seen */
    struct tally tally;
    struct evl_buffer text; /* decoded fields of the record at hand */
    struct header_list headers;
    struct columns columns;
    struct layout *layout;
};

struct evl_format_writer {
    struct evl_format_options options;
    const struct format *format;
    int64_t records;
    struct tally tally;
    struct columns columns;
    struct layout *layout;
};

extern const struct format format_line, format_tsv, format_json, format_msgpack, format_frame,
    format_raw, format_batch, format_string;

/* ---- helpers of several forms -------------------------------------------- */

/* The line at the front, without its delimiter; *used leads past it.  Not
 * found: more is needed (*used is 0), or something that is no line was passed
 * by. */
enum evl_error format_find_line(struct evl_format_reader *r, struct evl_bytes input, bool last,
                                size_t *used, struct evl_bytes *line, bool *found);

/* take() for forms of lines: find one, call parse(). */
enum evl_error format_take_line(struct evl_format_reader *r, struct evl_bytes input, bool last,
                                size_t *used, struct evl_record *record, bool *got);

/* Put in front of the fault which record it is, and where. */
enum evl_error format_where(const struct evl_format_reader *r, enum evl_error err);

/* The record takes more bytes in the input than it may. */
enum evl_error format_too_large(const struct evl_format_reader *r);

/* Nobody can say where the next record begins. */
enum evl_error format_lost(struct evl_format_reader *r, const char *why);

/* options.null_text: fields that are it become null. */
void format_apply_null(const struct evl_format_options *options, struct evl_record *record);
bool format_is_null_text(const struct evl_format_options *options, struct evl_bytes field);

/* Compare with what an end mark says; CORRUPT.  The next tally begins. */
enum evl_error format_end(struct evl_format_reader *r, uint64_t count, uint64_t crc);
void tally_add(struct tally *tally, struct evl_bytes bytes);

/* A number in decimal, all of the text; false if it is none or too large. */
bool decimal_parse(struct evl_bytes text, int64_t *value);
void decimal_print(struct evl_buffer *to, int64_t value);

/* A field for people's eyes: what would move a terminal is shown as ^X or
 * \xHH. */
void terminal_print(struct evl_buffer *to, struct evl_bytes field);

#endif
