/* evstream_admin.c - reset: a stream begins again elsewhere; describe: where it
 * is. */
#include "evstream.h"

#include <inttypes.h>
#include <stdlib.h>

#include "table.h"

static int reset_find(struct stream *s, const struct spec *spec, const struct evl_offsets *offsets,
                      struct evl_position_commit *at, size_t *count)
{
    for (size_t i = 0; i < offsets->count; i++) {
        const struct evl_committed *c = &offsets->at[i];
        struct evl_position position;
        int64_t offset;
        if (!spec_position(spec, c->topic, c->partition, &position))
            continue;
        enum evl_error err =
            evl_place_resolve(s->place, c->topic, c->partition, position, EVL_COMMITTED, &offset);
        if (err)
            return say_fault(err);
        at[(*count)++] = (struct evl_position_commit){ c->topic, c->partition, offset, -1, NULL };
    }
    return 0;
}

int stream_reset(struct stream *s, const char *name)
{
    struct spec_clock clock = { false, tool_now_ms(), EVL_NO_TIMESTAMP };
    struct spec spec = { 0 };
    struct evl_offsets offsets = { 0 };
    size_t count = 0;
    int status = spec_read(&spec, "--at", s->options.at ? s->options.at : "start", &clock);
    enum evl_error err = status ? EVL_OK : evl_admin_group_offsets(s->place, name, &offsets);
    if (err)
        status = say_fault(err);
    struct evl_position_commit *at = tool_take(offsets.count + 1, sizeof *at);
    if (status == 0)
        status = reset_find(s, &spec, &offsets, at, &count);
    err = status ? EVL_OK : evl_admin_group_reset(s->place, name, at, count, false);
    if (err)
        status = say_fault(err);
    if (status == 0)
        say(SAY_NOTICE, "%s: reset in %zu partitions; what it has written stays", name, count);
    free(at);
    evl_offsets_release(&offsets);
    spec_release(&spec);
    return status;
}

static const struct table_column columns[] = {
    { "TOPIC", false }, { "PARTITION", true }, { "OFFSET", true }, { "END", true },
    { "LAG", true },    { "PENDING", false },  { NULL, false },
};

static enum evl_error describe_row(struct stream *s, struct table *table,
                                   const struct evl_committed *c)
{
    struct evl_partition facts;
    enum evl_error err = evl_admin_partition(s->place, c->topic, c->partition, &facts);
    if (err)
        return err;
    table_text(table, c->topic);
    table_number(table, c->partition);
    table_number(table, c->offset);
    table_number(table, facts.stable_end);
    table_number(table, facts.stable_end > c->offset ? facts.stable_end - c->offset : 0);
    table_yes(table, c->pending);
    return EVL_OK;
}

int stream_describe(struct stream *s, const char *name)
{
    struct evl_offsets offsets;
    struct evl_buffer text = { 0 };
    struct table table;
    enum evl_error err = evl_admin_group_offsets(s->place, name, &offsets);
    if (err)
        return say_fault(err);
    table_begin(&table,
                s->options.json  ? TABLE_JSON
                : s->options.tsv ? TABLE_TSV
                                 : TABLE_ALIGNED,
                "describe", columns);
    for (size_t i = 0; i < offsets.count && !err; i++)
        err = describe_row(s, &table, &offsets.at[i]);
    table_end(&table, &text);
    evl_offsets_release(&offsets);
    int status = err ? say_fault(err) : text_write(1, "stdout", &text);
    evl_buffer_release(&text);
    return status;
}
