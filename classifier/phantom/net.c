/* net.c: a solid's surface as a closed mesh, by surface nets over cubes.
 *
 * Only cubes that the surface crosses are visited: from a few found in coarse blocks the walk goes
 * on to their neighbours across each face that the surface crosses, so that the mesh is closed
 * whatever the distances' quality. One vertex a cube (the mean of its edges' crossings), two
 * triangles an edge that is crossed (Gibson, "Constrained elastic surface nets", MICCAI 1998). */
#include "solid.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 4 /* cubes a side of a block, which keeps its own list of parts */

struct net {
    const struct nn_solid *solid;
    double cell, seam, depth;
    int n[3];         /* nodes along x, y, z */
    int blocks[3];    /* of BLOCK nodes */
    float *value;     /* at nodes; NAN: not asked for yet */
    uint64_t *parts;  /* a block's, 0: not asked for yet */
    unsigned *number; /* a cube's vertex + 1, of the mesh under way */
    int *queue;       /* cubes to visit */
    size_t waiting, room;
};

static struct vec3 node_at(const struct net *net, double i, double j, double k)
{
    return (struct vec3){net->solid->low.x + i * net->cell, net->solid->low.y + j * net->cell,
                         net->solid->low.z + k * net->cell};
}

/* The parts that can matter to values near the surface within a block. */
static uint64_t choose_parts(const struct net *net, int i, int j, int k)
{
    const struct nn_solid *solid = net->solid;
    const double reach = 0.87 * BLOCK * net->cell;
    const struct vec3 middle =
        node_at(net, (i + 0.5) * BLOCK, (j + 0.5) * BLOCK, (k + 0.5) * BLOCK);
    double distance[NN_SOLID_MOST_PARTS], least = 1e3, limit;
    uint64_t chosen = UINT64_C(1) << 63; /* a block without parts was asked for, too */

    for (int p = 0; p < solid->count; p++) {
        distance[p] = nn_part_distance(&solid->part[p], middle);
        if (solid->part[p].how == NN_PART_ADD)
            least = nn_least(least, distance[p]);
    }
    limit = nn_least(least + 2 * reach, reach + net->depth + 2 * net->cell) + net->seam;
    for (int p = 0; p < solid->count; p++)
        if (solid->part[p].how != NN_PART_ADD || distance[p] <= limit)
            chosen |= UINT64_C(1) << p;
    return chosen;
}

static double value_at(struct net *net, int i, int j, int k)
{
    float *value =
        &net->value[((size_t)k * (size_t)net->n[1] + (size_t)j) * (size_t)net->n[0] + (size_t)i];

    if (isnan(*value)) {
        int a = i / BLOCK, b = j / BLOCK, c = k / BLOCK;
        uint64_t *parts = &net->parts[(c * net->blocks[1] + b) * net->blocks[0] + a];

        if (*parts == 0)
            *parts = choose_parts(net, a, b, c);
        *value = (float)nn_solid_distance_of(net->solid, *parts, node_at(net, i, j, k));
        /* the box's own wall is outside, so that the mesh is closed there */
        if (i == 0 || j == 0 || k == 0 || i == net->n[0] - 1 || j == net->n[1] - 1 ||
            k == net->n[2] - 1)
            *value = fmaxf(*value, (float)(0.1 * net->cell));
    }
    return *value;
}

static enum nn_status net_init(struct net *net, const struct nn_solid *solid, double cell,
                               double depth, struct nn_error *err)
{
    const double side[3] = {solid->high.x - solid->low.x, solid->high.y - solid->low.y,
                            solid->high.z - solid->low.z};
    size_t nodes = 1, blocks = 1;

    *net = (struct net){.solid = solid, .cell = cell, .depth = depth};
    for (int i = 0; i < 3; i++) {
        net->n[i] = (int)ceil(side[i] / cell) + 1;
        net->n[i] = net->n[i] < 2 ? 2 : net->n[i];
        net->blocks[i] = (net->n[i] + BLOCK - 1) / BLOCK;
        nodes *= (size_t)net->n[i];
        blocks *= (size_t)net->blocks[i];
    }
    for (int i = 0; i < solid->count; i++)
        net->seam = nn_most(net->seam, solid->part[i].blend);
    net->value = malloc(nodes * sizeof *net->value);
    net->parts = calloc(blocks, sizeof *net->parts);
    net->number = malloc(nodes * sizeof *net->number);
    net->room = 4096;
    net->queue = malloc(net->room * sizeof *net->queue);
    if (net->value == NULL || net->parts == NULL || net->number == NULL || net->queue == NULL)
        return nn_fail(err, NN_NO_MEMORY, "phantom: out of memory");
    memset(net->value, 0xff, nodes * sizeof *net->value); /* NAN */
    return NN_OK;
}

