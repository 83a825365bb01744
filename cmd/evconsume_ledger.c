/* evconsume_ledger.c - the records of a partition that were handed on and are
 * not finished yet, and so, how far a commit may go.
 *
 * (1) Entries are in the order of their offsets, which is the order in which
 *     they are entered.
 * (2) The first entry is not finished: what is finished in front goes at once.
 *     A commit to the first entry's offset repeats whatever behind it was
 *     finished, and never skips what was not. */
#include "evconsume.h"

#include <stdlib.h>

struct ledger_entry {
    int64_t offset;
    bool finished, diverted;
};

/* Make room behind the last one: move to the front, if half of it is free. */
static void ledger_grow(struct ledger *ledger)
{
    size_t room = ledger->room;
    if (ledger->count * 2 > room)
        room = 2 * room;
    if (room == 0)
        room = 16;
    struct ledger_entry *at = tool_take(room, sizeof *at);
    if (ledger->count)
        memcpy(at, ledger->at + ledger->first, ledger->count * sizeof *at);
    free(ledger->at);
    *ledger = (struct ledger){ .at = at, .count = ledger->count, .room = room };
}

void ledger_enter(struct ledger *ledger, int64_t offset)
{
    if (ledger->first + ledger->count == ledger->room)
        ledger_grow(ledger);
    ledger->at[ledger->first + ledger->count++] = (struct ledger_entry){ .offset = offset };
}

/* The entry of an offset, or NULL. */
static struct ledger_entry *ledger_find(struct ledger *ledger, int64_t offset)
{
    size_t low = ledger->first;
    size_t end = ledger->first + ledger->count;
    size_t high = end;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ledger->at[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && ledger->at[low].offset == offset ? &ledger->at[low] : NULL;
}

bool ledger_finish(struct ledger *ledger, int64_t offset)
{
    struct ledger_entry *entry = ledger_find(ledger, offset);
    if (!entry || entry->finished)
        return false;
    entry->finished = true;
    while (ledger->count && ledger->at[ledger->first].finished) {
        ledger->first++;
        ledger->count--;
    }
    return true;
}

void ledger_divert(struct ledger *ledger, int64_t offset, bool wanted)
{
    struct ledger_entry *entry = ledger_find(ledger, offset);
    if (entry)
        entry->diverted = wanted;
}

int64_t ledger_reach(const struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->count; i++) {
        const struct ledger_entry *entry = &ledger->at[ledger->first + i];
        if (!entry->finished && !entry->diverted)
            return entry->offset;
    }
    return INT64_MAX;
}

int64_t ledger_first(const struct ledger *ledger)
{
    return ledger->count ? ledger->at[ledger->first].offset : -1;
}

void ledger_release(struct ledger *ledger)
{
    free(ledger->at);
    *ledger = (struct ledger){ 0 };
}
