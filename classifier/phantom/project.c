/* project.c: chords of closed meshes along diverging rays.
 *
 * Each triangle adds its depth (with its side's sign) at every pixel centre that its projection
 * covers. Edges are judged in whole 1/256 pixels with one rule for shared edges, so that a closed
 * mesh covers each pixel as often from the front as from the back, and the depths' sum is the
 * chord along z; the ray's obliquity lengthens it. */
#include "solid.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define SUB 256

void nn_camera_project(const struct nn_camera *camera, struct vec3 patient, double *col,
                       double *row, double *depth)
{
    const struct vec3 p = nn_pose_apply(&camera->pose, patient);
    const double grow = camera->distance / (camera->distance - p.z);
    const double x = camera->spot_x + (p.x - camera->spot_x) * grow;
    const double y = camera->spot_y + (p.y - camera->spot_y) * grow;

    *col = camera->middle_x + x / camera->pitch;
    if (camera->mirrored)
        *col = camera->cols - *col;
    *row = camera->middle_y + y / camera->pitch;
    if (depth != NULL)
        *depth = p.z;
}

struct corner {
    int64_t x, y; /* 1/SUB pixels */
    double z;
};

/* The side of (x, y) from the edge a -> b; points on the edge belong to one of its two sides. */
static int64_t edge(const struct corner *a, const struct corner *b, int64_t x, int64_t y)
{
    int64_t side = (b->x - a->x) * (y - a->y) - (b->y - a->y) * (x - a->x);
    bool keep = b->y > a->y || (b->y == a->y && b->x < a->x);

    return keep ? side : side - 1;
}

static int first_centre(int64_t from) /* the first pixel whose centre is at or after `from` */
{
    int64_t at = from - SUB / 2;

    return (int)(at >= 0 ? (at + SUB - 1) / SUB : -(-at / SUB));
}

/* a, b, c counter-clockwise in the edge function's sense (area > 0). */
static void fill(const struct nn_camera *camera, const struct corner *a, const struct corner *b,
                 const struct corner *c, int64_t area, double by, float *plane)
{
    int64_t low_x = a->x < b->x ? a->x : b->x, high_x = a->x > b->x ? a->x : b->x;
    int64_t low_y = a->y < b->y ? a->y : b->y, high_y = a->y > b->y ? a->y : b->y;

    low_x = c->x < low_x ? c->x : low_x;
    high_x = c->x > high_x ? c->x : high_x;
    low_y = c->y < low_y ? c->y : low_y;
    high_y = c->y > high_y ? c->y : high_y;
    int x0 = first_centre(low_x), x1 = first_centre(high_x + 1) - 1;
    int y0 = first_centre(low_y), y1 = first_centre(high_y + 1) - 1;

    x0 = x0 < 0 ? 0 : x0;
    y0 = y0 < 0 ? 0 : y0;
    x1 = x1 >= camera->cols ? camera->cols - 1 : x1;
    y1 = y1 >= camera->rows ? camera->rows - 1 : y1;
    if (x0 > x1 || y0 > y1)
        return;
    const double whole = by / (double)area;
    const int64_t step_a = -(c->y - b->y) * SUB, step_b = -(a->y - c->y) * SUB;
    const int64_t step_c = -(b->y - a->y) * SUB;

    for (int y = y0; y <= y1; y++) {
        int64_t px = (int64_t)x0 * SUB + SUB / 2, py = (int64_t)y * SUB + SUB / 2;
        int64_t wa = edge(b, c, px, py), wb = edge(c, a, px, py), wc = edge(a, b, px, py);
        float *row = plane + (size_t)y * (size_t)camera->cols;

        for (int x = x0; x <= x1; x++, wa += step_a, wb += step_b, wc += step_c)
            if ((wa | wb | wc) >= 0)
                row[x] +=
                    (float)(whole * ((double)wa * a->z + (double)wb * b->z + (double)wc * c->z));
    }
}

/* `joined`: mesh -> camera. */
static struct corner project(const struct nn_camera *camera, const struct pose *joined,
                             struct vec3 at, double level)
{
    const struct vec3 p = nn_pose_apply(joined, at);
    const double near = 1 / (camera->distance - p.z);
    const double x = (p.x - camera->spot_x) * near, y = (p.y - camera->spot_y) * near;
    const double unit = camera->distance / camera->pitch;
    double col = camera->middle_x + camera->spot_x / camera->pitch + x * unit;
    double row = camera->middle_y + camera->spot_y / camera->pitch + y * unit;

    if (camera->mirrored)
        col = camera->cols - col;
    col = fmin(fmax(col, -1e5), 1e5);
    row = fmin(fmax(row, -1e5), 1e5);
    return (struct corner){(int64_t)floor(col * SUB + 0.5), (int64_t)floor(row * SUB + 0.5),
                           (p.z - level) * sqrt(1 + x * x + y * y)};
}

static struct vec3 vertex(const struct nn_mesh *mesh, size_t i)
{
    return (struct vec3){mesh->x[i], mesh->y[i], mesh->z[i]};
}

/* Six times the volume: negative where the triangles run the other way round. */
static double volume(const struct nn_mesh *mesh)
{
    const struct vec3 from = vertex(mesh, 0);
    double sum = 0;

    for (size_t t = 0; t < mesh->triangles; t++) {
        const unsigned *corner = &mesh->corner[3 * t];
        const struct vec3 a = nn_vec3_sub(vertex(mesh, corner[0]), from);
        const struct vec3 b = nn_vec3_sub(vertex(mesh, corner[1]), from);

        sum += nn_vec3_dot(a, nn_vec3_cross(b, nn_vec3_sub(vertex(mesh, corner[2]), from)));
    }
    return sum;
}

enum nn_status nn_camera_add(const struct nn_camera *camera, const struct nn_mesh *mesh,
                             const struct pose *pose, float by, float *plane, struct nn_error *err)
{
    const struct pose joined = nn_pose_join(&camera->pose, pose);
    struct corner *corner;

    if (mesh->vertices == 0)
        return NN_OK;
    corner = malloc(mesh->vertices * sizeof *corner);
    if (corner == NULL)
        return nn_fail(err, NN_NO_MEMORY, "phantom: out of memory");
    const double level = nn_pose_apply(&joined, vertex(mesh, 0)).z; /* small depths, exact floats */

    if (camera->mirrored != (volume(mesh) < 0))
        by = -by;
    for (size_t i = 0; i < mesh->vertices; i++)
        corner[i] = project(camera, &joined, vertex(mesh, i), level);
    for (size_t t = 0; t < mesh->triangles; t++) {
        const struct corner *a = &corner[mesh->corner[3 * t]];
        const struct corner *b = &corner[mesh->corner[3 * t + 1]];
        const struct corner *c = &corner[mesh->corner[3 * t + 2]];
        int64_t area = (b->x - a->x) * (c->y - a->y) - (b->y - a->y) * (c->x - a->x);

        if (area > 0)
            fill(camera, a, b, c, area, by, plane);
        else if (area < 0)
            fill(camera, a, c, b, -area, -by, plane);
    }
    free(corner);
    return NN_OK;
}
