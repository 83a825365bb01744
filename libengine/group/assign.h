/* assign.h - which member of a group gets which partition.
 *
 * Pure functions from who wants what, and has what, to an owner for each
 * partition: the server's two ways (uniform is sticky, range), and the four that
 * Kafka's clients know.  The same question, the same answer.
 *
 * The order of the members decides where nothing else does: whoever asks sorts
 * them, so that all who ask agree. */
#ifndef GROUP_ASSIGN_H
#define GROUP_ASSIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct assign_place {
    size_t topic; /* its index in the question */
    int32_t partition;
};

struct assign_member {
    const size_t *topics; /* subscribed: indexes, rising */
    size_t topic_count;
    const struct assign_place *owned; /* what it says it has; it may be wrong */
    size_t owned_count;
    int32_t generation; /* since when: where two claim the same, the later is right */
};

struct assign {
    const int32_t *partitions; /* of each topic */
    size_t topic_count;
    const struct assign_member *members;
    size_t member_count;
};

/* How many partitions there are in all: topic after topic, they are numbered. */
size_t assign_total(const struct assign *a);

/* All below fill owner[assign_total()] with an index of a member each, or -1
 * where a topic has no subscriber. */

/* Each topic by itself: runs of partitions, the first members get one more. */
void assign_range(const struct assign *a, int32_t *owner);

/* One partition each in turn, through all topics. */
void assign_roundrobin(const struct assign *a, int32_t *owner);

/* As even as subscriptions allow, with as few changes of owner as that needs:
 * no partition could move to a member that has two fewer. */
void assign_sticky(const struct assign *a, int32_t *owner);

/* As sticky; but what somebody else still has, nobody gets (-1): its owner gives
 * it back first, and the next round hands it out. */
void assign_cooperative(const struct assign *a, int32_t *owner);

/* ---- by name ------------------------------------------------------------- */

typedef void assign_function(const struct assign *a, int32_t *owner);

/* The server's, by Kafka's names "uniform" and "range"; NULL: neither. */
assign_function *assign_of_server(const char *name, size_t count);

#endif
