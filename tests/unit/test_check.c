/* Checking a log: every flipped bit is found, and where it is. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <evl/admin.h>
#include <evl/producer.h>

#include "base/memory.h"
#include "log/check.h"
#include "log_kit.h"

/* What was told. */
struct heard {
    int count;
    char file[64]; /* of the first one */
    int64_t position, offset;
};

static void hear(void *context, const struct check_damage *d)
{
    struct heard *h = context;
    if (h->count++ > 0)
        return;
    snprintf(h->file, sizeof h->file, "%s", d->file);
    h->position = d->position;
    h->offset = d->offset;
}

static enum evl_error heard_of(struct log *log, struct heard *heard, struct check_result *result)
{
    return check_log(log, &(struct check_listener){ .context = heard, .damage = hear }, result);
}

static const struct check_listener nobody;

static void kit_filled(struct kit *k, struct kit_user *u, struct kit_model *m)
{
    kit_open(k, 1);
    k->config.segment_bytes = 1500;
    EXPECT(kit_join(k, u, true) == EVL_OK);
    for (int i = 0; i < 60; i++)
        EXPECT(kit_put(u, m, i, i, 3, 1000 + i) == EVL_OK);
    EXPECT(u->log->base_count > 3);
}

TEST("a whole log has no damage, and all of it was read")
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    struct check_result result;
    struct heard heard = { 0 };
    int64_t bytes;
    kit_filled(&k, &u, &m);
    EXPECT(heard_of(u.log, &heard, &result) == EVL_OK);
    EXPECT(heard.count == 0 && result.damages == 0);
    EXPECT(result.records == m.count && result.batches == 60);
    EXPECT(log_bytes(u.log, &bytes) == EVL_OK && result.bytes == bytes);
    EXPECT(result.segments == (int32_t)u.log->base_count);
    kit_leave(&u);
    kit_close(&k);
}

/* Flip bits of a file one after the other; each must be told, with the file. */
static void flip_all(const char *name)
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    struct check_result result;
    struct io_stat stat;
    char path[64];
    kit_filled(&k, &u, &m);
    snprintf(path, sizeof path, "d/t-0/%s", name);
    EXPECT(io_stat(u.io, path, &stat) == EVL_OK && stat.size > 0);
    for (int64_t at = 0; at < stat.size; at++) {
        struct heard heard = { 0 };
        EXPECT(sim_flip(k.sim, path, at, (int)(at % 8)) == EVL_OK);
        EXPECT(heard_of(u.log, &heard, &result) == EVL_OK);
        bool told = heard.count > 0 && strcmp(heard.file, name) == 0;
        if (!told)
            printf("# %s: bit %d of byte %" PRId64 ": %d told, the first in %s\n", name,
                   (int)(at % 8), at, heard.count, heard.file);
        EXPECT(told);
        EXPECT(sim_flip(k.sim, path, at, (int)(at % 8)) == EVL_OK);
    }
    struct heard heard = { 0 };
    EXPECT(heard_of(u.log, &heard, &result) == EVL_OK && heard.count == 0);
    kit_leave(&u);
    kit_close(&k);
}

TEST("every flipped bit of a segment is told, with its file")
{
    flip_all("00000000000000000000.log");
}

TEST("every flipped bit of an index is told, with its file")
{
    flip_all("00000000000000000000.index");
    flip_all("00000000000000000000.timeindex");
}

TEST("behind damage in the middle, what the index still knows is checked and counted")
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    struct check_result whole;
    struct check_result result;
    struct heard heard = { 0 };
    kit_filled(&k, &u, &m);
    EXPECT(check_log(u.log, &nobody, &whole) == EVL_OK);
    EXPECT(sim_flip(k.sim, "d/t-0/00000000000000000000.log", 300, 1) == EVL_OK);
    EXPECT(heard_of(u.log, &heard, &result) == EVL_OK);
    EXPECT(heard.count == 1 && heard.position <= 300 && heard.offset >= 0);
    EXPECT(result.segments == whole.segments);
    EXPECT(result.batches < whole.batches && result.batches > whole.batches - 6);
    kit_leave(&u);
    kit_close(&k);
}

TEST("a segment, an index entry or a snapshot that is gone or torn is told")
{
    struct kit k;
    struct kit_user u;
    struct kit_model m = { 0 };
    struct check_result result;
    struct heard heard = { 0 };
    char path[PATH_MAX];
    int file;
    kit_filled(&k, &u, &m);
    EXPECT(segment_path("d/t-0", u.log->bases[2], "snapshot", path) == EVL_OK);
    EXPECT(sim_flip(k.sim, path, 3, 3) == EVL_OK);
    EXPECT(heard_of(u.log, &heard, &result) == EVL_OK);
    EXPECT(heard.count == 1 && strstr(heard.file, ".snapshot"));
    EXPECT(sim_flip(k.sim, path, 3, 3) == EVL_OK);
    EXPECT(segment_path("d/t-0", u.log->bases[1], "log", path) == EVL_OK);
    EXPECT(io_open(u.io, path, IO_WRITE, &file) == EVL_OK);
    EXPECT(io_truncate(u.io, file, 700) == EVL_OK);
    io_close(u.io, file);
    heard.count = 0;
    EXPECT(heard_of(u.log, &heard, &result) == EVL_OK && heard.count > 0);
    EXPECT(strcmp(heard.file, strrchr(path, '/') + 1) == 0);
    EXPECT(io_remove(u.io, path) == EVL_OK);
    EXPECT(log_list(u.log) == EVL_OK);
    heard.count = 0;
    EXPECT(heard_of(u.log, &heard, &result) == EVL_OK && heard.count > 0);
    EXPECT(heard.offset > 0);
    kit_leave(&u);
    kit_close(&k);
}

