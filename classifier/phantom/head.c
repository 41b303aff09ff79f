/* head.c: skull, petrous bone, jaws and teeth. Skull axes: origin at the basion, u anterior, v
 * down, millimetres for a scale of 1. */
#include "phantom_parts.h"
#include <math.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define MOST     24

static struct phantom_ink bone(double scale, double fill, double rim, double rim_width,
                               double grain)
{
    return (struct phantom_ink){.fill = fill,
                                .base = 0.7,
                                .bulge = 4 * scale,
                                .rim = rim,
                                .rim_width = rim_width * scale,
                                .soft = 0.7,
                                .grain = grain,
                                .grain_mm = 0.9};
}

/* Table points at the patient's scale, each with its own small deviation. */
static void vary(const struct vec *from, int count, double scale, double deviation,
                 struct phantom_rng *rng, struct vec *to)
{
    for (int i = 0; i < count; i++)
        to[i] = (struct vec){scale * (from[i].x + nn_phantom_normal(rng, 0, deviation)),
                             scale * (from[i].y + nn_phantom_normal(rng, 0, deviation))};
}

static void draw_vault(struct phantom_canvas *canvas, struct phantom_frame skull, double s,
                       struct phantom_rng *rng)
{
    static const struct vec VAULT[] = {
        {0, 0},      {-18, 4},    {-36, -1},   {-54, -7},   {-74, -17}, {-92, -34}, {-103, -58},
        {-106, -84}, {-98, -112}, {-70, -142}, {-20, -158}, {35, -152}, {72, -128}, {86, -95},
        {82, -66},   {62, -52},   {40, -48},   {20, -40},   {8, -22}};
    static const struct vec INNER[] = {{-34, -5},  {-52, -13},  {-70, -24},  {-85, -40}, {-95, -62},
                                       {-98, -84}, {-91, -108}, {-66, -135}, {-20, -150}};
    struct phantom_ink brain = {.fill = 1.05,
                                .base = 0.45,
                                .bulge = 22 * s,
                                .rim = 0.85,
                                .rim_width = 2.6 * s,
                                .soft = 1.0,
                                .grain = 0.05,
                                .grain_mm = 3.0};
    struct phantom_ink table = bone(s, 0.26, 0, 1, 0.1);
    struct vec points[MOST];

    vary(VAULT, COUNT(VAULT), s, 1.2, rng, points);
    nn_phantom_outline(canvas, skull, points, COUNT(VAULT), 4, &brain, NULL);
    for (int side = 0; side < 2; side++) {
        vary(INNER, COUNT(INNER), s, 0.9, rng, points);
        nn_phantom_tube(canvas, skull, points, COUNT(INNER), 5, 0.9 * s, &table, NULL);
    }
}

/* The dense middle: petrous pyramids, mastoid cells, clivus, condyles. */
static void draw_base(struct phantom_canvas *canvas, struct phantom_frame skull, double s,
                      struct phantom_rng *rng)
{
    static const struct vec PETROUS[] = {{-40, -8}, {-24, 1}, {-10, 6},   {2, 2},    {12, -14},
                                         {16, -30}, {2, -34}, {-14, -38}, {-34, -30}};
    static const struct vec MASTOID[] = {{-36, -12}, {-32, 2}, {-24, 12},  {-17, 13},
                                         {-10, 4},   {-4, -8}, {-14, -20}, {-30, -22}};
    static const struct vec CLIVUS[] = {{1, -1}, {8, -16}, {15, -32}, {14, -38}};
    static const struct vec ANTERIOR[] = {{14, -36}, {24, -40}, {40, -45}, {60, -48}, {80, -52}};
    static const struct vec SPHENOID[] = {{16, -33}, {22, -20}, {28, -8}, {30, 4}};
    static const struct vec PLATE[] = {{22, -22}, {20, -8}, {24, 6}, {30, 10}, {32, -4}, {30, -20}};
    static const struct vec CONDYLE[] = {{-12, 1}, {-6, 6}, {2, 6}, {6, 1}, {0, -4}, {-9, -4}};
    struct phantom_ink dense = bone(s, 0.26, 0.10, 1, 0.40), line = bone(s, 0.36, 0, 1, 0.15);
    struct phantom_ink cells = bone(s, -0.12, 0.26, 0.7, 0.2), faint = bone(s, 0.2, 0.12, 0.8, 0.2);
    struct vec points[MOST];

