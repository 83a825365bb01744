/* groups.c - for Tcl: the groups of a directory on this machine.
 *
 *     group ls DIR                            {NAME STATE PROTOCOL MEMBERS PARTITIONS} ...
 *     group offsets DIR GROUP                 {TOPIC PARTITION OFFSET METADATA ?pending?} ...
 *     group reset DIR GROUP TOPIC PARTITION OFFSET ?METADATA?
 *     group remove DIR GROUP */
#include <evl/group.h>

#include "testfixture/fixture.h"

static Tcl_Obj *text(const char *string) { return Tcl_NewStringObj(string, -1); }

static enum evl_error group_ls(struct evl_place *place, Tcl_Obj *const *words, Tcl_Obj *out)
{
    struct evl_groups groups;
    (void)words;
    enum evl_error err = evl_admin_groups(place, &groups);
    if (err)
        return err;
    for (size_t i = 0; i < groups.count; i++) {
        const struct evl_group *g = &groups.at[i];
        Tcl_Obj *row[] = { text(g->name), text(g->state), text(g->protocol),
                           Tcl_NewIntObj(g->members), Tcl_NewIntObj(g->partitions) };
        Tcl_ListObjAppendElement(NULL, out, Tcl_NewListObj(5, row));
    }
    evl_groups_release(&groups);
    return EVL_OK;
}

static enum evl_error group_offsets(struct evl_place *place, Tcl_Obj *const *words, Tcl_Obj *out)
{
    struct evl_offsets offsets;
    enum evl_error err = evl_admin_group_offsets(place, Tcl_GetString(words[0]), &offsets);
    if (err)
        return err;
    for (size_t i = 0; i < offsets.count; i++) {
        const struct evl_committed *c = &offsets.at[i];
        Tcl_Obj *row[] = { text(c->topic), Tcl_NewIntObj(c->partition),
                           Tcl_NewWideIntObj(c->offset), text(c->metadata), text("pending") };
        Tcl_ListObjAppendElement(NULL, out, Tcl_NewListObj(c->pending ? 5 : 4, row));
    }
    evl_offsets_release(&offsets);
    return EVL_OK;
}

static enum evl_error group_reset(struct evl_place *place, Tcl_Obj *const *words, Tcl_Obj *out)
{
    Tcl_WideInt offset = -1;
    struct evl_position_commit position = { .topic = Tcl_GetString(words[1]),
                                            .partition = -1,
                                            .leader_epoch = -1,
                                            .metadata = words[4] ? Tcl_GetString(words[4]) : NULL };
    (void)out;
    Tcl_GetIntFromObj(NULL, words[2], &position.partition);
    Tcl_GetWideIntFromObj(NULL, words[3], &offset);
    position.offset = offset;
    return evl_admin_group_reset(place, Tcl_GetString(words[0]), &position, 1, false);
}

static enum evl_error group_remove(struct evl_place *place, Tcl_Obj *const *words, Tcl_Obj *out)
{
    (void)out;
    return evl_admin_group_remove(place, Tcl_GetString(words[0]), false);
}

enum { WORDS_MAX = 5 };

static int run_group(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const *words)
{
    static const struct verb {
        const char *name;
        int least, most;
        enum evl_error (*run)(struct evl_place *, Tcl_Obj *const *, Tcl_Obj *);
    } verbs[] = {
        { "ls", 0, 0, group_ls },
        { "offsets", 1, 1, group_offsets },
        { "remove", 1, 1, group_remove },
        { "reset", 4, 5, group_reset },
        { NULL, 0, 0, NULL },
    };
    int verb;
    struct evl_place *place;
    Tcl_Obj *given[WORDS_MAX] = { NULL };
    (void)data;
    if (fixture_words(interp, count, words, 2, 2 + WORDS_MAX, "ls|offsets|reset|remove dir ...") ||
        Tcl_GetIndexFromObjStruct(interp, words[1], verbs, sizeof verbs[0], "verb", TCL_EXACT,
                                  &verb) ||
        fixture_words(interp, count - 2, words + 2, verbs[verb].least, verbs[verb].most, "..."))
        return TCL_ERROR;
    for (int i = 3; i < count; i++)
        given[i - 3] = words[i];
    struct evl_place_options o = { .dir = Tcl_GetString(words[2]), .internal_partitions = 3 };
    enum evl_error err = evl_place_open(&o, &place);
    if (err)
        return fixture_fault(interp, err);
    Tcl_Obj *out = Tcl_NewListObj(0, NULL);
    Tcl_IncrRefCount(out);
    err = verbs[verb].run(place, given, out);
    evl_place_close(place);
    if (!err)
        Tcl_SetObjResult(interp, out);
    Tcl_DecrRefCount(out);
    return err ? fixture_fault(interp, err) : TCL_OK;
}

const struct fixture_command fixture_groups[] = {
    { "group", run_group },
    { NULL, NULL },
};
