/* model.h - what was promised, and so what must be seen.
 *
 * Lives outside of the simulated world: no crash reaches it.  Whoever writes
 * tells it what was acknowledged, whoever reads what was shown to him; from
 * then on it knows which record has which offset, and everything that is seen
 * later is held against that.  The first broken promise is kept, and ends the
 * run.
 *
 * A fact is firm or soft.  Firm is what was acknowledged after its sync, and
 * what a reader was shown where all are synced first: nothing may take it away.
 * Soft is what flush=os has acknowledged or shown: a power cut or a repair may
 * take what lies behind the last firm record of its partition. */
#ifndef TESTS_MODEL_H
#define TESTS_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <evl/buffer.h>

struct model;

struct model *model_create(void);
void model_destroy(struct model *m);

/* A promise was broken. */
__attribute__((format(printf, 2, 3))) void model_break(struct model *m, const char *format, ...);

/* What the first one was; NULL as long as all is well. */
const char *model_broken(const struct model *m);

/* ---- topics -------------------------------------------------------------- */

/* The topic with this id, which has this name now: a number.  It exists until
 * somebody begins to remove it. */
int model_topic(struct model *m, const char *id, const char *name);

/* Somebody is at it; what comes of it shows when the topics are listed. */
void model_renaming(struct model *m, int topic, const char *from, const char *to);
void model_renamed(struct model *m, int topic);
void model_removing(struct model *m, int topic);
void model_removed(struct model *m, int topic);

bool model_is_removed(const struct model *m, int topic);

/* Somebody writes to it with flush=os: what is shown of it is soft. */
void model_is_os(struct model *m, int topic);

/* ---- records ------------------------------------------------------------- */

/* A new record of a writer, about to be sent: its number.  Writers are numbered
 * from 0; each sends its records in the order of their numbers. */
int64_t model_record(struct model *m, int topic, int partition, int writer);
int model_writer(struct model *m);

/* What is in it. */
void model_value(int64_t record, struct evl_buffer *value);

/* A living process was told that it is written. */
void model_acknowledge(struct model *m, int64_t record, int64_t offset, bool firm);

/* A living process was shown this. */
void model_show(struct model *m, int topic, int partition, int64_t offset, struct evl_bytes value);

/* It noted that it has read everything before this offset; where a cut may take
 * what was shown, no more than what is left then. */
void model_save(struct model *m, int topic, int partition, int64_t position);
int64_t model_saved(const struct model *m, int topic, int partition);

/* ---- accidents ----------------------------------------------------------- */

/* The power went; or one partition was cut back by a repair. */
void model_cut(struct model *m);
void model_repair(struct model *m, int topic, int partition);

/* ---- the reckoning ------------------------------------------------------- */

/* Begin to look at everything, in a world that is at rest. */
void model_audit(struct model *m);

/* There is a topic of this id and name: its number. */
int model_audit_topic(struct model *m, const char *id, const char *name);

/* Then model_show for each of its records in order, and where they end.  `firm`:
 * what was shown stays. */
void model_audit_partition(struct model *m, int topic, int partition);
void model_audit_end(struct model *m, int topic, int partition, int64_t end, bool firm);

/* Its leader epoch, which never goes back. */
void model_audit_epoch(struct model *m, int topic, int partition, int32_t epoch);

/* All was looked at.  And: the audit is over, whether it came that far or not. */
void model_audited(struct model *m);
void model_audit_over(struct model *m);

#endif
