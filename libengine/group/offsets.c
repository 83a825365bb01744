/* offsets.c - ledgers of positions: one that counts, and one per open transaction.
 *
 * (1) A group has a page in a ledger if it has a position there.
 * (2) A producer has a ledger if something is pending of it.
 * (3) An entry owns its texts; the keys of the maps lie in what they lead to. */
#include "group/offsets.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/map.h"
#include "base/memory.h"

/* What Kafka writes since 4.1, to say which topic of that name it was, and reads
 * since 3.5; and what it wrote before. */
enum { VERSION_WITH_ID = 4, VERSION_WITHOUT_ID = 3 };

/* A position, and behind it its key (the partition's number, the topic) and its
 * metadata. */
struct entry {
    struct offsets_position position;
    struct evl_bytes key;
    uint8_t texts[];
};

struct page {
    struct evl_bytes name;
    struct map entries;
    uint8_t text[];
};

/* Pages by group. */
struct ledger {
    struct map pages;
};

struct transaction {
    int64_t producer_id;
    struct ledger ledger;
};

struct offsets {
    struct ledger committed;
    struct transaction *open;
    size_t open_count, open_room;
};

/* ---- entries ------------------------------------------------------------- */

enum { KEY_HEAD = 4 };

/* The key of a partition, in a buffer of the caller. */
static struct evl_bytes key_make(struct evl_bytes topic, int32_t partition, struct evl_buffer *key)
{
    uint8_t *at = buf_room(key, KEY_HEAD + topic.count);
    put_i32(at, partition);
    if (topic.count > 0)
        memcpy(at + KEY_HEAD, topic.at, topic.count);
    return evl_bytes(at, KEY_HEAD + topic.count);
}

static struct entry *entry_create(const struct offsets_position *p)
{
    size_t key_count = KEY_HEAD + p->topic.count;
    struct entry *e = memory_take(1, sizeof *e + key_count + p->metadata.count);
    e->position = *p;
    put_i32(e->texts, p->partition);
    if (p->topic.count > 0)
        memcpy(e->texts + KEY_HEAD, p->topic.at, p->topic.count);
    if (p->metadata.count > 0)
        memcpy(e->texts + key_count, p->metadata.at, p->metadata.count);
    e->key = evl_bytes(e->texts, key_count);
    e->position.topic = evl_bytes(e->texts + KEY_HEAD, p->topic.count);
    e->position.metadata = evl_bytes(e->texts + key_count, p->metadata.count);
    return e;
}

/* ---- ledgers ------------------------------------------------------------- */

static struct page *ledger_page(const struct ledger *l, struct evl_bytes name)
{
    return map_get(&l->pages, name);
}

static struct page *ledger_add_page(struct ledger *l, struct evl_bytes name)
{
    struct page *page = ledger_page(l, name);
    if (page)
        return page;
    page = memory_take(1, sizeof *page + name.count);
    if (name.count > 0)
        memcpy(page->text, name.at, name.count);
    page->name = evl_bytes(page->text, name.count);
    map_put(&l->pages, page->name, page);
    return page;
}

static struct entry *ledger_find(const struct ledger *l, struct evl_bytes name,
                                 struct evl_bytes topic, int32_t partition)
{
    struct evl_buffer room = { 0 };
    const struct page *page = ledger_page(l, name);
    if (!page)
        return NULL;
    struct entry *e = map_get(&page->entries, key_make(topic, partition, &room));
    buf_release(&room);
    return e;
}

/* Take the entry in, in place of what was there. */
static void ledger_put(struct ledger *l, struct evl_bytes name, struct entry *e)
{
    struct page *page = ledger_add_page(l, name);
    memory_free(map_take(&page->entries, e->key));
    map_put(&page->entries, e->key, e);
}

static void ledger_drop(struct ledger *l, struct evl_bytes name, struct evl_bytes topic,
                        int32_t partition)
{
    struct entry *e = ledger_find(l, name, topic, partition);
    if (!e)
        return;
    struct page *page = ledger_page(l, name);
    memory_free(map_take(&page->entries, e->key));
    if (page->entries.count > 0)
        return;
    map_take(&l->pages, page->name);
    map_release(&page->entries);
    memory_free(page);
}

