/* image.c - records become topics, partitions and settings.
 *
 * (1) A topic is in both maps or in neither; its name and id lie in the topic
 *     itself, which the maps' keys point into.
 * (2) topic->config is the image's initial settings, or the topic's own.
 * (3) A record is checked whole before the first change that it makes.
 *
 * A partition's lists lie in one block, made anew when a list changes: with
 * one replica, 24 bytes. */
#include "cluster/image.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/memory.h"

/* What one record may take decoded; the largest batch that is written stays
 * far below. */
enum { RECORD_MEMORY_MAX = 16 << 20, PARTITIONS_MAX = 1 << 17, PENDING_MAX = 256 << 20 };

#define NO_CHANGE -2 /* of a leader */

static struct evl_bytes uuid_bytes(const struct uuid *id)
{
    return evl_bytes(id->at, sizeof id->at);
}

/* ---- life ---------------------------------------------------------------- */

struct image *image_create(void)
{
    struct image *image = memory_take(1, sizeof *image);
    image->scratch.limit = RECORD_MEMORY_MAX;
    image->sorted_count = SIZE_MAX;
    config_init(&image->initial);
    return image;
}

static void topic_destroy(struct topic *t)
{
    for (int32_t i = 0; i < t->partition_count; i++)
        memory_free(t->partitions[i].block);
    memory_free(t->partitions);
    memory_free(t->own);
    memory_free(t);
}

void image_destroy(struct image *image)
{
    struct topic *t;
    struct overrides *o;
    if (!image)
        return;
    for (size_t i = 0; (t = map_next(&image->by_id, &i));)
        topic_destroy(t);
    for (size_t i = 0; (o = map_next(&image->topic_settings, &i));)
        overrides_destroy(o);
    for (size_t i = 0; (o = map_next(&image->broker_settings, &i));)
        overrides_destroy(o);
    for (size_t i = 0; i < image->feature_count; i++)
        memory_free(image->features[i].name);
    for (size_t i = 0; i < image->broker_count; i++)
        memory_free(image->brokers[i].directories);
    map_release(&image->by_name);
    map_release(&image->by_id);
    map_release(&image->topic_settings);
    map_release(&image->broker_settings);
    memory_free(image->features);
    memory_free(image->brokers);
    memory_free(image->sorted);
    arena_release(&image->scratch);
    buf_release(&image->pending);
    memory_free(image);
}

/* ---- asking -------------------------------------------------------------- */

struct topic *image_topic(const struct image *image, const char *name)
{
    return map_get(&image->by_name, evl_text(name));
}

struct topic *image_topic_by_id(const struct image *image, const struct uuid *id)
{
    return map_get(&image->by_id, uuid_bytes(id));
}

const struct partition *topic_partition(const struct topic *t, int32_t number)
{
    if (number < 0 || number >= t->partition_count || !t->partitions[number].known)
        return NULL;
    return &t->partitions[number];
}

