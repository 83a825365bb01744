/* admin.c - the public face of topics: what they are, and their changes. */
#include <evl/admin.h>

#include <inttypes.h>
#include <stdio.h>

#include "base/fault.h"
#include "base/memory.h"
#include "log/check.h"
#include "log/compact.h"
#include "log/reader.h"
#include "log/recover.h"
#include "log/replay.h"
#include "log/retain.h"
#include "place/place.h"
#include "place/transactions.h"

/* ---- looking ------------------------------------------------------------- */

static struct evl_topic topic_public(const struct directory_topic *t)
{
    struct evl_topic topic = { .name = t->name, .partitions = t->partitions, .replicas = 1 };
    topic.internal = strncmp(t->name, "__", 2) == 0;
    if (!uuid_is_zero(&t->id))
        uuid_print(&t->id, topic.id);
    return topic;
}

enum evl_error evl_admin_topics(struct evl_place *place, struct evl_topics *topics)
{
    struct directory_topic t;
    struct evl_topics list = { 0 };
    enum evl_error err = directory_refresh(place->directory);
    if (err)
        return err;
    for (size_t i = 0; directory_topic_at(place->directory, i, &t); i++) {
        if ((i & (i - 1)) == 0) /* at each power of two */
            list.at = memory_grow(list.at, 2 * i + 1, sizeof *list.at);
        list.at[list.count] = topic_public(&t);
        list.at[list.count++].name = memory_text(t.name);
    }
    *topics = list;
    return EVL_OK;
}

void evl_topics_release(struct evl_topics *topics)
{
    for (size_t i = 0; i < topics->count; i++)
        memory_free((char *)(uintptr_t)topics->at[i].name); /* ours: see above */
    memory_free(topics->at);
    *topics = (struct evl_topics){ 0 };
}

enum evl_error evl_admin_topic(struct evl_place *place, const char *name, struct evl_topic *topic)
{
    struct directory_topic t;
    enum evl_error err = directory_refresh(place->directory);
    if (!err)
        err = directory_topic(place->directory, name, &t);
    if (!err)
        *topic = topic_public(&t);
    return err;
}

/* The timestamp of the first record there is. */
static enum evl_error partition_oldest(struct log *log, struct evl_partition *facts)
{
    struct reader reader = { 0 };
    struct batch_reader records = { 0 };
    struct batch batch;
    struct evl_bytes bytes;
    struct evl_record record;
    bool got;
    bool more = false;
    reader_begin(&reader, log, facts->start);
    enum evl_error err = reader_next(&reader, facts->end, &batch, &bytes, &got);
    if (!err && got)
        err = batch_open(&records, bytes, PLAIN_BYTES_MAX);
    while (!err && got && !(err = batch_next(&records, &record, &more)) && more)
        if (record.offset >= facts->start) {
            facts->oldest = record.timestamp;
            break;
        }
    batch_reader_release(&records);
    reader_release(&reader);
    return err;
}

/* The largest timestamp of the last segment, and so of what is newest. */
static enum evl_error partition_newest(struct log *log, struct evl_partition *facts)
{
    struct segment s;
    int64_t size;
    if (log->base_count == 0)
        return EVL_OK;
    size_t last = log_segment_of(log, facts->end - 1);
    enum evl_error err = segment_open(log->o.io, log->dir, log->bases[last], IO_READ, &s);
    if (err)
        return err;
    err = io_size(log->o.io, s.file, &size);
    if (!err)
        err = segment_newest_batch(&s, size, facts->end, &facts->newest);
    segment_close(&s);
    if (err == EVL_ERR_CORRUPT) /* not known, then; a reader will be told */
        err = EVL_OK;
    return err;
}

static enum evl_error partition_facts(struct log *log, struct evl_partition *facts)
{
    facts->start = log_start(log);
    facts->end = log_end(log);
    facts->segments = (int32_t)log->base_count;
    facts->failed = log_is_failed(log);
    facts->hidden = log->hidden;
    enum evl_error err = log_epochs(log);
    facts->leader_epoch = log->o.epoch;
    if (!err)
        err = replay_stable_end(log, &facts->stable_end);
    if (!err)
        err = log_bytes(log, &facts->bytes);
    if (!err && facts->end > facts->start)
        err = partition_oldest(log, facts);
    if (!err && facts->end > facts->start)
        err = partition_newest(log, facts);
    return err;
}