static void ledger_release(struct ledger *l)
{
    struct page *page;
    struct entry *e;
    for (size_t i = 0; (page = map_next(&l->pages, &i));) {
        for (size_t j = 0; (e = map_next(&page->entries, &j));)
            memory_free(e);
        map_release(&page->entries);
        memory_free(page);
    }
    map_release(&l->pages);
}

/* ---- life ---------------------------------------------------------------- */

struct offsets *offsets_create(void) { return memory_take(1, sizeof(struct offsets)); }

void offsets_clear(struct offsets *o)
{
    ledger_release(&o->committed);
    for (size_t i = 0; i < o->open_count; i++)
        ledger_release(&o->open[i].ledger);
    memory_free(o->open);
    *o = (struct offsets){ 0 };
}

void offsets_destroy(struct offsets *o)
{
    if (!o)
        return;
    offsets_clear(o);
    memory_free(o);
}

/* ---- transactions -------------------------------------------------------- */

static struct transaction *transaction_find(const struct offsets *o, int64_t producer_id)
{
    for (size_t i = 0; i < o->open_count; i++)
        if (o->open[i].producer_id == producer_id)
            return &o->open[i];
    return NULL;
}

static struct ledger *transaction_ledger(struct offsets *o, int64_t producer_id)
{
    struct transaction *found = transaction_find(o, producer_id);
    if (found)
        return &found->ledger;
    if (o->open_count == o->open_room) {
        o->open_room = o->open_room ? 2 * o->open_room : 4;
        o->open = memory_grow(o->open, o->open_room, sizeof *o->open);
    }
    o->open[o->open_count] = (struct transaction){ .producer_id = producer_id };
    return &o->open[o->open_count++].ledger;
}

/* A position that was pending counts, if nothing newer was written meanwhile. */
static void settle(struct offsets *o, struct evl_bytes group, const struct entry *pending)
{
    const struct offsets_position *p = &pending->position;
    const struct entry *there = ledger_find(&o->committed, group, p->topic, p->partition);
    if (!there || there->position.at < p->at)
        ledger_put(&o->committed, group, entry_create(p));
}

void offsets_decided(struct offsets *o, int64_t producer_id, bool committed)
{
    struct transaction *t = transaction_find(o, producer_id);
    const struct page *page;
    const struct entry *e;
    if (!t)
        return;
    for (size_t i = 0; committed && (page = map_next(&t->ledger.pages, &i));)
        for (size_t j = 0; (e = map_next(&page->entries, &j));)
            settle(o, page->name, e);
    ledger_release(&t->ledger);
    *t = o->open[--o->open_count];
}

/* ---- applying ------------------------------------------------------------ */

/* Who a record of either kind speaks of. */
static enum evl_error key_read(const struct keyed *kind, struct evl_bytes key,
                               struct offset_commit_key *out)
{
    struct arena none = { 0 }; /* texts are views */
    struct legacy_offset_commit_key legacy;
    if (kind->kind == GROUP_LOG_offset_commit)
        return keyed_key(kind, key, &none, out);
    enum evl_error err = keyed_key(kind, key, &none, &legacy);
    if (!err)
        *out = (struct offset_commit_key){ legacy.group, legacy.topic, legacy.partition };
    return err;
}

static enum evl_error value_read(const struct keyed *kind, struct evl_bytes value,
                                 struct offset_commit_value *out)
{
    struct arena none = { 0 };
    struct legacy_offset_commit_value legacy;
    int16_t version;
    if (kind->kind == GROUP_LOG_offset_commit)
        return keyed_value(kind, value, &none, &version, out);
    enum evl_error err = keyed_value(kind, value, &none, &version, &legacy);
    if (err)
        return err;
    message_init(group_log(GROUP_LOG_offset_commit)->value, out);
    out->offset = legacy.offset;
    out->metadata = legacy.metadata;
    out->commit_timestamp = legacy.commit_timestamp;
    return EVL_OK;
}

/* A null value takes what is pending away, too: compaction would. */
static void apply_removal(struct offsets *o, const struct offset_commit_key *key)
{
    ledger_drop(&o->committed, key->group, key->topic, key->partition);
    for (size_t i = o->open_count; i-- > 0;) {
        struct transaction *t = &o->open[i];
        ledger_drop(&t->ledger, key->group, key->topic, key->partition);
        if (t->ledger.pages.count > 0)
            continue;
        ledger_release(&t->ledger);
        *t = o->open[--o->open_count];
    }
}

