/* groups.c - positions into __consumer_offsets. */
#include "place/groups.h"

#include "base/fault.h"
#include "base/memory.h"
#include "group/offsets.h"
#include "place/coordinator.h"
#include "place/place.h"

static enum evl_error apply(void *state, const struct evl_record *record, int64_t producer_id)
{
    return offsets_apply(state, record, producer_id);
}

static enum evl_error decided(void *state, int64_t producer_id, bool committed)
{
    offsets_decided(state, producer_id, committed);
    return EVL_OK;
}

static void clear(void *state) { offsets_clear(state); }

static enum evl_error decide(struct evl_place *place, const char *group,
                             const struct evl_position_commit *at, size_t count,
                             struct keyed_list *list)
{
    int64_t now = io_wall_ms(place->io);
    for (size_t i = 0; i < count; i++) {
        struct offsets_position position = { .topic = evl_text(at[i].topic),
                                             .partition = at[i].partition,
                                             .offset = at[i].offset,
                                             .leader_epoch = at[i].leader_epoch,
                                             .metadata =
                                                 evl_text(at[i].metadata ? at[i].metadata : "") };
        enum kafka_error error = offsets_decide_commit(evl_text(group), &position, now, list);
        if (error)
            return fail(kafka_error_to_evl(error), "group %s: %s", group, kafka_error_name(error));
    }
    return EVL_OK;
}

static enum evl_error append(struct coordinator *c, const struct keyed_list *list,
                             const struct batch_seal *seal)
{
    struct evl_record *records = memory_take(list->count + 1, sizeof *records);
    for (size_t i = 0; i < list->count; i++)
        records[i] = keyed_list_at(list, i);
    enum evl_error err = coordinator_enter(c);
    if (!err) {
        err = coordinator_append(c, records, list->count, seal);
        coordinator_leave(c);
    }
    memory_free(records);
    return err;
}

enum evl_error groups_commit(struct evl_place *place, const char *group,
                             const struct evl_position_commit *at, size_t count,
                             const struct batch_seal *seal)
{
    int32_t partitions;
    struct coordinator *c = NULL;
    struct keyed_list list = { 0 };
    struct coordinator_state state = { offsets_create(), apply, decided, clear };
    enum evl_error err = directory_ensure_internal(place->directory, OFFSETS_TOPIC, &partitions);
    if (!err)
        err = decide(place, group, at, count, &list);
    if (!err)
        err = coordinator_open(place->directory, OFFSETS_TOPIC,
                               coordinator_partition(group, partitions), &state, &c);
    if (!err)
        err = append(c, &list, seal);
    coordinator_close(c);
    offsets_destroy(state.state);
    keyed_list_release(&list);
    return err;
}
