/* transact.c - what it costs to make records count, as transactions or alone.
 *
 *   transact DIR TOPIC ROUNDS RECORDS flush|commit
 *
 * A round takes RECORDS 99-byte records and has them on the disk: by a flush, or
 * by the commit of a transaction.  Prints the seconds of ROUNDS rounds, after a
 * first one that opens what a process opens once. */
#include <evl/producer.h>
#include <evl/transaction.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { VALUE_BYTES = 99 };

struct meter {
    struct evl_place *place;
    struct evl_transaction *transaction; /* NULL: flushes */
    struct evl_producer *producer;
    long number; /* of the next record */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void stop_on(enum evl_error err)
{
    if (!err)
        return;
    fprintf(stderr, "transact: %s\n", evl_fault());
    exit(evl_error_exit(err));
}

static void meter_open(struct meter *m, const char *dir, const char *topic, bool commits)
{
    struct evl_place_options place = { .dir = dir, .create = true };
    struct evl_transaction_options transaction = { .id = "transact" };
    struct evl_producer_options producer = { .topic = topic,
                                             .create = true,
                                             .flush = EVL_FLUSH_SYNC };
    stop_on(evl_place_open(&place, &m->place));
    if (commits)
        stop_on(evl_transaction_open(m->place, &transaction, &m->transaction));
    producer.transaction = m->transaction;
    stop_on(evl_producer_open(m->place, &producer, &m->producer));
}

static void meter_close(struct meter *m)
{
    evl_producer_close(m->producer);
    evl_transaction_close(m->transaction);
    evl_place_close(m->place);
}

/* A value is its number, and dots. */
static void meter_send(struct meter *m)
{
    char value[VALUE_BYTES + 1];
    struct evl_record record = EVL_RECORD_NONE;
    int count = snprintf(value, sizeof value, "%ld ", m->number++);
    memset(value + count, '.', (size_t)(VALUE_BYTES - count));
    value[VALUE_BYTES] = '\0';
    record.value = evl_text(value);
    stop_on(evl_producer_send(m->producer, &record));
}

static void meter_round(struct meter *m, long records)
{
    for (long i = 0; i < records; i++)
        meter_send(m);
    if (!m->transaction)
        stop_on(evl_producer_flush(m->producer));
    else
        stop_on(evl_transaction_commit(m->transaction));
}

int main(int argc, char **argv)
{
    struct meter m = { 0 };
    long rounds = argc == 6 ? strtol(argv[3], NULL, 10) : 0;
    long records = argc == 6 ? strtol(argv[4], NULL, 10) : 0;
    bool commits = argc == 6 && strcmp(argv[5], "commit") == 0;
    if (rounds <= 0 || records <= 0 || (!commits && strcmp(argv[5], "flush") != 0)) {
        fprintf(stderr, "usage: transact DIR TOPIC ROUNDS RECORDS flush|commit\n");
        return 64;
    }
    meter_open(&m, argv[1], argv[2], commits);
    meter_round(&m, records);
    double begin = now();
    for (long i = 0; i < rounds; i++)
        meter_round(&m, records);
    printf("%.6f\n", now() - begin);
    meter_close(&m);
    return 0;
}
