/* sim.c - for Tcl: a simulated machine, one process at a time on it, and what
 * that one does with the directory "d".
 *
 *     sim new SEED            another machine
 *     sim fault NAME N        strikes the N-th call from now that can suffer it; 0: none
 *     sim cut                 the power goes
 *     sim kill                the process dies
 *     sim flip PATH AT BIT    a bit turns over
 *     sim files               names under "d", sorted
 *
 *     place open ?readonly?   a process begins (the last one ends)
 *     place close             and ends, with nothing left open
 *     create TOPIC ?N?   remove TOPIC   rename_topic FROM TO   repair TOPIC
 *     produce TOPIC {VALUE ...}   consume TOPIC ?FROM? ?PARTITION?      of partition 0 */
#include "testfixture/fixture.h"

#include <evl/admin.h>
#include <evl/consumer.h>
#include <evl/producer.h>

#include "base/fault.h"
#include "io/io_sim.h"

static struct sim *sim;
static struct io *process;
static struct evl_place *place;

static int result(Tcl_Interp *interp, enum evl_error err)
{
    return err ? fixture_fault(interp, err) : TCL_OK;
}

static int misuse(Tcl_Interp *interp, const char *why)
{
    Tcl_SetObjResult(interp, Tcl_NewStringObj(why, -1));
    return TCL_ERROR;
}

struct evl_place *fixture_place(void) { return place; }
bool fixture_is_alive(void) { return process && sim_is_alive(process); }

/* The process ends; how many files it leaves open. */
static int process_end(void)
{
    fixture_transaction_end();
    evl_place_close(place);
    place = NULL;
    int open = process ? sim_exit(process) : 0;
    process = NULL;
    return open;
}

/* ---- the machine ------------------------------------------------------------- */

static int sim_new(Tcl_Interp *interp, Tcl_Obj *const *words)
{
    Tcl_WideInt seed;
    if (Tcl_GetWideIntFromObj(interp, words[0], &seed))
        return TCL_ERROR;
    (void)process_end(); /* its world ends with it */
    if (sim)
        sim_destroy(sim);
    sim = sim_create((uint64_t)seed);
    return TCL_OK;
}

static int sim_set_fault(Tcl_Interp *interp, Tcl_Obj *const *words)
{
    static const char *const names[SIM_FAULTS + 1] = {
        [SIM_KILL] = "kill",       [SIM_CUT] = "cut",        [SIM_STOP] = "stop",
        [SIM_READ_IO] = "read",    [SIM_WRITE_IO] = "write", [SIM_WRITE_SHORT] = "short",
        [SIM_WRITE_FULL] = "full", [SIM_SYNC_IO] = "sync",   [SIM_SYNC_DIR_IO] = "names",
        [SIM_NAME_IO] = "name",
    };
    int fault;
    Tcl_WideInt n;
    if (fixture_choose(interp, words[0], names, &fault) ||
        Tcl_GetWideIntFromObj(interp, words[1], &n))
        return TCL_ERROR;
    sim_options(sim)->after[fault] = (uint64_t)n;
    return TCL_OK;
}

static int sim_do_cut(Tcl_Interp *interp, Tcl_Obj *const *words)
{
    (void)interp, (void)words;
    sim_power_cut(sim);
    return TCL_OK;
}

static int sim_do_kill(Tcl_Interp *interp, Tcl_Obj *const *words)
{
    (void)words;
    if (!process)
        return misuse(interp, "no process to kill");
    sim_kill(process);
    return TCL_OK;
}

static int sim_do_flip(Tcl_Interp *interp, Tcl_Obj *const *words)
{
    int at;
    int bit;
    if (Tcl_GetIntFromObj(interp, words[1], &at) || Tcl_GetIntFromObj(interp, words[2], &bit))
        return TCL_ERROR;
    return result(interp, sim_flip(sim, Tcl_GetString(words[0]), at, bit));
}

static int sim_files(Tcl_Interp *interp, Tcl_Obj *const *words)
{
    struct io_names names;
    struct io *io = sim_process(sim);
    (void)words;
    enum evl_error err = io_list(io, "d", &names);
    sim_exit(io);
    if (err)
        return fixture_fault(interp, err);
    Tcl_Obj *list = Tcl_NewListObj(0, NULL);
    for (size_t i = 0; i < names.count; i++)
        Tcl_ListObjAppendElement(interp, list, Tcl_NewStringObj(names.at[i], -1));
    io_names_release(&names);
    Tcl_SetObjResult(interp, list);
    return TCL_OK;
}

static int run_sim(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const *words)
{
    static const struct verb {
        const char *name;
        int words;
        int (*run)(Tcl_Interp *, Tcl_Obj *const *);
    } verbs[] = {
        { "new", 1, sim_new },      { "fault", 2, sim_set_fault }, { "cut", 0, sim_do_cut },
        { "kill", 0, sim_do_kill }, { "flip", 3, sim_do_flip },    { "files", 0, sim_files },
        { NULL, 0, NULL },
    };
    int verb;
    (void)data;
    if (fixture_words(interp, count, words, 1, 4, "new|fault|cut|kill|flip|files ?...?") ||
        Tcl_GetIndexFromObjStruct(interp, words[1], verbs, sizeof verbs[0], "verb", TCL_EXACT,
                                  &verb))
        return TCL_ERROR;
    if (count - 2 != verbs[verb].words)
        return misuse(interp, "another number of words is wanted");
    if (!sim && verbs[verb].run != sim_new)
        return misuse(interp, "begin with: sim new SEED");
    return verbs[verb].run(interp, words + 2);
}

