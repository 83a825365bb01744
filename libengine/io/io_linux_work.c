/* io_linux_work.c - work aside: one helper thread for each struct io_work, made
 * by the first piece of work and parked between pieces.
 *
 * `state` and what it hands over are guarded by the mutex:
 *
 *   IDLE --start--> GIVEN --run--> DONE --wait--> IDLE --end--> LEAVING */
#include "io/io_linux.h"

#include <pthread.h>
#include <signal.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"

enum helper_state { HELPER_IDLE, HELPER_GIVEN, HELPER_DONE, HELPER_LEAVING };

struct helper {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t given, done; /* told without the mutex: who wakes finds it free */
    enum helper_state state;
    enum evl_error (*run)(void *context);
    void *context;
    enum evl_error result;
    struct fault fault; /* of the result */
};

static void helper_become(struct helper *h, enum helper_state state, pthread_cond_t *told)
{
    h->state = state;
    pthread_mutex_unlock(&h->mutex);
    pthread_cond_signal(told);
}

static void *helper_main(void *context)
{
    struct helper *h = context;
    pthread_mutex_lock(&h->mutex);
    while (h->state != HELPER_LEAVING) {
        if (h->state != HELPER_GIVEN) {
            pthread_cond_wait(&h->given, &h->mutex);
            continue;
        }
        pthread_mutex_unlock(&h->mutex);
        enum evl_error result = h->run(h->context);
        pthread_mutex_lock(&h->mutex);
        h->result = result;
        fault_keep(&h->fault);
        helper_become(h, HELPER_DONE, &h->done);
        pthread_mutex_lock(&h->mutex);
    }
    pthread_mutex_unlock(&h->mutex);
    return NULL;
}

static void helper_destroy(struct helper *h)
{
    pthread_cond_destroy(&h->given);
    pthread_cond_destroy(&h->done);
    pthread_mutex_destroy(&h->mutex);
    memory_free(h);
}

/* Signals are for the program's own threads. */
static struct helper *helper_create(void)
{
    struct helper *h = memory_take(1, sizeof *h);
    sigset_t all, before;
    check(pthread_mutex_init(&h->mutex, NULL) == 0);
    check(pthread_cond_init(&h->given, NULL) == 0);
    check(pthread_cond_init(&h->done, NULL) == 0);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&h->thread, NULL, helper_main, h);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        helper_destroy(h);
        return NULL;
    }
    return h;
}

static enum helper_state helper_state(struct helper *h)
{
    pthread_mutex_lock(&h->mutex);
    enum helper_state state = h->state;
    pthread_mutex_unlock(&h->mutex);
    return state;
}

/* Where no thread can be had, the work is done by whoever waits for it. */
void linux_work_start(struct io *io, struct io_work *work)
{
    (void)io;
    if (!work->thread)
        work->thread = helper_create();
    struct helper *h = work->thread;
    if (!h)
        return;
    pthread_mutex_lock(&h->mutex);
    check(h->state == HELPER_IDLE);
    h->run = work->run;
    h->context = work->context;
    helper_become(h, HELPER_GIVEN, &h->given);
}

bool linux_work_done(struct io *io, struct io_work *work)
{
    (void)io;
    return !work->thread || helper_state(work->thread) == HELPER_DONE;
}

enum evl_error linux_work_wait(struct io *io, struct io_work *work)
{
    (void)io;
    struct helper *h = work->thread;
    if (!h)
        return work->run(work->context);
    pthread_mutex_lock(&h->mutex);
    while (h->state != HELPER_DONE)
        pthread_cond_wait(&h->done, &h->mutex);
    enum evl_error result = h->result;
    if (result)
        (void)fault_again(result, &h->fault); /* the helper's text becomes ours */
    h->state = HELPER_IDLE;
    pthread_mutex_unlock(&h->mutex);
    return result;
}

void linux_work_end(struct io *io, struct io_work *work)
{
    (void)io;
    struct helper *h = work->thread;
    pthread_mutex_lock(&h->mutex);
    helper_become(h, HELPER_LEAVING, &h->given);
    pthread_join(h->thread, NULL);
    helper_destroy(h);
}
