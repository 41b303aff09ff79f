/* hand.c: a hand and wrist, palm down. Lengths of the bones: Buryanov and Kotiuk, "Proportions of
 * hand segments", Int J Morphol 28 (2010) 755, rounded; the carpals' places by eye. */
#include "others.h"
#include <math.h>

/* Thumb to little finger, mm: metacarpal, proximal, middle, distal phalanx. */
static const double LENGTH[5][4] = {{46.2, 31.6, 0, 21.7},
                                    {68.1, 39.8, 22.4, 15.8},
                                    {64.6, 44.6, 26.3, 17.4},
                                    {58.0, 41.4, 25.7, 17.3},
                                    {53.7, 32.7, 18.1, 16.0}};
static const double BASE[5][2] = {{22, -14}, {15, -24}, {4, -26}, {-7, -24}, {-16, -20}};
static const double COURSE[5] = {42, 8, 1, -6, -14}; /* degrees from straight up, to +x */
/* Trapezium, trapezoid, capitate, hamate, scaphoid, lunate, triquetrum, pisiform: place, radii. */
static const double CARPAL[8][5] = {
    {20, -6, 6.2, 6.6, 7}, {13, -15, 4.8, 5.6, 7}, {3, -15, 5.6, 9.5, 8}, {-8, -13, 6.2, 8, 8},
    {11, -1, 7.4, 7.6, 7}, {0, 0, 6.8, 5.8, 8},    {-12, -3, 6, 5.6, 7},  {-14, -6, 3.8, 4.6, 4}};

struct hand {
    struct phantom_scene *scene;
    struct nn_solid flesh;
    double size, density, cortex;
    struct phantom_rng *rng;
};

static struct vec3 ahead(struct vec3 from, double course, double length)
{
    return (struct vec3){from.x + length * sin(course), from.y - length * cos(course), from.z};
}

/* A long bone: a wider base, a waist, a head; `tuft` for the last phalanx. */
static void draw_long(struct hand *hand, struct vec3 base, double course, double length,
                      double radius, bool tuft)
{
    struct vec3 head = ahead(base, course, length - radius);
    struct vec3 foot = ahead(base, course, 0.9 * radius);
    struct pose none = nn_pose_none();
    double r = 1.8 * radius;
    struct nn_solid solid;

    nn_solid_init(&solid,
                  (struct vec3){fmin(base.x, head.x) - r, fmin(base.y, head.y) - r, base.z - r},
                  (struct vec3){fmax(base.x, head.x) + r, fmax(base.y, head.y) + r, base.z + r});
    nn_phantom_round_cone(&solid, foot, head, 0.78 * radius, (tuft ? 0.45 : 0.68) * radius, 0);
    nn_phantom_oval(&solid, foot, (struct vec3){1.25 * radius, 1.0 * radius, 1.05 * radius}, 3);
    nn_phantom_oval(&solid, head,
                    (struct vec3){(tuft ? 0.75 : 1.05) * radius, (tuft ? 0.6 : 1) * radius,
                                  (tuft ? 0.5 : 0.95) * radius},
                    3);
    nn_scene_bone(hand->scene, &solid, &none, fmin(hand->cortex, 0.4 * radius), hand->density);
}

static void draw_finger(struct hand *hand, int finger, double spread, double bend)
{
    static const double RADIUS[4] = {5.4, 4.8, 4.2, 3.6};
    double course = COURSE[finger] * spread * PHANTOM_DEGREE, size = hand->size;
    struct vec3 at = {BASE[finger][0] * size, BASE[finger][1] * size, finger == 0 ? 8 * size : 0};
    double thin = finger == 4 ? 0.88 : finger == 0 ? 1.1 : 1;

    for (int i = 0; i < 4; i++) {
        double length = LENGTH[finger][i] * size, radius = RADIUS[i] * size * thin;
        struct vec3 from = at;

        if (length == 0)
            continue;
        draw_long(hand, at, course, length, radius, i == 3);
        at = ahead(at, course, length + 1.2 * size);
        nn_phantom_round_cone(&hand->flesh, from, at, radius * (i == 0 ? 2.3 : 1.95),
                              radius * (i == 3 ? 1.7 : 1.9), i == 0 ? 10 : 3);
        course += bend * PHANTOM_DEGREE * (finger == 0 ? -0.4 : 1);
    }
}

