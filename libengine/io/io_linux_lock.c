/* io_linux_lock.c - byte locks by open file description, and the stop key.
 *
 * The kernel drops such a lock with the last descriptor of its open file, thus
 * with the process.  A process that the stop key (SIGTSTP) halts while it holds
 * an exclusive lock would make everybody wait, so the signal waits instead.
 *
 * Blocking the signal would not do: a mask is a thread's own, the signal goes
 * to whichever thread lets it through, and children inherit the mask.  So the
 * first exclusive lock installs a handler (where the program has none of its
 * own) which stops us at once when nothing is held, and otherwise leaves a note
 * for the release of the last lock.  Locking makes no call for it.
 *
 *   1. `held` counts the locks IO_EXCLUSIVE that are taken or just being asked
 *      for; it is raised before the kernel is asked.  Those IO_KEPT are for as
 *      long as a process lives: the stop key cannot wait for that.
 *   2. table[0 .. count) names each that is taken, once; it is here because
 *      closing a file releases what the file held. */
#include "io/io_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/memory.h"

enum { PAUSE_MIN_NS = 20000, PAUSE_MAX_NS = 2000000 };

struct held_lock {
    int file;
    int64_t byte;
};

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct held_lock *table;
static size_t table_count, table_room;

static atomic_int held;
static atomic_bool stop_waits;

/* ---- the stop key -------------------------------------------------------- */

static void stop_handler(int number);

static void set_stop_action(void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGTSTP, &action, NULL); /* cannot fail for this signal */
}

/* Stop as if there were no handler; come back when continued. */
static void stop_now(void)
{
    sigset_t only, before;
    sigemptyset(&only);
    sigaddset(&only, SIGTSTP);
    set_stop_action(SIG_DFL);
    raise(SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &only, &before); /* here we stop */
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    set_stop_action(stop_handler);
}

static void stop_handler(int number)
{
    (void)number;
    int error = errno;
    atomic_store(&stop_waits, true);
    if (atomic_load(&held) == 0 && atomic_exchange(&stop_waits, false))
        stop_now();
    errno = error;
}

static void watch_stop_key(void)
{
    struct sigaction action;
    if (sigaction(SIGTSTP, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
        set_stop_action(stop_handler);
}

static void hold(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_stop_key);
    atomic_fetch_add(&held, 1);
}

static void let_go(void)
{
    if (atomic_fetch_sub(&held, 1) == 1 && atomic_exchange(&stop_waits, false))
        raise(SIGTSTP);
}

/* ---- the table ----------------------------------------------------------- */

/* Where it is, or table_count. */
static size_t table_find(int file, int64_t byte)
{
    size_t i = 0;
    while (i < table_count && (table[i].file != file || table[i].byte != byte))
        i++;
    return i;
}

/* Returns whether it was there already. */
static bool table_add(int file, int64_t byte)
{
    pthread_mutex_lock(&table_mutex);
    bool known = table_find(file, byte) < table_count;
    if (!known) {
        if (table_count == table_room) {
            table_room = table_room ? 2 * table_room : 16;
            table = memory_grow(table, table_room, sizeof *table);
        }
        table[table_count++] = (struct held_lock){ file, byte };
    }
    pthread_mutex_unlock(&table_mutex);
    return known;
}

/* Returns whether it was there. */
static bool table_take(int file, int64_t byte)
{
    pthread_mutex_lock(&table_mutex);
    size_t i = table_find(file, byte);
    bool known = i < table_count;
    if (known)
        table[i] = table[--table_count];
    pthread_mutex_unlock(&table_mutex);
    return known;
}

int linux_locks_forget(int file)
{
    int taken = 0;
    pthread_mutex_lock(&table_mutex);
    for (size_t i = table_count; i-- > 0;)
        if (table[i].file == file) {
            table[i] = table[--table_count];
            taken++;
        }
    pthread_mutex_unlock(&table_mutex);
    return taken;
}

void linux_locks_gone(int count)
{
    while (count-- > 0)
        let_go();
}

/* ---- locks --------------------------------------------------------------- */

static struct flock kernel_lock(int64_t byte, short type)
{
    return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
}

static int ask_kernel(int file, int64_t byte, short type)
{
    struct flock lock = kernel_lock(byte, type);
    int n;
    do
        n = fcntl(file, F_OFD_SETLK, &lock);
    while (n < 0 && errno == EINTR);
    return n < 0 ? errno : 0;
}

/* Returns the kernel's error, or 0. */
static int try_lock(int file, int64_t byte, enum io_lock mode)
{
    if (mode != IO_EXCLUSIVE) {
        int error = ask_kernel(file, byte, mode == IO_SHARED ? F_RDLCK : F_WRLCK);
        if (!error && table_take(file, byte)) /* it was exclusive */
            let_go();
        return error;
    }
    hold();
    int error = ask_kernel(file, byte, F_WRLCK);
    if (error || table_add(file, byte))
        let_go();
    return error;
}

/* Asking again is all there is: the kernel's own waiting knows no deadline, and
 * a signal to end it would be the program's business. */
enum evl_error linux_lock(struct io *io, int file, int64_t byte, enum io_lock mode, int64_t until)
{
    int64_t pause = PAUSE_MIN_NS;
    for (;;) {
        int error = try_lock(file, byte, mode);
        if (!error)
            return EVL_OK;
        if (error != EAGAIN && error != EACCES)
            return io_fail(error, NULL);
        int64_t left = until == 0 ? 0 : until - io_now(io);
        if (left <= 0)
            return fail(EVL_ERR_BUSY, "locked");
        io_sleep(io, pause < left ? pause : left);
        pause = pause < PAUSE_MAX_NS / 2 ? 2 * pause : PAUSE_MAX_NS;
    }
}

void linux_unlock(struct io *io, int file, int64_t byte)
{
    (void)io;
    bool exclusive = table_take(file, byte);
    (void)ask_kernel(file, byte, F_UNLCK); /* fails only for a number that is no file */
    if (exclusive)
        let_go();
}

enum evl_error linux_is_locked(struct io *io, int file, int64_t byte, bool *locked)
{
    (void)io;
    struct flock lock = kernel_lock(byte, F_WRLCK); /* which a lock of any mode is in the way of */
    if (fcntl(file, F_OFD_GETLK, &lock) < 0)
        return io_fail(errno, NULL);
    *locked = lock.l_type != F_UNLCK;
    return EVL_OK;
}
