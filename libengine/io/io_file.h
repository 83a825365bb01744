/* io_file.h - small files as a whole. */
#ifndef IO_IO_FILE_H
#define IO_IO_FILE_H

#include "base/buf.h"
#include "io/io.h"

/* Add the content of a file to `to`; TOO_LARGE if it has more than `max` bytes. */
enum evl_error io_file_read(struct io *io, const char *path, size_t max, struct evl_buffer *to);

/* Give dir/name this content, all of it or none: a power cut leaves the old
 * file or the new one.  On the disk when it returns OK. */
enum evl_error io_file_replace(struct io *io, const char *dir, const char *name,
                               struct evl_bytes content);

/* Write all the parts, however many calls it takes.  *put says how many bytes
 * did get there, also after a failure. */
enum evl_error io_write_all(struct io *io, int file, const struct evl_bytes *parts, int count,
                            int64_t at, size_t *put);

#endif
