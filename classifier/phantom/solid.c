/* solid.c: vectors, poses and distances of solid.h. */
#include "solid.h"
#include <assert.h>
#include <math.h>

#define TURN 6.283185307179586

struct pose nn_pose_none(void)
{
    return (struct pose){{0, 0, 0}, {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
}

struct pose nn_pose_of(struct vec3 at, double flexion, double rotation, double tilt)
{
    const double c = cos(flexion), s = sin(flexion), cr = cos(rotation), sr = sin(rotation);
    const double ct = cos(tilt), st = sin(tilt);
    const struct pose bent = {at, {{c, -s, 0}, {s, c, 0}, {0, 0, 1}}};
    const struct pose turned = {{0, 0, 0}, {{cr, 0, -sr}, {0, 1, 0}, {sr, 0, cr}}};
    const struct pose tilted = {{0, 0, 0}, {{1, 0, 0}, {0, ct, st}, {0, -st, ct}}};
    struct pose both = nn_pose_join(&bent, &turned);

    return nn_pose_join(&both, &tilted);
}

struct pose nn_pose_join(const struct pose *outer, const struct pose *inner)
{
    struct pose pose = {.at = nn_pose_apply(outer, inner->at)};

    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 3; c++)
            pose.turn[r][c] = outer->turn[r][0] * inner->turn[0][c] +
                              outer->turn[r][1] * inner->turn[1][c] +
                              outer->turn[r][2] * inner->turn[2][c];
    return pose;
}

void nn_solid_init(struct nn_solid *solid, struct vec3 low, struct vec3 high)
{
    solid->count = 0;
    solid->low = low;
    solid->high = high;
}

struct nn_part *nn_solid_add(struct nn_solid *solid, enum nn_part_shape shape, struct vec3 at)
{
    struct nn_part *part = &solid->part[solid->count];

