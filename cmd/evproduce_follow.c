/* evproduce_follow.c - from files that grow.
 *
 * Records of several files come in turns; each file has a reader of its own,
 * which knows what it has seen half of. */
#include "evproduce.h"
#include "tail.h"

struct follow {
    struct tail *tail;
    struct tail_piece piece;
};

static enum feed_event follow_source(void *context, int64_t ms)
{
    struct follow *follow = context;
    return tail_next(follow->tail, ms, &follow->piece);
}

static void reader_forget(void *reader) { evl_format_reader_close(reader); }

/* The options were good for one reader; they are for another. */
static int reader_of(struct produce *p, void **mine, struct evl_format_reader **reader)
{
    enum evl_error err = EVL_OK;
    struct evl_format_reader *opened = *mine;
    if (!opened)
        err = evl_format_reader_open(&p->form, &opened);
    if (err)
        return say_fault(err);
    *reader = *mine = opened;
    return 0;
}

static int piece_send(struct produce *p, struct follow *follow)
{
    struct tail_piece *piece = &follow->piece;
    struct evl_format_reader *usual = p->reader;
    size_t used = 0;
    int status = reader_of(p, piece->mine, &p->reader);
    if (status == 0)
        status = block_send(p, piece->name, piece->bytes, piece->last, &used);
    p->reader = usual;
    tail_take(follow->tail, used);
    p->read_bytes += (int64_t)used;
    return status;
}

static int follow_drain(struct produce *p, struct follow *follow)
{
    struct source source = { follow_source, follow, false };
    enum feed_event event = FEED_IDLE;
    int status = 0;
    while (status == 0 && event != FEED_END && !signals_caught()) {
        event = input_await(p, &source, &status);
        progress_tick(&p->progress, p->sent, p->read_bytes, p->total);
        if (event == FEED_BROKEN)
            keep_first(&status, EXIT_IO);
        if (event == FEED_MORE && status == 0)
            status = piece_send(p, follow);
    }
    return status;
}

int follow_run(struct produce *p, char *const *paths, size_t count)
{
    struct tail_options options = { .paths = paths,
                                    .count = count,
                                    .rescan = p->options.rescan,
                                    .follow = p->options.follow,
                                    .forget = reader_forget };
    struct follow follow = { 0 };
    int status = tail_open(&options, &follow.tail);
    if (status == 0)
        status = follow_drain(p, &follow);
    tail_close(follow.tail);
    return status;
}
