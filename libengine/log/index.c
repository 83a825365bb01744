/* index.c - sorted entries in a file, found by interpolation.
 *
 * Offsets grow with positions almost evenly, so a guess by proportion lands
 * within a page or two of the right one; every second probe halves instead,
 * so that no distribution makes it slow. */
#include "log/index.h"

#include "base/check.h"
#include "base/endian.h"
#include "base/fault.h"
#include "io/io_file.h"

enum { PAGE_BYTES = 4096 };

/* A run of entries, read at once. */
struct page {
    uint8_t bytes[PAGE_BYTES];
    int64_t first; /* number of its first entry */
    int64_t count;
};

static struct index_entry entry_decode(enum index_kind kind, const uint8_t *at)
{
    if (kind == INDEX_OFFSET)
        return (struct index_entry){ get_i32(at), get_i32(at + 4) };
    return (struct index_entry){ get_i64(at), get_i32(at + 8) };
}

static void entry_encode(enum index_kind kind, const struct index_entry *entry, uint8_t *at)
{
    if (kind == INDEX_OFFSET) {
        put_i32(at, (int32_t)entry->key);
        put_i32(at + 4, entry->value);
    } else {
        put_i64(at, entry->key);
        put_i32(at + 8, entry->value);
    }
}

static struct index_entry page_entry(const struct index *ix, const struct page *p, int64_t i)
{
    return entry_decode(ix->kind, p->bytes + i * (int)ix->kind);
}

/* Read the run that has entry `n` in it; runs are those that fit a page. */
static enum evl_error page_read(const struct index *ix, int64_t n, struct page *p)
{
    int64_t per_page = PAGE_BYTES / (int)ix->kind;
    size_t got;
    p->first = n / per_page * per_page;
    p->count = ix->count - p->first < per_page ? ix->count - p->first : per_page;
    enum evl_error err = io_read(ix->io, ix->file, p->bytes, (size_t)(p->count * (int)ix->kind),
                                 p->first * (int)ix->kind, &got);
    if (!err && got < (size_t)(p->count * (int)ix->kind))
        err = fail(EVL_ERR_CORRUPT, "index became shorter");
    return err;
}

/* ---- opening ------------------------------------------------------------- */

enum evl_error index_open(struct io *io, const char *path, enum index_kind kind, bool create,
                          struct index *ix)
{
    *ix = (struct index){ .io = io, .kind = kind, .file = -1 };
    enum evl_error err = io_open(io, path, create ? IO_CREATE : IO_READ, &ix->file);
    if (err == EVL_ERR_NOT_FOUND && !create)
        return EVL_OK;
    if (!err)
        err = index_refresh(ix);
    if (err)
        index_close(ix);
    return err ? failed(err, "%s", path) : EVL_OK;
}

void index_close(struct index *ix)
{
    if (ix->file >= 0)
        io_close(ix->io, ix->file);
    ix->file = -1;
    ix->count = 0;
}

enum evl_error index_get(const struct index *ix, int64_t n, struct index_entry *entry)
{
    uint8_t bytes[INDEX_TIME];
    size_t got;
    enum evl_error err =
        io_read(ix->io, ix->file, bytes, (size_t)ix->kind, n * (int)ix->kind, &got);
    if (!err && got < (size_t)ix->kind)
        err = fail(EVL_ERR_CORRUPT, "index became shorter");
    if (!err)
        *entry = entry_decode(ix->kind, bytes);
    return err;
}

static bool entry_is_empty(const struct index_entry *e) { return e->key == 0 && e->value == 0; }

/* The entries in use of a file that may be filled with zeros behind them. */
static enum evl_error index_trim(struct index *ix)
{
    struct index_entry last;
    enum evl_error err = index_get(ix, ix->count - 1, &last);
    if (err || !entry_is_empty(&last) || ix->count == 1)
        return err;
    int64_t low = 1; /* entry 0 may be all zero and yet be in use */
    int64_t high = ix->count - 1;
    while (low < high) { /* the first empty one is in [low, high] */
        int64_t middle = low + (high - low) / 2;
        err = index_get(ix, middle, &last);
        if (err)
            return err;
        if (entry_is_empty(&last))
            high = middle;
        else
            low = middle + 1;
    }
    ix->count = low;
    if (low == 1) { /* nothing but zeros: none in use */
        err = index_get(ix, 0, &last);
        ix->count = !err && entry_is_empty(&last) ? 0 : 1;
    }
    return err;
}

