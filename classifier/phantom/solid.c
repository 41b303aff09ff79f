/* solid.c: vectors, poses and distances of solid.h. */
#include "solid.h"
#include <assert.h>
#include <math.h>

#define TURN 6.283185307179586

struct vec3 nn_vec3_add(struct vec3 a, struct vec3 b)
{
    return (struct vec3){a.x + b.x, a.y + b.y, a.z + b.z};
}

struct vec3 nn_vec3_sub(struct vec3 a, struct vec3 b)
{
    return (struct vec3){a.x - b.x, a.y - b.y, a.z - b.z};
}

struct vec3 nn_vec3_scale(struct vec3 a, double by)
{
    return (struct vec3){a.x * by, a.y * by, a.z * by};
}

double nn_vec3_dot(struct vec3 a, struct vec3 b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

struct vec3 nn_vec3_cross(struct vec3 a, struct vec3 b)
{
    return (struct vec3){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

double nn_vec3_length(struct vec3 a)
{
    return sqrt(nn_vec3_dot(a, a));
}

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

struct vec3 nn_pose_apply(const struct pose *pose, struct vec3 p)
{
    const double (*t)[3] = pose->turn;

    return (struct vec3){pose->at.x + t[0][0] * p.x + t[0][1] * p.y + t[0][2] * p.z,
                         pose->at.y + t[1][0] * p.x + t[1][1] * p.y + t[1][2] * p.z,
                         pose->at.z + t[2][0] * p.x + t[2][1] * p.y + t[2][2] * p.z};
}

struct vec3 nn_pose_back(const struct pose *pose, struct vec3 p)
{
    const double (*t)[3] = pose->turn;
    const double x = p.x - pose->at.x, y = p.y - pose->at.y, z = p.z - pose->at.z;

    return (struct vec3){t[0][0] * x + t[1][0] * y + t[2][0] * z,
                         t[0][1] * x + t[1][1] * y + t[2][1] * z,
                         t[0][2] * x + t[1][2] * y + t[2][2] * z};
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

    return fmin(a, b) - (h > 0 ? h * h / (4 * k) : 0);
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

    return slope > 0 ? k * (k - 1) / slope : -fmin(fmin(s.x, s.y), s.z);
}

static double box(const struct nn_part *part, struct vec3 p)
{
    const double r = part->round;
    const struct vec3 q = {fabs(p.x) - part->size.x + r, fabs(p.y) - part->size.y + r,
                           fabs(p.z) - part->size.z + r};
    const struct vec3 out = {fmax(q.x, 0), fmax(q.y, 0), fmax(q.z, 0)};

    return nn_vec3_length(out) + fmin(fmax(fmax(q.x, q.y), q.z), 0) - r;
}

/* The cone's axis and radii are in the local axes as they are; size flattens the space around the
 * axis's middle line. */
static double cone(const struct nn_part *part, struct vec3 p)
{
    const struct vec3 axis = nn_vec3_sub(part->b, part->a), from = nn_vec3_sub(p, part->a);
    double t = nn_vec3_dot(from, axis) / fmax(nn_vec3_dot(axis, axis), 1e-9);

    t = t < 0 ? 0 : t > 1 ? 1 : t;
    const struct vec3 off = nn_vec3_sub(from, nn_vec3_scale(axis, t)), s = part->size;
    const struct vec3 flat = {off.x / s.x, off.y / s.y, off.z / s.z};

    return (nn_vec3_length(flat) - (part->ra + t * (part->rb - part->ra))) *
           fmin(fmin(fmin(s.x, s.y), s.z), 1);
}

static double drum(const struct nn_part *part, struct vec3 p)
{
    const double h = part->size.y, v = p.y / h;
    const double narrow = 1 - part->waist * fmax(0, 1 - v * v);
    const double a = part->size.x * narrow, b = part->size.z * narrow;
    const double u = p.x / a, w = p.z / b, uu = u * u, ww = w * w;
    const double r = 0.5 * (sqrt(uu + ww) + sqrt(sqrt(uu * uu + ww * ww)));
    const double length = sqrt(p.x * p.x + p.z * p.z);
    const double radial = r > 1e-9 ? (r - 1) * length / r : -fmin(a, b);
    const double inside = fmax(0, 1 - uu - ww), front = 0.5 * (u < -1 ? 0 : u > 1 ? 2 : u + 1);
    const double lack = part->wedge >= 0 ? part->wedge * front : -part->wedge * (1 - front);
    const double top = -h + 2 * h * lack + part->hollow * inside;
    const double bottom = h - part->hollow * inside;

    return smooth_max(radial, fmax(top - p.y, p.y - bottom) * 0.95, fmax(part->round, 1e-3));
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
           fmin(sx, sy);
}

static double half(const struct nn_part *part, struct vec3 p)
{
    double wave, rough;

    if (part->hollow <= 0)
        return p.x;
    wave = TURN / fmax(part->round, 1e-3);
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
    double d = shape_distance(part, p);

    return part->mirrored ? fmin(d, shape_distance(part, (struct vec3){p.x, p.y, -p.z})) : d;
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
            d = k > 0 ? smooth_min(d, e, k) : fmin(d, e);
        else if (part->how == NN_PART_CUT)
            d = k > 0 ? smooth_max(d, -e, k) : fmax(d, -e);
        else
            d = k > 0 ? smooth_max(d, e, k) : fmax(d, e);
    }
    return d;
}

double nn_solid_distance(const struct nn_solid *solid, struct vec3 p)
{
    return nn_solid_distance_of(solid, ~UINT64_C(0), p);
}
