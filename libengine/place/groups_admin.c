/* groups_admin.c - groups seen from outside, and changed while nobody is in them. */
#include <evl/text.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/memory.h"
#include "group/view.h"
#include "place/groups.h"
#include "place/members.h"
#include "place/transactions.h"

/* A text that a list owns. */
static void free_text(const char *text) { memory_free((char *)(uintptr_t)text); }

static char *text_of(struct evl_bytes bytes) { return memory_text_part(bytes.at, bytes.count); }

/* ---- positions ----------------------------------------------------------- */

/* A position under the name that its topic has by now. */
struct found {
    struct evl_bytes topic;
    const struct offsets_position *position;
    bool only_pending;
};

static int found_partition_compare(const struct found *a, const struct found *b)
{
    int order = evl_bytes_compare(a->topic, b->topic);
    int32_t x = a->position->partition;
    int32_t y = b->position->partition;
    return order ? order : (x > y) - (x < y);
}

/* Of one partition, the committed one that was written last comes first. */
static int found_compare(const void *left, const void *right)
{
    const struct found *a = left;
    const struct found *b = right;
    int order = found_partition_compare(a, b);
    if (order == 0)
        order = a->only_pending - b->only_pending;
    return order ? order
                 : (a->position->at < b->position->at) - (a->position->at > b->position->at);
}

static void found_add(const struct evl_place *place, struct evl_buffer *list,
                      const struct offsets_position **positions, size_t count, bool only_pending)
{
    for (size_t i = 0; i < count; i++) {
        struct found f = { .position = positions[i], .only_pending = only_pending };
        if (groups_topic(place, positions[i], &f.topic))
            buf_add(list, &f, sizeof f);
    }
    memory_free(positions);
}

/* All positions of a group, each partition once: one that was renamed may have
 * another's old name, too.  The caller frees the array. */
static struct found *find_positions(const struct evl_place *place, const struct offsets *o,
                                    const char *group, size_t *count)
{
    struct evl_buffer list = { 0 };
    size_t n;
    const struct offsets_position **positions = offsets_committed(o, evl_text(group), &n);
    found_add(place, &list, positions, n, false);
    positions = offsets_pending(o, evl_text(group), &n);
    found_add(place, &list, positions, n, true);
    struct found *found = (struct found *)(void *)list.at;
    n = list.count / sizeof *found;
    if (n > 0)
        qsort(found, n, sizeof *found, found_compare);
    *count = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || found_partition_compare(&found[*count - 1], &found[i]) != 0)
            found[(*count)++] = found[i];
    return found;
}

static struct evl_committed position_public(const struct offsets *o, const char *group,
                                            const struct found *f)
{
    const struct offsets_position *p = f->position;
    bool pending = offsets_is_pending(o, evl_text(group), p->topic, p->partition);
    return (struct evl_committed){ .topic = text_of(f->topic),
                                   .partition = p->partition,
                                   .offset = f->only_pending ? -1 : p->offset,
                                   .leader_epoch = f->only_pending ? -1 : p->leader_epoch,
                                   .metadata =
                                       f->only_pending ? memory_text("") : text_of(p->metadata),
                                   .committed_ms = f->only_pending ? -1 : p->committed_ms,
                                   .pending = pending };
}

static struct evl_offsets offsets_public(const struct evl_place *place, const struct offsets *o,
                                         const char *group)
{
    struct evl_offsets list = { 0 };
    struct found *found = find_positions(place, o, group, &list.count);
    list.at = memory_take(list.count, sizeof *list.at);
    for (size_t i = 0; i < list.count; i++)
        list.at[i] = position_public(o, group, &found[i]);
    memory_free(found);
    return list;
}

void evl_offsets_release(struct evl_offsets *offsets)
{
    for (size_t i = 0; i < offsets->count; i++) {
        free_text(offsets->at[i].topic);
        free_text(offsets->at[i].metadata);
    }
    memory_free(offsets->at);
    *offsets = (struct evl_offsets){ 0 };
}

static enum evl_error offsets_are_stable(const struct evl_offsets *offsets, const char *group)
{
    for (size_t i = 0; i < offsets->count; i++)
        if (offsets->at[i].pending)
            return fail(EVL_ERR_BUSY,
                        "group %s: a transaction that is not decided has a position in %s-%" PRId32,
                        group, offsets->at[i].topic, offsets->at[i].partition);
    return EVL_OK;
}

static enum evl_error look_committed(struct evl_place *place, const char *group,
                                     bool require_stable, struct evl_offsets *offsets)
{
    struct groups_part *part;
    struct evl_offsets list = { 0 };
    enum evl_error err = groups_part(place, group, false, &part);
    if (!err && part)
        list = offsets_public(place, part->offsets, group);
    if (!err && require_stable)
        err = offsets_are_stable(&list, group);
    if (err)
        evl_offsets_release(&list);
    else
        *offsets = list;
    return err;
}

