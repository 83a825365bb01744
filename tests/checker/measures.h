/* measures.h - what is not wrong, and worth knowing. */
#ifndef TESTS_MEASURES_H
#define TESTS_MEASURES_H

#include "checker/versions.h"

struct measures {
    int64_t empty;   /* polls that brought nothing of a key that the process had polled before */
    int64_t late;    /* of them: the next value was acknowledged before the poll began, */
    int64_t lag_max; /* so many nanoseconds before, at the most */
    int64_t lag_event;
    const char *lag_key;
    int64_t consumed;       /* values that processes which subscribed have polled, ok */
    int64_t consumed_again; /* and how many of them more than once, */
    int64_t consumed_most;  /* how often at the most */
};

void measures_take(struct measures *m, const struct history *h, const struct versions *v);
void measures_print(const struct measures *m, const struct history *h, FILE *out);

#endif
