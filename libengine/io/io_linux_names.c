/* io_linux_names.c - opening files, and what is about names and folders.
 *
 * Whoever may use a folder may use what is made in it: a new file or folder
 * takes the group and the permissions of the folder it is made in, not those
 * that the umask of the first one to come would leave. */
#include "io/io_linux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/memory.h"

enum {
    PERMISSIONS_FILE = 0666,
    PERMISSIONS_DIR = 02777, /* with the bit that hands the group down */
    CREATE_TRIES = 16,
};

/* Not blocking: a pipe of this name must not make us wait. */
enum { OPEN_FLAGS = O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK };

/* Look at the folder that holds this path. */
static int stat_parent(const char *path, struct stat *parent)
{
    char room[PATH_MAX];
    size_t count = strlen(path);
    while (count > 1 && path[count - 1] == '/')
        count--;
    while (count > 0 && path[count - 1] != '/')
        count--;
    if (count >= sizeof room) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(room, path, count);
    room[count] = '\0';
    return stat(count ? room : ".", parent);
}

/* Give a new file its folder's group and mode.  Where the group is not ours to
 * give, the file keeps a foreign one, which gets what strangers get. */
static int settle(int fd, const struct stat *parent, mode_t mask)
{
    struct stat now;
    if (fstat(fd, &now) < 0)
        return -1;
    mode_t mode = parent->st_mode & mask;
    if (now.st_gid != parent->st_gid && fchown(fd, (uid_t)-1, parent->st_gid) < 0) {
        if (errno != EPERM)
            return -1;
        mode = (mode & ~(mode_t)S_IRWXG) | (mode & S_IRWXO) << 3;
    }
    return (now.st_mode & 07777) == mode ? 0 : fchmod(fd, mode);
}

/* A file that could not be settled is left: somebody may have it open by now. */
static int create(const char *path)
{
    struct stat parent;
    if (stat_parent(path, &parent) < 0)
        return -1;
    int fd = open(path, OPEN_FLAGS | O_RDWR | O_CREAT | O_EXCL, parent.st_mode & PERMISSIONS_FILE);
    if (fd >= 0 && settle(fd, &parent, PERMISSIONS_FILE) < 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static int open_or_create(const char *path)
{
    int fd = -1;
    for (int tries = 0; tries < CREATE_TRIES; tries++) { /* others make and remove it, too */
        fd = open(path, OPEN_FLAGS | O_RDWR);
        if (fd >= 0 || errno != ENOENT)
            break;
        fd = create(path);
        if (fd >= 0 || errno != EEXIST)
            break;
    }
    return fd;
}

static int open_as(const char *path, enum io_open how)
{
    switch (how) {
    case IO_READ: return open(path, OPEN_FLAGS | O_RDONLY);
    case IO_WRITE: return open(path, OPEN_FLAGS | O_RDWR);
    case IO_CREATE: return open_or_create(path);
    case IO_CREATE_NEW: return create(path);
    }
    errno = EINVAL;
    return -1;
}

enum evl_error linux_open(struct io *io, const char *path, enum io_open how, int *file)
{
    (void)io;
    struct stat st;
    int fd = open_as(path, how);
    if (fd < 0)
        return io_fail(errno, path);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        *file = fd;
        return EVL_OK;
    }
    close(fd);
    if (S_ISDIR(st.st_mode))
        return io_fail(EISDIR, path);
    return fail(EVL_ERR_DENIED, "%s: not a regular file", path);
}

static struct io_stat stat_of(const struct stat *st)
{
    return (struct io_stat){
        .kind = S_ISREG(st->st_mode)   ? IO_FILE
                : S_ISDIR(st->st_mode) ? IO_DIR
                                       : IO_OTHER,
        .size = st->st_size,
        .mtime_ms = st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / IO_MS,
        .device = st->st_dev,
        .inode = st->st_ino,
    };
}

enum evl_error linux_stat(struct io *io, const char *path, struct io_stat *result)
{
    (void)io;
    struct stat st;
    if (lstat(path, &st) < 0)
        return io_fail(errno, path);
    *result = stat_of(&st);
    return EVL_OK;
}

enum evl_error linux_stat_file(struct io *io, int file, struct io_stat *result)
{
    (void)io;
    struct stat st;
    if (fstat(file, &st) < 0)
        return io_fail(errno, NULL);
    *result = stat_of(&st);
    return EVL_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Returns the kernel's error, or 0. */
static int read_names(DIR *dir, struct io_names *names)
{
    size_t room = 0;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry)
            return errno;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (names->count == room) {
            room = room ? 2 * room : 16;
            names->at = memory_grow(names->at, room, sizeof *names->at);
        }
        names->at[names->count++] = memory_text(entry->d_name);
    }
}

