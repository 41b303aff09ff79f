/* dental.c: teeth in two pictures: a bitewing or periapical film, a few millimetres of jaw; and a
 * panoramic one, the jaws' arch laid out flat. Tooth sizes: rounded from Ash and Nelson, Wheeler's
 * Dental Anatomy (8th ed., 2003). x to the right, y down, z to the tube. */
#include "others.h"
#include <math.h>

#define DENTINE 0.068 /* 1/mm at 60 keV: about bone's cortex */

/* From the middle outwards: width, crown's height, root's length, roots seen from the side. */
static const double TOOTH[8][4] = {{7.5, 10, 13, 1},   {6.5, 9.5, 13.5, 1}, {7.6, 10.5, 16.5, 1},
                                   {7.1, 8.5, 14, 1},  {6.8, 8.3, 14, 1},   {10.6, 7.5, 13, 2},
                                   {10, 7.2, 12.5, 2}, {9, 6.8, 11, 2}};

struct jaw {
    struct phantom_scene *scene;
    struct phantom_rng *rng;
    double size, thick;
    double missing, filled; /* chances */
};

static void draw_pulp(struct jaw *jaw, struct vec3 crown, struct vec3 apex, double wide)
{
    const struct vec3 line[3] = {crown, nn_vec3_scale(nn_vec3_add(crown, apex), 0.5), apex};
    const double radius[3] = {0.14 * wide, 0.09 * wide, 0.04 * wide};

    nn_scene_tube(jaw->scene, line, radius, 3, PHANTOM_SOFT - DENTINE);
}

/* `neck`: where crown and root meet; way: -1 crown up (a lower tooth), 1 crown down. */
static void draw_tooth(struct jaw *jaw, int kind, struct vec3 neck, double way, double lean)
{
    const double *tooth = TOOTH[kind];
    double s = jaw->size, wide = tooth[0] * s / 2, crown = tooth[1] * s, root = tooth[2] * s;
    double thick = jaw->thick * (kind < 3 ? 2.6 : 4.2) * s,
           dice = nn_phantom_uniform(jaw->rng, 0, 1);
    struct pose pose = nn_pose_of(neck, lean, 0, 0);
    int roots = (int)tooth[3];
    struct nn_solid solid;
    struct nn_part *part;

    nn_solid_init(&solid, (struct vec3){-1.4 * wide, -root - crown, -6 * s},
                  (struct vec3){1.4 * wide, root + crown, 6 * s});
    part = nn_solid_add(&solid, NN_PART_BOX, (struct vec3){0, way * 0.45 * crown, 0});
    part->size = (struct vec3){wide * 0.97, crown * 0.55, thick};
    part->round = 0.4 * wide;
    jaw->scene->cell = 0.8;
    nn_scene_fill(jaw->scene, &solid, &pose, PHANTOM_ENAMEL, DENTINE);
    part->size = (struct vec3){wide * 0.85, crown * 0.46, thick * 0.85};
    nn_scene_fill(jaw->scene, &solid, &pose, DENTINE, PHANTOM_ENAMEL);
    part->size = (struct vec3){wide * 0.97, crown * 0.55, thick};
    for (int i = 0; i < roots; i++) {
        double x = roots == 1 ? 0 : (i - 0.5) * 1.1 * wide;

        nn_phantom_round_cone(&solid, (struct vec3){0.8 * x, way * 0.1 * crown, 0},
                              (struct vec3){1.15 * x, -way * root, 0},
                              (roots == 1 ? 0.72 : 0.48) * wide, 0.2 * wide, 1.5 * s);
    }
    nn_scene_fill(jaw->scene, &solid, &pose, DENTINE, PHANTOM_SOFT);
    for (int i = 0; i < roots; i++) {
        double x = roots == 1 ? 0 : (i - 0.5) * 1.1 * wide;

        draw_pulp(jaw, nn_pose_apply(&pose, (struct vec3){0.5 * x, way * 0.25 * crown, 0}),
                  nn_pose_apply(&pose, (struct vec3){1.15 * x, -way * 0.95 * root, 0}), wide);
    }
    if (dice < jaw->filled) {
        double cover = dice < 0.3 * jaw->filled ? 1 : 0.5; /* a metal crown, or a filling */
        struct vec3 middle = {0, way * (cover == 1.0 ? 0.5 : 0.8) * crown, 0};

        nn_solid_init(&solid, (struct vec3){-1.4 * wide, -1.5 * crown, -6 * s},
                      (struct vec3){1.4 * wide, 1.5 * crown, 6 * s});
        nn_phantom_oval(&solid, middle,
                        (struct vec3){wide * (cover == 1.0 ? 1 : 0.6), crown * 0.5 * cover, 3 * s},
                        0);
        nn_scene_fill(jaw->scene, &solid, &pose, PHANTOM_STEEL, DENTINE);
    }
}

