/* records.c - values end to end in one buf. */
#include "cluster/records.h"

#include "base/check.h"
#include "base/memory.h"

enum evl_error records_add(struct records *r, enum metadata_key key, int version,
                           const void *record)
{
    enum evl_error err = metadata_add(key, version, record, &r->bytes);
    if (err)
        return err;
    if (r->count == r->room) {
        r->room = r->room ? r->room * 2 : 8;
        r->ends = memory_grow(r->ends, r->room, sizeof *r->ends);
    }
    r->ends[r->count++] = r->bytes.count;
    return EVL_OK;
}

struct evl_bytes records_at(const struct records *r, size_t i)
{
    check(i < r->count);
    size_t begin = i > 0 ? r->ends[i - 1] : 0;
    return evl_bytes(r->bytes.at + begin, r->ends[i] - begin);
}

void records_clear(struct records *r)
{
    buf_clear(&r->bytes);
    r->count = 0;
}

void records_release(struct records *r)
{
    buf_release(&r->bytes);
    memory_free(r->ends);
    *r = (struct records){ 0 };
}