enum evl_error offsets_apply(struct offsets *o, const struct evl_record *record,
                             int64_t producer_id)
{
    const struct keyed *kind;
    struct offset_commit_key key;
    struct offset_commit_value value;
    enum evl_error err = group_log_kind_of(record->key, &kind);
    if (err || !kind || kind->kind > GROUP_LOG_offset_commit)
        return err;
    err = key_read(kind, record->key, &key);
    if (!err && record->value.at)
        err = value_read(kind, record->value, &value);
    if (err)
        return failed(err, "committed offset");
    if (!record->value.at) {
        apply_removal(o, &key);
        return EVL_OK;
    }
    struct offsets_position position = { .topic = key.topic,
                                         .partition = key.partition,
                                         .offset = value.offset,
                                         .leader_epoch = value.leader_epoch,
                                         .metadata = value.metadata,
                                         .committed_ms = value.commit_timestamp,
                                         .expire_ms = value.expire_timestamp,
                                         .topic_id = value.topic_id,
                                         .at = record->offset };
    ledger_put(producer_id < 0 ? &o->committed : transaction_ledger(o, producer_id), key.group,
               entry_create(&position));
    return EVL_OK;
}

/* ---- asking -------------------------------------------------------------- */

const struct offsets_position *offsets_find(const struct offsets *o, struct evl_bytes group,
                                            struct evl_bytes topic, int32_t partition)
{
    const struct entry *e = ledger_find(&o->committed, group, topic, partition);
    return e ? &e->position : NULL;
}

bool offsets_is_pending(const struct offsets *o, struct evl_bytes group, struct evl_bytes topic,
                        int32_t partition)
{
    for (size_t i = 0; i < o->open_count; i++)
        if (ledger_find(&o->open[i].ledger, group, topic, partition))
            return true;
    return false;
}

bool offsets_has_group(const struct offsets *o, struct evl_bytes group)
{
    bool has = ledger_page(&o->committed, group);
    for (size_t i = 0; i < o->open_count && !has; i++)
        has = ledger_page(&o->open[i].ledger, group);
    return has;
}

static int position_compare(const void *left, const void *right)
{
    const struct offsets_position *a = *(const struct offsets_position *const *)left;
    const struct offsets_position *b = *(const struct offsets_position *const *)right;
    int order = evl_bytes_compare(a->topic, b->topic);
    return order ? order : (a->partition > b->partition) - (a->partition < b->partition);
}

static int name_compare(const void *left, const void *right)
{
    return evl_bytes_compare(*(const struct evl_bytes *)left, *(const struct evl_bytes *)right);
}

/* A growing list of positions. */
struct positions {
    const struct offsets_position **at;
    size_t count, room;
};

static void positions_add(struct positions *list, const struct offsets_position *p)
{
    if (list->count == list->room) {
        list->room = list->room ? 2 * list->room : 8;
        list->at = memory_grow(list->at, list->room, sizeof(const struct offsets_position *));
    }
    list->at[list->count++] = p;
}

static void positions_sort(struct positions *list)
{
    if (list->count > 0)
        qsort(list->at, list->count, sizeof(const struct offsets_position *), position_compare);
}

static void positions_add_group(struct positions *list, const struct ledger *l,
                                struct evl_bytes group, const struct ledger *unless)
{
    const struct page *page = ledger_page(l, group);
    const struct entry *e;
    for (size_t i = 0; page && (e = map_next(&page->entries, &i));)
        if (!unless || !ledger_find(unless, group, e->position.topic, e->position.partition))
            positions_add(list, &e->position);
}

const struct offsets_position **offsets_committed(const struct offsets *o, struct evl_bytes group,
                                                  size_t *count)
{
    struct positions list = { 0 };
    positions_add_group(&list, &o->committed, group, NULL);
    positions_sort(&list);
    *count = list.count;
    return list.at;
}

const struct offsets_position **offsets_pending(const struct offsets *o, struct evl_bytes group,
                                                size_t *count)
{
    struct positions list = { 0 };
    for (size_t i = 0; i < o->open_count; i++)
        positions_add_group(&list, &o->open[i].ledger, group, &o->committed);
    positions_sort(&list);
    size_t kept = 0;
    for (size_t i = 0; i < list.count; i++) /* two transactions may have the same */
        if (i == 0 || position_compare(&list.at[kept - 1], &list.at[i]) != 0)
            list.at[kept++] = list.at[i];
    *count = kept;
    return list.at;
}

