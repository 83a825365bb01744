/* driver.h - what a door is made of.  Only io/ includes this. */
#ifndef IO_DRIVER_H
#define IO_DRIVER_H

#include "io/io.h"

/* One function per call of io.h, same arguments, same promises. */
struct io_driver {
    enum evl_error (*open)(struct io *, const char *, enum io_open, int *);
    void (*close)(struct io *, int);
    enum evl_error (*read)(struct io *, int, void *, size_t, int64_t, size_t *);
    enum evl_error (*write)(struct io *, int, const struct evl_bytes *, int, int64_t, size_t *);
    enum evl_error (*sync)(struct io *, int);
    void (*sync_soon)(struct io *, int, int64_t, int64_t);
    enum evl_error (*truncate)(struct io *, int, int64_t);
    enum evl_error (*stat)(struct io *, const char *, struct io_stat *);
    enum evl_error (*stat_file)(struct io *, int, struct io_stat *);
    enum evl_error (*list)(struct io *, const char *, struct io_names *);
    enum evl_error (*make_dir)(struct io *, const char *);
    enum evl_error (*rename)(struct io *, const char *, const char *);
    enum evl_error (*remove)(struct io *, const char *);
    enum evl_error (*remove_dir)(struct io *, const char *);
    enum evl_error (*sync_dir)(struct io *, const char *);
    enum evl_error (*space)(struct io *, const char *, struct io_space *);
    enum evl_error (*sharable)(struct io *, const char *);
    enum evl_error (*lock)(struct io *, int, int64_t, enum io_lock, int64_t);
    void (*unlock)(struct io *, int, int64_t);
    enum evl_error (*is_locked)(struct io *, int, int64_t, bool *);
    enum evl_error (*map)(struct io *, int, size_t, bool, void **);
    void (*unmap)(struct io *, void *, size_t);
    uint64_t (*load)(struct io *, const uint64_t *);
    void (*store)(struct io *, uint64_t *, uint64_t);
    void (*add)(struct io *, uint64_t *, uint64_t);
    void (*watch)(struct io *, const uint64_t *, uint64_t, int64_t);
    void (*wake)(struct io *, uint64_t *);
    int64_t (*now)(struct io *);
    int64_t (*wall_ms)(struct io *);
    void (*sleep)(struct io *, int64_t);
    uint64_t (*random)(struct io *);
    struct io_boot (*boot)(struct io *);
    int32_t (*pid)(struct io *);
    enum io_process (*process)(struct io *, int32_t);
    void (*work_start)(struct io *, struct io_work *);
    bool (*work_done)(struct io *, struct io_work *);
    enum evl_error (*work_wait)(struct io *, struct io_work *);
    void (*work_end)(struct io *, struct io_work *);
};

/* Every kind of door begins with this. */
struct io {
    const struct io_driver *driver;
};

/* What the kernel's error number means to us, and its words behind the path;
 * the simulator fails by the same numbers.  Without a path (file numbers have
 * none) the caller adds the noun. */
enum evl_error io_fail(int error, const char *path);

#endif
