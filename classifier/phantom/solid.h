/* solid.h: bodies as signed distance functions, meshed, and projected; private to
 * classifier/phantom and its tests.
 *
 * A solid is a list of parts, joined one after the other with rounded seams. Its surface (or the
 * surface `depth` under it: the inside of a cortical shell) becomes a closed mesh by surface nets,
 * and a closed mesh adds, along each ray from the focal spot to a pixel's centre, its chord times a
 * linear attenuation coefficient (Beer-Lambert's integral, exact for the mesh).
 *
 * Patient axes, millimetres: x anterior, y caudal, z to the patient's left. Distances are bounds:
 * |gradient| <= 1, so that no surface is stepped over. Not thread-safe per object; no globals. */
#ifndef NN_PHANTOM_SOLID_H
#define NN_PHANTOM_SOLID_H

#include "nn_status.h"
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vec3 {
    double x, y, z;
};
static inline struct vec3 nn_vec3_add(struct vec3 a, struct vec3 b)
{
    return (struct vec3){a.x + b.x, a.y + b.y, a.z + b.z};
}
static inline struct vec3 nn_vec3_sub(struct vec3 a, struct vec3 b)
{
    return (struct vec3){a.x - b.x, a.y - b.y, a.z - b.z};
}
static inline struct vec3 nn_vec3_scale(struct vec3 a, double by)
{
    return (struct vec3){a.x * by, a.y * by, a.z * by};
}
static inline double nn_vec3_dot(struct vec3 a, struct vec3 b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}
static inline struct vec3 nn_vec3_cross(struct vec3 a, struct vec3 b)
{
    return (struct vec3){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
static inline double nn_vec3_length(struct vec3 a)
{
    return sqrt(nn_vec3_dot(a, a));
}
/* Of numbers that are none the second: no library call in the innermost loops. */
static inline double nn_least(double a, double b)
{
    return a < b ? a : b;
}
static inline double nn_most(double a, double b)
{
    return a > b ? a : b;
}

/* Local -> outer: at + turn * p. Columns of turn are the local axes, orthonormal. */
struct pose {
    struct vec3 at;
    double turn[3][3];
};
struct pose nn_pose_none(void);
/* Flexion (anterior side down, about z), then axial rotation (front to the left, about y), then
 * lateral tilt (left side down, about x); radians. */
struct pose nn_pose_of(struct vec3 at, double flexion, double rotation, double tilt);
static inline struct vec3 nn_pose_apply(const struct pose *pose, struct vec3 p)
{
    const double(*t)[3] = pose->turn;

    return (struct vec3){pose->at.x + t[0][0] * p.x + t[0][1] * p.y + t[0][2] * p.z,
                         pose->at.y + t[1][0] * p.x + t[1][1] * p.y + t[1][2] * p.z,
                         pose->at.z + t[2][0] * p.x + t[2][1] * p.y + t[2][2] * p.z};
}
static inline struct vec3 nn_pose_back(const struct pose *pose, struct vec3 p) /* outer -> local */
{
    const double(*t)[3] = pose->turn;
    const double x = p.x - pose->at.x, y = p.y - pose->at.y, z = p.z - pose->at.z;

    return (struct vec3){t[0][0] * x + t[1][0] * y + t[2][0] * z,
                         t[0][1] * x + t[1][1] * y + t[2][1] * z,
                         t[0][2] * x + t[1][2] * y + t[2][2] * z};
}
struct pose nn_pose_join(const struct pose *outer, const struct pose *inner); /* outer(inner(p)) */

enum nn_part_shape {
    NN_PART_ELLIPSOID, /* radii size */
    NN_PART_BOX,       /* half sides size, edges rounded by round */
    NN_PART_CONE,      /* round cone from a (radius ra) to b (radius rb), flattened by size: the
                        * cone's cross section is scaled by size.x, .y, .z along the local axes */
    NN_PART_DRUM,      /* vertebral body: superelliptic drum along y, half depth size.x, half height
                        * size.y, half width size.z; waist: share by which its middle is narrower;
                        * hollow: mm by which each end-plate is concave; round; wedge: share of the
                        * height that the front lacks (negative: the back), taken from the top */
    NN_PART_ARC,       /* piece of a torus about local y: ring radius ra (x) and rb (z), tube radii
                        * size.x (in the plane), size.y; from angle a.x to angle a.y (radians, 0 =
                        * +x anterior, pi/2 = +z left) */
    NN_PART_HALF,      /* all points with dot(p, +x local) <= 0, uneven: its boundary is rough by
                        * `hollow` mm with a wave of `round` mm, phase `waist` */
    NN_PART_CUSTOM     /* custom(context, p) */
};
enum nn_part_how { NN_PART_ADD, NN_PART_CUT, NN_PART_KEEP };
/* KEEP: the intersection of all before it with this. */

struct nn_part {
    enum nn_part_shape shape;
    enum nn_part_how how;
    struct pose pose; /* part -> solid */
    struct vec3 size;
    struct vec3 a, b;
    double ra, rb;
    double round, waist, hollow, wedge;
    double blend;  /* mm: radius of the seam with the parts before it */
    bool mirrored; /* a second one at -z */
    double (*custom)(const void *context, struct vec3 p);
    const void *context;
};

#define NN_SOLID_MOST_PARTS 48
struct nn_solid {
    struct nn_part part[NN_SOLID_MOST_PARTS];
    int count;
    struct vec3 low, high; /* the box that holds it; the caller's to set, generously */
};
void nn_solid_init(struct nn_solid *solid, struct vec3 low, struct vec3 high);
/* Zeroed but for the pose (none), size (1,1,1), how ADD; the caller fills the rest. NULL when full:
 * programmers' error, asserted. */
struct nn_part *nn_solid_add(struct nn_solid *solid, enum nn_part_shape shape, struct vec3 at);
/* For mesh.c: one part by itself (its mirror image included), and the solid of the parts whose bits
 * are set, in their order. */
double nn_part_distance(const struct nn_part *part, struct vec3 p);
double nn_solid_distance_of(const struct nn_solid *solid, uint64_t which, struct vec3 p);

/* A closed triangle mesh. Owned: nn_mesh_finish. */
struct nn_mesh {
    float *x, *y, *z; /* vertices, in the solid's axes */
    unsigned *corner; /* 3 a triangle, outward by the right hand */
    size_t vertices, triangles, vertices_room, triangles_room;
};
/* The surface at distance -depth, by cubes of `cell` mm. An empty one is no error. */
NN_MUST_USE enum nn_status nn_solid_mesh(const struct nn_solid *solid, double cell, double depth,
                                         struct nn_mesh *mesh, struct nn_error *err);
/* Both surfaces of a shell `depth` mm thick, at the cost of little more than one. */
NN_MUST_USE enum nn_status nn_solid_shell(const struct nn_solid *solid, double cell, double depth,
                                          struct nn_mesh *outer, struct nn_mesh *inner,
                                          struct nn_error *err);
void nn_mesh_finish(struct nn_mesh *mesh);
/* Tube meshes, sheets and others may be made by hand from these. */
NN_MUST_USE enum nn_status nn_mesh_vertex(struct nn_mesh *mesh, struct vec3 at, unsigned *number,
                                          struct nn_error *err);
NN_MUST_USE enum nn_status nn_mesh_triangle(struct nn_mesh *mesh, unsigned a, unsigned b,
                                            unsigned c, struct nn_error *err);
/* A closed loft: `rings` rings of `around` points each, ring r's points at point[r * around + i],
 * ends closed by fans. */
NN_MUST_USE enum nn_status nn_mesh_loft(struct nn_mesh *mesh, const struct vec3 *point, int rings,
                                        int around, struct nn_error *err);

/* How rays run: patient -> camera by `pose` (camera x right, y down on the detector, z away from
 * the detector towards the tube), focal spot at (spot.x, spot.y, distance) over the detector's
 * plane z = 0. A point at camera (X, Y, Z) falls on the detector at
 * spot + (X - spot.x, Y - spot.y) * distance / (distance - Z), in mm; pixel = that / pitch +
 * middle. */
struct nn_camera {
    struct pose pose;
    double spot_x, spot_y, distance;
    double pitch;              /* mm a pixel at the detector */
    double middle_x, middle_y; /* pixels: where camera (0, 0) lies */
    bool mirrored;             /* columns count from the right */
    int rows, cols;
};
/* To (fractional) pixels, pixel centres at +0.5; depth (Z) may be NULL. */
void nn_camera_project(const struct nn_camera *camera, struct vec3 patient, double *col,
                       double *row, double *depth);
/* plane[row * cols + col] += by * chord in mm. Every mesh is closed, so each ray's sum is its
 * chord, whatever the order of the triangles and whichever way round they run. */
NN_MUST_USE enum nn_status nn_camera_add(const struct nn_camera *camera, const struct nn_mesh *mesh,
                                         const struct pose *pose, float by, float *plane,
                                         struct nn_error *err);

#endif
