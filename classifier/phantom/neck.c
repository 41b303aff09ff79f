/* neck.c: soft tissue, airway, hyoid and larynx, shoulders. The neck's outline follows the
 * uninjured anatomy, the head's follows the skull; the airway's back wall follows the bodies with
 * their prevertebral tissue. */
#include "phantom_parts.h"
#include <math.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static struct vec at_level(const struct phantom_anatomy *anatomy, int level, double u, double v)
{
    return nn_phantom_place(anatomy->level[level].frame, u * anatomy->scale, v * anatomy->scale);
}

static struct vec at_skull(const struct phantom_anatomy *anatomy, double u, double v)
{
    return nn_phantom_place(anatomy->skull, u * anatomy->scale, v * anatomy->scale);
}

static void draw_skin(struct phantom_canvas *canvas, const struct phantom_anatomy *a,
                      const struct phantom_anatomy *head, struct phantom_rng *rng)
{
    static const struct phantom_frame PATIENT = {{0, 0}, 0};
    double back = nn_phantom_uniform(rng, 55, 84), front = nn_phantom_uniform(rng, 48, 66);
    struct vec c4 = a->level[4].frame.at, c7 = a->level[7].frame.at;
    double s = a->scale;
    const struct vec skin[] = {at_skull(head, -98, -24),
                               {c4.x - (back + 14) * s, c4.y - 36 * s},
                               {c4.x - back * s, c4.y - 8 * s},
                               {c4.x - (back + 2) * s, c4.y + 14 * s},
                               {c7.x - (back + 22) * s, c7.y + nn_phantom_uniform(rng, -14, 4) * s},
                               {c7.x - 150 * s, c7.y + 34 * s},
                               {c7.x - 170 * s, c7.y + 170 * s},
                               {c7.x + 130 * s, c7.y + 170 * s},
                               {c7.x + 105 * s, c7.y + 75 * s},
                               {c7.x + (front + 14) * s, c7.y + 42 * s},
                               {c7.x + (front + 4) * s, c7.y + 14 * s},
                               {c4.x + (front + 1) * s, c4.y + 18 * s},
                               {c4.x + (front + 6) * s, c4.y - 4 * s},
                               at_skull(head, 76, 66),
                               at_skull(head, 112, 60),
                               at_skull(head, 122, 20),
                               at_skull(head, 104, -60),
                               at_skull(head, 80, -150),
                               at_skull(head, -20, -168),
                               at_skull(head, -104, -130),
                               at_skull(head, -116, -70)};
    struct phantom_ink flesh = {.fill = nn_phantom_uniform(rng, 1.75, 2.35),
                                .base = nn_phantom_uniform(rng, 0.14, 0.36),
                                .bulge = nn_phantom_uniform(rng, 32, 50) * s,
                                .rim = 0.05,
                                .rim_width = 1.5 * s,
                                .soft = 1.6,
                                .grain = 0.035,
                                .grain_mm = 9};

    nn_phantom_outline(canvas, PATIENT, skin, COUNT(skin), 6, &flesh, NULL);
}

static void draw_shoulders(struct phantom_canvas *canvas, const struct phantom_anatomy *a,
                           struct phantom_rng *rng)
{
    static const struct phantom_frame PATIENT = {{0, 0}, 0};
    double s = a->scale, drop = nn_phantom_uniform(rng, -16, 8) * s;
    struct vec c7 = a->level[7].frame.at;

