/* decide.c - wishes become records, or a reason why not.
 *
 * (1) Nothing here changes the image.
 * (2) What applies the records gets exactly what was asked for; the tests do
 *     that with a second image. */
#include "cluster/decide.h"

#include <evl/text.h>
#include <inttypes.h>

#include "base/check.h"
#include "base/fault.h"

/* The versions that DECIDE_METADATA_VERSION means. */
enum { REGISTER_VERSION = 3, PARTITION_VERSION = 2, PARTITION_CHANGE_VERSION = 2 };

/* The oldest level that today's Kafka understands. */
enum { METADATA_VERSION_MIN = 7 };

enum { NEAR_MAX = 3 };

/* ---- names --------------------------------------------------------------- */

enum evl_error decide_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-";
    size_t count = strlen(name);
    if (count == 0)
        return fail(EVL_ERR_USAGE, "a topic's name cannot be empty");
    if (count > DECIDE_NAME_MAX)
        return fail(EVL_ERR_USAGE, "'%.20s...' is %zu letters long; %d are the most for a topic",
                    name, count, DECIDE_NAME_MAX);
    if (strspn(name, letters) != count)
        return fail(EVL_ERR_USAGE, "'%s' cannot be a topic: use letters, digits, . _ and -", name);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return fail(EVL_ERR_USAGE, "'%s' cannot be a topic: it is a folder's name", name);
    return EVL_OK;
}

bool decide_is_internal(const char *name)
{
    static const char *const internal[] = { "__consumer_offsets", "__transaction_state" };
    for (size_t i = 0; i < sizeof internal / sizeof internal[0]; i++)
        if (strcmp(name, internal[i]) == 0)
            return true;
    return strncmp(name, "__ev_", 5) == 0;
}

static enum evl_error check_not_internal(const char *name, const char *what)
{
    if (decide_is_internal(name))
        return fail(EVL_ERR_DENIED, "'%s' is kept by the engine itself: it cannot be %s", name,
                    what);
    return EVL_OK;
}

static enum evl_error check_new_name(const struct image *image, const char *name)
{
    enum evl_error err = decide_name(name);
    if (err)
        return err;
    if (strcmp(name, "__cluster_metadata") == 0)
        return fail(EVL_ERR_DENIED, "'%s' is the directory's own log", name);
    if (image_topic(image, name))
        return fail(EVL_ERR_EXISTS, "topic %s exists already", name);
    return EVL_OK;
}

static const char *nearest_topic(const struct image *image, const char *name)
{
    const char *nearest = NULL;
    int distance = NEAR_MAX;
    const struct topic *t;
    for (size_t i = 0; (t = map_next(&image->by_name, &i));) {
        int d = evl_text_distance(name, t->name);
        if (d < distance || (d == distance && nearest && strcmp(t->name, nearest) < 0)) {
            distance = d;
            nearest = t->name;
        }
    }
    return nearest;
}

static enum evl_error find_topic(const struct image *image, const char *name,
                                 const struct topic **topic)
{
    *topic = image_topic(image, name);
    if (*topic)
        return EVL_OK;
    const char *nearest = nearest_topic(image, name);
    if (nearest)
        return fail(EVL_ERR_NOT_FOUND, "no topic is called %s; did you mean %s?", name, nearest);
    return fail(EVL_ERR_NOT_FOUND, "no topic is called %s", name);
}

/* All or nothing: a failed decision leaves no records. */
static enum evl_error finish(enum evl_error err, struct records *out)
{
    if (err)
        records_clear(out);
    return err;
}

/* ---- settings ------------------------------------------------------------ */

/* Is the item in a list of them, between commas? */
static bool list_has(const char *list, const char *item, size_t count)
{
    while (*list) {
        size_t length = strcspn(list, ",");
        if (length == count && memcmp(list, item, count) == 0)
            return true;
        list += length + (list[length] == ',');
    }
    return false;
}

/* Those items of a list that are in the other, or those that are not. */
static void list_add(struct evl_buffer *out, const char *list, const char *other, bool in_other)
{
    while (*list) {
        size_t length = strcspn(list, ",");
        if (list_has(other, list, length) == in_other) {
            if (out->count > 0)
                buf_add_byte(out, ',');
            buf_add(out, list, length);
        }
        list += length + (list[length] == ',');
    }
}

