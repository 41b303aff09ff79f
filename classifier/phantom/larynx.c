/* larynx.c: hyoid, epiglottis, vallecula, piriform sinuses, ventricle, thyroid and cricoid
 * cartilages with their calcification.
 *
 * Hyoid at C3/C4, its body 25 mm wide and 11 high, greater horns 30-33 mm (Miller et al., Forensic
 * Sci Int 1998); thyroid lamina 28-38 mm; ossification begins about 20 years of age behind and
 * below and is patchy (Ajmani et al., Eur J Radiol 1980). Lengths in mm for a size of 1. */
#include "head_parts.h"
#include <math.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define AHEAD    0.84 /* the tables are a larynx that stands farther from the spine */
#define BONE     (PHANTOM_CORTEX - PHANTOM_SOFT)

/* All of it stands on one pose: origin in front of C4's middle, on the prevertebral line of an
 * average throat (x = 0), axes along the patient's neck. */
struct larynx {
    struct pose pose;
    double scale, lime;
    struct phantom_rng rng;
};

static void chain(struct phantom_scene *scene, struct larynx *l, const struct phantom_node *node,
                  int count, double side, double mu)
{
    struct phantom_node moved[8];
    struct phantom_ring ring[8];

    for (int i = 0; i < count; i++) {
        moved[i] = node[i];
        moved[i].z *= side;
    }
    nn_phantom_sweep(moved, count, nn_phantom_vec(0, 0, 1), l->scale, 0.1, ring);
    for (int i = 0; i < count; i++) {
        ring[i].a.x *= AHEAD;
        ring[i].b.x *= AHEAD;
    }
    nn_phantom_loft(scene, &l->pose, ring, count, 3, 10, mu);
}

static void draw_hyoid(struct phantom_scene *scene, struct larynx *l)
{
    /* {x, y, z of the section's upper and lower end, half thickness}: one row, horn to horn */
    static const double BODY[][5] = {{31, -6, -15, 5, 2},
                                     {36.5, -5.5, -10, 6, 3},
                                     {40, -5, 0, 7, 3.4},
                                     {36.5, -5.5, 10, 6, 3},
                                     {31, -6, 15, 5, 2}};
    static const struct phantom_node HORN[] = {{34, -4, 14, 2.5, 2.6},
                                               {28, -5, 17, 2, 2},
                                               {18, -6.5, 20, 1.7, 1.5},
                                               {9, -8.5, 21, 1.6, 1.4},
                                               {4, -10.5, 21.5, 1.6, 2}};
    struct phantom_ring ring[COUNT(BODY)];
    double lift = nn_phantom_normal(&l->rng, 0, 0.08), one = nn_phantom_normal(&l->rng, 0, 0.03);
    struct larynx tilted = *l;

    for (int i = 0; i < COUNT(BODY); i++) {
        const double *b = BODY[i];
        double s = l->scale;

        ring[i] = (struct phantom_ring){
            .a = {s * AHEAD * (b[0] - 1.5), s * b[1], s * b[2]},
            .b = {s * AHEAD * (b[0] + 2.5), s * (b[1] + b[3] + 2.5), s * b[2]},
            .side = {s * b[4] * 0.65, -s * b[4] * 0.2, s * b[2] * 0.05},
            .square = 0.1};
    }
    nn_phantom_loft(scene, &l->pose, ring, COUNT(BODY), 3, 12, 0.75 * BONE);
    for (int side = -1; side <= 1; side += 2) {
        struct pose turn = nn_pose_of(nn_phantom_vec(0, 0, 0), lift + side * one, 0, 0);
        struct vec3 root = nn_phantom_vec(l->scale * AHEAD * 34, -4 * l->scale, 0);

        turn.at = nn_vec3_sub(root, nn_pose_apply(&turn, root));
        tilted.pose = nn_pose_join(&l->pose, &turn);
        chain(scene, &tilted, HORN, COUNT(HORN), side, BONE);
    }
}

static void draw_soft(struct phantom_scene *scene, struct larynx *l)
{
    static const struct phantom_node LID[] = {{17, 11, 0, 3, 1.2},
                                              {15.5, 5, 0, 6, 1.2},
                                              {13, -2, 0, 8, 1.1},
                                              {9.5, -8, 0, 6, 0.9},
                                              {7, -11, 0, 3, 0.5}};
    double s = l->scale;

    chain(scene, l, LID, COUNT(LID), 1, PHANTOM_SOFT);
    for (int side = -1; side <= 1; side += 2) {
        double size = nn_phantom_uniform(&l->rng, 0.6, 1.2), z = 7 * side * s;
        double deep = nn_phantom_uniform(&l->rng, 0.5, 1.1);

        nn_phantom_ball(scene, &l->pose, nn_phantom_vec(18 * s, 0, 0.8 * z),
                        nn_phantom_vec(2.6 * size * s, 6 * size * s, 4 * s), -PHANTOM_SOFT);
        nn_phantom_ball(scene, &l->pose, nn_phantom_vec(8 * s, 17 * s, 1.9 * z),
                        nn_phantom_vec(4 * s, 10 * deep * s, 3 * deep * s), -PHANTOM_SOFT);
        nn_phantom_ball(scene, &l->pose,
                        nn_phantom_vec((14 + size) * s, (26.5 + 2 * deep) * s, 0.7 * z),
                        nn_phantom_vec(6.5 * s, (0.6 + 1.3 * deep) * s, 2.6 * s), -PHANTOM_SOFT);
    }
}