enum evl_error evl_admin_partition(struct evl_place *place, const char *topic, int32_t partition,
                                   struct evl_partition *facts)
{
    struct log *log;
    struct evl_partition found = { .partition = partition,
                                   .oldest = EVL_NO_TIMESTAMP,
                                   .newest = EVL_NO_TIMESTAMP };
    enum evl_error err = directory_log(place->directory, topic, partition, NULL, &log);
    if (err == EVL_ERR_NOT_FOUND && directory_is_foreign(place->directory)) {
        found.missing = true;
        *facts = found;
        return EVL_OK;
    }
    if (err)
        return err;
    err = partition_facts(log, &found);
    log_close(log);
    if (!err)
        *facts = found;
    return err;
}

enum evl_error evl_admin_configs(struct evl_place *place, const char *topic,
                                 struct evl_configs *configs)
{
    struct directory_topic t;
    enum evl_error err = directory_refresh(place->directory);
    if (!err)
        err = directory_topic(place->directory, topic, &t);
    if (err)
        return err;
    *configs = (struct evl_configs){ 0 };
    const struct image *image = directory_image(place->directory);
    const struct topic *found = image ? image_topic(image, topic) : NULL;
    const struct overrides *o = found ? found->overrides : NULL;
    if (!o)
        return EVL_OK;
    configs->at = memory_take(o->count, sizeof *configs->at);
    for (; configs->count < o->count; configs->count++)
        configs->at[configs->count] =
            (struct evl_config){ memory_text(o->at[configs->count].name),
                                 memory_text(o->at[configs->count].value) };
    return EVL_OK;
}

void evl_configs_release(struct evl_configs *configs)
{
    for (size_t i = 0; i < configs->count; i++) {
        memory_free((char *)(uintptr_t)configs->at[i].name);
        memory_free((char *)(uintptr_t)configs->at[i].value);
    }
    memory_free(configs->at);
    *configs = (struct evl_configs){ 0 };
}

enum evl_error evl_admin_disk(struct evl_place *place, struct evl_disk *disk)
{
    struct io_space space;
    enum evl_error err = io_space(place->io, directory_path(place->directory), &space);
    if (!err)
        *disk = (struct evl_disk){ space.free, space.total };
    return err;
}

/* ---- changing ------------------------------------------------------------ */

static struct decide_setting setting_private(const struct evl_change *change)
{
    static const enum decide_how how[] = {
        [EVL_SET] = DECIDE_SET,
        [EVL_UNSET] = DECIDE_UNSET,
        [EVL_APPEND] = DECIDE_APPEND,
        [EVL_SUBTRACT] = DECIDE_SUBTRACT,
    };
    return (struct decide_setting){ how[change->kind], change->name, change->value };
}

static struct decide_setting *settings_private(const struct evl_change *changes, size_t count)
{
    struct decide_setting *settings = memory_take(count, sizeof *settings);
    for (size_t i = 0; i < count; i++)
        settings[i] = setting_private(&changes[i]);
    return settings;
}

enum evl_error evl_admin_create(struct evl_place *place, const char *topic, int32_t partitions,
                                const struct evl_change *settings, size_t count, bool dry)
{
    struct decide_setting *private = settings_private(settings, count);
    enum evl_error err = directory_create(place->directory, topic, partitions, private, count, dry);
    memory_free(private);
    return err;
}

enum evl_error evl_admin_remove(struct evl_place *place, const char *topic, bool dry)
{
    return directory_remove(place->directory, topic, dry);
}

enum evl_error evl_admin_grow(struct evl_place *place, const char *topic, int32_t partitions,
                              bool dry)
{
    return directory_grow(place->directory, topic, partitions, dry);
}

enum evl_error evl_admin_configure(struct evl_place *place, const char *topic,
                                   const struct evl_change *changes, size_t count, bool dry)
{
    struct decide_setting *settings = settings_private(changes, count);
    enum evl_error err = directory_configure(place->directory, topic, settings, count, dry);
    memory_free(settings);
    return err;
}

static enum evl_error transactions_guard(void *context, const char *topic)
{
    return transactions_hold(context, topic);
}

static void transactions_unguard(void *context) { transactions_let_go(context); }

/* A transaction says by name where its markers are to go. */
enum evl_error evl_admin_rename(struct evl_place *place, const char *from, const char *to, bool dry)
{
    struct directory_guard guard = { NULL, transactions_guard, transactions_unguard };
    struct transactions *ts = NULL;
    bool any;
    enum evl_error err = EVL_ERR_NOT_FOUND;
    if (directory_is_writable(place->directory) && !directory_is_foreign(place->directory))
        err = transactions_of(place, &ts);
    if (err == EVL_ERR_NOT_FOUND) /* there never was any, or it will be refused */
        return directory_rename(place->directory, from, to, dry, NULL);
    if (!err)
        err = transactions_settle(place, &any);
    guard.context = ts;
    return err ? err : directory_rename(place->directory, from, to, dry, &guard);
}

