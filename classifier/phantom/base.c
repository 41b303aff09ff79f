/* base.c: the skull's base: clivus, sella, petrous pyramids with the otic capsules, mastoid
 * processes with their cells, occipital condyles, floors of the cranial fossae. Sizes: head.c;
 * petrous ridge at 45 degrees to the sagittal plane, mastoid process 28 mm, occipital condyles 23 x
 * 11 mm, converging forward (Naderi et al., J Neurosurg Spine 2005;3:478). */
#include "head_parts.h"
#include <math.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define BONE     (PHANTOM_CORTEX - PHANTOM_SOFT)

static double jitter(struct phantom_head *head, double deviation)
{
    return nn_phantom_normal(&head->rng, 0, deviation);
}

/* Bodies given as rows of {x, y of two ends, z, half width}: sections in the sagittal plane. */
static void rows_bone(struct phantom_scene *scene, struct phantom_head *head,
                      const double (*row)[6], int count, double side, double rough, double cortex,
                      double density)
{
    struct phantom_ring ring[PHANTOM_MOST_RINGS];
    double x = jitter(head, 1.3), y = jitter(head, 1.1);

    for (int i = 0; i < count; i++) {
        double ab[4] = {row[i][0] + x, row[i][1] + y, row[i][2] + x, row[i][3] + y};

        ab[0] += jitter(head, rough);
        ab[1] += jitter(head, rough);
        ab[2] += jitter(head, rough);
        ab[3] += jitter(head, rough);
        ring[i] = nn_phantom_head_ring(head, ab, side * row[i][4], row[i][5]);
    }
    nn_phantom_loft_bone(scene, &head->skull, ring, count, 3, 14, cortex, density * head->density);
}

static void draw_clivus(struct phantom_scene *scene, struct phantom_head *head)
{
    static const double CLIVUS[][6] = {{-1, 1, 4, 2, 0, 6},       {-0.5, -3, 8, 0, 0, 10},
                                       {4, -14, 15, -8, 0, 13},   {9, -25, 21, -19, 0, 14},
                                       {14, -35, 26, -30, 0, 13}, {16, -44, 20, -44, 0, 9},
                                       {17.5, -47, 19, -47, 0, 6}};
    static const struct phantom_plate SELLA = {
        {{17, -47}, {17, -41}, {22, -36}, {29, -36}, {33, -41}, {31, -46}}, 6, -7, 7, 1.5, {0, 1}};
    static const struct phantom_plate PLANUM = {
        {{31, -46}, {38, -47.5}, {50, -48}, {62, -50}}, 4, -9, 9, 1.4, {0, 1.5}};
    double air = nn_phantom_uniform(&head->rng, 0.75, 1.1);

    rows_bone(scene, head, CLIVUS, COUNT(CLIVUS), 1, 0.9, 1.0, 0.7);
    nn_phantom_head_plate(scene, head, &SELLA, 0.9 * BONE);
    nn_phantom_head_plate(scene, head, &PLANUM, 0.9 * BONE);
    for (int side = -1; side <= 1; side += 2) {
        double x = 34 + jitter(head, 1.5), y = -28 + jitter(head, 1);
        struct vec3 radii = {12 * air, 7.5 * air, 8};

        nn_phantom_bubble(scene, &head->skull, nn_phantom_head_vec(head, x, y, 8.2 * side), radii,
                          0.55);
    }
}

static void draw_cells(struct phantom_scene *scene, struct phantom_head *head, double side,
                       double air)
{
    int cells = (int)(air * nn_phantom_uniform(&head->rng, 18, 36));

    for (int i = 0; i < cells; i++) {
        double up = nn_phantom_uniform(&head->rng, 0, 1);
        double x = -22 + 6 * up - 12 * up * up + jitter(head, 5 * (0.35 + up));
        double y = 8 - 34 * up + jitter(head, 3), z = side * (52 + jitter(head, 2.2));
        double r = nn_phantom_uniform(&head->rng, 1.0, 1.8 + 1.4 * up);
        double longer = nn_phantom_uniform(&head->rng, 0.8, 1.4);
        struct vec3 radii = {r, r * longer, 1.6 * r};

        nn_phantom_ball(scene, &head->skull, nn_phantom_head_vec(head, x, y, z), radii,
                        -0.9 * PHANTOM_SPONGE);
    }
}

