/* fixture.h - what the files of the testfixture share.
 *
 * The testfixture is tclsh with the engine inside, planted bugs included
 * (base/plant.h).  Each file shows one area of the engine: a table of commands,
 * ended by a row without a name, and one row for it in areas.def.
 *
 * A command reads its words, calls the engine, and returns TCL_OK with a result
 * or TCL_ERROR.  An error of the engine becomes a Tcl error whose message is the
 * fault's text and whose errorCode is {EVL name exit}, so that a test can say
 *
 *     try {log open $dir} trap {EVL CORRUPT} fault {...} */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include <tcl.h>

#include <evl/bytes.h>
#include <evl/error.h>

struct fixture_command {
    const char *name;
    Tcl_ObjCmdProc *run;
};

#define AREA(name, text) extern const struct fixture_command fixture_##name[];
#include "testfixture/areas.def"
#undef AREA

/* Words that choose: the index of `word` among `choices`, which NULL ends; or
 * TCL_ERROR with a message that lists them. */
int fixture_choose(Tcl_Interp *interp, Tcl_Obj *word, const char *const *choices, int *index);

/* The error of the engine as a Tcl error; always TCL_ERROR. */
int fixture_fault(Tcl_Interp *interp, enum evl_error err);

/* Complain about the number of words, unless there are at least `least` and at
 * most `most` behind the command's name (and its verb, if `verb`). */
int fixture_words(Tcl_Interp *interp, int given, Tcl_Obj *const *words, int least, int most,
                  const char *usage);

/* Of sim.c: the place of the simulated process, or NULL, and whether that lives. */
struct evl_place;
struct evl_place *fixture_place(void);
bool fixture_is_alive(void);

/* The process ends: so does its transaction (transaction.c). */
void fixture_transaction_end(void);

/* Bytes from a word and back; borrowed until the word changes. */
struct evl_bytes fixture_bytes(Tcl_Obj *word);
int fixture_result(Tcl_Interp *interp, struct evl_bytes bytes);

#endif
