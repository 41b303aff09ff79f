/* spine.c: parts that vertebrae share. Sizes of laminae and spinous processes: Xu et al., Spine 24
 * (1999) 133; of the articular pillars: Panjabi et al., Spine 18 (1993) 1298. */
#include "spine.h"
#include <math.h>

int nn_phantom_pick(struct phantom_rng *rng, const double *weights, int count)
{
    double at = nn_phantom_uniform(rng, 0, 1);
    int i = 0;

    while (i < count - 1 && at >= weights[i])
        at -= weights[i++];
    return i;
}

double nn_phantom_pillar_x(const struct phantom_level *level, double scale)
{
    return -level->depth / 2 - 4.3 * scale;
}

/* A pose at `at` whose local x axis points along `along` and whose y axis lies in the plane of
 * `along` and `down`. */
static struct pose aim(struct vec3 at, struct vec3 along, struct vec3 down)
{
    struct vec3 x = nn_vec3_scale(along, 1 / nn_vec3_length(along));
    struct vec3 z = nn_vec3_cross(x, down), y;
    struct pose pose = {.at = at};

    z = nn_vec3_scale(z, 1 / nn_vec3_length(z));
    y = nn_vec3_cross(z, x);
    pose.turn[0][0] = x.x, pose.turn[1][0] = x.y, pose.turn[2][0] = x.z;
    pose.turn[0][1] = y.x, pose.turn[1][1] = y.y, pose.turn[2][1] = y.z;
    pose.turn[0][2] = z.x, pose.turn[1][2] = z.y, pose.turn[2][2] = z.z;
    return pose;
}

struct pose nn_phantom_about(struct vec3 pivot, double flexion, double rotation, struct vec3 shift)
{
    struct pose pose = nn_pose_of((struct vec3){0, 0, 0}, flexion, rotation, 0);

    pose.at = nn_vec3_add(nn_vec3_sub(pivot, nn_pose_apply(&pose, pivot)), shift);
    return pose;
}

struct nn_part *nn_phantom_rod(struct nn_solid *solid, struct vec3 a, struct vec3 b, double ra,
                               double rb)
{
    struct nn_part *part = nn_solid_add(solid, NN_PART_CONE, (struct vec3){0, 0, 0});

    part->a = a;
    part->b = b;
    part->ra = ra;
    part->rb = rb;
    return part;
}

struct nn_part *nn_phantom_plate(struct nn_solid *solid, struct vec3 a, struct vec3 b,
                                 struct vec3 down, double tall, double thick)
{
    struct vec3 along = nn_vec3_sub(b, a), middle = nn_vec3_scale(nn_vec3_add(a, b), 0.5);
    struct nn_part *part = nn_solid_add(solid, NN_PART_BOX, middle);

    part->pose = aim(middle, along, down);
    part->size = (struct vec3){nn_vec3_length(along) / 2, tall, thick};
    part->round = thick * 0.8;
    return part;
}

struct nn_part *nn_phantom_break(struct nn_solid *solid, enum nn_part_how how, struct vec3 at,
                                 struct vec3 front, const struct phantom_injury *injury)
{
    struct nn_part *part = nn_solid_add(solid, NN_PART_HALF, at);
    struct vec3 down = {0, 1, 0};

    if (fabs(front.y) > 0.7 * nn_vec3_length(front))
        down = (struct vec3){-1, 0, 0};
    part->how = how;
    part->pose = aim(at, front, down);
    part->hollow = 0.4;
    part->round = 4.5;
    part->waist = injury->phase;
    return part;
}

/* The two facets bound it above and below at the same slope or nearly so; sharp edges there, but
 * blunt tips; hollow before and behind. */
static double pillar_distance(const void *context, struct vec3 p)
{
    const struct spine_pillar *pillar = context;
    double upper = -pillar->upper_sin * p.x - pillar->upper_cos * (p.y - pillar->upper);
    double lower = pillar->lower_sin * p.x + pillar->lower_cos * (p.y - pillar->lower);
    double middle = upper - lower, hollow = 1 - middle * middle / 50;
    double wall = fabs(p.x) - pillar->half_depth + (hollow > 0 ? 0.5 * hollow : 0);
    double tip = nn_most(pillar->upper - 3.7 - p.y, p.y - pillar->lower - 3.7);
    double side = fabs(p.z) - pillar->half_width, round = 1.2;
    double flat = nn_most(nn_most(upper, lower), nn_most(0.85 * wall, tip));

    if (flat > -round && side > -round)
        return sqrt((flat + round) * (flat + round) + (side + round) * (side + round)) - round;
    return nn_most(flat, side);
}

struct spine_pillar nn_phantom_pillar_of(const struct phantom_level *level, double scale)
{
    return (struct spine_pillar){.half_depth = 5.2 * scale,
                                 .half_width = 5.2 * scale,
                                 .upper = level->facet_upper,
                                 .lower = level->facet_lower,
                                 .upper_sin = sin(level->slope_upper),
                                 .upper_cos = cos(level->slope_upper),
                                 .lower_sin = sin(level->slope_lower),
                                 .lower_cos = cos(level->slope_lower)};
}

