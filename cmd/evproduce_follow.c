/* evproduce_follow.c - from files that grow.
 *
 * Records of several files come in turns; each file has a reader of its own,
 * which knows what it has seen half of. */
#include "evproduce.h"

/* The tail of `p`, as a source of input. */
struct follow {
    struct produce *produce;
    struct tail_piece piece;
};

static enum feed_event follow_source(void *context, int64_t ms)
{
    struct follow *follow = context;
    return tail_next(follow->produce->tail, ms, &follow->piece);
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

/* A transaction that is full ends in the middle of a piece. */
static int piece_send(struct produce *p, struct tail_piece *piece)
{
    bool full = true;
    int status = 0;
    while (full && status == 0 && !signals_caught()) {
        size_t used;
        status = block_send(p, piece->name, piece->bytes, piece->last, &used);
        tail_take(p->tail, piece, used);
        p->read_bytes += (int64_t)used;
        full = transaction_room(p) <= 0 && piece->bytes.count > 0;
        if (status == 0)
            status = transaction_turn(p);
    }
    return status;
}

static int piece_read(struct produce *p, struct tail_piece *piece)
{
    struct evl_format_reader *usual = p->reader;
    int status = reader_of(p, piece->mine, &p->reader);
    if (status == 0)
        status = piece_send(p, piece);
    p->reader = usual;
    return status;
}

static int follow_drain(struct produce *p)
{
    struct follow follow = { .produce = p };
    struct source source = { follow_source, &follow, false };
    enum feed_event event = FEED_IDLE;
    int status = 0;
    while (status == 0 && event != FEED_END && !signals_caught()) {
        event = input_await(p, &source, &status);
        progress_tick(&p->progress, p->sent, p->read_bytes, p->total);
        if (event == FEED_BROKEN)
            keep_first(&status, EXIT_IO);
        if (event == FEED_MORE && status == 0)
            status = piece_read(p, &follow.piece);
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
    int status = tail_open(&options, &p->tail);
    if (status == 0 && p->position.count)
        status = tail_restore(p->tail, evl_buffer_bytes(&p->position));
    return status ? status : follow_drain(p);
}