enum evl_error index_refresh(struct index *ix)
{
    int64_t size;
    if (ix->file < 0)
        return EVL_OK;
    enum evl_error err = io_size(ix->io, ix->file, &size);
    if (err)
        return err;
    if (size / (int)ix->kind == ix->count)
        return EVL_OK;
    ix->count = size / (int)ix->kind;
    return ix->count > 0 ? index_trim(ix) : EVL_OK;
}

/* ---- finding ------------------------------------------------------------- */

/* Between which entries the answer is: entries[low].key <= key <
 * entries[high].key. */
struct bounds {
    int64_t low, high; /* low = -1, high = count when not known yet */
    int64_t low_key, high_key;
};

/* Narrow the bounds by a page; true when the answer is in it. */
static bool bounds_narrow(const struct index *ix, const struct page *p, int64_t key,
                          struct bounds *b)
{
    struct index_entry first = page_entry(ix, p, 0);
    struct index_entry last = page_entry(ix, p, p->count - 1);
    if (key < first.key) {
        b->high = p->first;
        b->high_key = first.key;
        return false;
    }
    if (key >= last.key) {
        b->low = p->first + p->count - 1;
        b->low_key = last.key;
        return b->low + 1 >= b->high; /* the page's last entry is the answer */
    }
    return true;
}

static int64_t bounds_guess(const struct bounds *b, int64_t key, bool halve)
{
    int64_t low = b->low + 1;
    int64_t width = b->high - low;
    if (halve || b->low < 0 || b->high_key <= b->low_key)
        return low + width / 2;
    double part = ((double)key - (double)b->low_key) / ((double)b->high_key - (double)b->low_key);
    int64_t guess = low + (int64_t)((double)width * part);
    return guess < low ? low : guess >= b->high ? b->high - 1 : guess;
}

static struct index_entry page_find(const struct index *ix, const struct page *p, int64_t key)
{
    int64_t low = 0;
    int64_t high = p->count; /* entry[low].key <= key < entry[high].key */
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (page_entry(ix, p, middle).key <= key)
            low = middle;
        else
            high = middle;
    }
    return page_entry(ix, p, low);
}

enum evl_error index_find(const struct index *ix, int64_t key, struct index_entry *entry,
                          bool *found)
{
    struct bounds b = { .low = -1, .high = ix->count };
    struct page page;
    *found = false;
    int64_t probe = ix->count - 1; /* the newest are asked for most */
    for (int turn = 0; b.low + 1 < b.high; turn++) {
        enum evl_error err = page_read(ix, probe, &page);
        if (err)
            return err;
        if (bounds_narrow(ix, &page, key, &b)) {
            *entry = page_find(ix, &page, key);
            *found = true;
            return EVL_OK;
        }
        if (b.low + 1 < b.high)
            probe = turn == 0 ? 0 : bounds_guess(&b, key, turn % 2 == 0);
    }
    if (b.low < 0)
        return EVL_OK; /* before the first */
    *found = true;
    return index_get(ix, b.low, entry);
}

/* ---- changing ------------------------------------------------------------ */

enum evl_error index_add(struct index *ix, const struct index_entry *entries, int count)
{
    uint8_t bytes[INDEX_ADD_MAX * INDEX_TIME];
    size_t put;
    check(count <= INDEX_ADD_MAX);
    for (int i = 0; i < count; i++)
        entry_encode(ix->kind, &entries[i], bytes + i * (int)ix->kind);
    struct evl_bytes part = evl_bytes(bytes, (size_t)(count * (int)ix->kind));
    enum evl_error err = io_write_all(ix->io, ix->file, &part, 1, ix->count * (int)ix->kind, &put);
    if (!err)
        ix->count += count;
    return err;
}

enum evl_error index_cut(struct index *ix, int64_t count)
{
    int64_t size;
    enum evl_error err = io_size(ix->io, ix->file, &size);
    if (!err && size != count * (int)ix->kind)
        err = io_truncate(ix->io, ix->file, count * (int)ix->kind);
    if (!err)
        ix->count = count;
    return err;
}

enum evl_error index_cut_values(struct index *ix, int64_t value)
{
    int64_t low = 0;
    int64_t high = ix->count; /* values rise with keys: find the first one to go */
    while (low < high) {
        struct index_entry entry;
        int64_t middle = low + (high - low) / 2;
        enum evl_error err = index_get(ix, middle, &entry);
        if (err)
            return err;
        if (entry.value < value)
            low = middle + 1;
        else
            high = middle;
    }
    return index_cut(ix, low);
}