enum evl_error groups_committed(struct evl_place *place, const char *group, bool require_stable,
                                struct evl_offsets *offsets)
{
    bool any = false;
    enum evl_error err = look_committed(place, group, require_stable, offsets);
    if (err != EVL_ERR_BUSY || !directory_is_writable(place->directory))
        return err;
    err = transactions_settle(place, &any); /* its owner may be dead */
    return err ? err : look_committed(place, group, require_stable, offsets);
}

/* ---- groups -------------------------------------------------------------- */

static int group_compare(const void *left, const void *right)
{
    return strcmp(((const struct evl_group *)left)->name, ((const struct evl_group *)right)->name);
}

static struct evl_group *groups_add(struct evl_groups *list, char *name)
{
    if ((list->count & (list->count + 1)) == 0) /* at each power of two, less one */
        list->at = memory_grow(list->at, 2 * list->count + 1, sizeof *list->at);
    struct evl_group *group = &list->at[list->count++];
    *group = (struct evl_group){ .name = name, .state = "Empty", .protocol = "" };
    return group;
}

static void groups_add_offsets(const struct evl_place *place, struct evl_groups *list,
                               const struct offsets *o)
{
    size_t count;
    struct evl_bytes *names = offsets_groups(o, &count);
    for (size_t i = 0; i < count; i++) {
        size_t partitions;
        struct evl_group *group = groups_add(list, text_of(names[i]));
        memory_free(find_positions(place, o, group->name, &partitions));
        group->partitions = (int32_t)partitions;
    }
    memory_free(names);
}

/* Find one from `from` on, or add it.  `name` is taken. */
static struct evl_group *groups_find(struct evl_groups *list, size_t from, char *name)
{
    for (size_t i = from; i < list->count; i++)
        if (strcmp(list->at[i].name, name) == 0) {
            memory_free(name);
            return &list->at[i];
        }
    return groups_add(list, name);
}

/* What a broker wrote of groups.  Who is in them, here, members say; in its own
 * directory what it wrote last is all there is to know. */
static void groups_add_table(const struct evl_place *place, struct evl_groups *list, size_t from,
                             const struct group_table *table)
{
    static const struct group_filter all;
    struct decision decision = { 0 };
    bool foreign = directory_is_foreign(place->directory);
    decision_clear(&decision);
    struct group_list views = view_list(table, &all, &decision);
    for (size_t i = 0; i < views.count; i++) {
        struct evl_group *group = groups_find(list, from, text_of(views.at[i].group));
        const struct group *g = table_group(table, views.at[i].group);
        if (evl_bytes_equal(views.at[i].protocol_type, evl_text("consumer")))
            group->protocol = "consumer";
        if (!foreign)
            continue;
        group->state = views.at[i].state;
        group->members = (int32_t)(g->consumer ? view_consumer(g, &decision).member_count
                                               : view_classic(g, &decision).member_count);
    }
    decision_release(&decision);
}

static void groups_add_part(const struct evl_place *place, struct evl_groups *list,
                            const struct groups_part *part)
{
    size_t from = list->count;
    groups_add_offsets(place, list, part->offsets);
    groups_add_table(place, list, from, part->table);
}

static enum evl_error groups_add_members(struct evl_place *place, struct evl_groups *list)
{
    struct evl_group_members members;
    if (directory_is_foreign(place->directory))
        return EVL_OK;
    enum evl_error err = evl_admin_group_members(place, NULL, &members);
    if (err)
        return err;
    for (size_t i = 0; i < members.count; i++) {
        struct evl_group *group = groups_find(list, 0, memory_text(members.at[i].group));
        group->members++;
        group->state = "Stable";
        group->protocol = "consumer";
    }
    evl_group_members_release(&members);
    return EVL_OK;
}

static void groups_sort(struct evl_groups *list)
{
    if (list->count > 0)
        qsort(list->at, list->count, sizeof *list->at, group_compare);
}

enum evl_error evl_admin_groups(struct evl_place *place, struct evl_groups *groups)
{
    struct evl_groups list = { 0 };
    struct groups_part *part;
    bool more = true;
    enum evl_error err = EVL_OK;
    for (int32_t i = 0; more && !(err = groups_part_at(place, i, &part, &more)) && more; i++)
        if (part)
            groups_add_part(place, &list, part);
    if (!err)
        err = groups_add_members(place, &list);
    groups_sort(&list);
    if (err)
        evl_groups_release(&list);
    else
        *groups = list;
    return err;
}

void evl_groups_release(struct evl_groups *groups)
{
    for (size_t i = 0; i < groups->count; i++)
        free_text(groups->at[i].name);
    memory_free(groups->at);
    *groups = (struct evl_groups){ 0 };
}

/* With the name that was perhaps meant. */
static enum evl_error group_unknown(struct evl_place *place, const char *name)
{
    struct evl_groups groups;
    const char *near = NULL;
    int least = (int)strlen(name) / 3 + 1;
    enum evl_error err = evl_admin_groups(place, &groups);
    if (err)
        return err;
    for (size_t i = 0; i < groups.count; i++) {
        int distance = evl_text_distance(name, groups.at[i].name);
        if (distance <= least) {
            least = distance - 1;
            near = groups.at[i].name;
        }
    }
    err = near ? fail(EVL_ERR_NOT_FOUND, "no group %s; did you mean %s?", name, near)
               : fail(EVL_ERR_NOT_FOUND, "no group %s", name);
    evl_groups_release(&groups);
    return err;
}