static void net_finish(struct net *net)
{
    free(net->value);
    free(net->parts);
    free(net->number);
    free(net->queue);
}

/* The cube's eight values less the surface's level; bit b of the result: corner b is inside. */
static unsigned cube_inside(struct net *net, int i, int j, int k, double level, double corner[8])
{
    unsigned inside = 0;

    for (int b = 0; b < 8; b++) {
        corner[b] = value_at(net, i + (b & 1), j + (b >> 1 & 1), k + (b >> 2)) - level;
        inside |= (unsigned)(corner[b] < 0) << b;
    }
    return inside;
}

static struct vec3 cube_vertex(const struct net *net, int i, int j, int k, unsigned inside,
                               const double corner[8])
{
    static const unsigned char EDGES[12][2] = {{0, 1}, {2, 3}, {4, 5}, {6, 7}, {0, 2}, {1, 3},
                                               {4, 6}, {5, 7}, {0, 4}, {1, 5}, {2, 6}, {3, 7}};
    struct vec3 sum = {0, 0, 0};
    int count = 0;

    for (int e = 0; e < 12; e++) {
        int a = EDGES[e][0], b = EDGES[e][1];

        if ((inside >> a & 1) == (inside >> b & 1))
            continue;
        double t = corner[a] / (corner[a] - corner[b]);

        sum.x += (a & 1) + t * ((b & 1) - (a & 1));
        sum.y += (a >> 1 & 1) + t * ((b >> 1 & 1) - (a >> 1 & 1));
        sum.z += (a >> 2) + t * ((b >> 2) - (a >> 2));
        count++;
    }
    return node_at(net, i + sum.x / count, j + sum.y / count, k + sum.z / count);
}

static enum nn_status push(struct net *net, int cube, struct nn_error *err)
{
    if (net->waiting == net->room) {
        int *more = realloc(net->queue, 2 * net->room * sizeof *more);

        if (more == NULL)
            return nn_fail(err, NN_NO_MEMORY, "phantom: out of memory");
        net->queue = more;
        net->room *= 2;
    }
    net->queue[net->waiting++] = cube;
    return NN_OK;
}

/* Gives the cube its vertex when the surface crosses it, and lets the walk go on from it. */
static enum nn_status visit(struct net *net, int i, int j, int k, double level,
                            struct nn_mesh *mesh, struct nn_error *err)
{
    const int cube = (k * net->n[1] + j) * net->n[0] + i;
    enum nn_status status;
    double corner[8];
    unsigned inside, vertex;

    if (net->number[cube] != 0)
        return NN_OK;
    inside = cube_inside(net, i, j, k, level, corner);
    if (inside == 0 || inside == 255)
        return NN_OK;
    status = nn_mesh_vertex(mesh, cube_vertex(net, i, j, k, inside, corner), &vertex, err);
    if (status != NN_OK)
        return status;
    net->number[cube] = vertex + 1;
    return push(net, cube, err);
}

static enum nn_status walk(struct net *net, double level, struct nn_mesh *mesh,
                           struct nn_error *err)
{
    static const signed char STEPS[6][3] = {{-1, 0, 0}, {1, 0, 0},  {0, -1, 0},
                                            {0, 1, 0},  {0, 0, -1}, {0, 0, 1}};

    for (size_t at = 0; at < net->waiting; at++) {
        int cube = net->queue[at], i = cube % net->n[0], j = cube / net->n[0] % net->n[1];
        int k = cube / net->n[0] / net->n[1];

        for (int s = 0; s < 6; s++) {
            int a = i + STEPS[s][0], b = j + STEPS[s][1], c = k + STEPS[s][2];
            enum nn_status status;

            if (a < 0 || b < 0 || c < 0 || a > net->n[0] - 2 || b > net->n[1] - 2 ||
                c > net->n[2] - 2)
                continue;
            status = visit(net, a, b, c, level, mesh, err);
            if (status != NN_OK)
                return status;
        }
    }
    return NN_OK;
}

/* Looks at every cube of a block that the surface may reach, until one is crossed: the walk finds
 * the rest of that piece. */
static enum nn_status seed_block(struct net *net, const int block[3], double level,
                                 struct nn_mesh *mesh, struct nn_error *err)
{
    int end[3];

