/* groups.c - open parts, commit into them, read out of them.
 *
 * (1) The parts are those of the topic __consumer_offsets that is there now; when
 *     it is another one, all are closed.
 * (2) A log whose end was asked for stays open, without a file, until the
 *     metadata changes: members commit the same partitions again and again. */
#include "place/groups.h"

#include <inttypes.h>

#include "base/fault.h"
#include "base/map.h"
#include "base/memory.h"
#include "group/classic.h"
#include "group/consumer.h"
#include "place/members.h"
#include "record/batch.h"

enum { EXPIRE_EVERY_MS = 600000 }; /* offsets.retention.check.interval.ms */

struct groups {
    struct evl_place *place;
    struct uuid topic; /* of the parts */
    struct groups_part *parts;
    int32_t count;
    struct evl_buffer logs; /* struct log *: partitions whose end was asked for */
    uint64_t version;       /* of the directory when they were opened */
};

/* ---- life ---------------------------------------------------------------- */

static void groups_drop_parts(struct groups *g)
{
    for (int32_t i = 0; i < g->count; i++) {
        coordinator_close(g->parts[i].coordinator);
        offsets_destroy(g->parts[i].offsets);
        group_table_destroy(g->parts[i].table);
    }
    memory_free(g->parts);
    g->parts = NULL;
    g->count = 0;
}

static void groups_drop_logs(struct groups *g)
{
    struct log **logs = (struct log **)(void *)g->logs.at;
    for (size_t i = 0; i < g->logs.count / sizeof(struct log *); i++)
        log_close(logs[i]);
    buf_clear(&g->logs);
}

void groups_close(struct groups *g)
{
    if (!g)
        return;
    groups_drop_parts(g);
    groups_drop_logs(g);
    buf_release(&g->logs);
    memory_free(g);
}

static struct groups *groups_of(struct evl_place *place)
{
    if (!place->groups) {
        place->groups = memory_take(1, sizeof *place->groups);
        place->groups->place = place;
    }
    return place->groups;
}

/* Have the parts of the topic as it is now; none if it is not there. */
static enum evl_error groups_now(struct groups *g, bool make)
{
    struct directory_topic topic;
    struct directory *d = g->place->directory;
    int32_t count;
    enum evl_error err =
        make ? directory_ensure_internal(d, OFFSETS_TOPIC, &count) : directory_refresh(d);
    if (!err)
        err = directory_topic(d, OFFSETS_TOPIC, &topic);
    if (err && err != EVL_ERR_NOT_FOUND)
        return err;
    if (err || !uuid_equal(&g->topic, &topic.id))
        groups_drop_parts(g);
    if (err)
        return make ? err : EVL_OK;
    if (g->parts)
        return EVL_OK;
    g->topic = topic.id;
    g->count = topic.partitions;
    g->parts = memory_take((size_t)g->count, sizeof *g->parts);
    return EVL_OK;
}

/* ---- parts --------------------------------------------------------------- */

static struct group_table *table_create(void)
{
    struct group_settings settings = group_table_defaults();
    return group_table_create(&settings);
}

static enum evl_error part_apply(void *state, const struct evl_record *record, int64_t producer_id)
{
    struct groups_part *part = state;
    enum evl_error err = offsets_apply(part->offsets, record, producer_id);
    if (!err && producer_id < 0)
        err = group_apply(part->table, record);
    return err;
}

static enum evl_error part_decided(void *state, int64_t producer_id, bool committed)
{
    struct groups_part *part = state;
    offsets_decided(part->offsets, producer_id, committed);
    return EVL_OK;
}

static void part_clear(void *state)
{
    struct groups_part *part = state;
    offsets_clear(part->offsets);
    group_table_destroy(part->table);
    part->table = table_create();
}

static enum evl_error part_open(struct groups *g, int32_t i)
{
    struct groups_part *part = &g->parts[i];
    struct coordinator_state state = { part, part_apply, part_decided, part_clear };
    if (part->coordinator)
        return EVL_OK;
    enum evl_error err =
        coordinator_open(g->place->directory, OFFSETS_TOPIC, i, &state, &part->coordinator);
    if (err)
        return err;
    part->offsets = offsets_create();
    part->table = table_create();
    return EVL_OK;
}

static enum evl_error part_take(struct groups *g, int32_t i, struct groups_part **part)
{
    enum evl_error err = part_open(g, i);
    if (!err)
        err = coordinator_look(g->parts[i].coordinator);
    if (!err)
        *part = &g->parts[i];
    return err;
}

enum evl_error groups_part(struct evl_place *place, const char *group, bool make,
                           struct groups_part **part)
{
    struct groups *g = groups_of(place);
    enum evl_error err = groups_now(g, make);
    *part = NULL;
    if (err || g->count == 0)
        return err;
    return part_take(g, coordinator_partition(group, g->count), part);
}