static double ring_distance(const void *context, struct vec3 p)
{
    const struct spine_ring *ring = context;
    double across = (sqrt(p.x * p.x + p.z * p.z) - ring->radius) / ring->thick;
    double along = p.y / ring->tall;

    return (sqrt(across * across + along * along) - 1) * ring->thick;
}

struct nn_part *nn_phantom_ring(struct nn_solid *solid, const struct spine_ring *ring,
                                const struct pose *pose)
{
    struct nn_part *part = nn_solid_add(solid, NN_PART_CUSTOM, pose->at);

    part->pose = *pose;
    part->custom = ring_distance;
    part->context = ring;
    return part;
}

struct nn_part *nn_phantom_pillar(struct nn_solid *solid, const struct spine_pillar *pillar,
                                  double x, double z)
{
    struct nn_part *part = nn_solid_add(solid, NN_PART_CUSTOM, (struct vec3){x, 0, z});

    part->custom = pillar_distance;
    part->context = pillar;
    return part;
}

void nn_phantom_lamina(struct nn_solid *solid, const struct phantom_level *level, double scale)
{
    double rear = -level->depth / 2 - level->canal, tall = 0.38 * level->height;
    double low = level->height / 2 - 2.6 * scale;
    struct vec3 a = {nn_phantom_pillar_x(level, scale) - 1.5 * scale, low,
                     level->pillar - 3.0 * scale};
    struct vec3 b = {rear - 1.2 * scale, low + 0.6 * scale, 1.6 * scale};
    struct nn_part *part;

    part = nn_phantom_plate(solid, a, b, (struct vec3){-0.36, 1, 0}, tall, 1.8 * scale);
    part->mirrored = true;
    part->blend = 1.2;
    /* where both meet: the spinolaminar line of a lateral */
    part = nn_phantom_plate(solid, (struct vec3){rear - 0.9 * scale, low + 0.6 * scale, -3 * scale},
                            (struct vec3){rear - 0.9 * scale, low + 0.6 * scale, 3 * scale},
                            (struct vec3){-0.2, 1, 0}, 0.95 * tall, 1.1 * scale);
    part->blend = 0.8;
}

void nn_phantom_spinous(struct nn_solid *solid, const struct phantom_level *level, double scale,
                        bool bifid)
{
    double rear = -level->depth / 2 - level->canal, tall = level->spinous_height / 2;
    double low = level->height / 2 - 2.4 * scale, wide = 1.12 * tall;
    struct vec3 root = {rear - wide + 0.4 * scale, low + 0.3 * scale, 0}, tip, fork;
    struct nn_part *part;

    tip = (struct vec3){rear - level->spinous + 0.7 * tall, low + level->spinous_drop * 0.75, 0};
    if (bifid) {
        fork = nn_vec3_add(nn_vec3_scale(root, 0.42), nn_vec3_scale(tip, 0.58));
        part = nn_phantom_rod(solid, root, fork, wide, 0.72 * tall);
        part->size = (struct vec3){1, 1, 0.6};
        part->blend = 1.5;
        tip.z = 3.6 * scale;
        tip.y += 0.8 * scale;
        part = nn_phantom_rod(solid, fork, tip, 0.62 * tall, 0.5 * tall);
        part->mirrored = true;
        part->blend = 1.2;
        return;
    }
    part = nn_phantom_rod(solid, root, tip, wide, 0.74 * tall);
    part->size = (struct vec3){1, 1, 0.8};
    part->blend = 1.5;
}

void nn_phantom_spinous_break(const struct phantom_level *level,
                              const struct phantom_injury *injury, struct vec3 *at,
                              struct vec3 *back)
{
    double rear = -level->depth / 2 - level->canal;
    double share = 0.32 + 0.3 * injury->size, slope = 0.35 + 1.5 * injury->tilt;

    *at = (struct vec3){rear - share * level->spinous,
                        level->height / 2 - 3 + share * level->spinous_drop * 0.75, 0};
    *back = (struct vec3){-cos(slope), sin(slope), 0};
}

/* Flexion's fragment is large; extension's is small, and as tall as it is deep or taller. */
void nn_phantom_teardrop_break(const struct phantom_level *level,
                               const struct phantom_injury *injury, struct vec3 *at,
                               struct vec3 *front)
{
    bool flexion = injury->kind == PHANTOM_FLEXION_TEARDROP;
    double deep = (flexion ? 0.40 + 0.2 * injury->size : 0.28 + 0.14 * injury->size) * level->depth;
    double tall = (flexion ? 0.55 + 0.3 * injury->size : 0.42 + 0.2 * injury->size) * level->height;

    if (injury->level == 2)
        tall *= 0.7;
    tall *= 1 + injury->tilt;
    *at = (struct vec3){level->depth / 2 - deep / 2, level->height / 2 - tall / 2, 0};
    *front = (struct vec3){tall, deep, 0};
}

struct pose nn_phantom_teardrop_pose(const struct phantom_level *level,
                                     const struct phantom_injury *injury)
{
    struct vec3 at, front;
    struct pose moved;

    nn_phantom_teardrop_break(level, injury, &at, &front);
    front = nn_vec3_scale(front, injury->gap / nn_vec3_length(front));
    moved = nn_phantom_about(at, 0.03 * injury->gap, 0, front);
    return nn_pose_join(&level->body, &moved);
}
