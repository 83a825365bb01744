/* findings.c - a list of damages, with texts of their own. */
#include "log/findings.h"

#include "base/memory.h"

enum { KEPT_MAX = 1000 };

struct finding {
    char *file, *text;
    int64_t position, offset;
};

static void finding_keep(struct findings *f, const struct check_damage *damage)
{
    f->at = memory_grow(f->at, f->count + 1, sizeof *f->at);
    f->at[f->count++] = (struct finding){ memory_text(damage->file), memory_text(damage->text),
                                          damage->position, damage->offset };
}

void findings_add(struct findings *f, const struct check_damage *damage)
{
    if (!f->found)
        return;
    if (f->count == KEPT_MAX)
        findings_tell(f);
    if (f->kept)
        finding_keep(f, damage);
    else
        f->found(f->context, damage);
}

void findings_tell(struct findings *f)
{
    for (size_t i = 0; i < f->count; i++) {
        const struct finding *kept = &f->at[i];
        struct check_damage damage = { kept->file, kept->position, kept->offset, kept->text };
        f->found(f->context, &damage);
    }
    findings_forget(f);
    f->kept = false;
}

void findings_forget(struct findings *f)
{
    for (size_t i = 0; i < f->count; i++) {
        memory_free(f->at[i].file);
        memory_free(f->at[i].text);
    }
    memory_free(f->at);
    f->at = NULL;
    f->count = 0;
}
