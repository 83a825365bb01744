/* main.c - a Tcl interpreter with the engine inside, for tests (fixture.h). */
#include "testfixture/fixture.h"

int fixture_choose(Tcl_Interp *interp, Tcl_Obj *word, const char *const *choices, int *index)
{
    return Tcl_GetIndexFromObjStruct(interp, word, choices, sizeof *choices, "word", TCL_EXACT,
                                     index);
}

static const char *error_name(enum evl_error err)
{
    switch (err) {
    case EVL_OK: return "OK";
#define ERROR(name, exit, text) \
    case EVL_ERR_##name:        \
        return #name;
#include <evl/errors.def>
#undef ERROR
    }
    return "UNKNOWN";
}

int fixture_fault(Tcl_Interp *interp, enum evl_error err)
{
    Tcl_Obj *code[] = { Tcl_NewStringObj("EVL", -1), Tcl_NewStringObj(error_name(err), -1),
                        Tcl_NewIntObj(evl_error_exit(err)) };
    Tcl_SetObjErrorCode(interp, Tcl_NewListObj(3, code));
    Tcl_SetObjResult(interp, Tcl_NewStringObj(evl_fault(), -1));
    return TCL_ERROR;
}

int fixture_words(Tcl_Interp *interp, int given, Tcl_Obj *const *words, int least, int most,
                  const char *usage)
{
    if (given - 1 >= least && given - 1 <= most)
        return TCL_OK;
    Tcl_WrongNumArgs(interp, 1, words, usage);
    return TCL_ERROR;
}

struct evl_bytes fixture_bytes(Tcl_Obj *word)
{
    int count;
    const unsigned char *at = Tcl_GetByteArrayFromObj(word, &count);
    return evl_bytes(at, (size_t)count);
}

int fixture_result(Tcl_Interp *interp, struct evl_bytes bytes)
{
    Tcl_SetObjResult(interp, Tcl_NewByteArrayObj(bytes.at, (int)bytes.count));
    return TCL_OK;
}

static int start(Tcl_Interp *interp)
{
    static const struct fixture_command *const areas[] = {
#define AREA(name, text) fixture_##name,
#include "testfixture/areas.def"
#undef AREA
    };
    for (size_t a = 0; a < sizeof areas / sizeof areas[0]; a++)
        for (const struct fixture_command *c = areas[a]; c->name; c++)
            Tcl_CreateObjCommand(interp, c->name, c->run, NULL, NULL);
    return Tcl_Init(interp);
}

int main(int argc, char **argv) { Tcl_Main(argc, argv, start); }