/* A topic's settings on their way: what was set, and what is in effect. */
struct settling {
    const char *topic;
    const struct overrides *overrides;
    struct topic_config config;
};

/* The list that appending or subtracting makes, in Kafka's form. */
static enum evl_error edit_list(const struct settling *s, const struct decide_setting *change,
                                struct evl_buffer *value)
{
    int setting = config_find(change->name);
    const char *old = overrides_get(s->overrides, change->name);
    struct evl_buffer initial = { 0 };
    struct evl_buffer items = { 0 };
    if (setting < 0)
        return config_unknown(change->name);
    if (!config_is_list(setting))
        return fail(EVL_ERR_USAGE, "%s is no list: set it instead", change->name);
    enum evl_error err = config_rewrite(change->name, change->value, CONFIG_KAFKA, &items);
    if (!old) {
        config_print(&s->config, setting, CONFIG_KAFKA, &initial);
        old = buf_text(&initial);
    }
    if (!err) {
        const char *given = buf_text(&items);
        list_add(value, old, given, false);
        if (change->how == DECIDE_APPEND)
            list_add(value, given, "", false);
    }
    buf_release(&initial);
    buf_release(&items);
    return err;
}

/* What the setting is to be, as a text in `value`; *set is false for "unset". */
static enum evl_error new_value(const struct settling *s, const struct decide_setting *change,
                                struct evl_buffer *value, bool *set)
{
    struct evl_buffer edited = { 0 };
    enum evl_error err = EVL_OK;
    *set = change->how != DECIDE_UNSET;
    if (!*set)
        return config_find(change->name) < 0 && !overrides_get(s->overrides, change->name)
                   ? config_unknown(change->name)
                   : EVL_OK;
    if (change->how != DECIDE_SET)
        err = edit_list(s, change, &edited);
    const char *text = change->how == DECIDE_SET ? change->value : buf_text(&edited);
    if (!err)
        err = config_rewrite(change->name, text, CONFIG_KAFKA, value);
    buf_release(&edited);
    return err;
}

static enum evl_error add_setting(struct settling *s, const char *name, const char *value,
                                  struct records *out)
{
    const char *old = overrides_get(s->overrides, name);
    struct config_record record = {
        .resource_type = METADATA_TOPIC,
        .resource_name = evl_text(s->topic),
        .name = evl_text(name),
        .value = evl_text(value),
    };
    int setting = config_find(name);
    if (value)
        check(config_set(&s->config, name, value) == EVL_OK);
    else if (setting >= 0)
        config_unset(&s->config, setting);
    if (value ? old && strcmp(old, value) == 0 : !old)
        return EVL_OK; /* so already */
    return records_add(out, METADATA_config_record, 0, &record);
}

static enum evl_error settle(struct settling *s, const struct decide_setting *changes, size_t count,
                             struct records *out)
{
    enum evl_error err = EVL_OK;
    struct evl_buffer value = { 0 };
    for (size_t i = 0; i < count && !err; i++) {
        bool set;
        buf_clear(&value);
        for (size_t j = 0; j < i && !err; j++)
            if (strcmp(changes[i].name, changes[j].name) == 0)
                err = fail(EVL_ERR_USAGE, "%s is named twice", changes[i].name);
        if (!err)
            err = new_value(s, &changes[i], &value, &set);
        if (!err)
            err = add_setting(s, changes[i].name, set ? buf_text(&value) : NULL, out);
    }
    buf_release(&value);
    return err ? err : config_check(&s->config);
}

enum evl_error decide_config(const struct image *image, const char *name,
                             const struct decide_setting *settings, size_t count,
                             struct records *out)
{
    const struct topic *t;
    records_clear(out);
    enum evl_error err = find_topic(image, name, &t);
    if (err)
        return err;
    struct settling s = { t->name, t->overrides, *t->config };
    err = settle(&s, settings, count, out);
    return finish(err ? failed(err, "%s", name) : EVL_OK, out);
}

/* ---- partitions ---------------------------------------------------------- */

static enum evl_error add_partition(const struct uuid *topic, int32_t number,
                                    struct decide_home home, struct records *out)
{
    struct partition_record record;
    message_init(metadata_message(METADATA_partition_record), &record);
    record.partition_id = number;
    record.topic_id = *topic;
    record.replicas.at = record.isr.at = &home.node;
    record.replicas.count = record.isr.count = 1;
    record.leader = home.node;
    record.leader_epoch = 0;
    record.partition_epoch = 0;
    record.directories.at = &home.directory;
    record.directories.count = 1;
    return records_add(out, METADATA_partition_record, PARTITION_VERSION, &record);
}

