/* graph.c - components by Tarjan, the circle in each by breadth first. */
#include "checker/graph.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

void graph_add(struct graph *g, uint32_t from, uint32_t to)
{
    if (g->edge_count == g->edge_room) {
        g->edge_room = g->edge_room ? g->edge_room * 2 : 1024;
        g->edges = memory_grow(g->edges, g->edge_room, sizeof *g->edges);
    }
    g->edges[g->edge_count++] = (struct edge){ from, to };
}

static int edge_order(const void *left, const void *right)
{
    const struct edge *a = left, *b = right;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return (a->to > b->to) - (a->to < b->to);
}

void graph_close(struct graph *g, uint32_t nodes)
{
    size_t kept = 0;
    if (g->edge_count > 0)
        qsort(g->edges, g->edge_count, sizeof *g->edges, edge_order);
    for (size_t i = 0; i < g->edge_count; i++)
        if (i == 0 || edge_order(&g->edges[i], &g->edges[i - 1]) != 0)
            g->edges[kept++] = g->edges[i];
    g->edge_count = kept;
    g->node_count = nodes;
    g->begins = memory_take((size_t)nodes + 1, sizeof *g->begins);
    for (size_t i = 0; i < g->edge_count; i++)
        g->begins[g->edges[i].from + 1]++;
    for (uint32_t node = 0; node < nodes; node++)
        g->begins[node + 1] += g->begins[node];
}

void graph_release(struct graph *g)
{
    memory_free(g->edges);
    memory_free(g->begins);
}

/* ---- components ---------------------------------------------------------- */

struct search {
    const struct graph *g;
    uint32_t *number;    /* when a node was met first; 0: not yet */
    uint32_t *low;       /* the least number that is reached from it */
    uint32_t *component; /* 0: none yet */
    size_t *edge;        /* the next one to follow */
    uint32_t *path;      /* nodes that we are in */
    uint32_t *open;      /* nodes without a component, in the order they were met */
    size_t path_count, open_count;
    uint32_t met, components;
    uint32_t *before; /* of the search for a circle: where a node was reached from, plus one */
    void (*tell)(void *context, const uint32_t *nodes, size_t count);
    void *context;
};

static void search_enter(struct search *s, uint32_t node)
{
    s->number[node] = s->low[node] = ++s->met;
    s->edge[node] = s->g->begins[node];
    s->path[s->path_count++] = node;
    s->open[s->open_count++] = node;
}

/* The way from `first` to the node that has an edge back to it. */
static void search_tell(const struct search *s, uint32_t first, uint32_t last)
{
    size_t count = 1;
    for (uint32_t node = last; node != first; node = s->before[node] - 1)
        count++;
    uint32_t *nodes = memory_take(count, sizeof *nodes);
    size_t at = count;
    for (uint32_t node = last; at > 0; node = s->before[node] - 1)
        nodes[--at] = node;
    s->tell(s->context, nodes, count);
    memory_free(nodes);
}

/* The shortest circle through one node of a component, which has several. */
static void search_circle(struct search *s, uint32_t first, uint32_t *queue)
{
    size_t head = 0, tail = 0;
    queue[tail++] = first;
    s->before[first] = first + 1;
    for (;;) {
        check(head < tail); /* each node of a component is in a circle */
        uint32_t node = queue[head++];
        for (size_t i = s->g->begins[node]; i < s->g->begins[node + 1]; i++) {
            uint32_t to = s->g->edges[i].to;
            if (to == first) {
                search_tell(s, first, node);
                return;
            }
            if (s->component[to] != s->component[first] || s->before[to])
                continue;
            s->before[to] = node + 1;
            queue[tail++] = to;
        }
    }
}

/* All that was met since this node is one component. */
static void search_close(struct search *s, uint32_t node)
{
    size_t first = s->open_count;
    s->components++;
    do
        s->component[s->open[--first]] = s->components;
    while (s->open[first] != node);
    size_t count = s->open_count - first;
    s->open_count = first;
    if (count == 1)
        return;
    uint32_t *queue = memory_take(count, sizeof *queue);
    search_circle(s, node, queue);
    memory_free(queue);
}

/* One step: along the next edge of the node that we are in, or out of it. */
static void search_step(struct search *s)
{
    uint32_t node = s->path[s->path_count - 1];
    if (s->edge[node] < s->g->begins[node + 1]) {
        uint32_t to = s->g->edges[s->edge[node]++].to;
        if (!s->number[to])
            search_enter(s, to);
        else if (!s->component[to] && s->number[to] < s->low[node])
            s->low[node] = s->number[to];
        return;
    }
    s->path_count--;
    if (s->low[node] == s->number[node])
        search_close(s, node);
    if (s->path_count == 0)
        return;
    uint32_t parent = s->path[s->path_count - 1];
    if (s->low[node] < s->low[parent])
        s->low[parent] = s->low[node];
}

void graph_circles(const struct graph *g,
                   void (*tell)(void *context, const uint32_t *nodes, size_t count), void *context)
{
    size_t room = (size_t)g->node_count + 1;
    struct search s = { .g = g, .tell = tell, .context = context };
    uint32_t **arrays[] = { &s.number, &s.low, &s.component, &s.path, &s.open, &s.before };
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        *arrays[i] = memory_take(room, sizeof **arrays[i]);
    s.edge = memory_take(room, sizeof *s.edge);
    for (uint32_t node = 0; node < g->node_count; node++) {
        if (s.number[node])
            continue;
        search_enter(&s, node);
        while (s.path_count > 0)
            search_step(&s);
    }
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        memory_free(*arrays[i]);
    memory_free(s.edge);
}
