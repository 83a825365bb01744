/* plant.c - the switches of plant.h. */
#include "base/plant.h"

#include <stddef.h>

#ifdef PLANTED
bool plant_on[PLANT_COUNT];
#endif

const char *plant_name(int plant, const char **text)
{
    static const struct {
        const char *name, *text;
    } rows[] = {
#define PLANT(name, text) { #name, text },
#include "base/plants.def"
#undef PLANT
    };
    if (plant < 0 || plant >= PLANT_COUNT)
        return NULL;
    if (text)
        *text = rows[plant].text;
    return rows[plant].name;
}
