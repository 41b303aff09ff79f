/* face.c: orbits, nose, sinuses, cheekbones, pterygoid plates, and the many thin plates between
 * them that no lateral resolves one by one. Sizes: head.c. */
#include "head_parts.h"
#include <math.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define BONE     (PHANTOM_CORTEX - PHANTOM_SOFT)

static double jitter(struct phantom_head *head, double deviation)
{
    return nn_phantom_normal(&head->rng, 0, deviation);
}

static void bar(struct phantom_scene *scene, struct phantom_head *head,
                const struct phantom_node *node, int count, double side, double cortex)
{
    struct phantom_node moved[8];
    struct phantom_ring ring[8];
    double x = jitter(head, 1), y = jitter(head, 1);

    for (int i = 0; i < count; i++) {
        moved[i] = node[i];
        moved[i].x += x;
        moved[i].y += y;
        moved[i].z *= side;
    }
    nn_phantom_sweep(moved, count, nn_phantom_vec(0, 0, 1), head->size.x, 0.1, ring);
    nn_phantom_loft_bone(scene, &head->skull, ring, count, 3, 10, cortex, head->density);
}

static void draw_cheek(struct phantom_scene *scene, struct phantom_head *head, double side)
{
    static const struct phantom_node ARCH[] = {{66, -16, 48, 3, 8},     {56, -15, 54, 2.5, 5},
                                               {42, -16, 58, 2.2, 3.5}, {24, -18, 61, 2.2, 3},
                                               {8, -19, 60, 2.5, 3},    {-2, -20, 57, 3, 3}};
    static const struct phantom_node RIM[] = {
        {78, -53, 42, 4, 3}, {68, -48, 48, 3, 3.2}, {64, -36, 49, 2.5, 3}, {66, -24, 48, 4, 4},
        {74, -20, 40, 5, 4}, {82, -20, 26, 4, 2.5}, {87, -28, 14, 3, 2.5}};
    static const struct phantom_node BUTTRESS[] = {
        {68, -16, 48, 5, 5}, {64, -6, 43, 4.5, 4}, {62, 4, 37, 3, 3}, {60, 10, 32, 2, 2}};

    bar(scene, head, ARCH, COUNT(ARCH), side, 1.2);
    bar(scene, head, RIM, COUNT(RIM), side, 1.1);
    bar(scene, head, BUTTRESS, COUNT(BUTTRESS), side, 1.0);
}

static void draw_sinuses(struct phantom_scene *scene, struct phantom_head *head, double side)
{
    static const double ANTRUM[][6] = {/* from above: x, y of back and front; z, half width */
                                       {58, -23, 68, -23, 30, 3},  {50, -20, 76, -21, 30, 9},
                                       {47, -12, 79, -14, 29, 12}, {48, -3, 77, -5, 28, 11},
                                       {52, 4, 73, 3, 27, 8},      {57, 9, 67, 8, 27, 3}};
    double big = nn_phantom_uniform(&head->rng, 0, 1), x = jitter(head, 1.2), y = jitter(head, 1.2);

    for (int k = 0; k < 2; k++) { /* wall, then air */
        struct phantom_ring ring[COUNT(ANTRUM)];

        for (int i = 0; i < COUNT(ANTRUM); i++) {
            const double *r = ANTRUM[i];
            double in = 0.9 * k + 2 * (1 - big), up = i < 2 ? 0.9 * k : i > 3 ? -0.9 * k : 0;
            double ab[4] = {r[0] + x + in, r[1] + y + up, r[2] + x - in, r[3] + y + up};

            ring[i] = nn_phantom_head_ring(head, ab, side * r[4], r[5] - 0.9 * k);
            ring[i].square = 0.1;
        }
        nn_phantom_loft(scene, &head->skull, ring, COUNT(ANTRUM), 3, 14,
                        k == 0 ? 0.9 * BONE : -0.9 * BONE - PHANTOM_SOFT);
    }
    if (nn_phantom_chance(&head->rng, 0.9)) {
        double high = nn_phantom_uniform(&head->rng, 6, 15);
        struct vec3 front = {5.5, high, 11};

        nn_phantom_bubble(scene, &head->skull,
                          nn_phantom_head_vec(head, 83, -52 - 0.6 * high, 10 * side), front, 0.6);
    }
    for (int i = 0; i < 5; i++) {
        double cx = 46 + 8 * i + jitter(head, 1.5), cy = -39 + jitter(head, 3);
        double r = nn_phantom_uniform(&head->rng, 4, 6.5);
        struct vec3 cell = {r, r * 1.1, 5};

        nn_phantom_bubble(scene, &head->skull, nn_phantom_head_vec(head, cx, cy, 9 * side), cell,
                          0.5);
    }
    nn_phantom_ball(scene, &head->skull, nn_phantom_head_vec(head, 70, -37, 31 * side),
                    nn_phantom_vec(19, 16, 16), PHANTOM_FAT - PHANTOM_SOFT);
}