/* Ridges, canals and joints of the temporal bone and of the base between them: dense and hollow
 * flecks that overlap into its busy look. */
static void draw_flecks(struct phantom_scene *scene, struct phantom_head *head, double side)
{
    for (int i = 0; i < 22; i++) {
        double x = nn_phantom_uniform(&head->rng, -24, 18), y = -18 + jitter(head, 9);
        double z = side * (32 - 0.8 * x + jitter(head, 3)), turn = jitter(head, 1);
        double r = nn_phantom_uniform(&head->rng, 1.2, 3),
               longer = nn_phantom_uniform(&head->rng, 1, 3);
        double mu = nn_phantom_uniform(&head->rng, -0.7, 0.9) * BONE;
        struct vec3 at = nn_phantom_head_vec(head, x, y, z);
        struct pose place = nn_pose_of(at, turn, 0, 0);

        place = nn_pose_join(&head->skull, &place);
        nn_phantom_ball(scene, &place, nn_phantom_vec(0, 0, 0),
                        nn_phantom_vec(r * longer, r, 1.5 * r), mu);
    }
}

static void draw_temporal(struct phantom_scene *scene, struct phantom_head *head, double side,
                          double air)
{
    /* The pyramid from its lateral end to the apex: height in the sagittal plane; half width. */
    static const double PETROUS[][6] = {{-20, -28, -16, -18, 57, 2}, {-24, -35, -14, -10, 53, 7},
                                        {-18, -37, -8, -8, 45, 8},   {-12, -37, -3, -9, 36, 8},
                                        {-4, -35, 4, -11, 27, 7},    {4, -32, 9, -14, 18, 6},
                                        {9, -28, 12, -18, 12, 4},    {11, -25, 13, -21, 10, 2}};
    static const double MASTOID[][6] = {{-27, -45, -22, -45, 56, 1},  {-37, -36, -12, -35, 55, 5},
                                        {-40, -22, -10, -21, 54, 7},  {-36, -11, -11, -10, 53, 8},
                                        {-30, 0, -13, 1, 52, 7},      {-25, 7, -15, 8, 51, 5},
                                        {-22, 11, -18, 12, 50.5, 2.5}};
    double x = jitter(head, 1), y = jitter(head, 1), z = 35 * side;

    rows_bone(scene, head, PETROUS, COUNT(PETROUS), side, 2.2, 1.6, 1.3);
    rows_bone(scene, head, MASTOID, COUNT(MASTOID), side, 1.5, 0.6, 1.0);
    draw_cells(scene, head, side, air);
    draw_flecks(scene, head, side);
    /* otic capsule, inner and outer ear canals, tympanic cavity */
    nn_phantom_ball(scene, &head->skull, nn_phantom_head_vec(head, -5 + x, -24 + y, z),
                    nn_phantom_vec(7.5, 6.5, 7), 0.7 * BONE);
    nn_phantom_ball(scene, &head->skull, nn_phantom_head_vec(head, -1 + x, -25 + y, 0.75 * z),
                    nn_phantom_vec(3, 2.6, 7), -0.6 * BONE);
    nn_phantom_ball(scene, &head->skull, nn_phantom_head_vec(head, -4 + x, -20 + y, 1.55 * z),
                    nn_phantom_vec(3.8, 4.2, 11), -0.6 * PHANTOM_CORTEX);
}