static void draw_wrist(struct hand *hand)
{
    struct pose none = nn_pose_none();
    double size = hand->size, z = 2 * size;

    for (int i = 0; i < 8; i++) {
        const double *c = CARPAL[i];
        struct vec3 at = {c[0] * size, (c[1] - 4) * size, i == 7 ? 10 * size : 0}, low, high;
        struct vec3 radii = {(c[2] + 0.4) * size, (c[3] + 0.4) * size, c[4] * size};
        double jitter = nn_phantom_normal(hand->rng, 0, 0.4);
        struct nn_solid solid;

        at.x += jitter;
        low = nn_vec3_sub(at, nn_vec3_scale(radii, 1.3));
        high = nn_vec3_add(at, nn_vec3_scale(radii, 1.3));
        nn_solid_init(&solid, low, high);
        nn_phantom_oval(&solid, at, radii, 0);
        nn_scene_bone(hand->scene, &solid, &none, 0.6 * size, hand->density);
    }
    for (int i = 0; i < 2; i++) { /* radius, ulna */
        double x = (i == 0 ? 8 : -15) * size, top = (i == 0 ? 12 : 15) * size;
        double wide = (i == 0 ? 15 : 8) * size, shaft = (i == 0 ? 7.5 : 6) * size;
        struct nn_solid solid;

        nn_solid_init(&solid, (struct vec3){x - 20 * size, top - 12 * size, -20 * size},
                      (struct vec3){x + 22 * size, 190 * size, 20 * size});
        nn_phantom_round_cone(&solid, (struct vec3){x, top + 9 * size, z},
                              (struct vec3){x + 2 * size, 180 * size, z}, shaft, shaft * 1.05, 0);
        nn_phantom_oval(&solid, (struct vec3){x, top + 2 * size, z},
                        (struct vec3){wide, 9 * size, 9 * size}, 12 * size);
        nn_phantom_oval(&solid, (struct vec3){x + (i == 0 ? 11 : -5) * size, top - 3 * size, z},
                        (struct vec3){4 * size, 7 * size, 5 * size}, 4 * size);
        nn_scene_bone(hand->scene, &solid, &none, 2.2 * size, hand->density);
    }
}

static void draw_flesh(struct hand *hand)
{
    struct pose none = nn_pose_none();
    double size = hand->size;
    struct nn_part *palm = nn_solid_add(&hand->flesh, NN_PART_BOX, (struct vec3){0, -48 * size, 0});

    palm->size = (struct vec3){39 * size, 44 * size, 14 * size};
    palm->round = 13 * size;
    palm->blend = 8;
    nn_phantom_round_cone(&hand->flesh, (struct vec3){-3 * size, 10 * size, 0},
                          (struct vec3){-3 * size, 200 * size, 0}, 29 * size, 38 * size, 14)
        ->size = (struct vec3){1, 1, 0.72};
    hand->scene->cell = 2.5;
    nn_scene_fill(hand->scene, &hand->flesh, &none, PHANTOM_SOFT, 0);
}

static void draw_ring(struct hand *hand)
{
    struct pose pose = nn_pose_of((struct vec3){-9 * hand->size, -100 * hand->size, 0}, 0, 0, 0.1);
    struct nn_solid solid;
    struct nn_part *part;

    nn_solid_init(&solid, (struct vec3){-15, -6, -15}, (struct vec3){15, 6, 15});
    part = nn_solid_add(&solid, NN_PART_ARC, (struct vec3){0, 0, 0});
    part->ra = part->rb = 10 * hand->size;
    part->a = (struct vec3){-3.2, 3.2, 0};
    part->size = (struct vec3){1.2, 2.2, 1.2};
    hand->scene->cell = 0.8;
    nn_scene_fill(hand->scene, &solid, &pose, PHANTOM_STEEL, 0);
}

void nn_phantom_draw_hand(struct phantom_scene *scene, bool other, struct phantom_rng *rng)
{
    struct hand hand = {.scene = scene, .rng = rng};
    double spread = nn_phantom_uniform(rng, 0.6, other ? 2 : 1.6), turn, height, fingers[5];
    double x, y;
    bool ring = nn_phantom_chance(rng, 0.15), wrist = nn_phantom_chance(rng, 0.25);

    hand.size = nn_phantom_clamp(nn_phantom_normal(rng, 1, 0.08), 0.75, 1.25);
    hand.density = nn_phantom_uniform(rng, 0.6, 1.15);
    hand.cortex = nn_phantom_uniform(rng, 0.9, 1.6);
    turn = PHANTOM_DEGREE * nn_phantom_normal(rng, 0, other ? 14 : 7);
    height = nn_phantom_uniform(rng, wrist ? 110 : 215, wrist ? 160 : 290) * hand.size;
    x = nn_phantom_normal(rng, 0, 8);
    y = (wrist ? -5 : -78) * hand.size + nn_phantom_normal(rng, 0, 8);
    scene->camera.mirrored = nn_phantom_chance(rng, 0.5);
    nn_phantom_face(&scene->camera, (struct vec3){x, y, 0}, (struct vec3){1, 0, 0},
                    (struct vec3){0, 1, 0}, turn, 1050, 18, height);
    nn_solid_init(&hand.flesh, (struct vec3){-95 * hand.size, -225 * hand.size, -40 * hand.size},
                  (struct vec3){120 * hand.size, 205 * hand.size, 40 * hand.size});
    scene->cell = 1.2;
    for (int i = 0; i < 5; i++)
        fingers[i] = nn_phantom_normal(rng, 0, 2.5);
    for (int i = 0; i < 5; i++)
        draw_finger(&hand, i, spread, fingers[i]);
    draw_wrist(&hand);
    draw_flesh(&hand);
    if (ring)
        draw_ring(&hand);
}
