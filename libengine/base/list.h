/* list.h - a doubly linked list whose links live in its members.
 *
 *     struct list idle;                     a list is a link to itself when empty
 *     list_init(&idle);
 *     list_push(&idle, &segment->link);
 *     struct segment *s = list_entry(idle.next, struct segment, link); */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define list_entry(link, type, member) ((type *)((char *)(link)-offsetof(type, member)))

#define list_each(i, head) for (struct list *i = (head)->next; i != (head); i = i->next)

/* The current member may be taken out. */
#define list_each_safe(i, head)                                           \
    for (struct list *i = (head)->next, *i##_next = i->next; i != (head); \
         i = i##_next, i##_next = i->next)

static inline void list_init(struct list *l) { l->next = l->prev = l; }
static inline bool list_is_empty(const struct list *l) { return l->next == l; }

/* Put a link last. */
static inline void list_push(struct list *l, struct list *link)
{
    link->prev = l->prev;
    link->next = l;
    l->prev->next = link;
    l->prev = link;
}

/* Take a link out; it is an empty list afterwards. */
static inline void list_take(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

#endif
