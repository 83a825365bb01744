/* transaction.c - for Tcl: what the simulated process does in transactions.
 *
 *     transaction open ID              become the owner (a process has one at a time)
 *     transaction write TOPIC PARTITION {VALUE ...}
 *     transaction position GROUP TOPIC PARTITION OFFSET
 *     transaction commit   transaction abort   transaction close
 *     transactions                     {id state epoch owned} of each
 *     abort_transaction ID             as an administrator
 *     position GROUP                   the offset of its first position; -1: none */
#include "testfixture/fixture.h"

#include <stdio.h>

#include <evl/group.h>
#include <evl/producer.h>
#include <evl/transaction.h>

#include "place/groups.h"

static struct evl_transaction *transaction;
static struct {
    char topic[64];
    struct evl_producer *producer;
} producers[8]; /* of it, by topic */

void fixture_transaction_end(void)
{
    for (size_t i = 0; i < sizeof producers / sizeof producers[0]; i++) {
        evl_producer_close(producers[i].producer);
        producers[i].producer = NULL;
    }
    evl_transaction_close(transaction);
    transaction = NULL;
}

/* Who is dead tells nobody. */
static int told(Tcl_Interp *interp, enum evl_error err)
{
    if (!err && !fixture_is_alive())
        err = EVL_ERR_UNAVAILABLE;
    return err ? fixture_fault(interp, err) : TCL_OK;
}

static enum evl_error find_producer(const char *topic, struct evl_producer **producer)
{
    struct evl_producer_options o = {
        .topic = topic, .create = true, .create_partitions = 2, .transaction = transaction
    };
    size_t i = 0;
    while (producers[i].producer && strcmp(producers[i].topic, topic) != 0)
        i++;
    if (!producers[i].producer) {
        enum evl_error err = evl_producer_open(fixture_place(), &o, &producers[i].producer);
        if (err)
            return err;
        snprintf(producers[i].topic, sizeof producers[i].topic, "%s", topic);
    }
    *producer = producers[i].producer;
    return EVL_OK;
}

static enum evl_error write_values(const char *topic, int partition, Tcl_Obj *const *values,
                                   int count)
{
    struct evl_producer *p;
    enum evl_error err = find_producer(topic, &p);
    for (int i = 0; i < count && !err; i++) {
        struct evl_record record = EVL_RECORD_NONE;
        record.partition = partition;
        record.value = fixture_bytes(values[i]);
        err = evl_producer_send(p, &record);
    }
    return err ? err : evl_producer_flush(p);
}

static int do_open(Tcl_Interp *interp, Tcl_Obj *const *words)
{
    struct evl_transaction_options o = { .id = Tcl_GetString(words[0]) };
    struct evl_transaction *t;
    enum evl_error err = evl_transaction_open(fixture_place(), &o, &t);
    if (!err) {
        fixture_transaction_end();
        transaction = t;
    }
    return told(interp, err);
}

static int do_write(Tcl_Interp *interp, Tcl_Obj *const *words)
{
    Tcl_Obj **values;
    int partition;
    int count;
    if (Tcl_GetIntFromObj(interp, words[1], &partition) ||
        Tcl_ListObjGetElements(interp, words[2], &count, &values))
        return TCL_ERROR;
    return told(interp, write_values(Tcl_GetString(words[0]), partition, values, count));
}

static int do_position(Tcl_Interp *interp, Tcl_Obj *const *words)
{
    Tcl_WideInt offset;
    int partition;
    if (Tcl_GetIntFromObj(interp, words[2], &partition) ||
        Tcl_GetWideIntFromObj(interp, words[3], &offset))
        return TCL_ERROR;
    struct evl_position_commit at = { Tcl_GetString(words[1]), partition, offset, -1, NULL };
    return told(interp, evl_transaction_positions(transaction, Tcl_GetString(words[0]), &at, 1));
}

static int do_commit(Tcl_Interp *interp, Tcl_Obj *const *words)
{
    (void)words;
    return told(interp, evl_transaction_commit(transaction));
}

static int do_abort(Tcl_Interp *interp, Tcl_Obj *const *words)
{
    (void)words;
    return told(interp, evl_transaction_abort(transaction));
}

static int do_close(Tcl_Interp *interp, Tcl_Obj *const *words)
{
    (void)interp, (void)words;
    fixture_transaction_end();
    return TCL_OK;
}

static int run_transaction(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const *words)
{
    static const struct verb {
        const char *name;
        int words;
        int (*run)(Tcl_Interp *, Tcl_Obj *const *);
    } verbs[] = {
        { "open", 1, do_open },     { "write", 3, do_write }, { "position", 4, do_position },
        { "commit", 0, do_commit }, { "abort", 0, do_abort }, { "close", 0, do_close },
        { NULL, 0, NULL },
    };
    int verb;
    (void)data;
    if (fixture_words(interp, count, words, 1, 5, "verb ?...?") ||
        Tcl_GetIndexFromObjStruct(interp, words[1], verbs, sizeof verbs[0], "verb", TCL_EXACT,
                                  &verb))
        return TCL_ERROR;
    bool ready = fixture_place() && (transaction || verb == 0);
    if (count - 2 != verbs[verb].words || !ready) {
        Tcl_SetObjResult(interp, Tcl_NewStringObj("begin with: place open, transaction open", -1));
        return TCL_ERROR;
    }
    return verbs[verb].run(interp, words + 2);
}

static int run_transactions(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const *words)
{
    struct evl_transactions all;
    (void)data;
    if (fixture_words(interp, count, words, 0, 0, ""))
        return TCL_ERROR;
    enum evl_error err = evl_admin_transactions(fixture_place(), &all);
    if (err)
        return fixture_fault(interp, err);
    Tcl_Obj *list = Tcl_NewListObj(0, NULL);
    for (size_t i = 0; i < all.count; i++) {
        Tcl_Obj *row[] = { Tcl_NewStringObj(all.at[i].id, -1),
                           Tcl_NewStringObj(all.at[i].state, -1), Tcl_NewIntObj(all.at[i].epoch),
                           Tcl_NewIntObj(all.at[i].owned) };
        Tcl_ListObjAppendElement(interp, list, Tcl_NewListObj(4, row));
    }
    evl_transactions_release(&all);
    Tcl_SetObjResult(interp, list);
    return TCL_OK;
}

static int run_abort(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const *words)
{
    (void)data;
    if (fixture_words(interp, count, words, 1, 1, "id"))
        return TCL_ERROR;
    return told(interp, evl_admin_abort_transaction(fixture_place(), Tcl_GetString(words[1])));
}

static int run_position(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const *words)
{
    struct evl_offsets offsets = { 0 };
    (void)data;
    if (fixture_words(interp, count, words, 1, 1, "group"))
        return TCL_ERROR;
    enum evl_error err = groups_committed(fixture_place(), Tcl_GetString(words[1]), true, &offsets);
    if (err)
        return told(interp, err);
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj(offsets.count ? offsets.at[0].offset : -1));
    evl_offsets_release(&offsets);
    return TCL_OK;
}

const struct fixture_command fixture_transaction[] = {
    { "transaction", run_transaction },
    { "transactions", run_transactions },
    { "abort_transaction", run_abort },
    { "position", run_position },
    { NULL, NULL },
};