enum evl_error groups_part_at(struct evl_place *place, int32_t i, struct groups_part **part,
                              bool *more)
{
    struct groups *g = groups_of(place);
    enum evl_error err = groups_now(g, false);
    *part = NULL;
    *more = !err && i < g->count;
    if (!*more)
        return err;
    err = part_take(g, i, part);
    return err == EVL_ERR_NOT_FOUND && directory_is_foreign(place->directory) ? EVL_OK : err;
}

enum evl_error groups_partition(struct evl_place *place, const char *group, int32_t *partition)
{
    int32_t count;
    enum evl_error err = directory_ensure_internal(place->directory, OFFSETS_TOPIC, &count);
    if (!err)
        *partition = coordinator_partition(group, count);
    return err;
}

/* ---- what may be committed ----------------------------------------------- */

/* A log that was open already; NULL if none was. */
static struct log *find_log(const struct groups *g, const struct uuid *topic, int32_t partition)
{
    struct log *const *logs = (struct log *const *)(const void *)g->logs.at;
    for (size_t i = 0; i < g->logs.count / sizeof(struct log *); i++)
        if (logs[i]->o.partition == partition && uuid_equal(&logs[i]->o.id, topic))
            return logs[i];
    return NULL;
}

static enum evl_error open_log(struct groups *g, const struct directory_topic *topic,
                               int32_t partition, struct log **log)
{
    struct directory *d = g->place->directory;
    if (directory_version(d) != g->version)
        groups_drop_logs(g);
    g->version = directory_version(d);
    *log = find_log(g, &topic->id, partition);
    if (*log)
        return EVL_OK;
    enum evl_error err = directory_log(d, topic->name, partition, NULL, log);
    if (!err)
        buf_add(&g->logs, log, sizeof(struct log *));
    return err;
}

/* An offset that stands behind what readers may see is not committed. */
static enum evl_error position_check(struct groups *g, const struct evl_position_commit *position,
                                     struct uuid *topic_id)
{
    struct directory_topic topic;
    struct log *log;
    enum evl_error err = directory_topic(g->place->directory, position->topic, &topic);
    if (!err)
        err = open_log(g, &topic, position->partition, &log);
    if (!err && !log_is_live(log))
        err = log_refresh(log);
    if (err)
        return err;
    *topic_id = topic.id;
    if (position->offset <= log_end(log))
        return EVL_OK;
    return fail(EVL_ERR_RANGE,
                "%s-%" PRId32 ": offset %" PRId64 " cannot be committed: readers see only what is "
                "before %" PRId64,
                position->topic, position->partition, position->offset, log_end(log));
}

static enum evl_error commit_refused(const char *group, const struct evl_position_commit *position,
                                     enum kafka_error error)
{
    enum evl_error err = kafka_error_to_evl(error);
    if (error == KAFKA_INVALID_GROUP_ID)
        return fail(err, "a group's name cannot be empty");
    if (error == KAFKA_OFFSET_METADATA_TOO_LARGE)
        return fail(err, "%s-%" PRId32 ": metadata of %zu bytes; %d are the most", position->topic,
                    position->partition, strlen(position->metadata), OFFSETS_METADATA_MAX);
    if (error == KAFKA_INVALID_REQUEST)
        return fail(err, "%s-%" PRId32 ": offset %" PRId64 " is none", position->topic,
                    position->partition, position->offset);
    return fail(err, "'%.20s...' is too long for a group's name", group);
}

static enum evl_error decide_commits(struct groups *g, const char *group,
                                     const struct evl_position_commit *positions, size_t count,
                                     struct keyed_list *list)
{
    int64_t now_ms = io_wall_ms(g->place->io);
    for (size_t i = 0; i < count; i++) {
        struct offsets_position p = { .topic = evl_text(positions[i].topic),
                                      .partition = positions[i].partition,
                                      .offset = positions[i].offset,
                                      .leader_epoch = positions[i].leader_epoch,
                                      .metadata = evl_text(positions[i].metadata) };
        enum evl_error err = position_check(g, &positions[i], &p.topic_id);
        if (err)
            return err;
        enum kafka_error error = offsets_decide_commit(evl_text(group), &p, now_ms, list);
        if (error)
            return commit_refused(group, &positions[i], error);
    }
    return EVL_OK;
}

static enum evl_error place_is_writable(const struct evl_place *place)
{
    const char *path = directory_path(place->directory);
    if (directory_is_foreign(place->directory))
        return fail(EVL_ERR_DENIED, "%s was written by Apache Kafka: it can be read, not changed",
                    path);
    if (!directory_is_writable(place->directory))
        return fail(EVL_ERR_DENIED, "%s is open for reading only", path);
    return EVL_OK;
}

enum evl_error groups_check(struct evl_place *place, const char *group,
                            const struct evl_position_commit *positions, size_t count)
{
    struct keyed_list list = { 0 };
    enum evl_error err = place_is_writable(place);
    if (!err)
        err = directory_refresh(place->directory);
    if (!err)
        err = decide_commits(groups_of(place), group, positions, count, &list);
    keyed_list_release(&list);
    return err;
}

/* ---- turns --------------------------------------------------------------- */