    dense.bulge = 15 * s;
    dense.soft = 4;
    dense.base = 0.15;
    dense.grain_mm = 2.0;
    for (int side = 0; side < 2; side++) {
        vary(PETROUS, COUNT(PETROUS), s, 2, rng, points);
        nn_phantom_outline(canvas, skull, points, COUNT(PETROUS), 3, &dense, NULL);
        vary(MASTOID, COUNT(MASTOID), s, 2.5, rng, points);
        nn_phantom_outline(canvas, skull, points, COUNT(MASTOID), 3, &faint, NULL);
        vary(ANTERIOR, COUNT(ANTERIOR), s, 1.5, rng, points);
        nn_phantom_tube(canvas, skull, points, COUNT(ANTERIOR), 4, 0.9 * s, &line, NULL);
        vary(PLATE, COUNT(PLATE), s, 1.5, rng, points);
        nn_phantom_outline(canvas, skull, points, COUNT(PLATE), 3, &faint, NULL);
        vary(CONDYLE, COUNT(CONDYLE), s, 0.8, rng, points);
        nn_phantom_outline(canvas, skull, points, COUNT(CONDYLE), 3, &faint, NULL);
    }
    vary(CLIVUS, COUNT(CLIVUS), s, 1, rng, points);
    nn_phantom_tube(canvas, skull, points, COUNT(CLIVUS), 4, 1.2 * s, &line, NULL);
    vary(SPHENOID, COUNT(SPHENOID), s, 1, rng, points);
    nn_phantom_tube(canvas, skull, points, COUNT(SPHENOID), 4, 0.7 * s, &line, NULL);
    for (int i = 0; i < 26; i++) {
        double u = nn_phantom_uniform(rng, -38, 8), v = nn_phantom_uniform(rng, -32, 2);
        double r = nn_phantom_uniform(rng, 1.2, 3.4);
        const struct vec cell[] = {
            {s * (u - r), s * v}, {s * u, s * (v - r)}, {s * (u + r), s * v}, {s * u, s * (v + r)}};

        nn_phantom_outline(canvas, skull, cell, 4, 3, &cells, NULL);
    }
}

/* Edges of the many thin plates of skull base and face, which no lateral resolves one by one. */
static void draw_plates(struct phantom_canvas *canvas, struct phantom_frame skull, double s,
                        struct phantom_rng *rng)
{
    for (int i = 0; i < 34; i++) {
        bool face = i >= 16;
        double u = face ? nn_phantom_uniform(rng, 24, 92) : nn_phantom_uniform(rng, -40, 24);
        double v = face ? nn_phantom_uniform(rng, -58, -2) : nn_phantom_uniform(rng, -36, 4);
        double way = nn_phantom_uniform(rng, 0, 6.28), bend = nn_phantom_normal(rng, 0, 0.5);
        double length = nn_phantom_uniform(rng, 8, face ? 34 : 22);
        struct phantom_ink line = bone(s, nn_phantom_uniform(rng, 0.05, 0.26), 0, 1, 0.1);
        struct vec arc[4];

        for (int k = 0; k < 4; k++) {
            arc[k] = (struct vec){s * u, s * v};
            u += length / 3 * cos(way);
            v += length / 3 * sin(way);
            way += bend;
        }
        nn_phantom_tube(canvas, skull, arc, 4, 4, nn_phantom_uniform(rng, 0.4, 1.1) * s, &line,
                        NULL);
    }
}

static void draw_tooth(struct phantom_canvas *canvas, struct phantom_frame jaw, double s, double u,
                       double v, double up, const struct phantom_ink *ink, double metal)
{
    double w = 3.6 * s;
    const struct vec tooth[] = {{u - 0.9 * w, v},      {u + 0.9 * w, v},
                                {u + w, v + 0.3 * up}, {u + 0.5 * w, v + up},
                                {u - 0.5 * w, v + up}, {u - w, v + 0.3 * up}};
    const struct vec crown[] = {{u - 0.8 * w, v + 0.02 * up},
                                {u + 0.8 * w, v + 0.02 * up},
                                {u + 0.7 * w, v + 0.28 * up},
                                {u - 0.6 * w, v + 0.32 * up}};
    struct phantom_ink filling = {.fill = metal, .base = 1, .bulge = 1, .soft = 0.4};

    nn_phantom_outline(canvas, jaw, tooth, COUNT(tooth), 2, ink, NULL);
    if (metal > 0)
        nn_phantom_outline(canvas, jaw, crown, COUNT(crown), 3, &filling, NULL);
}