/* ---- the process --------------------------------------------------------------- */

static int run_place(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const *words)
{
    static const char *const verbs[] = { "open", "close", NULL };
    int verb;
    (void)data;
    if (fixture_words(interp, count, words, 1, 2, "open|close ?readonly?") ||
        fixture_choose(interp, words[1], verbs, &verb))
        return TCL_ERROR;
    if (!sim)
        return misuse(interp, "begin with: sim new SEED");
    if (process_end() > 0)
        return misuse(interp, "the process has left files open");
    if (verb == 1)
        return TCL_OK;
    process = sim_process(sim);
    struct evl_place_options o = { .dir = "d",
                                   .create = count == 2,
                                   .readonly = count == 3,
                                   .timeout_ms = 1000,
                                   .internal_partitions = 1,
                                   .io = process };
    return result(interp, evl_place_open(&o, &place));
}

/* Every command below wants a place, and `least` to `most` words. */
static int begin(Tcl_Interp *interp, int count, Tcl_Obj *const *words, int least, int most,
                 const char *usage)
{
    if (fixture_words(interp, count, words, least, most, usage))
        return TCL_ERROR;
    return place ? TCL_OK : misuse(interp, "begin with: place open");
}

static int run_create(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const *words)
{
    int partitions = 1;
    (void)data;
    if (begin(interp, count, words, 1, 2, "topic ?partitions?") ||
        (count == 3 && Tcl_GetIntFromObj(interp, words[2], &partitions)))
        return TCL_ERROR;
    return result(interp,
                  evl_admin_create(place, Tcl_GetString(words[1]), partitions, NULL, 0, false));
}

static int run_remove(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const *words)
{
    (void)data;
    if (begin(interp, count, words, 1, 1, "topic"))
        return TCL_ERROR;
    return result(interp, evl_admin_remove(place, Tcl_GetString(words[1]), false));
}

static int run_rename(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const *words)
{
    (void)data;
    if (begin(interp, count, words, 2, 2, "from to"))
        return TCL_ERROR;
    return result(interp,
                  evl_admin_rename(place, Tcl_GetString(words[1]), Tcl_GetString(words[2]), false));
}

static int run_repair(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const *words)
{
    int64_t end;
    (void)data;
    if (begin(interp, count, words, 1, 1, "topic"))
        return TCL_ERROR;
    return result(interp, evl_admin_repair(place, Tcl_GetString(words[1]), 0, &end));
}

static enum evl_error produce(const char *topic, Tcl_Obj *const *values, int count)
{
    struct evl_producer *p;
    struct evl_producer_options o = { .topic = topic, .create = true };
    enum evl_error err = evl_producer_open(place, &o, &p);
    if (err)
        return err;
    for (int i = 0; i < count && !err; i++) {
        struct evl_record record = EVL_RECORD_NONE;
        record.partition = 0;
        record.value = fixture_bytes(values[i]);
        err = evl_producer_send(p, &record);
    }
    if (!err)
        err = evl_producer_flush(p);
    evl_producer_close(p);
    return err;
}

static int run_produce(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const *words)
{
    Tcl_Obj **values;
    int value_count;
    (void)data;
    if (begin(interp, count, words, 2, 2, "topic values") ||
        Tcl_ListObjGetElements(interp, words[2], &value_count, &values))
        return TCL_ERROR;
    enum evl_error err = produce(Tcl_GetString(words[1]), values, value_count);
    if (!err && !sim_is_alive(process)) /* who is dead tells nobody */
        return misuse(interp, "killed");
    return result(interp, err);
}

static enum evl_error consume(Tcl_Interp *interp, const char *topic, int32_t partition,
                              int64_t from, Tcl_Obj *list)
{
    struct evl_consumer *c;
    struct evl_consumer_options o = { .isolation = EVL_COMMITTED };
    struct evl_record record;
    enum evl_next what = EVL_NEXT_RECORD;
    enum evl_error err = evl_consumer_open(place, &o, &c);
    if (err)
        return err;
    err = evl_consumer_add(c, topic, partition, from, -1);
    while (!err && !(err = evl_consumer_next(c, &record, &what)) && what == EVL_NEXT_RECORD)
        Tcl_ListObjAppendElement(interp, list,
                                 Tcl_NewByteArrayObj(record.value.at, (int)record.value.count));
    evl_consumer_close(c);
    return err;
}

static int run_consume(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const *words)
{
    Tcl_WideInt from = 0;
    int partition = 0;
    (void)data;
    if (begin(interp, count, words, 1, 3, "topic ?from? ?partition?") ||
        (count > 2 && Tcl_GetWideIntFromObj(interp, words[2], &from)) ||
        (count > 3 && Tcl_GetIntFromObj(interp, words[3], &partition)))
        return TCL_ERROR;
    Tcl_Obj *list = Tcl_NewListObj(0, NULL);
    enum evl_error err = consume(interp, Tcl_GetString(words[1]), partition, from, list);
    if (err) {
        Tcl_DecrRefCount(list);
        return fixture_fault(interp, err);
    }
    Tcl_SetObjResult(interp, list);
    return TCL_OK;
}

const struct fixture_command fixture_sim[] = {
    { "sim", run_sim },         { "place", run_place },         { "create", run_create },
    { "remove", run_remove },   { "rename_topic", run_rename }, { "repair", run_repair },
    { "produce", run_produce }, { "consume", run_consume },     { NULL, NULL },
};