enum evl_error groups_append(struct groups_part *part, const struct keyed_list *list,
                             const struct batch_seal *seal)
{
    struct evl_record *records = memory_take(list->count, sizeof *records);
    for (size_t i = 0; i < list->count; i++)
        records[i] = keyed_list_at(list, i);
    enum evl_error err = coordinator_append(part->coordinator, records, list->count, seal);
    memory_free(records);
    return err;
}

void groups_decide_removal(const struct groups_part *part, const char *group,
                           struct decision *decision)
{
    const struct group *g = table_group(part->table, evl_text(group));
    if (g && g->classic)
        classic_write_removal(g, decision);
    if (g && g->consumer)
        consumer_write_removal(g->consumer, decision);
}

/* A member that a broker wrote down does not count where the broker is not. */
static void decide_expiry(const struct groups_part *part, const char *group, int64_t now_ms,
                          struct keyed_list *list)
{
    struct offsets_expiry expiry = { now_ms, OFFSETS_RETENTION_MS,
                                     group_empty_since(part->table, evl_text(group)) };
    if (expiry.empty_since < 0)
        expiry.empty_since = INT64_MIN;
    offsets_decide_expiry(part->offsets, evl_text(group), &expiry, list);
}

/* With its last position, a group goes. */
static enum evl_error expire_held(struct groups_part *part, const char *group,
                                  struct decision *decision)
{
    enum evl_error err = groups_append(part, &decision->records, NULL);
    decision_clear(decision);
    if (err || offsets_has_group(part->offsets, evl_text(group)))
        return err;
    groups_decide_removal(part, group, decision);
    return groups_append(part, &decision->records, NULL);
}

/* Forget what has expired of a group, if it has no living member, and while it
 * gets none. */
static enum evl_error expire_group(struct evl_place *place, struct groups_part *part,
                                   const char *group, int64_t now_ms)
{
    struct members_hold *hold = NULL;
    struct decision decision = { 0 };
    enum evl_error err = EVL_OK;
    decide_expiry(part, group, now_ms, &decision.records);
    if (decision.records.count > 0) {
        err = members_hold(place, group, &hold);
        if (!err)
            err = expire_held(part, group, &decision);
        members_let_go(hold);
    }
    decision_release(&decision);
    return err == EVL_ERR_BUSY ? EVL_OK : err;
}

/* In a turn. */
static enum evl_error expire_all(struct evl_place *place, struct groups_part *part, int64_t now_ms)
{
    size_t count;
    struct evl_buffer names = { 0 }; /* copies, each with its end: the groups may go */
    struct evl_bytes *groups = offsets_groups(part->offsets, &count);
    for (size_t i = 0; i < count; i++) {
        buf_add_bytes(&names, groups[i]);
        buf_add_byte(&names, '\0');
    }
    memory_free(groups);
    enum evl_error err = EVL_OK;
    const char *name = (const char *)names.at;
    for (; !err && name && name < (const char *)names.at + names.count; name += strlen(name) + 1)
        err = expire_group(place, part, name, now_ms);
    buf_release(&names);
    return err;
}

/* In a turn, now and then.  Who commits does not fail because of others. */
static void expire_sometimes(struct evl_place *place, struct groups_part *part)
{
    struct fault told;
    int64_t now_ms = io_wall_ms(place->io);
    if (now_ms >= part->expired_ms && now_ms - part->expired_ms < EXPIRE_EVERY_MS)
        return;
    part->expired_ms = now_ms;
    fault_keep(&told);
    if (expire_all(place, part, now_ms))
        directory_say(place->directory, evl_fault());
    (void)fault_again(EVL_OK, &told);
}

enum evl_error groups_commit(struct evl_place *place, const char *group,
                             const struct evl_position_commit *positions, size_t count,
                             const struct batch_seal *seal)
{
    struct groups_part *part;
    struct keyed_list list = { 0 };
    enum evl_error err = place_is_writable(place);
    if (!err)
        err = groups_part(place, group, true, &part);
    if (!err)
        err = decide_commits(place->groups, group, positions, count, &list);
    if (!err)
        err = coordinator_enter(part->coordinator);
    if (!err) {
        err = groups_append(part, &list, seal);
        if (!err)
            expire_sometimes(place, part);
        coordinator_leave(part->coordinator);
    }
    keyed_list_release(&list);
    return err;
}

/* ---- names --------------------------------------------------------------- */

bool groups_topic(const struct evl_place *place, const struct offsets_position *position,
                  struct evl_bytes *name)
{
    const struct image *image = directory_image(place->directory);
    const struct topic *topic = NULL;
    *name = position->topic;
    if (!image || uuid_is_zero(&position->topic_id))
        return true; /* nobody knows better */
    topic = image_topic_by_id(image, &position->topic_id);
    if (topic) {
        *name = evl_text(topic->name);
        return true;
    }
    char *text = memory_text_part(name->at, name->count);
    topic = image_topic(image, text);
    memory_free(text);
    return !topic; /* else it has another id */
}
