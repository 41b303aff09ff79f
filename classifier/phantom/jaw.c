/* jaw.c: mandible, maxilla's alveolar process and palate.
 *
 * The mandible is one row of upright sections from condyle to condyle: ramus 60 mm high, body 30,
 * bicondylar breadth 118, bigonial 98 mm (Howells 1973; Martin's measures 65-71). */
#include "head_parts.h"
#include <math.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define BONE     (PHANTOM_CORTEX - PHANTOM_SOFT)

double nn_phantom_arch(const double (*arch)[2], int count, double x)
{
    for (int i = 1; i < count; i++)
        if (x >= arch[i][0]) {
            double share = (arch[i - 1][0] - x) / (arch[i - 1][0] - arch[i][0]);

            share = nn_phantom_clamp(share, 0, 1);
            return arch[i - 1][1] + share * (arch[i][1] - arch[i - 1][1]);
        }
    return arch[count - 1][1];
}

/* From the chin backwards: x, z, top, bottom, half thickness. */
static const double MANDIBLE[][5] = {
    {87, 0, 38.5, 69, 6},      {84.5, 8, 38.5, 69.5, 6}, {79.5, 15.5, 38.5, 68.5, 5.5},
    {73, 23, 38, 66.5, 5.5},   {61, 29.5, 36, 62, 6},    {49, 35, 33, 57, 6.5},
    {41, 38, 29, 54, 7},       {37.5, 39.4, 22, 52, 6},  {35, 40.2, 6, 51, 4.5},
    {32.5, 41, -8, 49.5, 3.5}, {30, 42, -15, 48.5, 3},   {27, 43, -12, 47.5, 3},
    {22.5, 44.5, -5, 45.5, 3}, {18, 46, -4, 42, 3.5},    {14.5, 47, -10, 34, 4},
    {11.5, 48, -18, 20, 5},    {8.5, 49, -21.5, 4, 7},   {5.5, 49.5, -20.5, -7, 8},
    {3, 50, -16, -11, 5}};
#define STATIONS COUNT(MANDIBLE)

/* The direction across the jaw at station i, for z > 0. */
static struct vec3 across(int i)
{
    const double *to = MANDIBLE[i + 1 < STATIONS ? i + 1 : i], *from = MANDIBLE[i > 0 ? i - 1 : 0];

    if (i == 0)
        return nn_phantom_vec(1, 0, 0);
    return nn_phantom_unit(nn_phantom_vec(to[1] - from[1], 0, from[0] - to[0]));
}

static void draw_mandible(struct phantom_scene *scene, struct phantom_head *head, double bare)
{
    struct phantom_ring ring[2 * STATIONS - 1];
    double heavy = nn_phantom_normal(&head->rng, 1, 0.1);
    double chin = nn_phantom_normal(&head->rng, 0, 2), steep = nn_phantom_normal(&head->rng, 0, 2);

    for (int k = 0; k < 2 * STATIONS - 1; k++) {
        int i = k < STATIONS ? STATIONS - 1 - k : k - STATIONS + 1;
        double side = k < STATIONS ? -1 : 1,
               front = nn_phantom_clamp((81 - MANDIBLE[i][0]) / 10, 0, 1);
        const double *m = MANDIBLE[i];
        double body = nn_phantom_clamp((m[0] - 30) / 12, 0, 1);
        double top = m[2] + 9 * bare * body, low = m[3] + steep * (m[0] - 20) / 60;
        double flare = 3 * body; /* the crest lies inside the lower border */
        struct vec3 way = across(i);

        way.z *= side;
        ring[k] = (struct phantom_ring){
            .a = nn_phantom_head_vec(head, m[0] - 1 * (1 - front), top,
                                     side * (m[1] - flare * front)),
            .b = nn_phantom_head_vec(head, m[0] + (2 + chin) * (1 - front), low, side * m[1]),
            .side = nn_vec3_scale(way, heavy * m[4] * head->size.z),
            .square = 0.2,
            .skew = (front < 1 ? -0.3 : -0.12) * body};
    }
    nn_phantom_loft_bone(scene, &head->jaw, ring, COUNT(ring), 3, 14, 1.9, 1.25 * head->density);
}

