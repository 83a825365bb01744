/* base.c - for Tcl: identities, errors, and the switches of the planted bugs. */
#include "testfixture/fixture.h"

#include <string.h>

#include "base/plant.h"
#include "base/uuid.h"

/* errors: a list of {name exit text}, for tests that go through all of them. */
static int run_errors(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const *words)
{
    (void)data;
    if (fixture_words(interp, count, words, 0, 0, ""))
        return TCL_ERROR;
    static const struct {
        const char *name, *text;
        int exit;
    } rows[] = {
#define ERROR(name, exit, text) { #name, text, exit },
#include <evl/errors.def>
#undef ERROR
    };
    Tcl_Obj *list = Tcl_NewListObj(0, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        Tcl_Obj *row[] = { Tcl_NewStringObj(rows[i].name, -1), Tcl_NewIntObj(rows[i].exit),
                           Tcl_NewStringObj(rows[i].text, -1) };
        Tcl_ListObjAppendElement(interp, list, Tcl_NewListObj(3, row));
    }
    Tcl_SetObjResult(interp, list);
    return TCL_OK;
}

static int plant_find(Tcl_Interp *interp, Tcl_Obj *word, int *plant)
{
    static const char *const names[] = {
#define PLANT(name, text) #name,
#include "base/plants.def"
#undef PLANT
        NULL
    };
    return fixture_choose(interp, word, names, plant);
}

static int plant_list(Tcl_Interp *interp)
{
    Tcl_Obj *list = Tcl_NewListObj(0, NULL);
    for (int i = 0; i < PLANT_COUNT; i++)
        Tcl_ListObjAppendElement(interp, list, Tcl_NewStringObj(plant_name(i, NULL), -1));
    Tcl_SetObjResult(interp, list);
    return TCL_OK;
}

/* plant: the names of all bugs.  plant NAME ?on|off?: is it on; switch it. */
static int run_plant(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const *words)
{
    (void)data;
    int plant;
    int on;
    if (fixture_words(interp, count, words, 0, 2, "?name? ?on?"))
        return TCL_ERROR;
    if (count == 1)
        return plant_list(interp);
    if (plant_find(interp, words[1], &plant))
        return TCL_ERROR;
    if (count == 3) {
        if (Tcl_GetBooleanFromObj(interp, words[2], &on))
            return TCL_ERROR;
        plant_on[plant] = on;
    }
    Tcl_SetObjResult(interp, Tcl_NewBooleanObj(plant_on[plant]));
    return TCL_OK;
}

/* uuid HIGH LOW: the text of the identity made of 128 bits of chance.
 * uuid TEXT: its 16 bytes. */
static int run_uuid(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const *words)
{
    (void)data;
    struct uuid id;
    char text[UUID_TEXT];
    Tcl_WideInt high;
    Tcl_WideInt low;
    if (fixture_words(interp, count, words, 1, 2, "text | high low"))
        return TCL_ERROR;
    if (count == 2) {
        if (uuid_parse(Tcl_GetString(words[1]), &id))
            return fixture_result(interp, evl_bytes(id.at, sizeof id.at));
        Tcl_SetObjResult(interp, Tcl_NewStringObj("not an identity", -1));
        return TCL_ERROR;
    }
    if (Tcl_GetWideIntFromObj(interp, words[1], &high) ||
        Tcl_GetWideIntFromObj(interp, words[2], &low))
        return TCL_ERROR;
    id = uuid_make((uint64_t)high, (uint64_t)low);
    Tcl_SetObjResult(interp, Tcl_NewStringObj(uuid_print(&id, text), -1));
    return TCL_OK;
}

const struct fixture_command fixture_base[] = {
    { "errors", run_errors },
    { "plant", run_plant },
    { "uuid", run_uuid },
    { NULL, NULL },
};
