/* evconsume_letter.c - dead letters: records that a COMMAND failed on go to a
 * topic of their own.
 *
 * With a group, letters and the positions behind them are one transaction: a
 * record is in the dlq once, and done, or neither.  Its id is of the group and
 * the instance, or of the first number that no other process has: who is killed
 * leaves a transaction to his successor, and not one more id for ever. */
#include "evconsume.h"

#include <stdio.h>
#include <stdlib.h>

#include <evl/producer.h>

enum { OWNERS_MAX = 1000 };

struct letters {
    char *topic;
    struct evl_transaction *transaction; /* NULL: there is no group */
    struct evl_producer *producer;       /* NULL: there was no letter yet */
};

int letters_open(struct consume *c, const char *topic)
{
    struct letters *l = tool_take(1, sizeof *l);
    l->topic = tool_text(topic);
    c->letters = l;
    return 0;
}

int letters_check(const struct consume *c, const struct words *topics)
{
    for (size_t i = 0; i < topics->count; i++)
        if (strcmp(topics->at[i], c->letters->topic) == 0)
            return say_usage("--on-error: what fails cannot go to %s, which is read",
                             c->letters->topic);
    return 0;
}

void letters_close(struct consume *c)
{
    struct letters *l = c->letters;
    if (!l)
        return;
    evl_producer_close(l->producer);
    evl_transaction_close(l->transaction);
    free(l->topic);
    free(l);
    c->letters = NULL;
}

/* ---- what the dead have left --------------------------------------------- */

/* A predecessor who was killed between the decision and the end of a transaction
 * has left letters that nobody can read yet. */
int letters_settle(struct consume *c)
{
    struct evl_buffer owner = { 0 };
    struct evl_transactions list = { 0 };
    text_print(&owner, "evconsume-%s-", c->options.group);
    enum evl_error err = evl_admin_transactions(c->place, &list);
    for (size_t i = 0; i < list.count && !err; i++) {
        const struct evl_transaction_info *t = &list.at[i];
        if (t->owned || strncmp(t->id, text_end(&owner), owner.count) != 0)
            continue;
        err = evl_admin_abort_transaction(c->place, t->id);
        if (err == EVL_ERR_BUSY || err == EVL_ERR_NOT_FOUND)
            err = EVL_OK; /* another one was faster, or it had ended */
    }
    evl_transactions_release(&list);
    evl_buffer_release(&owner);
    return err ? say_fault(err) : 0;
}

/* ---- opening, with the first letter -------------------------------------- */

static enum evl_error owner_open(struct consume *c, const char *who)
{
    struct evl_buffer id = { 0 };
    text_print(&id, "evconsume-%s-%s", c->options.group, who);
    struct evl_transaction_options options = { .id = text_end(&id) };
    enum evl_error err = evl_transaction_open(c->place, &options, &c->letters->transaction);
    evl_buffer_release(&id);
    return err;
}

static enum evl_error transaction_begin(struct consume *c)
{
    enum evl_error err = EVL_ERR_BUSY;
    if (c->options.instance)
        return owner_open(c, c->options.instance);
    for (int i = 0; i < OWNERS_MAX && err == EVL_ERR_BUSY; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        err = owner_open(c, number);
    }
    return err;
}

static int producer_begin(struct consume *c)
{
    struct letters *l = c->letters;
    bool created = false;
    enum evl_error err = c->group ? transaction_begin(c) : EVL_OK;
    struct evl_producer_options options = {
        .topic = l->topic, .create = true, .created = &created, .transaction = l->transaction
    };
    if (!err)
        err = evl_producer_open(c->place, &options, &l->producer);
    if (created)
        say(SAY_NOTICE, "created topic %s", l->topic);
    return err ? say_fault(err) : 0;
}

/* ---- writing ------------------------------------------------------------- */

int letters_add(struct consume *c, const struct letter *letter)
{
    struct letters *l = c->letters;
    int status = l->producer ? 0 : producer_begin(c);
    if (status)
        return status;
    enum evl_error err = letter_send(l->producer, letter);
    return err ? say_fault(err) : 0;
}

/* The ledgers say already that the records are done.  If what was to make it so
 * fails, nothing is committed any more. */
int letters_commit(struct consume *c)
{
    struct letters *l = c->letters;
    bool positions = l->transaction && c->commit.on && c->commit.when != COMMIT_END;
    int status = 0;
    if (positions && group_collect(c))
        status = group_commit(c, l->transaction);
    enum evl_error err = EVL_OK;
    if (status == 0)
        err = l->transaction ? evl_transaction_commit(l->transaction)
                             : evl_producer_flush(l->producer);
    if (err)
        status = say_fault(err);
    if (status)
        c->commit.on = false;
    return status || positions ? status : commit_is_due(c) ? commit_now(c) : 0;
}
