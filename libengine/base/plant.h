/* plant.h - bugs on purpose.
 *
 * A test that cannot fail proves nothing.  In the engine that tests link,
 * planted(NO_DIR_SYNC) is true when a test has switched that bug on; it must
 * then see the failure.  In the engine that users get it is false at compile
 * time, and nothing of it is left. */
#ifndef BASE_PLANT_H
#define BASE_PLANT_H

#include <stdbool.h>

enum plant {
#define PLANT(name, text) PLANT_##name,
#include "base/plants.def"
#undef PLANT
    PLANT_COUNT
};

#ifdef PLANTED
extern bool plant_on[PLANT_COUNT];
#define planted(name) (plant_on[PLANT_##name])
#else
#define planted(name) (false)
#endif

/* The bug's name and what it does, for tests that list them; NULL past the end. */
const char *plant_name(int plant, const char **text);

#endif
