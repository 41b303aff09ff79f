/* closed_mesh.h: is a mesh closed? For the tests and the fuzz target of classifier/phantom. */
#ifndef CLOSED_MESH_H
#define CLOSED_MESH_H

#include "phantom/solid.h"
#include <stdlib.h>

struct mesh_edge {
    unsigned low, high;
    int way; /* 1: from low to high, -1: back */
};

static inline int mesh_edge_order(const void *a, const void *b)
{
    const struct mesh_edge *x = a, *y = b;

    if (x->low != y->low)
        return x->low < y->low ? -1 : 1;
    return (x->high > y->high) - (x->high < y->high);
}

/* Every edge is run through as often one way as the other, which is what makes chords add up, by
 * at most `most` triangles (2 where no two sheets share a vertex). */
static inline bool mesh_is_closed(const struct nn_mesh *mesh, int most)
{
    size_t count = 3 * mesh->triangles;
    struct mesh_edge *edges = malloc((count + 1) * sizeof *edges);
    bool closed = edges != NULL;

    for (size_t i = 0; closed && i < count; i++) {
        unsigned a = mesh->corner[i], b = mesh->corner[i % 3 == 2 ? i - 2 : i + 1];

        closed = a < mesh->vertices && b < mesh->vertices && a != b;
        edges[i] = a < b ? (struct mesh_edge){a, b, 1} : (struct mesh_edge){b, a, -1};
    }
    if (closed)
        qsort(edges, count, sizeof *edges, mesh_edge_order);
    for (size_t i = 0, end; closed && i < count; i = end) {
        int sum = 0;

        for (end = i; end < count && mesh_edge_order(&edges[i], &edges[end]) == 0; end++)
            sum += edges[end].way;
        closed = sum == 0 && (int)(end - i) <= most;
    }
    free(edges);
    return closed;
}

#endif