static void draw_thyroid(struct phantom_scene *scene, struct larynx *l, double side)
{
    /* x of the back and the front, y, z there: the lamina's sections from above */
    static const double LAMINA[][5] = {{14, 30, 10, 18, 6},   {12, 36, 14, 19, 3},
                                       {11, 39, 20, 19, 1.5}, {11, 38, 28, 18, 2},
                                       {12, 35, 35, 16, 4},   {14, 31, 38, 14, 6}};
    static const struct phantom_node EDGE[] = {{10, -2, 21, 1.1, 1.1},
                                               {12, 8, 20, 1.6, 1.6},
                                               {11, 20, 19, 2, 2},
                                               {12, 34, 17, 1.8, 1.8},
                                               {15, 43, 14, 1.2, 1.2}};
    static const struct phantom_node LOWER[] = {
        {13, 36, 17, 1.5, 2}, {20, 38, 14, 1.5, 2.4}, {29, 37, 8, 1.5, 2}, {35, 34, 3, 1.2, 1.6}};
    struct phantom_ring ring[COUNT(LAMINA)];
    double s = l->scale, back = l->lime * nn_phantom_uniform(&l->rng, 0.2, 1.1);
    double low = l->lime * nn_phantom_uniform(&l->rng, 0, 1);
    double plate = 0.003 + 0.012 * l->lime * nn_phantom_uniform(&l->rng, 0, 1);

    for (int i = 0; i < COUNT(LAMINA); i++) {
        const double *p = LAMINA[i];

        ring[i] = (struct phantom_ring){.a = {s * AHEAD * p[0], s * p[2], side * s * p[3]},
                                        .b = {s * AHEAD * p[1], s * p[2], side * s * p[4]},
                                        .side = {0.6 * s, 0, side * 1.1 * s},
                                        .square = 0.3};
    }
    nn_phantom_loft(scene, &l->pose, ring, COUNT(LAMINA), 2, 12, plate);
    chain(scene, l, EDGE, COUNT(EDGE), side, 0.55 * BONE * back);
    chain(scene, l, LOWER, COUNT(LOWER), side, 0.5 * BONE * low);
    for (int i = 0; i < 3; i++) {
        double x = nn_phantom_uniform(&l->rng, 14, 34), y = nn_phantom_uniform(&l->rng, 14, 37);
        double r = nn_phantom_uniform(&l->rng, 1.2, 3.5), z = side * (20 - 0.45 * x);
        double mu = nn_phantom_uniform(&l->rng, 0, 0.8);

        nn_phantom_ball(scene, &l->pose, nn_phantom_vec(s * AHEAD * x, s * y, s * z),
                        nn_phantom_vec(r, 1.2 * r, 1.5), mu * l->lime * BONE);
    }
}

static void draw_cricoid(struct phantom_scene *scene, struct larynx *l)
{
    static const double LAMINA[][3] = {/* y, half width, half thickness */
                                       {36, 4, 1},
                                       {38, 8, 2},
                                       {44, 10, 2.6},
                                       {52, 9, 2.6},
                                       {58, 6, 1.5}};
    static const struct phantom_node ARCH[] = {
        {11, 47, 9, 1.8, 5}, {17, 50, 12, 1.8, 3.8}, {25, 51, 10, 1.8, 3.2}, {30, 51, 4, 1.8, 3}};
    struct phantom_ring ring[COUNT(LAMINA)];
    double s = l->scale, lime = l->lime * nn_phantom_uniform(&l->rng, 0.1, 0.9);

    for (int i = 0; i < COUNT(LAMINA); i++) {
        double half = s * LAMINA[i][1], x = s * (9 + 0.03 * (LAMINA[i][0] - 36)),
               y = s * LAMINA[i][0];

        ring[i] = (struct phantom_ring){.a = {x, y, -half},
                                        .b = {x, y, half},
                                        .side = {s * LAMINA[i][2], 0, 0},
                                        .bend = {-1.5 * s, 0, 0}};
    }
    nn_phantom_loft(scene, &l->pose, ring, COUNT(LAMINA), 3, 12, 0.002 + 0.4 * BONE * lime);
    for (int side = -1; side <= 1; side += 2)
        chain(scene, l, ARCH, COUNT(ARCH), side, 0.002 + 0.35 * BONE * lime);
}

void nn_phantom_draw_larynx(struct phantom_scene *scene, const struct nn_phantom_settings *settings,
                            uint64_t index, const struct phantom_anatomy *uninjured)
{
    const bool other = settings->configuration != 0;
    const struct phantom_level *c4 = &uninjured->level[4], *c6 = &uninjured->level[6];
    struct larynx l = {
        .rng = nn_phantom_rng(settings->seed ^ UINT64_C(0x6c6172), index, PHANTOM_SOFT_TISSUE)};
    struct vec3 way = nn_vec3_sub(c6->body.at, c4->body.at);
    double down = nn_phantom_normal(&l.rng, uninjured->sex == 'M' ? 0 : -4, other ? 6 : 4);
    double ahead = nn_phantom_normal(&l.rng, 0, 1.2), lean = atan2(-way.x, way.y);

    l.scale = uninjured->scale * (uninjured->sex == 'M' ? 1.05 : 0.92);
    l.lime =
        nn_phantom_clamp((uninjured->age - 22) / 40.0, 0, 1) * nn_phantom_uniform(&l.rng, 0.3, 1.2);
    l.pose = nn_pose_of(
        nn_pose_apply(&c4->body, nn_phantom_vec(c4->depth / 2 + 6.5 + ahead, down - 4, 0)),
        0.8 * lean, 0, 0);
    draw_hyoid(scene, &l);
    draw_soft(scene, &l);
    for (int side = -1; side <= 1; side += 2)
        draw_thyroid(scene, &l, side);
    draw_cricoid(scene, &l);
}
