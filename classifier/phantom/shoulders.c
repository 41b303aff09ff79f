/* shoulders.c: clavicles, scapulae and upper arms, inside the skin's outline.
 *
 * Clavicle 150 mm, scapula 155 x 105 mm, humeral head 46 mm across (Gray's Anatomy, 40th ed.). */
#include "head_parts.h"
#include <math.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* From the shoulder ring: along its axis (share from back to front), down, and to a side. */
static struct vec3 at_shoulder(const struct phantom_ring *ring, double forward, double down,
                               double sideways)
{
    struct vec3 at = nn_phantom_mix(ring->a, ring->b, 0.5 + 0.5 * forward);

    at = nn_vec3_add(at, nn_vec3_scale(ring->side, sideways));
    at.y += down;
    return at;
}

static void draw_clavicle(struct phantom_scene *scene, const struct phantom_anatomy *a,
                          const struct phantom_ring *shoulder, double side, double bow)
{
    struct vec3 inner = nn_phantom_ahead(a, 10, 44, 0, 20 * side);
    struct vec3 outer = at_shoulder(shoulder, -0.05, -14, 0.78 * side);
    static const double SHARE[6] = {0, 0.08, 0.3, 0.55, 0.8, 1};
    static const double WIDE[6] = {5.5, 7, 5.2, 5, 5.4, 6.5}, BOW[6] = {0, 5, 14, 6, -8, -4};
    struct pose none = nn_pose_none();
    struct phantom_node node[6];
    struct phantom_ring ring[6];

    for (int i = 0; i < 6; i++) {
        struct vec3 at = nn_phantom_mix(inner, outer, SHARE[i]);

        node[i] =
            (struct phantom_node){at.x + bow * BOW[i], at.y - 2 * SHARE[i] * BOW[i] * 0.2, at.z,
                                  WIDE[i] * a->scale, (i > 3 ? 0.8 : 0.95) * WIDE[i] * a->scale};
    }
    nn_phantom_sweep(node, 6, nn_phantom_vec(1, 0, 0), 1, 0, ring);
    nn_phantom_loft_bone(scene, &none, ring, 6, 3, 14, 1.2, 0.8 * a->density);
}

static void draw_scapula(struct phantom_scene *scene, const struct phantom_anatomy *a,
                         const struct phantom_ring *shoulder, double side)
{
    /* The blade's inner and outer border from above: share of the shoulder's width, mm down; half
     * thickness. */
    static const double BLADE[][5] = {{0.46, 0, 0.60, -8, 1.5},  {0.38, 18, 0.72, 8, 3},
                                      {0.36, 44, 0.74, 26, 4},   {0.37, 80, 0.66, 64, 3},
                                      {0.40, 115, 0.56, 104, 3}, {0.44, 142, 0.50, 142, 2}};
    struct pose none = nn_pose_none();
    struct phantom_ring ring[COUNT(BLADE)], spine[4];

    for (int i = 0; i < COUNT(BLADE); i++) {
        const double *b = BLADE[i];

        ring[i] =
            (struct phantom_ring){.a = at_shoulder(shoulder, -0.72, a->scale * b[1], side * b[0]),
                                  .b = at_shoulder(shoulder, -0.38, a->scale * b[3], side * b[2]),
                                  .side = {b[4], 0, -side * 0.4 * b[4]},
                                  .bend = {-5, 0, 0}};
    }
    nn_phantom_loft_bone(scene, &none, ring, COUNT(BLADE), 3, 14, 1.1, a->density);
    for (int i = 0; i < 4; i++) {
        double out = 0.40 + 0.15 * i;

        spine[i] = (struct phantom_ring){
            .a = at_shoulder(shoulder, -0.70 + 0.12 * i, 22 - 14 * i, side * out),
            .b = at_shoulder(shoulder, -0.82 + 0.24 * i, 12 - 13 * i, side * out),
            .side = {0, i == 3 ? 6 : 3, 0}};
    }
    nn_phantom_loft_bone(scene, &none, spine, 4, 3, 12, 1.2, a->density);
}

static void draw_humerus(struct phantom_scene *scene, const struct phantom_anatomy *a,
                         const struct phantom_ring *shoulder, double side, double swing)
{
    /* mm down, mm outwards of the joint, half width */
    static const double BONE[][3] = {{-22, 0, 9}, {-14, 0, 19},   {0, 2, 23.5},  {14, 5, 21},
                                     {34, 9, 14}, {70, 11, 11.5}, {160, 12, 11}, {280, 12, 11}};
    struct vec3 joint = at_shoulder(shoulder, 0.0, 22, 0.76 * side);
    struct pose none = nn_pose_none();
    struct phantom_ring ring[COUNT(BONE)];
    double s = a->scale;

    for (int i = 0; i < COUNT(BONE); i++) {
        const double *b = BONE[i];
        double x = joint.x + swing * b[0], y = joint.y + s * b[0], z = joint.z + side * s * b[1];

        ring[i] = (struct phantom_ring){
            .a = {x - s * b[2], y, z}, .b = {x + s * b[2], y, z}, .side = {0, 0, s * b[2]}};
    }
    nn_phantom_loft_bone(scene, &none, ring, COUNT(BONE), 2, 16, 2.2, a->density);
}

void nn_phantom_draw_shoulders(struct phantom_scene *scene,
                               const struct nn_phantom_settings *settings, uint64_t index,
                               const struct phantom_anatomy *uninjured,
                               const struct phantom_skin *skin)
{
    struct phantom_rng rng =
        nn_phantom_rng(settings->seed ^ UINT64_C(0x73686f), index, PHANTOM_SOFT_TISSUE);
    const struct phantom_ring *shoulder = &skin->ring[skin->shoulder];

    for (int side = -1; side <= 1; side += 2) {
        double swing = nn_phantom_normal(&rng, 0, 0.12), bow = nn_phantom_uniform(&rng, 0.7, 1.3);

        draw_clavicle(scene, uninjured, shoulder, side, bow);
        draw_scapula(scene, uninjured, shoulder, side);
        draw_humerus(scene, uninjured, shoulder, side, swing);
    }
}
