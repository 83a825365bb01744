/* evl/config.h - settings of topics, and the file ev.conf. */
#ifndef EVL_CONFIG_H
#define EVL_CONFIG_H

#include <evl/bytes.h>
#include <evl/error.h>

/* ---- settings -------------------------------------------------------------- */

/* One setting that a topic may carry.  All texts live for ever. */
struct evl_setting {
    const char *name;       /* "retention.ms" */
    const char *type;       /* as help writes it: DURATION, SIZE, N, BOOL, LIST, WORD, RATIO */
    const char *kafka_type; /* as Kafka calls it: LONG, INT, ... */
    const char *words;      /* what it may be, "sync|os"; NULL: not one of some words */
    const char *initial;    /* friendly: "7d" */
    const char *least;      /* NULL: no bound of its own */
    const char *most;       /* NULL: no bound of its own */
    const char *doc;        /* what it does, in a sentence or two */
};

/* The i'th setting, sorted by name; or that of a name.  False if there is none. */
bool evl_setting(size_t i, struct evl_setting *setting);
bool evl_setting_find(const char *name, struct evl_setting *setting);

/* ---- ev.conf --------------------------------------------------------------- */

/* What was read from
 *
 *     # a comment; so is what begins with ;
 *     [default]
 *     brokers = host:9092
 *     [profile laptop]
 *     dir = /var/lib/ev
 *     [alias]
 *     tail = evconsume -f */
struct evl_ini;

/* CONFIG, with the line and what is wrong there.  The caller frees *ini; the
 * bytes are not needed afterwards. */
enum evl_error evl_ini_read(struct evl_bytes text, struct evl_ini **ini);
void evl_ini_free(struct evl_ini *ini);

struct evl_ini_entry {
    const char *section; /* "default", "profile", "alias" */
    const char *name;    /* of the profile; "" in other sections */
    const char *key;     /* NULL: the section's own line */
    const char *value;
    int line;
};

/* The i'th entry in the order of the file, or NULL past the end. */
const struct evl_ini_entry *evl_ini_at(const struct evl_ini *ini, size_t i);

/* The value of a key, the last one if there are several; NULL if there is
 * none.  `name` is "" but for profiles.  Borrowed from the ini. */
const char *evl_ini_get(const struct evl_ini *ini, const char *section, const char *name,
                        const char *key);

/* Is there such a section, empty or not? */
bool evl_ini_has(const struct evl_ini *ini, const char *section, const char *name);

#endif