enum evl_error linux_list(struct io *io, const char *path, struct io_names *names)
{
    (void)io;
    DIR *dir = opendir(path);
    if (!dir)
        return io_fail(errno, path);
    struct io_names found = { 0 };
    int error = read_names(dir, &found);
    closedir(dir);
    if (error) {
        io_names_release(&found);
        return io_fail(error, path);
    }
    if (found.count > 1)
        qsort(found.at, found.count, sizeof *found.at, compare_names);
    *names = found;
    return EVL_OK;
}

enum evl_error linux_make_dir(struct io *io, const char *path)
{
    (void)io;
    struct stat parent;
    if (stat_parent(path, &parent) < 0 || mkdir(path, parent.st_mode & 0777) < 0)
        return io_fail(errno, path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return io_fail(errno, path);
    int error = settle(fd, &parent, PERMISSIONS_DIR) < 0 ? errno : 0;
    close(fd);
    return error ? io_fail(error, path) : EVL_OK;
}

enum evl_error linux_rename(struct io *io, const char *from, const char *to)
{
    (void)io;
    return rename(from, to) < 0 ? io_fail(errno, from) : EVL_OK;
}

enum evl_error linux_remove(struct io *io, const char *path)
{
    (void)io;
    return unlink(path) < 0 ? io_fail(errno, path) : EVL_OK;
}

enum evl_error linux_remove_dir(struct io *io, const char *path)
{
    (void)io;
    return rmdir(path) < 0 ? io_fail(errno, path) : EVL_OK;
}

enum evl_error linux_sync_dir(struct io *io, const char *path)
{
    (void)io;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return io_fail(errno, path);
    int error = fsync(fd) < 0 ? errno : 0;
    close(fd);
    return error ? io_fail(error, path) : EVL_OK;
}

enum evl_error linux_space(struct io *io, const char *path, struct io_space *space)
{
    (void)io;
    struct statvfs fs;
    if (statvfs(path, &fs) < 0)
        return io_fail(errno, path);
    space->free = (int64_t)(fs.f_bavail * fs.f_frsize);
    space->total = (int64_t)((fs.f_blocks - fs.f_bfree + fs.f_bavail) * fs.f_frsize);
    return EVL_OK;
}

/* Numbers that <linux/magic.h> does not name. */
enum {
    MAGIC_FUSE = 0x65735546,
    MAGIC_LUSTRE = 0x0bd00bd0,
    MAGIC_GFS2 = 0x01161970,
    MAGIC_GPFS = 0x47504653,
    MAGIC_VBOX = 0x786f4256,
};

enum evl_error linux_sharable(struct io *io, const char *path)
{
    (void)io;
    static const struct {
        uint32_t magic;
        const char *name;
    } refused[] = {
        { NFS_SUPER_MAGIC, "NFS" },   { SMB_SUPER_MAGIC, "SMB" },
        { SMB2_SUPER_MAGIC, "SMB" },  { CIFS_SUPER_MAGIC, "CIFS" },
        { MAGIC_FUSE, "FUSE" },       { V9FS_MAGIC, "9P" },
        { AFS_SUPER_MAGIC, "AFS" },   { AFS_FS_MAGIC, "AFS" },
        { CEPH_SUPER_MAGIC, "Ceph" }, { CODA_SUPER_MAGIC, "Coda" },
        { NCP_SUPER_MAGIC, "NCP" },   { OCFS2_SUPER_MAGIC, "OCFS2" },
        { MAGIC_LUSTRE, "Lustre" },   { MAGIC_GFS2, "GFS2" },
        { MAGIC_GPFS, "GPFS" },       { MAGIC_VBOX, "a shared folder" },
    };
    struct statfs fs;
    if (statfs(path, &fs) < 0)
        return io_fail(errno, path);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if ((uint32_t)fs.f_type == refused[i].magic)
            return fail(EVL_ERR_UNAVAILABLE,
                        "%s: %s keeps no locks and memory that processes can share", path,
                        refused[i].name);
    return EVL_OK;
}