static enum evl_error add_partitions(const struct uuid *topic, int32_t from, int32_t to,
                                     struct decide_home home, struct records *out)
{
    enum evl_error err = EVL_OK;
    if (to - from > DECIDE_PARTITIONS_MAX)
        return fail(EVL_ERR_USAGE, "%" PRId32 " partitions; %d at a time are the most", to - from,
                    DECIDE_PARTITIONS_MAX);
    for (int32_t i = from; i < to && !err; i++)
        err = add_partition(topic, i, home, out);
    return err;
}

static enum evl_error add_topic(const char *name, const struct uuid *id, struct records *out)
{
    struct topic_record record = { .name = evl_text(name), .topic_id = *id };
    return records_add(out, METADATA_topic_record, 0, &record);
}

/* Settings may wait for a topic of this name: a new one begins without. */
static enum evl_error drop_waiting(const struct image *image, const char *name, struct records *out)
{
    const struct overrides *waiting = image_overrides(image, METADATA_TOPIC, name);
    enum evl_error err = EVL_OK;
    for (size_t i = 0; waiting && i < waiting->count && !err; i++) {
        struct config_record record = {
            .resource_type = METADATA_TOPIC,
            .resource_name = evl_text(name),
            .name = evl_text(waiting->at[i].name),
        };
        err = records_add(out, METADATA_config_record, 0, &record);
    }
    return err;
}

static enum evl_error add_removal(const struct uuid *id, struct records *out)
{
    struct remove_topic_record record = { .topic_id = *id };
    return records_add(out, METADATA_remove_topic_record, 0, &record);
}

enum evl_error decide_create(const struct image *image, const struct decide_topic *topic,
                             struct records *out)
{
    records_clear(out);
    enum evl_error err = check_new_name(image, topic->name);
    if (!err && !topic->internal)
        err = check_not_internal(topic->name, "created");
    if (err)
        return err;
    if (topic->partitions < 1)
        return fail(EVL_ERR_USAGE, "%s: a topic has one partition at least", topic->name);
    check(!uuid_is_zero(&topic->id) && !image_topic_by_id(image, &topic->id));
    struct settling s = { topic->name, NULL, image->initial };
    err = drop_waiting(image, topic->name, out);
    if (!err)
        err = add_topic(topic->name, &topic->id, out);
    if (!err)
        err = settle(&s, topic->settings, topic->setting_count, out);
    if (!err)
        err = add_partitions(&topic->id, 0, topic->partitions, topic->home, out);
    return finish(err ? failed(err, "%s", topic->name) : EVL_OK, out);
}

enum evl_error decide_remove(const struct image *image, const char *name, struct records *out)
{
    const struct topic *t;
    records_clear(out);
    enum evl_error err = find_topic(image, name, &t);
    return err ? err : add_removal(&t->id, out);
}

enum evl_error decide_partitions(const struct image *image, const char *name, int32_t count,
                                 struct decide_home home, struct records *out)
{
    const struct topic *t;
    records_clear(out);
    enum evl_error err = find_topic(image, name, &t);
    if (!err)
        err = check_not_internal(name, "grown");
    if (err)
        return err;
    if (count < t->partition_count)
        return fail(EVL_ERR_USAGE,
                    "%s has %" PRId32 " partitions; they can become more, but not fewer", name,
                    t->partition_count);
    err = add_partitions(&t->id, t->partition_count, count, home, out);
    return finish(err ? failed(err, "%s", name) : EVL_OK, out);
}

enum evl_error decide_epoch(const struct image *image, const char *name, int32_t partition,
                            int32_t node, struct records *out)
{
    const struct topic *t;
    struct partition_change_record record;
    records_clear(out);
    enum evl_error err = find_topic(image, name, &t);
    if (err)
        return err;
    if (!topic_partition(t, partition))
        return fail(EVL_ERR_NOT_FOUND, "%s has no partition %" PRId32, name, partition);
    message_init(metadata_message(METADATA_partition_change_record), &record);
    record.partition_id = partition;
    record.topic_id = t->id;
    record.leader = node;
    return records_add(out, METADATA_partition_change_record, PARTITION_CHANGE_VERSION, &record);
}

