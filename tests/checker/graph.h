/* graph.h - a directed graph, and its circles. */
#ifndef TESTS_GRAPH_H
#define TESTS_GRAPH_H

#include <stddef.h>
#include <stdint.h>

struct edge {
    uint32_t from, to;
};

/* A zeroed one is empty. */
struct graph {
    struct edge *edges; /* sorted by `from` once it is closed */
    size_t edge_count, edge_room;
    size_t *begins; /* of each node, in `edges`; one more at the end */
    uint32_t node_count;
};

void graph_add(struct graph *g, uint32_t from, uint32_t to);

/* Nothing is added any more; nodes are 0 to before `nodes`. */
void graph_close(struct graph *g, uint32_t nodes);

/* Tell one short circle of each strongly connected component that has one:
 * its nodes in order, each with an edge to the next and the last to the first.
 * Tarjan's algorithm, without recursion: O(nodes + edges). */
void graph_circles(const struct graph *g,
                   void (*tell)(void *context, const uint32_t *nodes, size_t count), void *context);

void graph_release(struct graph *g);

#endif