/* Airways of the nose on both sides of the septum, with the turbinates in them. */
static void draw_nose(struct phantom_scene *scene, struct phantom_head *head, double side)
{
    static const double CAVITY[][4] = {{42, -22, 42, 1}, {50, -27, 50, 2}, {62, -30, 62, 2},
                                       {76, -32, 76, 3}, {88, -28, 88, 3}, {97, -16, 97, 2},
                                       {101, -8, 102, 0}};
    struct phantom_ring ring[COUNT(CAVITY)];

    for (int i = 0; i < COUNT(CAVITY); i++)
        ring[i] = nn_phantom_head_ring(head, CAVITY[i], 7 * side, i == 0 || i == 6 ? 2 : 4.5);
    nn_phantom_loft(scene, &head->skull, ring, COUNT(CAVITY), 3, 12, -PHANTOM_SOFT);
    for (int i = 0; i < 2; i++) {
        double y = -6 - 12 * i + jitter(head, 1);

        nn_phantom_ball(scene, &head->skull, nn_phantom_head_vec(head, 68 - 4 * i, y, 7 * side),
                        nn_phantom_vec(20 - 3 * i, 4.5, 3), PHANTOM_SOFT);
        nn_phantom_ball(scene, &head->skull, nn_phantom_head_vec(head, 68 - 4 * i, y - 1, 8 * side),
                        nn_phantom_vec(17 - 3 * i, 1.2, 2.5), 0.5 * BONE);
    }
}

static void draw_pterygoid(struct phantom_scene *scene, struct phantom_head *head, double side)
{
    static const double PLATE[][4] = {{30, -24, 44, -24}, {32, -16, 44, -18}, {33, -6, 43, -8},
                                      {34, 3, 44, 2},     {36, 9, 44, 9},     {38, 12, 42, 12}};
    struct phantom_ring ring[COUNT(PLATE)];

    for (int k = 0; k < 2; k++) {
        double x = jitter(head, 1), z = (11 + 7 * k) * side;

        for (int i = 0; i < COUNT(PLATE); i++) {
            double ab[4] = {PLATE[i][0] + x - 2.5 * k, PLATE[i][1], PLATE[i][2] + x, PLATE[i][3]};

            ring[i] = nn_phantom_head_ring(head, ab, z, i == COUNT(PLATE) - 1 ? 0.5 : 1.1);
            ring[i].square = 0.3;
        }
        nn_phantom_loft(scene, &head->skull, ring, COUNT(PLATE), 2, 8, 0.8 * BONE);
    }
}

/* Thin plates of any direction. */
static void draw_plates(struct phantom_scene *scene, struct phantom_head *head, int count)
{
    for (int i = 0; i < count; i++) {
        struct phantom_rng *rng = &head->rng;
        double x = nn_phantom_uniform(rng, 20, 88), y = nn_phantom_uniform(rng, -50, 4);
        double way = nn_phantom_uniform(rng, 0, 6.28), turn = nn_phantom_normal(rng, 0, 0.35);
        double step = nn_phantom_uniform(rng, 3, 8), z = nn_phantom_normal(rng, 0, 18);
        double half = nn_phantom_uniform(rng, 5, 12), thick = nn_phantom_uniform(rng, 0.6, 1.2);
        struct phantom_plate plate = {.count = 4, .low = z - half, .high = z + half};

        plate.thick = thick;
        plate.bend[0] = nn_phantom_normal(rng, 0, 2);
        plate.bend[1] = nn_phantom_normal(rng, 0, 2);
        for (int k = 0; k < 4; k++) {
            plate.line[k][0] = x;
            plate.line[k][1] = y;
            x += step * cos(way);
            y += step * sin(way);
            way += turn;
        }
        nn_phantom_head_plate(scene, head, &plate, 0.7 * BONE);
    }
}

void nn_phantom_draw_face(struct phantom_scene *scene, struct phantom_head *head)
{
    static const struct phantom_node BRIDGE[] = {
        {88, -48, 0, 6, 2}, {95, -38, 0, 6, 1.6}, {101, -29, 0, 6, 1.2}, {105, -22, 0, 5, 0.8}};
    static const struct phantom_plate SEPTUM = {
        {{48, -20}, {48, -8}, {52, 3}}, 3, -0.8, 0.8, 8, {0, 0}};

    for (int side = -1; side <= 1; side += 2) {
        draw_cheek(scene, head, side);
        draw_nose(scene, head, side);
        draw_sinuses(scene, head, side);
        draw_pterygoid(scene, head, side);
    }
    bar(scene, head, BRIDGE, COUNT(BRIDGE), 1, 0.8);
    nn_phantom_head_plate(scene, head, &SEPTUM, 0.6 * BONE);
    draw_plates(scene, head, 14);
}