/* ---- on the machine itself ----------------------------------------------- */

static int place_damages;

static void place_hear(void *context, const struct evl_damage *damage)
{
    (void)context;
    EXPECT(strstr(damage->file, "orders-0/0000") == damage->file);
    place_damages++;
}

static const struct evl_check_listener place_listener = { .damage = place_hear };

static void place_fill(struct evl_place *place)
{
    struct evl_producer *p;
    struct evl_producer_options o = { .topic = "orders", .create = true };
    REQUIRE(evl_producer_open(place, &o, &p) == EVL_OK);
    for (int i = 0; i < 1000; i++) {
        struct evl_record record = EVL_RECORD_NONE;
        record.key = evl_bytes(&i, sizeof i);
        record.value = evl_text("some value");
        EXPECT(evl_producer_send(p, &record) == EVL_OK);
        if (i % 50 == 0)
            EXPECT(evl_producer_flush(p) == EVL_OK);
    }
    EXPECT(evl_producer_flush(p) == EVL_OK);
    evl_producer_close(p);
}

/* Compact, clean and trim; all of it is whole afterwards. */
static void place_keep(struct evl_place *place)
{
    struct evl_upkeep upkeep;
    struct evl_check check;
    int64_t start;
    EXPECT(evl_admin_compact(place, "orders", 0, true, false, &upkeep) == EVL_ERR_CONFIG);
    EXPECT(evl_admin_clean(place, "orders", 0, false, &upkeep) == EVL_OK);
    EXPECT(upkeep.segments_deleted == 0 && upkeep.bytes_after == upkeep.bytes_before);
    EXPECT(evl_admin_trim(place, "orders", 0, 100, false, &start) == EVL_OK && start == 100);
    struct evl_change compact = { EVL_SET, "cleanup.policy", "compact" };
    EXPECT(evl_admin_configure(place, "orders", &compact, 1, false) == EVL_OK);
    EXPECT(evl_admin_compact(place, "orders", 0, true, false, &upkeep) == EVL_OK);
    EXPECT(upkeep.records_before == 1000 && upkeep.records_after == 1000);
    EXPECT(evl_admin_check(place, "orders", 0, &place_listener, &check) == EVL_OK);
    EXPECT(check.damages == 0 && check.records == 1000 && place_damages == 0);
}

static void place_break(const char *dir)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/orders-0/00000000000000000000.log", dir);
    FILE *file = fopen(path, "r+b");
    REQUIRE(file);
    EXPECT(fseek(file, 5000, SEEK_SET) == 0 && fputc(0xff, file) != EOF);
    EXPECT(fclose(file) == 0);
}

TEST("on a real disk a log is compacted, trimmed and checked, and damage is found")
{
    char dir[] = "/tmp/evl-check-XXXXXX";
    char command[64];
    struct evl_place *place;
    struct evl_check check;
    REQUIRE(mkdtemp(dir));
    struct evl_place_options o = { .dir = dir, .create = true, .force = true };
    REQUIRE(evl_place_open(&o, &place) == EVL_OK);
    place_fill(place);
    place_keep(place);
    place_break(dir);
    EXPECT(evl_admin_check(place, "orders", 0, &place_listener, &check) == EVL_OK);
    EXPECT(check.damages > 0 && place_damages == check.damages && check.records < 1000);
    evl_place_close(place);
    snprintf(command, sizeof command, "rm -r %s", dir);
    EXPECT(system(command) == 0);
}

/* How often a check may say how far it is. */
struct patience {
    int calls, left;
    int64_t done, bytes;
};

static bool patience_lasts(void *context, const struct evl_check *so_far, int64_t bytes)
{
    struct patience *p = context;
    EXPECT(so_far->bytes > p->done && so_far->bytes <= bytes && so_far->records > 0);
    p->calls++;
    p->done = so_far->bytes;
    p->bytes = bytes;
    return --p->left > 0;
}

static void place_fill_large(struct evl_place *place)
{
    enum { LARGE = 500 << 10 };
    struct evl_producer *p;
    struct evl_producer_options o = { .topic = "orders", .create = true };
    struct evl_record record = EVL_RECORD_NONE;
    char *value = memory_take(1, LARGE);
    record.value = evl_bytes(value, LARGE);
    REQUIRE(evl_producer_open(place, &o, &p) == EVL_OK);
    for (int i = 0; i < 10; i++)
        EXPECT(evl_producer_send(p, &record) == EVL_OK && evl_producer_flush(p) == EVL_OK);
    evl_producer_close(p);
    memory_free(value);
}

TEST("a check says how far it is inside of a partition, and ends when it is told to")
{
    char dir[] = "/tmp/evl-check-XXXXXX";
    char command[64];
    struct evl_place *place;
    struct evl_check check;
    struct patience patient = { .left = 1000 }, hasty = { .left = 2 };
    REQUIRE(mkdtemp(dir));
    struct evl_place_options o = { .dir = dir, .create = true, .force = true };
    REQUIRE(evl_place_open(&o, &place) == EVL_OK);
    place_fill_large(place);
    struct evl_check_listener listener = { .context = &patient, .progress = patience_lasts };
    EXPECT(evl_admin_check(place, "orders", 0, &listener, &check) == EVL_OK);
    EXPECT(patient.calls > 2 && patient.bytes == check.bytes && check.records == 10);
    listener.context = &hasty;
    EXPECT(evl_admin_check(place, "orders", 0, &listener, &check) == EVL_OK);
    EXPECT(hasty.calls == 2 && check.records < 10 && check.damages == 0);
    evl_place_close(place);
    snprintf(command, sizeof command, "rm -r %s", dir);
    EXPECT(system(command) == 0);
}
