/* config.h - a topic's settings: the struct, and the texts that become it.
 *
 * Settings are numbered in the order of topic.def, which is that of their
 * names.  There are two ways to write a value: Kafka's (604800000), which is
 * what the log keeps, and a friendly one (7d).  Both are understood. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <evl/config.h>
#include <evl/error.h>

#include "base/buf.h"

enum { CLEANUP_DELETE = 1, CLEANUP_COMPACT = 2 }; /* bits of cleanup_policy */

enum config_compression {
    COMPRESSION_UNCOMPRESSED,
    COMPRESSION_ZSTD,
    COMPRESSION_LZ4,
    COMPRESSION_SNAPPY,
    COMPRESSION_GZIP,
    COMPRESSION_PRODUCER,
};
enum config_timestamp { TIMESTAMP_CREATE, TIMESTAMP_APPEND };
enum config_flush { FLUSH_SYNC, FLUSH_OS };

/* "max" of a 64 bit setting: no limit. */
#define CONFIG_MAX INT64_MAX

#define KIND(kind, ctype, kafka, help, words) typedef ctype config_##kind;
#include "config/kinds.def"
#undef KIND

/* Plain values; copy it as you like.  Of the throttled replicas, it only says
 * whether there are any. */
struct topic_config {
#define SETTING(member, name, kind, initial, least, most, doc) config_##kind member;
#include "config/topic.def"
#undef SETTING
};

enum config_setting {
#define SETTING(member, name, kind, initial, least, most, doc) SETTING_##member,
#include "config/topic.def"
#undef SETTING
    SETTINGS,
};

enum config_form { CONFIG_KAFKA, CONFIG_FRIENDLY };

/* Every setting at its initial value. */
void config_init(struct topic_config *c);

/* The setting of that name, or -1.  config_unknown() is the error to give. */
int config_find(const char *name);
enum evl_error config_unknown(const char *name);

/* Is its value a list, to which something can be added? */
bool config_is_list(int setting);

/* Set by name from a text in either form.  CONFIG: no such setting, no such
 * value, or out of bounds; the text says which, and what would do. */
enum evl_error config_set(struct topic_config *c, const char *name, const char *value);

/* Back to the initial value. */
void config_unset(struct topic_config *c, int setting);
bool config_is_initial(const struct topic_config *c, int setting);

/* CONFIG if settings that are right by themselves contradict each other. */
enum evl_error config_check(const struct topic_config *c);

/* Write a value as a text that is read back as the same value.  (Throttled
 * replicas, if any, read as *: which, only the topic's own text knows.) */
void config_print(const struct topic_config *c, int setting, enum config_form form,
                  struct evl_buffer *out);

/* Any text of a setting, in the form asked for: what goes into a record, or to
 * a person.  CONFIG as config_set. */
enum evl_error config_rewrite(const char *name, const char *value, enum config_form form,
                              struct evl_buffer *out);

#endif