    for (int side = 0; side < 2; side++) {
        double x = c7.x + nn_phantom_normal(rng, -6, 6) * s, y = c7.y + drop;
        double lift = nn_phantom_normal(rng, 0, 4) * s;
        const struct vec outline[] = {
            {x - 170 * s, y + 72 * s},      {x - 120 * s, y + 24 * s + lift},
            {x - 66 * s, y - 2 * s + lift}, {x - 22 * s, y + 2 * s},
            {x + 20 * s, y + 22 * s},       {x + 62 * s, y + 52 * s},
            {x + 90 * s, y + 90 * s},       {x + 90 * s, y + 170 * s},
            {x - 170 * s, y + 170 * s}};
        const struct vec clavicle[] = {{x - 20 * s, y + 24 * s},
                                       {x + 4 * s, y + 20 * s},
                                       {x + 30 * s, y + 34 * s},
                                       {x + 56 * s, y + 62 * s}};
        struct phantom_ink mass = {.fill = nn_phantom_uniform(rng, 2.0, 3.2),
                                   .base = 0,
                                   .bulge = nn_phantom_uniform(rng, 55, 85) * s,
                                   .ramp = true,
                                   .soft = 7 * s,
                                   .grain = 0.02,
                                   .grain_mm = 11};
        struct phantom_ink bone = {.fill = nn_phantom_uniform(rng, 0.02, 0.12),
                                   .base = 0.8,
                                   .bulge = 2 * s,
                                   .rim = 0.04,
                                   .rim_width = 1.2 * s,
                                   .soft = 1.2};

        nn_phantom_outline(canvas, PATIENT, outline, COUNT(outline), 5, &mass, NULL);
        nn_phantom_tube(canvas, PATIENT, clavicle, COUNT(clavicle), 5, 5 * s, &bone, NULL);
    }
}

/* The dark column: nasopharynx, oropharynx, larynx, trachea. */
static void draw_airway(struct phantom_canvas *canvas, const struct phantom_anatomy *a,
                        struct phantom_rng *rng)
{
    static const struct phantom_frame PATIENT = {{0, 0}, 0};
    static const double WIDTH[] = {0, 9, 11, 12, 13, 9, 13, 15, 15};
    double s = a->scale, wide = nn_phantom_uniform(rng, 0.75, 1.25);
    struct vec points[2 * PHANTOM_T1 + 2];
    struct phantom_ink air = {.fill = -nn_phantom_uniform(rng, 0.45, 0.8),
                              .base = 0.35,
                              .bulge = 6 * s,
                              .rim = 0.05,
                              .rim_width = 0.8 * s,
                              .soft = 1.5,
                              .grain = 0.06,
                              .grain_mm = 4};
    int n = 0;

    points[n++] = at_skull(a, 20, 4);
    for (int i = 1; i <= PHANTOM_T1; i++) {
        const struct phantom_level *level = &a->level[i];

        points[n++] = nn_phantom_place(level->frame, level->depth / 2 + level->prevertebral, 0);
    }
    points[n++] = at_level(a, PHANTOM_T1, 36, 40);
    for (int i = PHANTOM_T1; i >= 1; i--) {
        const struct phantom_level *level = &a->level[i];

        points[n++] = nn_phantom_place(level->frame,
                                       level->depth / 2 + level->prevertebral +
                                           WIDTH[i] * wide * s * nn_phantom_normal(rng, 1, 0.18),
                                       0);
    }
    nn_phantom_outline(canvas, PATIENT, points, n, 4, &air, NULL);
}

static void draw_larynx(struct phantom_canvas *canvas, const struct phantom_anatomy *a,
                        struct phantom_rng *rng)
{
    static const struct phantom_frame PATIENT = {{0, 0}, 0};
    double s = a->scale, lime = nn_phantom_clamp((a->age - 25) / 45.0, 0, 1);
    double low = nn_phantom_normal(rng, 0, 4), u0 = nn_phantom_normal(rng, 0, 2);
    const struct vec horn[] = {at_level(a, 3, 25 + u0, 5 + low), at_level(a, 3, 38 + u0, 8 + low),
                               at_level(a, 3, 50 + u0, 7 + low)};
    const struct vec hyoid[] = {at_level(a, 3, 48 + u0, 3 + low), at_level(a, 3, 55 + u0, 4 + low),
                                at_level(a, 3, 57 + u0, 10 + low),
                                at_level(a, 3, 52 + u0, 13 + low)};
    const struct vec lid[] = {at_level(a, 3, 24 + u0, -6 + low), at_level(a, 3, 27 + u0, 2 + low),
                              at_level(a, 4, 32 + u0, 0 + low), at_level(a, 4, 36 + u0, 8 + low)};
    const struct vec thyroid[] = {
        at_level(a, 5, 26 + u0, -10 + low), at_level(a, 5, 40 + u0, -8 + low),
        at_level(a, 5, 48 + u0, -4 + low), at_level(a, 5, 45 + u0, 10 + low),
        at_level(a, 5, 30 + u0, 12 + low)};
    const struct vec ventricle[] = {at_level(a, 5, 30, 2 + low), at_level(a, 5, 36, 1 + low),
                                    at_level(a, 5, 38, 3 + low), at_level(a, 5, 31, 5 + low)};
    struct phantom_ink bone = {.fill = 0.20,
                               .base = 0.8,
                               .bulge = 2 * s,
                               .rim = 0.20,
                               .rim_width = 0.8 * s,
                               .soft = 0.6,
                               .grain = 0.2,
                               .grain_mm = 0.8};
    struct phantom_ink soft = {.fill = 0.30, .base = 1, .bulge = 1, .soft = 1.2};
    struct phantom_ink chalk = {.fill = 0.03,
                                .base = 1,
                                .bulge = 3,
                                .rim = 0.22 * lime,
                                .rim_width = 0.9 * s,
                                .soft = 0.8,
                                .grain = 0.6,
                                .grain_mm = 1.4};
    struct phantom_ink slit = {.fill = -0.25, .base = 0.6, .bulge = 2, .soft = 1.0};

