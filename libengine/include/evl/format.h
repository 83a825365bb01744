/* evl/format.h - records to bytes and back, for files and pipes.
 *
 * A reader is fed with bytes and hands out records; a writer appends records
 * to a buffer.  Neither touches a file.  What a reader or a writer was opened
 * with (the texts in its options) is borrowed for as long as it is open.
 *
 * The forms, byte by byte, are told in libengine/format/: line.c, tsv.c,
 * json_write.c, msgpack.c, frame.c, batch_form.c, layout.h. */
#ifndef EVL_FORMAT_H
#define EVL_FORMAT_H

#include <evl/buffer.h>
#include <evl/error.h>
#include <evl/record.h>

enum evl_format_kind {
#define FORMAT(name, called, all, binary, summary) EVL_FORMAT_##name,
#include <evl/formats.def>
#undef FORMAT
};

struct evl_format_info {
    const char *name, *summary;
    bool carries_all; /* of a record; tsv with all columns */
    bool binary;      /* not for terminals */
};

/* Rows of evl/formats.def; NULL past the end. */
const struct evl_format_info *evl_format_info(enum evl_format_kind kind);

/* The kind that -i and -o call `name`; USAGE, with the names that there are.
 * STRING has no such name: -F chooses it. */
enum evl_error evl_format_find(const char *name, enum evl_format_kind *kind);

/* Zeroed: lines. */
struct evl_format_options {
    enum evl_format_kind kind;
    struct evl_bytes delimiter;     /* LINE: -D; null: a newline */
    struct evl_bytes key_delimiter; /* LINE: -K; null: no keys */
    const char *columns;            /* TSV: "key,value" (or NULL): see tsv.c */
    const char *string;             /* STRING: see layout.h */
    const char *null_text;          /* LINE, TSV, STRING: a field that is this is null; or NULL */
    size_t record_max;              /* bytes that a record may take in the input; 0: 1 GiB */
    bool utc;                       /* STRING: strftime in UTC, not local time */
    bool embed;                     /* JSON: value_json when the value is JSON */
    bool terminal; /* LINE, STRING, JSON: show control characters, do not send them */
    bool end_mark; /* MSGPACK, JSON writing: evl_format_write_end() will come */
};

/* ---- reading ------------------------------------------------------------- */

struct evl_format_reader;

/* The caller closes.  USAGE: the options make no sense, and where. */
enum evl_error evl_format_reader_open(const struct evl_format_options *options,
                                      struct evl_format_reader **reader);
void evl_format_reader_close(struct evl_format_reader *reader); /* NULL does nothing */

/* The next record in `input`.  `last` says that no bytes follow it.
 *
 * *used bytes of the input are done with: the next call's input begins behind
 * them, and has more at its end if `*got` is false.  `*got` is false when more
 * input is needed, or, with `last`, when all was read.  The record's bytes lie
 * in `input` or in the reader, until the next call.
 *
 * CORRUPT, TOO_LARGE: "record 3 (byte 120, line 3): what is wrong", bytes
 * counted from 0, lines from 1.  *used then leads past the bad record, and
 * reading may go on; it is 0 if nobody can tell where the next record begins,
 * and then the reader says the same again.  *used and *got are always set. */
enum evl_error evl_format_read(struct evl_format_reader *reader, struct evl_bytes input, bool last,
                               size_t *used, struct evl_record *record, bool *got);

/* LINE without keys: the next values, `max` at most, as evl_format_read would
 * give them one by one; *count is 0 where its *got is false, and on failure.  A
 * good deal faster for short lines. */
enum evl_error evl_format_read_lines(struct evl_format_reader *reader, struct evl_bytes input,
                                     bool last, size_t *used, struct evl_bytes *values, size_t max,
                                     size_t *count);

/* What comes next is another file: it begins with a record, and positions count
 * anew. */
void evl_format_reader_restart(struct evl_format_reader *reader);

/* MSGPACK, JSON: the last thing read was an end mark, so nothing was cut off.
 * A mark's count and checksum have been compared: CORRUPT if they differ. */
bool evl_format_reader_ended(const struct evl_format_reader *reader);

/* ---- writing ------------------------------------------------------------- */

struct evl_format_writer;

/* As evl_format_reader_open. */
enum evl_error evl_format_writer_open(const struct evl_format_options *options,
                                      struct evl_format_writer **writer);
void evl_format_writer_close(struct evl_format_writer *writer); /* NULL does nothing */

/* Append the record.  TOO_LARGE: FRAME cannot say such a length.  Nothing is
 * appended then. */
enum evl_error evl_format_write(struct evl_format_writer *writer, const struct evl_record *record,
                                struct evl_buffer *out);

/* Append the end mark of MSGPACK or JSON, for what was written since the last
 * one; nothing in other forms. */
void evl_format_write_end(struct evl_format_writer *writer, struct evl_buffer *out);

enum evl_format_loss {
    EVL_KEEPS_ALL,
    EVL_LEAVES_OUT, /* some of key, value and headers is not in the output */
    EVL_MISLEADS,   /* the output reads back as something else */
};

/* What this form would do to this record, asked before it is written; *why
 * ("the value contains the delimiter") is a constant text.  Where records stand
 * (topic, offset, ...) does not count.  TSV and STRING leave out what is in none
 * of their columns and verbs; of a STRING only texts without modifiers are
 * looked at. */
enum evl_format_loss evl_format_loss(const struct evl_format_writer *writer,
                                     const struct evl_record *record, const char **why);

/* ---- whole batches ------------------------------------------------------- */

/* BATCH works on these, and its reader and writer on nothing else. */
struct evl_batch_view {
    struct evl_bytes topic; /* null: not said */
    int32_t partition;      /* -1: not said */
    struct evl_bytes bytes; /* one record batch of magic 2; borrowed */
    int64_t base_offset, last_offset;
};

/* As evl_format_read.  The locator's checksum, and that locator and batch
 * agree, is seen to; the batch's own checksum is for whoever takes the batch
 * in. */
enum evl_error evl_format_read_batch(struct evl_format_reader *reader, struct evl_bytes input,
                                     bool last, size_t *used, struct evl_batch_view *view,
                                     bool *got);

/* `bytes` hold one batch; the offsets are taken from it.  CORRUPT if they do
 * not. */
enum evl_error evl_format_write_batch(struct evl_format_writer *writer,
                                      const struct evl_batch_view *view, struct evl_buffer *out);

#endif