static void draw_condyle(struct phantom_scene *scene, struct phantom_head *head, double side)
{
    static const double CONDYLE[][6] = {{6, -3, 6, 3, 14, 3},         {3, -5, 3, 6, 15, 5.5},
                                        {-3, -5, -3, 8, 16.5, 6.5},   {-9, -5, -9, 8, 18, 6.5},
                                        {-15, -4, -15, 5, 19.5, 5.5}, {-18, -3, -18, 2, 20.5, 3}};

    for (int i = 0; i < 8; i++) { /* the bone around: no outline of its own */
        double x = nn_phantom_uniform(&head->rng, -34, 14), y = -14 + jitter(head, 8);
        double z = side * nn_phantom_uniform(&head->rng, 12, 50);
        double r = nn_phantom_uniform(&head->rng, 4, 9),
               flat = nn_phantom_uniform(&head->rng, 0.3, 0.8);
        double turn = jitter(head, 0.6), mu = nn_phantom_uniform(&head->rng, 0.05, 0.28) * BONE;
        struct pose place = nn_pose_of(nn_phantom_head_vec(head, x, y, z), turn, 0, 0);

        place = nn_pose_join(&head->skull, &place);
        nn_phantom_ball(scene, &place, nn_phantom_vec(0, 0, 0),
                        nn_phantom_vec(1.5 * r, flat * r, r), mu);
    }
    rows_bone(scene, head, CONDYLE, COUNT(CONDYLE), side, 0.6, 1.5, 1.1);
}

/* Floors of the front and middle fossae, the great wings, the styloid process. */
static void draw_floors(struct phantom_scene *scene, struct phantom_head *head, double side)
{
    static const struct phantom_plate FLOORS[] = {
        {{{38, -45}, {50, -51}, {64, -54}, {78, -54}, {86, -50}}, 5, 9, 45, 0.8, {0, -7}},
        {{{86, -52}, {89, -47}, {84, -43}}, 3, 10, 46, 3.5, {3, -4}},
        {{{50, -50}, {57, -38}, {54, -26}, {46, -18}}, 4, 24, 52, 1.2, {7, 0}},
        {{{46, -18}, {34, -14}, {20, -17}, {4, -22}}, 4, 20, 58, 1.3, {0, 5}},
        {{{40, -48}, {43, -40}, {41, -32}}, 3, 10, 36, 1.5, {-3, 0}},
        {{{-36, 1}, {-47, -1}, {-60, -7}, {-72, -17}}, 4, 3, 34, 1.6, {0, 3}}};
    static const struct phantom_node STYLOID[] = {
        {-6, -6, 46, 2, 2}, {0, 6, 43, 1.5, 1.5}, {6, 18, 39, 0.7, 0.7}};
    struct phantom_node styloid[COUNT(STYLOID)];
    struct phantom_ring ring[COUNT(STYLOID)];

    for (int i = 0; i < COUNT(FLOORS); i++) {
        struct phantom_plate plate = FLOORS[i];
        double low = plate.low, dx = jitter(head, 1.2), dy = jitter(head, 1.2);

        for (int k = 0; k < plate.count; k++) {
            plate.line[k][0] += dx + jitter(head, 0.6);
            plate.line[k][1] += dy + jitter(head, 0.6);
        }
        if (side < 0) {
            plate.low = -plate.high;
            plate.high = -low;
        }
        nn_phantom_head_plate(scene, head, &plate, 0.85 * BONE);
    }
    for (int i = 0; i < COUNT(STYLOID); i++) {
        styloid[i] = STYLOID[i];
        styloid[i].z *= side;
    }
    nn_phantom_sweep(styloid, COUNT(STYLOID), nn_phantom_vec(0, 0, 1), head->size.y, 0, ring);
    nn_phantom_loft(scene, &head->skull, ring, COUNT(STYLOID), 2, 8, 0.7 * BONE);
}

void nn_phantom_draw_base(struct phantom_scene *scene, struct phantom_head *head)
{
    double air = nn_phantom_uniform(&head->rng, 0.35, 1);

    draw_clivus(scene, head);
    for (int side = -1; side <= 1; side += 2) {
        draw_temporal(scene, head, side, air);
        draw_condyle(scene, head, side);
        draw_floors(scene, head, side);
    }
}
