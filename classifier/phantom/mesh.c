/* mesh.c: closed triangle meshes, made by hand or by net.c. */
#include "solid.h"
#include <math.h>
#include <stdlib.h>

void nn_mesh_finish(struct nn_mesh *mesh)
{
    free(mesh->x);
    free(mesh->y);
    free(mesh->z);
    free(mesh->corner);
    *mesh = (struct nn_mesh){0};
}

static enum nn_status no_memory(struct nn_error *err)
{
    return nn_fail(err, NN_NO_MEMORY, "phantom: out of memory");
}

enum nn_status nn_mesh_vertex(struct nn_mesh *mesh, struct vec3 at, unsigned *number,
                              struct nn_error *err)
{
    if (mesh->vertices == mesh->vertices_room) {
        size_t room = mesh->vertices_room ? 2 * mesh->vertices_room : 1024;
        float **lists[3] = {&mesh->x, &mesh->y, &mesh->z};

        for (int i = 0; i < 3; i++) {
            float *more = realloc(*lists[i], room * sizeof *more);

            if (more == NULL)
                return no_memory(err);
            *lists[i] = more;
        }
        mesh->vertices_room = room;
    }
    mesh->x[mesh->vertices] = (float)at.x;
    mesh->y[mesh->vertices] = (float)at.y;
    mesh->z[mesh->vertices] = (float)at.z;
    *number = (unsigned)mesh->vertices++;
    return NN_OK;
}

enum nn_status nn_mesh_triangle(struct nn_mesh *mesh, unsigned a, unsigned b, unsigned c,
                                struct nn_error *err)
{
    if (mesh->triangles == mesh->triangles_room) {
        size_t room = mesh->triangles_room ? 2 * mesh->triangles_room : 2048;
        unsigned *more = realloc(mesh->corner, 3 * room * sizeof *more);

        if (more == NULL)
            return no_memory(err);
        mesh->corner = more;
        mesh->triangles_room = room;
    }
    mesh->corner[3 * mesh->triangles] = a;
    mesh->corner[3 * mesh->triangles + 1] = b;
    mesh->corner[3 * mesh->triangles + 2] = c;
    mesh->triangles++;
    return NN_OK;
}

/* A fan from a ring's middle; `first` is the ring's first vertex. */
static enum nn_status close_end(struct nn_mesh *mesh, const struct vec3 *ring, unsigned first,
                                int around, bool turned, struct nn_error *err)
{
    struct vec3 middle = {0, 0, 0};
    enum nn_status status;
    unsigned hub;

    for (int i = 0; i < around; i++)
        middle = nn_vec3_add(middle, nn_vec3_scale(ring[i], 1.0 / around));
    status = nn_mesh_vertex(mesh, middle, &hub, err);
    for (int i = 0; status == NN_OK && i < around; i++) {
        unsigned a = first + (unsigned)i, b = first + (unsigned)((i + 1) % around);

        status = turned ? nn_mesh_triangle(mesh, hub, b, a, err)
                        : nn_mesh_triangle(mesh, hub, a, b, err);
    }
    return status;
}

enum nn_status nn_mesh_loft(struct nn_mesh *mesh, const struct vec3 *point, int rings, int around,
                            struct nn_error *err)
{
    const unsigned n = (unsigned)around;
    enum nn_status status = NN_OK;
    unsigned first = 0, number;

    for (int i = 0; status == NN_OK && i < rings * around; i++) {
        status = nn_mesh_vertex(mesh, point[i], &number, err);
        if (i == 0)
            first = number;
    }
    for (int r = 0; status == NN_OK && r + 1 < rings; r++)
        for (int i = 0; status == NN_OK && i < around; i++) {
            unsigned a = first + (unsigned)r * n + (unsigned)i;
            unsigned b = first + (unsigned)r * n + (unsigned)((i + 1) % around);

            status = nn_mesh_triangle(mesh, a, a + n, b, err);
            if (status == NN_OK)
                status = nn_mesh_triangle(mesh, b, a + n, b + n, err);
        }
    if (status == NN_OK)
        status = close_end(mesh, point, first, around, false, err);
    if (status == NN_OK)
        status = close_end(mesh, point + (rings - 1) * around, first + (unsigned)(rings - 1) * n,
                           around, true, err);
    return status;
}