    for (int d = 0; d < 3; d++) {
        end[d] = (block[d] + 1) * BLOCK;
        end[d] = end[d] < net->n[d] - 1 ? end[d] : net->n[d] - 1;
    }
    for (int k = block[2] * BLOCK; k < end[2]; k++)
        for (int j = block[1] * BLOCK; j < end[1]; j++)
            for (int i = block[0] * BLOCK; i < end[0]; i++) {
                enum nn_status status;

                if (net->number[(k * net->n[1] + j) * net->n[0] + i] != 0)
                    return NN_OK;
                status = visit(net, i, j, k, level, mesh, err);
                if (status != NN_OK || net->waiting > 0)
                    return status;
            }
    return NN_OK;
}

static enum nn_status seed(struct net *net, double level, struct nn_mesh *mesh,
                           struct nn_error *err)
{
    const double reach = 0.87 * BLOCK * net->cell * 0.6;
    int b[3];

    for (b[2] = 0; b[2] < net->blocks[2]; b[2]++)
        for (b[1] = 0; b[1] < net->blocks[1]; b[1]++)
            for (b[0] = 0; b[0] < net->blocks[0]; b[0]++) {
                int at[3];
                enum nn_status status;

                for (int d = 0; d < 3; d++) {
                    at[d] = b[d] * BLOCK + BLOCK / 2;
                    at[d] = at[d] < net->n[d] ? at[d] : net->n[d] - 1;
                }
                if (fabs(value_at(net, at[0], at[1], at[2]) - level) > reach)
                    continue;
                net->waiting = 0;
                status = seed_block(net, b, level, mesh, err);
                if (status == NN_OK)
                    status = walk(net, level, mesh, err);
                if (status != NN_OK)
                    return status;
            }
    return NN_OK;
}

/* The four cubes around each edge that the surface crosses, as two triangles. */
static enum nn_status join(struct net *net, double level, struct nn_mesh *mesh,
                           struct nn_error *err)
{
    const int step[3] = {1, net->n[0], net->n[0] * net->n[1]};
    const int nodes = step[2] * net->n[2];

    for (int cube = 0; cube < nodes; cube++) {
        if (net->number[cube] == 0)
            continue;
        bool in = net->value[cube] - level < 0;

        for (int d = 0; d < 3; d++) {
            int e = (d + 1) % 3, f = (d + 2) % 3;
            /* the cube's first edge along d lies between four cubes */
            int second = cube - step[e], third = second - step[f], fourth = cube - step[f];
            enum nn_status status;

            if (third < 0 || (net->value[cube + step[d]] - level < 0) == in)
                continue;
            unsigned a = net->number[cube] - 1, b = net->number[second] - 1;
            unsigned c = net->number[third] - 1, g = net->number[fourth] - 1;

            status =
                in ? nn_mesh_triangle(mesh, a, b, c, err) : nn_mesh_triangle(mesh, a, c, b, err);
            if (status == NN_OK)
                status = in ? nn_mesh_triangle(mesh, a, c, g, err)
                            : nn_mesh_triangle(mesh, a, g, c, err);
            if (status != NN_OK)
                return status;
        }
    }
    return NN_OK;
}

static enum nn_status surface(struct net *net, double level, struct nn_mesh *mesh,
                              struct nn_error *err)
{
    size_t nodes = (size_t)net->n[0] * (size_t)net->n[1] * (size_t)net->n[2];
    enum nn_status status;

    memset(net->number, 0, nodes * sizeof *net->number);
    status = seed(net, level, mesh, err);
    return status == NN_OK ? join(net, level, mesh, err) : status;
}

enum nn_status nn_solid_shell(const struct nn_solid *solid, double cell, double depth,
                              struct nn_mesh *outer, struct nn_mesh *inner, struct nn_error *err)
{
    struct net net;
    enum nn_status status = net_init(&net, solid, cell, depth, err);

    *outer = (struct nn_mesh){0};
    if (inner != NULL)
        *inner = (struct nn_mesh){0};
    if (status == NN_OK)
        status = surface(&net, inner != NULL ? 0 : -depth, outer, err);
    if (status == NN_OK && inner != NULL)
        status = surface(&net, -depth, inner, err);
    net_finish(&net);
    if (status != NN_OK) {
        nn_mesh_finish(outer);
        if (inner != NULL)
            nn_mesh_finish(inner);
    }
    return status;
}

enum nn_status nn_solid_mesh(const struct nn_solid *solid, double cell, double depth,
                             struct nn_mesh *mesh, struct nn_error *err)
{
    return nn_solid_shell(solid, cell, depth, mesh, NULL, err);
}
