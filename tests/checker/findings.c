/* findings.c - counting, and telling. */
#include "checker/findings.h"

#include <inttypes.h>
#include <string.h>

static const struct {
    const char *name, *what;
} anomalies[] = {
#define ANOMALY(NAME, name, what) { name, what },
#include "checker/anomalies.def"
#undef ANOMALY
};

const char *findings_name(enum anomaly kind) { return anomalies[kind].name; }

bool findings_allow(struct findings *f, const char *name)
{
    for (int i = 0; i < ANOMALY_COUNT; i++)
        if (strcmp(anomalies[i].name, name) == 0) {
            f->of[i].is_allowed = true;
            return true;
        }
    return false;
}

void findings_add(struct findings *f, enum anomaly kind, const struct witness *witness)
{
    struct finding *finding = &f->of[kind];
    if (finding->count < WITNESSES_MAX)
        finding->witnesses[finding->count] = *witness;
    finding->count++;
}

void findings_add_touch(struct findings *f, enum anomaly kind, const struct history *h,
                        const struct touch *touch, uint32_t other)
{
    struct witness w = { .key = history_key(h, touch->key), .value = touch->value };
    if (other != OP_NONE)
        w.events[w.count++] = h->ops[other].event;
    w.events[w.count++] = h->ops[touch->op].event;
    findings_add(f, kind, &w);
}

static void witness_print(const struct witness *w, FILE *out)
{
    if (w->key)
        fprintf(out, " %s %" PRId64 ":", w->key, w->value);
    for (int i = 0; i < w->count; i++)
        fprintf(out, " %" PRId64, w->events[i]);
    fputc(';', out);
}

void findings_print(const struct findings *f, FILE *out)
{
    for (int i = 0; i < ANOMALY_COUNT; i++) {
        const struct finding *finding = &f->of[i];
        fprintf(out, "%s %" PRId64, anomalies[i].name, finding->count);
        if (finding->count > 0)
            fprintf(out, "%s (%s):", finding->is_allowed ? " allowed" : "", anomalies[i].what);
        for (int64_t k = 0; k < finding->count && k < WITNESSES_MAX; k++)
            witness_print(&finding->witnesses[k], out);
        fputc('\n', out);
    }
}

bool findings_forbid(const struct findings *f)
{
    for (int i = 0; i < ANOMALY_COUNT; i++)
        if (f->of[i].count > 0 && !f->of[i].is_allowed)
            return true;
    return false;
}