struct evl_bytes *offsets_groups(const struct offsets *o, size_t *count)
{
    const struct page *page;
    size_t room = o->committed.pages.count;
    for (size_t i = 0; i < o->open_count; i++)
        room += o->open[i].ledger.pages.count;
    struct evl_bytes *names = memory_take(room, sizeof *names);
    size_t n = 0;
    for (size_t i = 0; (page = map_next(&o->committed.pages, &i));)
        names[n++] = page->name;
    for (size_t t = 0; t < o->open_count; t++)
        for (size_t i = 0; (page = map_next(&o->open[t].ledger.pages, &i));)
            names[n++] = page->name;
    qsort(names, n, sizeof *names, name_compare);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || name_compare(&names[kept - 1], &names[i]) != 0)
            names[kept++] = names[i];
    *count = kept;
    return names;
}

/* ---- deciding ------------------------------------------------------------ */

enum kafka_error offsets_decide_commit(struct evl_bytes group,
                                       const struct offsets_position *position, int64_t now_ms,
                                       struct keyed_list *out)
{
    struct offset_commit_key key = { group, position->topic, position->partition };
    struct offset_commit_value value = { .offset = position->offset,
                                         .leader_epoch = position->leader_epoch,
                                         .metadata = position->metadata,
                                         .commit_timestamp = now_ms,
                                         .expire_timestamp = -1,
                                         .topic_id = position->topic_id };
    int16_t version = uuid_is_zero(&value.topic_id) ? VERSION_WITHOUT_ID : VERSION_WITH_ID;
    if (group.count == 0)
        return KAFKA_INVALID_GROUP_ID;
    if (position->offset < 0 || position->partition < 0)
        return KAFKA_INVALID_REQUEST;
    if (position->metadata.count > OFFSETS_METADATA_MAX)
        return KAFKA_OFFSET_METADATA_TOO_LARGE;
    if (!value.metadata.at)
        value.metadata = evl_text("");
    if (keyed_list_add(out, group_log(GROUP_LOG_offset_commit), &key, version, &value))
        return KAFKA_INVALID_COMMIT_OFFSET_SIZE;
    return KAFKA_NONE;
}

/* Of what was in a record, no name is too long for one. */
static void add_removal(struct evl_bytes group, struct evl_bytes topic, int32_t partition,
                        struct keyed_list *out)
{
    struct offset_commit_key key = { group, topic, partition };
    check(keyed_list_add(out, group_log(GROUP_LOG_offset_commit), &key, 0, NULL) == EVL_OK);
}

void offsets_decide_delete(const struct offsets *o, struct evl_bytes group, struct evl_bytes topic,
                           int32_t partition, struct keyed_list *out)
{
    if (offsets_find(o, group, topic, partition) || offsets_is_pending(o, group, topic, partition))
        add_removal(group, topic, partition, out);
}

static void add_removals(struct evl_bytes group, const struct offsets_position **positions,
                         size_t count, struct keyed_list *out)
{
    for (size_t i = 0; i < count; i++)
        add_removal(group, positions[i]->topic, positions[i]->partition, out);
    memory_free(positions);
}

void offsets_decide_delete_all(const struct offsets *o, struct evl_bytes group,
                               struct keyed_list *out)
{
    size_t count;
    const struct offsets_position **positions = offsets_committed(o, group, &count);
    add_removals(group, positions, count, out);
    positions = offsets_pending(o, group, &count);
    add_removals(group, positions, count, out);
}

static bool position_is_expired(const struct offsets_position *p, const struct offsets_expiry *e)
{
    if (p->expire_ms >= 0)
        return e->now_ms >= p->expire_ms;
    int64_t since = p->committed_ms > e->empty_since ? p->committed_ms : e->empty_since;
    return since <= e->now_ms - e->retention_ms;
}

void offsets_decide_expiry(const struct offsets *o, struct evl_bytes group,
                           const struct offsets_expiry *expiry, struct keyed_list *out)
{
    size_t count;
    const struct offsets_position **positions = offsets_committed(o, group, &count);
    for (size_t i = 0; i < count; i++) {
        const struct offsets_position *p = positions[i];
        if (position_is_expired(p, expiry) && !offsets_is_pending(o, group, p->topic, p->partition))
            add_removal(group, p->topic, p->partition, out);
    }
    memory_free(positions);
}
