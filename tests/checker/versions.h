/* versions.h - the order of each key's values, as the history proves it.
 *
 * Offsets have holes (markers, aborted records, what compaction took), so
 * values are counted: index 0 is a key's first value that is known to lie in
 * its log.  What lies in the log: what was polled, and what was sent with an
 * offset by an operation that is committed.
 *
 * An operation is committed if it is ok, or if it is a transaction whose end
 * is not known and a value of it was polled by an ok one.  A plain send is not
 * all or nothing: one value of it says nothing of the others. */
#ifndef TESTS_VERSIONS_H
#define TESTS_VERSIONS_H

#include "checker/findings.h"

/* What is known of one value of one key. */
struct value {
    int64_t first, last;        /* its least and largest index; -1: not in the log */
    const struct touch *sent;   /* NULL: by nobody */
    const struct touch *polled; /* its first poll by an ok operation; or NULL */
    uint32_t key;
    bool was_seen; /* by any poll at all */
};

/* One place in a key's log. */
struct version {
    int64_t offset;
    uint32_t key, id;
};

struct versions {
    struct value *values; /* by touch.id */
    size_t value_count;
    struct version *at; /* sorted by key and offset, one for each */
    size_t count;
    size_t *begins;  /* of each key, in `at`; one more at the end */
    bool *committed; /* by operation */
};

/* Number the history's values, and order them; INCONSISTENT and DUPLICATE show
 * on the way.  CORRUPT: a value is sent twice. */
enum evl_error versions_make(struct versions *v, struct history *h, struct findings *f);
void versions_release(struct versions *v);

/* The index of what was touched; -1: it is not known to lie in the log. */
int64_t versions_index(const struct versions *v, const struct touch *touch);

static inline int64_t versions_of_key(const struct versions *v, uint32_t key)
{
    return (int64_t)(v->begins[key + 1] - v->begins[key]);
}

#endif