    assert(solid->count < NN_SOLID_MOST_PARTS);
    *part = (struct nn_part){.shape = shape, .pose = nn_pose_none(), .size = {1, 1, 1}};
    part->pose.at = at;
    solid->count++;
    return part;
}

static double smooth_min(double a, double b, double k)
{
    double h = k - fabs(a - b);

    return nn_least(a, b) - (h > 0 ? h * h / (4 * k) : 0);
}

static double smooth_max(double a, double b, double k)
{
    return -smooth_min(-a, -b, k);
}

static double ellipsoid(const struct nn_part *part, struct vec3 p)
{
    const struct vec3 s = part->size;
    const struct vec3 q = {p.x / s.x, p.y / s.y, p.z / s.z};
    const struct vec3 g = {q.x / s.x, q.y / s.y, q.z / s.z};
    double k = nn_vec3_length(q), slope = nn_vec3_length(g);

    return slope > 0 ? k * (k - 1) / slope : -nn_least(nn_least(s.x, s.y), s.z);
}

static double box(const struct nn_part *part, struct vec3 p)
{
    const double r = part->round;
    const struct vec3 q = {fabs(p.x) - part->size.x + r, fabs(p.y) - part->size.y + r,
                           fabs(p.z) - part->size.z + r};
    const struct vec3 out = {nn_most(q.x, 0), nn_most(q.y, 0), nn_most(q.z, 0)};

    return nn_vec3_length(out) + nn_least(nn_most(nn_most(q.x, q.y), q.z), 0) - r;
}

/* The cone's axis and radii are in the local axes as they are; size flattens the space around the
 * axis's middle line. */
static double cone(const struct nn_part *part, struct vec3 p)
{
    const struct vec3 axis = nn_vec3_sub(part->b, part->a), from = nn_vec3_sub(p, part->a);
    double t = nn_vec3_dot(from, axis) / nn_most(nn_vec3_dot(axis, axis), 1e-9);

    t = t < 0 ? 0 : t > 1 ? 1 : t;
    const struct vec3 off = nn_vec3_sub(from, nn_vec3_scale(axis, t)), s = part->size;
    const struct vec3 flat = {off.x / s.x, off.y / s.y, off.z / s.z};

    return (nn_vec3_length(flat) - (part->ra + t * (part->rb - part->ra))) *
           nn_least(nn_least(nn_least(s.x, s.y), s.z), 1);
}

static double drum(const struct nn_part *part, struct vec3 p)
{
    const double h = part->size.y, v = p.y / h;
    const double narrow = 1 - part->waist * nn_most(0, 1 - v * v);
    const double a = part->size.x * narrow, b = part->size.z * narrow;
    const double u = p.x / a, w = p.z / b, uu = u * u, ww = w * w;
    const double r = 0.5 * (sqrt(uu + ww) + sqrt(sqrt(uu * uu + ww * ww)));
    const double length = sqrt(p.x * p.x + p.z * p.z);
    const double radial = r > 1e-9 ? (r - 1) * length / r : -nn_least(a, b);
    const double inside = nn_most(0, 1 - uu - ww), front = 0.5 * (u < -1 ? 0 : u > 1 ? 2 : u + 1);
    const double lack = part->wedge >= 0 ? part->wedge * front : -part->wedge * (1 - front);
    const double top = -h + 2 * h * lack + part->hollow * inside;
    const double bottom = h - part->hollow * inside;

    return smooth_max(radial, nn_most(top - p.y, p.y - bottom) * 0.95, nn_most(part->round, 1e-3));
}

static double arc(const struct nn_part *part, struct vec3 p)
{
    const double middle = 0.5 * (part->a.x + part->a.y), half = 0.5 * (part->a.y - part->a.x);
    double angle = atan2(p.z / part->rb, p.x / part->ra) - middle, c, s, nx, nz, n;

    angle -= TURN * floor(angle / TURN + 0.5);
    angle = middle + (angle < -half ? -half : angle > half ? half : angle);
    c = cos(angle);
    s = sin(angle);
    nx = c / part->ra;
    nz = s / part->rb;
    n = sqrt(nx * nx + nz * nz);
    const double dx = p.x - part->ra * c, dz = p.z - part->rb * s;
    const double across = (dx * nx + dz * nz) / n, along = (dz * nx - dx * nz) / n;
    const double sx = part->size.x, sy = part->size.y;

    return (sqrt((across * across + along * along) / (sx * sx) + p.y * p.y / (sy * sy)) - 1) *
           nn_least(sx, sy);
}

static double half(const struct nn_part *part, struct vec3 p)
{
    double wave, rough;

    if (part->hollow <= 0)
        return p.x;
    wave = TURN / nn_most(part->round, 1e-3);
    rough = part->hollow *
            (sin(wave * p.y + part->waist) + 0.6 * sin(0.73 * wave * p.z + 1.7 * part->waist) +
             0.4 * sin(2.3 * wave * (p.y + 0.4 * p.z) + 2.9 * part->waist));
    return (p.x + rough) / sqrt(1 + 2 * part->hollow * wave * part->hollow * wave);
}

static double shape_distance(const struct nn_part *part, struct vec3 p)
{
    const struct vec3 q = nn_pose_back(&part->pose, p);

    switch (part->shape) {
    case NN_PART_ELLIPSOID:
        return ellipsoid(part, q);
    case NN_PART_BOX:
        return box(part, q);
    case NN_PART_CONE:
        return cone(part, q);
    case NN_PART_DRUM:
        return drum(part, q);
    case NN_PART_ARC:
        return arc(part, q);
    case NN_PART_HALF:
        return half(part, q);
    case NN_PART_CUSTOM:
        return part->custom(part->context, q);
    }
    return INFINITY;
}

double nn_part_distance(const struct nn_part *part, struct vec3 p)
{
    /* one evaluation for both sides: what crosses the middle ends there */
    return shape_distance(part, part->mirrored ? (struct vec3){p.x, p.y, fabs(p.z)} : p);
}

double nn_solid_distance_of(const struct nn_solid *solid, uint64_t which, struct vec3 p)
{
    double d = 1e3;

    for (int i = 0; i < solid->count; i++) {
        const struct nn_part *part = &solid->part[i];

        if (!(which >> i & 1))
            continue;
        double e = nn_part_distance(part, p), k = part->blend;

        if (part->how == NN_PART_ADD)
            d = k > 0 ? smooth_min(d, e, k) : nn_least(d, e);
        else if (part->how == NN_PART_CUT)
            d = k > 0 ? smooth_max(d, -e, k) : nn_most(d, -e);
        else
            d = k > 0 ? smooth_max(d, e, k) : nn_most(d, e);
    }
    return d;
}