    nn_phantom_tube(canvas, PATIENT, horn, COUNT(horn), 4, 1.5 * s, &bone, NULL);
    nn_phantom_outline(canvas, PATIENT, hyoid, COUNT(hyoid), 3, &bone, NULL);
    nn_phantom_tube(canvas, PATIENT, lid, COUNT(lid), 4, 1.4 * s, &soft, NULL);
    nn_phantom_outline(canvas, PATIENT, thyroid, COUNT(thyroid), 3, &chalk, NULL);
    nn_phantom_outline(canvas, PATIENT, ventricle, COUNT(ventricle), 3, &slit, NULL);
}

/* Valleculae, piriform sinuses, folds: dark and light patches in front of C2..C6. */
static void draw_pockets(struct phantom_canvas *canvas, const struct phantom_anatomy *a,
                         struct phantom_rng *rng)
{
    for (int i = 0; i < 7; i++) {
        const struct phantom_level *level = &a->level[i < 3 ? 3 : i < 5 ? 4 : 5];
        double s = a->scale, w = nn_phantom_uniform(rng, 2.5, 7) * s;
        double u = nn_phantom_uniform(rng, 18, 36) * s, v = nn_phantom_uniform(rng, -9, 9) * s;
        double h = nn_phantom_uniform(rng, 3, 11) * s, lean = nn_phantom_uniform(rng, -4, 4) * s;
        const struct vec pocket[] = {{u - w, v}, {u + lean, v - h}, {u + w, v}, {u - lean, v + h}};
        struct phantom_ink ink = {.fill = nn_phantom_uniform(rng, -0.5, 0.22),
                                  .base = 0.3,
                                  .bulge = 4 * s,
                                  .soft = nn_phantom_uniform(rng, 0.8, 3)};

        nn_phantom_outline(canvas, level->frame, pocket, COUNT(pocket), 5, &ink, NULL);
    }
}

/* Muscle and fat planes behind the spine: broad bands, a little lighter or darker. */
static void draw_planes(struct phantom_canvas *canvas, const struct phantom_anatomy *a,
                        struct phantom_rng *rng)
{
    static const struct phantom_frame PATIENT = {{0, 0}, 0};

    for (int i = 0; i < 5; i++) {
        double u = nn_phantom_uniform(rng, -62, -30), lean = nn_phantom_normal(rng, 0, 9);
        double radius = nn_phantom_uniform(rng, 3, 11) * a->scale;
        const struct vec band[] = {at_level(a, 2, u - 1.6 * lean, -60), at_level(a, 4, u, 0),
                                   at_level(a, 6, u + 0.4 * lean, 0),
                                   at_level(a, 7, u - 12 + lean, 20)};
        struct phantom_ink ink = {
            .fill = nn_phantom_normal(rng, 0, 0.07), .base = 0.2, .bulge = radius, .soft = 5};

        nn_phantom_tube(canvas, PATIENT, band, COUNT(band), 5, radius, &ink, NULL);
    }
}

void nn_phantom_draw_neck(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy,
                          const struct phantom_anatomy *uninjured, struct phantom_rng rng)
{
    draw_skin(canvas, uninjured, anatomy, &rng);
    draw_shoulders(canvas, uninjured, &rng);
    draw_planes(canvas, uninjured, &rng);
    draw_airway(canvas, anatomy, &rng);
    draw_larynx(canvas, anatomy, &rng);
    draw_pockets(canvas, anatomy, &rng);
}
