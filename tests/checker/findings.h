/* findings.h - the anomalies of a history, counted by kind. */
#ifndef TESTS_FINDINGS_H
#define TESTS_FINDINGS_H

#include "checker/history.h"

enum anomaly {
#define ANOMALY(NAME, name, what) ANOMALY_##NAME,
#include "checker/anomalies.def"
#undef ANOMALY
    ANOMALY_COUNT
};

enum { WITNESSES_MAX = 5, WITNESS_EVENTS_MAX = 8 };

/* One case of an anomaly: the events that show it, and what it is about. */
struct witness {
    const char *key; /* NULL: several keys */
    int64_t value;
    int64_t events[WITNESS_EVENTS_MAX];
    int count;
};

struct findings {
    struct finding {
        int64_t count;
        struct witness witnesses[WITNESSES_MAX]; /* the first ones */
        bool is_allowed;
    } of[ANOMALY_COUNT];
};

const char *findings_name(enum anomaly kind);

/* False if there is no such kind. */
bool findings_allow(struct findings *f, const char *name);

void findings_add(struct findings *f, enum anomaly kind, const struct witness *witness);

/* The case of one touch: its operation, and another one (OP_NONE: none). */
void findings_add_touch(struct findings *f, enum anomaly kind, const struct history *h,
                        const struct touch *touch, uint32_t other);

/* One line for each kind, found or not. */
void findings_print(const struct findings *f, FILE *out);

/* Whether there is one that is not allowed. */
bool findings_forbid(const struct findings *f);

#endif