static void draw_box(struct phantom_scene *scene, struct vec3 middle, struct vec3 half,
                     double round_, double mu, double instead)
{
    struct pose none = nn_pose_none();
    struct nn_solid solid;
    struct nn_part *part;

    nn_solid_init(&solid, nn_vec3_sub(middle, nn_vec3_scale(half, 1.2)),
                  nn_vec3_add(middle, nn_vec3_scale(half, 1.2)));
    part = nn_solid_add(&solid, NN_PART_BOX, middle);
    part->size = half;
    part->round = round_;
    nn_scene_fill(scene, &solid, &none, mu, instead);
}

/* Four to six teeth of one or both jaws. */
static void draw_bitewing(struct jaw *jaw, bool one_jaw, bool upper, bool other)
{
    double s = jaw->size, turn = PHANTOM_DEGREE * nn_phantom_normal(jaw->rng, 0, 6);
    double height = nn_phantom_uniform(jaw->rng, one_jaw ? 32 : 34, one_jaw ? 42 : 46);
    double down = one_jaw ? (upper ? -12 : 12) : 0, at = 0;
    int first = (int)(nn_phantom_bits(jaw->rng) % 4);

    nn_phantom_face(&jaw->scene->camera, (struct vec3){0, down, 0}, (struct vec3){1, 0, 0},
                    (struct vec3){0, 1, 0}, turn, other ? 220 : 350, 12, height);
    jaw->scene->cell = 1.5;
    draw_box(jaw->scene, (struct vec3){0, 0, 25}, (struct vec3){60, 60, 10}, 4, PHANTOM_SOFT, 0);
    draw_box(jaw->scene, (struct vec3){0, 28 * s, 0}, (struct vec3){45, 19 * s, 5 * s}, 2,
             PHANTOM_SPONGE * 1.3, 0);
    draw_box(jaw->scene, (struct vec3){0, -28 * s, 0}, (struct vec3){45, 19 * s, 5 * s}, 2,
             PHANTOM_SPONGE * 1.2, 0);
    for (int row = -1; row <= 1; row += 2) {
        at = (-32 + (row > 0 ? 3 : 0)) * s;
        for (int k = first; at < 34 * s; k++) {
            int kind = k < 8 ? k : 7;
            double lean = nn_phantom_normal(jaw->rng, 0, 0.05),
                   half = TOOTH[kind][0] * s / 2 + 0.15;
            bool gone = nn_phantom_chance(jaw->rng, jaw->missing);

            at += half;
            if (!gone)
                draw_tooth(jaw, kind, (struct vec3){at, row * 7.6 * s, 0}, -row, lean);
            at += half;
        }
    }
}

/* Height of the arch at x: a smile. */
static double smile(double x, double curve)
{
    return -curve * (x / 60) * (x / 60);
}