static void draw_canal(struct phantom_scene *scene, struct phantom_head *head, double side)
{
    static const struct phantom_node CANAL[] = {{19, 14, 45, 1.5, 1.5},
                                                {24, 30, 43, 1.4, 1.4},
                                                {36, 42, 40, 1.4, 1.4},
                                                {52, 49, 34, 1.3, 1.3},
                                                {66, 51, 28, 1.3, 1.3}};
    struct phantom_node node[COUNT(CANAL)];
    struct phantom_ring ring[COUNT(CANAL)];

    for (int i = 0; i < COUNT(CANAL); i++) {
        node[i] = CANAL[i];
        node[i].z *= side;
    }
    nn_phantom_sweep(node, COUNT(CANAL), nn_phantom_vec(0, 0, 1), head->size.x, 0, ring);
    nn_phantom_loft(scene, &head->jaw, ring, COUNT(CANAL), 3, 8, PHANTOM_SOFT - PHANTOM_SPONGE);
}

static void draw_maxilla(struct phantom_scene *scene, struct phantom_head *head, double bare)
{
    /* x, z, top, bottom, half thickness */
    static const double ALVEOLAR[][5] = {{92, 0, 6, 22, 3},        {90.5, 7, 7, 22, 3.5},
                                         {85.5, 14, 7, 21, 4.5},   {79, 20.5, 6, 19.5, 5},
                                         {69, 24.5, 7, 18.5, 5.5}, {59, 27, 8, 17.5, 6},
                                         {50, 29, 8, 16.5, 6},     {44, 30, 6, 14, 4}};
    static const struct phantom_plate PALATE = {
        {{42, 5}, {54, 6.5}, {70, 7}, {84, 6.5}, {94, 6}}, 5, -18, 18, 1.7, {0, -4}};
    struct phantom_ring ring[2 * COUNT(ALVEOLAR) - 1];

    for (int k = 0; k < COUNT(ring); k++) {
        int i = k < COUNT(ALVEOLAR) ? COUNT(ALVEOLAR) - 1 - k : k - COUNT(ALVEOLAR) + 1;
        double side = k < COUNT(ALVEOLAR) ? -1 : 1;
        const double *m = ALVEOLAR[i];
        struct vec3 way = i == 0 ? nn_phantom_vec(1, 0, 0)
                                 : nn_phantom_unit(nn_phantom_vec(0.4 + 0.02 * m[1] * (i < 3), 0,
                                                                  0.03 * m[1] * side));

        ring[k] = (struct phantom_ring){
            .a = nn_phantom_head_vec(head, m[0] + (i < 2 ? 3 - i : 0), m[2], side * m[1]),
            .b = nn_phantom_head_vec(head, m[0] - (i < 2), m[3] - 6 * bare, side * m[1]),
            .side = nn_vec3_scale(way, m[4] * head->size.z),
            .square = 0.15,
            .skew = i < 3 ? 0.2 : -0.2,
            .bend = {i < 3 ? -2.5 * head->size.x : 0, 0, 0}};
    }
    nn_phantom_loft_bone(scene, &head->skull, ring, COUNT(ring), 2, 12, 0.6, head->density);
    nn_phantom_head_plate(scene, head, &PALATE, 0.85 * BONE);
}

void nn_phantom_draw_jaws(struct phantom_scene *scene, struct phantom_head *head,
                          const struct phantom_dental *dental)
{
    draw_mandible(scene, head, dental->lower_bare ? nn_phantom_uniform(&head->rng, 0.5, 1.2) : 0);
    for (int side = -1; side <= 1; side += 2)
        draw_canal(scene, head, side);
    draw_maxilla(scene, head, dental->upper_bare ? 1 : 0);
}
