/* foreign.h - a directory that Apache Kafka wrote, to be read.
 *
 * Its folders are its topics: TOPIC-N, but not those on their way out
 * (-delete), on their way in (-future) or lost (-stray).  Names and ids are
 * known, and which partitions are here; settings are not. */
#ifndef PLACE_FOREIGN_H
#define PLACE_FOREIGN_H

#include "io/io.h"
#include "place/directory.h"

struct foreign;

/* Whether a folder without meta.properties of ours looks like one. */
bool foreign_is_one(struct io *io, const char *path);

/* BUSY: a broker of Apache Kafka holds the directory, ours or not: it locks all
 * of .lock while it runs. */
enum evl_error foreign_is_free(struct io *io, const char *path);

enum evl_error foreign_open(struct io *io, const char *path, struct foreign **foreign);
void foreign_close(struct foreign *f);

bool foreign_topic_at(const struct foreign *f, size_t i, struct directory_topic *topic);
bool foreign_topic(const struct foreign *f, const char *name, struct directory_topic *topic);

/* Parse "TOPIC-N"; the name's length, or 0 if it is no such folder. */
size_t foreign_parse(const char *folder, int32_t *partition);

#endif