static void draw_teeth(struct phantom_canvas *canvas, struct phantom_frame jaw, double s, double up,
                       double v0, bool toothless, double metals, struct phantom_rng *rng)
{
    struct phantom_ink ink = bone(s, 0.34, 0.22, 0.8, 0.08);

    for (int side = 0; side < 2; side++)
        for (int i = 0; i < 7; i++) {
            double u = s * (46 + 7.4 * i + nn_phantom_normal(rng, 0, 0.7));
            double length = up * s * nn_phantom_normal(rng, 19, 1.5);
            bool gone = nn_phantom_chance(rng, toothless ? 0.95 : 0.06);
            double metal = nn_phantom_chance(rng, metals) ? nn_phantom_uniform(rng, 1.0, 2.6) : 0;

            if (!gone)
                draw_tooth(canvas, jaw, s, u, s * (v0 + 0.7 * side), length, &ink, metal);
        }
}

static void draw_jaws(struct phantom_canvas *canvas, struct phantom_frame skull, double s,
                      const struct phantom_anatomy *anatomy, struct phantom_rng *rng)
{
    static const struct vec MANDIBLE[] = {
        {6, -17}, {12, -20}, {17, -12}, {22, -2}, {30, -10}, {36, -8}, {39, 6},
        {43, 17}, {60, 24},  {80, 31},  {96, 34}, {99, 42},  {95, 52}, {86, 55},
        {70, 50}, {52, 44},  {34, 39},  {24, 33}, {19, 24},  {16, 12}, {11, 0}};
    static const struct vec MAXILLA[] = {{30, 4},  {40, -1}, {70, -3}, {100, -4}, {106, 2},
                                         {98, 12}, {70, 11}, {44, 12}, {34, 11}};
    static const struct vec SINUS[] = {{42, -4},  {44, -26}, {60, -34},
                                       {80, -30}, {84, -8},  {64, -4}};
    struct phantom_ink jaw = bone(s, 0.32, 0.32, 1.2, 0.07), upper = bone(s, 0.32, 0.2, 1, 0.15);
    static const struct vec FACE[] = {{18, -40}, {50, -50}, {84, -50}, {98, -26},
                                      {104, -4}, {70, 4},   {36, 4},   {22, -12}};
    struct phantom_ink face = {
        .fill = 0.55, .bulge = 16 * s, .soft = 4, .grain = 0.12, .grain_mm = 3};
    struct phantom_ink air = bone(s, -0.3, 0.16, 0.9, 0.08);
    struct phantom_frame low = skull;
    bool toothless = nn_phantom_chance(rng, anatomy->age > 65 ? 0.3 : 0.02);
    double metals = nn_phantom_chance(rng, 0.6) ? nn_phantom_uniform(rng, 0.05, 0.4) : 0;
    struct vec points[MOST];

    vary(FACE, COUNT(FACE), s, 1.5, rng, points);
    nn_phantom_outline(canvas, skull, points, COUNT(FACE), 3, &face, NULL);
    air.bulge = 14 * s;
    air.base = 0.2;
    vary(SINUS, COUNT(SINUS), s, 2, rng, points);
    nn_phantom_outline(canvas, skull, points, COUNT(SINUS), 4, &air, NULL);
    vary(MAXILLA, COUNT(MAXILLA), s, 0.8, rng, points);
    nn_phantom_outline(canvas, skull, points, COUNT(MAXILLA), 3, &upper, NULL);
    low.angle += nn_phantom_uniform(rng, -0.03, 0.10); /* the mouth's opening */
    for (int side = -1; side <= 1; side += 2) {
        struct phantom_frame half = low;

        /* one after the other: C leaves the order of arguments open, and compilers differ */
        double v = side * nn_phantom_uniform(rng, 0, 2.5);
        double u = side * nn_phantom_uniform(rng, 0, 2.5);
        half.at = nn_phantom_place(low, u, v);
        vary(MANDIBLE, COUNT(MANDIBLE), s, 0.7, rng, points);
        nn_phantom_outline(canvas, half, points, COUNT(MANDIBLE), 3, &jaw, NULL);
    }
    skull.angle += 0.2; /* the occlusal plane falls forward */
    low.angle += 0.2;
    draw_teeth(canvas, skull, s, -1, 15, toothless, metals, rng);
    draw_teeth(canvas, low, s, 1, 16, toothless, metals, rng);
}

void nn_phantom_draw_head(struct phantom_canvas *canvas, const struct phantom_anatomy *anatomy,
                          struct phantom_rng rng)
{
    double s = anatomy->scale * nn_phantom_normal(&rng, 1, 0.03);

    draw_vault(canvas, anatomy->skull, s, &rng);
    draw_base(canvas, anatomy->skull, s, &rng);
    draw_plates(canvas, anatomy->skull, s, &rng);
    draw_jaws(canvas, anatomy->skull, s, anatomy, &rng);
}