enum evl_error evl_admin_trim(struct evl_place *place, const char *topic, int32_t partition,
                              int64_t offset, bool dry, int64_t *start)
{
    struct log *log;
    enum evl_error err = directory_log(place->directory, topic, partition, NULL, &log);
    if (err)
        return err;
    err = retain_trim(log, offset, dry, start);
    log_close(log);
    return err;
}

/* ---- upkeep -------------------------------------------------------------- */

static enum evl_error log_clean(struct log *log, bool dry, struct evl_upkeep *upkeep)
{
    struct retain_result done;
    struct evl_upkeep all = { 0 };
    enum evl_error err = log_bytes(log, &all.bytes_before);
    if (!err)
        err = retain_apply(log, io_wall_ms(log->o.io), dry, &done);
    if (err)
        return err;
    all.bytes_after = all.bytes_before - done.bytes;
    all.segments_deleted = done.segments;
    all.start = done.start;
    *upkeep = all;
    return EVL_OK;
}

enum evl_error evl_admin_clean(struct evl_place *place, const char *topic, int32_t partition,
                               bool dry, struct evl_upkeep *upkeep)
{
    struct log *log;
    enum evl_error err = directory_log(place->directory, topic, partition, NULL, &log);
    if (err)
        return err;
    err = log_clean(log, dry, upkeep);
    log_close(log);
    if (!err && !dry)
        err = directory_sweep(place->directory);
    return err;
}

static enum evl_error log_compact(struct log *log, bool force, bool dry, struct evl_upkeep *upkeep)
{
    struct compact_result done;
    struct evl_upkeep all = { 0 };
    struct compact_options options = { .now_ms = io_wall_ms(log->o.io),
                                       .force = force,
                                       .dry = dry };
    enum evl_error err = log_bytes(log, &all.bytes_before);
    if (!err)
        err = compact_run(log, &options, &done);
    if (err)
        return err;
    all.bytes_after = all.bytes_before + done.bytes_after - done.bytes_before;
    all.records_before = done.records_before;
    all.records_after = done.records_after;
    all.segments_cleaned = done.segments_before;
    all.start = log_start(log);
    *upkeep = all;
    return EVL_OK;
}

enum evl_error evl_admin_compact(struct evl_place *place, const char *topic, int32_t partition,
                                 bool force, bool dry, struct evl_upkeep *upkeep)
{
    struct log *log;
    enum evl_error err = directory_log(place->directory, topic, partition, NULL, &log);
    if (err)
        return err;
    err = log_compact(log, force, dry, upkeep);
    log_close(log);
    return err;
}

/* ---- checking and repairing ---------------------------------------------- */

/* Who wants to hear of damages, and in which folder they are. */
struct hearing {
    const struct evl_check_listener *listener;
    const char *topic;
    int32_t partition;
};

static void hearing_damage(void *context, const struct check_damage *damage)
{
    const struct hearing *h = context;
    char file[PATH_MAX];
    snprintf(file, sizeof file, "%s-%" PRId32 "/%s", h->topic, h->partition, damage->file);
    struct evl_damage told = { file, damage->position, damage->offset, damage->text };
    h->listener->damage(h->listener->context, &told);
}

static struct evl_check check_told(const struct check_result *r)
{
    return (struct evl_check){ r->batches, r->records, r->bytes, r->segments, r->damages };
}

static bool hearing_progress(void *context, const struct check_result *so_far, int64_t bytes)
{
    const struct hearing *h = context;
    struct evl_check told = check_told(so_far);
    return h->listener->progress(h->listener->context, &told, bytes);
}

enum evl_error evl_admin_check(struct evl_place *place, const char *topic, int32_t partition,
                               const struct evl_check_listener *listener, struct evl_check *check)
{
    struct log *log;
    struct check_result result;
    struct hearing hearing = { listener, topic, partition };
    struct check_listener hears = { &hearing, listener->damage ? hearing_damage : NULL,
                                    listener->progress ? hearing_progress : NULL };
    enum evl_error err = directory_log(place->directory, topic, partition, NULL, &log);
    if (err)
        return err;
    err = check_log(log, &hears, &result);
    log_close(log);
    if (!err)
        *check = check_told(&result);
    return err;
}

enum evl_error evl_admin_repair(struct evl_place *place, const char *topic, int32_t partition,
                                int64_t *end)
{
    struct log *log;
    enum evl_error err = directory_log(place->directory, topic, partition, NULL, &log);
    if (err)
        return err;
    err = recover_repair(log);
    if (!err)
        *end = log_end(log);
    log_close(log);
    return err;
}
