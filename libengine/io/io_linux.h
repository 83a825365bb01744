/* io_linux.h - what the Linux door's files owe each other: its driver's
 * functions, each as io.h says.  Only io_linux*.c include this. */
#ifndef IO_LINUX_H
#define IO_LINUX_H

#include "io/driver.h"

/* io_linux_names.c */
enum evl_error linux_open(struct io *io, const char *path, enum io_open how, int *file);
enum evl_error linux_stat(struct io *io, const char *path, struct io_stat *result);
enum evl_error linux_stat_file(struct io *io, int file, struct io_stat *result);
enum evl_error linux_list(struct io *io, const char *path, struct io_names *names);
enum evl_error linux_make_dir(struct io *io, const char *path);
enum evl_error linux_rename(struct io *io, const char *from, const char *to);
enum evl_error linux_remove(struct io *io, const char *path);
enum evl_error linux_remove_dir(struct io *io, const char *path);
enum evl_error linux_sync_dir(struct io *io, const char *path);
enum evl_error linux_space(struct io *io, const char *path, struct io_space *space);
enum evl_error linux_sharable(struct io *io, const char *path);

/* io_linux_lock.c */
enum evl_error linux_lock(struct io *io, int file, int64_t byte, enum io_lock mode, int64_t until);
void linux_unlock(struct io *io, int file, int64_t byte);
enum evl_error linux_is_locked(struct io *io, int file, int64_t byte, bool *locked);

/* Around the closing of a file: how many exclusive locks it held, and that they
 * are gone now. */
int linux_locks_forget(int file);
void linux_locks_gone(int count);

/* io_linux_shared.c */
enum evl_error linux_map(struct io *io, int file, size_t size, bool writable, void **at);
void linux_unmap(struct io *io, void *at, size_t size);
uint64_t linux_load(struct io *io, const uint64_t *word);
void linux_store(struct io *io, uint64_t *word, uint64_t value);
void linux_add(struct io *io, uint64_t *word, uint64_t value);
void linux_watch(struct io *io, const uint64_t *word, uint64_t seen, int64_t until);
void linux_wake(struct io *io, uint64_t *word);

/* io_linux_machine.c */
int64_t linux_now(struct io *io);
int64_t linux_wall_ms(struct io *io);
void linux_sleep(struct io *io, int64_t ns);
uint64_t linux_random(struct io *io);
struct io_boot linux_boot(struct io *io);
int32_t linux_pid(struct io *io);
enum io_process linux_process(struct io *io, int32_t pid);

/* io_linux_work.c */
void linux_work_start(struct io *io, struct io_work *work);
bool linux_work_done(struct io *io, struct io_work *work);
enum evl_error linux_work_wait(struct io *io, struct io_work *work);
void linux_work_end(struct io *io, struct io_work *work);

#endif