static int compare_topics(const void *a, const void *b)
{
    const struct topic *const *left = a;
    const struct topic *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

struct topic *const *image_topics(struct image *image, size_t *count)
{
    if (image->sorted_count != image->by_name.count) {
        size_t n = 0;
        struct topic *t;
        image->sorted = memory_grow(image->sorted, image->by_name.count, sizeof *image->sorted);
        for (size_t i = 0; (t = map_next(&image->by_name, &i));)
            image->sorted[n++] = t;
        qsort(image->sorted, n, sizeof *image->sorted, compare_topics);
        image->sorted_count = n;
    }
    *count = image->sorted_count;
    return image->sorted;
}

int16_t image_feature(const struct image *image, const char *name)
{
    for (size_t i = 0; i < image->feature_count; i++)
        if (strcmp(image->features[i].name, name) == 0)
            return image->features[i].level;
    return 0;
}

static struct broker *broker_find(const struct image *image, int32_t id)
{
    for (size_t i = 0; i < image->broker_count; i++)
        if (image->brokers[i].id == id)
            return &image->brokers[i];
    return NULL;
}

const struct broker *image_broker(const struct image *image, int32_t id)
{
    return broker_find(image, id);
}

/* ---- settings ------------------------------------------------------------ */

const struct overrides *image_overrides(const struct image *image, enum metadata_resource type,
                                        const char *name)
{
    const struct map *settings =
        type == METADATA_TOPIC ? &image->topic_settings : &image->broker_settings;
    const struct overrides *o = map_get(settings, evl_text(name));
    return o && o->count > 0 ? o : NULL;
}

/* What is set comes into effect.  A name or value that this release does not
 * know stays set, and has no effect: a newer one, or Kafka, wrote it. */
static void topic_refresh(struct image *image, struct topic *t, const struct overrides *o)
{
    t->overrides = o && o->count > 0 ? o : NULL;
    if (!t->overrides) {
        memory_free(t->own);
        t->own = NULL;
        t->config = &image->initial;
        return;
    }
    if (!t->own)
        t->own = memory_take(1, sizeof *t->own);
    *t->own = image->initial;
    for (size_t i = 0; i < o->count; i++)
        (void)config_set(t->own, o->at[i].name, o->at[i].value); /* see above */
    t->config = t->own;
}

static struct topic *topic_of(const struct image *image, struct evl_bytes name)
{
    return map_get(&image->by_name, name);
}

static bool has_zero(struct evl_bytes text)
{
    return text.count > 0 && memchr(text.at, '\0', text.count);
}

static enum evl_error apply_config(struct image *image, const struct config_record *r)
{
    if (r->resource_type != METADATA_TOPIC && r->resource_type != METADATA_BROKER)
        return EVL_OK; /* of groups and client metrics: not ours */
    if (has_zero(r->resource_name) || has_zero(r->name) || has_zero(r->value))
        return fail(EVL_ERR_CORRUPT, "a setting with a zero byte");
    struct map *settings =
        r->resource_type == METADATA_TOPIC ? &image->topic_settings : &image->broker_settings;
    struct overrides *o = map_get(settings, r->resource_name);
    if (!o && !r->value.at)
        return EVL_OK;
    if (!o) {
        o = overrides_create(r->resource_name);
        map_put(settings, evl_text(o->of), o);
    }
    if (r->value.at)
        overrides_set(o, r->name, r->value);
    else
        overrides_unset(o, r->name);
    struct topic *t = r->resource_type == METADATA_TOPIC ? topic_of(image, r->resource_name) : NULL;
    if (t)
        topic_refresh(image, t, o);
    return EVL_OK;
}

/* ---- topics -------------------------------------------------------------- */

static enum evl_error apply_topic(struct image *image, const struct topic_record *r)
{
    if (r->name.count == 0 || has_zero(r->name))
        return fail(EVL_ERR_CORRUPT, "a topic without a name");
    if (topic_of(image, r->name))
        return fail(EVL_ERR_CORRUPT, "topic %.*s is there already", (int)r->name.count, r->name.at);
    if (image_topic_by_id(image, &r->topic_id))
        return fail(EVL_ERR_CORRUPT, "the id of topic %.*s is in use", (int)r->name.count,
                    r->name.at);
    struct topic *t = memory_take(1, sizeof *t + r->name.count + 1);
    char *name = (char *)(t + 1);
    memcpy(name, r->name.at, r->name.count);
    t->id = r->topic_id;
    t->name = name;
    map_put(&image->by_name, evl_bytes(name, r->name.count), t); /* (1) */
    map_put(&image->by_id, uuid_bytes(&t->id), t);
    image->sorted_count = SIZE_MAX;
    topic_refresh(image, t, map_get(&image->topic_settings, r->name));
    return EVL_OK;
}

static enum evl_error find_topic(const struct image *image, const struct uuid *id, struct topic **t)
{
    char room[UUID_TEXT];
    *t = image_topic_by_id(image, id);
    return *t ? EVL_OK : fail(EVL_ERR_CORRUPT, "no topic has the id %s", uuid_print(id, room));
}

/* Its settings go with it, as in Kafka. */
static enum evl_error apply_remove_topic(struct image *image, const struct remove_topic_record *r)
{
    struct topic *t;
    enum evl_error err = find_topic(image, &r->topic_id, &t);
    if (err)
        return err;
    overrides_destroy(map_take(&image->topic_settings, evl_text(t->name)));
    check(map_take(&image->by_name, evl_text(t->name)) == t);
    check(map_take(&image->by_id, uuid_bytes(&t->id)) == t);
    image->sorted_count = SIZE_MAX;
    topic_destroy(t);
    return EVL_OK;
}

/* ---- partitions ---------------------------------------------------------- */

static struct nodes nodes_put(struct nodes from, int32_t **at)
{
    struct nodes copy = { NULL, from.count };
    if (!from.at)
        return copy;
    copy.at = *at;
    if (from.count > 0)
        memcpy(*at, from.at, from.count * sizeof **at);
    *at += from.count;
    return copy;
}

/* Bring all lists into one block of the partition's own; they may lie in the
 * old one, or in a record. */
static void partition_settle(struct partition *p)
{
    size_t nodes = p->replicas.count + p->isr.count + p->removing.count + p->adding.count +
                   p->eligible.count + p->last_eligible.count;
    size_t directories = p->directories.count * sizeof(struct uuid);
    uint8_t *block = memory_grow(NULL, nodes * sizeof(int32_t) + directories, 1);
    int32_t *at = (int32_t *)(void *)block;
    p->replicas = nodes_put(p->replicas, &at);
    p->isr = nodes_put(p->isr, &at);
    p->removing = nodes_put(p->removing, &at);
    p->adding = nodes_put(p->adding, &at);
    p->eligible = nodes_put(p->eligible, &at);
    p->last_eligible = nodes_put(p->last_eligible, &at);
    if (directories > 0)
        memcpy(at, p->directories.at, directories);
    p->directories.at = (const struct uuid *)(const void *)at;
    memory_free(p->block);
    p->block = block;
}

#define NODES(list)       ((struct nodes){ (list).at, (list).count })
#define DIRECTORIES(list) ((struct directories){ (list).at, (list).count })

static void topic_make_room(struct topic *t, int32_t count)
{
    if (count > t->partition_room) {
        int32_t room = t->partition_room * 2 > count ? t->partition_room * 2 : count;
        t->partitions = memory_grow(t->partitions, (size_t)room, sizeof *t->partitions);
        t->partition_room = room;
    }
    for (; t->partition_count < count; t->partition_count++)
        t->partitions[t->partition_count] = (struct partition){ .known = false };
}

static enum evl_error apply_partition(struct image *image, const struct partition_record *r)
{
    struct topic *t;
    enum evl_error err = find_topic(image, &r->topic_id, &t);
    if (err)
        return err;
    if (r->partition_id < 0 || r->partition_id >= PARTITIONS_MAX)
        return fail(EVL_ERR_CORRUPT, "%s: partition %" PRId32, t->name, r->partition_id);
    if (r->directories.count != 0 && r->directories.count != r->replicas.count)
        return fail(EVL_ERR_CORRUPT, "%s-%" PRId32 ": %zu directories of %zu replicas", t->name,
                    r->partition_id, r->directories.count, r->replicas.count);
    topic_make_room(t, r->partition_id + 1);
    struct partition *p = &t->partitions[r->partition_id];
    *p = (struct partition){
        .known = true,
        .recovery = r->leader_recovery_state,
        .leader = r->leader,
        .leader_epoch = r->leader_epoch,
        .partition_epoch = r->partition_epoch,
        .replicas = NODES(r->replicas),
        .isr = NODES(r->isr),
        .removing = NODES(r->removing_replicas),
        .adding = NODES(r->adding_replicas),
        .eligible = NODES(r->eligible_leader_replicas),
        .last_eligible = NODES(r->last_known_elr),
        .directories = DIRECTORIES(r->directories),
        .block = p->block,
    };
    partition_settle(p);
    return EVL_OK;
}

/* Naming a leader, even the same one, begins a leader epoch; any change begins
 * a partition epoch. */
static enum evl_error apply_partition_change(struct image *image,
                                             const struct partition_change_record *r)
{
    struct topic *t;
    enum evl_error err = find_topic(image, &r->topic_id, &t);
    if (err)
        return err;
    if (!topic_partition(t, r->partition_id))
        return fail(EVL_ERR_CORRUPT, "%s has no partition %" PRId32, t->name, r->partition_id);
    struct partition *p = &t->partitions[r->partition_id];
    size_t replicas = r->replicas.at ? r->replicas.count : p->replicas.count;
    size_t directories = r->directories.at ? r->directories.count : p->directories.count;
    if (directories != 0 && directories != replicas)
        return fail(EVL_ERR_CORRUPT, "%s-%" PRId32 ": %zu directories of %zu replicas", t->name,
                    r->partition_id, directories, replicas);
    if (r->leader != NO_CHANGE) {
        p->leader = r->leader;
        p->leader_epoch++;
    }
    if (r->leader_recovery_state >= 0)
        p->recovery = r->leader_recovery_state;
    p->partition_epoch++;
    p->isr = r->isr.at ? NODES(r->isr) : p->isr;
    p->replicas = r->replicas.at ? NODES(r->replicas) : p->replicas;
    p->removing = r->removing_replicas.at ? NODES(r->removing_replicas) : p->removing;
    p->adding = r->adding_replicas.at ? NODES(r->adding_replicas) : p->adding;
    p->eligible = r->eligible_leader_replicas.at ? NODES(r->eligible_leader_replicas) : p->eligible;
    p->last_eligible = r->last_known_elr.at ? NODES(r->last_known_elr) : p->last_eligible;
    p->directories = r->directories.at ? DIRECTORIES(r->directories) : p->directories;
    partition_settle(p);
    return EVL_OK;
}

/* ---- features, brokers, producer ids ------------------------------------- */

static void apply_feature(struct image *image, const struct feature_level_record *r)
{
    size_t i = 0;
    while (i < image->feature_count && !evl_bytes_equal(evl_text(image->features[i].name), r->name))
        i++;
    if (i == image->feature_count) {
        image->features = memory_grow(image->features, i + 1, sizeof *image->features);
        image->features[i].name = memory_text_part(r->name.at, r->name.count);
        image->feature_count++;
    }
    image->features[i].level = r->feature_level;
}

static void broker_set_directories(struct broker *b, const struct uuid *at, size_t count)
{
    b->directories = memory_grow(b->directories, count, sizeof *at);
    if (count > 0)
        memcpy(b->directories, at, count * sizeof *at);
    b->directory_count = count;
}

static struct broker *broker_add(struct image *image, int32_t id)
{
    size_t i = image->broker_count++;
    image->brokers = memory_grow(image->brokers, image->broker_count, sizeof *image->brokers);
    for (; i > 0 && image->brokers[i - 1].id > id; i--)
        image->brokers[i] = image->brokers[i - 1];
    image->brokers[i] = (struct broker){ .id = id };
    return &image->brokers[i];
}

static void apply_register_broker(struct image *image, const struct register_broker_record *r)
{
    struct broker *b = broker_find(image, r->broker_id);
    if (!b)
        b = broker_add(image, r->broker_id);
    b->epoch = r->broker_epoch;
    b->incarnation = r->incarnation_id;
    b->fenced = r->fenced;
    b->in_controlled_shutdown = r->in_controlled_shutdown;
    broker_set_directories(b, r->log_dirs.at, r->log_dirs.count);
}

static enum evl_error find_broker(const struct image *image, int32_t id, struct broker **b)
{
    *b = broker_find(image, id);
    return *b ? EVL_OK : fail(EVL_ERR_CORRUPT, "no broker %" PRId32 " is registered", id);
}

static enum evl_error apply_unregister_broker(struct image *image, int32_t id)
{
    struct broker *b;
    enum evl_error err = find_broker(image, id, &b);
    if (err)
        return err;
    memory_free(b->directories);
    image->broker_count--;
    size_t behind = image->broker_count - (size_t)(b - image->brokers);
    memmove(b, b + 1, behind * sizeof *b);
    return EVL_OK;
}

static enum evl_error apply_fence(const struct image *image, int32_t id, bool fenced)
{
    struct broker *b;
    enum evl_error err = find_broker(image, id, &b);
    if (!err)
        b->fenced = fenced;
    return err;
}

static enum evl_error apply_broker_change(const struct image *image,
                                          const struct broker_registration_change_record *r)
{
    struct broker *b;
    enum evl_error err = find_broker(image, r->broker_id, &b);
    if (err)
        return err;
    if (r->fenced != 0)
        b->fenced = r->fenced > 0;
    if (r->in_controlled_shutdown != 0)
        b->in_controlled_shutdown = r->in_controlled_shutdown > 0;
    if (r->log_dirs.count > 0)
        broker_set_directories(b, r->log_dirs.at, r->log_dirs.count);
    return EVL_OK;
}

/* ---- one record ---------------------------------------------------------- */

/* The kinds that no case names are known, and change nothing here: users,
 * rights, quotas, tokens, controllers. */
static enum evl_error apply_record(struct image *image, int key, const void *record)
{
    const struct unregister_broker_record *gone = record;
    const struct fence_broker_record *fence = record;
    const struct unfence_broker_record *unfence = record;
    const struct producer_ids_record *ids = record;
    switch (key) {
    case METADATA_topic_record: return apply_topic(image, record);
    case METADATA_partition_record: return apply_partition(image, record);
    case METADATA_partition_change_record: return apply_partition_change(image, record);
    case METADATA_config_record: return apply_config(image, record);
    case METADATA_remove_topic_record: return apply_remove_topic(image, record);
    case METADATA_unregister_broker_record: return apply_unregister_broker(image, gone->broker_id);
    case METADATA_fence_broker_record: return apply_fence(image, fence->id, true);
    case METADATA_unfence_broker_record: return apply_fence(image, unfence->id, false);
    case METADATA_broker_registration_change_record: return apply_broker_change(image, record);
    case METADATA_register_broker_record: apply_register_broker(image, record); return EVL_OK;
    case METADATA_feature_level_record: apply_feature(image, record); return EVL_OK;
    case METADATA_producer_ids_record: image->next_producer_id = ids->next_producer_id; break;
    default: break;
    }
    return EVL_OK;
}

static enum evl_error apply_named(struct image *image, const struct message *m, const void *record)
{
    enum evl_error err = apply_record(image, m->key, record);
    return err ? failed(err, "%s", m->name) : EVL_OK;
}

/* Take a value apart, and decode the record, into the scratch arena. */
static enum evl_error read_record(struct image *image, struct evl_bytes value,
                                  const struct message **m, void **record)
{
    struct evl_bytes body;
    int version;
    enum evl_error err = metadata_open(value, m, &version, &body);
    if (err)
        return err;
    arena_reset(&image->scratch);
    *record = arena_take(&image->scratch, 1, (*m)->size);
    return proto_decode(*m, version, body, &image->scratch, *record);
}

/* ---- transactions -------------------------------------------------------- */

static enum evl_error pending_add(struct image *image, struct evl_bytes value)
{
    uint8_t size[4];
    if (value.count > PENDING_MAX - image->pending.count)
        return fail(EVL_ERR_TOO_LARGE, "a metadata transaction of more than %d MiB",
                    PENDING_MAX >> 20);
    put_u32(size, (uint32_t)value.count);
    buf_add(&image->pending, size, sizeof size);
    buf_add(&image->pending, value.at, value.count);
    return EVL_OK;
}

static enum evl_error pending_apply(struct image *image)
{
    const struct message *m;
    void *record;
    enum evl_error err = EVL_OK;
    for (size_t at = 0; at < image->pending.count && !err;) {
        size_t size = get_u32(image->pending.at + at);
        err = read_record(image, evl_bytes(image->pending.at + at + 4, size), &m, &record);
        check(!err); /* it was read once */
        err = apply_named(image, m, record);
        at += 4 + size;
    }
    return err;
}

static enum evl_error transaction_begin(struct image *image)
{
    if (image->in_transaction)
        return fail(EVL_ERR_CORRUPT, "a metadata transaction inside of another");
    image->in_transaction = true;
    return EVL_OK;
}

static enum evl_error transaction_end(struct image *image, bool commit)
{
    if (!image->in_transaction)
        return fail(EVL_ERR_CORRUPT, "the end of a metadata transaction that never began");
    enum evl_error err = commit ? pending_apply(image) : EVL_OK;
    image->in_transaction = false;
    buf_release(&image->pending);
    return err;
}

enum evl_error image_apply(struct image *image, struct evl_bytes value)
{
    const struct message *m;
    void *record;
    enum evl_error err = read_record(image, value, &m, &record);
    if (err)
        return err;
    switch (m->key) {
    case METADATA_begin_transaction_record: return transaction_begin(image);
    case METADATA_end_transaction_record: return transaction_end(image, true);
    case METADATA_abort_transaction_record: return transaction_end(image, false);
    default: break;
    }
    if (image->in_transaction)
        return pending_add(image, value);
    return apply_named(image, m, record);
}