/* ---- a new name ---------------------------------------------------------- */

/* The record borrows from the partition, which nobody writes to through it. */
#define BORROW(member, list) \
    (record.member.at = (void *)(uintptr_t)(list).at, record.member.count = (list).count)

static enum evl_error copy_partition(const struct topic *t, int32_t number, struct records *out)
{
    const struct partition *p = topic_partition(t, number);
    struct partition_record record;
    if (!p)
        return EVL_OK; /* a gap stays one */
    message_init(metadata_message(METADATA_partition_record), &record);
    record.partition_id = number;
    record.topic_id = t->id;
    record.leader = p->leader;
    record.leader_recovery_state = p->recovery;
    record.leader_epoch = p->leader_epoch;
    record.partition_epoch = p->partition_epoch;
    BORROW(replicas, p->replicas);
    BORROW(isr, p->isr);
    BORROW(removing_replicas, p->removing);
    BORROW(adding_replicas, p->adding);
    BORROW(directories, p->directories);
    BORROW(eligible_leader_replicas, p->eligible);
    BORROW(last_known_elr, p->last_eligible);
    return records_add(out, METADATA_partition_record, PARTITION_VERSION, &record);
}

static enum evl_error copy_settings(const struct topic *t, const char *to, struct records *out)
{
    enum evl_error err = EVL_OK;
    for (size_t i = 0; t->overrides && i < t->overrides->count && !err; i++) {
        struct config_record record = {
            .resource_type = METADATA_TOPIC,
            .resource_name = evl_text(to),
            .name = evl_text(t->overrides->at[i].name),
            .value = evl_text(t->overrides->at[i].value),
        };
        err = records_add(out, METADATA_config_record, 0, &record);
    }
    return err;
}

enum evl_error decide_rename(const struct image *image, const char *from, const char *to,
                             struct records *out)
{
    const struct topic *t;
    records_clear(out);
    enum evl_error err = find_topic(image, from, &t);
    if (err || strcmp(from, to) == 0)
        return err;
    err = check_new_name(image, to);
    if (!err)
        err = check_not_internal(from, "renamed");
    if (!err)
        err = check_not_internal(to, "another topic's name");
    if (!err)
        err = drop_waiting(image, to, out);
    if (!err)
        err = add_removal(&t->id, out);
    if (!err)
        err = add_topic(to, &t->id, out);
    for (int32_t i = 0; i < t->partition_count && !err; i++)
        err = copy_partition(t, i, out);
    if (!err)
        err = copy_settings(t, to, out);
    return finish(err, out);
}

/* ---- the directory ------------------------------------------------------- */

enum evl_error decide_producer_ids(const struct image *image, int32_t node, int64_t count,
                                   int64_t *first, struct records *out)
{
    const struct broker *b = image_broker(image, node);
    struct producer_ids_record record = { .broker_id = node, .broker_epoch = b ? b->epoch : -1 };
    records_clear(out);
    check(count > 0);
    if (__builtin_add_overflow(image->next_producer_id, count, &record.next_producer_id))
        return fail(EVL_ERR_UNAVAILABLE, "all producer ids are taken");
    enum evl_error err = records_add(out, METADATA_producer_ids_record, 0, &record);
    if (!err)
        *first = image->next_producer_id;
    return err;
}

enum evl_error decide_bootstrap(struct decide_home home, struct uuid incarnation,
                                struct records *out)
{
    struct feature_level_record level = { evl_text("metadata.version"), DECIDE_METADATA_VERSION };
    struct broker_feature range = { evl_text("metadata.version"), METADATA_VERSION_MIN,
                                    DECIDE_METADATA_VERSION };
    struct register_broker_record broker;
    message_init(metadata_message(METADATA_register_broker_record), &broker);
    records_clear(out);
    broker.broker_id = home.node;
    broker.incarnation_id = incarnation;
    broker.broker_epoch = 1; /* the offset of its record */
    broker.fenced = false;
    broker.features.at = &range;
    broker.features.count = 1;
    broker.log_dirs.at = &home.directory;
    broker.log_dirs.count = 1;
    enum evl_error err = records_add(out, METADATA_feature_level_record, 0, &level);
    if (!err)
        err = records_add(out, METADATA_register_broker_record, REGISTER_VERSION, &broker);
    return finish(err, out);
}