static void draw_jaws(struct jaw *jaw, double curve)
{
    enum { POINTS = 15 };
    double s = jaw->size, radius[POINTS], inner[POINTS];
    struct vec3 line[POINTS];

    for (int i = 0; i < POINTS; i++) {
        double u = (i - 7) / 7.0, side = fabs(u), x = 88 * u * (side > 0.75 ? 1 : 0.98);
        double y = side < 0.72 ? 29 + smile(x, curve) : 29 + smile(63, curve) - (side - 0.72) * 210;

        line[i] = (struct vec3){x * s, y * s, 0};
        radius[i] = (side < 0.72 ? 12.5 : side > 0.93 ? 7 : 14) * s;
        inner[i] = radius[i] - 2.2 * s;
    }
    nn_scene_tube(jaw->scene, line, radius, POINTS, PHANTOM_CORTEX);
    nn_scene_tube(jaw->scene, line, inner, POINTS, PHANTOM_SPONGE - PHANTOM_CORTEX);
    draw_box(jaw->scene, (struct vec3){0, -22 * s, 0}, (struct vec3){62 * s, 14 * s, 6 * s}, 5,
             PHANTOM_SPONGE * 1.2, 0);
    for (int side = -1; side <= 1; side += 2) { /* the maxillary sinuses' air, zygoma, spine */
        draw_box(jaw->scene, (struct vec3){side * 36 * s, -34 * s, 2},
                 (struct vec3){20 * s, 11 * s, 5 * s}, 5, -PHANTOM_SPONGE, 0);
        draw_box(jaw->scene, (struct vec3){side * 66 * s, -36 * s, 0},
                 (struct vec3){16 * s, 4 * s, 5 * s}, 3, PHANTOM_CORTEX, 0);
        draw_box(jaw->scene, (struct vec3){side * 118 * s, 0, 0}, (struct vec3){20 * s, 90 * s, 16},
                 8, PHANTOM_SPONGE, 0);
    }
    draw_box(jaw->scene, (struct vec3){0, -38 * s, 2}, (struct vec3){11 * s, 14 * s, 6 * s}, 4,
             -PHANTOM_SOFT, 0);
}

static void draw_panoramic(struct jaw *jaw, bool other)
{
    double s = jaw->size, curve = nn_phantom_uniform(jaw->rng, other ? -4 : 2, other ? 6 : 14);
    double height = nn_phantom_uniform(jaw->rng, 115, 150) * s;
    double turn = PHANTOM_DEGREE * nn_phantom_normal(jaw->rng, 0, 2);

    if (jaw->scene->camera.cols < jaw->scene->camera.rows * 1.4)
        height *= nn_phantom_uniform(jaw->rng, 1.0, 1.5);
    nn_phantom_face(&jaw->scene->camera, (struct vec3){0, 2, 0}, (struct vec3){1, 0, 0},
                    (struct vec3){0, 1, 0}, turn, 600, 30, height);
    jaw->scene->cell = 2.5;
    draw_box(jaw->scene, (struct vec3){0, 10, 0}, (struct vec3){150 * s, 80 * s, 16}, 14,
             PHANTOM_SOFT, 0);
    draw_jaws(jaw, curve);
    for (int row = -1; row <= 1; row += 2)
        for (int side = -1; side <= 1; side += 2) {
            double x = 0;

            for (int kind = 0; kind < 8; kind++) {
                double half = TOOTH[kind][0] * s * (row > 0 ? 0.47 : 0.5) + 0.1;
                double lean = nn_phantom_normal(jaw->rng, 0, 0.06), y;
                bool gone = nn_phantom_chance(jaw->rng, jaw->missing + (kind == 7 ? 0.4 : 0));

                x += half;
                y = row * 8.4 * s + s * smile(x / s, curve);
                if (!gone)
                    draw_tooth(jaw, kind, (struct vec3){side * x, y, 0}, -row,
                               lean - side * row * 0.012 * kind);
                x += half;
            }
        }
}

void nn_phantom_draw_dental(struct phantom_scene *scene, bool other, struct phantom_rng *rng)
{
    struct jaw jaw = {.scene = scene, .rng = rng};
    bool panoramic = nn_phantom_chance(rng, 0.5), one_jaw = nn_phantom_chance(rng, 0.35);
    bool upper = nn_phantom_chance(rng, 0.5);

    jaw.size = nn_phantom_clamp(nn_phantom_normal(rng, 1, 0.06), 0.85, 1.15);
    jaw.thick = nn_phantom_uniform(rng, 0.85, 1.15);
    jaw.missing = nn_phantom_chance(rng, 0.4) ? nn_phantom_uniform(rng, 0.05, 0.4) : 0;
    jaw.filled = nn_phantom_uniform(rng, 0, 0.4);
    scene->camera.mirrored = nn_phantom_chance(rng, 0.5);
    if (panoramic)
        draw_panoramic(&jaw, other);
    else
        draw_bitewing(&jaw, one_jaw, upper, other);
}