/* Whether somebody is in it, or is awaited. */
static enum evl_error group_has_members(struct evl_place *place, const char *group, bool *has)
{
    struct evl_group_members members = { 0 };
    enum evl_error err = EVL_OK;
    if (!directory_is_foreign(place->directory))
        err = evl_admin_group_members(place, group, &members);
    *has = members.count > 0;
    evl_group_members_release(&members);
    return err;
}

/* NOT_FOUND unless there is such a group. */
static enum evl_error group_is_known(struct evl_place *place, const char *group)
{
    struct groups_part *part;
    bool known = false;
    enum evl_error err = groups_part(place, group, false, &part);
    if (!err && part)
        known = offsets_has_group(part->offsets, evl_text(group)) ||
                table_group(part->table, evl_text(group));
    if (!err && !known)
        err = group_has_members(place, group, &known);
    return err || known ? err : group_unknown(place, group);
}

enum evl_error evl_admin_group_offsets(struct evl_place *place, const char *group,
                                       struct evl_offsets *offsets)
{
    enum evl_error err = group_is_known(place, group);
    return err ? err : groups_committed(place, group, false, offsets);
}

/* ---- changing ------------------------------------------------------------ */

enum evl_error evl_admin_group_reset(struct evl_place *place, const char *group,
                                     const struct evl_position_commit *positions, size_t count,
                                     bool dry)
{
    struct members_hold *hold;
    enum evl_error err = members_hold(place, group, &hold);
    if (err)
        return err;
    err = dry ? groups_check(place, group, positions, count)
              : groups_commit(place, group, positions, count, NULL);
    members_let_go(hold);
    return err;
}

/* What is to be forgotten of a group: NULL, and all of it is. */
struct removal {
    const struct evl_topic_partition *partitions;
    size_t count;
};

/* The position may have been committed under another name of the topic. */
static enum evl_error decide_removal(const struct evl_place *place, const struct offsets *o,
                                     const char *group, const struct evl_topic_partition *wish,
                                     struct keyed_list *list)
{
    size_t count;
    size_t before = list->count;
    struct found *found = find_positions(place, o, group, &count);
    for (size_t i = 0; i < count; i++)
        if (found[i].position->partition == wish->partition &&
            evl_bytes_equal(found[i].topic, evl_text(wish->topic)))
            offsets_decide_delete(o, evl_text(group), found[i].position->topic, wish->partition,
                                  list);
    memory_free(found);
    if (list->count > before)
        return EVL_OK;
    return fail(EVL_ERR_NOT_FOUND, "group %s has no position in %s-%" PRId32, group, wish->topic,
                wish->partition);
}

static enum evl_error decide_removals(const struct evl_place *place, const struct groups_part *part,
                                      const char *group, const struct removal *removal,
                                      struct decision *decision)
{
    enum evl_error err = EVL_OK;
    if (!removal->partitions) {
        offsets_decide_delete_all(part->offsets, evl_text(group), &decision->records);
        groups_decide_removal(part, group, decision);
    }
    for (size_t i = 0; removal->partitions && i < removal->count && !err; i++)
        err = decide_removal(place, part->offsets, group, &removal->partitions[i],
                             &decision->records);
    return err;
}

static enum evl_error remove_in_turn(struct evl_place *place, struct groups_part *part,
                                     const char *group, const struct removal *removal, bool dry)
{
    struct decision decision = { 0 };
    enum evl_error err = decide_removals(place, part, group, removal, &decision);
    if (!err && !dry)
        err = groups_append(part, &decision.records, NULL);
    decision_release(&decision);
    return err;
}

static enum evl_error remove_held(struct evl_place *place, const char *group,
                                  const struct removal *removal, bool dry)
{
    struct groups_part *part;
    enum evl_error err = group_is_known(place, group);
    if (!err)
        err = groups_part(place, group, true, &part);
    if (!err)
        err = coordinator_enter(part->coordinator);
    if (err)
        return err;
    err = remove_in_turn(place, part, group, removal, dry);
    coordinator_leave(part->coordinator);
    return err;
}

static enum evl_error remove_some(struct evl_place *place, const char *group,
                                  const struct removal *removal, bool dry)
{
    struct members_hold *hold;
    enum evl_error err = members_hold(place, group, &hold);
    if (err)
        return err;
    err = remove_held(place, group, removal, dry);
    members_let_go(hold);
    return err;
}

enum evl_error evl_admin_group_remove(struct evl_place *place, const char *group, bool dry)
{
    struct removal all = { NULL, 0 };
    return remove_some(place, group, &all, dry);
}

enum evl_error evl_admin_group_remove_offsets(struct evl_place *place, const char *group,
                                              const struct evl_topic_partition *partitions,
                                              size_t count, bool dry)
{
    struct removal some = { partitions, count };
    return count > 0 ? remove_some(place, group, &some, dry) : EVL_OK;
}
