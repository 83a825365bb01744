/* fuzz_metadata.c - a metadata log of anything.
 *
 * The input is values, each behind a byte that is its length.  Those that are
 * understood are printed, and applied to an image, which must stay whole: every
 * topic is found by name and by id, and can be removed by a decision. */
#include "base/check.h"
#include "cluster/decide.h"
#include "fuzz.h"

static void try_value(struct image *image, struct evl_bytes value, struct evl_buffer *text)
{
    buf_clear(text);
    bool readable = metadata_print(value, PROTO_JSON, text) == EVL_OK;
    enum evl_error err = image_apply(image, value);
    check(err != EVL_OK || readable);
    check(err != EVL_ERR_INTERNAL);
}

static void check_topic(const struct image *image, const struct topic *t)
{
    check(image_topic(image, t->name) == t && image_topic_by_id(image, &t->id) == t);
    for (int32_t p = 0; p < t->partition_count; p++) {
        const struct partition *partition = topic_partition(t, p);
        check(!partition || partition->directories.count == 0 ||
              partition->directories.count == partition->replicas.count);
    }
}

static void remove_all(struct image *image)
{
    struct records records = { 0 };
    size_t count;
    for (struct topic *const *topics = image_topics(image, &count); count > 0;
         topics = image_topics(image, &count)) {
        check_topic(image, topics[0]);
        check(decide_remove(image, topics[0]->name, &records) == EVL_OK && records.count == 1);
        check(image_apply(image, records_at(&records, 0)) == EVL_OK);
    }
    check(image->by_id.count == 0);
    records_release(&records);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    struct image *image = image_create();
    struct evl_buffer text = { 0 };
    for (size_t i = 0; i < count; i += (size_t)at[i] + 1) {
        size_t left = count - i - 1;
        try_value(image, evl_bytes(at + i + 1, at[i] < left ? at[i] : left), &text);
    }
    if (!image->in_transaction)
        remove_all(image);
    buf_release(&text);
    image_destroy(image);
    return 0;
}
